//! The audit log: what was done, from what to what, by whom; also of a room that is gone.

use super::super::shop::{Fan, SHOW, Shop};
use super::operators::{ROOMS, of, operator};
use super::{fast, text};
use onsale_queue::RoomId;
use serde_json::{Value, json};

async fn log(operator: &Fan<'_>, room: RoomId) -> Vec<Value> {
    let log = operator.get(&of(room, "/log?limit=50"), &[]).await;
    assert_eq!(log.status, 200, "{log:?}");
    log.json()["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn protecting_and_entitling_are_deeds_of_their_own_with_old_and_new() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let path = of(room, &format!("/performances/{SHOW}"));
    assert_eq!(operator.ask("DELETE", &path, &[], "").await.status, 200);
    assert_eq!(operator.ask("PUT", &path, &[], "").await.status, 200);
    // What is so already is nothing that was done.
    assert_eq!(operator.ask("PUT", &path, &[], "").await.status, 200);
    let four = json!({ "authority": { "max_places": 4, "bands": [0] } });
    for _ in 0..2 {
        assert_eq!(operator.patch(room, &four).await.status, 200);
    }
    let cap = json!({ "settings": { "cap": 6 } });
    assert_eq!(operator.patch(room, &cap).await.status, 200);

    let log = log(&operator, room).await;
    let deeds: Vec<_> = log.iter().map(|line| line["deed"].clone()).collect();
    assert_eq!(deeds.len(), 5, "{deeds:#?}");
    let [changed, entitled, protected, unprotected, made] = &deeds[..] else {
        panic!("{deeds:#?}");
    };
    assert_eq!(
        (
            &changed["changed"]["from"]["cap"],
            &changed["changed"]["settings"]["cap"]
        ),
        (&json!(5), &json!(6))
    );
    let everything = json!({ "max_places": 0, "bands": [], "seats": [] });
    let to = json!({ "max_places": 4, "bands": [0], "seats": [] });
    let change = json!({ "entitled": { "from": everything, "to": to } });
    assert_eq!(*entitled, change);
    let one = json!({ "protected": { "performance": SHOW, "protects": 1 } });
    assert_eq!(*protected, one);
    let none = json!({ "unprotected": { "performance": SHOW, "protects": 0 } });
    assert_eq!(*unprotected, none);
    assert!(made["made"]["settings"].is_object(), "{made}");
    // Each is a version of its own, and all but the making are the operator's.
    let versions: Vec<_> = log.iter().map(|line| line["version"].clone()).collect();
    assert_eq!(versions, [5, 4, 3, 2, 1]);
    assert!(log[..4].iter().all(|line| line["who"] == "op@example.org"));
}

#[tokio::test]
async fn a_change_of_what_may_be_bought_is_refused_to_who_looked_at_another_version() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let version = operator.get(&of(room, ""), &[]).await.json()["version"].clone();
    shop.set(room, json!({ "cap": 6 })).await;
    let body = json!({ "expected_version": version, "authority": { "max_places": 2 } });
    let refused = operator.patch(room, &body).await;
    let problem = refused.is_problem(409, "room_changed");
    assert_eq!(problem["expected"], version);
    let now = operator.get(&of(room, ""), &[]).await.json();
    assert_eq!(now["authority"]["max_places"], 0);
}

#[tokio::test]
async fn the_log_of_a_room_outlives_it_and_a_restart() {
    let shop = Shop::open().await;
    let room = shop.room(fast(5)).await;
    shop.set(room, json!({ "name": "Opening night" })).await;
    let before = {
        let operator = operator(&shop).await;
        let before = log(&operator, room).await;
        let gone = operator.ask("DELETE", &of(room, ""), &[], "").await;
        assert_eq!(gone.status, 204, "{gone:?}");
        before
    };
    let shop = shop.restarted().await;
    let operator = shop.fan();
    let entered = operator
        .sign_in("op@example.org", super::super::accounts::PASSWORD)
        .await;
    assert_eq!(entered.status, 201, "{entered:?}");
    let after = log(&operator, room).await;
    assert_eq!(after[1..], before[..]);
    assert_eq!(
        (&after[0]["deed"], &after[0]["who"]),
        (&json!("removed"), &json!("op@example.org"))
    );
    let first = operator.get(&of(room, "/log?limit=1"), &[]).await.json();
    assert_eq!(first["entries"], json!([after[0]]));
    let removed = operator.get(&format!("{ROOMS}/removed"), &[]).await.json();
    let listed = &removed["rooms"][0];
    assert_eq!(
        (
            text(&listed["id"]),
            text(&listed["name"]),
            text(&listed["removed_by"])
        ),
        (
            room.to_hex(),
            "Opening night".to_owned(),
            "op@example.org".to_owned()
        )
    );
    // Of the room nothing else is left.
    for rest in ["", "/codes", "/figures", "/inside", "/feed"] {
        let answer = operator.get(&of(room, rest), &[]).await;
        answer.is_problem(404, "not_found");
    }
    let never = RoomId([7; 16]);
    let answer = operator.get(&of(never, "/log"), &[]).await;
    answer.is_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_operators_who_remove_a_room_at_once_one_is_in_the_log() {
    let shop = Shop::open().await;
    let operator = operator(&shop).await;
    let room = shop.room(fast(5)).await;
    let path = of(room, "");
    let race = (0..4).map(|_| operator.ask("DELETE", &path, &[], ""));
    for answer in futures_util::future::join_all(race).await {
        if answer.status != 204 {
            answer.is_problem(404, "not_found");
        }
    }
    let removed = operator.get(&format!("{ROOMS}/removed"), &[]).await.json();
    assert_eq!(removed["rooms"].as_array().unwrap().len(), 1);
}
