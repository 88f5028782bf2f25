//! What all of the benchmarks need: a room that is open, and time that passes as it is told.

use crate::redis::Redis;
use onsale_queue::room::port::Leased;
use onsale_queue::room::{
    MemoryStore, RedisOptions, RedisStore, RoomStore, Rooms, RoomsConfig, ShopReport, World,
};
use onsale_queue::wire::RoomSettings;
use onsale_queue::{Action, Epoch, Issuer, Keys, Place, QueueNumber, RoomId, VisitorId};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const ROOM: RoomId = RoomId([7; 16]);

/// The machine's clock and what it was set forward by: Redis has the same, so the two never differ by
/// more than clocks may.
struct Clock {
    ahead_ms: AtomicI64,
    drawn: AtomicU64,
}

impl World for Clock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock after 1970");
        let now_ms = i64::try_from(since.as_millis()).expect("fits");
        now_ms + self.ahead_ms.load(Ordering::Relaxed)
    }
    fn monotonic_ms(&self) -> u64 {
        self.now_ms().unsigned_abs()
    }
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.drawn.fetch_add(1, Ordering::Relaxed);
            let mixed = next.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
    }
}

/// A server with a room, its store and a clock that is moved by hand.
pub(crate) struct Hall {
    pub(crate) store: Arc<dyn RoomStore>,
    clock: Arc<Clock>,
    redis: Option<Arc<RedisStore>>,
    pub(crate) rooms: Arc<Rooms>,
}

impl Hall {
    pub(crate) async fn new(redis: Option<&Redis>, settings: RoomSettings) -> Self {
        let clock = Arc::new(Clock {
            ahead_ms: AtomicI64::new(0),
            drawn: AtomicU64::new(1),
        });
        let redis = match redis {
            None => None,
            Some(redis) => {
                let url = format!("redis://127.0.0.1:{}", redis.port);
                let options = RedisOptions {
                    timeout_ms: 10_000,
                    ..RedisOptions::default()
                };
                let store = RedisStore::connect(&url, options).await.expect("Redis");
                Some(Arc::new(store))
            }
        };
        let world = Arc::clone(&clock) as Arc<dyn World>;
        let store: Arc<dyn RoomStore> = match &redis {
            Some(redis) => Arc::clone(redis) as Arc<dyn RoomStore>,
            None => Arc::new(MemoryStore::new(Arc::clone(&world))),
        };
        let issuer = Issuer::from_seed(&[9; 32]);
        let keys = Keys::new(&[issuer.public_key()]).expect("a key");
        let rooms = Rooms::new(
            Arc::clone(&store),
            world,
            issuer,
            keys,
            RoomsConfig::default(),
        );
        rooms.open(ROOM, settings, None).await.expect("a room");
        rooms
            .act(ROOM, Action::Open, None, "bench")
            .await
            .expect("open");
        Self {
            store,
            clock,
            redis,
            rooms: Arc::new(rooms),
        }
    }

    /// Time passes, also for Redis.
    pub(crate) fn pass(&self, by_ms: i64) {
        self.clock.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
        if let Some(redis) = &self.redis {
            redis.shift(by_ms);
        }
    }

    /// So many join, by blocks as servers lease them.
    pub(crate) async fn join(&self, count: u64) -> Epoch {
        let mut left = count;
        let known = Place {
            epoch: Epoch(0),
            number: QueueNumber(0),
        };
        loop {
            let ask = u32::try_from(left.min(4_096)).expect("fits");
            let leased = self
                .store
                .lease(ROOM, [1; 16], ask, known)
                .await
                .expect("numbers");
            let Leased::Block(block) = leased else {
                panic!("{leased:?}");
            };
            left -= u64::from(block.count);
            if left == 0 {
                return block.epoch;
            }
        }
    }

    pub(crate) async fn tick(&self, by_ms: i64) {
        self.pass(by_ms);
        self.rooms
            .tick(ROOM, ShopReport::default())
            .await
            .expect("a tick");
    }
}

/// A different one for each number.
pub(crate) fn visitor(number: u64) -> VisitorId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    VisitorId(bytes)
}
