//! Who is inside: the cap, and how slots are freed.

use crate::support::*;
use onsale_queue::pow::{Challenge, PowKey, solve};
use onsale_queue::room::port::{Leaving, Seed, Seen, Shopper};
use onsale_queue::room::{Presence, Rooms, ShopReport};
use onsale_queue::wire::{ClaimRefused, RoomSettings};
use onsale_queue::{Action, Authority};
use std::sync::Arc;

/// A server with a room in which `count` visitors have been called, whatever the cap.
async fn called(hall: &Hall, settings: RoomSettings, count: u64) -> (Arc<Rooms>, Vec<Joined>) {
    let cap = settings.cap;
    let wide = RoomSettings {
        cap: 100_000,
        ..settings
    };
    let server = hall.open(wide.clone()).await;
    let joined = join_many(&server, 0..count).await;
    hall.run(&server, 2_000, 500).await;
    set(&server, |settings| settings.cap = cap).await;
    (server, joined)
}
use onsale_queue::room::Joined;

async fn set(server: &Rooms, change: impl FnOnce(&mut RoomSettings)) {
    let row = server.row(ROOM).unwrap();
    let mut settings = row.settings.clone();
    change(&mut settings);
    server
        .change(ROOM, row.version, settings, "olga")
        .await
        .unwrap();
}

pub(crate) async fn claims_at_once_never_exceed_the_cap_and_fill_it(hall: Hall) {
    let (first, joined) = called(&hall, settings(), 200).await;
    let second = hall.server(settings()).await;
    let barrier = Arc::new(tokio::sync::Barrier::new(16));
    let mut claims = Vec::new();
    for (task, part) in joined.chunks(13).enumerate() {
        let server = Arc::clone(if task % 2 == 0 { &first } else { &second });
        let (part, barrier) = (part.to_vec(), Arc::clone(&barrier));
        claims.push(tokio::spawn(async move {
            barrier.wait().await;
            let mut admitted = 0;
            for joined in part {
                match claim(&server, &joined).await {
                    Ok(_) => admitted += 1,
                    Err(ClaimRefused::Full { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            admitted
        }));
    }
    assert_eq!(claims.len(), 16);
    let mut admitted = 0;
    for claim in claims {
        admitted += claim.await.unwrap();
    }
    assert_eq!(admitted, 10);
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!((row.active, row.totals.most_inside), (10, 10));
}

pub(crate) async fn asking_again_gives_the_same_admission_and_another_session_gets_none(
    hall: Hall,
) {
    let (server, joined) = called(&hall, settings(), 1).await;
    let once = claim(&server, &joined[0]).await.unwrap();
    let again = claim(&server, &joined[0]).await.unwrap();
    assert_eq!(once.admission, again.admission);
    let elsewhere = server
        .claim(&joined[0].pass, visitor(99), Authority::default())
        .await;
    assert_eq!(elsewhere, Err(ClaimRefused::UsedElsewhere));
    assert_eq!(hall.store.read(ROOM).await.unwrap().active, 1);
}

pub(crate) async fn leaving_frees_the_slot_at_once_and_uses_the_place_up(hall: Hall) {
    let one = RoomSettings {
        cap: 1,
        ..settings()
    };
    let (server, joined) = called(&hall, one, 2).await;
    let first = claim(&server, &joined[0]).await.unwrap();
    assert!(matches!(
        claim(&server, &joined[1]).await,
        Err(ClaimRefused::Full { .. })
    ));
    assert!(
        server
            .leave(&first.admission, Leaving::Completed)
            .await
            .unwrap()
    );
    assert!(claim(&server, &joined[1]).await.is_ok());
    assert_eq!(claim(&server, &joined[0]).await, Err(ClaimRefused::Used));
    assert!(
        !server
            .leave(&first.admission, Leaving::Completed)
            .await
            .unwrap()
    );
    let totals = hall.store.read(ROOM).await.unwrap().totals;
    assert_eq!((totals.admitted, totals.completed), (2, 1));
}

pub(crate) async fn time_that_is_up_frees_the_slot(hall: Hall) {
    let short = RoomSettings {
        cap: 1,
        shop_ms: 30_000,
        idle_ms: 60_000,
        ..settings()
    };
    let (server, joined) = called(&hall, short, 2).await;
    let first = claim(&server, &joined[0]).await.unwrap();
    hall.pass(29_000);
    assert!(is_inside(&server, &first).await);
    assert!(claim(&server, &joined[1]).await.is_err());
    hall.pass(1_500);
    assert!(!is_inside(&server, &first).await);
    assert!(claim(&server, &joined[1]).await.is_ok());
    assert_eq!(hall.store.read(ROOM).await.unwrap().totals.expired, 1);
}

pub(crate) async fn an_idle_shopper_makes_room_and_may_come_back_while_there_is_some(hall: Hall) {
    let idle = RoomSettings {
        cap: 1,
        idle_ms: 10_000,
        ..settings()
    };
    let (server, joined) = called(&hall, idle, 2).await;
    let first = claim(&server, &joined[0]).await.unwrap();
    hall.pass(9_000);
    assert!(is_inside(&server, &first).await, "a sign of life counts");
    hall.pass(9_000);
    assert!(is_inside(&server, &first).await);
    hall.pass(10_500);
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    assert_eq!(hall.store.read(ROOM).await.unwrap().active, 0);
    let second = claim(&server, &joined[1]).await.unwrap();
    assert_eq!(server.check_in(&first.admission).await, Presence::Full);
    server
        .leave(&second.admission, Leaving::Abandoned)
        .await
        .unwrap();
    assert!(is_inside(&server, &first).await, "there is room again");
    assert_eq!(hall.store.read(ROOM).await.unwrap().totals.most_inside, 1);
}

pub(crate) async fn a_lowered_cap_throws_nobody_out_and_lets_nobody_in(hall: Hall) {
    let (server, joined) = called(&hall, settings(), 12).await;
    let mut admitted = Vec::new();
    for joined in &joined[..10] {
        admitted.push(claim(&server, joined).await.unwrap());
    }
    set(&server, |settings| settings.cap = 3).await;
    assert!(is_inside(&server, &admitted[9]).await);
    for inside in &admitted[..7] {
        server
            .leave(&inside.admission, Leaving::Abandoned)
            .await
            .unwrap();
        let refused = claim(&server, &joined[10]).await;
        assert!(matches!(refused, Err(ClaimRefused::Full { .. })));
    }
    server
        .leave(&admitted[7].admission, Leaving::Abandoned)
        .await
        .unwrap();
    assert!(claim(&server, &joined[10]).await.is_ok());
}

pub(crate) async fn nothing_left_to_sell_keeps_everybody_out_until_a_hold_lapses(hall: Hall) {
    let (server, joined) = called(&hall, settings(), 5).await;
    let left = |places| ShopReport {
        health_permille: 1000,
        places_left: Some(places),
    };
    hall.pass(500);
    server.tick(ROOM, left(0)).await.unwrap();
    assert!(matches!(
        claim(&server, &joined[0]).await,
        Err(ClaimRefused::SoldOut { .. })
    ));
    assert_eq!(public(&server).places_left, Some(0));
    hall.pass(500);
    server.tick(ROOM, left(2)).await.unwrap();
    assert!(claim(&server, &joined[0]).await.is_ok());
}

pub(crate) async fn a_code_is_good_as_often_as_it_says_and_within_the_cap(hall: Hall) {
    let server = hall.open(settings()).await;
    let (code, kept) = server
        .issue_code(ROOM, "press", 3, None, "olga")
        .await
        .unwrap();
    let use_code = |number| {
        let (server, code) = (Arc::clone(&server), code.to_lowercase());
        tokio::spawn(async move {
            server
                .claim_with_code(ROOM, &code, visitor(number), Authority::default())
                .await
        })
    };
    let mut good = 0;
    for attempt in (0..12).map(use_code).collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => good += 1,
            Err(refused) => assert_eq!(refused, ClaimRefused::NoSuchCode),
        }
    }
    assert_eq!(good, 3);
    assert_eq!(server.codes(ROOM).await.unwrap()[0].used, 3);
    set(&server, |settings| settings.cap = 3).await;
    let (other, _) = server
        .issue_code(ROOM, "crew", 9, None, "olga")
        .await
        .unwrap();
    let full = server
        .claim_with_code(ROOM, &other, visitor(50), Authority::default())
        .await;
    assert!(matches!(full, Err(ClaimRefused::Full { .. })));
    assert!(server.withdraw_code(ROOM, &kept.id, "olga").await.unwrap());
    assert_eq!(server.codes(ROOM).await.unwrap().len(), 1);
    let (short, _) = server
        .issue_code(
            ROOM,
            "noon",
            9,
            Some(hall.store.read(ROOM).await.unwrap().now_ms + 1_000),
            "olga",
        )
        .await
        .unwrap();
    hall.pass(2_000);
    let late = server
        .claim_with_code(ROOM, &short, visitor(51), Authority::default())
        .await;
    assert_eq!(late, Err(ClaimRefused::NoSuchCode));
}

pub(crate) async fn an_admission_of_who_left_lets_nobody_in_again(hall: Hall) {
    let (server, joined) = called(&hall, settings(), 1).await;
    let first = claim(&server, &joined[0]).await.unwrap();
    server
        .leave(&first.admission, Leaving::Completed)
        .await
        .unwrap();
    assert_eq!(server.check_in(&first.admission).await, Presence::Over);
    server.act(ROOM, Action::Close, None, "olga").await.unwrap();
    assert_eq!(hall.store.read(ROOM).await.unwrap().active, 0);
}

pub(crate) async fn an_admission_given_up_after_its_slot_was_gone_lets_nobody_in_again(hall: Hall) {
    let idle = RoomSettings {
        idle_ms: 10_000,
        ..settings()
    };
    let (server, joined) = called(&hall, idle, 1).await;
    let first = claim(&server, &joined[0]).await.unwrap();
    hall.pass(10_500);
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    let left = server.leave(&first.admission, Leaving::Abandoned).await;
    assert!(!left.unwrap(), "nobody had the slot any more");
    assert_eq!(server.check_in(&first.admission).await, Presence::Over);
    assert_eq!(claim(&server, &joined[0]).await, Err(ClaimRefused::Used));
}

pub(crate) async fn of_two_admissions_on_one_place_the_other_ends_with_the_one_that_is_inside(
    hall: Hall,
) {
    let (server, joined) = called(&hall, settings(), 1).await;
    claim(&server, &joined[0]).await.unwrap();
    let first = hall.store.inside(ROOM, 1).await.unwrap()[0];
    // Another server let them in too while it could not ask, and says so now.
    let second = Shopper {
        nonce: [0xff; 4],
        ..first
    };
    let tells = |shopper| Seed {
        row: server.row(ROOM).unwrap(),
        inside: vec![shopper],
        settle_ms: 0,
        after_outage: false,
    };
    let is_in = async |shopper| {
        let seen = hall.store.check_in(ROOM, shopper).await.unwrap();
        matches!(seen, Seen::Inside { .. })
    };
    let leave = async |shopper| {
        let left = hall.store.leave(ROOM, shopper, Leaving::Completed).await;
        left.unwrap()
    };
    assert!(!hall.store.make(ROOM, tells(second)).await.unwrap());
    assert!(is_in(second).await && !is_in(first).await);
    assert!(!leave(first).await, "the slot is the other's");
    assert!(is_in(second).await, "who is not asked to go");
    assert!(leave(second).await);
    for over in [first, second] {
        hall.store.make(ROOM, tells(over)).await.unwrap();
        assert!(!is_in(over).await && !leave(over).await);
    }
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!((row.active, row.totals.completed), (0, 1));
}

pub(crate) async fn who_came_in_on_a_code_and_left_may_come_in_on_it_again(hall: Hall) {
    let server = hall.open(settings()).await;
    let issued = server.issue_code(ROOM, "press", 2, None, "olga").await;
    let (code, _) = issued.unwrap();
    let come = || server.claim_with_code(ROOM, &code, visitor(1), Authority::default());
    let first = come().await.unwrap();
    let left = server.leave(&first.admission, Leaving::Abandoned).await;
    assert!(left.unwrap());
    let second = come().await.unwrap();
    assert!(is_inside(&server, &second).await);
    assert!(!is_inside(&server, &first).await, "that one has ended");
}

pub(crate) async fn solved_work_counts_once(hall: Hall) {
    let first = hall.open(settings()).await;
    let second = hall.server(settings()).await;
    let key = PowKey([3; 32]);
    let challenge = Challenge {
        room: ROOM,
        nonce: [4; 16],
        bits: 6,
        expires_ms: hall.store.read(ROOM).await.unwrap().now_ms + 60_000,
    };
    let text = key.issue(&challenge);
    let counter = solve(&text, 0, 1 << 20).unwrap().unwrap();
    let checked = key.verify(&text, counter, ROOM, 6, 0).unwrap();
    assert!(first.use_challenge(&checked).await.unwrap());
    assert!(!second.use_challenge(&checked).await.unwrap());
}
