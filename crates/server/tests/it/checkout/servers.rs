//! Servers of the real program on one PostgreSQL: what one leaves, another one finishes, and never
//! two at once.

use super::processes::{Purchase, begin, on_disk, way};
use crate::support::client::Client;
use crate::support::process::Site;
use crate::support::till::NEEDS_STEP;
use onsale_server::checkout::crash::{CRASH_AT, Point};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// As long as anybody would wait, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

async fn answers_bank(client: &mut Client, purchase: &Purchase) {
    let path = format!("/api/v1/orders/{}/step", purchase.order);
    let yes = json!({ "command_id": Uuid::now_v7(), "approve": true });
    // The order may be past the question by now.
    let (code, answer) = client.send("POST", &path, Some(&yes)).await.unwrap();
    assert!(matches!(code, 200 | 202 | 409), "{code}: {answer}");
}

/// Asks as a fan's program does until the order has come to an end.
async fn end_of(client: &mut Client, purchase: &Purchase) -> Value {
    let started = Instant::now();
    loop {
        // Each time it waits for as long as a fan would.
        let asked = client.send("POST", &purchase.path, Some(&purchase.body));
        let (code, order) = asked.await.unwrap();
        match order["state"].as_str() {
            Some("paying") => {}
            Some("needs_step") => answers_bank(client, purchase).await,
            Some(_) if code == 200 => return order,
            Some(_) | None => panic!("{code}: {order}"),
        }
        assert!(started.elapsed() < PATIENCE, "{order}");
    }
}

/// Asks for an order until it is as it should be.
async fn shows(client: &mut Client, purchase: &Purchase, state: &str) -> Value {
    let path = format!("/api/v1/orders/{}", purchase.order);
    let started = Instant::now();
    let mut interval = tokio::time::interval(Duration::from_millis(50));
    loop {
        interval.tick().await;
        let (code, order) = client.send("GET", &path, None).await.unwrap();
        if code == 200 && order["state"] == state {
            return order;
        }
        assert!(started.elapsed() < PATIENCE, "{code}: {order}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_any_two_steps_a_server_leaves_nothing_that_another_does_not_finish() {
    let site = Site::on_postgres().await;
    let heir = site.server("heir", &[]).await;
    let mut left = Vec::new();
    for (n, point) in (0..).zip(Point::ALL) {
        let Some((card, end)) = way(*point) else {
            continue;
        };
        let server = site.server(point.name(), &[(CRASH_AT, point.name())]).await;
        let fan = 1_000 + n;
        let mut client = Client::connect(&server.address(), fan).await.unwrap();
        let purchase = begin(&mut client, 4 * n as u32, card).await.unwrap();
        let _ = client
            .send("POST", &purchase.path, Some(&purchase.body))
            .await;
        server.dies().await;
        left.push((point, end, fan, purchase));
    }
    for (point, end, fan, purchase) in &left {
        let mut client = Client::connect(&heir.address(), *fan).await.unwrap();
        let order = end_of(&mut client, purchase).await;
        assert_eq!(order["state"], end.state(), "killed at {point}: {order}");
    }
    heir.stop().await;
    for (point, end, _, purchase) in &left {
        let found = on_disk(site.database().await, &site.provider(), purchase).await;
        assert_eq!(found, end.on_disk(), "killed at {point}");
    }
    site.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bank_may_be_answered_at_a_server_that_does_not_have_the_checkout() {
    let site = Site::on_postgres().await;
    let (first, second) = (
        site.server("first", &[]).await,
        site.server("second", &[]).await,
    );
    let mut at_first = Client::connect(&first.address(), 7).await.unwrap();
    let mut at_second = Client::connect(&second.address(), 7).await.unwrap();
    let purchase = begin(&mut at_first, 0, NEEDS_STEP).await.unwrap();
    let asked = at_first.send("POST", &purchase.path, Some(&purchase.body));
    assert_eq!(asked.await.unwrap().1["state"], "needs_step");
    shows(&mut at_second, &purchase, "needs_step").await;
    answers_bank(&mut at_second, &purchase).await;
    let order = shows(&mut at_second, &purchase, "confirmed").await;
    assert_eq!(shows(&mut at_first, &purchase, "confirmed").await, order);
    first.stop().await;
    second.stop().await;
    site.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stood_still_finds_its_checkout_in_other_hands_and_leaves_it_there() {
    let site = Site::on_postgres().await;
    let (frozen, heir) = (
        site.server("first", &[]).await,
        site.server("second", &[]).await,
    );
    let mut at_frozen = Client::connect(&frozen.address(), 7).await.unwrap();
    let mut at_heir = Client::connect(&heir.address(), 7).await.unwrap();
    let purchase = begin(&mut at_frozen, 0, NEEDS_STEP).await.unwrap();
    let asked = at_frozen.send("POST", &purchase.path, Some(&purchase.body));
    assert_eq!(asked.await.unwrap().1["state"], "needs_step");
    frozen.freeze();
    let order = end_of(&mut at_heir, &purchase).await;
    assert_eq!(order["state"], "confirmed");
    frozen.thaw();
    assert_eq!(shows(&mut at_frozen, &purchase, "confirmed").await, order);
    frozen.stop().await;
    heir.stop().await;
    assert_eq!(
        on_disk(site.database().await, &site.provider(), &purchase).await,
        (2, 2_000, false)
    );
    site.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_leaves_that_is_stopped_in_good_order_another_one_has_at_once() {
    let site = Site::on_postgres().await;
    let (first, second) = (
        site.server("first", &[]).await,
        site.server("second", &[]).await,
    );
    let mut client = Client::connect(&first.address(), 7).await.unwrap();
    let purchase = begin(&mut client, 0, NEEDS_STEP).await.unwrap();
    let asked = client.send("POST", &purchase.path, Some(&purchase.body));
    assert_eq!(asked.await.unwrap().1["state"], "needs_step");
    first.stop().await;
    let mut client = Client::connect(&second.address(), 7).await.unwrap();
    assert_eq!(end_of(&mut client, &purchase).await["state"], "confirmed");
    second.stop().await;
    site.is_sound().await;
}
