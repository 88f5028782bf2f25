//! Who is inside, as one server knows it: signs of life, and leaving.

use super::{Presence, Rooms, Shelf, lock};
use crate::room::port::{Leaving, Seen, Shopper, Slot, StoreError};
use crate::token::{Admission, RoomId};
use alloc::vec::Vec;

/// Most shoppers a server remembers for a rebuild.
const MOST_REMEMBERED: usize = 100_000;

/// A shopper, as one server knows them.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) shopper: Shopper,
    /// They were let in by this server and no other: when they leave here while the store is away,
    /// their slot is this server's to give again.
    pub(super) is_ours: bool,
    /// When the store said last that they are inside.
    pub(super) seen_ms: i64,
}

impl Rooms {
    pub(super) fn remember(&self, shelf: &Shelf, shopper: Shopper, is_ours: bool) {
        let now_ms = self.world.now_ms();
        let mut inside = lock(&shelf.inside);
        if inside.len() >= MOST_REMEMBERED {
            inside.retain(|_, known| known.shopper.expires_ms > now_ms);
        }
        let before = inside.get(&shopper.slot);
        let was_ours =
            before.is_some_and(|known| known.is_ours && known.shopper.nonce == shopper.nonce);
        let is_ours = is_ours || was_ours;
        let known = Known {
            shopper,
            is_ours,
            seen_ms: now_ms,
        };
        inside.insert(shopper.slot, known);
    }

    /// A sign of life with a checked admission: before every hold and checkout, and as the open page's
    /// heartbeat. While the store is away the signed admission is taken at its word.
    pub async fn check_in(&self, admission: &Admission) -> Presence {
        let shopper = shopper_of(admission);
        let inside = Presence::Inside {
            expires_ms: admission.expires_ms,
        };
        let Ok(shelf) = self.shelf(admission.room) else {
            return Presence::Over;
        };
        if lock(&shelf.left).contains_key(&admission.id) {
            return Presence::Over;
        }
        if lock(&shelf.away).is_some() {
            return inside;
        }
        match self.store.check_in(admission.room, shopper).await {
            Ok(Seen::Inside { expires_ms }) => {
                self.remember(&shelf, shopper, false);
                Presence::Inside { expires_ms }
            }
            Ok(Seen::Full) => Presence::Full,
            Ok(Seen::Over) => {
                lock(&shelf.inside).remove(&shopper.slot);
                Presence::Over
            }
            Err(error) => {
                tracing::warn!(%error, "an admission is taken at its word");
                inside
            }
        }
    }

    /// Frees the slot at once. `false`: it was not theirs any more. [`StoreError::Away`]: it is noted
    /// here, and the store is told as soon as it answers.
    pub async fn leave(&self, admission: &Admission, how: Leaving) -> Result<bool, StoreError> {
        let shopper = shopper_of(admission);
        let shelf = self.shelf(admission.room)?;
        lock(&shelf.inside).remove(&shopper.slot);
        self.note_left(&shelf, admission);
        let left = if lock(&shelf.away).is_some() {
            self.leave_while_away(&shelf, shopper, how);
            Err(StoreError::Away("it is told later".into()))
        } else {
            self.store.leave(admission.room, shopper, how).await
        };
        if matches!(left, Err(StoreError::Away(_))) {
            let mut untold = lock(&shelf.untold);
            if untold.len() < MOST_REMEMBERED {
                untold.insert(shopper.slot, (shopper, how));
            }
        }
        left
    }

    /// Whoever has left here is not taken at their word afterwards, when the store cannot be asked.
    fn note_left(&self, shelf: &Shelf, admission: &Admission) {
        let mut left = lock(&shelf.left);
        if left.len() >= MOST_REMEMBERED {
            let now_ms = self.world.now_ms();
            left.retain(|_, expires_ms| *expires_ms > now_ms);
        }
        if left.len() >= MOST_REMEMBERED {
            // The one whose time is past first has the least to gain.
            let first = left.iter().min_by_key(|(_, expires_ms)| **expires_ms);
            if let Some(first) = first.map(|(id, _)| *id) {
                left.remove(&first);
            }
        }
        left.insert(admission.id, admission.expires_ms);
    }

    /// Tells the store who left while it could not be told.
    pub(super) async fn tell_who_left(
        &self,
        room: RoomId,
        shelf: &Shelf,
    ) -> Result<(), StoreError> {
        let untold: Vec<_> = lock(&shelf.untold).values().copied().collect();
        for (shopper, how) in untold {
            self.store.leave(room, shopper, how).await?;
            lock(&shelf.untold).remove(&shopper.slot);
        }
        Ok(())
    }
}

fn shopper_of(admission: &Admission) -> Shopper {
    let (slot, nonce) = Slot::of_admission(admission.id);
    Shopper {
        slot,
        visitor: admission.visitor,
        nonce,
        issued_ms: admission.issued_ms,
        expires_ms: admission.expires_ms,
    }
}
