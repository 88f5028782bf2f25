//! One room's memory as plain data: the rules that every adapter follows, step by step.
//!
//! The scripts in `lua/` do the same in Redis; the contract suite holds the two together.

mod bits;
mod turns;
mod unused;

use self::bits::Bits;
use self::unused::Unused;
use super::pairs;
use crate::number::{Epoch, EpochProgress, Place, QueueNumber, ServingPosition};
use crate::room::port::{
    AUDIT_KEPT, Change, Claim, Leaving, MOST_EPOCHS, MOST_FREED, Right, RoomRow, Seed, Seen,
    Shopper, Slot, next_epoch,
};
use crate::wire::{AuditEntry, BypassCode, ClaimRefused, Figures};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The room's clock runs only while it calls, and never further than this between two sweeps.
const LONGEST_STEP_MS: i64 = 5_000;
/// An admission that was given up is remembered for so long beyond its time: a clock that is set back
/// must not bring it to life.
const KEEP_OVER_MS: i64 = 3_600_000;
/// So many admissions that were given up are remembered one by one before any is looked at again.
const FEW_OVER: usize = 10_000;
const RETRY_FULL_MS: u32 = 2_000;
const RETRY_SOLD_OUT_MS: u32 = 5_000;
const RETRY_SETTLING_MS: u32 = 1_000;

/// Numbers called together.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Called {
    at_clock_ms: i64,
    epoch: Epoch,
    from: u64,
    to: u64,
    lapsed: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Inside {
    shopper: Shopper,
    /// Frees the slot: the end of the admission, or of patience with an idle shopper.
    deadline_ms: i64,
}

/// Whose shoppers have left, of an epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Left {
    numbers: Bits,
    /// The last of their admissions would have ended then.
    until_ms: i64,
}

/// One room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::room) struct Book {
    pub(in crate::room) row: RoomRow,
    /// Counts up while the room calls. Turns lapse by it: a pause, and a clock that jumps, take nobody's
    /// turn away.
    clock_ms: i64,
    swept_ms: i64,
    calls: VecDeque<Called>,
    /// Numbers that let somebody in, of turns that are not over.
    #[serde(with = "pairs")]
    used: BTreeMap<Epoch, BTreeSet<u64>>,
    #[serde(with = "pairs")]
    inside: BTreeMap<Slot, Inside>,
    #[serde(skip)]
    deadlines: BTreeSet<(i64, Slot)>,
    /// Numbers whose shopper has left, or bought. A place lets in once: who left has left it for good.
    #[serde(with = "pairs", default)]
    left: BTreeMap<Epoch, Left>,
    /// Other admissions that are over before their time, until that time: the few that were given up
    /// while somebody else, or nobody, had their slot, and those of bypass codes.
    #[serde(with = "pairs")]
    over: BTreeMap<[u8; 16], i64>,
    /// How many of these there may be before those past their time are taken out.
    #[serde(skip)]
    most_over: usize,
    #[serde(with = "pairs")]
    persons: BTreeMap<[u8; 16], Place>,
    #[serde(with = "pairs")]
    nonces: BTreeMap<[u8; 16], i64>,
    pub(in crate::room) codes: Vec<BypassCode>,
    audit: VecDeque<AuditEntry>,
    figures: VecDeque<Figures>,
    #[serde(skip)]
    unused: Unused,
    #[serde(skip)]
    holder: Option<([u8; 16], i64)>,
    /// When each server reported last.
    #[serde(skip)]
    servers: BTreeMap<[u8; 16], i64>,
    /// Servers are still saying whom they let in while the store was away: nobody is let in before.
    #[serde(skip)]
    hushed_until_ms: i64,
    fence: u64,
    turned_ms: i64,
    came: u32,
    missed: u32,
}

impl Book {
    /// A new room, or one that is rebuilt from what was last known of it.
    pub(in crate::room) fn from_seed(seed: &Seed, now_ms: i64) -> Self {
        let mut book = Self::empty(seed.row.clone(), now_ms);
        // Servers have given of them since.
        book.row.unused.clear();
        if book.current().next.0 > 0 {
            book.row.settle_until_ms = now_ms + i64::from(seed.settle_ms);
            // Called before, and nobody knows any more who came: nothing is expected of them, but
            // their turns stand.
            book.row.expected = 0;
            book.begin_anew(now_ms);
        }
        book.wake(now_ms);
        book.learn(seed, true, now_ms);
        book
    }

    fn empty(row: RoomRow, now_ms: i64) -> Self {
        Self {
            row,
            clock_ms: 0,
            swept_ms: now_ms,
            calls: VecDeque::new(),
            used: BTreeMap::new(),
            inside: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            left: BTreeMap::new(),
            over: BTreeMap::new(),
            most_over: 0,
            persons: BTreeMap::new(),
            nonces: BTreeMap::new(),
            codes: Vec::new(),
            audit: VecDeque::new(),
            figures: VecDeque::new(),
            unused: Unused::default(),
            holder: None,
            servers: BTreeMap::new(),
            hushed_until_ms: 0,
            fence: 0,
            turned_ms: now_ms,
            came: 0,
            missed: 0,
        }
    }

    /// After reading it back: the order of deadlines, and time that goes on from now.
    pub(in crate::room) fn wake(&mut self, now_ms: i64) {
        self.deadlines = self
            .inside
            .iter()
            .map(|(slot, inside)| (inside.deadline_ms, *slot))
            .collect();
        self.swept_ms = now_ms;
        self.turned_ms = now_ms;
    }

    /// Numbers are given in another epoch from now on: what is known may be older than the last one.
    pub(in crate::room) fn begin_anew(&mut self, now_ms: i64) {
        self.begin(next_epoch(now_ms, self.current().epoch));
    }

    pub(in crate::room) fn row(&self, now_ms: i64) -> RoomRow {
        let mut totals = self.row.totals;
        totals.joined = totals.joined.saturating_sub(self.unused.count());
        RoomRow {
            now_ms,
            active: u32::try_from(self.inside.len()).unwrap_or(u32::MAX),
            unused: self.unused.blocks(),
            totals,
            ..self.row.clone()
        }
    }

    fn current(&self) -> &EpochProgress {
        self.row.epochs.last().expect("a room has an epoch")
    }

    fn epoch_mut(&mut self, epoch: Epoch) -> Option<&mut EpochProgress> {
        self.row
            .epochs
            .iter_mut()
            .find(|known| known.epoch == epoch)
    }

    fn begin(&mut self, epoch: Epoch) {
        self.row.epochs.push(EpochProgress::new(epoch));
        self.drop_oldest();
    }

    /// Bounds the epochs: the oldest that nobody waits in goes first.
    fn drop_oldest(&mut self) {
        while self.row.epochs.len() > MOST_EPOCHS {
            let idle = self
                .row
                .epochs
                .iter()
                .position(|known| known.waiting() == 0);
            let gone = self.row.epochs.remove(idle.unwrap_or(0));
            self.used.remove(&gone.epoch);
        }
    }

    /// Merges what is known elsewhere: epochs, numbers and shoppers this room has not heard of.
    pub(in crate::room) fn learn(&mut self, seed: &Seed, made: bool, now_ms: i64) {
        for known in &seed.row.epochs {
            if *known == EpochProgress::new(known.epoch) {
                // Nobody ever joined in it: another server's first idea of the same new room.
                continue;
            }
            self.learn_epoch(known, now_ms);
        }
        for shopper in &seed.inside {
            // Told too late, they come back as somebody does who was idle: where there is room.
            let asked = made || seed.after_outage || self.is_settling(now_ms);
            let fits = asked || !self.is_full() || self.inside.contains_key(&shopper.slot);
            if now_ms < shopper.expires_ms && !self.has_left(shopper) && fits {
                self.put_inside(*shopper, now_ms);
            }
        }
        if seed.after_outage {
            self.hushed_until_ms = now_ms + i64::from(seed.settle_ms);
        }
    }

    /// Whether servers are still saying who is inside.
    fn is_settling(&self, now_ms: i64) -> bool {
        now_ms < self.row.settle_until_ms.max(self.hushed_until_ms)
    }

    fn learn_epoch(&mut self, known: &EpochProgress, now_ms: i64) {
        if known.epoch < self.row.floor {
            return;
        }
        if let Some(own) = self.epoch_mut(known.epoch) {
            own.merge(known);
            return;
        }
        let newest = self.current().epoch < known.epoch;
        let at = self
            .row
            .epochs
            .partition_point(|own| own.epoch < known.epoch);
        self.row.epochs.insert(at, *known);
        if newest {
            // Its numbers are somebody else's to give: ours begin after it.
            self.begin(next_epoch(now_ms, known.epoch));
        }
        self.drop_oldest();
    }

    pub(in crate::room) fn place_of_person(&mut self, person: [u8; 16], offered: Place) -> Place {
        *self.persons.entry(person).or_insert(offered)
    }

    pub(in crate::room) fn use_once(
        &mut self,
        nonce: [u8; 16],
        expires_ms: i64,
        now_ms: i64,
    ) -> bool {
        if self.nonces.len() > 100_000 {
            self.nonces.retain(|_, expires| *expires > now_ms);
        }
        self.nonces.insert(nonce, expires_ms).is_none()
    }

    pub(in crate::room) fn claim(
        &mut self,
        claim: &Claim,
        now_ms: i64,
    ) -> Result<Shopper, ClaimRefused> {
        self.free_due(now_ms);
        let slot = claim.slot();
        if let Some(inside) = self.inside.get(&slot) {
            // A reload, a second tab: the same admission again. Another session: not.
            return if inside.shopper.visitor == claim.visitor {
                Ok(inside.shopper)
            } else {
                Err(ClaimRefused::UsedElsewhere)
            };
        }
        self.may_enter(&claim.right, now_ms)?;
        if self.is_settling(now_ms) {
            return Err(ClaimRefused::Away {
                retry_ms: RETRY_SETTLING_MS,
            });
        }
        if self.row.places_left == Some(0) {
            return Err(ClaimRefused::SoldOut {
                retry_ms: RETRY_SOLD_OUT_MS,
            });
        }
        if self.is_full() {
            return Err(ClaimRefused::Full {
                retry_ms: RETRY_FULL_MS,
            });
        }
        self.use_up(&claim.right);
        let shopper = Shopper {
            slot,
            visitor: claim.visitor,
            nonce: claim.nonce,
            issued_ms: now_ms,
            expires_ms: now_ms + i64::from(self.row.settings.shop_ms),
        };
        self.put_inside(shopper, now_ms);
        self.row.totals.admitted += 1;
        Ok(shopper)
    }

    /// Somebody was let in before a crash, and this book is older than that.
    pub(in crate::room) fn came_before(
        &mut self,
        code: Option<String>,
        shopper: Shopper,
        now_ms: i64,
    ) {
        let known = self.inside.get(&shopper.slot);
        if known.is_some_and(|inside| inside.shopper.nonce == shopper.nonce) {
            return;
        }
        let place = shopper.slot.0;
        let right = code.map_or(Right::Turn(place), Right::Bypass);
        self.use_up(&right);
        if !shopper.slot.is_bypass() {
            // It had been called, and everybody before it: nobody is called twice for it.
            let next = place.number.0.saturating_add(1);
            let called = EpochProgress {
                next: QueueNumber(next),
                serving: ServingPosition(next),
                ..EpochProgress::new(place.epoch)
            };
            self.learn_epoch(&called, now_ms);
        }
        self.row.totals.admitted += 1;
        if now_ms < shopper.expires_ms {
            self.put_inside(shopper, now_ms);
        }
    }

    /// Whether the right is good now, whatever the shop looks like.
    fn may_enter(&self, right: &Right, now_ms: i64) -> Result<(), ClaimRefused> {
        let state = self.row.state;
        match right {
            Right::Bypass(id) => {
                let code = self.codes.iter().find(|code| code.id == *id);
                let good = code.is_some_and(|code| {
                    code.used < code.limit && code.expires_ms.is_none_or(|end| now_ms < end)
                });
                if !good {
                    return Err(ClaimRefused::NoSuchCode);
                }
                if state.guards() {
                    Ok(())
                } else {
                    Err(ClaimRefused::NotCalling { state })
                }
            }
            Right::Turn(place) => {
                let number = place.number.0;
                if place.epoch < self.row.floor {
                    return Err(ClaimRefused::TurnOver);
                }
                let mut epochs = self.row.epochs.iter();
                let known = epochs.find(|known| known.epoch == place.epoch);
                if known.is_some_and(|known| number < known.ended.0) {
                    return Err(ClaimRefused::TurnOver);
                }
                let used = self.used.get(&place.epoch);
                if used.is_some_and(|used| used.contains(&number)) {
                    return Err(ClaimRefused::Used);
                }
                if !state.calls() {
                    return Err(ClaimRefused::NotCalling { state });
                }
                if known.is_some_and(|known| number < known.serving.0) {
                    Ok(())
                } else {
                    Err(ClaimRefused::NotYourTurn)
                }
            }
        }
    }

    fn use_up(&mut self, right: &Right) {
        match right {
            Right::Bypass(id) => {
                if let Some(code) = self.codes.iter_mut().find(|code| code.id == *id) {
                    code.used += 1;
                }
                self.row.totals.bypassed += 1;
            }
            Right::Turn(place) => {
                let expected = self.epoch_mut(place.epoch).is_some_and(|known| {
                    known.lapsed <= place.number && place.number.0 < known.serving.0
                });
                if expected {
                    self.row.expected = self.row.expected.saturating_sub(1);
                    self.came += 1;
                }
                let used = self.used.entry(place.epoch).or_default();
                used.insert(place.number.0);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.inside.len() as u64 >= u64::from(self.row.settings.cap)
    }

    fn put_inside(&mut self, shopper: Shopper, now_ms: i64) {
        let deadline_ms = shopper
            .expires_ms
            .min(now_ms + i64::from(self.row.settings.idle_ms));
        let before = self.inside.insert(
            shopper.slot,
            Inside {
                shopper,
                deadline_ms,
            },
        );
        if let Some(before) = before {
            self.deadlines.remove(&(before.deadline_ms, shopper.slot));
        }
        self.deadlines.insert((deadline_ms, shopper.slot));
        let inside = self.inside.len() as u64;
        self.row.totals.most_inside = self.row.totals.most_inside.max(inside);
        if !shopper.slot.is_bypass() {
            let used = self.used.entry(shopper.slot.0.epoch).or_default();
            used.insert(shopper.slot.0.number.0);
        }
    }

    pub(in crate::room) fn check_in(&mut self, shopper: Shopper, now_ms: i64) -> Seen {
        self.free_due(now_ms);
        if now_ms >= shopper.expires_ms || self.has_left(&shopper) {
            return Seen::Over;
        }
        if let Some(inside) = self.inside.get(&shopper.slot) {
            if inside.shopper.visitor != shopper.visitor || inside.shopper.nonce != shopper.nonce {
                return Seen::Over;
            }
            let own = inside.shopper;
            self.put_inside(own, now_ms);
            return Seen::Inside {
                expires_ms: own.expires_ms,
            };
        }
        if self.is_full() || self.is_settling(now_ms) {
            return Seen::Full;
        }
        self.put_inside(shopper, now_ms);
        Seen::Inside {
            expires_ms: shopper.expires_ms,
        }
    }

    /// Whether an admission was given up.
    fn has_left(&self, shopper: &Shopper) -> bool {
        let Place { epoch, number } = shopper.slot.0;
        let left = self.left.get(&epoch);
        left.is_some_and(|left| left.numbers.has(number.0))
            || self
                .over
                .contains_key(&shopper.slot.admission_id(shopper.nonce))
    }

    pub(in crate::room) fn leave(&mut self, shopper: Shopper, how: Leaving, now_ms: i64) -> bool {
        let theirs = self
            .inside
            .get(&shopper.slot)
            .is_some_and(|inside| inside.shopper.nonce == shopper.nonce);
        if theirs && !shopper.slot.is_bypass() {
            let left = self.left.entry(shopper.slot.0.epoch).or_default();
            left.numbers.set(shopper.slot.0.number.0);
            left.until_ms = left.until_ms.max(shopper.expires_ms);
        } else if !self.has_left(&shopper) {
            // The slot is somebody else's, who stays; or nobody's; or a code's, which may let in again.
            let id = shopper.slot.admission_id(shopper.nonce);
            self.over.insert(id, shopper.expires_ms);
        }
        if theirs && let Some(inside) = self.inside.remove(&shopper.slot) {
            self.deadlines.remove(&(inside.deadline_ms, shopper.slot));
            match how {
                Leaving::Completed => self.row.totals.completed += 1,
                Leaving::Abandoned => self.row.totals.abandoned += 1,
            }
        }
        if self.over.len() > self.most_over.max(FEW_OVER) {
            self.over
                .retain(|_, expires_ms| *expires_ms > now_ms - KEEP_OVER_MS);
            // Not at each that is added to as many that stay.
            self.most_over = self.over.len() * 2;
        }
        theirs
    }

    pub(in crate::room) fn inside(&self, limit: u32) -> Vec<Shopper> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let slots = self.deadlines.iter().take(limit);
        slots
            .filter_map(|(_, slot)| self.inside.get(slot))
            .map(|inside| inside.shopper)
            .collect()
    }

    /// Frees the slots whose deadline has come, at most [`MOST_FREED`] of them.
    fn free_due(&mut self, now_ms: i64) {
        for _ in 0..MOST_FREED {
            let Some(&(deadline_ms, slot)) = self.deadlines.first() else {
                return;
            };
            if now_ms < deadline_ms {
                return;
            }
            self.deadlines.pop_first();
            self.inside.remove(&slot);
            self.row.totals.expired += 1;
        }
    }

    /// `false`: somebody else was first.
    pub(in crate::room) fn change(&mut self, change: Change, now_ms: i64) -> bool {
        if change.expected_version != self.row.version {
            return false;
        }
        if let Some(first) = change.restart {
            self.row.floor = first;
            self.row.epochs = alloc::vec![EpochProgress::new(first)];
            self.row.expected = 0;
            self.row.controller = None;
            self.forget_unused_numbers();
            self.calls.clear();
            self.used.clear();
            self.left
                .retain(|_, left| left.until_ms > now_ms - KEEP_OVER_MS);
            self.persons.clear();
        }
        for (epoch, count) in &change.drawn {
            if let Some(known) = self.epoch_mut(*epoch) {
                known.serving.0 = *count;
                known.lapsed.0 = *count;
                known.ended.0 = *count;
            }
        }
        self.row.epochs.extend(change.begin);
        self.drop_oldest();
        if change.state != self.row.state {
            self.row.since_ms = now_ms;
        }
        self.row.version += 1;
        self.row.settings = change.settings;
        self.row.state = change.state;
        self.row.auto = change.auto;
        self.row.draw = change.draw;
        self.log(change.entry, now_ms);
        true
    }

    pub(in crate::room) fn log(&mut self, entry: AuditEntry, now_ms: i64) {
        self.audit.push_back(AuditEntry {
            at_ms: now_ms,
            version: self.row.version,
            ..entry
        });
        if self.audit.len() > AUDIT_KEPT {
            self.audit.pop_front();
        }
    }

    pub(in crate::room) fn audit(&self, limit: u32) -> Vec<AuditEntry> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.audit.iter().rev().take(limit).cloned().collect()
    }

    pub(in crate::room) fn figures(&self, limit: u32) -> Vec<Figures> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let skip = self.figures.len().saturating_sub(limit);
        self.figures.iter().skip(skip).copied().collect()
    }
}
