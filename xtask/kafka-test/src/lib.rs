//! A real Apache Kafka for tests, in KRaft mode, and a real Apache Flink: started on free
//! ports of the loopback address, ended with the tests' process however it ends.
//!
//! | what | for |
//! |---|---|
//! | [`Broker`] | one broker, or each of three: killed, and started again on its folder and port |
//! | [`run_flink_sql`] | a bounded job, from a file of SQL |
//! | [`Jars`] | where the jars are, which `cargo xtask test kafka` fetches |
//!
//! Everything here blocks: a test calls it before it is about anything else, or from a thread that
//! may wait.

mod broker;
mod flink;
mod jars;
mod process;
mod settings;

pub use broker::Broker;
pub use flink::run_flink_sql;
pub use jars::{FLINK, Jars, KAFKA};
