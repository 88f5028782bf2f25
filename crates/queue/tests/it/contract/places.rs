//! Numbers, turns and the draw.

use crate::support::*;
use onsale_queue::controller::{Controller, HeldBy};
use onsale_queue::room::ShopReport;
use onsale_queue::room::port::{Advance, Claim, Leased, Leaving, NumberBlock, Report, Right};
use onsale_queue::wire::{ClaimRefused, JoinRefused, RoomSettings, Standing, Wishes};
use onsale_queue::{Action, Epoch, Place, QueueNumber, RoomState, ServingPosition, verify_draw};
use std::collections::HashSet;
use std::sync::Arc;

pub(crate) async fn a_number_is_given_once_however_many_servers_give_them(hall: Hall) {
    let first = hall.open(settings()).await;
    let second = hall.server(settings()).await;
    let mut joins = Vec::new();
    for task in 0..8_u64 {
        let server = Arc::clone(if task % 2 == 0 { &first } else { &second });
        joins.push(tokio::spawn(async move {
            let mut places = Vec::new();
            for number in 0..250 {
                places.push(join(&server, task * 1_000 + number).await.pass.place);
            }
            places
        }));
    }
    let mut places = HashSet::new();
    for join in joins {
        let given = join.await.unwrap();
        assert!(given.is_sorted(), "on one server in the order of joining");
        places.extend(given);
    }
    assert_eq!(places.len(), 2_000);
}

pub(crate) async fn nobody_comes_in_before_their_number_is_called(hall: Hall) {
    let server = hall.open(settings()).await;
    let joined = join(&server, 1).await;
    assert_eq!(
        claim(&server, &joined).await,
        Err(ClaimRefused::NotYourTurn)
    );
    hall.run(&server, 250, 250).await;
    assert!(claim(&server, &joined).await.is_ok());
}

pub(crate) async fn a_turn_lapses_then_ends_and_the_late_come_in_only_meanwhile(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            claim_ms: 10_000,
            late_ms: 20_000,
            ..settings()
        })
        .await;
    let joined = join_many(&server, 0..3).await;
    hall.run(&server, 250, 250).await;
    assert_eq!(server.row(ROOM).unwrap().expected, 3);
    assert!(claim(&server, &joined[0]).await.is_ok());
    hall.run(&server, 10_000, 1_000).await;
    let row = server.row(ROOM).unwrap();
    assert_eq!((row.expected, row.totals.no_shows), (0, 2));
    assert_eq!(
        public(&server).standing(joined[1].pass.place),
        Standing::YourTurn { late: true }
    );
    assert!(claim(&server, &joined[1]).await.is_ok());
    hall.run(&server, 20_000, 1_000).await;
    assert_eq!(
        public(&server).standing(joined[2].pass.place),
        Standing::TurnOver
    );
    assert_eq!(
        claim(&server, &joined[2]).await,
        Err(ClaimRefused::TurnOver)
    );
}

pub(crate) async fn a_pause_takes_nobodys_turn_away(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            claim_ms: 5_000,
            late_ms: 0,
            ..settings()
        })
        .await;
    let joined = join(&server, 1).await;
    hall.run(&server, 250, 250).await;
    server.act(ROOM, Action::Pause, None, "olga").await.unwrap();
    assert_eq!(
        claim(&server, &joined).await,
        Err(ClaimRefused::NotCalling {
            state: RoomState::Paused
        })
    );
    hall.run(&server, 60_000, 1_000).await;
    server
        .act(ROOM, Action::Resume, None, "olga")
        .await
        .unwrap();
    assert!(claim(&server, &joined).await.is_ok());
}

pub(crate) async fn a_clock_that_jumps_takes_nobodys_turn_and_calls_no_crowd(hall: Hall) {
    let day_ms = 86_400_000;
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 60,
            cap: 10_000,
            ..settings()
        })
        .await;
    let joined = join_many(&server, 0..100).await;
    hall.run(&server, 2_000, 250).await;
    let called = server.row(ROOM).unwrap().totals.called;
    assert_eq!(called, 2);
    hall.pass(day_ms);
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    let after = server.row(ROOM).unwrap();
    assert!(after.totals.called <= called + 5, "{}", after.totals.called);
    assert_eq!(after.totals.no_shows, 0);
    assert!(claim(&server, &joined[0]).await.is_ok());
    hall.pass(-2 * day_ms);
    server.tick(ROOM, SOLD_FREELY).await.unwrap();
    hall.run(&server, 2_000, 250).await;
    let later = server.row(ROOM).unwrap();
    assert!(later.totals.called > after.totals.called, "it goes on");
    assert!(later.totals.called <= after.totals.called + 2);
}

pub(crate) async fn no_shows_are_made_up_for(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            claim_ms: 1_000,
            ..settings()
        })
        .await;
    join_many(&server, 0..200).await;
    hall.run(&server, 30_000, 500).await;
    let row = server.row(ROOM).unwrap();
    assert!(
        row.totals.called > 100,
        "nobody came, others were called: {}",
        row.totals.called
    );
    assert!(row.expected <= 40, "never more than four times the cap");
}

pub(crate) async fn the_rate_is_met_and_not_exceeded(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 120,
            cap: 100_000,
            ..settings()
        })
        .await;
    join_many(&server, 0..300).await;
    let began_ms = server.row(ROOM).unwrap().now_ms;
    hall.run(&server, 60_000, 500).await;
    let row = server.row(ROOM).unwrap();
    // A store's own clock goes on by itself meanwhile.
    let allowed = u64::try_from(row.now_ms - began_ms).unwrap() * 120 / 60_000;
    assert!(
        (120..=allowed).contains(&row.totals.called),
        "{} of {allowed}",
        row.totals.called
    );
}

pub(crate) async fn a_rate_of_zero_calls_nobody(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 0,
            ..settings()
        })
        .await;
    let joined = join(&server, 1).await;
    hall.run(&server, 60_000, 5_000).await;
    assert_eq!(
        public(&server).standing(joined.pass.place),
        Standing::Waiting {
            ahead: 1,
            waiting: 1,
            estimate: None
        }
    );
}

pub(crate) async fn one_person_has_one_place_whatever_the_session(hall: Hall) {
    let first = hall.open(settings()).await;
    let second = hall.server(settings()).await;
    let ask = |server: Arc<onsale_queue::room::Rooms>, session: u64| async move {
        let joined = server
            .join(ROOM, visitor(session), Some([5; 16]), Wishes::default())
            .await;
        joined.unwrap().pass.place
    };
    let places: HashSet<Place> = [
        ask(Arc::clone(&first), 1).await,
        ask(Arc::clone(&second), 2).await,
        ask(Arc::clone(&first), 3).await,
    ]
    .into();
    assert_eq!(places.len(), 1);
}

async fn gather(hall: &Hall, count: u64) -> (Arc<onsale_queue::room::Rooms>, Vec<Place>) {
    let server = hall.server(settings()).await;
    server
        .act(ROOM, Action::Gather, None, "olga")
        .await
        .unwrap();
    let joined = join_many(&server, 0..count).await;
    let places = joined.iter().map(|joined| joined.pass.place).collect();
    (server, places)
}

pub(crate) async fn the_draw_gives_every_gathered_visitor_a_place_that_anybody_can_check(
    hall: Hall,
) {
    let (server, gathered) = gather(&hall, 100).await;
    let commitment = public(&server).draw.clone().unwrap().commitment;
    assert!(matches!(
        public(&server).standing(gathered[0]),
        Standing::Gathered { .. }
    ));
    server.act(ROOM, Action::Draw, None, "olga").await.unwrap();
    assert_eq!(
        try_join(&server, 500).await,
        Err(JoinRefused::NotNow {
            state: RoomState::Drawing
        })
    );
    assert_eq!(
        public(&server).draw.as_ref().unwrap().key,
        None,
        "not before everybody is counted"
    );
    hall.run(&server, 2_500, 250).await;
    let shown = public(&server);
    let draw = shown.draw.as_ref().unwrap();
    let key = draw.key.expect("revealed");
    let drawn: HashSet<Place> = gathered.iter().map(|p| shown.effective(*p)).collect();
    assert_eq!(drawn.len(), 100, "no two share a place");
    for place in &gathered {
        let arrival = draw.arrival_of(*place).unwrap();
        let claimed = shown.effective(*place).number;
        verify_draw(commitment, key, draw.gathered, arrival, claimed).unwrap();
    }
    assert!(
        gathered
            .iter()
            .enumerate()
            .any(|(at, place)| { shown.effective(*place).number.0 != u64::try_from(at).unwrap() }),
        "not the order of arrival"
    );
    server.act(ROOM, Action::Open, None, "olga").await.unwrap();
    hall.run(&server, 250, 250).await;
    let mut in_order = gathered;
    in_order.sort_by_key(|place| shown.effective(*place));
    let first = public(&server).standing(in_order[0]);
    assert_eq!(first, Standing::YourTurn { late: false });
}

pub(crate) async fn who_comes_after_the_draw_stands_behind_who_gathered(hall: Hall) {
    let (server, gathered) = gather(&hall, 20).await;
    server.act(ROOM, Action::Draw, None, "olga").await.unwrap();
    hall.run(&server, 2_500, 250).await;
    server.act(ROOM, Action::Open, None, "olga").await.unwrap();
    let late = join(&server, 900).await;
    let ahead = |place| match public(&server).standing(place) {
        Standing::Waiting { ahead, .. } => ahead,
        other => panic!("{other:?}"),
    };
    let last = gathered.iter().map(|place| ahead(*place)).max().unwrap();
    assert!(ahead(late.pass.place) > last);
}

pub(crate) async fn a_reset_ends_every_pass_of_the_sale_before(hall: Hall) {
    let server = hall.open(settings()).await;
    let before = join(&server, 1).await;
    for action in [Action::Close, Action::Reset, Action::Open] {
        server.act(ROOM, action, None, "olga").await.unwrap();
    }
    let after = join(&server, 2).await;
    assert!(after.pass.place > before.pass.place);
    hall.run(&server, 250, 250).await;
    assert_eq!(claim(&server, &before).await, Err(ClaimRefused::TurnOver));
    assert_eq!(
        public(&server).standing(before.pass.place),
        Standing::TurnOver
    );
    assert!(claim(&server, &after).await.is_ok());
}

pub(crate) async fn a_forgotten_room_is_rebuilt_from_the_passes_that_are_shown(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 60,
            ..settings()
        })
        .await;
    let before = join_many(&server, 0..50).await;
    hall.run(&server, 5_000, 500).await;
    let served = public(&server).epochs[0].serving.0;
    assert_eq!(served, 5);
    // Joined after this server's last look, then all is lost.
    let unseen = join_many(&server, 50..60).await;
    hall.store.forget(ROOM).await.unwrap();
    hall.run(&server, 3_000, 500).await;
    let after = join(&server, 1_000).await;
    for joined in before.iter().chain(&unseen) {
        server
            .check_pass(ROOM, &joined.token, joined.pass.visitor)
            .unwrap();
    }
    hall.run(&server, 1_000, 500).await;
    let shown = public(&server);
    let place_in_line = |place| match shown.standing(place) {
        Standing::Waiting { ahead, .. } => ahead,
        Standing::YourTurn { .. } => 0,
        other => panic!("{other:?}"),
    };
    let line: Vec<u64> = before
        .iter()
        .chain(&unseen)
        .chain([&after])
        .map(|joined| place_in_line(joined.pass.place))
        .collect();
    assert!(line.is_sorted(), "nobody moved back: {line:?}");
    let waiting: Vec<_> = line.iter().filter(|ahead| **ahead > 0).collect();
    let distinct: HashSet<_> = waiting.iter().collect();
    assert_eq!(waiting.len(), distinct.len(), "no two share a place");
    assert_eq!(line[4], 0, "who had been called still is");
    let log = server.audit(ROOM, 10).await.unwrap();
    assert!(
        log.iter()
            .any(|entry| matches!(entry.deed, onsale_queue::wire::Deed::Recovered { .. }))
    );
}

pub(crate) async fn numbers_that_were_not_needed_are_given_back(hall: Hall) {
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 0,
            ..settings()
        })
        .await;
    join_many(&server, 0..100).await;
    hall.pass(1_500);
    let nothing = ShopReport::default();
    server.tick(ROOM, nothing).await.unwrap();
    server.tick(ROOM, nothing).await.unwrap();
    assert_eq!(public(&server).waiting, 100);
}

pub(crate) async fn who_waits_is_counted_and_not_the_numbers_that_servers_have_at_hand(hall: Hall) {
    let still = RoomSettings {
        rate_per_minute: 0,
        cap: 1_000,
        ..settings()
    };
    let first = hall.open(still.clone()).await;
    let second = hall.server(still.clone()).await;
    let mut all = 0;
    for (server, many) in [(&first, 40), (&second, 25), (&first, 7), (&second, 3)] {
        join_many(server, all..all + many).await;
        all += many;
        for server in [&second, &first] {
            server.tick(ROOM, SOLD_FREELY).await.unwrap();
        }
        assert_eq!(public(&first).waiting, all);
        let figures = first.figures_now(ROOM).unwrap();
        assert_eq!((figures.waiting, figures.totals.joined), (all, all));
    }
    // Of the blocks one can be given back and one cannot, for the other was leased after it.
    hall.pass(1_500);
    for server in [&first, &second, &first] {
        server.tick(ROOM, SOLD_FREELY).await.unwrap();
        assert_eq!(public(server).waiting, all);
    }
    let version = first.row(ROOM).unwrap().version;
    first
        .change(
            ROOM,
            version,
            RoomSettings {
                rate_per_minute: 60_000,
                ..still
            },
            "olga",
        )
        .await
        .unwrap();
    hall.run(&first, 2_000, 250).await;
    let figures = first.figures_now(ROOM).unwrap();
    assert_eq!((figures.waiting, figures.totals.joined), (0, all));
}

pub(crate) async fn numbers_that_nobody_will_be_given_never_count_as_somebody(hall: Hall) {
    let server = hall.open(settings()).await;
    let epoch = server.row(ROOM).unwrap().floor;
    let nothing = Place {
        epoch: Epoch(0),
        number: QueueNumber(0),
    };
    let lease = async |who: u8, count| {
        let leased = hall.store.lease(ROOM, [who; 16], count, nothing).await;
        assert!(matches!(leased.unwrap(), Leased::Block(_)));
    };
    let block = |first, count| NumberBlock {
        epoch,
        first: QueueNumber(first),
        count,
    };
    let sweep = async |who: u8, at_hand| {
        let report = Report {
            server: [who; 16],
            at_hand,
            ..Report::default()
        };
        hall.store.sweep(ROOM, report).await.unwrap()
    };
    let counts = async || {
        let row = hall.store.read(ROOM).await.unwrap();
        (row.waiting(), row.totals.joined, row.uncalled())
    };
    lease(1, 10).await;
    assert_eq!(counts().await, (1, 1, 10), "the first was asked for");
    sweep(1, Some(block(4, 6))).await;
    assert_eq!(counts().await, (4, 4, 10));
    // What was said before is not said again, nor of a block that is not the last.
    sweep(1, Some(block(2, 8))).await;
    sweep(1, Some(block(2, 3))).await;
    assert_eq!(counts().await, (4, 4, 10));
    lease(2, 5).await;
    assert_eq!(counts().await, (5, 5, 15));
    let back = hall.store.give_back(ROOM, [1; 16], block(4, 6)).await;
    assert!(!back.unwrap(), "another server has leased after it");
    assert_eq!(counts().await, (5, 5, 15));
    // The second says nothing more: nobody is given what it had.
    sweep(2, Some(block(11, 4))).await;
    hall.pass(61_000);
    let swept = sweep(3, None).await;
    assert_eq!(counts().await, (5, 5, 15));
    let turn = swept.turn.expect("the lease of whoever opened it is over");
    let call = |fence, calls| Advance {
        fence,
        version: swept.row.version,
        calls,
        controller: Controller::new(ServingPosition(0)),
        held_by: HeldBy::Rate,
        pulse: swept.row.pulse.clone(),
        places_left: None,
        figures: None,
    };
    assert!(hall.store.advance(ROOM, call(turn.fence, 6)).await.unwrap());
    assert_eq!(counts().await, (1, 5, 9), "the one who has number ten");
    hall.pass(61_000);
    let turn = sweep(3, None).await.turn.unwrap();
    assert!(hall.store.advance(ROOM, call(turn.fence, 9)).await.unwrap());
    assert_eq!(counts().await, (0, 5, 0));
    assert_eq!(hall.store.read(ROOM).await.unwrap().unused, []);
}

pub(crate) async fn turns_on_both_sides_of_a_bitmaps_end_are_kept_apart(hall: Hall) {
    const BITMAP: u64 = 65_536;
    let server = hall.open(settings()).await;
    let epoch = server.row(ROOM).unwrap().epochs.last().unwrap().epoch;
    let report = Report {
        observed: vec![(epoch, QueueNumber(BITMAP + 4))],
        server: [1; 16],
        lease_ms: 1_000,
        ..Report::default()
    };
    hall.pass(5_000); // the lease of whoever opened it
    let swept = hall.store.sweep(ROOM, report.clone()).await.unwrap();
    let turn = swept.turn.unwrap();
    let call = Advance {
        fence: turn.fence,
        version: swept.row.version,
        calls: BITMAP + 4,
        controller: Controller::new(ServingPosition(0)),
        held_by: HeldBy::Rate,
        pulse: swept.row.pulse,
        places_left: None,
        figures: None,
    };
    assert!(hall.store.advance(ROOM, call).await.unwrap());
    let claim = |number: u64, who: u64| Claim {
        right: Right::Turn(Place {
            epoch,
            number: QueueNumber(number),
        }),
        visitor: visitor(who),
        nonce: [0; 4],
    };
    for number in [0, 3, BITMAP - 1, BITMAP, BITMAP + 3] {
        let came = hall.store.claim(ROOM, claim(number, number)).await.unwrap();
        let shopper = came.unwrap();
        let left = hall.store.leave(ROOM, shopper, Leaving::Abandoned).await;
        assert!(left.unwrap());
        let again = hall.store.claim(ROOM, claim(number, 9)).await.unwrap();
        assert_eq!(again, Err(ClaimRefused::Used), "{number}");
    }
    let behind = hall.store.claim(ROOM, claim(BITMAP + 4, 9)).await.unwrap();
    assert_eq!(behind, Err(ClaimRefused::NotYourTurn));
    // Their time to come is over: exactly those who came are not missed.
    let claim_ms = i64::from(settings().claim_ms);
    let mut passed = 0;
    while passed <= claim_ms {
        hall.pass(5_000);
        passed += 5_000;
        hall.store.sweep(ROOM, report.clone()).await.unwrap();
    }
    let row = hall.store.read(ROOM).await.unwrap();
    assert_eq!(row.totals.no_shows, BITMAP + 4 - 5);
    assert_eq!(row.expected, 0);
}
