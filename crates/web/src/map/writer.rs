//! Rasterises words for the painter: one canvas for many words at once, read back once.

use seat_painter::{Mask, Missing, Painter, TextStyle};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::browser;

/// Width of the sheet on which words are laid out, in device pixels.
const SHEET: usize = 1024;
/// Most rows of a sheet; what does not fit goes onto the next one.
const MOST_ROWS: usize = 2048;
/// Longest word that is drawn, in letters; names beyond are cut.
const MOST_LETTERS: usize = 48;

/// Where a word lies on the sheet.
struct Spot {
    of: Missing,
    text: String,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    baseline: usize,
}

/// A canvas nobody sees.
pub(crate) struct Writer {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    font: String,
}

impl Writer {
    /// Writes in `font`.
    pub(crate) fn new(font: String) -> Result<Self, JsValue> {
        let canvas: HtmlCanvasElement = browser::document()
            .create_element("canvas")?
            .dyn_into::<HtmlCanvasElement>()?;
        let context = context_of(&canvas)?;
        Ok(Self {
            canvas,
            context,
            font,
        })
    }

    /// Another font from now on.
    pub(crate) fn set_font(&mut self, font: String) {
        self.font = font;
    }

    /// Rasterises everything `painter` missed; true if there was anything.
    pub(crate) fn supply(&self, painter: &mut Painter, dpr: f64) -> Result<bool, JsValue> {
        let mut missing = painter.take_missing();
        if missing.is_empty() {
            return Ok(false);
        }
        missing.sort_by_key(|m| m.style as u8);
        let mut spots = Vec::with_capacity(missing.len());
        let (mut x, mut y, mut row) = (0, 0, 0);
        let mut style = None;
        for of in missing {
            let (height, baseline) = line_of(of.style, dpr);
            if style != Some(of.style) {
                style = Some(of.style);
                self.context.set_font(&self.font_of(of.style, dpr));
            }
            let text: String = painter
                .house()
                .text(of.text)
                .chars()
                .take(MOST_LETTERS)
                .collect();
            let width = self.context.measure_text(&text)?.width().ceil() as usize + 2;
            let width = width.clamp(1, SHEET);
            if x + width > SHEET || height != row {
                if y + row + height > MOST_ROWS {
                    self.draw(painter, &spots, y + row, dpr)?;
                    spots.clear();
                    // Resizing the canvas has reset its font.
                    self.context.set_font(&self.font_of(of.style, dpr));
                    y = 0;
                } else {
                    y += row;
                }
                (x, row) = (0, height);
            }
            spots.push(Spot {
                of,
                text,
                x,
                y,
                width,
                height,
                baseline,
            });
            x += width;
        }
        self.draw(painter, &spots, y + row, dpr)?;
        Ok(true)
    }

    fn draw(
        &self,
        painter: &mut Painter,
        spots: &[Spot],
        rows: usize,
        dpr: f64,
    ) -> Result<(), JsValue> {
        if spots.is_empty() {
            return Ok(());
        }
        self.canvas.set_width(SHEET as u32);
        self.canvas.set_height(rows as u32);
        // Only the cover counts; the colour of the sheet's ink is nobody's.
        self.context.set_text_baseline("alphabetic");
        let mut style = None;
        for spot in spots {
            if style != Some(spot.of.style) {
                style = Some(spot.of.style);
                self.context.set_font(&self.font_of(spot.of.style, dpr));
            }
            let (x, y) = (spot.x as f64 + 1.0, (spot.y + spot.baseline) as f64);
            self.context.fill_text(&spot.text, x, y)?;
        }
        let sheet = self
            .context
            .get_image_data(0.0, 0.0, SHEET as f64, rows as f64)?
            .data()
            .0;
        for spot in spots {
            let mut alpha = Vec::with_capacity(spot.width * spot.height);
            for row in spot.y..spot.y + spot.height {
                let start = (row * SHEET + spot.x) * 4;
                alpha.extend(
                    sheet[start..start + spot.width * 4]
                        .iter()
                        .skip(3)
                        .step_by(4),
                );
            }
            let mask = Mask {
                width: spot.width,
                height: spot.height,
                baseline: spot.baseline,
                alpha,
            };
            painter.put_mask(spot.of, mask);
        }
        Ok(())
    }

    fn font_of(&self, style: TextStyle, dpr: f64) -> String {
        let (size, weight) = style.font();
        format!("{weight} {}px {}", f64::from(size) * dpr, self.font)
    }
}

/// Height of a line and where its letters stand, in device pixels. Chosen so that figures and capitals
/// are in the middle.
fn line_of(style: TextStyle, dpr: f64) -> (usize, usize) {
    let size = f64::from(style.font().0) * dpr;
    let baseline = (size * 1.02).round();
    ((baseline + size * 0.32).round() as usize, baseline as usize)
}

/// A 2D context that keeps its pixels in main memory: they are written and read by the processor.
pub(crate) fn context_of(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &JsValue::TRUE)?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    context
        .ok_or_else(|| JsValue::from_str("no 2D canvas"))?
        .dyn_into::<CanvasRenderingContext2d>()
        .map_err(Into::into)
}
