//! A provider's notices: how they are signed, and how old they may be.
//!
//! The header is `onsale-signature: t=<ms since the epoch>,v1=<hex HMAC-SHA-256 of "t.body">`. A
//! notice only ever says "look again": nothing is done because a notice says so, so duplicates,
//! gaps and any order of arrival are harmless.

use super::IdempotencyKey;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// The header that carries a notice's signature.
pub const SIGNATURE_HEADER: &str = "onsale-signature";

/// How far a notice's time may be from ours. Older ones may be replays.
pub const WINDOW_MS: i64 = 5 * 60_000;

/// Longest notice that is read.
pub const NOTICE_MAX_BYTES: usize = 4 * 1024;

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Names the notice: a duplicate has the same.
    pub id: Uuid,
    /// What happened.
    pub kind: NoticeKind,
    /// To which payment.
    pub key: IdempotencyKey,
    /// When, ms since the epoch.
    pub at_ms: i64,
}

/// What happened to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Money is set aside.
    Authorised,
    /// The bank said no.
    Declined,
    /// The bank wants to ask the fan.
    StepNeeded,
    /// Money was taken.
    Captured,
    /// Money set aside was given free.
    Voided,
    /// Money was given back.
    Refunded,
}

/// Why a notice is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The header is not of the agreed form.
    #[error("the signature header is not of the form t=…,v1=…")]
    Malformed,
    /// Not signed by the provider.
    #[error("the signature does not match")]
    BadSignature,
    /// Too old or from the future.
    #[error("the notice is too old")]
    OutsideWindow,
    /// Signed, but not a notice.
    #[error("the notice cannot be read")]
    Unreadable,
}

/// The secret shared with the provider.
#[derive(Clone)]
pub struct WebhookKey([u8; 32]);

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(***)")
    }
}

impl WebhookKey {
    /// Wraps the shared secret.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The header for `body` sent at `at_ms`.
    #[must_use]
    pub fn sign(&self, at_ms: i64, body: &[u8]) -> String {
        let tag = self.mac(at_ms, body).finalize().into_bytes();
        let mut header = format!("t={at_ms},v1=");
        for byte in tag {
            header.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            header.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        }
        header
    }

    /// Checks signature and age, then reads the notice.
    pub fn verify(
        &self,
        signature: &str,
        body: &[u8],
        now_ms: i64,
    ) -> Result<Notice, WebhookError> {
        let (at_ms, tag) = parse(signature).ok_or(WebhookError::Malformed)?;
        // The comparison is in constant time, and comes before anything in the body is looked at.
        self.mac(at_ms, body)
            .verify_slice(&tag)
            .map_err(|_| WebhookError::BadSignature)?;
        if now_ms.abs_diff(at_ms) > WINDOW_MS.unsigned_abs() {
            return Err(WebhookError::OutsideWindow);
        }
        serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)
    }

    fn mac(&self, at_ms: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any key length will do");
        mac.update(at_ms.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

fn parse(signature: &str) -> Option<(i64, [u8; 32])> {
    let (time, tag) = signature.trim().strip_prefix("t=")?.split_once(",v1=")?;
    // `parse` would also take "+5", which signs as another text.
    if time.starts_with('+') || tag.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(tag.as_bytes().chunks_exact(2)) {
        let nibble = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|n| u8::try_from(n).ok())
        };
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some((time.parse().ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Vec<u8> {
        serde_json::to_vec(&Notice {
            id: Uuid::from_u128(1),
            kind: NoticeKind::Captured,
            key: IdempotencyKey(Uuid::from_u128(2)),
            at_ms: 5,
        })
        .unwrap()
    }

    #[test]
    fn a_signed_notice_is_read() {
        let key = WebhookKey::new([7; 32]);
        let header = key.sign(1_000, &notice());
        let read = key.verify(&header, &notice(), 1_000 + WINDOW_MS).unwrap();
        assert_eq!(read.kind, NoticeKind::Captured);
    }

    #[test]
    fn a_notice_altered_or_signed_by_somebody_else_is_not_believed() {
        let key = WebhookKey::new([7; 32]);
        let header = key.sign(1_000, &notice());
        let mut altered = notice();
        altered[10] ^= 1;
        assert_eq!(
            key.verify(&header, &altered, 1_000),
            Err(WebhookError::BadSignature)
        );
        let other = WebhookKey::new([8; 32]).sign(1_000, &notice());
        assert_eq!(
            key.verify(&other, &notice(), 1_000),
            Err(WebhookError::BadSignature)
        );
        let later = header.replace("t=1000", "t=1001");
        assert_eq!(
            key.verify(&later, &notice(), 1_000),
            Err(WebhookError::BadSignature)
        );
    }

    #[test]
    fn an_old_notice_is_not_believed_though_it_is_signed() {
        let key = WebhookKey::new([7; 32]);
        let header = key.sign(1_000, &notice());
        let now_ms = 1_001 + WINDOW_MS;
        assert_eq!(
            key.verify(&header, &notice(), now_ms),
            Err(WebhookError::OutsideWindow)
        );
        let header = key.sign(i64::MIN, &notice());
        assert_eq!(
            key.verify(&header, &notice(), i64::MAX),
            Err(WebhookError::OutsideWindow)
        );
    }

    #[test]
    fn a_signature_header_of_another_form_is_malformed() {
        let key = WebhookKey::new([7; 32]);
        let tag = "0".repeat(64);
        for header in [
            "",
            "t=",
            "v1=00",
            "t=1,v1=zz",
            &format!("t=+1,v1={tag}"),
            &format!("t=x,v1={tag}"),
        ] {
            assert_eq!(
                key.verify(header, b"{}", 1),
                Err(WebhookError::Malformed),
                "{header}"
            );
        }
    }

    #[test]
    fn signed_rubbish_is_unreadable() {
        let key = WebhookKey::new([7; 32]);
        assert_eq!(
            key.verify(&key.sign(1, b"[]"), b"[]", 1),
            Err(WebhookError::Unreadable)
        );
    }
}
