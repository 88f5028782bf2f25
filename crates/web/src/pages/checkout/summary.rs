//! What it costs, line by line: seat, price type, discount, fees, tax, total.

use booking_core::price::{LineKind, QuoteLine, TaxMode};
use booking_core::{PriceTypeIx, Quote};
use leptos::prelude::*;

use super::state::Checkout;
use crate::components::performance_card::When;
use crate::format;
use crate::i18n::{fill, use_i18n};
use crate::words::{place_in_words, words_for_failure};

/// A line as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    label: String,
    about: String,
    amount_minor: i64,
    /// Belongs to the line above it.
    nested: bool,
}

/// Fees per ticket are one line a fee, not one a ticket: `(fee, how many, sum)` in the list's order.
fn ticket_fees(lines: &[QuoteLine]) -> Vec<(u8, u32, i64)> {
    let mut fees: Vec<(u8, u32, i64)> = Vec::new();
    for line in lines {
        if let LineKind::TicketFee { fee, .. } = line.kind {
            match fees.iter_mut().find(|(known, ..)| *known == fee) {
                Some((_, tickets, sum)) => {
                    *tickets += 1;
                    *sum += line.amount_minor;
                }
                None => fees.push((fee, 1, line.amount_minor)),
            }
        }
    }
    fees
}

fn read(checkout: Checkout, quote: &Quote) -> Vec<Read> {
    let texts = checkout.i18n.t();
    let name_of = |fee: u8| {
        checkout.known.with_value(|known| {
            known
                .terms
                .prices
                .fees
                .get(usize::from(fee))
                .map(|fee| fee.name.clone())
                .unwrap_or_default()
        })
    };
    let type_of = |at: PriceTypeIx| {
        checkout.known.with_value(|known| {
            known
                .terms
                .prices
                .types
                .get(at.index())
                .map(|kind| kind.name.clone())
                .unwrap_or_default()
        })
    };
    let mut read: Vec<Read> = quote
        .lines
        .iter()
        .filter_map(|line| match line.kind {
            LineKind::Ticket {
                place, price_type, ..
            } => Some(Read {
                label: checkout.speak(|speaker| place_in_words(place, speaker)),
                about: fill(
                    "{band} · {kind}",
                    &[
                        ("band", &checkout.band_name(place)),
                        ("kind", &type_of(price_type)),
                    ],
                ),
                amount_minor: line.amount_minor,
                nested: false,
            }),
            LineKind::Discount { .. } => Some(Read {
                label: texts.line_discount.to_owned(),
                about: String::new(),
                amount_minor: line.amount_minor,
                nested: true,
            }),
            LineKind::TicketFee { .. } | LineKind::OrderFee { .. } => None,
        })
        .collect();
    read.extend(
        ticket_fees(&quote.lines)
            .into_iter()
            .map(|(fee, tickets, amount_minor)| Read {
                label: name_of(fee),
                about: crate::i18n::count(tickets, texts.fee_for_ticket, texts.fee_for_tickets),
                amount_minor,
                nested: false,
            }),
    );
    read.extend(quote.lines.iter().filter_map(|line| match line.kind {
        LineKind::OrderFee { fee } => Some(Read {
            label: name_of(fee),
            about: texts.fee_for_order.to_owned(),
            amount_minor: line.amount_minor,
            nested: false,
        }),
        LineKind::Ticket { .. } | LineKind::Discount { .. } | LineKind::TicketFee { .. } => None,
    }));
    read
}

#[component]
pub(super) fn Summary(checkout: Checkout) -> impl IntoView {
    let i18n = use_i18n();
    let performance = checkout.known.with_value(|known| known.performance.clone());
    let money = move |minor| checkout.speak(|speaker| speaker.formats.money(minor));
    let tax = checkout.known.with_value(|known| known.terms.prices.tax);
    let lines = move || {
        let quote = checkout.quote()?;
        let lines = read(checkout, &quote)
            .into_iter()
            .map(|line| view! {
                <div class="line" class:line--nested=line.nested>
                    <dt class="line__label">{line.label}<span class="line__about">{line.about}</span></dt>
                    <dd class="line__amount">{money(line.amount_minor)}</dd>
                </div>
            })
            .collect_view();
        let rate = format::percent(i18n.lang(), tax.rate_ppm);
        let (label, amount) = match tax.mode {
            TaxMode::Exclusive => (i18n.t().line_tax_added, Some(money(quote.tax_minor))),
            TaxMode::Inclusive => (i18n.t().line_tax_included, None),
        };
        let label = fill(
            label,
            &[("rate", &rate), ("amount", &money(quote.tax_minor))],
        );
        let taxed = (tax.rate_ppm > 0).then(|| {
            view! {
                <div class="line line--tax">
                    <dt class="line__label">{label}</dt>
                    <dd class="line__amount">{amount}</dd>
                </div>
            }
        });
        Some(view! { {lines} {taxed} })
    };
    view! {
        <section class="summary card">
            <div class="summary__show">
                <img class="poster summary__poster" src=performance.poster_url.clone() alt="" width="600" height="800"/>
                <div>
                    <h2 class="summary__title">{performance.title.clone()}</h2>
                    <p class="muted small"><When performance=performance.clone()/></p>
                    <p class="muted small">{performance.venue.name.clone()}", "{performance.venue.city.clone()}</p>
                </div>
            </div>
            <dl class="lines">{lines}</dl>
            {move || checkout.quote_failure.get().map(|failure| view! {
                <p class="field__fault" role="alert">{checkout.speak(|speaker| words_for_failure(&failure, speaker))}</p>
            })}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_on_each_ticket_is_one_line_with_their_sum() {
        let line = |fee, item, amount_minor| QuoteLine {
            kind: LineKind::TicketFee { fee, item },
            amount_minor,
            tax_minor: 0,
        };
        let lines = [line(0, 0, 250), line(1, 0, 100), line(0, 1, 200)];
        assert_eq!(ticket_fees(&lines), [(0, 2, 450), (1, 1, 100)]);
    }
}
