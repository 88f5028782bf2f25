//! A house sold by the real program, which may be killed at any moment.

use super::server::Server;
use super::{NOW_MS, goods};
use booking_core::PerformanceId;
use onsale_server::catalogue::port::Venue;
use onsale_server::catalogue::{Catalogue, NewPerformance};
use onsale_server::clock::Clock;
use onsale_server::payments::simulator::{Simulator, SimulatorConfig};
use onsale_server::payments::webhook::WebhookKey;
use onsale_server::store::{SqliteStore, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) const SHOW: PerformanceId = PerformanceId::from_u128(77);

/// A data folder with one performance, made by the catalogue itself.
pub(crate) async fn prepare(dir: &Path) {
    let store = SqliteStore::open(dir, StoreOptions::default())
        .await
        .unwrap();
    let catalogue = Catalogue::new(Arc::new(store.clone()), Clock::System);
    let venue = Uuid::from_u128(5);
    catalogue
        .add_venue(Venue {
            id: venue,
            name: "House".into(),
            city: "Bremen".into(),
            time_zone: "Europe/Berlin".into(),
        })
        .await
        .unwrap();
    let (map, terms) = goods(1, 40, 50, 0);
    catalogue
        .add_performance(NewPerformance {
            id: SHOW,
            title: "A show".into(),
            subtitle: String::new(),
            description: String::new(),
            genre: "Theatre".into(),
            venue,
            starts_at_ms: NOW_MS + 86_400_000 * 365,
            doors_at_ms: NOW_MS + 86_400_000 * 365,
            map: (*map).clone(),
            terms: (*terms).clone(),
            poster_svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".into(),
            simulated_fans: false,
        })
        .await
        .unwrap();
    store.close().await.unwrap();
}

/// Numbers that look random; the same seed gives the same (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Starts the program, lets `fans` loose on it (each gets its address and a counter of answers),
/// kills it once they have had `enough` answers, and returns what each of them knows.
pub(crate) async fn killed_amid<F>(
    data: &Path,
    fans: u64,
    enough: u64,
    shop: impl Fn(String, u64, watch::Sender<u64>) -> F,
) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut server = Server::start(data).await;
    let answers = watch::Sender::new(0);
    let shopping: Vec<_> = (0..fans)
        .map(|fan| tokio::spawn(shop(server.address(), fan, answers.clone())))
        .collect();
    let mut counted = answers.subscribe();
    counted
        .wait_for(|&answers| answers >= enough)
        .await
        .unwrap();
    server.kill();
    let mut known = Vec::new();
    for fan in shopping {
        known.push(fan.await.unwrap());
    }
    known
}

/// The payment provider's own record, while no program runs.
pub(crate) fn provider_of(data: &Path) -> Simulator {
    let (provider, _outbox) = Simulator::open(SimulatorConfig {
        journal: Some(data.join("payment-simulator.journal")),
        slow: Duration::ZERO,
        webhook_key: WebhookKey::new([0; 32]),
        clock: Clock::System,
    })
    .unwrap();
    provider
}
