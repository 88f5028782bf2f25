//! What a booking costs, and how long a lane takes to be there after a crash, as the ledger of one sale
//! grows. Prints a name, a tab and a figure a line:
//!
//! `cargo bench -p onsale-server --bench growth -- [EVENTS…]`
//!
//! The ledger is filled with holds that are given back. A booking is a hold of two seats, their order
//! and, so that no house is sold out, its cancellation: three commands, each durable.

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

use booking_core::test_support::seats;
use booking_core::{Command, CommandId};
use onsale_server::clock::Clock;
use onsale_server::lane::LaneSettings;
use onsale_server::store::StoreOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use support::{Office, SHOW, cancel, confirm, fresh, hold, release};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sizes of the ledger, events.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Tasks that fill it, and tasks that book.
const FILLERS: u64 = 1_024;
const BUYERS: u64 = 64;
/// Bookings that are timed at each size.
const BOOKINGS: u64 = 6_400;

fn main() {
    let wanted: Vec<u64> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes: &[u64] = if wanted.is_empty() { &SIZES } else { &wanted };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(grow(sizes));
}

async fn grow(sizes: &[u64]) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut events = 0;
    for size in sizes {
        let office = Arc::new(open(dir.path()).await);
        while events < *size {
            // A hold and its release.
            let pairs = (size - events).div_ceil(2 * FILLERS).max(1);
            all(&office, FILLERS, pairs, fill).await;
            events += 2 * FILLERS * pairs;
        }
        // Once for nothing: the first after a start are slower.
        all(&office, BUYERS, BOOKINGS / BUYERS, book).await;
        let since = Instant::now();
        all(&office, BUYERS, BOOKINGS / BUYERS, book).await;
        let booking_us = since.elapsed().as_secs_f64() * 1e6 / BOOKINGS as f64;
        events += 2 * 3 * BOOKINGS;
        println!("ledger_booking_{size}\t{booking_us:.2}");
        // As after a kill: nobody takes a snapshot at the end.
        let Office { lanes, store, .. } = Arc::into_inner(office).expect("nobody else has it");
        drop(lanes);
        store.close().await.expect("the store closes");
        let since = Instant::now();
        let again = open(dir.path()).await;
        let live = again.lanes.live(SHOW).await.expect("the lane is there");
        println!(
            "ledger_start_{size}\t{:.2}",
            since.elapsed().as_secs_f64() * 1e3
        );
        assert!(live.seq() > 0, "it has read a ledger");
        again.lanes.drain().await;
        again.store.close().await.expect("the store closes");
    }
}

async fn open(path: &Path) -> Office {
    // 50,000 seats: each task has its own.
    let goods = support::goods(10, 50, 100, 0);
    let (settings, options) = (LaneSettings::default(), StoreOptions::default());
    Office::at(path, goods, Clock::System, settings, options).await
}

/// Does something `times` times in each of `tasks` tasks.
async fn all<F>(office: &Arc<Office>, tasks: u64, times: u64, act: fn(Arc<Office>, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let office = Arc::clone(office);
            tokio::spawn(async move {
                for _ in 0..times {
                    act(Arc::clone(&office), task).await;
                }
            })
        })
        .collect();
    for task in running {
        task.await.expect("a task");
    }
}

async fn fill(office: Arc<Office>, task: u64) {
    let (id, fan, pair) = (fresh(), u128::from(task) + 1, pair_of(task));
    send(&office, hold(id, fan, &pair)).await;
    send(&office, release(id, fan)).await;
}

async fn book(office: Arc<Office>, task: u64) {
    let (id, fan, pair) = (fresh(), u128::from(task) + 1, pair_of(task));
    send(&office, hold(id, fan, &pair)).await;
    send(&office, confirm(id, id, fan, &seats(&pair))).await;
    send(&office, cancel(id, &seats(&pair))).await;
}

fn pair_of(task: u64) -> [u32; 2] {
    let first = u32::try_from(task * 2).expect("a task has seats");
    [first, first + 1]
}

async fn send(office: &Office, command: Command) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let ms = office.clock.now_ms() as u128;
    let n = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let id = CommandId::from_u128(ms << 80 | 7 << 76 | 1 << 63 | n);
    let sent = office.lanes.send(SHOW, id, command).await;
    sent.expect("it is accepted");
}
