//! The parts of a plan as they stand in the file, numbers already in hundredths.

use alloc::{borrow::Cow, string::String, vec::Vec};

/// Hundredths of a plan unit; wider than a map's coordinates, so that sums need no checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) x: i64,
    pub(super) y: i64,
}

impl Spot {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            x: self.x + other.x,
            y: self.y + other.y,
        }
    }
}

#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) categories: Vec<Cow<'a, str>>,
    pub(super) zones: Vec<Zone<'a>>,
    /// Standing room declared beside the zones.
    pub(super) standing: Vec<Standing<'a>>,
    pub(super) size: Option<Spot>,
    /// Seats in the file, those that were `null` included.
    pub(super) seats: u32,
}

#[derive(Default)]
pub(super) struct Zone<'a> {
    /// Position in the file, which is not that in the list once `null`s are left out.
    pub(super) index: u32,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) areas: Vec<Area<'a>>,
}

#[derive(Default)]
pub(super) struct Row<'a> {
    pub(super) index: u32,
    pub(super) number: Option<Cow<'a, str>>,
    /// What is shown instead of the number; `%s` stands for the number.
    pub(super) label: Option<Cow<'a, str>>,
    pub(super) seats: Vec<Seat<'a>>,
}

#[derive(Default)]
pub(super) struct Seat<'a> {
    pub(super) index: u32,
    pub(super) number: Option<Cow<'a, str>>,
    pub(super) label: Option<Cow<'a, str>>,
    pub(super) guid: Option<Cow<'a, str>>,
    pub(super) category: Option<Cow<'a, str>>,
    /// Absolute once the whole zone has been read.
    pub(super) at: Option<Spot>,
    pub(super) wheelchair: bool,
    pub(super) companion: bool,
    pub(super) restricted_view: bool,
    pub(super) break_after: bool,
}

#[derive(Default)]
pub(super) struct Area<'a> {
    pub(super) index: u32,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) text_at: Option<Spot>,
    pub(super) at: Spot,
    /// Hundredths of a degree, clockwise.
    pub(super) rotation: i64,
    pub(super) form: Option<Form>,
    pub(super) capacity: Option<u32>,
    pub(super) category: Option<Cow<'a, str>>,
}

/// The outline of an area around its own position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Rectangle { width: i64, height: i64 },
    Ellipse { radius: Spot },
    Polygon(Vec<Spot>),
}

/// Standing room declared at the top of the plan.
pub(super) struct Standing<'a> {
    /// Its place in the file.
    pub(super) at: String,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) capacity: u32,
    pub(super) category: Option<Cow<'a, str>>,
}
