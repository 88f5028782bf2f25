//! From a "no" to the sentence a fan reads: what happened, what it means, what can be done now.
//!
//! Pure: how money and times are written is asked of a [`Formats`], so every sentence can be tested
//! without a browser.

mod nearby;
mod places;
#[cfg(test)]
mod tests;

use booking_core::decide::Warning;
use booking_core::price::QuoteError;
use booking_core::{Rejection, SeatIx, SeatMap};

use crate::api::{Failure, Order, Performance, Problem};
use crate::browser;
use crate::format;
use crate::i18n::{Lang, Texts, count, fill};
pub(crate) use nearby::nearest_free;
pub(crate) use places::{place_in_words, places_in_words, seats_in_words};

/// How the reader's browser writes what is no word.
pub(crate) trait Formats {
    /// An amount of the performance's currency.
    fn money(&self, minor: i64) -> String;
    /// A day and time.
    fn instant(&self, ms: i64) -> String;
    /// `12, 13 and 14`.
    fn list(&self, parts: &[String]) -> String;
}

/// The browser's own formats, for one performance's currency.
#[derive(Clone, Debug)]
struct BrowserFormats {
    lang: Lang,
    currency: String,
    minor_digits: u8,
}

impl Formats for BrowserFormats {
    fn money(&self, minor: i64) -> String {
        format::money(self.lang, minor, &self.currency, self.minor_digits)
    }
    fn instant(&self, ms: i64) -> String {
        format::instant(self.lang, ms, format::Detail::Short, None)
    }
    fn list(&self, parts: &[String]) -> String {
        format::list(self.lang, parts)
    }
}

/// What it takes to speak of one performance.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) texts: &'static Texts,
    pub(crate) map: &'a SeatMap,
    pub(crate) formats: &'a dyn Formats,
    /// Instant at which it is said.
    pub(crate) now_ms: i64,
}

/// Says something about a performance in a language, with the formats of the reader's browser.
pub(crate) fn speak<T>(
    lang: Lang,
    performance: &Performance,
    map: &SeatMap,
    say: impl FnOnce(&Speaker<'_>) -> T,
) -> T {
    let formats = BrowserFormats {
        lang,
        currency: performance.currency.clone(),
        minor_digits: performance.minor_digits,
    };
    say(&Speaker {
        texts: lang.texts(),
        map,
        formats: &formats,
        now_ms: browser::now_ms(),
    })
}

/// A failure in words, where nothing is known of a seat map.
pub(crate) fn of_failure(failure: &Failure, texts: &'static Texts) -> String {
    match failure {
        Failure::Offline => texts.no_network.to_owned(),
        Failure::TimedOut => texts.no_answer_in_time.to_owned(),
        Failure::Unreadable(_) => texts.unreadable.to_owned(),
        Failure::Problem(problem) => of_problem(problem, texts),
    }
}

/// A failure in words, with the seats it is about by name.
pub(crate) fn words_for_failure(failure: &Failure, speaker: &Speaker<'_>) -> String {
    match failure {
        Failure::Problem(problem) => words_for(problem, speaker),
        Failure::Offline | Failure::TimedOut | Failure::Unreadable(_) => {
            of_failure(failure, speaker.texts)
        }
    }
}

/// A problem document in words, with the seats it is about by name.
pub(crate) fn words_for(problem: &Problem, speaker: &Speaker<'_>) -> String {
    match (
        problem.code.as_str(),
        problem.number("quoted_minor"),
        problem.number("total_minor"),
    ) {
        ("price_changed", Some(before), Some(now)) => fill(
            speaker.texts.price_changed_from_to,
            &[
                ("before", &speaker.formats.money(before)),
                ("now", &speaker.formats.money(now)),
            ],
        ),
        _ => match problem.rejection() {
            Some(rejection) => words_for_rejection(&rejection, speaker),
            None => of_problem(problem, speaker.texts),
        },
    }
}

/// Codes that are no business "no" and need no seat map.
fn of_problem(problem: &Problem, texts: &'static Texts) -> String {
    if let Some(said) = crate::rooms::say::refusal(Lang::of_texts(texts), problem) {
        return said.to_owned();
    }
    match problem.code.as_str() {
        "busy" | "draining" => texts.busy.to_owned(),
        "too_many_requests" => {
            let seconds = problem.retry_after_s.unwrap_or(1).max(1);
            let wait = count(seconds, texts.wait_second, texts.wait_seconds);
            format!("{} {wait}", texts.too_many_requests)
        }
        "not_found" => texts.not_yours.to_owned(),
        "no_such_hold" => texts.no_such_hold.to_owned(),
        "payment_declined" => declined(problem.text("reason"), texts).to_owned(),
        "malformed"
            if problem
                .text("at")
                .is_some_and(|at| at.contains("payment") || at.contains("card")) =>
        {
            texts.declined_details.to_owned()
        }
        "payment_unavailable" => texts.payment_unavailable.to_owned(),
        "quote_expired" | "quote_invalid" => texts.quote_expired.to_owned(),
        "price_changed" => texts.price_changed.to_owned(),
        "order_state" => texts.order_went_on.to_owned(),
        _ => texts.something_failed.to_owned(),
    }
}

/// Why a card was refused, by the provider's reason.
pub(crate) fn declined(reason: Option<&str>, texts: &'static Texts) -> &'static str {
    match reason {
        Some("insufficient_funds") => texts.declined_funds,
        Some("expired_card") => texts.declined_expired,
        Some(
            "incorrect_number" | "invalid_number" | "incorrect_cvc" | "invalid_cvc"
            | "invalid_expiry",
        ) => texts.declined_details,
        Some("step_refused" | "authentication_failed") => texts.declined_step,
        _ => texts.declined_other,
    }
}

/// Why an order came to nothing, or what becomes of its money; none where its state says it all.
pub(crate) fn outcome(order: &Order, texts: &'static Texts) -> Option<String> {
    let known = match order.reason.as_deref()? {
        "capture_failed" => texts.why_capture_failed,
        "step_abandoned" => texts.why_step_abandoned,
        "interrupted" => texts.why_interrupted,
        "took_too_long" => texts.why_took_too_long,
        "performance_gone" => texts.why_performance_gone,
        "refund_coming" => texts.why_refund_coming,
        "not_refunded" => texts.why_not_refunded,
        "seats_taken" | "hold_lapsed" | "area_full" => texts.voided_text,
        // A reason this page was not made for: the server's own words are better than none.
        _ => return order.explanation.clone(),
    };
    Some(known.to_owned())
}

/// The headline of an order that came to nothing: the seats had gone, or the money did not come.
pub(crate) fn undone_title(order: &Order, texts: &'static Texts) -> &'static str {
    match order.reason.as_deref() {
        Some("seats_taken" | "hold_lapsed" | "area_full") => texts.voided_title,
        _ => texts.undone_title,
    }
}

/// A business "no" in words; also for what the browser's own check with the core's rules says.
pub(crate) fn words_for_rejection(rejection: &Rejection, speaker: &Speaker<'_>) -> String {
    let texts = speaker.texts;
    match rejection {
        Rejection::NotOnSale { from_ms, .. } if speaker.now_ms < *from_ms => fill(
            texts.not_yet_on_sale,
            &[("when", &speaker.formats.instant(*from_ms))],
        ),
        Rejection::NotOnSale { .. } => texts.sale_has_ended.to_owned(),
        Rejection::NothingRequested => texts.nothing_chosen.to_owned(),
        Rejection::DuplicateSeat { seat } => {
            about(texts.seat_twice, texts.seat_twice, &[*seat], speaker)
        }
        Rejection::UnknownPlace { .. } | Rejection::NotInHold { .. } | Rejection::ItemsDiffer => {
            texts.selection_out_of_date.to_owned()
        }
        Rejection::SeatsTaken { seats } => {
            about(texts.seat_taken, texts.seats_taken, seats, speaker)
        }
        Rejection::SeatsNotOnSale { seats }
        | Rejection::NotKilled { seats }
        | Rejection::NotInAllocation { seats, .. } => about(
            texts.seat_not_on_sale,
            texts.seats_not_on_sale,
            seats,
            speaker,
        ),
        Rejection::AreaFull { area, left } => {
            let name = speaker
                .map
                .area(*area)
                .map_or("", |area| area.name.as_str());
            let sentence = match left {
                0 => texts.area_full,
                1 => texts.area_one_left,
                _ => texts.area_few_left,
            };
            fill(sentence, &[("area", name), ("n", &left.to_string())])
        }
        Rejection::NothingAvailable { left: 0, .. } => texts.none_left.to_owned(),
        Rejection::NothingAvailable {
            most_together,
            left,
        } => fill(
            texts.not_so_many_together,
            &[
                ("together", &most_together.to_string()),
                ("left", &left.to_string()),
            ],
        ),
        Rejection::TooManyPlaces { max } => count((*max).into(), texts.max_place, texts.max_places),
        Rejection::TooManyHolds { max } => count((*max).into(), texts.max_hold, texts.max_holds),
        Rejection::FanLimit { max, has } => fill(
            texts.fan_limit,
            &[("max", &max.to_string()), ("has", &has.to_string())],
        ),
        Rejection::SingleSeatGap { stranded } => {
            about(texts.gap_one, texts.gap_more, stranded, speaker)
        }
        Rejection::AccessibleOnly { seats } => {
            about(texts.accessible_one, texts.accessible_more, seats, speaker)
        }
        Rejection::NoSuchHold { .. } => texts.no_such_hold.to_owned(),
        Rejection::HoldExists { .. } | Rejection::OrderExists { .. } => {
            texts.done_already.to_owned()
        }
        Rejection::HoldAtMaximum { .. } => texts.hold_at_maximum.to_owned(),
        Rejection::HoldLapsed { gone } => {
            let names = places_in_words(gone, speaker);
            fill(
                if gone.len() == 1 {
                    texts.lapsed_one_gone
                } else {
                    texts.lapsed_more_gone
                },
                &[("seats", &names)],
            )
        }
        Rejection::PriceChanged { total_minor } => fill(
            texts.price_changed_to,
            &[("now", &speaker.formats.money(*total_minor))],
        ),
        Rejection::NoQuote { reason } => words_for_quote_error(reason, speaker),
        Rejection::NoSuchOrder { .. }
        | Rejection::NotInOrder { .. }
        | Rejection::UnequalExchange
        | Rejection::TermsInvalid { .. } => texts.not_yours.to_owned(),
        Rejection::Rule { rule, seats } => {
            let names = seats_in_words(seats, speaker);
            fill(texts.refused_by_rule, &[("rule", rule), ("seats", &names)])
        }
    }
}

/// Why there is no price, in words.
pub(crate) fn words_for_quote_error(error: &QuoteError, speaker: &Speaker<'_>) -> String {
    let texts = speaker.texts;
    match error {
        QuoteError::NoItems => texts.nothing_chosen.to_owned(),
        QuoteError::UnknownPlace { .. } => texts.selection_out_of_date.to_owned(),
        QuoteError::NotSold { place, .. } => fill(
            texts.type_not_sold,
            &[("seat", &place_in_words(*place, speaker))],
        ),
        QuoteError::VoucherUnknown => texts.voucher_unknown.to_owned(),
        QuoteError::VoucherNotValidNow => texts.voucher_not_now.to_owned(),
        QuoteError::VoucherUsedUp => texts.voucher_used_up.to_owned(),
        QuoteError::VoucherDoesNotApply => texts.voucher_does_not_apply.to_owned(),
        QuoteError::Overflow => texts.something_failed.to_owned(),
    }
}

/// A hint that forbids nothing, in words.
pub(crate) fn words_for_warning(warning: &Warning, speaker: &Speaker<'_>) -> String {
    let texts = speaker.texts;
    match warning {
        Warning::SingleSeatGap { stranded } => {
            about(texts.warn_gap_one, texts.warn_gap_more, stranded, speaker)
        }
        Warning::PartySplit { groups } => fill(texts.warn_split, &[("n", &groups.to_string())]),
        Warning::RestrictedView { seats } => {
            about(texts.warn_view_one, texts.warn_view_more, seats, speaker)
        }
    }
}

/// One of two sentences by how many seats there are, with `{seats}` filled by their names.
fn about(one: &str, more: &str, seats: &[SeatIx], speaker: &Speaker<'_>) -> String {
    let names = seats_in_words(seats, speaker);
    fill(
        if seats.len() == 1 { one } else { more },
        &[("seats", &names)],
    )
}
