//! Canonical bytes of a [`SeatMap`]. About 2 to 3 bytes a seat: labels are written as arithmetic
//! progressions, coordinates as differences from a straight, evenly spaced row.
//!
//! ```text
//! "OSM1"  name  bands  focal point  sections(name, label, outline, rows)  areas  shapes
//! row     name  seats n  labels  points  bands as runs  attributes as runs  gaps
//! ```

use super::{
    Area, Point, PriceBand, Row, RowSpec, SeatAttributes, SeatMap, SeatMapSpec, SeatSpec,
    SectionSpec, Shape, ShapeKind,
};
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{BandIx, SeatIx};
use alloc::{format, string::String, vec::Vec};

/// Format and its version.
const MAGIC: &[u8; 4] = b"OSM1";

impl SeatMap {
    /// Canonical bytes (versioned); what a server keeps and a browser downloads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256 + self.seat_bands.len() * 3);
        out.raw(MAGIC);
        out.str(&self.name);
        out.count(self.bands.len());
        for band in &self.bands {
            out.str(&band.name);
        }
        write_point(&mut out, self.focal_point, Point::default());
        out.count(self.sections.len());
        let mut before = Point::default();
        for section in &self.sections {
            out.str(&section.name);
            write_point(&mut out, section.label_at, Point::default());
            write_outline(&mut out, &section.outline);
            out.count(section.rows.len());
            for row in &self.rows[section.rows.start as usize..section.rows.end as usize] {
                self.write_row(&mut out, row, before);
                before = self.point(SeatIx(row.seats.start));
            }
        }
        out.count(self.areas.len());
        for area in &self.areas {
            out.str(&area.name);
            out.varint(area.capacity.into());
            out.u8(area.band.0);
            write_point(&mut out, area.label_at, Point::default());
            write_outline(&mut out, &area.outline);
        }
        out.count(self.shapes.len());
        for shape in &self.shapes {
            out.u8(match shape.kind {
                ShapeKind::Stage => 0,
                ShapeKind::Decor => 1,
            });
            out.str(&shape.text);
            write_point(&mut out, shape.label_at, Point::default());
            write_outline(&mut out, &shape.outline);
        }
        out.finish()
    }

    /// Reads what [`encode`](Self::encode) wrote. Accepts nothing that `encode` would not have
    /// written for a map that [`build`](Self::build) would have built.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let spec = read_spec(bytes)?;
        let (map, canonical) = Self::build_and_encode(spec).map_err(|_| DecodeError {
            at: 0,
            what: "the seat map is not a valid one",
        })?;
        if canonical != bytes {
            let at = canonical
                .iter()
                .zip(bytes)
                .take_while(|(a, b)| a == b)
                .count();
            return Err(DecodeError {
                at,
                what: "not the canonical form of a seat map",
            });
        }
        Ok(map)
    }

    fn write_row(&self, out: &mut Writer, row: &Row, before: Point) {
        out.str(&row.name);
        out.count(row.seats.len());
        let labels: Vec<&str> = row.seats.clone().map(|i| self.label(SeatIx(i))).collect();
        write_labels(out, &labels);
        let mut predictor = Predictor::new(before);
        for i in row.seats.clone() {
            let point = self.point(SeatIx(i));
            write_point(out, point, predictor.next());
            predictor.saw(point);
        }
        let range = row.seats.start as usize..row.seats.end as usize;
        write_runs(out, &self.seat_bands[range.clone()]);
        write_runs(out, &self.seat_attributes[range]);
        let last = row.seats.end - 1;
        let gaps: Vec<u32> = (row.seats.start..last)
            .filter(|i| self.next(SeatIx(*i)).is_none())
            .map(|i| i - row.seats.start)
            .collect();
        out.ascending(gaps.into_iter());
    }
}

fn read_spec(bytes: &[u8]) -> Result<SeatMapSpec, DecodeError> {
    let mut reader = Reader::new(bytes);
    let input = &mut reader;
    input.expect(MAGIC, "not a seat map of a known version")?;
    let name = input.string()?;
    let bands = list(input, 1, |input| {
        Ok(PriceBand {
            name: input.string()?,
        })
    })?;
    let focal_point = Some(read_point(input, Point::default())?);
    let mut before = Point::default();
    let sections = list(input, 5, |input| {
        Ok(SectionSpec {
            name: input.string()?,
            label_at: Some(read_point(input, Point::default())?),
            outline: read_outline(input)?,
            rows: list(input, 8, |input| {
                let row = read_row(input, before)?;
                before = row.seats.first().map_or(before, |seat| seat.at);
                Ok(row)
            })?,
        })
    })?;
    let areas = list(input, 6, |input| {
        Ok(Area {
            name: input.string()?,
            capacity: input.u32()?,
            band: BandIx(input.u8()?),
            label_at: read_point(input, Point::default())?,
            outline: read_outline(input)?,
        })
    })?;
    let shapes = list(input, 5, |input| {
        Ok(Shape {
            kind: match input.u8()? {
                0 => ShapeKind::Stage,
                1 => ShapeKind::Decor,
                _ => return Err(input.fault("unknown kind of shape")),
            },
            text: input.string()?,
            label_at: read_point(input, Point::default())?,
            outline: read_outline(input)?,
        })
    })?;
    reader.finish()?;
    Ok(SeatMapSpec {
        name,
        bands,
        sections,
        areas,
        shapes,
        focal_point,
    })
}

fn read_row(input: &mut Reader<'_>, before: Point) -> Result<RowSpec, DecodeError> {
    let name = input.string()?;
    // Each seat's point takes at least two bytes, so the count bounds what is allocated below.
    let count = input.count(2)?;
    let labels = read_labels(input, count)?;
    let mut predictor = Predictor::new(before);
    let mut points = Vec::with_capacity(count);
    for _ in 0..count {
        let point = read_point(input, predictor.next())?;
        predictor.saw(point);
        points.push(point);
    }
    let bands = read_runs(input, count)?;
    let attributes = read_runs(input, count)?;
    let gaps = input.ascending(count.saturating_sub(1) as u32)?;
    let mut seats: Vec<SeatSpec> = labels
        .into_iter()
        .zip(points)
        .zip(bands.into_iter().zip(attributes))
        .map(|((label, at), (band, attributes))| SeatSpec {
            label,
            band,
            attributes: SeatAttributes(attributes),
            at,
            gap_after: false,
        })
        .collect();
    for gap in gaps {
        seats[gap as usize].gap_after = true;
    }
    Ok(RowSpec { name, seats })
}

fn list<'a, T>(
    input: &mut Reader<'a>,
    least_bytes: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = input.count(least_bytes)?;
    // Not `with_capacity(count)`: an item in memory may be many times its least bytes.
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(input)?);
    }
    Ok(items)
}

/// Guesses each seat's place: as far from the last as the last was from the one before.
struct Predictor {
    last: Point,
    step: Point,
    seen: bool,
}

impl Predictor {
    fn new(before: Point) -> Self {
        Self {
            last: before,
            step: Point::default(),
            seen: false,
        }
    }
    // Wrapping: decoded points are not yet known to be in range.
    fn next(&self) -> Point {
        Point {
            x: self.last.x.wrapping_add(self.step.x),
            y: self.last.y.wrapping_add(self.step.y),
        }
    }
    fn saw(&mut self, point: Point) {
        if self.seen {
            self.step = Point {
                x: point.x.wrapping_sub(self.last.x),
                y: point.y.wrapping_sub(self.last.y),
            };
        }
        (self.last, self.seen) = (point, true);
    }
}

fn write_point(out: &mut Writer, point: Point, guess: Point) {
    out.zigzag(i64::from(point.x) - i64::from(guess.x));
    out.zigzag(i64::from(point.y) - i64::from(guess.y));
}

fn read_point(input: &mut Reader<'_>, guess: Point) -> Result<Point, DecodeError> {
    let mut coordinate = |guess: i32| {
        let difference = input.zigzag()?;
        difference
            .checked_add(guess.into())
            .and_then(|value| i32::try_from(value).ok())
            .ok_or_else(|| input.fault("coordinate out of range"))
    };
    Ok(Point {
        x: coordinate(guess.x)?,
        y: coordinate(guess.y)?,
    })
}

fn write_outline(out: &mut Writer, outline: &[Point]) {
    out.count(outline.len());
    let mut before = Point::default();
    for point in outline {
        write_point(out, *point, before);
        before = *point;
    }
}

fn read_outline(input: &mut Reader<'_>) -> Result<Vec<Point>, DecodeError> {
    let mut before = Point::default();
    list(input, 2, |input| {
        before = read_point(input, before)?;
        Ok(before)
    })
}

/// Runs of equal bytes: value, length; the lengths add up to the number of seats.
fn write_runs(out: &mut Writer, values: &[u8]) {
    for run in values.chunk_by(|a, b| a == b) {
        out.u8(run[0]);
        out.count(run.len());
    }
}

fn read_runs(input: &mut Reader<'_>, count: usize) -> Result<Vec<u8>, DecodeError> {
    let mut values = Vec::with_capacity(count);
    while values.len() < count {
        let value = input.u8()?;
        let length = input.varint()?;
        let left = (count - values.len()) as u64;
        if length == 0 || length > left {
            return Err(input.fault("a run of the wrong length"));
        }
        values.resize(values.len() + length as usize, value);
    }
    Ok(values)
}

/// The number a label stands for if it is written the plain way: `7`, not `07`.
fn number(label: &str) -> Option<u32> {
    let plain = label.len() == 1 || !label.starts_with('0');
    let digits = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits {
        label.parse().ok()
    } else {
        None
    }
}

/// Stretches of labels: length × 2 + 1, start and step of numbers; or length × 2 and the texts.
fn write_labels(out: &mut Writer, labels: &[&str]) {
    let mut at = 0;
    while at < labels.len() {
        let rest = &labels[at..];
        let numbers = progression(rest);
        if numbers > 0 {
            out.count(numbers << 1 | 1);
            let start = number(rest[0]).map_or(0, i64::from);
            out.varint(start as u64);
            if let Some(second) = rest[..numbers].get(1).copied().and_then(number) {
                out.zigzag(i64::from(second) - start);
            }
            at += numbers;
        } else {
            let texts = rest
                .iter()
                .take_while(|label| number(label).is_none())
                .count();
            out.count(texts << 1);
            for label in &rest[..texts] {
                out.str(label);
            }
            at += texts;
        }
    }
}

/// How many labels from the first on are numbers with an equal step.
fn progression(labels: &[&str]) -> usize {
    let mut numbers = labels
        .iter()
        .map_while(|label| number(label))
        .map(i64::from);
    let Some(first) = numbers.next() else {
        return 0;
    };
    let Some(second) = numbers.next() else {
        return 1;
    };
    let step = second - first;
    let mut last = second;
    let more = numbers.take_while(|next| {
        let follows = *next - last == step;
        last = *next;
        follows
    });
    2 + more.count()
}

fn read_labels(input: &mut Reader<'_>, count: usize) -> Result<Vec<String>, DecodeError> {
    let mut labels = Vec::with_capacity(count);
    while labels.len() < count {
        let head = input.varint()?;
        let (length, numeric) = (head >> 1, head & 1 == 1);
        let left = (count - labels.len()) as u64;
        if length == 0 || length > left {
            return Err(input.fault("a stretch of labels of the wrong length"));
        }
        if numeric {
            let start = i64::from(input.u32()?);
            let step = if length > 1 { input.zigzag()? } else { 0 };
            for i in 0..length as i64 {
                let value = step
                    .checked_mul(i)
                    .and_then(|offset| offset.checked_add(start));
                let value = value
                    .and_then(|value| u32::try_from(value).ok())
                    .ok_or_else(|| input.fault("a seat number out of range"))?;
                labels.push(format!("{value}"));
            }
        } else {
            for _ in 0..length {
                labels.push(input.string()?);
            }
        }
    }
    Ok(labels)
}
