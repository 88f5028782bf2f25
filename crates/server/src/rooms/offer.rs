//! Seats that match what somebody wished for while waiting, ready to be held with one tap.
//!
//! Found by the same rules that will decide the hold, and not held: whoever does not want them takes
//! nothing from others. They may be gone a moment later; then the hold is refused like any other.

use super::Inner;
use super::purchase::Purchase;
use super::registry::Entry;
use booking_core::price::Place;
use booking_core::{
    AreaIx, BandIx, Command, Event, FanId, HoldId, Inventory, PerformanceId, SeatIx, SeatRequest,
    decide,
};
use onsale_queue::VisitorId;
use onsale_queue::wire::Wishes;

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Of which performance.
    pub performance: PerformanceId,
    /// What to ask for.
    pub places: Vec<Place>,
    /// Whether it is for somebody who needs an accessible seat.
    pub needs_accessible: bool,
}

impl Inner {
    /// An offer in `performance`, or in the only one of the room. `None`: nothing was wished for, or
    /// nothing matches.
    pub(super) async fn offer(
        &self,
        entry: &Entry,
        visitor: VisitorId,
        wishes: Wishes,
        purchase: &Purchase,
        performance: Option<PerformanceId>,
    ) -> Option<Offer> {
        let performances = entry.performances();
        let performance = match (performance, &*performances) {
            (Some(wanted), all) => all.contains(&wanted).then_some(wanted)?,
            (None, [only]) => *only,
            (None, _) => return None,
        };
        if wishes.places == 0 {
            return None;
        }
        let now_ms = self.clock.now_ms();
        let fan = FanId::from_bytes(visitor.0);
        let purchase = purchase.clone();
        // Whoever is let in is let in, also where the lane is too busy to look for seats.
        let places = self
            .lanes
            .read(performance, move |inventory, _| {
                find(inventory, fan, wishes, &purchase, now_ms)
            })
            .await
            .ok()??;
        Some(Offer {
            performance,
            places,
            needs_accessible: wishes.accessible,
        })
    }
}

/// What to ask for, the best match first.
fn requests(inventory: &Inventory, wishes: Wishes, purchase: &Purchase) -> Vec<SeatRequest> {
    let most = match purchase.max_places {
        0 => u16::MAX,
        most => most,
    };
    let quantity = u16::from(wishes.places).min(most);
    if !purchase.seats.is_empty() {
        let seats = purchase.seats.iter().take(usize::from(quantity));
        let places = seats.map(|seat| Place::Seat(SeatIx(*seat))).collect();
        return vec![SeatRequest::These(places)];
    }
    let bands: Vec<BandIx> = wishes.band.map(BandIx).into_iter().collect();
    let mut requests = vec![SeatRequest::BestAvailable {
        quantity,
        bands: bands.clone(),
        together: wishes.together,
    }];
    let areas = inventory.map().areas().iter().enumerate();
    let areas = areas.filter(|(_, area)| bands.is_empty() || bands.contains(&area.band));
    requests.extend(areas.filter_map(|(at, _)| {
        Some(SeatRequest::GeneralAdmission {
            area: AreaIx(u16::try_from(at).ok()?),
            quantity,
        })
    }));
    requests
}

fn find(
    inventory: &Inventory,
    fan: FanId,
    wishes: Wishes,
    purchase: &Purchase,
    now_ms: i64,
) -> Option<Vec<Place>> {
    requests(inventory, wishes, purchase)
        .into_iter()
        .find_map(|request| {
            let request = purchase
                .limit(request.clone(), 0, inventory.map())
                // The seats that are named are the limit themselves.
                .or(match request {
                    SeatRequest::These(places) if !purchase.seats.is_empty() => {
                        Ok(SeatRequest::These(places))
                    }
                    _ => Err(()),
                });
            let command = Command::PlaceHold {
                hold: HoldId::from_bytes(crate::clock::random_bytes()),
                fan,
                request: request.ok()?,
                needs_accessible: wishes.accessible,
                allocation: None,
            };
            let decision = decide(inventory, &command, now_ms).ok()?;
            decision.events.into_iter().find_map(|event| match event {
                Event::HoldPlaced { places, .. } => Some(places),
                _ => None,
            })
        })
}
