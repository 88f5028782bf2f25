//! The relay: reads each ledger behind its cursor, sends the messages, and moves the cursor when all
//! of a batch are acknowledged.
//!
//! Owns: at least once, in the order of the ledger; a ledger is sent by one hand at a time; nothing
//! waits in memory but one chunk for each ledger that is being sent. A crash between the
//! acknowledgement and the cursor repeats messages under their old names. Must not: keep a sale
//! waiting, whatever the stream does.

use super::admissions::Admitted;
use super::book::{Book, Scope, Unreadable};
use super::lease::{self, LeaseTimes};
use super::message::{Message, Topic};
use super::shelf::Shelf;
use super::stream::{Encoded, EventStream};
use crate::clock::Clock;
use crate::lane::PerformanceSource;
use crate::store::StoreError;
use crate::store::relay::{Behind, DeadLetterRow, Published, RelayStore};
use booking_core::PerformanceId;
use booking_core::ledger::{Batch, Sealed};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Ledgers that are sent at the same time.
const AT_ONCE: usize = 8;
/// Batches read at once.
const PAGE: u32 = 64;
/// Messages after which a chunk is sent; the batch that reaches it is sent whole.
const CHUNK: usize = 1_000;
/// Between a commit and the look at what it brought, so that a busy sale is sent in chunks.
pub const GATHER: Duration = Duration::from_millis(10);
/// Between two looks where nobody says that something was appended.
const LOOK: Duration = Duration::from_secs(1);
/// How long after its end a minute is told where no later batch has closed it: by then servers whose
/// clocks differ a little agree that it is over.
const GRACE_MS: i64 = 2_000;
/// Admissions published at once.
const ADMISSIONS: u32 = 500;
/// First and longest pause before a stream that is away is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Before a ledger that could not be read or moved is looked at again.
const REST: Duration = Duration::from_secs(2);
/// How long the lease may take to be given back at the end.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a relay works with.
#[derive(Clone)]
pub struct RelayParts {
    /// Ledgers, cursors, the lease.
    pub store: Arc<dyn RelayStore>,
    /// Maps, for the names of seats.
    pub source: Arc<dyn PerformanceSource>,
    /// Where messages go.
    pub stream: Arc<dyn EventStream>,
    /// The time.
    pub clock: Clock,
    /// Changes when a ledger may have moved on.
    pub appends: watch::Receiver<u64>,
    /// How the lease is kept.
    pub lease: LeaseTimes,
    /// Between a commit and the look at what it brought: [`GATHER`], or longer where nobody waits.
    pub gather: Duration,
}

/// What a relay is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether it is the one that publishes.
    pub leads: bool,
    /// Messages acknowledged since it was started.
    pub sent: u64,
    /// Messages that went to `dead-letters`.
    pub refused: u64,
    /// Times the stream was away.
    pub away: u64,
}

/// A relay that runs.
pub struct Relay {
    stop: watch::Sender<bool>,
    progress: watch::Receiver<Progress>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Relay {
    /// Starts one; it publishes as soon as it has the lease.
    #[must_use]
    pub fn start(parts: RelayParts) -> Self {
        let stop = watch::Sender::new(false);
        let progress = watch::Sender::new(Progress::default());
        let this = Self {
            progress: progress.subscribe(),
            task: Mutex::default(),
            stop,
        };
        let running = run(parts, progress, this.stop.subscribe());
        *this.locked() = Some(tokio::spawn(running));
        this
    }

    /// How it goes.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Stops where it is and gives the lease back: what was not acknowledged is sent again by whoever
    /// comes next.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.locked().take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the relay ended in a panic");
        }
    }

    /// Ends it as a crash does: nothing is given back.
    pub fn kill(&self) {
        if let Some(task) = self.locked().take() {
            task.abort();
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn run(
    parts: RelayParts,
    progress: watch::Sender<Progress>,
    mut stop: watch::Receiver<bool>,
) {
    let lease = parts.lease;
    loop {
        let epoch = tokio::select! {
            // The sender may have gone with the relay, which ends it too.
            _ = stop.wait_for(|stop| *stop) => return,
            epoch = lease::take(&*parts.store, lease) => epoch,
        };
        tracing::info!(epoch, "this server publishes events");
        tell_lead(&progress, true);
        let lead = Lead {
            parts: parts.clone(),
            epoch,
            progress: &progress,
            shelf: Mutex::default(),
        };
        let stopped = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => true,
            () = lease::keep(&*parts.store, epoch, lease) => false,
            () = lead.publish_all() => false,
            () = lead.publish_admissions() => false,
        };
        tell_lead(&progress, false);
        if stopped {
            let back = parts.store.give_lease_back(epoch);
            match timeout(GOODBYE, back).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the relay's lease was not given back"),
                Err(_) => tracing::warn!("the relay's lease was not given back in time"),
            }
            return;
        }
        tracing::warn!(epoch, "another server publishes events now");
    }
}

fn tell_lead(progress: &watch::Sender<Progress>, leads: bool) {
    metrics::gauge!("onsale_relay_leads").set(if leads { 1.0 } else { 0.0 });
    progress.send_modify(|progress| progress.leads = leads);
}

/// Why a ledger is left alone for a while.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("batch {seq} is damaged")]
    Damaged { seq: u64 },
    #[error("its map and terms cannot be had: {0}")]
    Source(String),
    #[error("the lease is somebody else's")]
    LostLease,
}

/// A relay while it has the lease.
struct Lead<'a> {
    parts: RelayParts,
    epoch: u64,
    progress: &'a watch::Sender<Progress>,
    shelf: Mutex<Shelf>,
}

impl Lead<'_> {
    /// Publishes until the lease is lost.
    async fn publish_all(&self) {
        let mut appends = self.parts.appends.clone();
        let mut is_told = true;
        let mut running = FuturesUnordered::new();
        let mut busy = HashSet::new();
        let mut resting: HashMap<PerformanceId, Instant> = HashMap::new();
        let mut look_at = Instant::now();
        loop {
            if running.len() < AT_ONCE && look_at <= Instant::now() {
                appends.mark_unchanged();
                look_at = Instant::now() + LOOK;
                resting.retain(|_, until| *until > Instant::now());
                for behind in self.look().await {
                    let performance = behind.performance;
                    if running.len() < AT_ONCE
                        && !resting.contains_key(&performance)
                        && busy.insert(performance)
                    {
                        running.push(async move { (performance, self.publish(behind).await) });
                    }
                }
            }
            tokio::select! {
                Some((performance, done)) = running.next(), if !running.is_empty() => {
                    busy.remove(&performance);
                    look_at = look_at.min(Instant::now() + self.parts.gather);
                    match done {
                        Ok(()) => {}
                        Err(Trouble::LostLease) => return,
                        Err(trouble) => {
                            metrics::counter!("onsale_relay_stuck").increment(1);
                            tracing::error!(%performance, %trouble, "a ledger is not published");
                            resting.insert(performance, Instant::now() + REST);
                        }
                    }
                }
                changed = appends.changed(), if is_told => {
                    // Where nobody tells any more, it is looked.
                    is_told = changed.is_ok();
                    look_at = look_at.min(Instant::now() + self.parts.gather);
                }
                () = sleep_until(look_at), if running.len() < AT_ONCE => {}
            }
        }
    }

    /// Publishes who was let in, for as long as the lease is kept. Whoever has lost it repeats at
    /// most.
    async fn publish_admissions(&self) {
        loop {
            let rows = match self.parts.store.admissions(ADMISSIONS).await {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::warn!(%error, "the relay cannot read admissions");
                    Vec::new()
                }
            };
            if rows.is_empty() {
                sleep(LOOK).await;
                continue;
            }
            if self.parts.stream.wants(Topic::Admissions) {
                let admitted: Vec<Encoded> = rows
                    .iter()
                    .map(|row| Encoded::from(&Admitted::from(row)))
                    .collect();
                for (at, reason) in self.send_encoded(&admitted).await {
                    let event_id = &admitted[at].event_id;
                    tracing::error!(event_id, reason, "an admission cannot be sent");
                }
            }
            let published = rows.iter().map(|row| row.admission).collect();
            if let Err(error) = self.parts.store.forget_admissions(published).await {
                tracing::warn!(%error, "admissions that were published will be again");
                sleep(LOOK).await;
            }
        }
    }

    /// What is to be published.
    async fn look(&self) -> Vec<Behind> {
        let now_ms = self.parts.clock.now_ms().saturating_sub(GRACE_MS);
        match self
            .parts
            .store
            .behind(self.parts.stream.name(), now_ms)
            .await
        {
            Ok(behind) => {
                let lag: u64 = behind.iter().map(|one| one.head - one.cursor).sum();
                metrics::gauge!("onsale_relay_lag_batches").set(lag as f64);
                behind
            }
            Err(error) => {
                tracing::warn!(%error, "the relay cannot read the ledgers");
                Vec::new()
            }
        }
    }

    /// Publishes one ledger to its end.
    async fn publish(&self, behind: Behind) -> Result<(), Trouble> {
        let performance = behind.performance;
        let scope = match self.parts.stream.wants(Topic::SeatChanges) {
            true => Scope::Everything,
            false => Scope::Sales,
        };
        let at_hand = self.shelf().take(performance, behind.cursor, scope);
        let mut book = match at_hand {
            Some(book) => book,
            None => self.read_again(performance, behind.cursor, scope).await?,
        };
        loop {
            let is_end = self.chunk(performance, &mut book).await?;
            if is_end {
                break;
            }
        }
        self.shelf().put(performance, book);
        Ok(())
    }

    /// Sends one chunk; whether it was the last.
    async fn chunk(&self, performance: PerformanceId, book: &mut Book) -> Result<bool, Trouble> {
        let store = &self.parts.store;
        let rows = store.batches(performance, book.seq(), PAGE).await?;
        let mut is_end = rows.len() < PAGE as usize;
        let mut messages = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            messages.extend(book.read(&decoded(row.seq, &row.bytes, row.hash)?)?);
            if messages.len() >= CHUNK && n + 1 < rows.len() {
                is_end = false;
                break;
            }
        }
        if is_end {
            let now_ms = self.parts.clock.now_ms().saturating_sub(GRACE_MS);
            messages.extend(book.close_windows(now_ms));
        }
        let dead = self.send(messages).await;
        let published = Published {
            stream: self.parts.stream.name(),
            performance,
            seq: book.seq(),
            window_ms: book.next_window_ms(),
            dead,
        };
        match store.publish(self.epoch, published).await? {
            true => Ok(is_end),
            false => Err(Trouble::LostLease),
        }
    }

    /// Sends messages, again and again while the stream is away. Those that it refuses are told to
    /// `dead-letters` and come back.
    async fn send(&self, mut messages: Vec<Message>) -> Vec<DeadLetterRow> {
        messages.retain(|message| self.parts.stream.wants(message.topic));
        let encoded: Vec<Encoded> = messages.iter().map(Encoded::from).collect();
        let refused = self.send_encoded(&encoded).await;
        let mut rows = Vec::with_capacity(refused.len());
        let mut letters = Vec::with_capacity(refused.len());
        for (at, reason) in refused {
            let message = &messages[at];
            tracing::error!(
                topic = message.topic.name(),
                event_id = message.event_id,
                reason,
                "a message cannot be sent"
            );
            letters.push(Encoded::from(&message.dead(&reason)));
            rows.push(DeadLetterRow {
                performance: message.performance,
                topic: message.topic.name().to_owned(),
                event_id: message.event_id.clone(),
                seq: message.seq,
                reason,
                at_ms: self.parts.clock.now_ms(),
            });
        }
        // Refused themselves, they are in the database all the same.
        self.send_encoded(&letters).await;
        rows
    }

    /// What was refused, and why.
    async fn send_encoded(&self, messages: &[Encoded]) -> Vec<(usize, String)> {
        if messages.is_empty() {
            return Vec::new();
        }
        let (mut pause, longest) = PAUSES;
        let answers = loop {
            match self.parts.stream.send(messages).await {
                Ok(answers) => break answers,
                Err(error) => {
                    metrics::counter!("onsale_relay_failed").increment(1);
                    self.progress.send_modify(|progress| progress.away += 1);
                    tracing::warn!(%error, messages = messages.len(), "events wait in the ledger");
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
            }
        };
        let refused: Vec<(usize, String)> = (0..)
            .zip(answers)
            .filter_map(|(at, answer)| Some((at, answer.err()?.0)))
            .collect();
        let sent = (messages.len() - refused.len()) as u64;
        for topic in Topic::ALL {
            let count = messages.iter().filter(|one| one.topic == topic).count() as u64;
            metrics::counter!("onsale_relay_sent", "topic" => topic.name()).increment(count);
        }
        metrics::counter!("onsale_relay_refused").increment(refused.len() as u64);
        self.progress.send_modify(|progress| {
            progress.sent += sent;
            progress.refused += refused.len() as u64;
        });
        refused
    }

    async fn read_again(
        &self,
        performance: PerformanceId,
        to: u64,
        scope: Scope,
    ) -> Result<Book, Trouble> {
        let RelayParts { store, source, .. } = &self.parts;
        let mut book = new_book(&**source, performance, scope).await?;
        read_on(&**store, &mut book, performance, to, |_| {}).await?;
        Ok(book)
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch as it was decided.
pub(super) fn decoded(seq: u64, bytes: &[u8], hash: [u8; 32]) -> Result<Batch, Trouble> {
    let sealed = Sealed {
        bytes: bytes.to_vec(),
        hash,
    };
    if !sealed.is_intact() {
        return Err(Trouble::Damaged { seq });
    }
    Batch::decode(&sealed.bytes).map_err(|_| Trouble::Damaged { seq })
}

/// A book in which nothing has been read.
pub(super) async fn new_book(
    source: &dyn PerformanceSource,
    performance: PerformanceId,
    scope: Scope,
) -> Result<Book, Trouble> {
    let loaded = source.load(performance).await.map_err(Trouble::Source)?;
    let none = || Trouble::Source("there is no such performance".to_owned());
    let (map, terms) = loaded.ok_or_else(none)?;
    let currency = &terms.prices.currency;
    Ok(Book::new(performance, map, currency, scope))
}

/// Reads a ledger on to a position; `see` gets the messages on the way.
pub(super) async fn read_on(
    store: &dyn RelayStore,
    book: &mut Book,
    performance: PerformanceId,
    to: u64,
    mut see: impl FnMut(Vec<Message>),
) -> Result<(), Trouble> {
    while book.seq() < to {
        let rows = store.batches(performance, book.seq(), PAGE).await?;
        if rows.is_empty() {
            return Err(Trouble::Damaged {
                seq: book.seq() + 1,
            });
        }
        for row in rows.iter().take_while(|row| row.seq <= to) {
            see(book.read(&decoded(row.seq, &row.bytes, row.hash)?)?);
        }
        // A long ledger must not keep the thread to itself.
        tokio::task::yield_now().await;
    }
    Ok(())
}
