//! `onsale copy`: a whole site from a folder into PostgreSQL and back.

use crate::cli::{err, out};
use crate::support::client::Client;
use crate::support::postgres::Database as Shared;
use crate::support::process::{SHOW, database_in, prepare};
use crate::support::server::Server;
use crate::support::till::{GOOD, NEEDS_STEP};
use booking_core::OrderId;
use onsale_server::site_copy::{CopyError, copy};
use onsale_server::store::tables::TABLES;
use onsale_server::store::{Database, OpenError, PostgresOpenError};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const FAN: u64 = 7;

fn onsale(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onsale"));
    command.args(arguments).stdin(Stdio::null());
    tokio::task::block_in_place(|| command.output().unwrap())
}

#[track_caller]
fn done(arguments: &[&str]) -> String {
    let output = onsale(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", err(&output));
    out(&output)
}

/// A season with a room and an operator, two seats sold and a bank's question open; the orders.
async fn site(data: &Path) -> [OrderId; 2] {
    let folder = data.display().to_string();
    done(&["demo", "--quiet", "--data", &folder]);
    prepare(data).await;
    let server = Server::start(data).await;
    let mut client = Client::connect(&server.address(), FAN).await.unwrap();
    let mut orders = Vec::new();
    for (seat, card, state) in [(0, GOOD, "confirmed"), (4, NEEDS_STEP, "needs_step")] {
        let purchase = crate::checkout::begin(&mut client, seat, card)
            .await
            .unwrap();
        let paid = client.send("POST", &purchase.path, Some(&purchase.body));
        assert_eq!(paid.await.unwrap().1["state"], state);
        orders.push(OrderId::from(purchase.order));
    }
    server.stop().await;
    orders.try_into().unwrap()
}

/// Every row of every table.
async fn contents(database: &Database) -> Vec<(&'static str, Vec<String>)> {
    let tables = database.tables();
    let mut contents = Vec::new();
    for table in TABLES {
        let rows = tables.read_rows(table, None).await.unwrap();
        contents.push((
            table.name,
            rows.iter().map(|row| format!("{row:?}")).collect(),
        ));
    }
    contents
}

async fn connect(shared: &Shared) -> Database {
    shared.connect().await.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_goes_from_a_folder_into_postgres_and_back_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (data, back) = (dir.path().join("data"), dir.path().join("back"));
    let orders = site(&data).await;
    let shared = Shared::fresh().await;
    let text = |path: &Path| path.display().to_string();
    let (data_text, back_text, url) = (text(&data), text(&back), shared.url());

    let said = done(&["copy", "--from", &data_text, "--to", &url]);
    assert!(
        said.contains("all sound") && said.contains("--keys"),
        "{said}"
    );
    let said = done(&["copy", "--from", &url, "--to", &back_text, "--json"]);
    assert!(said.contains("\"ledgers\":1"), "{said}");

    let (from, middle) = (database_in(&data).await, connect(&shared).await);
    let wanted = contents(&from).await;
    assert!(
        wanted
            .iter()
            .any(|(name, rows)| *name == "checkout" && rows.len() == 2)
    );
    assert_eq!(contents(&middle).await, wanted);
    from.close().await.unwrap();
    middle.close().await.unwrap();
    let to = database_in(&back).await;
    assert_eq!(contents(&to).await, wanted);
    to.close().await.unwrap();

    let show = SHOW.to_string();
    let export = ["ledger", "export", &show, "--data", &data_text];
    let exported = done(&export);
    assert!(!exported.is_empty());
    assert_eq!(
        done(&["ledger", "export", &show, "--data", &back_text]),
        exported
    );
    let through = [&export[..], &["--database", &url]].concat();
    assert_eq!(done(&through), exported);

    // It is at work at once, with the old keys: the bank's question is still open there.
    let keys = text(&data.join("keys"));
    let payments = text(&data.join("payment-simulator.journal"));
    let environment = [
        ("ONSALE_DATABASE", url.as_str()),
        ("ONSALE_KEYS", &keys),
        ("ONSALE_SIMULATOR_RECORD", &payments),
    ];
    let server = Server::start_with(&dir.path().join("other"), &environment).await;
    let mut client = Client::connect(&server.address(), FAN).await.unwrap();
    for (order, state) in orders.iter().zip(["confirmed", "needs_step"]) {
        let path = format!("/api/v1/orders/{order}");
        let (_, told) = client.send("GET", &path, None).await.unwrap();
        assert_eq!(told["state"], state, "{told}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_empty_database_is_copied_into() {
    let dir = tempfile::tempdir().unwrap();
    let (data, other) = (dir.path().join("data"), dir.path().join("other"));
    prepare(&data).await;
    prepare(&other).await;
    let (from, to) = (database_in(&data).await, database_in(&other).await);
    let refused = copy(&from, &to, |_| {}).await;
    assert!(
        matches!(
            refused,
            Err(CopyError::NotEmpty {
                table: "venues",
                rows: 1
            })
        ),
        "{refused:?}"
    );
    // Nothing has happened to it.
    to.close().await.unwrap();
    drop(to);
    database_in(&other).await.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_copy_left_that_was_interrupted_is_refused_by_whoever_opens_it() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("half");
    let database = database_in(&half).await;
    database.tables().begin_copy().await.unwrap();
    database.close().await.unwrap();
    drop(database);
    let opened = Database::open(&half, None, Default::default()).await;
    assert!(matches!(opened.err(), Some(OpenError::HalfCopied { .. })));

    let shared = Shared::fresh().await;
    let database = connect(&shared).await;
    database.tables().begin_copy().await.unwrap();
    let url = shared.url().parse().unwrap();
    let opened = Database::open(&half, Some(&url), Default::default())
        .await
        .err();
    let is_half = |error: &OpenError| {
        matches!(
            error,
            OpenError::Postgres(PostgresOpenError::HalfCopied { .. })
        )
    };
    assert!(opened.as_ref().is_some_and(is_half), "{opened:?}");
    database.tables().end_copy().await.unwrap();
    let opened = Database::open(&half, Some(&url), Default::default()).await;
    assert!(opened.is_ok());
}
