//! The one writer of a process: a task with a connection of its own. It takes everything that has
//! queued up since the last commit, writes it kind by kind with one statement a kind, commits once,
//! and only then answers. There is one, so that what is asked first is durable first.
//!
//! What is too late (a ledger that has moved on) is told so by the statement itself and costs the
//! others nothing. What a constraint refuses ends the transaction: then each write is tried alone in
//! a savepoint of a second one.

use super::fault::Trouble;
use super::transaction::{Own, Source as _, Work, transact};
use super::{ledger, payments, snapshot};
use crate::store::checkouts::{Begun, CheckoutRow, Recorded, StepRow};
use crate::store::error::{AppendError, StoreError};
use crate::store::port::Append;
use crate::store::rows::SnapshotRow;
use booking_core::{CommandId, OrderId, PerformanceId};
use futures_util::FutureExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Writes that may wait for the writer; whoever comes later waits for room.
const QUEUE: usize = 8_192;
/// Most writes in one transaction.
const MOST_GATHERED: usize = 4_096;

/// What comes by the thousand.
#[derive(Debug)]
pub(super) enum Write {
    Append(Append),
    /// Projections anew, in place of those that are there.
    Rebuild(Append),
    Begin(CheckoutRow),
    Record(StepRow),
    Snapshot(PerformanceId, SnapshotRow),
    /// Nothing: durable when everything before it is.
    Nothing,
}

/// Whether a write has changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// It was there already, or is not this server's to write.
    Not,
}

/// What a write came to.
pub(super) type Outcome = Result<Written, AppendError>;

struct Waiting {
    write: Write,
    reply: oneshot::Sender<Outcome>,
}

/// What two writes of one transaction may not share: a statement over many rows needs each of them
/// once, and which of the two came first would be lost.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Ledger(PerformanceId),
    Snapshot(PerformanceId),
    Command(CommandId),
    Attempt(OrderId, u32),
    Step(OrderId, u32),
}

impl Write {
    fn keys(&self) -> [Option<Key>; 2] {
        match self {
            // Rejections alone touch nothing that is one row.
            Self::Append(append) if append.batch.is_none() && append.projections.is_empty() => {
                [None, None]
            }
            Self::Append(append) | Self::Rebuild(append) => {
                [Some(Key::Ledger(append.performance)), None]
            }
            Self::Begin(row) => [
                Some(Key::Command(row.command)),
                Some(Key::Attempt(row.order, row.attempt)),
            ],
            Self::Record(step) => [Some(Key::Step(step.order, step.attempt)), None],
            Self::Snapshot(performance, _) => [Some(Key::Snapshot(*performance)), None],
            Self::Nothing => [None, None],
        }
    }
}

/// What goes into one transaction.
#[derive(Default)]
struct Gathered {
    writes: Vec<Write>,
    replies: Vec<oneshot::Sender<Outcome>>,
    keys: HashSet<Key>,
}

impl Gathered {
    /// Gives back what must come after those that are in it.
    fn push(&mut self, waiting: Waiting) -> Option<Waiting> {
        let keys = waiting.write.keys();
        if keys.iter().flatten().any(|key| self.keys.contains(key)) {
            return Some(waiting);
        }
        self.keys.extend(keys.into_iter().flatten());
        self.writes.push(waiting.write);
        self.replies.push(waiting.reply);
        None
    }

    fn answer(self, outcomes: Result<Vec<Outcome>, StoreError>) {
        match outcomes {
            Ok(outcomes) => {
                debug_assert_eq!(outcomes.len(), self.replies.len());
                for (reply, outcome) in self.replies.into_iter().zip(outcomes) {
                    // Whoever asked may have gone; the write stands all the same.
                    let _ = reply.send(outcome);
                }
            }
            Err(error) => {
                for reply in self.replies {
                    let _ = reply.send(Err(AppendError::Store(error.clone())));
                }
            }
        }
    }
}

/// A handle on the writing task.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        connection: PgConnection,
        options: PgConnectOptions,
        gather: bool,
        patience: Duration,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let own = Own {
            options,
            connection: Some(connection),
        };
        let most = if gather { MOST_GATHERED } else { 1 };
        let task = tokio::spawn(write_all(own, waiting, most, patience));
        Self {
            queue: Mutex::new(Some(queue)),
            task: Mutex::new(Some(task)),
        }
    }

    pub(super) async fn write(&self, write: Write) -> Outcome {
        let closed = || AppendError::Store(StoreError::Closed);
        let queue = locked(&self.queue).clone().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        queue
            .send(Waiting { write, reply })
            .await
            .map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Finishes what is queued.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        drop(locked(&self.queue).take());
        let task = locked(&self.task).take();
        match task {
            Some(task) => task.await.map_err(|_| StoreError::Closed),
            None => Ok(()),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn write_all(
    mut own: Own,
    mut waiting: mpsc::Receiver<Waiting>,
    most: usize,
    patience: Duration,
) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match waiting.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        let mut gathered = Gathered::default();
        next = gathered.push(first);
        while next.is_none() && gathered.writes.len() < most {
            let Ok(waiting) = waiting.try_recv() else {
                break;
            };
            next = gathered.push(waiting);
        }
        metrics::histogram!("onsale_store_gathered_writes").record(gathered.writes.len() as f64);
        let began = Instant::now();
        let outcomes = commit(&mut own, &gathered.writes, patience).await;
        metrics::histogram!("onsale_store_commit_seconds").record(began.elapsed().as_secs_f64());
        if let Err(error) = &outcomes {
            let gathered = gathered.writes.len();
            tracing::error!(%error, gathered, "nothing of a transaction could be written");
        }
        gathered.answer(outcomes);
    }
    if let Some(connection) = own.connection {
        // Everything is answered: a server that does not hear the goodbye misses nothing.
        let _ = connection.close().await;
    }
}

/// Everything at once, or else one by one.
async fn commit(
    own: &mut Own,
    writes: &[Write],
    patience: Duration,
) -> Result<Vec<Outcome>, StoreError> {
    let at_once = transact_or_catch(own, &AtOnce(writes), patience).await;
    match at_once {
        Ok(outcomes) => Ok(outcomes),
        Err(Trouble::Refused(refusal)) if writes.len() == 1 => Ok(vec![Err(refusal)]),
        Err(Trouble::Failed(error)) if writes.len() == 1 || !error.is_about_one_operation() => {
            Err(error)
        }
        Err(Trouble::Refused(_) | Trouble::Failed(_)) => {
            metrics::counter!("onsale_store_redone_transactions").increment(1);
            let redone = transact_or_catch(own, &OneByOne(writes), patience).await;
            redone.map_err(StoreError::from)
        }
        Err(Trouble::Again(error) | Trouble::Lost(error)) => Err(error),
    }
}

/// A panic while writing costs this transaction and not every later one.
async fn transact_or_catch<W: Work>(
    own: &mut Own,
    work: &W,
    patience: Duration,
) -> Result<W::Done, Trouble> {
    // Sound: what may be half done is the transaction, which ends with its connection.
    let caught = AssertUnwindSafe(transact(own, work, patience))
        .catch_unwind()
        .await;
    caught.unwrap_or_else(|_| {
        own.spoil();
        let what = "a write panicked".to_owned();
        Err(Trouble::Failed(StoreError::Failed(what)))
    })
}

pub(super) struct AtOnce<'a>(pub(super) &'a [Write]);

impl Work for AtOnce<'_> {
    type Done = Vec<Outcome>;
    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<Outcome>, Trouble> {
        run(connection, self.0).await
    }
    async fn is_there(
        &self,
        connection: &mut PgConnection,
        outcomes: &Vec<Outcome>,
    ) -> Result<Option<bool>, sqlx::Error> {
        is_there(connection, self.0, outcomes).await
    }
}

struct OneByOne<'a>(&'a [Write]);

impl Work for OneByOne<'_> {
    type Done = Vec<Outcome>;
    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<Outcome>, Trouble> {
        let mut outcomes = Vec::with_capacity(self.0.len());
        for write in self.0 {
            sqlx::raw_sql("SAVEPOINT one")
                .execute(&mut *connection)
                .await?;
            let mut written = run(connection, std::slice::from_ref(write)).await;
            let outcome = match &mut written {
                Ok(outcomes) => outcomes.pop().unwrap_or(Ok(Written::Done)),
                Err(Trouble::Refused(refusal)) => Err(refusal.clone()),
                Err(Trouble::Failed(error)) if error.is_about_one_operation() => {
                    Err(AppendError::Store(error.clone()))
                }
                Err(_) => return written,
            };
            if written.is_err() {
                sqlx::raw_sql("ROLLBACK TO SAVEPOINT one")
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::raw_sql("RELEASE SAVEPOINT one")
                .execute(&mut *connection)
                .await?;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
    async fn is_there(
        &self,
        connection: &mut PgConnection,
        outcomes: &Vec<Outcome>,
    ) -> Result<Option<bool>, sqlx::Error> {
        is_there(connection, self.0, outcomes).await
    }
}

/// Writes of each kind together. What must be there before another kind is written comes first.
async fn run(connection: &mut PgConnection, writes: &[Write]) -> Result<Vec<Outcome>, Trouble> {
    let mut outcomes: Vec<Outcome> = writes.iter().map(|_| Ok(Written::Done)).collect();
    let places = |wanted: fn(&Write) -> bool| -> Vec<usize> {
        let is_wanted = |&at: &usize| wanted(&writes[at]);
        (0..writes.len()).filter(is_wanted).collect()
    };
    let begins = places(|write| matches!(write, Write::Begin(_)));
    let rows: Vec<_> = writes.iter().filter_map(Write::as_begin).collect();
    for (at, begun) in begins
        .into_iter()
        .zip(payments::begin(connection, &rows).await?)
    {
        outcomes[at] = Ok(match begun {
            Begun::New => Written::Done,
            Begun::Exists => Written::Not,
        });
    }
    let records = places(|write| matches!(write, Write::Record(_)));
    let steps: Vec<_> = writes.iter().filter_map(Write::as_record).collect();
    let recorded = payments::record(connection, &steps).await?;
    for (at, recorded) in records.into_iter().zip(recorded) {
        outcomes[at] = Ok(match recorded {
            Recorded::Done => Written::Done,
            Recorded::NotYours => Written::Not,
        });
    }
    for write in writes {
        if let Write::Rebuild(append) = write {
            ledger::clear_projections(connection, append.performance).await?;
        }
    }
    let appended = places(|write| matches!(write, Write::Append(_) | Write::Rebuild(_)));
    let appends: Vec<_> = writes.iter().filter_map(Write::as_append).collect();
    let results = ledger::append(connection, &appends).await?;
    for (at, result) in appended.into_iter().zip(results) {
        outcomes[at] = result.map(|()| Written::Done);
    }
    for write in writes {
        if let Write::Snapshot(performance, row) = write {
            snapshot::save(connection, *performance, row).await?;
        }
    }
    Ok(outcomes)
}

impl Write {
    fn as_begin(&self) -> Option<&CheckoutRow> {
        match self {
            Self::Begin(row) => Some(row),
            _ => None,
        }
    }
    fn as_record(&self) -> Option<&StepRow> {
        match self {
            Self::Record(step) => Some(step),
            _ => None,
        }
    }
    fn as_append(&self) -> Option<&Append> {
        match self {
            Self::Append(append) | Self::Rebuild(append) => Some(append),
            _ => None,
        }
    }
}

/// Whether the transaction of these writes is there, by the first of its rows that only it can have
/// written.
pub(super) async fn is_there(
    connection: &mut PgConnection,
    writes: &[Write],
    outcomes: &[Outcome],
) -> Result<Option<bool>, sqlx::Error> {
    for (write, outcome) in writes.iter().zip(outcomes) {
        if outcome.is_ok()
            && let Some(append) = write.as_append()
            && let Some(is_there) = ledger::is_there(connection, append).await?
        {
            return Ok(Some(is_there));
        }
    }
    Ok(None)
}
