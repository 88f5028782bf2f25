//! One transaction from beginning to end: what is tried again, and how one finds out whether a
//! commit whose answer was lost has happened.
//!
//! **Tried again**: what met a serialisation failure or a deadlock, and what lost its connection
//! before the commit was asked for; in both nothing was kept. **Never tried again blindly**: a
//! commit without an answer. Its transaction's id was noted at its beginning, so the server is asked
//! what became of it, and a row that must be there if it was committed is looked for.

use super::fault::Trouble;
use super::read::borrowed;
use crate::store::error::StoreError;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Row as _};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Times a transaction may meet another one that was faster.
const MOST_AGAIN: u32 = 10;
/// Between two looks at a server that does not answer yet.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// What is done within a transaction. Run again from the beginning when it is tried again.
pub(super) trait Work: Sync {
    type Done: Send + Sync;
    /// Writes. The transaction is begun before and committed after.
    fn run(
        &self,
        connection: &mut PgConnection,
    ) -> impl Future<Output = Result<Self::Done, Trouble>> + Send;

    /// Whether something is there that only the transaction that came to `done` can have written;
    /// `None`: it leaves nothing that could be told apart.
    fn is_there(
        &self,
        connection: &mut PgConnection,
        done: &Self::Done,
    ) -> impl Future<Output = Result<Option<bool>, sqlx::Error>> + Send {
        let _ = (connection, done);
        async { Ok(None) }
    }
}

/// Where a transaction gets its connection from, and a new one when that is lost.
pub(super) trait Source: Send {
    fn connection(&mut self)
    -> impl Future<Output = Result<&mut PgConnection, sqlx::Error>> + Send;
    /// The connection is not to be used again: it may be in the middle of anything.
    fn spoil(&mut self);
    /// The connection is in no transaction any more.
    fn settle(&mut self) {}
}

/// A connection of one's own.
pub(super) struct Own {
    pub(super) options: PgConnectOptions,
    pub(super) connection: Option<PgConnection>,
}

impl Source for Own {
    async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options).await?,
        };
        Ok(self.connection.insert(connection))
    }
    fn spoil(&mut self) {
        self.connection = None;
    }
}

/// One out of a pool.
pub(super) struct Pooled {
    pool: PgPool,
    connection: Option<PoolConnection<Postgres>>,
    is_settled: bool,
}

impl Pooled {
    pub(super) fn of(pool: &PgPool) -> Self {
        Self {
            pool: pool.clone(),
            connection: None,
            is_settled: true,
        }
    }
}

impl Source for Pooled {
    async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => borrowed(&self.pool).await?,
        };
        self.is_settled = false;
        Ok(self.connection.insert(connection))
    }
    fn spoil(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
    fn settle(&mut self) {
        self.is_settled = true;
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        // Given up in the middle of a transaction: ended, not handed to the next one.
        if !self.is_settled {
            self.spoil();
        }
    }
}

/// A transaction's id, as text.
pub(super) type TransactionId = String;

/// Begins a transaction and notes its id.
pub(super) async fn begin(connection: &mut PgConnection) -> Result<TransactionId, sqlx::Error> {
    // Both in one go: the simple protocol takes several statements and answers in text.
    let row = sqlx::raw_sql("BEGIN; SELECT pg_current_xact_id() AS id")
        .fetch_one(connection)
        .await?;
    row.try_get_unchecked("id")
}

/// Does `work` in a transaction. When this returns `Ok` it is durable; on an error nothing of it is
/// kept, unless the error says that nobody knows.
pub(super) async fn transact<W: Work>(
    source: &mut impl Source,
    work: &W,
    patience: Duration,
) -> Result<W::Done, Trouble> {
    let deadline = Instant::now() + patience;
    let mut met = 0;
    loop {
        let (trouble, pause) = match once(source, work, patience).await {
            Ok(done) => return Ok(done),
            Err(trouble @ Trouble::Again(_)) if met < MOST_AGAIN => {
                met += 1;
                metrics::counter!("onsale_store_transactions_again").increment(1);
                (trouble, false)
            }
            Err(trouble @ Trouble::Lost(_)) => (trouble, true),
            Err(trouble) => return Err(trouble),
        };
        if Instant::now() >= deadline {
            return Err(trouble);
        }
        if pause {
            metrics::counter!("onsale_store_connections_lost").increment(1);
            sleep(LOOK_AGAIN).await;
        }
    }
}

async fn once<W: Work>(
    source: &mut impl Source,
    work: &W,
    patience: Duration,
) -> Result<W::Done, Trouble> {
    // A server that is not there at all answers nothing: this side looks at its own watch too.
    let worked = timeout(patience, async {
        let connection = source.connection().await?;
        let id = begin(connection).await?;
        Ok((work.run(connection).await?, id))
    });
    let (done, id) = match worked.await {
        Ok(Ok(worked)) => worked,
        Ok(Err(trouble)) => {
            roll_back(source, &trouble).await;
            return Err(trouble);
        }
        Err(_) => {
            source.spoil();
            return Err(Trouble::Lost(silent()));
        }
    };
    commit(source, work, &done, &id, patience).await?;
    Ok(done)
}

/// The connection is left as it was before, or not at all.
async fn roll_back(source: &mut impl Source, trouble: &Trouble) {
    let rolled_back = match trouble {
        Trouble::Lost(_) => None,
        Trouble::Refused(_) | Trouble::Again(_) | Trouble::Failed(_) => {
            let rolling_back = async {
                let connection = source.connection().await?;
                sqlx::raw_sql("ROLLBACK").execute(connection).await
            };
            timeout(Duration::from_secs(1), rolling_back).await.ok()
        }
    };
    match rolled_back {
        Some(Ok(_)) => source.settle(),
        _ => source.spoil(),
    }
}

/// Commits, and finds out what became of it where the answer is lost.
pub(super) async fn commit<W: Work>(
    source: &mut impl Source,
    work: &W,
    done: &W::Done,
    id: &TransactionId,
    patience: Duration,
) -> Result<(), Trouble> {
    let committing = async {
        let connection = source.connection().await?;
        sqlx::raw_sql("COMMIT").execute(connection).await
    };
    let error = match timeout(patience, committing).await {
        Ok(Ok(_)) => {
            source.settle();
            return Ok(());
        }
        Ok(Err(error)) => match Trouble::from(error) {
            Trouble::Lost(error) => error,
            // The server itself says that it was rolled back.
            trouble => {
                source.spoil();
                return Err(trouble);
            }
        },
        Err(_) => silent(),
    };
    source.spoil();
    metrics::counter!("onsale_store_commits_without_answer").increment(1);
    tracing::warn!(%error, transaction = id, "a commit was not answered: asking what became of it");
    let deadline = Instant::now() + patience;
    loop {
        match timeout_at(deadline, was_committed(source, work, done, id)).await {
            Ok(Ok(Some(true))) => return Ok(()),
            Ok(Ok(Some(false))) => return Err(Trouble::Lost(error)),
            Ok(Ok(None)) => {}
            Ok(Err(_)) => source.spoil(),
            Err(_) => {
                source.spoil();
                let what = format!("whether transaction {id} was committed is not known: {error}");
                // Not `Lost`: it must not be tried again.
                return Err(Trouble::Failed(StoreError::Unavailable(what)));
            }
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// `None`: not decided yet.
async fn was_committed<W: Work>(
    source: &mut impl Source,
    work: &W,
    done: &W::Done,
    id: &TransactionId,
) -> Result<Option<bool>, sqlx::Error> {
    let connection = source.connection().await?;
    let asked: Result<Option<String>, _> =
        sqlx::query_scalar("SELECT pg_xact_status($1::text::xid8)")
            .bind(id)
            .fetch_one(&mut *connection)
            .await;
    let status = match asked {
        // A crash has forgotten that this id was ever given out, or it is another server now. What
        // was not written down was not committed.
        Err(error) if is_in_the_future(&error) => None,
        asked => asked?,
    };
    if status.as_deref() == Some("in progress") {
        return Ok(None);
    }
    // After a failover the new primary may have given the same id to another transaction, or have
    // none of that number yet: what is written counts for more than what the id says.
    let says = status.as_deref() == Some("committed");
    Ok(Some(work.is_there(connection, done).await?.unwrap_or(says)))
}

/// "transaction ID … is in the future"
fn is_in_the_future(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.as_deref() == Some("22023")
}

pub(super) fn silent() -> StoreError {
    StoreError::Unavailable("the database does not answer".to_owned())
}
