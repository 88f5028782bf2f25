//! The document that everybody polls is answered before anything looks for a route. Nobody may see
//! the difference.

use super::super::shop::{Reply, Shop};
use super::{at, fast};
use onsale_server::http::Settings;
use onsale_server::http::settings::Rate;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// All but what is different for each request, and the length, which the router writes itself where
/// otherwise the connection does.
fn said(reply: &Reply) -> (u16, Vec<String>, Vec<u8>) {
    let headers = reply.headers.iter();
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| !["x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    (reply.status.as_u16(), headers, reply.body.to_vec())
}

#[tokio::test]
async fn what_is_answered_before_routing_is_what_the_route_answers() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    shop.wait(500).await;
    let fan = shop.fan();
    let (plain, routed) = (
        at(room, ""),
        format!("/api/v1/rooms/{}", uuid::Uuid::from_bytes(room.0)),
    );
    let tag = fan.get(&plain, &[]).await.header("etag").to_owned();
    for headers in [
        &[][..],
        &[("accept-encoding", "gzip")],
        &[("if-none-match", tag.as_str())],
        &[("cookie", "onsale=nonsense"), ("host", "shop.example")],
    ] {
        let (one, other) = (
            fan.get(&plain, headers).await,
            fan.get(&routed, headers).await,
        );
        assert_eq!(said(&one), said(&other), "{headers:?}");
        assert!(!one.header("x-request-id").is_empty());
    }
    let nobody = "/api/v1/rooms/09090909090909090909090909090909";
    fan.get(nobody, &[]).await.is_problem(404, "not_found");
    let no_id = "/api/v1/rooms/the-room-with-the-long-long-name";
    assert_eq!(no_id.len(), nobody.len());
    fan.get(no_id, &[]).await.is_problem(400, "malformed");
}

#[tokio::test]
async fn a_poll_counts_against_its_addresss_allowance_like_everything_else() {
    let rate = NonZeroU32::new(1).zip(NonZeroU32::new(3));
    let shop = Shop::with(Settings {
        rate: rate.map(|(per_second, burst)| Rate { per_second, burst }),
        ..Settings::default()
    })
    .await;
    let room = shop.open_room(fast(10)).await;
    let hasty = shop.fan();
    let mut refused = 0;
    for _ in 0..20 {
        let reply = hasty.get(&at(room, ""), &[]).await;
        if reply.status == 429 {
            reply.is_problem(429, "too_many_requests");
            assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
            refused += 1;
        }
    }
    assert!(refused > 0, "nobody minds");
    let mut other = shop.fan();
    other.address = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(other.get(&at(room, ""), &[]).await.status, 200);
}

#[tokio::test]
async fn a_poll_is_a_request_like_others_where_there_are_too_many_at_once() {
    let shop = Shop::with(Settings {
        rate: None,
        max_requests: 0,
        ..Settings::default()
    })
    .await;
    let room = shop.open_room(fast(10)).await;
    let reply = shop.fan().get(&at(room, ""), &[]).await;
    reply.is_problem(503, "busy");
}
