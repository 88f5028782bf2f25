//! While the store is away: the operator's policy, nothing else.
//!
//! *Hold*: nobody is let in. *Reduced*: this server calls on from what it last knew, at its share of
//! the fixed rate, into its share of the places. Who had been called before the store went is asked to
//! wait: only the store knows whether they have come already.
//!
//! # Why servers that cannot speak to each other stay within the cap
//! Each slot is one server's to give, and no other's. Its share are a part of the slots that were free
//! and expected by nobody, and the slots of those whom it had let in itself and who leave here. Nobody
//! else's slot is given again before every admission from before the outage is past its end; then the
//! whole cap is shared out. Who is silent here keeps the slot, for they may be busy at another server.
//! Shares are whole numbers that add up: the store says how many servers there are and which of them
//! this is. When it is back, it lets nobody in until all of them could say whom they let in.
//!
//! What this does not cover is one server that has lost the store while others have not: they go on
//! filling the cap, and it goes on filling its share. `docs/operations/waiting-room.md` says how far.

use super::{Known, RETRY_AWAY_MS, Rooms, Shelf, ShopReport, lock, shelf::calls_fewer};
use crate::controller::{Controller, Shop};
use crate::number::{Epoch, ServingPosition};
use crate::room::memory::book::Book;
use crate::room::port::{Advance, Claim, Leaving, Report, Right, RoomRow, Seed, Servers, Shopper};
use crate::token::RoomId;
use crate::wire::{AuditEntry, ClaimRefused, Deed, OutagePolicy, RoomSettings};
use alloc::{collections::BTreeMap, vec::Vec};

/// Calls a minute, divided by this, are those of the half second that the last row may be old.
const CALLS_UNHEARD: u32 = 120;
/// Who would have been idle this soon may have lost their slot before the store went.
const SURELY_MS: i64 = 1_000;

/// An outage, as this server lives through it.
pub(super) struct Away {
    since_ms: i64,
    policy: OutagePolicy,
    /// How far each epoch was called when the store went.
    called: BTreeMap<Epoch, ServingPosition>,
    book: Book,
    controller: Controller,
    admitted_before: u64,
    /// The store is being told: who is let in now would not be among those told of.
    is_over: bool,
    /// Whoever was inside when the store went is not any more from then on.
    all_over_ms: i64,
    /// This server's part of the whole cap.
    share_of_all: u32,
}

/// Of those who are surely inside, whom this server let in; and when every admission from before now
/// is past its end.
///
/// In the book they stay until that time: one who left at another server just before would else free a
/// slot that has been given again.
fn ours_among<'a>(
    known: impl Iterator<Item = &'a Known>,
    settings: &RoomSettings,
    now_ms: i64,
) -> (Vec<Shopper>, i64) {
    let known: Vec<_> = known
        .filter(|one| now_ms < one.shopper.expires_ms)
        .collect();
    let ends = known.iter().map(|one| one.shopper.expires_ms);
    let all_over_ms = ends.fold(now_ms + i64::from(settings.shop_ms), i64::max);
    let idle_ms = i64::from(settings.idle_ms) - SURELY_MS;
    let surely = |one: &&&Known| one.is_ours && now_ms < one.seen_ms.saturating_add(idle_ms);
    let ours = known.iter().filter(surely).map(|one| Shopper {
        expires_ms: all_over_ms,
        ..one.shopper
    });
    (ours.collect(), all_over_ms)
}

impl Away {
    /// `known` are the shoppers that this server knows.
    fn new<'a>(
        row: &RoomRow,
        known: impl Iterator<Item = &'a Known>,
        servers: Servers,
        now_ms: i64,
    ) -> Self {
        let settings = &row.settings;
        let (ours, all_over_ms) = ours_among(known, settings, now_ms);
        let own = u32::try_from(ours.len()).unwrap_or(u32::MAX);
        let expected = u32::try_from(row.expected).unwrap_or(u32::MAX);
        // The row is a tick old: some may have been called since, and have come.
        let since = settings.rate_per_minute.div_ceil(CALLS_UNHEARD);
        let free = settings
            .cap
            .saturating_sub(row.active)
            .saturating_sub(expected)
            .saturating_sub(since);
        let rate_per_minute = match settings.outage {
            OutagePolicy::Hold => 0,
            OutagePolicy::Reduced { rate_per_minute } => servers.share_of(rate_per_minute),
        };
        let local = RoomRow {
            settings: RoomSettings {
                rate_per_minute,
                cap: own.saturating_add(servers.share_of(free)),
                // Who is silent here may be busy elsewhere.
                idle_ms: u32::MAX,
                ..settings.clone()
            },
            expected: 0,
            ..row.clone()
        };
        let seed = Seed {
            row: local,
            inside: ours,
            settle_ms: 0,
            after_outage: false,
        };
        Self {
            since_ms: now_ms,
            policy: settings.outage,
            called: row
                .epochs
                .iter()
                .map(|known| (known.epoch, known.serving))
                .collect(),
            controller: Controller::new(ServingPosition(0)),
            admitted_before: row.totals.admitted,
            is_over: false,
            all_over_ms,
            share_of_all: servers.share_of(settings.cap),
            book: Book::from_seed(&seed, now_ms),
        }
    }

    fn tick(&mut self, shop: ShopReport, report: &Report, now_ms: i64) {
        if now_ms >= self.all_over_ms {
            self.book.row.settings.cap = self.share_of_all;
        }
        let swept = self.book.sweep(report, now_ms);
        let (row, Some(turn)) = (swept.row, swept.turn) else {
            return;
        };
        let tick = self.controller.tick(
            row.state,
            row.settings.for_controller(),
            Shop {
                active: row.active,
                called: row.expected,
                came: turn.came,
                missed: turn.missed,
                waiting: row.uncalled(),
                health_permille: shop.health_permille,
                places_left: shop.places_left,
            },
            turn.elapsed_ms,
        );
        let mut pulse = row.pulse;
        pulse.beat(now_ms, row.totals.called + tick.calls, row.totals.arrivals);
        self.book.advance(Advance {
            fence: turn.fence,
            version: row.version,
            calls: tick.calls,
            controller: self.controller,
            held_by: tick.held_by,
            pulse,
            places_left: shop.places_left,
            figures: None,
        });
    }
}

impl Rooms {
    /// The store did not answer a tick.
    pub(super) fn tick_while_away(&self, room: RoomId, shelf: &Shelf, shop: ShopReport) {
        let now_ms = self.world.now_ms();
        let known = lock(&shelf.row).clone();
        let report = self.report(shelf);
        let (row, outage) = {
            let mut away = lock(&shelf.away);
            let away = away.get_or_insert_with(|| {
                let inside = lock(&shelf.inside);
                let mut servers = *lock(&shelf.servers);
                servers.count = servers.count.max(self.config.servers);
                tracing::error!(room = room.to_hex(), policy = ?known.settings.outage,
                    "the waiting room's store is away");
                Away::new(&known, inside.values(), servers, now_ms)
            });
            away.tick(shop, &report, now_ms);
            let mut row = away.book.row(now_ms);
            if row.version < known.version || calls_fewer(&row, &known) {
                // The store answered something meanwhile, only not a tick.
                row = RoomRow {
                    now_ms,
                    ..known.clone()
                };
            }
            // Shown: the operator's settings, not this server's share.
            row.settings = known.settings.clone();
            row.active = known.active;
            (row, away.policy.outage(away.since_ms))
        };
        self.put_up(room, shelf, row, Some(outage));
    }

    /// Lets somebody in on the policy alone.
    pub(super) fn claim_while_away(
        &self,
        shelf: &Shelf,
        claim: &Claim,
    ) -> Result<Shopper, ClaimRefused> {
        let wait = ClaimRefused::Away {
            retry_ms: RETRY_AWAY_MS,
        };
        let mut away = lock(&shelf.away);
        let away = away.as_mut().ok_or(wait)?;
        let OutagePolicy::Reduced { .. } = away.policy else {
            return Err(wait);
        };
        // Only the store knows how often a code was used, and who of those called before has come.
        let Right::Turn(place) = &claim.right else {
            return Err(wait);
        };
        let before = away.called.get(&place.epoch);
        if away.is_over || before.is_none_or(|called| place.number.0 < called.0) {
            return Err(wait);
        }
        away.book.claim(claim, self.world.now_ms())
    }

    /// The slot of one whom this server let in is its own to give again.
    pub(super) fn leave_while_away(&self, shelf: &Shelf, shopper: Shopper, how: Leaving) {
        if let Some(away) = lock(&shelf.away).as_mut() {
            away.book.leave(shopper, how, self.world.now_ms());
        }
    }

    /// The store answers again: it learns who was let in meanwhile and how far was called.
    ///
    /// `swept`: what it answered; nothing, where it has forgotten the room.
    pub(super) async fn come_back(&self, room: RoomId, shelf: &Shelf, swept: Option<&RoomRow>) {
        let now_ms = self.world.now_ms();
        let (seed, since_ms, admitted) = {
            let mut away = lock(&shelf.away);
            let Some(away) = away.as_mut() else { return };
            away.is_over = true;
            let settings = lock(&shelf.row).settings.clone();
            // Made again by another server since, it waited for this one, and perhaps no longer does.
            let made_again = swept.is_none_or(|row| row.settle_until_ms > away.since_ms);
            let inside = if made_again {
                let known = lock(&shelf.inside);
                known.values().map(|known| known.shopper).collect()
            } else {
                away.book.inside(u32::MAX)
            };
            let goes_in = |one: &Shopper| {
                now_ms < one.expires_ms && (made_again || one.issued_ms >= away.since_ms)
            };
            let seed = Seed {
                row: RoomRow {
                    settings,
                    ..away.book.row(now_ms)
                },
                // Of those from before the store knows better.
                inside: inside.into_iter().filter(goes_in).collect(),
                settle_ms: self.config.settle_ms,
                after_outage: matches!(away.policy, OutagePolicy::Reduced { .. }),
            };
            let admitted = seed.row.totals.admitted - away.admitted_before;
            (seed, away.since_ms, admitted)
        };
        if let Err(error) = self.store.make(room, seed).await {
            tracing::warn!(%error, "the store is away again");
            if let Some(away) = lock(&shelf.away).as_mut() {
                away.is_over = false;
            }
            return;
        }
        *lock(&shelf.away) = None;
        let for_ms = u64::try_from(now_ms - since_ms).unwrap_or(0);
        tracing::info!(room = room.to_hex(), for_ms, admitted, "the store is back");
        let entry = AuditEntry {
            at_ms: now_ms,
            who: "room".into(),
            version: 0,
            deed: Deed::Away { for_ms, admitted },
        };
        if let Err(error) = self.store.log(room, entry).await {
            tracing::warn!(%error, "the outage is not in the audit log");
        }
    }
}
