//! Rooms on a real Redis: servers that share it, and what happens when it fails.
//!
//! Every server here is a whole one (services, edge, ticking rooms, a connection of its own to Redis)
//! on one database. Time is the machine's: tests wait for states, and never for a time.

mod faults;
mod life;
mod list;
mod outage;
mod servers;

use super::super::shop::{Fan, Shop};
use super::{at, text};
use onsale_queue::RoomId;
use onsale_queue::room::{RedisOptions, RedisStore};
use onsale_server::app::AppOptions;
use onsale_server::rooms::RoomsIn;
use onsale_server::rooms::limits::JoinLimit;
use redis_test::{PATIENCE, Server};
use serde_json::Value;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// One server for all tests that break nothing.
fn redis() -> &'static Server {
    static REDIS: LazyLock<Server> = LazyLock::new(|| Server::start(&[]));
    &REDIS
}

/// Where the rooms of one test live.
struct Spot {
    url: String,
    options: RedisOptions,
    joins: JoinLimit,
}

impl Spot {
    /// On the Redis of all, under a name of its own, with much patience.
    fn new() -> Self {
        Self::at(redis().url())
    }

    fn at(url: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let options = RedisOptions {
            // What is late on a busy machine is not away.
            timeout_ms: 20_000,
            namespace: format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            ..RedisOptions::default()
        };
        let joins = None;
        Self {
            url,
            options,
            joins,
        }
    }

    /// Where an address joins so often a minute.
    fn with_joins(self, most: u32) -> Self {
        let joins = NonZeroU32::new(most);
        Self { joins, ..self }
    }

    /// For tests in which answers never come.
    fn impatient(url: String) -> Self {
        let mut spot = Self::at(url);
        spot.options.timeout_ms = RedisOptions::default().timeout_ms;
        spot
    }

    /// A connection, as each server has its own. Tried for as long as anybody would wait: a busy
    /// machine may be slow to connect.
    async fn store(&self) -> RedisStore {
        eventually("a connection to Redis", || async {
            RedisStore::connect(&self.url, self.options.clone())
                .await
                .ok()
        })
        .await
    }

    async fn shared(&self) -> AppOptions {
        let store = Arc::new(self.store().await);
        AppOptions {
            rooms_in: RoomsIn::Shared { store, servers: 2 },
            room_joins: self.joins,
            ..AppOptions::default()
        }
    }

    /// The first server; its rooms do not tick yet.
    async fn still(&self) -> Shop {
        Shop::sharing(self.shared().await, None).await
    }

    /// Another one on the same database.
    async fn still_beside(&self, first: &Shop) -> Shop {
        Shop::sharing(self.shared().await, Some(first)).await
    }

    /// A server at work.
    async fn server(&self) -> Shop {
        let shop = self.still().await;
        shop.app.start_rooms();
        shop
    }

    /// Two servers at work on one database.
    async fn two(&self) -> (Shop, Shop) {
        let first = self.server().await;
        let second = self.still_beside(&first).await;
        second.app.start_rooms();
        (first, second)
    }
}

/// Asks until there is an answer, for as long as anybody would.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let started = Instant::now();
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    loop {
        interval.tick().await;
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "never: {what}");
    }
}

impl Shop {
    /// What everybody polls here.
    async fn polled(&self, room: RoomId) -> Value {
        let polled = self.fan().get(&at(room, ""), &[]).await;
        assert_eq!(polled.status, 200, "{polled:?}");
        polled.json()
    }

    /// Waits until what everybody polls here is as it should be.
    async fn shows(&self, what: &str, room: RoomId, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || async {
            let polled = self.fan().get(&at(room, ""), &[]).await;
            let polled = (polled.status == 200).then(|| polled.json())?;
            is_so(&polled).then_some(polled)
        })
        .await
    }

    /// Waits until so many are inside, as this server sees it.
    async fn holds(&self, room: RoomId, inside: u32) {
        eventually("as many inside as there should be", || async {
            (self.inside(room) == inside).then_some(())
        })
        .await;
    }
}

impl Fan<'_> {
    /// Waits until it is their turn.
    async fn called(&self, room: RoomId, pass: &str) {
        eventually("it is their turn", || async {
            let standing = self.standing(room, pass).await;
            assert_eq!(standing.status, 200, "{standing:?}");
            (standing.json()["standing"]["standing"] == "your_turn").then_some(())
        })
        .await;
    }

    /// Waits for their turn and comes in.
    async fn come_in_when_called(&self, room: RoomId, pass: &str) -> String {
        self.called(room, pass).await;
        self.come_in(room, pass).await
    }

    /// Waits until the server asks for an admission before a hold.
    async fn is_kept_out(&self) {
        let tried = AtomicU32::new(40);
        eventually("an admission is needed", || async {
            let seat = tried.fetch_add(1, Ordering::Relaxed) % 60 + 40;
            let (_, held) = self.hold(&[seat]).await;
            (held.status == 403).then(|| held.is_problem(403, "admission_needed"))
        })
        .await;
    }

    /// Joins as soon as numbers are given.
    async fn join_when_possible(&self, room: RoomId) -> String {
        eventually("a number is given", || async {
            let joined = self.join_with(room, &serde_json::json!({})).await;
            (joined.status == 201).then(|| text(&joined.json()["pass"]))
        })
        .await
    }
}
