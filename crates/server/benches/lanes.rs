//! Durable holds a second through lanes in process, without HTTP. Prints one JSON line a run:
//!
//! `cargo bench -p onsale-server --bench lanes -- [SECONDS] [NAME…]`
//!
//! Each of `callers` tasks holds two neighbouring seats chosen uniformly and, once the house is half
//! full, releases its oldest hold before the next. A hold counts when it was accepted and is
//! durable; refusals are counted apart.

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

use booking_core::{CommandId, PerformanceId};
use onsale_server::clock::Clock;
use onsale_server::lane::{LaneError, LaneSettings};
use onsale_server::store::StoreOptions;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::Office;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Run {
    name: &'static str,
    callers: u64,
    performances: u64,
    naive: bool,
}

const RUNS: &[Run] = &[
    Run {
        name: "hot_64",
        callers: 64,
        performances: 1,
        naive: false,
    },
    Run {
        name: "hot_256",
        callers: 256,
        performances: 1,
        naive: false,
    },
    Run {
        name: "hot_1024",
        callers: 1_024,
        performances: 1,
        naive: false,
    },
    Run {
        name: "spread_1000",
        callers: 1_024,
        performances: 1_000,
        naive: false,
    },
    Run {
        name: "naive_64",
        callers: 64,
        performances: 1,
        naive: true,
    },
];

#[derive(Default)]
struct Tally {
    holds: AtomicU64,
    releases: AtomicU64,
    refusals: AtomicU64,
    others: AtomicU64,
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let seconds = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(5.0);
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| argument.parse::<f64>().is_err())
        .collect();
    for run in RUNS
        .iter()
        .filter(|run| names.is_empty() || names.iter().any(|n| *n == run.name))
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(measure(run, seconds));
    }
}

async fn measure(run: &Run, seconds: f64) {
    let dir = tempfile::tempdir().expect("a folder");
    let goods = if run.performances == 1 {
        support::goods(10, 50, 100, 0)
    } else {
        support::goods(1, 20, 50, 0)
    };
    let settings = if run.naive {
        LaneSettings::naive()
    } else {
        LaneSettings::default()
    };
    let options = StoreOptions {
        gather: !run.naive,
        ..StoreOptions::default()
    };
    let office =
        Arc::new(Office::at(dir.path(), goods.clone(), Clock::System, settings, options).await);
    let seats = goods.0.seat_count();
    let house = u64::from(seats) * run.performances;
    // Two seats a hold, half the house.
    let keep = (house / 4 / run.callers).max(1) as usize;
    let tally = Arc::new(Tally::default());
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let began = Instant::now();
    let callers: Vec<_> = (0..run.callers)
        .map(|n| {
            let (office, tally) = (office.clone(), tally.clone());
            let performances = run.performances;
            tokio::spawn(async move {
                call(&office, &tally, n, performances, seats, keep, until).await;
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller");
    }
    let took = began.elapsed().as_secs_f64();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (holds, releases) = (count(&tally.holds), count(&tally.releases));
    println!(
        "{{\"name\":\"lanes_{}\",\"seconds\":{took:.2},\"holds_per_s\":{:.0},\"commands_per_s\":{:.0},\"releases\":{releases},\"refusals\":{},\"others\":{},\"batches\":{}}}",
        run.name,
        holds as f64 / took,
        (holds + releases + count(&tally.refusals)) as f64 / took,
        count(&tally.refusals),
        count(&tally.others),
        office
            .lanes
            .live(PerformanceId::from_u128(1))
            .await
            .map_or(0, |live| live.seq()),
    );
    office.lanes.drain().await;
    office.store.close().await.expect("the store closes");
}

async fn call(
    office: &Office,
    tally: &Tally,
    caller: u64,
    performances: u64,
    seats: u32,
    keep: usize,
    until: Instant,
) {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(caller + 1);
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let fan = u128::from(caller) + 1;
    let mut mine: VecDeque<(PerformanceId, u128)> = VecDeque::new();
    while Instant::now() < until {
        if mine.len() > keep
            && let Some((performance, hold)) = mine.pop_front()
        {
            let id = v7(office, next(), next());
            match office
                .lanes
                .send(performance, id, support::release(hold, fan))
                .await
            {
                Ok(_) => tally.releases.fetch_add(1, Ordering::Relaxed),
                Err(_) => tally.others.fetch_add(1, Ordering::Relaxed),
            };
        }
        let performance = PerformanceId::from_u128(u128::from(next() % performances + 1));
        let seat = (next() % u64::from(seats / 2)) as u32 * 2;
        let id = v7(office, next(), next());
        let hold = id.uuid().as_u128();
        let command = support::hold(hold, fan, &[seat, seat + 1]);
        match office.lanes.send(performance, id, command).await {
            Ok(_) => {
                tally.holds.fetch_add(1, Ordering::Relaxed);
                mine.push_back((performance, hold));
            }
            Err(LaneError::Rejected(_)) => {
                tally.refusals.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                tally.others.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn v7(office: &Office, high: u64, low: u64) -> CommandId {
    let ms = office.clock.now_ms() as u128;
    let random = u128::from(high & 0xfff) << 64 | u128::from(low >> 2) | 1 << 63;
    CommandId::from_u128(ms << 80 | 7 << 76 | random)
}
