//! `onsale order`: what an organiser does with an order while no server runs, also when it is
//! interrupted in the middle.

use super::processes::{self, Purchase, begin};
use crate::support::client::Client;
use crate::support::process::{database_in, prepare, provider_of};
use crate::support::server::{Server, verify};
use crate::support::till::GOOD;
use onsale_server::checkout::crash::{CRASH_AT, Point};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

const FAN: u64 = 7;

fn order(data: &Path, arguments: &[&str], crash_at: Option<Point>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onsale"));
    command.arg("order").args(arguments).arg("--data").arg(data);
    if let Some(point) = crash_at {
        command.env(CRASH_AT, point.name());
    }
    command.output().unwrap()
}

#[track_caller]
fn told(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn on_disk(data: &Path, purchase: &Purchase) -> (usize, i64, bool) {
    processes::on_disk(database_in(data).await, &provider_of(data), purchase).await
}

/// Sells two seats from `seat` on, and stops the server.
async fn sold(data: &Path, seat: u32) -> Purchase {
    let server = Server::start(data).await;
    let mut client = Client::connect(&server.address(), FAN).await.unwrap();
    let purchase = begin(&mut client, seat, GOOD).await.unwrap();
    let paid = client.send("POST", &purchase.path, Some(&purchase.body));
    assert_eq!(paid.await.unwrap().1["state"], "confirmed");
    server.stop().await;
    purchase
}

async fn as_the_fan_sees_it(data: &Path, purchase: &Purchase) -> Value {
    let server = Server::start(data).await;
    let mut client = Client::connect(&server.address(), FAN).await.unwrap();
    let path = format!("/api/v1/orders/{}", purchase.order);
    let (code, order) = client.send("GET", &path, None).await.unwrap();
    assert_eq!(code, 200, "{order}");
    server.stop().await;
    order
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organiser_sees_cancels_and_refunds_an_order_and_its_fan_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    prepare(data).await;
    let purchase = sold(data, 0).await;
    let id = purchase.order.to_string();
    let number = id[24..].to_uppercase();

    let shown = told(&order(data, &["show", "--json", &id], None));
    assert_eq!(
        (&shown["id"], &shown["state"]),
        (&json!(id), &json!("confirmed"))
    );
    assert_eq!(shown["tickets"].as_array().unwrap().len(), 2);
    let words = order(data, &["show", &number], None);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(
        words.contains("confirmed") && words.contains("20.00 EUR"),
        "{words}"
    );

    let cancelled = told(&order(data, &["cancel", "--json", &number], None));
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(cancelled["reason"], "not_refunded");
    assert_eq!(on_disk(data, &purchase).await, (0, 2_000, false));
    let seen = as_the_fan_sees_it(data, &purchase).await;
    assert_eq!(seen, cancelled);
    for ticket in seen["tickets"].as_array().unwrap() {
        assert_eq!(ticket["state"], "cancelled");
    }

    for _ in 0..2 {
        let refunded = told(&order(data, &["refund", "--json", &id], None));
        assert_eq!(refunded["state"], "refunded");
        assert!(
            refunded["explanation"]
                .as_str()
                .unwrap()
                .contains("paid back")
        );
        assert_eq!(on_disk(data, &purchase).await, (0, 0, false));
    }
    let (sound, said) = verify(data).await;
    assert!(sound, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_not_there_and_a_folder_in_use_are_told_plainly() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    prepare(data).await;
    for wish in ["show", "cancel", "refund"] {
        let unknown = refused(&order(data, &[wish, "0123456789ab"], None));
        assert!(unknown.contains("there is no such order in"), "{unknown}");
        let nonsense = order(data, &[wish, "my-order"], None);
        let words = String::from_utf8_lossy(&nonsense.stderr).into_owned();
        assert_eq!(nonsense.status.code(), Some(2));
        assert!(words.contains("last twelve digits"), "{words}");
    }
    let server = Server::start(data).await;
    let busy = refused(&order(data, &["cancel", "0123456789ab"], None));
    assert!(busy.contains("in use"), "{busy}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_killed_between_any_two_steps_is_finished_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    prepare(data).await;
    let points = [
        Point::BeforeCancel,
        Point::AfterCancel,
        Point::BeforeRefund,
        Point::AfterRefund,
        Point::AfterSettled,
    ];
    for (n, point) in (0..).zip(points) {
        let purchase = sold(data, 4 * n).await;
        let id = purchase.order.to_string();
        let killed = order(data, &["refund", &id], Some(point));
        assert!(!killed.status.success(), "at {point}: {killed:?}");
        // The next one, whoever it is, finishes it.
        if n % 2 == 0 {
            let again = told(&order(data, &["refund", "--json", &id], None));
            assert_eq!(again["state"], "refunded", "at {point}");
        } else {
            told(&order(data, &["cancel", "--json", &id], None));
            let seen = as_the_fan_sees_it(data, &purchase).await;
            assert_eq!(seen["state"], "refunded", "at {point}");
        }
        assert_eq!(on_disk(data, &purchase).await, (0, 0, false), "at {point}");
    }
    let (sound, said) = verify(data).await;
    assert!(sound, "{said}");
}
