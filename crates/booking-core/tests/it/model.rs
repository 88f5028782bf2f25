//! Random streams of commands against a model: the invariants of the core.

use booking_core::decide::try_apply;
use booking_core::price::Place;
use booking_core::terms::{BookingRules, GapRule};
use booking_core::test_support::*;
use booking_core::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

mod reference;
mod streams;

use crate::support::*;
use reference::Model;
use streams::*;

/// Decides, applies to the inventory, and lets the model follow.
fn step(
    inventory: &mut Inventory,
    model: &mut Model,
    command: &Command,
    now_ms: i64,
) -> Result<Decision, Rejection> {
    let decision = decide(inventory, command, now_ms)?;
    for event in &decision.events {
        try_apply(inventory, event).expect("what was decided can be applied");
        model.follow(event, now_ms);
    }
    Ok(decision)
}

fn some_gap_rule() -> impl Strategy<Value = GapRule> {
    prop_oneof![
        Just(GapRule::Off),
        Just(GapRule::Warn),
        Just(GapRule::ForbidUnlessUnavoidable)
    ]
}

proptest! {
    #[test]
    fn every_seat_has_one_owner_and_all_accounts_agree(
        stream in some_stream(),
        gaps in some_gap_rule(),
    ) {
        let mut inventory = empty(&theatre(), rules(gaps));
        let mut model = Model::default();
        let mut now_ms = T0;
        for (wait, attempt) in stream {
            now_ms += wait;
            let command = command_for(&inventory, &attempt);
            let _ = step(&mut inventory, &mut model, &command, now_ms);
            model.agrees_with(&inventory);
        }
    }

    #[test]
    fn exactly_the_free_seats_can_be_held(stream in some_stream()) {
        let wide = BookingRules {
            max_holds_per_fan: 100,
            max_places_per_fan: 100,
            accessible_seats: terms::AccessibleRule::Anyone,
            ..rules(GapRule::Off)
        };
        let mut inventory = empty(&theatre(), wide);
        let mut model = Model::default();
        let mut now_ms = T0;
        for (wait, attempt) in stream {
            now_ms += wait;
            let command = command_for(&inventory, &attempt);
            let _ = step(&mut inventory, &mut model, &command, now_ms);
            for from in [None, Some(allocation(0))] {
                for seat in (0..26).map(SeatIx) {
                    let command = Command::PlaceHold {
                        hold: hold(99),
                        fan: fan(99),
                        request: SeatRequest::These(vec![Place::Seat(seat)]),
                        needs_accessible: false,
                        allocation: from,
                    };
                    let decided = decide(&inventory, &command, now_ms).is_ok();
                    prop_assert_eq!(decided, model.is_free(seat, from, now_ms), "seat {}", seat);
                }
            }
        }
    }

    #[test]
    fn whether_a_timer_ran_makes_no_difference(stream in some_stream(), gaps in some_gap_rule()) {
        let (mut lazy, mut eager) = (empty(&theatre(), rules(gaps)), empty(&theatre(), rules(gaps)));
        let mut now_ms = T0;
        let expire = Command::ExpireHolds { limit: u32::MAX };
        let changes = |decided: Result<Decision, Rejection>| decided.map(|decision| {
            let is_lapse = |event: &Event| matches!(event, Event::HoldExpired { .. });
            let events: Vec<Event> =
                decision.events.into_iter().filter(|event| !is_lapse(event)).collect();
            (events, decision.warnings)
        });
        for (wait, attempt) in stream {
            now_ms += wait;
            let command = command_for(&lazy, &attempt);
            execute(&mut eager, &expire, now_ms).unwrap();
            let (one, other) =
                (execute(&mut lazy, &command, now_ms), execute(&mut eager, &command, now_ms));
            prop_assert_eq!(changes(one), changes(other));
        }
        execute(&mut lazy, &expire, now_ms).unwrap();
        execute(&mut eager, &expire, now_ms).unwrap();
        prop_assert_eq!(lazy.encode(), eager.encode());
    }

    #[test]
    fn a_replay_and_a_snapshot_give_the_same_bytes(stream in some_stream(), cut in 0..80_usize) {
        let map = theatre();
        let mut inventory = empty(&map, rules(GapRule::Off));
        let mut replayed = inventory.clone();
        let mut now_ms = T0;
        for (i, (wait, attempt)) in stream.into_iter().enumerate() {
            now_ms += wait;
            let command = command_for(&inventory, &attempt);
            if let Ok(decision) = execute(&mut inventory, &command, now_ms) {
                for event in &decision.events {
                    apply(&mut replayed, event);
                }
            }
            if i == cut {
                let (map, terms) = (replayed.map().clone(), replayed.terms().clone());
                replayed = Inventory::decode(map, terms, &replayed.encode()).unwrap();
            }
        }
        let bytes = inventory.encode();
        prop_assert_eq!(&replayed.encode(), &bytes);
        // What was read back decides alike.
        let again = Inventory::decode(map, inventory.terms().clone(), &bytes).unwrap();
        prop_assert_eq!(again.counts(), inventory.counts());
        let best = Command::PlaceHold {
            hold: hold(99),
            fan: fan(99),
            request: SeatRequest::BestAvailable { quantity: 2, bands: vec![], together: false },
            needs_accessible: false,
            allocation: None,
        };
        prop_assert_eq!(decide(&again, &best, now_ms), decide(&inventory, &best, now_ms));
    }

    #[test]
    fn a_view_kept_by_touched_places_or_by_deltas_is_the_view(stream in some_stream()) {
        let mut inventory = empty(&theatre(), rules(GapRule::Off));
        let mut kept = PublicView::of(&inventory, 0);
        let mut followed = kept.clone();
        let mut now_ms = T0;
        for (seq, (wait, attempt)) in (1..).zip(stream) {
            now_ms += wait;
            let command = command_for(&inventory, &attempt);
            let before = kept.clone();
            if let Ok(decision) = decide(&inventory, &command, now_ms) {
                for event in &decision.events {
                    let touched = inventory.touched(event);
                    apply(&mut inventory, event);
                    kept.refresh(&inventory, &touched, seq);
                }
            }
            kept.refresh(&inventory, &[], seq);
            prop_assert_eq!(&kept, &PublicView::of(&inventory, seq));
            let delta = before.diff(&kept);
            followed.apply(&delta).unwrap();
            // Applying it again is harmless.
            followed.apply(&delta).unwrap();
            prop_assert_eq!(&followed, &kept);
            prop_assert_eq!(&kept.free_seats(), inventory.open_seats());
            prop_assert_eq!(&PublicView::decode(&kept.encode()).unwrap(), &kept);
        }
    }

    #[test]
    fn a_decision_on_a_stale_state_is_found_out_or_does_no_harm(
        stream in some_stream(),
        staleness in 1..8_usize,
    ) {
        let mut inventory = empty(&theatre(), rules(GapRule::Off));
        let mut stale = inventory.clone();
        let mut now_ms = T0;
        for (i, (wait, attempt)) in stream.into_iter().enumerate() {
            now_ms += wait;
            if i % staleness == 0 {
                stale = inventory.clone();
            }
            let command = command_for(&stale, &attempt);
            let Ok(decision) = decide(&stale, &command, now_ms) else { continue };
            let mut next = inventory.clone();
            // A contradiction leaves an inventory that must be thrown away.
            if decision.events.iter().all(|event| try_apply(&mut next, event).is_ok()) {
                is_sound(&next);
                inventory = next;
            }
        }
    }
}

/// Reading an inventory's bytes gives every place to its owner anew and refuses a second one; what
/// is counted along the way must come to the same.
fn is_sound(inventory: &Inventory) {
    let (map, terms) = (inventory.map().clone(), inventory.terms().clone());
    let again = Inventory::decode(map, terms, &inventory.encode()).expect("a sound inventory");
    assert_eq!(again.counts(), inventory.counts());
    assert_eq!(again.open_seats(), inventory.open_seats());
    assert_eq!(again.area_left(AreaIx(0)), inventory.area_left(AreaIx(0)));
    assert_eq!(again.next_expiry_ms(), inventory.next_expiry_ms());
    for seat in (0..inventory.map().seat_count()).map(SeatIx) {
        assert_eq!(again.seat(seat), inventory.seat(seat), "seat {seat}");
    }
    for fan in (0..4).map(fan) {
        assert_eq!(again.places_of(fan), inventory.places_of(fan));
        assert_eq!(again.holds_of(fan), inventory.holds_of(fan));
    }
}

/// Guards the properties above against streams in which nothing much happens.
#[test]
fn the_streams_reach_every_kind_of_event_and_lapses_within_decisions() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..200 {
        let stream = some_stream().new_tree(&mut runner).unwrap().current();
        let mut inventory = empty(&theatre(), rules(GapRule::Warn));
        let mut now_ms = T0;
        for (wait, attempt) in stream {
            now_ms += wait;
            let command = command_for(&inventory, &attempt);
            let Ok(decision) = execute(&mut inventory, &command, now_ms) else {
                continue;
            };
            for event in &decision.events {
                let kind = format!("{event:?}");
                let kind = kind.split(' ').next().unwrap_or_default().to_string();
                *kinds.entry(kind).or_default() += 1;
            }
            if decision.events.len() > 1 {
                *kinds.entry("lapse first".into()).or_default() += 1;
            }
        }
    }
    assert_eq!(kinds.len(), 13, "{kinds:?}");
    assert!(kinds.values().all(|times| *times >= 20), "{kinds:?}");
}
