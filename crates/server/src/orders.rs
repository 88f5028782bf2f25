//! Orders and tickets as a fan sees them: the checkout's record, joined with the live tickets and
//! with the names of the house.
//!
//! **Invariant:** what belongs to another fan is not there.

use crate::checkout::{Checkout, CheckoutError, Checkouts};
use crate::lane::{Goods, PerformanceSource};
use crate::store::checkouts::{CheckoutStore, LiveTicket};
use crate::tickets::{TicketClaims, TicketKey};
use booking_core::price::{OrderItem, Place};
use booking_core::{AreaIx, FanId, OrderId, PriceTypeIx, SeatIx, TicketId};
use std::collections::HashMap;
use std::sync::Arc;

/// A ticket with the names of its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketView {
    /// Its id.
    pub id: TicketId,
    /// Where.
    pub place: Place,
    /// Name of the section or area.
    pub section: String,
    /// Name of the row; empty in an area.
    pub row: String,
    /// Label of the seat; empty in an area.
    pub seat: String,
    /// Name of the price type.
    pub price_type: String,
    /// Whether it opens the door.
    pub valid: bool,
}

/// An order with its tickets.
#[derive(Clone, Debug)]
pub struct OrderView {
    /// The latest attempt to pay for it.
    pub checkout: Arc<Checkout>,
    /// In the order in which they were asked for; none before their money is taken.
    pub tickets: Vec<TicketView>,
}

/// A ticket on its own.
#[derive(Clone, Debug)]
pub struct OneTicket {
    /// The ticket.
    pub ticket: TicketView,
    /// Its order.
    pub checkout: Arc<Checkout>,
    /// The signed text of its QR code.
    pub code: String,
}

/// Queries by fan.
pub struct Orders {
    checkouts: Checkouts,
    store: Arc<dyn CheckoutStore>,
    source: Arc<dyn PerformanceSource>,
    key: TicketKey,
}

impl Orders {
    /// Reads from `store`; names come from `source`.
    #[must_use]
    pub fn new(
        checkouts: Checkouts,
        store: Arc<dyn CheckoutStore>,
        source: Arc<dyn PerformanceSource>,
        key: TicketKey,
    ) -> Self {
        Self {
            checkouts,
            store,
            source,
            key,
        }
    }

    /// One order of this fan.
    pub async fn one(&self, fan: FanId, order: OrderId) -> Result<OrderView, CheckoutError> {
        self.view(self.checkouts.latest(fan, order).await?).await
    }

    /// The orders of this fan, newest first.
    pub async fn all(&self, fan: FanId) -> Result<Vec<OrderView>, CheckoutError> {
        let mut views = Vec::new();
        for checkout in self.checkouts.of_fan(fan).await? {
            views.push(self.view(checkout).await?);
        }
        Ok(views)
    }

    /// An attempt with its tickets as they are now.
    pub async fn view(&self, checkout: Arc<Checkout>) -> Result<OrderView, CheckoutError> {
        view(&*self.store, &*self.source, checkout).await
    }

    /// An attempt that has just been settled: if it is paid for, every ticket is live, and nothing
    /// need be looked up.
    pub async fn just_settled(&self, checkout: Arc<Checkout>) -> Result<OrderView, CheckoutError> {
        named(&*self.source, checkout, |goods, checkout| {
            numbered(checkout)
                .map(|(id, item)| ticket(goods, id, item, true))
                .collect()
        })
        .await
    }

    /// One ticket of this fan, with its code.
    pub async fn ticket(&self, fan: FanId, id: TicketId) -> Result<OneTicket, CheckoutError> {
        let order = match self.store.live_ticket(id).await? {
            Some(live) if live.fan == fan => live.order,
            Some(_) => return Err(CheckoutError::NotFound),
            // Perhaps one that was cancelled.
            None => self
                .checkouts
                .of_fan(fan)
                .await?
                .iter()
                .find(|checkout| numbered(checkout).any(|(ticket, _)| ticket == id))
                .map(|checkout| checkout.order)
                .ok_or(CheckoutError::NotFound)?,
        };
        let OrderView { checkout, tickets } = self.one(fan, order).await?;
        let ticket = tickets
            .into_iter()
            .find(|ticket| ticket.id == id)
            .ok_or(CheckoutError::NotFound)?;
        let performance = checkout.performance;
        let claims = TicketClaims {
            ticket: id,
            performance,
            place: ticket.place,
        };
        Ok(OneTicket {
            code: self.key.code(claims),
            ticket,
            checkout,
        })
    }
}

/// An attempt with its tickets as they are now; `store` and `source` are all it takes, so that it
/// can be looked at where no checkout is under way.
pub async fn view(
    store: &dyn CheckoutStore,
    source: &dyn PerformanceSource,
    checkout: Arc<Checkout>,
) -> Result<OrderView, CheckoutError> {
    let live = if has_tickets(&checkout) {
        store.live_tickets(checkout.order).await?
    } else {
        Vec::new()
    };
    named(source, checkout, |goods, checkout| {
        tickets(goods, checkout, &live)
    })
    .await
}

async fn named(
    source: &dyn PerformanceSource,
    checkout: Arc<Checkout>,
    tickets: impl FnOnce(&Goods, &Checkout) -> Vec<TicketView>,
) -> Result<OrderView, CheckoutError> {
    if !has_tickets(&checkout) {
        return Ok(OrderView {
            checkout,
            tickets: Vec::new(),
        });
    }
    let goods = source
        .current(checkout.performance)
        .await
        .map_err(CheckoutError::Storage)?
        .ok_or(CheckoutError::NotFound)?;
    let tickets = tickets(&goods, &checkout);
    Ok(OrderView { checkout, tickets })
}

/// Tickets are shown once their money is taken: before that they may still be undone.
fn has_tickets(checkout: &Checkout) -> bool {
    matches!(checkout.state(), "confirmed" | "cancelled" | "refunded")
}

/// The tickets of an order with their ids, in the order of their ordinals.
fn numbered(checkout: &Checkout) -> impl Iterator<Item = (TicketId, OrderItem)> + '_ {
    (0..)
        .zip(&checkout.details.items)
        .map(|(ordinal, item)| (TicketId::of(checkout.order, ordinal), *item))
}

fn tickets(goods: &Goods, checkout: &Checkout, live: &[LiveTicket]) -> Vec<TicketView> {
    let live: HashMap<TicketId, &LiveTicket> = live.iter().map(|row| (row.ticket, row)).collect();
    numbered(checkout)
        .map(|(id, mut item)| match live.get(&id) {
            Some(row) => {
                // A ticket that was exchanged has another seat than was bought.
                item.place = place(row).unwrap_or(item.place);
                item.price_type = PriceTypeIx(row.price_type);
                ticket(goods, id, item, true)
            }
            None => ticket(goods, id, item, false),
        })
        .collect()
}

fn place(row: &LiveTicket) -> Option<Place> {
    match row.area {
        Some(area) => Some(Place::Area(AreaIx(area))),
        None => Some(Place::Seat(SeatIx(u32::try_from(row.place_key).ok()?))),
    }
}

fn ticket((map, terms): &Goods, id: TicketId, item: OrderItem, valid: bool) -> TicketView {
    let (section, row, seat) = match item.place {
        Place::Seat(seat) if map.has_seat(seat) => {
            let name = map.seat_name(seat);
            (
                name.section.to_owned(),
                name.row.to_owned(),
                name.seat.to_owned(),
            )
        }
        Place::Area(area) => {
            let name = map
                .area(area)
                .map(|area| area.name.clone())
                .unwrap_or_default();
            (name, String::new(), String::new())
        }
        Place::Seat(_) => <(String, String, String)>::default(),
    };
    let price_type = terms
        .prices
        .types
        .get(item.price_type.index())
        .map(|price_type| price_type.name.clone())
        .unwrap_or_default();
    TicketView {
        id,
        place: item.place,
        section,
        row,
        seat,
        price_type,
        valid,
    }
}
