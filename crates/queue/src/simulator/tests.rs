use super::*;
use alloc::vec;
use proptest::prelude::*;

fn rush() -> Scenario {
    Scenario {
        arrivals: vec![Span {
            for_ms: 60_000,
            visitors: 5_000,
        }],
        settings: Settings {
            rate_per_minute: 6_000,
            cap: 200,
        },
        seats: 2_000,
        ..Scenario::default()
    }
}

#[test]
fn the_same_scenario_gives_the_same_sale() {
    let once = Simulation::new(rush()).unwrap().run(1_000);
    assert_eq!(once, Simulation::new(rush()).unwrap().run(1_000));
    let other = Scenario { seed: 2, ..rush() };
    assert_ne!(once, Simulation::new(other).unwrap().run(1_000));
}

#[test]
fn a_rush_on_a_small_house_sells_it_out_within_the_cap() {
    let sale = Simulation::new(rush()).unwrap().run(1_000);
    assert_eq!(sale.outcome.sold, 2_000);
    assert_eq!(sale.outcome.most_inside, 200);
    assert!(sale.outcome.sold_out_ms.is_some());
    assert!(sale.outcome.not_let_in > 0);
}

#[test]
fn a_million_visitors_are_all_let_in_or_counted_as_not() {
    let scenario = Scenario {
        gathered: 600_000,
        arrivals: vec![Span {
            for_ms: 3_600_000,
            visitors: 400_000,
        }],
        settings: Settings {
            rate_per_minute: 60_000,
            cap: 100_000,
        },
        seats: 3_000_000,
        ..Scenario::default()
    };
    let sale = Simulation::new(scenario).unwrap().run(10_000);
    let last = sale.points.last().unwrap();
    assert_eq!(last.arrived, 1_000_000);
    assert_eq!(last.admitted + last.no_shows, 1_000_000);
    assert_eq!(last.completed + last.abandoned, last.admitted);
    assert!(sale.outcome.most_inside <= 100_000);
}

#[test]
fn a_pause_by_the_operator_is_seen_in_the_series() {
    let scenario = Scenario {
        turns: vec![
            Turn {
                at_ms: 20_000,
                settings: rush().settings,
                paused: true,
            },
            Turn {
                at_ms: 50_000,
                settings: rush().settings,
                paused: false,
            },
        ],
        ..rush()
    };
    let sale = Simulation::new(scenario).unwrap().run(1_000);
    let at = |ms| sale.points.iter().find(|point| point.at_ms >= ms).unwrap();
    assert_eq!(at(40_000).held_by, Some(HeldBy::State));
    // Those called before may still come for a moment; after that nobody does.
    assert_eq!(at(34_000).admitted, at(49_000).admitted);
    assert!(at(60_000).held_by != Some(HeldBy::State));
}

#[test]
fn who_cannot_be_simulated_is_told_why() {
    let upside_down = Scenario {
        places: Between { least: 4, most: 1 },
        ..rush()
    };
    let fault = Simulation::new(upside_down).err();
    assert_eq!(fault, Some(ScenarioFault::UpsideDown("places")));
    let crowd = Scenario {
        gathered: u64::MAX,
        ..rush()
    };
    let fault = Simulation::new(crowd).err();
    assert_eq!(fault, Some(ScenarioFault::TooManyVisitors(u64::MAX)));
}

#[test]
fn a_rate_of_zero_ends_with_everybody_still_waiting() {
    let still = Scenario {
        settings: Settings {
            rate_per_minute: 0,
            cap: 10,
        },
        ..rush()
    };
    let mut sale = Simulation::new(still).unwrap();
    for _ in 0..400 {
        sale.step();
    }
    assert_eq!(sale.outcome().not_let_in, 5_000);
    assert_eq!(sale.step().unwrap().estimate_ms, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_sale_oversells_or_overfills(
        seed: u64, gathered in 0..2_000_u64, visitors in 0..2_000_u64, for_ms in 1..120_000_u64,
        rate_per_minute in 1..20_000_u32, cap in 1..500_u32, seats in 0..3_000_u64,
        conversion_permille in 0..=1000_u64, most in 1..8_u64,
    ) {
        let scenario = Scenario {
            seed, gathered, seats, conversion_permille,
            arrivals: vec![Span { for_ms, visitors }],
            settings: Settings { rate_per_minute, cap },
            places: Between { least: 1, most },
            ..Scenario::default()
        };
        let sale = Simulation::new(scenario).unwrap().run(5_000);
        prop_assert!(sale.outcome.most_inside <= u64::from(cap));
        let last = sale.points.last().unwrap();
        prop_assert!(sale.outcome.sold + last.seats_left <= seats);
        prop_assert!(last.admitted <= last.arrived);
    }
}
