//! Points between two steps at which a test may stop the saga, as a crash would.
//!
//! In a build without debug assertions and without the feature `test-hooks` a plan cannot be made,
//! so the points do nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Between which two steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[$doc])* $name,)* }

        impl Point {
            /// Every point there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
        impl FromStr for Point {
            type Err = UnknownPoint;
            fn from_str(text: &str) -> Result<Self, UnknownPoint> {
                match text {
                    $($text => Ok(Self::$name),)*
                    _ => Err(UnknownPoint(text.to_owned())),
                }
            }
        }
    };
}

points! {
    /// The command has arrived; nothing is written.
    BeforeBegin = "before_begin",
    /// The attempt is recorded; the provider has heard nothing.
    BeforeAuthorise = "before_authorise",
    /// The provider has answered; that is not written.
    AfterAuthorise = "after_authorise",
    /// The bank's question is recorded; the fan has not been told.
    AfterStepNeeded = "after_step_needed",
    /// What the provider has answered is not written; the ledger has heard nothing.
    BeforeConfirm = "before_confirm",
    /// The ledger has answered; nothing else is done.
    AfterConfirm = "after_confirm",
    /// The provider has answered to the capture; that is not written.
    AfterCapture = "after_capture",
    /// The failed capture is recorded; it has not been tried again.
    AfterCaptureDelayed = "after_capture_delayed",
    /// It is recorded that tickets must be undone; the ledger has heard nothing.
    BeforeUndo = "before_undo",
    /// The ledger has undone the tickets; that is not written.
    AfterUndo = "after_undo",
    /// It is recorded that money must be given free; the provider has heard nothing.
    BeforeVoid = "before_void",
    /// The provider has given the money free; that is not written.
    AfterVoid = "after_void",
    /// The end is recorded; the fan has not been told.
    AfterSettled = "after_settled",
    /// It is recorded that an order is cancelled; the ledger has heard nothing.
    BeforeCancel = "before_cancel",
    /// The ledger has undone the tickets of a cancelled order; that is not written.
    AfterCancel = "after_cancel",
    /// It is recorded that money goes back; the provider has heard nothing.
    BeforeRefund = "before_refund",
    /// The provider has given the money back; that is not written.
    AfterRefund = "after_refund",
}

/// No point of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no crash point {0:?}")]
pub struct UnknownPoint(String);

/// The environment variable a test sets to have the process die at a point.
pub const CRASH_AT: &str = "ONSALE_TEST_CRASH_AT";

/// Where to stop, if anywhere.
#[derive(Clone, Debug, Default)]
pub struct CrashPlan(Option<Plan>);

#[derive(Clone, Debug)]
struct Plan {
    at: Point,
    how: How,
    reached: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(any(debug_assertions, feature = "test-hooks")), allow(dead_code))]
enum How {
    /// The whole process, at once.
    Abort,
    /// Every saga of this service from then on.
    Stop,
}

/// The saga was stopped: nothing more may be done or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

impl CrashPlan {
    /// What the environment asks for; nothing where it asks for nothing.
    ///
    /// # Errors
    /// If it names a point that does not exist.
    pub fn from_env() -> Result<Self, UnknownPoint> {
        #[cfg(any(debug_assertions, feature = "test-hooks"))]
        if let Ok(point) = std::env::var(CRASH_AT) {
            return Ok(Self::new(point.parse()?, How::Abort));
        }
        Ok(Self::default())
    }

    /// Stops the service's sagas at a point, as if the process had died there.
    #[cfg(any(debug_assertions, feature = "test-hooks"))]
    #[must_use]
    pub fn stop_at(point: Point) -> Self {
        Self::new(point, How::Stop)
    }

    #[cfg(any(debug_assertions, feature = "test-hooks"))]
    fn new(at: Point, how: How) -> Self {
        Self(Some(Plan {
            at,
            how,
            reached: Arc::default(),
        }))
    }

    /// Whether the point was reached.
    #[must_use]
    pub fn was_reached(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|plan| plan.reached.load(Ordering::SeqCst))
    }

    /// Goes on, or not.
    pub(super) fn pass(&self, point: Point) -> Result<(), Stopped> {
        let Some(plan) = &self.0 else { return Ok(()) };
        if plan.at == point {
            plan.reached.store(true, Ordering::SeqCst);
            match plan.how {
                How::Abort => std::process::abort(),
                How::Stop => {}
            }
        }
        if plan.reached.load(Ordering::SeqCst) {
            Err(Stopped)
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
