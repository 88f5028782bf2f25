//! The rows of one zone: named, joined where several of one name are one physical row, renamed
//! where they cannot be.

use super::bands::Bands;
use super::row::{Draft, DraftSeat, Spacing};
use super::{Mending, Names, SUFFIX_BYTES, SeatPath};
use crate::import::geometry::distance;
use crate::import::plan::{Row, Seat, Spot, Zone};
use crate::import::report::RepairKind;
use crate::seatmap::{LABEL_BYTES_MAX, NAME_BYTES_MAX, RowSpec, SeatAttributes, SeatSpec};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

/// Of many rows with one name, so many of the latest are looked at as halves of the same row.
const HALVES_MAX: usize = 16;

impl Mending<'_> {
    /// Takes the rows out of `zone` and turns them into those of a section.
    pub(super) fn rows(&mut self, zone: &mut Zone<'_>, bands: &Bands<'_>) -> Vec<RowSpec> {
        let mut drafts: Vec<Draft> = Vec::new();
        // Drafts by the name they have in the file; a renamed one stays among its namesakes.
        let mut namesakes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut names = Names::default();
        for row in &mut zone.rows {
            let at = format!("zones[{}].rows[{}]", zone.index, row.index);
            if row.seats.is_empty() {
                self.summary.empty_rows += 1;
                self.report
                    .repair(RepairKind::EmptyRow, at, "the row is empty; left out");
                continue;
            }
            let wanted = self.row_name(row, &at);
            let seats = self.seats(zone.index, row, bands);
            let others = namesakes.entry(wanted.clone()).or_default();
            let near = nearest(&drafts, others, &seats);
            if let Some(i) = near {
                self.summary.joined_rows += 1;
                let first = drafts[i].first_row;
                let what = format_args!(
                    "row {wanted:?} stands here again with other seats; joined with rows[{first}]"
                );
                self.report.repair(RepairKind::RowsMerged, at, what);
                drafts[i].join(seats);
                continue;
            }
            let name = names.free(&wanted);
            if name != wanted {
                let what = format_args!(
                    "another row {wanted:?} has the same seat numbers; renamed {name:?}"
                );
                self.report.repair(RepairKind::RowRenamed, at, what);
            }
            others.push(drafts.len());
            drafts.push(Draft::new(name, row.index, seats));
        }
        self.finish(zone.index, drafts)
    }

    fn finish(&mut self, zone: u32, mut drafts: Vec<Draft>) -> Vec<RowSpec> {
        for draft in &mut drafts {
            if draft.put_in_order() {
                let at = format_args!("zones[{zone}].rows[{}]", draft.first_row);
                let what = "the seats are not listed in the order in which they stand; reordered";
                self.report.repair(RepairKind::SeatsReordered, at, what);
            }
        }
        let spacing = Spacing::of(drafts.iter());
        let mut rows = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let gaps = draft.gaps(&spacing);
            self.summary.rows_built += 1;
            self.summary.aisles += gaps.iter().filter(|gap| **gap).count() as u32;
            let mut row = RowSpec {
                name: draft.name,
                seats: Vec::with_capacity(gaps.len()),
            };
            for (seat, gap) in draft.seats.into_iter().zip(gaps) {
                self.summary.seats_built += 1;
                self.paths.push(seat.path);
                let at = self.point(seat.at, seat.path);
                let DraftSeat {
                    label,
                    band,
                    attributes,
                    ..
                } = seat;
                row.seats.push(SeatSpec {
                    label,
                    band,
                    attributes,
                    at,
                    gap_after: gap,
                });
            }
            rows.push(row);
        }
        rows
    }

    fn row_name(&mut self, row: &Row<'_>, at: &str) -> String {
        let name = match (&row.label, &row.number) {
            (Some(label), number) => label.replace("%s", number.as_deref().unwrap_or("")),
            (None, Some(number)) => number.clone().into_owned(),
            (None, None) => {
                let name = format!("Row {}", row.index + 1);
                let what = format_args!("the row has no name; called {name:?}");
                self.report.repair(RepairKind::MissingName, at, what);
                name
            }
        };
        self.fit(name.trim(), NAME_BYTES_MAX - SUFFIX_BYTES, at)
    }

    /// The seats of one row of the file, each with a label of its own.
    fn seats(&mut self, zone: u32, row: &mut Row<'_>, bands: &Bands<'_>) -> Vec<DraftSeat> {
        let mut labels = Names::default();
        let mut seats = Vec::with_capacity(row.seats.len());
        for seat in row.seats.drain(..) {
            let path = SeatPath {
                zone,
                row: row.index,
                seat: seat.index,
            };
            let wanted = self.seat_label(&seat, path);
            let label = labels.free(&wanted);
            if label != wanted {
                let what =
                    format_args!("seat {wanted:?} is in this row already; renamed {label:?}");
                self.report.repair(RepairKind::SeatRenamed, path, what);
            }
            seats.push(DraftSeat {
                number: seat.number.as_ref().and_then(|number| number.parse().ok()),
                label,
                band: bands.of(seat.category.as_ref()),
                attributes: attributes(&seat),
                at: seat.at.unwrap_or_default(),
                break_after: seat.break_after,
                path,
            });
        }
        seats
    }

    fn seat_label(&mut self, seat: &Seat<'_>, path: SeatPath) -> String {
        let label = match (&seat.label, &seat.number) {
            (Some(label), number) => label.replace("%s", number.as_deref().unwrap_or("")),
            (None, Some(number)) => number.clone().into_owned(),
            (None, None) => {
                let label = format!("{}", seat.index + 1);
                let what = format_args!("the seat has no number; called {label:?}");
                self.report.repair(RepairKind::MissingName, path, what);
                label
            }
        };
        self.fit(label.trim(), LABEL_BYTES_MAX - SUFFIX_BYTES, path)
    }
}

fn attributes(seat: &Seat<'_>) -> SeatAttributes {
    let flags = [
        (seat.wheelchair, SeatAttributes::WHEELCHAIR),
        (seat.companion, SeatAttributes::COMPANION),
        (seat.restricted_view, SeatAttributes::RESTRICTED_VIEW),
    ];
    let set = flags.iter().filter(|(set, _)| *set);
    set.fold(SeatAttributes::NONE, |all, (_, flag)| all.union(*flag))
}

/// Of the rows of the same name that have none of these seats' labels, the one that ends nearest.
fn nearest(drafts: &[Draft], namesakes: &[usize], seats: &[DraftSeat]) -> Option<usize> {
    let ends = |seats: &[DraftSeat]| -> Vec<Spot> {
        seats
            .first()
            .into_iter()
            .chain(seats.last())
            .map(|seat| seat.at)
            .collect()
    };
    let here = ends(seats);
    let latest = &namesakes[namesakes.len().saturating_sub(HALVES_MAX)..];
    let fitting = latest.iter().copied().filter(|i| {
        !seats
            .iter()
            .any(|seat| drafts[*i].labels.contains(&seat.label))
    });
    fitting.min_by_key(|i| {
        let there = ends(&drafts[*i].seats);
        let pairs = here
            .iter()
            .flat_map(|a| there.iter().map(|b| distance(*a, *b)));
        pairs.min().unwrap_or(i64::MAX)
    })
}
