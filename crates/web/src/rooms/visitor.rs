//! A visitor's page as it lives: looks at the room, takes a place, shows the pass, comes in.
//!
//! One request after the other, each from one place ([`Visitor::look`]), so that a woken tab, a
//! pressed button and a timer never act at once. What there is to do follows from what was seen.

mod enter;
mod place;
mod tell;

use std::time::Duration;

use booking_core::PerformanceId;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::{Place, RoomState};
use wasm_bindgen::JsCast;

use super::bell;
use super::kept::{self, Kept, Visit};
use super::stage::{Moved, Seen, Stage};
use crate::api::{self, Failure, Room};
use crate::browser;
use crate::i18n::I18n;

/// Longest pause between two looks at a room that does not answer.
const LONGEST_BACKOFF_MS: u64 = 20_000;
/// What the page is doing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Nothing,
    Joining,
    /// Solving the task.
    Working,
    Entering,
}

/// What keeps a visitor from a place though the room would give one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barred {
    /// The place was given up here.
    GaveUp,
    /// The place has let somebody in already.
    Used,
    /// The room asks for an account.
    SignIn,
}

/// A visitor, while the page is open.
#[derive(Clone, Copy)]
pub(super) struct Visitor {
    pub(super) id: StoredValue<String>,
    pub(super) i18n: I18n,
    pub(super) room: RwSignal<Option<Room>>,
    pub(super) place: RwSignal<Option<Kept>>,
    pub(super) visit: RwSignal<Option<(PerformanceId, Visit)>>,
    pub(super) stage: Memo<Option<Stage>>,
    pub(super) moved: RwSignal<Option<Moved>>,
    pub(super) doing: RwSignal<Doing>,
    pub(super) barred: RwSignal<Option<Barred>>,
    /// Why the last thing that was wanted did not happen.
    pub(super) refused: RwSignal<Option<Failure>>,
    /// The room does not answer.
    pub(super) lost: RwSignal<bool>,
    /// Nothing was ever heard of the room, for this reason.
    pub(super) failed: RwSignal<Option<Failure>>,
    /// For screen readers, seldom.
    pub(super) said: RwSignal<String>,
    /// Since when, at the latest, it has been their turn.
    pub(super) turn_since: RwSignal<Option<i64>>,
    wants_in: RwSignal<bool>,
    seen: StoredValue<Option<Seen>>,
    looked_ms: StoredValue<i64>,
    told: StoredValue<Option<u64>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    looking: StoredValue<bool>,
    failures: StoredValue<u32>,
    not_before_ms: StoredValue<i64>,
    shown_ms: StoredValue<i64>,
}

impl Visitor {
    /// Begins to look at the room; ends with the page.
    pub(super) fn begin(id: String, i18n: I18n) -> Self {
        let room = RwSignal::new(None::<Room>);
        let place = RwSignal::new(kept::place(&id));
        let stage = Memo::new(move |_| {
            let own = place.with(|kept| kept.as_ref().map(|kept| kept.place));
            room.with(|room| room.as_ref().map(|room| Stage::of(&room.public, own)))
        });
        let visitor = Self {
            id: StoredValue::new(id),
            i18n,
            room,
            place,
            stage,
            visit: RwSignal::new(None),
            moved: RwSignal::new(None),
            doing: RwSignal::new(Doing::Nothing),
            barred: RwSignal::new(None),
            refused: RwSignal::new(None),
            lost: RwSignal::new(false),
            failed: RwSignal::new(None),
            said: RwSignal::new(String::new()),
            turn_since: RwSignal::new(None),
            wants_in: RwSignal::new(false),
            seen: StoredValue::new(None),
            looked_ms: StoredValue::new(0),
            told: StoredValue::new(None),
            timer: StoredValue::new(None),
            looking: StoredValue::new(false),
            failures: StoredValue::new(0),
            not_before_ms: StoredValue::new(0),
            shown_ms: StoredValue::new(0),
        };
        // A tab that slept, a network that came back: its timers are late, so look at once.
        for event in ["online", "pageshow", "focus"] {
            let listener = window_event_listener_untyped(event, move |_| visitor.look());
            on_cleanup(move || listener.remove());
        }
        let woken = window_event_listener_untyped("visibilitychange", move |_| {
            if !browser::document().hidden() {
                visitor.look();
            }
        });
        let touched = window_event_listener_untyped("pointerdown", |_| bell::make_ready());
        // Told to every other tab of this browser, never to the one that wrote.
        let elsewhere = window_event_listener_untyped("storage", move |event| {
            let event: web_sys::StorageEvent = event.unchecked_into();
            if event.key().is_none_or(|key| visitor.is_about_place(&key)) {
                visitor.follow();
            }
        });
        on_cleanup(move || {
            woken.remove();
            elsewhere.remove();
            touched.remove();
            if let Some(Some(timer)) = visitor.timer.try_get_value() {
                timer.clear();
            }
        });
        match pass_in_address() {
            Some(pass) => visitor.take_over(pass),
            None => visitor.look(),
        }
        visitor
    }

    pub(super) fn room_id(self) -> String {
        self.id.get_value()
    }

    fn own_place(self) -> Option<Place> {
        self.place
            .try_with_untracked(|kept| kept.as_ref().map(|kept| kept.place))
            .flatten()
    }

    /// Looks at the room now, and from then on when it is time.
    pub(super) fn look(self) {
        if self.looking.try_get_value() != Some(false) {
            return;
        }
        self.looking.set_value(true);
        if let Some(timer) = self.timer.get_value() {
            timer.clear();
        }
        spawn_local(async move {
            let id = self.room_id();
            let answer = api::room(&id).await;
            if self.looking.is_disposed() {
                return;
            }
            let after_ms = match answer {
                Ok(room) => {
                    self.failures.set_value(0);
                    self.lost.set(false);
                    self.failed.set(None);
                    self.take(room);
                    self.next_look_ms()
                }
                Err(failure) => {
                    let failures = self.failures.get_value().saturating_add(1);
                    self.failures.set_value(failures);
                    if self.room.with_untracked(Option::is_none) {
                        self.failed.set(Some(failure));
                    } else {
                        self.lost.set(true);
                    }
                    backoff_ms(failures, spread())
                }
            };
            self.looking.set_value(false);
            let timer =
                set_timeout_with_handle(move || self.look(), Duration::from_millis(after_ms));
            self.timer.set_value(timer.ok());
        });
    }

    fn next_look_ms(self) -> u64 {
        let place = self.own_place();
        self.room.with_untracked(|room| {
            let Some(room) = room else { return 2_000 };
            let own = place.map(|place| room.public.standing(place));
            match own {
                Some(standing) => room.public.poll_after_ms(standing, spread()),
                // Without a place: often enough to see the gathering begin.
                None => 1_500 + u64::from(spread()) * 2,
            }
        })
    }

    /// Something new about the room.
    fn take(self, room: Room) {
        let place = self.own_place();
        let now = Seen::of(&room.public, place);
        let before = self.seen.get_value();
        self.seen.set_value(Some(now));
        if let Some(before) = before {
            if let Some(moved) = Moved::between(&before, &now) {
                self.moved.set(Some(moved));
            } else if now.stage.ahead().is_none() || before.pace != now.pace {
                self.moved.set(None);
            }
        }
        self.remember(&room, &now);
        self.find_visit(&room);
        self.room.set(Some(room));
        self.notice_turn(before.as_ref(), &now);
        self.speak(before.as_ref(), &now);
        self.looked_ms.set_value(browser::now_ms());
        self.act(now.stage);
    }

    /// What only this browser can keep: where the way began, and what was published before the draw.
    fn remember(self, room: &Room, now: &Seen) {
        let Some(mut kept) = self.place.get_untracked() else {
            return;
        };
        let before = kept.clone();
        if let Some(ahead) = now.stage.ahead() {
            kept.began_at = Some(kept.began_at.unwrap_or(ahead).max(ahead));
        }
        if room.public.state == RoomState::Gathering
            && let Some(draw) = room.public.draw.as_ref().filter(|draw| draw.key.is_none())
            && kept.seen.is_none()
        {
            kept.seen = Some(draw.commitment);
        }
        if kept != before {
            kept::keep_place(&self.room_id(), &kept);
            self.place.set(Some(kept));
        }
    }

    /// Does what is to be done without being asked.
    fn act(self, stage: Stage) {
        if self.doing.get_untracked() != Doing::Nothing
            || browser::now_ms() < self.not_before_ms.get_value()
            || self.visit.with_untracked(Option::is_some)
        {
            return;
        }
        match stage {
            Stage::Joinable if self.barred.get_untracked().is_none() => self.join(),
            Stage::Unknown => self.show_pass(),
            Stage::Turn { .. } if self.wants_in.get_untracked() => self.enter(),
            _ => {}
        }
    }
}

/// Random, of a thousand.
fn spread() -> u16 {
    (js_sys::Math::random() * 1_000.0) as u16
}

/// How long to leave a room alone that did not answer so many times.
fn backoff_ms(failures: u32, spread_permille: u16) -> u64 {
    let calm = (1_000_u64 << failures.min(5)).min(LONGEST_BACKOFF_MS);
    calm / 2 + calm * u64::from(spread_permille) / 1_000
}

/// The pass in the address, taken out of it so that it is not shown, shared or kept in the history.
fn pass_in_address() -> Option<String> {
    let location = browser::window().location();
    let hash = location.hash().ok()?;
    let pass = hash.strip_prefix("#pass=")?.to_owned();
    if let (Ok(history), Ok(path)) = (browser::window().history(), location.pathname()) {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
    Some(pass)
}

#[cfg(test)]
mod tests {
    use super::backoff_ms;

    #[test]
    fn a_room_that_does_not_answer_is_asked_less_and_less_and_never_in_step() {
        assert!(backoff_ms(1, 500) < backoff_ms(3, 500));
        assert!(backoff_ms(30, 1_000) <= 30_000);
        assert_ne!(backoff_ms(4, 0), backoff_ms(4, 999));
    }
}
