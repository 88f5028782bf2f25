//! What handlers can reach: the services, behind one `Arc`.

use super::counts::KnownCounts;
use super::house::Houses;
use super::problem::{ApiError, Inside};
use super::seats::Snapshots;
use super::web::WebApp;
use crate::accounts::Accounts;
use crate::catalogue::{Catalogue, Performance};
use crate::clock::Clock;
use crate::feed::Feeds;
use crate::lane::{Goods, Lanes, PerformanceSource as _};
use crate::money::Money;
use crate::relay::sales::Sales;
use crate::store::Database;
use crate::trace::SlipKey;
use booking_core::PerformanceId;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The services of a running server. Put together in [`app`](crate::app).
pub struct Services {
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Database,
    /// Venues and performances.
    pub catalogue: Arc<Catalogue>,
    /// Who may sign in, and who has.
    pub accounts: Accounts,
    /// The way to the seats.
    pub lanes: Lanes,
    /// Paying, and what comes of it.
    pub money: Money,
    /// Waiting rooms.
    pub rooms: crate::rooms::WaitingRooms,
    /// What was sold, for whoever runs a sale.
    pub sales: Sales,
    /// Who is let in from them, to be published.
    pub admissions: crate::relay::Admissions,
    /// The demo's simulated visitors.
    pub rushes: crate::demo::rush::Rushes,
    /// Changes as they happen.
    pub feeds: Feeds,
    /// Seats as they are, ready to be sent.
    pub snapshots: Snapshots,
    /// Maps, terms and posters, ready to be sent.
    pub houses: Houses,
    /// The pages.
    pub web: WebApp,
    /// Last known counts of performances.
    pub counts: KnownCounts,
    /// Whether the server is being stopped.
    pub draining: AtomicBool,
    /// Signs what browsers hand back about traced requests.
    pub slips: SlipKey,
}

/// Handle on [`Services`], cheap to clone; the router's state.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

/// The same, but it keeps nothing alive: for what goes on as long as the server does.
#[derive(Clone)]
pub struct WeakState(Weak<Services>);

impl WeakState {
    /// The services, if they are still there.
    #[must_use]
    pub fn upgrade(&self) -> Option<AppState> {
        self.0.upgrade().map(AppState)
    }
}

impl AppState {
    /// A handle that keeps nothing alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakState {
        WeakState(Arc::downgrade(&self.0))
    }

    /// Shares `services`.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(Arc::new(services))
    }

    /// A performance, or `not_found`.
    pub async fn performance(&self, id: PerformanceId) -> Result<Arc<Performance>, ApiError> {
        self.catalogue
            .performance(id)
            .await?
            .ok_or(ApiError::NotFound)
    }

    /// A performance's map and the terms in force, or `not_found`.
    pub async fn goods(&self, id: PerformanceId) -> Result<Goods, ApiError> {
        match self.catalogue.current(id).await {
            Ok(goods) => goods.ok_or(ApiError::NotFound),
            Err(fault) => Err(ApiError::StorageFailed(Inside::text(fault))),
        }
    }

    /// From now on `/health` says that this server is about to stop.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is being stopped.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl Deref for AppState {
    type Target = Services;
    fn deref(&self) -> &Services {
        &self.0
    }
}
