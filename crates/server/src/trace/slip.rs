//! A browser's own span, without a collector in the browser: the answer to a traced request brings a
//! slip, and the page hands it back with how long it waited.
//!
//! **Invariants.** A slip says which span that is, what was asked for, and when the server was at it.
//! Whoever has one can say how long it took, within bounds, and nothing else; nobody can make one
//! without the key. It is no secret and holds none.

use super::{Kind, Span, SpanId, TraceId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a slip is good after the server's answer.
pub const VALID: Duration = Duration::from_secs(120);
/// Longest that a browser may say it waited.
pub const WAITED_MOST: Duration = Duration::from_secs(60);
/// Longest text of a slip.
pub const TEXT_MOST_BYTES: usize = 512;

const VERSION: u8 = 1;
const TAG: usize = 32;
/// Version, trace, span, beginning, duration.
const FIXED: usize = 1 + 16 + 8 + 8 + 8;
/// A longer name is cut: the text stays within its bound.
const NAME_MOST_BYTES: usize = 256;

/// What a slip says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// The trace.
    pub trace: TraceId,
    /// The browser's span.
    pub span: SpanId,
    /// When the server began with it, to the microsecond.
    pub began: SystemTime,
    /// How long until its answer began, to the microsecond.
    pub took: Duration,
    /// What was asked for: method and route.
    pub name: String,
}

/// Why a slip is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlipError {
    /// Not one of ours, or altered.
    #[error("this is no slip that the shop has given")]
    NotOurs,
    /// One of ours, too late.
    #[error("this slip is too old")]
    TooOld,
}

/// The key slips are signed with.
#[derive(Clone)]
pub struct SlipKey([u8; 32]);

impl std::fmt::Debug for SlipKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlipKey(***)")
    }
}

impl SlipKey {
    /// From a secret that is there for something else, and tells nothing about it.
    #[must_use]
    pub fn derived(secret: &[u8; 32]) -> Self {
        Self(
            mac(secret, b"onsale/slip/key/", &[])
                .finalize()
                .into_bytes()
                .into(),
        )
    }

    /// The slip as a text of letters, digits, `-` and `_`.
    #[must_use]
    pub fn sign(&self, slip: &Slip) -> String {
        let since = slip.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut bytes = Vec::with_capacity(FIXED + slip.name.len() + TAG);
        bytes.push(VERSION);
        bytes.extend_from_slice(&slip.trace.get().to_be_bytes());
        bytes.extend_from_slice(&slip.span.get().to_be_bytes());
        bytes.extend_from_slice(&micros(since).to_be_bytes());
        bytes.extend_from_slice(&micros(slip.took).to_be_bytes());
        let cut = slip.name.floor_char_boundary(NAME_MOST_BYTES);
        bytes.extend_from_slice(&slip.name.as_bytes()[..cut]);
        let tag = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a slip that is good at `now`.
    pub fn read(&self, text: &str, now: SystemTime) -> Result<Slip, SlipError> {
        let ours = self.known(text).ok_or(SlipError::NotOurs)?;
        let answered = ours.began + ours.took;
        match now.duration_since(answered) {
            Ok(since) if since > VALID => Err(SlipError::TooOld),
            // Servers' clocks differ a little.
            Ok(_) | Err(_) => Ok(ours),
        }
    }

    fn known(&self, text: &str) -> Option<Slip> {
        if text.len() > TEXT_MOST_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (payload, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        self.mac(payload).verify_slice(tag).ok()?;
        let (fixed, name) = payload.split_at_checked(FIXED)?;
        if fixed[0] != VERSION {
            return None;
        }
        let eight = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&fixed[at..at + 8]);
            u64::from_be_bytes(eight)
        };
        Some(Slip {
            trace: TraceId::new(u128::from(eight(1)) << 64 | u128::from(eight(9)))?,
            span: SpanId::new(eight(17))?,
            began: UNIX_EPOCH.checked_add(Duration::from_micros(eight(25)))?,
            took: Duration::from_micros(eight(33)),
            name: String::from_utf8(name.to_vec()).ok()?,
        })
    }

    fn mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        mac(&self.0, b"onsale/slip/1/", payload)
    }
}

impl Slip {
    /// The browser's span, of which it says how long it was. Its clock is not asked: what the server
    /// did lies in the middle, as if the way there took as long as the way back.
    #[must_use]
    pub fn span(self, waited: Duration) -> Span {
        let waited = waited.clamp(self.took, WAITED_MOST.max(self.took));
        let way = (waited - self.took) / 2;
        let began = self.began.checked_sub(way).unwrap_or(self.began);
        Span {
            trace: self.trace,
            id: self.span,
            parent: None,
            parent_is_remote: false,
            kind: Kind::Client,
            name: Cow::Owned(format!("browser {}", self.name)),
            began,
            ended: began + waited,
            facts: Vec::new(),
            fault: None,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn mac(key: &[u8; 32], purpose: &[u8], payload: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length will do");
    mac.update(purpose);
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SlipKey {
        SlipKey::derived(&[7; 32])
    }

    fn slip() -> Slip {
        Slip {
            trace: TraceId::new(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736).unwrap(),
            span: SpanId::new(0x00f0_67aa_0ba9_02b7).unwrap(),
            began: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            took: Duration::from_millis(5),
            name: "POST /api/v1/performances/{id}/holds".into(),
        }
    }

    #[test]
    fn a_slip_is_read_as_it_was_signed_by_whoever_has_the_key() {
        let text = key().sign(&slip());
        assert!(text.len() <= TEXT_MOST_BYTES);
        let soon = slip().began + Duration::from_secs(1);
        assert_eq!(key().read(&text, soon), Ok(slip()));
        // A server whose clock is behind.
        assert_eq!(key().read(&text, slip().began - VALID), Ok(slip()));
        let other = SlipKey::derived(&[8; 32]);
        assert_eq!(other.read(&text, soon), Err(SlipError::NotOurs));
        let late = slip().began + slip().took + VALID + Duration::from_millis(1);
        assert_eq!(key().read(&text, late), Err(SlipError::TooOld));
    }

    #[test]
    fn whatever_is_altered_is_no_slip() {
        let text = key().sign(&slip());
        let now = slip().began;
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            // The last character has bits that say nothing; base64 refuses them.
            assert_eq!(key().read(&altered, now), Err(SlipError::NotOurs), "{at}");
        }
        for text in [
            "",
            "A",
            &text[1..],
            &text[..text.len() - 2],
            &"A".repeat(100_000),
        ] {
            assert_eq!(key().read(text, now), Err(SlipError::NotOurs));
        }
    }

    #[test]
    fn a_long_name_is_cut_and_the_text_keeps_its_bound() {
        let long = Slip {
            name: "ä".repeat(1_000),
            ..slip()
        };
        let text = key().sign(&long);
        assert!(text.len() <= TEXT_MOST_BYTES, "{}", text.len());
        let read = key().read(&text, long.began).unwrap();
        assert_eq!(read.name, "ä".repeat(NAME_MOST_BYTES / 2));
    }

    #[test]
    fn the_servers_part_lies_in_the_middle_of_the_browsers() {
        let ms = Duration::from_millis;
        let lasted = |span: &Span| span.ended.duration_since(span.began).unwrap();
        let span = slip().span(ms(25));
        assert_eq!(span.began, slip().began - ms(10));
        assert_eq!(lasted(&span), ms(25));
        assert_eq!((span.id, span.parent), (slip().span, None));
        // Nobody waits for less than it took, or for ever.
        assert_eq!(lasted(&slip().span(ms(1))), ms(5));
        assert_eq!(lasted(&slip().span(Duration::MAX)), WAITED_MOST);
    }
}
