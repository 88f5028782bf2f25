//! Best available: contiguous first, nearest the focal point, then the best split; strands nobody
//! where that can be avoided; bounded work; deterministic.
//!
//! **Together.** Of all blocks of neighbours, those that strand no single seat come first (as the
//! [gap rule](crate::rule::SingleSeatGaps) sees it), then the one whose seats are nearest the focal
//! point in sum, then the lowest index. Runs of the house are sorted by their nearest seat when a
//! map is built, so the search stops as soon as no later run can be nearer. If that takes long
//! because the house is nearly full, one pass over the words of the set finds what is left.
//!
//! **Split.** Where no block is long enough, the party is cut into as few groups as there can be, as
//! even as they can be; the largest is placed first, the others near it.
//!
//! **Bounds.** Never more than one visit of each run and, for each group, one pass over the house:
//! O(seats / 64 + blocks that fit).

use crate::id::{BandIx, SeatIx};
use crate::seatmap::SeatMap;
use crate::seatset::SeatSet;
use alloc::vec::Vec;

mod field;
mod index;
mod split;

use field::Field;
pub(crate) use index::SearchIndex;

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// How many seats.
    pub quantity: u16,
    /// Bands to look in; empty: all.
    pub bands: &'a [BandIx],
    /// Refuse rather than split.
    pub together: bool,
    /// What about wheelchair and companion seats.
    pub accessible: Accessible,
}

/// What a search does about wheelchair and companion seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accessible {
    /// They are kept for others.
    Never,
    /// They may be given where there is nothing else.
    IfNothingElse,
    /// At least one wheelchair space must be among the seats: a companion seat alone is of no use to
    /// who asks for one.
    Needed,
}

/// What is left for whom [`best_available`] found nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Most seats that could be had together.
    pub most_together: u16,
    /// Seats left in those bands.
    pub left: u32,
}

/// The best seats for `search` among `open`, sorted, or `None` if there are not enough.
#[must_use]
pub fn best_available(map: &SeatMap, open: &SeatSet, search: Search<'_>) -> Option<Vec<SeatIx>> {
    let quantity = u32::from(search.quantity);
    if quantity == 0 {
        return None;
    }
    let fields: &[Field<'_>] = match search.accessible {
        Accessible::Never => &[Field::new(map, open, search.bands).without_accessible()],
        Accessible::IfNothingElse => &[
            Field::new(map, open, search.bands).without_accessible(),
            Field::new(map, open, search.bands),
        ],
        Accessible::Needed => &[Field::new(map, open, search.bands).needing_wheelchair()],
    };
    let together = fields
        .iter()
        .find_map(|field| field.nearest_block(quantity));
    if let Some(block) = together {
        return Some(block.seats().collect());
    }
    if search.together || quantity == 1 {
        return None;
    }
    fields
        .iter()
        .find_map(|field| split::split(field, quantity))
}

/// What is left in the bands of `search`, of the kind of seats it may be given: nothing where a
/// wheelchair space is needed and none is left. One pass over the house.
#[must_use]
pub fn remaining(map: &SeatMap, open: &SeatSet, search: Search<'_>) -> Remaining {
    let mut field = Field::new(map, open, search.bands);
    if search.accessible == Accessible::Never {
        field = field.without_accessible();
    }
    let is_needed = search.accessible == Accessible::Needed;
    let mut rest = Remaining::default();
    for (start, len) in field.free_runs() {
        rest.left += len;
        let mut seats = (start..start + len).map(SeatIx);
        if is_needed && !seats.any(|seat| field.is_wheelchair(seat)) {
            continue;
        }
        let together = u16::try_from(len).unwrap_or(u16::MAX);
        rest.most_together = rest.most_together.max(together);
    }
    if rest.most_together == 0 {
        Remaining::default()
    } else {
        rest
    }
}
