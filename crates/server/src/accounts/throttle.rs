//! How often somebody may try to sign in, without letting others lock them out.
//!
//! | what is counted | what it stops | who can trip it for you |
//! |---|---|---|
//! | address of the network × account | guessing one password | somebody at your own address |
//! | known device × account | the same, for a browser that has signed in before | somebody with that browser |
//! | address of the network | one password tried on many accounts | somebody at your own address, not for a known device |
//! | account | guessing from many addresses | anybody, but it only *delays* by some seconds, and not a known device |
//!
//! Each failure beyond a few free ones doubles the time until the next attempt, up to a bound;
//! time forgets failures one by one. An attempt counts as failed until it has succeeded, so that a
//! thousand at once are not a thousand free ones.
//!
//! Who has failed more than [`FORGIVEN`] times is kept ([`Throttle::export`]), so that a restart does
//! not give an attack all its free attempts again. What is kept are keyed hashes.
//!
//! **Invariants:** an account is never shut by attempts from elsewhere; nothing here depends on
//! whether the account exists, but for what registering tells anyway; every table is bounded.

use super::token::Device;
use crate::clock::random_bytes;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Most entries of one table.
pub const ENTRIES_MOST: usize = 50_000;

/// Failures that a restart forgets.
pub const FORGIVEN: u32 = 2;
/// Most entries of one table that are kept over a restart: those that failed most.
pub const KEPT_MOST: usize = 5_000;

/// How failures of one kind turn into waiting.
#[derive(Clone, Copy, Debug)]
struct Policy {
    /// Failures that cost nothing.
    free: u32,
    /// Waiting after the first that does.
    first_ms: i64,
    /// Longest waiting.
    longest_ms: i64,
    /// Time that forgets one failure.
    forget_ms: i64,
}

const LANE: Policy = Policy {
    free: 5,
    first_ms: 1_000,
    longest_ms: 60_000,
    forget_ms: 600_000,
};
const NETWORK: Policy = Policy {
    free: 60,
    first_ms: 1_000,
    longest_ms: 30_000,
    forget_ms: 30_000,
};
const ACCOUNT: Policy = Policy {
    free: 20,
    first_ms: 250,
    longest_ms: 4_000,
    forget_ms: 60_000,
};
const REGISTRATION: Policy = Policy {
    free: 60,
    first_ms: 1_000,
    longest_ms: 60_000,
    forget_ms: 30_000,
};
/// Addresses that could not be registered because they are taken: what an answer tells is dear.
const TAKEN: Policy = LANE;

impl Policy {
    fn wait_ms(self, failures: u32) -> i64 {
        match failures.checked_sub(self.free) {
            None | Some(0) => 0,
            Some(beyond) => self
                .first_ms
                .checked_shl(beyond - 1)
                .filter(|wait| *wait > 0 && beyond < 32)
                .map_or(self.longest_ms, |wait| wait.min(self.longest_ms)),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Entry {
    failures: u32,
    /// When the last failure was counted.
    last_ms: i64,
}

impl Entry {
    /// Failures not yet forgotten.
    fn failures(self, policy: Policy, now_ms: i64) -> u32 {
        let forgotten = now_ms.saturating_sub(self.last_ms).max(0) / policy.forget_ms;
        self.failures
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    fn wait_ms(self, policy: Policy, now_ms: i64) -> i64 {
        let wait_ms = policy.wait_ms(self.failures(policy, now_ms));
        // Of a clock that was set back, the elapsed time is not known: at most the whole wait.
        (self.last_ms + wait_ms)
            .saturating_sub(now_ms)
            .clamp(0, wait_ms)
    }
}

/// What is counted: a keyed hash of what it is.
type Key = u128;

struct Table {
    policy: Policy,
    entries: HashMap<Key, Entry>,
    most: usize,
}

impl Table {
    fn new(policy: Policy, most: usize) -> Self {
        Self {
            policy,
            entries: HashMap::new(),
            most,
        }
    }

    fn wait_ms(&self, key: Key, now_ms: i64) -> i64 {
        self.entries
            .get(&key)
            .map_or(0, |entry| entry.wait_ms(self.policy, now_ms))
    }

    fn count(&mut self, key: Key, now_ms: i64) {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.make_room(now_ms);
        }
        let policy = self.policy;
        let entry = self.entries.entry(key).or_default();
        entry.failures = entry.failures(policy, now_ms).saturating_add(1);
        entry.last_ms = now_ms;
    }

    /// Takes one failure back.
    fn take_back(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.failures = entry.failures.saturating_sub(1);
        }
    }

    /// Drops what is forgotten anyway; if that is not enough, what has failed least.
    fn make_room(&mut self, now_ms: i64) {
        let policy = self.policy;
        self.entries
            .retain(|_, entry| entry.failures(policy, now_ms) > 0);
        if self.entries.len() < self.most {
            return;
        }
        let mut ranks: Vec<_> = self
            .entries
            .values()
            .map(|entry| (entry.failures(policy, now_ms), entry.last_ms))
            .collect();
        let at = ranks.len() / 4;
        let (_, bound, _) = ranks.select_nth_unstable(at);
        let bound = *bound;
        self.entries
            .retain(|_, entry| (entry.failures(policy, now_ms), entry.last_ms) > bound);
    }
}

/// One attempt to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    network: Key,
    account: Key,
    /// Of the network and the account, or of the known device and the account.
    lane: Key,
    is_known_device: bool,
}

/// What an attempt may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on, after so long.
    Go {
        /// Milliseconds.
        after_ms: i64,
    },
    /// Not now.
    Wait {
        /// Milliseconds until it makes sense.
        for_ms: i64,
    },
}

struct Tables {
    lane: Table,
    device: Table,
    network: Table,
    account: Table,
    registration: Table,
    taken: Table,
}

impl Tables {
    fn all(&mut self) -> [&mut Table; 6] {
        [
            &mut self.lane,
            &mut self.device,
            &mut self.network,
            &mut self.account,
            &mut self.registration,
            &mut self.taken,
        ]
    }
}

/// Counts attempts. One for a process.
pub struct Throttle {
    tables: Mutex<Tables>,
    /// Addresses are kept as keyed hashes: bounded, and of no use to who reads the memory or the
    /// database.
    salt: [u8; 16],
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(random_bytes())
    }
}

/// An IPv6 caller is a /64: everybody has at least that many addresses.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            Ipv6Addr::from(segments).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Throttle {
    /// Nobody has tried yet. What was kept is known again under the same `salt` only.
    #[must_use]
    pub fn new(salt: [u8; 16]) -> Self {
        Self::with(ENTRIES_MOST, salt)
    }

    fn with(most: usize, salt: [u8; 16]) -> Self {
        Self {
            tables: Mutex::new(Tables {
                lane: Table::new(LANE, most),
                device: Table::new(LANE, most),
                network: Table::new(NETWORK, most),
                account: Table::new(ACCOUNT, most),
                registration: Table::new(REGISTRATION, most),
                taken: Table::new(TAKEN, most),
            }),
            salt,
        }
    }

    fn tables(&self) -> std::sync::MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, kind: &str, parts: &[&[u8]]) -> Key {
        let mut digest = Sha256::new().chain_update(self.salt).chain_update(kind);
        for part in parts {
            digest.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&digest.finalize()[..16]);
        Key::from_be_bytes(key)
    }

    fn network(&self, address: IpAddr) -> Key {
        match network_of(address) {
            IpAddr::V4(address) => self.key("network/", &[&address.octets()]),
            IpAddr::V6(address) => self.key("network/", &[&address.octets()]),
        }
    }

    /// An attempt on the account of `email`, whether there is one or not. `device`: where it is
    /// known for that account.
    #[must_use]
    pub fn attempt(&self, address: IpAddr, email: &str, device: Option<Device>) -> Attempt {
        let account = self.key("account/", &[email.as_bytes()]);
        let network = self.network(address);
        let lane = match device {
            Some(device) => self.key("device/", &[&device.0, &account.to_be_bytes()]),
            None => self.key("lane/", &[&network.to_be_bytes(), &account.to_be_bytes()]),
        };
        Attempt {
            network,
            account,
            lane,
            is_known_device: device.is_some(),
        }
    }

    /// Asks for an attempt, which counts as failed from now on.
    pub fn ask(&self, attempt: Attempt, now_ms: i64) -> Verdict {
        let mut tables = self.tables();
        let Attempt {
            network,
            account,
            lane,
            is_known_device,
        } = attempt;
        if is_known_device {
            return match tables.device.wait_ms(lane, now_ms) {
                0 => {
                    tables.device.count(lane, now_ms);
                    Verdict::Go { after_ms: 0 }
                }
                for_ms => Verdict::Wait { for_ms },
            };
        }
        let for_ms = tables
            .lane
            .wait_ms(lane, now_ms)
            .max(tables.network.wait_ms(network, now_ms));
        if for_ms > 0 {
            return Verdict::Wait { for_ms };
        }
        let policy = tables.account.policy;
        let failures = tables
            .account
            .entries
            .get(&account)
            .map_or(0, |entry| entry.failures(policy, now_ms));
        tables.lane.count(lane, now_ms);
        tables.network.count(network, now_ms);
        tables.account.count(account, now_ms);
        Verdict::Go {
            after_ms: policy.wait_ms(failures),
        }
    }

    /// The attempt succeeded, or was never made: it does not count.
    pub fn take_back(&self, attempt: Attempt, succeeded: bool) {
        let mut tables = self.tables();
        let own = if attempt.is_known_device {
            &mut tables.device
        } else {
            &mut tables.lane
        };
        if succeeded {
            own.entries.remove(&attempt.lane);
        } else {
            own.take_back(attempt.lane);
        }
        if !attempt.is_known_device {
            tables.network.take_back(attempt.network);
            tables.account.take_back(attempt.account);
        }
    }

    /// Asks for a registration, which counts.
    pub fn ask_registration(&self, address: IpAddr, now_ms: i64) -> Verdict {
        let mut tables = self.tables();
        let network = self.network(address);
        let wait_ms = tables.registration.wait_ms(network, now_ms);
        match wait_ms.max(tables.taken.wait_ms(network, now_ms)) {
            0 => {
                tables.registration.count(network, now_ms);
                Verdict::Go { after_ms: 0 }
            }
            for_ms => Verdict::Wait { for_ms },
        }
    }

    /// The address that was to be registered is taken, and who asked has been told so.
    pub fn told_taken(&self, address: IpAddr, now_ms: i64) {
        let network = self.network(address);
        self.tables().taken.count(network, now_ms);
    }

    /// Who has failed more than [`FORGIVEN`] times, as JSON.
    #[must_use]
    pub fn export(&self, now_ms: i64) -> Vec<u8> {
        let mut tables = self.tables();
        let kept = tables.all().map(|table| {
            let policy = table.policy;
            let failures = |entry: &Entry| entry.failures(policy, now_ms);
            let worst = table.entries.iter();
            let mut worst: Vec<_> = worst
                .filter(|(_, entry)| failures(entry) > FORGIVEN)
                .map(|(key, entry)| (format!("{key:032x}"), *entry))
                .collect();
            worst.sort_by_key(|(_, entry)| std::cmp::Reverse(failures(entry)));
            worst.truncate(KEPT_MOST);
            worst
        });
        drop(tables);
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// Counts on from what was kept.
    pub fn import(&self, kept: &[u8]) -> Result<(), serde_json::Error> {
        let kept: [Vec<(String, Entry)>; 6] = serde_json::from_slice(kept)?;
        let mut tables = self.tables();
        for (table, kept) in tables.all().into_iter().zip(kept) {
            for (key, entry) in kept.into_iter().take(KEPT_MOST) {
                if let Ok(key) = Key::from_str_radix(&key, 16) {
                    table.entries.insert(key, entry);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
