//! The payments' side of the store's port over the world's disk.

use crate::store::Connection;
use crate::world::Disk;
use booking_core::{CommandId, FanId, OrderId, TicketId};
use futures_util::future::BoxFuture;
use onsale_server::store::StoreError;
use onsale_server::store::checkouts::{
    Begun, Change, CheckoutRow, CheckoutStore, LiveTicket, ORDERS_LISTED, Owner, Recorded,
    ServerId, StepRow, Unless,
};
use std::collections::BTreeSet;

impl CheckoutStore for Connection {
    fn begin(&self, row: CheckoutRow) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(self.write(None, move |disk| {
            let is_known = disk.checkouts.contains_key(&(row.order, row.attempt))
                || disk
                    .checkouts
                    .values()
                    .any(|old| old.command == row.command);
            if is_known {
                return Begun::Exists;
            }
            self.world.say(format_args!(
                "{} begins {} attempt {}",
                self.life.slot, row.order, row.attempt
            ));
            disk.checkouts.insert((row.order, row.attempt), row);
            Begun::New
        }))
    }

    fn record(&self, step: StepRow) -> BoxFuture<'_, Result<Recorded, StoreError>> {
        Box::pin(self.write(None, move |disk| {
            let row = disk.checkouts.get_mut(&(step.order, step.attempt));
            let Some(row) = row.filter(|row| row.owner == step.owner) else {
                return Recorded::NotYours;
            };
            self.world.say(format_args!(
                "{} records {} {}",
                self.life.slot, step.order, step.step
            ));
            row.updated_ms = step.updated_ms;
            row.unsettled = step.unsettled;
            row.step = step.step;
            Recorded::Done
        }))
    }

    fn attempts(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let rows = disk.checkouts.range((order, 0)..=(order, u32::MAX));
            rows.map(|(_, row)| row.clone()).collect()
        }))
    }

    fn orders_ending(&self, end: [u8; 6]) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let orders = disk.checkouts.keys().map(|(order, _)| *order);
            orders
                .filter(|order| order.as_bytes().ends_with(&end))
                .collect()
        }))
    }

    fn by_commands(
        &self,
        commands: Vec<CommandId>,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let rows = disk.checkouts.values();
            rows.filter(|row| commands.contains(&row.command))
                .cloned()
                .collect()
        }))
    }

    fn by_fan(&self, fan: FanId) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let rows = disk.checkouts.values().rev();
            let mut seen = BTreeSet::new();
            rows.filter(|row| row.fan == fan && seen.insert(row.order))
                .take(ORDERS_LISTED as usize)
                .cloned()
                .collect()
        }))
    }

    fn unsettled(&self) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(self.read(Disk::unsettled))
    }

    fn unsettled_of(
        &self,
        server: ServerId,
    ) -> BoxFuture<'_, Result<Vec<CheckoutRow>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let mut rows = disk.unsettled();
            rows.retain(|row| row.owner == server);
            rows
        }))
    }

    fn owners(&self) -> BoxFuture<'_, Result<Vec<Owner>, StoreError>> {
        Box::pin(self.read(|disk| {
            let owners: BTreeSet<_> = disk.unsettled().iter().map(|row| row.owner.0).collect();
            let owner = |server| Owner {
                server: ServerId(server),
                beat: disk.beats.get(&server).copied(),
            };
            owners.into_iter().map(owner).collect()
        }))
    }

    fn nudged(&self, server: ServerId) -> BoxFuture<'_, Result<Vec<OrderId>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let nudged = disk.nudged.iter();
            nudged
                .filter(|key| {
                    disk.checkouts
                        .get(key)
                        .is_some_and(|row| row.owner == server)
                })
                .map(|(order, _)| *order)
                .collect()
        }))
    }

    fn change_owners(&self, change: Change) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.write(None, move |disk| match change {
            Change::TakeOver {
                order,
                attempt,
                step,
                updated_ms,
                unless,
                from,
                to,
            } => {
                let last = disk.beats.get(&from.0).copied();
                let may_be_taken = match unless {
                    Unless::Beat(beat) => beat == last,
                    Unless::Never => true,
                };
                let row = disk.checkouts.get_mut(&(order, attempt));
                let as_seen = row.filter(|row| {
                    may_be_taken
                        && row.owner == from
                        && row.step == step
                        && row.updated_ms == updated_ms
                });
                let Some(row) = as_seen else { return 0 };
                row.owner = to;
                self.world.count(|counts| counts.taken_over += 1);
                self.world
                    .say(format_args!("{} takes {order} over", self.life.slot));
                1
            }
            Change::Beat(server) => {
                *disk.beats.entry(server.0).or_insert(0) += 1;
                1
            }
            Change::Leave(server) => u64::from(disk.beats.remove(&server.0).is_some()),
            Change::Nudge(order) => {
                let keys: Vec<_> = disk
                    .checkouts
                    .range((order, 0)..=(order, u32::MAX))
                    .filter(|(_, row)| row.unsettled)
                    .map(|(key, _)| *key)
                    .collect();
                disk.nudged.extend(keys.iter().copied());
                keys.len() as u64
            }
            Change::Felt(server, order) => {
                let before = disk.nudged.len();
                let Disk {
                    nudged, checkouts, ..
                } = disk;
                nudged.retain(|key| {
                    key.0 != order || checkouts.get(key).is_none_or(|row| row.owner != server)
                });
                (before - nudged.len()) as u64
            }
        }))
    }

    fn live_tickets(&self, order: OrderId) -> BoxFuture<'_, Result<Vec<LiveTicket>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let tickets = disk.tickets.values();
            tickets
                .filter(|ticket| ticket.order == order)
                .cloned()
                .collect()
        }))
    }

    fn live_ticket(
        &self,
        ticket: TicketId,
    ) -> BoxFuture<'_, Result<Option<LiveTicket>, StoreError>> {
        Box::pin(self.read(move |disk| {
            let place = disk.places.get(&ticket)?;
            disk.tickets.get(place).cloned()
        }))
    }
}
