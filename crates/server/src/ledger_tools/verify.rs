//! `onsale ledger verify`: the core's audit of each ledger, and what was derived from it.

use super::recorded::{MOST_AT_ONCE, Recorded};
use super::{PAGE, Progress, ToolError, current, load, orders_of};
use crate::lane::{Goods, PerformanceSource, ticket_rows};
use crate::store::rows::AcceptedCommand;
use crate::store::{Database, LedgerStore as _, Projection, SnapshotRow, StoreError};
use booking_core::audit::{Audit, AuditReport};
use booking_core::ledger::{Batch, Replay, Sealed};
use booking_core::{CommandId, Inventory, OrderId, PerformanceId, SaleTerms, TicketId};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most faults listed of what was derived from one ledger; the rest are counted.
const MAX_FAULTS: usize = 100;

/// What [`verify`] found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether no fault was found.
    pub sound: bool,
    /// Each performance that has a ledger.
    pub performances: Vec<PerformanceReport>,
}

/// What [`verify`] found of one performance.
#[derive(Clone, Debug, Serialize)]
pub struct PerformanceReport {
    /// Whose ledger.
    pub performance: PerformanceId,
    /// The audit of the ledger itself.
    pub ledger: AuditReport,
    /// Where command records, projections, the snapshot or the ledger's own columns tell another
    /// story than the ledger.
    pub faults: Vec<String>,
    /// Such faults beyond those listed.
    pub more_faults: u64,
}

impl PerformanceReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.ledger.is_sound() && self.faults.is_empty()
    }
}

/// Audits every ledger from its first batch, and checks that command records, projections and
/// snapshots tell the same story.
pub async fn verify(
    store: &Database,
    source: &dyn PerformanceSource,
    mut progress: impl FnMut(Progress),
) -> Result<Report, ToolError> {
    let mut report = Report {
        sound: true,
        performances: Vec::new(),
    };
    let mut recorded = Recorded::of(store, MOST_AT_ONCE).await?;
    for performance in store.performances().await? {
        let goods = load(source, performance).await?;
        let recorded = recorded.take(store, performance).await?;
        let mut check = Check::new(store, performance, &goods, recorded).await?;
        check.follow(store, &mut progress).await?;
        let (_, listed) = current(source, performance).await?;
        let one = check.finish(store, &listed).await?;
        report.sound &= one.is_sound();
        report.performances.push(one);
    }
    Ok(report)
}

/// The check of one performance under way.
struct Check {
    performance: PerformanceId,
    audit: Audit,
    /// Gone once the ledger cannot be followed; the audit goes on.
    replay: Option<Replay>,
    faults: Faults,
    /// Accepted commands on record that no batch has named yet.
    recorded: HashMap<CommandId, AcceptedCommand>,
    /// The snapshot until its position is reached.
    snapshot: Option<SnapshotRow>,
    orders: Vec<Projection>,
}

#[derive(Default)]
struct Faults {
    listed: Vec<String>,
    more: u64,
}

impl Faults {
    fn add(&mut self, fault: String) {
        if self.listed.len() < MAX_FAULTS {
            self.listed.push(fault);
        } else {
            self.more += 1;
        }
    }
}

impl Check {
    async fn new(
        store: &Database,
        performance: PerformanceId,
        (map, terms): &Goods,
        recorded: HashMap<CommandId, AcceptedCommand>,
    ) -> Result<Self, ToolError> {
        let mut faults = Faults::default();
        let snapshot = match store.snapshot(performance).await {
            Ok(snapshot) => snapshot,
            Err(StoreError::DamagedSnapshot(what)) => {
                faults.add(format!(
                    "the snapshot is damaged (a server ignores it): {what}"
                ));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let empty = Inventory::new(map.clone(), terms.clone());
        Ok(Self {
            performance,
            audit: Audit::new(performance, map.clone(), terms.clone()),
            replay: Some(Replay::new(performance, empty)),
            faults,
            recorded,
            snapshot,
            orders: Vec::new(),
        })
    }

    async fn follow(
        &mut self,
        store: &Database,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), ToolError> {
        let performance = self.performance;
        let of = store.head(performance).await?.map_or(0, |head| head.seq);
        let mut after = 0;
        while after < of {
            progress(Progress {
                performance,
                batches: after,
                of,
            });
            let rows = store.read_ledger(performance, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            for row in rows {
                let sealed = Sealed {
                    bytes: row.bytes.to_vec(),
                    hash: row.hash,
                };
                self.audit.feed(&sealed);
                let Some(replay) = &mut self.replay else {
                    continue;
                };
                match replay.follow(&sealed) {
                    Ok(batch) => {
                        if (batch.seq, batch.at_ms) != (row.seq, row.at_ms) {
                            self.faults.add(format!(
                                "the columns of batch {} differ from its bytes",
                                batch.seq
                            ));
                        }
                        self.compare(&batch);
                    }
                    Err(fault) => {
                        self.faults.add(format!(
                            "the ledger cannot be followed: {fault}; what was derived from later \
                             batches was not compared"
                        ));
                        self.replay = None;
                    }
                }
            }
        }
        progress(Progress {
            performance,
            batches: of,
            of,
        });
        Ok(())
    }

    /// Holds what was recorded of a batch against it.
    fn compare(&mut self, batch: &Batch) {
        for (entry, index) in batch.entries.iter().zip(0..) {
            match self.recorded.remove(&entry.command) {
                Some(found) if (found.seq, found.entry) == (batch.seq, index) => {}
                Some(found) => self.faults.add(format!(
                    "command {} is entry {index} of batch {}, its record says entry {} of batch {}",
                    entry.command, batch.seq, found.entry, found.seq
                )),
                // What the lane does by itself is named by the batch's position and not recorded.
                None if entry.command == CommandId::from_u128(u128::from(batch.seq)) => {}
                None => self.faults.add(format!(
                    "command {} of batch {} has no record: sent again, it would be done again",
                    entry.command, batch.seq
                )),
            }
        }
        self.orders.extend(orders_of(batch));
        if let Some(snapshot) = self.snapshot.take_if(|snapshot| snapshot.seq == batch.seq)
            && let Some(replay) = &self.replay
            && (snapshot.hash != replay.hash || snapshot.inventory != replay.inventory.encode())
        {
            self.faults.add(format!(
                "the snapshot at {} differs from the ledger",
                batch.seq
            ));
        }
    }

    async fn finish(
        mut self,
        store: &Database,
        listed: &Arc<SaleTerms>,
    ) -> Result<PerformanceReport, ToolError> {
        if let Some(replay) = self.replay.take() {
            if let Some(snapshot) = &self.snapshot {
                self.faults.add(format!(
                    "the snapshot is of batch {}, which the ledger does not have",
                    snapshot.seq
                ));
            }
            for orphan in self.recorded.values() {
                self.faults.add(format!(
                    "command {} is recorded as entry {} of batch {}, which is not its",
                    orphan.command, orphan.entry, orphan.seq
                ));
            }
            self.compare_tickets(store, &replay.inventory).await?;
            self.compare_orders(store).await?;
            if replay.inventory.terms() != listed {
                let fault = "the catalogue sells under other terms than the ledger says";
                self.faults.add(fault.to_owned());
            }
        }
        Ok(PerformanceReport {
            performance: self.performance,
            ledger: self.audit.finish(),
            faults: self.faults.listed,
            more_faults: self.faults.more,
        })
    }

    async fn compare_tickets(
        &mut self,
        store: &Database,
        inventory: &Inventory,
    ) -> Result<(), ToolError> {
        let mut rows = Vec::new();
        for order in inventory.orders() {
            ticket_rows(order, &mut rows);
        }
        let mut expected: BTreeMap<TicketId, Projection> = BTreeMap::new();
        for row in rows {
            if let Projection::TicketLive { ticket, .. } = row {
                expected.insert(ticket, row);
            }
        }
        for row in store.audit().projected_tickets(self.performance).await? {
            let Projection::TicketLive {
                ticket, place_key, ..
            } = &row
            else {
                continue;
            };
            match expected.remove(ticket) {
                Some(ticket) if ticket == row => {}
                Some(_) => {
                    self.faults.add(format!(
                        "the row of ticket {ticket} differs from the ledger"
                    ));
                }
                None => self.faults.add(format!(
                    "ticket {ticket} at place {place_key} is not live in the ledger"
                )),
            }
        }
        for ticket in expected.keys() {
            self.faults.add(format!(
                "ticket {ticket} is live in the ledger and has no row"
            ));
        }
        Ok(())
    }

    async fn compare_orders(&mut self, store: &Database) -> Result<(), ToolError> {
        let by_id = |row: Projection| match row {
            Projection::OrderConfirmed { order, .. } => Some((order, row)),
            Projection::TicketLive { .. }
            | Projection::TicketCancelled { .. }
            | Projection::TermsSet { .. } => None,
        };
        let mut expected: BTreeMap<OrderId, Projection> = std::mem::take(&mut self.orders)
            .into_iter()
            .filter_map(by_id)
            .collect();
        let rows = store.audit().projected_orders(self.performance).await?;
        for (order, row) in rows.into_iter().filter_map(by_id) {
            match expected.remove(&order) {
                Some(expected) if expected == row => {}
                Some(_) => {
                    self.faults
                        .add(format!("the row of order {order} differs from the ledger"));
                }
                None => self
                    .faults
                    .add(format!("order {order} is not in the ledger")),
            }
        }
        for order in expected.keys() {
            self.faults
                .add(format!("order {order} is in the ledger and has no row"));
        }
        Ok(())
    }
}
