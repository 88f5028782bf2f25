//! What is published: plain data with a version, the same in process and in Kafka.
//!
//! **A message's name.** `event_id` is the performance, the position of its batch in the ledger and
//! the index of the event within that batch; it is unique within a topic and the same however often
//! the message is sent. **Its key** is the performance, so that what belongs to one performance stays
//! in order.
//!
//! **Personal data.** Names, addresses, mail addresses and cards are in no message: the ledger has
//! none. `orders` has `buyer`, the random id of a session or an account, without which nobody could
//! tell ten buyers from one who bought ten times; no other topic has it. A voucher's code opens a
//! discount to whoever reads it, so only that one was used is told.

use booking_core::{OrderId, PerformanceId, TicketId};
use serde::{Deserialize, Serialize};

/// Version of every schema. A field may be added within a version; anything else is a new one.
pub const VERSION: u16 = 1;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Tickets sold, cancelled, exchanged, one by one.
    TicketBookings,
    /// What becomes of seats and places: held, sold, free, closed.
    SeatChanges,
    /// Orders and their money.
    Orders,
    /// Who was let in from a waiting room: see [`Admitted`](super::admissions::Admitted).
    Admissions,
    /// Sums over one minute.
    AnalyticsResults,
    /// What could not be sent, and why.
    DeadLetters,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 6] = [
        Self::TicketBookings,
        Self::SeatChanges,
        Self::Orders,
        Self::Admissions,
        Self::AnalyticsResults,
        Self::DeadLetters,
    ];

    /// Its name at the broker.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TicketBookings => "ticket-bookings",
            Self::SeatChanges => "seat-changes",
            Self::Orders => "orders",
            Self::Admissions => "admissions",
            Self::AnalyticsResults => "analytics-results",
            Self::DeadLetters => "dead-letters",
        }
    }

    /// The topic of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Where it goes, which is also which schema it has.
    pub topic: Topic,
    /// Of the schema.
    pub version: u16,
    /// Unique within the topic, the same at each repeat.
    pub event_id: String,
    /// Whose; also the message's key.
    pub performance: PerformanceId,
    /// Position in the ledger.
    pub seq: u64,
    /// Index of the event within its batch.
    pub index: u32,
    /// When it was decided, ms since the epoch. Never goes back within a performance.
    pub at_ms: i64,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// `ticket-bookings`: an order's tickets.
    TicketsSold {
        /// The order.
        order: OrderId,
        /// ISO 4217.
        currency: String,
        /// Each with what was paid for it.
        tickets: Vec<Ticket>,
        /// Fees on the order, which no ticket explains.
        order_fees_minor: i64,
    },
    /// `ticket-bookings`: they are void.
    TicketsCancelled {
        /// The order.
        order: OrderId,
        /// ISO 4217.
        currency: String,
        /// Each with what had been paid for it.
        tickets: Vec<Ticket>,
    },
    /// `ticket-bookings`: void, and others in their place.
    TicketsExchanged {
        /// The order.
        order: OrderId,
        /// ISO 4217.
        currency: String,
        /// Those that are void.
        gave: Vec<Ticket>,
        /// Those in their place, in the same order.
        got: Vec<Ticket>,
    },
    /// `seat-changes`: what seats and places are now.
    SeatsChanged {
        /// Why.
        cause: Cause,
        /// What is what now.
        changes: Vec<Change>,
    },
    /// `orders`: money was charged.
    OrderConfirmed {
        /// The order.
        order: OrderId,
        /// Who bought: a session or an account.
        buyer: booking_core::FanId,
        /// How many tickets.
        tickets: u32,
        /// ISO 4217.
        currency: String,
        /// What was charged.
        total_minor: i64,
        /// Tax contained in it.
        tax_minor: i64,
        /// Fees contained in it, without a tax that comes on top.
        fees_minor: i64,
        /// What vouchers took off.
        discount_minor: i64,
        /// Whether a voucher was used.
        voucher: bool,
    },
    /// `orders`: tickets of it are void.
    OrderCancelled {
        /// The order.
        order: OrderId,
        /// How many tickets.
        tickets: u32,
        /// ISO 4217.
        currency: String,
        /// What had been paid for these tickets, fees on the order not included.
        worth_minor: i64,
    },
    /// `orders`: seats of it were swapped; no money moved.
    OrderExchanged {
        /// The order.
        order: OrderId,
        /// How many tickets.
        tickets: u32,
    },
    /// `analytics-results`: what was sold within one minute. Of several for one window, the one with
    /// the highest `seq` counts.
    SalesWindow {
        /// First instant of it.
        from_ms: i64,
        /// First instant after it.
        until_ms: i64,
        /// ISO 4217.
        currency: String,
        /// Orders confirmed.
        orders: u32,
        /// Fees on orders, which belong to no band.
        order_fees_minor: i64,
        /// By price band, in order of the bands; those in which nothing happened are left out.
        bands: Vec<BandSales>,
    },
    /// `dead-letters`: a message that could not be sent. The ledger has what it said.
    DeadLetter {
        /// Where it should have gone.
        intended: Topic,
        /// Its name there.
        message: String,
        /// Why not.
        reason: String,
    },
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub ticket: TicketId,
    /// Where.
    #[serde(flatten)]
    pub place: TicketPlace,
    /// Price band, 0-based.
    pub band: u8,
    /// Price type, 0-based.
    pub price_type: u8,
    /// What was paid for it: less its discount, with its fees, and tax where that comes on top.
    pub paid_minor: i64,
}

/// Where a ticket is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TicketPlace {
    /// A numbered seat.
    Seat {
        /// Its index in the seat map.
        seat: u32,
        /// Name of the section.
        section: String,
        /// Name of the row.
        row: String,
        /// What stands on the seat.
        label: String,
    },
    /// Room in an area.
    Area {
        /// Its index in the seat map.
        area: u16,
        /// Its name.
        name: String,
    },
}

/// Why seats changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody claimed them.
    HoldPlaced,
    /// Somebody claimed others.
    HoldChanged,
    /// Somebody gave them back.
    HoldReleased,
    /// A claim's time was past.
    HoldExpired,
    /// They were sold.
    OrderConfirmed,
    /// Tickets are void.
    TicketsCancelled,
    /// Tickets were swapped.
    SeatsExchanged,
    /// Off sale.
    SeatsKilled,
    /// On sale again.
    SeatsRevived,
    /// Set aside.
    SeatsAllocated,
    /// On sale again.
    AllocationReleased,
}

/// What seats and places are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Anybody may take them.
    Free,
    /// Claimed for a while.
    Held,
    /// Somebody's.
    Sold,
    /// Off sale or set aside.
    Closed,
}

/// Seats and places that are something else now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What they are now.
    pub to: Status,
    /// By their index in the seat map, ascending.
    pub seats: Vec<u32>,
    /// How many places of which area, by its index, ascending.
    pub areas: Vec<AreaPlaces>,
}

/// Places of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaPlaces {
    /// Index in the seat map.
    pub area: u16,
    /// How many.
    pub places: u32,
}

/// What was sold of one band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandSales {
    /// 0-based.
    pub band: u8,
    /// Tickets sold.
    pub sold: u32,
    /// What was paid for them.
    pub revenue_minor: i64,
    /// Tickets cancelled.
    pub cancelled: u32,
    /// What had been paid for those.
    pub refunds_minor: i64,
}

impl Message {
    /// As it is sent.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        // Plain data with text for keys can always be written as JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The message in which a consumer or a test finds what was sent.
    pub fn of_payload(payload: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }

    /// What is told of it where it cannot be sent.
    #[must_use]
    pub fn dead(&self, reason: &str) -> Self {
        Self {
            topic: Topic::DeadLetters,
            event_id: format!("{}/{}", self.topic.name(), self.event_id),
            body: Body::DeadLetter {
                intended: self.topic,
                message: self.event_id.clone(),
                reason: reason.to_owned(),
            },
            ..self.clone()
        }
    }
}

/// How an event of the ledger is called within its topic.
#[must_use]
pub fn event_id(performance: PerformanceId, seq: u64, index: u32) -> String {
    format!("{performance}:{seq}:{index}")
}
