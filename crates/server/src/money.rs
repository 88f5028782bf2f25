//! Puts everything together that deals with money: keys, the provider, the checkout, orders.

use crate::checkout::crash::{CrashPlan, UnknownPoint};
use crate::checkout::{self, Checkouts, Settings, deliver};
use crate::clock::Clock;
use crate::keys::{KeyError, Keys};
use crate::lane::{Lanes, PerformanceSource};
use crate::orders::Orders;
use crate::payments::simulator::{JournalError, Record, Simulator, SimulatorConfig};
use crate::quoting::QuoteKey;
use crate::store::{Database, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the simulator keeps its own record, beside the shop's.
const SIMULATOR_JOURNAL: &str = "payment-simulator.journal";

/// How long the slow card takes.
const SLOW: Duration = Duration::from_secs(8);

/// Who moves the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProviderKind {
    /// The built-in simulator with fault cards; keeps its record in the data folder, as a provider
    /// does that outlives a crash of the shop
    #[default]
    Simulator,
    /// The same, forgetting everything when the program ends: for benchmarks only
    SimulatorInMemory,
}

/// What deals with money.
pub struct Money {
    /// Signs quotes.
    pub quotes: QuoteKey,
    /// The saga.
    pub checkouts: Checkouts,
    /// Orders and tickets as fans see them.
    pub orders: Orders,
}

/// What it is made of.
pub struct Parts<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// The folder of keys.
    pub keys: &'a Path,
    /// The database.
    pub store: &'a Database,
    /// The ledgers.
    pub lanes: &'a Lanes,
    /// Maps and terms.
    pub source: Arc<dyn PerformanceSource>,
    /// The time.
    pub clock: &'a Clock,
    /// Who moves the money.
    pub provider: ProviderKind,
    /// The simulator's record, where servers share it.
    pub simulator: Option<PathBuf>,
}

/// Why it could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum MoneyError {
    /// A secret cannot be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The simulator's record cannot be used.
    #[error("the payment simulator's record cannot be used")]
    Journal(#[from] JournalError),
    /// Unfinished checkouts could not be read.
    #[error("unfinished checkouts could not be read")]
    Store(#[from] StoreError),
    /// A test asks for a crash at a point that does not exist.
    #[error(transparent)]
    Crash(#[from] UnknownPoint),
}

impl Money {
    /// Opens it, and takes up what the last run left unfinished.
    pub async fn open(parts: Parts<'_>) -> Result<Self, MoneyError> {
        let Parts {
            data,
            keys,
            store,
            lanes,
            source,
            clock,
            provider,
            simulator,
        } = parts;
        let keys = Keys::open(keys)?;
        let (simulator, outbox) = Simulator::open(SimulatorConfig {
            journal: match (provider, simulator) {
                (ProviderKind::SimulatorInMemory, _) => Record::Memory,
                (ProviderKind::Simulator, None) => Record::Own(data.join(SIMULATOR_JOURNAL)),
                (ProviderKind::Simulator, Some(file)) => Record::Shared(file),
            },
            slow: SLOW,
            webhook_key: keys.webhook,
            clock: clock.clone(),
        })?;
        let store = store.checkouts();
        let checkouts = Checkouts::start(checkout::Parts {
            store: store.clone(),
            lanes: lanes.clone(),
            provider: Arc::new(simulator),
            clock: clock.clone(),
            settings: Settings::default(),
            crash: CrashPlan::from_env()?,
            server: crate::keys::server(data)?,
        })
        .await?;
        tokio::spawn(deliver(outbox, checkouts.clone()));
        let orders = Orders::new(checkouts.clone(), store, source, keys.ticket);
        Ok(Self {
            quotes: keys.quote,
            checkouts,
            orders,
        })
    }
}
