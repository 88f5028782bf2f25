//! A sale in which everything happens that can happen, recorded batch by batch.

use crate::support::{NOW_MS, cancel, exchange, hold, release, stand};
use booking_core::command::SeatRequest;
use booking_core::ledger::{Batch, Entry, GENESIS, Hash};
use booking_core::price::{
    Fee, FeeAmount, FeePer, OrderItem, Place, Rounding, Tax, TaxMode, Voucher, VoucherEffect,
    VoucherUse,
};
use booking_core::{
    AllocationId, AreaIx, Command, CommandId, FanId, HoldId, Inventory, OrderId, PerformanceId,
    PriceTypeIx, SaleTerms, SeatIx, SeatMap, quote, test_support,
};
use onsale_server::relay::{Book, Message, Scope};
use std::sync::Arc;

pub(crate) const SHOW: PerformanceId = PerformanceId::from_u128(1);
pub(crate) const CODE: &str = "HALF";

/// Batches of one ledger, and the house they are about.
pub(crate) struct Recorded {
    pub(crate) map: Arc<SeatMap>,
    pub(crate) terms: Arc<SaleTerms>,
    pub(crate) batches: Vec<Batch>,
    inventory: Inventory,
    hash: Hash,
}

impl Recorded {
    fn begin(mode: TaxMode) -> Self {
        let mut spec = test_support::drawn_spec(&["000000", "111111"]);
        spec.areas = vec![test_support::standing("Floor", 20)];
        let map = test_support::built(spec);
        let mut prices = test_support::plain_prices(map.bands().len());
        prices.tax = Tax {
            mode,
            rate_ppm: 190_000,
            rounding: Rounding::HalfUpPerLine,
        };
        let fee = |name: &str, per, amount| Fee {
            name: name.to_owned(),
            per,
            amount: FeeAmount::Fixed(amount),
        };
        prices.fees = vec![
            fee("Booking", FeePer::Ticket, 100),
            fee("Delivery", FeePer::Order, 250),
        ];
        prices.vouchers = vec![Voucher {
            code: CODE.to_owned(),
            effect: VoucherEffect::Percent(500_000),
            bands: Vec::new(),
            max_tickets_per_order: 1,
            max_orders: 0,
            from_ms: 0,
            until_ms: i64::MAX,
        }];
        let terms = Arc::new(SaleTerms {
            rules: crate::support::loose_rules(),
            prices,
        });
        Self {
            inventory: Inventory::new(map.clone(), terms.clone()),
            map,
            terms,
            batches: Vec::new(),
            hash: GENESIS,
        }
    }

    /// A batch of these commands, which must all be accepted.
    fn batch(&mut self, at_ms: i64, commands: &[Command]) {
        let seq = self.batches.len() as u64 + 1;
        let entry = |(n, command): (usize, &Command)| Entry {
            command: CommandId::from_u128(u128::from(seq) << 16 | n as u128),
            events: test_support::execute(&mut self.inventory, command, at_ms)
                .unwrap()
                .events,
        };
        let batch = Batch {
            performance: SHOW,
            seq,
            at_ms,
            prev_hash: self.hash,
            entries: commands.iter().enumerate().map(entry).collect(),
        };
        self.hash = batch.seal().hash;
        self.batches.push(batch);
    }

    /// Buys what a hold has claimed.
    fn confirm(&self, n: u128, hold: u128, places: &[Place], voucher: Option<&str>) -> Command {
        let items: Vec<OrderItem> = places
            .iter()
            .map(|&place| OrderItem {
                place,
                price_type: PriceTypeIx(0),
            })
            .collect();
        let using = voucher.map(|code| VoucherUse {
            code,
            orders_so_far: 0,
        });
        let quoted = quote(&self.terms.prices, &self.map, &items, using, NOW_MS).unwrap();
        Command::ConfirmOrder {
            order: OrderId::from_u128(n),
            hold: HoldId::from_u128(hold),
            fan: FanId::from_u128(7),
            items,
            voucher: voucher.map(str::to_owned),
            total_minor: quoted.total_minor,
            quoted_ms: NOW_MS,
        }
    }

    /// The messages of all batches.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let mut book = self.book();
        let mut messages = Vec::new();
        for batch in &self.batches {
            messages.extend(book.read(batch).unwrap());
        }
        messages.extend(book.close_windows(i64::MAX));
        messages
    }

    pub(crate) fn book(&self) -> Book {
        self.book_of(Scope::Everything)
    }

    pub(crate) fn book_of(&self, scope: Scope) -> Book {
        let currency = &self.terms.prices.currency;
        Book::new(SHOW, self.map.clone(), currency, scope)
    }
}

/// Every kind of event at least once, over three minutes.
pub(crate) fn sale(mode: TaxMode) -> Recorded {
    let seats = test_support::seats;
    let allocation = AllocationId::from_u128(90);
    let list = |list: &[u32]| list.iter().copied().map(SeatIx).collect::<Vec<_>>();
    let mut sale = Recorded::begin(mode);
    sale.batch(NOW_MS, &[hold(1, 7, &[0, 1]), stand(2, 7, 3)]);
    let order = sale.confirm(1, 1, &seats(&[0, 1]), Some(CODE));
    let floor = [Place::Area(AreaIx(0)); 3];
    let standing = sale.confirm(2, 2, &floor, None);
    sale.batch(NOW_MS + 1_000, &[order, standing, hold(3, 8, &[6, 7])]);
    let change = Command::ChangeHold {
        hold: HoldId::from_u128(3),
        fan: FanId::from_u128(8),
        add: seats(&[8]),
        remove: seats(&[6]),
        needs_accessible: false,
    };
    sale.batch(NOW_MS + 2_000, &[change, hold(4, 9, &[9])]);
    sale.batch(NOW_MS + 3_000, &[release(3, 8), exchange(1, &[1], &[4])]);
    let kill = Command::KillSeats {
        seats: list(&[10, 11]),
    };
    let revive = Command::ReviveSeats { seats: list(&[11]) };
    let set_aside = Command::AllocateSeats {
        allocation,
        seats: list(&[2, 3]),
    };
    sale.batch(NOW_MS + 61_000, &[kill, revive, set_aside]);
    let from_allocation = Command::PlaceHold {
        hold: HoldId::from_u128(5),
        fan: FanId::from_u128(9),
        request: SeatRequest::These(seats(&[2])),
        needs_accessible: false,
        allocation: Some(allocation),
    };
    let give_back = Command::ReleaseAllocation {
        allocation,
        seats: list(&[3]),
    };
    sale.batch(
        NOW_MS + 62_000,
        &[from_allocation, give_back, cancel(1, &seats(&[4]))],
    );
    sale.batch(NOW_MS + 63_000, &[release(5, 9), cancel(2, &floor[..1])]);
    let lapses = Command::ExpireHolds { limit: 10 };
    sale.batch(NOW_MS + 24 * 3_600_000, &[lapses]);
    sale
}
