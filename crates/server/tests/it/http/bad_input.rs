//! Whatever is sent: a problem document with a stable code, never a 500, and nothing has changed.

use super::shop::{Shop, show, wish};
use serde_json::{Value, json};
use uuid::Uuid;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A sound wish with one member replaced.
fn but(member: &str, value: Value) -> String {
    let mut body = wish(Uuid::from_u128(1), Uuid::from_u128(2), &[1]);
    body[member] = value;
    body.to_string()
}

fn best(quantity: &Value) -> String {
    but(
        "request",
        json!({ "best_available": { "quantity": quantity } }),
    )
}

#[tokio::test]
async fn a_malformed_wish_names_the_place_of_its_fault_and_changes_nothing() {
    let shop = Shop::open().await;
    let before = shop.state().await;
    let fan = shop.fan();
    let too_deep = "[".repeat(30_000);
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "body"),
        ("{".to_owned(), "body"),
        ("nonsense".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        ("null".to_owned(), "body"),
        ("\u{0}\u{1}".to_owned(), "body"),
        (
            format!("{} {{}}", wish(Uuid::nil(), Uuid::nil(), &[1])),
            "body",
        ),
        ("{}".to_owned(), "body"),
        (but("unheard_of", json!(1)), "unheard_of"),
        (but("command_id", json!("x")), "command_id"),
        (but("command_id", json!(7)), "command_id"),
        (but("hold_id", Value::Null), "hold_id"),
        (but("needs_accessible", json!("yes")), "needs_accessible"),
        (but("request", json!({})), "request"),
        (
            but("request", json!({ "these": [], "best_available": {} })),
            "request",
        ),
        (but("request", json!({ "those": [] })), "request"),
        (
            but("request", json!({ "these": [{ "seat": -1 }] })),
            "request.these[0].seat",
        ),
        (
            but(
                "request",
                json!({ "these": [{ "seat": 1 }, { "seat": 4_294_967_296_u64 }] }),
            ),
            "request.these[1].seat",
        ),
        (
            but("request", json!({ "these": [{ "seat": 1.5 }] })),
            "request.these[0].seat",
        ),
        (
            but("request", json!({ "these": [{ "seat": "1" }] })),
            "request.these[0].seat",
        ),
        (
            but("request", json!({ "these": [{ "area": 70_000 }] })),
            "request.these[0].area",
        ),
        (best(&json!(-2)), "request.best_available.quantity"),
        (best(&json!(70_000)), "request.best_available.quantity"),
        (best(&json!(1e300)), "request.best_available.quantity"),
        (
            but(
                "request",
                json!({ "best_available": { "quantity": 1, "price_minor": 0 } }),
            ),
            "request.best_available.price_minor",
        ),
        (
            but(
                "request",
                json!({ "general_admission": { "area": 0, "quantity": -1 } }),
            ),
            "request.general_admission.quantity",
        ),
        (
            but("request", Value::Null).replace("null", &too_deep),
            "request",
        ),
    ];
    for (body, at) in cases {
        let reply = fan.ask("POST", &show("/holds"), &JSON, body.clone()).await;
        let problem = reply.is_problem(400, "malformed");
        let found = problem["at"].as_str().unwrap();
        assert!(
            found.starts_with(at),
            "{found} is not {at}: {problem} for {body:.200}"
        );
        assert!(!problem["what"].as_str().unwrap().is_empty());
    }
    assert_eq!(shop.state().await, before);
}

#[tokio::test]
async fn a_wish_that_cannot_be_granted_is_told_with_its_facts_and_changes_nothing() {
    let shop = Shop::open().await;
    let before = shop.state().await;
    let fan = shop.fan();
    let cases = [
        (but("request", json!({ "these": [] })), "nothing_requested"),
        (best(&json!(0)), "nothing_requested"),
        (
            but("request", json!({ "these": [{ "seat": 100 }] })),
            "unknown_place",
        ),
        (
            but("request", json!({ "these": [{ "seat": u32::MAX }] })),
            "unknown_place",
        ),
        (
            but("request", json!({ "these": [{ "area": 1 }] })),
            "unknown_place",
        ),
        (
            but(
                "request",
                json!({ "these": [{ "seat": 1 }, { "seat": 1 }] }),
            ),
            "duplicate_seat",
        ),
        (best(&json!(9)), "too_many_places"),
        (best(&json!(u16::MAX)), "too_many_places"),
        (
            but(
                "request",
                json!({ "general_admission": { "area": 9, "quantity": 1 } }),
            ),
            "unknown_place",
        ),
    ];
    for (number, (body, code)) in cases.into_iter().enumerate() {
        let mut body: Value = serde_json::from_str(&body).unwrap();
        body["command_id"] = json!(Uuid::from_u128(100 + number as u128));
        let reply = fan.json("POST", &show("/holds"), &body).await;
        let problem = reply.is_problem(409, code);
        assert!(problem["detail"].as_str().unwrap().len() > 5, "{problem}");
    }
    assert_eq!(shop.state().await, before);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_by_its_type() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let body = wish(Uuid::from_u128(1), Uuid::from_u128(2), &[1]).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/jsonx",
    ] {
        let reply = fan
            .ask(
                "POST",
                &show("/holds"),
                &[("content-type", kind)],
                body.clone(),
            )
            .await;
        reply.is_problem(415, "unsupported_media_type");
    }
    fan.ask("POST", &show("/holds"), &[], body.clone())
        .await
        .is_problem(415, "unsupported_media_type");
    let charset = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(
        fan.ask("POST", &show("/holds"), &charset, body)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let shop = Shop::open().await;
    let before = shop.state().await;
    let huge = format!("{}{}", but("x", Value::Null), " ".repeat(65_536));
    let reply = shop.fan().ask("POST", &show("/holds"), &JSON, huge).await;
    assert_eq!(reply.is_problem(413, "body_too_large")["max_bytes"], 65_536);
    assert_eq!(shop.state().await, before);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let unknown = Uuid::from_u128(404);
    for path in [
        "",
        "/terms",
        "/map",
        "/poster.svg",
        "/seats",
        "/feed",
        "/holds",
    ] {
        let path = format!("/api/v1/performances/{unknown}{path}");
        fan.get(&path, &[]).await.is_problem(404, "not_found");
    }
    let body = wish(Uuid::from_u128(1), Uuid::from_u128(2), &[1]);
    let path = format!("/api/v1/performances/{unknown}/holds");
    fan.json("POST", &path, &body)
        .await
        .is_problem(404, "not_found");
    for path in [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/performances",
        "/api/v1/performances/",
    ] {
        fan.get(path, &[("accept", "text/html")])
            .await
            .is_problem(404, "not_found");
    }
    fan.get(&show(&format!("/holds/{unknown}")), &[])
        .await
        .is_problem(404, "not_found");
    let extend = json!({ "command_id": Uuid::now_v7() });
    fan.json("POST", &show(&format!("/holds/{unknown}/extend")), &extend)
        .await
        .is_problem(404, "no_such_hold");
}

#[tokio::test]
async fn a_path_or_query_that_means_nothing_is_malformed() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    for path in [
        "/api/v1/performances/7",
        "/api/v1/performances/not-a-uuid/seats",
    ] {
        assert_eq!(
            fan.get(path, &[]).await.is_problem(400, "malformed")["at"],
            "path"
        );
    }
    let hold = show(&format!("/holds/{}", Uuid::from_u128(1)));
    for query in ["", "?command_id=x", "?command_id=", "?other=1"] {
        let reply = fan.ask("DELETE", &format!("{hold}{query}"), &[], "").await;
        assert_eq!(reply.is_problem(400, "malformed")["at"], "query", "{query}");
    }
    fan.get(&show("/feed?from=-1"), &[])
        .await
        .is_problem(400, "malformed");
    fan.get(&show("/feed"), &[("last-event-id", "soon")])
        .await
        .is_problem(400, "malformed");
}

#[tokio::test]
async fn a_method_that_is_not_taken_says_which_are() {
    let shop = Shop::open().await;
    let reply = shop.fan().ask("PUT", &show("/holds"), &[], "").await;
    reply.is_problem(405, "method_not_allowed");
    let allow = reply.header("allow");
    assert!(allow.contains("POST") && allow.contains("GET"), "{allow}");
}
