//! What everybody is told while the rooms' memory is away, and what a clock that jumps does.

use super::super::shop::{Fan, Reply, Shop};
use super::operators::{of, operator};
use super::{at, fast, somebody_inside};
use onsale_queue::RoomId;
use onsale_queue::number::Place;
use onsale_queue::room::port::{
    Advance, Answer, Change, Changed, Claim, Leased, Leaving, NumberBlock, Report, RoomRow, Seed,
    Seen, Shopper, Swept,
};
use onsale_queue::room::{MemoryStore, RoomStore, StoreError, World};
use onsale_queue::wire::{AuditEntry, BypassCode, ClaimRefused, Figures};
use onsale_server::app::AppOptions;
use onsale_server::clock::{Clock, random_bytes};
use onsale_server::http::Settings;
use onsale_server::rooms::RoomsIn;
use serde_json::{Value, json};
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

struct ByClock(Clock);

impl World for ByClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
    fn monotonic_ms(&self) -> u64 {
        self.0.monotonic_ms()
    }
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            [*byte] = random_bytes();
        }
    }
}

/// A store that can be cut off.
struct Far {
    store: MemoryStore,
    away: AtomicBool,
}

macro_rules! far {
    ($($name:ident($($with:ident: $of:ty),*) -> $done:ty;)*) => {
        impl RoomStore for Far {
            $(fn $name(&self, room: RoomId, $($with: $of),*) -> Answer<'_, $done> {
                if self.away.load(Ordering::SeqCst) {
                    return Box::pin(ready(Err(StoreError::Away("cut off".to_owned()))));
                }
                self.store.$name(room, $($with),*)
            })*
        }
    };
}

far! {
    make(seed: Seed) -> bool;
    forget() -> ();
    read() -> RoomRow;
    lease(server: [u8; 16], count: u32, known: Place) -> Leased;
    give_back(server: [u8; 16], rest: NumberBlock) -> bool;
    place_of_person(person: [u8; 16], offered: Place) -> Place;
    use_once(nonce: [u8; 16], expires_ms: i64) -> bool;
    claim(claim: Claim) -> Result<Shopper, ClaimRefused>;
    check_in(shopper: Shopper) -> Seen;
    leave(shopper: Shopper, how: Leaving) -> bool;
    inside(limit: u32) -> Vec<Shopper>;
    sweep(report: Report) -> Swept;
    advance(advance: Advance) -> bool;
    change(change: Change) -> Changed;
    log(entry: AuditEntry) -> ();
    audit(limit: u32) -> Vec<AuditEntry>;
    figures(limit: u32) -> Vec<Figures>;
    put_code(code: BypassCode) -> ();
    codes() -> Vec<BypassCode>;
}

/// A shop whose rooms live elsewhere, and the line to there.
async fn far_away() -> (Shop, Arc<Far>) {
    let mut line = None;
    let settings = Settings {
        rate: None,
        ..Settings::default()
    };
    let shop = Shop::opened(settings, |clock| {
        let far = Arc::new(Far {
            store: MemoryStore::new(Arc::new(ByClock(clock.clone()))),
            away: AtomicBool::new(false),
        });
        line = Some(Arc::clone(&far));
        AppOptions {
            rooms_in: RoomsIn::Shared {
                store: far,
                servers: 1,
            },
            ..AppOptions::default()
        }
    });
    (shop.await, line.unwrap())
}

#[track_caller]
fn is_away(refused: &Reply, room: RoomId) {
    let problem = refused.is_problem(503, "room_away");
    assert_eq!(problem["room"], room.to_hex(), "{problem}");
    let retry_ms = problem["retry_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&retry_ms), "{problem}");
    assert_eq!(
        refused.header("retry-after"),
        retry_ms.div_ceil(1_000).to_string()
    );
}

#[tokio::test]
async fn while_the_memory_is_away_everybody_is_told_and_nobody_loses_anything() {
    let (shop, line) = far_away().await;
    let mut settings = fast(2);
    settings.rate_per_minute = 60;
    let room = shop.open_room(settings).await;
    let operator = operator(&shop).await;
    let (inside, admission) = somebody_inside(&shop, room).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    line.away.store(true, Ordering::SeqCst);
    shop.wait(250).await;

    // It is shown, and why nothing moves.
    let polled = shop.fan().get(&at(room, ""), &[]).await.json();
    assert_eq!(polled["outage"]["policy"]["policy"], "hold", "{polled}");
    is_away(&shop.fan().join_with(room, &json!({})).await, room);
    is_away(&fan.claim(room, &pass).await, room);
    let code = json!({ "code": "ANYCODE" });
    is_away(&fan.json("POST", &at(room, "/claim"), &code).await, room);
    // Operators cannot change what cannot be reached.
    let changes: [(&str, &str, Value); 5] = [
        ("PATCH", "", json!({ "settings": { "cap": 9 } })),
        ("PATCH", "", json!({ "authority": { "max_places": 1 } })),
        ("POST", "/actions", json!({ "action": "pause" })),
        ("POST", "/codes", json!({ "label": "Press", "limit": 1 })),
        ("DELETE", "/codes/none", json!({})),
    ];
    for (method, rest, body) in changes {
        is_away(&operator.json(method, &of(room, rest), &body).await, room);
    }
    for rest in ["/codes", "/figures", "/log", "/inside"] {
        is_away(&operator.get(&of(room, rest), &[]).await, room);
    }
    // Whoever is inside goes on, at the word of their admission.
    assert_eq!(inside.presence(room, &admission).await.status, 200);
    assert_eq!(inside.hold(&[1]).await.1.status, 201);
    // Whoever leaves has left, here at once and everywhere when the memory is back.
    assert_eq!(inside.leave(room, &admission).await.status, 204);
    inside.hold(&[2]).await.1.is_problem(403, "admission_over");
    // And a place is a place: the pass says so.
    assert_eq!(fan.standing(room, &pass).await.status, 200);

    line.away.store(false, Ordering::SeqCst);
    shop.wait(5_000).await;
    fan.come_in(room, &pass).await;
    inside
        .presence(room, &admission)
        .await
        .is_problem(403, "admission_over");
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 1);
    let log = operator.get(&of(room, "/log"), &[]).await.json();
    let deeds: Vec<_> = log["entries"].as_array().unwrap().clone();
    assert!(
        deeds.iter().any(|line| line["deed"]["away"].is_object()),
        "{log}"
    );
}

async fn called(shop: &Shop, room: RoomId) -> u64 {
    shop.figures(room)["totals"]["called"].as_u64().unwrap()
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_calls_nobody_for_the_time_that_was_not() {
    let shop = Shop::open().await;
    let mut settings = fast(1_000);
    settings.rate_per_minute = 60;
    let room = shop.open_room(settings).await;
    let mut fans: Vec<(Fan<'_>, String)> = Vec::new();
    for _ in 0..120 {
        let fan = shop.fan();
        let pass = fan.join(room).await;
        fans.push((fan, pass));
    }
    shop.wait(1_000).await;
    let before = called(&shop, room).await;
    shop.clock.advance(86_400_000);
    shop.app.services().rooms.tick().await;
    let at_once = called(&shop, room).await - before;
    assert!(at_once <= 60, "a day's worth is 86,400: {at_once} called");
    // Nobody's place is lost by it, and turns lapse by the time in which the room called.
    let (fan, pass) = fans.last().unwrap();
    let standing = fan.standing(room, pass).await.json();
    assert_eq!(standing["standing"]["standing"], "waiting", "{standing}");
    let (fan, pass) = &fans[0];
    fan.come_in(room, pass).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_refuses_for_a_while_and_forgets_nothing() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let (fan, admission) = somebody_inside(&shop, room).await;
    let waits = shop.fan();
    let pass = waits.join(room).await;
    shop.clock.advance(-3_600_000);
    shop.app.services().rooms.tick().await;
    // Signed an hour from now: nobody can say whose mistake that is.
    let refused = waits.standing(room, &pass).await;
    let problem = refused.is_problem(403, "pass_invalid");
    assert_eq!(problem["what"], "from_the_future", "{problem}");
    let refused = fan.presence(room, &admission).await;
    let problem = refused.is_problem(403, "admission_invalid");
    assert_eq!(problem["what"], "from_the_future", "{problem}");
    // The room itself goes on: newcomers join behind, and the document does not go back.
    let newcomer = shop.fan();
    let behind = newcomer.join(room).await;
    shop.clock.advance(3_600_000);
    shop.wait(1_000).await;
    assert_eq!(fan.presence(room, &admission).await.status, 200);
    waits.come_in(room, &pass).await;
    newcomer.come_in(room, &behind).await;
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 3);
}
