//! What outlives every server: the disk, the bank, the time, the dice, and what has been written down
//! of what happened.
//!
//! Nothing here is the program's own, so that a fault of the program cannot hide in it.

use crate::doors::Doors;
use booking_core::ledger::GENESIS;
use booking_core::{CommandId, OrderId, PerformanceId, TicketId};
use onsale_server::clock::Clock;
use onsale_server::payments::simulator::{Outbox, Record, Simulator, SimulatorConfig};
use onsale_server::payments::webhook::WebhookKey;
use onsale_server::store::checkouts::{CheckoutRow, LiveTicket, ServerId};
use onsale_server::store::{CommandRecord, Head, LedgerRow, News};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// When every world begins: some instant in 2026.
pub(crate) const NOW_MS: i64 = 1_790_000_000_000;
/// Lines of the trace that are kept for who wants to see how it ended.
const TAIL: usize = 60;
/// News kept for a server that is slow.
const NEWS_KEPT: usize = 64;

/// A fault of the program's that is planted, to see whether the auditor finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// An append that did not happen is acknowledged.
    LostAppend,
    /// Where a ledger ends is not looked at: two servers write the same position, the last one stays.
    NoConflict,
    /// A command that is recorded is done again when it is sent again.
    NoRecord,
    /// Taking the money happens, and is answered as if it had been refused for good.
    MoneyKept,
    /// The room's store lets one more in where the shop is full.
    OneMoreIn,
    /// It gives a number that it has given before.
    NumberTwice,
    /// It says for a moment that fewer have been called.
    ServingBack,
    /// It lets in again on a place whose visitor has been in.
    PlaceUsedTwice,
    /// It takes a sign of life of who has left.
    OverAndInside,
    /// It says that it has called, and calls nobody.
    NobodyCalled,
}

impl Planted {
    pub(crate) const ALL: [Self; 10] = [
        Self::LostAppend,
        Self::NoConflict,
        Self::NoRecord,
        Self::MoneyKept,
        Self::OneMoreIn,
        Self::NumberTwice,
        Self::ServingBack,
        Self::PlaceUsedTwice,
        Self::OverAndInside,
        Self::NobodyCalled,
    ];

    /// What the auditor says of it, among other things.
    pub(crate) fn is_told_as(self) -> &'static str {
        match self {
            Self::LostAppend | Self::NoConflict => "was acknowledged with",
            Self::NoRecord => "was done twice",
            Self::MoneyKept => "paid",
            Self::OneMoreIn => "are inside at",
            Self::NumberTwice => "was given to",
            Self::ServingBack => "went back at",
            Self::PlaceUsedTwice => "was let in twice",
            Self::OverAndInside => "accepted after it had ended",
            Self::NobodyCalled => "still waits",
        }
    }
}

/// How often what goes wrong, of a thousand; drawn for each seed, so that some seeds are full of one
/// fault and free of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Odds {
    pub(crate) not_written: u32,
    pub(crate) written_and_not_known: u32,
    pub(crate) not_read: u32,
    pub(crate) slow: u32,
    pub(crate) stalled: u32,
    pub(crate) news_lost: u32,
    pub(crate) turn_lost: u32,
    pub(crate) bank_unreachable: u32,
    pub(crate) bank_answer_lost: u32,
    pub(crate) answer_lost: u32,
    /// Seconds between two crashes, about; 0: none.
    pub(crate) crash_every_s: u32,
    pub(crate) servers: usize,
    pub(crate) fans: u32,
    /// Whether the shop is behind a waiting room.
    pub(crate) has_room: bool,
    /// Whether the room calls only as many as there are places to sell.
    pub(crate) room_knows_stock: bool,
    pub(crate) room_stalled: u32,
    pub(crate) room_question_lost: u32,
    pub(crate) room_answer_lost: u32,
    /// Whether the room lives in its one server's memory and dies with it.
    pub(crate) room_dies: bool,
    /// Seconds between two deeds of an operator, about.
    pub(crate) operator_every_s: u32,
}

impl Odds {
    fn draw(dice: &mut fastrand::Rng) -> Self {
        let mut often = |most: u32| if dice.bool() { dice.u32(0..=most) } else { 0 };
        let odds = Self {
            not_written: often(60),
            written_and_not_known: often(60),
            not_read: often(40),
            slow: often(150),
            stalled: often(15),
            news_lost: often(300),
            turn_lost: often(150),
            bank_unreachable: often(120),
            bank_answer_lost: often(120),
            answer_lost: often(120),
            crash_every_s: often(12),
            servers: 1,
            fans: 1,
            has_room: true,
            room_knows_stock: false,
            room_dies: false,
            room_stalled: often(20),
            room_question_lost: often(60),
            room_answer_lost: often(60),
            operator_every_s: 1,
        };
        let servers = dice.usize(1..=3);
        Self {
            servers,
            room_dies: servers == 1 && dice.u32(0..4) > 0,
            fans: dice.u32(4..=24),
            has_room: dice.u32(0..3) > 0,
            room_knows_stock: dice.bool(),
            operator_every_s: dice.u32(2..30),
            ..odds
        }
    }
}

/// What happened, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) appends: u64,
    pub(crate) conflicts: u64,
    pub(crate) recorded_before: u64,
    pub(crate) writes_failed: u64,
    pub(crate) writes_not_known: u64,
    pub(crate) answers_lost: u64,
    pub(crate) crashes: u64,
    pub(crate) jumps: u64,
    pub(crate) stalls: u64,
    pub(crate) taken_over: u64,
    pub(crate) holds: u64,
    pub(crate) refused: u64,
    pub(crate) sold: u64,
    pub(crate) declined: u64,
    pub(crate) undone: u64,
    pub(crate) asked_again: u64,
    pub(crate) joined: u64,
    pub(crate) let_in: u64,
    pub(crate) not_let_in: u64,
    pub(crate) were_idle: u64,
    pub(crate) room_changes: u64,
    /// What the box office changed of a house.
    pub(crate) house_changes: u64,
}

/// A room as it was kept.
pub(crate) struct KeptRoom {
    pub(crate) bytes: Vec<u8>,
    pub(crate) taken_ms: i64,
}

/// What is durable.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) ledgers: BTreeMap<PerformanceId, Vec<LedgerRow>>,
    pub(crate) commands: BTreeMap<(PerformanceId, CommandId), CommandRecord>,
    /// By performance and place.
    pub(crate) tickets: BTreeMap<(PerformanceId, i64), LiveTicket>,
    pub(crate) places: BTreeMap<TicketId, (PerformanceId, i64)>,
    pub(crate) checkouts: BTreeMap<(OrderId, u32), CheckoutRow>,
    pub(crate) nudged: BTreeSet<(OrderId, u32)>,
    pub(crate) beats: BTreeMap<[u8; 16], i64>,
    /// The room in memory as it was kept last, and its journal since.
    pub(crate) room: Option<KeptRoom>,
    pub(crate) room_lines: BTreeMap<u64, String>,
    /// Who may append next, by the number of the turn.
    pub(crate) turns: BTreeMap<PerformanceId, u64>,
}

impl Disk {
    pub(crate) fn head(&self, performance: PerformanceId) -> Option<Head> {
        let last = self.ledgers.get(&performance)?.last()?;
        Some(Head {
            seq: last.seq,
            at_ms: last.at_ms,
            hash: last.hash,
        })
    }

    pub(crate) fn end(&self, performance: PerformanceId) -> (u64, [u8; 32]) {
        self.head(performance)
            .map_or((0, GENESIS), |head| (head.seq, head.hash))
    }

    pub(crate) fn unsettled(&self) -> Vec<CheckoutRow> {
        let mut rows: Vec<_> = self
            .checkouts
            .values()
            .filter(|row| row.unsettled)
            .collect();
        rows.sort_by_key(|row| (row.created_ms, row.order, row.attempt));
        rows.into_iter().cloned().collect()
    }
}

/// Everything that was written down of what happened, as one hash, and its end.
struct Trace {
    hash: Sha256,
    tail: VecDeque<String>,
    says: bool,
}

pub(crate) struct World {
    pub(crate) odds: Odds,
    pub(crate) planted: Option<Planted>,
    pub(crate) clock: Clock,
    pub(crate) bank: Simulator,
    pub(crate) outbox: Mutex<Option<Outbox>>,
    pub(crate) news: broadcast::Sender<News>,
    /// From now on nothing goes wrong any more.
    calm: AtomicBool,
    /// Fans begin nothing new.
    closing: AtomicBool,
    next_turn: AtomicU64,
    dice: Mutex<fastrand::Rng>,
    disk: Mutex<Disk>,
    counts: Mutex<Counts>,
    doors: Mutex<Doors>,
    trace: Mutex<Trace>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(seed: u64, planted: Option<Planted>, says: bool) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let odds = Odds::draw(&mut dice);
        let clock = Clock::manual(NOW_MS);
        let (bank, outbox) = Simulator::open(SimulatorConfig {
            journal: Record::Memory,
            slow: Duration::from_millis(700),
            webhook_key: WebhookKey::new([7; 32]),
            clock: clock.clone(),
        })
        .expect("a simulator in memory opens");
        Self {
            odds,
            planted,
            clock,
            bank,
            outbox: Mutex::new(Some(outbox)),
            news: broadcast::Sender::new(NEWS_KEPT),
            calm: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            next_turn: AtomicU64::new(1),
            dice: Mutex::new(dice),
            disk: Mutex::default(),
            counts: Mutex::default(),
            doors: Mutex::default(),
            trace: Mutex::new(Trace {
                hash: Sha256::new(),
                tail: VecDeque::new(),
                says,
            }),
        }
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }

    pub(crate) fn doors(&self) -> MutexGuard<'_, Doors> {
        lock(&self.doors)
    }

    pub(crate) fn dice(&self) -> MutexGuard<'_, fastrand::Rng> {
        lock(&self.dice)
    }

    pub(crate) fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut lock(&self.counts));
    }

    pub(crate) fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    /// Whether something that happens so often, of a thousand, happens now.
    pub(crate) fn happens(&self, permille: u32) -> bool {
        // The dice fall whether it can happen or not: a seed stays the same world when it is calm.
        let fell = self.dice().u32(0..1_000);
        !self.is_calm() && fell < permille
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    pub(crate) fn calm_down(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(crate) fn next_turn(&self) -> u64 {
        self.next_turn.fetch_add(1, Ordering::SeqCst)
    }

    /// A new id, which says like those of browsers when it was made.
    pub(crate) fn id(&self) -> uuid::Uuid {
        let mut rest = [0; 10];
        self.dice().fill(&mut rest);
        let made_ms = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(made_ms, &rest).into_uuid()
    }

    /// Writes down what happened.
    pub(crate) fn say(&self, what: std::fmt::Arguments<'_>) {
        let mut line = String::new();
        let _ = write!(line, "{:>8} ms  {what}", self.clock.now_ms() - NOW_MS);
        let mut trace = lock(&self.trace);
        trace.hash.update(line.as_bytes());
        trace.hash.update(b"\n");
        if trace.says {
            println!("{line}");
        }
        if trace.tail.len() == TAIL {
            trace.tail.pop_front();
        }
        trace.tail.push_back(line);
    }

    /// The same for two runs of one seed.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        lock(&self.trace).hash.clone().finalize().into()
    }

    pub(crate) fn tail(&self) -> Vec<String> {
        lock(&self.trace).tail.iter().cloned().collect()
    }

    /// For as long as something of that kind may take.
    pub(crate) async fn takes_a_while(&self) {
        let (fell, ms) = {
            let mut dice = self.dice();
            (dice.u32(0..10), dice.u64(1..30))
        };
        if self.happens(self.odds.slow) {
            let ms = self.dice().u64(100..3_000);
            return tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        match fell {
            0..5 => tokio::task::yield_now().await,
            _ => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }
}

/// A server's name, the same in each of its lives.
pub(crate) fn server_id(slot: usize) -> ServerId {
    let mut id = [0x5e; 16];
    id[15] = u8::try_from(slot + 1).unwrap_or(u8::MAX);
    ServerId(id)
}
