//! Names of states and actions, what an action will do to how many, and why it was refused. Pure.

use onsale_queue::controller::HeldBy;
use onsale_queue::wire::Figures;
use onsale_queue::{Action, RoomState};

use crate::api::{Failure, RoomDetail};
use crate::i18n::{ConsoleTexts, Lang, fill_counts};
use crate::rooms::say;

pub(super) const fn state(t: &'static ConsoleTexts, state: RoomState) -> &'static str {
    match state {
        RoomState::Scheduled => t.state_scheduled,
        RoomState::Gathering => t.state_gathering,
        RoomState::Drawing => t.state_drawing,
        RoomState::Open => t.state_open,
        RoomState::Paused => t.state_paused,
        RoomState::Draining => t.state_draining,
        RoomState::Halted => t.state_halted,
        RoomState::Closed => t.state_closed,
    }
}

pub(super) const fn action(t: &'static ConsoleTexts, action: Action) -> &'static str {
    match action {
        Action::Gather => t.act_gather,
        Action::Draw => t.act_draw,
        Action::Open => t.act_open,
        Action::Pause => t.pause,
        Action::Resume => t.resume,
        Action::Drain => t.act_drain,
        Action::Close => t.act_close,
        Action::Reset => t.act_reset,
    }
}

pub(super) const fn held_by(t: &'static ConsoleTexts, held: HeldBy) -> &'static str {
    match held {
        HeldBy::NobodyWaiting => t.held_nobody,
        HeldBy::Rate => t.held_rate,
        HeldBy::Cap => t.held_cap,
        HeldBy::SoldOut => t.held_sold_out,
        HeldBy::Health => t.held_health,
        HeldBy::State => t.held_state,
    }
}

/// How long a line takes at a rate, in ms; `None` at none.
pub(super) const fn through_ms(waiting: u64, rate_per_minute: u32) -> Option<u64> {
    match rate_per_minute {
        0 => None,
        rate => Some(waiting.saturating_mul(60_000).div_ceil(rate as u64)),
    }
}

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Rate(u32),
    Cap(u32),
    Act(Action),
}

/// What counts for the consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) waiting: u64,
    pub(super) active: u32,
    pub(super) expected: u64,
    pub(super) rate: u32,
    pub(super) cap: u32,
}

impl Now {
    pub(super) fn of(room: &RoomDetail) -> Self {
        let Figures {
            waiting,
            active,
            expected,
            ..
        } = room.figures;
        Self {
            waiting,
            active,
            expected,
            rate: room.settings.rate_per_minute,
            cap: room.settings.cap,
        }
    }
}

/// What an intent will do to how many people.
pub(super) fn effect(
    t: &'static ConsoleTexts,
    intent: Intent,
    now: Now,
    number: &dyn Fn(u64) -> String,
    time: &dyn Fn(u64) -> String,
) -> String {
    let all = [
        ("waiting", now.waiting),
        ("active", now.active.into()),
        ("expected", now.expected),
        ("rate", now.rate.into()),
        ("cap", now.cap.into()),
    ];
    // What is looked up first counts: a new value hides the one that is so now.
    let say = |sentence, new: &[(&str, u64)], times: &[(&str, &str)]| {
        fill_counts(sentence, &[new, &all].concat(), number, times)
    };
    match intent {
        Intent::Rate(rate) => {
            let counts = [("rate", rate.into()), ("old", now.rate.into())];
            let new = through_ms(now.waiting, rate);
            let before = through_ms(now.waiting, now.rate);
            match (new, before) {
                (None, _) => say(t.rate_stops, &counts, &[]),
                (Some(new), None) => say(t.rate_goes, &counts, &[("new", &time(new))]),
                (Some(new), Some(before)) => say(
                    t.rate_effect,
                    &counts,
                    &[("new", &time(new)), ("before", &time(before))],
                ),
            }
        }
        Intent::Cap(cap) if cap >= now.active => {
            say(t.cap_up, &[("more", (cap - now.active).into())], &[])
        }
        Intent::Cap(cap) => say(t.cap_down, &[("over", (now.active - cap).into())], &[]),
        Intent::Act(action) => {
            let sentence = match action {
                Action::Gather => t.gather_effect,
                Action::Draw => t.draw_effect,
                Action::Open => t.open_effect,
                Action::Pause => t.pause_effect,
                Action::Resume => t.resume_effect,
                Action::Drain => t.drain_effect,
                Action::Close => t.close_effect,
                Action::Reset => t.reset_effect,
            };
            say(sentence, &[], &[])
        }
    }
}

/// A length of time as a person says it: minutes, from two hours on in half hours.
pub(super) fn time(lang: Lang, ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    if seconds >= 7_200 {
        crate::format::unit(lang, (seconds + 1_800) / 3_600, "hour")
    } else if seconds >= 90 {
        crate::format::unit(lang, (seconds + 30) / 60, "minute")
    } else {
        say::duration(lang, seconds * 1_000)
    }
}

/// Why something was not done.
pub(super) fn refusal(lang: Lang, failure: &Failure) -> String {
    let t = lang.console_texts();
    match (failure.code(), failure) {
        (Some("room_changed"), _) => t.changed_meanwhile.to_owned(),
        (Some("still_drawing"), _) => t.still_drawing.to_owned(),
        (Some("action_not_allowed"), _) => t.not_in_state.to_owned(),
        (Some("draw_announced"), _) => t.draw_announced.to_owned(),
        (Some("performance_protected"), _) => t.protected_already.to_owned(),
        // The server names each fault of the settings and its place.
        (Some("malformed"), Failure::Problem(problem)) => problem
            .text("what")
            .or_else(|| problem.text("detail"))
            .map_or_else(
                || crate::words::of_failure(failure, lang.texts()),
                str::to_owned,
            ),
        _ => crate::words::of_failure(failure, lang.texts()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now {
        waiting: 6_000,
        active: 380,
        expected: 12,
        rate: 600,
        cap: 500,
    };

    fn said(intent: Intent, now: Now) -> String {
        let t = Lang::En.console_texts();
        effect(t, intent, now, &|n| n.to_string(), &|ms| {
            format!("{} s", ms / 1_000)
        })
    }

    #[test]
    fn a_rate_says_how_long_the_line_takes_now_and_then() {
        let rate = said(Intent::Rate(1_200), NOW);
        assert!(rate.contains("6000 people wait"), "{rate}");
        assert!(rate.contains("300 s") && rate.contains("600 s"), "{rate}");
        assert!(said(Intent::Rate(0), NOW).contains("nobody is let in"));
        assert!(said(Intent::Rate(60), Now { rate: 0, ..NOW }).contains("again"));
    }

    #[test]
    fn one_who_waits_is_a_person_and_not_people() {
        let alone = Now {
            waiting: 1,
            active: 1,
            ..NOW
        };
        assert!(said(Intent::Rate(60), alone).starts_with("1 person waits."));
        assert!(said(Intent::Cap(5), alone).starts_with("1 is in the shop now"));
        let paused = said(Intent::Act(Action::Pause), alone);
        assert!(paused.contains("1 person keeps their place,"), "{paused}");
    }

    #[test]
    fn a_cap_below_those_inside_says_that_nobody_is_put_out() {
        let lower = said(Intent::Cap(300), NOW);
        assert!(lower.contains("Nobody is put out"), "{lower}");
        assert!(lower.contains("until 80 have left"), "{lower}");
        assert!(said(Intent::Cap(500), NOW).contains("120 more"));
    }

    #[test]
    fn every_action_says_what_it_does_and_leaves_no_blank() {
        for action in Action::ALL {
            for lang in Lang::ALL {
                let t = lang.console_texts();
                let said = effect(t, Intent::Act(action), NOW, &|n| n.to_string(), &|ms| {
                    ms.to_string()
                });
                assert!(!said.contains('{'), "{said}");
            }
        }
    }
}
