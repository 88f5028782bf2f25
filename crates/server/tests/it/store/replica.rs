//! A real streaming replica: what it answers, and who answers when it cannot.

use super::checkouts::row;
use super::contract::SHOW;
use super::postgres::{append_all, head_seq};
use crate::support::cutter::Cutter;
use crate::support::postgres::{Server, patient};
use booking_core::{FanId, OrderId};
use onsale_server::store::checkouts::{CheckoutRow, CheckoutStore as _};
use onsale_server::store::{
    DatabaseUrl, LedgerStore as _, PostgresOpenError, PostgresOptions, PostgresStore,
};
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

/// As long as anybody would wait on a very busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who owns the orders of [`row`].
const FAN: FanId = FanId::from_u128(7);

/// A PostgreSQL with the schema, and its replica.
pub(crate) struct Pair {
    pub(crate) primary: Server,
    pub(crate) replica: Server,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let primary = server().await;
        PostgresStore::migrate(&primary.url("postgres"), &patient())
            .await
            .unwrap();
        let (primary, replica) = tokio::task::spawn_blocking(move || {
            let replica = primary.replica(&[]);
            (primary, replica)
        })
        .await
        .unwrap();
        replica.ready().await;
        Self { primary, replica }
    }

    /// One server's connection to both.
    pub(crate) async fn store(&self) -> PostgresStore {
        let options = reading_at(&self.replica);
        PostgresStore::connect(&self.primary.url("postgres"), options)
            .await
            .unwrap()
    }

    /// From now on nothing is acknowledged that the replica does not have as well.
    async fn keep_in_step(&self) {
        for statement in [
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ] {
            self.primary.execute("postgres", statement).await;
        }
        let mut connection = PgConnection::connect(&self.primary.url("postgres"))
            .await
            .unwrap();
        let since = Instant::now();
        loop {
            let state: Option<String> =
                sqlx::query_scalar("SELECT sync_state FROM pg_stat_replication")
                    .fetch_optional(&mut connection)
                    .await
                    .unwrap();
            if state.as_deref() == Some("sync") {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "the replica is {state:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn at_replica(&self, statement: &str) {
        self.replica.execute("postgres", statement).await;
    }
}

async fn server() -> Server {
    let server = tokio::task::spawn_blocking(|| Server::start(&[]))
        .await
        .unwrap();
    server.ready().await;
    server
}

fn reading_at(server: &Server) -> PostgresOptions {
    let url: DatabaseUrl = server.url("postgres").parse().unwrap();
    PostgresOptions {
        reader: Some(url),
        ..patient()
    }
}

async fn orders(store: &PostgresStore) -> Vec<OrderId> {
    let rows = store.by_fan(FAN).await.unwrap();
    rows.iter().map(|row| row.order).collect()
}

/// The orders of the fan are listed newest first.
async fn begin(store: &PostgresStore, order: u128) {
    let at_ms = i64::try_from(order).unwrap();
    let row = CheckoutRow {
        created_ms: at_ms,
        updated_ms: at_ms,
        ..row(order, 1, order)
    };
    store.begin(row).await.unwrap();
}

/// Writes an order at one server and looks for it at another.
async fn is_seen_at_once(writes: &PostgresStore, reads: &PostgresStore, order: u128) {
    begin(writes, order).await;
    let seen = orders(reads).await;
    assert_eq!(seen.first(), Some(&OrderId::from_u128(order)), "{seen:?}");
}

/// Reads until the replica has answered once more: after a failure it is left alone for a while.
pub(crate) async fn the_replica_answers(store: &PostgresStore) {
    let (before, _) = store.reads_by_replica_and_writer();
    let since = Instant::now();
    while store.reads_by_replica_and_writer().0 == before {
        assert!(since.elapsed() < PATIENCE, "the replica is not asked again");
        orders(store).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_the_replica_is_never_older_than_the_question() {
    let pair = Pair::start().await;
    let (here, there) = (pair.store().await, pair.store().await);
    for order in 1..=100 {
        is_seen_at_once(&here, &there, order).await;
    }
    the_replica_answers(&there).await;
    let (by_replica, _) = there.reads_by_replica_and_writer();
    assert!(by_replica > 0, "nobody asked it");
    // Many at once ask the writer for its position together, and each gets what was there before it.
    begin(&here, 101).await;
    let asked = (0..50).map(|_| orders(&there));
    for seen in futures_util::future::join_all(asked).await {
        assert_eq!(seen.first(), Some(&OrderId::from_u128(101)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_replica_is_behind_the_writer_answers() {
    let pair = Pair::start().await;
    let store = pair.store().await;
    is_seen_at_once(&store, &store, 1).await;
    the_replica_answers(&store).await;
    pair.at_replica("SELECT pg_wal_replay_pause()").await;
    let (_, before) = store.reads_by_replica_and_writer();
    for order in 2..=20 {
        is_seen_at_once(&store, &store, order).await;
    }
    let (_, after) = store.reads_by_replica_and_writer();
    assert_eq!(after - before, 19, "each of them by the writer");
    pair.at_replica("SELECT pg_wal_replay_resume()").await;
    the_replica_answers(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_dies_is_missed_by_nobody_and_asked_again_when_it_is_back() {
    let pair = Pair::start().await;
    let store = pair.store().await;
    the_replica_answers(&store).await;
    let Pair {
        primary,
        mut replica,
    } = pair;
    let replica = tokio::task::spawn_blocking(move || {
        replica.crash_and_start(&[]);
        replica
    });
    let mut order = 0;
    while !replica.is_finished() {
        order += 1;
        is_seen_at_once(&store, &store, order).await;
    }
    let replica = replica.await.unwrap();
    the_replica_answers(&store).await;
    drop((primary, replica));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_has_become_a_writer_of_its_own_is_not_asked_any_more() {
    let pair = Pair::start().await;
    let store = pair.store().await;
    the_replica_answers(&store).await;
    pair.at_replica("SELECT pg_promote()").await;
    let (by_replica, _) = store.reads_by_replica_and_writer();
    for order in 1..=20 {
        is_seen_at_once(&store, &store, order).await;
    }
    assert_eq!(store.reads_by_replica_and_writer().0, by_replica);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_something_else_is_refused_and_one_that_is_away_is_waited_for() {
    let (ours, theirs) = tokio::join!(server(), server());
    let url = ours.url("postgres");
    PostgresStore::migrate(&url, &patient()).await.unwrap();
    let refused = PostgresStore::connect(&url, reading_at(&theirs)).await;
    let Err(error @ PostgresOpenError::ForeignReader { .. }) = refused else {
        panic!("it was not refused");
    };
    let told = error.to_string();
    for port in [ours.port, theirs.port] {
        assert!(told.contains(&port.to_string()), "{told}");
    }
    let away = reading_at(&theirs);
    drop(theirs);
    let store = PostgresStore::connect(&url, away).await.unwrap();
    is_seen_at_once(&store, &store, 1).await;
    assert_eq!(store.reads_by_replica_and_writer(), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_before_a_failover_is_there_after_it() {
    let pair = Pair::start().await;
    pair.keep_in_step().await;
    // As a virtual address does, or a proxy that asks who is the primary.
    let address = Cutter::before(pair.primary.port).await;
    let store = PostgresStore::connect(&address.url("postgres"), patient())
        .await
        .unwrap();
    let writing = tokio::spawn(append_all(store.clone(), 400));
    while head_seq(&store).await < 100 {
        tokio::task::yield_now().await;
    }
    let Pair { primary, replica } = pair;
    let primary = tokio::task::spawn_blocking(move || {
        primary.crash();
        primary
    });
    let primary = primary.await.unwrap();
    // Too early: it only reads yet, and says so to whoever wants to write.
    address.lead_to(replica.port);
    replica.execute("postgres", "SELECT pg_promote()").await;
    writing.await.unwrap();
    assert_eq!(head_seq(&store).await, 400);
    let ledger = store.read_ledger(SHOW, 0, 1_000).await.unwrap();
    assert_eq!(ledger.len(), 400);
    drop(primary);
}
