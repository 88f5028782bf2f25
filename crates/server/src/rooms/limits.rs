//! How often one address may join, and how often one pass may claim.
//!
//! Proof of work makes a number cost something; these make sure that nobody gets very many of them
//! from one place, and that a page gone wild does not keep the rooms' store busy.
//!
//! Each server asks itself first. Where several share a Redis, joins are then counted there as well, so
//! that asking three servers gives no more than asking one; while Redis is away each server's own limit
//! stands. Claims are counted here only: every one of them is decided by the rooms' store in any case.

use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use onsale_queue::number::Place;
use onsale_queue::room::port::Rate;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// Claims a second with one pass, and at once.
const CLAIMS_PER_SECOND: NonZeroU32 = NonZeroU32::new(2).unwrap();
const CLAIMS_AT_ONCE: NonZeroU32 = NonZeroU32::new(20).unwrap();

const MINUTE_MS: u32 = 60_000;

/// Joins a minute from one address, as many at once; `None`: no limit.
pub type JoinLimit = Option<NonZeroU32>;

/// The limits.
pub struct Limits {
    joins: Option<(Keyed<IpAddr>, NonZeroU32)>,
    claims: Keyed<([u8; 16], Place)>,
}

/// Seconds until there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slower(pub u64);

impl Limits {
    /// Nobody has come yet.
    #[must_use]
    pub fn new(joins: JoinLimit) -> Self {
        let claims = Quota::per_second(CLAIMS_PER_SECOND).allow_burst(CLAIMS_AT_ONCE);
        Self {
            joins: joins.map(|most| (RateLimiter::dashmap(Quota::per_minute(most)), most)),
            claims: RateLimiter::dashmap(claims),
        }
    }

    /// Somebody at `address` wants a number. An IPv6 network of one customer is one address. Who may,
    /// as far as this server knows, is to be counted with the others by that name and rate.
    pub fn join(&self, address: IpAddr) -> Result<Option<(String, Rate)>, Slower> {
        let Some((joins, most)) = &self.joins else {
            return Ok(None);
        };
        let network = network(address);
        checked(joins, &network)?;
        let rate = Rate {
            most: *most,
            within_ms: MINUTE_MS,
        };
        Ok(Some((format!("join:{network}"), rate)))
    }

    /// Somebody claims with a pass.
    pub fn claim(&self, room: [u8; 16], place: Place) -> Result<(), Slower> {
        checked(&self.claims, &(room, place))
    }

    /// Forgets who has been quiet for long enough.
    pub fn forget_quiet(&self) {
        if let Some((joins, _)) = &self.joins {
            joins.retain_recent();
        }
        self.claims.retain_recent();
    }
}

fn checked<K: std::hash::Hash + Eq + Clone>(limit: &Keyed<K>, key: &K) -> Result<(), Slower> {
    use governor::clock::Clock as _;
    limit.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Slower(wait.as_secs().saturating_add(1))
    })
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            Ipv6Addr::from(segments).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onsale_queue::{Epoch, QueueNumber};

    #[test]
    fn an_address_joins_as_often_as_it_may_and_no_more() {
        let limits = Limits::new(NonZeroU32::new(3));
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::ffff".parse().unwrap();
        let elsewhere: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert!((0..3).all(|_| limits.join(here).is_ok()));
        let Err(Slower(seconds)) = limits.join(neighbour) else {
            panic!("the same customer");
        };
        assert!((1..=21).contains(&seconds), "{seconds}");
        assert!(limits.join(elsewhere).is_ok());
    }

    #[test]
    fn a_pass_that_claims_without_end_is_told_to_wait_and_others_are_not() {
        let limits = Limits::new(None);
        let place = |number| Place {
            epoch: Epoch(1),
            number: QueueNumber(number),
        };
        assert!((0..20).all(|_| limits.claim([1; 16], place(7)).is_ok()));
        assert!(limits.claim([1; 16], place(7)).is_err());
        assert_eq!(limits.claim([1; 16], place(8)), Ok(()));
        assert_eq!(limits.claim([2; 16], place(7)), Ok(()));
    }
}
