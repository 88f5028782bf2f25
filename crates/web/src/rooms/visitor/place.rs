//! The one place: how it is taken, shown, followed through other tabs, and given up.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::wire::Wishes;

use super::{Barred, Doing, Visitor};
use crate::api::{self, Failure, JoinAsk};
use crate::browser;
use crate::rooms::kept::{self, Kept};
use crate::rooms::{alone, work};

/// A pass that the room does not know is shown no more often than this.
const SHOW_EVERY_MS: i64 = 4_000;

impl Visitor {
    /// Takes a place at the end of the line.
    pub(in crate::rooms) fn join_again(self) {
        kept::forget_place(&self.room_id());
        self.place.set(None);
        self.barred.set(None);
        self.refused.set(None);
        self.wants_in.set(false);
        self.moved.set(None);
        self.seen.set_value(None);
        self.told.set_value(None);
        self.not_before_ms.set_value(0);
        self.look();
    }

    pub(super) fn join(self) {
        // Another tab of this browser may have a place: it is this one's too.
        if let Some(kept) = kept::place(&self.room_id()) {
            self.keep(kept);
            return;
        }
        self.doing.set(Doing::Joining);
        self.refused.set(None);
        spawn_local(async move {
            let id = self.room_id();
            // Tabs that were opened at one instant join one after the other, so that all but the
            // first find the place of the first.
            let alone = alone::take(&format!("onsale.join.{id}")).await;
            if self.doing.is_disposed() {
                return;
            }
            let answer = match kept::place(&id) {
                Some(kept) => Ok(kept),
                None => self.ask_for_place().await.map(|joined| {
                    // Where a browser has no locks the first to be kept is everybody's.
                    kept::place(&id).unwrap_or_else(|| Kept::from_joined(joined, None))
                }),
            };
            if self.doing.try_set(Doing::Nothing).is_some() {
                return;
            }
            match answer {
                Ok(kept) => self.keep(kept),
                Err(failure) => self.no(failure),
            }
            drop(alone);
            self.look();
        });
    }

    /// Whether what is kept under `key` is the place in this room.
    pub(super) fn is_about_place(self, key: &str) -> bool {
        self.id.with_value(|id| kept::is_place_key(key, id))
    }

    /// Another tab of this browser took a place, changed it or let it go: it is one place, so that
    /// is so here too.
    pub(super) fn follow(self) {
        let now = kept::place(&self.room_id());
        if self.place.with_untracked(|known| *known == now) {
            return;
        }
        let same = self.own_place() == now.as_ref().map(|kept| kept.place);
        if now.is_some() {
            self.barred.set(None);
            self.refused.set(None);
        } else {
            self.wants_in.set(false);
            let after_visit = self.visit.with_untracked(Option::is_some);
            self.barred.set(Some(if after_visit {
                Barred::Used
            } else {
                Barred::GaveUp
            }));
        }
        self.place.set(now);
        if !same {
            self.seen.set_value(None);
            self.look();
        }
    }

    async fn ask_for_place(self) -> Result<api::Joined, Failure> {
        let id = self.room_id();
        let challenge = api::challenge(&id).await?;
        let mut counter = None;
        if let Some(text) = challenge
            .challenge
            .as_deref()
            .filter(|_| challenge.bits > 0)
        {
            let _ = self.doing.try_set(Doing::Working);
            counter = work::solve(text, || self.doing.is_disposed()).await;
        }
        let ask = JoinAsk {
            challenge: challenge.challenge.as_deref(),
            counter,
            wishes: Wishes::default(),
            pass: None,
        };
        api::join(&id, &ask).await
    }

    fn keep(self, kept: Kept) {
        kept::keep_place(&self.room_id(), &kept);
        let _ = self.place.try_set(Some(kept));
        self.seen.set_value(None);
    }

    /// A pass that came with the address, from another device.
    pub(super) fn take_over(self, pass: String) {
        self.doing.set(Doing::Joining);
        spawn_local(async move {
            let answer = api::standing(&self.room_id(), &pass).await;
            if self.doing.try_set(Doing::Nothing).is_some() {
                return;
            }
            match answer {
                Ok(joined) => {
                    let before = self.place.get_untracked();
                    self.keep(Kept::from_joined(joined, before.as_ref()));
                }
                Err(failure) => self.refused.set(Some(failure)),
            }
            self.look();
        });
    }

    pub(super) fn show_pass(self) {
        let now = browser::now_ms();
        let Some(kept) = self.place.get_untracked() else {
            return;
        };
        if now - self.shown_ms.get_value() < SHOW_EVERY_MS {
            return;
        }
        self.shown_ms.set_value(now);
        spawn_local(async move {
            match api::standing(&self.room_id(), &kept.pass).await {
                Ok(_) | Err(Failure::Offline | Failure::TimedOut | Failure::Unreadable(_)) => {}
                Err(failure) if self.refused.is_disposed() => drop(failure),
                Err(failure) => self.no(failure),
            }
        });
    }

    /// Keeps new wishes; the pass carries them.
    pub(in crate::rooms) async fn wish(self, wishes: Wishes) -> Result<(), Failure> {
        let Some(before) = self.place.get_untracked() else {
            return Ok(());
        };
        let joined = api::wish(&self.room_id(), &before.pass, wishes).await?;
        let kept = Kept::from_joined(joined, Some(&before));
        kept::keep_place(&self.room_id(), &kept);
        let _ = self.place.try_set(Some(kept));
        Ok(())
    }

    /// Was refused: says so where that is of use, and remembers what follows from it.
    pub(super) fn no(self, failure: Failure) {
        let wait_ms = match &failure {
            Failure::Problem(problem) => {
                let seconds = problem.retry_after_s.unwrap_or(1).max(1);
                let ms = problem
                    .number("retry_ms")
                    .unwrap_or(i64::from(seconds) * 1_000);
                ms.clamp(500, 30_000)
            }
            Failure::Offline | Failure::TimedOut | Failure::Unreadable(_) => 2_000,
        };
        self.not_before_ms.set_value(browser::now_ms() + wait_ms);
        match failure.code() {
            Some("sign_in_needed") => self.barred.set(Some(Barred::SignIn)),
            Some("pass_used") => self.barred.set(Some(Barred::Used)),
            // The next look shows what has become of the room.
            Some("room_not_open" | "joining_over" | "room_closed") => {}
            Some("turn_over" | "pass_elsewhere" | "code_invalid" | "not_your_turn") => {
                self.wants_in.set(false);
                self.refused.set(Some(failure));
            }
            Some("pass_invalid" | "pass_of_another" | "pass_of_another_room") => {
                kept::forget_place(&self.room_id());
                self.place.set(None);
                self.wants_in.set(false);
                self.refused.set(Some(failure));
            }
            _ => self.refused.set(Some(failure)),
        }
        let again = move || self.look();
        let _ = set_timeout_with_handle(again, Duration::from_millis(wait_ms as u64 + 50));
    }

    /// Gives the place up.
    pub(in crate::rooms) fn give_up(self) {
        kept::forget_place(&self.room_id());
        self.place.set(None);
        self.barred.set(Some(Barred::GaveUp));
        self.refused.set(None);
        self.wants_in.set(false);
    }
}
