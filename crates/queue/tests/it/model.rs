//! The whole life of a room, at random: the room in memory and the one on a real Redis take the same
//! steps at the same time and must never differ; and whatever is done, the promises hold.

use crate::servers::{single, store_at};
use crate::support::{ROOM, TestWorld, settings, visitor};
use onsale_queue::controller::{Controller, HeldBy};
use onsale_queue::draw::DrawKey;
use onsale_queue::number::{Epoch, EpochProgress, Place, QueueNumber};
use onsale_queue::room::port::{
    Advance, Change, Changed, Claim, Leased, Leaving, NumberBlock, Report, Right, RoomDraw,
    RoomRow, Seed, Seen, Shopper, Turn, next_epoch,
};
use onsale_queue::room::pulse::Pulse;
use onsale_queue::room::{MemoryStore, RedisStore, RoomStore, World};
use onsale_queue::wire::{AuditEntry, BypassCode, Deed, PublicDraw, RoomSettings, Totals};
use onsale_queue::{Action, ServingPosition};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[derive(Clone, Debug)]
enum Step {
    /// By one of the servers.
    Lease(u8, u32),
    GiveBack(u32),
    Pass(i64),
    /// Which server sweeps, how many of its numbers it has given, and how many it calls if it may.
    Tick(u8, u32, u64, Option<u64>),
    /// A stale call with the last turn.
    CallAgain(u64),
    Claim(usize, u64),
    Bypass(u64),
    CheckIn(usize),
    Leave(usize, bool),
    Act(usize),
    SetCap(u32),
    StaleChange,
    Person(u8, usize),
    /// A pass from elsewhere is shown: an epoch before or after, or numbers unheard of.
    Show(i64, u64),
    /// A server tells again what it knew, and of a shopper; perhaps of one whom it let in on the same
    /// place while the store was away.
    Remind(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2_u8, 1..40_u32).prop_map(|(server, count)| Step::Lease(server, count)),
        1 => (1..10_u32).prop_map(Step::GiveBack),
        4 => prop_oneof![0..3_000_i64, 3_000..60_000_i64, -90_000..0_i64].prop_map(Step::Pass),
        8 => (0..2_u8, 0..40_u32, 0..30_u64, proptest::option::of(0..5_u64))
            .prop_map(|(server, given, calls, left)| Step::Tick(server, given, calls, left)),
        1 => (0..30_u64).prop_map(Step::CallAgain),
        10 => (any::<usize>(), 0..4_u64).prop_map(|(at, who)| Step::Claim(at, who)),
        2 => (0..6_u64).prop_map(Step::Bypass),
        3 => any::<usize>().prop_map(Step::CheckIn),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(at, bought)| Step::Leave(at, bought)),
        3 => (0..Action::ALL.len()).prop_map(Step::Act),
        2 => (0..6_u32).prop_map(Step::SetCap),
        1 => Just(Step::StaleChange),
        2 => (0..4_u8, any::<usize>()).prop_map(|(who, at)| Step::Person(who, at)),
        1 => (-3..3_i64, 1..200_u64).prop_map(|(epoch, next)| Step::Show(epoch, next)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(at, twin)| Step::Remind(at, twin)),
    ]
}

/// Both stores, the time they share, and what has been seen so far.
struct Pair {
    world: Arc<TestWorld>,
    memory: MemoryStore,
    redis: RedisStore,
    rows: Vec<RoomRow>,
    /// With who leased them.
    blocks: Vec<([u8; 16], NumberBlock)>,
    /// Given to visitors; a number once given back may be given anew.
    given: Vec<Place>,
    turn: Option<(Turn, u64)>,
    admitted: Vec<Shopper>,
    /// Let in a second time on a place, by a server that could not ask.
    twins: Vec<Shopper>,
    nonces: u32,
    reentries: u64,
}

macro_rules! both {
    ($pair:ident . $method:ident ( $($argument:expr),* )) => {{
        let memory = $pair.memory.$method(ROOM, $($argument),*).await;
        let redis = $pair.redis.$method(ROOM, $($argument),*).await;
        assert_eq!(memory, redis, concat!("memory and Redis: ", stringify!($method)));
        redis.unwrap()
    }};
}

const START_MS: i64 = 1_800_000_000_000;

impl Pair {
    async fn new() -> Self {
        let world = TestWorld::at(START_MS);
        let redis = store_at(&single().url(), 0).await;
        redis.hold_time(START_MS);
        let pair = Self {
            memory: MemoryStore::new(Arc::clone(&world) as Arc<dyn World>),
            redis,
            world,
            rows: Vec::new(),
            blocks: Vec::new(),
            given: Vec::new(),
            turn: None,
            admitted: Vec::new(),
            twins: Vec::new(),
            nonces: 0,
            reentries: 0,
        };
        let small = RoomSettings {
            cap: 3,
            claim_ms: 5_000,
            late_ms: 8_000,
            shop_ms: 40_000,
            idle_ms: 15_000,
            ..settings()
        };
        let row = RoomRow::new(small, draw(1), START_MS);
        both!(pair.make(seed(row.clone())));
        both!(pair.put_code(BypassCode {
            id: "c0de".into(),
            label: "press: a, b".into(),
            limit: 3,
            used: 0,
            expires_ms: Some(START_MS + 100_000),
        }));
        pair
    }

    async fn row(&self) -> RoomRow {
        both!(self.read())
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Lease(server, count) => {
                let known = Place {
                    epoch: Epoch(0),
                    number: QueueNumber(0),
                };
                let state = self.row().await.state;
                match both!(self.lease([server; 16], count, known)) {
                    Leased::Block(block) => {
                        assert!(state.may_join());
                        self.blocks.push(([server; 16], block));
                        for at in 0..u64::from(block.count) {
                            self.given.push(Place {
                                epoch: block.epoch,
                                number: QueueNumber(block.first.0 + at),
                            });
                        }
                    }
                    Leased::NotNow(said) => assert!(said == state && !state.may_join()),
                }
            }
            Step::GiveBack(count) => self.give_back(count).await,
            Step::Pass(by_ms) => {
                let now_ms = self.world.now_ms.fetch_add(by_ms, Ordering::SeqCst) + by_ms;
                self.redis.hold_time(now_ms);
            }
            Step::Tick(server, given, calls, left) => {
                let server = [server; 16];
                let last = self.blocks.iter().rev().find(|(whose, _)| *whose == server);
                let report = Report {
                    server,
                    at_hand: last.map(|(_, block)| rest(*block, block.count.saturating_sub(given))),
                    lease_ms: 2_000,
                    arrivals: calls,
                    observed: Vec::new(),
                };
                let swept = both!(self.sweep(report.clone()));
                if let Some(turn) = swept.turn {
                    self.turn = Some((turn, swept.row.version));
                    assert!(self.call(calls, left).await, "nobody was faster");
                }
            }
            Step::CallAgain(calls) => {
                if self.turn.is_some() {
                    assert!(!self.call(calls, None).await, "a turn is one call");
                }
            }
            Step::Claim(at, who) => self.claim(at, who).await,
            Step::Bypass(who) => {
                let right = Right::Bypass("c0de".into());
                self.enter(right, who).await;
            }
            Step::CheckIn(at) => {
                if let Some(shopper) = self.pick(at) {
                    let before = self.row().await;
                    let seen = both!(self.check_in(shopper));
                    let after = self.row().await;
                    let freed = after.totals.expired - before.totals.expired;
                    let again = u64::from(after.active) + freed - u64::from(before.active);
                    assert!(again == 0 || matches!(seen, Seen::Inside { .. }));
                    assert!(again <= 1);
                    self.reentries += again;
                }
            }
            Step::Leave(at, bought) => {
                if let Some(shopper) = self.pick(at) {
                    let how = if bought {
                        Leaving::Completed
                    } else {
                        Leaving::Abandoned
                    };
                    both!(self.leave(shopper, how));
                    assert_eq!(both!(self.check_in(shopper)), Seen::Over);
                }
            }
            Step::Act(at) => self.act(Action::ALL[at]).await,
            Step::SetCap(cap) => {
                let row = self.row().await;
                let mut change = unchanged(&row);
                change.settings.cap = cap;
                assert!(matches!(
                    both!(self.change(change.clone())),
                    Changed::Done(_)
                ));
            }
            Step::StaleChange => {
                let row = self.row().await;
                let mut change = unchanged(&row);
                change.expected_version += 1;
                let changed = both!(self.change(change.clone()));
                assert_eq!(changed, Changed::Conflict(Box::new(row)));
            }
            Step::Person(who, at) => {
                if let Some(offered) = self.given.get(at % self.given.len().max(1)).copied() {
                    let first = both!(self.place_of_person([who; 16], offered));
                    let again = both!(self.place_of_person([who; 16], self.given[0]));
                    assert_eq!(first, again, "one place for one person");
                }
            }
            Step::Show(epoch, next) => self.show(epoch, next).await,
            Step::Remind(at, twin) => self.remind(at, twin).await,
        }
        self.check().await;
    }

    async fn remind(&mut self, at: usize, twin: bool) {
        let row = self.rows.get(at % self.rows.len().max(1)).cloned();
        let Some(row) = row.filter(|row| row.floor == self.rows.last().unwrap().floor) else {
            return;
        };
        let mut inside: Vec<_> = self.pick(at).into_iter().collect();
        if let Some(one) = inside.first_mut().filter(|_| twin) {
            one.nonce[0] |= 0x80;
            self.twins.push(*one);
        }
        let told = Seed {
            inside,
            ..seed(row)
        };
        let before = self.row().await.active;
        assert!(!both!(self.make(told.clone())));
        self.reentries += u64::from(self.row().await.active - before);
    }

    async fn give_back(&mut self, count: u32) {
        let Some((server, block)) = self.blocks.pop() else {
            return;
        };
        let rest = rest(block, count);
        if both!(self.give_back(server, rest)) {
            self.given
                .retain(|place| place.epoch != rest.epoch || place.number < rest.first);
        }
    }

    async fn call(&mut self, calls: u64, left: Option<u64>) -> bool {
        let (turn, version) = self.turn.unwrap();
        let before = self.row().await;
        let advance = Advance {
            fence: turn.fence,
            version,
            calls,
            controller: Controller::new(ServingPosition(turn.fence)),
            held_by: HeldBy::Rate,
            pulse: Pulse::default(),
            places_left: left,
            figures: None,
        };
        let done = both!(self.advance(advance.clone()));
        let after = self.row().await;
        let called = after.totals.called - before.totals.called;
        if done {
            assert_eq!(called, calls.min(before.uncalled()));
        } else {
            assert_eq!(called, 0);
        }
        done
    }

    async fn claim(&mut self, at: usize, who: u64) {
        if self.given.is_empty() {
            return;
        }
        let place = self.given[at % self.given.len()];
        let row = self.row().await;
        let called = row
            .epochs
            .iter()
            .any(|known| known.epoch == place.epoch && place.number.0 < known.serving.0);
        let new = self.enter(Right::Turn(place), who).await;
        assert!(!new || (called && row.state.calls() && row.places_left != Some(0)));
    }

    /// `true`: somebody new is inside.
    async fn enter(&mut self, right: Right, who: u64) -> bool {
        self.nonces += 1;
        let claim = Claim {
            right,
            visitor: visitor(who),
            nonce: self.nonces.to_be_bytes(),
        };
        let cap = self.row().await.settings.cap;
        match both!(self.claim(claim.clone())) {
            Ok(shopper) if shopper.nonce == claim.nonce => {
                let active = self.row().await.active;
                assert!(active <= cap, "{active} inside with a cap of {cap}");
                self.admitted.push(shopper);
                true
            }
            Ok(again) => {
                assert_eq!(again.visitor, claim.visitor);
                assert!(self.admitted.contains(&again) || self.twins.contains(&again));
                false
            }
            Err(_) => false,
        }
    }

    fn pick(&self, at: usize) -> Option<Shopper> {
        let all = self.admitted.iter().chain(&self.twins);
        let count = all.clone().count();
        all.copied().nth(at % count.max(1))
    }

    async fn act(&mut self, action: Action) {
        let row = self.row().await;
        let Ok(state) = row.state.after(action) else {
            return;
        };
        let last = row.epochs.last().unwrap().epoch;
        let mut change = Change {
            state,
            ..unchanged(&row)
        };
        match action {
            Action::Reset => {
                change.restart = Some(next_epoch(row.now_ms, last));
                change.draw = Some(draw(2));
                self.given.clear();
                self.blocks.clear();
                // Whoever a code let in may still be inside, and asks again with the same code.
                self.admitted.retain(|shopper| shopper.slot.is_bypass());
                self.twins.retain(|shopper| shopper.slot.is_bypass());
            }
            Action::Draw => {
                let drawn = next_epoch(row.now_ms, last);
                let parts: Vec<_> = row.epochs.iter().map(|k| (k.epoch, k.next.0)).collect();
                let gathered = parts.iter().map(|(_, count)| count).sum();
                change.begin = vec![
                    EpochProgress {
                        next: QueueNumber(gathered),
                        ..EpochProgress::new(drawn)
                    },
                    EpochProgress::new(next_epoch(row.now_ms, drawn)),
                ];
                change.drawn = parts;
                // Everybody's place is another one now.
                self.given = (0..gathered)
                    .map(|number| Place {
                        epoch: drawn,
                        number: QueueNumber(number),
                    })
                    .collect();
                self.blocks.clear();
            }
            _ => {}
        }
        assert!(matches!(
            both!(self.change(change.clone())),
            Changed::Done(_)
        ));
    }

    async fn show(&mut self, offset: i64, next: u64) {
        let last = self.row().await.epochs.last().unwrap().epoch;
        let epoch = u32::try_from(i64::from(last.0) + offset).unwrap();
        let report = Report {
            server: [9; 16],
            observed: vec![(Epoch(epoch), QueueNumber(next))],
            ..Report::default()
        };
        let swept = both!(self.sweep(report.clone()));
        if swept.turn.is_some() {
            // Taken and not used: what a controller does that is killed.
            self.turn = None;
        }
        let row = self.row().await;
        if Epoch(epoch) >= row.floor {
            assert!(
                row.epochs
                    .iter()
                    .any(|known| known.epoch.0 == epoch && known.next.0 >= next)
            );
        }
        // Those numbers are somebody's, who is not among ours.
        self.blocks.clear();
    }

    /// What holds after every step.
    async fn check(&mut self) {
        let row = self.row().await;
        let places: BTreeSet<_> = self.given.iter().collect();
        assert_eq!(places.len(), self.given.len(), "no place is given twice");
        assert!(
            row.epochs
                .windows(2)
                .all(|pair| pair[0].epoch < pair[1].epoch),
            "epochs ascend"
        );
        for known in &row.epochs {
            assert!(known.ended <= known.lapsed && known.lapsed.0 <= known.serving.0);
        }
        let Totals {
            admitted,
            completed,
            abandoned,
            expired,
            called,
            no_shows,
            ..
        } = row.totals;
        assert_eq!(
            admitted + self.reentries,
            completed + abandoned + expired + u64::from(row.active),
            "everybody who came in is inside or has gone"
        );
        assert!(no_shows <= called);
        assert_eq!(
            both!(self.inside(1_000)).len(),
            usize::try_from(row.active).unwrap()
        );
        let slots: BTreeMap<_, usize> =
            self.admitted
                .iter()
                .fold(BTreeMap::new(), |mut count, shopper| {
                    if !shopper.slot.is_bypass() {
                        *count.entry(shopper.slot).or_default() += 1;
                    }
                    count
                });
        assert!(
            slots.values().all(|count| *count == 1),
            "a place lets in once"
        );
        if let Some(before) = self.rows.last()
            && before.floor == row.floor
        {
            assert!(before.version <= row.version);
            for known in &before.epochs {
                let now = row.epochs.iter().find(|now| now.epoch == known.epoch);
                assert!(
                    now.is_some_and(|now| now.serving >= known.serving),
                    "nobody moves back"
                );
            }
        }
        assert_eq!(both!(self.codes()).len(), 1);
        self.rows.push(row);
    }
}

/// The last `count` of them.
fn rest(block: NumberBlock, count: u32) -> NumberBlock {
    let count = count.min(block.count);
    NumberBlock {
        first: QueueNumber(block.end() - u64::from(count)),
        count,
        ..block
    }
}

fn draw(seed: u8) -> RoomDraw {
    let key = DrawKey([seed; 32]);
    RoomDraw {
        key,
        public: PublicDraw {
            commitment: key.commit(),
            parts: Vec::new(),
            gathered: 0,
            epoch: Epoch(0),
            key: None,
        },
    }
}

fn seed(row: RoomRow) -> Seed {
    Seed {
        after_outage: false,
        row,
        inside: Vec::new(),
        settle_ms: 2_000,
    }
}

fn unchanged(row: &RoomRow) -> Change {
    Change {
        expected_version: row.version,
        settings: row.settings.clone(),
        state: row.state,
        auto: row.auto,
        draw: row.draw.clone(),
        begin: Vec::new(),
        drawn: Vec::new(),
        restart: None,
        entry: AuditEntry {
            at_ms: 0,
            who: "olga".into(),
            version: 0,
            deed: Deed::Withdrew {
                label: "a: b".into(),
            },
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn memory_and_redis_live_the_same_life_and_keep_every_promise(
        steps in proptest::collection::vec(step(), 20..140),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            // Half of all lives begin open: the rest of the states are found from there.
            if steps.len() % 2 == 0 {
                pair.take(Step::Act(3)).await;
            }
            for step in steps {
                pair.take(step).await;
            }
            pair.redis.close().await;
        });
    }
}
