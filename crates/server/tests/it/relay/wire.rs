//! What messages look like on the wire, letter by letter.

use super::recorded::{Recorded, sale};
use booking_core::price::TaxMode;
use onsale_server::relay::{Body, Message, Scope, Topic};
use std::collections::BTreeSet;
use std::path::Path;

fn lines(sale: &Recorded) -> String {
    let messages = sale.messages();
    let lines = messages
        .iter()
        .map(|message| String::from_utf8(message.payload()).unwrap() + "\n");
    lines.collect()
}

#[test]
fn messages_of_a_sale_are_those_that_are_checked_in() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/relay/recorded.jsonl");
    let now = lines(&sale(TaxMode::Inclusive));
    let then = std::fs::read_to_string(&here).unwrap_or_default();
    if now != then {
        let other = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded.jsonl");
        std::fs::write(&other, now).unwrap();
        panic!(
            "what consumers read has changed: compare {} with {}; a field more may be copied over, \
             anything else needs a new version of its schema",
            other.display(),
            here.display()
        );
    }
}

#[test]
fn a_message_is_read_back_as_it_was_written() {
    for message in sale(TaxMode::Exclusive).messages() {
        assert_eq!(Message::of_payload(&message.payload()).unwrap(), message);
    }
}

#[test]
fn a_name_is_given_once_within_a_topic() {
    let mut names = BTreeSet::new();
    for message in sale(TaxMode::Inclusive).messages() {
        assert!(
            names.insert((message.topic, message.event_id.clone())),
            "{message:?}"
        );
    }
}

#[test]
fn the_same_ledger_makes_the_same_messages() {
    let (one, other) = (sale(TaxMode::Inclusive), sale(TaxMode::Inclusive));
    assert_eq!(lines(&one), lines(&other));
}

#[test]
fn every_cent_of_an_order_is_in_its_tickets_and_its_own_fees() {
    for mode in [TaxMode::Inclusive, TaxMode::Exclusive] {
        let messages = sale(mode).messages();
        let mut orders = 0;
        for message in &messages {
            let Body::OrderConfirmed {
                order: confirmed,
                total_minor,
                ..
            } = &message.body
            else {
                continue;
            };
            let sold = messages.iter().find_map(|message| match &message.body {
                Body::TicketsSold {
                    order,
                    tickets,
                    order_fees_minor,
                    ..
                } if order == confirmed => {
                    let paid: i64 = tickets.iter().map(|ticket| ticket.paid_minor).sum();
                    Some(paid + order_fees_minor)
                }
                _ => None,
            });
            assert_eq!(sold, Some(*total_minor));
            orders += 1;
        }
        assert_eq!(orders, 2);
    }
}

#[test]
fn what_was_sold_less_what_was_cancelled_is_what_the_windows_say() {
    let messages = sale(TaxMode::Exclusive).messages();
    let (mut told, mut counted) = ([0; 4], [0; 4]);
    for message in &messages {
        match &message.body {
            Body::TicketsSold { tickets, .. } => {
                told[0] += tickets.len() as i64;
                told[1] += tickets.iter().map(|ticket| ticket.paid_minor).sum::<i64>();
            }
            Body::TicketsCancelled { tickets, .. } => {
                told[2] += tickets.len() as i64;
                told[3] += tickets.iter().map(|ticket| ticket.paid_minor).sum::<i64>();
            }
            Body::SalesWindow { bands, .. } => {
                for band in bands {
                    counted[0] += i64::from(band.sold);
                    counted[1] += band.revenue_minor;
                    counted[2] += i64::from(band.cancelled);
                    counted[3] += band.refunds_minor;
                }
            }
            _ => {}
        }
    }
    assert_eq!(told, counted);
    assert!(told.iter().all(|sum| *sum > 0), "{told:?}");
}

#[test]
fn a_book_reads_every_batch_once_and_in_order() {
    let sale = sale(TaxMode::Inclusive);
    let mut book = sale.book();
    assert!(book.read(&sale.batches[1]).is_err());
    let mut book = sale.book();
    book.read(&sale.batches[0]).unwrap();
    assert!(book.read(&sale.batches[0]).is_err());
}

#[test]
fn a_book_of_sales_alone_makes_the_same_messages_of_sales() {
    let sale = sale(TaxMode::Inclusive);
    let mut book = sale.book_of(Scope::Sales);
    let mut messages = Vec::new();
    for batch in &sale.batches {
        messages.extend(book.read(batch).unwrap());
    }
    messages.extend(book.close_windows(i64::MAX));
    let mut expected = sale.messages();
    expected.retain(|message| message.topic != Topic::SeatChanges);
    assert_eq!(messages, expected);
}
