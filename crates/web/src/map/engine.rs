//! Keeps one map on one canvas up to date: what it shows, where it looks, and what of it must be
//! painted again in the next frame.

mod aim;

use seat_painter::viewport::Insets;
use seat_painter::{BlockLabel, Clip, Fade, House, Painter, Scene, TextId, Viewport};
use wasm_bindgen::{Clamped, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::theme::{Theme, prefers_calm};
use super::writer::{Writer, context_of};
use crate::browser;

/// How long a seat that changes takes to look changed.
const FADE_MS: f64 = 300.0;
/// How much of that is over when it is first painted: news is seen at once, and then settles.
const FADE_BEGUN_MS: f64 = 50.0;
/// How long moving to another place in the house takes.
const GLIDE_MS: f64 = 200.0;
/// More changed places than this are painted in one go.
const MOST_CLIPS: usize = 160;
/// Most device pixels a map has; beyond, it is drawn a little coarser.
const MOST_PIXELS: f64 = 6.0e6;

/// What has to be painted.
enum Dirty {
    Nothing,
    Parts(Vec<Clip>),
    Everything,
}

struct Fading {
    seat: u32,
    from: u8,
    since_ms: f64,
}

struct Glide {
    from: Viewport,
    to: Viewport,
    since_ms: f64,
}

/// What the map tells the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MapEvent {
    /// A seat was asked for.
    Pick(u32),
    /// An area was asked for.
    PickArea(usize),
    /// The pointer is over a seat (or over none).
    Hover(Option<u32>),
    /// The keyboard is at a seat (or at none).
    Focus(Option<u32>),
    /// The view has moved.
    Moved,
}

/// A map on a canvas.
pub(crate) struct Engine {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    painter: Painter,
    writer: Writer,
    pub(crate) view: Viewport,
    packed: Vec<u8>,
    bands: Option<Vec<bool>>,
    yours: Vec<u32>,
    fades: Vec<Fading>,
    focus: Option<u32>,
    hover: Option<u32>,
    hot_block: Option<usize>,
    labels: Vec<BlockLabel>,
    area_notes: Vec<Option<TextId>>,
    glide: Option<Glide>,
    dirty: Dirty,
    calm: bool,
    /// Painted frames, for the benchmark.
    pub(crate) frames: u64,
}

impl Engine {
    /// A map of `house` on `canvas`, everything free, the whole house in sight.
    pub(crate) fn new(canvas: HtmlCanvasElement, house: House) -> Result<Self, JsValue> {
        let context = context_of(&canvas)?;
        let theme = Theme::read(house.band_count);
        let writer = Writer::new(theme.font)?;
        let painter = Painter::new(house, theme.palette);
        let view = Viewport::new(painter.house().bounds, painter.house().pitch, 1.0, 1.0, 1.0);
        let mut engine = Self {
            canvas,
            context,
            painter,
            writer,
            view,
            packed: Vec::new(),
            bands: None,
            yours: Vec::new(),
            fades: Vec::new(),
            focus: None,
            hover: None,
            hot_block: None,
            labels: Vec::new(),
            area_notes: Vec::new(),
            glide: None,
            dirty: Dirty::Everything,
            calm: prefers_calm(),
            frames: 0,
        };
        engine.fit_canvas(Insets::default());
        Ok(engine)
    }

    pub(crate) fn house(&self) -> &House {
        self.painter.house()
    }
    pub(crate) fn painter(&self) -> &Painter {
        &self.painter
    }
    pub(crate) fn canvas(&self) -> &HtmlCanvasElement {
        &self.canvas
    }
    pub(crate) fn focus(&self) -> Option<u32> {
        self.focus
    }

    /// Makes the canvas as large as its box; `insets` in CSS pixels are covered by something else.
    pub(crate) fn fit_canvas(&mut self, insets: Insets) {
        let (width, height) = (
            f64::from(self.canvas.client_width()),
            f64::from(self.canvas.client_height()),
        );
        if width < 1.0 || height < 1.0 {
            return;
        }
        let wanted = browser::window().device_pixel_ratio();
        let dpr = wanted.min((MOST_PIXELS / (width * height)).sqrt()).max(0.5);
        let (w, h) = ((width * dpr).round(), (height * dpr).round());
        if (
            f64::from(self.canvas.width()),
            f64::from(self.canvas.height()),
        ) != (w, h)
        {
            self.canvas.set_width(w as u32);
            self.canvas.set_height(h as u32);
        }
        let insets = Insets {
            left: insets.left * dpr,
            top: insets.top * dpr,
            right: insets.right * dpr,
            bottom: insets.bottom * dpr,
        };
        let before = self.view;
        self.view.resize(w, h, dpr, insets);
        self.painter.resize(w as usize, h as usize, dpr as f32);
        if self.view == before && self.frames > 0 {
            return; // The browser tells of a size once more when it begins to watch it.
        }
        self.glide = None;
        self.dirty = Dirty::Everything;
    }

    /// Reads colours and fonts again.
    pub(crate) fn restyle(&mut self) {
        let theme = Theme::read(self.painter.house().band_count);
        self.painter.set_palette(theme.palette);
        self.writer.set_font(theme.font);
        self.painter.forget_masks();
        self.calm = prefers_calm();
        self.dirty = Dirty::Everything;
    }

    /// All statuses anew. Seats that changed since the last time fade, unless there is no last time.
    pub(crate) fn set_statuses(&mut self, packed: &[u8], now_ms: f64) {
        let known = self.packed.len() == packed.len();
        if !known {
            self.packed.clear();
            self.packed.extend_from_slice(packed);
            self.dirty = Dirty::Everything;
            return;
        }
        for (i, &new) in packed.iter().enumerate() {
            let old = self.packed[i];
            if old == new {
                continue;
            }
            for k in 0..4_u32 {
                let (a, b) = (old >> (k * 2) & 3, new >> (k * 2) & 3);
                if a != b {
                    let seat = i as u32 * 4 + k;
                    self.fades.retain(|fade| fade.seat != seat);
                    if !self.calm && seat < self.painter.house().seat_count() {
                        self.fades.push(Fading {
                            seat,
                            from: a,
                            since_ms: now_ms - FADE_BEGUN_MS,
                        });
                    }
                    self.touch(seat);
                }
            }
            self.packed[i] = new;
        }
    }

    pub(crate) fn set_yours(&mut self, yours: Vec<u32>) {
        if yours != self.yours {
            for seat in core::mem::replace(&mut self.yours, yours) {
                self.touch_marked(seat);
            }
            for seat in self.yours.clone() {
                self.touch_marked(seat);
            }
        }
    }

    pub(crate) fn set_bands(&mut self, bands: Option<Vec<bool>>) {
        if bands != self.bands {
            self.bands = bands;
            self.dirty = Dirty::Everything;
        }
    }

    /// What stands on sections (share free and a note each) and on areas.
    pub(crate) fn set_labels(
        &mut self,
        blocks: &[(Option<String>, f32)],
        areas: &[Option<String>],
    ) {
        let labels: Vec<BlockLabel> = blocks
            .iter()
            .map(|(note, free)| BlockLabel {
                note: note.as_deref().map(|note| self.painter.text_id(note)),
                free: *free,
            })
            .collect();
        let areas: Vec<Option<TextId>> = areas
            .iter()
            .map(|note| note.as_deref().map(|note| self.painter.text_id(note)))
            .collect();
        let notes = |labels: &[BlockLabel]| labels.iter().map(|l| l.note).collect::<Vec<_>>();
        if notes(&labels) != notes(&self.labels) || areas != self.area_notes {
            // A longer note may take the room of the one beside it.
            self.dirty = Dirty::Everything;
        } else {
            for (i, &new) in labels.iter().enumerate() {
                let old = self.labels[i];
                // Less than a step of the bar is not worth a repaint.
                if (old.free * 28.0).round() != (new.free * 28.0).round() {
                    let clip = self.painter.block_clip(&self.view, i);
                    self.mark(clip);
                }
            }
        }
        self.labels = labels;
        self.area_notes = areas;
    }

    pub(crate) fn set_focus(&mut self, focus: Option<u32>) {
        if focus != self.focus {
            for seat in [core::mem::replace(&mut self.focus, focus), focus]
                .into_iter()
                .flatten()
            {
                self.touch_marked(seat);
            }
        }
    }

    pub(crate) fn set_hover(&mut self, hover: Option<u32>, block: Option<usize>) {
        if hover != self.hover {
            for seat in [core::mem::replace(&mut self.hover, hover), hover]
                .into_iter()
                .flatten()
            {
                self.touch_marked(seat);
            }
        }
        if block != self.hot_block {
            for block in [core::mem::replace(&mut self.hot_block, block), block]
                .into_iter()
                .flatten()
            {
                let clip = self.painter.block_clip(&self.view, block);
                self.mark(clip);
            }
        }
    }

    /// A seat looks different: repaints it, and no more than that, for many may change at once.
    fn touch(&mut self, seat: u32) {
        let marked = self.yours.contains(&seat) || [self.focus, self.hover].contains(&Some(seat));
        if marked {
            return self.touch_marked(seat);
        }
        if seat < self.painter.house().seat_count() {
            let clip = self.painter.seat_clip(&self.view, seat);
            self.mark(clip);
        }
    }

    /// A seat gains or loses a mark, which is larger than a seat.
    fn touch_marked(&mut self, seat: u32) {
        if seat < self.painter.house().seat_count() {
            let clip = self.painter.mark_clip(&self.view, seat);
            self.mark(clip);
        }
    }

    fn mark(&mut self, clip: Clip) {
        if clip.is_empty() {
            return;
        }
        match &mut self.dirty {
            Dirty::Everything => {}
            Dirty::Nothing => self.dirty = Dirty::Parts(vec![clip]),
            Dirty::Parts(parts) => {
                if !parts.contains(&clip) {
                    parts.push(clip);
                }
                let area: i64 = parts.iter().map(|part| part.area()).sum();
                if parts.len() > MOST_CLIPS || area * 2 > self.painter.frame().whole().area() {
                    self.dirty = Dirty::Everything;
                }
            }
        }
    }

    /// Changes the view at once.
    pub(crate) fn look(&mut self, change: impl FnOnce(&mut Viewport)) {
        self.glide = None;
        change(&mut self.view);
        self.dirty = Dirty::Everything;
    }

    /// Changes the view in a short motion, or at once where motion is not wanted.
    pub(crate) fn glide(&mut self, now_ms: f64, change: impl FnOnce(&mut Viewport)) {
        let mut to = self.glide.as_ref().map_or(self.view, |glide| glide.to);
        change(&mut to);
        if self.calm {
            self.look(|view| *view = to);
        } else {
            self.glide = Some(Glide {
                from: self.view,
                to,
                since_ms: now_ms,
            });
        }
    }

    /// Paints what needs it. True while more frames are needed; `moved` tells of a moving view.
    pub(crate) fn frame(&mut self, now_ms: f64) -> Result<Next, JsValue> {
        let mut next = Next {
            again: false,
            moved: false,
        };
        if let Some(glide) = &self.glide {
            let t = ((now_ms - glide.since_ms) / GLIDE_MS).clamp(0.0, 1.0);
            let eased = 1.0 - (1.0 - t).powi(3);
            self.view = glide.from.towards(&glide.to, eased);
            next.moved = true;
            if t >= 1.0 {
                self.glide = None;
            }
            self.dirty = Dirty::Everything;
        }
        for i in 0..self.fades.len() {
            let seat = self.fades[i].seat;
            self.touch(seat);
        }
        self.fades.retain(|fade| now_ms - fade.since_ms < FADE_MS);
        next.again = self.glide.is_some() || !self.fades.is_empty();
        let dirty = core::mem::replace(&mut self.dirty, Dirty::Nothing);
        match dirty {
            Dirty::Nothing => return Ok(next),
            Dirty::Everything => {
                // The first frame is not painted twice for want of words. A note is looked for once
                // the name above it is known.
                for _ in 0..if self.frames == 0 { 3 } else { 0 } {
                    let scene = Scene {
                        packed: &self.packed,
                        labels: &self.labels,
                        area_notes: &self.area_notes,
                        ..Scene::EMPTY
                    };
                    self.painter.look_for_words(&self.view, &scene);
                    if !self.writer.supply(&mut self.painter, self.view.dpr)? {
                        break;
                    }
                }
                self.paint(now_ms, None);
            }
            Dirty::Parts(parts) => {
                self.paint(now_ms, Some(&parts));
                if !self.writer.supply(&mut self.painter, self.view.dpr)? {
                    self.show(Some(&parts))?;
                    return Ok(next);
                }
                self.paint(now_ms, None);
            }
        }
        // Words met for the first time are drawn now, and the frame once more.
        if self.writer.supply(&mut self.painter, self.view.dpr)? {
            self.paint(now_ms, None);
        }
        self.show(None)?;
        Ok(next)
    }

    fn paint(&mut self, now_ms: f64, parts: Option<&[Clip]>) {
        let fades: Vec<Fade> = self
            .fades
            .iter()
            .map(|fade| Fade {
                seat: fade.seat,
                from: fade.from,
                left: (1.0 - (now_ms - fade.since_ms) / FADE_MS) as f32,
            })
            .collect();
        let scene = Scene {
            packed: &self.packed,
            bands: self.bands.as_deref(),
            yours: &self.yours,
            fades: &fades,
            focus: self.focus,
            hover: self.hover,
            hot_block: self.hot_block,
            labels: &self.labels,
            area_notes: &self.area_notes,
        };
        match parts {
            None => self.painter.paint(&self.view, &scene),
            Some(parts) => {
                for &part in parts {
                    self.painter.paint_clip(&self.view, &scene, part);
                }
            }
        }
    }

    /// Hands pixels to the canvas, straight from this program's memory.
    fn show(&mut self, parts: Option<&[Clip]>) -> Result<(), JsValue> {
        self.frames += 1;
        let frame = self.painter.frame();
        let (width, height) = (frame.width() as u32, frame.height() as u32);
        let image =
            ImageData::new_with_u8_clamped_array_and_sh(Clamped(frame.bytes()), width, height)?;
        let Some(parts) = parts else {
            return self.context.put_image_data(&image, 0.0, 0.0);
        };
        for part in parts {
            self.context
                .put_image_data_with_dirty_x_and_dirty_y_and_dirty_width_and_dirty_height(
                    &image,
                    0.0,
                    0.0,
                    f64::from(part.x0),
                    f64::from(part.y0),
                    f64::from(part.x1 - part.x0),
                    f64::from(part.y1 - part.y0),
                )?;
        }
        Ok(())
    }
}

/// What a frame left to do.
pub(crate) struct Next {
    /// Another frame is needed.
    pub(crate) again: bool,
    /// The view is in motion.
    pub(crate) moved: bool,
}
