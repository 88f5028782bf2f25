//! What was sold minute by minute: tumbling windows by event time, from the messages of
//! `ticket-bookings` and nothing else.
//!
//! Owns: a message counts once, however often it comes; it counts in the minute in which it was
//! decided, whenever it comes. Messages of one performance come in order, so the last position that
//! was counted says what is a repeat. Must not: look at a clock; whoever calls says how late it is.

use super::message::{BandSales, Body, Message, Topic, VERSION};
use booking_core::PerformanceId;
use std::collections::BTreeMap;

/// How long a window is.
pub const WINDOW_MS: i64 = 60_000;
/// Windows that are remembered after they were closed, so that what comes late is added and not
/// lost. Time in a ledger never goes back, so late is only what was decided at a server whose clock
/// is behind that of the one that closed the window.
const KEPT: usize = 60;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in its window.
    Counted,
    /// It was there already.
    Repeat,
    /// It is about nothing that is counted.
    Other,
    /// Its window has been forgotten.
    TooLate,
}

/// The windows of one performance.
#[derive(Debug)]
pub struct Windows {
    performance: PerformanceId,
    counted: Option<(u64, u32)>,
    windows: BTreeMap<i64, Window>,
    /// Windows that begin before this have been forgotten.
    forgotten_ms: i64,
}

/// What was sold within some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// ISO 4217; empty where nothing was sold.
    pub currency: String,
    /// Orders confirmed.
    pub orders: u32,
    /// Fees on orders, which belong to no band.
    pub order_fees_minor: i64,
    bands: BTreeMap<u8, BandSales>,
}

#[derive(Debug, Default)]
struct Window {
    sums: Sums,
    /// Position of the last message in it.
    seq: u64,
    /// There is something in it that has not been told.
    is_news: bool,
}

impl Windows {
    /// None yet.
    #[must_use]
    pub fn new(performance: PerformanceId) -> Self {
        Self {
            performance,
            counted: None,
            windows: BTreeMap::new(),
            forgotten_ms: i64::MIN,
        }
    }

    /// Counts a message.
    pub fn take(&mut self, message: &Message) -> Taken {
        if !is_counted(&message.body) || message.performance != self.performance {
            return Taken::Other;
        }
        let position = (message.seq, message.index);
        if self.counted.is_some_and(|counted| counted >= position) {
            return Taken::Repeat;
        }
        let from_ms = window_of(message.at_ms);
        if from_ms < self.forgotten_ms {
            return Taken::TooLate;
        }
        self.counted = Some(position);
        let window = self.windows.entry(from_ms).or_default();
        window.seq = message.seq;
        window.is_news = true;
        window.sums.add(&message.body);
        Taken::Counted
    }

    /// The results of windows that ended by `now_ms` and have news, the oldest first.
    pub fn close(&mut self, now_ms: i64) -> Vec<Message> {
        let performance = self.performance;
        let mut results = Vec::new();
        for (from_ms, window) in &mut self.windows {
            let until_ms = from_ms.saturating_add(WINDOW_MS);
            if until_ms > now_ms {
                break;
            }
            if std::mem::take(&mut window.is_news) {
                results.push(window.result(performance, *from_ms, until_ms));
            }
        }
        while self.windows.len() > KEPT {
            let Some((from_ms, _)) = self.windows.pop_first() else {
                break;
            };
            self.forgotten_ms = from_ms.saturating_add(WINDOW_MS);
        }
        results
    }

    /// When the oldest window that has news ends; `None`: there is nothing to tell.
    #[must_use]
    pub fn next_end_ms(&self) -> Option<i64> {
        let mut open = self.windows.iter().filter(|(_, window)| window.is_news);
        open.next()
            .map(|(from_ms, _)| from_ms.saturating_add(WINDOW_MS))
    }
}

/// Whether a message is about tickets and money that are counted.
pub(super) fn is_counted(body: &Body) -> bool {
    matches!(
        body,
        Body::TicketsSold { .. } | Body::TicketsCancelled { .. }
    )
}

/// The first instant of the window in which an instant lies.
pub(super) fn window_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(WINDOW_MS) * WINDOW_MS
}

impl Sums {
    /// Adds what a message of `ticket-bookings` tells; others tell nothing that is counted.
    pub fn add(&mut self, body: &Body) {
        match body {
            Body::TicketsSold {
                currency,
                tickets,
                order_fees_minor,
                ..
            } => {
                self.currency.clone_from(currency);
                self.orders += 1;
                self.order_fees_minor = self.order_fees_minor.saturating_add(*order_fees_minor);
                for ticket in tickets {
                    let band = self.band(ticket.band);
                    band.sold += 1;
                    band.revenue_minor = band.revenue_minor.saturating_add(ticket.paid_minor);
                }
            }
            Body::TicketsCancelled {
                currency, tickets, ..
            } => {
                self.currency.clone_from(currency);
                for ticket in tickets {
                    let band = self.band(ticket.band);
                    band.cancelled += 1;
                    band.refunds_minor = band.refunds_minor.saturating_add(ticket.paid_minor);
                }
            }
            Body::TicketsExchanged { .. }
            | Body::SeatsChanged { .. }
            | Body::OrderConfirmed { .. }
            | Body::OrderCancelled { .. }
            | Body::OrderExchanged { .. }
            | Body::SalesWindow { .. }
            | Body::DeadLetter { .. } => {}
        }
    }

    fn band(&mut self, band: u8) -> &mut BandSales {
        self.bands.entry(band).or_insert(BandSales {
            band,
            ..BandSales::default()
        })
    }

    /// Adds other sums.
    pub fn add_sums(&mut self, other: &Self) {
        if !other.currency.is_empty() {
            self.currency.clone_from(&other.currency);
        }
        self.orders += other.orders;
        self.order_fees_minor = self.order_fees_minor.saturating_add(other.order_fees_minor);
        for theirs in other.bands.values() {
            let band = self.band(theirs.band);
            band.sold += theirs.sold;
            band.revenue_minor = band.revenue_minor.saturating_add(theirs.revenue_minor);
            band.cancelled += theirs.cancelled;
            band.refunds_minor = band.refunds_minor.saturating_add(theirs.refunds_minor);
        }
    }

    /// By price band, in order of the bands; those in which nothing happened are left out.
    #[must_use]
    pub fn bands(&self) -> Vec<BandSales> {
        self.bands.values().copied().collect()
    }
}

impl Window {
    fn result(&self, performance: PerformanceId, from_ms: i64, until_ms: i64) -> Message {
        let seq = self.seq;
        Message {
            topic: Topic::AnalyticsResults,
            version: VERSION,
            event_id: format!("{performance}:window:{from_ms}:{seq}"),
            performance,
            seq,
            index: 0,
            at_ms: until_ms,
            body: Body::SalesWindow {
                from_ms,
                until_ms,
                currency: self.sums.currency.clone(),
                orders: self.sums.orders,
                order_fees_minor: self.sums.order_fees_minor,
                bands: self.sums.bands(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Ticket, TicketPlace, event_id};
    use super::*;
    use booking_core::{OrderId, TicketId};

    const SHOW: PerformanceId = PerformanceId::from_u128(1);

    fn tickets(bands: &[u8]) -> Vec<Ticket> {
        let ticket = |band: &u8| Ticket {
            ticket: TicketId::from_u128(1),
            place: TicketPlace::Area {
                area: 0,
                name: "Floor".to_owned(),
            },
            band: *band,
            price_type: 0,
            paid_minor: 1_000 + i64::from(*band),
        };
        bands.iter().map(ticket).collect()
    }

    fn message(seq: u64, at_ms: i64, body: Body) -> Message {
        Message {
            topic: Topic::TicketBookings,
            version: VERSION,
            event_id: event_id(SHOW, seq, 0),
            performance: SHOW,
            seq,
            index: 0,
            at_ms,
            body,
        }
    }

    fn sold(seq: u64, at_ms: i64, bands: &[u8]) -> Message {
        let body = Body::TicketsSold {
            order: OrderId::from_u128(u128::from(seq)),
            currency: "EUR".to_owned(),
            tickets: tickets(bands),
            order_fees_minor: 50,
        };
        message(seq, at_ms, body)
    }

    fn cancelled(seq: u64, at_ms: i64, bands: &[u8]) -> Message {
        let body = Body::TicketsCancelled {
            order: OrderId::from_u128(1),
            currency: "EUR".to_owned(),
            tickets: tickets(bands),
        };
        message(seq, at_ms, body)
    }

    /// Band, sold, revenue, cancelled, refunds.
    type Band = (u8, u32, i64, u32, i64);

    fn sums(result: &Message) -> (i64, u32, Vec<Band>) {
        let Body::SalesWindow {
            from_ms,
            orders,
            bands,
            ..
        } = &result.body
        else {
            panic!("{result:?}");
        };
        let band = |one: &BandSales| {
            (
                one.band,
                one.sold,
                one.revenue_minor,
                one.cancelled,
                one.refunds_minor,
            )
        };
        (*from_ms, *orders, bands.iter().map(band).collect())
    }

    #[test]
    fn a_sale_counts_in_the_minute_and_band_it_was_decided_in() {
        let mut windows = Windows::new(SHOW);
        for message in [
            sold(1, 60_000, &[0, 0, 1]),
            sold(2, 119_999, &[1]),
            cancelled(3, 119_999, &[0]),
            sold(4, 120_000, &[2]),
        ] {
            assert_eq!(windows.take(&message), Taken::Counted);
        }
        assert_eq!(windows.next_end_ms(), Some(120_000));
        assert!(windows.close(119_999).is_empty());
        let results = windows.close(120_000);
        let expected = (
            60_000,
            2,
            vec![(0, 2, 2_000, 1, 1_000), (1, 2, 2_002, 0, 0)],
        );
        assert_eq!(
            results.iter().map(sums).collect::<Vec<_>>(),
            [expected],
            "the minute that goes on is not told"
        );
        assert_eq!(windows.close(180_000).len(), 1);
        assert_eq!(windows.close(i64::MAX), []);
        assert_eq!(windows.next_end_ms(), None);
    }

    #[test]
    fn a_repeat_counts_once() {
        let mut windows = Windows::new(SHOW);
        let sale = sold(1, 0, &[0]);
        assert_eq!(windows.take(&sale), Taken::Counted);
        assert_eq!(windows.take(&sale), Taken::Repeat);
        assert_eq!(windows.take(&sold(2, 1, &[0])), Taken::Counted);
        assert_eq!(windows.take(&sale), Taken::Repeat);
        let results = windows.close(WINDOW_MS);
        assert_eq!(sums(&results[0]), (0, 2, vec![(0, 2, 2_000, 0, 0)]));
    }

    #[test]
    fn what_comes_late_corrects_its_window_and_says_so_with_a_higher_position() {
        let mut windows = Windows::new(SHOW);
        windows.take(&sold(1, 10, &[0]));
        let first = windows.close(WINDOW_MS);
        assert_eq!(windows.take(&sold(2, 20, &[0])), Taken::Counted);
        let second = windows.close(WINDOW_MS);
        assert_eq!(sums(&second[0]), (0, 2, vec![(0, 2, 2_000, 0, 0)]));
        assert!(second[0].seq > first[0].seq);
        assert_ne!(second[0].event_id, first[0].event_id);
    }

    #[test]
    fn windows_are_forgotten_from_the_oldest_and_what_is_too_late_is_told_so() {
        let mut windows = Windows::new(SHOW);
        let minutes = KEPT as i64 + 5;
        for minute in 0..minutes {
            let sale = sold(minute as u64 + 1, minute * WINDOW_MS, &[0]);
            assert_eq!(windows.take(&sale), Taken::Counted);
            windows.close(minute * WINDOW_MS);
        }
        assert!(windows.windows.len() <= KEPT + 1);
        let late = sold(1_000, 0, &[0]);
        assert_eq!(windows.take(&late), Taken::TooLate);
    }
}
