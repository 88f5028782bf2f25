//! Puts a server together: data folder → services → router → edge.

use crate::accounts::{Accounts, HashCost};
use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::demo::fans::Crowds;
use crate::feed::Feeds;
use crate::http::counts::KnownCounts;
use crate::http::house::Houses;
use crate::http::seats::Snapshots;
use crate::http::state::Services;
use crate::http::web::WebApp;
use crate::http::{AppState, Edge, Settings, router};
use crate::lane::{LaneSettings, Lanes};
use crate::money::{Money, MoneyError, ProviderKind};
use crate::relay::{self, LeaseTimes, MemoryStream, Relay, RelayParts};
use crate::rooms::limits::JoinLimit;
use crate::rooms::{RoomsIn, RoomsStartError, WaitingRooms};
use crate::store::{OpenError, SqliteStore, StoreOptions};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long checkouts may take to come to a step that is recorded; the next run goes on from there.
const CHECKOUTS_DRAIN: Duration = Duration::from_secs(5);

/// A data folder, opened, with everything that works on it.
pub struct App {
    state: AppState,
    fans: OnceLock<Crowds>,
    relay: OnceLock<Relay>,
}

/// Where events go.
#[derive(Clone, Debug, Default)]
pub enum EventsIn {
    /// Nowhere but to whoever listens in this process; sums by the minute are kept for a while.
    #[default]
    Process,
    /// To Kafka.
    #[cfg(feature = "kafka")]
    Kafka(relay::KafkaOptions),
}

/// In process nobody waits for an event, and a look costs a write of the database.
const GATHER_IN_PROCESS: Duration = Duration::from_secs(1);

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct AppOptions {
    /// How the data folder is opened.
    pub store: StoreOptions,
    /// Bounds of the lanes.
    pub lanes: LaneSettings,
    /// The time.
    pub clock: Clock,
    /// Who moves the money.
    pub provider: ProviderKind,
    /// How much work a password's hash is.
    pub hash_cost: HashCost,
    /// Where waiting rooms live.
    pub rooms_in: RoomsIn,
    /// How often one address may join a waiting room.
    pub room_joins: JoinLimit,
    /// Pages from this folder instead of the embedded ones.
    pub web: Option<std::path::PathBuf>,
}

/// Why a server could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A secret cannot be had.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeyError),
    /// What deals with money could not be put together.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// What is kept of accounts could not be read.
    #[error("what is kept of accounts could not be read")]
    Accounts(#[source] crate::store::StoreError),
    /// The waiting rooms could not be taken up.
    #[error(transparent)]
    Rooms(#[from] RoomsStartError),
    /// The folder with the pages could not be read.
    #[error("the folder with the web app, {}, could not be read", folder.display())]
    Web {
        /// Which.
        folder: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Why events cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum RelayStartError {
    /// What was said of Kafka makes no sense.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Kafka(#[from] relay::KafkaFault),
}

impl App {
    /// Opens `data` and starts the services on it.
    pub async fn open(data: &Path, options: AppOptions) -> Result<Self, StartError> {
        let store = SqliteStore::open(data, options.store).await?;
        Self::on(data, store, options).await
    }

    /// The same on a store that is open already, as servers have it that share a database. What is
    /// each server's own (keys, the simulator's record) is in `data`.
    pub async fn on(
        data: &Path,
        store: SqliteStore,
        options: AppOptions,
    ) -> Result<Self, StartError> {
        let web = match options.web {
            Some(folder) => {
                WebApp::folder(&folder).map_err(|source| StartError::Web { folder, source })?
            }
            None => WebApp::embedded(),
        };
        let catalogue = Arc::new(Catalogue::new(
            Arc::new(store.clone()),
            options.clock.clone(),
        ));
        let source = Arc::clone(&catalogue);
        let lanes = Lanes::new(store.clone(), source, options.clock.clone(), options.lanes);
        let money = Money::open(
            data,
            &store,
            &lanes,
            catalogue.clone(),
            &options.clock,
            options.provider,
        )
        .await?;
        let accounts = Accounts::new(
            Arc::new(store.clone()),
            options.clock.clone(),
            options.hash_cost,
            crate::keys::device(data)?,
        )
        .remembering(Arc::new(store.clone()))
        .await
        .map_err(StartError::Accounts)?;
        let rooms = WaitingRooms::open(crate::rooms::Parts {
            table: Arc::new(store.clone()),
            kept: Arc::new(store.clone()),
            lanes: lanes.clone(),
            catalogue: catalogue.clone(),
            clock: options.clock.clone(),
            secrets: crate::keys::rooms(data)?,
            rooms_in: options.rooms_in,
            joins: options.room_joins,
        })
        .await?;
        let state = AppState::new(Services {
            rooms,
            admissions: relay::Admissions::new(Arc::new(store.clone())),
            rushes: crate::demo::rush::Rushes::default(),
            clock: options.clock,
            accounts,
            store,
            catalogue,
            feeds: Feeds::new(lanes.clone()),
            lanes,
            money,
            snapshots: Snapshots::default(),
            houses: Houses::default(),
            web,
            counts: KnownCounts::default(),
            draining: AtomicBool::new(false),
        });
        crate::http::rooms::door::take_up(&state)
            .await
            .map_err(RoomsStartError::from)?;
        Ok(Self {
            state,
            fans: OnceLock::new(),
            relay: OnceLock::new(),
        })
    }

    /// The services.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.state
    }

    /// The HTTP side.
    #[must_use]
    pub fn edge(&self, settings: Settings) -> Edge {
        Edge::new(
            router::router(self.state.clone()),
            self.state.rooms.clone(),
            settings,
        )
    }

    /// Lets waiting rooms call visitors, four times a second.
    pub fn start_rooms(&self) {
        self.state.rooms.start();
    }

    /// Publishes what ledgers say, from where it was left.
    pub fn start_relay(&self, events_in: &EventsIn) -> Result<(), RelayStartError> {
        let (stream, gather): (Arc<dyn relay::EventStream>, _) = match events_in {
            EventsIn::Process => (Arc::new(MemoryStream::default()), GATHER_IN_PROCESS),
            #[cfg(feature = "kafka")]
            EventsIn::Kafka(options) => {
                self.state.admissions.tell();
                (
                    Arc::new(relay::KafkaStream::new(options.clone())?),
                    relay::GATHER,
                )
            }
        };
        let Services {
            catalogue,
            lanes,
            clock,
            store,
            ..
        } = self.services();
        self.relay.get_or_init(|| {
            Relay::start(RelayParts {
                store: Arc::new(store.clone()),
                source: catalogue.clone(),
                stream,
                clock: clock.clone(),
                appends: lanes.appends(),
                lease: LeaseTimes::default(),
                gather,
            })
        });
        Ok(())
    }

    /// Sends simulated fans to the performances whose switch is on.
    pub fn start_fans(&self) {
        let Services {
            catalogue,
            lanes,
            money,
            clock,
            ..
        } = self.services();
        self.fans.get_or_init(|| {
            Crowds::start(
                catalogue.clone(),
                lanes.clone(),
                money.checkouts.clone(),
                clock.clone(),
            )
        });
    }

    /// Refuses new work and finishes what is under way.
    pub async fn drain(&self) {
        self.state.start_draining();
        if let Some(fans) = self.fans.get() {
            fans.stop();
        }
        self.state.feeds.close();
        self.state.rushes.stop_all();
        self.state.rooms.stop();
        self.state.money.checkouts.drain(CHECKOUTS_DRAIN).await;
        self.state.rooms.drain().await;
        self.state.accounts.keep().await;
        self.state.lanes.drain().await;
        if let Some(relay) = self.relay.get() {
            relay.stop().await;
        }
    }

    /// Gives the data folder back. Call after [`drain`](Self::drain).
    pub async fn close(self) {
        if let Err(error) = self.state.store.close().await {
            tracing::error!(%error, "the data folder could not be closed in good order");
        }
    }
}
