//! Puts everything together that deals with money: keys, the provider, the checkout, orders.

use crate::checkout::crash::{CrashPlan, UnknownPoint};
use crate::checkout::{Checkouts, Parts, Settings, deliver};
use crate::clock::Clock;
use crate::keys::{KeyError, Keys};
use crate::lane::{Lanes, PerformanceSource};
use crate::orders::Orders;
use crate::payments::simulator::{JournalError, Simulator, SimulatorConfig};
use crate::quoting::QuoteKey;
use crate::store::{Database, StoreError};
use std::path::Path;
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
    /// Opens it on the data folder `data`, and takes up what the last run left unfinished.
    pub async fn open(
        data: &Path,
        store: &Database,
        lanes: &Lanes,
        source: Arc<dyn PerformanceSource>,
        clock: &Clock,
        provider: ProviderKind,
    ) -> Result<Self, MoneyError> {
        let keys = Keys::open(data)?;
        let (simulator, outbox) = Simulator::open(SimulatorConfig {
            journal: match provider {
                ProviderKind::Simulator => Some(data.join(SIMULATOR_JOURNAL)),
                ProviderKind::SimulatorInMemory => None,
            },
            slow: SLOW,
            webhook_key: keys.webhook,
            clock: clock.clone(),
        })?;
        let store = store.checkouts();
        let checkouts = Checkouts::start(Parts {
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
