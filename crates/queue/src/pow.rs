//! Proof of work on joining: a little of the visitor's processor for each number, a lot of a bot's.
//!
//! Hosted by ourselves and without state while it is being solved: the challenge carries its own
//! keyed hash (HMAC-SHA-256). The solver looks for a counter whose SHA-256 together with the
//! challenge begins with enough zero bits. A solved challenge is good once: the room remembers its
//! [`Challenge::nonce`] until it expires.
//!
//! ```
//! use onsale_queue::pow::{Challenge, PowKey};
//! # use onsale_queue::{RoomId, VisitorId};
//! let key = PowKey([7; 32]);
//! let challenge = Challenge { room: RoomId([1; 16]), nonce: [2; 16], bits: 8, expires_ms: 60_000 };
//! let text = key.issue(&challenge);
//! // In the browser, in slices, so that the page stays alive:
//! let counter = onsale_queue::pow::solve(&text, 0, 1_000_000).unwrap().unwrap();
//! // On the server:
//! assert_eq!(key.verify(&text, counter, RoomId([1; 16]), 8, 1_000), Ok(challenge));
//! ```

use crate::token::RoomId;
use alloc::{string::String, vec::Vec};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// Most zero bits that may be asked for: about 2³² hashes, hours on a phone. What is sensible lies
/// between 14 and 20.
pub const MOST_BITS: u8 = 32;
const LABEL: &str = "pow1";
const BODY_BYTES: usize = 16 + 16 + 1 + 8;
const TAG_BYTES: usize = 32;

/// The secret with which challenges are sealed; the same on every server.
#[derive(Clone)]
pub struct PowKey(pub [u8; 32]);

impl core::fmt::Debug for PowKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PowKey(secret)")
    }
}

/// What a visitor is asked to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The room it lets one join.
    pub room: RoomId,
    /// Random; remembered once it has been used.
    pub nonce: [u8; 16],
    /// Zero bits the hash has to begin with.
    pub bits: u8,
    /// First instant at which it is too late, ms since the epoch.
    pub expires_ms: i64,
}

/// Why work does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PowFault {
    /// Not a challenge of ours, or altered.
    #[error("this is not a challenge given here")]
    NotOurs,
    /// Too late.
    #[error("the challenge expired at {0} ms")]
    Expired(i64),
    /// For another room.
    #[error("the challenge is for another room")]
    OtherRoom,
    /// Easier than the room now asks for.
    #[error("the challenge asked for {had} bits, the room now asks for {wanted}")]
    TooEasy {
        /// What it asked for.
        had: u8,
        /// What is asked for now.
        wanted: u8,
    },
    /// The counter does not solve it.
    #[error("the counter does not solve the challenge")]
    Unsolved,
    /// It has been used before; found by the room, which remembers.
    #[error("the challenge has been used")]
    Used,
}

impl PowKey {
    /// The challenge as text for the visitor.
    #[must_use]
    pub fn issue(&self, challenge: &Challenge) -> String {
        let mut bytes = challenge.encode();
        let tag = self.mac(&bytes).finalize().into_bytes();
        bytes.extend(tag);
        let mut text = String::from(LABEL);
        text.push('.');
        BASE64URL_NOPAD.encode_append(&bytes, &mut text);
        text
    }

    /// Checks that `counter` solves a challenge of ours for `room`, no easier than `bits`. Whether it
    /// was used before is for the room to say.
    pub fn verify(
        &self,
        text: &str,
        counter: u64,
        room: RoomId,
        bits: u8,
        now_ms: i64,
    ) -> Result<Challenge, PowFault> {
        let sealed = read(text).ok_or(PowFault::NotOurs)?;
        let (body, tag) = sealed.split_at(BODY_BYTES);
        self.mac(body)
            .verify_slice(tag)
            .map_err(|_| PowFault::NotOurs)?;
        let challenge = Challenge::decode(body).ok_or(PowFault::NotOurs)?;
        if challenge.room != room {
            return Err(PowFault::OtherRoom);
        }
        if now_ms >= challenge.expires_ms {
            return Err(PowFault::Expired(challenge.expires_ms));
        }
        if challenge.bits < bits {
            return Err(PowFault::TooEasy {
                had: challenge.bits,
                wanted: bits,
            });
        }
        if !solves(text, counter, challenge.bits) {
            return Err(PowFault::Unsolved);
        }
        Ok(challenge)
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        mac.update(LABEL.as_bytes());
        mac.update(body);
        mac
    }
}

/// Tries `most` counters from `from` on: `Ok(Some(counter))` when one solves the challenge, `Ok(None)`
/// when none of these does (go on from `from + most`), `Err` for a text that is no challenge.
pub fn solve(text: &str, from: u64, most: u64) -> Result<Option<u64>, PowFault> {
    let sealed = read(text).ok_or(PowFault::NotOurs)?;
    let challenge = Challenge::decode(&sealed[..BODY_BYTES]).ok_or(PowFault::NotOurs)?;
    let prefix = Sha256::new().chain_update(text.as_bytes());
    Ok((from..from.saturating_add(most)).find(|counter| {
        let digest = prefix
            .clone()
            .chain_update(counter.to_be_bytes())
            .finalize();
        zero_bits(&digest) >= u32::from(challenge.bits)
    }))
}

fn solves(text: &str, counter: u64, bits: u8) -> bool {
    let hasher = Sha256::new().chain_update(text.as_bytes());
    let digest = hasher.chain_update(counter.to_be_bytes()).finalize();
    zero_bits(&digest) >= u32::from(bits)
}

fn zero_bits(digest: &[u8]) -> u32 {
    let zeros = digest.iter().take_while(|byte| **byte == 0).count();
    let rest = digest.get(zeros).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(zeros).unwrap_or(u32::MAX) * 8 + rest
}

fn read(text: &str) -> Option<Vec<u8>> {
    let body = text.strip_prefix(LABEL)?.strip_prefix('.')?;
    if body.len() > 2 * (BODY_BYTES + TAG_BYTES) {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
    (bytes.len() == BODY_BYTES + TAG_BYTES).then_some(bytes)
}

impl Challenge {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BODY_BYTES + TAG_BYTES);
        bytes.extend(self.room.0);
        bytes.extend(self.nonce);
        bytes.push(self.bits.min(MOST_BITS));
        bytes.extend(self.expires_ms.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (room, rest) = bytes.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (bits, rest) = rest.split_first()?;
        Some(Self {
            room: RoomId(*room),
            nonce: *nonce,
            bits: *bits,
            expires_ms: i64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: PowKey = PowKey([7; 32]);
    const ROOM: RoomId = RoomId([1; 16]);
    const CHALLENGE: Challenge = Challenge {
        room: ROOM,
        nonce: [2; 16],
        bits: 10,
        expires_ms: 60_000,
    };

    fn solved() -> (String, u64) {
        let text = KEY.issue(&CHALLENGE);
        let counter = solve(&text, 0, 1 << 20).unwrap().unwrap();
        (text, counter)
    }

    #[test]
    fn the_work_counts_until_its_time_is_past() {
        let (text, counter) = solved();
        assert_eq!(KEY.verify(&text, counter, ROOM, 10, 59_999), Ok(CHALLENGE));
        assert_eq!(
            KEY.verify(&text, counter, ROOM, 10, 60_000),
            Err(PowFault::Expired(60_000))
        );
    }

    #[test]
    fn work_that_was_not_done_does_not_count() {
        let (text, counter) = solved();
        // The first solution is the first: every counter before it is none.
        for wrong in 0..counter.min(200) {
            assert_eq!(
                KEY.verify(&text, wrong, ROOM, 10, 0),
                Err(PowFault::Unsolved)
            );
        }
    }

    #[test]
    fn work_for_another_room_or_from_easier_times_does_not_count() {
        let (text, counter) = solved();
        let other = KEY.verify(&text, counter, RoomId([9; 16]), 10, 0);
        assert_eq!(other, Err(PowFault::OtherRoom));
        let harder = KEY.verify(&text, counter, ROOM, 11, 0);
        assert_eq!(
            harder,
            Err(PowFault::TooEasy {
                had: 10,
                wanted: 11
            })
        );
    }

    #[test]
    fn a_challenge_one_gave_oneself_does_not_count() {
        let own = PowKey([8; 32]).issue(&Challenge {
            bits: 0,
            ..CHALLENGE
        });
        assert_eq!(KEY.verify(&own, 0, ROOM, 0, 0), Err(PowFault::NotOurs));
    }

    #[test]
    fn solving_in_slices_finds_the_same_as_at_once() {
        let (text, counter) = solved();
        let mut from = 0;
        let found = loop {
            if let Some(found) = solve(&text, from, 64).unwrap() {
                break found;
            }
            from += 64;
        };
        assert_eq!(found, counter);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_none_counts(text in "(pow1\\.)?.{0,200}", counter: u64) {
            prop_assert_eq!(KEY.verify(&text, counter, ROOM, 0, 0), Err(PowFault::NotOurs));
        }

        #[test]
        fn a_challenge_altered_anywhere_is_not_ours(at in 5..100_usize, with in "[A-Za-z0-9_-]") {
            let text = KEY.issue(&CHALLENGE);
            let at = at % text.len();
            let mut altered = text.clone();
            altered.replace_range(at..=at, &with);
            prop_assume!(altered != text);
            prop_assert!(KEY.verify(&altered, 0, ROOM, 0, 0).is_err());
        }
    }
}
