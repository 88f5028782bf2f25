//! What holds and checkouts ask before they go on: whether the performance is behind a room that is
//! on, and if so, for the admission in the header `onsale-admission`.
//!
//! While every room is quiet this costs a request one atomic read.

use super::Visitor;
use crate::checkout::{Checkout, CheckoutError, Checkouts, Wanted};
use crate::http::problem::ApiError;
use crate::http::state::{AppState, WeakState};
use crate::rooms::gate::Paying;
use crate::rooms::{Caller, Entered, Entry};
use crate::store::StoreError;
use crate::trace;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use booking_core::price::Place;
use booking_core::{FanId, HoldId, PerformanceId, SeatRequest};
use std::sync::Arc;
use tokio::sync::{OwnedMutexGuard, oneshot, watch};

/// The header that carries an admission.
pub const ADMISSION: &str = "onsale-admission";

/// Whoever knocks; nobody is asked for while every room is quiet.
#[derive(Debug)]
pub struct RoomDoor(Option<Knocking>);

#[derive(Debug)]
struct Knocking {
    caller: Caller,
    shown: Option<String>,
}

impl FromRequestParts<AppState> for RoomDoor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if !state.rooms.is_guarding() {
            return Ok(Self(None));
        }
        let Visitor(caller) = Visitor::from_request_parts(parts, state).await?;
        let shown = parts
            .headers
            .get(ADMISSION)
            // What is no text is no admission, and is told so like any other.
            .map(|value| value.to_str().unwrap_or_default().to_owned());
        Ok(Self(Some(Knocking { caller, shown })))
    }
}

impl RoomDoor {
    /// Who knocks at which room, where one guards the performance.
    fn guarded(
        &self,
        state: &AppState,
        performance: PerformanceId,
    ) -> Option<(&Knocking, Arc<Entry>)> {
        let knocking = self.0.as_ref()?;
        Some((knocking, state.rooms.guard(performance)?))
    }

    /// Before a hold is placed: the request as far as it may go.
    pub async fn hold(
        &self,
        state: &AppState,
        performance: PerformanceId,
        hold: HoldId,
        request: SeatRequest,
    ) -> Result<(SeatRequest, Alone), ApiError> {
        let Some((knocking, entry)) = self.guarded(state, performance) else {
            return Ok((request, Alone(None)));
        };
        let entered = knocking.enter(state, entry).await?;
        if entered.is_unlimited() {
            return Ok((request, Alone(None)));
        }
        let (map, _) = state.goods(performance).await?;
        let alone = Alone(entered.alone().await);
        let held = Held::count(state, &entered, &knocking.caller, hold).await?;
        if !held.own.is_empty() {
            // The same hold again: the lane knows what it answered, and nothing more is taken.
            return Ok((request, alone));
        }
        Ok((entered.limit(request, held.elsewhere, &map)?, alone))
    }

    /// Before a hold is changed or given more time.
    pub async fn change(
        &self,
        state: &AppState,
        performance: PerformanceId,
        hold: HoldId,
        add: &[Place],
        remove: &[Place],
    ) -> Result<Alone, ApiError> {
        let Some((knocking, entry)) = self.guarded(state, performance) else {
            return Ok(Alone(None));
        };
        let entered = match knocking.enter(state, Arc::clone(&entry)).await {
            Ok(entered) => entered,
            // Somebody who had seats before the room went on may sort them out, not take more.
            Err(error) => {
                let had = add.is_empty() && knocking.shown.is_none();
                if had && state.rooms.held_before(&entry, performance, hold).await {
                    return Ok(Alone(None));
                }
                return Err(error);
            }
        };
        if entered.is_unlimited() || add.is_empty() {
            return Ok(Alone(None));
        }
        let (map, _) = state.goods(performance).await?;
        let alone = Alone(entered.alone().await);
        let held = Held::count(state, &entered, &knocking.caller, hold).await?;
        let (kept, new) = held.after(add, remove);
        entered.allows(&new, kept, &map)?;
        Ok(alone)
    }

    /// Pays, and frees the slot at the moment the order is confirmed.
    pub async fn pay(&self, state: &AppState, wanted: Wanted) -> Result<Arc<Checkout>, ApiError> {
        let checkouts = &state.money.checkouts;
        let Some((knocking, entry)) = self.guarded(state, wanted.performance) else {
            return Ok(checkouts.pay(wanted).await?);
        };
        let entered = match knocking.enter(state, Arc::clone(&entry)).await {
            Ok(entered) => entered,
            Err(error) => {
                // A payment that has begun goes on, and so does whoever held seats before.
                let begun = checkouts.latest(wanted.fan, wanted.order).await.is_ok();
                let had = !begun
                    && knocking.shown.is_none()
                    && state
                        .rooms
                        .held_before(&entry, wanted.performance, wanted.hold)
                        .await;
                if begun || had {
                    return Ok(checkouts.pay(wanted).await?);
                }
                return Err(error);
            }
        };
        if !entered.is_unlimited() {
            let (map, _) = state.goods(wanted.performance).await?;
            let places: Vec<Place> = wanted.items.iter().map(|item| item.place).collect();
            entered.allows(&places, 0, &map)?;
        }
        let paying = state.rooms.pay(entered, wanted.fan, wanted.order).await?;
        pay_and_free(state, wanted, paying).await
    }
}

impl Knocking {
    async fn enter(&self, state: &AppState, entry: Arc<Entry>) -> Result<Entered, ApiError> {
        let shown = self.shown.as_deref();
        Ok(state.rooms.enter(entry, &self.caller, shown).await?)
    }
}

/// While this is kept, no other hold is decided with the same admission: what was counted is still so
/// when the lane decides.
#[must_use = "dropped before the lane has decided, two holds at once exceed what may be held"]
pub struct Alone(#[allow(dead_code, reason = "held, not read")] Option<OwnedMutexGuard<()>>);

/// What is held with an admission.
struct Held {
    /// Places of other holds, in every performance of the room.
    elsewhere: u32,
    /// The places of the hold that is asked about.
    own: Vec<Place>,
}

impl Held {
    /// Counts what all of the caller's selves hold: who signs in does not begin anew.
    async fn count(
        state: &AppState,
        entered: &Entered,
        caller: &Caller,
        hold: HoldId,
    ) -> Result<Self, ApiError> {
        let mut held = Self {
            elsewhere: 0,
            own: Vec::new(),
        };
        if !entered.counts_places() {
            return Ok(held);
        }
        let now_ms = state.clock.now_ms();
        let fans: Arc<[FanId]> = caller.fans().collect();
        for performance in entered.performances().iter().copied() {
            let fans = Arc::clone(&fans);
            let holds = state.lanes.read(performance, move |inventory, _| {
                fans.iter()
                    .flat_map(|fan| inventory.holds_of(*fan))
                    .filter_map(|hold| inventory.hold(hold))
                    .filter(|hold| hold.expires_ms > now_ms)
                    .map(|hold| (hold.hold, hold.places))
                    .collect::<Vec<_>>()
            });
            for (id, places) in holds.await? {
                if id == hold {
                    held.own = places.into_iter().collect();
                } else {
                    let places = u32::try_from(places.len()).unwrap_or(u32::MAX);
                    held.elsewhere = held.elsewhere.saturating_add(places);
                }
            }
        }
        Ok(held)
    }

    /// How many places are held after giving `remove` back, and which of `add` come on top: a change
    /// that is asked for again adds nothing.
    fn after(&self, add: &[Place], remove: &[Place]) -> (u32, Vec<Place>) {
        let mut kept = self.own.clone();
        for place in remove {
            if let Some(at) = kept.iter().position(|own| own == place) {
                kept.swap_remove(at);
            }
        }
        let is_there = |place: &Place| matches!(place, Place::Seat(_)) && kept.contains(place);
        let new: Vec<_> = add.iter().copied().filter(|one| !is_there(one)).collect();
        let kept = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        (self.elsewhere.saturating_add(kept), new)
    }
}

/// In a task of its own: the slot must be freed also when the fan hangs up.
async fn pay_and_free(
    state: &AppState,
    wanted: Wanted,
    paying: Paying,
) -> Result<Arc<Checkout>, ApiError> {
    let checkouts = state.money.checkouts.clone();
    let (tell, told) = oneshot::channel();
    tokio::spawn(trace::carried(async move {
        let answer = checkouts.pay(wanted).await;
        match answer.as_ref().map(|checkout| checkout.state()) {
            Ok("confirmed") => {
                paying.completed().await;
                let _ = tell.send(answer);
            }
            Ok("paying" | "needs_step") => {
                let _ = tell.send(answer);
                free_when_done(&checkouts, paying).await;
            }
            // Before they are told: another order may follow at once.
            Ok(_) => {
                paying.given_up().await;
                let _ = tell.send(answer);
            }
            Err(_) => {
                let latest = checkouts.latest(paying.fan(), paying.order()).await;
                if latest.is_ok_and(|checkout| !checkout.step.is_settled()) {
                    let _ = tell.send(answer);
                    free_when_done(&checkouts, paying).await;
                } else {
                    paying.given_up().await;
                    let _ = tell.send(answer);
                }
            }
        }
    }));
    match told.await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ApiError::Busy { retry_after_s: 1 }),
    }
}

/// Frees the slot of an order when it has come to an end.
async fn free_when_done(checkouts: &Checkouts, paying: Paying) {
    checkouts.at_rest(paying.order()).await;
    let latest = checkouts.latest(paying.fan(), paying.order()).await;
    match latest.as_ref().map(|checkout| checkout.state()) {
        Ok("confirmed" | "cancelled" | "refunded") => paying.completed().await,
        // This run is ending: the next one takes it up.
        Ok("paying" | "needs_step") => {}
        Err(error) if !matches!(error, CheckoutError::NotFound) => {
            tracing::warn!(?error, order = %paying.order(), "nobody knows what became of an order");
        }
        Ok(_) | Err(_) => paying.given_up().await,
    }
}

/// Takes up the payments with an admission that another server has left, whenever this one has taken
/// its checkouts over.
pub async fn take_up_after_others(state: WeakState, mut taken_over: watch::Receiver<u64>) {
    while taken_over.changed().await.is_ok() {
        let Some(state) = state.upgrade() else { return };
        if let Err(error) = take_up(&state).await {
            // Their time runs out all the same, and the next start tries again.
            tracing::warn!(%error, "slots of orders of another server are not known");
        }
    }
}

/// Takes up payments with an admission that the last run left unfinished: their slots are freed when
/// they are done, also where the bank is answered only now.
pub async fn take_up(state: &AppState) -> Result<(), StoreError> {
    for paying in state.rooms.take_up_paying().await? {
        let checkouts = state.money.checkouts.clone();
        tokio::spawn(async move { free_when_done(&checkouts, paying).await });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{AreaIx, SeatIx};

    fn seat(seat: u32) -> Place {
        Place::Seat(SeatIx(seat))
    }

    #[test]
    fn giving_back_what_one_does_not_hold_makes_no_room_for_more() {
        let held = Held {
            elsewhere: 1,
            own: vec![seat(1), seat(2)],
        };
        assert_eq!(held.after(&[seat(3)], &[seat(1)]), (2, vec![seat(3)]));
        let made_up = [seat(1), seat(1), seat(9)];
        assert_eq!(held.after(&[seat(3)], &made_up), (2, vec![seat(3)]));
        assert_eq!(held.after(&[seat(2)], &[]), (3, vec![]), "asked for again");
        let standing = Place::Area(AreaIx(0));
        let held = Held {
            elsewhere: 0,
            own: vec![standing; 3],
        };
        assert_eq!(held.after(&[standing], &[standing]), (2, vec![standing]));
    }
}
