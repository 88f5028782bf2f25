//! The demo's switch for simulated fans.

use super::shop::{SHOW, Shop, show};
use booking_core::inventory::Counts;
use serde_json::json;

const SWITCH: &str = "/simulated-fans";

async fn demo() -> Shop {
    let shop = Shop::open().await;
    shop.app.services().catalogue.mark_demo().await.unwrap();
    shop
}

#[tokio::test]
async fn only_a_demo_has_the_switch() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    assert_eq!(fan.get(&show(""), &[]).await.json()["demo"], false);
    fan.json("PUT", &show(SWITCH), &json!({ "on": true }))
        .await
        .is_problem(404, "not_found");
    let one = fan.get(&show(""), &[]).await.json();
    assert_eq!(one["simulated_fans"], false);

    let shop = demo().await;
    let fan = shop.fan();
    assert_eq!(fan.get(&show(""), &[]).await.json()["demo"], true);
    let unknown = "/api/v1/performances/00000000-0000-0000-0000-000000000001/simulated-fans";
    fan.json("PUT", unknown, &json!({ "on": true }))
        .await
        .is_problem(404, "not_found");
    for wrong in [
        json!({}),
        json!({ "on": 1 }),
        json!({ "on": true, "off": 1 }),
    ] {
        fan.json("PUT", &show(SWITCH), &wrong)
            .await
            .is_problem(400, "malformed");
    }
}

#[tokio::test]
async fn what_was_switched_stays_so_after_a_restart() {
    let shop = demo().await;
    let reply = shop
        .fan()
        .json("PUT", &show(SWITCH), &json!({ "on": true }))
        .await;
    assert_eq!(reply.status, 204);
    assert!(reply.body.is_empty());
    let shop = shop.restarted().await;
    let fan = shop.fan();
    let one = fan.get(&show(""), &[]).await.json();
    assert_eq!(
        (&one["simulated_fans"], &one["demo"]),
        (&json!(true), &json!(true))
    );
    fan.json("PUT", &show(SWITCH), &json!({ "on": false }))
        .await;
    let one = fan.get(&show(""), &[]).await.json();
    assert_eq!(one["simulated_fans"], false);
}

/// Waits until the seats of the performance are as wanted.
async fn seats_become(shop: &Shop, wanted: impl Fn(Counts) -> bool) {
    let lanes = &shop.app.services().lanes;
    let live = lanes.live(SHOW.into()).await.unwrap();
    let mut commits = live.watch();
    while !wanted(live.counts()) {
        commits.changed().await.unwrap();
    }
}

#[tokio::test]
async fn switched_on_they_come_and_switched_off_they_give_back_what_they_hold() {
    let shop = demo().await;
    shop.app.start_fans();
    let fan = shop.fan();
    let untouched = shop.state().await;
    let switch = |on: bool| {
        let (fan, body) = (&fan, json!({ "on": on }));
        async move { assert_eq!(fan.json("PUT", &show(SWITCH), &body).await.status, 204) }
    };
    switch(true).await;
    seats_become(&shop, |counts| counts.held > 0).await;
    assert_ne!(shop.state().await["seq"], untouched["seq"]);
    switch(false).await;
    // The clock of this test stands still: no hold lapses, so whatever is free was given back.
    seats_become(&shop, |counts| counts.held == 0).await;
    let one = fan.get(&show(""), &[]).await.json();
    assert_eq!(one["counts"]["held"], 0);
    shop.app.drain().await;
}
