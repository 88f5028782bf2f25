//! The one writer: a thread of its own. It takes everything that has queued up since the last
//! commit, groups it by kind, lets each kind write its group, commits once, and only then answers.
//!
//! If anything in the transaction fails, all of it is rolled back and each write is tried alone in
//! a savepoint of a second transaction: a bad write fails alone, and the others still share one
//! commit.
//!
//! There are two ways to write. A [`HotWrite`] runs its statements on this thread, on a connection
//! of its own, with nothing in between. A [`Write`] is async and goes through the driver that also
//! reads, which hands each statement to another thread and back; that is fine for whatever does not
//! come by the thousand. What is gathered together is committed as one transaction a connection,
//! the hot one first.

use super::kinds::{Group, Hot, Kind, One, Ordinary, Waiting};
use crate::store::error::StoreError;
use sqlx::{Connection as _, SqliteConnection};
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Writes that may wait for the writer; whoever comes later waits for room.
const QUEUE: usize = 8_192;
/// Most writes in one transaction.
const MAX_GATHERED: usize = 4_096;

/// One kind of write.
pub trait Write: Send + Sync + Sized + 'static {
    /// What the caller learns when it is durable.
    type Done: Send + Sync + 'static;
    /// Why it may be refused by itself (not for want of a working database).
    type Refusal: Send + Sync + 'static;
    /// Writes all of `writes` on a connection that is inside a transaction, and returns one
    /// result for each, in order. On any error nothing of the slice is kept; each write is then
    /// tried alone, so an error need not say whose fault it was unless the slice has length 1.
    fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Done>, WriteError<Self::Refusal>>> + Send;
}

/// One kind of write that comes by the thousand. Otherwise the same as [`Write`].
pub(super) trait HotWrite: Send + Sized + 'static {
    /// See [`Write::Done`].
    type Done: Send + 'static;
    /// See [`Write::Refusal`].
    type Refusal: Send + 'static;
    /// See [`Write::run`].
    fn run(
        connection: &rusqlite::Connection,
        writes: &[Self],
    ) -> Result<Vec<Self::Done>, WriteError<Self::Refusal>>;
}

/// Why a write was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError<R> {
    /// For a reason of its own.
    Refused(R),
    /// The database said no.
    Store(StoreError),
}

impl<R> From<sqlx::Error> for WriteError<R> {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
impl<R> From<rusqlite::Error> for WriteError<R> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
impl<R> From<StoreError> for WriteError<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<WriteError<Infallible>> for StoreError {
    fn from(error: WriteError<Infallible>) -> Self {
        match error {
            WriteError::Store(error) => error,
            WriteError::Refused(never) => match never {},
        }
    }
}

/// What the writing thread works on.
pub(super) struct Connections {
    /// For [`HotWrite`]s.
    pub(super) hot: rusqlite::Connection,
    /// For [`Write`]s.
    pub(super) ordinary: SqliteConnection,
    /// Where the other one's futures are waited for.
    pub(super) runtime: Handle,
}

/// A handle on the writing thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Waiting>>>>,
    ended: Mutex<Option<oneshot::Receiver<Result<(), StoreError>>>>,
}

impl Writer {
    pub(super) fn start(on: Connections, gather: bool) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let most = if gather { MAX_GATHERED } else { 1 };
        std::thread::Builder::new()
            .name("onsale-writer".to_owned())
            .spawn(move || {
                // Nobody waits for the end of a store that was dropped instead of closed.
                let _ = end.send(write_all(on, waiting, most));
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            ended: Mutex::new(Some(ended)),
        })
    }

    pub(super) async fn write<W: Write>(
        &self,
        write: W,
    ) -> Result<W::Done, WriteError<W::Refusal>> {
        self.send::<Ordinary<W>>(write).await
    }

    pub(super) async fn write_hot<W: HotWrite>(
        &self,
        write: W,
    ) -> Result<W::Done, WriteError<W::Refusal>> {
        self.send::<Hot<W>>(write).await
    }

    async fn send<K: Kind>(&self, write: K::Item) -> Result<K::Done, WriteError<K::Refusal>> {
        let queue = locked(&self.queue).clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        queue
            .send(Box::new(One::<K> { write, reply }))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer
            .await
            .unwrap_or(Err(WriteError::Store(StoreError::Closed)))
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        drop(locked(&self.queue).take());
        let ended = locked(&self.ended).take();
        match ended {
            Some(ended) => ended.await.unwrap_or(Err(StoreError::Closed)),
            None => Ok(()),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write_all(
    mut on: Connections,
    mut waiting: mpsc::Receiver<Box<dyn Waiting>>,
    most: usize,
) -> Result<(), StoreError> {
    while let Some(first) = waiting.blocking_recv() {
        let mut groups = vec![first.into_group()];
        let mut gathered = 1;
        while gathered < most {
            let Ok(next) = waiting.try_recv() else { break };
            gathered += 1;
            match groups.iter_mut().find(|group| group.kind() == next.kind()) {
                Some(group) => group.push(next.into_any()),
                None => groups.push(next.into_group()),
            }
        }
        metrics::histogram!("onsale_store_gathered_writes").record(gathered as f64);
        let (hot, ordinary): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.is_hot());
        for mut groups in [hot, ordinary] {
            if groups.is_empty() {
                continue;
            }
            let began = Instant::now();
            let result = commit_or_catch(&mut on, &mut groups);
            metrics::histogram!("onsale_store_commit_seconds")
                .record(began.elapsed().as_secs_f64());
            if let Err(error) = &result {
                tracing::error!(%error, gathered, "nothing of a transaction could be written");
            }
            for group in groups {
                group.answer(result.clone());
            }
        }
    }
    let Connections {
        hot,
        mut ordinary,
        runtime,
    } = on;
    hot.close().map_err(|(_, error)| error)?;
    runtime.block_on(async {
        // Nobody reads any more, so the log can be folded in and emptied.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut ordinary)
            .await?;
        ordinary.close().await
    })?;
    Ok(())
}

/// Like [`commit`], but a panic in somebody's `run` costs this transaction and not every later one.
fn commit_or_catch(on: &mut Connections, groups: &mut [Box<dyn Group>]) -> Result<(), StoreError> {
    // Sound: what may be half done is the transaction, which is rolled back, and the groups, which
    // are answered with the error and dropped.
    let result = catch_unwind(AssertUnwindSafe(|| commit(on, groups)));
    result.unwrap_or_else(|_| {
        roll_back(on, groups);
        Err(StoreError::Failed("a write panicked".to_owned()))
    })
}

/// Everything at once, or else one by one. An error means that nothing was written.
fn commit(on: &mut Connections, groups: &mut [Box<dyn Group>]) -> Result<(), StoreError> {
    match all_at_once(on, groups) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) => {
            roll_back(on, groups);
            return Err(error);
        }
    }
    roll_back(on, groups);
    metrics::counter!("onsale_store_redone_transactions").increment(1);
    let redone = one_by_one(on, groups);
    if redone.is_err() {
        roll_back(on, groups);
    }
    redone
}

/// `false`: something in it failed for a reason of its own; roll back and find out what.
fn all_at_once(on: &mut Connections, groups: &mut [Box<dyn Group>]) -> Result<bool, StoreError> {
    execute(on, groups, "BEGIN IMMEDIATE")?;
    for group in groups.iter_mut() {
        match group.run(on) {
            Ok(()) => {}
            Err(None) => return Ok(false),
            Err(Some(error)) if error.is_about_one_operation() => return Ok(false),
            Err(Some(error)) => return Err(error),
        }
    }
    execute(on, groups, "COMMIT")?;
    Ok(true)
}

fn one_by_one(on: &mut Connections, groups: &mut [Box<dyn Group>]) -> Result<(), StoreError> {
    execute(on, groups, "BEGIN IMMEDIATE")?;
    for group in groups.iter_mut() {
        group.run_one_by_one(on)?;
    }
    execute(on, groups, "COMMIT")
}

fn roll_back(on: &mut Connections, groups: &[Box<dyn Group>]) {
    // After some faults SQLite has rolled back by itself and says that there is nothing to do.
    let _ = execute(on, groups, "ROLLBACK");
}

/// Runs a statement without values on the connection that all of `groups` use.
fn execute(
    on: &mut Connections,
    groups: &[Box<dyn Group>],
    statement: &'static str,
) -> Result<(), StoreError> {
    if groups.iter().all(|group| group.is_hot()) {
        on.execute_hot(statement)
    } else {
        on.execute_ordinary(statement)
    }
}

impl Connections {
    pub(super) fn execute_hot(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.hot.prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    pub(super) fn execute_ordinary(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.runtime
            .block_on(sqlx::query(statement).execute(&mut self.ordinary))?;
        Ok(())
    }
}
