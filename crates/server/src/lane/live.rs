//! What everybody may see of a performance, as of its last commit. Feed and snapshot read it
//! without asking the lane.

use booking_core::inventory::{Counts, SeatState};
use booking_core::price::Place;
use booking_core::{Inventory, PerformanceId, PublicView, SeatStatus, ViewDelta};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Committed public state of one performance.
#[derive(Debug)]
pub struct Live {
    performance: PerformanceId,
    shown: Mutex<Shown>,
    seq: watch::Sender<u64>,
}

#[derive(Debug)]
struct Shown {
    view: PublicView,
    counts: Counts,
}

impl Live {
    pub(super) fn new(performance: PerformanceId, inventory: &Inventory, seq: u64) -> Self {
        let shown = Shown {
            view: PublicView::of(inventory, seq),
            counts: inventory.counts(),
        };
        Self {
            performance,
            shown: Mutex::new(shown),
            seq: watch::Sender::new(seq),
        }
    }

    /// Which performance.
    #[must_use]
    pub fn performance(&self) -> PerformanceId {
        self.performance
    }
    /// A copy of the view, 2 bits a seat.
    #[must_use]
    pub fn view(&self) -> PublicView {
        self.shown().view.clone()
    }
    /// Ledger position of the last commit.
    #[must_use]
    pub fn seq(&self) -> u64 {
        *self.seq.borrow()
    }
    /// Seats and places by status.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shown().counts
    }
    /// Told the position of each commit; the latest only, for whoever is slow.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.seq.subscribe()
    }
    /// Whether somebody listens.
    pub(super) fn is_watched(&self) -> bool {
        self.seq.receiver_count() > 0
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what a batch changed: `touched` are the places its events touched.
    pub(super) fn publish(&self, inventory: &Inventory, touched: &mut Vec<Place>, seq: u64) {
        touched.sort_unstable();
        touched.dedup();
        let mut delta = ViewDelta {
            from: self.seq(),
            to: seq,
            ..ViewDelta::default()
        };
        for &place in touched.iter() {
            match place {
                Place::Seat(seat) => match status(inventory.seat(seat)) {
                    SeatStatus::Free => delta.free.push(seat),
                    SeatStatus::Held => delta.held.push(seat),
                    SeatStatus::Sold => delta.sold.push(seat),
                    SeatStatus::Closed => delta.closed.push(seat),
                },
                Place::Area(area) => delta.areas.push((area, inventory.area_left(area))),
            }
        }
        let counts = inventory.counts();
        let mut shown = self.shown();
        if shown.view.apply(&delta).is_err() {
            shown.view = PublicView::of(inventory, seq);
        }
        shown.counts = counts;
        drop(shown);
        self.seq.send_replace(seq);
    }

    /// Shows a state that was rebuilt from the store.
    pub(super) fn replace(&self, inventory: &Inventory, seq: u64) {
        let view = PublicView::of(inventory, seq);
        let counts = inventory.counts();
        let mut shown = self.shown();
        // A lane that is being replaced may have shown more already.
        if shown.view.seq() > seq {
            return;
        }
        *shown = Shown { view, counts };
        drop(shown);
        self.seq.send_replace(seq);
    }
}

fn status(state: SeatState) -> SeatStatus {
    match state {
        SeatState::Open => SeatStatus::Free,
        SeatState::Held(_) => SeatStatus::Held,
        SeatState::Sold(_) => SeatStatus::Sold,
        SeatState::Killed | SeatState::Allocated(_) => SeatStatus::Closed,
    }
}
