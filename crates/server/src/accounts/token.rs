//! Secrets that cookies carry: the session's token, and the mark of a device that has signed in.
//!
//! **Invariant:** what is stored of a token is its hash, which opens nothing.

use super::AccountId;
use crate::clock::random_bytes;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// 32 bytes in lower-case hexadecimal.
const TOKEN_CHARS: usize = 64;
/// Account, device and tag, 16 bytes each, in hexadecimal.
const DEVICE_CHARS: usize = 96;

/// What a session's cookie holds.
pub struct Token(Zeroizing<String>);

/// What is stored of a [`Token`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl Token {
    /// A new one that nobody can guess.
    #[must_use]
    pub fn new() -> Self {
        Self(Zeroizing::new(hex(&random_bytes::<32>())))
    }

    /// For the cookie.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// For the database.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        digest(&self.0)
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}…)", hex(&self.0[..4]))
    }
}

impl TokenHash {
    /// Of what a cookie holds; `None` where it is not of the shape we make.
    #[must_use]
    pub fn of_cookie(text: &str) -> Option<Self> {
        (text.len() == TOKEN_CHARS && is_hex(text)).then(|| digest(text))
    }
}

fn digest(text: &str) -> TokenHash {
    // A prefix of its own: a guest's id is made from the hash of such a text too.
    let hash = Sha256::new()
        .chain_update(b"onsale/account-session/")
        .chain_update(text.as_bytes());
    TokenHash(hash.finalize().into())
}

/// Signs device marks. Losing it makes known devices unknown, and that is all.
#[derive(Clone)]
pub struct DeviceKey(Zeroizing<[u8; 32]>);

/// A browser in which an account has signed in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device(pub [u8; 16]);

impl DeviceKey {
    /// From the data folder.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// What keys the throttle's hashes: the same after a restart.
    #[must_use]
    pub fn throttle_salt(&self) -> [u8; 16] {
        let mut tag = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0[..])
            .expect("HMAC takes keys of any length");
        tag.update(b"onsale/throttle");
        let tag = tag.finalize().into_bytes();
        let mut salt = [0; 16];
        salt.copy_from_slice(&tag[..16]);
        salt
    }

    fn tag(&self, account: AccountId, device: Device) -> Hmac<Sha256> {
        let mut tag = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0[..])
            .expect("HMAC takes keys of any length");
        tag.update(b"onsale/device/");
        tag.update(account.as_bytes());
        tag.update(&device.0);
        tag
    }

    /// What the device's cookie holds from now on.
    #[must_use]
    pub fn mark(&self, account: AccountId, device: Device) -> String {
        let tag = self.tag(account, device).finalize().into_bytes();
        format!(
            "{}{}{}",
            hex(account.as_bytes()),
            hex(&device.0),
            hex(&tag[..16])
        )
    }

    /// The device whose mark this is, where `account` has signed in there.
    #[must_use]
    pub fn device(&self, account: AccountId, mark: &str) -> Option<Device> {
        if mark.len() != DEVICE_CHARS || !is_hex(mark) {
            return None;
        }
        let (whose, rest) = mark.split_at(32);
        let (device, tag) = rest.split_at(32);
        if whose != hex(account.as_bytes()) {
            return None;
        }
        let device = Device(unhex(device)?);
        self.tag(account, device)
            .verify_truncated_left(&unhex::<16>(tag)?)
            .ok()
            .map(|()| device)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(…)")
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u128) -> AccountId {
        AccountId::from_u128(n)
    }

    #[test]
    fn a_token_is_found_again_by_what_its_cookie_holds() {
        let token = Token::new();
        assert_eq!(TokenHash::of_cookie(token.text()), Some(token.hash()));
        assert_ne!(token.hash(), Token::new().hash());
        for text in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(TokenHash::of_cookie(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_token() {
        let token = Token::new();
        assert!(!format!("{token:?}").contains(token.text()));
    }

    #[test]
    fn a_device_is_known_for_the_account_that_signed_in_there_and_no_other() {
        let key = DeviceKey::new([7; 32]);
        let device = Device([9; 16]);
        let mark = key.mark(account(1), device);
        assert_eq!(key.device(account(1), &mark), Some(device));
        assert_eq!(key.device(account(2), &mark), None);
        assert_eq!(DeviceKey::new([8; 32]).device(account(1), &mark), None);
        // Somebody writes another account into their own mark.
        let forged = format!("{}{}", hex(account(2).as_bytes()), &mark[32..]);
        assert_eq!(key.device(account(2), &forged), None);
        for text in ["", &mark[1..], &mark.to_uppercase(), &"0".repeat(96)] {
            assert_eq!(key.device(account(1), text), None, "{text}");
        }
    }
}
