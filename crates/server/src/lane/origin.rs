//! The request that a command came with: what the lane logs of one command alone is logged for it.

use crate::trace::{self, Context};
use std::future::Future;

/// Where a command came from.
pub(super) struct Origin {
    /// `None`: no request, but the program itself.
    context: Option<Context>,
}

impl Origin {
    /// The request that is being worked for here.
    pub(super) fn here() -> Self {
        Self {
            context: trace::current(),
        }
    }

    /// Runs `f` as work for it.
    pub(super) fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        match &self.context {
            Some(context) => context.run(f),
            None => f(),
        }
    }

    /// `future` as work for it.
    pub(super) fn carried<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        trace::within(self.context.clone(), future)
    }
}
