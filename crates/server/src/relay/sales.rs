//! What was sold, minute by minute, for whoever runs the sale: the sums of `analytics-results` without
//! a stream, and with the minute that goes on.
//!
//! Owns: every answer is what the ledger says at one position, the same at every server; a ledger is
//! read once and then only what is new of it. Must not: keep a sale waiting, or a caller for long: of a
//! ledger that takes longer to read, what has been read is told, and that it is not all.

use super::book::{Book, Scope};
use super::message::BandSales;
use super::run::{Trouble, decoded, new_book};
use super::windows::{Sums, WINDOW_MS, is_counted, window_of};
use crate::clock::Clock;
use crate::lane::PerformanceSource;
use crate::store::relay::RelayStore;
use booking_core::PerformanceId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout};

/// Ledgers whose sums are at hand; the one that was asked for longest ago goes first.
const MOST_LEDGERS: usize = 32;
/// Minutes in which something was sold that are told apart, of one ledger: a month without a pause.
/// Older ones are in the whole alone.
const MOST_MINUTES: usize = 44_640;
/// Batches read at once.
const PAGE: u32 = 64;
/// So long one question may read on.
const READ_ON: Duration = Duration::from_secs(1);
/// So long a question waits for others that read on, and for the database.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why there are no sums.
#[derive(Debug, thiserror::Error)]
pub enum SalesError {
    /// Others read the same ledger, or the database takes too long.
    #[error("the ledger could not be read within {} s", DEADLINE.as_secs())]
    Late,
    /// The ledger cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl From<Trouble> for SalesError {
    fn from(trouble: Trouble) -> Self {
        Self::Unreadable(trouble.to_string())
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Minutes that one row is about, at least 1; rows begin at multiples of it.
    pub every: u32,
    /// At most so many rows, the latest.
    pub limit: usize,
}

/// What was sold within one row's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// First instant of it.
    pub from_ms: i64,
    /// First instant after it.
    pub until_ms: i64,
    /// What was sold.
    pub sums: Sums,
}

/// What was sold of a performance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Position in the ledger up to which everything is counted.
    pub seq: u64,
    /// Whether that was the ledger's end.
    pub is_complete: bool,
    /// When that was.
    pub as_of_ms: i64,
    /// When the first minute began in which something was sold.
    pub first_ms: Option<i64>,
    /// Everything.
    pub total: Sums,
    /// Ascending; those in which nothing happened are left out.
    pub rows: Vec<Row>,
}

/// Ledgers and their sums. Cheap to clone.
#[derive(Clone)]
pub struct Sales(Arc<Inner>);

struct Inner {
    store: Arc<dyn RelayStore>,
    source: Arc<dyn PerformanceSource>,
    clock: Clock,
    at_hand: Mutex<AtHand>,
}

/// One of these is read by one question at a time.
type Shared = Arc<AsyncMutex<Option<Counted>>>;

#[derive(Default)]
struct AtHand {
    ledgers: HashMap<PerformanceId, (u64, Shared)>,
    asked: u64,
}

impl AtHand {
    fn of(&mut self, performance: PerformanceId) -> Shared {
        self.asked += 1;
        let asked = self.asked;
        let (last, shared) = self.ledgers.entry(performance).or_default();
        *last = asked;
        let shared = Arc::clone(shared);
        if self.ledgers.len() > MOST_LEDGERS {
            let oldest = self.ledgers.iter().min_by_key(|(_, (last, _))| *last);
            if let Some(oldest) = oldest.map(|(performance, _)| *performance) {
                self.ledgers.remove(&oldest);
            }
        }
        shared
    }
}

/// A ledger as far as it has been read.
struct Counted {
    book: Book,
    first_ms: Option<i64>,
    total: Sums,
    minutes: BTreeMap<i64, Sums>,
}

impl Sales {
    /// Of the ledgers in `store`.
    #[must_use]
    pub fn new(
        store: Arc<dyn RelayStore>,
        source: Arc<dyn PerformanceSource>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            source,
            clock,
            at_hand: Mutex::default(),
        }))
    }

    /// What was sold of a performance, as its ledger says now.
    pub async fn of(&self, performance: PerformanceId, span: Span) -> Result<Report, SalesError> {
        let report = self.0.report(performance, span);
        timeout(DEADLINE, report)
            .await
            .unwrap_or(Err(SalesError::Late))
    }
}

impl Inner {
    async fn report(&self, performance: PerformanceId, span: Span) -> Result<Report, SalesError> {
        let shared = {
            let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
            at_hand.of(performance)
        };
        let mut counted = shared.lock().await;
        let known = match &mut *counted {
            Some(known) => known,
            none => {
                let book = new_book(&*self.source, performance, Scope::Sales).await?;
                none.insert(Counted::new(book))
            }
        };
        match self.read_on(performance, known).await {
            Ok(is_complete) => Ok(known.report(span, is_complete, self.clock.now_ms())),
            Err(trouble) => {
                // Half of a batch may be in it.
                *counted = None;
                Err(trouble.into())
            }
        }
    }

    /// Whether the end was reached.
    async fn read_on(
        &self,
        performance: PerformanceId,
        counted: &mut Counted,
    ) -> Result<bool, Trouble> {
        let until = Instant::now() + READ_ON;
        loop {
            let after = counted.book.seq();
            let rows = self.store.batches(performance, after, PAGE).await?;
            for row in &rows {
                counted.read(&decoded(row.seq, &row.bytes, row.hash)?)?;
            }
            if rows.len() < PAGE as usize {
                return Ok(true);
            }
            if until <= Instant::now() {
                return Ok(false);
            }
            // A long ledger must not keep the thread to itself.
            tokio::task::yield_now().await;
        }
    }
}

impl Counted {
    fn new(book: Book) -> Self {
        Self {
            book,
            first_ms: None,
            total: Sums::default(),
            minutes: BTreeMap::new(),
        }
    }

    fn read(&mut self, batch: &booking_core::ledger::Batch) -> Result<(), Trouble> {
        for message in self.book.read(batch)? {
            if !is_counted(&message.body) {
                continue;
            }
            let from_ms = window_of(message.at_ms);
            // Time in a ledger never goes back.
            self.first_ms.get_or_insert(from_ms);
            self.total.add(&message.body);
            self.minutes.entry(from_ms).or_default().add(&message.body);
            if self.minutes.len() > MOST_MINUTES {
                self.minutes.pop_first();
            }
        }
        Ok(())
    }

    fn report(&self, span: Span, is_complete: bool, as_of_ms: i64) -> Report {
        let every_ms = i64::from(span.every.max(1)) * WINDOW_MS;
        let mut rows: Vec<Row> = Vec::new();
        for (minute_ms, sums) in self.minutes.iter().rev() {
            let from_ms = minute_ms.div_euclid(every_ms) * every_ms;
            if let Some(row) = rows.last_mut().filter(|row| row.from_ms == from_ms) {
                row.sums.add_sums(sums);
                continue;
            }
            if rows.len() == span.limit {
                break;
            }
            rows.push(Row {
                from_ms,
                until_ms: from_ms + every_ms,
                sums: sums.clone(),
            });
        }
        rows.reverse();
        Report {
            seq: self.book.seq(),
            is_complete,
            as_of_ms,
            first_ms: self.first_ms,
            total: self.total.clone(),
            rows,
        }
    }
}

impl Sums {
    /// Of all bands: tickets sold, what was paid for them, tickets cancelled, what had been paid for
    /// those.
    #[must_use]
    pub fn whole(&self) -> BandSales {
        let mut whole = BandSales::default();
        for band in self.bands() {
            whole.sold += band.sold;
            whole.revenue_minor = whole.revenue_minor.saturating_add(band.revenue_minor);
            whole.cancelled += band.cancelled;
            whole.refunds_minor = whole.refunds_minor.saturating_add(band.refunds_minor);
        }
        whole
    }
}
