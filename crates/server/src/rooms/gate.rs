//! The gate between a room and the shop: whether a hold or a checkout needs an admission, whether the
//! one that was shown is good, and for how much.
//!
//! **Invariant.** While no room is on this is one atomic read. Someone who is let through has an
//! admission whose slot is theirs at this moment, or the performance's room is quiet.

use super::WaitingRooms;
use super::purchase::{Beyond, Purchase};
use super::refusal::{Refusal, RoomsError};
use super::registry::Entry;
use super::visitor::Caller;
use crate::store::StoreError;
use crate::store::kept::PayingRow;
use booking_core::price::Place;
use booking_core::{FanId, HoldId, OrderId, PerformanceId, SeatMap, SeatRequest};
use onsale_queue::Admission;
use onsale_queue::room::port::{Leaving, Slot};
use std::sync::{Arc, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Somebody who was let through.
pub struct Entered {
    entry: Arc<Entry>,
    admission: Admission,
    purchase: Purchase,
}

/// An order that is being paid for with an admission; others must wait until this is dropped.
pub struct Paying {
    rooms: WaitingRooms,
    entered: Entered,
    order: OrderId,
    fan: FanId,
    /// The same order, asked for twice at the same moment, is the first one's to give back.
    is_first: bool,
}

impl WaitingRooms {
    /// Whether any room is on: one atomic read.
    #[must_use]
    pub fn is_guarding(&self) -> bool {
        self.0.registry.is_guarding()
    }

    /// The room that guards a performance now; `None` while it is quiet. One atomic read while every
    /// room is.
    #[must_use]
    pub fn guard(&self, performance: PerformanceId) -> Option<Arc<Entry>> {
        if !self.0.registry.is_guarding() {
            return None;
        }
        let entry = self.0.registry.of_performance(performance)?;
        self.0.rooms.is_on(entry.room).then_some(entry)
    }

    /// Checks the admission that was shown at `entry`'s door.
    pub async fn enter(
        &self,
        entry: Arc<Entry>,
        caller: &Caller,
        shown: Option<&str>,
    ) -> Result<Entered, RoomsError> {
        let Some(token) = shown else {
            self.0.rooms.arrived(entry.room);
            return Err(RoomsError::Refused(entry.room, Refusal::AdmissionNeeded));
        };
        let admission = self.checked_admission(entry.room, caller, token)?;
        self.presence(&admission).await?;
        Ok(Entered {
            purchase: Purchase::from(&admission.authority),
            entry,
            admission,
        })
    }

    /// Whether a hold was made before the room went on: whoever had seats then may finish.
    pub async fn held_before(
        &self,
        entry: &Entry,
        performance: PerformanceId,
        hold: HoldId,
    ) -> bool {
        let Some(since_ms) = entry.on_since_ms() else {
            return false;
        };
        let placed = self.0.lanes.read(performance, move |inventory, _| {
            inventory.hold_ref(hold).map(|hold| hold.placed_ms)
        });
        matches!(placed.await, Ok(Some(placed_ms)) if placed_ms < since_ms)
    }

    /// Takes the admission for one order. A second order at the same time is refused. Written down
    /// before it is paid for: a restart knows whose slot the order frees.
    pub async fn pay(
        &self,
        entered: Entered,
        fan: FanId,
        order: OrderId,
    ) -> Result<Paying, RoomsError> {
        let admission = serde_json::to_string(&entered.admission)
            .map_err(|error| RoomsError::Storage(error.to_string()))?;
        let paying = self.take_for(entered, fan, order)?;
        if paying.is_first {
            let row = PayingRow {
                order,
                fan,
                admission,
                admission_id: Some(paying.entered.admission.id),
            };
            // Here nobody pays with it, but somebody may at another server.
            if let Some(other) = self.0.kept_store.begin_paying(row).await? {
                let refusal = Refusal::AdmissionInUse(other);
                return Err(RoomsError::Refused(paying.entered.entry.room, refusal));
            }
        }
        Ok(paying)
    }

    /// Orders that are being paid for with an admission, and that nobody here looks after: left by the
    /// last run, or by a server whose checkouts have been taken over.
    pub async fn take_up_paying(&self) -> Result<Vec<Paying>, StoreError> {
        let mut left = Vec::new();
        for row in self.0.kept_store.paying().await? {
            let admission: Option<Admission> = serde_json::from_str(&row.admission).ok();
            let entered = admission.and_then(|admission| {
                Some(Entered {
                    entry: self.0.registry.entry(admission.room)?,
                    purchase: Purchase::default(),
                    admission,
                })
            });
            let paying = entered.map(|entered| self.take_for(entered, row.fan, row.order));
            match paying {
                Some(Ok(paying)) if paying.is_first => left.push(paying),
                Some(Ok(_)) => {}
                // Its room was removed meanwhile, or it was the admission's second order.
                Some(Err(_)) | None => self.0.kept_store.end_paying(row.order).await?,
            }
        }
        Ok(left)
    }

    fn take_for(&self, entered: Entered, fan: FanId, order: OrderId) -> Result<Paying, RoomsError> {
        let slot = entered.slot();
        let is_first = {
            let mut paying = entered
                .entry
                .paying
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match paying.get(&slot) {
                Some(other) if *other == order => false,
                Some(other) => {
                    let refusal = Refusal::AdmissionInUse(*other);
                    return Err(RoomsError::Refused(entered.entry.room, refusal));
                }
                None => paying.insert(slot, order).is_none(),
            }
        };
        Ok(Paying {
            rooms: self.clone(),
            entered,
            order,
            fan,
            is_first,
        })
    }
}

impl Entered {
    fn slot(&self) -> Slot {
        Slot::of_admission(self.admission.id).0
    }

    /// The admission.
    #[must_use]
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Whether the admission entitles to everything, so that nothing needs to be looked up.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.purchase.is_everything()
    }

    /// Waits until no other hold is being decided with this admission, where it says how many places
    /// may be held: what is counted stays so until the guard is dropped.
    pub async fn alone(&self) -> Option<OwnedMutexGuard<()>> {
        if self.purchase.max_places == 0 {
            return None;
        }
        Some(self.entry.alone(self.slot()).await)
    }

    /// Whether it says how many places may be held.
    #[must_use]
    pub const fn counts_places(&self) -> bool {
        self.purchase.max_places > 0
    }

    /// Every performance that it opens.
    #[must_use]
    pub fn performances(&self) -> Arc<[PerformanceId]> {
        self.entry.performances()
    }

    fn refused(&self, beyond: Beyond) -> RoomsError {
        let refusal = Refusal::AdmissionLimited(beyond, self.purchase.clone());
        RoomsError::Refused(self.entry.room, refusal)
    }

    /// The request as far as the admission goes.
    pub fn limit(
        &self,
        request: SeatRequest,
        held: u32,
        map: &SeatMap,
    ) -> Result<SeatRequest, RoomsError> {
        self.purchase
            .limit(request, held, map)
            .map_err(|beyond| self.refused(beyond))
    }

    /// Whether the admission goes as far as these places, with `held` already.
    pub fn allows(&self, places: &[Place], held: u32, map: &SeatMap) -> Result<(), RoomsError> {
        self.purchase
            .allows(places, held, map)
            .map_err(|beyond| self.refused(beyond))
    }
}

impl Paying {
    /// Which order.
    #[must_use]
    pub const fn order(&self) -> OrderId {
        self.order
    }

    /// Who pays.
    #[must_use]
    pub const fn fan(&self) -> FanId {
        self.fan
    }

    /// Nothing was bought: another order may be paid for with the admission.
    pub async fn given_up(self) {
        if self.is_first {
            self.forget().await;
        }
    }

    async fn forget(&self) {
        if let Err(error) = self.rooms.0.kept_store.end_paying(self.order).await {
            // The next start looks at the order again, and finds it done.
            tracing::warn!(%error, order = %self.order, "a payment is still written down");
        }
    }

    /// The order is done: the slot is free at this moment.
    pub async fn completed(self) {
        let admission = self.entered.admission.clone();
        if let Err(error) = self.rooms.leave(&admission, Leaving::Completed).await {
            // Its time runs out all the same, and the next start tries again.
            tracing::warn!(?error, order = %self.order, "the slot of an order was not freed");
            return;
        }
        self.forget().await;
    }
}

impl Drop for Paying {
    fn drop(&mut self) {
        let slot = self.entered.slot();
        let mut paying = self
            .entered
            .entry
            .paying
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.is_first {
            paying.remove(&slot);
        }
    }
}
