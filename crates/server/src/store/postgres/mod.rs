//! The PostgreSQL adapter: several servers on one database.
//!
//! Each server has one writing task, which gathers what everybody waits for into one transaction
//! (see [`writer`]), and pools for reading. What a decision rests on is read from the writer's
//! database only; what is shown may come from a replica ([`reader`]).
//!
//! Owns: what may be tried again and what may not ([`transaction`]); an append goes in only behind
//! the head it names, whoever else appends ([`ledger`]). Must not: hold a lock while it waits for
//! anything but the database.

mod accounts;
mod audit;
mod catalogue;
mod fault;
mod kept;
mod ledger;
mod listener;
mod open;
mod payments;
mod projections;
mod read;
mod reader;
mod relay;
mod rooms;
mod snapshot;
mod tables;
mod transaction;
mod turn;
mod writer;

pub(super) use fault::store_error;
pub use open::{PostgresOpenError, PostgresOptions};

use super::error::{AppendError, StoreError};
use fault::Trouble;
use listener::Listener;
use reader::Reader;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use transaction::{Pooled, Work, transact};
use writer::{Outcome, Write, Writer, Written};

/// A database, connected to. Cheap to clone.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    writer: Writer,
    /// Small writes, and reads that decisions rest on.
    pool: PgPool,
    /// Turns, apart: whoever holds one still has to read.
    turns: PgPool,
    /// Where what is only shown is read, where there is one.
    reader: Option<Reader>,
    listener: Listener,
    patience: Duration,
}

impl PostgresStore {
    /// Through the one writer, together with whatever else is waiting.
    async fn write(&self, write: Write) -> Outcome {
        self.0.writer.write(write).await
    }

    /// The same for what is never refused for a reason of its own.
    async fn write_or_fail(&self, write: Write) -> Result<Written, StoreError> {
        self.write(write).await.map_err(|error| match error {
            AppendError::Store(error) => error,
            refusal => StoreError::Failed(refusal.to_string()),
        })
    }

    /// A transaction of its own, for what is rare. Done even where the caller does not wait for it.
    async fn change<W: Work + Send + 'static>(&self, work: W) -> Result<W::Done, StoreError> {
        let store = self.clone();
        let change = async move {
            let mut source = Pooled::of(&store.0.pool);
            transact(&mut source, &work, store.0.patience).await
        };
        match tokio::spawn(change).await {
            Ok(changed) => changed.map_err(|trouble: Trouble| trouble.into()),
            Err(_) => Err(StoreError::Failed("a write panicked".to_owned())),
        }
    }

    /// Finishes what is queued and says goodbye. Whatever is asked later gets
    /// [`StoreError::Closed`].
    pub async fn close(&self) -> Result<(), StoreError> {
        let closed = self.0.writer.close().await;
        self.0.listener.stop();
        self.0.turns.close().await;
        if let Some(reader) = &self.0.reader {
            reader.close().await;
        }
        self.0.pool.close().await;
        closed
    }
}
