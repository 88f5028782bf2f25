//! The visitor's page in words.

use onsale_queue::Estimate;
use onsale_queue::wire::PublicRoom;

use super::stage::{Moved, Pace, Range};
use crate::api::Problem;
use crate::format::{self, Detail};
use crate::i18n::{Lang, RoomTexts, fill, fill_counts};

/// How the reader's browser writes a number; tests write it plainly.
pub(crate) type Number<'a> = &'a dyn Fn(u64) -> String;

/// A range, as "About 12 to 18 minutes".
pub(crate) fn range(t: &RoomTexts, range: Range, number: Number<'_>) -> String {
    let halves = |n: u64| {
        if n.is_multiple_of(2) {
            number(n / 2)
        } else {
            format!("{}½", if n == 1 { String::new() } else { number(n / 2) })
        }
    };
    match range {
        Range::UnderMinute => t.wait_under_minute.to_owned(),
        Range::Minutes(0, b) => fill(t.wait_up_to_minutes, &[("b", &number(b))]),
        Range::Minutes(1, 1) => fill(t.wait_minute, &[("a", &number(1))]),
        Range::Minutes(a, b) if a == b => fill(t.wait_minutes, &[("a", &number(a))]),
        Range::Minutes(a, b) => fill(
            t.wait_range_minutes,
            &[("a", &number(a)), ("b", &number(b))],
        ),
        Range::HalfHours(a, b) if a == b || a == 0 => fill(t.wait_hours, &[("a", &halves(b))]),
        Range::HalfHours(a, b) => fill(t.wait_range_hours, &[("a", &halves(a)), ("b", &halves(b))]),
    }
}

/// A range in the reader's language.
pub(crate) fn wait(lang: Lang, estimate: Option<Estimate>) -> String {
    let t = lang.room_texts();
    match estimate {
        Some(estimate) => range(t, Range::of(estimate), &|n| number(lang, n)),
        None => t.wait_unknown.to_owned(),
    }
}

/// The same range as times of day, on the reader's own clock.
pub(crate) fn between(lang: Lang, estimate: Estimate, now_ms: i64) -> String {
    let at = |ms: u64| {
        let ms = now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        format::instant(lang, ms, Detail::Clock, None)
    };
    between_clocks(
        lang.room_texts(),
        &at(estimate.soonest_ms),
        &at(estimate.latest_ms),
    )
}

/// Two times of day that read the same are one.
fn between_clocks(t: &RoomTexts, from: &str, to: &str) -> String {
    if from == to {
        fill(t.wait_at, &[("at", from)])
    } else {
        fill(t.wait_between, &[("from", from), ("to", to)])
    }
}

/// How many are before and behind.
pub(crate) fn before(t: &RoomTexts, ahead: u64, waiting: u64, number: Number<'_>) -> String {
    let behind = number(waiting.saturating_sub(ahead));
    match ahead.saturating_sub(1) {
        0 => t.before_you_none.to_owned(),
        1 => fill(t.before_you_one, &[("behind", &behind)]),
        n => fill(t.before_you, &[("n", &number(n)), ("behind", &behind)]),
    }
}

/// What happens next, and why.
pub(crate) fn next(lang: Lang, room: &PublicRoom) -> String {
    let t = lang.room_texts();
    let rate = |sentence: &str, rate: u32| {
        fill(
            sentence,
            &[
                ("rate", &number(lang, rate.into())),
                ("claim", &duration(lang, room.claim_ms.into())),
            ],
        )
    };
    match Pace::of(room) {
        Pace::Paused => t.next_paused.to_owned(),
        Pace::Outage => t.next_outage.to_owned(),
        Pace::Reduced(n) => rate(t.next_reduced, n),
        Pace::SoldOut => t.next_sold_out.to_owned(),
        Pace::LastPlaces => t.next_last_places.to_owned(),
        Pace::Full => t.next_full.to_owned(),
        Pace::Slow => t.next_slow.to_owned(),
        Pace::Rate(1) => rate(t.next_rate_one, 1),
        Pace::Rate(n) => rate(t.next_rate, n),
        Pace::Still => t.next_still.to_owned(),
    }
}

/// Why a number moved.
pub(crate) fn moved(t: &RoomTexts, moved: Moved, number: Number<'_>) -> String {
    match moved {
        Moved::Forward { by: 1 } => t.moved_forward_one.to_owned(),
        Moved::Forward { by } => fill(t.moved_forward, &[("n", &number(by))]),
        Moved::Back { by } => fill_counts(t.moved_back, &[("n", by)], number, &[]),
        Moved::Drawn { place, among } => fill(
            t.moved_drawn,
            &[("n", &number(place)), ("all", &number(among))],
        ),
        Moved::Rate { from, to } => fill(
            if to > from {
                t.moved_rate_up
            } else {
                t.moved_rate_down
            },
            &[("from", &number(from.into())), ("to", &number(to.into()))],
        ),
        Moved::GoesOn => t.moved_resumed.to_owned(),
    }
}

/// A whole number with the reader's separators.
pub(crate) fn number(lang: Lang, n: u64) -> String {
    format::number(lang, i64::try_from(n).unwrap_or(i64::MAX))
}

/// A length of time with its unit, as the reader's browser writes it: "2 minutes".
pub(crate) fn duration(lang: Lang, ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    if seconds >= 60 && seconds % 60 == 0 {
        format::unit(lang, seconds / 60, "minute")
    } else if seconds >= 120 {
        format::unit(lang, seconds.div_euclid(60), "minute")
    } else {
        format::unit(lang, seconds, "second")
    }
}

/// A room's "no" in words, where it is one.
pub(crate) fn refusal(lang: Lang, problem: &Problem) -> Option<&'static str> {
    let t = lang.room_texts();
    Some(match problem.code.as_str() {
        "shop_full" => t.no_full,
        "not_your_turn" | "room_not_open" => t.no_not_turn,
        "pass_elsewhere" => t.no_elsewhere,
        "pass_invalid" | "pass_of_another" | "pass_of_another_room" => t.no_pass,
        "pass_used" => t.used_text,
        "turn_over" => t.turn_over_text,
        "code_invalid" => t.no_code,
        "paused" => t.no_paused,
        "sold_out" => t.no_sold_out,
        "room_away" => t.no_away,
        "room_closed" => t.closed_text,
        "joining_over" => t.full_text,
        "challenge_failed" => t.no_challenge,
        "admission_needed" => t.no_admission,
        "admission_over"
        | "admission_of_another"
        | "admission_of_another_room"
        | "admission_invalid" => t.no_admission_over,
        "admission_limited" => t.no_limit,
        "admission_in_use" => t.no_in_use,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(lang: Lang, r: Range) -> String {
        range(lang.room_texts(), r, &|n| n.to_string())
    }

    #[test]
    fn a_range_reads_as_a_person_would_say_it() {
        assert_eq!(
            say(Lang::En, Range::Minutes(12, 18)),
            "About 12 to 18 minutes"
        );
        assert_eq!(say(Lang::En, Range::Minutes(0, 3)), "Up to 3 minutes");
        assert_eq!(say(Lang::En, Range::Minutes(5, 5)), "About 5 minutes");
        assert_eq!(say(Lang::En, Range::HalfHours(3, 4)), "About 1½ to 2 hours");
        assert_eq!(say(Lang::En, Range::HalfHours(1, 4)), "About ½ to 2 hours");
        assert_eq!(
            say(Lang::De, Range::Minutes(12, 18)),
            "Etwa 12 bis 18 Minuten"
        );
    }

    #[test]
    fn the_next_in_line_is_told_so_and_not_that_zero_are_before() {
        let t = Lang::En.room_texts();
        let plain: Number<'_> = &|n| n.to_string();
        assert_eq!(before(t, 1, 40, plain), t.before_you_none);
        assert_eq!(
            before(t, 2, 40, plain),
            "1 person is before you, 38 behind."
        );
        assert_eq!(
            before(t, 12, 40, plain),
            "11 people are before you, 28 behind."
        );
    }

    #[test]
    fn a_range_within_one_minute_of_the_clock_is_one_time() {
        let t = Lang::En.room_texts();
        assert_eq!(
            between_clocks(t, "18:22", "18:22"),
            "Your turn comes at about 18:22."
        );
        assert_eq!(
            between_clocks(t, "18:22", "18:25"),
            "Your turn comes between 18:22 and 18:25."
        );
    }

    #[test]
    fn a_faster_rate_is_said_to_shorten_and_a_slower_one_to_lengthen() {
        let t = Lang::En.room_texts();
        let plain: Number<'_> = &|n| n.to_string();
        assert!(moved(t, Moved::Rate { from: 60, to: 90 }, plain).contains("shorter"));
        assert!(moved(t, Moved::Rate { from: 90, to: 60 }, plain).contains("longer"));
    }
}
