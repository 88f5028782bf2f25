//! Ports that nobody has.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what the kernel gives to outgoing connections, so that none of them takes a port between two
/// runs of a server; and so that a cluster's second port (the first and 10,000) is there too.
const FIRST: u16 = 12_000;
const COUNT: u16 = 10_000;

/// A port that can be listened at now, and that this process has not handed out before.
///
/// Another process may still take it: who starts a server there looks whether it is theirs that
/// answers.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run at the same time begin at different places.
    let start = std::process::id().wrapping_mul(7_919) % u32::from(COUNT);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let at = (start + u32::from(step)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(at).unwrap_or(0);
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
    panic!("none of {COUNT} ports is free");
}
