//! What operators do. Each change is compare-and-set on the room's version, and logged with who and
//! when.

use super::{Rooms, lead, lock};
use crate::life::{Action, NotAllowed, RoomState};
use crate::number::{EpochProgress, QueueNumber};
use crate::room::port::{
    Change, Changed, MOST_CODES, RoomDraw, RoomRow, Shopper, StoreError, next_epoch,
};
use crate::token::RoomId;
use crate::wire::{
    AuditEntry, BypassCode, Deed, Figures, PublicDraw, PublicRoom, RoomSettings, SettingsFault,
};
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use sha2::{Digest, Sha256};

/// How often an action without a version is tried again when others were faster.
const MOST_TRIES: usize = 5;
const MOST_LABEL_CHARS: usize = 120;
const CODE_BYTES: usize = 10;

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// The room's state does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The draw is not done yet; it takes two seconds.
    #[error("the draw is being made; try again in a moment")]
    StillDrawing,
    /// Somebody else changed the room meanwhile: look again.
    #[error("the room has been changed since version {expected}; it is now at {version}")]
    Conflict {
        /// What the change was made for.
        expected: u64,
        /// What it is now.
        version: u64,
    },
    /// The settings are not good.
    #[error("the settings are not good")]
    Faults(Vec<SettingsFault>),
    /// The gathering has begun: who gathers counts on what was announced.
    #[error("the draw cannot be added or taken away once visitors gather")]
    DrawAnnounced,
    /// Too many bypass codes.
    #[error("a room has at most {MOST_CODES} bypass codes")]
    TooManyCodes,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Rooms {
    /// An action of the room's life. With `expected_version` only if nobody changed the room since.
    pub async fn act(
        &self,
        room: RoomId,
        action: Action,
        expected_version: Option<u64>,
        who: &str,
    ) -> Result<Arc<PublicRoom>, ChangeRefused> {
        let mut row = self.store.read(room).await?;
        for _ in 0..MOST_TRIES {
            expect(expected_version, &row)?;
            let change = plan(&row, action, who, || self.new_draw())?;
            match self.store.change(room, change).await? {
                Changed::Done(row) => return self.show(room, *row),
                Changed::Conflict(newer) => row = *newer,
            }
        }
        Err(ChangeRefused::Conflict {
            expected: expected_version.unwrap_or(row.version),
            version: row.version,
        })
    }

    /// New settings, decided looking at `expected_version`.
    pub async fn change(
        &self,
        room: RoomId,
        expected_version: u64,
        settings: RoomSettings,
        who: &str,
    ) -> Result<Arc<PublicRoom>, ChangeRefused> {
        let faults = settings.faults();
        if !faults.is_empty() {
            return Err(ChangeRefused::Faults(faults));
        }
        let row = self.store.read(room).await?;
        expect(Some(expected_version), &row)?;
        let gathering = matches!(row.state, RoomState::Gathering | RoomState::Drawing);
        if gathering && settings.gathers_ms != row.settings.gathers_ms {
            return Err(ChangeRefused::DrawAnnounced);
        }
        let deed = Deed::Changed {
            from: Some(Box::new(row.settings.clone())),
            settings: Box::new(settings.clone()),
        };
        let change = Change {
            settings,
            ..unchanged(&row, who, deed)
        };
        match self.store.change(room, change).await? {
            Changed::Done(row) => self.show(room, *row),
            Changed::Conflict(row) => Err(ChangeRefused::Conflict {
                expected: expected_version,
                version: row.version,
            }),
        }
    }

    /// A change of something that belongs to the room and is kept elsewhere (what it protects, what may
    /// be bought): a new version and a line in the log. With `expected_version` only if nobody changed
    /// the room since.
    pub async fn note(
        &self,
        room: RoomId,
        deed: Deed,
        expected_version: Option<u64>,
        who: &str,
    ) -> Result<Arc<PublicRoom>, ChangeRefused> {
        let mut row = self.store.read(room).await?;
        for _ in 0..MOST_TRIES {
            expect(expected_version, &row)?;
            let change = unchanged(&row, who, deed.clone());
            match self.store.change(room, change).await? {
                Changed::Done(row) => return self.show(room, *row),
                Changed::Conflict(newer) => row = *newer,
            }
        }
        Err(ChangeRefused::Conflict {
            expected: expected_version.unwrap_or(row.version),
            version: row.version,
        })
    }

    fn show(&self, room: RoomId, row: RoomRow) -> Result<Arc<PublicRoom>, ChangeRefused> {
        let shelf = self.shelf(room)?;
        self.put_up(room, &shelf, row, None);
        self.public(room)
            .ok_or(ChangeRefused::Store(StoreError::NoSuchRoom))
    }

    /// Issues a bypass code: good `limit` times (one person each), until `expires_ms`. The code itself
    /// is shown once and kept nowhere.
    pub async fn issue_code(
        &self,
        room: RoomId,
        label: &str,
        limit: u32,
        expires_ms: Option<i64>,
        who: &str,
    ) -> Result<(String, BypassCode), ChangeRefused> {
        let fault = |field, problem: &str| {
            ChangeRefused::Faults(alloc::vec![SettingsFault {
                field,
                problem: problem.into(),
            }])
        };
        if limit == 0 {
            return Err(fault("limit", "a code must be good at least once"));
        }
        if label.chars().count() > MOST_LABEL_CHARS {
            return Err(fault("label", "longer than 120 characters"));
        }
        if self.store.codes(room).await?.len() >= MOST_CODES {
            return Err(ChangeRefused::TooManyCodes);
        }
        let mut bytes = [0; CODE_BYTES];
        self.world.fill(&mut bytes);
        let text = data_encoding::BASE32_NOPAD.encode(&bytes);
        let code = BypassCode {
            id: code_id(room, &text),
            label: label.into(),
            limit,
            used: 0,
            expires_ms,
        };
        self.store.put_code(room, code.clone()).await?;
        // The store keeps no more than it may: who raced for the last free line is told so.
        let kept = self.store.codes(room).await?;
        if !kept.iter().any(|known| known.id == code.id) {
            return Err(ChangeRefused::TooManyCodes);
        }
        let deed = Deed::Issued {
            label: label.into(),
            limit,
        };
        self.store.log(room, entry(who, deed)).await?;
        Ok((text, code))
    }

    /// Withdraws a code by its id. Who came in on it stays. `false`: there is no such code.
    pub async fn withdraw_code(
        &self,
        room: RoomId,
        id: &str,
        who: &str,
    ) -> Result<bool, ChangeRefused> {
        let codes = self.store.codes(room).await?;
        let Some(code) = codes.into_iter().find(|code| code.id == id) else {
            return Ok(false);
        };
        let label = code.label.clone();
        let withdrawn = BypassCode { limit: 0, ..code };
        self.store.put_code(room, withdrawn).await?;
        self.store
            .log(room, entry(who, Deed::Withdrew { label }))
            .await?;
        Ok(true)
    }

    /// All bypass codes.
    pub async fn codes(&self, room: RoomId) -> Result<Vec<BypassCode>, StoreError> {
        self.store.codes(room).await
    }

    /// Who is in the shop, at most `limit` of them.
    pub async fn inside(&self, room: RoomId, limit: u32) -> Result<Vec<Shopper>, StoreError> {
        self.store.inside(room, limit).await
    }

    /// The newest lines of the audit log, newest first.
    pub async fn audit(&self, room: RoomId, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.audit(room, limit).await
    }

    /// The newest points of the graphs, one in ten seconds, oldest first.
    pub async fn figures(&self, room: RoomId, limit: u32) -> Result<Vec<Figures>, StoreError> {
        self.store.figures(room, limit).await
    }

    /// This moment's point of the graphs. No round trip.
    #[must_use]
    pub fn figures_now(&self, room: RoomId) -> Option<Figures> {
        let shelf = self.shelf(room).ok()?;
        let row = lock(&shelf.row);
        Some(Figures {
            at_ms: row.now_ms,
            totals: row.totals,
            waiting: row.waiting(),
            active: row.active,
            expected: row.expected,
            rate_per_minute: row.settings.rate_per_minute,
            cap: row.settings.cap,
            health_permille: 1000,
            places_left: row.places_left,
            estimate_ms: None,
        })
    }
}

/// What names a code in the store: nobody who reads the store can use it.
#[must_use]
pub fn code_id(room: RoomId, code: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"onsale/bypass/1")
        .chain_update(room.0)
        .chain_update(code.trim().to_ascii_uppercase())
        .finalize();
    crate::text::to_hex(&digest[..16])
}

fn expect(expected: Option<u64>, row: &RoomRow) -> Result<(), ChangeRefused> {
    match expected {
        Some(expected) if expected != row.version => Err(ChangeRefused::Conflict {
            expected,
            version: row.version,
        }),
        Some(_) | None => Ok(()),
    }
}

fn entry(who: &str, deed: Deed) -> AuditEntry {
    // Time and version are the store's to set.
    AuditEntry {
        at_ms: 0,
        who: who.into(),
        version: 0,
        deed,
    }
}

fn unchanged(row: &RoomRow, who: &str, deed: Deed) -> Change {
    Change {
        expected_version: row.version,
        settings: row.settings.clone(),
        state: row.state,
        auto: row.auto,
        draw: row.draw.clone(),
        begin: Vec::new(),
        drawn: Vec::new(),
        restart: None,
        entry: entry(who, deed),
    }
}

/// The change that an action comes to.
pub(super) fn plan(
    row: &RoomRow,
    action: Action,
    who: &str,
    new_draw: impl FnOnce() -> RoomDraw,
) -> Result<Change, ChangeRefused> {
    let state = row.state.after(action)?;
    let revealed = row.draw.as_ref().is_some_and(|d| d.public.key.is_some());
    if row.state == RoomState::Drawing && action == Action::Open && !revealed {
        return Err(ChangeRefused::StillDrawing);
    }
    let deed = Deed::Acted {
        action,
        from: row.state,
        to: state,
    };
    let mut change = Change {
        state,
        auto: who == "threshold" && action == Action::Open,
        ..unchanged(row, who, deed)
    };
    if action == Action::Reset {
        restart(&mut change, row, new_draw());
    }
    Ok(change)
}

/// Another sale: numbers begin anew, and the old schedule must not open it at once.
fn restart(change: &mut Change, row: &RoomRow, draw: RoomDraw) {
    let last = row.epochs.last().map_or(row.floor, |last| last.epoch);
    change.restart = Some(next_epoch(row.now_ms, last));
    change.draw = Some(draw);
    change.settings.gathers_ms = None;
    change.settings.opens_ms = None;
    change.settings.drains_ms = None;
}

/// The end of the gathering: who takes part is fixed, the key is shown, and the drawn places become
/// an epoch before that of the newcomers.
pub(super) fn reveal(row: &RoomRow) -> Change {
    let parts: Vec<_> = lead::gathered(row)
        .map(|known| (known.epoch, known.next.0))
        .collect();
    let gathered = parts.iter().map(|(_, count)| count).sum();
    let last = row.epochs.last().map_or(row.floor, |last| last.epoch);
    let drawn = next_epoch(row.now_ms, last);
    let newcomers = next_epoch(row.now_ms, drawn);
    let deed = Deed::Acted {
        action: Action::Draw,
        from: RoomState::Drawing,
        to: RoomState::Drawing,
    };
    let mut change = unchanged(row, "room", deed);
    change.drawn.clone_from(&parts);
    change.begin = alloc::vec![
        EpochProgress {
            next: QueueNumber(gathered),
            ..EpochProgress::new(drawn)
        },
        EpochProgress::new(newcomers),
    ];
    change.draw = row.draw.clone().map(|draw| RoomDraw {
        public: PublicDraw {
            commitment: draw.public.commitment,
            parts,
            gathered,
            epoch: drawn,
            key: Some(draw.key),
        },
        ..draw
    });
    change
}

/// A room that the threshold opened, and that nobody needs any more.
pub(super) fn quieten(row: &RoomRow) -> Change {
    let deed = Deed::Acted {
        action: Action::Close,
        from: row.state,
        to: RoomState::Scheduled,
    };
    Change {
        state: RoomState::Scheduled,
        auto: false,
        ..unchanged(row, "threshold", deed)
    }
}
