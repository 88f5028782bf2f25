//! The databases that the contract is run against. `contract!` makes the same tests for each.

use onsale_server::catalogue::CatalogueStore;
use onsale_server::store::accounts::AccountStore;
use onsale_server::store::checkouts::CheckoutStore;
use onsale_server::store::kept::KeptStore;
use onsale_server::store::relay::RelayStore;
use onsale_server::store::rooms::RoomTable;
use onsale_server::store::{LedgerStore, SqliteStore, StoreOptions};
use std::future::Future;

/// A database to run the contract against, fresh for each test.
pub(crate) trait Backend {
    type Store: LedgerStore
        + AccountStore
        + CheckoutStore
        + RelayStore
        + RoomTable
        + CatalogueStore
        + KeptStore
        + Clone
        + Send
        + Sync;
    /// What keeps the database alive.
    type Guard: Send + Sync;
    fn fresh() -> impl Future<Output = (Self::Store, Self::Guard)> + Send;
    /// As another server would have it: where there can be only one server, the same.
    fn beside(store: &Self::Store, guard: &Self::Guard)
    -> impl Future<Output = Self::Store> + Send;
}

pub(crate) struct Sqlite;

impl Backend for Sqlite {
    type Store = SqliteStore;
    type Guard = tempfile::TempDir;
    async fn fresh() -> (SqliteStore, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions::default();
        let store = SqliteStore::open(dir.path(), options).await.unwrap();
        (store, dir)
    }
    async fn beside(store: &SqliteStore, _: &tempfile::TempDir) -> SqliteStore {
        store.clone()
    }
}

#[cfg(feature = "postgres")]
pub(crate) struct Postgres;

#[cfg(feature = "postgres")]
impl Backend for Postgres {
    type Store = onsale_server::store::PostgresStore;
    type Guard = crate::support::postgres::Database;
    async fn fresh() -> (Self::Store, Self::Guard) {
        let database = crate::support::postgres::Database::fresh().await;
        (database.connect().await, database)
    }
    async fn beside(_: &Self::Store, database: &Self::Guard) -> Self::Store {
        database.connect().await
    }
}

/// Makes the tests of these rules for each backend.
macro_rules! contract {
    ($($rule:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    super::$rule::<$crate::store::backend::Sqlite>().await;
                }
            )*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    super::$rule::<$crate::store::backend::Postgres>().await;
                }
            )*
        }
    };
}
pub(crate) use contract;
