//! Hears what any server appends: PostgreSQL tells it at commit (`NOTIFY`), in the order of commits.
//!
//! What is told while the connection is away is lost, so whoever listens is told that something may
//! have been missed: after each new connection, and when it has been silent for so long that it may
//! be dead.

use crate::store::port::News;
use booking_core::PerformanceId;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// As in the statement that appends.
const CHANNEL: &str = "onsale_ledger";
/// News kept for a listener who is slow; then it is told that it has missed something.
const KEPT: usize = 4_096;
/// After so long a silence the connection is tried.
const SILENCE: Duration = Duration::from_secs(10);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(250);

/// The task that listens; it ends with this.
pub(super) struct Listener {
    news: broadcast::Sender<News>,
    task: AbortHandle,
}

impl Listener {
    pub(super) fn start(options: PgConnectOptions, patience: Duration) -> Self {
        let (news, _) = broadcast::channel(KEPT);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(patience)
            .connect_lazy_with(options);
        let task = tokio::spawn(listen(pool, news.clone(), patience)).abort_handle();
        Self { news, task }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen(pool: PgPool, news: broadcast::Sender<News>, patience: Duration) {
    loop {
        if let Err(error) = hear(&pool, &news, patience).await {
            tracing::warn!(%error, "what other servers append is not heard: connecting again");
        }
        sleep(PAUSE).await;
    }
}

/// Until the connection is lost.
async fn hear(
    pool: &PgPool,
    news: &broadcast::Sender<News>,
    patience: Duration,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // Nobody may be subscribed, here and below; whoever comes later reads the ledger first.
    let _ = news.send(News::Missed);
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(told))) => {
                let _ = news.send(read(told.payload()).unwrap_or(News::Missed));
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let trying = sqlx::query("SELECT 1").execute(&mut listener);
                let tried = timeout(patience, trying).await;
                tried.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}

fn read(told: &str) -> Option<News> {
    let (id, seq) = told.split_once(' ')?;
    let id = u128::from_str_radix(id, 16).ok()?;
    Some(News::Moved {
        performance: PerformanceId::from_u128(id),
        seq: seq.parse().ok()?,
    })
}
