//! A world whose clock is moved by hand, and a hall: a store with servers in front of it.

use onsale_queue::room::{
    Admitted, Joined, Presence, RoomStore, Rooms, RoomsConfig, ShopReport, World,
};
use onsale_queue::wire::{ClaimRefused, JoinRefused, PublicRoom, RoomSettings, Wishes};
use onsale_queue::{Action, Authority, Issuer, Keys, RoomId, VisitorId};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub(crate) const ROOM: RoomId = RoomId([7; 16]);
pub(crate) const SOLD_FREELY: ShopReport = ShopReport {
    health_permille: 1000,
    places_left: None,
};

/// Time as told, and bytes that are all different.
pub(crate) struct TestWorld {
    pub(crate) now_ms: AtomicI64,
    pub(crate) monotonic_ms: AtomicU64,
    drawn: AtomicU64,
}

impl TestWorld {
    pub(crate) fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            now_ms: AtomicI64::new(now_ms),
            monotonic_ms: AtomicU64::new(1),
            drawn: AtomicU64::new(1),
        })
    }
}

impl World for TestWorld {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }
    fn monotonic_ms(&self) -> u64 {
        self.monotonic_ms.load(Ordering::SeqCst)
    }
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.drawn.fetch_add(1, Ordering::SeqCst);
            let mixed = next.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
    }
}

/// A store, its clock, and whatever must live as long.
pub(crate) struct Hall {
    pub(crate) store: Arc<dyn RoomStore>,
    pub(crate) world: Arc<TestWorld>,
    /// Moves the store's own clock.
    pub(crate) shift: Box<dyn Fn(i64) + Send + Sync>,
    pub(crate) _keep: Box<dyn std::any::Any + Send + Sync>,
}

impl Hall {
    /// A server of this hall that has taken the room up.
    pub(crate) async fn server(&self, settings: RoomSettings) -> Arc<Rooms> {
        let server = self.server_of(2);
        server.open(ROOM, settings, None).await.unwrap();
        server
    }

    pub(crate) fn server_of(&self, servers: u32) -> Arc<Rooms> {
        let issuer = Issuer::from_seed(&[9; 32]);
        let keys = Keys::new(&[issuer.public_key()]).unwrap();
        let config = RoomsConfig {
            servers,
            ..RoomsConfig::default()
        };
        Arc::new(Rooms::new(
            Arc::clone(&self.store),
            Arc::clone(&self.world) as Arc<dyn World>,
            issuer,
            keys,
            config,
        ))
    }

    /// A server with an open room.
    pub(crate) async fn open(&self, settings: RoomSettings) -> Arc<Rooms> {
        let server = self.server(settings).await;
        server.act(ROOM, Action::Open, None, "olga").await.unwrap();
        server
    }

    /// Time passes, for everybody.
    pub(crate) fn pass(&self, by_ms: i64) {
        self.world.now_ms.fetch_add(by_ms, Ordering::SeqCst);
        let forward = u64::try_from(by_ms).unwrap_or(0);
        self.world.monotonic_ms.fetch_add(forward, Ordering::SeqCst);
        (self.shift)(by_ms);
    }

    /// Ticks of `step_ms` until `for_ms` have passed.
    pub(crate) async fn run(&self, server: &Rooms, for_ms: i64, step_ms: i64) {
        let mut passed = 0;
        while passed < for_ms {
            self.pass(step_ms);
            passed += step_ms;
            server.tick(ROOM, SOLD_FREELY).await.unwrap();
        }
    }
}

/// Generous in everything, so that a test names only what it is about.
pub(crate) fn settings() -> RoomSettings {
    RoomSettings {
        rate_per_minute: 60_000,
        cap: 10,
        ..RoomSettings::default()
    }
}

pub(crate) fn visitor(number: u64) -> VisitorId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    VisitorId(bytes)
}

pub(crate) async fn join(server: &Rooms, number: u64) -> Joined {
    try_join(server, number).await.unwrap()
}

pub(crate) async fn try_join(server: &Rooms, number: u64) -> Result<Joined, JoinRefused> {
    server
        .join(ROOM, visitor(number), None, Wishes::default())
        .await
}

pub(crate) async fn join_many(server: &Rooms, numbers: std::ops::Range<u64>) -> Vec<Joined> {
    let mut joined = Vec::new();
    for number in numbers {
        joined.push(join(server, number).await);
    }
    joined
}

/// Claims as the visitor to whom the pass was given.
pub(crate) async fn claim(server: &Rooms, joined: &Joined) -> Result<Admitted, ClaimRefused> {
    server
        .claim(&joined.pass, joined.pass.visitor, Authority::default())
        .await
}

pub(crate) async fn is_inside(server: &Rooms, admitted: &Admitted) -> bool {
    matches!(
        server.check_in(&admitted.admission).await,
        Presence::Inside { .. }
    )
}

pub(crate) fn public(server: &Rooms) -> Arc<PublicRoom> {
    server.public(ROOM).unwrap()
}
