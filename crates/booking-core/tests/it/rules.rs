//! Rules about which seats are a good choice, built in and an embedder's own.

use booking_core::decide::Warning;
use booking_core::rule::{Choice, Rule, check_choice, check_choice_with};
use booking_core::terms::{AccessibleRule, BookingRules, GapRule};
use booking_core::test_support::*;
use booking_core::*;

use crate::support::*;

/// No seat is stranded.
const NONE: [u32; 0] = [];

fn with_gaps(single_seat_gap: GapRule) -> BookingRules {
    BookingRules {
        single_seat_gap,
        ..relaxed()
    }
}

/// What the rules say of choosing the seats marked `x` where those marked `-` are taken; `.` are
/// free, `w` a free and `W` a chosen wheelchair space, a blank is an aisle.
fn say(picture: &str, rules: &BookingRules, need: bool) -> Result<Vec<Warning>, Rejection> {
    let plan = picture.replace(['x', '-'], ".").replace('W', "w");
    let map = drawn(&[&plan]);
    let marks: Vec<char> = picture.chars().filter(|mark| *mark != ' ').collect();
    let marked = |mark: char| {
        let numbered = (0..).zip(&marks);
        numbered
            .filter(move |(_, m)| **m == mark)
            .map(|(i, _)| SeatIx(i))
    };
    let mut open = seatset::SeatSet::full(map.seat_count());
    for taken in marked('-') {
        open.remove(taken);
    }
    let mut chosen: Vec<SeatIx> = marked('x').chain(marked('W')).collect();
    chosen.sort();
    check_choice(&Choice {
        map: &map,
        open: &open,
        seats: &chosen,
        area_places: 0,
        needs_accessible: need,
        places_elsewhere: 0,
        rules,
        now_ms: T0,
    })
}

fn refused(picture: &str) -> Vec<u32> {
    let rules = with_gaps(GapRule::ForbidUnlessUnavoidable);
    match say(picture, &rules, false) {
        Ok(_) => vec![],
        Err(Rejection::SingleSeatGap { stranded }) => stranded.iter().map(|seat| seat.0).collect(),
        Err(other) => panic!("{other:?}"),
    }
}
fn warned(picture: &str) -> Vec<u32> {
    let warnings = say(picture, &with_gaps(GapRule::Warn), false).unwrap();
    match &warnings[..] {
        [] => vec![],
        [Warning::SingleSeatGap { stranded }] => stranded.iter().map(|seat| seat.0).collect(),
        others => panic!("{others:?}"),
    }
}

#[test]
fn a_seat_left_alone_between_a_choice_and_taken_seats_is_stranded() {
    assert_eq!(warned("-.xx...-"), [1]);
    assert_eq!(warned("-..xx.-."), [5]);
    assert_eq!(warned("..x.x..."), [3]);
}

#[test]
fn a_seat_left_alone_at_an_aisle_or_a_rows_end_is_stranded() {
    assert_eq!(warned(".xx....."), [0]);
    assert_eq!(warned("... .xx.."), [3]);
    assert_eq!(warned("xx... ..."), NONE);
}

#[test]
fn a_seat_that_was_alone_before_is_not_the_choices_doing() {
    assert_eq!(warned("-.-xx..."), NONE);
    assert_eq!(warned(". xx...."), NONE);
}

#[test]
fn several_stranded_seats_are_each_named_once_and_in_order() {
    assert_eq!(warned(".x.x...x."), [0, 2, 8]);
}

#[test]
fn stranding_is_refused_where_another_choice_would_not_strand() {
    assert_eq!(refused("-.xx..-"), [1]);
    assert_eq!(refused("-xx...-"), NONE);
    assert_eq!(refused("-..xx..-"), NONE);
}

#[test]
fn stranding_is_allowed_where_it_cannot_be_avoided() {
    assert_eq!(refused("-xx.-"), NONE);
    assert_eq!(refused("-.xx-"), NONE);
    assert_eq!(refused("-x.x-"), NONE);
    // Avoidable here, unavoidable there: only the first is named.
    assert_eq!(refused("-.x..- xx."), [1]);
}

#[test]
fn an_allowed_gap_is_still_worth_a_warning() {
    let rules = with_gaps(GapRule::ForbidUnlessUnavoidable);
    let stranded = vec![seat(3)];
    assert_eq!(
        say("-xx.-", &rules, false),
        Ok(vec![Warning::SingleSeatGap { stranded }])
    );
}

#[test]
fn nobody_asks_about_gaps_where_the_rule_is_off() {
    assert_eq!(say("-.xx...-", &with_gaps(GapRule::Off), false), Ok(vec![]));
}

#[test]
fn a_lone_wheelchair_space_is_not_stranded() {
    assert_eq!(refused("wxx..."), NONE);
    assert_eq!(warned("..xxw"), NONE);
}

#[test]
fn whoever_needs_a_wheelchair_space_is_not_refused_for_what_stands_beside_it() {
    let rules = with_gaps(GapRule::ForbidUnlessUnavoidable);
    let stranded = vec![seat(0)];
    assert_eq!(
        say(".W...", &rules, true),
        Ok(vec![Warning::SingleSeatGap { stranded }])
    );
}

#[test]
fn accessible_seats_are_kept_for_those_who_need_them_as_long_as_the_terms_say() {
    let rules = |accessible_seats| BookingRules {
        accessible_seats,
        ..relaxed()
    };
    let kept = Err(Rejection::AccessibleOnly {
        seats: vec![seat(1)],
    });
    let on_need = rules(AccessibleRule::OnlyOnNeed);
    assert_eq!(say("xW..", &on_need, false), kept);
    assert_eq!(say("xW..", &on_need, true), Ok(vec![]));
    assert_eq!(
        say("xW..", &rules(AccessibleRule::Anyone), false),
        Ok(vec![])
    );
    let until = |until_ms| rules(AccessibleRule::OnlyOnNeedUntil { until_ms });
    assert_eq!(say("xW..", &until(T0 + 1), false), kept);
    assert_eq!(say("xW..", &until(T0), false), Ok(vec![]));
}

#[test]
fn seats_with_restricted_view_are_pointed_out() {
    let mut inventory = empty(&drawn(&["..rr"]), relaxed());
    let decision = execute(&mut inventory, &place_hold(1, 1, &seats(&[1, 2, 3])), T0).unwrap();
    let seats = vec![seat(2), seat(3)];
    assert_eq!(decision.warnings, [Warning::RestrictedView { seats }]);
}

#[test]
fn a_decision_sees_gaps_as_if_lapses_had_been_written() {
    let rules = with_gaps(GapRule::ForbidUnlessUnavoidable);
    let mut inventory = empty(&house(1, 1, 6), rules);
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    // While hold 1 lives, seat 2 would be alone; two of the four could be chosen better.
    let choose = place_hold(2, 2, &seats(&[3, 4, 5]));
    let now = decide(&inventory, &choose, T0);
    assert!(now.is_ok(), "three of four leave one whatever they do");
    let choose = place_hold(2, 2, &seats(&[3, 4]));
    let stranded = vec![seat(2), seat(5)];
    let now = decide(&inventory, &choose, T0);
    assert_eq!(now, Err(Rejection::SingleSeatGap { stranded }));
    let later = decide(&inventory, &choose, T0 + 11 * 60_000);
    let stranded = vec![seat(5)];
    assert_eq!(later, Err(Rejection::SingleSeatGap { stranded }));
}

#[test]
fn giving_back_a_seat_from_the_middle_strands_it() {
    let rules = with_gaps(GapRule::ForbidUnlessUnavoidable);
    let mut inventory = empty(&house(1, 1, 10), rules);
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1, 2])), T0).unwrap();
    let change = |remove: &[u32]| Command::ChangeHold {
        hold: hold(1),
        fan: fan(1),
        add: vec![],
        remove: seats(remove),
        needs_accessible: false,
    };
    let stranded = vec![seat(1)];
    let middle = decide(&inventory, &change(&[1]), T0);
    assert_eq!(middle, Err(Rejection::SingleSeatGap { stranded }));
    assert!(decide(&inventory, &change(&[2]), T0).is_ok());
}

/// An embedder's rule: parties stay in one row.
struct OneRow;

impl Rule for OneRow {
    fn code(&self) -> &'static str {
        "one_row"
    }
    fn check(&self, choice: &Choice<'_>, _: &mut Vec<Warning>) -> Result<(), Rejection> {
        let mut rows = choice.seats.iter().map(|seat| choice.map.row_of(*seat));
        let first = rows.next();
        if rows.all(|row| Some(row) == first) {
            Ok(())
        } else {
            Err(self.refuse(choice.seats))
        }
    }
}

#[test]
fn an_embedders_rule_runs_in_every_choice_of_seats() {
    let mut inventory = empty(&house(1, 2, 4), relaxed());
    let refused = |seats: &[u32]| {
        Err(Rejection::Rule {
            rule: "one_row".into(),
            seats: seats.iter().copied().map(SeatIx).collect(),
        })
    };
    let place = decide_with(
        &inventory,
        &place_hold(1, 1, &seats(&[0, 4])),
        T0,
        &[&OneRow],
    );
    assert_eq!(place, refused(&[0, 4]));
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    let change = Command::ChangeHold {
        hold: hold(1),
        fan: fan(1),
        add: seats(&[5]),
        remove: vec![],
        needs_accessible: false,
    };
    let changed = decide_with(&inventory, &change, T0, &[&OneRow]);
    assert_eq!(changed, refused(&[0, 1, 5]));
    execute(&mut inventory, &confirm(1, 1, 1, &seats(&[0, 1])), T0).unwrap();
    let exchange = Command::ExchangeSeats {
        order: order(1),
        give: vec![seat(0), seat(1)],
        take: vec![seat(3), seat(4)],
        needs_accessible: false,
    };
    let exchanged = decide_with(&inventory, &exchange, T0, &[&OneRow]);
    assert_eq!(exchanged, refused(&[3, 4]));
}

#[test]
fn the_browser_checks_a_tap_with_the_same_rules_on_a_public_view() {
    let rules = with_gaps(GapRule::ForbidUnlessUnavoidable);
    let mut inventory = empty(&house(1, 2, 6), rules.clone());
    execute(&mut inventory, &place_hold(1, 1, &seats(&[0, 1])), T0).unwrap();
    let view = PublicView::of(&inventory, 1);
    let free = view.free_seats();
    let tap = |seats: &[SeatIx]| {
        let choice = Choice {
            map: inventory.map(),
            open: &free,
            seats,
            area_places: 0,
            needs_accessible: false,
            places_elsewhere: 0,
            rules: &rules,
            now_ms: T0,
        };
        check_choice_with(&choice, &[&OneRow])
    };
    for chosen in [&[2, 3][..], &[3, 4], &[2, 6], &[4, 5]] {
        let sorted: Vec<SeatIx> = chosen.iter().copied().map(SeatIx).collect();
        let command = place_hold(2, 2, &seats(chosen));
        let decided = decide_with(&inventory, &command, T0, &[&OneRow]);
        assert_eq!(tap(&sorted), decided.map(|decision| decision.warnings));
    }
}
