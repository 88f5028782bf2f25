//! Prices with a signature: what a fan was shown is what is charged, or the order is refused.
//!
//! A token holds performance, total, when it was made and until when it fixes the price, and a
//! digest of items and voucher, under an HMAC. It is not a secret and holds none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_core::PerformanceId;
use booking_core::price::OrderItem;
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// How long a quote fixes the price.
pub const VALID_MS: i64 = 15 * 60_000;

const VERSION: u8 = 1;
const DIGEST: usize = 16;
const TAG: usize = 32;
const PAYLOAD: usize = 1 + 16 + 8 + 8 + 8 + DIGEST;

/// What a quote promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// When it was made, ms since the epoch: vouchers are judged at this time.
    pub quoted_ms: i64,
    /// First instant at which it no longer fixes anything.
    pub valid_until_ms: i64,
    /// What was shown.
    pub total_minor: i64,
}

/// Why a token promises nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, or altered.
    #[error("the quote token is not one this shop has made")]
    NotOurs,
    /// One of ours, for something else.
    #[error("the quote token was made for other items, another voucher or another performance")]
    ForSomethingElse,
}

impl TokenError {
    /// In words for the fan's program.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::NotOurs => "the quote token is not one this shop has made",
            Self::ForSomethingElse => {
                "the quote token was made for other items, another voucher or another performance"
            }
        }
    }
}

/// The key quotes are signed with.
#[derive(Clone)]
pub struct QuoteKey([u8; 32]);

impl std::fmt::Debug for QuoteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QuoteKey(***)")
    }
}

impl QuoteKey {
    /// Wraps a secret.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The token for a promise.
    #[must_use]
    pub fn sign(
        &self,
        performance: PerformanceId,
        items: &[OrderItem],
        voucher: Option<&str>,
        promise: Promise,
    ) -> String {
        let mut token = Vec::with_capacity(PAYLOAD + TAG);
        token.push(VERSION);
        token.extend_from_slice(performance.as_bytes());
        token.extend_from_slice(&promise.quoted_ms.to_be_bytes());
        token.extend_from_slice(&promise.valid_until_ms.to_be_bytes());
        token.extend_from_slice(&promise.total_minor.to_be_bytes());
        token.extend_from_slice(&digest(items, voucher));
        let tag = self.mac(&token).finalize().into_bytes();
        token.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// What `token` promised for exactly these items. That it is too old is for the caller to see.
    pub fn verify(
        &self,
        token: &str,
        performance: PerformanceId,
        items: &[OrderItem],
        voucher: Option<&str>,
    ) -> Result<Promise, TokenError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| TokenError::NotOurs)?;
        if bytes.len() != PAYLOAD + TAG || bytes[0] != VERSION {
            return Err(TokenError::NotOurs);
        }
        let (payload, tag) = bytes.split_at(PAYLOAD);
        self.mac(payload)
            .verify_slice(tag)
            .map_err(|_| TokenError::NotOurs)?;
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&payload[at..at + 8]);
            i64::from_be_bytes(eight)
        };
        if payload[1..17] != performance.as_bytes()[..] || payload[41..] != digest(items, voucher) {
            return Err(TokenError::ForSomethingElse);
        }
        Ok(Promise {
            quoted_ms: number(17),
            valid_until_ms: number(25),
            total_minor: number(33),
        })
    }

    fn mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any key length will do");
        mac.update(b"onsale/quote/");
        mac.update(payload);
        mac
    }
}

/// Items in their order, and the voucher without regard to case.
fn digest(items: &[OrderItem], voucher: Option<&str>) -> [u8; DIGEST] {
    let content = (items, voucher.map(str::to_ascii_uppercase));
    let json = serde_json::to_vec(&content).expect("plain data can be written as JSON");
    let mut first = [0; DIGEST];
    first.copy_from_slice(&Sha256::digest(&json)[..DIGEST]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::price::Place;
    use booking_core::{PriceTypeIx, SeatIx};

    const PROMISE: Promise = Promise {
        quoted_ms: 5,
        valid_until_ms: 50,
        total_minor: 4_200,
    };

    fn items(seats: &[u32]) -> Vec<OrderItem> {
        seats
            .iter()
            .map(|seat| OrderItem {
                place: Place::Seat(SeatIx(*seat)),
                price_type: PriceTypeIx(0),
            })
            .collect()
    }

    #[test]
    fn a_token_says_what_was_promised_for_what() {
        let key = QuoteKey::new([3; 32]);
        let performance = PerformanceId::from_u128(1);
        let token = key.sign(performance, &items(&[1, 2]), Some("Early"), PROMISE);
        let read = |performance, seats: &[u32], voucher| {
            key.verify(&token, performance, &items(seats), voucher)
        };
        assert_eq!(read(performance, &[1, 2], Some("EARLY")), Ok(PROMISE));
        let other = Err(TokenError::ForSomethingElse);
        assert_eq!(read(performance, &[1, 3], Some("EARLY")), other);
        assert_eq!(read(performance, &[1], Some("EARLY")), other);
        assert_eq!(read(performance, &[1, 2], None), other);
        assert_eq!(
            read(PerformanceId::from_u128(2), &[1, 2], Some("EARLY")),
            other
        );
    }

    #[test]
    fn a_token_altered_anywhere_or_signed_by_another_key_promises_nothing() {
        let key = QuoteKey::new([3; 32]);
        let performance = PerformanceId::from_u128(1);
        let token = key.sign(performance, &items(&[1]), None, PROMISE);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(altered);
            let read = key.verify(&altered, performance, &items(&[1]), None);
            assert_eq!(read, Err(TokenError::NotOurs), "byte {at}");
        }
        for rubbish in ["", "x", "====", &token[1..], &format!("{token}AA")] {
            let read = key.verify(rubbish, performance, &items(&[1]), None);
            assert_eq!(read, Err(TokenError::NotOurs), "{rubbish}");
        }
        let other = QuoteKey::new([4; 32]);
        assert_eq!(
            other.verify(&token, performance, &items(&[1]), None),
            Err(TokenError::NotOurs)
        );
    }
}
