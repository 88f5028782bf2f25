//! What is particular to PostgreSQL: who may use which schema, and what happens when it is slow,
//! crashes, or its answers are lost.

use super::contract::{SHOW, accepted, append, batch};
use crate::support::cutter::{Cutter, Fault};
use crate::support::postgres::{Database, Server, patient};
use booking_core::ledger::GENESIS;
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId};
use futures_util::future::join_all;
use onsale_server::store::checkouts::{Begun, CheckoutRow, CheckoutStore};
use onsale_server::store::tables::{Kind, TABLES};
use onsale_server::store::{
    Append, AppendError, LedgerStore, News, PostgresOpenError, PostgresOptions, PostgresStore,
    SqliteStore, StoreError, StoreOptions,
};
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A first batch with a command.
fn first() -> Append {
    Append {
        commands: vec![accepted(5, 1, 0)],
        ..append(SHOW, batch(1, GENESIS, "a"))
    }
}

fn bought() -> CheckoutRow {
    CheckoutRow {
        owner: onsale_server::store::checkouts::ServerId::NOBODY,
        order: OrderId::from_u128(1),
        attempt: 1,
        command: CommandId::from_u128(1),
        content: [0; 16],
        performance: SHOW,
        hold: HoldId::from_u128(1),
        fan: FanId::from_u128(1),
        created_ms: 1,
        updated_ms: 1,
        unsettled: false,
        step: "{}".to_owned(),
        details: "{}".into(),
    }
}

/// Appends so many batches, each of which is acknowledged, whatever happens to the database meanwhile:
/// the store waits for it, and asks what became of the one that was under way.
pub(super) async fn append_all(store: PostgresStore, count: u64) {
    let mut prev_hash = GENESIS;
    for seq in 1..=count {
        let batch = batch(seq, prev_hash, "one of many");
        prev_hash = batch.hash;
        store.append(append(SHOW, batch)).await.unwrap();
    }
}

pub(super) async fn head_seq(store: &impl LedgerStore) -> u64 {
    let head = store.head(SHOW).await.unwrap();
    head.map_or(0, |head| head.seq)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_to_have_happened() {
    let database = Database::fresh().await;
    let proxy = Cutter::before(database.port()).await;
    let url = proxy.url(&database.name);
    let store = PostgresStore::connect(&url, patient()).await.unwrap();
    proxy.set(Fault::LoseAnswer);
    store.append(first()).await.unwrap();
    assert_eq!(head_seq(&store).await, 1);
    // Nothing of this one could be told from what was there before, but its transaction's id.
    proxy.set(Fault::LoseAnswer);
    assert_eq!(store.begin(bought()).await.unwrap(), Begun::New);
    assert_eq!(store.begin(bought()).await.unwrap(), Begun::Exists);
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_made_again_and_counts_once() {
    let database = Database::fresh().await;
    let proxy = Cutter::before(database.port()).await;
    let url = proxy.url(&database.name);
    let store = PostgresStore::connect(&url, patient()).await.unwrap();
    proxy.set(Fault::LoseCommit);
    store.append(first()).await.unwrap();
    assert_eq!(head_seq(&store).await, 1);
    proxy.set(Fault::LoseCommit);
    assert_eq!(store.begin(bought()).await.unwrap(), Begun::New);
    assert_eq!(store.begin(bought()).await.unwrap(), Begun::Exists);
}

#[tokio::test]
async fn where_nobody_can_tell_whether_a_commit_happened_that_is_what_is_said() {
    let database = Database::fresh().await;
    let proxy = Cutter::before(database.port()).await;
    let options = PostgresOptions {
        patience: Duration::from_secs(2),
        ..patient()
    };
    let url = proxy.url(&database.name);
    let store = PostgresStore::connect(&url, options).await.unwrap();
    proxy.set(Fault::LoseAnswerAndAll);
    let told = store.append(first()).await;
    let Err(AppendError::Store(StoreError::Unavailable(what))) = &told else {
        panic!("{told:?}");
    };
    assert!(what.contains("is not known"), "{what}");
    // It goes on as soon as the database is there again, and asking again finds the record.
    proxy.set(Fault::Nothing);
    let again = Append {
        batch: Some(batch(2, batch(1, GENESIS, "a").hash, "again")),
        ..first()
    };
    assert_eq!(store.append(again).await, Err(AppendError::CommandRecorded));
    assert_eq!(head_seq(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_before_a_crash_of_the_database_is_there_after_it() {
    let mut server = tokio::task::spawn_blocking(|| Server::start(&[]))
        .await
        .unwrap();
    server.ready().await;
    let url = server.url("postgres");
    PostgresStore::migrate(&url, &patient()).await.unwrap();
    let store = PostgresStore::connect(&url, patient()).await.unwrap();
    let writing = tokio::spawn(append_all(store.clone(), 400));
    while head_seq(&store).await < 100 {
        tokio::task::yield_now().await;
    }
    let server = tokio::task::spawn_blocking(move || {
        server.crash_and_start(&[]);
        server
    });
    let server = server.await.unwrap();
    writing.await.unwrap();
    assert_eq!(head_seq(&store).await, 400);
    drop(server);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_broken_off_and_nothing_of_it_stays() {
    let database = Database::fresh().await;
    let options = PostgresOptions {
        statement_timeout: Duration::from_millis(300),
        ..patient()
    };
    let store = PostgresStore::connect(&database.url(), options)
        .await
        .unwrap();
    let mut other = database.connection().await;
    let mut holding = other.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE command IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *holding)
        .await
        .unwrap();
    let told = store.append(first()).await;
    let is_unavailable = matches!(told, Err(AppendError::Store(StoreError::Unavailable(_))));
    assert!(is_unavailable, "{told:?}");
    holding.rollback().await.unwrap();
    assert_eq!(head_seq(&store).await, 0);
    store.append(first()).await.unwrap();
}

#[tokio::test]
async fn a_write_that_a_deadlock_ends_is_made_again() {
    let database = Database::fresh().await;
    let store = database.connect().await;
    let mut other = database.connection().await;
    let mut holding = other.begin().await.unwrap();
    let insert = "INSERT INTO command (performance_id, command_id, content) VALUES ($1, $2, $3)";
    let record = |command: u128| {
        sqlx::query(insert)
            .bind(*SHOW.as_bytes())
            .bind(*CommandId::from_u128(command).as_bytes())
            .bind([0_u8; 16])
    };
    record(2).execute(&mut *holding).await.unwrap();
    let appending = tokio::spawn({
        let store = store.clone();
        let commands = vec![accepted(1, 1, 0), accepted(2, 1, 1)];
        async move {
            let append = append(SHOW, batch(1, GENESIS, "a"));
            store.append(Append { commands, ..append }).await
        }
    });
    // Now it waits for the second, and we go for its first.
    let mut watching = database.connection().await;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onsale' \
         AND datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waits)
        .fetch_one(&mut watching)
        .await
        .unwrap()
        == 0
    {
        tokio::task::yield_now().await;
    }
    // Either of the two may be the one that is ended; then the other goes on.
    let _ = record(1).execute(&mut *holding).await;
    holding.rollback().await.unwrap();
    appending.await.unwrap().unwrap();
    assert_eq!(head_seq(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_never_has_more_connections_than_it_may() {
    let database = Database::fresh().await;
    let options = PostgresOptions {
        connections: 3,
        ..patient()
    };
    let store = PostgresStore::connect(&database.url(), options)
        .await
        .unwrap();
    let reads = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { head_seq(&store).await })
    });
    for read in join_all(reads).await {
        assert_eq!(read.unwrap(), 0);
    }
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onsale' \
         AND datname = current_database()";
    let mut watching = database.connection().await;
    let open: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut watching)
        .await
        .unwrap();
    // The writer's own and the listener's besides.
    assert!((2..=5).contains(&open), "{open}");
    store.close().await.unwrap();
    assert_eq!(store.head(SHOW).await, Err(StoreError::Closed));
    assert_eq!(
        store.append(first()).await,
        Err(AppendError::Store(StoreError::Closed))
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_without_its_password() {
    for url in [
        "mysql://localhost/x",
        "postgres://h:notaport/x",
        "onsale.db",
    ] {
        let error = PostgresStore::connect(url, patient()).await.err().unwrap();
        assert!(
            matches!(error, PostgresOpenError::Address { .. }),
            "{error}"
        );
    }
    let port = crate::support::postgres::free_port();
    let url = format!("postgres://shop:s3cret@127.0.0.1:{port}/tickets");
    let error = PostgresStore::connect(&url, patient()).await.err().unwrap();
    let said = format!("{error} {error:?}");
    assert!(
        said.contains(&format!("127.0.0.1:{port}/tickets")),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
}

#[tokio::test]
async fn a_database_without_the_schema_is_refused_until_it_is_migrated() {
    let database = Database::empty().await;
    let url = database.url();
    let refused = PostgresStore::connect(&url, patient()).await.err().unwrap();
    let is_older = matches!(refused, PostgresOpenError::OlderSchema { found: 0, .. });
    assert!(
        is_older && refused.to_string().contains("onsale migrate"),
        "{refused}"
    );
    let options = patient();
    // Several servers that are rolled out at once.
    let migrations = (0..4).map(|_| PostgresStore::migrate(&url, &options));
    let versions: BTreeSet<_> = join_all(migrations)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
    let store = PostgresStore::connect(&url, patient()).await.unwrap();
    store.append(first()).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_has_only_grown_is_used_by_an_older_program_and_one_that_has_shrunk_is_not() {
    let database = Database::fresh().await;
    let expand = "ALTER TABLE ledger ADD COLUMN later TEXT; INSERT INTO _sqlx_migrations \
         (version, description, success, checksum, execution_time) \
         VALUES (9998, 'from the future', TRUE, '', 0)";
    database.execute(expand).await;
    let store = PostgresStore::connect(&database.url(), patient())
        .await
        .unwrap();
    store.append(first()).await.unwrap();
    let options = patient();
    let left_alone = PostgresStore::migrate(&database.url(), &options).await;
    assert_eq!(left_alone.unwrap(), 9998);
    let contract = "UPDATE schema_floor SET version = 9998";
    database.execute(contract).await;
    let refused = PostgresStore::connect(&database.url(), patient())
        .await
        .err()
        .unwrap();
    let is_newer = matches!(
        refused,
        PostgresOpenError::NewerSchema {
            found: 9998,
            floor: 9998,
            ..
        }
    );
    assert!(is_newer, "{refused}");
    let refused = PostgresStore::migrate(&database.url(), &options).await;
    assert!(matches!(
        refused,
        Err(PostgresOpenError::NewerSchema { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_finds_a_table_in_use_lets_everybody_else_through_while_it_waits() {
    let database = Database::fresh().await;
    // As before there were owners of checkouts.
    let before = "DROP TABLE checkout_server; ALTER TABLE checkout DROP COLUMN owner CASCADE, \
         DROP COLUMN nudged CASCADE; \
         CREATE INDEX checkout_unsettled ON checkout (created_ms) WHERE unsettled; \
         DELETE FROM _sqlx_migrations WHERE version = 13";
    database.execute(before).await;
    let connect = || async { PgConnection::connect(&database.url()).await.unwrap() };
    // A report, say, that somebody has begun and not ended.
    let (mut report, mut watching, mut shop) = (connect().await, connect().await, connect().await);
    let begin = "BEGIN; SELECT count(*) FROM checkout";
    sqlx::raw_sql(begin).execute(&mut report).await.unwrap();
    let url = database.url();
    let migrating = tokio::spawn(async move { PostgresStore::migrate(&url, &patient()).await });
    // A server's own limit; whoever waited behind the migration for all of the report would meet it.
    let limit = "SET lock_timeout = '5s'";
    sqlx::raw_sql(limit).execute(&mut shop).await.unwrap();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'checkout'::regclass \
         AND mode = 'AccessExclusiveLock'";
    for _ in 0..3 {
        let since = Instant::now();
        loop {
            let waiting: i64 = sqlx::query_scalar(waits)
                .fetch_one(&mut watching)
                .await
                .unwrap();
            if waiting > 0 {
                break;
            }
            assert!(!migrating.is_finished(), "it did not wait");
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "it does not wait"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let used = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM checkout");
        assert_eq!(used.fetch_one(&mut shop).await.unwrap(), 0);
    }
    sqlx::raw_sql("COMMIT").execute(&mut report).await.unwrap();
    migrating.await.unwrap().unwrap();
    let store = PostgresStore::connect(&database.url(), patient()).await;
    store.unwrap().append(first()).await.unwrap();
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    let columns = "SELECT tables.name || '.' || columns.name FROM sqlite_master AS tables \
         JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'";
    let of_sqlite: Vec<String> = sqlx::query_scalar(columns)
        .fetch_all(sqlite.reader())
        .await
        .unwrap();
    let database = Database::fresh().await;
    let mut connection: PgConnection = database.connection().await;
    let columns = "SELECT table_name || '.' || column_name FROM information_schema.columns \
         WHERE table_schema = 'public'";
    let of_postgres: Vec<String> = sqlx::query_scalar(columns)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    // What only a database of several servers needs, and what each driver keeps for itself.
    let own = [
        "ledger_head.",
        "schema_floor.",
        "_sqlx_migrations.",
        "sqlite_",
    ];
    let shared = |columns: Vec<String>| -> BTreeSet<String> {
        let is_shared = |column: &String| !own.iter().any(|own| column.starts_with(own));
        columns.into_iter().filter(is_shared).collect()
    };
    let of_postgres = shared(of_postgres);
    assert_eq!(of_postgres, shared(of_sqlite));
    // All of it is copied but what says something of this database alone.
    let copied = TABLES.iter().flat_map(|table| {
        let column = |(name, _): &(&str, Kind)| format!("{}.{name}", table.name);
        table.columns.iter().map(column)
    });
    let own = [
        "checkout_server.",
        "relay_lease.",
        "half_copied.",
        "catalogue_revision.",
    ];
    let is_whole = |column: &&String| !own.iter().any(|own| column.starts_with(own));
    let whole: BTreeSet<_> = of_postgres.iter().filter(is_whole).cloned().collect();
    assert_eq!(copied.collect::<BTreeSet<_>>(), whole);
}

#[tokio::test]
async fn a_server_that_falls_silent_in_its_turn_loses_it_and_nobody_waits_for_ever() {
    let database = Database::fresh().await;
    let options = PostgresOptions {
        turn_timeout: Duration::from_millis(500),
        ..patient()
    };
    let frozen = PostgresStore::connect(&database.url(), options)
        .await
        .unwrap();
    let other = database.connect().await;
    let lost = frozen.turn(SHOW).await.unwrap();
    let turn = other.turn(SHOW).await.unwrap();
    turn.append(first()).await.unwrap();
    let late = append(SHOW, batch(1, GENESIS, "late"));
    assert_eq!(lost.append(late).await, Err(AppendError::Conflict));
    assert_eq!(head_seq(&frozen).await, 1);
}

#[tokio::test]
async fn a_turn_whose_commit_is_not_answered_has_counted_once() {
    let database = Database::fresh().await;
    let proxy = Cutter::before(database.port()).await;
    let url = proxy.url(&database.name);
    let store = PostgresStore::connect(&url, patient()).await.unwrap();
    let turn = store.turn(SHOW).await.unwrap();
    proxy.set(Fault::LoseAnswer);
    turn.append(first()).await.unwrap();
    assert_eq!(head_seq(&store).await, 1);
    // One whose commit never arrived has not counted, and its holder decides again.
    let turn = store.turn(SHOW).await.unwrap();
    proxy.set(Fault::LoseCommit);
    let second = append(SHOW, batch(2, batch(1, GENESIS, "a").hash, "b"));
    assert_eq!(
        turn.append(second.clone()).await,
        Err(AppendError::Conflict)
    );
    store.append(second).await.unwrap();
}

#[tokio::test]
async fn who_appends_out_of_turn_is_told_at_once_and_not_kept_waiting() {
    let database = Database::fresh().await;
    let (one, other) = (database.connect().await, database.connect().await);
    one.append(first()).await.unwrap();
    let second = append(SHOW, batch(2, batch(1, GENESIS, "a").hash, "b"));
    let turn = one.turn(SHOW).await.unwrap();
    assert_eq!(
        other.append(second.clone()).await,
        Err(AppendError::Conflict)
    );
    // Nor is what shares its transaction.
    let elsewhere = append(PerformanceId::from_u128(2), batch(1, GENESIS, "a"));
    let (late, in_time) = tokio::join!(other.append(second.clone()), other.append(elsewhere));
    assert_eq!((late, in_time), (Err(AppendError::Conflict), Ok(())));
    turn.append(second).await.unwrap();
}

#[tokio::test]
async fn a_turn_given_back_is_free_for_the_next() {
    let database = Database::fresh().await;
    let (one, other) = (database.connect().await, database.connect().await);
    for _ in 0..20 {
        drop(one.turn(SHOW).await.unwrap());
        drop(other.turn(SHOW).await.unwrap());
    }
    let turn = one.turn(SHOW).await.unwrap();
    turn.append(first()).await.unwrap();
}

#[tokio::test]
async fn a_store_that_heard_nothing_for_a_while_says_that_it_may_have_missed_something() {
    let database = Database::fresh().await;
    let (store, other) = (database.connect().await, database.connect().await);
    let mut news = store.news().unwrap();
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' \
         AND datname = current_database() AND query LIKE 'LISTEN%'";
    let mut watching = database.connection().await;
    while sqlx::query_scalar::<_, i64>(listening)
        .fetch_one(&mut watching)
        .await
        .unwrap()
        < 2
    {
        tokio::task::yield_now().await;
    }
    other.append(first()).await.unwrap();
    let moved = News::Moved {
        performance: SHOW,
        seq: 1,
    };
    // Whether it began to listen before or after we did.
    while news.recv().await.unwrap() != moved {}
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    database.execute(end).await;
    assert_eq!(news.recv().await.unwrap(), News::Missed);
}
