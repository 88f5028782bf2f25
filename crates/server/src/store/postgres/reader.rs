//! Reading at a streaming replica, so that looking at the season and at orders costs the database
//! that is written to next to nothing.
//!
//! **Invariant.** An answer is never older than its question, whichever server wrote last: the writer
//! is asked how far its log has come, one short question for all who ask at the same time, and the
//! replica answers only once it has replayed that far. So whoever has just bought sees the purchase.
//!
//! A replica that is away, behind for longer than a moment, or no replica any more (it was made the
//! writer of something else) is left alone for a while, and the writer answers. Nothing a decision
//! rests on is asked here: that must not depend on a second machine.

use super::open::{PostgresOpenError, Target};
use super::{PostgresStore, read::Question};
use crate::store::error::StoreError;
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// So long a replica may take to have what the writer had when it was asked.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Between two looks at how far it is.
const LOOK_AGAIN: Duration = Duration::from_millis(4);
/// So long everything at the replica may take, waiting for a connection included.
const DEADLINE: Duration = Duration::from_secs(2);
/// One that was behind is not asked for so long.
const REST_BEHIND: Duration = Duration::from_secs(1);
/// One that failed is not asked for so long.
const REST_FAILED: Duration = Duration::from_secs(5);

const HOW_FAR: &str = "SELECT pg_current_wal_lsn()::text";
/// `NULL`: it replays nothing, so it is no replica.
const IS_SO_FAR: &str = "SELECT CASE WHEN pg_is_in_recovery() \
     THEN pg_last_wal_replay_lsn() >= $1::text::pg_lsn END";
const SYSTEM: &str = "SELECT system_identifier FROM pg_control_system()";

/// A replica that is read from.
pub(super) struct Reader {
    pool: PgPool,
    name: String,
    fence: Fence,
    resting: Mutex<Option<Instant>>,
    answered: Answered,
}

/// Questions that could have been answered by either, by who has answered.
#[derive(Default)]
struct Answered {
    reader: AtomicU64,
    writer: AtomicU64,
}

/// Why it was not the replica that answered.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it is more than {} ms behind", CATCH_UP.as_millis())]
    Behind,
    #[error("it is no replica any more")]
    NoReplica,
    #[error("{0}")]
    Failed(sqlx::Error),
    #[error("it did not answer within {} s", DEADLINE.as_secs())]
    Late,
    /// The writer did not say how far it is; it is asked the question itself, with more patience.
    #[error("the writer did not say how far it is: {0}")]
    Writer(sqlx::Error),
}

/// How far the writer's log is, asked once for all who want to know at the same time.
#[derive(Default)]
struct Fence {
    asked: AtomicU64,
    told: tokio::sync::Mutex<Told>,
}

/// For everybody who asked up to then.
#[derive(Default)]
struct Told {
    up_to: u64,
    position: String,
}

impl Fence {
    /// No earlier than now.
    async fn now(&self, writer: &PgPool) -> Result<String, sqlx::Error> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut told = self.told.lock().await;
        if told.up_to < mine {
            let up_to = self.asked.load(Ordering::SeqCst);
            let position = sqlx::query_scalar(HOW_FAR).fetch_one(writer).await?;
            *told = Told { up_to, position };
        }
        Ok(told.position.clone())
    }
}

impl Reader {
    /// One for the database at `writer`. It need not answer yet; one of another database is refused.
    pub(super) async fn of(
        writer: &Target,
        reader: Target,
        connections: u32,
    ) -> Result<Self, PostgresOpenError> {
        match reader.connect().await {
            Ok(mut connection) => {
                let system = sqlx::query_scalar::<_, i64>(SYSTEM);
                let theirs = system.fetch_one(&mut connection).await;
                let mut connection = writer.connect().await?;
                let system = sqlx::query_scalar::<_, i64>(SYSTEM);
                let ours = system.fetch_one(&mut connection).await;
                let of = |found: Result<i64, _>, target: &Target| {
                    found.map_err(|error| target.unreachable(error))
                };
                if of(theirs, &reader)? != of(ours, writer)? {
                    return Err(PostgresOpenError::ForeignReader {
                        database: writer.name.clone(),
                        reader: reader.name,
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the replica does not answer yet: the writer is read from");
            }
        }
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(DEADLINE)
            .test_before_acquire(false)
            .connect_lazy_with(reader.options);
        Ok(Self {
            pool,
            name: reader.name,
            fence: Fence::default(),
            resting: Mutex::default(),
            answered: Answered::default(),
        })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    fn is_resting(&self) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self, why: &Unusable) {
        let rest = match why {
            Unusable::Writer(_) => return,
            Unusable::Behind => REST_BEHIND,
            Unusable::NoReplica | Unusable::Failed(_) | Unusable::Late => REST_FAILED,
        };
        tracing::warn!(
            replica = self.name, %why,
            "the writer is read from for {} s", rest.as_secs()
        );
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        *resting = Some(Instant::now() + rest);
    }

    async fn answer(
        &self,
        writer: &PgPool,
        question: impl Fn() -> Question,
    ) -> Result<Vec<PgRow>, Unusable> {
        let asked = async {
            let position = self.fence.now(writer).await.map_err(Unusable::Writer)?;
            let mut connection = self.pool.acquire().await.map_err(Unusable::Failed)?;
            let answer = async {
                self.catch_up(&mut connection, &position).await?;
                let rows = question().fetch_all(&mut *connection).await;
                rows.map_err(Unusable::Failed)
            };
            let answer = answer.await;
            if matches!(answer, Err(Unusable::Failed(_))) {
                // It may be in the middle of anything.
                drop(connection.detach());
            }
            answer
        };
        timeout(DEADLINE, asked)
            .await
            .unwrap_or(Err(Unusable::Late))
    }

    async fn catch_up(
        &self,
        connection: &mut PoolConnection<Postgres>,
        position: &str,
    ) -> Result<(), Unusable> {
        let since = Instant::now();
        loop {
            let is_so_far = sqlx::query_scalar::<_, Option<bool>>(IS_SO_FAR)
                .bind(position.to_owned())
                .fetch_one(&mut **connection)
                .await
                .map_err(Unusable::Failed)?;
            match is_so_far {
                Some(true) => return Ok(()),
                None => return Err(Unusable::NoReplica),
                Some(false) if since.elapsed() >= CATCH_UP => return Err(Unusable::Behind),
                Some(false) => sleep(LOOK_AGAIN).await,
            }
        }
    }
}

impl PostgresStore {
    /// Rows that no decision rests on, as they are now or later: from the replica where there is one.
    pub(super) async fn rows_to_show(
        &self,
        question: impl Fn() -> Question,
    ) -> Result<Vec<PgRow>, StoreError> {
        let Some(reader) = &self.0.reader else {
            return self.rows(question).await;
        };
        if !reader.is_resting() {
            match reader.answer(&self.0.pool, &question).await {
                Ok(rows) => {
                    reader.answered.reader.fetch_add(1, Ordering::Relaxed);
                    metrics::counter!("onsale_store_reads", "by" => "reader").increment(1);
                    return Ok(rows);
                }
                Err(why) => reader.rest(&why),
            }
        }
        reader.answered.writer.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("onsale_store_reads", "by" => "writer").increment(1);
        self.rows(question).await
    }

    /// The same of one row, where there is one.
    pub(super) async fn row_to_show(
        &self,
        question: impl Fn() -> Question,
    ) -> Result<Option<PgRow>, StoreError> {
        let mut rows = self.rows_to_show(question).await?;
        Ok(rows.pop())
    }

    /// How many questions that a replica may answer were answered by it, and how many by the writer;
    /// both 0 without a replica.
    #[must_use]
    pub fn reads_by_replica_and_writer(&self) -> (u64, u64) {
        self.0.reader.as_ref().map_or((0, 0), |reader| {
            let Answered { reader, writer } = &reader.answered;
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            (count(reader), count(writer))
        })
    }
}
