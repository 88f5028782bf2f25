//! A million visitors through their whole life in a room on a real Redis, in a time that passes as
//! quickly as the machine can follow.
//!
//! Each joins through the service and gets a signed pass, works its place out of the public document
//! whenever the document says to look again, shows its pass when it is its turn, is let in by Redis
//! (or told that the shop is full, and tries again), shows its admission, and goes. One in ten gives
//! up while it waits and is never seen again; one in a hundred is late. Every signature is made and
//! checked.

use crate::hall::{Hall, ROOM, visitor};
use crate::{redis::Redis, say};
use onsale_queue::room::port::Leaving;
use onsale_queue::room::{Admitted, Rooms};
use onsale_queue::wire::{ClaimRefused, RoomSettings, Standing, Wishes};
use onsale_queue::{Action, Authority, Place};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of twenty who come, one may be inside.
const PER_SLOT: u64 = 20;
const TICK_MS: i64 = 250;
/// All have come by then, evenly.
const ARRIVE_WITHIN_MS: i64 = 30_000;
/// How long somebody shops.
const LEAST_STAY_MS: u64 = 2_000;
const STAY_SPREAD_MS: u64 = 8_000;
/// The slot of who was called is kept free for so long: longer than anybody waits between two looks,
/// or all would come late to slots that are kept for the next.
const CLAIM_MS: u32 = 30_000;
/// Whose turn it is and who comes this much later is late.
const LATE_MS: u64 = 40_000;
/// Tasks at once.
const TASKS: usize = 64;
/// If it is not over by then, somebody waits in vain: a quarter of an hour of the room's time.
const END_MS: i64 = 900_000;

/// What a visitor is like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Temper {
    Patient,
    Late,
    GivesUp,
}

struct Visitor {
    number: u64,
    place: Place,
    token: String,
    /// How many were ahead at the last look.
    ahead: u64,
    looks: u32,
    temper: Temper,
    /// For who is late: when they notice that it is their turn.
    noticed_ms: Option<i64>,
}

/// Things to do, by the tick in which they are due.
struct Wheel<T>(Vec<Vec<T>>);

impl<T> Wheel<T> {
    fn new() -> Self {
        Self((0..END_MS / TICK_MS + 1).map(|_| Vec::new()).collect())
    }

    /// At the earliest in the next tick.
    fn add(&mut self, now: usize, after_ms: u64, thing: T) {
        let ticks = (after_ms / TICK_MS.unsigned_abs()).max(1);
        let last = self.0.len() - 1;
        let at = now + usize::try_from(ticks).expect("fits");
        self.0[at.min(last)].push(thing);
    }

    fn take(&mut self, now: usize) -> Vec<T> {
        core::mem::take(&mut self.0[now])
    }
}

#[derive(Default)]
struct Sums {
    joined: u64,
    joining: Duration,
    polls: u64,
    polling: Duration,
    full: u64,
    admitted: u64,
    claiming: Duration,
    gave_up: u64,
    /// Whose place was given twice, who moved back, whose pass or admission was not good, who lost
    /// their turn although they came.
    wronged: u64,
}

/// xorshift64*: the same lives in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) * bound) >> 32
    }
}

/// What came of showing a pass.
enum Shown {
    In(Box<Admitted>),
    Full(Visitor),
    Wronged,
}

/// `all` is a million, or fewer to try it out.
pub(crate) async fn run(redis: &Redis, all: u64) {
    let cap = u32::try_from(all / PER_SLOT)
        .expect("a cap that fits")
        .max(1);
    let settings = RoomSettings {
        rate_per_minute: u32::try_from(all).expect("a rate that fits"),
        cap,
        claim_ms: CLAIM_MS,
        ..RoomSettings::default()
    };
    let hall = Hall::new(Some(redis), settings).await;
    let mut dice = Dice(0x0005_EED0_F0E5_A1E5);
    let (mut sums, mut waiting, mut shopping) = (Sums::default(), Wheel::new(), Wheel::new());
    let mut given = std::collections::BTreeSet::new();
    let before = redis.used_bytes();
    let (mut peak, mut at_rest) = (0, 0);
    let mut peak_by_key = BTreeMap::new();
    let (mut number, mut settled) = (0_u64, 0_u64);
    let mut now = 0;

    // While everybody comes nobody is called: what is in Redis then is what waiting costs.
    hall.rooms
        .act(ROOM, Action::Pause, None, "bench")
        .await
        .expect("a pause");
    while settled < all {
        let now_ms = i64::try_from(now).expect("fits") * TICK_MS;
        assert!(now_ms < END_MS, "{} wait in vain", all - settled);
        if number < all {
            let until =
                all.min((now_ms + TICK_MS).unsigned_abs() * all / ARRIVE_WITHIN_MS.unsigned_abs());
            let came = Instant::now();
            let joined = join(&hall.rooms, number..until).await;
            sums.joining += came.elapsed();
            sums.joined += joined.len() as u64;
            for mut visitor in joined {
                // Places are numbers of one epoch: a set of them is what nobody may be in twice.
                sums.wronged += u64::from(!given.insert(visitor.place));
                visitor.temper = match dice.below(100) {
                    0..10 => Temper::GivesUp,
                    10 => Temper::Late,
                    _ => Temper::Patient,
                };
                waiting.add(now, dice.below(2_000), visitor);
            }
            number = until;
            if number == all {
                hall.tick(0).await;
                at_rest = redis.used_bytes().saturating_sub(before);
                drop(core::mem::take(&mut given));
                hall.rooms
                    .act(ROOM, Action::Resume, None, "bench")
                    .await
                    .expect("an end of the pause");
            }
        }

        let mut to_show = Vec::new();
        let looked = Instant::now();
        let public = hall.rooms.public(ROOM).expect("the room");
        for mut visitor in waiting.take(now) {
            sums.polls += 1;
            let standing = public.standing(visitor.place);
            let spread = u16::try_from(dice.below(1_001)).expect("fits");
            match standing {
                Standing::YourTurn { .. } if visitor.temper == Temper::Late => {
                    let noticed_ms = *visitor.noticed_ms.get_or_insert(now_ms);
                    if now_ms - noticed_ms >= LATE_MS as i64 {
                        to_show.push(visitor);
                    } else {
                        waiting.add(now, LATE_MS, visitor);
                    }
                    continue;
                }
                Standing::YourTurn { .. } => {
                    to_show.push(visitor);
                    continue;
                }
                Standing::Waiting { ahead, .. } => {
                    // The first look may be before the document has the number.
                    sums.wronged += u64::from(visitor.looks > 0 && ahead > visitor.ahead);
                    visitor.ahead = ahead;
                    visitor.looks += 1;
                }
                Standing::Unknown | Standing::Gathered { .. } => {}
                Standing::TurnOver | Standing::Closed => {
                    sums.wronged += 1;
                    settled += 1;
                    continue;
                }
            }
            if visitor.temper == Temper::GivesUp && visitor.looks >= 3 {
                sums.gave_up += 1;
                settled += 1;
                continue;
            }
            waiting.add(now, public.poll_after_ms(standing, spread), visitor);
        }
        sums.polling += looked.elapsed();

        let claimed = Instant::now();
        for shown in show(&hall.rooms, to_show).await {
            match shown {
                Shown::In(admitted) => {
                    sums.admitted += 1;
                    let stay_ms = LEAST_STAY_MS + dice.below(STAY_SPREAD_MS);
                    shopping.add(now, stay_ms, *admitted);
                }
                Shown::Full(visitor) => {
                    sums.full += 1;
                    // As the page does: at the next look, whatever was said of when it is sure to help.
                    waiting.add(now, 750 + dice.below(501), visitor);
                }
                Shown::Wronged => {
                    sums.wronged += 1;
                    settled += 1;
                }
            }
        }
        sums.claiming += claimed.elapsed();
        let going = shopping.take(now);
        settled += going.len() as u64;
        sums.wronged += leave(&hall.rooms, going).await;

        hall.tick(TICK_MS).await;
        if now % 4 == 0 {
            let used = redis.used_bytes().saturating_sub(before);
            peak = peak.max(used);
            // Redis keeps 25 KB for each command that it has ever run: not before what waiting costs
            // has been read.
            if used == peak && number == all {
                peak_by_key = redis.bytes_by_key();
            }
        }
        now += 1;
        if now % 40 == 0 {
            eprintln!(
                "{} s of the room's time: {number} came, {settled} are done",
                now_ms / 1_000
            );
        }
    }
    let row = hall.store.read(ROOM).await.expect("a row");
    let over = row.totals.most_inside.saturating_sub(u64::from(cap));
    // Whoever did not give up has been in, and the room has counted each once.
    let wanted = all - sums.gave_up;
    let lost = wanted.abs_diff(sums.admitted) + row.totals.admitted.abs_diff(sums.admitted);
    say("room_bytes_per_waiting", at_rest as f64 / all as f64);
    say("room_bytes_per_visitor_peak", peak as f64 / all as f64);
    say("room_overshoot", over as f64);
    say("room_million_wronged", (sums.wronged + lost) as f64);
    say("room_million_joins", rate(sums.joined, sums.joining));
    say("room_million_polls", rate(sums.polls, sums.polling));
    say(
        "room_million_claims",
        rate(sums.admitted + sums.full, sums.claiming),
    );
    say("looks_a_visitor", sums.polls as f64 / all as f64);
    say("full", sums.full as f64);
    say("most_inside", row.totals.most_inside as f64);
    say("gave_up", sums.gave_up as f64);
    for (kind, bytes) in peak_by_key {
        say(&format!("peak_of_{kind}"), bytes as f64 / all as f64);
    }
    say("seconds_of_the_room", now as f64 * TICK_MS as f64 / 1_000.0);
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// So many at once: everybody of a task one after another, tasks side by side.
fn shared<T>(things: Vec<T>) -> Vec<Vec<T>> {
    let each = things.len().div_ceil(TASKS).max(1);
    let (mut shares, mut things) = (Vec::new(), things.into_iter().peekable());
    while things.peek().is_some() {
        shares.push(things.by_ref().take(each).collect());
    }
    shares
}

async fn join(rooms: &Arc<Rooms>, numbers: std::ops::Range<u64>) -> Vec<Visitor> {
    let share = |numbers: Vec<u64>| {
        let rooms = Arc::clone(rooms);
        tokio::spawn(async move {
            let mut joined = Vec::with_capacity(numbers.len());
            for number in numbers {
                let wishes = Wishes::default();
                let place = rooms.join(ROOM, visitor(number), None, wishes).await;
                let place = place.expect("a place");
                joined.push(Visitor {
                    number,
                    place: place.pass.place,
                    token: place.token,
                    ahead: 0,
                    looks: 0,
                    temper: Temper::Patient,
                    noticed_ms: None,
                });
            }
            joined
        })
    };
    let tasks: Vec<_> = shared(numbers.collect()).into_iter().map(share).collect();
    let mut joined = Vec::new();
    for task in tasks {
        joined.extend(task.await.expect("no panic"));
    }
    joined
}

/// Whose turn it is shows the pass and, let in, the admission.
async fn show(rooms: &Arc<Rooms>, visitors: Vec<Visitor>) -> Vec<Shown> {
    let share = |visitors: Vec<Visitor>| {
        let rooms = Arc::clone(rooms);
        tokio::spawn(async move {
            let mut shown = Vec::with_capacity(visitors.len());
            for one in visitors {
                shown.push(show_one(&rooms, one).await);
            }
            shown
        })
    };
    let tasks: Vec<_> = shared(visitors).into_iter().map(share).collect();
    let mut shown = Vec::new();
    for task in tasks {
        shown.extend(task.await.expect("no panic"));
    }
    shown
}

async fn show_one(rooms: &Rooms, one: Visitor) -> Shown {
    let who = visitor(one.number);
    let Ok(pass) = rooms.check_pass(ROOM, &one.token, who) else {
        return Shown::Wronged;
    };
    if pass.place != one.place {
        return Shown::Wronged;
    }
    let admitted = match rooms.claim(&pass, who, Authority::default()).await {
        Ok(admitted) => admitted,
        Err(ClaimRefused::Full { .. }) => return Shown::Full(one),
        // The document was a tick ahead of the store's row.
        Err(ClaimRefused::NotYourTurn) => return Shown::Full(one),
        Err(_) => return Shown::Wronged,
    };
    let checked = rooms.check_admission(ROOM, &admitted.token, who);
    if checked.as_ref() != Ok(&admitted.admission) {
        return Shown::Wronged;
    }
    Shown::In(Box::new(admitted))
}

/// How many were not inside any more when they went.
async fn leave(rooms: &Arc<Rooms>, going: Vec<Admitted>) -> u64 {
    let share = |going: Vec<Admitted>| {
        let rooms = Arc::clone(rooms);
        tokio::spawn(async move {
            let mut were_not = 0;
            for admitted in going {
                let left = rooms.leave(&admitted.admission, Leaving::Completed).await;
                were_not += u64::from(!left.expect("an answer"));
            }
            were_not
        })
    };
    let tasks: Vec<_> = shared(going).into_iter().map(share).collect();
    let mut were_not = 0;
    for task in tasks {
        were_not += task.await.expect("no panic");
    }
    were_not
}
