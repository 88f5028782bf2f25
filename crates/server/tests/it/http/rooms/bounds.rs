//! How much may be had on one admission: wished for, held and bought, in any order, by anybody's trick.

use super::super::accounts::PASSWORD;
use super::super::shop::{Fan, Reply, Shop, show, wish};
use super::operators::{ROOMS, of, operator};
use super::{at, fast, somebody_inside, text};
use onsale_queue::wire::RoomSettings;
use onsale_queue::{Action, RoomId};
use onsale_server::accounts::Role;
use onsale_server::rooms::operate::MOST_PERFORMANCES;
use onsale_server::rooms::{NewRoom, Purchase};
use serde_json::{Value, json};
use uuid::Uuid;

/// An open room on whose admissions at most `max_places` may be had.
async fn room_for(shop: &Shop, max_places: u16) -> RoomId {
    let new = NewRoom {
        settings: fast(5),
        performances: vec![booking_core::PerformanceId::from(super::SHOW)],
        authority: Purchase {
            max_places,
            bands: vec![0],
            ..Purchase::default()
        },
        ..NewRoom::default()
    };
    let room = shop.make_room(new).await;
    shop.act(room, Action::Open).await;
    room
}

async fn places_held(fan: &Fan<'_>) -> usize {
    let holds = fan.get(&show("/holds"), &[]).await.json();
    let holds = holds["holds"].as_array().unwrap().clone();
    let places = |hold: &Value| hold["hold"]["places"].as_array().map_or(0, Vec::len);
    holds.iter().map(places).sum()
}

#[track_caller]
fn is_beyond(refused: &Reply, limit: &str, max_places: u16) {
    let problem = refused.is_problem(403, "admission_limited");
    assert_eq!(problem["limit"], limit, "{problem}");
    assert_eq!(problem["max_places"], max_places, "{problem}");
}

#[tokio::test]
async fn nobody_wishes_for_more_than_may_be_had() {
    let shop = Shop::open().await;
    let room = room_for(&shop, 3).await;
    let polled = shop.fan().get(&at(room, ""), &[]).await.json();
    assert_eq!(polled["max_places"], 3);
    let fan = shop.fan();
    let wishing = |places: u16, band: Option<u8>| json!({ "wishes": { "places": places, "band": band, "together": true, "accessible": false } });
    is_beyond(
        &fan.join_with(room, &wishing(4, None)).await,
        "max_places",
        3,
    );
    is_beyond(&fan.join_with(room, &wishing(1, Some(1))).await, "bands", 3);
    for (places, what) in [(51, "51"), (256, "256")] {
        let refused = fan.join_with(room, &wishing(places, None)).await;
        let problem = refused.is_problem(400, "malformed");
        assert_eq!(problem["at"], "wishes.places");
        assert!(text(&problem["what"]).contains(what), "{problem}");
    }
    let joined = fan.join_with(room, &wishing(3, Some(0))).await;
    assert_eq!(joined.status, 201, "{joined:?}");
    let pass = joined.json()["pass"].clone();
    let change = |wish: Value| json!({ "pass": pass, "wishes": wish["wishes"] });
    let path = at(room, "/wishes");
    let more = fan.json("PUT", &path, &change(wishing(4, None))).await;
    is_beyond(&more, "max_places", 3);
    let fewer = fan.json("PUT", &path, &change(wishing(2, None))).await;
    assert_eq!(fewer.status, 200, "{fewer:?}");
    // None of those who were refused has a number.
    shop.wait(250).await;
    assert_eq!(shop.figures(room)["totals"]["joined"], 1);
    // Who may buy less now than they wished for is let in, and offered what they may buy.
    let less = json!({ "authority": { "max_places": 1, "bands": [0] } });
    let operator = operator(&shop).await;
    assert_eq!(operator.patch(room, &less).await.status, 200);
    let polled = shop.fan().get(&at(room, ""), &[]).await.json();
    assert_eq!(polled["max_places"], 1);
    shop.wait(1_000).await;
    let claimed = fan.claim(room, &text(&pass)).await.json();
    assert_eq!(claimed["authority"]["max_places"], 1, "{claimed}");
    let offered = claimed["offer"]["places"].as_array().map(Vec::len);
    assert_eq!(offered, Some(1), "{claimed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_holds_that_race_none_goes_beyond_the_admission() {
    let shop = Shop::open().await;
    let room = room_for(&shop, 3).await;
    let (fan, _) = somebody_inside(&shop, room).await;
    let race = (0..8).map(|n| {
        let fan = &fan;
        async move { fan.hold(&[n * 10, n * 10 + 1]).await.1 }
    });
    let answers = futures_util::future::join_all(race).await;
    let held = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(held.count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        is_beyond(refused, "max_places", 3);
    }
    assert_eq!(places_held(&fan).await, 2);
    assert_eq!(fan.hold(&[90]).await.1.status, 201);
    is_beyond(&fan.hold(&[92]).await.1, "max_places", 3);
}

#[tokio::test]
async fn adding_to_a_hold_goes_no_further_than_the_admission_and_asking_again_is_no_more() {
    let shop = Shop::open().await;
    let room = room_for(&shop, 3).await;
    let (fan, _) = somebody_inside(&shop, room).await;
    let (hold, command) = (Uuid::now_v7(), Uuid::now_v7());
    let body = wish(command, hold, &[1, 2]);
    let path = show(&format!("/holds/{hold}"));
    for _ in 0..2 {
        // An answer that was lost is asked for again.
        let held = fan.json("POST", &show("/holds"), &body).await;
        assert_eq!(held.status, 201, "{held:?}");
    }
    let change = |add: Vec<u32>, remove: Vec<u32>| {
        let seats = |seats: Vec<u32>| -> Vec<_> {
            seats
                .into_iter()
                .map(|seat| json!({ "seat": seat }))
                .collect()
        };
        json!({ "command_id": Uuid::now_v7(), "add": seats(add), "remove": seats(remove) })
    };
    is_beyond(
        &fan.json("PATCH", &path, &change(vec![3, 4], vec![])).await,
        "max_places",
        3,
    );
    // Giving back what one does not hold makes no room.
    let made_up = change(vec![3, 4, 5], vec![50, 51, 52]);
    is_beyond(&fan.json("PATCH", &path, &made_up).await, "max_places", 3);
    let third = change(vec![3], vec![]);
    for _ in 0..2 {
        let changed = fan.json("PATCH", &path, &third).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }
    let swapped = fan.json("PATCH", &path, &change(vec![4], vec![1])).await;
    assert_eq!(swapped.status, 200, "{swapped:?}");
    assert_eq!(places_held(&fan).await, 3);
}

#[tokio::test]
async fn who_signs_in_does_not_begin_to_count_anew() {
    let shop = Shop::open().await;
    let room = room_for(&shop, 2).await;
    shop.account("ada@example.org", Role::Fan).await;
    let (fan, _) = somebody_inside(&shop, room).await;
    assert_eq!(fan.hold(&[1, 2]).await.1.status, 201);
    assert_eq!(fan.sign_in("ada@example.org", PASSWORD).await.status, 201);
    is_beyond(&fan.hold(&[4]).await.1, "max_places", 2);
}

#[tokio::test]
async fn rooms_codes_and_protected_performances_have_a_bound_that_is_told() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let rooms = &shop.app.services().rooms;
    for n in 0..onsale_queue::room::port::MOST_CODES {
        let label = n.to_string();
        let issued = rooms.issue_code(room, &label, 1, None, Purchase::default(), "test");
        issued.await.unwrap();
    }
    let one_more = json!({ "label": "One more", "limit": 1 });
    let refused = operator.json("POST", &of(room, "/codes"), &one_more).await;
    assert_eq!(refused.is_problem(409, "too_many_codes")["most"], 1_000);
    // One withdrawn makes room for one.
    let codes = operator.get(&of(room, "/codes"), &[]).await.json();
    let first = text(&codes["codes"][0]["id"]);
    let path = of(room, &format!("/codes/{first}"));
    assert_eq!(operator.ask("DELETE", &path, &[], "").await.status, 204);
    let issued = operator.json("POST", &of(room, "/codes"), &one_more).await;
    assert_eq!(issued.status, 201, "{issued:?}");

    let many: Vec<_> = (0..=MOST_PERFORMANCES as u128)
        .map(Uuid::from_u128)
        .collect();
    let body = json!({ "settings": {}, "performances": many });
    let refused = operator.json("POST", ROOMS, &body).await;
    let problem = refused.is_problem(409, "too_many_performances");
    assert_eq!(problem["most"], MOST_PERFORMANCES);
}

#[tokio::test]
async fn a_shop_has_no_more_rooms_than_it_can_tick() {
    use onsale_server::rooms::operate::MOST_ROOMS;
    use onsale_server::store::rooms::RoomRow;
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let settings = serde_json::to_string(&RoomSettings::default()).unwrap();
    for n in 0..MOST_ROOMS {
        let row = RoomRow {
            room: (n as u128 + 1).to_be_bytes(),
            made_ms: 0,
            settings: settings.clone(),
            authority: "{}".to_owned(),
            demo: false,
            state: None,
            performances: Vec::new(),
        };
        let store = shop.app.services().store.rooms();
        store.add_room(row, MOST_ROOMS).await.unwrap();
    }
    let refused = operator
        .json("POST", ROOMS, &json!({ "settings": {} }))
        .await;
    let problem = refused.is_problem(409, "too_many_rooms");
    assert_eq!(problem["most"], MOST_ROOMS);
    let listed = operator.get(ROOMS, &[]).await.json();
    assert_eq!(listed["rooms"], json!([]), "nothing of it was begun");
}
