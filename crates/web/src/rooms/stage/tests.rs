use super::*;
use onsale_queue::number::EpochProgress;
use onsale_queue::wire::PublicDraw;
use onsale_queue::{DrawKey, Epoch, QueueNumber, RoomId, ServingPosition};

const KEY: DrawKey = DrawKey([7; 32]);

fn place(number: u64) -> Place {
    Place {
        epoch: Epoch(1),
        number: QueueNumber(number),
    }
}

fn room(state: RoomState) -> PublicRoom {
    PublicRoom {
        room: RoomId([1; 16]),
        name: "Late Shift".into(),
        on: true,
        state,
        version: 1,
        now_ms: 1_000,
        floor: Epoch(1),
        epochs: vec![EpochProgress {
            epoch: Epoch(1),
            serving: ServingPosition(10),
            next: QueueNumber(100),
            lapsed: QueueNumber(5),
            ended: QueueNumber(2),
        }],
        waiting: 90,
        rate_per_minute: 60,
        recent: vec![10; 6],
        interval_ms: 10_000,
        held_by: Some(HeldBy::Rate),
        draw: None,
        gathers_ms: None,
        opens_ms: Some(60_000),
        places_left: None,
        claim_ms: 120_000,
        shop_ms: 900_000,
        pow_bits: 0,
        accounts_required: false,
        message: String::new(),
        outage: None,
    }
}

fn in_line(ahead: u64) -> Seen {
    Seen {
        stage: Stage::InLine {
            ahead,
            waiting: 90,
            estimate: None,
        },
        pace: Pace::Rate(60),
        rate_per_minute: 60,
    }
}

#[test]
fn the_front_of_a_line_that_stands_still_is_asked_for_often() {
    let paused = room(RoomState::Paused);
    let standing = |number| paused.standing(place(number));
    let calm = |number| paused.poll_after_ms(standing(number), 500);
    assert_eq!((calm(12), calm(60)), (1_000, 5_000));
}

#[test]
fn the_last_places_are_not_called_sold_out() {
    let pace = |places_left| {
        Pace::of(&PublicRoom {
            held_by: Some(HeldBy::SoldOut),
            places_left,
            ..room(RoomState::Open)
        })
    };
    assert_eq!(pace(Some(0)), Pace::SoldOut);
    assert_eq!(pace(Some(3)), Pace::LastPlaces);
    assert!(pace(Some(3)).stands_still());
}

#[test]
fn how_fast_a_full_shop_empties_is_not_told_before_it_was_seen() {
    let line = |recent: Vec<u32>| {
        let room = PublicRoom {
            held_by: Some(HeldBy::Cap),
            recent,
            ..room(RoomState::Open)
        };
        room.estimate(3)
    };
    assert_eq!(line(vec![1]), None);
    assert!(line(vec![10, 1, 4, 2]).is_some());
}

#[test]
fn while_nothing_is_left_to_sell_no_time_is_named() {
    let line = |held_by| {
        let room = PublicRoom {
            held_by,
            ..room(RoomState::Open)
        };
        match Stage::of(&room, Some(place(40))) {
            Stage::InLine { estimate, .. } => estimate,
            other => panic!("not in line: {other:?}"),
        }
    };
    assert!(line(Some(HeldBy::Rate)).is_some());
    assert_eq!(line(Some(HeldBy::SoldOut)), None);
}

#[test]
fn who_has_no_place_may_join_while_the_room_takes_newcomers() {
    for state in RoomState::ALL {
        let joinable = Stage::of(&room(state), None) == Stage::Joinable;
        assert_eq!(joinable, state.may_join(), "{state:?}");
    }
}

#[test]
fn a_quiet_room_sends_everybody_straight_in() {
    for state in RoomState::ALL {
        let quiet = PublicRoom {
            on: false,
            ..room(state)
        };
        assert_eq!(Stage::of(&quiet, None), Stage::Quiet, "{state:?}");
    }
}

#[test]
fn a_called_place_may_come_in_and_an_old_one_may_not() {
    let open = room(RoomState::Open);
    assert_eq!(
        Stage::of(&open, Some(place(9))),
        Stage::Turn { late: false }
    );
    assert_eq!(Stage::of(&open, Some(place(4))), Stage::Turn { late: true });
    assert_eq!(Stage::of(&open, Some(place(1))), Stage::TurnOver);
    assert_eq!(Stage::of(&open, Some(place(10))).ahead(), Some(1));
}

#[test]
fn who_gathers_waits_for_the_draw_and_then_for_its_outcome() {
    let gathering = Stage::of(&room(RoomState::Gathering), Some(place(50)));
    assert_eq!(
        gathering,
        Stage::Gathered {
            here: 90,
            opens_ms: Some(60_000)
        }
    );
    let drawing = Stage::of(&room(RoomState::Drawing), Some(place(50)));
    assert_eq!(drawing, Stage::Drawing { here: 90 });
}

#[test]
fn a_drawn_place_counts_from_the_drawn_number() {
    let drawn = PublicRoom {
        draw: Some(PublicDraw {
            commitment: KEY.commit(),
            parts: vec![(Epoch(0), 40)],
            gathered: 40,
            epoch: Epoch(1),
            key: Some(KEY),
        }),
        floor: Epoch(0),
        ..room(RoomState::Open)
    };
    let gathered = Place {
        epoch: Epoch(0),
        number: QueueNumber(3),
    };
    let number = onsale_queue::DrawnOrder::new(KEY, 40)
        .place_of(QueueNumber(3))
        .unwrap();
    let expected = Stage::of(&drawn, Some(place(number.0)));
    assert_eq!(Stage::of(&drawn, Some(gathered)), expected);
}

#[test]
fn a_place_of_an_earlier_sale_is_over_and_an_unknown_one_is_shown_again() {
    let earlier = Place {
        epoch: Epoch(0),
        number: QueueNumber(50),
    };
    let later = Place {
        epoch: Epoch(7),
        number: QueueNumber(0),
    };
    let open = room(RoomState::Open);
    assert_eq!(Stage::of(&open, Some(earlier)), Stage::TurnOver);
    assert_eq!(Stage::of(&open, Some(later)), Stage::Unknown);
}

#[test]
fn a_fault_is_named_before_a_pause_and_a_pause_before_the_rate() {
    let paused = room(RoomState::Paused);
    assert_eq!(Pace::of(&paused), Pace::Paused);
    let away = PublicRoom {
        outage: Some(Outage {
            since_ms: 0,
            policy: OutagePolicy::Hold,
        }),
        ..paused
    };
    assert_eq!(Pace::of(&away), Pace::Outage);
    assert_eq!(Pace::of(&room(RoomState::Open)), Pace::Rate(60));
}

#[test]
fn a_room_without_a_rate_stands_still() {
    let still = PublicRoom {
        rate_per_minute: 0,
        ..room(RoomState::Open)
    };
    assert!(Pace::of(&still).stands_still());
}

#[test]
fn a_new_rate_explains_a_new_time_before_a_step_forward_does() {
    let faster = Seen {
        rate_per_minute: 120,
        pace: Pace::Rate(120),
        ..in_line(5)
    };
    let rate = Moved::Rate { from: 60, to: 120 };
    assert_eq!(Moved::between(&in_line(9), &faster), Some(rate));
    let forward = Moved::Forward { by: 4 };
    assert_eq!(Moved::between(&in_line(9), &in_line(5)), Some(forward));
    assert_eq!(Moved::between(&in_line(9), &in_line(9)), None);
}

#[test]
fn the_draw_explains_the_first_place() {
    let before = Seen {
        stage: Stage::Drawing { here: 90 },
        ..in_line(1)
    };
    let drawn = Moved::Drawn {
        place: 12,
        among: 90,
    };
    assert_eq!(Moved::between(&before, &in_line(12)), Some(drawn));
}

#[test]
fn a_screen_reader_hears_a_long_wait_a_dozen_times_and_not_a_thousand() {
    let mut told = 4_000;
    let mut said = 0;
    for now in (1..4_000).rev() {
        if worth_saying(told, now) {
            told = now;
            said += 1;
        }
    }
    assert!((8..=16).contains(&said), "{said}");
    assert_eq!(told, 1);
}

#[test]
fn a_range_is_rounded_outwards() {
    let of = |soonest_ms, latest_ms| {
        Range::of(Estimate {
            soonest_ms,
            latest_ms,
        })
    };
    assert_eq!(of(0, 59_000), Range::UnderMinute);
    assert_eq!(of(30_000, 61_000), Range::Minutes(0, 2));
    assert_eq!(of(12 * 60_000 + 1, 17 * 60_000 + 1), Range::Minutes(12, 18));
    assert_eq!(of(23 * 60_000, 41 * 60_000), Range::Minutes(20, 45));
    assert_eq!(of(70 * 60_000, 100 * 60_000), Range::HalfHours(2, 4));
}
