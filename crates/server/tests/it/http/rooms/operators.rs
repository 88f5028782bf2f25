//! Operators: making, changing and watching rooms, and what they are told when it cannot be.

use super::super::shop::{Fan, Reply, SHOW, Shop};
use super::{fast, somebody_inside, text};
use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt as _;
use onsale_queue::{Action, RoomId};
use onsale_server::accounts::Role;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROOMS: &str = "/api/v1/operator/rooms";

pub(super) fn of(room: RoomId, rest: &str) -> String {
    format!("{ROOMS}/{}{rest}", room.to_hex())
}

pub(super) async fn operator(shop: &Shop) -> Fan<'_> {
    shop.signed_in("op@example.org", Role::Operator).await
}

impl Fan<'_> {
    pub(super) async fn patch(&self, room: RoomId, body: &Value) -> Reply {
        self.json("PATCH", &of(room, ""), body).await
    }

    pub(super) async fn do_to(&self, room: RoomId, action: &str, version: Option<u64>) -> Reply {
        let body = json!({ "action": action, "expected_version": version });
        self.json("POST", &of(room, "/actions"), &body).await
    }
}

#[tokio::test]
async fn a_room_is_made_opened_changed_and_removed_and_each_step_is_logged() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let body = json!({ "settings": { "name": "Opening", "cap": 3 }, "performances": [SHOW] });
    let made = operator.json("POST", ROOMS, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let room: RoomId = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(made["settings"]["cap"], 3);
    assert_eq!(made["state"], "scheduled");
    assert_eq!(made["performances"], json!([SHOW]));
    let opened = operator
        .do_to(room, "open", made["version"].as_u64())
        .await
        .json();
    assert_eq!(opened["state"], "open", "{opened}");
    assert_eq!(opened["actions"], json!(["pause", "drain", "close"]));
    let version = opened["version"].as_u64().unwrap();
    let change = json!({ "expected_version": version, "settings": { "rate_per_minute": 120, "message": "Soon." } });
    let changed = operator.patch(room, &change).await.json();
    assert_eq!(changed["settings"]["rate_per_minute"], 120);
    assert_eq!(changed["settings"]["cap"], 3);
    assert_eq!(changed["public"]["message"], "Soon.");
    // Everybody sees it at once.
    let polled = shop.fan().get(&super::at(room, ""), &[]).await.json();
    assert_eq!(
        (&polled["message"], &polled["rate_per_minute"]),
        (&json!("Soon."), &json!(120))
    );

    let on = operator.ask("DELETE", &of(room, ""), &[], "").await;
    on.is_problem(409, "room_on");
    operator.do_to(room, "close", None).await;
    let log = operator.get(&of(room, "/log?limit=10"), &[]).await.json();
    let deeds: Vec<_> = log["entries"].as_array().unwrap().iter().collect();
    let names: Vec<_> = deeds
        .iter()
        .map(|entry| {
            entry["deed"]
                .as_object()
                .unwrap()
                .keys()
                .next()
                .unwrap()
                .as_str()
        })
        .collect();
    assert_eq!(names, ["acted", "changed", "acted", "made"]);
    assert!(deeds.iter().all(|entry| entry["who"] == "op@example.org"));
    let gone = operator.ask("DELETE", &of(room, ""), &[], "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    operator
        .get(&of(room, ""), &[])
        .await
        .is_problem(404, "not_found");
    assert_eq!(
        operator.get(ROOMS, &[]).await.json(),
        json!({ "rooms": [] })
    );
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_with_every_fault_and_its_place() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let before = operator.get(&of(room, ""), &[]).await.json();
    for (settings, at, what) in [
        (
            json!({ "rate_per_minute": -5 }),
            "settings.rate_per_minute",
            "-5",
        ),
        (
            json!({ "rate_per_minute": 1.5 }),
            "settings.rate_per_minute",
            "1.5",
        ),
        (
            json!({ "rate_per_minute": "fast" }),
            "settings.rate_per_minute",
            "fast",
        ),
        (
            json!({ "rate_per_minute": 4_000_000 }),
            "settings.rate_per_minute",
            "4000000",
        ),
        (
            json!({ "cap": 99_999_999_999_u64 }),
            "settings.cap",
            "99999999999",
        ),
        (
            json!({ "claim_ms": 0, "cap": 2_000_000 }),
            "settings.cap",
            "claim_ms: 0",
        ),
        (json!({ "pow_bits": 60 }), "settings.pow_bits", "60"),
        (json!({ "speed": 1 }), "settings.speed", "unknown"),
        (
            json!({ "outage": { "policy": "open" } }),
            "settings.outage",
            "open",
        ),
        (
            json!({ "opens_ms": 1, "drains_ms": 1 }),
            "settings.drains_ms",
            "after",
        ),
        (
            json!({ "message": "x".repeat(501) }),
            "settings.message",
            "501",
        ),
    ] {
        let refused = operator.patch(room, &json!({ "settings": settings })).await;
        let problem = refused.is_problem(400, "malformed");
        let told = format!("{problem}");
        assert!(text(&problem["at"]).starts_with(at), "{told}");
        assert!(text(&problem["what"]).contains(what), "{told}");
    }
    let after = operator.get(&of(room, ""), &[]).await.json();
    assert_eq!(before["settings"], after["settings"]);
    assert_eq!(before["version"], after["version"]);
    let nowhere = json!({ "settings": {}, "performances": [uuid::Uuid::nil()] });
    let refused = operator.json("POST", ROOMS, &nowhere).await;
    assert_eq!(
        refused.is_problem(400, "malformed")["at"],
        "performances[0]"
    );
    let odd = operator.do_to(room, "explode", None).await;
    assert_eq!(odd.is_problem(400, "malformed")["at"], "action");
}

#[tokio::test]
async fn a_rate_and_a_cap_of_zero_stop_everything_and_are_no_fault() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.open_room(fast(5)).await;
    let still = json!({ "settings": { "rate_per_minute": 0, "cap": 0 } });
    assert_eq!(operator.patch(room, &still).await.status, 200);
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(5_000).await;
    fan.claim(room, &pass)
        .await
        .is_problem(409, "not_your_turn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_operators_who_race_one_wins_and_the_others_are_told() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.open_room(fast(5)).await;
    let version = operator.get(&of(room, ""), &[]).await.json()["version"].clone();
    let bodies: Vec<_> = (1..=8)
        .map(|cap| json!({ "expected_version": version, "settings": { "cap": cap } }))
        .collect();
    let race = bodies.iter().map(|body| operator.patch(room, body));
    let answers = futures_util::future::join_all(race).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        let problem = lost.is_problem(409, "room_changed");
        assert_eq!(problem["expected"], version);
        assert_eq!(problem["version"], version.as_u64().unwrap() + 1);
    }
    let now = operator.get(&of(room, ""), &[]).await.json();
    assert_eq!(now["settings"]["cap"], won[0].json()["settings"]["cap"]);
    // Without a version each of them is done, one after another, and none undoes another's.
    let fields = ["late_ms", "shop_ms", "idle_ms", "claim_ms"];
    let bodies = fields.map(|field| json!({ "settings": { field: 77_000 } }));
    let race = bodies.iter().map(|body| operator.patch(room, body));
    let answers = futures_util::future::join_all(race).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let now = operator.get(&of(room, ""), &[]).await.json();
    assert!(
        fields.iter().all(|field| now["settings"][field] == 77_000),
        "{now}"
    );
}

#[tokio::test]
async fn what_a_state_does_not_allow_is_refused_with_what_it_does() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let refused = operator.do_to(room, "resume", None).await;
    let problem = refused.is_problem(409, "action_not_allowed");
    assert_eq!(
        (&problem["state"], &problem["action"]),
        (&json!("scheduled"), &json!("resume"))
    );
    assert_eq!(problem["actions"], json!(["gather", "open", "close"]));
    operator.do_to(room, "gather", None).await;
    let announced = json!({ "settings": { "gathers_ms": 1, "opens_ms": 2 } });
    operator
        .patch(room, &announced)
        .await
        .is_problem(409, "draw_announced");
    operator.do_to(room, "draw", None).await;
    operator
        .do_to(room, "open", None)
        .await
        .is_problem(409, "still_drawing");
}

#[tokio::test]
async fn a_code_lets_in_as_many_as_it_says_and_no_more() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let mut settings = fast(10);
    settings.rate_per_minute = 0;
    let room = shop.open_room(settings).await;
    let wish = json!({ "label": "Press", "limit": 2, "authority": { "max_places": 1 } });
    let issued = operator.json("POST", &of(room, "/codes"), &wish).await;
    assert_eq!(issued.status, 201, "{issued:?}");
    let issued = issued.json();
    let code = text(&issued["code"]);
    let by = json!({ "code": code.to_lowercase() });
    let mut admitted = Vec::new();
    for _ in 0..2 {
        let fan = shop.fan();
        let claimed = fan.json("POST", &super::at(room, "/claim"), &by).await;
        assert_eq!(claimed.status, 200, "{claimed:?}");
        assert_eq!(claimed.json()["authority"]["max_places"], 1);
        fan.show(&text(&claimed.json()["admission"]));
        admitted.push(fan);
    }
    admitted[0]
        .hold(&[1, 2])
        .await
        .1
        .is_problem(403, "admission_limited");
    assert_eq!(admitted[0].hold(&[1]).await.1.status, 201);
    let third = shop
        .fan()
        .json("POST", &super::at(room, "/claim"), &by)
        .await;
    third.is_problem(403, "code_invalid");
    let codes = operator.get(&of(room, "/codes"), &[]).await;
    assert!(!String::from_utf8_lossy(&codes.body).contains(&code));
    let listed = &codes.json()["codes"][0];
    assert_eq!(
        (&listed["used"], &listed["label"]),
        (&json!(2), &json!("Press"))
    );

    let more = json!({ "label": "Crew", "limit": 5 });
    let issued = operator
        .json("POST", &of(room, "/codes"), &more)
        .await
        .json();
    let path = of(room, &format!("/codes/{}", text(&issued["bypass"]["id"])));
    assert_eq!(operator.ask("DELETE", &path, &[], "").await.status, 204);
    operator
        .ask("DELETE", &path, &[], "")
        .await
        .is_problem(404, "not_found");
    let by = json!({ "code": issued["code"] });
    let withdrawn = shop
        .fan()
        .json("POST", &super::at(room, "/claim"), &by)
        .await;
    withdrawn.is_problem(403, "code_invalid");
    for (wish, at) in [
        (json!({ "label": "None", "limit": 0 }), "limit"),
        (json!({ "label": "x".repeat(121), "limit": 1 }), "label"),
    ] {
        let refused = operator.json("POST", &of(room, "/codes"), &wish).await;
        assert_eq!(refused.is_problem(400, "malformed")["at"], at);
    }
}

#[tokio::test]
async fn a_performance_is_behind_one_room_at_most() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let first = shop.room(fast(5)).await;
    let body = json!({ "settings": {}, "performances": [SHOW] });
    let refused = operator.json("POST", ROOMS, &body).await;
    let problem = refused.is_problem(409, "performance_protected");
    assert_eq!(problem["room"], first.to_hex());
    let body = json!({ "settings": {} });
    let second = operator.json("POST", ROOMS, &body).await.json();
    let second: RoomId = second["id"].as_str().unwrap().parse().unwrap();
    let path = |room| of(room, &format!("/performances/{SHOW}"));
    let refused = operator.ask("PUT", &path(second), &[], "").await;
    refused.is_problem(409, "performance_protected");
    assert_eq!(
        operator.ask("DELETE", &path(first), &[], "").await.status,
        200
    );
    operator
        .ask("DELETE", &path(first), &[], "")
        .await
        .is_problem(404, "not_found");
    let moved = operator.ask("PUT", &path(second), &[], "").await;
    assert_eq!(moved.json()["performances"], json!([SHOW]), "{moved:?}");
    shop.act(second, Action::Open).await;
    shop.fan()
        .hold(&[1])
        .await
        .1
        .is_problem(403, "admission_needed");
    // Taken away from behind an open room it is free at once.
    operator.ask("DELETE", &path(second), &[], "").await;
    assert_eq!(shop.fan().hold(&[1]).await.1.status, 201);
}

#[tokio::test]
async fn figures_say_what_has_happened_and_who_is_inside() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.open_room(fast(5)).await;
    somebody_inside(&shop, room).await;
    shop.fan().join(room).await;
    shop.wait(11_000).await;
    let series = operator.get(&of(room, "/figures"), &[]).await.json();
    assert_eq!(series["interval_ms"], 10_000);
    assert_eq!(series["now"]["active"], 1);
    assert_eq!(series["now"]["totals"]["joined"], 2);
    assert_eq!(series["now"]["health_permille"], 1_000);
    assert_eq!(series["now"]["places_left"], 120);
    assert!(!series["points"].as_array().unwrap().is_empty());
    let inside = operator.get(&of(room, "/inside"), &[]).await.json();
    assert_eq!(
        (&inside["active"], &inside["inside"][0]["by"]),
        (&json!(1), &json!("turn"))
    );
    for odd in [
        "/figures?limit=0",
        "/log?limit=2001",
        "/inside?limit=x",
        "/log?most=1",
    ] {
        operator
            .get(&of(room, odd), &[])
            .await
            .is_problem(400, "malformed");
    }
}

#[tokio::test]
async fn a_console_sees_a_change_at_once_and_goes_dark_when_the_server_stops() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.open_room(fast(5)).await;
    let request = Request::get(of(room, "/feed")).body(Body::empty()).unwrap();
    let answer = operator.answer(request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut events = answer.into_body().into_data_stream();
    let mut next = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        let chunk = chunk.expect("an event in time").map(Result::unwrap);
        chunk.map(|chunk| String::from_utf8(chunk.to_vec()).unwrap())
    };
    let first = next().await.unwrap();
    assert!(first.starts_with("event: room\ndata: {"), "{first}");
    operator
        .patch(room, &json!({ "settings": { "cap": 77 } }))
        .await;
    // No tick in between: it is the change itself that is told.
    let changed = next().await.unwrap();
    assert!(changed.contains("\"cap\":77"), "{changed}");
    let line = next().await.unwrap();
    assert!(
        line.starts_with("event: log\n") && line.contains("op@example.org"),
        "{line}"
    );
    shop.app.services().rooms.stop();
    assert_eq!(next().await, None);
}
