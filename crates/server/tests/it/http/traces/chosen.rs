//! Which requests are traced: the server's choice, and a proxy's where it is told so. Nobody else's. And
//! the span that the caller of one has itself.

use super::{BROWSER, TRACE, path};
use crate::http::shop::{Shop, show};
use onsale_server::http::Settings;
use onsale_server::trace::{Fact, Kind, Sampling, Span, Spans};
use std::time::Duration;
use tokio::sync::mpsc;

struct Watched {
    shop: Shop,
    waiting: mpsc::Receiver<Span>,
}

impl Watched {
    async fn open(share: f64, follow_proxy: bool) -> Self {
        let (spans, waiting) = Spans::new(Sampling {
            share,
            follow_proxy,
        });
        let shop = Shop::with(Settings {
            rate: None,
            trusted_proxies: vec!["10.0.0.1".parse().unwrap()],
            traces: Some(spans),
            ..Settings::default()
        });
        let shop = shop.await;
        Self { shop, waiting }
    }

    /// What is traced of one request from this address, with these flags.
    async fn ask(&mut self, from: &str, flags: &str) -> Vec<Span> {
        let mut fan = self.shop.fan();
        fan.address = from.parse().unwrap();
        let parent = format!("00-{TRACE}-{BROWSER}-{flags}");
        let reply = fan
            .get("/api/v1/performances", &[("traceparent", &parent)])
            .await;
        assert_eq!(reply.status, 200);
        self.traced()
    }

    /// What has been traced since the last look.
    fn traced(&mut self) -> Vec<Span> {
        std::iter::from_fn(|| self.waiting.try_recv().ok()).collect()
    }
}

#[tokio::test]
async fn no_caller_can_have_a_request_traced_or_not() {
    let mut never = Watched::open(0.0, false).await;
    let mut always = Watched::open(1.0, false).await;
    for from in ["203.0.113.7", "10.0.0.1"] {
        assert!(never.ask(from, "01").await.is_empty(), "{from}");
        let spans = always.ask(from, "00").await;
        assert_eq!(spans.len(), 1, "{from}");
        // It is part of the caller's trace all the same.
        assert_eq!(spans[0].trace.to_string(), TRACE);
        assert_eq!(
            spans[0].parent.map(|it| it.to_string()).as_deref(),
            Some(BROWSER)
        );
    }
}

#[tokio::test]
async fn a_trusted_proxy_has_the_say_where_the_server_is_told_to_follow_it() {
    let mut never = Watched::open(0.0, true).await;
    assert_eq!(never.ask("10.0.0.1", "01").await.len(), 1);
    assert!(never.ask("203.0.113.7", "01").await.is_empty());
    let mut always = Watched::open(1.0, true).await;
    assert!(always.ask("10.0.0.1", "00").await.is_empty());
    assert_eq!(always.ask("203.0.113.7", "00").await.len(), 1);
}

#[tokio::test]
async fn a_request_is_named_by_its_route_and_nothing_of_the_person_is_in_it() {
    let mut watched = Watched::open(1.0, false).await;
    let fan = watched.shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    fan.get(&show(&format!("/holds/{hold}?secret=1")), &[])
        .await;
    fan.get(&path("/nowhere/1"), &[]).await;
    let room = "0".repeat(32);
    fan.get(&format!("/api/v1/rooms/{room}"), &[]).await;
    fan.ask("BREW", "/health", &[], "").await;
    let cookie = fan.cookie("onsale").unwrap_or_else(|| "onsale=".into());
    let spans = watched.traced();
    let requests = spans.iter().filter(|span| span.kind == Kind::Server);
    let named: Vec<_> = requests
        .map(|span| {
            let status = span
                .facts
                .iter()
                .find(|(name, _)| *name == "http.response.status_code");
            (&*span.name, status.map(|(_, status)| status.clone()))
        })
        .collect();
    let status = |number| Some(Fact::Number(number));
    assert_eq!(
        named,
        [
            ("POST /api/v1/performances/{id}/holds", status(201)),
            ("GET /api/v1/performances/{id}/holds/{hold_id}", status(200)),
            ("GET", status(404)),
            ("GET /api/v1/rooms/{id}", status(404)),
            ("_OTHER /health", status(405)),
        ]
    );
    let text = format!("{spans:?}");
    for secret in [&hold.to_string(), &cookie, "127.0.0.1", "secret"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn who_waited_for_a_traced_request_says_how_long_and_it_is_a_span_of_theirs() {
    let mut watched = Watched::open(1.0, false).await;
    let parent = [("traceparent", format!("00-{TRACE}-{BROWSER}-00"))];
    let parent = parent
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let told = watched
        .shop
        .fan()
        .get("/api/v1/performances", &parent)
        .await;
    let slip = told.header("onsale-slip").to_owned();
    let request = watched.traced().pop().unwrap();
    assert_eq!(request.kind, Kind::Server);

    let hand_in = async |words: &str| {
        let fan = watched.shop.fan();
        fan.ask("POST", "/api/v1/slips", &parent, words.to_owned())
            .await
    };
    assert_eq!(hand_in(&format!("{slip} 1500")).await.status, 204);
    let altered = format!("B{} 1500", &slip[1..]);
    for (words, fault) in [
        ("", "a slip, a space"),
        (slip.as_str(), "a slip, a space"),
        ("nothing 1500", "no slip that the shop has given"),
        (altered.as_str(), "no slip that the shop has given"),
        (&format!("{slip} soon"), "between 0 and 60000"),
        (&format!("{slip} NaN"), "between 0 and 60000"),
        (&format!("{slip} -1"), "between 0 and 60000"),
        (&format!("{slip} 60001"), "between 0 and 60000"),
    ] {
        let refused = hand_in(words).await.is_problem(400, "malformed");
        assert!(refused.to_string().contains(fault), "{words}: {refused}");
    }
    let get = watched.shop.fan().get("/api/v1/slips", &[]).await;
    get.is_problem(405, "method_not_allowed");

    // One of them counted, and telling is not traced itself.
    let spans = watched.traced();
    let [browser] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(browser.kind, Kind::Client);
    assert_eq!(browser.name, "browser GET /api/v1/performances");
    assert_eq!(
        (Some(browser.id), browser.trace),
        (request.parent, request.trace)
    );
    assert_eq!(browser.parent, None);
    let lasted = browser.ended.duration_since(browser.began).unwrap();
    assert_eq!(lasted, Duration::from_millis(1_500));
    assert!(browser.began <= request.began && request.ended <= browser.ended);
}

#[tokio::test]
async fn nobody_gets_a_slip_whose_span_somebody_else_writes_down_or_nobody_asked_for() {
    async fn brings_one(
        path: &str,
        watched: &mut Watched,
        from: &str,
        headers: &[(&str, &str)],
    ) -> bool {
        let mut fan = watched.shop.fan();
        fan.address = from.parse().unwrap();
        let reply = fan.get(path, headers).await;
        assert_eq!(reply.status, 200, "{path}");
        reply.headers.contains_key("onsale-slip")
    }
    let parent = format!("00-{TRACE}-{BROWSER}-01");
    let parent = [("traceparent", parent.as_str())];
    let (list, seats) = ("/api/v1/performances", show("/seats"));
    let mut never = Watched::open(0.0, false).await;
    assert!(!brings_one(list, &mut never, "203.0.113.7", &parent).await);
    let mut always = Watched::open(1.0, true).await;
    assert!(!brings_one(list, &mut always, "10.0.0.1", &parent).await);
    assert!(!brings_one(list, &mut always, "203.0.113.7", &[]).await);
    assert!(brings_one(list, &mut always, "203.0.113.7", &parent).await);
    // What a cache may keep would bring the same slip to many.
    assert!(!brings_one(&seats, &mut always, "203.0.113.7", &parent).await);
    assert_eq!((never.traced().len(), always.traced().len()), (0, 4));
    // Where nothing is traced nobody takes slips.
    let shop = Shop::open().await;
    let nowhere = shop.fan().ask("POST", "/api/v1/slips", &[], "a 1").await;
    nowhere.is_problem(404, "not_found");
}
