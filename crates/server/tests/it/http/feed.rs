//! The live feed: what a listener is told, in which order, and how it comes back.

use super::shop::{SHOW, Shop, show};
use axum::body::Body;
use axum::http::Request;
use booking_core::{PublicView, ViewDelta};
use futures_util::StreamExt;
use std::net::IpAddr;

/// One server-sent event.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    event: String,
    id: u64,
    data: String,
}

impl Told {
    pub(super) fn delta(&self) -> ViewDelta {
        assert_eq!(self.event, "delta", "{self:?}");
        serde_json::from_str(&self.data).unwrap()
    }
}

pub(super) struct Listener {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Listener {
    pub(super) async fn open(shop: &Shop, query: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Request::get(show(&format!("/feed{query}"))).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = shop
            .edge
            .answer(request, IpAddr::from([127, 0, 0, 1]))
            .await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; `None` when the feed has ended.
    pub(super) async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = block.lines().filter_map(|line| line.split_once(": "));
                    lines
                        .find(|(key, _)| *key == name)
                        .map(|(_, value)| value.to_owned())
                };
                let told = field("event").map(|event| Told {
                    event,
                    id: field("id").unwrap().parse().unwrap(),
                    data: field("data").unwrap(),
                });
                self.text = rest.to_owned();
                match told {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            let bytes = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

pub(super) async fn view(shop: &Shop) -> PublicView {
    PublicView::decode(&shop.fan().get(&show("/seats"), &[]).await.body).unwrap()
}

#[tokio::test]
async fn a_snapshot_and_the_deltas_after_it_are_the_seats_as_they_are() {
    let shop = Shop::open().await;
    let mut seen = view(&shop).await;
    let mut listener = Listener::open(&shop, &format!("?from={}", seen.seq()), &[]).await;
    for seats in [[1, 2], [11, 12], [21, 22], [31, 32]] {
        assert_eq!(shop.fan().hold(&seats).await.1.status, 201);
    }
    let now = view(&shop).await;
    while seen.seq() < now.seq() {
        let told = listener.next().await.unwrap();
        let delta = told.delta();
        assert_eq!(told.id, delta.to);
        seen.apply(&delta).unwrap();
    }
    assert_eq!(seen, now);
}

#[tokio::test]
async fn every_listener_is_told_the_same() {
    let shop = Shop::open().await;
    let mut one = Listener::open(&shop, "", &[]).await;
    let mut other = Listener::open(&shop, "", &[]).await;
    assert_eq!(shop.fan().hold(&[5]).await.1.status, 201);
    assert_eq!(one.next().await, other.next().await);
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed() {
    let shop = Shop::open().await;
    let mut listener = Listener::open(&shop, "?from=0", &[]).await;
    assert_eq!(shop.fan().hold(&[5]).await.1.status, 201);
    let last = listener.next().await.unwrap();
    drop(listener);
    assert_eq!(shop.fan().hold(&[6]).await.1.status, 201);
    let mut back = Listener::open(&shop, "", &[("last-event-id", &last.id.to_string())]).await;
    let missed = back.next().await.unwrap().delta();
    assert_eq!(missed.from, last.id);
    assert_eq!(missed.held, [booking_core::SeatIx(6)]);
}

#[tokio::test]
async fn a_position_that_is_no_longer_or_not_yet_known_is_a_reset() {
    let shop = Shop::open().await;
    assert_eq!(shop.fan().hold(&[5]).await.1.status, 201);
    // Nobody listened when this happened: there is no frame that begins at 0.
    let mut stale = Listener::open(&shop, "?from=0", &[]).await;
    assert_eq!(stale.next().await.unwrap().event, "reset");
    let mut ahead = Listener::open(&shop, "?from=99", &[]).await;
    assert_eq!(ahead.next().await.unwrap().event, "reset");
    // Both follow on from there.
    assert_eq!(shop.fan().hold(&[6]).await.1.status, 201);
    assert_eq!(
        stale.next().await.unwrap().delta().held,
        [booking_core::SeatIx(6)]
    );
    assert_eq!(
        ahead.next().await.unwrap().delta().held,
        [booking_core::SeatIx(6)]
    );
}

#[tokio::test]
async fn what_nobody_can_see_is_not_told() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[5]).await;
    let at = view(&shop).await.seq();
    let mut listener = Listener::open(&shop, &format!("?from={at}"), &[]).await;
    let more = serde_json::json!({ "command_id": uuid::Uuid::now_v7() });
    let extended = fan
        .json("POST", &show(&format!("/holds/{hold}/extend")), &more)
        .await;
    assert_eq!(extended.status, 200);
    assert_eq!(shop.fan().hold(&[6]).await.1.status, 201);
    let delta = listener.next().await.unwrap().delta();
    assert_eq!(delta.from, at, "the chain spans what was left out");
    assert_eq!(delta.held, [booking_core::SeatIx(6)]);
}

#[tokio::test]
async fn a_listener_who_does_not_listen_starts_anew_and_holds_nobody_up() {
    let shop = Shop::open().await;
    let mut slow = Listener::open(&shop, "", &[]).await;
    let mut quick = Listener::open(&shop, "", &[]).await;
    let fan = shop.fan();
    // More frames than the queue of a listener holds.
    for round in 0..80_u32 {
        let (hold, placed) = fan.hold(&[round]).await;
        assert_eq!(placed.status, 201);
        let held = quick.next().await.unwrap().delta();
        assert_eq!(held.held, [booking_core::SeatIx(round)]);
        let id = uuid::Uuid::now_v7();
        let release = show(&format!("/holds/{hold}?command_id={id}"));
        assert_eq!(fan.ask("DELETE", &release, &[], "").await.status, 204);
        quick.next().await.unwrap();
    }
    assert_eq!(slow.next().await.unwrap().event, "reset");
    assert_eq!(fan.hold(&[99]).await.1.status, 201);
    assert_eq!(
        slow.next().await.unwrap().delta().held,
        [booking_core::SeatIx(99)]
    );
}

#[tokio::test]
async fn a_drain_ends_every_feed() {
    let shop = Shop::open().await;
    let mut listener = Listener::open(&shop, "", &[]).await;
    shop.app.drain().await;
    assert_eq!(listener.next().await, None);
    let path = format!("/api/v1/performances/{SHOW}/feed");
    shop.fan().get(&path, &[]).await.is_problem(503, "draining");
}
