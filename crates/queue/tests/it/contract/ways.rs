//! Operators, the schedule, and which server calls.

use crate::support::*;
use onsale_queue::controller::{Controller, HeldBy};
use onsale_queue::room::port::{Advance, Report, SERVER_KEPT_MS, Seed, Servers, StoreError};
use onsale_queue::room::{ChangeRefused, ShopReport};
use onsale_queue::wire::{ClaimRefused, Deed, RoomSettings};
use onsale_queue::{Action, RoomId, RoomState, ServingPosition};
use std::sync::Arc;

pub(crate) async fn of_two_operators_who_change_at_once_one_is_told(hall: Hall) {
    let server = hall.open(settings()).await;
    let version = server.row(ROOM).unwrap().version;
    let mut changes = Vec::new();
    for rate in 1..=8 {
        let server = Arc::clone(&server);
        let settings = RoomSettings {
            rate_per_minute: rate,
            ..settings()
        };
        changes.push(tokio::spawn(async move {
            server
                .change(ROOM, version, settings, &format!("olga {rate}"))
                .await
        }));
    }
    let mut done = 0;
    for change in changes {
        match change.await.unwrap() {
            Ok(_) => done += 1,
            Err(ChangeRefused::Conflict { expected, .. }) => assert_eq!(expected, version),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(hall.store.read(ROOM).await.unwrap().version, version + 1);
}

pub(crate) async fn bad_settings_change_nothing_and_every_fault_is_named(hall: Hall) {
    let server = hall.open(settings()).await;
    let version = server.row(ROOM).unwrap().version;
    let absurd = RoomSettings {
        rate_per_minute: u32::MAX,
        cap: u32::MAX,
        ..settings()
    };
    let refused = server.change(ROOM, version, absurd, "olga").await;
    let Err(ChangeRefused::Faults(faults)) = refused else {
        panic!("{refused:?}");
    };
    let fields: Vec<_> = faults.iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["rate_per_minute", "cap"]);
    assert_eq!(hall.store.read(ROOM).await.unwrap().version, version);
    let impossible = server.act(ROOM, Action::Draw, None, "olga").await;
    assert!(matches!(impossible, Err(ChangeRefused::NotAllowed(_))));
}

pub(crate) async fn one_server_calls_at_a_time_and_another_takes_over(hall: Hall) {
    let slow = RoomSettings {
        rate_per_minute: 60,
        cap: 1_000,
        ..settings()
    };
    let first = hall.open(slow.clone()).await;
    let second = hall.server(slow).await;
    join_many(&first, 0..100).await;
    for _ in 0..40 {
        hall.pass(250);
        let (one, other) = tokio::join!(
            first.tick(ROOM, SOLD_FREELY),
            second.tick(ROOM, SOLD_FREELY)
        );
        one.unwrap();
        other.unwrap();
    }
    let called = hall.store.read(ROOM).await.unwrap().totals.called;
    assert!((9..=10).contains(&called), "{called}");
    // The first is gone; the second goes on.
    hall.run(&second, 5_000, 250).await;
    let after = hall.store.read(ROOM).await.unwrap().totals.called;
    assert!((called + 3..=called + 5).contains(&after), "{after}");
}

fn report(server: u8) -> Report {
    Report {
        server: [server; 16],
        lease_ms: 1_000,
        ..Report::default()
    }
}

async fn call(hall: &Hall, fence: u64, version: u64) -> bool {
    let advance = Advance {
        fence,
        version,
        calls: 5,
        controller: Controller::new(ServingPosition(0)),
        held_by: HeldBy::Rate,
        pulse: onsale_queue::room::pulse::Pulse::default(),
        places_left: None,
        figures: None,
    };
    hall.store.advance(ROOM, advance).await.unwrap()
}

pub(crate) async fn a_controller_that_was_overtaken_calls_nobody(hall: Hall) {
    let server = hall.open(settings()).await;
    join_many(&server, 0..50).await;
    let old = hall.store.sweep(ROOM, report(1)).await.unwrap();
    let fence = old.turn.expect("the first to ask").fence;
    assert_eq!(
        hall.store.sweep(ROOM, report(2)).await.unwrap().turn,
        None,
        "one at a time"
    );
    hall.pass(1_100);
    let new = hall.store.sweep(ROOM, report(2)).await.unwrap();
    let newer = new.turn.expect("the first is late").fence;
    assert!(!call(&hall, fence, old.row.version).await);
    assert!(
        !call(&hall, newer, new.row.version + 1).await,
        "decided on other settings"
    );
    assert_eq!(hall.store.read(ROOM).await.unwrap().totals.called, 0);
    assert!(call(&hall, newer, new.row.version).await);
    assert_eq!(hall.store.read(ROOM).await.unwrap().totals.called, 5);
}

pub(crate) async fn a_controller_killed_between_looking_and_calling_loses_nothing(hall: Hall) {
    let slow = RoomSettings {
        rate_per_minute: 60,
        cap: 1_000,
        ..settings()
    };
    let server = hall.open(slow).await;
    let joined = join_many(&server, 0..20).await;
    hall.run(&server, 2_000, 500).await;
    let before = hall.store.read(ROOM).await.unwrap();
    hall.pass(2_000);
    // It takes the turn, and is never heard of again.
    let turn = hall.store.sweep(ROOM, report(9)).await.unwrap().turn;
    assert!(turn.is_some());
    hall.run(&server, 5_000, 500).await;
    let after = hall.store.read(ROOM).await.unwrap();
    assert!(after.totals.called > before.totals.called);
    assert!(
        after.totals.called <= before.totals.called + 7,
        "not twice for the same time"
    );
    assert_eq!(after.totals.called, after.epochs[0].serving.0);
    assert!(claim(&server, &joined[0]).await.is_ok());
}

pub(crate) async fn a_crowd_switches_the_room_on_and_quiet_switches_it_off(hall: Hall) {
    let server = hall
        .server(RoomSettings {
            auto_on_per_minute: Some(100),
            ..settings()
        })
        .await;
    let switch = server.switch(ROOM).unwrap();
    hall.run(&server, 500, 250).await;
    for _ in 0..90 {
        server.arrived(ROOM);
    }
    hall.run(&server, 500, 250).await;
    assert!(!switch.is_on());
    for _ in 0..20 {
        server.arrived(ROOM);
    }
    hall.run(&server, 500, 250).await;
    assert!(switch.is_on());
    assert_eq!(public(&server).state, RoomState::Open);
    let log = server.audit(ROOM, 1).await.unwrap();
    assert_eq!(log[0].who, "threshold");
    hall.run(&server, 130_000, 5_000).await;
    assert!(!switch.is_on());
}

pub(crate) async fn the_schedule_gathers_draws_opens_and_drains(hall: Hall) {
    let server = hall.server(settings()).await;
    let row = server.row(ROOM).unwrap();
    let scheduled = RoomSettings {
        gathers_ms: Some(row.now_ms + 10_000),
        opens_ms: Some(row.now_ms + 20_000),
        drains_ms: Some(row.now_ms + 40_000),
        ..settings()
    };
    server
        .change(ROOM, row.version, scheduled, "olga")
        .await
        .unwrap();
    assert!(
        server.is_on(ROOM),
        "an announced opening is seen beforehand"
    );
    let mut states = vec![public(&server).state];
    for _ in 0..50 {
        hall.run(&server, 1_000, 1_000).await;
        let state = public(&server).state;
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    assert_eq!(
        states,
        [
            RoomState::Scheduled,
            RoomState::Gathering,
            RoomState::Drawing,
            RoomState::Open,
            RoomState::Draining
        ]
    );
}

pub(crate) async fn a_quiet_room_is_off(hall: Hall) {
    let server = hall.server(settings()).await;
    assert!(!server.is_on(ROOM));
    server.act(ROOM, Action::Open, None, "olga").await.unwrap();
    assert!(server.is_on(ROOM));
    server.act(ROOM, Action::Close, None, "olga").await.unwrap();
    assert!(!server.is_on(ROOM));
}

pub(crate) async fn every_change_is_in_the_log_with_who_and_when(hall: Hall) {
    let server = hall.open(settings()).await;
    hall.pass(1_000);
    let version = hall.store.read(ROOM).await.unwrap().version;
    let changed = RoomSettings {
        message: "Doors at eight".into(),
        ..settings()
    };
    server
        .change(ROOM, version, changed.clone(), "otto")
        .await
        .unwrap();
    assert_eq!(public(&server).message, "Doors at eight");
    let log = server.audit(ROOM, 10).await.unwrap();
    assert_eq!((log[0].who.as_str(), log[1].who.as_str()), ("otto", "olga"));
    assert_eq!(
        log[0].deed,
        Deed::Changed {
            from: Some(Box::new(settings())),
            settings: Box::new(changed)
        }
    );
    assert!(log[0].at_ms > log[1].at_ms);
    assert_eq!(log[0].version, version + 1);
}

pub(crate) async fn the_graphs_get_a_point_every_ten_seconds(hall: Hall) {
    let server = hall.open(settings()).await;
    join_many(&server, 0..30).await;
    let shop = ShopReport {
        health_permille: 900,
        places_left: Some(5_000),
    };
    for _ in 0..62 {
        hall.pass(500);
        server.tick(ROOM, shop).await.unwrap();
    }
    let figures = server.figures(ROOM, 100).await.unwrap();
    assert!((3..=5).contains(&figures.len()), "{}", figures.len());
    let last = figures.last().unwrap();
    assert_eq!(
        (last.health_permille, last.places_left, last.cap),
        (900, Some(5_000), 10)
    );
    assert!(last.totals.called >= 10, "{last:?}");
    assert_eq!(
        server.figures(ROOM, 2).await.unwrap(),
        figures[figures.len() - 2..]
    );
}

pub(crate) async fn a_room_that_nobody_made_is_not_there(hall: Hall) {
    let other = RoomId([1; 16]);
    let server = hall.server(settings()).await;
    assert_eq!(hall.store.read(other).await, Err(StoreError::NoSuchRoom));
    assert_eq!(
        server.tick(other, SOLD_FREELY).await,
        Err(StoreError::NoSuchRoom)
    );
    assert!(server.public(other).is_none());
}

pub(crate) async fn servers_that_report_are_counted_and_ranked(hall: Hall) {
    hall.open(settings()).await;
    let report = |server: u8| Report {
        server: [server; 16],
        lease_ms: 1_000,
        ..Report::default()
    };
    let mut seen = Vec::new();
    for server in [7, 3, 200, 7] {
        let swept = hall.store.sweep(ROOM, report(server)).await.unwrap();
        seen.push((swept.servers.count, swept.servers.rank));
    }
    assert_eq!(seen, [(1, 0), (2, 0), (3, 2), (3, 1)]);
    // Every share is somebody's and nobody's twice.
    for whole in [0, 1, 2, 7, 60] {
        let share = |rank| Servers { count: 3, rank }.share_of(whole);
        assert_eq!((0..3).map(share).sum::<u32>(), whole);
    }
    // Who has been silent for a minute is not one of them any more.
    hall.pass(i64::from(SERVER_KEPT_MS));
    let swept = hall.store.sweep(ROOM, report(3)).await.unwrap();
    assert_eq!(swept.servers, Servers { count: 1, rank: 0 });
}

pub(crate) async fn after_an_outage_nobody_comes_in_before_every_server_could_speak(hall: Hall) {
    let server = hall.open(settings()).await;
    let joined = join_many(&server, 0..3).await;
    hall.run(&server, 1_000, 250).await;
    let inside = claim(&server, &joined[0]).await.unwrap();
    let back = Seed {
        row: hall.store.read(ROOM).await.unwrap(),
        inside: Vec::new(),
        settle_ms: 2_000,
        after_outage: true,
    };
    assert!(!hall.store.make(ROOM, back).await.unwrap());
    hall.pass(1_999);
    assert!(matches!(
        claim(&server, &joined[1]).await,
        Err(ClaimRefused::Away { .. })
    ));
    assert!(is_inside(&server, &inside).await);
    hall.pass(1);
    assert!(claim(&server, &joined[1]).await.is_ok());
}
