//! Calling: the sweep, turns that lapse and end, and the call itself.

use super::{Book, Called, LONGEST_STEP_MS};
use crate::number::{EpochProgress, QueueNumber};
use crate::room::port::{Advance, FIGURES_KEPT, Report, SERVER_KEPT_MS, Servers, Swept, Turn};
use alloc::vec::Vec;

impl Book {
    pub(in crate::room) fn sweep(&mut self, report: &Report, now_ms: i64) -> Swept {
        self.row.totals.arrivals += report.arrivals;
        for (epoch, next) in &report.observed {
            let known = EpochProgress {
                next: *next,
                ..EpochProgress::new(*epoch)
            };
            self.learn_epoch(&known, now_ms);
        }
        if let Some(left) = &report.at_hand {
            self.hear_of_numbers(report.server, left);
        }
        self.free_due(now_ms);
        if self.row.state.calls() {
            self.clock_ms += (now_ms - self.swept_ms).clamp(0, LONGEST_STEP_MS);
        }
        self.swept_ms = now_ms;
        self.lapse();
        let mine = self
            .holder
            .is_none_or(|(holder, until_ms)| holder == report.server || now_ms >= until_ms);
        let turn = mine.then(|| {
            self.holder = Some((report.server, now_ms + i64::from(report.lease_ms)));
            self.fence += 1;
            // Taken, not copied: a controller that dies before it calls has used up its time, so the
            // next one never calls twice for the same.
            let since_ms = core::mem::replace(&mut self.turned_ms, now_ms);
            Turn {
                fence: self.fence,
                elapsed_ms: u64::try_from(now_ms - since_ms).unwrap_or(0),
                came: core::mem::take(&mut self.came),
                missed: core::mem::take(&mut self.missed),
            }
        });
        self.servers.insert(report.server, now_ms);
        let kept_ms = i64::from(SERVER_KEPT_MS);
        let silent = |seen_ms: &i64| now_ms - *seen_ms >= kept_ms;
        let gone = self.servers.extract_if(.., |_, seen_ms| silent(seen_ms));
        for (server, _) in gone.collect::<Vec<_>>() {
            self.take_numbers_of(server);
        }
        Swept {
            row: self.row(now_ms),
            turn,
            servers: Servers {
                count: u32::try_from(self.servers.len()).unwrap_or(u32::MAX),
                rank: u32::try_from(self.servers.range(..report.server).count()).unwrap_or(0),
            },
        }
    }

    /// Turns whose time is past, first to be expected, then altogether.
    fn lapse(&mut self) {
        let claim_ms = i64::from(self.row.settings.claim_ms);
        let late_ms = i64::from(self.row.settings.late_ms);
        for at in 0..self.calls.len() {
            let called = self.calls[at];
            if called.lapsed {
                continue;
            }
            if self.clock_ms - called.at_clock_ms < claim_ms {
                break;
            }
            self.calls[at].lapsed = true;
            let came = self
                .used
                .get(&called.epoch)
                .map_or(0, |used| used.range(called.from..called.to).count() as u64);
            let missed = (called.to - called.from) - came;
            self.row.expected = self.row.expected.saturating_sub(missed);
            self.row.totals.no_shows += missed;
            self.missed = self
                .missed
                .saturating_add(u32::try_from(missed).unwrap_or(u32::MAX));
            if let Some(known) = self.epoch_mut(called.epoch) {
                known.lapsed = known.lapsed.max(QueueNumber(called.to));
            }
        }
        while let Some(called) = self.calls.front().copied() {
            if !called.lapsed || self.clock_ms - called.at_clock_ms < claim_ms + late_ms {
                break;
            }
            self.calls.pop_front();
            if let Some(known) = self.epoch_mut(called.epoch) {
                known.ended = known.ended.max(QueueNumber(called.to));
            }
            if let Some(used) = self.used.get_mut(&called.epoch) {
                // What is below `ended` is over without looking.
                *used = used.split_off(&called.to);
            }
        }
    }

    pub(in crate::room) fn advance(&mut self, advance: Advance) -> bool {
        if advance.fence != self.fence || advance.version != self.row.version {
            return false;
        }
        // Good once: a call that is sent twice is made once.
        self.fence += 1;
        let mut left = advance.calls;
        let clock_ms = self.clock_ms;
        for known in &mut self.row.epochs {
            let step = known.waiting().min(left);
            if step == 0 {
                continue;
            }
            let from = known.serving.0;
            known.serving.0 += step;
            left -= step;
            self.calls.push_back(Called {
                at_clock_ms: clock_ms,
                epoch: known.epoch,
                from,
                to: from + step,
                lapsed: false,
            });
        }
        let called = advance.calls - left;
        if called > 0 {
            self.forget_called_numbers();
        }
        self.row.expected += called;
        self.row.totals.called += called;
        self.row.controller = Some(advance.controller);
        self.row.held_by = Some(advance.held_by);
        self.row.pulse = advance.pulse;
        self.row.places_left = advance.places_left;
        if let Some(figures) = advance.figures {
            self.figures.push_back(figures);
            if self.figures.len() > FIGURES_KEPT {
                self.figures.pop_front();
            }
        }
        true
    }
}
