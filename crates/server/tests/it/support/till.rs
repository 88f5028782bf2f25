//! An office that takes money: lanes, the checkout and the payment simulator on one data folder.

use super::{FREE, NOW_MS, Office, SHOW, command_id, small};
use booking_core::command::SeatRequest;
use booking_core::inventory::SeatState;
use booking_core::price::{OrderItem, Place, VoucherUse};
use booking_core::{Command, FanId, HoldId, OrderId, PriceTypeIx, SeatIx, quote};
use onsale_server::checkout::crash::CrashPlan;
use onsale_server::checkout::step::{Step, Why};
use onsale_server::checkout::{
    Buyer, Checkout, CheckoutError, Checkouts, Details, Parts, Settings, Wanted, deliver,
};
use onsale_server::clock::Clock;
use onsale_server::keys::{self, Keys};
use onsale_server::lane::LaneSettings;
use onsale_server::payments::card::{CardInput, Secret};
use onsale_server::payments::simulator::{Record, Simulator, SimulatorConfig};
use onsale_server::payments::{Card, IdempotencyKey, Provider as _};
use onsale_server::quoting::{Promise, VALID_MS};
use onsale_server::store::StoreOptions;
use onsale_server::store::checkouts::{Begun, CheckoutRow, CheckoutStore as _, ServerId};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const GOOD: &str = "4242424242424242";
pub(crate) const DECLINED: &str = "4000000000000002";
pub(crate) const NEEDS_STEP: &str = "4000002500003155";
pub(crate) const SLOW: &str = "4000000000000077";
pub(crate) const TIMES_OUT: &str = "4000000000000119";
pub(crate) const CAPTURE_REFUSED: &str = "4000000000000341";
pub(crate) const CAPTURE_FLAKY: &str = "4000000000000358";

/// Short times, so that a test need not wait for what a person would.
pub(crate) fn quick() -> Settings {
    Settings {
        patience: Duration::from_secs(20),
        provider_deadline: Duration::from_millis(250),
        retry_first: Duration::from_millis(2),
        retry_most: Duration::from_millis(50),
        capture_failures: 4,
        // Longer than a hold lives.
        step_lifetime_ms: 60 * 60_000,
        ..Settings::default()
    }
}

pub(crate) struct Till {
    pub(crate) office: Office,
    pub(crate) simulator: Simulator,
    pub(crate) checkouts: Checkouts,
    pub(crate) crash: CrashPlan,
    dir: TempDir,
}

impl Till {
    pub(crate) async fn open() -> Self {
        Self::with(quick(), CrashPlan::default()).await
    }

    pub(crate) async fn with(settings: Settings, crash: CrashPlan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::at(dir, Clock::manual(NOW_MS), settings, crash).await
    }

    async fn at(dir: TempDir, clock: Clock, settings: Settings, crash: CrashPlan) -> Self {
        let office = Office::at(
            dir.path(),
            small(),
            clock.clone(),
            LaneSettings::default(),
            StoreOptions::default(),
        )
        .await;
        let keys = Keys::open(&keys::beside(dir.path())).unwrap();
        let (simulator, outbox) = Simulator::open(SimulatorConfig {
            journal: Record::Own(dir.path().join("payment-simulator.journal")),
            slow: Duration::from_millis(60),
            webhook_key: keys.webhook.clone(),
            clock: clock.clone(),
        })
        .unwrap();
        let checkouts = Checkouts::start(Parts {
            store: Arc::new(office.store.clone()),
            lanes: office.lanes.clone(),
            provider: Arc::new(simulator.clone()),
            clock,
            settings,
            crash: crash.clone(),
            server: keys::server(dir.path()).unwrap(),
        })
        .await
        .unwrap();
        tokio::spawn(deliver(outbox, checkouts.clone()));
        Self {
            office,
            simulator,
            checkouts,
            crash,
            dir,
        }
    }

    /// Stops as a crash does, as far as a process can do that to a part of itself: nothing is
    /// finished, nothing is said. Then starts again on what is on disk.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            office,
            simulator,
            checkouts,
            dir,
            ..
        } = self;
        let clock = office.clock.clone();
        checkouts.drain(Duration::ZERO).await;
        office.lanes.drain().await;
        office.store.close().await.unwrap();
        drop((office, simulator, checkouts));
        Self::at(dir, clock, quick(), CrashPlan::default()).await
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Holds seats for a fan.
    pub(crate) async fn hold(&self, n: u128, fan: FanId, seats: &[u32]) -> HoldId {
        let hold = HoldId::from_u128(n);
        let command = Command::PlaceHold {
            hold,
            fan,
            request: SeatRequest::These(places(seats)),
            needs_accessible: true,
            allocation: None,
        };
        self.office.send(n, command).await.unwrap();
        hold
    }

    /// What a fan sends who pays for `seats` with `card`.
    pub(crate) fn wanted(
        &self,
        n: u128,
        fan: FanId,
        hold: HoldId,
        seats: &[u32],
        card: &str,
    ) -> Wanted {
        self.wanted_for(n, fan, hold, seats, Some(card), None)
    }

    /// What a fan sends whose voucher leaves nothing to pay.
    pub(crate) fn wanted_free(&self, n: u128, fan: FanId, hold: HoldId, seats: &[u32]) -> Wanted {
        self.wanted_for(n, fan, hold, seats, None, Some(FREE))
    }

    fn wanted_for(
        &self,
        n: u128,
        fan: FanId,
        hold: HoldId,
        seats: &[u32],
        card: Option<&str>,
        voucher: Option<&str>,
    ) -> Wanted {
        let items = items(seats);
        let now_ms = self.office.clock.now_ms();
        let (map, terms) = &self.office.goods;
        let using = voucher.map(|code| VoucherUse {
            code,
            orders_so_far: 0,
        });
        let total_minor = quote(&terms.prices, map, &items, using, now_ms)
            .unwrap()
            .total_minor;
        Wanted {
            command: command_id(1_000_000 + n),
            fan,
            performance: SHOW,
            hold,
            order: OrderId::from_u128(hold.uuid().as_u128()),
            items,
            voucher: voucher.map(str::to_owned),
            promise: Promise {
                quoted_ms: now_ms,
                valid_until_ms: now_ms + VALID_MS,
                total_minor,
            },
            buyer: Buyer {
                name: "Ada Lovelace".into(),
                email: "ada@example.org".into(),
            },
            card: card.map(card_of),
        }
    }

    pub(crate) async fn buy(
        &self,
        n: u128,
        fan: FanId,
        seats: &[u32],
        card: &str,
    ) -> Result<Arc<Checkout>, CheckoutError> {
        let hold = self.hold(n, fan, seats).await;
        self.checkouts
            .pay(self.wanted(n, fan, hold, seats, card))
            .await
    }

    /// The fan says yes on the bank's page; the shop hears of it by the provider's notice alone.
    pub(crate) async fn simulator_approves(&self, order: OrderId) {
        let key = self.office_key(order).await;
        self.simulator.finish_step(key, true).await.unwrap();
        let checkouts = self.checkouts.clone();
        tokio::time::timeout(Duration::from_secs(20), checkouts.at_rest(order))
            .await
            .expect("the notice wakes the checkout");
    }

    /// Writes down an attempt that came to nothing.
    pub(crate) async fn give_up(&self, wanted: &Wanted, attempt: u32) -> IdempotencyKey {
        let (map, terms) = &self.office.goods;
        let at_ms = self.office.clock.now_ms();
        let details = Details {
            items: wanted.items.clone(),
            voucher: None,
            quoted_ms: at_ms,
            quote: quote(&terms.prices, map, &wanted.items, None, at_ms).unwrap(),
            buyer: wanted.buyer.clone(),
            card: wanted.card.as_ref().map(|card| card.summary().clone()),
        };
        let step = Step::Voided {
            why: Why::Interrupted,
        };
        let row = CheckoutRow {
            order: wanted.order,
            attempt,
            command: wanted.command,
            content: wanted.content(),
            performance: wanted.performance,
            hold: wanted.hold,
            fan: wanted.fan,
            created_ms: at_ms,
            updated_ms: at_ms,
            unsettled: false,
            step: serde_json::to_string(&step).unwrap(),
            details: serde_json::to_string(&details).unwrap().into(),
            owner: ServerId::NOBODY,
        };
        assert_eq!(self.office.store.begin(row).await.unwrap(), Begun::New);
        IdempotencyKey(wanted.command.uuid())
    }

    async fn office_key(&self, order: OrderId) -> IdempotencyKey {
        let rows = self.office.store.attempts(order).await.unwrap();
        IdempotencyKey(rows.last().unwrap().command.uuid())
    }

    /// Money taken and not given back.
    pub(crate) fn taken_minor(&self) -> i64 {
        self.simulator
            .payments()
            .iter()
            .map(|payment| payment.taken_minor)
            .sum()
    }

    /// Payments whose money is set aside.
    pub(crate) fn reserved(&self) -> usize {
        self.simulator
            .payments()
            .iter()
            .filter(|payment| payment.reserved)
            .count()
    }

    /// Whose a seat is.
    pub(crate) async fn seat(&self, seat: u32) -> SeatState {
        let read = self
            .office
            .lanes
            .read(SHOW, move |inventory, _| inventory.seat(SeatIx(seat)));
        read.await.unwrap()
    }

    /// The end an order has come to.
    pub(crate) async fn settled(&self, fan: FanId, order: OrderId) -> Arc<Checkout> {
        let rest = self.checkouts.at_rest(order);
        tokio::time::timeout(Duration::from_secs(20), rest)
            .await
            .expect("it comes to an end");
        let checkout = self.checkouts.latest(fan, order).await.unwrap();
        assert!(checkout.step.is_settled(), "{:?}", checkout.step);
        checkout
    }

    /// Waits until nothing is under way.
    pub(crate) async fn quiet(&self) {
        let rest = self.checkouts.all_at_rest();
        tokio::time::timeout(Duration::from_secs(20), rest)
            .await
            .expect("it comes to rest");
    }
}

pub(crate) fn card_of(number: &str) -> Card {
    let input = CardInput {
        card_number: Secret::new(number),
        expiry: Secret::new("12/30"),
        cvc: Secret::new("123"),
    };
    Card::check(&input, NOW_MS).unwrap()
}

pub(crate) fn places(seats: &[u32]) -> Vec<Place> {
    seats
        .iter()
        .map(|seat| Place::Seat(SeatIx(*seat)))
        .collect()
}

pub(crate) fn items(seats: &[u32]) -> Vec<OrderItem> {
    places(seats)
        .into_iter()
        .map(|place| OrderItem {
            place,
            price_type: PriceTypeIx(0),
        })
        .collect()
}
