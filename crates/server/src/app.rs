//! Puts a server together: data folder and database → services → router → edge.

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
use crate::relay::sales::Sales;
use crate::relay::{self, LeaseTimes, MemoryStream, Relay, RelayParts};
use crate::rooms::limits::JoinLimit;
use crate::rooms::{RoomsIn, RoomsStartError, WaitingRooms};
use crate::store::{Database, DatabaseUrl, FolderLock, OpenError, StoreOptions};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long checkouts may take to come to a step that is recorded; the next run goes on from there.
const CHECKOUTS_DRAIN: Duration = Duration::from_secs(5);

/// A database, opened, with everything that works on it.
pub struct App {
    state: AppState,
    fans: OnceLock<Crowds>,
    relay: OnceLock<Relay>,
    // Dropped last. A file's own adapter has its folder; where the database is elsewhere, nobody else
    // may use what is kept here beside it.
    _folder: Option<FolderLock>,
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
    /// How the database is opened.
    pub store: StoreOptions,
    /// The database that servers share; `None`: a file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// A replica of it, from which what is only shown is read.
    pub reader: Option<DatabaseUrl>,
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
    /// The folder of keys; `None`: the data folder's own.
    pub keys: Option<std::path::PathBuf>,
    /// Servers that share the database sign with these keys from now on, whatever it was before.
    pub new_keys: bool,
    /// Where the payment simulator keeps its record, which servers of one machine may share; `None`:
    /// in the data folder, for this server alone.
    pub simulator: Option<std::path::PathBuf>,
    /// Pages from this folder instead of the embedded ones.
    pub web: Option<std::path::PathBuf>,
}

/// Why a server could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or the database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A secret cannot be had.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeyError),
    /// What other servers have signed would be refused here, and the other way round.
    #[error(
        "{name} in {} is not the key that the servers of this database sign with: name the folder \
         with their keys with --keys; where theirs are lost, --new-keys makes these everybody's, and \
         what was signed until now is void",
        folder.display()
    )]
    OtherKeys {
        /// Which key.
        name: &'static str,
        /// Where it is.
        folder: std::path::PathBuf,
    },
    /// What servers sign with could not be read or written down.
    #[error("what the servers of this database sign with is not known")]
    KeysUnknown(#[source] crate::store::StoreError),
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

/// The first server of a database says which keys it has, and the others have the same.
async fn agree_on_keys(folder: &Path, store: &Database, anew: bool) -> Result<(), StartError> {
    let kept = store.kept();
    for (name, digest) in crate::keys::digests(folder)? {
        let written = match anew {
            true => kept.replace_key(name, digest).await,
            false => kept.offer_key(name, digest).await,
        };
        written.map_err(StartError::KeysUnknown)?;
        let agreed = kept.key_digest(name).await;
        if agreed.map_err(StartError::KeysUnknown)? != Some(digest) {
            let folder = folder.to_owned();
            return Err(StartError::OtherKeys { name, folder });
        }
    }
    Ok(())
}

impl App {
    /// Opens the database, which is in `data` unless it is told where, and starts the services on
    /// it.
    pub async fn open(data: &Path, options: AppOptions) -> Result<Self, StartError> {
        let folder = match &options.database {
            Some(_) => Some(FolderLock::take(data)?),
            None => None,
        };
        let url = options.database.as_ref();
        let reader = options.reader.as_ref();
        let store = Database::open_with_reader(data, url, reader, options.store).await?;
        if url.is_some() {
            let keys = options.keys.clone();
            let keys = keys.unwrap_or_else(|| crate::keys::beside(data));
            agree_on_keys(&keys, &store, options.new_keys).await?;
        }
        let mut app = Self::on(data, store, options).await?;
        app._folder = folder;
        Ok(app)
    }

    /// The same on a database that is open already, as servers have it that share one. What is each
    /// server's own is in `data`.
    pub async fn on(
        data: &Path,
        store: impl Into<Database>,
        options: AppOptions,
    ) -> Result<Self, StartError> {
        let store = store.into();
        let web = match options.web {
            Some(folder) => {
                WebApp::folder(&folder).map_err(|source| StartError::Web { folder, source })?
            }
            None => WebApp::embedded(),
        };
        let keys = options.keys.unwrap_or_else(|| crate::keys::beside(data));
        let catalogue = Arc::new(Catalogue::new(store.catalogue(), options.clock.clone()));
        let source = Arc::clone(&catalogue);
        let lanes = Lanes::new(store.clone(), source, options.clock.clone(), options.lanes);
        let money = Money::open(crate::money::Parts {
            data,
            keys: &keys,
            store: &store,
            lanes: &lanes,
            source: catalogue.clone(),
            clock: &options.clock,
            provider: options.provider,
            simulator: options.simulator,
        })
        .await?;
        let accounts = Accounts::new(
            store.accounts(),
            options.clock.clone(),
            options.hash_cost,
            crate::keys::device(&keys)?,
        )
        .remembering(store.kept())
        .await
        .map_err(StartError::Accounts)?;
        let rooms = WaitingRooms::open(crate::rooms::Parts {
            table: store.rooms(),
            kept: store.kept(),
            lanes: lanes.clone(),
            catalogue: catalogue.clone(),
            clock: options.clock.clone(),
            secrets: crate::keys::rooms(&keys)?,
            rooms_in: options.rooms_in,
            joins: options.room_joins,
        })
        .await?;
        let state = AppState::new(Services {
            rooms,
            sales: Sales::new(store.relay(), catalogue.clone(), options.clock.clone()),
            admissions: relay::Admissions::new(store.relay()),
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
            slips: crate::keys::slips(&keys)?,
            draining: AtomicBool::new(false),
        });
        crate::http::rooms::door::take_up(&state)
            .await
            .map_err(RoomsStartError::from)?;
        tokio::spawn(crate::http::rooms::door::take_up_after_others(
            state.downgrade(),
            state.money.checkouts.taken_over(),
        ));
        Ok(Self {
            state,
            fans: OnceLock::new(),
            relay: OnceLock::new(),
            _folder: None,
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
            self.state.slips.clone(),
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
                store: store.relay(),
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

    /// Lets go of the database and gives the data folder back. Call after [`drain`](Self::drain).
    pub async fn close(self) {
        if let Err(error) = self.state.store.close().await {
            tracing::error!(%error, "the database could not be closed in good order");
        }
    }
}
