//! A ticket as a stub of paper: where, and beside the tear what to do with it.

use leptos::prelude::*;

use super::{Icon, Sign};
use crate::api::{self, Ticket, TicketState};
use crate::i18n::{fill, use_i18n};

/// Section, row and seat as on a door.
#[component]
pub(crate) fn SeatPlate(ticket: Ticket) -> impl IntoView {
    let i18n = use_i18n();
    let seated = !ticket.seat.is_empty();
    view! {
        <dl class="plate">
            <div class="plate__part plate__part--wide">
                <dt>{i18n.say(|t| t.section)}</dt><dd>{ticket.section}</dd>
            </div>
            {(!ticket.row.is_empty()).then(|| view! {
                <div class="plate__part"><dt>{i18n.say(|t| t.row)}</dt><dd>{ticket.row}</dd></div>
            })}
            {seated.then(|| view! {
                <div class="plate__part"><dt>{i18n.say(|t| t.seat)}</dt><dd>{ticket.seat}</dd></div>
            })}
        </dl>
    }
}

/// One ticket in a list; leads to its page with the code.
#[component]
pub(crate) fn Stub(
    ticket: Ticket,
    /// Whether the code is there when the page is printed.
    #[prop(optional)]
    printable: bool,
) -> impl IntoView {
    let i18n = use_i18n();
    let valid = ticket.state == TicketState::Valid;
    let id = ticket.id;
    let price_type = ticket.price_type.clone();
    let href = format!("/tickets/{}", ticket.id);
    let (section, row, seat) = (
        ticket.section.clone(),
        ticket.row.clone(),
        ticket.seat.clone(),
    );
    // Several links that show a code: a screen reader is told whose each is.
    let whose = move || {
        let place = match (row.is_empty(), seat.is_empty()) {
            (false, false) => i18n.t().place_row_seat,
            (true, false) => i18n.t().place_seat,
            (_, true) => return format!(", {section}"),
        };
        let place = fill(
            place,
            &[("section", &section), ("row", &row), ("seats", &seat)],
        );
        format!(", {place}")
    };
    view! {
        <li class="stub" class:stub--void=!valid>
            <div class="stub__body">
                <SeatPlate ticket/>
                <p class="stub__type">{price_type}</p>
            </div>
            {(printable && valid).then(|| view! {
                <img class="stub__qr print-only" src=api::qr_url(id) width="160" height="160" alt=""/>
            })}
            <div class="stub__tear">
                {if valid {
                    view! { <a class="button stub__show no-print" href=href><Icon sign=Sign::Qr/>{i18n.say(|t| t.show_code)}<span class="visually-hidden">{whose}</span></a> }.into_any()
                } else {
                    view! { <span class="chip chip--bad">{i18n.say(|t| t.ticket_cancelled)}</span> }.into_any()
                }}
            </div>
        </li>
    }
}
