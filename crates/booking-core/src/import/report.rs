//! What the importer found, mended and gave up on.

use crate::fault::{FaultList, Faults};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt;

/// Most repairs listed one by one of each kind; the counts by kind are always complete.
pub const REPAIRS_LISTED_MAX: u32 = 1_000;
/// Most members of unknown name told apart.
const NAMES_TOLD_APART_MAX: usize = 200;

/// What sort of oddity was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RepairKind {
    /// A byte-order mark stood before the plan.
    ByteOrderMark,
    /// An object had a member twice; the last counts, and lists are joined.
    RepeatedMember,
    /// `null` stood where a value belongs.
    NullValue,
    /// A number stood where text belongs.
    NumberAsText,
    /// Text stood where a number or a yes-or-no belongs.
    TextAsNumber,
    /// Numbers with a fraction (`95.0`) stood where the format says whole ones.
    Fraction,
    /// Numbers had more than two decimals and were rounded to a hundredth.
    Rounded,
    /// A plan, zone, row, seat or area without a name was given one.
    MissingName,
    /// A name was cut to the length that fits, or freed of control characters.
    NameShortened,
    /// Two zones had the same name; the later was renamed.
    RepeatedZone,
    /// A position was missing; one was made up.
    MissingPosition,
    /// Several seats had the same `seat_guid`; seats are told apart by their place in the plan.
    RepeatedGuid,
    /// Seats named a category that was not declared; it was added.
    UndeclaredCategory,
    /// Seats named no category; one was made for them.
    MissingCategory,
    /// A category was declared that no seat is in; it was left out.
    UnusedCategory,
    /// A category was declared twice; the two are one.
    RepeatedCategory,
    /// A zone without seats was left out (its areas were kept).
    EmptyZone,
    /// A row without seats was left out.
    EmptyRow,
    /// Several rows of one name in a zone were joined into one row.
    RowsMerged,
    /// A row had the name of another and the same seat numbers; it was renamed.
    RowRenamed,
    /// A row had a seat number twice; the later was renamed.
    SeatRenamed,
    /// Seats were put into the order in which they stand.
    SeatsReordered,
    /// A seat stood on top of another and was moved beside it.
    SeatMoved,
    /// A seat stands on top of another and there was no room beside it.
    SeatsOverlap,
    /// Places stand outside the size of the plan; the size is not used.
    OutsideSize,
    /// The plan has no size; it is measured.
    MissingSize,
    /// An area has no usable shape; only its text was kept, or nothing.
    AreaWithoutShape,
    /// No area says that it is the stage; one was taken for it.
    StageGuessed,
}

/// One oddity that was mended, with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Repair {
    /// What sort it is.
    pub kind: RepairKind,
    /// Where: `zones[3].rows[1].seats[7]`; for many at once the first of them.
    pub at: String,
    /// What was odd and what was made of it.
    pub what: String,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// Why a plan was refused: syntax faults are placed by line and column, others by JSON path.
pub type ImportFaults = Faults;

/// Gathers everything worth telling.
#[derive(Default)]
pub(super) struct Report {
    pub(super) faults: FaultList,
    pub(super) repairs: Vec<Repair>,
    pub(super) repair_counts: BTreeMap<RepairKind, u32>,
    /// Members that have no place in a seat map, by path without indices.
    pub(super) not_kept: BTreeMap<String, u32>,
    /// First place and number of numbers written with a fraction.
    fractions: Option<(String, u32)>,
    /// First place and number of rounded numbers.
    rounded: Option<(String, u32)>,
}

impl Report {
    pub(super) fn fault(&mut self, at: impl fmt::Display, what: impl fmt::Display) {
        self.faults.add(at, what);
    }
    pub(super) fn repair(
        &mut self,
        kind: RepairKind,
        at: impl fmt::Display,
        what: impl fmt::Display,
    ) {
        let count = self.repair_counts.entry(kind).or_default();
        *count += 1;
        if *count <= REPAIRS_LISTED_MAX {
            self.repairs.push(Repair {
                kind,
                at: format!("{at}"),
                what: format!("{what}"),
            });
        }
    }
    pub(super) fn not_kept(&mut self, holder: &str, name: &str) {
        let known = self.not_kept.len() < NAMES_TOLD_APART_MAX;
        let short = name.len() <= 40 && !name.contains(char::is_control);
        let key = format!("{holder}{}", if short { name } else { "(a long name)" });
        if known || self.not_kept.contains_key(&key) {
            *self.not_kept.entry(key).or_default() += 1;
        } else {
            *self.not_kept.entry(String::from("(others)")).or_default() += 1;
        }
    }
    pub(super) fn fraction(&mut self, at: impl fmt::Display) {
        self.fractions.get_or_insert_with(|| (format!("{at}"), 0)).1 += 1;
    }
    pub(super) fn rounded(&mut self, at: impl fmt::Display) {
        self.rounded.get_or_insert_with(|| (format!("{at}"), 0)).1 += 1;
    }
    /// Whether nothing was found that cannot be mended.
    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
    /// All faults.
    pub(super) fn into_faults(self) -> Faults {
        self.faults
            .into_result()
            .err()
            .unwrap_or(Faults(Vec::new()))
    }
    /// Turns what was only counted into repairs.
    pub(super) fn close(&mut self) {
        if let Some((at, count)) = self.fractions.take() {
            self.repair(
                RepairKind::Fraction,
                at,
                format_args!("{count} numbers are written with a fraction"),
            );
        }
        if let Some((at, count)) = self.rounded.take() {
            self.repair(
                RepairKind::Rounded,
                at,
                format_args!("{count} numbers have more than two decimals and were rounded"),
            );
        }
    }
}
