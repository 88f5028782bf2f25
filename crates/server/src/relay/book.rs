//! From the batches of one ledger to messages: a pure function of the batches, so that whoever reads
//! them again makes the same messages with the same names.
//!
//! Some events name a hold or an order and not its places, so a [`Book`] remembers what is held and
//! sold. It must have read every batch from the first; it says which comes next.

use super::message::{
    AreaPlaces, Body, Cause, Change, Message, Status, Ticket, TicketPlace, Topic, VERSION, event_id,
};
use super::windows::{Taken, Windows};
use booking_core::ledger::Batch;
use booking_core::price::{LineKind, OrderItem, Place, QuoteLine};
use booking_core::{
    AllocationId, BandIx, Event, HoldId, OrderId, PerformanceId, PriceTypeIx, SeatIx, SeatMap,
    TicketId,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Why a batch makes no messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not the next one.
    #[error("batch {found} comes where {expected} should")]
    Gap {
        /// Position that should come.
        expected: u64,
        /// Position found.
        found: u64,
    },
    /// It speaks of what the ledger never told of.
    #[error("batch {seq} speaks of {what} that nobody knows")]
    Unknown {
        /// Its position.
        seq: u64,
        /// Of what.
        what: &'static str,
    },
}

/// What a book makes messages of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of everything.
    Everything,
    /// Of sales alone: what is held is not followed, which is most of what a ledger says.
    Sales,
}

/// What one ledger has said so far, as far as messages need it.
#[derive(Debug)]
pub struct Book {
    performance: PerformanceId,
    map: Arc<SeatMap>,
    currency: String,
    scope: Scope,
    seq: u64,
    holds: HashMap<HoldId, Held>,
    orders: HashMap<OrderId, Sold>,
    windows: Windows,
}

#[derive(Debug)]
struct Held {
    places: Vec<Place>,
    allocation: Option<AllocationId>,
}

#[derive(Debug)]
struct Sold {
    tickets: Vec<Live>,
    next_ordinal: u32,
}

/// A live ticket.
#[derive(Clone, Copy, Debug)]
struct Live {
    ordinal: u32,
    place: Place,
    price_type: PriceTypeIx,
    paid_minor: i64,
}

/// What one event comes to: its message's body, by topic.
type Bodies = Vec<(Topic, Body)>;

impl Book {
    /// Before the first batch. A ledger's currency never changes, so that of its first terms is that
    /// of every amount in it.
    #[must_use]
    pub fn new(
        performance: PerformanceId,
        map: Arc<SeatMap>,
        currency: &str,
        scope: Scope,
    ) -> Self {
        Self {
            performance,
            map,
            currency: currency.to_owned(),
            scope,
            seq: 0,
            holds: HashMap::new(),
            orders: HashMap::new(),
            windows: Windows::new(performance),
        }
    }

    /// What it makes messages of.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Position of the last batch it has read.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Reads the next batch: its messages in their order, those of windows that it closes first.
    ///
    /// After an error the book may have taken in part of the batch: throw it away.
    pub fn read(&mut self, batch: &Batch) -> Result<Vec<Message>, Unreadable> {
        let expected = self.seq + 1;
        if batch.seq != expected {
            return Err(Unreadable::Gap {
                expected,
                found: batch.seq,
            });
        }
        let mut messages = self.windows.close(batch.at_ms);
        let events = batch.entries.iter().flat_map(|entry| &entry.events);
        for (event, index) in events.zip(0..) {
            if self.scope == Scope::Sales && !is_sale(event) {
                continue;
            }
            let bodies = self.bodies(event).map_err(|what| Unreadable::Unknown {
                seq: batch.seq,
                what,
            })?;
            for (topic, body) in bodies {
                if self.scope == Scope::Sales && topic == Topic::SeatChanges {
                    continue;
                }
                let message = Message {
                    topic,
                    version: VERSION,
                    event_id: event_id(self.performance, batch.seq, index),
                    performance: self.performance,
                    seq: batch.seq,
                    index,
                    at_ms: batch.at_ms,
                    body,
                };
                if self.windows.take(&message) == Taken::TooLate {
                    metrics::counter!("onsale_analytics_too_late").increment(1);
                }
                messages.push(message);
            }
        }
        self.seq = batch.seq;
        Ok(messages)
    }

    /// The results of windows that ended by `now_ms`, where no later batch has closed them.
    pub fn close_windows(&mut self, now_ms: i64) -> Vec<Message> {
        self.windows.close(now_ms)
    }

    /// When the next window ends that has something to tell.
    #[must_use]
    pub fn next_window_ms(&self) -> Option<i64> {
        self.windows.next_end_ms()
    }

    fn bodies(&mut self, event: &Event) -> Result<Bodies, &'static str> {
        Ok(match event {
            Event::HoldPlaced {
                hold,
                places,
                allocation,
                ..
            } => {
                let held = Held {
                    places: places.clone(),
                    allocation: *allocation,
                };
                self.holds.insert(*hold, held);
                seats(Cause::HoldPlaced, [(Status::Held, &places[..])])
            }
            Event::HoldChanged {
                hold,
                added,
                removed,
            } => {
                let held = self.holds.get_mut(hold).ok_or("a hold")?;
                held.places.extend_from_slice(added);
                for place in removed {
                    take_out(&mut held.places, |one| one == place).ok_or("a place of a hold")?;
                }
                let home = held.home();
                seats(
                    Cause::HoldChanged,
                    [(Status::Held, &added[..]), (home, &removed[..])],
                )
            }
            Event::HoldExtended { .. } | Event::TermsSet { .. } => Vec::new(),
            Event::HoldReleased { hold } => self.end_hold(*hold, Cause::HoldReleased)?,
            Event::HoldExpired { hold } => self.end_hold(*hold, Cause::HoldExpired)?,
            Event::OrderConfirmed { .. } => self.confirm(event),
            Event::TicketsCancelled { order, places } => self.cancel(*order, places)?,
            Event::SeatsExchanged { order, gave, took } => self.exchange(*order, gave, took)?,
            Event::SeatsKilled { seats: list } => {
                seats(Cause::SeatsKilled, [(Status::Closed, &all(list)[..])])
            }
            Event::SeatsRevived { seats: list } => {
                seats(Cause::SeatsRevived, [(Status::Free, &all(list)[..])])
            }
            Event::SeatsAllocated { seats: list, .. } => {
                seats(Cause::SeatsAllocated, [(Status::Closed, &all(list)[..])])
            }
            Event::AllocationReleased { seats: list, .. } => {
                seats(Cause::AllocationReleased, [(Status::Free, &all(list)[..])])
            }
        })
    }

    fn end_hold(&mut self, hold: HoldId, cause: Cause) -> Result<Bodies, &'static str> {
        let held = self.holds.remove(&hold).ok_or("a hold")?;
        Ok(seats(cause, [(held.home(), &held.places[..])]))
    }

    fn confirm(&mut self, event: &Event) -> Bodies {
        let Event::OrderConfirmed {
            order,
            hold,
            fan,
            items,
            voucher,
            lines,
            total_minor,
            quoted_ms: _,
        } = event
        else {
            return Vec::new();
        };
        // A hold that had lapsed has gone before.
        self.holds.remove(hold);
        let money = Money::of(lines, *total_minor);
        let live = |((item, paid_minor), ordinal): ((&OrderItem, i64), u32)| Live {
            ordinal,
            place: item.place,
            price_type: item.price_type,
            paid_minor,
        };
        let paid = items.iter().zip(money.paid(items.len()));
        let tickets: Vec<Live> = paid.zip(0..).map(live).collect();
        let next_ordinal = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let places: Vec<Place> = items.iter().map(|item| item.place).collect();
        let sold = Body::TicketsSold {
            order: *order,
            currency: self.currency.clone(),
            tickets: self.tickets(*order, &tickets),
            order_fees_minor: money.order_fees_minor,
        };
        let confirmed = Body::OrderConfirmed {
            order: *order,
            buyer: *fan,
            tickets: next_ordinal,
            currency: self.currency.clone(),
            total_minor: *total_minor,
            tax_minor: money.tax_minor,
            fees_minor: money.fees_minor,
            discount_minor: money.discount_minor,
            voucher: voucher.is_some(),
        };
        self.orders.insert(
            *order,
            Sold {
                tickets,
                next_ordinal,
            },
        );
        let mut bodies = vec![(Topic::Orders, confirmed), (Topic::TicketBookings, sold)];
        bodies.extend(seats(Cause::OrderConfirmed, [(Status::Sold, &places[..])]));
        bodies
    }

    fn cancel(&mut self, order: OrderId, places: &[Place]) -> Result<Bodies, &'static str> {
        let sold = self.orders.get_mut(&order).ok_or("an order")?;
        let mut gone = Vec::with_capacity(places.len());
        for place in places {
            gone.push(take_out(&mut sold.tickets, |one| one.place == *place).ok_or("a ticket")?);
        }
        let worth_minor = gone
            .iter()
            .fold(0, |sum: i64, ticket| sum.saturating_add(ticket.paid_minor));
        let cancelled = Body::OrderCancelled {
            order,
            tickets: u32::try_from(gone.len()).unwrap_or(u32::MAX),
            currency: self.currency.clone(),
            worth_minor,
        };
        let tickets = Body::TicketsCancelled {
            order,
            currency: self.currency.clone(),
            tickets: self.tickets(order, &gone),
        };
        let mut bodies = vec![(Topic::Orders, cancelled), (Topic::TicketBookings, tickets)];
        bodies.extend(seats(Cause::TicketsCancelled, [(Status::Free, places)]));
        Ok(bodies)
    }

    fn exchange(
        &mut self,
        order: OrderId,
        gave: &[SeatIx],
        took: &[SeatIx],
    ) -> Result<Bodies, &'static str> {
        let sold = self.orders.get_mut(&order).ok_or("an order")?;
        let mut gone = Vec::with_capacity(gave.len());
        for seat in gave {
            let place = Place::Seat(*seat);
            gone.push(take_out(&mut sold.tickets, |one| one.place == place).ok_or("a ticket")?);
        }
        let mut come = Vec::with_capacity(took.len());
        for (seat, old) in took.iter().zip(&gone) {
            let new = Live {
                ordinal: sold.next_ordinal,
                place: Place::Seat(*seat),
                ..*old
            };
            sold.next_ordinal += 1;
            sold.tickets.push(new);
            come.push(new);
        }
        let exchanged = Body::OrderExchanged {
            order,
            tickets: u32::try_from(come.len()).unwrap_or(u32::MAX),
        };
        let tickets = Body::TicketsExchanged {
            order,
            currency: self.currency.clone(),
            gave: self.tickets(order, &gone),
            got: self.tickets(order, &come),
        };
        let mut bodies = vec![(Topic::Orders, exchanged), (Topic::TicketBookings, tickets)];
        bodies.extend(seats(
            Cause::SeatsExchanged,
            [
                (Status::Free, &all(gave)[..]),
                (Status::Sold, &all(took)[..]),
            ],
        ));
        Ok(bodies)
    }

    fn tickets(&self, order: OrderId, tickets: &[Live]) -> Vec<Ticket> {
        let ticket = |live: &Live| Ticket {
            ticket: TicketId::of(order, live.ordinal),
            place: self.place(live.place),
            band: self.band(live.place).0,
            price_type: live.price_type.0,
            paid_minor: live.paid_minor,
        };
        tickets.iter().map(ticket).collect()
    }

    fn place(&self, place: Place) -> TicketPlace {
        match place {
            Place::Seat(seat) if self.map.has_seat(seat) => {
                let name = self.map.seat_name(seat);
                TicketPlace::Seat {
                    seat: seat.0,
                    section: name.section.to_owned(),
                    row: name.row.to_owned(),
                    label: name.seat.to_owned(),
                }
            }
            Place::Seat(seat) => TicketPlace::Seat {
                seat: seat.0,
                section: String::new(),
                row: String::new(),
                label: String::new(),
            },
            Place::Area(area) => TicketPlace::Area {
                area: area.0,
                name: self
                    .map
                    .area(area)
                    .map_or_else(String::new, |area| area.name.clone()),
            },
        }
    }

    fn band(&self, place: Place) -> BandIx {
        match place {
            Place::Seat(seat) if self.map.has_seat(seat) => self.map.band(seat),
            Place::Seat(_) => BandIx(u8::MAX),
            Place::Area(area) => self
                .map
                .area(area)
                .map_or(BandIx(u8::MAX), |area| area.band),
        }
    }
}

impl Held {
    /// What its places are when it ends.
    fn home(&self) -> Status {
        match self.allocation {
            Some(_) => Status::Closed,
            None => Status::Free,
        }
    }
}

/// Whether money or tickets are in an event.
fn is_sale(event: &Event) -> bool {
    matches!(
        event,
        Event::OrderConfirmed { .. }
            | Event::TicketsCancelled { .. }
            | Event::SeatsExchanged { .. }
    )
}

/// Removes the first that fits.
fn take_out<T>(list: &mut Vec<T>, fits: impl Fn(&T) -> bool) -> Option<T> {
    let at = list.iter().position(fits)?;
    Some(list.remove(at))
}

fn all(seats: &[SeatIx]) -> Vec<Place> {
    seats.iter().copied().map(Place::Seat).collect()
}

/// What seats and places are now; nothing where none changed.
fn seats<const N: usize>(cause: Cause, changes: [(Status, &[Place]); N]) -> Bodies {
    let change = |(to, places): (Status, &[Place])| {
        let (mut seats, mut areas) = (Vec::new(), BTreeMap::new());
        for place in places {
            match place {
                Place::Seat(seat) => seats.push(seat.0),
                Place::Area(area) => *areas.entry(area.0).or_insert(0) += 1,
            }
        }
        seats.sort_unstable();
        let areas = areas.into_iter();
        Change {
            to,
            seats,
            areas: areas
                .map(|(area, places)| AreaPlaces { area, places })
                .collect(),
        }
    };
    let changes: Vec<Change> = changes
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(change)
        .collect();
    if changes.is_empty() {
        return Vec::new();
    }
    vec![(Topic::SeatChanges, Body::SeatsChanged { cause, changes })]
}

/// The money of an order, sorted by what it was for.
struct Money<'a> {
    lines: &'a [QuoteLine],
    /// Tax comes on top of the lines' amounts.
    on_top: bool,
    tax_minor: i64,
    fees_minor: i64,
    order_fees_minor: i64,
    discount_minor: i64,
}

impl<'a> Money<'a> {
    fn of(lines: &'a [QuoteLine], total_minor: i64) -> Self {
        let sum = |amount: fn(&QuoteLine) -> i64| {
            lines
                .iter()
                .fold(0, |sum: i64, line| sum.saturating_add(amount(line)))
        };
        let tax_minor = sum(|line| line.tax_minor);
        let mut money = Self {
            lines,
            // The event does not say how tax is counted, its sum does.
            on_top: sum(|line| line.amount_minor) != total_minor,
            tax_minor,
            fees_minor: 0,
            order_fees_minor: 0,
            discount_minor: 0,
        };
        for line in lines {
            let add = |sum: &mut i64, amount: i64| *sum = sum.saturating_add(amount);
            match line.kind {
                LineKind::Ticket { .. } => {}
                LineKind::Discount { .. } => {
                    add(
                        &mut money.discount_minor,
                        line.amount_minor.saturating_neg(),
                    );
                }
                LineKind::TicketFee { .. } => add(&mut money.fees_minor, line.amount_minor),
                LineKind::OrderFee { .. } => {
                    add(&mut money.fees_minor, line.amount_minor);
                    let charged = money.charged(line);
                    add(&mut money.order_fees_minor, charged);
                }
            }
        }
        money
    }

    fn charged(&self, line: &QuoteLine) -> i64 {
        match self.on_top {
            true => line.amount_minor.saturating_add(line.tax_minor),
            false => line.amount_minor,
        }
    }

    /// What was charged for the ticket of each item.
    fn paid(&self, items: usize) -> Vec<i64> {
        let mut paid = vec![0_i64; items];
        for line in self.lines {
            if let LineKind::Ticket { item, .. }
            | LineKind::Discount { item }
            | LineKind::TicketFee { item, .. } = line.kind
                && let Some(sum) = paid.get_mut(usize::from(item))
            {
                *sum = sum.saturating_add(self.charged(line));
            }
        }
        paid
    }
}
