//! What a fan does: choose, put back, hold, change, extend, give back. Where a hold exists every change
//! goes to the server at once; before, it is a choice of this tab alone, checked by the rules here.

use booking_core::price::Place;
use booking_core::{AreaIx, BandIx, Rejection, SeatIx, SeatRequest, SeatStatus};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::basket;
use super::choice::{self, Chosen};
use super::state::{Doing, Picker, Told};
use crate::api::{self, Commanded, Failure, HoldAnswer, HoldAsk, HoldChange};
use crate::browser;

impl Picker {
    /// Chooses a seat, or puts it back.
    pub(crate) fn toggle(self, seat: SeatIx) {
        let place = Place::Seat(seat);
        if self.doing.get_untracked().is_some() {
            return;
        }
        self.forget_refusals();
        if self
            .chosen
            .with_untracked(|chosen| chosen.iter().any(|c| c.place == place))
        {
            return self.put_back(place);
        }
        let status = self.view(|view| view.status(seat));
        if status != SeatStatus::Free {
            return self.tell(Told::NotFree(seat, status));
        }
        self.add(&[place]);
    }

    /// Takes `instead` for a seat that went.
    pub(crate) fn take_instead(self, news: u32, instead: SeatIx) {
        self.close(news);
        if !self
            .chosen
            .with_untracked(|c| c.iter().any(|c| c.place == Place::Seat(instead)))
        {
            self.toggle(instead);
        }
        self.look_at.set(vec![instead]);
    }

    /// One place more in an area.
    pub(crate) fn add_in_area(self, area: AreaIx) {
        if self.doing.get_untracked().is_none() {
            self.forget_refusals();
            let left = self.view(|view| choice::left_in(view, area));
            let place = Place::Area(area);
            let mine = self
                .chosen
                .with_untracked(|c| c.iter().filter(|c| c.place == place).count());
            let held = self.hold.with_untracked(Option::is_some);
            // Places that are held already are no longer counted as left.
            if left as usize <= if held { 0 } else { mine } {
                return self.tell(Told::Refused(Rejection::AreaFull { area, left }));
            }
            self.add(&[place]);
        }
    }

    fn add(self, places: &[Place]) {
        let (map, terms) = (self.map(), self.terms());
        let mut chosen = self.chosen.get_untracked();
        chosen.extend(places.iter().map(|&place| Chosen {
            place,
            price_type: choice::usual_type(&map, &terms, place),
        }));
        let needs = self.needs_accessible.get_untracked();
        let checked =
            self.view(|view| choice::check(&map, view, &terms, &chosen, needs, browser::now_ms()));
        match checked {
            // Choosing seat by seat passes through gaps; what is left in the end is judged in the
            // basket. Everything else is a no.
            Ok(_) | Err(Rejection::SingleSeatGap { .. }) => {}
            Err(no) => return self.tell(Told::Refused(no)),
        }
        if let Some(hold) = self.hold.get_untracked() {
            self.change(hold.hold, places.to_vec(), Vec::new());
        } else {
            self.chosen.set(chosen);
            self.keep();
        }
    }

    /// Puts a chosen place back.
    pub(crate) fn put_back(self, place: Place) {
        if self.doing.get_untracked().is_some() {
            return;
        }
        self.forget_refusals();
        match self.hold.get_untracked() {
            Some(hold) if hold.places.len() > 1 => self.change(hold.hold, Vec::new(), vec![place]),
            Some(_) => self.give_back(),
            None => {
                self.chosen.update(|chosen| {
                    if let Some(i) = chosen.iter().position(|c| c.place == place) {
                        chosen.remove(i);
                    }
                });
                self.keep();
            }
        }
    }

    /// Asks the server to hold what is chosen.
    pub(crate) fn hold_chosen(self) {
        let places = self
            .chosen
            .with_untracked(|c| c.iter().map(|c| c.place).collect::<Vec<_>>());
        if !places.is_empty() {
            self.place_hold(Doing::Holding, SeatRequest::These(places));
        }
    }

    /// Asks the server for the best there is, held at once.
    pub(crate) fn hold_best(self, quantity: u16, bands: Vec<BandIx>, together: bool) {
        self.place_hold(
            Doing::Finding,
            SeatRequest::BestAvailable {
                quantity,
                bands,
                together,
            },
        );
    }

    fn place_hold(self, doing: Doing, request: SeatRequest) {
        let ask = HoldAsk::anew(request, self.needs_accessible.get_untracked());
        self.ask(
            doing,
            async move |id| api::place_hold(id, &ask).await,
            move |answer| {
                for warning in answer.warnings {
                    self.tell(Told::Warned(warning));
                }
                if doing == Doing::Finding {
                    let seats = answer.hold.places.iter().filter_map(|place| match place {
                        Place::Seat(seat) => Some(*seat),
                        Place::Area(_) => None,
                    });
                    self.look_at.set(seats.collect());
                }
                self.set_hold(answer.hold);
                // The button that was pressed has gone; its place is taken by the next step.
                request_animation_frame(|| browser::focus_if_lost(basket::NEXT_STEP));
            },
        );
    }

    fn change(self, hold: booking_core::HoldId, add: Vec<Place>, remove: Vec<Place>) {
        let ask = HoldChange {
            command_id: browser::new_id().into(),
            add,
            remove,
            needs_accessible: self.needs_accessible.get_untracked(),
        };
        self.ask(
            Doing::Changing,
            async move |id| api::change_hold(id, hold, &ask).await,
            move |answer: HoldAnswer| self.set_hold(answer.hold),
        );
    }

    /// Asks for more time.
    pub(crate) fn extend(self) {
        let Some(hold) = self.hold.get_untracked() else {
            return;
        };
        let ask = Commanded::anew();
        self.ask(
            Doing::Extending,
            async move |id| api::extend_hold(id, hold.hold, &ask).await,
            move |answer: HoldAnswer| self.set_hold(answer.hold),
        );
    }

    /// Gives everything back.
    pub(crate) fn give_back(self) {
        let Some(hold) = self.hold.get_untracked() else {
            return;
        };
        let ask = Commanded::anew();
        self.ask(
            Doing::GivingBack,
            async move |id| api::release_hold(id, hold.hold, &ask).await,
            move |()| {
                self.drop_hold();
                self.chosen.set(Vec::new());
                self.keep();
            },
        );
    }

    /// The hold's time is over: what is still free stays chosen.
    pub(crate) fn hold_ended(self) {
        let Some(hold) = self.hold.get_untracked() else {
            return;
        };
        self.drop_hold();
        let id = self.house(|house| house.performance.id);
        // The lapse may not be on the feed yet: what is mine still shows as held. Ask for the truth.
        spawn_local(async move {
            let view = api::seats(id).await.ok();
            if let Some(view) = view {
                self.change_view(|old| *old = view);
            }
            let gone: Vec<SeatIx> = self.view(|view| {
                let seats = hold.places.iter().filter_map(|place| match place {
                    Place::Seat(seat) => Some(*seat),
                    Place::Area(_) => None,
                });
                seats
                    .filter(|&seat| view.status(seat) != SeatStatus::Free)
                    .collect()
            });
            let _ = self.chosen.try_update(|chosen| {
                chosen.retain(|c| c.seat().is_none_or(|seat| !gone.contains(&seat)));
            });
            self.keep();
            self.tell(Told::Ended { gone });
        });
    }

    /// One request at a time: says what it is doing, and turns a no into words.
    fn ask<T: 'static>(
        self,
        doing: Doing,
        request: impl AsyncFnOnce(booking_core::PerformanceId) -> Result<T, Failure> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        if self.doing.get_untracked().is_some() {
            return;
        }
        self.doing.set(Some(doing));
        self.forget_refusals();
        let id = self.house(|house| house.performance.id);
        spawn_local(async move {
            let answer = request(id).await;
            // The page may have been left meanwhile.
            if self.doing.try_set(None).is_some() {
                return;
            }
            match answer {
                Ok(answer) => done(answer),
                Err(failure) => self.refused(failure),
            }
        });
    }

    fn refused(self, failure: Failure) {
        let rejection = match &failure {
            Failure::Problem(problem) => problem.rejection(),
            Failure::Offline | Failure::TimedOut | Failure::Unreadable(_) => None,
        };
        match rejection {
            Some(Rejection::SeatsTaken { seats } | Rejection::SeatsNotOnSale { seats }) => {
                // The server knows more than the view does yet.
                self.change_view(|view| {
                    for &seat in &seats {
                        if view.status(seat) == SeatStatus::Free {
                            view.set(seat, SeatStatus::Held);
                        }
                    }
                });
                let held = self
                    .hold
                    .get_untracked()
                    .map(|hold| hold.places)
                    .unwrap_or_default();
                if held.is_empty() {
                    self.drop_lost(|_| false);
                } else {
                    let map = self.map();
                    let mine = choice::seats_of(&self.chosen.get_untracked());
                    for seat in seats {
                        let like = self.view(|view| choice::nearest_like(&map, view, seat, &mine));
                        self.tell(Told::Gone { seat, like });
                    }
                }
            }
            Some(Rejection::NoSuchHold { .. }) => {
                let no = rejection.clone();
                self.drop_hold();
                if let Some(no) = no {
                    self.tell(Told::Refused(no));
                }
                self.drop_lost(|_| false);
            }
            Some(no) => self.tell(Told::Refused(no)),
            None => {
                let unsure = failure.may_pass();
                self.tell(Told::Failed(failure));
                if unsure {
                    self.ask_what_is_held();
                }
            }
        }
    }

    /// No answer came, so what was asked may or may not have been done: looks what is so.
    fn ask_what_is_held(self) {
        let id = self.house(|house| house.performance.id);
        spawn_local(async move {
            let Ok(holds) = api::holds(id).await else {
                return;
            };
            let now = browser::now_ms();
            let live = holds
                .into_iter()
                .map(|answer| answer.hold)
                .filter(|hold| hold.expires_ms > now);
            match live.max_by_key(|hold| hold.expires_ms) {
                Some(hold) => {
                    self.forget_refusals();
                    self.set_hold(hold);
                }
                None if self.hold.try_get_untracked().flatten().is_some() => self.drop_hold(),
                None => {}
            }
        });
    }
}
