//! Whose checkouts are whose, where several servers share a database.
//!
//! Each checkout under way has an owner, a server, and only the owner's steps are recorded. A server
//! with checkouts under way *beats*: it counts a number up in the database. Another one that has seen
//! the same number for [`Settings::lapse`](super::Settings::lapse) by its own watch takes what is
//! left there over, in one statement that asks whether all is as it was seen; so of several that do,
//! one gets it. No two clocks are ever compared.
//!
//! **Invariant.** A server whose last beat was asked for longer ago than half of that takes no step
//! before it has beaten again and written the step it stands at as its own: by then others may have
//! taken over.

use super::record::Checkout;
use super::running::{Claim, Progress, Running};
use super::{Inner, Place};
use crate::store::StoreError;
use crate::store::checkouts::{CheckoutRow, Owner, ServerId, Unless};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// This server's right to take steps.
pub(super) struct Lease {
    /// Which server.
    pub(super) server: ServerId,
    began: Instant,
    /// Until when, in ms since it began. 0: it was never asked for.
    until_ms: AtomicU64,
    held_for: Duration,
}

impl Lease {
    pub(super) fn new(server: ServerId, lapse: Duration) -> Self {
        Self {
            server,
            began: Instant::now(),
            until_ms: AtomicU64::new(0),
            held_for: lapse / 2,
        }
    }

    fn ms(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.began).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    pub(super) fn is_held(&self) -> bool {
        self.ms(Instant::now()) < self.until_ms.load(Ordering::SeqCst)
    }

    /// A beat that was asked for at this instant has been written.
    fn beaten(&self, asked: Instant) {
        let until_ms = self.ms(asked + self.held_for);
        self.until_ms.fetch_max(until_ms, Ordering::SeqCst);
    }
}

/// What this server has seen of the others' beats.
#[derive(Default)]
struct Watch(HashMap<ServerId, (i64, Instant)>);

impl Watch {
    /// The servers that have something under way and are not there any more.
    fn gone(&mut self, others: &[Owner], now: Instant, lapse: Duration) -> Vec<Owner> {
        let is_there = |server: &ServerId| others.iter().any(|other| other.server == *server);
        self.0.retain(|server, _| is_there(server));
        let mut gone = Vec::new();
        for other in others {
            // Whoever has begun something has beaten before, and whoever stops says so.
            let Some(beat) = other.beat else {
                gone.push(*other);
                continue;
            };
            let seen = self.0.entry(other.server).or_insert((beat, now));
            if seen.0 != beat {
                *seen = (beat, now);
            }
            if now.saturating_duration_since(seen.1) >= lapse {
                gone.push(*other);
            }
        }
        gone
    }
}

impl Inner {
    /// Makes sure that this server may take steps.
    pub(super) async fn hold(&self) -> Result<(), StoreError> {
        if self.lease.is_held() {
            return Ok(());
        }
        self.beat().await
    }

    async fn beat(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        self.parts.store.beat(self.lease.server).await?;
        self.lease.beaten(asked);
        Ok(())
    }

    /// Takes up what this server left when it was stopped, and what nobody has.
    pub(super) async fn take_up_left(self: &Arc<Self>) -> Result<(), StoreError> {
        let own = self.lease.server;
        self.take_up_own().await?;
        for other in self.parts.store.owners().await? {
            if other.server != own && other.beat.is_none() {
                self.take_up_of(other).await?;
            }
        }
        Ok(())
    }

    async fn take_up_own(self: &Arc<Self>) -> Result<(), StoreError> {
        let server = self.lease.server;
        self.take_up_of(Owner { server, beat: None }).await
    }

    /// Takes up what a server has that is gone, as far as it has given no sign of life since it was
    /// looked at.
    async fn take_up_of(self: &Arc<Self>, owner: Owner) -> Result<(), StoreError> {
        let server = owner.server;
        let mut left = self.parts.store.unsettled_of(server).await?;
        left.retain(|row| self.running.of_order(row.order).is_none());
        if !left.is_empty() {
            let of = if server == self.lease.server {
                "this server"
            } else {
                "another server"
            };
            tracing::info!(checkouts = left.len(), of, "taking up unfinished checkouts");
        }
        let mut fault = Ok(());
        for row in left {
            // One that is damaged holds no other back.
            fault = fault.and(self.take_up(&row, Unless::Beat(owner.beat)).await);
        }
        fault
    }

    async fn take_up(
        self: &Arc<Self>,
        row: &CheckoutRow,
        unless: Unless,
    ) -> Result<(), StoreError> {
        let checkout = Checkout::from_row(row)?;
        let claim = self.running.claim(checkout.order, || {
            Running::new(checkout.fan, checkout.command, checkout.content)
        });
        let Claim::Mine(running) = claim else {
            return Ok(());
        };
        let place = Place {
            inner: Arc::clone(self),
            order: checkout.order,
            running,
        };
        self.hold().await?;
        if self.is_mine(row, unless).await? {
            place.drive(checkout);
        }
        Ok(())
    }

    /// Makes an attempt this server's, if it still stands as `row` says.
    pub(super) async fn is_mine(
        &self,
        row: &CheckoutRow,
        unless: Unless,
    ) -> Result<bool, StoreError> {
        let own = self.lease.server;
        Ok(row.owner == own || self.parts.store.take_over(row, own, unless).await?)
    }

    /// Lets go of what others have taken over while this server could not beat.
    async fn let_go(&self) -> Result<(), StoreError> {
        // Those first, and then what is written: whatever begins meanwhile is not among them.
        let mut under_way = self.running.all();
        under_way.retain(|(_, running)| running.is_under_way());
        let mine = self.parts.store.unsettled_of(self.lease.server).await?;
        for (order, running) in under_way {
            // It may have come to its end here meanwhile.
            if running.is_under_way() && !mine.iter().any(|row| row.order == order) {
                running.lose();
            }
        }
        Ok(())
    }

    /// Says goodbye: what is left is anybody's, and nobody need wait.
    pub(super) async fn leave(&self) {
        if let Err(error) = self.parts.store.leave(self.lease.server).await {
            tracing::debug!(%error, "others will see for themselves that this server is gone");
        }
    }

    async fn look(self: &Arc<Self>, watch: &mut Watch) -> Result<(), StoreError> {
        if self.in_doubt.swap(false, Ordering::SeqCst)
            && let Err(error) = self.take_up_own().await
        {
            self.doubt();
            return Err(error);
        }
        if self.running.count() > 0 {
            let was_held = self.lease.is_held();
            self.beat().await?;
            if !was_held {
                self.let_go().await?;
            }
            for order in self.parts.store.nudged(self.lease.server).await? {
                self.parts.store.felt(self.lease.server, order).await?;
                if let Some(running) = self.running.of_order(order) {
                    running.wake.notify_one();
                }
            }
        }
        let mut others = self.parts.store.owners().await?;
        others.retain(|other| other.server != self.lease.server);
        let lapse = self.parts.settings.lapse;
        let mut fault = Ok(());
        for other in watch.gone(&others, Instant::now(), lapse) {
            fault = fault.and(self.take_up_of(other).await);
            self.taken_over.send_modify(|times| *times += 1);
        }
        fault
    }
}

/// Beats, and looks after the others, for as long as the service is there.
pub(super) async fn keep(inner: Weak<Inner>, every: Duration) {
    let mut watch = Watch::default();
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        interval.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        if *inner.draining.borrow() && inner.running.count() == 0 {
            return;
        }
        let looked = inner.look(&mut watch).await;
        match &looked {
            // Said once for each time that it begins.
            Err(error) if !failing && *error != StoreError::Closed => {
                tracing::error!(%error, "whose checkouts are whose is not known");
            }
            Ok(()) | Err(_) => {}
        }
        failing = looked.is_err();
    }
}

impl Running {
    /// Whether it stands at a recorded step that is not its last.
    fn is_under_way(&self) -> bool {
        self.at()
            .is_some_and(|checkout| !checkout.step.is_settled())
    }

    /// Somebody else has it now: nothing more is done here.
    fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
}

impl Place {
    /// Takes the steps of a recorded attempt in a task of its own.
    fn drive(self, checkout: Checkout) {
        let begun = Progress::At(Arc::new(checkout.clone()));
        self.running.progress.send_replace(begun);
        tokio::spawn(async move {
            let stopped = self.inner.drive(checkout, None, &self.running).await;
            self.end(stopped);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPSE: Duration = Duration::from_secs(5);

    fn owner(n: u8, beat: Option<i64>) -> Owner {
        Owner {
            server: ServerId([n; 16]),
            beat,
        }
    }

    #[test]
    fn a_server_is_gone_when_it_has_not_beaten_for_a_while_by_the_watch_of_who_looks() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        let dead = ServerId([1; 16]);
        let both = |beat| [owner(1, Some(7)), owner(2, Some(beat))];
        assert_eq!(watch.gone(&both(1), at(0), LAPSE), []);
        assert_eq!(watch.gone(&both(2), at(4), LAPSE), []);
        assert_eq!(names(watch.gone(&both(2), at(5), LAPSE)), [dead]);
        // It beats after all.
        assert_eq!(watch.gone(&[owner(1, Some(8))], at(6), LAPSE), []);
        // Having had nothing under way for a while is not having been silent.
        assert_eq!(watch.gone(&[], at(20), LAPSE), []);
        assert_eq!(watch.gone(&[owner(1, Some(8))], at(21), LAPSE), []);
    }

    fn names(gone: Vec<Owner>) -> Vec<ServerId> {
        gone.into_iter().map(|owner| owner.server).collect()
    }

    #[test]
    fn a_server_that_said_goodbye_is_gone_at_once() {
        let mut watch = Watch::default();
        let gone = watch.gone(&[owner(3, None)], Instant::now(), LAPSE);
        assert_eq!(names(gone), [ServerId([3; 16])]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_long_before_others_may_take_over() {
        let lease = Lease::new(ServerId([1; 16]), LAPSE);
        assert!(!lease.is_held());
        lease.beaten(Instant::now());
        assert!(lease.is_held());
        tokio::time::advance(LAPSE / 2).await;
        assert!(!lease.is_held());
    }
}
