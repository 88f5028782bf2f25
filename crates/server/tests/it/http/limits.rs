//! How much one address, and everybody together, may ask at once.

use super::shop::{Shop, show};
use onsale_server::http::Settings;
use onsale_server::http::settings::Rate;
use std::net::IpAddr;
use std::num::NonZeroU32;

fn slow(burst: u32) -> Settings {
    let rate = NonZeroU32::new(1).zip(NonZeroU32::new(burst));
    let rate = rate.map(|(per_second, burst)| Rate { per_second, burst });
    Settings {
        rate,
        ..Settings::default()
    }
}

#[tokio::test]
async fn an_address_that_asks_too_fast_is_told_when_to_come_back_and_others_are_not_touched() {
    let shop = Shop::with(slow(3)).await;
    let hasty = shop.fan();
    for _ in 0..3 {
        assert_eq!(hasty.get(&show(""), &[]).await.status, 200);
    }
    let reply = hasty.get(&show(""), &[]).await;
    reply.is_problem(429, "too_many_requests");
    assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
    let mut other = shop.fan();
    other.address = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(other.get(&show(""), &[]).await.status, 200);
}

#[tokio::test]
async fn a_forged_address_gets_no_allowance_of_its_own() {
    let shop = Shop::with(slow(2)).await;
    let forger = shop.fan();
    let mut refused = 0;
    for last in 0..8 {
        let forged = format!("203.0.113.{last}");
        let reply = forger.get(&show(""), &[("x-forwarded-for", &forged)]).await;
        refused += u32::from(reply.status == 429);
    }
    assert!(refused >= 5, "{refused}");
}

#[tokio::test]
async fn all_addresses_of_one_ipv6_network_share_an_allowance() {
    let shop = Shop::with(slow(2)).await;
    let mut statuses = Vec::new();
    for last in 1..=4_u16 {
        let mut fan = shop.fan();
        fan.address = format!("2001:db8:1:2::{last}").parse().unwrap();
        statuses.push(fan.get(&show(""), &[]).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}

#[tokio::test]
async fn beyond_the_most_requests_at_once_callers_are_told_to_come_back() {
    let settings = Settings {
        rate: None,
        max_requests: 0,
        ..Settings::default()
    };
    let shop = Shop::with(settings).await;
    let reply = shop.fan().get(&show(""), &[]).await;
    reply.is_problem(503, "busy");
    assert_eq!(reply.header("retry-after"), "1");
}

#[tokio::test]
async fn while_draining_health_says_so_and_changes_are_refused() {
    let shop = Shop::open().await;
    assert_eq!(shop.fan().get("/health", &[]).await.json()["status"], "ok");
    shop.app.drain().await;
    let health = shop.fan().get("/health", &[]).await;
    assert_eq!(health.status, 503);
    assert_eq!(health.json()["status"], "draining");
    let (_, reply) = shop.fan().hold(&[1]).await;
    reply.is_problem(503, "draining");
    assert!(!reply.header("retry-after").is_empty());
}

#[tokio::test]
async fn metrics_are_for_programs_on_this_machine_unless_the_operator_says_otherwise() {
    onsale_server::observe::start_metrics();
    let stranger = IpAddr::from([192, 0, 2, 1]);
    let proxy = IpAddr::from([127, 0, 0, 1]);
    let shop = Shop::open().await;
    let mut fan = shop.fan();
    assert_eq!(fan.get("/metrics", &[]).await.status, 200);
    let latest = fan.get("/latest", &[]).await;
    assert_eq!(latest.status, 200);
    let answered = &latest.json()["counters"]["onsale_http_answers{status=\"2xx\"}"];
    assert!(answered["total"].as_f64() >= Some(1.0), "{answered}");
    // Through a proxy on this machine that nobody named.
    let forwarded = [("x-forwarded-for", "192.0.2.1")];
    let reply = fan.get("/metrics", &forwarded).await;
    reply.is_problem(404, "not_found");
    fan.address = stranger;
    fan.get("/metrics", &[]).await.is_problem(404, "not_found");
    fan.get("/latest", &[]).await.is_problem(404, "not_found");

    let shop = Shop::with(Settings {
        rate: None,
        trusted_proxies: vec![proxy.into()],
        ..Settings::default()
    })
    .await;
    let reply = shop.fan().get("/metrics", &forwarded).await;
    reply.is_problem(404, "not_found");

    let shop = Shop::with(Settings {
        rate: None,
        metrics_open: true,
        ..Settings::default()
    })
    .await;
    let mut fan = shop.fan();
    fan.address = stranger;
    assert_eq!(fan.get("/metrics", &[]).await.status, 200);
}
