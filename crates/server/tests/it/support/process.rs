//! A house sold by the real program, which may be killed at any moment.

use super::server::{Server, verify_with};
use super::{NOW_MS, goods};
use booking_core::PerformanceId;
use onsale_server::catalogue::port::Venue;
use onsale_server::catalogue::{Catalogue, NewPerformance};
use onsale_server::clock::Clock;
use onsale_server::payments::simulator::{Record, Simulator, SimulatorConfig};
use onsale_server::payments::webhook::WebhookKey;
use onsale_server::store::{Database, StoreOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) const SHOW: PerformanceId = PerformanceId::from_u128(77);

/// A data folder with one performance, made by the catalogue itself.
pub(crate) async fn prepare(dir: &Path) {
    fill(database_in(dir).await).await;
}

/// A folder's own database, while no program runs.
pub(crate) async fn database_in(dir: &Path) -> Database {
    let opened = Database::open(dir, None, StoreOptions::default());
    opened.await.unwrap()
}

async fn fill(store: Database) {
    let catalogue = Catalogue::new(store.catalogue(), Clock::System);
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

/// What is sold, on one database or the other, and everything its servers share.
pub(crate) struct Site {
    dir: TempDir,
    /// Where it is, if not in a folder.
    url: Option<String>,
}

impl Site {
    /// In the folder of its one server.
    pub(crate) async fn in_a_folder() -> Self {
        let site = Self {
            dir: tempfile::tempdir().unwrap(),
            url: None,
        };
        fill(site.database().await).await;
        site
    }

    #[cfg(feature = "postgres")]
    pub(crate) async fn on_postgres() -> Self {
        let database = super::postgres::Database::fresh().await;
        let site = Self {
            dir: tempfile::tempdir().unwrap(),
            url: Some(database.url()),
        };
        fill(site.database().await).await;
        site
    }

    /// What is on disk. In a folder: while no server runs.
    pub(crate) async fn database(&self) -> Database {
        let url = self.url.as_ref().map(|url| url.parse().unwrap());
        let data = self.data("first");
        let opened = Database::open(&data, url.as_ref(), StoreOptions::default());
        opened.await.unwrap()
    }

    fn data(&self, server: &str) -> PathBuf {
        self.dir.path().join(server)
    }

    /// What all its servers sign with.
    pub(crate) fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    fn payments(&self) -> PathBuf {
        self.dir.path().join("payments")
    }

    /// The provider's own record, which all servers share.
    pub(crate) fn provider(&self) -> Simulator {
        simulator(Record::Shared(self.payments()))
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.display().to_string();
        let mut environment = vec![
            ("ONSALE_KEYS", text(self.keys())),
            ("ONSALE_SIMULATOR_RECORD", text(self.payments())),
        ];
        environment.extend(self.url.clone().map(|url| ("ONSALE_DATABASE", url)));
        environment
    }

    /// Starts one of its servers, which is the same one for the same name.
    pub(crate) async fn server(&self, name: &str, more: &[(&str, &str)]) -> Server {
        let environment = self.environment();
        let environment = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<_> = environment.chain(more.iter().copied()).collect();
        Server::start_with(&self.data(name), &environment).await
    }

    /// Has the program itself prove the ledgers sound.
    pub(crate) async fn is_sound(&self) {
        let (sound, said) = verify_with(&self.data("first"), self.environment()).await;
        assert!(sound, "{said}");
    }
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
    simulator(Record::Own(data.join("payment-simulator.journal")))
}

fn simulator(journal: Record) -> Simulator {
    let (provider, _outbox) = Simulator::open(SimulatorConfig {
        journal,
        slow: Duration::ZERO,
        webhook_key: WebhookKey::new([0; 32]),
        clock: Clock::System,
    })
    .unwrap();
    provider
}
