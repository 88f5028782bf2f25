//! What can happen to Redis, done to a real one and seen by visitors and operators over HTTP.

use super::super::super::shop::{Fan, Shop};
use super::super::operators::{of, operator};
use super::super::{fast, text};
use super::{Spot, eventually};
use onsale_queue::RoomId;
use redis_test::{Guarded, PATIENCE, Proxy, Server, free_port};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Whether the document says that the room's memory is away and nobody is let in.
fn holds_everybody(polled: &Value) -> bool {
    polled["outage"]["policy"]["policy"] == "hold"
}

fn is_back(polled: &Value) -> bool {
    polled["outage"].is_null()
}

/// Every door stays shut, and everybody is told when to come back.
async fn nobody_comes_in(shop: &Shop, room: RoomId, called: (&Fan<'_>, &str)) {
    let (fan, pass) = called;
    let asked = fan.claim(room, pass);
    let refused = tokio::time::timeout(PATIENCE, asked).await.unwrap();
    refused.is_problem(503, "room_away");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!(seconds >= 1);
    let stranger = shop.fan();
    stranger
        .hold(&[90])
        .await
        .1
        .is_problem(403, "admission_needed");
    eventually("no number is given", || async {
        let joined = shop.fan().join_with(room, &json!({})).await;
        // Numbers that were leased before are given for a second.
        (joined.status != 201).then(|| joined.is_problem(503, "room_away"))
    })
    .await;
}

/// Somebody inside, and somebody who has been called.
async fn two_visitors<'a>(
    first: &'a Shop,
    second: &'a Shop,
    room: RoomId,
) -> [(Fan<'a>, String); 2] {
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let (ada, bob) = (first.fan(), second.fan());
    let ada_pass = ada.join_when_possible(room).await;
    let bob_pass = bob.join_when_possible(room).await;
    ada.come_in_when_possible(room, &ada_pass).await;
    bob.called(room, &bob_pass).await;
    [(ada, ada_pass), (bob, bob_pass)]
}

impl Fan<'_> {
    /// Comes in as soon as they are let.
    pub(super) async fn come_in_when_possible(&self, room: RoomId, pass: &str) {
        let admission = eventually("somebody is let in", || async {
            let claimed = self.claim(room, pass).await;
            (claimed.status == 200).then(|| text(&claimed.json()["admission"]))
        })
        .await;
        self.show(&admission);
    }

    /// Lines of the log that say this.
    async fn logged(&self, room: RoomId, deed: &str) -> Vec<Value> {
        let log = self.get(&of(room, "/log?limit=100"), &[]).await.json();
        let entries = log["entries"].as_array().unwrap().iter();
        let is_so = |entry: &&Value| entry["deed"].get(deed).is_some();
        entries.filter(is_so).cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_down_everybody_is_held_and_an_empty_one_is_filled_again() {
    let port = free_port();
    let redis = Server::on(port, &[]);
    let (first, second) = Spot::impatient(redis.url()).two().await;
    let mut settings = fast(2);
    settings.message = "Doors at eight".to_owned();
    let room = first.open_room(settings).await;
    let [(ada, _), (bob, bob_pass)] = two_visitors(&first, &second, room).await;
    let waiting = first.fan();
    let waiting_pass = waiting.join_when_possible(room).await;

    redis.kill();
    for shop in [&first, &second] {
        let polled = shop.shows("the outage", room, holds_everybody).await;
        assert_eq!(
            (&polled["on"], &polled["state"]),
            (&json!(true), &json!("open"))
        );
    }
    nobody_comes_in(&second, room, (&bob, &bob_pass)).await;
    assert_eq!(ada.hold(&[1]).await.1.status, 201, "who is inside goes on");
    let operator = operator(&first).await;
    let change = operator
        .patch(room, &json!({ "settings": { "cap": 9 } }))
        .await;
    change.is_problem(503, "room_away");

    drop(redis);
    let _again = Server::on(port, &[]);
    for shop in [&first, &second] {
        shop.shows("it is over", room, is_back).await;
    }
    bob.come_in_when_possible(room, &bob_pass).await;
    assert_eq!(bob.hold(&[2]).await.1.status, 201);
    for shop in [&first, &second] {
        shop.holds(room, 2).await;
        let polled = shop.polled(room).await;
        assert_eq!(
            (&polled["message"], &polled["state"]),
            (&json!("Doors at eight"), &json!("open"))
        );
    }
    // The shop is as full as before, and the next in line is still the next.
    let late = second.fan();
    let late_pass = late.join_when_possible(room).await;
    let place = async |fan: &Fan<'_>, pass: &str| {
        let place = fan.standing(room, pass).await.json()["place"].clone();
        (place["epoch"].as_u64(), place["number"].as_u64())
    };
    let before = place(&waiting, &waiting_pass).await;
    assert!(before < place(&late, &late_pass).await);
    eventually("it is in the log", || async {
        let away = operator.logged(room, "away").await;
        let recovered = operator.logged(room, "recovered").await;
        (!away.is_empty() && !recovered.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_learns_again_who_is_inside_and_who_waits() {
    let redis = Server::start(&[]);
    let (first, second) = Spot::at(redis.url()).two().await;
    let room = first.open_room(fast(2)).await;
    let [(ada, _), (bob, bob_pass)] = two_visitors(&first, &second, room).await;
    bob.come_in_when_possible(room, &bob_pass).await;
    let next = second.fan();
    let next_pass = next.join_when_possible(room).await;
    redis.ask("FLUSHALL");
    let operator = operator(&second).await;
    eventually("it is made again", || async {
        (!operator.logged(room, "recovered").await.is_empty()).then_some(())
    })
    .await;
    for shop in [&first, &second] {
        shop.holds(room, 2).await;
    }
    for (fan, seat) in [(&ada, 1), (&bob, 2)] {
        assert_eq!(fan.hold(&[seat]).await.1.status, 201);
    }
    let full = next.claim(room, &next_pass).await;
    assert!(full.status == 409 || full.status == 503, "{full:?}");
    let admission = ada.admission.lock().unwrap().clone().unwrap();
    assert_eq!(ada.leave(room, &admission).await.status, 204);
    next.come_in_when_possible(room, &next_pass).await;
    for shop in [&first, &second] {
        shop.holds(room, 2).await;
        assert_eq!(shop.figures(room)["totals"]["most_inside"], 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_stalls_is_answered_in_time_and_nobody_comes_in_meanwhile() {
    let redis = Server::start(&[]);
    let proxy = Proxy::before(redis.port);
    let shop = Spot::impatient(proxy.url()).server().await;
    let room = shop.open_room(fast(2)).await;
    let [(ada, _), (bob, bob_pass)] = two_visitors(&shop, &shop, room).await;
    let operator = operator(&shop).await;
    proxy.stall(true);
    // The first one who asks waits until the limit, not for ever.
    nobody_comes_in(&shop, room, (&bob, &bob_pass)).await;
    shop.shows("the outage", room, holds_everybody).await;
    let paused = tokio::time::timeout(PATIENCE, operator.do_to(room, "pause", None)).await;
    paused.unwrap().is_problem(503, "room_away");
    assert_eq!(ada.hold(&[1]).await.1.status, 201, "who is inside goes on");
    proxy.stall(false);
    shop.shows("it is over", room, is_back).await;
    // What was under way in the link may have arrived after all.
    let state = shop.polled(room).await["state"].clone();
    if state == "paused" {
        assert_eq!(operator.do_to(room, "resume", None).await.status, 200);
    }
    bob.come_in_when_possible(room, &bob_pass).await;
    shop.holds(room, 2).await;
    assert_eq!(shop.figures(room)["totals"]["most_inside"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_no_place_is_given_twice_and_the_cap_holds() {
    const CAP: u32 = 3;
    let master = Server::start(&[]);
    let shown = master.port;
    let redis = Guarded::around(master, shown, 2);
    let mut spot = Spot::impatient(redis.url());
    spot.options.replicas = 1;
    let (first, second) = spot.two().await;
    let room = eventually("a room", || async {
        // A busy machine may keep a replica from answering in time: the operator tries again.
        let new = onsale_server::rooms::NewRoom {
            settings: fast(CAP),
            performances: vec![booking_core::PerformanceId::from(super::super::SHOW)],
            ..Default::default()
        };
        let made = first.app.services().rooms.make(new, "test").await;
        made.ok().map(|detail| detail.id)
    })
    .await;
    let operator = operator(&first).await;
    eventually("it is open", || async {
        operator.do_to(room, "open", None).await;
        (first.polled(room).await["state"] == "open").then_some(())
    })
    .await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let mut line = Vec::new();
    for at in 0..20 {
        let fan = if at % 2 == 0 {
            first.fan()
        } else {
            second.fan()
        };
        let pass = fan.join_when_possible(room).await;
        line.push((fan, pass));
    }
    line[0].0.come_in_when_possible(room, &line[0].1).await;

    redis.master.kill();
    let epoch = |joined: &Value| joined["place"]["epoch"].as_u64();
    let before = line[0].0.standing(room, &line[0].1).await.json();
    for at in 0..20 {
        let shop = if at % 2 == 0 { &first } else { &second };
        // Until the new master gives numbers, there are none, or those of a block from before.
        let (fan, pass) = eventually("numbers of the new master", || async {
            let fan = shop.fan();
            let joined = fan.join_with(room, &json!({})).await;
            let joined = (joined.status == 201).then(|| joined.json())?;
            let is_new = epoch(&joined) > epoch(&before);
            is_new.then(|| (fan, text(&joined["pass"])))
        })
        .await;
        line.push((fan, pass));
    }
    let mut places = HashSet::new();
    for (fan, pass) in &line {
        let standing = fan.standing(room, pass).await.json();
        assert!(places.insert(standing["place"].to_string()), "{standing}");
    }
    assert_eq!(
        line[0].0.hold(&[1]).await.1.status,
        201,
        "who was inside is inside"
    );
    // Those in front come in, and no more than fit.
    for (fan, pass) in &line[1..CAP as usize] {
        fan.come_in_when_possible(room, pass).await;
    }
    for (fan, pass) in &line[CAP as usize..] {
        let refused = fan.claim(room, pass).await;
        assert_ne!(refused.status, 200, "{refused:?}");
    }
    for shop in [&first, &second] {
        shop.holds(room, CAP).await;
        assert_eq!(shop.figures(room)["totals"]["most_inside"], CAP);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_between_looking_and_calling_has_called_nobody_and_the_other_one_does() {
    let redis = Server::start(&[]);
    let proxy = Proxy::before(redis.port);
    let mut spot = Spot::at(proxy.url());
    let first = spot.server().await;
    spot.url = redis.url();
    let second = spot.still_beside(&first).await;
    let mut settings = fast(5);
    settings.rate_per_minute = 0;
    let room = first.open_room(settings).await;
    second.app.services().rooms.look_at_list().await.unwrap();
    let fan = second.fan();
    let pass = fan.join(room).await;
    // The call itself, and nothing else that a server sends, carries what the controller remembers.
    proxy.stall_at("\"credit");
    second.set(room, json!({ "rate_per_minute": 60_000 })).await;
    eventually("the first server is about to call", || async {
        proxy.is_stalled().then_some(())
    })
    .await;
    first.app.services().rooms.stop();
    second.app.start_rooms();
    fan.called(room, &pass).await;
    fan.come_in(room, &pass).await;
    eventually("one was called, once", || async {
        let totals = second.figures(room)["totals"].clone();
        (totals["called"] == 1 && totals["admitted"] == 1).then_some(())
    })
    .await;
}
