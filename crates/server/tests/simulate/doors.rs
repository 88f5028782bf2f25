//! What must be so of the waiting room. It knows what visitors were told and when they asked, what caps
//! operators set, and when the store was given signs of life: nothing of how the room decides.
//!
//! Somebody counts as inside only while they surely are: from the instant their admission says, for as
//! long as they may be silent, and from each sign of life anew; no longer than their admission, and not
//! after they first asked to leave. So nothing here is a matter of opinion, and whoever comes in beyond
//! the cap is one too many.

use crate::office::BEHIND_MS;
use crate::room::{IDLE_MS, slot_of};
use onsale_queue::number::Epoch;
use onsale_queue::room::Admitted;
use onsale_queue::wire::PublicRoom;
use onsale_queue::{Place, VisitorId};
use std::collections::BTreeMap;

/// Somebody's stay in the shop.
struct Visit {
    visitor: VisitorId,
    issued_ms: i64,
    expires_ms: i64,
    /// When they first asked to leave.
    leave_asked_ms: Option<i64>,
    /// When they were told that they have left.
    left_ms: Option<i64>,
    /// Which lives of servers were asked for that, and answered.
    left_at: Vec<u64>,
    signs: Vec<i64>,
}

/// How far an epoch was called, by all documents of one instant: the least and the most.
#[derive(Clone, Copy)]
struct Serving {
    least: u64,
    most: u64,
}

/// Everything that was told.
#[derive(Default)]
pub(crate) struct Doors {
    /// The caps that operators set, and from when on.
    pub(crate) caps: Vec<(i64, u32)>,
    /// Signs of life that the store took, by the admission, and when.
    pub(crate) signs: Vec<([u8; 16], i64)>,
    places: BTreeMap<Place, VisitorId>,
    drawn: BTreeMap<Place, Place>,
    visits: BTreeMap<[u8; 16], Visit>,
    /// The last document of each life of a server, by epoch.
    shown: BTreeMap<(u64, Epoch), u64>,
    /// By epoch, and by the instant that the document was written at.
    documents: BTreeMap<Epoch, BTreeMap<i64, Serving>>,
    /// When a server took up the room again that had died with it, and of when what it knew was.
    reborn: Vec<(i64, i64)>,
    faults: Vec<String>,
}

impl Doors {
    pub(crate) fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    /// The room has died and lives again, as it was kept at that time.
    pub(crate) fn reborn(&mut self, at_ms: i64, kept_ms: i64, cap: u32) {
        self.reborn.push((at_ms, kept_ms));
        self.caps.push((at_ms, cap));
    }

    /// How often it has.
    pub(crate) fn lives(&self) -> usize {
        self.reborn.len()
    }

    /// Somebody was given a place.
    pub(crate) fn placed(&mut self, visitor: VisitorId, place: Place) {
        if let Some(before) = self.places.insert(place, visitor) {
            self.fault(format!(
                "{place:?} was given to {} and to {}",
                before.to_hex(),
                visitor.to_hex()
            ));
        }
    }

    /// Somebody saw which place they drew.
    pub(crate) fn drew(&mut self, gathered_as: Place, drawn: Place) {
        let before = self.drawn.insert(drawn, gathered_as);
        if before.is_some_and(|before| before != gathered_as) {
            self.fault(format!("{drawn:?} was given to two in the draw"));
        }
    }

    /// A server showed a document.
    pub(crate) fn shown(&mut self, life: u64, public: &PublicRoom) {
        for known in &public.epochs {
            let (epoch, serving) = (known.epoch, known.serving.0);
            let last = self.shown.entry((life, epoch)).or_default();
            let before = std::mem::replace(last, serving);
            if serving < before {
                self.fault(format!(
                    "a server showed that {before} were called of {epoch:?}, then {serving}"
                ));
            }
            // A server without its store writes by its own clock.
            if public.outage.is_none() {
                let of_epoch = self.documents.entry(epoch).or_default();
                let at = of_epoch.entry(public.now_ms).or_insert(Serving {
                    least: serving,
                    most: serving,
                });
                at.least = at.least.min(serving);
                at.most = at.most.max(serving);
            }
        }
    }

    /// Somebody was let in: whether for the first time.
    pub(crate) fn admitted(
        &mut self,
        visitor: VisitorId,
        place: Place,
        admitted: &Admitted,
    ) -> bool {
        let admission = &admitted.admission;
        if admission.visitor != visitor || slot_of(admission.id).0 != place {
            self.fault(format!("{} was let in as somebody else", visitor.to_hex()));
        }
        let visit = Visit {
            visitor,
            issued_ms: admission.issued_ms,
            expires_ms: admission.expires_ms,
            leave_asked_ms: None,
            left_ms: None,
            left_at: Vec::new(),
            signs: Vec::new(),
        };
        let is_new = !self.visits.contains_key(&admission.id);
        self.visits.entry(admission.id).or_insert(visit);
        is_new
    }

    /// A life of a server took an admission that it was asked about at that time.
    pub(crate) fn accepted(&mut self, id: [u8; 16], visitor: VisitorId, asked_ms: i64, life: u64) {
        let Some(visit) = self.visits.get(&id) else {
            return self.fault("an admission was accepted that nobody was given".to_owned());
        };
        let what = if visit.visitor != visitor {
            "for another visitor"
        } else if asked_ms > visit.expires_ms + BEHIND_MS {
            // A server whose clock is behind takes it for good as long as it cannot ask the store.
            "after its time"
        } else if visit.left_at.contains(&life) {
            "where its visitor had left"
        } else {
            return;
        };
        self.fault(format!("an admission was accepted {what}"));
    }

    pub(crate) fn asks_to_leave(&mut self, id: [u8; 16], now_ms: i64) {
        if let Some(visit) = self.visits.get_mut(&id) {
            visit.leave_asked_ms.get_or_insert(now_ms);
        }
    }

    /// They were told that they have left; or that the store will be told.
    pub(crate) fn left(&mut self, id: [u8; 16], now_ms: i64, life: u64, is_told: bool) {
        if let Some(visit) = self.visits.get_mut(&id) {
            visit.left_at.push(life);
            if is_told {
                visit.left_ms.get_or_insert(now_ms);
            }
        }
    }

    /// Everything that is not as it must be.
    pub(crate) fn faults(&mut self) -> Vec<String> {
        for (id, at_ms) in std::mem::take(&mut self.signs) {
            // Of whom nobody was told, nobody says anything.
            if let Some(visit) = self.visits.get_mut(&id) {
                visit.signs.push(at_ms);
            }
        }
        let mut faults = std::mem::take(&mut self.faults);
        self.check_order(&mut faults);
        self.check_turns(&mut faults);
        self.check_ends(&mut faults);
        self.check_cap(&mut faults);
        faults
    }

    /// What was written later never shows fewer called. A room that dies with its server forgets the
    /// calls of its last seconds.
    fn check_order(&self, faults: &mut Vec<String>) {
        for (epoch, documents) in &self.documents {
            let mut most = 0;
            let mut reborn = self.reborn.iter().peekable();
            for (at_ms, serving) in documents {
                while reborn
                    .next_if(|(reborn_ms, _)| reborn_ms <= at_ms)
                    .is_some()
                {
                    most = 0;
                }
                if serving.least < most {
                    faults.push(format!(
                        "the serving position of {epoch:?} went back at {at_ms}: {most}, then {}",
                        serving.least
                    ));
                    break;
                }
                most = most.max(serving.most);
            }
        }
    }

    /// A place lets in once, and not before it is called.
    fn check_turns(&self, faults: &mut Vec<String>) {
        let mut used = BTreeMap::new();
        for (id, visit) in &self.visits {
            let place = slot_of(*id).0;
            if used.insert(place, id).is_some() {
                faults.push(format!("{place:?} was let in twice"));
            }
            let documents = self.documents.get(&place.epoch);
            let later = documents.map(|all| all.range(visit.issued_ms + 1..));
            let too_early = later
                .is_some_and(|mut later| later.any(|(_, serving)| serving.least <= place.number.0));
            if too_early {
                faults.push(format!("{place:?} came in and had not been called"));
            }
        }
    }

    /// The store took no sign of life of somebody who had been told that they have left.
    fn check_ends(&self, faults: &mut Vec<String>) {
        for visit in self.visits.values() {
            let left_ms = visit.left_ms.unwrap_or(i64::MAX);
            let end_ms = visit.expires_ms.min(left_ms);
            if visit.signs.iter().any(|at_ms| *at_ms > end_ms) {
                faults.push("an admission was accepted after it had ended".to_owned());
            }
        }
    }

    /// Whoever was let in is one too many where others surely were inside. Who comes back from silence is
    /// not looked at by themselves: a server that reminds the store of whom it knows inside may have kept
    /// their slot.
    fn check_cap(&self, faults: &mut Vec<String>) {
        let mut stays = Vec::new();
        let mut entries = Vec::new();
        for (nth, visit) in self.visits.values().enumerate() {
            let end_ms = visit.leave_asked_ms.unwrap_or(i64::MAX);
            let end_ms = end_ms.min(visit.expires_ms);
            entries.push(visit.issued_ms);
            for from_ms in std::iter::once(&visit.issued_ms).chain(&visit.signs) {
                if *from_ms >= end_ms {
                    break;
                }
                let mut until_ms = end_ms.min(from_ms + i64::from(IDLE_MS));
                if *from_ms > visit.issued_ms {
                    until_ms = self.known_until(*from_ms, until_ms);
                }
                stays.push((nth, *from_ms, until_ms));
            }
        }
        for at_ms in entries {
            let mut inside: Vec<_> = stays
                .iter()
                .filter(|(_, from_ms, until_ms)| *from_ms <= at_ms && at_ms < *until_ms)
                .collect();
            // The signs of one visit overlap.
            inside.dedup_by_key(|(nth, ..)| *nth);
            let cap = self.cap_at(at_ms);
            if inside.len() as u64 > u64::from(cap) {
                faults.push(format!("{} are inside at {at_ms}; cap {cap}", inside.len()));
            }
        }
    }

    /// Until when a sign of life counts: one that came after a room was kept is forgotten when it dies.
    fn known_until(&self, from_ms: i64, until_ms: i64) -> i64 {
        let forgets = |(at_ms, kept_ms): &&(i64, i64)| *kept_ms < from_ms && from_ms <= *at_ms;
        let forgotten = self.reborn.iter().find(forgets);
        forgotten.map_or(until_ms, |(at_ms, _)| until_ms.min(*at_ms))
    }

    /// The cap in force; of several at one instant the highest.
    fn cap_at(&self, at_ms: i64) -> u32 {
        let before = self.caps.iter().rev().find(|(since, _)| *since < at_ms);
        let now = self.caps.iter().filter(|(since, _)| *since == at_ms);
        now.chain(before).map(|(_, cap)| *cap).max().unwrap_or(0)
    }
}
