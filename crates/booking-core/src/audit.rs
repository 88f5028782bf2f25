//! Replays a ledger, checks every invariant and the hash chain, and reports what was sold, to whom,
//! for how much.
//!
//! An [`Audit`] trusts nobody. It keeps a model of its own, as simple as can be, beside the
//! program's own [`Replay`], and holds the two against each other at the end. It checks that
//!
//! 1. a place belongs to at most one live hold or ticket, and an area never has more than it takes;
//! 2. the program's replay comes to the same house, seat for seat;
//! 3. no command was accepted twice;
//! 4. every cent of an order stands on a line, and it costs what the price list says that was in
//!    force, with a voucher that was valid when the price was made;
//! 5. a hold lives no longer than it may, ends no sooner, and is not sold after its time;
//! 6. no fan gets more than the limits in force allow, and nobody holds outside the sale;
//! 7. terms are changed only to such as make sense and leave what was sold in its place;
//! 8. batches follow each other without gap, in time, each naming the one before.
//!
//! It goes on after a fault, so that one broken batch does not hide another.

mod model;
mod report;

pub use report::{
    AUDIT_FAULTS_MAX, AreaCount, AuditFault, AuditFaultKind, AuditReport, FeeRevenue, HoldCounts,
    HouseCounts, Revenue, TicketCounts, TicketRevenue, VoucherCount,
};

use crate::event::Event;
use crate::id::{AreaIx, BandIx, CommandId, FanId, PerformanceId, PriceTypeIx, SeatIx};
use crate::inventory::{Inventory, SeatState};
use crate::ledger::{Batch, GENESIS, Hash, LedgerFault, Replay, Sealed};
use crate::price::{LineKind, OrderItem, Place, PriceList, QuoteLine, TaxMode, VoucherUse, quote};
use crate::seatmap::{MapVersion, SeatMap};
use crate::terms::SaleTerms;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};
use model::Model;

/// An audit under way: feed it a ledger's rows in order, then [`finish`](Self::finish).
///
/// Memory: the live state twice, an id for each command and buyer.
///
/// ```
/// use booking_core::audit::Audit;
/// use booking_core::ledger::{Batch, Entry, GENESIS};
/// use booking_core::test_support::{empty, execute, house, place_hold, seats};
/// use booking_core::{CommandId, PerformanceId, terms::BookingRules};
///
/// let mut inventory = empty(&house(1, 1, 8), BookingRules::default());
/// let decision = execute(&mut inventory, &place_hold(1, 2, &seats(&[3, 4])), 1_000).unwrap();
/// let batch = Batch {
///     performance: PerformanceId::from_u128(9),
///     seq: 1,
///     at_ms: 1_000,
///     prev_hash: GENESIS,
///     entries: vec![Entry { command: CommandId::from_u128(5), events: decision.events }],
/// };
///
/// let (map, terms) = (inventory.map().clone(), inventory.terms().clone());
/// let mut audit = Audit::new(PerformanceId::from_u128(9), map, terms);
/// audit.feed(&batch.seal());
/// let report = audit.finish();
/// assert!(report.is_sound());
/// assert_eq!(report.house.held, 2);
/// ```
pub struct Audit {
    performance: PerformanceId,
    map: Arc<SeatMap>,
    terms: Arc<SaleTerms>,
    /// The program's own replay, until it refuses to go on.
    replay: Option<Replay>,
    model: Model,
    chain: Chain,
    commands: BTreeSet<CommandId>,
    buyers: BTreeSet<FanId>,
    tickets: BTreeMap<(BandIx, PriceTypeIx), (u64, i64)>,
    fees: BTreeMap<u8, (u64, i64)>,
    vouchers: BTreeMap<String, (u64, i64)>,
    report: AuditReport,
}

/// Where the ledger stands.
struct Chain {
    seq: u64,
    hash: Hash,
    at_ms: i64,
}

impl Audit {
    /// Starts before the first batch.
    #[must_use]
    pub fn new(performance: PerformanceId, map: Arc<SeatMap>, terms: Arc<SaleTerms>) -> Self {
        let empty = Inventory::new(map.clone(), terms.clone());
        Self {
            performance,
            replay: Some(Replay::new(performance, empty)),
            model: Model::new(map.clone()),
            chain: Chain {
                seq: 0,
                hash: GENESIS,
                at_ms: i64::MIN,
            },
            commands: BTreeSet::new(),
            buyers: BTreeSet::new(),
            tickets: BTreeMap::new(),
            fees: BTreeMap::new(),
            vouchers: BTreeMap::new(),
            report: AuditReport {
                currency: terms.prices.currency.clone(),
                ..AuditReport::default()
            },
            map,
            terms,
        }
    }

    /// Takes in the next row of the ledger.
    pub fn feed(&mut self, sealed: &Sealed) {
        self.report.batches += 1;
        let seq = self.chain.seq.saturating_add(1);
        if !sealed.is_intact() {
            self.chain_fault(&LedgerFault::BrokenChain { seq });
        }
        let batch = match Batch::decode(&sealed.bytes) {
            Ok(batch) => batch,
            Err(source) => {
                self.chain_fault(&LedgerFault::Damaged { seq, source });
                self.replay = None;
                self.chain = Chain {
                    seq,
                    hash: sealed.hash,
                    ..self.chain
                };
                return;
            }
        };
        self.check_chain(&batch, seq);
        self.chain = Chain {
            seq: batch.seq,
            hash: sealed.hash,
            at_ms: self.chain.at_ms.max(batch.at_ms),
        };
        for entry in &batch.entries {
            self.report.commands += 1;
            if !self.commands.insert(entry.command) {
                let what = format_args!("command {} was accepted before", entry.command);
                self.report
                    .fault(batch.seq, AuditFaultKind::CommandTwice, what);
            }
            for event in &entry.events {
                self.follow(event, &batch);
            }
        }
        self.report.first_ms.get_or_insert(batch.at_ms);
        self.report.last_ms = Some(batch.at_ms);
        if let Some(replay) = &mut self.replay
            && let Err(fault) = replay.follow(sealed)
        {
            // Faults of the chain have been told; others are the program's own opinion.
            if let LedgerFault::Contradiction { .. } = fault {
                self.report.fault(batch.seq, AuditFaultKind::Replay, fault);
            }
            self.replay = None;
        }
    }

    /// What was found so far, without the closing comparison and the sums by kind.
    #[must_use]
    pub fn so_far(&self) -> &AuditReport {
        &self.report
    }

    /// Compares the two accounts of the house and closes the books.
    #[must_use]
    pub fn finish(mut self) -> AuditReport {
        self.compare();
        self.count_house();
        let Self {
            mut report,
            tickets,
            fees,
            vouchers,
            buyers,
            chain,
            ..
        } = self;
        report.head = format!("{}", MapVersion(chain.hash));
        report.buyers = buyers.len() as u64;
        report.revenue.tickets = tickets
            .into_iter()
            .map(
                |((band, price_type), (tickets, amount_minor))| TicketRevenue {
                    band,
                    price_type,
                    tickets,
                    amount_minor,
                },
            )
            .collect();
        report.revenue.fees = fees
            .into_iter()
            .map(|(fee, (times, amount_minor))| FeeRevenue {
                fee,
                times,
                amount_minor,
            })
            .collect();
        report.vouchers = vouchers
            .into_iter()
            .map(|(code, (orders, discounts_minor))| VoucherCount {
                code,
                orders,
                discounts_minor,
            })
            .collect();
        report
    }

    fn chain_fault(&mut self, fault: &LedgerFault) {
        let seq = self.chain.seq.saturating_add(1);
        self.report.fault(seq, AuditFaultKind::Chain, fault);
    }

    fn check_chain(&mut self, batch: &Batch, seq: u64) {
        if batch.performance != self.performance {
            self.chain_fault(&LedgerFault::Foreign { seq });
        }
        if batch.seq != seq {
            self.chain_fault(&LedgerFault::Gap {
                expected: seq,
                found: batch.seq,
            });
        }
        if batch.prev_hash != self.chain.hash {
            self.chain_fault(&LedgerFault::BrokenChain { seq });
        }
        if batch.at_ms < self.chain.at_ms {
            self.chain_fault(&LedgerFault::TimeWentBack { seq });
        }
    }

    fn follow(&mut self, event: &Event, batch: &Batch) {
        self.report.events += 1;
        self.count(event);
        let mut faults = Vec::new();
        let rules = &self.terms.rules;
        let ended_minor = self.model.follow(event, batch.at_ms, rules, &mut faults);
        let cancelled = &mut self.report.revenue.cancelled_minor;
        *cancelled = cancelled.saturating_add(ended_minor);
        for (kind, what) in faults {
            self.report.fault(batch.seq, kind, what);
        }
        if let Event::TermsSet { terms } = event {
            self.set_terms(terms, batch.seq);
        }
        if let Event::OrderConfirmed {
            order,
            items,
            voucher,
            lines,
            total_minor,
            fan,
            quoted_ms,
            ..
        } = event
        {
            self.buyers.insert(*fan);
            let sale = Sale {
                items,
                voucher: voucher.as_deref(),
                lines,
                total_minor: *total_minor,
                quoted_ms: *quoted_ms,
            };
            if let Some(tickets) = self.model.orders.get_mut(order) {
                for (i, ticket) in tickets.iter_mut().enumerate() {
                    ticket.paid_minor = sale.paid_for(i, self.terms.prices.tax.mode);
                }
            }
            for what in self.check_money(&sale) {
                let what = format_args!("order {order}: {what}");
                self.report.fault(batch.seq, AuditFaultKind::Money, what);
            }
            self.book(&sale);
        }
    }

    /// From here on orders are judged by other terms.
    fn set_terms(&mut self, terms: &SaleTerms, seq: u64) {
        self.report.terms_set += 1;
        let (old, new) = (&self.terms.prices, &terms.prices);
        let mut wrong = Vec::new();
        if let Err(faults) = new.validate(&self.map) {
            wrong.push(format!("terms that make no sense: {faults}"));
        }
        if new.currency != old.currency || new.minor_digits != old.minor_digits {
            wrong.push(String::from("the currency changes"));
        }
        let types = |prices: &PriceList| -> Vec<String> {
            prices.types.iter().map(|one| one.name.clone()).collect()
        };
        let fees = |prices: &PriceList| -> Vec<String> {
            prices.fees.iter().map(|fee| fee.name.clone()).collect()
        };
        if !types(new).starts_with(&types(old)) || !fees(new).starts_with(&fees(old)) {
            wrong.push(String::from("what was sold loses its place in the terms"));
        }
        for what in wrong {
            self.report.fault(seq, AuditFaultKind::Senseless, what);
        }
        self.terms = Arc::new(terms.clone());
    }

    fn count(&mut self, event: &Event) {
        let AuditReport {
            holds,
            tickets,
            orders,
            ..
        } = &mut self.report;
        match event {
            Event::HoldPlaced { .. } => holds.placed += 1,
            Event::HoldChanged { .. } => holds.changed += 1,
            Event::HoldExtended { .. } => holds.extended += 1,
            Event::HoldReleased { .. } => holds.released += 1,
            Event::HoldExpired { .. } => holds.expired += 1,
            Event::OrderConfirmed { hold, items, .. } => {
                *orders += 1;
                holds.sold += u64::from(self.model.holds(*hold));
                tickets.sold += items.len() as u64;
                tickets.live += items.len() as u64;
            }
            Event::TicketsCancelled { places, .. } => {
                tickets.cancelled += places.len() as u64;
                tickets.live = tickets.live.saturating_sub(places.len() as u64);
            }
            Event::SeatsExchanged { gave, .. } => tickets.exchanged += gave.len() as u64,
            Event::SeatsKilled { .. }
            | Event::SeatsRevived { .. }
            | Event::SeatsAllocated { .. }
            | Event::AllocationReleased { .. }
            | Event::TermsSet { .. } => {}
        }
    }

    /// What is wrong with the amounts of an order.
    fn check_money(&self, sale: &Sale<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        let prices = &self.terms.prices;
        if sale.sum(prices.tax.mode) != Some(sale.total_minor) {
            wrong.push(format!("the lines do not add up to {}", sale.total_minor));
        }
        let voucher = sale.voucher.map(|code| VoucherUse {
            code,
            orders_so_far: 0,
        });
        let known = voucher.and_then(|used| {
            prices
                .vouchers
                .iter()
                .find(|known| known.code.eq_ignore_ascii_case(used.code))
        });
        // Ledgers of the first version do not say when the price was made, and so not whether the
        // voucher was valid then.
        let first_valid_ms = known.map_or(0, |known| known.from_ms);
        let when = sale.quoted_ms.unwrap_or(first_valid_ms);
        match quote(prices, &self.map, sale.items, voucher, when) {
            Err(error) => wrong.push(format!("cannot be priced: {error}")),
            Ok(quote) if quote.total_minor != sale.total_minor => {
                let (costs, paid) = (quote.total_minor, sale.total_minor);
                wrong.push(format!("costs {costs} and was charged {paid}"));
            }
            Ok(quote) if quote.lines != sale.lines => {
                wrong.push(String::from("the lines are not those of the price list"));
            }
            Ok(_) => {}
        }
        if let (Some(code), Some(known)) = (sale.voucher, known) {
            let used = self.vouchers.get(code).map_or(0, |(orders, _)| *orders);
            if known.max_orders > 0 && used >= known.max_orders.into() {
                wrong.push(format!("voucher {code} was used up"));
            }
        }
        wrong
    }

    /// Books an order under what it was for.
    fn book(&mut self, sale: &Sale<'_>) {
        let revenue = &mut self.report.revenue;
        let add = |sum: &mut i64, amount: i64| *sum = sum.saturating_add(amount);
        add(&mut revenue.charged_minor, sale.total_minor);
        let mut discounts = 0;
        for line in sale.lines {
            add(&mut revenue.tax_minor, line.tax_minor);
            match line.kind {
                LineKind::Ticket {
                    place, price_type, ..
                } => {
                    let band = band_of(&self.map, place).unwrap_or(BandIx(u8::MAX));
                    let booked = self.tickets.entry((band, price_type)).or_default();
                    booked.0 += 1;
                    add(&mut booked.1, line.amount_minor);
                }
                LineKind::Discount { .. } => {
                    add(&mut discounts, line.amount_minor.saturating_neg());
                }
                LineKind::TicketFee { fee, .. } | LineKind::OrderFee { fee } => {
                    let booked = self.fees.entry(fee).or_default();
                    booked.0 += 1;
                    add(&mut booked.1, line.amount_minor);
                }
            }
        }
        add(&mut revenue.discounts_minor, discounts);
        if let Some(code) = sale.voucher {
            let booked = self.vouchers.entry(code.to_ascii_uppercase()).or_default();
            booked.0 += 1;
            add(&mut booked.1, discounts);
        }
    }

    /// Holds the program's replay against the model, place by place.
    fn compare(&mut self) {
        let Some(replay) = &self.replay else { return };
        let (seq, inventory) = (replay.seq, &replay.inventory);
        if **inventory.terms() != *self.terms {
            let what = "replay and audit end under different terms";
            self.report.fault(seq, AuditFaultKind::Replay, what);
        }
        for seat in (0..self.map.seat_count()).map(SeatIx) {
            let (theirs, ours) = (inventory.seat(seat), self.model.owner(seat));
            if theirs != ours {
                let what = format_args!("seat {seat}: replay says {theirs:?}, the audit {ours:?}");
                self.report.fault(seq, AuditFaultKind::Replay, what);
            }
        }
        for (i, area) in self.map.areas().iter().enumerate() {
            let ix = AreaIx(i as u16);
            let taken = self.model.areas.get(&ix).copied().unwrap_or(0);
            let (theirs, ours) = (inventory.area_left(ix), area.capacity.saturating_sub(taken));
            if theirs != ours {
                let what = format_args!("area {ix}: replay has {theirs} left, the audit {ours}");
                self.report.fault(seq, AuditFaultKind::Replay, what);
            }
        }
    }

    fn count_house(&mut self) {
        let house = &mut self.report.house;
        for state in self.model.seats.values() {
            match state {
                SeatState::Open => {}
                SeatState::Held(_) => house.held += 1,
                SeatState::Sold(_) => house.sold += 1,
                SeatState::Killed => house.killed += 1,
                SeatState::Allocated(_) => house.allocated += 1,
            }
        }
        let taken = house.held + house.sold + house.killed + house.allocated;
        house.open = self.map.seat_count().saturating_sub(taken);
        for (i, area) in self.map.areas().iter().enumerate() {
            let ix = AreaIx(i as u16);
            let taken = self.model.areas.get(&ix).copied().unwrap_or(0);
            house.areas.push(AreaCount {
                area: ix,
                taken,
                capacity: area.capacity,
            });
        }
    }
}

fn band_of(map: &SeatMap, place: Place) -> Option<BandIx> {
    match place {
        Place::Seat(seat) => map.has_seat(seat).then(|| map.band(seat)),
        Place::Area(area) => Some(map.area(area)?.band),
    }
}

/// The money side of an order.
struct Sale<'a> {
    items: &'a [OrderItem],
    voucher: Option<&'a str>,
    lines: &'a [QuoteLine],
    total_minor: i64,
    quoted_ms: Option<i64>,
}

impl Sale<'_> {
    /// What the lines come to; `None` if that does not fit.
    fn sum(&self, mode: TaxMode) -> Option<i64> {
        self.lines
            .iter()
            .try_fold(0_i64, |sum, line| sum.checked_add(charged(line, mode)?))
    }

    /// What was charged for the ticket of an item: with discount and fees per ticket.
    fn paid_for(&self, wanted: usize, mode: TaxMode) -> i64 {
        let lines = self.lines.iter().filter(|line| match line.kind {
            LineKind::Ticket { item, .. }
            | LineKind::Discount { item }
            | LineKind::TicketFee { item, .. } => usize::from(item) == wanted,
            LineKind::OrderFee { .. } => false,
        });
        lines.fold(0, |sum: i64, line| {
            sum.saturating_add(charged(line, mode).unwrap_or(i64::MAX))
        })
    }
}

/// What a line adds to the charge.
fn charged(line: &QuoteLine, mode: TaxMode) -> Option<i64> {
    match mode {
        TaxMode::Inclusive => Some(line.amount_minor),
        TaxMode::Exclusive => line.amount_minor.checked_add(line.tax_minor),
    }
}
