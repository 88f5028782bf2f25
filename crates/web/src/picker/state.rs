//! The state of choosing: one value of signals, `Copy`, that map, list and basket share. What may
//! happen to it is in [`super::act`]; this file holds it and answers questions.

use std::sync::Arc;

use booking_core::decide::Warning;
use booking_core::price::Place;
use booking_core::{
    PriceTypeIx, PublicView, Quote, Rejection, SaleTerms, SeatIx, SeatMap, SeatStatus, quote,
};
use leptos::prelude::*;

use super::choice::{self, Chosen};
use crate::api::{Failure, Hold, Performance};
use crate::browser::{self, Store};
use crate::i18n::Lang;
use crate::words::{self, Speaker};

/// What does not change while the page is open.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) performance: Performance,
    pub(crate) map: Arc<SeatMap>,
    pub(crate) terms: Arc<SaleTerms>,
}

/// What the server is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Holding,
    Finding,
    Changing,
    Extending,
    GivingBack,
}

/// Whether changes arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Live,
    Lost,
}

/// Something to tell the fan, in words made when it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// The rules, or the server, said no.
    Refused(Rejection),
    /// A seat that cannot be had, and its status.
    NotFree(SeatIx, SeatStatus),
    /// A seat that was chosen went; perhaps another is like it.
    Gone { seat: SeatIx, like: Option<SeatIx> },
    /// The server gave it, and this is worth knowing.
    Warned(Warning),
    /// The hold has run out; some of its seats may have gone since.
    Ended { gone: Vec<SeatIx> },
    /// No answer, or none that helps.
    Failed(Failure),
}

/// A piece of news, numbered so that it can be closed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct News {
    pub(crate) number: u32,
    pub(crate) told: Told,
}

/// Most news at a time; the oldest makes room.
const MOST_NEWS: usize = 4;

/// The state of choosing.
#[derive(Clone, Copy)]
pub(crate) struct Picker {
    house: StoredValue<House>,
    view: StoredValue<PublicView>,
    /// Counts changes of the view.
    pub(crate) seen: RwSignal<u64>,
    pub(crate) chosen: RwSignal<Vec<Chosen>>,
    pub(crate) hold: RwSignal<Option<Hold>>,
    pub(crate) doing: RwSignal<Option<Doing>>,
    pub(crate) news: RwSignal<Vec<News>>,
    next_news: StoredValue<u32>,
    /// Bands that stand out; all false means all do.
    pub(crate) filter: RwSignal<Vec<bool>>,
    pub(crate) needs_accessible: RwSignal<bool>,
    pub(crate) line: RwSignal<Line>,
    /// A seat to bring into sight on the map.
    pub(crate) look_at: RwSignal<Vec<SeatIx>>,
    /// What was said last, for a screen reader.
    pub(crate) said: RwSignal<String>,
    memos: Memos,
}

/// What follows from the state.
#[derive(Clone, Copy)]
struct Memos {
    verdict: Memo<Result<Vec<Warning>, Rejection>>,
    quote: Memo<Option<Quote>>,
}

impl Picker {
    /// Begins with what the server says and what this tab remembers.
    pub(crate) fn new(house: House, view: PublicView, holds: &[Hold]) -> Self {
        let bands = house.map.bands().len();
        let house = StoredValue::new(house);
        let view = StoredValue::new(view);
        let seen = RwSignal::new(0);
        let chosen = RwSignal::new(Vec::new());
        let needs_accessible = RwSignal::new(false);
        let verdict = Memo::new(move |_| {
            seen.track();
            let needs = needs_accessible.get();
            chosen.with(|chosen: &Vec<Chosen>| {
                if chosen.is_empty() {
                    return Ok(Vec::new());
                }
                house.with_value(|h| {
                    view.with_value(|view| {
                        choice::check(&h.map, view, &h.terms, chosen, needs, browser::now_ms())
                    })
                })
            })
        });
        let quote = Memo::new(move |_| {
            let items: Vec<_> = chosen.with(|chosen| chosen.iter().map(|c| c.item()).collect());
            house.with_value(|h| {
                quote(&h.terms.prices, &h.map, &items, None, browser::now_ms()).ok()
            })
        });
        let picker = Self {
            house,
            view,
            seen,
            chosen,
            hold: RwSignal::new(None),
            doing: RwSignal::new(None),
            news: RwSignal::new(Vec::new()),
            next_news: StoredValue::new(0),
            filter: RwSignal::new(vec![false; bands]),
            needs_accessible,
            line: RwSignal::new(Line::Live),
            look_at: RwSignal::new(Vec::new()),
            said: RwSignal::new(String::new()),
            memos: Memos { verdict, quote },
        };
        picker.recall(holds);
        picker
    }

    pub(crate) fn house<T>(self, read: impl FnOnce(&House) -> T) -> T {
        self.house.with_value(read)
    }
    /// The performance, while its page is there.
    pub(crate) fn try_performance(self) -> Option<booking_core::PerformanceId> {
        self.house.try_with_value(|house| house.performance.id)
    }
    pub(crate) fn map(self) -> Arc<SeatMap> {
        self.house(|house| house.map.clone())
    }
    pub(crate) fn terms(self) -> Arc<SaleTerms> {
        self.house(|house| house.terms.clone())
    }
    /// Whether holds are taken at this instant.
    pub(crate) fn on_sale(self, now_ms: i64) -> bool {
        self.house(|house| {
            let rules = &house.terms.rules;
            (rules.on_sale_from_ms..rules.on_sale_until_ms).contains(&now_ms)
        })
    }
    /// The view as it is now, without following it.
    pub(crate) fn view<T>(self, read: impl FnOnce(&PublicView) -> T) -> T {
        self.view.with_value(read)
    }
    /// The view; a reactive reader follows it.
    pub(crate) fn follow<T>(self, read: impl FnOnce(&PublicView) -> T) -> T {
        self.seen.track();
        self.view.with_value(read)
    }
    /// Changes the view and tells whoever follows it.
    pub(crate) fn change_view<T>(self, change: impl FnOnce(&mut PublicView) -> T) -> Option<T> {
        let done = self.view.try_update_value(change);
        let _ = self.seen.try_update(|n| *n += 1);
        done
    }
    /// Whether a place is chosen; a reactive reader follows.
    pub(crate) fn has(self, place: Place) -> bool {
        self.chosen
            .with(|chosen| chosen.iter().any(|c| c.place == place))
    }
    /// What the rules say of the choice.
    pub(crate) fn verdict(self) -> Result<Vec<Warning>, Rejection> {
        self.memos.verdict.get()
    }
    /// What it costs, line by line.
    pub(crate) fn quote(self) -> Option<Quote> {
        self.memos.quote.get()
    }
    /// Says something about this performance in a language.
    pub(crate) fn speak<T>(self, lang: Lang, say: impl FnOnce(&Speaker<'_>) -> T) -> T {
        self.house(|house| words::speak(lang, &house.performance, &house.map, say))
    }
    /// An amount in the performance's currency.
    pub(crate) fn money(self, lang: Lang, minor: i64) -> String {
        self.house(|house| {
            let prices = &house.terms.prices;
            crate::format::money(lang, minor, &prices.currency, prices.minor_digits)
        })
    }
    /// The same without cents where there are none.
    pub(crate) fn money_short(self, lang: Lang, minor: i64) -> String {
        self.house(|house| {
            let prices = &house.terms.prices;
            crate::format::money_short(lang, minor, &prices.currency, prices.minor_digits)
        })
    }

    /// Tells the fan something; the same thing is not told twice in a row.
    pub(crate) fn tell(self, told: Told) {
        let number = self.next_news.try_update_value(|n| {
            *n += 1;
            *n
        });
        let _ = self.news.try_update(|news| {
            news.retain(|old| old.told != told);
            news.push(News {
                number: number.unwrap_or(0),
                told,
            });
            let excess = news.len().saturating_sub(MOST_NEWS);
            news.drain(..excess);
        });
    }
    /// Closes a piece of news.
    pub(crate) fn close(self, number: u32) {
        self.news.update(|news| news.retain(|n| n.number != number));
    }
    /// Forgets refusals: the fan has done something else. What happened to seats stays.
    pub(crate) fn forget_refusals(self) {
        let stale = |told: &Told| {
            matches!(
                told,
                Told::Refused(_) | Told::NotFree(..) | Told::Failed(_) | Told::Warned(..)
            )
        };
        if self
            .news
            .with_untracked(|news| news.iter().any(|n| stale(&n.told)))
        {
            self.news.update(|news| news.retain(|n| !stale(&n.told)));
        }
    }

    /// The choice becomes what the server holds; price types of places that stay are kept.
    pub(crate) fn set_hold(self, hold: Hold) {
        let (map, terms) = (self.map(), self.terms());
        let mut before = self.chosen.get_untracked();
        let chosen: Vec<Chosen> = hold
            .places
            .iter()
            .map(
                |&place| match before.iter().position(|c| c.place == place) {
                    Some(i) => before.remove(i),
                    None => Chosen {
                        place,
                        price_type: choice::usual_type(&map, &terms, place),
                    },
                },
            )
            .collect();
        self.chosen.set(chosen);
        self.hold.set(Some(hold));
        browser::remember(
            Store::Tab,
            &self.house(|house| held_key(house.performance.id)),
            "1",
        );
        self.keep();
    }

    /// The hold is over, for whatever reason.
    pub(crate) fn drop_hold(self) {
        self.hold.set(None);
        browser::forget(
            Store::Tab,
            &self.house(|house| held_key(house.performance.id)),
        );
    }

    /// Another price type for the place at `index` of the choice.
    pub(crate) fn set_type(self, index: usize, price_type: PriceTypeIx) {
        self.chosen.update(|chosen| {
            if let Some(c) = chosen.get_mut(index) {
                c.price_type = price_type;
            }
        });
        self.keep();
    }

    /// Remembers the choice in this tab.
    pub(crate) fn keep(self) {
        let key = self.house(|house| key(house.performance.id));
        let kept = self.chosen.with_untracked(|chosen| {
            (!chosen.is_empty())
                .then(|| serde_json::to_string(chosen).ok())
                .flatten()
        });
        match kept {
            Some(text) => browser::remember(Store::Tab, &key, &text),
            None => browser::forget(Store::Tab, &key),
        }
    }

    /// Takes up what was held or chosen before a reload.
    fn recall(self, holds: &[Hold]) {
        let now = browser::now_ms();
        let (map, id) = self.house(|house| (house.map.clone(), house.performance.id));
        let key = key(id);
        let known = |place: Place| choice::band_of(&map, place).is_some();
        let kept: Vec<Chosen> = browser::recall(Store::Tab, &key)
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let kept: Vec<Chosen> = kept.into_iter().filter(|c| known(c.place)).collect();
        self.chosen.set(kept);
        // With several windows there may be several; the one that ends last is shown.
        let live = holds.iter().filter(|hold| hold.expires_ms > now);
        if let Some(hold) = live.max_by_key(|hold| hold.expires_ms) {
            self.set_hold(hold.clone());
        } else if browser::recall(Store::Tab, &held_key(id)).is_some() {
            // It was held when this page was left: bought since, given back elsewhere, or run out.
            // What is not free now may well be this fan's own, so nobody is told that it went.
            self.drop_hold();
            let free = |c: &Chosen| {
                c.seat()
                    .is_some_and(|seat| self.view(|view| view.status(seat) == SeatStatus::Free))
            };
            self.chosen.update(|chosen| chosen.retain(free));
            self.keep();
        } else {
            self.drop_lost(|_| false);
        }
    }

    /// Drops chosen seats that are no longer free, telling of each, except where `mine` says so.
    pub(crate) fn drop_lost(self, mine: impl Fn(SeatIx) -> bool) {
        let chosen = self.chosen.get_untracked();
        let lost: Vec<SeatIx> = self.view(|view| {
            let seats = chosen.iter().filter_map(|c| c.seat());
            seats
                .filter(|&seat| view.status(seat) != SeatStatus::Free && !mine(seat))
                .collect()
        });
        if lost.is_empty() {
            return;
        }
        let map = self.map();
        self.chosen
            .update(|chosen| chosen.retain(|c| c.seat().is_none_or(|seat| !lost.contains(&seat))));
        self.keep();
        let mut taken = choice::seats_of(&self.chosen.get_untracked());
        for seat in lost {
            let like = self.view(|view| choice::nearest_like(&map, view, seat, &taken));
            taken.extend(like);
            self.tell(Told::Gone { seat, like });
        }
    }
}

/// Where this tab remembers the choice of a performance.
fn key(performance: booking_core::PerformanceId) -> String {
    format!("onsale.chosen.{performance}")
}

/// Where this tab remembers that the choice is held.
fn held_key(performance: booking_core::PerformanceId) -> String {
    format!("onsale.held.{performance}")
}

/// Forgets what this tab has chosen of a performance, because it has been bought.
pub(crate) fn forget_choice(performance: booking_core::PerformanceId) {
    browser::forget(Store::Tab, &key(performance));
    browser::forget(Store::Tab, &held_key(performance));
}

/// The price types this tab has chosen for places of a performance: what checkout begins with.
pub(crate) fn remembered(performance: booking_core::PerformanceId) -> Vec<Chosen> {
    browser::recall(Store::Tab, &key(performance))
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}
