//! What an audit finds out.

use crate::id::{AreaIx, BandIx, PriceTypeIx};
use alloc::{format, string::String, vec::Vec};
use core::fmt;

/// Most faults listed; all are counted.
pub const AUDIT_FAULTS_MAX: usize = 1_000;

/// What was sold, to how many, for how much, and whether the ledger can be believed.
///
/// Amounts are minor units of the currency. Sums that do not fit stay at the largest that does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AuditReport {
    /// Batches read.
    pub batches: u64,
    /// Commands that were accepted.
    pub commands: u64,
    /// Events.
    pub events: u64,
    /// Time of the first batch, ms since the epoch.
    pub first_ms: Option<i64>,
    /// Time of the last batch, ms since the epoch.
    pub last_ms: Option<i64>,
    /// Hash of the last batch, in hexadecimal: it stands for the whole ledger.
    pub head: String,
    /// Holds and what became of them.
    pub holds: HoldCounts,
    /// How often the terms were changed.
    pub terms_set: u64,
    /// Orders confirmed.
    pub orders: u64,
    /// Different fans who bought.
    pub buyers: u64,
    /// Tickets.
    pub tickets: TicketCounts,
    /// Where the house stands at the end.
    pub house: HouseCounts,
    /// ISO 4217 code.
    pub currency: String,
    /// Money.
    pub revenue: Revenue,
    /// Voucher codes that were used.
    pub vouchers: Vec<VoucherCount>,
    /// What is wrong, at most [`AUDIT_FAULTS_MAX`].
    pub faults: Vec<AuditFault>,
    /// How much is wrong.
    pub fault_count: u64,
}

/// Holds and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HoldCounts {
    /// Placed.
    pub placed: u64,
    /// Changes.
    pub changed: u64,
    /// Extensions.
    pub extended: u64,
    /// Given back by their owners.
    pub released: u64,
    /// Lapsed.
    pub expired: u64,
    /// Turned into orders.
    pub sold: u64,
}

/// Tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TicketCounts {
    /// Sold, whatever became of them.
    pub sold: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Swapped for another seat.
    pub exchanged: u64,
    /// Valid at the end: `sold - cancelled`.
    pub live: u64,
}

/// Where the house stands at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HouseCounts {
    /// Seats in orders.
    pub sold: u32,
    /// Seats in holds.
    pub held: u32,
    /// Seats off sale.
    pub killed: u32,
    /// Seats set aside.
    pub allocated: u32,
    /// Seats nobody has.
    pub open: u32,
    /// Places taken in areas, of how many.
    pub areas: Vec<AreaCount>,
}

/// Places taken in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AreaCount {
    /// The area.
    pub area: AreaIx,
    /// Places held or sold.
    pub taken: u32,
    /// Places there are.
    pub capacity: u32,
}

/// Money, as it was charged. `charged = tickets - discounts + fees`, plus tax where it is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Revenue {
    /// Charged for all orders.
    pub charged_minor: i64,
    /// Tax in it.
    pub tax_minor: i64,
    /// Taken off by vouchers.
    pub discounts_minor: i64,
    /// What was charged for tickets that were cancelled (with their fees per ticket).
    pub cancelled_minor: i64,
    /// Tickets by price band and type, before discounts.
    pub tickets: Vec<TicketRevenue>,
    /// Fees by their index in the price list.
    pub fees: Vec<FeeRevenue>,
}

/// Tickets of one band and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TicketRevenue {
    /// Price band.
    pub band: BandIx,
    /// Price type.
    pub price_type: PriceTypeIx,
    /// Tickets sold.
    pub tickets: u64,
    /// For how much.
    pub amount_minor: i64,
}

/// One fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FeeRevenue {
    /// Index in the price list.
    pub fee: u8,
    /// How often it was charged.
    pub times: u64,
    /// For how much.
    pub amount_minor: i64,
}

/// One voucher code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoucherCount {
    /// The code, in upper case.
    pub code: String,
    /// Orders that used it.
    pub orders: u64,
    /// What it took off.
    pub discounts_minor: i64,
}

/// What sort of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AuditFaultKind {
    /// The chain is broken, a batch is missing, damaged or foreign, or time went backwards.
    Chain,
    /// A place was given to two.
    PlaceTwice,
    /// An event names something that is not there, or is not as it says.
    Senseless,
    /// A hold lived longer than it may, or ended before its time.
    Lifetime,
    /// A fan got more than one may, or got it outside the sale.
    Limit,
    /// The same command was accepted twice.
    CommandTwice,
    /// An amount is not explained by its lines, or is not what it costs.
    Money,
    /// The program's own replay comes to another result than the auditor.
    Replay,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AuditFault {
    /// The batch it is in.
    pub seq: u64,
    /// What sort of thing is wrong.
    pub kind: AuditFaultKind,
    /// In words.
    pub what: String,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch {}: {}", self.seq, self.what)
    }
}

impl AuditReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
    pub(super) fn fault(&mut self, seq: u64, kind: AuditFaultKind, what: impl fmt::Display) {
        self.fault_count += 1;
        if self.faults.len() < AUDIT_FAULTS_MAX {
            let what = format!("{what}");
            self.faults.push(AuditFault { seq, kind, what });
        }
    }
}

impl fmt::Display for AuditReport {
    /// A page for people. Amounts are in minor units: digits depend on the price list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            holds,
            tickets,
            house,
            revenue,
            currency,
            ..
        } = self;
        writeln!(
            f,
            "{} batches, {} commands, {} events",
            self.batches, self.commands, self.events
        )?;
        writeln!(f, "head {}", self.head)?;
        writeln!(
            f,
            "holds: {} placed, {} extended, {} changed, {} released, {} lapsed, {} sold",
            holds.placed, holds.extended, holds.changed, holds.released, holds.expired, holds.sold
        )?;
        writeln!(
            f,
            "{} orders of {} buyers: {} tickets, {} cancelled, {} exchanged, {} live",
            self.orders,
            self.buyers,
            tickets.sold,
            tickets.cancelled,
            tickets.exchanged,
            tickets.live
        )?;
        writeln!(
            f,
            "seats: {} sold, {} held, {} killed, {} set aside, {} open",
            house.sold, house.held, house.killed, house.allocated, house.open
        )?;
        if self.terms_set > 0 {
            writeln!(f, "terms changed {} times", self.terms_set)?;
        }
        for area in &house.areas {
            writeln!(
                f,
                "area {}: {} of {} places taken",
                area.area, area.taken, area.capacity
            )?;
        }
        writeln!(
            f,
            "charged {} {currency} (minor units), tax {}, discounts {}, of cancelled tickets {}",
            revenue.charged_minor,
            revenue.tax_minor,
            revenue.discounts_minor,
            revenue.cancelled_minor
        )?;
        for line in &revenue.tickets {
            let TicketRevenue {
                band,
                price_type,
                tickets,
                amount_minor,
            } = line;
            writeln!(
                f,
                "  band {band}, type {price_type}: {tickets} tickets, {amount_minor}"
            )?;
        }
        for fee in &revenue.fees {
            writeln!(
                f,
                "  fee {}: {} times, {}",
                fee.fee, fee.times, fee.amount_minor
            )?;
        }
        for voucher in &self.vouchers {
            let VoucherCount {
                code,
                orders,
                discounts_minor,
            } = voucher;
            writeln!(f, "  voucher {code}: {orders} orders, -{discounts_minor}")?;
        }
        if self.is_sound() {
            return f.write_str("sound: no seat was sold twice");
        }
        writeln!(f, "NOT SOUND: {} faults", self.fault_count)?;
        for fault in &self.faults {
            writeln!(f, "  {fault}")?;
        }
        Ok(())
    }
}
