//! What everybody reads: performances, terms, maps, posters.

use super::shop::{SHOW, Shop, show};
use crate::support::{command_id, confirm, fresh, hold, stand};
use booking_core::price::Place;
use booking_core::{AreaIx, Command, PublicView, SeatIx, SeatMap, test_support};
use serde_json::json;
use std::io::Read;

#[tokio::test]
async fn a_performance_tells_where_when_how_much_and_what_is_left() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    assert_eq!(fan.hold(&[1, 2]).await.1.status, 201);
    let one = fan.get(&show(""), &[]).await.json();
    assert_eq!(one["id"], json!(SHOW));
    assert_eq!(one["venue"]["time_zone"], "Europe/Berlin");
    assert_eq!(one["sale"]["state"], "on_sale");
    assert_eq!(
        one["counts"],
        json!({ "open": 118, "held": 2, "sold": 0, "closed": 0 })
    );
    let list = fan.get("/api/v1/performances", &[]).await.json();
    assert_eq!(list["performances"], json!([one]));
}

#[tokio::test]
async fn voucher_codes_are_not_told() {
    let shop = Shop::open().await;
    let reply = shop.fan().get(&show("/terms"), &[]).await;
    assert_eq!(reply.json()["prices"]["vouchers"], json!([]));
    assert!(!String::from_utf8_lossy(&reply.body).contains("SECRET"));
}

#[tokio::test]
async fn the_map_comes_compact_or_as_json_and_is_one_map() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let plain = fan.get(&show("/map"), &[]).await;
    assert_eq!(
        plain.header("content-type"),
        "application/vnd.onsale.seatmap"
    );
    let map = SeatMap::decode(&plain.body).unwrap();
    let version = fan.get(&show(""), &[]).await.json()["map_version"].clone();
    assert_eq!(
        plain.header("etag"),
        format!("\"{}\"", version.as_str().unwrap())
    );

    let json = fan
        .get(&show("/map"), &[("accept", "application/json")])
        .await
        .json();
    assert_eq!(json["version"], version);
    let seats: usize = json["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|section| section["rows"].as_array().unwrap())
        .map(|row| row["seats"].as_array().unwrap().len())
        .sum();
    assert_eq!(seats as u32, map.seat_count());
}

#[tokio::test]
async fn what_is_worth_it_comes_compressed_to_who_takes_it() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let plain = fan.get(&show("/poster.svg"), &[]).await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = fan
        .get(&show("/poster.svg"), &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body)
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(packed.body.len() * 10 < plain.body.len());
    // Too small to be worth it.
    let small = fan
        .get(&show("/terms"), &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(small.header("content-encoding"), "");
}

#[tokio::test]
async fn who_has_the_latest_gets_an_empty_304_until_it_changes() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    for path in ["/map", "/terms", "/poster.svg", "/seats"] {
        let first = fan.get(&show(path), &[]).await;
        let again = fan
            .get(&show(path), &[("if-none-match", first.header("etag"))])
            .await;
        assert_eq!(again.status, 304, "{path}");
        assert!(again.body.is_empty());
    }
    let before = fan.get(&show("/seats"), &[]).await;
    assert_eq!(fan.hold(&[1]).await.1.status, 201);
    let after = fan
        .get(&show("/seats"), &[("if-none-match", before.header("etag"))])
        .await;
    assert_eq!(after.status, 200);
    assert_ne!(after.body, before.body);
}

#[tokio::test]
async fn the_snapshot_is_the_same_compact_and_as_json() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    assert_eq!(fan.hold(&[7, 8]).await.1.status, 201);
    let view = PublicView::decode(&fan.get(&show("/seats"), &[]).await.body).unwrap();
    let json = shop.state().await;
    assert_eq!(json["seq"], view.seq());
    let digits = json["seats"].as_str().unwrap();
    for (at, digit) in digits.bytes().enumerate() {
        let status = view.status(booking_core::SeatIx(at as u32));
        assert_eq!(status as u8, digit - b'0', "seat {at}");
    }
    assert_eq!(&digits[7..9], "11");
    assert_eq!(json["areas_left"], json!([20]));
}

/// Sells these seats, and places to stand, eight at a time, without a fan.
async fn sell(shop: &Shop, seats: std::ops::Range<u32>, standing: u32) {
    let lanes = &shop.app.services().lanes;
    let seats: Vec<u32> = seats.collect();
    for seats in seats.chunks(8) {
        let n = fresh();
        let sold = confirm(n, n, n, &test_support::seats(seats));
        for command in [hold(n, n, seats), sold] {
            lanes
                .send(SHOW.into(), command_id(fresh()), command)
                .await
                .unwrap();
        }
    }
    for _ in 0..standing / 4 {
        let n = fresh();
        let sold = confirm(n, n, n, &[Place::Area(AreaIx(0)); 4]);
        for command in [stand(n, n, 4), sold] {
            lanes
                .send(SHOW.into(), command_id(fresh()), command)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_list_loads_no_performance_and_still_tells_what_is_sold() {
    let shop = Shop::open().await;
    sell(&shop, 1..3, 0).await;
    assert_eq!(shop.fan().hold(&[5]).await.1.status, 201);
    let shop = shop.restarted().await;
    let lanes = &shop.app.services().lanes;
    let fan = shop.fan();
    let list = fan.get("/api/v1/performances", &[]).await.json();
    assert_eq!(lanes.hot_count(), 0);
    let roughly = json!({ "open": 118, "held": 0, "sold": 2, "closed": 0 });
    assert_eq!(list["performances"][0]["counts"], roughly);
    // Whoever looks at one gets it exactly, and so does the list from then on.
    let exact = json!({ "open": 117, "held": 1, "sold": 2, "closed": 0 });
    let one = fan.get(&show(""), &[]).await.json();
    assert_eq!(one["counts"], exact);
    let list = fan.get("/api/v1/performances", &[]).await.json();
    assert_eq!(list["performances"][0]["counts"], exact);
}

#[tokio::test]
async fn a_house_that_may_be_sold_out_is_looked_at_closely() {
    let shop = Shop::open().await;
    sell(&shop, 0..96, 20).await;
    let kill = Command::KillSeats {
        seats: (96..100).map(SeatIx).collect(),
    };
    let lanes = &shop.app.services().lanes;
    let id = command_id(fresh());
    lanes.send(SHOW.into(), id, kill).await.unwrap();
    let shop = shop.restarted().await;
    let list = shop.fan().get("/api/v1/performances", &[]).await.json();
    // By its tickets alone it would have four seats left.
    let listed = &list["performances"][0];
    assert_eq!(listed["sale"]["state"], "sold_out", "{listed}");
    assert_eq!(listed["counts"]["closed"], 4);
}
