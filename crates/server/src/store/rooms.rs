//! The waiting rooms' side of the port: which rooms there are, what they protect, and what is kept
//! of them between two runs.
//!
//! Who waits and who is inside is the business of the rooms' own store (`onsale_queue::room`); what
//! settings and authorities mean is the business of [`rooms`](crate::rooms). Here they are text.

use super::error::StoreError;
use booking_core::PerformanceId;
use bytes::Bytes;
use futures_util::future::BoxFuture;

/// A room's id.
pub type RoomKey = [u8; 16];

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Its id.
    pub room: RoomKey,
    /// When it was made.
    pub made_ms: i64,
    /// What it was made with, JSON.
    pub settings: String,
    /// What may be bought by who waited, JSON.
    pub authority: String,
    /// Whether anybody may simulate a rush on it.
    pub demo: bool,
    /// Its state as last known, JSON.
    pub state: Option<String>,
    /// What it protects, by id.
    pub performances: Vec<PerformanceId>,
}

/// What servers that share a database must know alike of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub room: RoomKey,
    /// What may be bought by who waited, JSON.
    pub authority: String,
    /// What it protects, by id.
    pub performances: Vec<PerformanceId>,
    /// What may be bought by who came in on each code, by the code's id, JSON.
    pub codes: Vec<(String, String)>,
}

/// What became of a wish to protect a performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protected {
    /// It is protected by that room now (or was before).
    Done,
    /// Another room protects it. Nothing was written.
    By(RoomKey),
    /// There are as many as there may be. Nothing was written.
    Full,
}

/// A room that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedRoom {
    /// Its id.
    pub room: RoomKey,
    /// What it was called.
    pub name: String,
    /// When it was made.
    pub made_ms: i64,
    /// When it was removed.
    pub removed_ms: i64,
    /// By whom.
    pub removed_by: String,
}

/// One change to what is kept of rooms.
#[derive(Clone, Debug)]
pub enum Change {
    /// See [`RoomTable::add_room`].
    Add(RoomRow, usize),
    /// See [`RoomTable::remove_room`].
    Remove(RemovedRoom, String),
    /// See [`RoomTable::protect`].
    Protect(RoomKey, PerformanceId, usize),
    /// See [`RoomTable::unprotect`].
    Unprotect(RoomKey, PerformanceId),
    /// See [`RoomTable::set_authority`].
    Authority(RoomKey, String),
    /// See [`RoomTable::keep_state`].
    State(RoomKey, String, i64),
    /// See [`RoomTable::set_code_authority`].
    Code(RoomKey, String, Option<String>),
    /// See [`RoomTable::keep_memory`].
    Memory(Bytes, i64),
}

/// What a change has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It affected so many rows.
    Rows(u64),
    /// Another room protects the performance. Nothing was written.
    By(RoomKey),
    /// There are as many as there may be. Nothing was written.
    Full,
}

impl Done {
    fn has_changed(self) -> bool {
        matches!(self, Self::Rows(rows) if rows > 0)
    }
}

impl From<Done> for Protected {
    fn from(done: Done) -> Self {
        match done {
            Done::Rows(_) => Self::Done,
            Done::By(room) => Self::By(room),
            Done::Full => Self::Full,
        }
    }
}

/// What waiting rooms ask of a database: one way to change it, and questions. Each method is one
/// transaction.
pub trait RoomTable: Send + Sync + 'static {
    /// Makes one change, all of it or nothing.
    fn change_rooms(&self, change: Change) -> BoxFuture<'_, Result<Done, StoreError>>;

    /// Writes a new room with what it protects, all of it or nothing; `Full` where there are `most`
    /// rooms.
    fn add_room(&self, row: RoomRow, most: usize) -> BoxFuture<'_, Result<Protected, StoreError>> {
        let change = Change::Add(row, most);
        Box::pin(async move { Ok(self.change_rooms(change).await?.into()) })
    }
    /// Every room, in the order in which they were made.
    fn rooms(&self) -> BoxFuture<'_, Result<Vec<RoomRow>, StoreError>>;
    /// The same in short, for servers that look four times a second what others have changed.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Listed>, StoreError>> {
        Box::pin(async move {
            let mut list = Vec::new();
            for row in self.rooms().await? {
                let codes = self.code_authorities(row.room).await?;
                list.push(Listed {
                    room: row.room,
                    authority: row.authority,
                    performances: row.performances,
                    codes,
                });
            }
            Ok(list)
        })
    }
    /// Forgets a room and all that belongs to it but its log (JSON), which is kept from then on.
    /// `false`: there was none, and nothing was kept.
    fn remove_room(
        &self,
        removed: RemovedRoom,
        log: String,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let change = Change::Remove(removed, log);
        Box::pin(async move { Ok(self.change_rooms(change).await?.has_changed()) })
    }
    /// The rooms that were removed last, last first, at most `limit`.
    fn removed_rooms(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RemovedRoom>, StoreError>>;
    /// The log of a room that was removed, JSON.
    fn removed_log(&self, room: RoomKey) -> BoxFuture<'_, Result<Option<String>, StoreError>>;
    /// Puts a performance behind a room; `Full` where `most` are behind it.
    fn protect(
        &self,
        room: RoomKey,
        performance: PerformanceId,
        most: usize,
    ) -> BoxFuture<'_, Result<Protected, StoreError>> {
        let change = Change::Protect(room, performance, most);
        Box::pin(async move { Ok(self.change_rooms(change).await?.into()) })
    }
    /// Takes it away from there. `false`: it was not.
    fn unprotect(
        &self,
        room: RoomKey,
        performance: PerformanceId,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let change = Change::Unprotect(room, performance);
        Box::pin(async move { Ok(self.change_rooms(change).await?.has_changed()) })
    }
    /// Changes what may be bought by who waited.
    fn set_authority(
        &self,
        room: RoomKey,
        authority: String,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Authority(room, authority);
        Box::pin(async move { self.change_rooms(change).await.map(drop) })
    }
    /// Keeps a room's state as it is at `at_ms`.
    fn keep_state(
        &self,
        room: RoomKey,
        state: String,
        at_ms: i64,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::State(room, state, at_ms);
        Box::pin(async move { self.change_rooms(change).await.map(drop) })
    }
    /// Remembers what may be bought by who came in on a code; `None` forgets it.
    fn set_code_authority(
        &self,
        room: RoomKey,
        code: String,
        authority: Option<String>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Code(room, code, authority);
        Box::pin(async move { self.change_rooms(change).await.map(drop) })
    }
    /// What may be bought by who came in on each code of a room, by the code's id.
    fn code_authorities(
        &self,
        room: RoomKey,
    ) -> BoxFuture<'_, Result<Vec<(String, String)>, StoreError>>;
    /// Keeps the rooms that live in memory.
    fn keep_memory(&self, bytes: Bytes, at_ms: i64) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Memory(bytes, at_ms);
        Box::pin(async move { self.change_rooms(change).await.map(drop) })
    }
    /// What was kept last.
    fn memory(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;
}
