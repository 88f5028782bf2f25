//! How often: joins by address (and which address counts), claims by pass, and rates that cannot be.

use super::super::shop::{Fan, Reply, Shop};
use super::operators::{ROOMS, of, operator};
use super::{at, fast, text};
use onsale_queue::RoomId;
use onsale_server::app::AppOptions;
use onsale_server::http::Settings;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::num::NonZeroU32;

const PROXY: &str = "10.0.0.1";

/// A shop where an address joins twice a minute, behind one proxy that is trusted.
async fn two_joins_a_minute() -> Shop {
    let settings = Settings {
        rate: None,
        trusted_proxies: vec![PROXY.parse().unwrap()],
        ..Settings::default()
    };
    Shop::opened(settings, |_| AppOptions {
        room_joins: NonZeroU32::new(2),
        ..AppOptions::default()
    })
    .await
}

/// Somebody new whose connection comes from `peer`.
fn from<'a>(shop: &'a Shop, peer: &str) -> Fan<'a> {
    let mut fan = shop.fan();
    fan.address = peer.parse::<IpAddr>().unwrap();
    fan
}

async fn join(fan: &Fan<'_>, room: RoomId, forwarded: &str) -> Reply {
    let mut headers = vec![("content-type", "application/json")];
    if !forwarded.is_empty() {
        headers.push(("x-forwarded-for", forwarded));
    }
    fan.ask("POST", &at(room, "/join"), &headers, "{}").await
}

#[track_caller]
fn is_too_many(refused: &Reply) {
    refused.is_problem(429, "too_many_requests");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn an_address_joins_as_often_as_it_may_and_no_header_makes_it_another() {
    let shop = two_joins_a_minute().await;
    let room = shop.open_room(fast(5)).await;
    let stranger = "203.0.113.7";
    let mut passes = Vec::new();
    for forged in ["", "198.51.100.1"] {
        let joined = join(&from(&shop, stranger), room, forged).await;
        assert_eq!(joined.status, 201, "{joined:?}");
        passes.push(joined.json()["pass"].clone());
    }
    for forged in ["", "198.51.100.2", "10.0.0.1", "127.0.0.1"] {
        is_too_many(&join(&from(&shop, stranger), room, forged).await);
    }
    // Who has a place may ask for it as often as they like: it is no new one.
    let again = json!({ "pass": passes[0] });
    let mine = from(&shop, stranger).join_with(room, &again).await;
    assert_eq!(mine.status, 200, "{mine:?}");
    // Guessing at codes counts like joining.
    let code = json!({ "code": "AAAAAAAAAAAAAAAA" });
    let guess = from(&shop, stranger);
    is_too_many(&guess.json("POST", &at(room, "/claim"), &code).await);
    let elsewhere = join(&from(&shop, "203.0.113.8"), room, "").await;
    assert_eq!(elsewhere.status, 201);
    // Whoever was refused has no number.
    shop.wait(250).await;
    assert_eq!(shop.figures(room)["totals"]["joined"], 3);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_last_address_it_wrote_counts() {
    let shop = two_joins_a_minute().await;
    let room = shop.open_room(fast(5)).await;
    // What a visitor wrote themselves stands on the left, and makes no difference.
    for forwarded in ["203.0.113.7", "1.1.1.1, 203.0.113.7"] {
        let joined = join(&from(&shop, PROXY), room, forwarded).await;
        assert_eq!(joined.status, 201, "{joined:?}");
    }
    for forwarded in [
        "203.0.113.7",
        "2.2.2.2, 203.0.113.7",
        "x, 203.0.113.7, 10.0.0.1",
    ] {
        is_too_many(&join(&from(&shop, PROXY), room, forwarded).await);
    }
    // Others behind the same proxy are others; a whole IPv6 network of one customer is one.
    let neighbour = join(&from(&shop, PROXY), room, "203.0.113.8").await;
    assert_eq!(neighbour.status, 201, "{neighbour:?}");
    for host in ["2001:db8::1", "2001:db8::2"] {
        assert_eq!(join(&from(&shop, PROXY), room, host).await.status, 201);
    }
    is_too_many(&join(&from(&shop, PROXY), room, "2001:db8::3").await);
    let other = join(&from(&shop, PROXY), room, "2001:db8:0:1::1").await;
    assert_eq!(other.status, 201, "{other:?}");
}

#[tokio::test]
async fn a_pass_claims_so_often_and_no_more_whoever_shows_it() {
    let shop = Shop::open().await;
    let mut settings = fast(5);
    settings.rate_per_minute = 0;
    let room = shop.open_room(settings).await;
    let (phone, laptop) = (shop.fan(), shop.fan());
    let pass = phone.join(room).await;
    let mut refused = None;
    for n in 0..200 {
        let device = if n % 2 == 0 { &phone } else { &laptop };
        let answer = device.claim(room, &pass).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.is_problem(409, "not_your_turn");
    }
    is_too_many(&refused.expect("a page gone wild is slowed down"));
    // Nobody else is slowed down by it.
    let other = shop.fan();
    let own = other.join(room).await;
    other
        .claim(room, &own)
        .await
        .is_problem(409, "not_your_turn");
}

#[tokio::test]
async fn rates_that_cannot_be_are_refused_with_their_place_and_change_nothing() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.open_room(fast(5)).await;
    let before = operator.get(&of(room, ""), &[]).await.json();
    let json_type = [("content-type", "application/json")];
    for (member, text) in [
        ("rate_per_minute", "-1"),
        ("rate_per_minute", "-0.5"),
        ("rate_per_minute", "1e308"),
        ("rate_per_minute", "1e999"),
        ("rate_per_minute", "NaN"),
        ("rate_per_minute", "Infinity"),
        ("rate_per_minute", "\"NaN\""),
        ("rate_per_minute", "null"),
        ("rate_per_minute", "1000001"),
        ("rate_per_minute", "4294967296"),
        ("rate_per_minute", "18446744073709551616"),
        ("cap", "-1"),
        ("cap", "1e308"),
        ("cap", "1000001"),
        ("auto_on_per_minute", "0"),
        ("auto_on_per_minute", "-1"),
        ("shop_ms", "0"),
        ("idle_ms", "1e308"),
        ("opens_ms", "9223372036854775808"),
    ] {
        let settings = format!("{{\"{member}\":{text}}}");
        for (method, path, body) in [
            (
                "PATCH",
                of(room, ""),
                format!("{{\"settings\":{settings}}}"),
            ),
            (
                "POST",
                ROOMS.to_owned(),
                format!("{{\"settings\":{settings}}}"),
            ),
        ] {
            let refused = operator.ask(method, &path, &json_type, body).await;
            let problem = refused.is_problem(400, "malformed");
            let place = super::text(&problem["at"]);
            // What is no JSON has no place but the body.
            let is_json = serde_json::from_str::<Value>(text).is_ok();
            let expected = if is_json {
                format!("settings.{member}")
            } else {
                "body".to_owned()
            };
            assert!(
                place == expected || (!is_json && place.starts_with("settings")),
                "{method} {settings}: {problem}"
            );
        }
    }
    let after = operator.get(&of(room, ""), &[]).await.json();
    assert_eq!(before["settings"], after["settings"]);
    assert_eq!(before["version"], after["version"]);
    let rooms = operator.get(ROOMS, &[]).await.json();
    assert_eq!(rooms["rooms"].as_array().unwrap().len(), 1);
    // The most that can be asked for is done.
    let most = json!({ "settings": { "rate_per_minute": 1_000_000, "cap": 1_000_000 } });
    assert_eq!(operator.patch(room, &most).await.status, 200);
    shop.wait(60_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_operators_who_open_a_room_at_once_one_opens_it() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let version = operator.get(&of(room, ""), &[]).await.json()["version"].as_u64();
    let race = (0..8).map(|_| operator.do_to(room, "open", version));
    let answers = futures_util::future::join_all(race).await;
    let opened = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(opened.count(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        let problem = lost.is_problem(409, "room_changed");
        assert_eq!(
            problem["version"].as_u64(),
            version.map(|version| version + 1)
        );
    }
    // Without a version they are told that there is nothing to open any more.
    let late = operator.do_to(room, "open", None).await;
    let problem = late.is_problem(409, "action_not_allowed");
    assert_eq!(text(&problem["state"]), "open");
}
