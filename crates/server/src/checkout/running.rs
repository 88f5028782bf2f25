//! The sagas of this process that are under way, so that a second request for an order joins the
//! first instead of starting another.

use super::error::CheckoutError;
use super::record::Checkout;
use booking_core::{CommandId, FanId, OrderId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Most sagas under way in one process; more are told to come back.
pub(super) const MOST_RUNNING: usize = 20_000;

/// How many settled attempts are remembered, so that the notices that follow a payment need not
/// look in the database.
const RECENT: usize = 65_536;

/// How far a saga has got, as far as those who wait for it may know.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// Nothing is recorded yet.
    Beginning,
    /// It did not begin.
    Refused(CheckoutError),
    /// It stands at a recorded step.
    At(Arc<Checkout>),
    /// It was stopped (a crash in a test, or the server shuts down).
    Stopped,
}

/// One saga under way.
pub(super) struct Running {
    pub(super) fan: FanId,
    pub(super) command: CommandId,
    pub(super) content: [u8; 16],
    pub(super) progress: watch::Sender<Progress>,
    /// Something may have changed at the provider: look now.
    pub(super) wake: Notify,
    /// The fan chose another card instead of answering the bank.
    pub(super) abandoned: AtomicBool,
    /// Another server has taken it over.
    pub(super) lost: AtomicBool,
}

impl Running {
    pub(super) fn new(fan: FanId, command: CommandId, content: [u8; 16]) -> Arc<Self> {
        Arc::new(Self {
            fan,
            command,
            content,
            progress: watch::Sender::new(Progress::Beginning),
            wake: Notify::new(),
            abandoned: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        })
    }
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
    pub(super) fn at(&self) -> Option<Arc<Checkout>> {
        match &*self.progress.borrow() {
            Progress::At(checkout) => Some(checkout.clone()),
            Progress::Beginning | Progress::Refused(_) | Progress::Stopped => None,
        }
    }
}

/// What came of asking for the place of an order.
pub(super) enum Claim {
    /// It is the caller's, who must [`release`](Registry::release) it.
    Mine(Arc<Running>),
    /// Somebody has it.
    Taken(Arc<Running>),
    /// There are too many.
    Full,
}

/// All sagas under way.
#[derive(Default)]
pub(super) struct Registry {
    sagas: Mutex<Sagas>,
    /// Told whenever one ends.
    pub(super) ended: Notify,
}

#[derive(Default)]
struct Sagas {
    /// In order, so that what is done to all of them is done in the same order each time.
    by_order: BTreeMap<OrderId, Arc<Running>>,
    by_command: HashMap<CommandId, OrderId>,
    /// Two generations: when the first is full it becomes the second.
    recent: [HashSet<CommandId>; 2],
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Sagas> {
        self.sagas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn claim(&self, order: OrderId, running: impl FnOnce() -> Arc<Running>) -> Claim {
        let mut sagas = self.lock();
        if let Some(taken) = sagas.by_order.get(&order) {
            return Claim::Taken(taken.clone());
        }
        if sagas.by_order.len() >= MOST_RUNNING {
            return Claim::Full;
        }
        let running = running();
        sagas.by_order.insert(order, running.clone());
        sagas.by_command.insert(running.command, order);
        Claim::Mine(running)
    }

    pub(super) fn release(&self, order: OrderId, running: &Running) {
        let mut sagas = self.lock();
        sagas.by_order.remove(&order);
        sagas.by_command.remove(&running.command);
        if sagas.recent[0].len() >= RECENT / 2 {
            sagas.recent.swap(0, 1);
            sagas.recent[0].clear();
        }
        sagas.recent[0].insert(running.command);
        drop(sagas);
        self.ended.notify_waiters();
    }

    pub(super) fn all(&self) -> Vec<(OrderId, Arc<Running>)> {
        let sagas = self.lock();
        let all = sagas.by_order.iter();
        all.map(|(order, running)| (*order, running.clone()))
            .collect()
    }

    pub(super) fn of_order(&self, order: OrderId) -> Option<Arc<Running>> {
        self.lock().by_order.get(&order).cloned()
    }

    /// The saga a notice is about; or whether it ended a moment ago.
    pub(super) fn of_command(&self, command: CommandId) -> Result<Arc<Running>, bool> {
        let sagas = self.lock();
        match sagas
            .by_command
            .get(&command)
            .and_then(|order| sagas.by_order.get(order))
        {
            Some(running) => Ok(running.clone()),
            None => Err(sagas.recent.iter().any(|recent| recent.contains(&command))),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().by_order.len()
    }
}
