//! A house on a real store, and short ways to ask things of it.

pub(crate) mod client;
#[cfg(feature = "postgres")]
pub(crate) mod cutter;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod till;

use booking_core::command::SeatRequest;
use booking_core::price::{OrderItem, Place, Voucher, VoucherEffect};
use booking_core::terms::{BookingRules, GapRule};
use booking_core::{
    Command, CommandId, FanId, HoldId, OrderId, PerformanceId, PriceTypeIx, SaleTerms, SeatIx,
    SeatMap, test_support,
};
use futures_util::future::BoxFuture;
use onsale_server::clock::Clock;
use onsale_server::lane::{Answer, Goods, LaneError, LaneSettings, Lanes, PerformanceSource};
use onsale_server::store::{Database, SqliteStore, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// When tests begin: some instant in 2026.
pub(crate) const NOW_MS: i64 = 1_790_000_000_000;

/// Any performance whose id is below 1,000,000 plays in the same house.
pub(crate) struct Houses(pub(crate) Goods);

impl PerformanceSource for Houses {
    fn load(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Option<Goods>, String>> {
        let known = performance.uuid().as_u128() < 1_000_000;
        Box::pin(async move { Ok(known.then(|| self.0.clone())) })
    }
}

/// Rules that do not get in the way: many places and holds a fan.
pub(crate) fn loose_rules() -> BookingRules {
    BookingRules {
        max_holds_per_fan: 1_000,
        max_places_per_fan: 60_000,
        max_places_per_hold: 100,
        single_seat_gap: GapRule::Off,
        ..BookingRules::default()
    }
}

/// Makes every ticket cost nothing.
pub(crate) const FREE: &str = "FREE";

fn free() -> Voucher {
    Voucher {
        code: FREE.to_owned(),
        effect: VoucherEffect::Percent(1_000_000),
        bands: Vec::new(),
        max_tickets_per_order: 0,
        max_orders: 0,
        from_ms: 0,
        until_ms: i64::MAX,
    }
}

/// A house of `sections × rows × seats` with standing room for `standing`.
pub(crate) fn goods(sections: u16, rows: u16, seats: u16, standing: u32) -> Goods {
    let mut spec = test_support::house_spec(sections, rows, seats);
    if standing > 0 {
        spec.areas = vec![test_support::standing("Floor", standing)];
    }
    let map: Arc<SeatMap> = test_support::built(spec);
    let mut prices = test_support::plain_prices(map.bands().len());
    prices.vouchers = vec![free()];
    (
        map,
        Arc::new(SaleTerms {
            rules: loose_rules(),
            prices,
        }),
    )
}

/// One house: 10 rows of 10 seats and 20 places to stand.
pub(crate) fn small() -> Goods {
    goods(1, 10, 10, 20)
}

/// A data folder with lanes on it.
pub(crate) struct Office {
    pub(crate) lanes: Lanes,
    pub(crate) store: SqliteStore,
    pub(crate) clock: Clock,
    pub(crate) goods: Goods,
    pub(crate) dir: Option<TempDir>,
}

pub(crate) const SHOW: PerformanceId = PerformanceId::from_u128(1);

impl Office {
    pub(crate) async fn open() -> Self {
        Self::with(LaneSettings::default(), StoreOptions::default()).await
    }
    pub(crate) async fn with(settings: LaneSettings, options: StoreOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut office = Self::at(
            dir.path(),
            small(),
            Clock::manual(NOW_MS),
            settings,
            options,
        )
        .await;
        office.dir = Some(dir);
        office
    }
    pub(crate) async fn at(
        path: &Path,
        goods: Goods,
        clock: Clock,
        settings: LaneSettings,
        options: StoreOptions,
    ) -> Self {
        let store = SqliteStore::open(path, options).await.unwrap();
        let lanes = lanes_on(&store, &goods, &clock, settings);
        Self {
            lanes,
            store,
            clock,
            goods,
            dir: None,
        }
    }
    pub(crate) fn database(&self) -> Database {
        self.store.clone().into()
    }
    /// Other lanes on the same store, as another replica would have them.
    pub(crate) fn replica(&self, settings: LaneSettings) -> Lanes {
        lanes_on(&self.store, &self.goods, &self.clock, settings)
    }
    pub(crate) async fn send(&self, id: u128, command: Command) -> Result<Answer, LaneError> {
        self.lanes.send(SHOW, command_id(id), command).await
    }
    /// Stops and starts again, as after an orderly shutdown.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            lanes,
            store,
            clock,
            goods,
            dir,
        } = self;
        lanes.drain().await;
        store.close().await.unwrap();
        drop((lanes, store));
        let dir = dir.unwrap();
        let (settings, options) = (LaneSettings::default(), StoreOptions::default());
        let mut office = Self::at(dir.path(), goods, clock, settings, options).await;
        office.dir = Some(dir);
        office
    }
}

fn lanes_on(store: &SqliteStore, goods: &Goods, clock: &Clock, settings: LaneSettings) -> Lanes {
    Lanes::new(
        store.clone(),
        Arc::new(Houses(goods.clone())),
        clock.clone(),
        settings,
    )
}

/// A UUIDv7 of the time tests begin.
pub(crate) fn command_id(n: u128) -> CommandId {
    CommandId::from_u128((NOW_MS as u128 + 1) << 80 | 7 << 76 | n)
}

/// A command id nobody has used.
pub(crate) fn fresh() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn hold(hold: u128, fan: u128, seats: &[u32]) -> Command {
    test_support::place_hold(hold, fan, &test_support::seats(seats))
}

pub(crate) fn stand(hold: u128, fan: u128, quantity: u16) -> Command {
    Command::PlaceHold {
        hold: HoldId::from_u128(hold),
        fan: FanId::from_u128(fan),
        request: SeatRequest::GeneralAdmission {
            area: booking_core::AreaIx(0),
            quantity,
        },
        needs_accessible: false,
        allocation: None,
    }
}

pub(crate) fn release(hold: u128, fan: u128) -> Command {
    Command::ReleaseHold {
        hold: HoldId::from_u128(hold),
        fan: FanId::from_u128(fan),
    }
}

/// Confirms `places` at ten euros each.
pub(crate) fn confirm(order: u128, hold: u128, fan: u128, places: &[Place]) -> Command {
    let items: Vec<OrderItem> = places
        .iter()
        .map(|&place| OrderItem {
            place,
            price_type: PriceTypeIx(0),
        })
        .collect();
    Command::ConfirmOrder {
        order: OrderId::from_u128(order),
        hold: HoldId::from_u128(hold),
        fan: FanId::from_u128(fan),
        total_minor: 1_000 * items.len() as i64,
        items,
        voucher: None,
        quoted_ms: NOW_MS,
    }
}

pub(crate) fn cancel(order: u128, places: &[Place]) -> Command {
    Command::CancelTickets {
        order: OrderId::from_u128(order),
        places: places.to_vec(),
    }
}

pub(crate) fn exchange(order: u128, give: &[u32], take: &[u32]) -> Command {
    let seats = |seats: &[u32]| seats.iter().copied().map(SeatIx).collect();
    Command::ExchangeSeats {
        order: OrderId::from_u128(order),
        give: seats(give),
        take: seats(take),
        needs_accessible: false,
    }
}
