//! Servers that live and die over one world, and how one is asked.

use crate::bank::Line;
use crate::room;
use crate::store::{Connection, Life};
use crate::world::{NOW_MS, World, server_id};
use booking_core::terms::{BookingRules, GapRule};
use booking_core::{PerformanceId, SaleTerms, test_support};
use futures_util::future::BoxFuture;
use onsale_queue::room::{MemoryStore, Rooms, ShopReport};
use onsale_queue::wire::RoomSettings;
use onsale_server::checkout::crash::CrashPlan;
use onsale_server::checkout::{Checkouts, Parts, Settings};
use onsale_server::clock::Clock;
use onsale_server::lane::{Goods, LaneSettings, Lanes, PerformanceSource};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long anybody waits for an answer before they ask again.
const PATIENCE: Duration = Duration::from_secs(6);
/// How often a server's rooms tick.
const ROOM_TICK: Duration = Duration::from_millis(250);
/// Ticks until a room in memory is kept.
const ROOM_KEPT_EVERY: u32 = 20;
/// How far the clock of a server is behind at most.
pub(crate) const BEHIND_MS: i64 = 6_000;
/// And ahead.
const AHEAD_MS: i64 = 10_000;
/// What is on sale.
pub(crate) const PERFORMANCES: [PerformanceId; 2] =
    [PerformanceId::from_u128(1), PerformanceId::from_u128(2)];
/// Rows and seats of either house: few, so that many want the same.
pub(crate) const ROWS: u16 = 5;
pub(crate) const SEATS: u16 = 8;

/// The same house each time.
pub(crate) fn house() -> Goods {
    let map = test_support::built(test_support::house_spec(1, ROWS, SEATS));
    let prices = test_support::plain_prices(map.bands().len());
    let rules = BookingRules {
        on_sale_from_ms: NOW_MS - 1,
        hold_ttl_ms: 15_000,
        hold_extension_ms: 5_000,
        hold_max_ms: 30_000,
        max_holds_per_fan: 3,
        max_places_per_fan: 12,
        single_seat_gap: GapRule::Off,
        ..BookingRules::default()
    };
    (map, Arc::new(SaleTerms { rules, prices }))
}

struct Season(Goods);

impl PerformanceSource for Season {
    fn load(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Option<Goods>, String>> {
        let known = PERFORMANCES.contains(&performance);
        Box::pin(async move { Ok(known.then(|| self.0.clone())) })
    }
}

/// A server that lives.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) life: Arc<Life>,
    pub(crate) lanes: Lanes,
    pub(crate) checkouts: Checkouts,
    /// Where the shop is behind a room.
    pub(crate) rooms: Option<Arc<Rooms>>,
    /// Its room in memory, where it is its own.
    memory: Option<(Connection, Arc<MemoryStore>)>,
    /// Which of all lives of servers this is.
    pub(crate) number: u64,
}

/// A server's rooms, and its own memory of them.
type Taken = (Option<Arc<Rooms>>, Option<(Connection, Arc<MemoryStore>)>);

impl Server {
    /// Keeps a room of its own: what an operator did is answered when it is kept.
    pub(crate) async fn keep(&self) -> bool {
        match &self.memory {
            Some((connection, store)) => room::keep(connection, store).await,
            None => true,
        }
    }
}

/// All of them, by their place.
pub(crate) struct Office {
    pub(crate) world: Arc<World>,
    pub(crate) goods: Goods,
    clocks: Vec<Clock>,
    room: Arc<MemoryStore>,
    room_settings: RoomSettings,
    servers: Mutex<Vec<Option<Server>>>,
}

/// A server's ticks of its rooms; those of one that is dead never end.
async fn tick(
    office: Arc<Office>,
    rooms: Arc<Rooms>,
    lanes: Lanes,
    memory: Option<(Connection, Arc<MemoryStore>)>,
) {
    for ticks in 1_u32.. {
        let world = &office.world;
        let is_known = world.odds.room_knows_stock && !world.is_closing();
        let left = PERFORMANCES.map(|performance| {
            let live = lanes.peek(performance)?;
            Some(u64::from(live.counts().open))
        });
        let report = ShopReport {
            health_permille: if world.happens(50) { 300 } else { 1_000 },
            places_left: left.into_iter().sum::<Option<u64>>().filter(|_| is_known),
        };
        // A store that is away is no error of the tick; whatever else is, is one of the next as well.
        let _ = rooms.tick(room::ROOM, report).await;
        if let Some((connection, store)) = &memory
            && ticks.is_multiple_of(ROOM_KEPT_EVERY)
        {
            room::keep(connection, store).await;
        }
        tokio::time::sleep(ROOM_TICK).await;
    }
}

/// Times as in the shop, but for those that a fan would wait minutes for.
fn settings() -> Settings {
    Settings {
        provider_deadline: Duration::from_secs(2),
        step_lifetime_ms: 12_000,
        processing_most: Duration::from_secs(10),
        retry_most: Duration::from_secs(4),
        capture_failures: 4,
        ..Settings::default()
    }
}

impl Office {
    /// Nobody is at work yet. Each server has a clock of its own, wrong by a second or two.
    pub(crate) fn of(world: Arc<World>) -> Arc<Self> {
        let servers = world.odds.servers;
        let clocks = (0..servers)
            .map(|_| Clock::manual(NOW_MS + world.dice().i64(-1_500..1_500)))
            .collect();
        let room_settings = room::settings(&world);
        world.doors().caps.push((NOW_MS - 1, room_settings.cap));
        Arc::new(Self {
            room: room::store(&world),
            room_settings,
            world,
            goods: house(),
            clocks,
            servers: Mutex::new(vec![None; servers]),
        })
    }

    fn servers(&self) -> MutexGuard<'_, Vec<Option<Server>>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn places(&self) -> usize {
        self.clocks.len()
    }

    /// All clocks go on by so much.
    pub(crate) fn pass(&self, by_ms: i64) {
        self.world.clock.advance(by_ms);
        for clock in &self.clocks {
            clock.advance(by_ms);
        }
    }

    /// A server's clock is put ahead or back, while no time passes. It is never further behind than
    /// [`BEHIND_MS`] nor further ahead than [`AHEAD_MS`].
    pub(crate) fn jump(&self, slot: usize, by_ms: i64) {
        let clock = &self.clocks[slot];
        let wrong_ms = clock.now_ms() - self.world.clock.now_ms();
        let by_ms = (wrong_ms + by_ms).clamp(-BEHIND_MS, AHEAD_MS) - wrong_ms;
        self.world
            .say(format_args!("the clock of {slot} jumps {by_ms} ms"));
        self.world.count(|counts| counts.jumps += 1);
        clock.put_wrong(by_ms);
    }

    /// Starts the server of that place, as often as it takes.
    pub(crate) async fn start(self: &Arc<Self>, slot: usize) {
        loop {
            let life = Life::new(slot);
            let connection = Connection {
                world: Arc::clone(&self.world),
                life: Arc::clone(&life),
            };
            let clock = self.clocks[slot].clone();
            let lanes = Lanes::new(
                connection.clone(),
                Arc::new(Season(self.goods.clone())),
                clock.clone(),
                // Snapshots are made on threads of their own, whose pace no seed decides.
                LaneSettings {
                    snapshot_events: u64::MAX,
                    idle_after: Duration::from_secs(100_000),
                    ..LaneSettings::default()
                },
            );
            let started = Checkouts::start(Parts {
                store: Arc::new(connection),
                lanes: lanes.clone(),
                provider: Arc::new(Line {
                    world: Arc::clone(&self.world),
                    life: Arc::clone(&life),
                }),
                clock,
                settings: settings(),
                crash: CrashPlan::default(),
                server: server_id(slot),
            });
            let started = started.await;
            let own = Connection {
                world: Arc::clone(&self.world),
                life: Arc::clone(&life),
            };
            let rooms = self.take_rooms_up(slot, &own).await;
            match started.ok().zip(rooms) {
                Some((checkouts, (rooms, memory))) => {
                    let number = self.world.next_turn();
                    if let Some(rooms) = rooms.clone() {
                        let memory = memory.clone();
                        tokio::spawn(tick(Arc::clone(self), rooms, lanes.clone(), memory));
                    }
                    self.world.say(format_args!("{slot} starts"));
                    self.servers()[slot] = Some(Server {
                        life,
                        lanes,
                        checkouts,
                        rooms,
                        memory,
                        number,
                    });
                    return;
                }
                // The process ends, and is started again by whoever looks after it.
                None => life.end(),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// A server's rooms, where there are any; `None`: it cannot start.
    async fn take_rooms_up(&self, slot: usize, own: &Connection) -> Option<Taken> {
        if !self.world.odds.has_room {
            return Some((None, None));
        }
        let memory = match self.world.odds.room_dies {
            true => Some((own.clone(), room::reborn(own).ok()?)),
            false => None,
        };
        let store = memory.as_ref().map_or(&self.room, |(_, store)| store);
        let clock = self.clocks[slot].clone();
        let rooms = room::rooms(&self.world, store, &own.life, clock);
        let settings = self.room_settings.clone();
        rooms.open(room::ROOM, settings, None).await.ok()?;
        if memory.is_some() {
            let row = rooms.row(room::ROOM)?;
            let now_ms = self.world.clock.now_ms();
            let kept_ms = self
                .world
                .disk()
                .room
                .as_ref()
                .map_or(0, |kept| kept.taken_ms);
            let cap = row.settings.cap;
            self.world.doors().reborn(now_ms, kept_ms, cap);
        }
        Some((Some(rooms), memory))
    }

    /// Ends the server of that place as `kill -9` does: whatever it was about to do does not happen.
    pub(crate) fn kill(&self, slot: usize) -> bool {
        let Some(server) = self.servers()[slot].take() else {
            return false;
        };
        server.life.end();
        self.world.count(|counts| counts.crashes += 1);
        self.world.say(format_args!("{slot} is killed"));
        true
    }

    /// One that lives, if there is one.
    pub(crate) fn any(&self) -> Option<Server> {
        let servers: Vec<_> = self.servers().iter().flatten().cloned().collect();
        if servers.is_empty() {
            return None;
        }
        let at = self.world.dice().usize(0..servers.len());
        Some(servers[at].clone())
    }

    /// Asks some server, and gives up when it dies or nobody answers in time. `None`: no answer, and
    /// nobody knows what came of it.
    pub(crate) async fn ask<T, F>(&self, question: impl FnOnce(Server) -> F) -> Option<T>
    where
        F: Future<Output = T>,
    {
        let server = self.any()?;
        let life = Arc::clone(&server.life);
        let asked = self.world.happens(self.world.odds.answer_lost);
        let answer = tokio::time::timeout(PATIENCE, question(server))
            .await
            .ok()?;
        if asked || !life.is_alive() {
            self.world.count(|counts| counts.answers_lost += 1);
            return None;
        }
        Some(answer)
    }

    /// The bank's notices, each to some server, as a proxy hands them out.
    pub(crate) async fn deliver_notices(&self) {
        let outbox = self.world.outbox.lock().ok().and_then(|mut it| it.take());
        let Some(mut outbox) = outbox else { return };
        while let Some(notice) = outbox.next().await {
            if self.world.happens(self.world.odds.answer_lost) {
                continue;
            }
            // Some come twice, to another server perhaps. Refused or not: what they say can be looked up.
            let times = if self.world.happens(self.world.odds.news_lost) {
                2
            } else {
                1
            };
            for _ in 0..times {
                if let Some(server) = self.any() {
                    let _ = server.checkouts.notice(&notice.signature, &notice.body);
                }
            }
        }
    }
}
