//! What stands still: where the seats are, which band and name they have, and the outlines around
//! them. Built once from a seat map; positions are kept as two arrays the painter runs through.

use crate::geometry::{Rect, hull};
use crate::text::TextId;
use std::collections::HashMap;
use std::ops::Range;

/// The sign a seat carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyph {
    /// None.
    #[default]
    Plain,
    /// A space for a wheelchair.
    Wheelchair,
    /// A seat for whoever comes along.
    Companion,
}

/// A section.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its name.
    pub name: TextId,
    /// What its name comes down to where there is little room: "214" of "Block 214".
    pub short: TextId,
    /// Its seats.
    pub seats: Range<u32>,
    /// Its rows.
    pub rows: Range<u32>,
    /// Its outline in plan units.
    pub outline: Vec<(f32, f32)>,
    /// The rectangle around outline and seats.
    pub bounds: Rect,
    /// Where its name is written.
    pub label_at: (f32, f32),
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: TextId,
    /// Its seats.
    pub seats: Range<u32>,
}

/// Something with an outline and a name: an area, a stage, a wall.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its name, if it has one.
    pub name: Option<TextId>,
    /// Price band, for areas.
    pub band: Option<u8>,
    /// Whether it is what people come to look at.
    pub stage: bool,
    /// Closed outline in plan units.
    pub outline: Vec<(f32, f32)>,
    /// The rectangle around it.
    pub bounds: Rect,
    /// Where its name is written.
    pub label_at: (f32, f32),
}

/// A house, ready to be drawn.
#[derive(Clone, Debug)]
pub struct House {
    /// Seat centres, x.
    pub xs: Vec<f32>,
    /// Seat centres, y.
    pub ys: Vec<f32>,
    /// Price bands of the seats.
    pub bands: Vec<u8>,
    /// Signs of the seats.
    pub glyphs: Vec<Glyph>,
    /// Labels of the seats.
    pub labels: Vec<TextId>,
    /// Rows.
    pub rows: Vec<Row>,
    /// Sections.
    pub blocks: Vec<Block>,
    /// General-admission areas.
    pub areas: Vec<Outline>,
    /// Stage, pitch, walls.
    pub shapes: Vec<Outline>,
    /// Usual distance between neighbours.
    pub pitch: f32,
    /// Everything.
    pub bounds: Rect,
    /// Price bands, counted up to the highest that a seat or area has.
    pub band_count: usize,
    texts: Vec<String>,
    known: HashMap<String, TextId>,
    last_text: u32,
}

impl House {
    /// A house to add to: blocks, then their rows, then their seats, in the map's order.
    #[must_use]
    pub fn new() -> Self {
        Self {
            xs: Vec::new(),
            ys: Vec::new(),
            bands: Vec::new(),
            glyphs: Vec::new(),
            labels: Vec::new(),
            rows: Vec::new(),
            blocks: Vec::new(),
            areas: Vec::new(),
            shapes: Vec::new(),
            pitch: 1.0,
            bounds: Rect::NOTHING,
            band_count: 1,
            texts: Vec::new(),
            known: HashMap::new(),
            last_text: 0,
        }
    }
    /// Makes room for so many seats.
    pub fn reserve(&mut self, seats: usize) {
        self.xs.reserve(seats);
        self.ys.reserve(seats);
        self.bands.reserve(seats);
        self.glyphs.reserve(seats);
        self.labels.reserve(seats);
    }
    /// Number of seats.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.xs.len() as u32
    }
    /// The number of a word, new or known.
    pub fn text_id(&mut self, text: &str) -> TextId {
        // Seats are labelled 1, 2, 3…: what follows is mostly the word after the last one.
        let guess = TextId(self.last_text + 1);
        if self
            .texts
            .get(guess.0 as usize)
            .is_some_and(|known| known == text)
        {
            self.last_text = guess.0;
            return guess;
        }
        let id = self.look_up(text);
        self.last_text = id.0;
        id
    }
    fn look_up(&mut self, text: &str) -> TextId {
        if let Some(&id) = self.known.get(text) {
            return id;
        }
        let id = TextId(self.texts.len() as u32);
        self.texts.push(text.to_owned());
        self.known.insert(text.to_owned(), id);
        id
    }
    /// A word by number.
    #[must_use]
    pub fn text(&self, id: TextId) -> &str {
        self.texts.get(id.0 as usize).map_or("", String::as_str)
    }
    /// Begins a section. An empty outline becomes the hull of its seats.
    pub fn begin_block(&mut self, name: &str, outline: Vec<(f32, f32)>, label_at: (f32, f32)) {
        let short = self.text_id(short_name(name));
        let name = self.text_id(name);
        let (seats, rows) = (self.seat_count(), self.rows.len() as u32);
        self.blocks.push(Block {
            name,
            short,
            seats: seats..seats,
            rows: rows..rows,
            bounds: Rect::around(&outline),
            outline,
            label_at,
        });
    }
    /// Begins a row of the last section.
    pub fn begin_row(&mut self, name: &str) {
        let name = self.text_id(name);
        let seats = self.seat_count();
        self.rows.push(Row {
            name,
            seats: seats..seats,
        });
        if let Some(block) = self.blocks.last_mut() {
            block.rows.end = self.rows.len() as u32;
        }
    }
    /// Adds a seat to the last row.
    pub fn seat(&mut self, at: (f32, f32), band: u8, glyph: Glyph, label: &str) {
        let label = self.text_id(label);
        self.xs.push(at.0);
        self.ys.push(at.1);
        self.bands.push(band);
        self.glyphs.push(glyph);
        self.labels.push(label);
        let end = self.seat_count();
        if let Some(row) = self.rows.last_mut() {
            row.seats.end = end;
        }
        if let Some(block) = self.blocks.last_mut() {
            block.seats.end = end;
            block.bounds.hold(at.0, at.1);
        }
    }
    /// Adds a general-admission area.
    pub fn area(&mut self, name: &str, band: u8, outline: Vec<(f32, f32)>, label_at: (f32, f32)) {
        let shape = self.outline(name, Some(band), false, outline, label_at);
        self.areas.push(shape);
    }
    /// Adds a stage, pitch or wall.
    pub fn shape(
        &mut self,
        name: &str,
        stage: bool,
        outline: Vec<(f32, f32)>,
        label_at: (f32, f32),
    ) {
        let shape = self.outline(name, None, stage, outline, label_at);
        self.shapes.push(shape);
    }
    fn outline(
        &mut self,
        name: &str,
        band: Option<u8>,
        stage: bool,
        outline: Vec<(f32, f32)>,
        label_at: (f32, f32),
    ) -> Outline {
        let name = (!name.trim().is_empty()).then(|| self.text_id(name));
        Outline {
            name,
            band,
            stage,
            bounds: Rect::around(&outline),
            outline,
            label_at,
        }
    }
    /// Call once after the last seat: finds the usual distance between neighbours, outlines for
    /// sections that have none, and the bounds of it all.
    pub fn finish(&mut self) {
        self.pitch = self.usual_pitch();
        let seats = self.bands.iter().copied().max();
        let areas = self.areas.iter().filter_map(|area| area.band).max();
        self.band_count = seats.max(areas).map_or(1, |band| usize::from(band) + 1);
        self.bounds = Rect::NOTHING;
        for block in &mut self.blocks {
            let seats = block.seats.start as usize..block.seats.end as usize;
            if block.outline.len() < 3 {
                let points: Vec<(f32, f32)> = seats.map(|i| (self.xs[i], self.ys[i])).collect();
                block.outline = hull(&points, self.pitch * 0.75);
            }
            block.bounds = block.bounds.union(Rect::around(&block.outline));
            self.bounds = self.bounds.union(block.bounds);
        }
        for shape in self.areas.iter().chain(&self.shapes) {
            self.bounds = self.bounds.union(shape.bounds);
        }
        if self.bounds.is_nothing() {
            self.bounds = Rect {
                x0: 0.0,
                y0: 0.0,
                x1: 1.0,
                y1: 1.0,
            };
        }
    }
    /// The median distance between seats that follow each other in a row, over a bounded sample.
    fn usual_pitch(&self) -> f32 {
        const SAMPLE: usize = 4096;
        let step = (self.xs.len() / SAMPLE).max(1);
        let mut distances: Vec<f32> = (0..self.xs.len().saturating_sub(1))
            .step_by(step)
            .map(|i| (self.xs[i + 1] - self.xs[i]).hypot(self.ys[i + 1] - self.ys[i]))
            .filter(|d| *d > 1e-3)
            .collect();
        if distances.is_empty() {
            return 1.0;
        }
        let middle = distances.len() / 2;
        *distances.select_nth_unstable_by(middle, f32::total_cmp).1
    }
    /// The section a seat is in.
    #[must_use]
    pub fn block_of(&self, seat: u32) -> Option<usize> {
        let i = self.blocks.partition_point(|block| block.seats.end <= seat);
        (i < self.blocks.len() && self.blocks[i].seats.contains(&seat)).then_some(i)
    }
    /// The topmost section whose outline holds the point.
    #[must_use]
    pub fn block_at(&self, x: f32, y: f32) -> Option<usize> {
        let here = Rect {
            x0: x,
            y0: y,
            x1: x,
            y1: y,
        };
        self.blocks.iter().rposition(|block| {
            block.bounds.meets(here) && crate::geometry::inside(&block.outline, x, y)
        })
    }
    /// The topmost area whose outline holds the point.
    #[must_use]
    pub fn area_at(&self, x: f32, y: f32) -> Option<usize> {
        self.areas
            .iter()
            .rposition(|area| crate::geometry::inside(&area.outline, x, y))
    }
}

/// The last word of a name, if it has a figure in it; else the name.
fn short_name(name: &str) -> &str {
    let last = name.split_whitespace().next_back().unwrap_or(name);
    if last.contains(|c: char| c.is_ascii_digit()) {
        last
    } else {
        name
    }
}

impl Default for House {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small house of two blocks, 20 × 30 and 10 × 12, with a stage.
    pub(crate) fn small() -> House {
        let mut house = House::new();
        for (b, (rows, seats, x0)) in [(20, 30, 0.0_f32), (10, 12, 4000.0)]
            .into_iter()
            .enumerate()
        {
            house.begin_block(&format!("Block {b}"), Vec::new(), (x0 + 300.0, 300.0));
            for r in 0..rows {
                house.begin_row(&r.to_string());
                for s in 0..seats {
                    let glyph = match (r, s) {
                        (0, 0) => Glyph::Wheelchair,
                        (0, 1) => Glyph::Companion,
                        _ => Glyph::Plain,
                    };
                    let at = (x0 + s as f32 * 100.0, r as f32 * 110.0);
                    house.seat(at, (r % 3) as u8, glyph, &(s + 1).to_string());
                }
            }
        }
        let stage = vec![
            (500.0, -900.0),
            (4500.0, -900.0),
            (4500.0, -300.0),
            (500.0, -300.0),
        ];
        house.shape("Stage", true, stage, (2500.0, -600.0));
        house.area(
            "Standing",
            1,
            vec![(0.0, 2500.0), (900.0, 2500.0), (900.0, 3000.0)],
            (600.0, 2600.0),
        );
        house.finish();
        house
    }

    #[test]
    fn pitch_is_the_usual_distance_between_neighbours() {
        assert!((small().pitch - 100.0).abs() < 1.0);
    }

    #[test]
    fn a_section_without_an_outline_gets_one_around_its_seats() {
        let house = small();
        for block in &house.blocks {
            for seat in block.seats.clone() {
                let (x, y) = (house.xs[seat as usize], house.ys[seat as usize]);
                assert!(crate::geometry::inside(&block.outline, x, y));
            }
        }
        assert_eq!(house.block_at(1000.0, 500.0), Some(0));
        assert_eq!(house.block_at(4200.0, 500.0), Some(1));
        assert_eq!(house.block_at(3500.0, 500.0), None);
    }

    #[test]
    fn a_numbered_name_comes_down_to_its_number() {
        assert_eq!(short_name("Block 214"), "214");
        assert_eq!(short_name("Box left"), "Box left");
        assert_eq!(short_name("12A"), "12A");
        assert_eq!(short_name(""), "");
    }

    #[test]
    fn seats_know_their_section() {
        let house = small();
        assert_eq!(house.block_of(0), Some(0));
        assert_eq!(house.block_of(599), Some(0));
        assert_eq!(house.block_of(600), Some(1));
        assert_eq!(house.block_of(720), None);
    }

    #[test]
    fn the_same_word_is_kept_once() {
        let mut house = small();
        assert_eq!(house.text_id("Stage"), house.text_id("Stage"));
        let id = house.text_id("from 12 €");
        assert_eq!(house.text(id), "from 12 €");
    }

    #[test]
    fn an_empty_house_has_bounds_and_a_pitch() {
        let mut house = House::new();
        house.finish();
        assert!(house.bounds.width() > 0.0);
        assert!(house.pitch > 0.0);
    }
}
