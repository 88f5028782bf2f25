//! Which performances are hot, and the way in.

use super::PerformanceSource;
use super::answer::{Answer, LaneError, content_of};
use super::ledger::Ledger;
use super::live::Live;
use super::origin::Origin;
use super::settings::LaneSettings;
use super::state::Position;
use super::task::{self, Message, Read, Sent};
use crate::clock::Clock;
use crate::store::{LedgerStore, News};
use booking_core::{Command, CommandId, Inventory, PerformanceId};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use tokio::sync::{Notify, Semaphore, broadcast, mpsc, oneshot, watch};

/// Answers from the record that may be looked up at the same time, over all lanes.
const LOOKUPS: usize = 64;

/// The lanes of this process. Cheap to clone.
#[derive(Clone)]
pub struct Lanes(pub(super) Arc<Registry>);

pub(super) struct Registry {
    pub(super) ledger: Ledger,
    pub(super) source: Arc<dyn PerformanceSource>,
    pub(super) clock: Clock,
    pub(super) settings: LaneSettings,
    pub(super) lookups: Arc<Semaphore>,
    /// In order, so that what is told to all of them is told in the same order each time.
    hot: RwLock<BTreeMap<PerformanceId, Arc<Handle>>>,
    /// Outlives a lane for as long as somebody looks at it.
    lives: Mutex<HashMap<PerformanceId, Weak<Live>>>,
    draining: AtomicBool,
    running: watch::Sender<usize>,
    /// Counts what was appended, here or as far as one is told elsewhere.
    appended: watch::Sender<u64>,
}

/// A lane as seen from outside.
pub(super) struct Handle {
    queue: mpsc::Sender<Message>,
    ready: watch::Receiver<Ready>,
    used_ms: AtomicI64,
    /// How far other servers are said to have taken the ledger.
    moved: Arc<Moved>,
    /// How long a command takes lately, in microseconds: says when it makes sense to come back.
    pub(super) command_us: AtomicU32,
}

/// A ledger may have moved, nobody knows how far.
const ANYWHERE: u64 = u64::MAX;

/// Tells lanes what other servers have appended, for as long as there are lanes.
async fn pass_on(mut news: broadcast::Receiver<News>, registry: Weak<Registry>) {
    loop {
        let told = match news.recv().await {
            Ok(told) => told,
            Err(broadcast::error::RecvError::Lagged(_)) => News::Missed,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let Some(registry) = registry.upgrade() else {
            return;
        };
        registry.note_append();
        let hot = registry.read_hot();
        match told {
            News::Moved { performance, seq } => {
                if let Some(handle) = hot.get(&performance) {
                    handle.moved.note(seq);
                }
            }
            News::Missed => {
                for handle in hot.values() {
                    handle.moved.note(ANYWHERE);
                }
            }
        }
    }
}

/// The furthest position that a lane has been told of since it last looked.
#[derive(Default)]
pub(super) struct Moved {
    furthest: AtomicU64,
    told: Notify,
}

impl Moved {
    fn note(&self, seq: u64) {
        self.furthest.fetch_max(seq, Ordering::SeqCst);
        self.told.notify_one();
    }

    /// Waits until there is something to look at.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    /// How far; 0 if nothing was told since the last time.
    pub(super) fn take(&self) -> u64 {
        self.furthest.swap(0, Ordering::SeqCst)
    }
}

/// How much waits in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Commands that wait.
    pub waiting: usize,
    /// Most that may.
    pub room: usize,
    /// How long one takes lately, in microseconds.
    pub command_us: u32,
}

/// How far a lane's loading has come.
#[derive(Clone)]
pub(super) enum Ready {
    Loading,
    Live(Arc<Live>),
    Failed(LaneError),
}

impl Lanes {
    /// No lane is hot at first; each is loaded when it is first asked for.
    #[must_use]
    pub fn new<S: LedgerStore>(
        store: S,
        source: Arc<dyn PerformanceSource>,
        clock: Clock,
        settings: LaneSettings,
    ) -> Self {
        let news = store.news();
        let registry = Arc::new(Registry {
            ledger: Arc::new(store),
            source,
            clock,
            settings,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            hot: RwLock::new(BTreeMap::new()),
            lives: Mutex::new(HashMap::new()),
            draining: AtomicBool::new(false),
            running: watch::Sender::new(0),
            appended: watch::Sender::new(0),
        });
        if let Some(news) = news {
            tokio::spawn(pass_on(news, Arc::downgrade(&registry)));
        }
        Self(registry)
    }

    /// Decides `command` and answers when that is durable. The same `id` with the same content gets
    /// the same answer again, however often it is sent.
    pub async fn send(
        &self,
        performance: PerformanceId,
        id: CommandId,
        command: Command,
    ) -> Result<Answer, LaneError> {
        let content = content_of(&command);
        let (reply, answer) = oneshot::channel();
        let sent = Sent {
            id,
            content,
            command,
            origin: Origin::here(),
            reply,
        };
        self.push(performance, Message::Command(Box::new(sent)))?;
        answer.await.unwrap_or(Err(LaneError::StorageFailed))
    }

    /// Calls `f` with the state as of the last commit here. What another server has committed may not
    /// be in it yet: before somebody is told "no" for it, [`read_anew`](Self::read_anew).
    pub async fn read<T: Send + 'static>(
        &self,
        performance: PerformanceId,
        f: impl FnOnce(&Inventory, Position) -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        self.read_by(performance, Message::Read, f).await
    }

    /// The same with everything that any server had committed when this was called. It costs a look at
    /// the ledger.
    pub async fn read_anew<T: Send + 'static>(
        &self,
        performance: PerformanceId,
        f: impl FnOnce(&Inventory, Position) -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        self.read_by(performance, Message::ReadAnew, f).await
    }

    async fn read_by<T: Send + 'static>(
        &self,
        performance: PerformanceId,
        message: fn(Read) -> Message,
        f: impl FnOnce(&Inventory, Position) -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        let (reply, answer) = oneshot::channel();
        let read = move |state: Result<(&Inventory, Position), LaneError>| {
            // Whoever asked may have gone.
            let _ = reply.send(state.map(|(inventory, position)| f(inventory, position)));
        };
        self.push(performance, message(Box::new(read)))?;
        answer.await.unwrap_or(Err(LaneError::StorageFailed))
    }

    /// What everybody may see. Loads the performance where it is cold.
    pub async fn live(&self, performance: PerformanceId) -> Result<Arc<Live>, LaneError> {
        let mut ready = self.0.handle(performance)?.ready.clone();
        let loaded = ready
            .wait_for(|ready| !matches!(ready, Ready::Loading))
            .await;
        match loaded.as_deref() {
            Ok(Ready::Live(live)) => Ok(live.clone()),
            Ok(Ready::Failed(error)) => Err(error.clone()),
            Ok(Ready::Loading) | Err(_) => Err(LaneError::StorageFailed),
        }
    }

    /// What everybody may see, if the performance is in memory. Loads nothing.
    #[must_use]
    pub fn peek(&self, performance: PerformanceId) -> Option<Arc<Live>> {
        match &*self.0.read_hot().get(&performance)?.ready.borrow() {
            Ready::Live(live) => Some(live.clone()),
            Ready::Loading | Ready::Failed(_) => None,
        }
    }

    /// Changes whenever a ledger may have moved on, whichever: for who reads ledgers by cursor.
    #[must_use]
    pub fn appends(&self) -> watch::Receiver<u64> {
        self.0.appended.subscribe()
    }

    /// How much waits in a hot lane; `None`: it is cold, nothing waits.
    #[must_use]
    pub fn backlog(&self, performance: PerformanceId) -> Option<Backlog> {
        let hot = self.0.read_hot();
        let handle = hot.get(&performance)?;
        let room = handle.queue.max_capacity();
        Some(Backlog {
            waiting: room - handle.queue.capacity(),
            room,
            command_us: handle.command_us.load(Ordering::Relaxed),
        })
    }

    /// Drops a lane from memory after what is queued; the next command loads it anew, with map and
    /// terms as the source has them then.
    pub fn forget(&self, performance: PerformanceId) {
        self.0.write_hot().remove(&performance);
    }

    /// Lanes in memory.
    #[must_use]
    pub fn hot_count(&self) -> usize {
        self.0.read_hot().len()
    }

    /// Finishes what is queued, refuses the rest, takes a snapshot of each lane.
    pub async fn drain(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
        // With its last sender gone, a lane's queue ends.
        self.0.write_hot().clear();
        let mut running = self.0.running.subscribe();
        // The sender is in `self`, so the channel cannot be closed.
        let _ = running.wait_for(|&running| running == 0).await;
    }

    fn push(&self, performance: PerformanceId, mut message: Message) -> Result<(), LaneError> {
        loop {
            let handle = self.0.handle(performance)?;
            match handle.queue.try_send(message) {
                Ok(()) => {
                    handle
                        .used_ms
                        .store(self.0.clock.now_ms(), Ordering::Relaxed);
                    return Ok(());
                }
                Err(mpsc::error::TrySendError::Full(_)) => {
                    metrics::counter!("onsale_lane_busy").increment(1);
                    return Err(LaneError::Busy {
                        retry_after_ms: self.0.wait_ms(&handle),
                    });
                }
                // It has just been dropped for being idle: open it again.
                Err(mpsc::error::TrySendError::Closed(back)) => {
                    message = back;
                    self.0.remove(performance, &handle);
                }
            }
        }
    }
}

impl Registry {
    fn handle(self: &Arc<Self>, performance: PerformanceId) -> Result<Arc<Handle>, LaneError> {
        if self.draining.load(Ordering::SeqCst) {
            return Err(LaneError::Draining);
        }
        if let Some(handle) = self.read_hot().get(&performance) {
            return Ok(handle.clone());
        }
        let mut hot = self.write_hot();
        // Looked at again under the lock: draining empties the map once and for all.
        if self.draining.load(Ordering::SeqCst) {
            return Err(LaneError::Draining);
        }
        if let Some(handle) = hot.get(&performance) {
            return Ok(handle.clone());
        }
        if hot.len() >= self.settings.max_hot {
            let oldest = hot
                .iter()
                .min_by_key(|(_, handle)| handle.used_ms.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(performance, _)| *performance) {
                hot.remove(&oldest);
            }
        }
        let (queue, waiting) = mpsc::channel(self.settings.queue);
        let (loading, ready) = watch::channel(Ready::Loading);
        let moved = Arc::new(Moved::default());
        let handle = Arc::new(Handle {
            queue,
            ready,
            moved: Arc::clone(&moved),
            used_ms: AtomicI64::new(self.clock.now_ms()),
            command_us: AtomicU32::new(100),
        });
        hot.insert(performance, handle.clone());
        metrics::gauge!("onsale_lanes_hot").set(hot.len() as f64);
        let running = Running::new(self.clone(), performance, &handle);
        tokio::spawn(task::run(running, waiting, moved, loading));
        Ok(handle)
    }

    /// Takes `handle` out, if it is still the one in use.
    pub(super) fn remove(&self, performance: PerformanceId, handle: &Arc<Handle>) {
        let mut hot = self.write_hot();
        if hot
            .get(&performance)
            .is_some_and(|current| Arc::ptr_eq(current, handle))
        {
            hot.remove(&performance);
        }
        metrics::gauge!("onsale_lanes_hot").set(hot.len() as f64);
    }

    /// The performance's public state: the one somebody is looking at, or a new one.
    pub(super) fn live(
        &self,
        performance: PerformanceId,
        inventory: &Inventory,
        seq: u64,
    ) -> Arc<Live> {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = lives.get(&performance).and_then(Weak::upgrade) {
            live.replace(inventory, seq);
            return live;
        }
        lives.retain(|_, live| live.strong_count() > 0);
        let live = Arc::new(Live::new(performance, inventory, seq));
        lives.insert(performance, Arc::downgrade(&live));
        live
    }

    /// Something was appended to a ledger.
    pub(super) fn note_append(&self) {
        self.appended
            .send_modify(|appended| *appended = appended.wrapping_add(1));
    }

    fn wait_ms(&self, handle: &Handle) -> u64 {
        let command_us = u64::from(handle.command_us.load(Ordering::Relaxed));
        (command_us * self.settings.queue as u64 / 1_000).clamp(100, 5_000)
    }

    fn read_hot(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<PerformanceId, Arc<Handle>>> {
        self.hot.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write_hot(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<PerformanceId, Arc<Handle>>> {
        self.hot.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a lane's task has of the registry. Counts the task while it lives, also when it panics.
pub(super) struct Running {
    pub(super) registry: Arc<Registry>,
    pub(super) performance: PerformanceId,
    /// Weak, because the handle holds the queue open.
    handle: Weak<Handle>,
}

impl Running {
    fn new(registry: Arc<Registry>, performance: PerformanceId, handle: &Arc<Handle>) -> Self {
        registry.running.send_modify(|running| *running += 1);
        Self {
            registry,
            performance,
            handle: Arc::downgrade(handle),
        }
    }

    /// Lets nobody in any more.
    pub(super) fn leave(&self) {
        if let Some(handle) = self.handle.upgrade() {
            self.registry.remove(self.performance, &handle);
        }
    }

    /// Notes how long a command took.
    pub(super) fn note_command_us(&self, command_us: u32) {
        if let Some(handle) = self.handle.upgrade() {
            let before = handle.command_us.load(Ordering::Relaxed);
            let smoothed = before / 8 * 7 + command_us / 8 + 1;
            handle.command_us.store(smoothed, Ordering::Relaxed);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.leave();
        self.registry.running.send_modify(|running| *running -= 1);
    }
}
