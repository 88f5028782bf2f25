//! The waiting room's memory and the way to it: one store that all servers share, behind lines on which
//! questions and answers are lost. The room's rules, in the store and before it, are the shop's own.
//!
//! A line that says nothing within a second is given up, as the shop's own does: what was asked may or
//! may not have happened. It writes down what the store said to it, at the store's time.

use crate::store::{Connection, Life};
use crate::world::{KeptRoom, Planted, World};
use onsale_queue::room::port::{
    Advance, Answer, Change, Changed, Claim, Leased, Leaving, NumberBlock, Report, Seed, Seen,
    Shopper, Slot, Swept,
};
use onsale_queue::room::port::{RoomRow, RoomStore, StoreError};
use onsale_queue::room::{Journal, MemoryStore, Rooms, RoomsConfig};
use onsale_queue::wire::{AuditEntry, BypassCode, ClaimRefused, Figures, RoomSettings};
use onsale_queue::{Issuer, Keys, Place, QueueNumber, RoomId};
use onsale_server::clock::Clock;
use std::sync::Arc;
use std::time::Duration;

/// The one room.
pub(crate) const ROOM: RoomId = RoomId([7; 16]);
/// How long a line waits for the store.
const DEADLINE: Duration = Duration::from_secs(1);
/// Longest that a shopper may be silent. Longer than anybody waits for an answer, so that who asks again
/// for an admission that they were not told of still has it.
pub(crate) const IDLE_MS: u32 = 10_000;

/// How the room begins.
pub(crate) fn settings(world: &World) -> RoomSettings {
    let mut dice = world.dice();
    RoomSettings {
        name: "The Lanterns".into(),
        rate_per_minute: dice.u32(60..1_500),
        cap: dice.u32(1..=8),
        claim_ms: dice.u32(2_000..8_000),
        late_ms: dice.u32(0..20_000),
        shop_ms: dice.u32(12_000..40_000),
        idle_ms: IDLE_MS,
        ..RoomSettings::default()
    }
}

/// Time and chance, as a server or the store has them.
struct Surroundings {
    clock: Clock,
    world: Arc<World>,
}

impl onsale_queue::room::World for Surroundings {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn monotonic_ms(&self) -> u64 {
        self.clock.monotonic_ms()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.world.dice().fill(bytes);
    }
}

/// The store: its time is the world's.
pub(crate) fn store(world: &Arc<World>) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Arc::new(Surroundings {
        clock: world.clock.clone(),
        world: Arc::clone(world),
    })))
}

/// A room in its one server's memory, as `onsale serve` has it: taken up as it was kept, and what the
/// journal says since.
pub(crate) fn reborn(connection: &Connection) -> Result<Arc<MemoryStore>, StoreError> {
    let world = &connection.world;
    let surroundings = Arc::new(Surroundings {
        clock: world.clock.clone(),
        world: Arc::clone(world),
    });
    let journal = Arc::new(Journalled(connection.clone()));
    let disk = world.disk();
    let lines: Vec<_> = disk.room_lines.clone().into_iter().collect();
    let store = match &disk.room {
        Some(kept) => MemoryStore::import(surroundings, &kept.bytes)?,
        None => MemoryStore::new(surroundings),
    };
    store.journalled(journal, &lines).map(Arc::new)
}

/// Keeps a room in memory, as the shop does every few seconds and after each change by an operator.
pub(crate) async fn keep(connection: &Connection, store: &MemoryStore) -> bool {
    let taken_ms = connection.world.clock.now_ms();
    let (bytes, line) = store.export();
    let kept = connection.write(None, move |disk| {
        disk.room = Some(KeptRoom { bytes, taken_ms });
        disk.room_lines.retain(|seq, _| *seq > line);
    });
    kept.await.is_ok()
}

/// The journal of a room in memory.
struct Journalled(Connection);

impl Journal for Journalled {
    fn write(&self, seq: u64, line: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let written = self.0.write(None, move |disk| {
                disk.room_lines.insert(seq, line);
            });
            written.await.map_err(|_| away())
        })
    }
}

/// A server's rooms, on its own clock.
pub(crate) fn rooms(
    world: &Arc<World>,
    store: &Arc<MemoryStore>,
    life: &Arc<Life>,
    clock: Clock,
) -> Arc<Rooms> {
    let issuer = Issuer::from_seed(&[9; 32]);
    let keys = Keys::new(&[issuer.public_key()]).expect("a key");
    let line = Line {
        world: Arc::clone(world),
        life: Arc::clone(life),
        store: Arc::clone(store),
    };
    let surroundings = Surroundings {
        clock,
        world: Arc::clone(world),
    };
    Arc::new(Rooms::new(
        Arc::new(line),
        Arc::new(surroundings),
        issuer,
        keys,
        RoomsConfig {
            servers: u32::try_from(world.odds.servers).unwrap_or(1),
            ..RoomsConfig::default()
        },
    ))
}

/// A server's line to the store.
struct Line {
    world: Arc<World>,
    life: Arc<Life>,
    store: Arc<MemoryStore>,
}

fn away() -> StoreError {
    StoreError::Away("simulated".to_owned())
}

impl Line {
    async fn passes(&self) {
        if !self.life.is_alive() {
            return std::future::pending().await;
        }
        self.world.takes_a_while().await;
        if self.world.happens(self.world.odds.room_stalled) {
            let ms = self.world.dice().u64(300..6_000);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.life.gate(&self.world).await;
    }

    /// Asks the store; a question and an answer can be lost.
    async fn ask<T>(&self, step: impl FnOnce() -> Answer<'static, T>) -> Result<T, StoreError> {
        if self.world.odds.room_dies {
            // In the same process nothing is lost on the way.
            self.life.gate(&self.world).await;
            return step().await;
        }
        let asked = async {
            self.passes().await;
            if self.world.happens(self.world.odds.room_question_lost) {
                return Err(away());
            }
            let done = step().await;
            if self.world.happens(self.world.odds.room_answer_lost) {
                self.world.count(|counts| counts.answers_lost += 1);
                return Err(away());
            }
            self.passes().await;
            done
        };
        tokio::time::timeout(DEADLINE, asked)
            .await
            .unwrap_or_else(|_| Err(away()))
    }

    /// A step of the store, and what is to be written down of it.
    fn step<T: Send + 'static>(
        &self,
        step: impl for<'a> FnOnce(&'a MemoryStore) -> Answer<'a, T> + Send + 'static,
        note: impl FnOnce(&World, &Result<T, StoreError>) + Send + 'static,
    ) -> Answer<'_, T> {
        let (store, world) = (Arc::clone(&self.store), Arc::clone(&self.world));
        Box::pin(self.ask(move || {
            Box::pin(async move {
                let done = step(&store).await;
                note(&world, &done);
                done
            })
        }))
    }

    fn plain<T: Send + 'static>(
        &self,
        step: impl for<'a> FnOnce(&'a MemoryStore) -> Answer<'a, T> + Send + 'static,
    ) -> Answer<'_, T> {
        self.step(step, |_, _| {})
    }
}

/// Whether a fault that is planted shows itself now.
fn is_planted(world: &World, planted: Planted, one_in: u32) -> bool {
    world.planted == Some(planted) && world.dice().u32(0..one_in) == 0
}

/// A row, as it is told by one who is not always right.
fn told(world: &World, mut row: RoomRow) -> RoomRow {
    let seconds = (world.clock.now_ms() / 1_000) % 10;
    if world.planted == Some(Planted::ServingBack)
        && seconds == 0
        && let Some(last) = row.epochs.last_mut()
    {
        last.serving.0 = last.serving.0.saturating_sub(2);
        // As a change would be: else who had asked before would not take it for newer.
        row.version += 1;
    }
    row
}

/// What a store that does not keep to its rules says to who wants in.
fn wrongly(world: &World, claim: &Claim, refused: ClaimRefused, shop_ms: u32) -> Option<Shopper> {
    let (planted, one_in) = match refused {
        ClaimRefused::Full { .. } => (Planted::OneMoreIn, 3),
        ClaimRefused::Used => (Planted::PlaceUsedTwice, 1),
        _ => return None,
    };
    let now_ms = world.clock.now_ms();
    is_planted(world, planted, one_in).then(|| Shopper {
        slot: claim.slot(),
        visitor: claim.visitor,
        nonce: claim.nonce,
        issued_ms: now_ms,
        expires_ms: now_ms + i64::from(shop_ms),
    })
}

impl RoomStore for Line {
    fn make(&self, room: RoomId, seed: Seed) -> Answer<'_, bool> {
        self.plain(move |store| store.make(room, seed))
    }

    fn forget(&self, room: RoomId) -> Answer<'_, ()> {
        self.plain(move |store| store.forget(room))
    }

    fn read(&self, room: RoomId) -> Answer<'_, RoomRow> {
        let world = Arc::clone(&self.world);
        self.plain(move |store| {
            let row = store.read(room);
            Box::pin(async move { row.await.map(|row| told(&world, row)) })
        })
    }

    fn lease(
        &self,
        room: RoomId,
        server: [u8; 16],
        count: u32,
        known: Place,
    ) -> Answer<'_, Leased> {
        let world = Arc::clone(&self.world);
        self.plain(move |store| {
            let leased = store.lease(room, server, count, known);
            Box::pin(async move {
                let mut leased = leased.await?;
                if let Leased::Block(block) = &mut leased
                    && is_planted(&world, Planted::NumberTwice, 8)
                {
                    block.first = QueueNumber(block.first.0.saturating_sub(1));
                }
                Ok(leased)
            })
        })
    }

    fn give_back(&self, room: RoomId, server: [u8; 16], rest: NumberBlock) -> Answer<'_, bool> {
        self.plain(move |store| store.give_back(room, server, rest))
    }

    fn place_of_person(&self, room: RoomId, person: [u8; 16], offered: Place) -> Answer<'_, Place> {
        self.plain(move |store| store.place_of_person(room, person, offered))
    }

    fn use_once(&self, room: RoomId, nonce: [u8; 16], expires_ms: i64) -> Answer<'_, bool> {
        self.plain(move |store| store.use_once(room, nonce, expires_ms))
    }

    fn claim(&self, room: RoomId, claim: Claim) -> Answer<'_, Result<Shopper, ClaimRefused>> {
        let world = Arc::clone(&self.world);
        self.plain(move |store| {
            Box::pin(async move {
                let done = store.claim(room, claim.clone()).await?;
                let Err(refused) = done else { return Ok(done) };
                let shop_ms = store.read(room).await?.settings.shop_ms;
                Ok(wrongly(&world, &claim, refused, shop_ms).ok_or(refused))
            })
        })
    }

    fn check_in(&self, room: RoomId, shopper: Shopper) -> Answer<'_, Seen> {
        let world = Arc::clone(&self.world);
        self.step(
            move |store| {
                let seen = store.check_in(room, shopper);
                Box::pin(async move {
                    let seen = seen.await?;
                    let expires_ms = shopper.expires_ms;
                    if seen == Seen::Over && is_planted(&world, Planted::OverAndInside, 1) {
                        return Ok(Seen::Inside { expires_ms });
                    }
                    Ok(seen)
                })
            },
            move |world, seen| {
                if let Ok(Seen::Inside { .. }) = seen {
                    let now_ms = world.clock.now_ms();
                    let id = shopper.slot.admission_id(shopper.nonce);
                    world.doors().signs.push((id, now_ms));
                }
            },
        )
    }

    fn leave(&self, room: RoomId, shopper: Shopper, how: Leaving) -> Answer<'_, bool> {
        self.plain(move |store| store.leave(room, shopper, how))
    }

    fn inside(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Shopper>> {
        self.plain(move |store| store.inside(room, limit))
    }

    fn sweep(&self, room: RoomId, report: Report) -> Answer<'_, Swept> {
        let world = Arc::clone(&self.world);
        self.plain(move |store| {
            let swept = store.sweep(room, report);
            Box::pin(async move {
                let mut swept = swept.await?;
                swept.row = told(&world, swept.row);
                Ok(swept)
            })
        })
    }

    fn advance(&self, room: RoomId, advance: Advance) -> Answer<'_, bool> {
        if self.world.planted == Some(Planted::NobodyCalled) {
            return self.plain(|_| Box::pin(async { Ok(true) }));
        }
        self.plain(move |store| store.advance(room, advance))
    }

    fn change(&self, room: RoomId, change: Change) -> Answer<'_, Changed> {
        self.step(
            move |store| store.change(room, change),
            |world, changed| {
                if let Ok(Changed::Done(row)) = changed {
                    world.say(format_args!(
                        "the room is {:?}, {} a minute, cap {}",
                        row.state, row.settings.rate_per_minute, row.settings.cap
                    ));
                    let now_ms = world.clock.now_ms();
                    world.doors().caps.push((now_ms, row.settings.cap));
                }
            },
        )
    }

    fn log(&self, room: RoomId, entry: AuditEntry) -> Answer<'_, ()> {
        self.plain(move |store| store.log(room, entry))
    }

    fn audit(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<AuditEntry>> {
        self.plain(move |store| store.audit(room, limit))
    }

    fn figures(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Figures>> {
        self.plain(move |store| store.figures(room, limit))
    }

    fn put_code(&self, room: RoomId, code: BypassCode) -> Answer<'_, ()> {
        self.plain(move |store| store.put_code(room, code))
    }

    fn codes(&self, room: RoomId) -> Answer<'_, Vec<BypassCode>> {
        self.plain(move |store| store.codes(room))
    }
}

/// Whose slot an admission is, by its id.
pub(crate) fn slot_of(id: [u8; 16]) -> Slot {
    Slot::of_admission(id).0
}
