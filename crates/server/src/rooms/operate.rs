//! What operators do to rooms, and what they see of them.
//!
//! Every change goes through the rooms' own compare-and-set, which logs it with who and when, and is
//! kept in the database before it is answered.

use super::purchase::Purchase;
use super::refusal::{
    Refusal, RoomsError, actions, change_refused, settings_malformed, store_refused,
};
use super::{Entry, Inner, WaitingRooms};
use crate::store::rooms::{Protected, RemovedRoom, RoomRow};
use booking_core::PerformanceId;
use onsale_queue::room::ChangeRefused;
use onsale_queue::room::port::{AUDIT_KEPT, Shopper};
use onsale_queue::wire::{AuditEntry, BypassCode, Deed, Figures, PublicRoom, RoomSettings};
use onsale_queue::{Action, Authority, RoomId, RoomState};
use serde_json::{Map, Value};
use std::sync::Arc;

/// How often a change without a version is tried again when others were faster.
const MOST_TRIES: usize = 5;

/// Most rooms of a shop: each is ticked four times a second.
pub const MOST_ROOMS: usize = 500;
/// Most performances behind one room: each is asked at each tick what is left of it.
pub const MOST_PERFORMANCES: usize = 500;
/// Most removed rooms that are listed.
pub const MOST_REMOVED: u32 = 200;

/// A room to make.
#[derive(Clone, Debug, Default)]
pub struct NewRoom {
    /// What it is set to.
    pub settings: RoomSettings,
    /// What it protects.
    pub performances: Vec<PerformanceId>,
    /// What may be bought by who waited.
    pub authority: Purchase,
    /// Whether anybody may simulate a rush on it.
    pub demo: bool,
}

/// A change of what a room is set to.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// Only if nobody changed it since.
    pub expected_version: Option<u64>,
    /// Settings that change.
    pub settings: Map<String, Value>,
    /// What may be bought from now on.
    pub authority: Option<Purchase>,
}

/// A room as operators see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Detail {
    /// Its id.
    pub id: RoomId,
    /// What it protects.
    pub performances: Arc<[PerformanceId]>,
    /// What may be bought by who waited.
    pub authority: Purchase,
    /// Whether anybody may simulate a rush on it.
    pub demo: bool,
    /// Grows with every change.
    pub version: u64,
    /// As set.
    pub settings: RoomSettings,
    /// Where in its life.
    pub state: RoomState,
    /// Since when.
    pub since_ms: i64,
    /// Whether the threshold opened it.
    pub auto: bool,
    /// What may be done now.
    pub actions: Vec<Action>,
    /// What everybody sees.
    pub public: Arc<PublicRoom>,
    /// This moment.
    pub figures: Figures,
}

/// A bypass code as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Code {
    /// The code.
    #[serde(flatten)]
    pub code: BypassCode,
    /// What may be bought by who came in on it.
    pub authority: Purchase,
}

fn count(performances: &[PerformanceId]) -> u32 {
    u32::try_from(performances.len()).unwrap_or(u32::MAX)
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, RoomsError> {
    serde_json::to_string(value).map_err(|error| RoomsError::Storage(error.to_string()))
}

fn check_authority(authority: &Purchase) -> Result<(), RoomsError> {
    match authority.fault() {
        None => Ok(()),
        Some((member, what)) => Err(RoomsError::Malformed {
            at: format!("authority.{member}"),
            what,
        }),
    }
}

/// `settings` with some members changed.
fn patched(
    settings: &RoomSettings,
    changes: &Map<String, Value>,
) -> Result<RoomSettings, RoomsError> {
    let mut whole =
        serde_json::to_value(settings).map_err(|error| RoomsError::Storage(error.to_string()))?;
    if let Value::Object(members) = &mut whole {
        for (member, value) in changes {
            members.insert(member.clone(), value.clone());
        }
    }
    serde_path_to_error::deserialize(whole).map_err(|error| {
        let at = match error.path().to_string() {
            path if path == "." => "settings".to_owned(),
            path => format!("settings.{path}"),
        };
        RoomsError::Malformed {
            at,
            what: error.into_inner().to_string(),
        }
    })
}

impl WaitingRooms {
    /// Makes a room.
    pub async fn make(&self, new: NewRoom, who: &str) -> Result<Detail, RoomsError> {
        let room = RoomId(crate::clock::random_bytes());
        self.make_as(room, new, who).await
    }

    /// Makes a room under a known id (the demo's).
    pub async fn make_as(
        &self,
        room: RoomId,
        new: NewRoom,
        who: &str,
    ) -> Result<Detail, RoomsError> {
        let faults = new.settings.faults();
        if !faults.is_empty() {
            return Err(settings_malformed(&faults, "settings."));
        }
        check_authority(&new.authority)?;
        if new.performances.len() > MOST_PERFORMANCES {
            return Err(RoomsError::Refused(room, Refusal::TooManyPerformances));
        }
        self.0.know(&new.performances).await?;
        let now_ms = self.0.clock.now_ms();
        let mut performances = new.performances;
        performances.sort_unstable();
        performances.dedup();
        let row = RoomRow {
            room: room.0,
            made_ms: now_ms,
            settings: text(&new.settings)?,
            authority: text(&new.authority)?,
            demo: new.demo,
            state: None,
            performances: performances.clone(),
        };
        let _list = self.0.change_list().await;
        // Where it lives first: what is in the list is taken up by every server.
        let opened = self.0.rooms.open(room, new.settings.clone(), None).await;
        opened.map_err(|error| store_refused(room, error))?;
        let no = match self.0.table.add_room(row, MOST_ROOMS).await {
            Ok(Protected::Done) => None,
            Ok(Protected::By(other)) => {
                let refusal = Refusal::PerformanceProtected;
                Some(RoomsError::Refused(RoomId(other), refusal))
            }
            Ok(Protected::Full) => Some(RoomsError::Refused(room, Refusal::TooManyRooms)),
            Err(error) => Some(error.into()),
        };
        if let Some(no) = no {
            let is_new = self.0.registry.entry(room).is_none();
            if is_new && let Err(error) = self.0.rooms.forget(room).await {
                tracing::warn!(%error, room = room.to_hex(), "a room that nobody has is left over");
            }
            return Err(no);
        }
        let entry = Entry::new(room, now_ms, new.demo, new.authority, Vec::new());
        entry.set_performances(performances);
        self.0.registry.add(entry);
        let made = AuditEntry {
            at_ms: now_ms,
            who: who.to_owned(),
            version: 1,
            deed: Deed::Made {
                settings: Box::new(new.settings),
            },
        };
        let logged = self.0.room_store.log(room, made).await;
        logged.map_err(|error| store_refused(room, error))?;
        self.after_change().await;
        self.detail(room)
    }

    /// Removes a room that is not on. Its log is kept.
    pub async fn remove(&self, room: RoomId, who: &str) -> Result<(), RoomsError> {
        let entry = self.entry(room)?;
        if self.0.rooms.is_on(room) {
            return Err(RoomsError::Refused(room, Refusal::RoomOn));
        }
        let _list = self.0.change_list().await;
        // The room's own last line: of two who remove it at once, the second finds it in the log.
        let noted = self.0.rooms.note(room, Deed::Removed, None, who).await;
        noted.map_err(|error| change_refused(room, error, ""))?;
        let most = u32::try_from(AUDIT_KEPT).unwrap_or(u32::MAX);
        let log = self.0.rooms.audit(room, most).await;
        let log = log.map_err(|error| store_refused(room, error))?;
        let name = self.0.rooms.row(room).map(|row| row.settings.name);
        let removed = RemovedRoom {
            room: room.0,
            name: name.unwrap_or_default(),
            made_ms: entry.made_ms,
            removed_ms: self.0.clock.now_ms(),
            removed_by: who.to_owned(),
        };
        // First here, then in the rooms' store: whoever finds the store without the room looks here.
        self.0.table.remove_room(removed, text(&log)?).await?;
        self.0.registry.remove(room);
        let forgotten = self.0.rooms.forget(room).await;
        forgotten.map_err(|error| store_refused(room, error))?;
        self.after_change().await;
        Ok(())
    }

    /// The rooms that were removed last, last first.
    pub async fn removed(&self) -> Result<Vec<RemovedRoom>, RoomsError> {
        Ok(self.0.table.removed_rooms(MOST_REMOVED).await?)
    }

    /// Every room.
    pub fn details(&self) -> Result<Vec<Detail>, RoomsError> {
        let entries = self.0.registry.entries();
        entries.iter().map(|entry| self.0.detail(entry)).collect()
    }

    /// A room as operators see it.
    pub fn detail(&self, room: RoomId) -> Result<Detail, RoomsError> {
        self.0.detail(&*self.entry(room)?)
    }

    /// An action of the room's life.
    pub async fn act(
        &self,
        room: RoomId,
        action: Action,
        expected_version: Option<u64>,
        who: &str,
    ) -> Result<Detail, RoomsError> {
        self.entry(room)?;
        let acted = self.0.rooms.act(room, action, expected_version, who).await;
        acted.map_err(|error| change_refused(room, error, ""))?;
        self.after_change().await;
        self.detail(room)
    }

    /// Changes settings, and what may be bought.
    pub async fn patch(&self, room: RoomId, patch: Patch, who: &str) -> Result<Detail, RoomsError> {
        let entry = self.entry(room)?;
        if let Some(authority) = &patch.authority {
            check_authority(authority)?;
        }
        if patch.settings.is_empty() && patch.authority.is_some() {
            // Nothing but what may be bought: no line that says that the settings were changed.
            return self
                .entitle(&entry, patch.authority, patch.expected_version, who)
                .await;
        }
        let mut tries = MOST_TRIES;
        loop {
            let row = self.0.room_store.read(room).await;
            let row = row.map_err(|error| store_refused(room, error))?;
            let settings = patched(&row.settings, &patch.settings)?;
            let version = patch.expected_version.unwrap_or(row.version);
            tries -= 1;
            match self.0.rooms.change(room, version, settings, who).await {
                Ok(_) => break,
                Err(ChangeRefused::Conflict { .. })
                    if patch.expected_version.is_none() && tries > 0 => {}
                Err(error) => return Err(change_refused(room, error, "settings.")),
            }
        }
        self.entitle(&entry, patch.authority, None, who).await
    }

    /// Changes what may be bought by who waited, where it is to be another.
    async fn entitle(
        &self,
        entry: &Entry,
        authority: Option<Purchase>,
        expected_version: Option<u64>,
        who: &str,
    ) -> Result<Detail, RoomsError> {
        let room = entry.room;
        let before = entry.authority();
        if let Some(authority) = authority.filter(|authority| *authority != *before) {
            let deed = Deed::Entitled {
                from: Box::new(Authority::from(&*before)),
                to: Box::new(Authority::from(&authority)),
            };
            // The version decides who was first; only then anything is written.
            let noted = self.0.rooms.note(room, deed, expected_version, who).await;
            noted.map_err(|error| change_refused(room, error, ""))?;
            let kept = text(&authority)?;
            let _list = self.0.change_list().await;
            self.0.table.set_authority(room.0, kept).await?;
            entry.set_authority(authority);
        } else if let Some(expected) = expected_version {
            let version = self.detail(room)?.version;
            if version != expected {
                let refusal = Refusal::Changed { expected, version };
                return Err(RoomsError::Refused(room, refusal));
            }
        }
        self.after_change().await;
        self.detail(room)
    }

    /// Puts a performance behind a room.
    pub async fn protect(
        &self,
        room: RoomId,
        performance: PerformanceId,
        who: &str,
    ) -> Result<Detail, RoomsError> {
        let entry = self.entry(room)?;
        let known = self.0.catalogue.performance(performance).await;
        if known
            .map_err(|error| RoomsError::Storage(error.to_string()))?
            .is_none()
        {
            return Err(RoomsError::NotFound);
        }
        let list = self.0.change_list().await;
        let protected = self.0.table.protect(room.0, performance, MOST_PERFORMANCES);
        let no = match protected.await? {
            Protected::Done => None,
            Protected::By(other) => Some((RoomId(other), Refusal::PerformanceProtected)),
            Protected::Full => Some((room, Refusal::TooManyPerformances)),
        };
        if let Some((room, refusal)) = no {
            return Err(RoomsError::Refused(room, refusal));
        }
        let mut performances = entry.performances().to_vec();
        if !performances.contains(&performance) {
            performances.push(performance);
            performances.sort_unstable();
            let deed = Deed::Protected {
                performance: performance.to_string(),
                protects: count(&performances),
            };
            self.0.registry.set_performances(&entry, performances);
            drop(list);
            self.note(room, deed, who).await?;
        }
        self.after_change().await;
        self.detail(room)
    }

    /// Takes a performance away from behind a room.
    pub async fn unprotect(
        &self,
        room: RoomId,
        performance: PerformanceId,
        who: &str,
    ) -> Result<Detail, RoomsError> {
        let entry = self.entry(room)?;
        let list = self.0.change_list().await;
        if !self.0.table.unprotect(room.0, performance).await? {
            return Err(RoomsError::NotFound);
        }
        let mut performances = entry.performances().to_vec();
        performances.retain(|one| *one != performance);
        let deed = Deed::Unprotected {
            performance: performance.to_string(),
            protects: count(&performances),
        };
        self.0.registry.set_performances(&entry, performances);
        drop(list);
        self.note(room, deed, who).await?;
        self.after_change().await;
        self.detail(room)
    }

    /// What a room protects is not among its settings; a change of it is a new version all the same.
    async fn note(&self, room: RoomId, deed: Deed, who: &str) -> Result<(), RoomsError> {
        let noted = self.0.rooms.note(room, deed, None, who).await;
        noted
            .map(drop)
            .map_err(|error| change_refused(room, error, ""))
    }

    /// Issues a bypass code; its text is shown this once.
    pub async fn issue_code(
        &self,
        room: RoomId,
        label: &str,
        limit: u32,
        expires_ms: Option<i64>,
        authority: Purchase,
        who: &str,
    ) -> Result<(String, Code), RoomsError> {
        let entry = self.entry(room)?;
        check_authority(&authority)?;
        let issued = self.0.rooms.issue_code(room, label, limit, expires_ms, who);
        let (shown, code) = issued
            .await
            .map_err(|error| change_refused(room, error, ""))?;
        if !authority.is_everything() {
            let kept = text(&authority)?;
            let id = code.id.clone();
            let _list = self.0.change_list().await;
            self.0
                .table
                .set_code_authority(room.0, id, Some(kept))
                .await?;
            entry.set_code_authority(&code.id, Some(authority.clone()));
        }
        self.after_change().await;
        Ok((shown, Code { code, authority }))
    }

    /// Withdraws a bypass code. Who came in on it stays.
    pub async fn withdraw_code(&self, room: RoomId, id: &str, who: &str) -> Result<(), RoomsError> {
        let entry = self.entry(room)?;
        let withdrawn = self.0.rooms.withdraw_code(room, id, who).await;
        if !withdrawn.map_err(|error| change_refused(room, error, ""))? {
            return Err(RoomsError::NotFound);
        }
        let id = id.to_owned();
        let list = self.0.change_list().await;
        entry.set_code_authority(&id, None);
        self.0.table.set_code_authority(room.0, id, None).await?;
        drop(list);
        self.after_change().await;
        Ok(())
    }

    /// All bypass codes.
    pub async fn codes(&self, room: RoomId) -> Result<Vec<Code>, RoomsError> {
        let entry = self.entry(room)?;
        let codes = self.0.rooms.codes(room).await;
        let codes = codes.map_err(|error| store_refused(room, error))?;
        let code = |code: BypassCode| Code {
            authority: (*entry.code_authority(&code.id)).clone(),
            code,
        };
        Ok(codes.into_iter().map(code).collect())
    }

    /// The newest lines of the log, newest first; also of a room that was removed.
    pub async fn log(&self, room: RoomId, limit: u32) -> Result<Vec<AuditEntry>, RoomsError> {
        if self.entry(room).is_err() {
            return self.removed_log(room, limit).await;
        }
        let log = self.0.rooms.audit(room, limit).await;
        log.map_err(|error| store_refused(room, error))
    }

    async fn removed_log(&self, room: RoomId, limit: u32) -> Result<Vec<AuditEntry>, RoomsError> {
        let log = self.0.table.removed_log(room.0).await?;
        let log = log.ok_or(RoomsError::NotFound)?;
        let mut log: Vec<AuditEntry> = serde_json::from_str(&log)
            .map_err(|error| RoomsError::Storage(format!("the log of a removed room: {error}")))?;
        log.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(log)
    }

    /// The newest points of the graphs, oldest first, and this moment's.
    pub async fn figures(
        &self,
        room: RoomId,
        limit: u32,
    ) -> Result<(Vec<Figures>, Figures), RoomsError> {
        let now = self.detail(room)?.figures;
        let points = self.0.rooms.figures(room, limit).await;
        Ok((points.map_err(|error| store_refused(room, error))?, now))
    }

    /// Who is inside, at most `limit` of them.
    pub async fn inside(&self, room: RoomId, limit: u32) -> Result<Vec<Shopper>, RoomsError> {
        self.entry(room)?;
        let inside = self.0.room_store.inside(room, limit).await;
        inside.map_err(|error| store_refused(room, error))
    }

    /// What has been changed takes effect here at once and outlives this process.
    async fn after_change(&self) {
        self.0.look_who_guards();
        self.0.kept.lock().await.forget();
        self.keep().await;
    }
}

impl Inner {
    fn detail(&self, entry: &Entry) -> Result<Detail, RoomsError> {
        let room = entry.room;
        let row = self.rooms.row(room).ok_or(RoomsError::NotFound)?;
        let public = self.rooms.public(room).ok_or(RoomsError::NotFound)?;
        let figures = self.rooms.figures_now(room).ok_or(RoomsError::NotFound)?;
        let latest = public.estimate(public.waiting.saturating_add(1));
        Ok(Detail {
            id: room,
            performances: entry.performances(),
            authority: (*entry.authority()).clone(),
            demo: entry.demo,
            version: row.version,
            state: row.state,
            since_ms: row.since_ms,
            auto: row.auto,
            actions: actions(row.state),
            settings: row.settings,
            figures: Figures {
                health_permille: entry.health_permille(),
                estimate_ms: latest.map(|range| range.latest_ms),
                ..figures
            },
            public,
        })
    }
}
