//! What is still free like what went: as many seats side by side, of the same band if there are,
//! nearest to where they were.

use booking_core::{PublicView, SeatIx, SeatMap, SeatStatus};

/// The nearest run of as many free seats as `wanted`, side by side; of the same price band before
/// any other. Accessible seats only stand in for accessible seats. Empty where there is none.
///
/// One look at each seat: O(seats of the house).
pub(crate) fn nearest_free(map: &SeatMap, view: &PublicView, wanted: &[SeatIx]) -> Vec<SeatIx> {
    let wanted: Vec<SeatIx> = wanted
        .iter()
        .copied()
        .filter(|seat| map.has_seat(*seat))
        .collect();
    let Some(&first) = wanted.first() else {
        return Vec::new();
    };
    let seats = map.seat_count().min(view.seat_count());
    let centre = |run: &[SeatIx]| {
        let sum = run.iter().fold((0_i64, 0_i64), |(x, y), seat| {
            let at = map.point(*seat);
            (x + i64::from(at.x), y + i64::from(at.y))
        });
        (sum.0 / run.len() as i64, sum.1 / run.len() as i64)
    };
    let (x, y) = centre(&wanted);
    let band = map.band(first);
    let accessible = wanted
        .iter()
        .any(|seat| map.attributes(*seat).is_accessible());
    let suits = |seat: SeatIx| {
        view.status(seat) == SeatStatus::Free
            && map.attributes(seat).is_accessible() == accessible
            && !wanted.contains(&seat)
    };

    let mut run: Vec<SeatIx> = Vec::new();
    let mut best: Option<((bool, i64), Vec<SeatIx>)> = None;
    for seat in (0..seats).map(SeatIx) {
        let follows = run.last().is_some_and(|last| map.next(*last) == Some(seat));
        if !suits(seat)
            || !follows
            || run
                .last()
                .is_some_and(|last| map.band(*last) != map.band(seat))
        {
            run.clear();
        }
        if !suits(seat) {
            continue;
        }
        run.push(seat);
        if run.len() > wanted.len() {
            run.remove(0);
        }
        if run.len() == wanted.len() {
            let (to_x, to_y) = centre(&run);
            let cost = (
                map.band(seat) != band,
                (to_x - x).pow(2) + (to_y - y).pow(2),
            );
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, run.clone()));
            }
        }
    }
    best.map(|(_, seats)| seats).unwrap_or_default()
}
