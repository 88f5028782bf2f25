//! A lane's task: gather, expire, decide, append, apply, answer.
//!
//! When a batch is durable, the next one is decided, sealed and sent before those of the first are
//! answered: the disk does not wait for the answers. While a batch is on its way the state runs
//! ahead of the ledger, and nobody may look at it. When an append fails, it is thrown away and its
//! commands are decided anew. While another server appends to the same ledger, each batch waits for
//! a turn at it first and reads what was missed, so that every server makes progress.

use super::Goods;
use super::answer::{Answer, LaneError, failed, recorded_answer};
use super::live::Live;
use super::origin::Origin;
use super::recent::{Known, Recent};
use super::registry::{Moved, Ready, Running};
use super::state::{Position, State, follow, rebuild};
use super::under_way::{Failure, Open, UnderWay, Way};
use crate::store::{CommandRecord, Turn};
use booking_core::{Command, CommandId, Inventory};
use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// What comes in.
pub(super) enum Message {
    Command(Box<Sent>),
    Read(Read),
    /// After a look at what others have appended.
    ReadAnew(Read),
}

/// Looks at committed state, or is told why there is none.
pub(super) type Read = Box<dyn FnOnce(Result<(&Inventory, Position), LaneError>) + Send>;

/// A command and who waits for its answer.
pub(super) struct Sent {
    pub(super) id: CommandId,
    pub(super) content: [u8; 16],
    pub(super) command: Command,
    pub(super) origin: Origin,
    pub(super) reply: oneshot::Sender<Result<Answer, LaneError>>,
}

impl Message {
    fn refuse(self, error: LaneError) {
        match self {
            Self::Command(sent) => sent.refuse(error),
            Self::Read(read) | Self::ReadAnew(read) => read(Err(error)),
        }
    }
}

impl Sent {
    pub(super) fn refuse(self, error: LaneError) {
        self.origin.answered_alone(Err(&error));
        // Whoever asked may have gone.
        let _ = self.reply.send(Err(error));
    }
}

pub(super) async fn run(
    running: Running,
    mut waiting: mpsc::Receiver<Message>,
    moved: Arc<Moved>,
    ready: watch::Sender<Ready>,
) {
    match load(&running).await {
        Ok((goods, state)) => {
            let live =
                running
                    .registry
                    .live(running.performance, &state.inventory, state.position.seq);
            ready.send_replace(Ready::Live(live.clone()));
            let now_ms = running.registry.clock.now_ms();
            let recent = Recent::new(running.registry.settings.recent_commands, now_ms);
            let lane = Lane {
                running,
                goods,
                state: Some(state),
                under_way: None,
                is_contended: false,
                due: None,
                live,
                recent,
                unsaved: 0,
                waiting,
                moved,
            };
            lane.serve().await;
        }
        Err(error) => {
            ready.send_replace(Ready::Failed(error.clone()));
            // The next one who asks tries again.
            running.leave();
            waiting.close();
            while let Some(message) = waiting.recv().await {
                message.refuse(error.clone());
            }
        }
    }
}

async fn load(running: &Running) -> Result<(Goods, State), LaneError> {
    let Running {
        registry,
        performance,
        ..
    } = running;
    let goods = registry.source.load(*performance).await.map_err(|error| {
        tracing::error!(%performance, error, "a performance could not be loaded");
        LaneError::StorageFailed
    })?;
    let goods = goods.ok_or(LaneError::UnknownPerformance)?;
    let began = Instant::now();
    let state = rebuild(&registry.ledger, *performance, &goods).await?;
    metrics::histogram!("onsale_lane_load_seconds").record(began.elapsed().as_secs_f64());
    Ok((goods, state))
}

struct Lane {
    running: Running,
    goods: Goods,
    /// As committed, or ahead of that by the batch under way. `None` after a failure: rebuild
    /// before use.
    state: Option<State>,
    /// Being made durable.
    under_way: Option<UnderWay>,
    /// Another server appends to this ledger as well: take turns.
    is_contended: bool,
    /// Durable, and still to be answered.
    due: Option<UnderWay>,
    live: Arc<Live>,
    recent: Recent,
    /// Events since the last snapshot.
    unsaved: u64,
    waiting: mpsc::Receiver<Message>,
    /// How far other servers have taken the ledger.
    moved: Arc<Moved>,
}

/// What woke the lane.
enum Woken {
    Committed(Result<(), Failure>),
    Messages,
    Moved,
    Lapses,
    Idle,
    End,
}

impl Lane {
    async fn serve(mut self) {
        let mut messages = Vec::with_capacity(64);
        loop {
            match self.woken(&mut messages).await {
                Woken::Committed(result) => self.committed(result, &mut messages).await,
                Woken::Messages => self.take(&mut messages).await,
                Woken::Moved => self.look_at_what_others_did().await,
                Woken::Lapses => self.process(Vec::new()).await,
                Woken::Idle if self.live.is_watched() => {}
                Woken::Idle => {
                    self.running.leave();
                    self.waiting.close();
                }
                Woken::End => break,
            }
        }
        if self.unsaved > 0 {
            self.save_snapshot(true).await;
        }
    }

    async fn woken(&mut self, messages: &mut Vec<Message>) -> Woken {
        if let Some(under_way) = &mut self.under_way {
            return Woken::Committed(under_way.done().await);
        }
        let registry = &self.running.registry;
        let due_ms = self
            .state
            .as_ref()
            .and_then(|state| state.inventory.next_expiry_ms());
        let lapse = async {
            match due_ms {
                Some(due_ms) => registry.clock.sleep_until(due_ms).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            count = self.waiting.recv_many(messages, registry.settings.max_batch) => {
                if count == 0 { Woken::End } else { Woken::Messages }
            }
            () = self.moved.told() => Woken::Moved,
            () = lapse => Woken::Lapses,
            () = tokio::time::sleep(registry.settings.idle_after) => Woken::Idle,
        }
    }

    /// The batch under way is durable, or will never be.
    async fn committed(&mut self, result: Result<(), Failure>, messages: &mut Vec<Message>) {
        let Some(done) = self.under_way.take() else {
            return;
        };
        if let Err(failure) = result {
            self.state = None;
            return self.redo(done.into_commands(), failure).await;
        }
        self.settle(done).await;
        let settings = self.running.registry.settings;
        if !settings.answer_last {
            self.answer_due().await;
        }
        while messages.len() < settings.max_batch
            && let Ok(message) = self.waiting.try_recv()
        {
            messages.push(message);
        }
        if !messages.is_empty() {
            self.take(messages).await;
        }
        self.answer_due().await;
    }

    async fn take(&mut self, messages: &mut Vec<Message>) {
        metrics::histogram!("onsale_lane_depth")
            .record((messages.len() + self.waiting.len()) as f64);
        let mut batch = Vec::with_capacity(messages.len());
        for message in messages.drain(..) {
            match message {
                Message::Command(sent) => batch.push(*sent),
                Message::Read(read) => self.read(read).await,
                Message::ReadAnew(read) => match self.catch_up().await {
                    Ok(_) => self.read(read).await,
                    Err(error) => read(Err(error)),
                },
            }
        }
        if !batch.is_empty() {
            self.process(batch).await;
        }
    }

    async fn read(&mut self, read: Read) {
        debug_assert!(self.under_way.is_none(), "nobody sees what is not durable");
        match self.current().await {
            Ok(state) => read(Ok((&state.inventory, state.position))),
            Err(error) => read(Err(error)),
        }
    }

    /// The state, rebuilt where a failure has cost it.
    async fn current(&mut self) -> Result<&mut State, LaneError> {
        let state = match self.state.take() {
            Some(state) => state,
            None => {
                let Running {
                    registry,
                    performance,
                    ..
                } = &self.running;
                let state = rebuild(&registry.ledger, *performance, &self.goods).await?;
                self.live.replace(&state.inventory, state.position.seq);
                state
            }
        };
        Ok(self.state.insert(state))
    }

    /// Decides `batch` (which may be empty: only lapses) and sends it off.
    async fn process(&mut self, batch: Vec<Sent>) {
        let batch = match self.answer_recorded(batch, false).await {
            Ok(batch) => batch,
            Err((batch, error)) => return refuse_all(batch, &error),
        };
        let sent = if self.is_contended {
            self.commit_in_turn(batch).await
        } else {
            self.send_off(batch, None).await
        };
        if let Err((batch, failure)) = sent {
            self.redo(batch, failure).await;
        }
    }

    /// Decides all of `batch` and sends it to the store, in a turn where there is one. On failure
    /// it comes back.
    async fn send_off(
        &mut self,
        batch: Vec<Sent>,
        turn: Option<Box<dyn Turn>>,
    ) -> Result<(), (Vec<Sent>, Failure)> {
        debug_assert!(self.under_way.is_none());
        if let Err(error) = self.current().await {
            debug_assert_eq!(error, LaneError::StorageFailed);
            return Err((batch, Failure::Storage));
        }
        let Some(state) = &mut self.state else {
            return Err((batch, Failure::Storage));
        };
        let registry = &self.running.registry;
        let decided = Open::decide(
            self.running.performance,
            state,
            batch,
            registry.clock.now_ms(),
            registry.settings.max_lapses,
        );
        match decided {
            Ok(open) => {
                let way = match turn {
                    Some(turn) => Way::Turn(turn),
                    None => Way::Open(registry.ledger.clone()),
                };
                self.under_way = open.send_off(way, state).await;
                Ok(())
            }
            Err(failed) => {
                self.state = None;
                Err(failed)
            }
        }
    }

    /// A batch is durable: now it may be seen. It is answered when there is time for it.
    async fn settle(&mut self, mut done: UnderWay) {
        self.answer_due().await;
        if let Some(state) = &self.state {
            self.live.publish(
                &state.inventory,
                &mut done.sealed.touched,
                state.position.seq,
            );
        }
        self.running.registry.note_append();
        done.note(&mut self.recent);
        if let Some(command_us) = done.command_us() {
            self.running.note_command_us(command_us);
        }
        self.unsaved += done.sealed.events;
        self.due = Some(done);
        if self.unsaved >= self.running.registry.settings.snapshot_events {
            self.save_snapshot(false).await;
        }
    }

    /// Answers a batch that is durable.
    async fn answer_due(&mut self) {
        let Some(due) = self.due.take() else { return };
        let again = due.answer();
        if again.is_empty() {
            return;
        }
        match Box::pin(self.answer_recorded(again, true)).await {
            Ok(missing) => refuse_all(missing, &LaneError::StorageFailed),
            Err((again, error)) => refuse_all(again, &error),
        }
    }

    /// Decides and appends what failed, again and again while somebody else appends first, and
    /// answers.
    async fn redo(&mut self, mut batch: Vec<Sent>, mut failure: Failure) {
        for _ in 1..self.running.registry.settings.max_attempts {
            match failure {
                Failure::Conflict => {
                    metrics::counter!("onsale_lane_conflicts").increment(1);
                }
                Failure::OneIsBad(error) if batch.len() > 1 => {
                    // Only one of them is at fault; the others must not suffer.
                    tracing::error!(performance = %self.running.performance, %error, "redoing a batch one by one");
                    for sent in batch {
                        if let Err((batch, failure)) = self.commit(vec![sent]).await {
                            Box::pin(self.redo(batch, failure)).await;
                        }
                    }
                    return;
                }
                Failure::OneIsBad(error) => {
                    let performance = self.running.performance;
                    for sent in &batch {
                        sent.origin.run(|| {
                            tracing::error!(%performance, %error, "a command cannot be made durable");
                        });
                    }
                    return refuse_all(batch, &LaneError::StorageFailed);
                }
                Failure::Storage => return refuse_all(batch, &LaneError::StorageFailed),
            }
            (batch, failure) = match self.commit_in_turn(batch).await {
                Ok(()) => return,
                Err(failed) => failed,
            };
        }
        // Whoever is faster has kept being faster.
        let retry_after_ms = 200;
        refuse_all(batch, &LaneError::Busy { retry_after_ms });
    }

    /// One attempt from beginning to end: decide all, append, answer. On failure the state is gone
    /// and the batch comes back.
    async fn commit(&mut self, batch: Vec<Sent>) -> Result<(), (Vec<Sent>, Failure)> {
        let batch = match self.answer_recorded(batch, true).await {
            Ok(batch) => batch,
            Err((batch, _)) => return Err((batch, Failure::Storage)),
        };
        self.send_off(batch, None).await?;
        self.finish().await
    }

    /// The same with the ledger to itself.
    async fn commit_in_turn(&mut self, batch: Vec<Sent>) -> Result<(), (Vec<Sent>, Failure)> {
        metrics::counter!("onsale_lane_turns").increment(1);
        let Running {
            registry,
            performance,
            ..
        } = &self.running;
        let turn = match registry.ledger.turn(*performance).await {
            Ok(turn) => turn,
            Err(error) => {
                tracing::error!(%performance, %error, "no turn at a contended ledger");
                return Err((batch, Failure::Storage));
            }
        };
        // For as long as others write here, the next batch waits for its turn too.
        self.is_contended = match self.catch_up().await {
            Ok(has_moved) => has_moved,
            Err(_) => return Err((batch, Failure::Storage)),
        };
        let batch = match self.answer_recorded(batch, true).await {
            Ok(batch) => batch,
            Err((batch, _)) => return Err((batch, Failure::Storage)),
        };
        self.send_off(batch, Some(turn)).await?;
        self.finish().await
    }

    /// Reads what others have appended. Whether there was anything, or may have been.
    async fn catch_up(&mut self) -> Result<bool, LaneError> {
        let Some(state) = self.state.take() else {
            self.current().await?;
            return Ok(true);
        };
        let Running {
            registry,
            performance,
            ..
        } = &self.running;
        let before = state.position.seq;
        let state = follow(&registry.ledger, *performance, state).await?;
        let has_moved = state.position.seq > before;
        if has_moved {
            self.live.replace(&state.inventory, state.position.seq);
        }
        self.state = Some(state);
        Ok(has_moved)
    }

    /// So that everybody here sees what was sold elsewhere.
    async fn look_at_what_others_did(&mut self) {
        let moved = self.moved.take();
        let known = self.state.as_ref().map_or(0, |state| state.position.seq);
        if moved > known && self.catch_up().await.is_err() {
            // It has been logged, and the state is gone: whoever comes next has it read anew.
            metrics::counter!("onsale_lane_catch_ups_failed").increment(1);
        }
    }

    /// Waits for the batch under way and answers it. On failure the state is gone and the batch
    /// comes back.
    async fn finish(&mut self) -> Result<(), (Vec<Sent>, Failure)> {
        let Some(mut under_way) = self.under_way.take() else {
            return Ok(());
        };
        match under_way.done().await {
            Ok(()) => {
                self.settle(under_way).await;
                self.answer_due().await;
                Ok(())
            }
            Err(failure) => {
                self.state = None;
                Err((under_way.into_commands(), failure))
            }
        }
    }

    /// Answers those of `batch` that are recorded already; returns the others. A command that is
    /// in the batch twice is answered from the record after the first has been made durable.
    async fn answer_recorded(
        &mut self,
        batch: Vec<Sent>,
        look_up_all: bool,
    ) -> Result<Vec<Sent>, (Vec<Sent>, LaneError)> {
        let now_ms = self.running.registry.clock.now_ms();
        let unsure: Vec<CommandId> = batch
            .iter()
            .filter(|sent| look_up_all || self.recent.knows(sent.id, now_ms) != Known::New)
            .map(|sent| sent.id)
            .collect();
        if unsure.is_empty() {
            return Ok(batch);
        }
        // Those who are due need not wait for this.
        self.answer_due().await;
        let Running {
            registry,
            performance,
            ..
        } = &self.running;
        let records = match registry.ledger.commands(*performance, unsure).await {
            Ok(records) => records,
            Err(error) => return Err((batch, failed(*performance, &error))),
        };
        let mut records: HashMap<CommandId, CommandRecord> = records
            .into_iter()
            .map(|record| (record.command, record))
            .collect();
        let mut rest = Vec::with_capacity(batch.len());
        for sent in batch {
            match records.get(&sent.id).cloned() {
                Some(record) => self.answer_from(sent, record),
                None => rest.push(sent),
            }
        }
        records.clear();
        Ok(rest)
    }

    /// Answers from the record, beside the lane's own work.
    fn answer_from(&self, sent: Sent, record: CommandRecord) {
        let Ok(permit) = self.running.registry.lookups.clone().try_acquire_owned() else {
            return sent.refuse(LaneError::Busy {
                retry_after_ms: 500,
            });
        };
        let (ledger, performance) = (
            self.running.registry.ledger.clone(),
            self.running.performance,
        );
        let Sent {
            content,
            origin,
            reply,
            ..
        } = sent;
        tokio::spawn(async move {
            let answer = recorded_answer(&ledger, performance, content, record);
            let answer = origin.carried(answer).await;
            drop(permit);
            origin.answered_alone(answer.as_ref());
            let _ = reply.send(answer);
        });
    }

    /// Encodes and writes a snapshot beside the lane's own work, or waits for it.
    async fn save_snapshot(&mut self, wait: bool) {
        let Some(state) = &self.state else { return };
        self.unsaved = 0;
        let encode = state.to_snapshot();
        let (ledger, performance) = (
            self.running.registry.ledger.clone(),
            self.running.performance,
        );
        let saving = tokio::spawn(async move {
            let Ok(snapshot) = tokio::task::spawn_blocking(encode).await else {
                return;
            };
            if let Err(error) = ledger.save_snapshot(performance, snapshot).await {
                tracing::warn!(%performance, %error, "a snapshot could not be saved");
            }
        });
        if wait {
            let _ = saving.await;
        }
    }
}

fn refuse_all(batch: Vec<Sent>, error: &LaneError) {
    for sent in batch {
        sent.refuse(error.clone());
    }
}
