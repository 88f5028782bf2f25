//! Holding seats over HTTP: whose they are, how long, and what a repeated or altered command gets.

use super::shop::{Shop, show, wish};
use serde_json::{Value, json};
use uuid::Uuid;

fn without_now(mut answer: Value) -> Value {
    answer.as_object_mut().unwrap().remove("now_ms");
    answer
}

#[tokio::test]
async fn a_hold_lives_through_place_change_extend_and_release() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (hold, placed) = fan.hold(&[11, 12]).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let placed = placed.json();
    assert_eq!(placed["hold"]["hold"], json!(hold));
    assert_eq!(
        placed["hold"]["places"],
        json!([{ "seat": 11 }, { "seat": 12 }])
    );
    let expires_ms = placed["hold"]["expires_ms"].as_i64().unwrap();

    let path = show(&format!("/holds/{hold}"));
    let change = json!({ "command_id": Uuid::now_v7(), "add": [{ "seat": 13 }],
        "remove": [{ "seat": 11 }] });
    let changed = fan.json("PATCH", &path, &change).await.json();
    assert_eq!(
        changed["hold"]["places"],
        json!([{ "seat": 12 }, { "seat": 13 }])
    );
    assert_eq!(
        changed["hold"]["expires_ms"], expires_ms,
        "a change lengthens nothing"
    );

    let more = json!({ "command_id": Uuid::now_v7() });
    let extended = fan
        .json("POST", &format!("{path}/extend"), &more)
        .await
        .json();
    assert!(extended["hold"]["expires_ms"].as_i64().unwrap() > expires_ms);

    assert_eq!(fan.get(&path, &[]).await.json()["hold"], extended["hold"]);
    let listed = fan.get(&show("/holds"), &[]).await.json();
    assert_eq!(listed["holds"][0]["hold"], extended["hold"]);

    let release = format!("{path}?command_id={}", Uuid::now_v7());
    assert_eq!(fan.ask("DELETE", &release, &[], "").await.status, 204);
    assert_eq!(
        fan.ask("DELETE", &release, &[], "").await.status,
        204,
        "the same command again"
    );
    fan.get(&path, &[]).await.is_problem(404, "not_found");
    assert_eq!(
        fan.get(&show("/holds"), &[]).await.json(),
        json!({ "holds": [] })
    );
    assert!(!shop.state().await["seats"].as_str().unwrap().contains('1'));
}

#[tokio::test]
async fn the_same_command_gets_the_same_answer_and_an_altered_one_is_refused() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (command, hold) = (Uuid::now_v7(), Uuid::now_v7());
    let body = wish(command, hold, &[5, 6]);
    let first = fan.json("POST", &show("/holds"), &body).await;
    let state = shop.state().await;
    let again = fan.json("POST", &show("/holds"), &body).await;
    assert_eq!(again.status, 201);
    assert_eq!(without_now(again.json()), without_now(first.json()));
    let altered = wish(command, hold, &[5, 7]);
    fan.json("POST", &show("/holds"), &altered)
        .await
        .is_problem(409, "command_id_reused");
    // Somebody else who learned the id gets neither the hold nor its answer.
    let other = shop.fan();
    other
        .json("POST", &show("/holds"), &body)
        .await
        .is_problem(409, "command_id_reused");
    assert_eq!(shop.state().await, state);
}

#[tokio::test]
async fn a_refusal_is_remembered_too() {
    let shop = Shop::open().await;
    let (_, taken) = shop.fan().hold(&[1]).await;
    assert_eq!(taken.status, 201);
    let late = shop.fan();
    let body = wish(Uuid::now_v7(), Uuid::now_v7(), &[1, 2]);
    for _ in 0..2 {
        let reply = late.json("POST", &show("/holds"), &body).await;
        assert_eq!(reply.is_problem(409, "seats_taken")["seats"], json!([1]));
    }
}

#[tokio::test]
async fn the_hold_of_another_fan_leads_nowhere() {
    let shop = Shop::open().await;
    let owner = shop.fan();
    let (hold, placed) = owner.hold(&[21, 22]).await;
    assert_eq!(placed.status, 201);
    let before = shop.state().await;
    let path = show(&format!("/holds/{hold}"));
    let thief = shop.fan();
    // Once without a session, once with one of their own.
    for _ in 0..2 {
        thief.get(&path, &[]).await.is_problem(404, "not_found");
        assert_eq!(
            thief.get(&show("/holds"), &[]).await.json(),
            json!({ "holds": [] })
        );
        let change = json!({ "command_id": Uuid::now_v7(), "remove": [{ "seat": 21 }] });
        thief
            .json("PATCH", &path, &change)
            .await
            .is_problem(404, "no_such_hold");
        let extend = json!({ "command_id": Uuid::now_v7() });
        thief
            .json("POST", &format!("{path}/extend"), &extend)
            .await
            .is_problem(404, "no_such_hold");
        let release = format!("{path}?command_id={}", Uuid::now_v7());
        thief
            .ask("DELETE", &release, &[], "")
            .await
            .is_problem(404, "no_such_hold");
    }
    assert_eq!(shop.state().await, before);
    assert_eq!(owner.get(&path, &[]).await.status, 200);
}

#[tokio::test]
async fn a_lapsed_hold_is_gone_the_moment_its_time_is_past() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (hold, placed) = fan.hold(&[31]).await;
    let expires_ms = placed.json()["hold"]["expires_ms"].as_i64().unwrap();
    shop.clock.set(expires_ms - 1);
    assert_eq!(
        fan.get(&show(&format!("/holds/{hold}")), &[]).await.status,
        200
    );
    shop.clock.set(expires_ms);
    fan.get(&show(&format!("/holds/{hold}")), &[])
        .await
        .is_problem(404, "not_found");
    let (_, next) = shop.fan().hold(&[31]).await;
    assert_eq!(next.status, 201, "{next:?}");
}

#[tokio::test]
async fn of_many_fans_who_want_one_seat_one_gets_it() {
    let shop = Shop::open().await;
    let fans: Vec<_> = (0..16).map(|_| shop.fan()).collect();
    let wishes = fans.iter().map(|fan| fan.hold(&[50]));
    let replies = futures_util::future::join_all(wishes).await;
    let won = replies
        .iter()
        .filter(|(_, reply)| reply.status == 201)
        .count();
    assert_eq!(won, 1);
    for (_, reply) in replies.iter().filter(|(_, reply)| reply.status != 201) {
        assert_eq!(reply.is_problem(409, "seats_taken")["seats"], json!([50]));
    }
}
