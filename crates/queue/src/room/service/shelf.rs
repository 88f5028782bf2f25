//! What is shown: the public side of a row.

use super::{Rooms, Shelf, lock};
use crate::life::RoomState;
use crate::room::port::RoomRow;
use crate::room::pulse::INTERVAL_MS;
use crate::token::RoomId;
use crate::wire::{Outage, OutagePolicy, PublicRoom};
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use std::sync::PoisonError;

impl Rooms {
    /// Puts a row on the shelf, unless a newer one is there.
    pub(super) fn put_up(&self, room: RoomId, shelf: &Shelf, row: RoomRow, outage: Option<Outage>) {
        let mut known = lock(&shelf.row);
        // An answer that was overtaken by a change. After a rebuild the version may go back for good,
        // but time goes on.
        if row.version < known.version && row.now_ms <= known.now_ms {
            return;
        }
        // One that was overtaken by a tick: nobody is to see that they move back.
        if row.version == known.version && calls_fewer(&row, &known) {
            return;
        }
        let public = Arc::new(published(room, &row, outage));
        shelf.on.store(public.on, Ordering::Relaxed);
        *shelf.public.write().unwrap_or_else(PoisonError::into_inner) = public;
        *known = row;
    }
}

/// Whether a row knows of fewer calls in an epoch than one from before.
pub(super) fn calls_fewer(row: &RoomRow, known: &RoomRow) -> bool {
    row.epochs.iter().any(|epoch| {
        let mut before = known.epochs.iter();
        let before = before.find(|before| before.epoch == epoch.epoch);
        before.is_some_and(|before| epoch.serving < before.serving)
    })
}

/// The public side of a row.
pub(super) fn published(room: RoomId, row: &RoomRow, outage: Option<Outage>) -> PublicRoom {
    let settings = &row.settings;
    let announced = settings.gathers_ms.is_some() || settings.opens_ms.is_some();
    let scheduled = row.state == RoomState::Scheduled;
    let drawn = settings.gathers_ms.is_some()
        || matches!(row.state, RoomState::Gathering | RoomState::Drawing);
    let draw = row.draw.as_ref().map(|draw| draw.public.clone());
    PublicRoom {
        room,
        name: settings.name.clone(),
        on: row.state.guards() || (scheduled && announced),
        state: row.state,
        version: row.version,
        now_ms: row.now_ms,
        floor: row.floor,
        waiting: row.waiting(),
        epochs: row.epochs.clone(),
        rate_per_minute: settings.rate_per_minute,
        recent: row.pulse.recent_calls().to_vec(),
        interval_ms: INTERVAL_MS.unsigned_abs(),
        held_by: row.held_by.filter(|_| row.state.calls()),
        draw: draw.filter(|draw| drawn || draw.key.is_some()),
        gathers_ms: settings.gathers_ms,
        opens_ms: settings.opens_ms,
        places_left: row.places_left,
        claim_ms: settings.claim_ms,
        shop_ms: settings.shop_ms,
        pow_bits: settings.pow_bits,
        accounts_required: settings.accounts_required,
        message: settings.message.clone(),
        outage,
    }
}

impl OutagePolicy {
    pub(super) const fn outage(self, since_ms: i64) -> Outage {
        Outage {
            since_ms,
            policy: self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{QueueNumber, ServingPosition};
    use crate::room::{MemoryStore, RoomsConfig, World};
    use crate::token::{Issuer, Keys};
    use crate::wire::RoomSettings;

    struct Still;

    impl World for Still {
        fn now_ms(&self) -> i64 {
            1_790_000_000_000
        }
        fn monotonic_ms(&self) -> u64 {
            1
        }
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    #[tokio::test]
    async fn an_answer_that_was_overtaken_by_a_tick_moves_nobody_back() {
        let issuer = Issuer::from_seed(&[9; 32]);
        let keys = Keys::new(&[issuer.public_key()]).unwrap();
        let store = Arc::new(MemoryStore::new(Arc::new(Still)));
        let rooms = Rooms::new(store, Arc::new(Still), issuer, keys, RoomsConfig::default());
        let room = RoomId([7; 16]);
        let settings = RoomSettings::default();
        rooms.open(room, settings, None).await.unwrap();
        let shelf = rooms.shelf(room).unwrap();
        let called = |serving| {
            let mut row = rooms.row(room).unwrap();
            row.epochs[0].next = QueueNumber(9);
            row.epochs[0].serving = ServingPosition(serving);
            row
        };
        let overtaken = called(3);
        rooms.put_up(room, &shelf, called(5), None);
        rooms.put_up(room, &shelf, overtaken, None);
        let shown = rooms.public(room).unwrap();
        assert_eq!(shown.epochs[0].serving, ServingPosition(5));
        rooms.put_up(room, &shelf, called(6), None);
        let shown = rooms.public(room).unwrap();
        assert_eq!(shown.epochs[0].serving, ServingPosition(6));
    }
}
