//! Real Redis servers for tests: started on free ports, ended with the tests' process however it ends.
//!
//! | what | for |
//! |---|---|
//! | [`Server`] | one `redis-server`: killed, frozen, restarted on its port |
//! | [`Guarded`] | a master, its replicas and three sentinels |
//! | [`Cluster`] | three masters that share the slots |
//! | [`Proxy`] | a link that can stall without being cut |
//!
//! Programs come from Debian's packages `redis-server` and `redis-sentinel`. Everything here blocks: a
//! test calls it before it is about anything else, or from a thread that may wait.

mod guarded;
mod port;
mod proxy;
mod server;

pub use guarded::{Cluster, Guarded};
pub use port::free_port;
pub use proxy::Proxy;
pub use server::{PATIENCE, Server, until};
