//! One seed: a world, servers over it, fans who use them, and what goes wrong.

use crate::audit;
use crate::fans::{Fan, Notes};
use crate::office::Office;
use crate::operator::Operator;
use crate::world::{Counts, Planted, World};
use booking_core::FanId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long fans come, in the world's time.
const SALE: Duration = Duration::from_secs(90);
/// How long what was under way may take to come to an end when nothing goes wrong any more.
const HEALING: Duration = Duration::from_secs(120);
/// The world's clocks go on in steps of so much.
const TICK_MS: i64 = 10;

/// What panicked since somebody looked: in whichever task, for tokio keeps that to itself.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn panics() -> MutexGuard<'static, Vec<String>> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on every panic counts as a fault of the seed that is being run.
pub(crate) fn listen_for_panics() {
    std::panic::set_hook(Box::new(|panic| panics().push(panic.to_string())));
}

/// What came of a seed.
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) faults: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) tail: Vec<String>,
}

/// Runs a seed on this thread: its time is the world's, so it takes as long as the work takes.
pub(crate) fn seed(seed: u64, planted: Option<Planted>, says: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads");
    let world = Arc::new(World::new(seed, planted, says));
    let office = Office::of(Arc::clone(&world));
    let notes = Arc::new(Notes::default());
    panics().clear();
    let mut faults = runtime.block_on(sale(&office, &notes));
    faults.append(&mut panics());
    // What was left hanging by crashes goes with it.
    drop(runtime);
    Outcome {
        seed,
        faults,
        counts: world.counts(),
        fingerprint: world.fingerprint(),
        tail: world.tail(),
    }
}

async fn sale(office: &Arc<Office>, notes: &Arc<Notes>) -> Vec<String> {
    let world = Arc::clone(&office.world);
    world.say(format_args!("{:?}", world.odds));
    let ticking = tokio::spawn(tick(Arc::clone(office)));
    let noticing = tokio::spawn({
        let office = Arc::clone(office);
        async move { office.deliver_notices().await }
    });
    for slot in 0..office.places() {
        office.start(slot).await;
    }
    let breaking = tokio::spawn(break_things(Arc::clone(office)));
    let fans: Vec<_> = (0..world.odds.fans)
        .map(|nth| {
            let id = FanId::from_u128(u128::from(nth) + 1);
            let fan = Fan::new(id, office, notes);
            tokio::spawn(fan.live())
        })
        .collect();
    let house = Fan::new(FanId::from_u128(u128::MAX), office, notes);
    let keeping = tokio::spawn(house.keep_house());
    let operating = world.odds.has_room.then(|| {
        let office = Arc::clone(office);
        tokio::spawn(Operator { office }.work())
    });
    tokio::time::sleep(SALE).await;
    world.say(format_args!("the sale closes; nothing goes wrong any more"));
    world.close();
    world.calm_down();
    let mut faults = Vec::new();
    if breaking.await.is_err() {
        faults.push("the one who breaks things panicked".to_owned());
    }
    if let Some(operating) = operating
        && !matches!(tokio::time::timeout(HEALING, operating).await, Ok(Ok(())))
    {
        faults.push("the operator cannot open the room".to_owned());
    }
    for fan in fans {
        match tokio::time::timeout(HEALING, fan).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => faults.push(format!("a fan: {error}")),
            Err(_) => faults.push("a fan still waits".to_owned()),
        }
    }
    if !matches!(tokio::time::timeout(HEALING, keeping).await, Ok(Ok(()))) {
        faults.push("the box office still waits".to_owned());
    }
    let mut left = audit::left_over(&world);
    let began = tokio::time::Instant::now();
    while !left.is_empty() && began.elapsed() < HEALING {
        tokio::time::sleep(Duration::from_millis(500)).await;
        left = audit::left_over(&world);
    }
    faults.append(&mut left);
    faults.extend(audit::faults(office, notes));
    faults.extend(world.doors().faults());
    ticking.abort();
    noticing.abort();
    faults
}

/// Time passes for everybody.
async fn tick(office: Arc<Office>) {
    let step = Duration::from_millis(TICK_MS as u64);
    loop {
        tokio::time::sleep(step).await;
        office.pass(TICK_MS);
    }
}

/// Servers are killed and started, and clocks jump, until the sale closes.
async fn break_things(office: Arc<Office>) {
    let world = Arc::clone(&office.world);
    let every_s = world.odds.crash_every_s;
    while !world.is_closing() {
        let wait_ms = world.dice().u64(300..4_000) * u64::from(every_s.max(1)) / 2;
        tokio::time::sleep(Duration::from_millis(wait_ms.min(20_000))).await;
        if every_s == 0 || world.is_closing() {
            continue;
        }
        let slot = world.dice().usize(0..office.places());
        if world.dice().u32(0..6) == 0 {
            let by_ms = world.dice().i64(-5_000..5_000);
            office.jump(slot, by_ms);
            continue;
        }
        if office.kill(slot) {
            let down_ms = world.dice().u64(1..9_000);
            tokio::time::sleep(Duration::from_millis(down_ms)).await;
            office.start(slot).await;
        }
    }
}
