//! What a room costs: one `NAME<tab>VALUE` a line, read by `cargo xtask bench`. Redis is a real one,
//! started here on a free port. With the word `million` it is the life of a million visitors
//! ([`million`]), else ticks and claims.

mod hall;
mod million;
mod redis;

use hall::{Hall, ROOM, visitor};
use onsale_queue::room::ShopReport;
use onsale_queue::room::port::Leaving;
use onsale_queue::wire::RoomSettings;
use onsale_queue::{Authority, Pass, Place, QueueNumber};
use redis::Redis;
use std::sync::Arc;
use std::time::Instant;

const MILLION: u64 = 1_000_000;
const TICKS: usize = 500;
const CLAIMS: u64 = 20_000;
const AT_ONCE: u64 = 64;

fn settings(rate_per_minute: u32, cap: u32) -> RoomSettings {
    RoomSettings {
        rate_per_minute,
        cap,
        claim_ms: 3_600_000,
        ..RoomSettings::default()
    }
}

pub(crate) fn say(name: &str, value: f64) {
    println!("{name}\t{value}");
}

/// The median of many ticks, each of which calls somebody.
async fn tick_us(redis: Option<&Redis>, waiting: u64) -> f64 {
    let hall = Hall::new(redis, settings(600, MILLION as u32)).await;
    hall.join(waiting).await;
    let mut times = Vec::with_capacity(TICKS);
    for _ in 0..TICKS {
        hall.pass(100);
        let started = Instant::now();
        hall.rooms
            .tick(ROOM, ShopReport::default())
            .await
            .expect("a tick");
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64 / 1_000.0
}

async fn claims_a_second(redis: Option<&Redis>) -> f64 {
    let hall = Hall::new(redis, settings(MILLION as u32, MILLION as u32)).await;
    let epoch = hall.join(CLAIMS).await;
    while hall.store.read(ROOM).await.expect("a row").totals.called < CLAIMS {
        hall.tick(1_000).await;
    }
    let started = Instant::now();
    let mut tasks = Vec::new();
    for task in 0..AT_ONCE {
        let rooms = Arc::clone(&hall.rooms);
        tasks.push(tokio::spawn(async move {
            let mut number = task;
            while number < CLAIMS {
                let pass = Pass {
                    room: ROOM,
                    visitor: visitor(number),
                    place: Place {
                        epoch,
                        number: QueueNumber(number),
                    },
                    joined_ms: 0,
                    wishes: onsale_queue::wire::Wishes::default(),
                };
                let admitted = rooms
                    .claim(&pass, pass.visitor, Authority::default())
                    .await
                    .expect("their turn");
                rooms
                    .leave(&admitted.admission, Leaving::Completed)
                    .await
                    .expect("gone");
                number += AT_ONCE;
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    CLAIMS as f64 / started.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    // Cargo hands its own words on; ours is the part that is wanted, and of how many.
    let mut words = std::env::args().skip_while(|word| word != "million");
    if words.next().is_some() {
        let all = words.next().and_then(|count| count.parse().ok());
        return million::run(&Redis::start(), all.unwrap_or(MILLION)).await;
    }
    say("room_tick_1k", tick_us(None, 1_000).await);
    say("room_tick_1m", tick_us(None, MILLION).await);
    say(
        "room_tick_redis_1m",
        tick_us(Some(&Redis::start()), MILLION).await,
    );
    say("room_claims_memory", claims_a_second(None).await);
    say(
        "room_claims_redis",
        claims_a_second(Some(&Redis::start())).await,
    );
}
