//! What the operator can turn on the HTTP side.

use crate::trace::Spans;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// How long a caller may leave an answer unread.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// Limits and trust of the HTTP side. The defaults are generous: they stop what no person does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests a second from one address, and how many may come at once; `None`: no limit.
    pub rate: Option<Rate>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Most connections at once; more wait in the operating system's queue.
    pub max_connections: usize,
    /// Most requests that are being answered at once; more are told to come back.
    pub max_requests: usize,
    /// How long the head of a request may take to arrive, and an idle connection may stay open.
    pub header_deadline: Duration,
    /// How long a caller may leave an answer unread before the connection is cut. Whoever reads,
    /// however slowly, is not touched.
    pub write_deadline: Duration,
    /// Whether `/metrics` answers everybody; otherwise callers on this machine alone.
    pub metrics_open: bool,
    /// How long a shutdown may take.
    pub drain: Duration,
    /// Where spans of traced requests go; `None`: none are.
    pub traces: Option<Spans>,
}

/// An address, or all addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Not an address or network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address (10.0.0.1) or a network (10.0.0.0/8, fd00::/8) is wanted")]
pub struct NotANetwork;

impl Network {
    /// Whether `address` is of this network. IPv4 addresses written as IPv6 count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // The first `bits` of both, in numbers of `width` bits.
        let same = |mine: u128, other: u128, width: u32| {
            let shift = width - u32::from(self.bits);
            mine.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                same(mine.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => same(mine.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            bits: if address.is_ipv4() { 32 } else { 128 },
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let Some((address, bits)) = text.split_once('/') else {
            return text
                .parse::<IpAddr>()
                .map(Self::from)
                .map_err(|_| NotANetwork);
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let bits: u8 = bits.parse().map_err(|_| NotANetwork)?;
        if bits > if address.is_ipv4() { 32 } else { 128 } {
            return Err(NotANetwork);
        }
        Ok(Self { address, bits })
    }
}

/// A rate limit for one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Sustained.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl Default for Settings {
    /// 300 requests a second and 1,500 at once from one address (a company or a mobile network
    /// behind one), 20,000 connections, 8,192 requests at once, 30 s for a head and for taking some of
    /// an answer, 10 s to shut down.
    fn default() -> Self {
        Self {
            rate: NonZeroU32::new(300)
                .zip(NonZeroU32::new(1_500))
                .map(|(per_second, burst)| Rate { per_second, burst }),
            trusted_proxies: Vec::new(),
            max_connections: 20_000,
            max_requests: 8_192,
            header_deadline: Duration::from_secs(30),
            write_deadline: WRITE_DEADLINE,
            metrics_open: false,
            drain: Duration::from_secs(10),
            traces: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_with_its_bits() {
        let holds = |network: &str, address: &str| {
            network
                .parse::<Network>()
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.1.2"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(!holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("192.0.2.7", "192.0.2.7"));
        assert!(!holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("0.0.0.0/0", "203.0.113.1"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("fd00::/8", "fdff::1"));
        assert!(holds("::/0", "2001:db8::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0",
            "10.0.0.1/",
            "/8",
            "host",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
