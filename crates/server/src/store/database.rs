//! Either database behind one type: what the rest of the program is put together on.
//!
//! Lanes append by the thousand, so the ledger's side is a `match` and nothing more. Everything else
//! is asked for as a trait object of the side that a service needs.

use super::accounts::AccountStore;
use super::audit::AuditStore;
use super::checkouts::CheckoutStore;
use super::error::{AppendError, OpenError, StoreError};
use super::kept::KeptStore;
use super::port::{Append, LedgerStore, News, Turn};
#[cfg(feature = "postgres")]
use super::postgres::{PostgresOptions, PostgresStore};
use super::relay::RelayStore;
use super::rooms::RoomTable;
use super::rows::{CommandRecord, Head, LedgerRow, SnapshotRow};
use super::sqlite::{SqliteStore, StoreOptions};
use super::tables::TableStore;
use crate::catalogue::CatalogueStore;
use booking_core::{CommandId, PerformanceId};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Where a database of several servers is. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// With everything that is needed to be let in.
    #[cfg(feature = "postgres")]
    pub(super) fn whole(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    /// Whether it is an address is found out when it is used: a fault that quotes it would quote the
    /// password too.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(&self.0))
    }
}

/// An address as it may be shown: without user, password and parameters.
#[must_use]
pub fn without_secrets(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return "(not an address)".to_owned();
    };
    // A password may be in front of the host, and behind the name.
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{rest}")
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// A database, opened. Cheap to clone.
#[derive(Clone)]
pub enum Database {
    /// A file of this process alone.
    Sqlite(SqliteStore),
    /// One that servers share.
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
}

/// Does the same with whichever it is.
macro_rules! either {
    ($database:expr, $store:ident => $do:expr) => {
        match $database {
            Database::Sqlite($store) => $do,
            #[cfg(feature = "postgres")]
            Database::Postgres($store) => $do,
        }
    };
}

impl From<SqliteStore> for Database {
    fn from(store: SqliteStore) -> Self {
        Self::Sqlite(store)
    }
}

#[cfg(feature = "postgres")]
impl From<PostgresStore> for Database {
    fn from(store: PostgresStore) -> Self {
        Self::Postgres(store)
    }
}

impl Database {
    /// Opens the one at `url`, whose schema must be there; without one, the file in the folder
    /// `data`, for this process alone.
    pub async fn open(
        data: &Path,
        url: Option<&DatabaseUrl>,
        options: StoreOptions,
    ) -> Result<Self, OpenError> {
        Self::open_with_reader(data, url, None, options).await
    }

    /// The same; what is only shown is read at the replica `reader` of the one at `url`, where there is
    /// one.
    pub async fn open_with_reader(
        data: &Path,
        url: Option<&DatabaseUrl>,
        reader: Option<&DatabaseUrl>,
        options: StoreOptions,
    ) -> Result<Self, OpenError> {
        match url {
            None => Ok(SqliteStore::open(data, options).await?.into()),
            Some(url) => Self::connect(url, reader, options).await,
        }
    }

    #[cfg(feature = "postgres")]
    async fn connect(
        url: &DatabaseUrl,
        reader: Option<&DatabaseUrl>,
        options: StoreOptions,
    ) -> Result<Self, OpenError> {
        let options = PostgresOptions {
            gather: options.gather,
            reader: reader.cloned(),
            ..PostgresOptions::default()
        };
        let store = PostgresStore::connect(url.whole(), options).await?;
        Ok(store.into())
    }

    #[cfg(not(feature = "postgres"))]
    async fn connect(
        url: &DatabaseUrl,
        _: Option<&DatabaseUrl>,
        _: StoreOptions,
    ) -> Result<Self, OpenError> {
        let database = url.to_string();
        Err(OpenError::WithoutPostgres { database })
    }

    /// Brings the schema at `url` up to date, and says its version.
    #[cfg(feature = "postgres")]
    pub async fn migrate(url: &DatabaseUrl) -> Result<i64, OpenError> {
        let options = PostgresOptions::default();
        Ok(PostgresStore::migrate(url.whole(), &options).await?)
    }

    /// The same, of a program that cannot.
    #[cfg(not(feature = "postgres"))]
    pub async fn migrate(url: &DatabaseUrl) -> Result<i64, OpenError> {
        let database = url.to_string();
        Err(OpenError::WithoutPostgres { database })
    }

    /// Its side for accounts.
    #[must_use]
    pub fn accounts(&self) -> Arc<dyn AccountStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// Its side for auditors.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// Its side for the catalogue.
    #[must_use]
    pub fn catalogue(&self) -> Arc<dyn CatalogueStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// Its side for checkouts.
    #[must_use]
    pub fn checkouts(&self) -> Arc<dyn CheckoutStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// Its side for what is kept for a while.
    #[must_use]
    pub fn kept(&self) -> Arc<dyn KeptStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// Its side for the relay.
    #[must_use]
    pub fn relay(&self) -> Arc<dyn RelayStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// All of it, as tables.
    #[must_use]
    pub fn tables(&self) -> Arc<dyn TableStore> {
        either!(self, store => Arc::new(store.clone()))
    }
    /// Its side for waiting rooms.
    #[must_use]
    pub fn rooms(&self) -> Arc<dyn RoomTable> {
        either!(self, store => Arc::new(store.clone()))
    }

    /// How many tickets of each performance are live; performances with none are left out.
    pub async fn tickets_sold(&self) -> Result<HashMap<PerformanceId, u32>, StoreError> {
        either!(self, store => store.tickets_sold().await)
    }

    /// Whether a commit goes through just now.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        either!(self, store => store.check_writable().await)
    }

    /// Finishes what is queued and lets go of it. Whatever is asked later gets
    /// [`StoreError::Closed`].
    pub async fn close(&self) -> Result<(), StoreError> {
        either!(self, store => store.close().await)
    }
}

impl LedgerStore for Database {
    async fn append(&self, append: Append) -> Result<(), AppendError> {
        either!(self, store => store.append(append).await)
    }

    async fn turn(&self, performance: PerformanceId) -> Result<Box<dyn Turn>, StoreError> {
        either!(self, store => store.turn(performance).await)
    }

    fn news(&self) -> Option<broadcast::Receiver<News>> {
        either!(self, store => store.news())
    }

    async fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        either!(self, store => store.read_ledger(performance, after, limit).await)
    }

    async fn head(&self, performance: PerformanceId) -> Result<Option<Head>, StoreError> {
        either!(self, store => store.head(performance).await)
    }

    async fn performances(&self) -> Result<Vec<PerformanceId>, StoreError> {
        either!(self, store => LedgerStore::performances(store).await)
    }

    async fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> Result<Vec<CommandRecord>, StoreError> {
        either!(self, store => store.commands(performance, ids).await)
    }

    async fn snapshot(
        &self,
        performance: PerformanceId,
    ) -> Result<Option<SnapshotRow>, StoreError> {
        either!(self, store => store.snapshot(performance).await)
    }

    async fn save_snapshot(
        &self,
        performance: PerformanceId,
        snapshot: SnapshotRow,
    ) -> Result<(), StoreError> {
        either!(self, store => store.save_snapshot(performance, snapshot).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        for (address, shown) in [
            ("postgres://h/tickets", "postgres://h/tickets"),
            (
                "postgres://shop:s3cret@h:5432/tickets?password=s3cret",
                "postgres://h:5432/tickets",
            ),
            ("postgres://shop:s3c@ret@h/t", "postgres://h/t"),
            ("s3cret", "(not an address)"),
        ] {
            let url: DatabaseUrl = address.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("s3c"), "{url:?}");
        }
    }
}
