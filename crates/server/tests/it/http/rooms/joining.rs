//! The document everybody polls, joining, standing and wishes.

use super::super::shop::{Shop, show};
use super::{at, fast, text};
use onsale_queue::wire::{PublicRoom, Standing};
use onsale_queue::{Action, Pass, RoomId};
use serde_json::json;

fn public(json: &serde_json::Value) -> PublicRoom {
    serde_json::from_value(json.clone()).unwrap()
}

#[tokio::test]
async fn the_document_is_the_same_for_all_and_can_be_kept_for_a_second() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    shop.wait(1_000).await;
    let fan = shop.fan();
    let polled = fan.get(&at(room, ""), &[]).await;
    assert_eq!(polled.status, 200, "{polled:?}");
    assert!(polled.headers.get("set-cookie").is_none());
    let cache = polled.header("cache-control");
    assert!(
        cache.starts_with("public, max-age=1, stale-while"),
        "{cache}"
    );
    assert_eq!(public(&polled.json()).room, room);
    assert_eq!(polled.json()["performances"][0], json!(super::SHOW));
    assert_eq!(polled.json()["demo"], false);

    // A UUID names the same room; the time alone makes no other document.
    shop.wait(250).await;
    let tag = polled.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let uuid = uuid::Uuid::from_bytes(room.0).to_string();
    let path = format!("/api/v1/rooms/{uuid}");
    let again = fan.get(&path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    fan.join(room).await;
    shop.wait(250).await;
    let news = fan.get(&path, &[("if-none-match", &tag)]).await;
    assert_eq!(news.status, 200);
    assert_ne!(news.header("etag"), tag);
}

#[tokio::test]
async fn a_room_that_is_not_there_and_one_that_has_no_name_are_told_apart() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let nowhere = fan.get(&at(RoomId([9; 16]), ""), &[]).await;
    nowhere.is_problem(404, "not_found");
    let what = fan.get("/api/v1/rooms/the-big-one", &[]).await;
    assert_eq!(what.is_problem(400, "malformed")["at"], "path");
}

#[tokio::test]
async fn a_pass_can_be_checked_with_the_public_key_alone() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    let keys = fan.get("/api/v1/rooms/keys", &[]).await.json();
    let key = text(&keys["keys"][0]);
    let bytes: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&key[at..at + 2], 16).unwrap())
        .collect();
    let keys = onsale_queue::Keys::new(&[bytes.try_into().unwrap()]).unwrap();
    let checked: Pass = keys
        .check_shown_pass(&pass, room, shop.clock.now_ms())
        .unwrap();
    assert_eq!(checked.room, room);
}

#[tokio::test]
async fn whoever_joins_later_stands_behind() {
    let shop = Shop::open().await;
    let mut settings = fast(10);
    settings.rate_per_minute = 0;
    let room = shop.open_room(settings).await;
    let (ada, bob) = (shop.fan(), shop.fan());
    let first = ada.join_with(room, &json!({})).await.json();
    shop.wait(250).await;
    let second = bob.join_with(room, &json!({})).await.json();
    assert_eq!(first["standing"]["standing"], "waiting");
    shop.wait(250).await;
    let (first, second) = (text(&first["pass"]), text(&second["pass"]));
    assert_eq!(ada.ahead(room, &first).await, 1);
    assert_eq!(bob.ahead(room, &second).await, 2);
    // The page works it out for itself from the document and its pass.
    let polled = public(&bob.get(&at(room, ""), &[]).await.json());
    let place = serde_json::from_value(bob.standing(room, &second).await.json()["place"].clone());
    let standing = polled.standing(place.unwrap());
    assert!(
        matches!(standing, Standing::Waiting { ahead: 2, .. }),
        "{standing:?}"
    );
}

#[tokio::test]
async fn who_has_a_pass_gets_the_same_place_again() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    let fan = shop.fan();
    let first = fan.join_with(room, &json!({})).await.json();
    let again = fan.join_with(room, &json!({ "pass": first["pass"] })).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["place"], first["place"]);
    // What is no pass is no hindrance.
    let other = fan
        .join_with(room, &json!({ "pass": "onsale-pass-1.xyz" }))
        .await;
    assert_eq!(other.status, 201);
    assert_ne!(other.json()["place"], first["place"]);
}

#[tokio::test]
async fn wishes_change_and_the_place_stays() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    let fan = shop.fan();
    let wishes = json!({ "places": 2, "band": null, "together": true, "accessible": false });
    let joined = fan
        .join_with(room, &json!({ "wishes": wishes }))
        .await
        .json();
    assert_eq!(joined["wishes"], wishes);
    let other = json!({ "places": 4, "band": 0, "together": false, "accessible": true });
    let new = json!({ "pass": joined["pass"], "wishes": other });
    let changed = fan.json("PUT", &at(room, "/wishes"), &new).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["place"], joined["place"]);
    assert_eq!(changed.json()["wishes"], other);
    let odd = json!({ "pass": joined["pass"], "wishes": { "seats": 2 } });
    let refused = fan.json("PUT", &at(room, "/wishes"), &odd).await;
    assert_eq!(refused.is_problem(400, "malformed")["at"], "wishes.seats");
}

#[tokio::test]
async fn nobody_joins_a_room_that_is_not_open_or_is_over() {
    let shop = Shop::open().await;
    let mut settings = fast(10);
    let opens_ms = shop.clock.now_ms() + 60_000;
    settings.opens_ms = Some(opens_ms);
    let room = shop.room(settings).await;
    let fan = shop.fan();
    let early = fan.join_with(room, &json!({})).await;
    assert_eq!(early.is_problem(409, "room_not_open")["opens_ms"], opens_ms);
    shop.act(room, Action::Open).await;
    fan.join(room).await;
    shop.act(room, Action::Drain).await;
    fan.join_with(room, &json!({}))
        .await
        .is_problem(409, "joining_over");
    shop.act(room, Action::Pause).await;
    fan.join_with(room, &json!({}))
        .await
        .is_problem(409, "joining_over");
    shop.act(room, Action::Close).await;
    fan.join_with(room, &json!({}))
        .await
        .is_problem(409, "room_closed");
}

#[tokio::test]
async fn a_draw_is_committed_to_first_and_gives_everybody_another_place() {
    let shop = Shop::open().await;
    let room = shop.room(fast(0)).await;
    shop.act(room, Action::Gather).await;
    let fan = shop.fan();
    let before = public(&fan.get(&at(room, ""), &[]).await.json())
        .draw
        .unwrap();
    assert_eq!(before.key, None);
    let mut passes = Vec::new();
    for _ in 0..5 {
        passes.push(fan.join(room).await);
    }
    fan.claim(room, &passes[0])
        .await
        .is_problem(409, "room_not_open");
    shop.act(room, Action::Draw).await;
    shop.wait(3_000).await;
    shop.act(room, Action::Open).await;
    shop.wait(250).await;
    let after = public(&fan.get(&at(room, ""), &[]).await.json())
        .draw
        .unwrap();
    assert_eq!(after.commitment, before.commitment);
    assert_eq!(after.key.unwrap().commit(), before.commitment);
    let mut ahead = Vec::new();
    for pass in &passes {
        ahead.push(fan.ahead(room, pass).await.as_u64().unwrap());
    }
    ahead.sort_unstable();
    assert_eq!(ahead, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_rush_opens_a_quiet_room_and_without_one_nobody_notices_it() {
    let shop = Shop::open().await;
    let mut settings = fast(10);
    settings.auto_on_per_minute = Some(20);
    let room = shop.room(settings).await;
    let fan = shop.fan();
    let seen = fan.get(&show(""), &[]).await.json();
    assert_eq!(seen["room"], json!({ "id": room.to_hex(), "on": false }));
    shop.wait(250).await;
    let (_, held) = fan.hold(&[1]).await;
    assert_eq!(held.status, 201);
    for _ in 0..25 {
        shop.fan().get(&show(""), &[]).await;
    }
    shop.wait(500).await;
    let seen = fan.get(&show(""), &[]).await.json();
    assert_eq!(seen["room"]["on"], true);
    fan.hold(&[2]).await.1.is_problem(403, "admission_needed");
}

#[tokio::test]
async fn places_outlive_a_restart_and_nobody_moves_back() {
    let shop = Shop::open().await;
    let mut settings = fast(10);
    settings.rate_per_minute = 0;
    let room = shop.open_room(settings).await;
    let passes = {
        let fan = shop.fan();
        [fan.join(room).await, fan.join(room).await]
    };
    shop.wait(1_500).await;
    let shop = shop.restarted().await;
    shop.wait(250).await;
    let fan = shop.fan();
    let late = fan.join(room).await;
    shop.wait(250).await;
    assert_eq!(fan.ahead(room, &passes[0]).await, 1);
    assert_eq!(fan.ahead(room, &passes[1]).await, 2);
    assert_eq!(fan.ahead(room, &late).await, 3);
    // The settings are those of before, and so is what it protects.
    let seen = fan.get(&show(""), &[]).await.json();
    assert_eq!(seen["room"], json!({ "id": room.to_hex(), "on": true }));
}

#[tokio::test]
async fn who_is_inside_stays_inside_through_a_restart() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (cookie, admission) = {
        let (fan, admission) = super::somebody_inside(&shop, room).await;
        (fan.cookie("onsale"), admission)
    };
    let shop = shop.restarted().await;
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 1);
    let fan = shop.fan();
    fan.set_cookie("onsale", cookie);
    fan.show(&admission);
    assert_eq!(fan.hold(&[5]).await.1.status, 201);
}
