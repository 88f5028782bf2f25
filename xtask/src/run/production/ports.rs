//! Ports for everything that nobody needs to know beforehand.

use std::net::{Ipv4Addr, SocketAddr};

// The file and not its crate, which brings more than this program should wait for.
#[expect(unreachable_pub, reason = "its own crate shows it to others")]
#[path = "../../../redis-test/src/port.rs"]
mod port;

pub(super) use self::port::free_port;

/// A loopback address that nobody listens at.
pub(super) fn free() -> SocketAddr {
    at(free_port())
}

pub(super) fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let mut ports: Vec<_> = (0..30).map(|_| free_port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 30);
    }
}
