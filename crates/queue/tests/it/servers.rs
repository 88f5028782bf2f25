//! Stores on real Redis servers, which are started once for all tests that break none of them.

use crate::support::{Hall, TestWorld};
use onsale_queue::room::{RedisOptions, RedisStore};
use redis_test::Cluster;
pub(crate) use redis_test::{Guarded, PATIENCE, Proxy, Server, free_port};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// One server for all tests that need no more.
pub(crate) fn single() -> &'static Server {
    static SINGLE: LazyLock<Server> = LazyLock::new(|| Server::start(&[]));
    &SINGLE
}

/// A master, its replica and three sentinels for all tests that break none of them.
pub(crate) fn guarded() -> &'static Guarded {
    static GUARDED: LazyLock<Guarded> = LazyLock::new(Guarded::start);
    &GUARDED
}

/// Three masters for all tests that break none of them.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
    &CLUSTER
}

/// A name that no other test has.
fn namespace() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A store whose answers are waited for even on a very busy machine.
pub(crate) async fn store_at(url: &str, replicas: u32) -> RedisStore {
    connect(url, replicas, 10_000).await
}

/// A hall on Redis by Redis's own clock.
pub(crate) async fn patient_hall_at(url: &str) -> Hall {
    hall_of(store_at(url, 0).await)
}

/// For tests that wait for many answers that never come.
pub(crate) async fn impatient_hall_at(url: &str) -> Hall {
    hall_of(connect(url, 0, 200).await)
}

/// A hall on Redis with the usual limit for an answer.
pub(crate) async fn hall_at(url: &str, replicas: u32) -> Hall {
    let usual = RedisOptions::default().timeout_ms;
    hall_of(connect(url, replicas, usual).await)
}

/// A hall on Redis whose time moves only by hand, so that a busy machine changes nothing.
pub(crate) async fn still_hall_at(url: &str, replicas: u32) -> Hall {
    let store = store_at(url, replicas).await;
    let now_ms = real_now_ms();
    store.hold_time(now_ms);
    let held_ms = AtomicI64::new(now_ms);
    let store = Arc::new(store);
    let clock = Arc::clone(&store);
    Hall {
        store,
        world: TestWorld::at(now_ms),
        shift: Box::new(move |by_ms| {
            let now_ms = held_ms.fetch_add(by_ms, Ordering::SeqCst) + by_ms;
            clock.hold_time(now_ms);
        }),
        _keep: Box::new(()),
    }
}

fn real_now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

async fn connect(url: &str, replicas: u32, timeout_ms: u32) -> RedisStore {
    let options = RedisOptions {
        replicas,
        timeout_ms,
        namespace: namespace(),
    };
    RedisStore::connect(url, options).await.unwrap()
}

pub(crate) fn hall_of(store: RedisStore) -> Hall {
    let store = Arc::new(store);
    let clock = Arc::clone(&store);
    Hall {
        store,
        world: TestWorld::at(real_now_ms()),
        shift: Box::new(move |by_ms| clock.shift(by_ms)),
        _keep: Box::new(()),
    }
}
