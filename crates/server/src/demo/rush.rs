//! A rush on a demo's room: simulated visitors who come all at once, join like everybody, wait, come
//! in, look for seats, and buy, give up or just leave.
//!
//! They take their places through the same service as a browser does, and their seats through the
//! same lanes; what they do not do is speak HTTP. Bounded: one rush of a room at a time, so many
//! visitors within so many seconds, and they leave most of the house to others.

use crate::clock::{Clock, random_bytes};
use crate::lane::Lanes;
use crate::rooms::visitor::By;
use crate::rooms::{Caller, JoinWish, Refusal, RoomsError, WaitingRooms};
use booking_core::{Command, CommandId, FanId, HoldId, PerformanceId, SeatRequest};
use onsale_queue::RoomId;
use onsale_queue::number::Place;
use onsale_queue::room::port::Leaving;
use onsale_queue::wire::{Standing, Wishes};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// Most visitors of one rush.
pub const MOST_VISITORS: u32 = 2_000;
/// Longest time within which they come.
pub const MOST_WITHIN_S: u32 = 120;
/// How many come where nothing is said.
pub const VISITORS: u32 = 300;
/// Within which time they come where nothing is said.
pub const WITHIN_S: u32 = 20;
/// Longest a visitor waits before they give up.
const PATIENCE_MS: i64 = 10 * 60_000;
/// Of a hundred, how many take seats.
const TAKE_SEATS: u8 = 45;
/// Of a hundred, how many do not come when they are called.
const STAY_AWAY: u8 = 8;

/// The rushes of this server.
#[derive(Clone, Default)]
pub struct Rushes(Arc<Mutex<HashMap<RoomId, Arc<Rush>>>>);

/// What a rush has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Rush)]
pub struct RushFigures {
    /// Whether anybody is on their way, waits or is inside.
    pub running: bool,
    /// Visitors who have come.
    pub sent: u32,
    /// Of so many.
    pub visitors: u32,
    /// They wait.
    pub waiting: u32,
    /// They are in the shop.
    pub inside: u32,
    /// They have been in the shop.
    pub done: u32,
    /// They got no place, did not come when they were called, or lost patience.
    pub gave_up: u32,
}

struct Rush {
    visitors: u32,
    stop: watch::Sender<bool>,
    running: AtomicBool,
    sent: AtomicU32,
    waiting: AtomicU32,
    inside: AtomicU32,
    done: AtomicU32,
    gave_up: AtomicU32,
}

/// What visitors have at hand.
#[derive(Clone)]
pub struct Ground {
    /// The rooms.
    pub rooms: WaitingRooms,
    /// The seats.
    pub lanes: Lanes,
    /// The time.
    pub clock: Clock,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one more for as long as it lives.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn one_more(counter: &'a AtomicU32) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Rushes {
    /// Sends `visitors` to a room within `within_s`.
    pub fn start(
        &self,
        ground: Ground,
        room: RoomId,
        visitors: u32,
        within_s: u32,
    ) -> Result<RushFigures, RoomsError> {
        let rush = Arc::new(Rush {
            visitors,
            stop: watch::Sender::new(false),
            running: AtomicBool::new(true),
            sent: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            inside: AtomicU32::new(0),
            done: AtomicU32::new(0),
            gave_up: AtomicU32::new(0),
        });
        {
            let mut rushes = locked(&self.0);
            if rushes.get(&room).is_some_and(|rush| rush.is_running()) {
                return Err(RoomsError::Refused(room, Refusal::RushRunning));
            }
            rushes.insert(room, Arc::clone(&rush));
        }
        tokio::spawn(rush.clone().send_all(ground, room, within_s));
        Ok(rush.figures())
    }

    /// What the last rush on a room has come to.
    #[must_use]
    pub fn figures(&self, room: RoomId) -> RushFigures {
        let rush = locked(&self.0).get(&room).cloned();
        rush.map(|rush| rush.figures()).unwrap_or_default()
    }

    /// Nobody else comes, and who is there goes.
    pub fn stop(&self, room: RoomId) {
        if let Some(rush) = locked(&self.0).get(&room) {
            rush.stop.send_replace(true);
        }
    }

    /// The same everywhere: the server stops.
    pub fn stop_all(&self) {
        for rush in locked(&self.0).values() {
            rush.stop.send_replace(true);
        }
    }
}

impl Rush {
    fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    fn figures(&self) -> RushFigures {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        RushFigures {
            running: self.is_running(),
            sent: count(&self.sent),
            visitors: self.visitors,
            waiting: count(&self.waiting),
            inside: count(&self.inside),
            done: count(&self.done),
            gave_up: count(&self.gave_up),
        }
    }

    /// Comes in a wave: many at first, fewer later, as people do when a sale begins.
    async fn send_all(self: Arc<Self>, ground: Ground, room: RoomId, within_s: u32) {
        let began_ms = ground.clock.now_ms();
        let within_ms = u64::from(within_s) * 1_000;
        let mut coming = tokio::task::JoinSet::new();
        let mut stopped = self.stop.subscribe();
        for number in 0..self.visitors {
            // Arrivals thin out with the square: half of them come in the first quarter.
            let share = u64::from(number) * 1_000 / u64::from(self.visitors.max(1));
            let at_ms = share * share * within_ms / 1_000_000;
            let at_ms = began_ms + i64::try_from(at_ms).unwrap_or(0);
            tokio::select! {
                () = ground.clock.sleep_until(at_ms) => {}
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
            self.sent.fetch_add(1, Ordering::Relaxed);
            let (rush, ground) = (Arc::clone(&self), ground.clone());
            coming.spawn(async move {
                if rush.visit(&ground, room).await.is_some() {
                    rush.done.fetch_add(1, Ordering::Relaxed);
                } else {
                    rush.gave_up.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while coming.join_next().await.is_some() {}
        self.running.store(false, Ordering::Relaxed);
    }

    async fn pause(&self, clock: &Clock, for_ms: u64) -> Option<()> {
        let until_ms = clock.now_ms() + i64::try_from(for_ms).unwrap_or(i64::MAX / 2);
        let mut stopped = self.stop.subscribe();
        tokio::select! {
            () = clock.sleep_until(until_ms) => Some(()),
            _ = stopped.wait_for(|stopped| *stopped) => None,
        }
    }

    /// One visitor, from the door to the door. `None`: they never got in.
    async fn visit(&self, ground: &Ground, room: RoomId) -> Option<()> {
        let rooms = &ground.rooms;
        let fan = FanId::from_bytes(random_bytes());
        let caller = Caller::new([fan], None, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let performances = rooms.entry(room).ok()?.performances();
        let [dice, seats] = random_bytes::<2>();
        let performance = *performances.get(usize::from(dice) % performances.len().max(1))?;
        rooms.arrived(performance);
        // A quiet room is opened by the crowd itself; until then everybody walks in and out.
        while !rooms.public(room).ok()?.on {
            self.pause(&ground.clock, 1_000).await?;
            rooms.arrived(performance);
        }
        let _waits = Counted::one_more(&self.waiting);
        let wishes = Wishes {
            places: 1 + seats % 4,
            together: true,
            ..Wishes::default()
        };
        let wish = JoinWish {
            wishes,
            ..JoinWish::default()
        };
        let (place, pass) = self.join(ground, room, &caller, wish).await?;
        let patient_until_ms = ground.clock.now_ms() + PATIENCE_MS;
        loop {
            // Like a browser: from the document that everybody polls, without asking anybody.
            let public = rooms.public(room).ok()?;
            let standing = public.standing(place);
            match standing {
                Standing::YourTurn { .. } if dice % 100 < STAY_AWAY => return None,
                Standing::YourTurn { .. } => {
                    let claimed = rooms.claim(room, &caller, By::Pass(pass.clone()), None);
                    match claimed.await {
                        Ok(claimed) => {
                            drop(_waits);
                            let admission = claimed.admitted.admission;
                            let _inside = Counted::one_more(&self.inside);
                            self.shop(ground, performance, fan, dice, wishes).await;
                            let _ = rooms.leave(&admission, Leaving::Abandoned).await;
                            return Some(());
                        }
                        Err(RoomsError::Refused(_, refusal)) if refusal.retry_ms().is_some() => {}
                        Err(RoomsError::Refused(_, Refusal::Paused)) => {}
                        Err(_) => return None,
                    }
                }
                Standing::TurnOver | Standing::Closed => return None,
                Standing::Gathered { .. } | Standing::Waiting { .. } | Standing::Unknown => {}
            }
            if ground.clock.now_ms() > patient_until_ms {
                return None;
            }
            let again_ms = public.poll_after_ms(standing, u16::from(dice) * 4);
            self.pause(&ground.clock, again_ms).await?;
        }
    }

    /// Joins, without the work that is asked of a browser.
    async fn join(
        &self,
        ground: &Ground,
        room: RoomId,
        caller: &Caller,
        wish: JoinWish,
    ) -> Option<(Place, String)> {
        for _ in 0..10 {
            match ground.rooms.join_simulated(room, caller, wish.wishes).await {
                Ok(placed) => return Some((placed.joined.pass.place, placed.joined.token)),
                Err(RoomsError::Refused(_, Refusal::Closed | Refusal::JoiningOver)) => return None,
                Err(_) => self.pause(&ground.clock, 2_000).await?,
            }
        }
        None
    }

    /// Looks at the map for a while, holds the best there is, and gives it back or lets it lapse.
    async fn shop(
        &self,
        ground: &Ground,
        performance: PerformanceId,
        fan: FanId,
        dice: u8,
        wishes: Wishes,
    ) -> Option<()> {
        self.pause(&ground.clock, 1_500 + u64::from(dice) * 20)
            .await?;
        if dice % 100 >= TAKE_SEATS {
            return None;
        }
        let hold = HoldId::from_bytes(random_bytes());
        let place = Command::PlaceHold {
            hold,
            fan,
            request: SeatRequest::BestAvailable {
                quantity: wishes.places.into(),
                bands: Vec::new(),
                together: wishes.together,
            },
            needs_accessible: false,
            allocation: None,
        };
        let command = || CommandId::from(Uuid::now_v7());
        let lanes = &ground.lanes;
        lanes.send(performance, command(), place).await.ok()?;
        let looked = self
            .pause(&ground.clock, 3_000 + u64::from(dice) * 30)
            .await;
        let release = Command::ReleaseHold { hold, fan };
        // Also when the rush is stopped: nothing of it is left behind.
        let _ = lanes.send(performance, command(), release).await;
        looked
    }
}
