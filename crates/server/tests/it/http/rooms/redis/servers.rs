//! Two servers on one Redis: one line, one cap, one controller.

use super::super::super::buying::{GOOD, buy};
use super::super::fast;
use super::super::operators::operator;
use super::Spot;
use onsale_queue::pow;
use onsale_server::accounts::Role;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn visitors_spread_over_two_servers_never_exceed_the_one_cap_and_fill_it() {
    const CAP: u32 = 7;
    let (first, second) = Spot::new().two().await;
    let room = first.open_room(fast(100)).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let mut fans = Vec::new();
    for at in 0..40 {
        let joins_at = if at % 2 == 0 { &first } else { &second };
        let fan = joins_at.fan();
        let pass = fan.join(room).await;
        // Half of them ask to be let in where they did not join.
        let claims_at = if at % 4 < 2 { &first } else { &second };
        fans.push((fan.at(claims_at), pass));
    }
    for (fan, pass) in &fans {
        fan.called(room, pass).await;
    }
    first.set(room, json!({ "cap": CAP })).await;
    let barrier = Arc::new(tokio::sync::Barrier::new(fans.len()));
    let claims = fans.iter().map(|(fan, pass)| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            fan.claim(room, pass).await.status.as_u16()
        }
    });
    let answers = futures_util::future::join_all(claims).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(200), count(409)), (CAP as usize, 40 - CAP as usize));
    for shop in [&first, &second] {
        shop.holds(room, CAP).await;
        assert_eq!(shop.figures(room)["totals"]["most_inside"], CAP);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_one_server_takes_effect_at_the_other_with_its_next_tick() {
    let spot = Spot::new();
    let first = spot.server().await;
    let second = spot.still_beside(&first).await;
    let room = first.room(fast(5)).await;
    let rooms = &second.app.services().rooms;
    rooms.look_at_list().await.unwrap();
    let operator = operator(&first).await;
    operator.do_to(room, "open", None).await;
    let visitor = second.fan();
    // Ticks come four times a second; one of them is enough.
    rooms.tick().await;
    visitor
        .hold(&[1])
        .await
        .1
        .is_problem(403, "admission_needed");
    let change = json!({ "settings": { "cap": 9, "rate_per_minute": 90, "message": "Hello." } });
    operator.patch(room, &change).await;
    rooms.tick().await;
    let polled = second.polled(room).await;
    assert_eq!(
        (&polled["rate_per_minute"], &polled["message"]),
        (&json!(90), &json!("Hello."))
    );
    operator.do_to(room, "pause", None).await;
    rooms.tick().await;
    assert_eq!(second.polled(room).await["state"], "paused");
    operator.do_to(room, "close", None).await;
    rooms.tick().await;
    assert_eq!(
        visitor.hold(&[1]).await.1.status,
        201,
        "the shop is open to all again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_changes_at_either_server_is_soon_seen_at_the_other() {
    let (first, second) = Spot::new().two().await;
    let room = first.open_room(fast(5)).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let here = operator(&first).await;
    let there = here.at(&second);
    let mut slowest = std::time::Duration::ZERO;
    for rate in 1..=10_u32 {
        let (at, other) = if rate % 2 == 0 {
            (&here, &second)
        } else {
            (&there, &first)
        };
        let change = json!({ "settings": { "rate_per_minute": rate } });
        assert_eq!(at.patch(room, &change).await.status, 200);
        let since = Instant::now();
        other
            .shows("the rate", room, |polled| polled["rate_per_minute"] == rate)
            .await;
        slowest = slowest.max(since.elapsed());
    }
    println!("ten changes took at most {slowest:?} to the other server");
    // Two operators at once: one is told.
    let version = here
        .get(&super::super::operators::of(room, ""), &[])
        .await
        .json()["version"]
        .clone();
    let both = json!({ "expected_version": version, "settings": { "cap": 6 } });
    let (one, two) = tokio::join!(here.patch(room, &both), there.patch(room, &both));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_server_that_calls_is_stopped_the_other_one_calls() {
    let spot = Spot::new();
    let first = spot.server().await;
    let room = first.open_room(fast(100)).await;
    let early = first.fan();
    let pass = early.join(room).await;
    early.called(room, &pass).await;
    let second = spot.still_beside(&first).await;
    second.app.start_rooms();
    // The first one has the turn and keeps it for as long as it ticks.
    first.app.services().rooms.stop();
    let late = second.fan();
    let pass = late.join_when_possible(room).await;
    late.called(room, &pass).await;
    late.come_in(room, &pass).await;
    assert_eq!(
        second.figures(room)["totals"]["called"],
        2,
        "nobody was called twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_has_one_place_whichever_server_they_ask() {
    let (first, second) = Spot::new().two().await;
    let mut settings = fast(5);
    settings.rate_per_minute = 0;
    let room = first.open_room(settings).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let here = first.fan();
    let joined = here.join_with(room, &json!({})).await.json();
    let there = here.at(&second);
    let shown = json!({ "pass": joined["pass"] });
    let again = there.join_with(room, &shown).await;
    assert_eq!(again.status, 200, "no new place: {again:?}");
    assert_eq!(again.json()["place"], joined["place"]);
    let pass = joined["pass"].as_str().unwrap();
    let standing = there.standing(room, pass).await.json();
    assert_eq!(standing["place"], joined["place"]);

    // Where the room asks for accounts, a person has one place even without the pass.
    first.set(room, json!({ "accounts_required": true })).await;
    second
        .shows("who may join", room, |polled| {
            polled["accounts_required"] == true
        })
        .await;
    second
        .fan()
        .join_with(room, &json!({}))
        .await
        .is_problem(401, "sign_in_needed");
    let person = first.signed_in("fan@example.org", Role::Fan).await;
    let elsewhere = second.fan();
    let password = super::super::super::accounts::PASSWORD;
    assert_eq!(
        elsewhere.sign_in("fan@example.org", password).await.status,
        201
    );
    let one = person.join_with(room, &json!({})).await.json();
    let other = elsewhere.join_with(room, &json!({})).await.json();
    assert_eq!(one["place"], other["place"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_given_by_two_servers_are_all_different() {
    let (first, second) = Spot::new().two().await;
    let room = first.open_room(fast(5)).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let mut places = HashSet::new();
    for _ in 0..30 {
        for shop in [&first, &second] {
            let joined = shop.fan().join_with(room, &json!({})).await;
            assert_eq!(joined.status, 201, "{joined:?}");
            assert!(
                places.insert(joined.json()["place"].to_string()),
                "{joined:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_at_one_server_is_refused_at_the_other() {
    let (first, second) = Spot::new().two().await;
    let mut settings = fast(5);
    settings.pow_bits = 4;
    let room = first.open_room(settings).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    // A solved challenge counts once.
    let here = first.fan();
    let given = here.get(&super::at(room, "/challenge"), &[]).await.json();
    let challenge = given["challenge"].as_str().unwrap();
    let counter = pow::solve(challenge, 0, 1 << 20).unwrap().unwrap();
    let solved = json!({ "challenge": challenge, "counter": counter });
    let joined = here.join_with(room, &solved).await;
    assert_eq!(joined.status, 201, "{joined:?}");
    let refused = second.fan().join_with(room, &solved).await;
    assert_eq!(refused.is_problem(403, "challenge_failed")["what"], "used");
    // Somebody else cannot show the admission at the other server either.
    let pass = joined.json()["pass"].as_str().unwrap().to_owned();
    let admission = here.come_in_when_called(room, &pass).await;
    let thief = second.fan();
    thief.show(&admission);
    thief
        .hold(&[1])
        .await
        .1
        .is_problem(403, "admission_of_another");
    // An admission is good at both servers until an order is done, then at neither.
    let there = here.at(&second);
    assert_eq!(there.presence(room, &admission).await.status, 200);
    let (_, paid) = buy(&here, &[1], GOOD).await;
    assert_eq!(paid.json()["state"], "confirmed", "{paid:?}");
    there.hold(&[2]).await.1.is_problem(403, "admission_over");
    there
        .presence(room, &admission)
        .await
        .is_problem(403, "admission_over");
    there.claim(room, &pass).await.is_problem(409, "pass_used");
    second.holds(room, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_joins_as_often_as_it_may_however_many_servers_it_asks() {
    let (first, second) = Spot::new().with_joins(4).two().await;
    let room = first.open_room(fast(5)).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let mut answers = Vec::new();
    for at in 0..8 {
        let server = if at % 2 == 0 { &first } else { &second };
        answers.push(server.fan().join_with(room, &json!({})).await);
    }
    // A minute gives four: on a machine that took its time, one more came due meanwhile.
    let joined = answers.iter().filter(|answer| answer.status == 201).count();
    assert!((4..8).contains(&joined), "{joined} of 8 joined");
    let refused = answers.last().unwrap();
    refused.is_problem(429, "too_many_requests");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=16).contains(&seconds), "{seconds}");
    // Another address is another's.
    let mut elsewhere = second.fan();
    elsewhere.address = "203.0.113.7".parse().unwrap();
    assert_eq!(elsewhere.join_with(room, &json!({})).await.status, 201);
}
