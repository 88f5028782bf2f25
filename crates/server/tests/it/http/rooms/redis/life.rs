//! One server on Redis: a visitor's whole life, and an operator's.

use super::super::super::buying::{GOOD, buy};
use super::super::operators::{ROOMS, of, operator};
use super::super::{at, fast, text};
use super::{Spot, eventually};
use onsale_queue::RoomId;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_joins_waits_comes_in_holds_pays_and_the_next_one_follows() {
    let shop = Spot::new().server().await;
    let room = shop.open_room(fast(1)).await;
    let (ada, bob) = (shop.fan(), shop.fan());
    ada.hold(&[1]).await.1.is_problem(403, "admission_needed");
    let ada_pass = ada.join(room).await;
    let bob_pass = bob.join(room).await;
    let admission = ada.come_in_when_called(room, &ada_pass).await;
    shop.holds(room, 1).await;
    let full = bob.claim(room, &bob_pass).await;
    assert_eq!(full.status, 409, "{full:?}");
    assert!(!full.header("retry-after").is_empty());
    assert_eq!(ada.presence(room, &admission).await.status, 200);
    let again = ada.claim(room, &ada_pass).await.json();
    assert_eq!(
        text(&again["admission"]),
        admission,
        "a reload is no second visit"
    );

    let (_, paid) = buy(&ada, &[1, 2], GOOD).await;
    assert_eq!(paid.json()["state"], "confirmed", "{paid:?}");
    ada.hold(&[3]).await.1.is_problem(403, "admission_over");
    ada.claim(room, &ada_pass)
        .await
        .is_problem(409, "pass_used");

    let admission = bob.come_in_when_called(room, &bob_pass).await;
    let (_, held) = bob.hold(&[4]).await;
    assert_eq!(held.status, 201, "{held:?}");
    assert_eq!(bob.leave(room, &admission).await.status, 204);
    shop.holds(room, 0).await;
    let counted = ["admitted", "completed", "abandoned", "most_inside"];
    eventually("everything is counted", || async {
        let totals = shop.figures(room)["totals"].clone();
        let counts = counted.map(|name| totals[name].as_u64().unwrap());
        (counts == [2, 1, 1, 1]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_opens_changes_and_removes_a_room_over_http() {
    let shop = Spot::new().server().await;
    let operator = operator(&shop).await;
    let body = json!({ "settings": { "name": "Opening", "cap": 1, "rate_per_minute": 60_000 },
        "performances": [super::super::SHOW] });
    let made = operator.json("POST", ROOMS, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let room: RoomId = made["id"].as_str().unwrap().parse().unwrap();
    let opened = operator.do_to(room, "open", made["version"].as_u64()).await;
    assert_eq!(opened.json()["state"], "open", "{opened:?}");

    let fans = [shop.fan(), shop.fan()];
    let passes = [fans[0].join(room).await, fans[1].join(room).await];
    fans[0].come_in_when_called(room, &passes[0]).await;
    let wider = json!({ "settings": { "cap": 2, "message": "More room." } });
    let changed = operator.patch(room, &wider).await;
    assert_eq!(
        changed.json()["public"]["message"],
        "More room.",
        "{changed:?}"
    );
    fans[1].come_in_when_called(room, &passes[1]).await;
    shop.holds(room, 2).await;

    operator.do_to(room, "pause", None).await;
    let late = shop.fan();
    let pass = late.join(room).await;
    late.claim(room, &pass).await.is_problem(409, "paused");
    operator.do_to(room, "resume", None).await;
    let code = json!({ "label": "Press", "limit": 1, "authority": { "max_places": 1 } });
    let issued = operator.json("POST", &of(room, "/codes"), &code).await;
    assert_eq!(issued.status, 201, "{issued:?}");
    let by_code = json!({ "code": issued.json()["code"] });
    let press = shop.fan();
    let full = press.json("POST", &at(room, "/claim"), &by_code).await;
    full.is_problem(409, "shop_full");
    operator
        .patch(room, &json!({ "settings": { "cap": 3 } }))
        .await;
    let in_on_code = press.json("POST", &at(room, "/claim"), &by_code).await;
    assert_eq!(
        in_on_code.json()["authority"]["max_places"],
        1,
        "{in_on_code:?}"
    );

    let stale = operator
        .do_to(room, "pause", made["version"].as_u64())
        .await;
    stale.is_problem(409, "room_changed");
    let bad = operator
        .patch(room, &json!({ "settings": { "cap": -1 } }))
        .await;
    assert_eq!(bad.is_problem(400, "malformed")["at"], "settings.cap");
    operator
        .ask("DELETE", &of(room, ""), &[], "")
        .await
        .is_problem(409, "room_on");
    operator.do_to(room, "close", None).await;
    let log = operator.get(&of(room, "/log?limit=50"), &[]).await.json();
    let entries = log["entries"].as_array().unwrap();
    let by_operator = |entry: &&Value| entry["who"] == "op@example.org";
    assert_eq!(entries.iter().filter(by_operator).count(), 8, "{log}");
    let removed = operator.ask("DELETE", &of(room, ""), &[], "").await;
    assert_eq!(removed.status, 204, "{removed:?}");
    operator
        .get(&of(room, ""), &[])
        .await
        .is_problem(404, "not_found");
    let keys = super::redis().ask(&format!("KEYS *{}*:room", room.to_hex()));
    assert_eq!(keys, "*0\r\n", "nothing is left of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draw_held_on_redis_gives_every_gathered_visitor_a_place() {
    let shop = Spot::new().server().await;
    let room = shop.room(fast(2)).await;
    let operator = operator(&shop).await;
    operator.do_to(room, "gather", None).await;
    let fans = [shop.fan(), shop.fan()];
    let passes = [fans[0].join(room).await, fans[1].join(room).await];
    operator.do_to(room, "draw", None).await;
    eventually("the draw is over", || async {
        let opened = operator.do_to(room, "open", None).await;
        (opened.status == 200).then_some(())
    })
    .await;
    let late = shop.fan();
    let late_pass = late.join(room).await;
    for (fan, pass) in fans.iter().zip(&passes) {
        fan.come_in_when_called(room, pass).await;
    }
    let refused = late.claim(room, &late_pass).await;
    assert_eq!(refused.status, 409, "who gathered comes first: {refused:?}");
    let drawn = shop.polled(room).await["draw"].clone();
    assert_eq!(drawn["gathered"], 2, "{drawn}");
    assert!(
        drawn["key"].is_string() || drawn["key"].is_array(),
        "{drawn}"
    );
}
