//! The store's port over the world's disk: what a database promises, and everything that may go wrong
//! between it and a server. Whatever a server asks after its death never happens.

use crate::world::{Disk, Planted, World};
use booking_core::{CommandId, FanId, OrderId, PerformanceId, TicketId};
use futures_util::future::BoxFuture;
use onsale_server::store::checkouts::{
    Begun, Change, CheckoutRow, CheckoutStore, LiveTicket, ORDERS_LISTED, Owner, Recorded,
    ServerId, StepRow, Unless,
};
use onsale_server::store::{
    Append, AppendError, CommandRecord, Head, LedgerRow, LedgerStore, News, Projection,
    SnapshotRow, StoreError, Turn,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::broadcast;

/// Between two looks at a ledger that somebody else may append to.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// One life of a server, as its store and its bank see it.
pub(crate) struct Life {
    pub(crate) slot: usize,
    alive: AtomicBool,
    /// Until when nothing gets through, ms of the world's clock.
    stalled_until_ms: AtomicU64,
    /// Writes take their place in the order in which they are asked for.
    order: tokio::sync::Mutex<()>,
    asked: AtomicU64,
    /// Writes that were asked for before that one was known to have failed have failed too.
    broken: AtomicU64,
}

impl Life {
    pub(crate) fn new(slot: usize) -> Arc<Self> {
        Arc::new(Self {
            slot,
            alive: AtomicBool::new(true),
            stalled_until_ms: AtomicU64::new(0),
            order: tokio::sync::Mutex::new(()),
            asked: AtomicU64::new(0),
            broken: AtomicU64::new(0),
        })
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    pub(crate) fn end(&self) {
        self.alive.store(false, Ordering::SeqCst);
    }

    pub(crate) fn stall(&self, until_ms: i64) {
        let until_ms = u64::try_from(until_ms).unwrap_or(0);
        self.stalled_until_ms.store(until_ms, Ordering::SeqCst);
    }

    /// Goes on when something gets through; after the end of this life never.
    pub(crate) async fn gate(&self, world: &World) {
        loop {
            if !self.is_alive() {
                return std::future::pending().await;
            }
            let until_ms = self.stalled_until_ms.load(Ordering::SeqCst);
            if world.clock.now_ms() >= i64::try_from(until_ms).unwrap_or(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A server's connection.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

fn not_written() -> StoreError {
    StoreError::Unavailable("simulated: nothing was written".to_owned())
}

fn not_known() -> StoreError {
    StoreError::Unavailable("simulated: whether it was written is not known".to_owned())
}

impl Connection {
    async fn passes(&self) {
        // No dice fall for the dead: what they still ask comes from threads of their own at times that
        // no seed decides.
        if !self.life.is_alive() {
            return std::future::pending().await;
        }
        self.world.takes_a_while().await;
        if self.world.happens(self.world.odds.stalled) {
            let ms = self.world.dice().i64(500..9_000);
            self.world.count(|counts| counts.stalls += 1);
            self.life.stall(self.world.clock.now_ms() + ms);
        }
        self.life.gate(&self.world).await;
    }

    async fn read<T>(&self, read: impl FnOnce(&Disk) -> T) -> Result<T, StoreError> {
        self.passes().await;
        if self.world.happens(self.world.odds.not_read) {
            return Err(StoreError::Unavailable("simulated: not read".to_owned()));
        }
        let found = read(&self.world.disk());
        self.passes().await;
        Ok(found)
    }

    /// Writes, all of it or nothing, in the order of asking; `of` a ledger when nobody else has the turn
    /// at it. An outer error says that it is not there,
    /// or that nobody knows.
    async fn write<T>(
        &self,
        of: Option<PerformanceId>,
        write: impl FnOnce(&mut Disk) -> T,
    ) -> Result<T, StoreError> {
        let asked = self.life.asked.fetch_add(1, Ordering::SeqCst);
        let turn = self.life.order.lock().await;
        self.passes().await;
        if let Some(performance) = of {
            self.may_append(performance).await;
        }
        self.life.gate(&self.world).await;
        let odds = &self.world.odds;
        if asked < self.life.broken.load(Ordering::SeqCst) || self.world.happens(odds.not_written) {
            let all = self.life.asked.load(Ordering::SeqCst);
            self.life.broken.store(all, Ordering::SeqCst);
            self.world.count(|counts| counts.writes_failed += 1);
            return Err(not_written());
        }
        let is_known = !self.world.happens(odds.written_and_not_known);
        let done = write(&mut self.world.disk());
        drop(turn);
        self.passes().await;
        if is_known {
            return Ok(done);
        }
        self.world.count(|counts| counts.writes_not_known += 1);
        Err(not_known())
    }

    /// Until nobody else has the turn at a ledger.
    async fn may_append(&self, performance: PerformanceId) {
        while self.world.disk().turns.contains_key(&performance) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn append_now(&self, disk: &mut Disk, append: Append) -> Result<(), AppendError> {
        let performance = append.performance;
        let planted = self.world.planted;
        if planted == Some(Planted::LostAppend) && self.world.dice().u32(0..40) == 0 {
            return Ok(());
        }
        let is_known =
            |command: &CommandRecord| disk.commands.contains_key(&(performance, command.command));
        if planted != Some(Planted::NoRecord) && append.commands.iter().any(is_known) {
            self.world.count(|counts| counts.recorded_before += 1);
            return Err(AppendError::CommandRecorded);
        }
        let (seq, hash) = disk.end(performance);
        let fits = match (&append.batch, append.decided_after) {
            (Some(batch), _) => batch.seq == seq + 1 && batch.prev_hash == hash,
            (None, Some(after)) => after == seq,
            (None, None) => true,
        };
        if !fits {
            self.world.count(|counts| counts.conflicts += 1);
            if planted != Some(Planted::NoConflict) {
                return Err(AppendError::Conflict);
            }
        }
        if planted != Some(Planted::NoConflict) {
            check_tickets(disk, &append)?;
        }
        for projection in &append.projections {
            project(disk, performance, projection);
        }
        for record in append.commands {
            disk.commands.insert((performance, record.command), record);
        }
        if let Some(batch) = append.batch {
            let ledger = disk.ledgers.entry(performance).or_default();
            ledger.retain(|row| row.seq < batch.seq);
            ledger.push(LedgerRow {
                seq: batch.seq,
                at_ms: batch.at_ms,
                bytes: batch.bytes,
                hash: batch.hash,
            });
            self.world.count(|counts| counts.appends += 1);
            self.world.say(format_args!(
                "{} appends {} to {}",
                self.life.slot,
                batch.seq,
                performance.uuid().as_u128()
            ));
            self.tell(performance, batch.seq);
        }
        Ok(())
    }

    /// Others hear of it, or of having missed something.
    fn tell(&self, performance: PerformanceId, seq: u64) {
        let news = if self.world.happens(self.world.odds.news_lost) {
            News::Missed
        } else {
            News::Moved { performance, seq }
        };
        // Nobody may listen.
        let _ = self.world.news.send(news);
    }
}

/// First goes what went, then comes what came: only the net counts.
fn check_tickets(disk: &Disk, append: &Append) -> Result<(), AppendError> {
    let performance = append.performance;
    let mut live: BTreeSet<i64> = BTreeSet::new();
    let mut gone: BTreeSet<i64> = BTreeSet::new();
    for projection in &append.projections {
        match projection {
            Projection::TicketLive { place_key, .. } => {
                let is_taken = disk.tickets.contains_key(&(performance, *place_key))
                    && !gone.contains(place_key);
                if is_taken || !live.insert(*place_key) {
                    return Err(AppendError::SeatSoldTwice);
                }
            }
            Projection::TicketCancelled { place_key, .. } => {
                live.remove(place_key);
                gone.insert(*place_key);
            }
            Projection::OrderConfirmed { .. } | Projection::TermsSet { .. } => {}
        }
    }
    Ok(())
}

fn project(disk: &mut Disk, performance: PerformanceId, projection: &Projection) {
    match projection {
        Projection::TicketLive {
            ticket,
            order,
            fan,
            place_key,
            area,
            price_type,
        } => {
            let live = LiveTicket {
                ticket: *ticket,
                order: *order,
                fan: *fan,
                performance,
                place_key: *place_key,
                area: *area,
                price_type: *price_type,
            };
            disk.places.insert(*ticket, (performance, *place_key));
            disk.tickets.insert((performance, *place_key), live);
        }
        Projection::TicketCancelled { ticket, place_key } => {
            disk.places.remove(ticket);
            disk.tickets.remove(&(performance, *place_key));
        }
        Projection::OrderConfirmed { .. } | Projection::TermsSet { .. } => {}
    }
}

/// The right to be next.
struct MyTurn {
    connection: Connection,
    performance: PerformanceId,
    number: u64,
}

impl MyTurn {
    fn is_mine(&self) -> bool {
        let disk = self.connection.world.disk();
        disk.turns.get(&self.performance) == Some(&self.number)
    }
}

impl Turn for MyTurn {
    fn append(self: Box<Self>, append: Append) -> BoxFuture<'static, Result<(), AppendError>> {
        Box::pin(async move {
            let connection = &self.connection;
            connection.passes().await;
            let world = &connection.world;
            if !self.is_mine() {
                return Err(AppendError::Conflict);
            }
            if world.happens(world.odds.not_written) {
                return Err(not_written().into());
            }
            let is_known = !world.happens(world.odds.written_and_not_known);
            let done = connection.append_now(&mut world.disk(), append);
            connection.passes().await;
            if is_known {
                return done;
            }
            Err(not_known().into())
        })
    }
}

impl Drop for MyTurn {
    fn drop(&mut self) {
        if self.is_mine() {
            self.connection.world.disk().turns.remove(&self.performance);
        }
    }
}

impl LedgerStore for Connection {
    async fn append(&self, append: Append) -> Result<(), AppendError> {
        let performance = append.performance;
        self.write(Some(performance), |disk| self.append_now(disk, append))
            .await?
    }

    async fn turn(&self, performance: PerformanceId) -> Result<Box<dyn Turn>, StoreError> {
        // What was asked before is durable when it begins.
        drop(self.life.order.lock().await);
        self.passes().await;
        self.may_append(performance).await;
        self.life.gate(&self.world).await;
        let number = self.world.next_turn();
        self.world.disk().turns.insert(performance, number);
        let turn = MyTurn {
            connection: self.clone(),
            performance,
            number,
        };
        // Whoever is silent for too long has lost it; who is dead, at once.
        let (life, world) = (Arc::clone(&self.life), Arc::clone(&self.world));
        let is_lost_early = world.happens(world.odds.turn_lost);
        tokio::spawn(async move {
            for _ in 0..300 {
                tokio::time::sleep(Duration::from_millis(10)).await;
                if is_lost_early || !life.is_alive() {
                    break;
                }
            }
            let mut disk = world.disk();
            if disk.turns.get(&performance) == Some(&number) {
                disk.turns.remove(&performance);
            }
        });
        Ok(Box::new(turn))
    }

    fn news(&self) -> Option<broadcast::Receiver<News>> {
        Some(self.world.news.subscribe())
    }

    async fn read_ledger(
        &self,
        performance: PerformanceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.read(|disk| {
            let rows = disk.ledgers.get(&performance).into_iter().flatten();
            rows.filter(|row| row.seq > after)
                .take(limit as usize)
                .cloned()
                .collect()
        })
        .await
    }

    async fn head(&self, performance: PerformanceId) -> Result<Option<Head>, StoreError> {
        self.read(|disk| disk.head(performance)).await
    }

    async fn performances(&self) -> Result<Vec<PerformanceId>, StoreError> {
        self.read(|disk| disk.ledgers.keys().copied().collect())
            .await
    }

    async fn commands(
        &self,
        performance: PerformanceId,
        ids: Vec<CommandId>,
    ) -> Result<Vec<CommandRecord>, StoreError> {
        let found = self
            .read(|disk| {
                ids.iter()
                    .filter_map(|id| disk.commands.get(&(performance, *id)).cloned())
                    .collect()
            })
            .await?;
        if self.world.planted == Some(Planted::NoRecord) {
            return Ok(Vec::new());
        }
        Ok(found)
    }

    async fn snapshot(&self, _: PerformanceId) -> Result<Option<SnapshotRow>, StoreError> {
        self.read(|_| None).await
    }

    async fn save_snapshot(&self, _: PerformanceId, _: SnapshotRow) -> Result<(), StoreError> {
        self.passes().await;
        Ok(())
    }
}

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
