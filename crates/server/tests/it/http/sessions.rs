//! The cookie, and who may ask for changes.

use super::shop::{Shop, show, wish};
use onsale_server::http::Settings;
use std::net::IpAddr;
use uuid::Uuid;

#[tokio::test]
async fn reading_the_house_sets_no_cookie_and_the_first_hold_sets_one() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    for path in ["", "/seats", "/terms", "/map"] {
        let reply = fan.get(&show(path), &[]).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("set-cookie"), "", "{path}");
    }
    let (_, first) = fan.hold(&[1]).await;
    let cookie = first.header("set-cookie");
    assert!(cookie.starts_with("onsale="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let (_, second) = fan.hold(&[3]).await;
    assert_eq!(second.status, 201);
    assert_eq!(second.header("set-cookie"), "", "the session is known now");
}

/// As the page does, which asks for its holds before it makes one.
#[tokio::test]
async fn a_first_hold_whose_answer_was_lost_is_asked_for_again_by_the_same_fan() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let page = fan.get(&show("/holds"), &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.header("set-cookie").starts_with("onsale="));
    let cookie = fan.cookie("onsale");
    let wish = wish(Uuid::now_v7(), Uuid::now_v7(), &[1]);
    let lost = fan.json("POST", &show("/holds"), &wish).await;
    assert_eq!(lost.status, 201);
    // What came with that answer never came.
    fan.set_cookie("onsale", cookie);
    let again = fan.json("POST", &show("/holds"), &wish).await;
    assert_eq!(again.status, 201);
    assert_eq!(again.json()["hold"], lost.json()["hold"]);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_cookie_is_secure_and_bound_to_the_host() {
    let proxy = IpAddr::from([10, 0, 0, 1]);
    let settings = Settings {
        rate: None,
        trusted_proxies: vec![proxy.into()],
        ..Settings::default()
    };
    let shop = Shop::with(settings).await;
    let mut fan = shop.fan();
    fan.address = proxy;
    let (_, reply) = fan.hold(&[1]).await;
    let cookie = reply.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-onsale=") && cookie.contains("; Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn what_belongs_to_a_fan_is_kept_by_no_cache() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (hold, placed) = fan.hold(&[1]).await;
    assert_eq!(placed.header("cache-control"), "no-store");
    for path in [
        show("/holds"),
        show(&format!("/holds/{hold}")),
        "/api/v1/orders".to_owned(),
    ] {
        assert_eq!(
            fan.get(&path, &[]).await.header("cache-control"),
            "no-store",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_of_another_site_can_change_nothing() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let before = shop.state().await;
    let body = wish(Uuid::now_v7(), Uuid::now_v7(), &[1]).to_string();
    let json = ("content-type", "application/json");
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
    ] {
        let reply = fan
            .ask("POST", &show("/holds"), &[json, foreign], body.clone())
            .await;
        reply.is_problem(403, "cross_site");
        assert_eq!(reply.header("set-cookie"), "");
    }
    assert_eq!(shop.state().await, before);
    let own = ("origin", "http://localhost");
    let reply = fan.ask("POST", &show("/holds"), &[json, own], body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[tokio::test]
async fn every_answer_carries_its_id_and_forbids_what_it_can() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    for path in ["/health", "/api/v1/performances", "/nothing.js", "/"] {
        let reply = fan.get(path, &[("accept", "text/html")]).await;
        assert_eq!(reply.header("x-request-id").len(), 24, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            !policy.contains("'unsafe-inline'") && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
}
