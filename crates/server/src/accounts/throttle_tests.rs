//! What the throttle promises to who is attacked and costs who attacks.

use super::*;

const NOW_MS: i64 = 1_000_000;
const ATTACKER: &str = "203.0.113.5";
const AT_HOME: &str = "198.51.100.7";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn device(n: u8) -> Option<Device> {
    Some(Device([n; 16]))
}

/// Attempts that fail until one is refused; how many went through and how long is to be waited.
fn fail_until_refused(throttle: &Throttle, from: &str, email: &str, now_ms: i64) -> (u32, i64) {
    for attempts in 0..10_000 {
        let attempt = throttle.attempt(address(from), email, None);
        if let Verdict::Wait { for_ms } = throttle.ask(attempt, now_ms) {
            return (attempts, for_ms);
        }
    }
    panic!("never refused");
}

#[test]
fn a_few_wrong_passwords_cost_nothing_and_each_further_one_twice_as_long() {
    let throttle = Throttle::default();
    let (free, mut wait_ms) = fail_until_refused(&throttle, AT_HOME, "ada@b.de", NOW_MS);
    assert_eq!((free, wait_ms), (LANE.free + 1, 1_000));
    let mut now_ms = NOW_MS;
    let mut waits = vec![wait_ms];
    for _ in 0..8 {
        now_ms += wait_ms;
        let (went, next_ms) = fail_until_refused(&throttle, AT_HOME, "ada@b.de", now_ms);
        assert_eq!(went, 1);
        wait_ms = next_ms;
        waits.push(wait_ms);
    }
    assert_eq!(
        waits,
        [
            1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000
        ]
    );
}

#[test]
fn attempts_made_at_once_are_not_free() {
    let throttle = Throttle::default();
    let attempt = throttle.attempt(address(ATTACKER), "ada@b.de", None);
    let went = (0..1_000)
        .filter(|_| matches!(throttle.ask(attempt, NOW_MS), Verdict::Go { .. }))
        .count();
    assert_eq!(went as u32, LANE.free + 1);
}

#[test]
fn nobody_is_locked_out_by_attempts_from_elsewhere() {
    let throttle = Throttle::default();
    // A thousand networks, each as often as it may.
    for n in 0..1_000_u32 {
        let from = format!("10.{}.{}.1", n / 256, n % 256);
        fail_until_refused(&throttle, &from, "ada@b.de", NOW_MS);
    }
    let at_home = throttle.attempt(address(AT_HOME), "ada@b.de", None);
    let Verdict::Go { after_ms } = throttle.ask(at_home, NOW_MS) else {
        panic!("locked out");
    };
    assert_eq!(after_ms, ACCOUNT.longest_ms, "delayed by a bounded time");
    // In a browser that has signed in before, not even that; also beside the attacker.
    for from in [AT_HOME, "10.0.0.1"] {
        let known = throttle.attempt(address(from), "ada@b.de", device(1));
        assert_eq!(throttle.ask(known, NOW_MS), Verdict::Go { after_ms: 0 });
    }
}

#[test]
fn a_known_device_has_bounds_of_its_own() {
    let throttle = Throttle::default();
    let known = throttle.attempt(address(AT_HOME), "ada@b.de", device(1));
    let went = (0..100)
        .filter(|_| matches!(throttle.ask(known, NOW_MS), Verdict::Go { .. }))
        .count();
    assert_eq!(went as u32, LANE.free + 1);
    let other = throttle.attempt(address(AT_HOME), "ada@b.de", device(2));
    assert_eq!(throttle.ask(other, NOW_MS), Verdict::Go { after_ms: 0 });
}

#[test]
fn one_password_on_many_accounts_is_slowed_down_by_the_network() {
    let throttle = Throttle::default();
    let went = (0..1_000)
        .filter(|n| {
            let attempt = throttle.attempt(address(ATTACKER), &format!("a{n}@b.de"), None);
            matches!(throttle.ask(attempt, NOW_MS), Verdict::Go { .. })
        })
        .count();
    assert_eq!(went as u32, NETWORK.free + 1);
    let elsewhere = throttle.attempt(address(AT_HOME), "a999@b.de", None);
    assert_eq!(throttle.ask(elsewhere, NOW_MS), Verdict::Go { after_ms: 0 });
}

#[test]
fn all_addresses_of_one_network_count_together() {
    let throttle = Throttle::default();
    let went = (0..100)
        .filter(|n| {
            let from = address(&format!("2001:db8:1:2::{n:x}"));
            let attempt = throttle.attempt(from, "ada@b.de", None);
            matches!(throttle.ask(attempt, NOW_MS), Verdict::Go { .. })
        })
        .count();
    assert_eq!(went as u32, LANE.free + 1);
    let mapped = throttle.attempt(address("::ffff:198.51.100.7"), "x@b.de", None);
    let plain = throttle.attempt(address(AT_HOME), "x@b.de", None);
    assert_eq!(mapped.network, plain.network);
}

#[test]
fn success_takes_the_attempt_back_and_opens_the_lane() {
    let throttle = Throttle::default();
    for _ in 0..200 {
        let attempt = throttle.attempt(address(AT_HOME), "ada@b.de", None);
        assert_eq!(throttle.ask(attempt, NOW_MS), Verdict::Go { after_ms: 0 });
        throttle.take_back(attempt, true);
    }
}

#[test]
fn time_forgets() {
    let throttle = Throttle::default();
    fail_until_refused(&throttle, AT_HOME, "ada@b.de", NOW_MS);
    let later_ms = NOW_MS + i64::from(LANE.free + 1) * LANE.forget_ms;
    let (went, _) = fail_until_refused(&throttle, AT_HOME, "ada@b.de", later_ms);
    assert_eq!(went, LANE.free + 1);
}

#[test]
fn a_clock_that_is_set_back_opens_nothing_and_shuts_nothing_for_good() {
    let throttle = Throttle::default();
    fail_until_refused(&throttle, AT_HOME, "ada@b.de", NOW_MS);
    let attempt = throttle.attempt(address(AT_HOME), "ada@b.de", None);
    let Verdict::Wait { for_ms } = throttle.ask(attempt, NOW_MS - 500_000) else {
        panic!("opened");
    };
    assert!(for_ms <= 1_000, "{for_ms}");
}

#[test]
fn a_full_table_keeps_those_who_failed_most() {
    let mut table = Table::new(LANE, 100);
    for _ in 0..10 {
        table.count(0, NOW_MS);
    }
    for n in 1..1_000 {
        table.count(n, NOW_MS + i64::try_from(n).unwrap());
        assert!(table.entries.len() <= 100);
    }
    assert!(table.wait_ms(0, NOW_MS + 1_000) > 0);
    // A day later all is forgotten, and room is made by that.
    table.count(5_000, NOW_MS + 86_400_000);
    assert!(table.entries.len() <= 100);
}

#[test]
fn registrations_of_one_network_are_bounded() {
    let throttle = Throttle::default();
    let went = (0..1_000)
        .filter(|_| {
            matches!(
                throttle.ask_registration(address(ATTACKER), NOW_MS),
                Verdict::Go { .. }
            )
        })
        .count();
    assert_eq!(went as u32, REGISTRATION.free + 1);
    let elsewhere = throttle.ask_registration(address(AT_HOME), NOW_MS);
    assert_eq!(elsewhere, Verdict::Go { after_ms: 0 });
}

#[test]
fn a_restart_does_not_give_an_attack_its_free_attempts_again() {
    let salt = [3; 16];
    let throttle = Throttle::new(salt);
    let (_, for_ms) = fail_until_refused(&throttle, ATTACKER, "ada@b.de", NOW_MS);
    let typo = throttle.attempt(address(AT_HOME), "bob@b.de", None);
    throttle.ask(typo, NOW_MS);
    let kept = throttle.export(NOW_MS);
    let text = String::from_utf8(kept.clone()).unwrap();
    assert!(!text.contains(ATTACKER) && !text.contains("ada"), "{text}");

    let after = Throttle::new(salt);
    after.import(&kept).unwrap();
    let attempt = after.attempt(address(ATTACKER), "ada@b.de", None);
    assert_eq!(after.ask(attempt, NOW_MS), Verdict::Wait { for_ms });
    // Who mistyped once begins anew, and so does who guesses where the key is another.
    let (free, _) = fail_until_refused(&after, AT_HOME, "bob@b.de", NOW_MS);
    assert_eq!(free, LANE.free + 1);
    let other = Throttle::new([4; 16]);
    other.import(&kept).unwrap();
    let attempt = other.attempt(address(ATTACKER), "ada@b.de", None);
    assert_eq!(other.ask(attempt, NOW_MS), Verdict::Go { after_ms: 0 });
    assert!(after.import(b"{}").is_err());
}

#[test]
fn to_be_told_that_addresses_are_taken_is_dear_and_to_register_is_not() {
    let throttle = Throttle::default();
    let here = address(ATTACKER);
    let told = (0..100)
        .take_while(|_| {
            let goes = throttle.ask_registration(here, NOW_MS) == Verdict::Go { after_ms: 0 };
            throttle.told_taken(here, NOW_MS);
            goes
        })
        .count();
    assert_eq!(told as u32, TAKEN.free + 1);
    let registered = (0..100)
        .take_while(|_| {
            throttle.ask_registration(address(AT_HOME), NOW_MS) == Verdict::Go { after_ms: 0 }
        })
        .count();
    assert_eq!(registered as u32, REGISTRATION.free + 1);
}
