//! From the ledger to whoever wants to know: events as messages, in the order of each performance's
//! ledger, at least once.
//!
//! | file | what it is for |
//! |---|---|
//! | [`message`] | what is published |
//! | [`book`] | from batches to messages, a pure function |
//! | [`admissions`] | who was let in from waiting rooms, which no ledger has |
//! | [`windows`] | what was sold minute by minute, from the messages |
//! | [`stream`] | the port: where messages go; `memory` and `kafka` are its adapters |
//! | [`lease`] | one server publishes at a time |
//! | [`run`] | the relay itself |
//! | [`sales`] | the same sums for whoever asks, the minute that goes on included |
//! | [`replay`](replay()) | sending dead letters again |
//!
//! **Invariants.** A cursor moves only behind what was acknowledged. What is sent again has the name
//! it had. A message that is refused stands in the database before the cursor passes it. Messages of
//! one performance are in the order of its ledger within each topic.

pub mod admissions;
pub mod book;
#[cfg(feature = "kafka")]
mod kafka;
pub mod lease;
mod memory;
pub mod message;
mod replay;
pub mod run;
pub mod sales;
mod shelf;
pub mod stream;
pub mod windows;

pub use admissions::{Admissions, Admitted};
pub use book::{Book, Scope, Unreadable};
#[cfg(feature = "kafka")]
pub use kafka::{KafkaFault, KafkaOptions, KafkaStream};
pub use lease::LeaseTimes;
pub use memory::MemoryStream;
pub use message::{Body, Message, Topic};
pub use replay::{ReplayError, Replayed, replay};
pub use run::{GATHER, Progress, Relay, RelayParts};
pub use stream::{Away, Encoded, EventStream, Refused};
