//! A real Apache Kafka for tests: one node in KRaft mode, started on free ports of the loopback
//! address, ended with the tests' process however it ends.
//!
//! | what | for |
//! |---|---|
//! | [`Broker`] | one broker: killed, and started again on its folder and port |
//! | [`jars_folder`] | where the jars are, which `cargo xtask test kafka` fetches |
//!
//! Everything here blocks: a test calls it before it is about anything else, or from a thread that
//! may wait.

mod broker;
mod jars;
mod settings;

pub use broker::Broker;
pub use jars::{JARS_LIST, jars_folder};
