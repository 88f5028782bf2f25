//! From the ledger to whoever wants to know: events as messages, in the order of each performance's
//! ledger.
//!
//! | file | what it is for |
//! |---|---|
//! | [`message`] | what is published |
//! | [`book`] | from batches to messages, a pure function |
//! | [`windows`] | what was sold minute by minute, from the messages |

pub mod book;
pub mod message;
pub mod windows;

pub use book::{Book, Scope, Unreadable};
pub use message::{Body, Message, Topic};
