//! How sections are named when far out: on plates that never touch each other.
//!
//! What is written depends on the scale alone, not on where one looks, so that painting a part gives
//! the same pixels as painting everything, and panning lays nothing out anew.

use super::{Painter, Sight};
use crate::house::{Block, House};
use crate::scene::{BlockLabel, Scene};
use crate::text::{TextBook, TextId, TextStyle};

/// With more sections than this nobody looks whether their plates touch: that is a look at each pair.
const MOST_COMPARED: usize = 600;
/// No letter of a name is narrower than this, in CSS pixels: what cannot fit is not even rasterised.
const LEAST_LETTER: f32 = 3.0;

/// What is written on one section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plate {
    pub(super) name: TextId,
    pub(super) style: TextStyle,
    pub(super) note: Option<TextId>,
    pub(super) bar: bool,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// The plates of a house at one scale.
#[derive(Debug, Default)]
pub(super) struct Plates {
    pub(super) all: Vec<Option<Plate>>,
    /// What they were laid out for: scale, words known, and what stands below each name.
    made_for: Option<(u32, u32, Vec<Option<TextId>>)>,
}

/// Lays plates out at one scale.
struct Layout<'a> {
    house: &'a House,
    texts: &'a mut TextBook,
    labels: &'a [BlockLabel],
    scale: f32,
    dpr: f32,
}

impl Painter {
    /// Makes the plates for this scale if they are for another.
    pub(super) fn lay_out_plates(&mut self, sight: &Sight, scene: &Scene<'_>) {
        let notes = || scene.labels.iter().map(|label| label.note);
        let scale = sight.scale.to_bits();
        let known = self.plates.made_for.as_ref();
        if known.is_some_and(|(at, words, for_notes)| {
            *at == scale
                && *words == self.texts.version()
                && for_notes.len() == scene.labels.len()
                && notes().eq(for_notes.iter().copied())
        }) {
            return;
        }
        let mut layout = Layout {
            house: &self.house,
            texts: &mut self.texts,
            labels: scene.labels,
            scale: sight.scale,
            dpr: sight.dpr,
        };
        self.plates.all = layout.plates();
        self.plates.made_for = Some((scale, self.texts.version(), notes().collect()));
    }
}

impl Layout<'_> {
    fn plates(&mut self) -> Vec<Option<Plate>> {
        let house = self.house;
        let mut plates: Vec<Option<Plate>> = vec![None; house.blocks.len()];
        // The names first, each as short as it may be; then what else there is room for.
        for (i, block) in house.blocks.iter().enumerate() {
            let short = self.short(block);
            plates[i] = short.filter(|plate| self.is_free(&plates, i, plate));
        }
        for (i, block) in house.blocks.iter().enumerate() {
            if plates[i].is_none() {
                continue;
            }
            for bare in [false, true] {
                let larger = self.named(i, block, block.name, bare);
                let larger = larger.or_else(|| self.named(i, block, block.short, bare));
                if let Some(larger) = larger.filter(|plate| self.is_free(&plates, i, plate)) {
                    plates[i] = Some(larger);
                    break;
                }
            }
        }
        plates
    }

    fn room(&self, block: &Block) -> (f32, f32) {
        let bounds = block.bounds;
        (bounds.width() * self.scale, bounds.height() * self.scale)
    }

    fn width_of(&mut self, text: TextId, style: TextStyle, room: f32) -> Option<f32> {
        let letters = self.house.text(text).chars().count() as f32;
        if letters * LEAST_LETTER * self.dpr > room {
            return None;
        }
        let mask = self.texts.get(text, style)?;
        Some(mask.width as f32).filter(|width| *width <= room)
    }

    /// The least that names a section: its number, in small letters where there is no room for more.
    fn short(&mut self, block: &Block) -> Option<Plate> {
        let (room, height) = self.room(block);
        let d = self.dpr;
        if height < 12.0 * d {
            return None;
        }
        let plate = |style, width, height| Plate {
            name: block.short,
            style,
            note: None,
            bar: false,
            width,
            height,
        };
        if height >= 14.0 * d
            && let Some(width) = self.width_of(block.short, TextStyle::Name, room - 4.0 * d)
        {
            return Some(plate(TextStyle::Name, width + 6.0 * d, 18.0 * d));
        }
        // A small name may stand out a little on both sides.
        let width = self.width_of(block.short, TextStyle::Note, room + 6.0 * d)?;
        Some(plate(TextStyle::Note, width, 14.0 * d))
    }

    /// A name with the note and the bar that there is room for; `bare`: with neither.
    fn named(&mut self, i: usize, block: &Block, name: TextId, bare: bool) -> Option<Plate> {
        let (room, high) = self.room(block);
        let d = self.dpr;
        if high < 14.0 * d {
            return None;
        }
        let name_width = self.width_of(name, TextStyle::Name, room - 6.0 * d)?;
        let label = self.labels.get(i).filter(|_| !bare);
        let note = label
            .and_then(|label| label.note)
            .filter(|_| high >= 34.0 * d);
        let note_width = note.and_then(|note| self.width_of(note, TextStyle::Note, room - 4.0 * d));
        let bar = label.is_some() && high >= 50.0 * d && room >= 40.0 * d;
        let inner = name_width
            .max(note_width.unwrap_or(0.0))
            .max(if bar { 32.0 * d } else { 0.0 });
        let below = note_width.map_or(0.0, |_| 14.0 * d) + if bar { 8.0 * d } else { 0.0 };
        Some(Plate {
            name,
            style: TextStyle::Name,
            note: note.filter(|_| note_width.is_some()),
            bar,
            width: inner + 10.0 * d,
            height: 18.0 * d + below,
        })
    }

    /// Whether no other plate comes near it.
    fn is_free(&self, plates: &[Option<Plate>], i: usize, plate: &Plate) -> bool {
        if plates.len() > MOST_COMPARED {
            return true;
        }
        let blocks = &self.house.blocks;
        let (x, y) = blocks[i].label_at;
        let gap = self.dpr;
        plates
            .iter()
            .zip(blocks)
            .enumerate()
            .all(|(k, (other, at))| {
                let Some(other) = other.filter(|_| k != i) else {
                    return true;
                };
                let (dx, dy) = (at.label_at.0 - x, at.label_at.1 - y);
                dx.abs() * self.scale >= (plate.width + other.width) * 0.5 + gap
                    || dy.abs() * self.scale >= (plate.height + other.height) * 0.5 + gap
            })
    }
}
