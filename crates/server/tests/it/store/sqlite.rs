//! What is particular to a data folder.

use onsale_server::store::{OpenError, SqliteStore, StoreError, StoreOptions};
use sqlx::Connection as _;

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_and_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    let second = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(second, OpenError::Locked { holder: Some(pid), .. } if pid == std::process::id()),
        "{second}"
    );
    store.close().await.unwrap();
    SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_folder_without_data_is_named_as_such_where_none_is_to_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        create: false,
        ..StoreOptions::default()
    };
    for folder in [dir.path().to_owned(), dir.path().join("nowhere")] {
        let error = SqliteStore::open(&folder, options).await.err().unwrap();
        assert!(matches!(error, OpenError::Missing { .. }), "{error}");
        assert!(!folder.join("onsale.db").exists());
    }
}

#[tokio::test]
async fn a_schema_of_a_later_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    let file = store.file().to_owned();
    store.close().await.unwrap();
    drop(store);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let mut later = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&mut later)
    .await
    .unwrap();
    later.close().await.unwrap();
    let error = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, OpenError::NewerSchema { found: 9999, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn whatever_is_asked_of_a_closed_store_is_told_so() {
    use onsale_server::store::LedgerStore as _;
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    store.close().await.unwrap();
    assert_eq!(store.performances().await, Err(StoreError::Closed));
    let row = onsale_server::store::SnapshotRow {
        seq: 1,
        at_ms: 0,
        hash: [0; 32],
        inventory: bytes::Bytes::new(),
    };
    let saved = store
        .save_snapshot(booking_core::PerformanceId::from_u128(1), row)
        .await;
    assert_eq!(saved, Err(StoreError::Closed));
}
