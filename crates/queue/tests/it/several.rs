//! Several servers, ours and Redis's: what each may do alone, and what is on which.

use crate::faults::eventually;
use crate::servers::{
    Guarded, Server, cluster, hall_of, impatient_hall_at, patient_hall_at, single, still_hall_at,
    store_at,
};
use crate::support::*;
use onsale_queue::Action;
use onsale_queue::room::Rooms;
use onsale_queue::room::port::{Leaving, Rate, Spent};
use onsale_queue::wire::{ClaimRefused, OutagePolicy, RoomSettings, Wishes};
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_without_redis_never_fill_more_than_the_cap_together_however_long_it_lasts() {
    let redis = Server::start(&[]);
    let hall = impatient_hall_at(&redis.url()).await;
    let cap = 11;
    let reduced = RoomSettings {
        cap,
        idle_ms: 10_000,
        shop_ms: 300_000,
        outage: OutagePolicy::Reduced {
            rate_per_minute: 6_000,
        },
        ..settings()
    };
    // Each believes to be alone; Redis knows better.
    let first = hall.server_of(1);
    let second = hall.server_of(1);
    for server in [&first, &second] {
        server.open(ROOM, reduced.clone(), None).await.unwrap();
    }
    first.act(ROOM, Action::Open, None, "olga").await.unwrap();
    let joined = join_many(&first, 0..200).await;
    let version = first.row(ROOM).unwrap().version;
    hall.run(&first, 500, 250).await;
    second.tick(ROOM, SOLD_FREELY).await.unwrap();
    let mut inside = Vec::new();
    for (at, joined) in joined[..6].iter().enumerate() {
        let server = if at % 2 == 0 { &first } else { &second };
        inside.push(claim(server, joined).await.unwrap());
    }
    // Nobody else is expected, so five slots are free and nothing is on its way.
    let still = RoomSettings {
        rate_per_minute: 0,
        claim_ms: 1_000,
        ..reduced
    };
    first.change(ROOM, version, still, "olga").await.unwrap();
    for admitted in &inside {
        assert!(is_inside(&first, admitted).await && is_inside(&second, admitted).await);
    }
    hall.run(&first, 3_000, 250).await;
    second.tick(ROOM, SOLD_FREELY).await.unwrap();
    assert_eq!(second.row(ROOM).unwrap().expected, 0);

    redis.freeze();
    let mut admitted = HashSet::new();
    let mut let_in = async |server: &Rooms| {
        for joined in &joined[6..] {
            if let Ok(one) = claim(server, joined).await {
                admitted.insert(one.admission.id);
            }
        }
        admitted.len()
    };
    let tick = async |for_s: u32| {
        for _ in 0..for_s {
            hall.pass(1_000);
            for server in [&first, &second] {
                server.tick(ROOM, SOLD_FREELY).await.unwrap();
            }
        }
    };
    // Longer than anybody may be idle: those inside are silent here and busy elsewhere.
    tick(30).await;
    let_in(&first).await;
    assert_eq!(let_in(&second).await, 5, "what was free, shared out whole");
    // One leaves where they came in: that slot is given again, there and once.
    let left = first.leave(&inside[0].admission, Leaving::Completed).await;
    assert!(left.is_err(), "the store is told later");
    assert!(!is_inside(&first, &inside[0]).await);
    // One leaves at the other server: theirs is not, for their own might give it too.
    let _ = first.leave(&inside[1].admission, Leaving::Abandoned).await;
    tick(2).await;
    let_in(&second).await;
    assert_eq!(let_in(&first).await, 6);
    redis.thaw();
    eventually("the room is back at both", || async {
        for server in [&first, &second] {
            server.tick(ROOM, SOLD_FREELY).await.ok()?;
        }
        let back = [&first, &second].map(|server| public(server).outage.is_none());
        (back == [true; 2]).then_some(())
    })
    .await;
    hall.pass(2_000);
    let row = hall.store.read(ROOM).await.unwrap();
    assert!(row.active <= cap, "{}", row.active);
    assert!(row.totals.most_inside <= u64::from(cap));
    assert!(
        !is_inside(&second, &inside[0]).await,
        "told, and known everywhere"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_all_that_belongs_to_a_room_is_on_one_node() {
    let cluster = cluster();
    let hall = patient_hall_at(&cluster.url()).await;
    let server = hall.open(settings()).await;
    let joined = join_many(&server, 0..2).await;
    hall.run(&server, 500, 250).await;
    claim(&server, &joined[0]).await.unwrap();
    let person = server.join(ROOM, visitor(1), Some([1; 16]), Wishes::default());
    person.await.unwrap();
    let tag = format!("{{{}}}", ROOM.to_hex());
    let holders: Vec<String> = cluster
        .nodes
        .iter()
        .map(|node| node.ask("KEYS *"))
        .filter(|keys| keys.contains(&tag))
        .collect();
    let [keys] = holders.as_slice() else {
        panic!("{} nodes hold it", holders.len());
    };
    // The one that a script makes itself, and the one that is made for a person, among them.
    for name in [":used:", ":person:", ":room", ":servers", ":due"] {
        assert!(keys.contains(name), "{name}: {keys}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_who_has_come_and_gone_redis_keeps_two_bits() {
    let redis = Server::start(&[]);
    let hall = patient_hall_at(&redis.url()).await;
    let server = hall.open(settings()).await;
    let count = 2_000;
    let joined = join_many(&server, 0..count).await;
    for batch in joined.chunks(10) {
        hall.run(&server, 500, 250).await;
        for joined in batch {
            let admitted = claim(&server, joined).await.unwrap();
            let left = server.leave(&admitted.admission, Leaving::Completed).await;
            assert!(left.unwrap());
        }
    }
    let keys = redis.ask("KEYS *");
    let size_of = |name: &str| -> u64 {
        let of_kind = keys.lines().filter(|key| key.contains(name));
        let size = |key: &str| {
            let said = redis.ask(&format!("MEMORY USAGE {key}"));
            said.trim().trim_start_matches(':').parse::<u64>().unwrap()
        };
        of_kind.map(size).sum()
    };
    for bitmap in ["}:used:", "}:left:"] {
        let size = size_of(bitmap);
        assert!((count / 8..count).contains(&size), "{bitmap} {size}");
    }
    for empty in ["}:inside", "}:due", "}:over"] {
        assert_eq!(size_of(empty), 0, "{empty}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_replicas_one_may_be_lost_and_admission_goes_on() {
    let master = Server::start(&[]);
    let shown = master.port;
    let redis = Guarded::around(master, shown, 2);
    let hall = hall_of(store_at(&redis.url(), 1).await);
    let server = hall.open(settings()).await;
    let joined = join_many(&server, 0..2).await;
    hall.run(&server, 250, 250).await;
    redis.replicas[0].kill();
    assert!(claim(&server, &joined[0]).await.is_ok());
    // Without any replica a claim has nowhere to be kept, and counts for nobody.
    redis.replicas[1].kill();
    let refused = claim(&server, &joined[1]).await;
    assert!(
        matches!(refused, Err(ClaimRefused::Away { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_late_tells_whom_it_knows_and_nobody_comes_in_beyond_the_cap() {
    let redis = Server::start(&[]);
    let hall = impatient_hall_at(&redis.url()).await;
    let two = RoomSettings {
        cap: 2,
        ..settings()
    };
    let first = hall.open(two.clone()).await;
    let second = hall.server(two).await;
    let joined = join_many(&first, 0..3).await;
    hall.run(&first, 500, 250).await;
    second.tick(ROOM, SOLD_FREELY).await.unwrap();
    let early = [
        claim(&first, &joined[0]).await.unwrap(),
        claim(&first, &joined[1]).await.unwrap(),
    ];
    redis.freeze();
    first.tick(ROOM, SOLD_FREELY).await.unwrap();
    second.tick(ROOM, SOLD_FREELY).await.unwrap();
    assert!(public(&first).outage.is_some() && public(&second).outage.is_some());
    redis.thaw();
    eventually("everything is forgotten", || async {
        redis.ask("FLUSHALL").starts_with("+OK").then_some(())
    })
    .await;
    // The second server makes the room again and waits for the first one, which does not come.
    eventually("the room is made again", || async {
        second.tick(ROOM, SOLD_FREELY).await.ok()?;
        public(&second).outage.is_none().then_some(())
    })
    .await;
    hall.pass(2_500);
    eventually("the next one is called and comes in", || async {
        hall.run(&second, 250, 250).await;
        claim(&second, &joined[2]).await.ok()
    })
    .await;
    eventually("the first server is back", || async {
        first.tick(ROOM, SOLD_FREELY).await.ok()?;
        public(&first).outage.is_none().then_some(())
    })
    .await;
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!(row.active, 2, "one of the two found room");
    assert_eq!(row.totals.most_inside, 2);
    let mut found = 0;
    for admitted in &early {
        found += u32::from(is_inside(&first, admitted).await);
    }
    assert_eq!(found, 1, "the other one may try again when somebody leaves");
}

/// Five a minute, so one more every twelve seconds.
const FIVE_A_MINUTE: Rate = Rate {
    most: NonZeroU32::new(5).unwrap(),
    within_ms: 60_000,
};

async fn spends(hall: &Hall, who: &str) -> Spent {
    hall.store.spend(who, FIVE_A_MINUTE).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_done_so_often_is_counted_for_all_servers_together() {
    let url = single().url();
    let hall = still_hall_at(&url, 0).await;
    for _ in 0..5 {
        assert_eq!(spends(&hall, "ada").await, Spent::Counted);
    }
    let wait = |ms| Spent::Wait(Duration::from_millis(ms));
    assert_eq!(spends(&hall, "ada").await, wait(12_000));
    assert_eq!(spends(&hall, "bob").await, Spent::Counted, "somebody else");
    hall.pass(11_999);
    assert_eq!(spends(&hall, "ada").await, wait(1));
    hall.pass(1);
    assert_eq!(spends(&hall, "ada").await, Spent::Counted);
    assert_eq!(
        spends(&hall, "ada").await,
        wait(12_000),
        "one came due, not more"
    );
    // A clock that goes back owes nobody more than a minute.
    hall.pass(-3_600_000);
    assert_eq!(spends(&hall, "ada").await, wait(12_000));
    hall.pass(60_000);
    for _ in 0..5 {
        assert_eq!(spends(&hall, "ada").await, Spent::Counted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_only_as_many_are_counted_as_may_and_redis_forgets_them_by_itself() {
    let redis = Server::start(&[]);
    let hall = still_hall_at(&redis.url(), 0).await;
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&hall.store);
            tokio::spawn(async move { store.spend("ada", FIVE_A_MINUTE).await.unwrap() })
        })
        .collect();
    let mut counted = 0;
    for spent in asked {
        counted += u32::from(spent.await.unwrap() == Spent::Counted);
    }
    assert_eq!(counted, 5);
    let keys = redis.ask("KEYS *:rate:*");
    let key = keys.lines().nth(2).expect("one key").to_owned();
    let left_ms = redis.ask(&format!("PTTL {key}"));
    let left_ms: i64 = left_ms.trim_start_matches(':').trim().parse().unwrap();
    assert!(
        (1..=60_000).contains(&left_ms),
        "{key} lives for {left_ms} ms"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_counts_as_well() {
    let hall = still_hall_at(&cluster().url(), 0).await;
    for who in ["ada", "bob", "cora", "dan"] {
        for _ in 0..5 {
            assert_eq!(spends(&hall, who).await, Spent::Counted);
        }
        assert!(matches!(spends(&hall, who).await, Spent::Wait(_)), "{who}");
    }
}
