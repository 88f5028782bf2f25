//! Stopped between any two steps, the checkout heals itself on the next start: either the money is
//! taken and the tickets are there, or nothing is taken and the seats are not sold.

use crate::support::hold;
use crate::support::till::{CAPTURE_FLAKY, CAPTURE_REFUSED, GOOD, NEEDS_STEP, Till, quick};
use booking_core::inventory::SeatState;
use booking_core::{FanId, HoldId, OrderId};
use onsale_server::checkout::crash::{CrashPlan, Point};
use onsale_server::checkout::step::Step;
use onsale_server::checkout::{CheckoutError, Wanted};
use std::collections::BTreeSet;

const ADA: FanId = FanId::from_u128(1);
const ORDER: OrderId = OrderId::from_u128(1);
const HOLD: HoldId = HoldId::from_u128(1);

/// What a fan does until the crash.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// Buys.
    Buys,
    /// Buys, and the first captures fail.
    CaptureFlaky,
    /// Buys, and the money can never be taken.
    CaptureRefused,
    /// Answers the bank after the hold has lapsed and somebody else has the seat.
    SeatsGone,
    /// Buys, and the order is refunded.
    Refunded,
    /// Buys, and the order is cancelled, and the money stays.
    Cancelled,
    /// Takes seats that cost nothing.
    Free,
    /// Takes seats that cost nothing, and the order is cancelled.
    FreeAndCancelled,
}

/// What it must come to after the restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Sold,
    /// No seats, and the money is still with the shop.
    Cancelled,
    Nothing,
    /// The crash came before anything was recorded.
    NeverHeardOf,
}

impl Story {
    /// What the fan's program sends, and sends again after the crash.
    fn wanted(self, till: &Till) -> Wanted {
        let pays = |card| till.wanted(1, ADA, HOLD, &[3, 4], card);
        match self {
            Self::Buys | Self::Refunded | Self::Cancelled => pays(GOOD),
            Self::CaptureFlaky => pays(CAPTURE_FLAKY),
            Self::CaptureRefused => pays(CAPTURE_REFUSED),
            Self::SeatsGone => pays(NEEDS_STEP),
            Self::Free | Self::FreeAndCancelled => till.wanted_free(1, ADA, HOLD, &[3, 4]),
        }
    }

    fn is_free(self) -> bool {
        matches!(self, Self::Free | Self::FreeAndCancelled)
    }

    /// Plays it; says whether the fan has answered their bank.
    async fn play(self, till: &Till) -> bool {
        till.hold(1, ADA, &[3, 4]).await;
        let answer = till.checkouts.pay(self.wanted(till)).await;
        let answers_bank = matches!(self, Self::SeatsGone) && answer.is_ok();
        match self {
            Self::Buys | Self::CaptureFlaky | Self::CaptureRefused | Self::Free => {}
            Self::SeatsGone if answer.is_ok() => {
                till.office
                    .clock
                    .advance(till.office.goods.1.rules.hold_ttl_ms + 1);
                till.office.send(50, hold(50, 2, &[3])).await.unwrap();
                till.simulator_approves(ORDER).await;
            }
            Self::Refunded if answer.is_ok() => drop(till.checkouts.refund(ORDER).await),
            Self::Cancelled | Self::FreeAndCancelled if answer.is_ok() => {
                drop(till.checkouts.cancel(ORDER).await);
            }
            Self::SeatsGone | Self::Refunded | Self::Cancelled | Self::FreeAndCancelled => {}
        }
        answers_bank
    }

    fn end(self, point: Point) -> End {
        match (self, point) {
            (_, Point::BeforeBegin) => End::NeverHeardOf,
            (_, Point::BeforeAuthorise) => End::Nothing,
            (Self::Buys | Self::CaptureFlaky | Self::Free, _) => End::Sold,
            // The order is undone only if it got that far.
            (
                Self::Refunded | Self::Cancelled | Self::FreeAndCancelled,
                Point::AfterAuthorise
                | Point::BeforeConfirm
                | Point::AfterConfirm
                | Point::AfterCapture
                | Point::AfterSettled,
            ) => End::Sold,
            (Self::Cancelled, _) => End::Cancelled,
            (
                Self::CaptureRefused | Self::SeatsGone | Self::Refunded | Self::FreeAndCancelled,
                _,
            ) => End::Nothing,
        }
    }
}

/// Plays `story` with a crash at `point`; `false` if it does not come by there.
async fn crash(story: Story, point: Point) -> bool {
    let till = Till::with(quick(), CrashPlan::stop_at(point)).await;
    let again = story.wanted(&till);
    let answered_bank = story.play(&till).await;
    till.quiet().await;
    if !till.crash.was_reached() {
        return false;
    }
    let till = till.restart().await;
    // The fan's program never had its answer and asks again. A bank's question survives a crash;
    // this fan does not answer it any more. (Where it was answered before the crash, the saga may
    // not have found that out yet, and says that it waits.)
    if till.checkouts.latest(ADA, ORDER).await.is_ok() {
        let checkout = till.checkouts.pay(again).await.unwrap();
        if checkout.state() == "needs_step" && !answered_bank {
            till.office.clock.advance(quick().step_lifetime_ms);
            till.checkouts.wake(ORDER);
        }
    }
    till.quiet().await;
    let end = match till.checkouts.latest(ADA, ORDER).await {
        Err(CheckoutError::NotFound) => End::NeverHeardOf,
        Err(error) => panic!("{story:?} at {point}: {error}"),
        Ok(checkout) => {
            assert!(
                checkout.step.is_settled(),
                "{story:?} at {point}: {:?}",
                checkout.step
            );
            match checkout.step {
                Step::Captured { .. } | Step::Granted => End::Sold,
                Step::Cancelled { .. } => End::Cancelled,
                _ => End::Nothing,
            }
        }
    };
    let sold = till.seat(3).await == SeatState::Sold(ORDER);
    assert_eq!(
        sold,
        till.seat(4).await == SeatState::Sold(ORDER),
        "{story:?} at {point}"
    );
    assert_eq!(sold, end == End::Sold, "{story:?} at {point}");
    let is_paid = matches!(end, End::Sold | End::Cancelled) && !story.is_free();
    let taken_minor = if is_paid { 2_000 } else { 0 };
    assert_eq!(till.taken_minor(), taken_minor, "{story:?} at {point}");
    assert_eq!(till.reserved(), 0, "{story:?} at {point}");
    let most = usize::from(!story.is_free());
    assert!(
        till.simulator.payments().len() <= most,
        "{story:?} at {point}"
    );
    assert_eq!(end, story.end(point), "{story:?} at {point}");
    true
}

#[tokio::test]
async fn stopped_between_any_two_steps_a_checkout_heals_itself() {
    let stories = [
        Story::Buys,
        Story::CaptureFlaky,
        Story::CaptureRefused,
        Story::SeatsGone,
        Story::Refunded,
        Story::Cancelled,
        Story::Free,
        Story::FreeAndCancelled,
    ];
    let mut reached = BTreeSet::new();
    for story in stories {
        for point in Point::ALL {
            if crash(story, *point).await {
                reached.insert(point.name());
            }
        }
    }
    let all: BTreeSet<_> = Point::ALL.iter().map(|point| point.name()).collect();
    assert_eq!(reached, all, "every point lies on some story's way");
}
