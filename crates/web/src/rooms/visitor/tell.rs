//! What a visitor is told without looking: the bell at their turn, and a screen reader's few sentences.

use leptos::prelude::*;

use super::Visitor;
use crate::rooms::kept::{self, Call};
use crate::rooms::stage::{Seen, Stage, worth_saying};
use crate::rooms::{bell, say};

impl Visitor {
    pub(super) fn notice_turn(self, before: Option<&Seen>, now: &Seen) {
        let turn = matches!(now.stage, Stage::Turn { .. });
        let was = before.is_some_and(|seen| matches!(seen.stage, Stage::Turn { .. }));
        if turn && !was {
            // They were called between the last look and this one: count from the earlier.
            let since = before.map(|_| self.looked_ms.get_value());
            self.turn_since.set(since);
            if self.visit.with_untracked(Option::is_none) {
                self.ring();
            }
        } else if !turn {
            self.turn_since.set(None);
        }
    }

    /// Rings once for a place, however many tabs show it and however often one is reloaded. A tab that
    /// cannot be heard leaves the sound to one that can.
    fn ring(self) {
        let (id, Some(place)) = (self.room_id(), self.own_place()) else {
            return;
        };
        if bell::wants_notice() && kept::first_call(&id, Call::Notice, place) {
            let t = self.i18n.lang_now().room_texts();
            bell::notify(t.turn_title, t.bell_body);
        }
        if bell::wants_sound() && bell::can_play() && kept::first_call(&id, Call::Sound, place) {
            bell::play();
        }
    }

    /// The way in, or its end.
    pub(super) fn speak_of_visit(self) {
        let t = self.i18n.lang_now().room_texts();
        let inside = self.visit.with_untracked(Option::is_some);
        let sentence = if inside { t.inside_title } else { t.used_title };
        self.said.set(sentence.to_owned());
    }

    /// Tells a screen reader what matters, and nothing else.
    pub(super) fn speak(self, before: Option<&Seen>, now: &Seen) {
        // Who is in the shop has been told so, and is not in line any more.
        if self.visit.with_untracked(Option::is_some) {
            return;
        }
        let lang = self.i18n.lang_now();
        let t = lang.room_texts();
        let changed = before.is_none_or(|before| {
            std::mem::discriminant(&before.stage) != std::mem::discriminant(&now.stage)
        });
        let paced = before.is_some_and(|before| {
            std::mem::discriminant(&before.pace) != std::mem::discriminant(&now.pace)
                && before.pace.stands_still() != now.pace.stands_still()
        });
        let sentence = match now.stage {
            Stage::InLine {
                ahead, estimate, ..
            } => {
                let told = self.told.get_value();
                if !changed && !paced && !told.is_none_or(|told| worth_saying(told, ahead)) {
                    return;
                }
                self.told.set_value(Some(ahead));
                let next = if paced || now.pace.stands_still() {
                    self.room
                        .with_untracked(|room| {
                            room.as_ref().map(|room| say::next(lang, &room.public))
                        })
                        .unwrap_or_default()
                } else {
                    say::wait(lang, estimate)
                };
                format!("{}: {}. {next}", t.your_place, say::number(lang, ahead))
            }
            Stage::Turn { .. } if changed => t.turn_title.to_owned(),
            Stage::TurnOver if changed => t.turn_over_title.to_owned(),
            Stage::Gathered { .. } if changed => t.gathered_title.to_owned(),
            Stage::Drawing { .. } if changed => t.drawing_title.to_owned(),
            Stage::Closed if changed => t.closed_title.to_owned(),
            _ => return,
        };
        self.said.set(sentence);
    }
}
