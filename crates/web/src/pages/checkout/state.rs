//! What a checkout page is about, as signals, and the price that goes with it.

use std::sync::Arc;

use booking_core::decide::Warning;
use booking_core::price::{Place, QuoteError};
use booking_core::{HoldId, PriceTypeIx, Quote, Rejection, SaleTerms, SeatMap};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::kept::{Kept, items_for};
use crate::api::{
    self, CheckoutAsk, Commanded, Failure, Hold, HoldAnswer, Order, Performance, QuoteAsk,
    SignedQuote,
};
use crate::browser;
use crate::i18n::{I18n, Lang, use_i18n};
use crate::picker::choice::{self, Chosen};
use crate::picker::state::remembered;
use crate::words::{self, Speaker};

/// All that a checkout needs to know before it can be shown.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) performance: Performance,
    pub(crate) terms: SaleTerms,
    pub(crate) map: Arc<SeatMap>,
}

/// How a checkout ended without tickets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// The time was up, or the hold was given back elsewhere.
    Lapsed,
    /// The money could not be turned into these seats; nothing was kept of it. The order says why.
    Voided(Box<Order>),
}

/// What the pay button is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing: it can be pressed.
    Ready,
    /// The payment was sent.
    Sending,
    /// The connection dropped, the same payment is sent again.
    SendingAgain,
    /// The provider takes its time; the order is asked for.
    Waiting,
    /// It is done, the next page comes.
    Done,
}

/// One checkout. `Copy`; lives as long as its page.
#[derive(Clone, Copy)]
pub(crate) struct Checkout {
    pub(crate) i18n: I18n,
    pub(crate) known: StoredValue<Known>,
    pub(crate) hold_id: HoldId,
    pub(crate) hold: RwSignal<Hold>,
    pub(crate) kept: RwSignal<Kept>,
    /// What is to be priced.
    pub(crate) ask: Memo<QuoteAsk>,
    /// The server's price and what it is for; outdated while another is on its way.
    signed: RwSignal<Option<(QuoteAsk, SignedQuote)>>,
    pub(crate) quote_failure: RwSignal<Option<Failure>>,
    pub(crate) voucher_failure: RwSignal<Option<Failure>>,
    pub(crate) extending: RwSignal<bool>,
    pub(crate) progress: RwSignal<Progress>,
    /// A payment of which nobody knows whether it arrived.
    pub(crate) unanswered: StoredValue<Option<CheckoutAsk>>,
    /// What went wrong with the payment, in words.
    pub(crate) refused: RwSignal<Option<String>>,
    pub(crate) end: RwSignal<Option<End>>,
    /// What the rules had to say about the choice.
    pub(crate) warnings: StoredValue<Vec<Warning>>,
}

impl Checkout {
    pub(crate) fn new(known: Known, answer: HoldAnswer, mut kept: Kept) -> Self {
        let HoldAnswer { hold, warnings, .. } = answer;
        if kept.items.is_empty() {
            kept.items = remembered(known.performance.id)
                .into_iter()
                .map(Chosen::item)
                .collect();
        }
        kept.items = items_for(&hold.places, &kept.items, |place| {
            choice::usual_type(&known.map, &known.terms, place)
        });
        let hold_id = hold.hold;
        let kept = RwSignal::new(kept);
        let checkout = Self {
            i18n: use_i18n(),
            known: StoredValue::new(known),
            hold_id,
            hold: RwSignal::new(hold),
            kept,
            ask: Memo::new(move |_| {
                kept.with(|kept| QuoteAsk {
                    items: kept.items.clone(),
                    voucher: kept.voucher.clone(),
                })
            }),
            signed: RwSignal::new(None),
            quote_failure: RwSignal::new(None),
            voucher_failure: RwSignal::new(None),
            extending: RwSignal::new(false),
            progress: RwSignal::new(Progress::Ready),
            unanswered: StoredValue::new(None),
            refused: RwSignal::new(None),
            end: RwSignal::new(None),
            warnings: StoredValue::new(warnings),
        };
        Effect::new(move || kept.with(|kept| kept.keep(hold_id)));
        Effect::new(move || {
            let ask = checkout.ask.get();
            spawn_local(async move {
                checkout.fetch_quote(ask).await;
            });
        });
        checkout
    }

    /// Says something about this performance in the reader's language, which a view follows.
    pub(crate) fn speak<T>(self, say: impl FnOnce(&Speaker<'_>) -> T) -> T {
        self.speak_in(self.i18n.lang(), say)
    }

    /// The same for what happens outside a view.
    pub(crate) fn speak_now<T>(self, say: impl FnOnce(&Speaker<'_>) -> T) -> T {
        self.speak_in(self.i18n.lang_now(), say)
    }

    fn speak_in<T>(self, lang: Lang, say: impl FnOnce(&Speaker<'_>) -> T) -> T {
        self.known
            .with_value(|known| words::speak(lang, &known.performance, &known.map, say))
    }

    /// The price to show: the server's for exactly this, else what the core makes of it here.
    pub(crate) fn quote(self) -> Option<Quote> {
        let ask = self.ask.get();
        if let Some(quote) = self.signed.with(|signed| {
            signed
                .as_ref()
                .filter(|(known, _)| *known == ask)
                .map(|(_, signed)| signed.quote.clone())
        }) {
            return Some(quote);
        }
        if ask.voucher.is_some() {
            // Only the server knows vouchers; until it answers, what was shown stays.
            return self
                .signed
                .with(|signed| signed.as_ref().map(|(_, signed)| signed.quote.clone()));
        }
        self.known.with_value(|known| {
            booking_core::quote(
                &known.terms.prices,
                &known.map,
                &ask.items,
                None,
                browser::now_ms(),
            )
            .ok()
        })
    }

    /// Whether there is nothing to pay, as far as the price is known.
    pub(crate) fn is_free(self) -> bool {
        self.quote().is_some_and(|quote| quote.total_minor == 0)
    }

    /// The server's word on exactly what is chosen now; without it there is nothing to pay.
    pub(crate) fn signed(self) -> Option<SignedQuote> {
        let ask = self.ask.get();
        self.signed.with(|signed| {
            signed
                .as_ref()
                .filter(|(known, _)| *known == ask)
                .map(|(_, signed)| signed.clone())
        })
    }

    /// Asks the server for the price of `ask`. A voucher that is refused is dropped, with the reason.
    pub(crate) async fn fetch_quote(self, ask: QuoteAsk) {
        let performance = self.known.with_value(|known| known.performance.id);
        let answer = api::quote(performance, &ask).await;
        if self.ask.try_get_untracked().as_ref() != Some(&ask) {
            return; // The reader has gone on choosing, or has left.
        }
        match answer {
            Ok(signed) => {
                self.quote_failure.set(None);
                self.signed.set(Some((ask, signed)));
            }
            Err(failure) if ask.voucher.is_some() && is_about_voucher(&failure) => {
                self.voucher_failure.set(Some(failure));
                self.kept.update(|kept| kept.voucher = None);
            }
            Err(failure) => self.quote_failure.set(Some(failure)),
        }
    }

    /// Throws the server's price away and asks for it anew.
    pub(crate) async fn refresh_quote(self) {
        let ask = self.ask.get_untracked();
        self.signed.set(None);
        self.fetch_quote(ask).await;
    }

    /// Asks for more time.
    pub(crate) fn extend(self) {
        self.extending.set(true);
        let performance = self.known.with_value(|known| known.performance.id);
        spawn_local(async move {
            let answer = api::extend_hold(performance, self.hold_id, &Commanded::anew()).await;
            let _ = self.extending.try_set(false);
            match answer {
                Ok(answer) => {
                    let _ = self.hold.try_set(answer.hold);
                }
                Err(failure) if failure.is_not_found() => {
                    let _ = self.end.try_set(Some(End::Lapsed));
                }
                Err(failure) => {
                    let said =
                        self.speak_now(|speaker| words::words_for_failure(&failure, speaker));
                    let _ = self.refused.try_set(Some(said));
                }
            }
        });
    }

    /// Price types that are sold at `place`, with what one such ticket costs.
    pub(crate) fn types_at(self, place: Place) -> Vec<(PriceTypeIx, String, String, i64)> {
        self.known.with_value(|known| {
            let Some(band) = choice::band_of(&known.map, place) else {
                return Vec::new();
            };
            let prices = &known.terms.prices;
            let amounts = prices
                .amounts
                .get(band.index())
                .map_or(&[][..], Vec::as_slice);
            let types = prices.types.iter().zip(amounts).enumerate();
            types
                .filter_map(|(at, (price_type, amount))| {
                    let at = PriceTypeIx(u8::try_from(at).ok()?);
                    Some((
                        at,
                        price_type.name.clone(),
                        price_type.note.clone(),
                        (*amount)?,
                    ))
                })
                .collect()
        })
    }

    /// Name of the band a place is sold in.
    pub(crate) fn band_name(self, place: Place) -> String {
        self.known.with_value(|known| {
            choice::band_of(&known.map, place)
                .and_then(|band| known.map.bands().get(band.index()))
                .map(|band| band.name.clone())
                .unwrap_or_default()
        })
    }

    /// Changes the price type of the ticket at `position`.
    pub(crate) fn choose_type(self, position: usize, price_type: PriceTypeIx) {
        self.kept.update(|kept| {
            if let Some(item) = kept.items.get_mut(position) {
                item.price_type = price_type;
            }
        });
    }
}

/// Whether the server's "no" is one to a voucher.
fn is_about_voucher(failure: &Failure) -> bool {
    let Failure::Problem(problem) = failure else {
        return false;
    };
    matches!(
        problem.rejection(),
        Some(Rejection::NoQuote {
            reason: QuoteError::VoucherUnknown
                | QuoteError::VoucherNotValidNow
                | QuoteError::VoucherUsedUp
                | QuoteError::VoucherDoesNotApply
        })
    )
}
