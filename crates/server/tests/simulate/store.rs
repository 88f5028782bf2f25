//! The ledger's side of the store's port over the world's disk: what a database promises, and everything
//! that may go wrong between it and a server. Whatever a server asks after its death never happens.

use crate::world::{Disk, Planted, World};
use booking_core::{CommandId, PerformanceId};
use futures_util::future::BoxFuture;
use onsale_server::store::checkouts::LiveTicket;
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

    pub(crate) async fn read<T>(&self, read: impl FnOnce(&Disk) -> T) -> Result<T, StoreError> {
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
    pub(crate) async fn write<T>(
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
                world.count(|counts| counts.writes_failed += 1);
                return Err(not_written().into());
            }
            let is_known = !world.happens(world.odds.written_and_not_known);
            let done = connection.append_now(&mut world.disk(), append);
            connection.passes().await;
            if is_known {
                return done;
            }
            world.count(|counts| counts.writes_not_known += 1);
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
