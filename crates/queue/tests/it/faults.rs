//! What can happen to Redis, done to a real one.

use crate::servers::{
    Guarded, PATIENCE, Proxy, Server, free_port, hall_at, hall_of, impatient_hall_at,
    patient_hall_at, store_at,
};
use crate::support::*;
use onsale_queue::room::port::Leaving;
use onsale_queue::room::{Joined, Rooms};
use onsale_queue::wire::{
    ClaimRefused, Deed, JoinRefused, Outage, OutagePolicy, RoomSettings, Standing,
};
use onsale_queue::{Action, Place, RoomState};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const TICK: Duration = Duration::from_millis(100);

/// Ticks in real time until it is dropped, as a server does.
struct Ticking(Arc<AtomicBool>);

impl Ticking {
    fn start(server: &Arc<Rooms>) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let (server, going) = (Arc::clone(server), Arc::clone(&on));
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(TICK);
            while going.load(Ordering::SeqCst) {
                interval.tick().await;
                let _ = server.tick(ROOM, SOLD_FREELY).await;
            }
        });
        Self(on)
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Asks until there is an answer, for as long as anybody would.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let started = Instant::now();
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    loop {
        interval.tick().await;
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "never: {what}");
    }
}

/// People who join, all the time.
#[derive(Default)]
struct Load {
    ended: AtomicBool,
    given: AtomicU64,
    epoch: AtomicU32,
}

/// Joins until the load ends; what it got, in order.
fn join_on(server: &Arc<Rooms>, first: u64, load: &Arc<Load>) -> JoinHandle<Vec<Joined>> {
    let (server, load) = (Arc::clone(server), Arc::clone(load));
    tokio::spawn(async move {
        let mut all = Vec::new();
        while !load.ended.load(Ordering::SeqCst) {
            match try_join(&server, first + all.len() as u64).await {
                Ok(joined) => {
                    let epoch = joined.pass.place.epoch.0;
                    all.push(joined);
                    load.given.fetch_add(1, Ordering::SeqCst);
                    load.epoch.fetch_max(epoch, Ordering::SeqCst);
                }
                Err(JoinRefused::Away { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
            // Numbers come out of a block without a wait; the others want their turn too.
            tokio::task::yield_now().await;
        }
        all
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_behind_a_stalled_link_gives_no_place_twice_and_moves_nobody_back() {
    let master = Server::start(&[]);
    let proxy = Proxy::before(master.port);
    let redis = Guarded::around(master, proxy.port, 2);
    let hall = hall_at(&redis.url(), 1).await;
    let cap = 20;
    let busy = RoomSettings {
        cap,
        rate_per_minute: 6_000,
        ..settings()
    };
    let first = hall.open(busy.clone()).await;
    let second = hall.server(busy).await;
    let ticking = [Ticking::start(&first), Ticking::start(&second)];

    let load = Arc::new(Load::default());
    let joins = [
        join_on(&first, 0, &load),
        join_on(&second, 1_000_000, &load),
    ];
    let reached = |count: u64| {
        let load = Arc::clone(&load);
        eventually("numbers are given", move || {
            let enough = load.given.load(Ordering::SeqCst) >= count;
            async move { enough.then_some(()) }
        })
    };
    reached(200).await;
    let before = public(&first);

    // From here on the replicas hear nothing; a thousand more are told their numbers; the master dies.
    proxy.stall_replication();
    reached(load.given.load(Ordering::SeqCst) + 1_000).await;
    let epoch = load.epoch.load(Ordering::SeqCst);
    redis.master.kill();
    let died = Instant::now();
    eventually("numbers are given again", || async {
        (load.epoch.load(Ordering::SeqCst) > epoch).then_some(())
    })
    .await;
    let joined_again = died.elapsed();
    reached(load.given.load(Ordering::SeqCst) + 1_000).await;
    load.ended.store(true, Ordering::SeqCst);
    let mut all = Vec::new();
    for join in joins {
        let mine = join.await.unwrap();
        let places: Vec<Place> = mine.iter().map(|joined| joined.pass.place).collect();
        assert!(
            places.is_sorted(),
            "in the order of joining, on each server"
        );
        all.extend(mine);
    }
    let places: HashSet<Place> = all.iter().map(|joined| joined.pass.place).collect();
    assert_eq!(places.len(), all.len(), "no place is given twice");
    let epochs: HashSet<_> = places.iter().map(|place| place.epoch).collect();
    assert_eq!(epochs.len(), 2, "the new master gives numbers of its own");

    // Admission goes on: those in front come in, and never more than the cap.
    all.sort_by_key(|joined| joined.pass.place);
    let mut admitted = HashSet::new();
    let front = &all[..usize::try_from(cap).unwrap() * 2];
    let (server, admitted) = (&first, &mut admitted);
    let admitted_one = eventually("somebody is let in after the failover", || async {
        for joined in front {
            if let Ok(admission) = claim(server, joined).await {
                return Some(admission.admission.id);
            }
        }
        None
    })
    .await;
    let admitted_again = died.elapsed();
    admitted.insert(admitted_one);
    println!("after the master's death: numbers {joined_again:?}, admission {admitted_again:?}");
    for joined in front {
        if let Ok(admission) = claim(&second, joined).await {
            admitted.insert(admission.admission.id);
        }
    }
    assert!(admitted.len() <= usize::try_from(cap).unwrap());
    let row = hall.store.read(ROOM).await.unwrap();
    assert!(row.totals.most_inside <= u64::from(cap));

    // Nobody moves back: the passes from before are still in front, in their order.
    let shown = public(&first);
    let ahead = |shown: &onsale_queue::wire::PublicRoom, place| match shown.standing(place) {
        Standing::Waiting { ahead, .. } => ahead,
        Standing::YourTurn { .. } => 0,
        other => panic!("{other:?}"),
    };
    let line: Vec<u64> = all
        .iter()
        .map(|joined| ahead(&shown, joined.pass.place))
        .collect();
    assert!(line.is_sorted());
    for joined in &all[..100] {
        let place = joined.pass.place;
        assert!(ahead(&shown, place) <= ahead(&before, place));
    }
    drop(ticking);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_no_replica_has_lets_nobody_in() {
    let master = Server::start(&[]);
    let proxy = Proxy::before(master.port);
    let redis = Guarded::around(master, proxy.port, 1);
    let hall = hall_at(&redis.url(), 1).await;
    let server = hall.open(settings()).await;
    let joined = join(&server, 1).await;
    hall.run(&server, 250, 250).await;
    proxy.stall_replication();
    let refused = claim(&server, &joined).await;
    assert!(
        matches!(refused, Err(ClaimRefused::Away { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_link_is_an_outage_and_ends_with_it() {
    let redis = Server::start(&[]);
    let proxy = Proxy::before(redis.port);
    let hall = hall_at(&format!("redis://127.0.0.1:{}", proxy.port), 0).await;
    let server = hall.open(settings()).await;
    let joined = join(&server, 1).await;
    hall.run(&server, 250, 250).await;
    proxy.stall(true);
    let refused = claim(&server, &joined).await;
    assert!(matches!(refused, Err(ClaimRefused::Away { .. })));
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    assert!(public(&server).outage.is_some());
    proxy.stall(false);
    eventually("the room is back", || async {
        server.tick(ROOM, SOLD_FREELY).await.ok()?;
        public(&server).outage.is_none().then_some(())
    })
    .await;
    assert!(claim(&server, &joined).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_everybody_is_held_if_the_operator_says_so() {
    let redis = Server::start(&[]);
    let hall = hall_at(&redis.url(), 0).await;
    let server = hall.open(settings()).await;
    let joined = join_many(&server, 0..3).await;
    hall.run(&server, 250, 250).await;
    let inside = claim(&server, &joined[0]).await.unwrap();
    redis.freeze();
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    let shown = public(&server);
    assert!(matches!(
        shown.outage,
        Some(Outage {
            policy: OutagePolicy::Hold,
            ..
        })
    ));
    assert!(shown.on, "never a silent open door");
    hall.pass(60_000);
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    assert!(matches!(
        claim(&server, &joined[1]).await,
        Err(ClaimRefused::Away { .. })
    ));
    assert!(
        is_inside(&server, &inside).await,
        "who is in the shop goes on"
    );
    redis.thaw();
    eventually("the room is back", || async {
        server.tick(ROOM, SOLD_FREELY).await.ok()?;
        public(&server).outage.is_none().then_some(())
    })
    .await;
    assert!(claim(&server, &joined[1]).await.is_ok());
    let log = server.audit(ROOM, 5).await.unwrap();
    assert!(log.iter().any(|entry| matches!(
        entry.deed,
        Deed::Away { admitted: 0, for_ms } if for_ms >= 60_000
    )));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_left_is_not_taken_at_their_word_where_they_left() {
    let redis = Server::start(&[]);
    let hall = hall_at(&redis.url(), 0).await;
    let server = hall.open(settings()).await;
    let other = hall.server(settings()).await;
    let joined = join_many(&server, 0..2).await;
    hall.run(&server, 250, 250).await;
    let left = claim(&server, &joined[0]).await.unwrap();
    let stays = claim(&server, &joined[1]).await.unwrap();
    let gone = server.leave(&left.admission, Leaving::Completed).await;
    assert_eq!(gone, Ok(true), "and Redis knows");
    redis.freeze();
    assert!(!is_inside(&server, &left).await);
    assert!(is_inside(&server, &stays).await);
    assert!(is_inside(&other, &left).await, "nobody can tell it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_does_not_show_a_room_as_it_was_before_an_operator_changed_it() {
    let redis = Server::start(&[]);
    let hall = hall_at(&redis.url(), 0).await;
    let server = hall.open(settings()).await;
    redis.freeze();
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    redis.thaw();
    // Between two ticks, Redis answers.
    eventually("the room is paused", || async {
        let paused = server.act(ROOM, Action::Pause, None, "olga").await;
        paused.ok().map(drop)
    })
    .await;
    redis.freeze();
    hall.pass(60_000);
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    let shown = public(&server);
    assert!(shown.outage.is_some());
    assert_eq!(shown.state, RoomState::Paused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_some_are_let_in_at_the_reduced_rate_and_within_the_cap() {
    let redis = Server::start(&[]);
    let hall = impatient_hall_at(&redis.url()).await;
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 0,
            cap: 8,
            outage: OutagePolicy::Reduced {
                rate_per_minute: 120,
            },
            ..settings()
        })
        .await;
    let joined = join_many(&server, 0..50).await;
    hall.run(&server, 250, 250).await;
    redis.freeze();
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    // The hall's servers are two: this one has half the rate and half of what was free.
    for _ in 0..2 {
        hall.pass(1_000);
        server.tick(ROOM, SOLD_FREELY).await.unwrap();
    }
    assert!(claim(&server, &joined[1]).await.is_ok());
    assert_eq!(
        claim(&server, &joined[2]).await,
        Err(ClaimRefused::NotYourTurn)
    );
    for _ in 0..60 {
        hall.pass(1_000);
        server.tick(ROOM, SOLD_FREELY).await.unwrap();
    }
    let mut admitted = 0;
    for joined in &joined {
        admitted += u32::from(claim(&server, joined).await.is_ok());
    }
    assert_eq!(admitted, 4);
    redis.thaw();
    eventually("the room is back", || async {
        server.tick(ROOM, SOLD_FREELY).await.ok()?;
        public(&server).outage.is_none().then_some(())
    })
    .await;
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!(row.active, 4, "the room has learnt who was let in");
    let log = server.audit(ROOM, 5).await.unwrap();
    assert!(
        log.iter()
            .any(|entry| matches!(entry.deed, Deed::Away { admitted: 4, .. }))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_is_rebuilt_and_never_overfills_the_shop() {
    let redis = Server::start(&[]);
    let hall = patient_hall_at(&redis.url()).await;
    let wide = RoomSettings {
        cap: 40,
        ..settings()
    };
    let first = hall.open(wide.clone()).await;
    let second = hall.server(wide).await;
    let joined = join_many(&first, 0..40).await;
    hall.run(&first, 2_000, 500).await;
    let version = first.row(ROOM).unwrap().version;
    first
        .change(ROOM, version, settings(), "olga")
        .await
        .unwrap();
    second.tick(ROOM, SOLD_FREELY).await.unwrap();
    let mut inside = Vec::new();
    for (at, joined) in joined[..10].iter().enumerate() {
        let server = if at % 2 == 0 { &first } else { &second };
        inside.push(claim(server, joined).await.unwrap());
    }
    redis.ask("FLUSHALL");
    first.tick(ROOM, SOLD_FREELY).await.unwrap();
    assert!(
        matches!(
            claim(&first, &joined[10]).await,
            Err(ClaimRefused::Away { .. })
        ),
        "not before every server has said who is inside"
    );
    second.tick(ROOM, SOLD_FREELY).await.unwrap();
    hall.pass(3_000);
    for server in [&first, &second] {
        server.tick(ROOM, SOLD_FREELY).await.unwrap();
    }
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!(row.active, 10, "both told who is inside");
    assert!(matches!(
        claim(&first, &joined[10]).await,
        Err(ClaimRefused::Full { .. })
    ));
    assert!(is_inside(&first, &inside[1]).await);
    first
        .leave(
            &inside[0].admission,
            onsale_queue::room::port::Leaving::Completed,
        )
        .await
        .unwrap();
    assert!(claim(&first, &joined[10]).await.is_ok());
    assert_eq!(claim(&first, &joined[0]).await, Err(ClaimRefused::Used));
    let after = join(&first, 900).await;
    assert!(
        joined
            .iter()
            .all(|joined| joined.pass.place < after.pass.place)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_restarted_empty_is_made_again_and_operators_keep_their_settings() {
    let port = free_port();
    let redis = Server::on(port, &[]);
    let hall = patient_hall_at(&redis.url()).await;
    let server = hall
        .open(RoomSettings {
            message: "Doors at eight".into(),
            ..settings()
        })
        .await;
    let joined = join_many(&server, 0..5).await;
    hall.run(&server, 250, 250).await;
    redis.kill();
    drop(redis);
    let _again = Server::on(port, &[]);
    eventually("the room is back", || async {
        server.tick(ROOM, SOLD_FREELY).await.ok()?;
        let back = public(&server).outage.is_none() && hall.store.read(ROOM).await.is_ok();
        back.then_some(())
    })
    .await;
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!(row.settings.message, "Doors at eight");
    assert_eq!(row.state, onsale_queue::RoomState::Open);
    let after = join(&server, 99).await;
    assert!(after.pass.place > joined[4].pass.place);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_kept_its_data_gives_no_number_twice_after_a_restart() {
    let port = free_port();
    let dir = tempfile::tempdir().unwrap();
    let keep = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--dir",
        dir.path().to_str().unwrap(),
    ];
    let redis = Server::on(port, &keep);
    let hall = patient_hall_at(&redis.url()).await;
    let server = hall.open(settings()).await;
    let before = join_many(&server, 0..100).await;
    redis.kill();
    drop(redis);
    let _again = Server::on(port, &keep);
    hall.pass(2_000);
    let after = eventually("numbers are given again", || async {
        server.tick(ROOM, SOLD_FREELY).await.ok()?;
        try_join(&server, 500).await.ok()
    })
    .await;
    assert!(after.pass.place.epoch > before[99].pass.place.epoch);
    let shown = public(&server);
    assert!(
        before
            .iter()
            .all(|joined| !matches!(shown.standing(joined.pass.place), Standing::Unknown))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_whose_clocks_differ_by_an_hour_keep_one_rate_and_one_cap() {
    let redis = Server::start(&[]);
    let store = store_at(&redis.url(), 0).await;
    let hall = hall_of(store);
    let slow = RoomSettings {
        rate_per_minute: 600,
        cap: 3,
        ..settings()
    };
    let right = hall.open(slow.clone()).await;
    let ahead = hall.server(slow.clone()).await;
    let joined = join_many(&right, 0..60).await;
    let hour = 3_600_000;
    for step in 0..20_i64 {
        // The same world, an hour later and back: each server asks with its own idea of the time.
        hall.pass(100);
        right.tick(ROOM, SOLD_FREELY).await.unwrap();
        hall.world.now_ms.fetch_add(hour, Ordering::SeqCst);
        ahead.tick(ROOM, SOLD_FREELY).await.unwrap();
        let _ = claim(&ahead, &joined[usize::try_from(step).unwrap()]).await;
        hall.world.now_ms.fetch_sub(hour, Ordering::SeqCst);
    }
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!(row.totals.most_inside, 3);
    assert!(row.totals.called <= 30, "{}", row.totals.called);
    assert_eq!(row.totals.expired, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn something_else_in_place_of_a_room_is_said_and_not_guessed() {
    let redis = Server::start(&[]);
    let hall = patient_hall_at(&redis.url()).await;
    let server = hall.open(settings()).await;
    let keys = redis.ask("KEYS *:room");
    let key = keys.lines().find(|line| line.contains(":room")).unwrap();
    redis.ask(&format!("HSET {key} settings {{}}x"));
    let answer = server.tick(ROOM, SOLD_FREELY).await;
    assert!(
        matches!(answer, Err(onsale_queue::room::StoreError::Unreadable(_))),
        "{answer:?}"
    );
    let acted = server.act(ROOM, Action::Pause, None, "olga").await;
    assert!(acted.is_err());
}
