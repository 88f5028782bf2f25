//! Wire types of docs/http.md that are not the core's own.

use booking_core::decide::Warning;
use booking_core::price::{OrderItem, Place};
use booking_core::{CommandId, HoldId, OrderId, PerformanceId, Quote, SeatRequest, TicketId};
use serde::{Deserialize, Serialize};

use crate::browser;

#[derive(Deserialize)]
pub(super) struct Performances {
    pub(super) performances: Vec<Performance>,
}

/// One show at one time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Performance {
    pub(crate) id: PerformanceId,
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) description: String,
    pub(crate) genre: String,
    pub(crate) venue: Venue,
    pub(crate) starts_at_ms: i64,
    pub(crate) doors_at_ms: i64,
    pub(crate) poster_url: String,
    pub(crate) sale: Sale,
    pub(crate) currency: String,
    pub(crate) minor_digits: u8,
    pub(crate) price_from_minor: i64,
    pub(crate) counts: Counts,
    pub(crate) simulated_fans: bool,
    /// Whether anybody may switch them.
    pub(crate) demo: bool,
    pub(crate) map_version: String,
    /// The waiting room that protects it.
    #[serde(default)]
    pub(crate) room: Option<RoomOf>,
}

/// The waiting room of a performance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct RoomOf {
    pub(crate) id: String,
    /// Whether an admission is needed now.
    pub(crate) on: bool,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Venue {
    pub(crate) id: uuid::Uuid,
    pub(crate) name: String,
    pub(crate) city: String,
    /// IANA name, `Europe/Berlin`.
    pub(crate) time_zone: String,
}

/// Where its sale stands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Sale {
    pub(crate) state: SaleState,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SaleState {
    Upcoming,
    OnSale,
    SoldOut,
    Over,
}

/// Places by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) open: u32,
    pub(crate) held: u32,
    pub(crate) sold: u32,
    pub(crate) closed: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct QuoteAsk {
    pub(crate) items: Vec<OrderItem>,
    pub(crate) voucher: Option<String>,
}

/// A price the server stands by.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct SignedQuote {
    pub(crate) quote: Quote,
    pub(crate) quoted_ms: i64,
    pub(crate) valid_until_ms: i64,
    pub(crate) token: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct HoldAsk {
    pub(crate) command_id: CommandId,
    pub(crate) hold_id: HoldId,
    pub(crate) request: SeatRequest,
    pub(crate) needs_accessible: bool,
}

impl HoldAsk {
    /// With new names. Asked again after a lost answer, it asks the same thing.
    pub(crate) fn anew(request: SeatRequest, needs_accessible: bool) -> Self {
        Self {
            command_id: browser::new_id().into(),
            hold_id: browser::new_id().into(),
            request,
            needs_accessible,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct HoldChange {
    pub(crate) command_id: CommandId,
    pub(crate) add: Vec<Place>,
    pub(crate) remove: Vec<Place>,
    pub(crate) needs_accessible: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct FansAsk {
    pub(super) on: bool,
}

/// A command that says nothing but its own name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Commanded {
    pub(crate) command_id: CommandId,
}

impl Commanded {
    /// With a new name.
    pub(crate) fn anew() -> Self {
        Self {
            command_id: browser::new_id().into(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Holds {
    pub(super) holds: Vec<HoldAnswer>,
}

/// A live hold, and the server's clock when it said so.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct HoldAnswer {
    pub(crate) hold: Hold,
    #[serde(default, deserialize_with = "read_warnings")]
    pub(crate) warnings: Vec<Warning>,
    pub(crate) now_ms: i64,
    pub(crate) seq: u64,
}

impl HoldAnswer {
    /// Sets the countdown's clock by the server's.
    pub(super) fn noted(self) -> Self {
        browser::learn_clock(self.now_ms, 0);
        self
    }
}

/// A buyer's expiring claim.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Hold {
    pub(crate) hold: HoldId,
    pub(crate) places: Vec<Place>,
    pub(crate) placed_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) max_expires_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CheckoutAsk {
    pub(crate) command_id: CommandId,
    pub(crate) order_id: OrderId,
    pub(crate) quote_token: String,
    pub(crate) items: Vec<OrderItem>,
    pub(crate) voucher: Option<String>,
    pub(crate) buyer: Buyer,
    /// None where there is nothing to pay.
    pub(crate) payment: Option<Card>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Buyer {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// Never stored, in the browser or out of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Card {
    pub(crate) card_number: String,
    pub(crate) expiry: String,
    pub(crate) cvc: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct StepAsk {
    pub(crate) command_id: CommandId,
    pub(crate) approve: bool,
}

#[derive(Deserialize)]
pub(super) struct Orders {
    pub(super) orders: Vec<Order>,
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) performance_id: PerformanceId,
    pub(crate) hold_id: HoldId,
    pub(crate) state: OrderState,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) explanation: Option<String>,
    #[serde(default)]
    pub(crate) step: Option<Step>,
    pub(crate) buyer: Buyer,
    pub(crate) quote: Quote,
    pub(crate) total_minor: i64,
    pub(crate) currency: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) tickets: Vec<Ticket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderState {
    Paying,
    NeedsStep,
    Confirmed,
    Declined,
    Voided,
    Refunded,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Step {
    pub(crate) url: String,
}

/// One admission to one place.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: TicketId,
    pub(crate) place: Place,
    pub(crate) section: String,
    /// Empty in an area.
    #[serde(default)]
    pub(crate) row: String,
    #[serde(default)]
    pub(crate) seat: String,
    pub(crate) price_type: String,
    pub(crate) state: TicketState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TicketState {
    Valid,
    Cancelled,
}

/// A ticket with all that its page shows. Not flattened by serde: that would bring a second reader of
/// everything in it into the browser.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct TicketPage {
    id: TicketId,
    place: Place,
    section: String,
    row: String,
    seat: String,
    price_type: String,
    state: TicketState,
    pub(crate) performance: Performance,
    /// Signed text in the QR.
    pub(crate) code: String,
}

impl TicketPage {
    /// The ticket by itself.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            id: self.id,
            place: self.place,
            section: self.section.clone(),
            row: self.row.clone(),
            seat: self.seat.clone(),
            price_type: self.price_type.clone(),
            state: self.state,
        }
    }
}

/// Hints in the form of the core, by hand for the same reason as a [`super::refusal`]. A hint that is
/// not known here is left out.
fn read_warnings<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Warning>, D::Error> {
    let facts = Vec::<serde_json::Value>::deserialize(from)?;
    Ok(facts.iter().filter_map(super::refusal::warning).collect())
}
