//! What one server makes, protects, changes and removes is known at the other.

use super::super::super::shop::SHOW;
use super::super::operators::{ROOMS, of, operator};
use super::super::{at, fast, text};
use super::{Spot, eventually};
use onsale_queue::{Action, RoomId};
use onsale_server::rooms::NewRoom;
use serde_json::{Value, json};

fn protect(room: RoomId) -> String {
    of(room, &format!("/performances/{SHOW}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_made_protected_and_removed_at_one_server_is_known_at_the_other() {
    let (first, second) = Spot::new().two().await;
    let operator = operator(&first).await;
    let body = json!({ "settings": { "name": "Opening" } });
    let made = operator.json("POST", ROOMS, &body).await.json();
    let room: RoomId = made["id"].as_str().unwrap().parse().unwrap();
    let shown = second
        .shows("the room", room, |polled| polled["name"] == "Opening")
        .await;
    assert_eq!(shown["performances"], json!([]));
    operator.do_to(room, "open", None).await;
    let there = second.fan();
    assert_eq!(
        there.hold(&[1]).await.1.status,
        201,
        "it protects nothing yet"
    );

    let protected = operator.ask("PUT", &protect(room), &[], "").await;
    assert_eq!(protected.status, 200, "{protected:?}");
    second
        .shows("what it protects", room, |polled| {
            polled["performances"] == json!([SHOW])
        })
        .await;
    there.is_kept_out().await;
    // Also the other way round: taken away where it was not made.
    let elsewhere = operator.at(&second);
    let freed = elsewhere.ask("DELETE", &protect(room), &[], "").await;
    assert_eq!(freed.status, 200, "{freed:?}");
    first
        .shows("what it protects", room, |polled| {
            polled["performances"] == json!([])
        })
        .await;
    assert_eq!(first.fan().hold(&[3]).await.1.status, 201);

    elsewhere.do_to(room, "close", None).await;
    let removed = elsewhere.ask("DELETE", &of(room, ""), &[], "").await;
    assert_eq!(removed.status, 204, "{removed:?}");
    eventually("the room is gone", || async {
        let polled = first.fan().get(&at(room, ""), &[]).await;
        (polled.status == 404).then_some(())
    })
    .await;
    // No server brings it back: not this one's ticks, not what it had kept of it.
    for shop in [&first, &second] {
        let rooms = &shop.app.services().rooms;
        rooms.tick().await;
        rooms.look_at_list().await.unwrap();
        shop.fan()
            .get(&at(room, ""), &[])
            .await
            .is_problem(404, "not_found");
    }
    let keys = super::redis().ask(&format!("KEYS *{}*", room.to_hex()));
    assert_eq!(keys, "*0\r\n", "nothing is left of it in Redis");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_performance_is_behind_one_room_whichever_server_is_asked() {
    let spot = Spot::new();
    let first = spot.still().await;
    let second = spot.still_beside(&first).await;
    let room = first.room(fast(1)).await;
    let other = second.make_room(NewRoom::default()).await;
    // The second server has not heard of the first one's room, the database has.
    let operator = operator(&second).await;
    let refused = operator.ask("PUT", &protect(other), &[], "").await;
    let problem = refused.is_problem(409, "performance_protected");
    assert_eq!(problem["room"], room.to_hex());
    for shop in [&first, &second] {
        shop.app.services().rooms.look_at_list().await.unwrap();
        let list = operator.at(shop).get(ROOMS, &[]).await.json();
        let ids: Vec<_> = list["rooms"].as_array().unwrap().iter().collect();
        let id = |room: &&Value| text(&room["id"]);
        let mut ids: Vec<_> = ids.iter().map(id).collect();
        ids.sort_unstable();
        let mut both = [room.to_hex(), other.to_hex()];
        both.sort_unstable();
        assert_eq!(ids, both);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_bought_is_the_same_at_both_servers() {
    let (first, second) = Spot::new().two().await;
    let room = first.open_room(fast(5)).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let here = operator(&first).await;
    let there = here.at(&second);
    let limit =
        json!({ "settings": {}, "authority": { "max_places": 1, "bands": [], "seats": [] } });
    assert_eq!(here.patch(room, &limit).await.status, 200);
    eventually("the limit", || async {
        let detail = there.get(&of(room, ""), &[]).await.json();
        (detail["authority"]["max_places"] == 1).then_some(())
    })
    .await;
    let fan = second.fan();
    let pass = fan.join(room).await;
    fan.come_in_when_called(room, &pass).await;
    fan.hold(&[1, 2])
        .await
        .1
        .is_problem(403, "admission_limited");

    // A code is for no more than it was issued for, however quickly it is used elsewhere.
    let code = json!({ "label": "Press", "limit": 1, "authority": { "max_places": 2, "bands": [], "seats": [] } });
    let issued = here.json("POST", &of(room, "/codes"), &code).await.json();
    let press = second.fan();
    let claimed = press
        .json(
            "POST",
            &at(room, "/claim"),
            &json!({ "code": issued["code"] }),
        )
        .await;
    assert_eq!(claimed.json()["authority"]["max_places"], 2, "{claimed:?}");
    eventually("the code is listed with it", || async {
        let codes = there.get(&of(room, "/codes"), &[]).await.json();
        (codes["codes"][0]["authority"]["max_places"] == 2).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_later_takes_everything_up() {
    let spot = Spot::new();
    let first = spot.server().await;
    let room = first.open_room(fast(2)).await;
    let fan = first.fan();
    let pass = fan.join(room).await;
    fan.come_in_when_called(room, &pass).await;
    let second = spot.still_beside(&first).await;
    let there = fan.at(&second);
    assert_eq!(there.hold(&[1]).await.1.status, 201);
    second
        .fan()
        .hold(&[2])
        .await
        .1
        .is_problem(403, "admission_needed");
    second.act(room, Action::Pause).await;
    first
        .shows("the pause", room, |polled| polled["state"] == "paused")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_here_and_changed_back_there_is_seen_here() {
    let spot = Spot::new();
    let first = spot.still().await;
    let room = first.make_room(NewRoom::default()).await;
    let second = spot.still_beside(&first).await;
    let here = operator(&first).await;
    let looks = &first.app.services().rooms;
    looks.look_at_list().await.unwrap();
    here.ask("PUT", &protect(room), &[], "").await;
    // The second server changes it back before the first one looks again.
    second.app.services().rooms.look_at_list().await.unwrap();
    let back = here
        .at(&second)
        .ask("DELETE", &protect(room), &[], "")
        .await;
    assert_eq!(back.status, 200, "{back:?}");
    looks.look_at_list().await.unwrap();
    let detail = here.get(&of(room, ""), &[]).await.json();
    assert_eq!(detail["performances"], json!([]));
}
