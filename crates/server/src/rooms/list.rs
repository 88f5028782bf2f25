//! Rooms that other servers make, change and remove.
//!
//! Which rooms there are and what they protect is in the database, which servers that share rooms
//! share as well, for they sell the same seats. Each of them looks there four times a second: no
//! message can be lost, and whatever changes the tables is seen. Where the rooms live in this
//! process's memory there is no other server, and nobody looks.
//!
//! **Invariant.** What was read is applied under the same lock under which this server changes the
//! list, so nothing that is older than a change made here undoes it.

use super::registry::Entry;
use super::{Inner, RoomsStartError, WaitingRooms, read_codes, read_json};
use crate::store::rooms::Listed;
use onsale_queue::RoomId;
use onsale_queue::room::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::MutexGuard;

/// How often a server looks what others have changed.
const LOOK: Duration = Duration::from_millis(250);

/// The list as it was when it was last applied whole.
#[derive(Default)]
pub(crate) struct Seen(Option<Vec<Listed>>);

impl Inner {
    /// Before this server changes the list: until the guard is dropped nobody looks, and the next look
    /// is a whole one. (What was changed here and changed back elsewhere would seem to be as before.)
    pub(super) async fn change_list(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.list.lock().await;
        seen.0 = None;
        seen
    }
}

impl WaitingRooms {
    /// Looks until the server stops.
    pub(super) fn follow_list(&self) {
        let this = self.clone();
        let mut stopped = self.stopped();
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(LOOK);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                tokio::select! {
                    _ = interval.tick() => {}
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                }
                let looked = this.look_at_list().await;
                // Said once for each time that it begins.
                if let Err(error) = &looked
                    && !failing
                {
                    tracing::error!(%error, "what other servers changed of the waiting rooms is not known");
                }
                failing = looked.is_err();
            }
        });
    }

    /// Takes up what other servers have changed since this was asked last.
    pub async fn look_at_list(&self) -> Result<(), RoomsStartError> {
        let mut seen = self.0.list.lock().await;
        let list = self.0.table.list().await?;
        if seen.0.as_ref() == Some(&list) {
            return Ok(());
        }
        // Whatever of it goes wrong is tried again at the next look.
        seen.0 = None;
        let mut fault = Ok(());
        for listed in &list {
            let room = RoomId(listed.room);
            let applied = match self.0.registry.entry(room) {
                Some(entry) => self.apply(&entry, listed),
                None => self.take_up_listed(listed).await,
            };
            // One room that is damaged or cannot be reached holds no other back.
            fault = fault.and(applied);
        }
        let gone = |entry: &Arc<Entry>| !list.iter().any(|listed| listed.room == entry.room.0);
        for entry in self.0.registry.entries().into_iter().filter(gone) {
            fault = fault.and(self.let_go(entry.room).await);
        }
        self.0.look_who_guards();
        fault?;
        seen.0 = Some(list);
        Ok(())
    }

    fn apply(&self, entry: &Entry, listed: &Listed) -> Result<(), RoomsStartError> {
        if *entry.performances() != *listed.performances {
            let performances = listed.performances.clone();
            self.0.registry.set_performances(entry, performances);
        }
        entry.set_authority(read_json(entry.room, &listed.authority)?);
        entry.set_codes(read_codes(entry.room, &listed.codes)?);
        Ok(())
    }

    async fn take_up_listed(&self, listed: &Listed) -> Result<(), RoomsStartError> {
        let rows = self.0.table.rooms().await?;
        let Some(row) = rows.into_iter().find(|row| row.room == listed.room) else {
            return Ok(()); // removed meanwhile
        };
        self.take_up(row).await?;
        let room = RoomId(listed.room);
        tracing::info!(room = room.to_hex(), "another server has made a room");
        Ok(())
    }

    /// Every server that has a room lets go of it in the rooms' store as well: one that did not know
    /// yet may have made it there again.
    async fn let_go(&self, room: RoomId) -> Result<(), RoomsStartError> {
        self.0.registry.remove(room);
        tracing::info!(room = room.to_hex(), "another server has removed a room");
        match self.0.rooms.forget(room).await {
            Ok(()) | Err(StoreError::NoSuchRoom) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
