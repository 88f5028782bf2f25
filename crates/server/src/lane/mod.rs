//! One task a hot performance: it owns the inventory, takes everything that has queued up since the
//! last commit, decides it all, appends one batch, and only then answers.
//!
//! | file | what it is for |
//! |---|---|
//! | [`registry`](Lanes) | which performances are hot, and the way in |
//! | `task` | the loop: gather, expire, decide, append, answer |
//! | `under_way` | a batch from its decision to its answers |
//! | `batch` | deciding many commands one after another into one batch |
//! | `state` | the inventory at a ledger position, and how it is rebuilt |
//! | `answer` | what a caller gets, and how it is recorded |
//! | `live` | what everybody may see of a performance, without asking the lane |
//! | `origin` | the request that a command came with |
//! | `recent` | which commands were recorded lately |
//!
//! **Invariants.** A reply is sent only after its batch is durable. Nobody reads a state that is
//! not durable. Time in a ledger never goes backwards. The same command id is decided once. A lane
//! never guesses: when an append fails, the state it had decided ahead is thrown away and rebuilt
//! from the store.

mod answer;
mod batch;
mod ledger;
mod live;
mod origin;
mod recent;
mod registry;
mod settings;
mod state;
mod task;
mod under_way;

pub use answer::{Answer, LaneError, content_of};
pub use batch::ticket_rows;
pub use live::Live;
pub use registry::{Backlog, Lanes};
pub use settings::LaneSettings;
pub use state::{Position, load as load_state};

use booking_core::{PerformanceId, SaleTerms, SeatMap};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What a performance is made of: its house and how it is sold.
pub type Goods = (Arc<SeatMap>, Arc<SaleTerms>);

/// Where maps and terms come from. The catalogue implements it.
pub trait PerformanceSource: Send + Sync + 'static {
    /// The performance's map and the terms that its ledger begins with; `None`: there is no such
    /// performance; an error is text for the log.
    fn load(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Option<Goods>, String>>;

    /// The same with the terms in force now. Where terms never change, they are the same.
    fn current(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Option<Goods>, String>> {
        self.load(performance)
    }
}
