//! The tick: a server's report, the schedule, and, where it is this server's turn, the call.

use super::{Rooms, Shelf, ShopReport, lock, operate};
use crate::controller::{Controller, Shop};
use crate::life::{Action, RoomState};
use crate::number::{EpochProgress, ServingPosition};
use crate::room::port::{Advance, Report, RoomRow, Seed, StoreError, Swept, Turn};
use crate::room::pulse::Pulse;
use crate::room::service::LEASE_MS;
use crate::token::RoomId;
use crate::wire::{AuditEntry, Deed, Figures};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

/// After the gathering ends, until numbers given just before cannot appear any more.
const DRAWING_MS: i64 = 2 * LEASE_MS as i64;

impl Rooms {
    /// One tick of one room. Call it about four times a second for each room, on every server: what an
    /// operator changes then takes effect on all of them within that time.
    ///
    /// A store that is away is not an error of the tick: the operator's policy is followed and shown.
    pub async fn tick(&self, room: RoomId, shop: ShopReport) -> Result<(), StoreError> {
        let shelf = self.shelf(room)?;
        let stands = shelf.stands.read().await;
        if !*stands {
            return Err(StoreError::NoSuchRoom);
        }
        let report = self.report(&shelf);
        // From before the question: what is given while the store answers is not in its answer.
        let known = self.known(&shelf);
        match self.store.sweep(room, report.clone()).await {
            Ok(swept) => {
                *lock(&shelf.servers) = swept.servers;
                if lock(&shelf.away).is_some() {
                    self.come_back(room, &shelf, Some(&swept.row)).await;
                }
                if let Err(error) = self.tell_who_left(room, &shelf).await {
                    tracing::debug!(%error, "who left is told at the next tick");
                }
                self.tidy_numbers(room, &shelf).await;
                self.tell_who_is_inside(room, &shelf, &swept.row).await;
                if is_behind(&known, &swept.row) {
                    return self.remind(room, &shelf).await;
                }
                self.take_turn(room, &shelf, swept, shop).await
            }
            Err(StoreError::Away(why)) => {
                tracing::debug!(why, "no answer to a tick");
                take_back(&shelf, report);
                self.tick_while_away(room, &shelf, shop);
                Ok(())
            }
            Err(StoreError::NoSuchRoom) => {
                take_back(&shelf, report);
                self.rebuild(room, &shelf).await
            }
            Err(error @ StoreError::Unreadable(_)) => Err(error),
        }
    }

    /// The store has forgotten the room: it gets what this server knows of it. The rest is learnt from
    /// the passes that visitors show.
    async fn rebuild(&self, room: RoomId, shelf: &Shelf) -> Result<(), StoreError> {
        let now_ms = self.world.now_ms();
        if lock(&shelf.away).is_some() {
            self.come_back(room, shelf, None).await;
        } else {
            let seed = self.seed(shelf, now_ms);
            self.store.make(room, seed).await?;
        }
        let row = self.store.read(room).await?;
        let epoch = row.epochs.last().map_or(0, |last| last.epoch.0);
        tracing::error!(
            room = room.to_hex(),
            epoch,
            "the store had forgotten a room"
        );
        let entry = AuditEntry {
            at_ms: now_ms,
            who: "room".into(),
            version: 0,
            deed: Deed::Recovered {
                epoch,
                why: "the store had forgotten the room".into(),
            },
        };
        self.store.log(room, entry).await?;
        self.put_up(room, shelf, row, None);
        Ok(())
    }

    /// What this server knows to have been called and given.
    fn known(&self, shelf: &Shelf) -> Vec<EpochProgress> {
        let mut known: Vec<_> = lock(&shelf.row)
            .epochs
            .iter()
            .map(|known| EpochProgress {
                serving: known.serving,
                ..EpochProgress::new(known.epoch)
            })
            .collect();
        known.extend(lock(&shelf.given).map(|given| EpochProgress {
            next: given.number,
            ..EpochProgress::new(given.epoch)
        }));
        known
    }

    /// Tells the store what it has forgotten, so that nobody moves back.
    async fn remind(&self, room: RoomId, shelf: &Shelf) -> Result<(), StoreError> {
        let mut seed = self.seed(shelf, self.world.now_ms());
        if let Some(given) = *lock(&shelf.given) {
            seed.row.epochs.push(EpochProgress {
                next: given.number,
                ..EpochProgress::new(given.epoch)
            });
        }
        tracing::warn!(room = room.to_hex(), "the store had forgotten numbers");
        self.store.make(room, seed).await?;
        let row = self.store.read(room).await?;
        self.put_up(room, shelf, row, None);
        Ok(())
    }

    fn seed(&self, shelf: &Shelf, now_ms: i64) -> Seed {
        let inside = lock(&shelf.inside);
        let inside = inside.values().map(|known| known.shopper);
        Seed {
            row: lock(&shelf.row).clone(),
            inside: inside.filter(|known| now_ms < known.expires_ms).collect(),
            settle_ms: self.config.settle_ms,
            after_outage: false,
        }
    }

    /// After a rebuild by another server, says who is known here to be inside.
    async fn tell_who_is_inside(&self, room: RoomId, shelf: &Shelf, row: &RoomRow) {
        let until_ms = row.settle_until_ms.unsigned_abs();
        let settling = row.now_ms < row.settle_until_ms;
        if settling && shelf.heard.swap(until_ms, Ordering::Relaxed) != until_ms {
            let seed = self.seed(shelf, self.world.now_ms());
            if let Err(error) = self.store.make(room, seed).await {
                shelf.heard.store(0, Ordering::Relaxed);
                tracing::warn!(%error, "could not say who is inside");
            }
        }
    }

    async fn take_turn(
        &self,
        room: RoomId,
        shelf: &Shelf,
        swept: Swept,
        shop: ShopReport,
    ) -> Result<(), StoreError> {
        let Swept { row, turn, .. } = swept;
        let Some(turn) = turn else {
            self.put_up(room, shelf, row, None);
            return Ok(());
        };
        let mut pulse = row.pulse.clone();
        let new_interval = pulse.beat(row.now_ms, row.totals.called, row.totals.arrivals);
        if let Some((action, who)) = due(&row, &pulse) {
            let change = match action {
                Due::Act(action) => operate::plan(&row, action, who, || self.new_draw()),
                Due::Reveal => Ok(operate::reveal(&row)),
                Due::Quieten => Ok(operate::quieten(&row)),
            };
            if let Ok(change) = change {
                // Whoever was first: what is in the store now counts.
                self.store.change(room, change).await?;
                let row = self.store.read(room).await?;
                self.put_up(room, shelf, row, None);
                return Ok(());
            }
        }
        let advance = decide(&row, turn, shop, pulse, new_interval);
        let idle = advance.calls == 0
            && !new_interval
            && row.controller == Some(advance.controller)
            && row.held_by == Some(advance.held_by)
            && row.places_left == advance.places_left;
        let row = if !idle && self.store.advance(room, advance).await? {
            self.store.read(room).await?
        } else {
            row
        };
        self.put_up(room, shelf, row, None);
        Ok(())
    }
}

/// Whether the store has forgotten something: it failed over to one that had not heard of it yet.
fn is_behind(known: &[EpochProgress], row: &RoomRow) -> bool {
    known
        .iter()
        .filter(|known| known.epoch >= row.floor && (known.serving.0 > 0 || known.next.0 > 0))
        .any(|known| {
            let own = row.epochs.iter().find(|own| own.epoch == known.epoch);
            own.is_none_or(|own| own.serving < known.serving || own.next < known.next)
        })
}

fn take_back(shelf: &Shelf, report: Report) {
    shelf.arrivals.fetch_add(report.arrivals, Ordering::Relaxed);
    let mut observed = lock(&shelf.observed);
    for (epoch, next) in report.observed {
        let most = observed.entry(epoch).or_default();
        *most = (*most).max(next);
    }
}

enum Due {
    Act(Action),
    Reveal,
    Quieten,
}

/// What is due by the schedule, the threshold or the draw.
fn due(row: &RoomRow, pulse: &Pulse) -> Option<(Due, &'static str)> {
    let settings = &row.settings;
    let reached = |at_ms: Option<i64>| at_ms.is_some_and(|at_ms| row.now_ms >= at_ms);
    let revealed = row.draw.as_ref().is_some_and(|d| d.public.key.is_some());
    let crowd = pulse.arrivals_in_a_minute();
    let threshold = settings.auto_on_per_minute.map(u64::from);
    match row.state {
        RoomState::Scheduled if reached(settings.gathers_ms) => {
            Some((Due::Act(Action::Gather), "schedule"))
        }
        RoomState::Scheduled if settings.gathers_ms.is_none() && reached(settings.opens_ms) => {
            Some((Due::Act(Action::Open), "schedule"))
        }
        RoomState::Scheduled if threshold.is_some_and(|most| crowd > most) => {
            Some((Due::Act(Action::Open), "threshold"))
        }
        RoomState::Gathering if reached(settings.opens_ms) => {
            Some((Due::Act(Action::Draw), "schedule"))
        }
        RoomState::Drawing if !revealed => {
            // A clock that was set back must not keep everybody waiting for the draw.
            let waited = row.now_ms - row.since_ms;
            (!(0..DRAWING_MS).contains(&waited)).then_some((Due::Reveal, "room"))
        }
        RoomState::Drawing if reached(settings.opens_ms) => {
            Some((Due::Act(Action::Open), "schedule"))
        }
        RoomState::Open if reached(settings.drains_ms) => {
            Some((Due::Act(Action::Drain), "schedule"))
        }
        RoomState::Open if row.auto && row.uncalled() == 0 && row.expected == 0 => {
            let calm = pulse
                .arrivals_in_all()
                .zip(threshold)
                .is_some_and(|(arrived, most)| arrived < most);
            calm.then_some((Due::Quieten, "threshold"))
        }
        RoomState::Scheduled
        | RoomState::Gathering
        | RoomState::Drawing
        | RoomState::Open
        | RoomState::Paused
        | RoomState::Draining
        | RoomState::Halted
        | RoomState::Closed => None,
    }
}

/// Runs the controller on a row.
fn decide(
    row: &RoomRow,
    turn: Turn,
    shop: ShopReport,
    mut pulse: Pulse,
    new_interval: bool,
) -> Advance {
    let mut controller = row
        .controller
        .unwrap_or_else(|| Controller::new(ServingPosition(0)));
    let settings = row.settings.for_controller();
    let uncalled = row.uncalled();
    let settling = row.now_ms < row.settle_until_ms;
    let tick = controller.tick(
        if settling {
            RoomState::Paused
        } else {
            row.state
        },
        settings,
        Shop {
            active: row.active,
            called: row.expected,
            came: turn.came,
            missed: turn.missed,
            waiting: uncalled,
            health_permille: shop.health_permille,
            places_left: shop.places_left,
        },
        turn.elapsed_ms,
    );
    let called = row.totals.called + tick.calls;
    pulse.beat(row.now_ms, called, row.totals.arrivals);
    let figures = new_interval.then(|| {
        let estimate = crate::estimate(
            uncalled + 1,
            pulse.recent_calls(),
            super::super::pulse::INTERVAL_MS.unsigned_abs(),
            settings.rate_per_minute,
        );
        Figures {
            at_ms: row.now_ms,
            totals: row.totals,
            waiting: row.waiting(),
            active: row.active,
            expected: row.expected,
            rate_per_minute: settings.rate_per_minute,
            cap: settings.cap,
            health_permille: shop.health_permille,
            places_left: shop.places_left,
            estimate_ms: estimate.map(|range| range.latest_ms),
        }
    });
    Advance {
        fence: turn.fence,
        version: row.version,
        calls: tick.calls,
        controller,
        held_by: tick.held_by,
        pulse,
        places_left: shop.places_left,
        figures,
    }
}

/// The epochs that take part in a draw.
pub(super) fn gathered(row: &RoomRow) -> impl Iterator<Item = &EpochProgress> {
    row.epochs.iter().filter(|known| known.next.0 > 0)
}
