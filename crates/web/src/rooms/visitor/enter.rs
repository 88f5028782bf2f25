//! Coming in: on a pass, or on a code.

use booking_core::PerformanceId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Barred, Doing, Visitor};
use crate::api::{self, Failure, Room};
use crate::rooms::kept;

impl Visitor {
    /// What the visitor came for, where that is known.
    pub(in crate::rooms) fn performance(self) -> Option<PerformanceId> {
        let from = kept::came_from(&self.room_id());
        self.room.with(|room| {
            let all = &room.as_ref()?.performances;
            match from {
                Some(from) if all.contains(&from) => Some(from),
                _ if all.len() == 1 => all.first().copied(),
                _ => None,
            }
        })
    }

    /// Finds the visit that this browser has, which may have begun or ended in another tab.
    pub(super) fn find_visit(self, room: &Room) {
        let id = self.room_id();
        let mut past = false;
        for performance in &room.performances {
            past |= kept::forget_past_visit(*performance);
        }
        if past && kept::place(&id).is_none() {
            self.visit_over();
        }
        let found = room.performances.iter().find_map(|performance| {
            let visit = kept::visit_of(*performance).filter(|visit| visit.room == id)?;
            Some((*performance, visit))
        });
        if self.visit.get_untracked() == found {
            return;
        }
        if let Some((performance, visit)) = found.clone() {
            // It may have ended elsewhere: with an order, or in another tab.
            spawn_local(async move {
                let answer = api::presence(&visit.room, &visit.admission).await;
                let over = answer.as_ref().err().and_then(Failure::code);
                if over.is_some_and(|code| code.starts_with("admission_")) {
                    kept::forget_visit(performance);
                    if self.visit.try_set(None).is_none() {
                        self.visit_over();
                        self.look();
                    }
                }
            });
        }
        let inside = found.is_some();
        self.visit.set(found);
        if inside {
            self.speak_of_visit();
        }
    }

    /// The visit has ended, and its place with it. Nobody is put at the end of the line unasked.
    fn visit_over(self) {
        if self.place.with_untracked(Option::is_some) {
            self.place.set(None);
            self.barred.set(Some(Barred::Used));
            self.speak_of_visit();
        }
    }

    /// Comes in; where the shop is full just now, goes on trying.
    pub(in crate::rooms) fn enter(self) {
        if self.doing.get_untracked() != Doing::Nothing {
            return;
        }
        let Some(kept) = self.place.get_untracked() else {
            return;
        };
        self.doing.set(Doing::Entering);
        self.wants_in.set(true);
        spawn_local(async move {
            let performance = untrack(|| self.performance());
            let answer = api::claim(&self.room_id(), &kept.pass, performance).await;
            self.entered(answer, performance);
        });
    }

    /// Comes in on a code.
    pub(in crate::rooms) fn enter_by_code(self, code: String) {
        if self.doing.get_untracked() != Doing::Nothing {
            return;
        }
        self.doing.set(Doing::Entering);
        spawn_local(async move {
            let performance = untrack(|| self.performance());
            let answer = api::claim_by_code(&self.room_id(), code.trim(), performance).await;
            self.entered(answer, performance);
        });
    }

    fn entered(self, answer: Result<api::Admitted, Failure>, wanted: Option<PerformanceId>) {
        if self.doing.try_set(Doing::Nothing).is_some() {
            return;
        }
        match answer {
            Ok(admitted) => {
                self.refused.set(None);
                self.wants_in.set(false);
                let id = self.room_id();
                kept::keep_visit(&id, &admitted);
                let offered = admitted.offer.as_ref().map(|offer| offer.performance_id);
                let performance = wanted
                    .or(offered)
                    .or(admitted.performances.first().copied());
                if let Some(performance) = performance
                    && let Some(visit) = kept::visit_of(performance)
                {
                    self.visit.set(Some((performance, visit)));
                    self.speak_of_visit();
                }
            }
            Err(failure) => self.no(failure),
        }
    }

    /// Whether the page goes on trying to come in by itself.
    pub(in crate::rooms) fn tries_again(self) -> bool {
        self.wants_in.get() && self.doing.get() == Doing::Nothing
    }
}
