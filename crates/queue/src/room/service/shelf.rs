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
        let public = Arc::new(published(room, &row, outage));
        shelf.on.store(public.on, Ordering::Relaxed);
        *shelf.public.write().unwrap_or_else(PoisonError::into_inner) = public;
        *known = row;
    }
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
