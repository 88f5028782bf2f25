//! A turn at one ledger: a transaction that holds the row lock of its head, from before its holder
//! reads what was missed until the append is committed. Everybody else finds the head locked, and
//! waits here in a queue of the database's, first come, first served.
//!
//! A holder waits for nothing but the database while it has the lock, and a session that says
//! nothing for too long is ended by the database.

use super::PostgresStore;
use super::fault::Trouble;
use super::transaction::{LOOK_AGAIN, Pooled, Source as _, TransactionId, begin, commit, silent};
use super::writer::{AtOnce, Write};
use crate::store::error::{AppendError, StoreError};
use crate::store::port::{Append, Turn};
use booking_core::PerformanceId;
use booking_core::ledger::GENESIS;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const LOCK_HEAD: &str = "SELECT 1 FROM ledger_head WHERE performance_id = $1 FOR UPDATE";
const MAKE_HEAD: &str = "INSERT INTO ledger_head (performance_id, seq, hash) VALUES ($1, 0, $2) \
     ON CONFLICT (performance_id) DO NOTHING";

/// The transaction; `None` once it is over.
pub(super) struct PostgresTurn(Option<Held>);

struct Held {
    source: Pooled,
    id: TransactionId,
    patience: Duration,
}

impl PostgresStore {
    pub(super) async fn take_turn(
        &self,
        performance: PerformanceId,
    ) -> Result<PostgresTurn, StoreError> {
        // A turn's own transaction passes by what waits for the writer, and must not overtake it.
        // Asked before the lock is held: nobody waits for a writer who waits for a turn.
        self.write_or_fail(Write::Nothing).await?;
        let deadline = Instant::now() + self.0.patience;
        loop {
            match self.lock(performance).await {
                Ok(held) => return Ok(PostgresTurn(Some(held))),
                Err(Trouble::Lost(_) | Trouble::Again(_)) if Instant::now() < deadline => {
                    sleep(LOOK_AGAIN).await;
                }
                Err(trouble) => return Err(trouble.into()),
            }
        }
    }

    async fn lock(&self, performance: PerformanceId) -> Result<Held, Trouble> {
        let mut source = Pooled::of(&self.0.turns);
        let patience = self.0.patience;
        let locking = timeout(patience, async {
            let connection = source.connection().await?;
            let id = begin(connection).await?;
            if !lock_head(connection, performance).await? {
                sqlx::query(MAKE_HEAD)
                    .bind(*performance.as_bytes())
                    .bind(GENESIS)
                    .execute(&mut *connection)
                    .await?;
                lock_head(connection, performance).await?;
            }
            Ok::<_, sqlx::Error>(id)
        });
        // Whatever goes wrong, the connection goes with it, and the lock with the connection.
        let locked = locking.await.map_err(|_| Trouble::Lost(silent()))?;
        let id = locked?;
        Ok(Held {
            source,
            id,
            patience,
        })
    }
}

/// `false`: there is none yet.
async fn lock_head(
    connection: &mut PgConnection,
    performance: PerformanceId,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(LOCK_HEAD).bind(*performance.as_bytes());
    Ok(query.fetch_optional(connection).await?.is_some())
}

impl Turn for PostgresTurn {
    fn append(mut self: Box<Self>, append: Append) -> BoxFuture<'static, Result<(), AppendError>> {
        let held = self.0.take();
        Box::pin(async move {
            match held {
                Some(held) => held.append(append).await,
                None => Err(AppendError::Conflict),
            }
        })
    }
}

impl Held {
    async fn append(mut self, append: Append) -> Result<(), AppendError> {
        use super::transaction::Work as _;
        let writes = [Write::Append(append)];
        let work = AtOnce(&writes);
        let working = async {
            let connection = self.source.connection().await?;
            work.run(connection).await
        };
        let worked = timeout(self.patience, working).await;
        let committed = match worked.unwrap_or_else(|_| Err(Trouble::Lost(silent()))) {
            Ok(mut outcomes) => match outcomes.pop() {
                Some(Err(refusal)) => return Err(refusal),
                outcome => {
                    outcomes.extend(outcome);
                    commit(&mut self.source, &work, &outcomes, &self.id, self.patience).await
                }
            },
            Err(trouble) => Err(trouble),
        };
        committed.map_err(|trouble| match trouble {
            // Nothing was kept, and the turn is gone: as if somebody else had been faster.
            Trouble::Lost(_) | Trouble::Again(_) => AppendError::Conflict,
            Trouble::Refused(refusal) => refusal,
            Trouble::Failed(error) => AppendError::Store(error),
        })
    }
}

impl Drop for PostgresTurn {
    fn drop(&mut self) {
        let Some(mut held) = self.0.take() else {
            return;
        };
        // Given back: the connection is kept where there is somebody to see to it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let giving_back = async {
                    let connection = held.source.connection().await?;
                    sqlx::raw_sql("ROLLBACK").execute(connection).await
                };
                if let Ok(Ok(_)) = timeout(held.patience, giving_back).await {
                    held.source.settle();
                }
            });
        }
    }
}
