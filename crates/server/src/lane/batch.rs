//! Deciding many commands, each against the state that includes those before it, into one batch.

use super::answer::{Answer, rejection_detail};
use super::state::State;
use crate::store::rows::place_key;
use crate::store::{Append, CommandRecord, NewBatch, Projection, RecordedOutcome};
use booking_core::decide::{decide, try_apply};
use booking_core::inventory::OrderState;
use booking_core::ledger::{Batch, Entry};
use booking_core::price::Place;
use booking_core::{
    Command, CommandId, Event, HoldId, Inventory, OrderId, PerformanceId, Rejection, TicketId,
};
use bytes::Bytes;

/// A batch as it grows. The state it is decided on runs ahead of the ledger until it is appended.
pub(super) struct Draft {
    performance: PerformanceId,
    seq: u64,
    at_ms: i64,
    entries: Vec<Entry>,
    records: Vec<CommandRecord>,
    projections: Vec<Projection>,
    touched: Vec<Place>,
    events: u64,
}

/// What is kept of a batch while it is being made durable.
pub(super) struct Sealed {
    pub(super) performance: PerformanceId,
    /// Its number in the ledger, if it has one.
    pub(super) seq: Option<u64>,
    /// When it was decided.
    pub(super) at_ms: i64,
    /// Places whose public status may have changed.
    pub(super) touched: Vec<Place>,
    pub(super) events: u64,
}

/// The state contradicts itself; it must be thrown away.
#[derive(Debug, thiserror::Error)]
#[error("the decided events contradict the state: {0}")]
pub(super) struct Poisoned(&'static str);

impl Draft {
    pub(super) fn new(performance: PerformanceId, state: &State, now_ms: i64) -> Self {
        Self {
            performance,
            seq: state.position.seq + 1,
            // Whatever the machine's clock does, time in a ledger does not go backwards.
            at_ms: now_ms.max(state.position.at_ms),
            entries: Vec::new(),
            records: Vec::new(),
            projections: Vec::new(),
            touched: Vec::new(),
            events: 0,
        }
    }

    /// Writes down at most `limit` lapses that are due.
    pub(super) fn expire(&mut self, inventory: &mut Inventory, limit: u32) -> Result<(), Poisoned> {
        if inventory
            .next_expiry_ms()
            .is_none_or(|due_ms| due_ms > self.at_ms)
        {
            return Ok(());
        }
        let Ok(decision) = decide(inventory, &Command::ExpireHolds { limit }, self.at_ms) else {
            return Ok(());
        };
        if decision.events.is_empty() {
            return Ok(());
        }
        self.apply(inventory, &decision.events)?;
        // Nobody sent it, so nobody can send it again: its id only names it in the ledger.
        let command = CommandId::from_u128(u128::from(self.seq));
        self.entries.push(Entry {
            command,
            events: decision.events,
        });
        Ok(())
    }

    /// Decides one command. The answer may be sent once the batch is durable.
    pub(super) fn decide(
        &mut self,
        inventory: &mut Inventory,
        id: CommandId,
        content: [u8; 16],
        command: &Command,
    ) -> Result<Result<Answer, Rejection>, Poisoned> {
        let decision = match decide(inventory, command, self.at_ms) {
            Ok(decision) => decision,
            Err(rejection) => {
                metrics::counter!("onsale_lane_rejections", "code" => rejection.code())
                    .increment(1);
                let outcome = RecordedOutcome::Rejected {
                    detail: rejection_detail(&rejection),
                };
                self.records.push(CommandRecord {
                    command: id,
                    content,
                    outcome,
                });
                return Ok(Err(rejection));
            }
        };
        self.apply(inventory, &decision.events)?;
        let answer = Answer {
            hold: hold_named(command).and_then(|hold| inventory.hold(hold)),
            events: decision.events.clone(),
            warnings: decision.warnings,
            seq: self.seq,
            at_ms: self.at_ms,
            replayed: false,
        };
        let outcome = RecordedOutcome::Accepted {
            seq: self.seq,
            entry: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
            detail: answer.detail(),
        };
        self.records.push(CommandRecord {
            command: id,
            content,
            outcome,
        });
        self.entries.push(Entry {
            command: id,
            events: decision.events,
        });
        Ok(Ok(answer))
    }

    fn apply(&mut self, inventory: &mut Inventory, events: &[Event]) -> Result<(), Poisoned> {
        for event in events {
            self.touched.extend(inventory.touched(event));
            let order = order_named(event);
            let before = order.and_then(|order| inventory.order(order));
            try_apply(inventory, event).map_err(|contradiction| Poisoned(contradiction.what))?;
            let after = order.and_then(|order| inventory.order(order));
            projections_of(
                event,
                self.at_ms,
                before.as_ref(),
                after.as_ref(),
                &mut self.projections,
            );
            self.events += 1;
        }
        Ok(())
    }

    /// Nothing to make durable.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.records.is_empty()
    }

    /// Seals the batch and moves the state's position behind it. What is left says what to show
    /// once it is durable.
    pub(super) fn seal(self, state: &mut State) -> (Append, Sealed) {
        let batch = (!self.entries.is_empty()).then(|| {
            let prev_hash = state.position.hash;
            let sealed = Batch {
                performance: self.performance,
                seq: self.seq,
                at_ms: self.at_ms,
                prev_hash,
                entries: self.entries,
            }
            .seal();
            state.position.seq = self.seq;
            state.position.at_ms = self.at_ms;
            state.position.hash = sealed.hash;
            NewBatch {
                seq: self.seq,
                at_ms: self.at_ms,
                bytes: Bytes::from(sealed.bytes),
                prev_hash,
                hash: sealed.hash,
            }
        });
        let seq = batch.as_ref().map(|batch| batch.seq);
        let append = Append {
            performance: self.performance,
            decided_after: batch.is_none().then_some(state.position.seq),
            batch,
            commands: self.records,
            projections: self.projections,
        };
        let sealed = Sealed {
            performance: self.performance,
            seq,
            at_ms: self.at_ms,
            touched: self.touched,
            events: self.events,
        };
        (append, sealed)
    }
}

fn hold_named(command: &Command) -> Option<HoldId> {
    match command {
        Command::PlaceHold { hold, .. }
        | Command::ChangeHold { hold, .. }
        | Command::ExtendHold { hold, .. }
        | Command::ReleaseHold { hold, .. }
        | Command::ConfirmOrder { hold, .. } => Some(*hold),
        Command::ExpireHolds { .. }
        | Command::CancelTickets { .. }
        | Command::ExchangeSeats { .. }
        | Command::KillSeats { .. }
        | Command::ReviveSeats { .. }
        | Command::AllocateSeats { .. }
        | Command::ReleaseAllocation { .. }
        | Command::SetTerms { .. } => None,
    }
}

/// The order whose tickets an event changes.
fn order_named(event: &Event) -> Option<OrderId> {
    match event {
        Event::OrderConfirmed { order, .. }
        | Event::TicketsCancelled { order, .. }
        | Event::SeatsExchanged { order, .. } => Some(*order),
        Event::HoldPlaced { .. }
        | Event::HoldChanged { .. }
        | Event::HoldExtended { .. }
        | Event::HoldReleased { .. }
        | Event::HoldExpired { .. }
        | Event::SeatsKilled { .. }
        | Event::SeatsRevived { .. }
        | Event::SeatsAllocated { .. }
        | Event::AllocationReleased { .. }
        | Event::TermsSet { .. } => None,
    }
}

/// Projection rows of one event, given its order as it stood before and after: the difference,
/// ticket by ticket, so that the tables cannot tell another story than the inventory.
fn projections_of(
    event: &Event,
    at_ms: i64,
    before: Option<&OrderState>,
    after: Option<&OrderState>,
    into: &mut Vec<Projection>,
) {
    if let Event::OrderConfirmed {
        order,
        fan,
        total_minor,
        ..
    } = event
    {
        into.push(Projection::OrderConfirmed {
            order: *order,
            fan: *fan,
            total_minor: *total_minor,
            at_ms,
        });
    }
    if let Event::TermsSet { terms } = event {
        into.push(Projection::terms_set(terms));
    }
    let tickets =
        |order: Option<&OrderState>| order.map_or(Vec::new(), |order| order.tickets.clone());
    let (was, is) = (tickets(before), tickets(after));
    if let Some(OrderState { order, .. }) = before {
        for (ordinal, item) in was.iter().filter(|ticket| !is.contains(ticket)) {
            let ticket = TicketId::of(*order, *ordinal);
            let place_key = place_key(item.place, ticket);
            into.push(Projection::TicketCancelled { ticket, place_key });
        }
    }
    if let Some(after) = after {
        let new = is
            .into_iter()
            .filter(|ticket| !was.contains(ticket))
            .collect();
        ticket_rows(
            &OrderState {
                tickets: new,
                ..after.clone()
            },
            into,
        );
    }
}

/// The rows of an order's live tickets.
pub fn ticket_rows(order: &OrderState, into: &mut Vec<Projection>) {
    into.extend(order.tickets.iter().map(|(ordinal, item)| {
        let ticket = TicketId::of(order.order, *ordinal);
        Projection::TicketLive {
            ticket,
            order: order.order,
            fan: order.fan,
            place_key: place_key(item.place, ticket),
            area: match item.place {
                Place::Seat(_) => None,
                Place::Area(area) => Some(area.0),
            },
            price_type: item.price_type.0,
        }
    }));
}
