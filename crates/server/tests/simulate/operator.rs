//! Who runs the waiting room: opens it, turns rate and cap, pauses, holds a draw, closes, begins anew.

use crate::office::Office;
use crate::room::ROOM;
use onsale_queue::{Action, RoomState};
use std::sync::Arc;
use std::time::Duration;

/// What is set when nothing goes wrong any more, at least: everybody is to get in.
const LEAST_RATE: u32 = 600;
const LEAST_CAP: u32 = 3;

pub(crate) struct Operator {
    pub(crate) office: Arc<Office>,
}

impl Operator {
    fn roll(&self, most: u32) -> u32 {
        self.office.world.dice().u32(0..most)
    }

    /// Does something now and then until the sale closes; then opens the room for whoever waits.
    pub(crate) async fn work(self) {
        let world = Arc::clone(&self.office.world);
        self.open().await;
        while !world.is_closing() {
            let ms = u64::from(world.odds.operator_every_s) * 1_000;
            let ms = world.dice().u64(500..=ms * 2);
            tokio::time::sleep(Duration::from_millis(ms.min(20_000))).await;
            if !world.is_closing() {
                self.do_something().await;
            }
        }
        // What a server shows may be older than the last change: what the change comes to is not.
        let mut state = None;
        while !state.is_some_and(RoomState::calls) {
            self.open().await;
            state = self
                .set(|rate, cap| (rate.max(LEAST_RATE), cap.max(LEAST_CAP)))
                .await;
            self.waits().await;
        }
    }

    async fn waits(&self) {
        let ms = self.office.world.dice().u64(300..1_500);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn do_something(&self) {
        match self.roll(10) {
            0..6 => {
                let (rate, cap) = (self.roll(1_500), self.roll(10));
                let (rate, cap) = match self.roll(4) {
                    0 => (rate, 0),
                    1 => (0, cap),
                    _ => (rate, cap),
                };
                self.set(|_, _| (rate, cap)).await;
            }
            6 | 7 => {
                self.act(Action::Pause).await;
                self.waits().await;
                self.waits().await;
                self.open().await;
            }
            8 => {
                self.act(Action::Drain).await;
                self.waits().await;
                self.begin_anew().await;
            }
            _ => self.begin_anew().await,
        }
    }

    async fn begin_anew(&self) {
        self.act(Action::Close).await;
        self.waits().await;
        self.act(Action::Reset).await;
        if self.roll(2) == 0 {
            self.act(Action::Gather).await;
            self.waits().await;
            self.waits().await;
        }
        self.open().await;
    }

    /// Until it calls.
    async fn open(&self) {
        loop {
            let state = self
                .office
                .ask(|server| async move { Some(server.rooms?.row(ROOM)?.state) })
                .await
                .flatten();
            let next = match state {
                Some(RoomState::Open | RoomState::Draining) => return,
                Some(RoomState::Scheduled | RoomState::Drawing) => Some(Action::Open),
                Some(RoomState::Gathering) => Some(Action::Draw),
                Some(RoomState::Paused | RoomState::Halted) => Some(Action::Resume),
                Some(RoomState::Closed) => Some(Action::Reset),
                None => None,
            };
            if let Some(action) = next {
                self.act(action).await;
            }
            self.waits().await;
        }
    }

    async fn act(&self, action: Action) {
        let answer = self
            .office
            .ask(|server| async move {
                let rooms = server.rooms.clone()?;
                let acted = rooms.act(ROOM, action, None, "olga").await.ok()?;
                server.keep().await.then_some(acted)
            })
            .await;
        let done = u64::from(answer.flatten().is_some());
        self.office
            .world
            .count(|counts| counts.room_changes += done);
    }

    /// Sets another rate and cap, decided looking at what a server shows: the room's state after it.
    async fn set(&self, new: impl Fn(u32, u32) -> (u32, u32)) -> Option<RoomState> {
        let answer = self
            .office
            .ask(|server| async move {
                let rooms = server.rooms.clone()?;
                let row = rooms.row(ROOM)?;
                let mut settings = row.settings;
                let (rate, cap) = new(settings.rate_per_minute, settings.cap);
                (settings.rate_per_minute, settings.cap) = (rate, cap);
                let changed = rooms.change(ROOM, row.version, settings, "olga").await;
                server.keep().await.then_some(changed.ok()?)
            })
            .await;
        let state = answer.flatten().map(|public| public.state);
        let done = u64::from(state.is_some());
        self.office
            .world
            .count(|counts| counts.room_changes += done);
        state
    }
}
