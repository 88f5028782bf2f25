//! Writes of any kind share commits, and each fails alone.

use onsale_server::store::sqlite::WriteError;
use onsale_server::store::{SqliteStore, StoreOptions, Write};
use sqlx::SqliteConnection;

/// A note with a number nobody else may have; odd numbers are refused.
struct Note(i64);

#[derive(Debug, PartialEq, Eq)]
struct Odd;

impl Write for Note {
    type Done = i64;
    type Refusal = Odd;
    async fn run(
        connection: &mut SqliteConnection,
        notes: &[Self],
    ) -> Result<Vec<i64>, WriteError<Odd>> {
        for Note(number) in notes {
            sqlx::query("INSERT INTO note (number) VALUES (?)")
                .bind(number)
                .execute(&mut *connection)
                .await?;
            // After writing, so that a refusal must be undone.
            if number % 2 != 0 {
                return Err(WriteError::Refused(Odd));
            }
        }
        Ok(notes.iter().map(|Note(number)| number * 10).collect())
    }
}

struct MakeTable;

impl Write for MakeTable {
    type Done = ();
    type Refusal = Odd;
    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<Odd>> {
        sqlx::query("CREATE TABLE note (number INTEGER PRIMARY KEY) STRICT")
            .execute(connection)
            .await?;
        Ok(vec![(); writes.len()])
    }
}

#[tokio::test]
async fn of_writes_that_wait_together_the_refused_and_the_faulty_fail_alone() {
    for gather in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            gather,
            ..StoreOptions::default()
        };
        let store = SqliteStore::open(dir.path(), options).await.unwrap();
        store.write(MakeTable).await.unwrap();
        // 8 comes twice, 3 and 5 are odd.
        let numbers = [2, 4, 3, 8, 6, 8, 5, 10];
        let writes = numbers.map(|number| store.write(Note(number)));
        let results = futures_util::future::join_all(writes).await;
        let written: Vec<_> = results
            .iter()
            .filter_map(|result| result.as_ref().ok())
            .collect();
        assert_eq!(written, [&20, &40, &80, &60, &100], "gather: {gather}");
        assert_eq!(results[2], Err(WriteError::Refused(Odd)));
        assert_eq!(results[6], Err(WriteError::Refused(Odd)));
        assert!(
            matches!(results[5], Err(WriteError::Store(_))),
            "{:?}",
            results[5]
        );
        let kept: Vec<i64> = sqlx::query_scalar("SELECT number FROM note ORDER BY number")
            .fetch_all(store.reader())
            .await
            .unwrap();
        assert_eq!(kept, [2, 4, 6, 8, 10]);
    }
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_stands_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    store.write(MakeTable).await.unwrap();
    tokio::select! {
        biased;
        // Polled once: it is in the queue. Then nobody waits for it any more.
        _ = store.write(Note(2)) => panic!("a commit takes longer than that"),
        () = std::future::ready(()) => {}
    }
    store.write(Note(4)).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM note")
        .fetch_one(store.reader())
        .await
        .unwrap();
    assert_eq!(kept, 2);
}

/// A fault in the program itself, in the middle of a transaction.
struct Panics;

impl Write for Panics {
    type Done = ();
    type Refusal = Odd;
    async fn run(
        connection: &mut SqliteConnection,
        _: &[Self],
    ) -> Result<Vec<()>, WriteError<Odd>> {
        sqlx::query("INSERT INTO note (number) VALUES (100)")
            .execute(connection)
            .await?;
        panic!("this panic is part of the test");
    }
}

#[tokio::test]
async fn a_write_that_panics_keeps_nothing_and_later_ones_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    store.write(MakeTable).await.unwrap();
    let failed = store.write(Panics).await;
    assert!(matches!(failed, Err(WriteError::Store(_))), "{failed:?}");
    store.write(Note(2)).await.unwrap();
    let kept: Vec<i64> = sqlx::query_scalar("SELECT number FROM note")
        .fetch_all(store.reader())
        .await
        .unwrap();
    assert_eq!(kept, [2]);
    store.close().await.unwrap();
}
