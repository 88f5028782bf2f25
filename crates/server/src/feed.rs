//! Deltas of a performance for any number of listeners.
//!
//! While a performance has listeners, one task waits for its commits, gathers what changes within
//! about a tenth of a second, compares the public view before and after, writes the difference
//! *once* as the bytes of a server-sent event, and hands those bytes to everybody. A listener costs
//! a queue position, not a serialisation.
//!
//! **Invariants.** The frames of a performance form a chain: each begins where the one before ended.
//! A listener gets an unbroken piece of that chain that begins at or before the position it asked
//! for, or a `reset`. Nothing here is unbounded: the ring of past frames, the queue to listeners and
//! the number of performances followed all have a limit.

use crate::lane::{LaneError, Lanes, Live};
use booking_core::{PerformanceId, PublicView};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

/// Changes of a busy performance are sent this often.
const EVERY: Duration = Duration::from_millis(100);
/// A change after a quiet time waits this long for company.
const GATHER: Duration = Duration::from_millis(20);
/// A comment keeps the line open when there is nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Past frames kept for those who come back.
const RING_FRAMES: usize = 1_024;
/// And how many bytes of them.
const RING_BYTES: usize = 4 * 1024 * 1024;
/// Frames a slow listener may be behind; one that is further behind starts anew.
const QUEUE_FRAMES: usize = 64;
/// A performance nobody listens to any more is followed this much longer, for those whose
/// connection only broke.
const LINGER: Duration = Duration::from_secs(60);

/// The feeds of this process. Cheap to clone.
#[derive(Clone)]
pub struct Feeds(Arc<Inner>);

struct Inner {
    lanes: Lanes,
    channels: Mutex<HashMap<PerformanceId, Arc<Channel>>>,
    closing: watch::Sender<bool>,
}

/// One performance's chain.
struct Channel {
    live: Arc<Live>,
    chain: Mutex<Chain>,
}

struct Chain {
    /// View after the last frame.
    view: PublicView,
    ring: VecDeque<Frame>,
    ring_bytes: usize,
    /// `None` once the task has ended.
    listeners: Option<broadcast::Sender<Bytes>>,
}

#[derive(Clone)]
struct Frame {
    from: u64,
    to: u64,
    bytes: Bytes,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feeds {
    /// Feeds of what `lanes` commit.
    #[must_use]
    pub fn new(lanes: Lanes) -> Self {
        let closing = watch::Sender::new(false);
        Self(Arc::new(Inner {
            lanes,
            channels: Mutex::default(),
            closing,
        }))
    }

    /// Everything that is said about `performance` from position `from` on (`None`: from now on),
    /// as chunks of a `text/event-stream`.
    pub async fn listen(
        &self,
        performance: PerformanceId,
        from: Option<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, LaneError> {
        if *self.0.closing.borrow() {
            return Err(LaneError::Draining);
        }
        let live = self.0.lanes.live(performance).await?;
        let (waiting, receiver) = self.attach(performance, Arc::clone(&live), from);
        let state = Listener {
            waiting,
            receiver,
            live,
            _counted: Counted::new(),
        };
        Ok(stream::unfold(state, |mut listener| async move {
            listener.next().await.map(|bytes| (Ok(bytes), listener))
        }))
    }

    /// Ends every feed.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    fn attach(
        &self,
        performance: PerformanceId,
        live: Arc<Live>,
        from: Option<u64>,
    ) -> (VecDeque<Bytes>, broadcast::Receiver<Bytes>) {
        let mut channels = locked(&self.0.channels);
        if let Some(channel) = channels.get(&performance)
            && let Some(attached) = locked(&channel.chain).attach(from, &channel.live)
        {
            return attached;
        }
        let channel = Arc::new(Channel::new(live));
        channels.insert(performance, Arc::clone(&channel));
        let attached = locked(&channel.chain).attach(from, &channel.live);
        let task = follow(
            Arc::clone(&channel),
            self.0.closing.subscribe(),
            Arc::downgrade(&self.0),
        );
        tokio::spawn(task);
        // A new chain has its sender.
        attached.unwrap_or_else(|| (VecDeque::new(), broadcast::channel(1).1))
    }
}

impl Channel {
    fn new(live: Arc<Live>) -> Self {
        let chain = Chain {
            view: live.view(),
            ring: VecDeque::new(),
            ring_bytes: 0,
            listeners: Some(broadcast::Sender::new(QUEUE_FRAMES)),
        };
        Self {
            live,
            chain: Mutex::new(chain),
        }
    }
}

impl Chain {
    /// What a listener at `from` has missed, and the queue of what comes; `None` when the chain has
    /// ended.
    fn attach(
        &self,
        from: Option<u64>,
        live: &Live,
    ) -> Option<(VecDeque<Bytes>, broadcast::Receiver<Bytes>)> {
        let receiver = self.listeners.as_ref()?.subscribe();
        let mut waiting = VecDeque::from([Bytes::from_static(b"retry: 1000\n\n")]);
        let at = self.view.seq();
        if let Some(from) = from {
            if from > live.seq().max(at) {
                // A position of another history: this server's data is older than the listener.
                waiting.push_back(reset(at));
            } else if from < at {
                match self.ring.front() {
                    Some(oldest) if oldest.from <= from => waiting.extend(
                        self.ring
                            .iter()
                            .filter(|frame| frame.to > from)
                            .map(|frame| frame.bytes.clone()),
                    ),
                    _ => waiting.push_back(reset(at)),
                }
            }
        }
        Some((waiting, receiver))
    }

    /// Adds what changed since the last frame and tells everybody.
    fn advance(&mut self, view: PublicView) {
        let delta = self.view.diff(&view);
        let is_news = [&delta.free, &delta.held, &delta.sold, &delta.closed]
            .iter()
            .any(|seats| !seats.is_empty())
            || !delta.areas.is_empty();
        // Commits nobody can see are left out; the next frame spans them.
        let Ok(json) = serde_json::to_string(&delta) else {
            return;
        };
        if !is_news {
            return;
        }
        let bytes = Bytes::from(format!("event: delta\nid: {}\ndata: {json}\n\n", delta.to));
        self.ring_bytes += bytes.len();
        self.ring.push_back(Frame {
            from: delta.from,
            to: delta.to,
            bytes: bytes.clone(),
        });
        while self.ring.len() > RING_FRAMES || self.ring_bytes > RING_BYTES {
            let Some(gone) = self.ring.pop_front() else {
                break;
            };
            self.ring_bytes -= gone.bytes.len();
        }
        self.view = view;
        self.tell(bytes);
    }

    fn tell(&self, bytes: Bytes) {
        if let Some(listeners) = &self.listeners {
            // Nobody listening is fine: the ring remembers.
            let _ = listeners.send(bytes);
        }
    }
}

fn reset(seq: u64) -> Bytes {
    Bytes::from(format!(
        "event: reset\nid: {seq}\ndata: {{\"seq\":{seq}}}\n\n"
    ))
}

/// Follows one performance until nobody has listened for a while or the server stops.
async fn follow(
    channel: Arc<Channel>,
    mut closing: watch::Receiver<bool>,
    feeds: std::sync::Weak<Inner>,
) {
    let mut commits = channel.live.watch();
    let mut sent = Instant::now();
    let mut heard = Instant::now();
    loop {
        let quiet_until = sent + HEARTBEAT;
        tokio::select! {
            // It is only ever set, never taken back.
            _ = closing.changed() => break,
            changed = commits.changed() => {
                if changed.is_err() {
                    break;
                }
                tokio::time::sleep_until((sent + EVERY).max(Instant::now() + GATHER)).await;
                commits.mark_unchanged();
                locked(&channel.chain).advance(channel.live.view());
                sent = Instant::now();
            }
            () = tokio::time::sleep_until(quiet_until) => {
                locked(&channel.chain).tell(Bytes::from_static(b": still here\n\n"));
                sent = Instant::now();
            }
        }
        let mut chain = locked(&channel.chain);
        let listeners = chain
            .listeners
            .as_ref()
            .map_or(0, broadcast::Sender::receiver_count);
        if listeners > 0 {
            heard = Instant::now();
        } else if heard.elapsed() > LINGER {
            chain.listeners = None;
            break;
        }
    }
    // With the sender gone every listener's stream ends.
    let mut chain = locked(&channel.chain);
    chain.listeners = None;
    drop(chain);
    if let Some(feeds) = feeds.upgrade() {
        let performance = channel.live.performance();
        let mut channels = locked(&feeds.channels);
        if channels
            .get(&performance)
            .is_some_and(|current| Arc::ptr_eq(current, &channel))
        {
            channels.remove(&performance);
        }
    }
}

/// One connection's place in the queue.
struct Listener {
    waiting: VecDeque<Bytes>,
    receiver: broadcast::Receiver<Bytes>,
    live: Arc<Live>,
    _counted: Counted,
}

/// Counts a listener for as long as it listens.
struct Counted(metrics::Gauge);

impl Counted {
    fn new() -> Self {
        let gauge = metrics::gauge!("onsale_feed_listeners");
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.waiting.pop_front() {
            return Some(bytes);
        }
        match self.receiver.recv().await {
            Ok(bytes) => Some(bytes),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                // Its own queue has moved on; a new snapshot is cheaper than what it missed. The
                // snapshot will be newer than all that is skipped here, and what follows applies
                // to it, because deltas may begin before the view they are applied to.
                self.receiver = self.receiver.resubscribe();
                Some(reset(self.live.seq()))
            }
        }
    }
}
