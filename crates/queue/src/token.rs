//! Signed tokens: the *pass* that holds a visitor's place while they wait, and the *admission token*
//! that opens the shop.
//!
//! Both are `LABEL.BASE64URL(key id ‖ payload ‖ Ed25519 signature)`; passes of those who join at the
//! same moment share one signature (`together`). The signature covers the label
//! too, so that a pass can never be taken for an admission. Checking needs the public key alone,
//! so a gate at a CDN's edge can do it without calling home. That an admission is used once is the
//! room's business: it remembers ids until they expire.

mod together;

pub use together::{MOST_TOGETHER, SALT_BYTES};

use crate::number::{Epoch, Place, QueueNumber};
use crate::wire::Wishes;
use alloc::{string::String, vec::Vec};
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

const PASS: &str = "onsale-pass-1";
const ADMISSION: &str = "onsale-admission-1";
const KEY_ID_BYTES: usize = 4;
const SIGNATURE_BYTES: usize = 64;
/// Longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 4_096;
/// Most seats an admission may name.
pub const MAX_SEATS: usize = 256;
/// How far another machine's clock may be ahead of ours.
pub const CLOCK_SKEW_MS: i64 = 5_000;

/// Names a room, 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub [u8; 16]);
crate::text::hex_text!(RoomId, 16);

/// Names a visitor's session, 16 bytes (a hash of their cookie): a token taken from its owner is
/// of no use in another browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VisitorId(pub [u8; 16]);
crate::text::hex_text!(VisitorId, 16);

/// A visitor's place, held by the visitor: a store that forgot everybody loses nobody's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Which room.
    pub room: RoomId,
    /// Whose.
    pub visitor: VisitorId,
    /// Where in the queue.
    pub place: Place,
    /// When they joined, ms since the epoch.
    pub joined_ms: i64,
    /// What they want, said while waiting. Kept here, so that the room remembers nothing of who waits.
    pub wishes: Wishes,
}

/// The right to be in the shop for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Admission {
    /// Which room let them in.
    pub room: RoomId,
    /// Whom.
    pub visitor: VisitorId,
    /// Names this admission, so that it is used once.
    pub id: [u8; 16],
    /// When it was given, ms since the epoch.
    pub issued_ms: i64,
    /// First instant at which it is no longer good.
    pub expires_ms: i64,
    /// What may be bought with it.
    pub authority: Authority,
}

/// What an admission entitles to. The default is everything the room protects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Authority {
    /// Most places; 0: as many as the performance allows.
    pub max_places: u16,
    /// Only these price bands; empty: all.
    pub bands: Vec<u8>,
    /// Only these seats; empty: all.
    pub seats: Vec<u32>,
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not a token of this kind.
    #[error("this is not a token of that kind")]
    Malformed,
    /// Signed by a key that is not among ours (any more).
    #[error("signed by a key that is not known here")]
    UnknownKey,
    /// Altered, or forged.
    #[error("the signature does not fit")]
    BadSignature,
    /// Its time is past.
    #[error("expired at {0} ms")]
    Expired(i64),
    /// Its time has not come, by more than clocks differ.
    #[error("not valid before {0} ms")]
    FromTheFuture(i64),
    /// It is for another room.
    #[error("for another room")]
    OtherRoom,
    /// It belongs to somebody else.
    #[error("belongs to another visitor")]
    OtherVisitor,
}

/// Signs tokens. Keep the seed secret.
pub struct Issuer {
    key: SigningKey,
    id: [u8; KEY_ID_BYTES],
}

/// The public keys that tokens are checked with: the current one and those it replaced.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<([u8; KEY_ID_BYTES], VerifyingKey)>);

/// A public key's bytes that are no point on the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are not an Ed25519 public key")]
pub struct NotAKey;

impl Issuer {
    /// An issuer from 32 secret random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let id = key_id(&key.verifying_key());
        Self { key, id }
    }

    /// The public key to check with.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Signs a pass.
    #[must_use]
    pub fn pass(&self, pass: &Pass) -> String {
        self.sign(PASS, &pass.encode())
    }

    /// Signs an admission.
    #[must_use]
    pub fn admission(&self, admission: &Admission) -> String {
        self.sign(ADMISSION, &admission.encode())
    }

    fn sign(&self, label: &str, payload: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(KEY_ID_BYTES + payload.len() + SIGNATURE_BYTES);
        bytes.extend(self.id);
        bytes.extend(payload);
        let signature = self.key.sign(&signed_bytes(label, &bytes));
        bytes.extend(signature.to_bytes());
        text_of(label, &bytes)
    }
}

impl Keys {
    /// Keys from their 32 bytes each.
    pub fn new(keys: &[[u8; 32]]) -> Result<Self, NotAKey> {
        let read = |bytes: &[u8; 32]| {
            let key = VerifyingKey::from_bytes(bytes).map_err(|_| NotAKey)?;
            Ok((key_id(&key), key))
        };
        keys.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Checks a pass for `room` and `visitor`. Passes do not expire: a place is kept as long as the
    /// room lives.
    pub fn check_pass(
        &self,
        token: &str,
        room: RoomId,
        visitor: VisitorId,
        now_ms: i64,
    ) -> Result<Pass, TokenFault> {
        let pass = self.open_pass(token)?;
        bound_to(pass.room, room, pass.visitor, visitor)?;
        not_from_the_future(pass.joined_ms, now_ms)?;
        Ok(pass)
    }

    /// Checks a pass that is shown in another session than it was given to: the same fan's second
    /// device. It is still one place: whoever claims it first is let in, the other session is told so.
    pub fn check_shown_pass(
        &self,
        token: &str,
        room: RoomId,
        now_ms: i64,
    ) -> Result<Pass, TokenFault> {
        let pass = self.open_pass(token)?;
        bound_to(pass.room, room, pass.visitor, pass.visitor)?;
        not_from_the_future(pass.joined_ms, now_ms)?;
        Ok(pass)
    }

    /// Checks an admission for `room` and `visitor` at `now_ms`.
    pub fn check_admission(
        &self,
        token: &str,
        room: RoomId,
        visitor: VisitorId,
        now_ms: i64,
    ) -> Result<Admission, TokenFault> {
        let admission =
            Admission::decode(&self.open(ADMISSION, token)?).ok_or(TokenFault::Malformed)?;
        bound_to(admission.room, room, admission.visitor, visitor)?;
        not_from_the_future(admission.issued_ms, now_ms)?;
        if now_ms >= admission.expires_ms {
            return Err(TokenFault::Expired(admission.expires_ms));
        }
        Ok(admission)
    }

    fn open_pass(&self, token: &str) -> Result<Pass, TokenFault> {
        let payload = match payload_of(together::LABEL, token) {
            Some(text) => self.open_one_of_many(text),
            None => self.open(PASS, token),
        };
        Pass::decode(&payload?).ok_or(TokenFault::Malformed)
    }

    /// The payload of a token whose signature fits.
    fn open(&self, label: &str, token: &str) -> Result<Vec<u8>, TokenFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::Malformed);
        }
        let text = payload_of(label, token).ok_or(TokenFault::Malformed)?;
        let mut bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| TokenFault::Malformed)?;
        let signature = *bytes
            .last_chunk::<SIGNATURE_BYTES>()
            .ok_or(TokenFault::Malformed)?;
        bytes.truncate(bytes.len() - SIGNATURE_BYTES);
        let id = bytes
            .first_chunk::<KEY_ID_BYTES>()
            .ok_or(TokenFault::Malformed)?;
        self.verify(id, &signed_bytes(label, &bytes), &signature)?;
        bytes.drain(..KEY_ID_BYTES);
        Ok(bytes)
    }

    fn verify(
        &self,
        id: &[u8; KEY_ID_BYTES],
        signed: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), TokenFault> {
        let (_, key) = self
            .0
            .iter()
            .find(|(known, _)| known == id)
            .ok_or(TokenFault::UnknownKey)?;
        key.verify_strict(signed, &Signature::from_bytes(signature))
            .map_err(|_| TokenFault::BadSignature)
    }
}

/// What stands behind the label.
fn payload_of<'a>(label: &str, token: &'a str) -> Option<&'a str> {
    token.strip_prefix(label)?.strip_prefix('.')
}

fn text_of(label: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(label.len() + 1 + bytes.len().div_ceil(3) * 4);
    text.push_str(label);
    text.push('.');
    BASE64URL_NOPAD.encode_append(bytes, &mut text);
    text
}

fn key_id(key: &VerifyingKey) -> [u8; KEY_ID_BYTES] {
    let digest = Sha256::digest(key.as_bytes());
    [digest[0], digest[1], digest[2], digest[3]]
}

fn signed_bytes(label: &str, bytes: &[u8]) -> Vec<u8> {
    [label.as_bytes(), b".", bytes].concat()
}

fn bound_to(
    of: RoomId,
    room: RoomId,
    whose: VisitorId,
    visitor: VisitorId,
) -> Result<(), TokenFault> {
    if of != room {
        Err(TokenFault::OtherRoom)
    } else if whose != visitor {
        Err(TokenFault::OtherVisitor)
    } else {
        Ok(())
    }
}

fn not_from_the_future(at_ms: i64, now_ms: i64) -> Result<(), TokenFault> {
    if at_ms > now_ms.saturating_add(CLOCK_SKEW_MS) {
        return Err(TokenFault::FromTheFuture(at_ms));
    }
    Ok(())
}

impl Pass {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        self.encode_onto(&mut bytes);
        bytes
    }

    fn encode_onto(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.room.0);
        bytes.extend(self.visitor.0);
        bytes.extend(self.place.epoch.0.to_be_bytes());
        bytes.extend(self.place.number.0.to_be_bytes());
        bytes.extend(self.joined_ms.to_be_bytes());
        let Wishes {
            places,
            band,
            together,
            accessible,
        } = self.wishes;
        let flags = u8::from(together) | u8::from(accessible) << 1 | u8::from(band.is_some()) << 2;
        bytes.extend([places, band.unwrap_or(0), flags]);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let pass = Self {
            room: RoomId(take(&mut rest)?),
            visitor: VisitorId(take(&mut rest)?),
            place: Place {
                epoch: Epoch(u32::from_be_bytes(take(&mut rest)?)),
                number: QueueNumber(u64::from_be_bytes(take(&mut rest)?)),
            },
            joined_ms: i64::from_be_bytes(take(&mut rest)?),
            wishes: {
                let [places, band, flags] = take(&mut rest)?;
                Wishes {
                    places,
                    band: (flags & 4 != 0).then_some(band),
                    together: flags & 1 != 0,
                    accessible: flags & 2 != 0,
                }
            },
        };
        rest.is_empty().then_some(pass)
    }
}

impl Admission {
    fn encode(&self) -> Vec<u8> {
        let Authority {
            max_places,
            bands,
            seats,
        } = &self.authority;
        let mut bytes = Vec::with_capacity(68 + bands.len() + seats.len() * 4);
        bytes.extend(self.room.0);
        bytes.extend(self.visitor.0);
        bytes.extend(self.id);
        bytes.extend(self.issued_ms.to_be_bytes());
        bytes.extend(self.expires_ms.to_be_bytes());
        bytes.extend(max_places.to_be_bytes());
        let bands = &bands[..bands.len().min(usize::from(u8::MAX))];
        bytes.push(bands.len() as u8);
        bytes.extend(bands);
        bytes.extend(
            seats
                .iter()
                .take(MAX_SEATS)
                .flat_map(|seat| seat.to_be_bytes()),
        );
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let (room, visitor, id) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        let issued_ms = i64::from_be_bytes(take(&mut rest)?);
        let expires_ms = i64::from_be_bytes(take(&mut rest)?);
        let max_places = u16::from_be_bytes(take(&mut rest)?);
        let [count] = take(&mut rest)?;
        let (bands, seats) = rest.split_at_checked(usize::from(count))?;
        let (seats, odd) = seats.as_chunks::<4>();
        if !odd.is_empty() || seats.len() > MAX_SEATS {
            return None;
        }
        Some(Self {
            room: RoomId(room),
            visitor: VisitorId(visitor),
            id,
            issued_ms,
            expires_ms,
            authority: Authority {
                max_places,
                bands: bands.to_vec(),
                seats: seats.iter().map(|seat| u32::from_be_bytes(*seat)).collect(),
            },
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const ROOM: RoomId = RoomId([1; 16]);
    const ANN: VisitorId = VisitorId([2; 16]);
    const NOW_MS: i64 = 1_800_000_000_000;

    fn issuer() -> (Issuer, Keys) {
        let issuer = Issuer::from_seed(&[9; 32]);
        let keys = Keys::new(&[issuer.public_key()]).unwrap();
        (issuer, keys)
    }
    fn pass() -> Pass {
        Pass {
            room: ROOM,
            visitor: ANN,
            place: Place {
                epoch: Epoch(1),
                number: QueueNumber(42),
            },
            joined_ms: NOW_MS,
            wishes: Wishes {
                places: 2,
                band: Some(0),
                together: true,
                accessible: false,
            },
        }
    }
    fn admission() -> Admission {
        Admission {
            room: ROOM,
            visitor: ANN,
            id: [3; 16],
            issued_ms: NOW_MS,
            expires_ms: NOW_MS + 60_000,
            authority: Authority {
                max_places: 4,
                bands: vec![0, 2],
                seats: vec![7, 70_000],
            },
        }
    }

    #[test]
    fn a_pass_gives_back_the_place_it_holds() {
        let (issuer, keys) = issuer();
        assert_eq!(
            keys.check_pass(&issuer.pass(&pass()), ROOM, ANN, NOW_MS),
            Ok(pass())
        );
    }

    #[test]
    fn an_admission_ends_at_its_time_to_the_millisecond() {
        let (issuer, keys) = issuer();
        let token = issuer.admission(&admission());
        let end = NOW_MS + 60_000;
        assert_eq!(
            keys.check_admission(&token, ROOM, ANN, end - 1),
            Ok(admission())
        );
        assert_eq!(
            keys.check_admission(&token, ROOM, ANN, end),
            Err(TokenFault::Expired(end))
        );
    }

    #[test]
    fn a_token_from_the_future_is_refused_beyond_the_difference_of_clocks() {
        let (issuer, keys) = issuer();
        let token = issuer.admission(&admission());
        assert!(
            keys.check_admission(&token, ROOM, ANN, NOW_MS - CLOCK_SKEW_MS)
                .is_ok()
        );
        assert_eq!(
            keys.check_admission(&token, ROOM, ANN, NOW_MS - CLOCK_SKEW_MS - 1),
            Err(TokenFault::FromTheFuture(NOW_MS))
        );
    }

    #[test]
    fn a_token_is_good_in_its_room_for_its_visitor_only() {
        let (issuer, keys) = issuer();
        let token = issuer.admission(&admission());
        let other_room = keys.check_admission(&token, RoomId([8; 16]), ANN, NOW_MS);
        assert_eq!(other_room, Err(TokenFault::OtherRoom));
        let other_visitor = keys.check_admission(&token, ROOM, VisitorId([8; 16]), NOW_MS);
        assert_eq!(other_visitor, Err(TokenFault::OtherVisitor));
    }

    #[test]
    fn a_pass_shown_on_a_second_device_is_the_same_place_but_in_its_room_only() {
        let (issuer, keys) = issuer();
        let token = issuer.pass(&pass());
        assert_eq!(keys.check_shown_pass(&token, ROOM, NOW_MS), Ok(pass()));
        let elsewhere = keys.check_shown_pass(&token, RoomId([8; 16]), NOW_MS);
        assert_eq!(elsewhere, Err(TokenFault::OtherRoom));
    }

    #[test]
    fn a_pass_is_never_taken_for_an_admission() {
        let (issuer, keys) = issuer();
        let dressed_up = issuer.pass(&pass()).replace(PASS, ADMISSION);
        assert_eq!(
            keys.check_admission(&dressed_up, ROOM, ANN, NOW_MS),
            Err(TokenFault::BadSignature)
        );
    }

    #[test]
    fn a_replaced_key_still_opens_what_it_signed_and_a_foreign_one_does_not() {
        let (old, _) = issuer();
        let new = Issuer::from_seed(&[10; 32]);
        let both = Keys::new(&[new.public_key(), old.public_key()]).unwrap();
        assert!(
            both.check_pass(&old.pass(&pass()), ROOM, ANN, NOW_MS)
                .is_ok()
        );
        let only_new = Keys::new(&[new.public_key()]).unwrap();
        assert_eq!(
            only_new.check_pass(&old.pass(&pass()), ROOM, ANN, NOW_MS),
            Err(TokenFault::UnknownKey)
        );
    }

    proptest! {
        #[test]
        fn a_token_with_any_character_altered_is_refused(at in 0..200_usize, with in "[A-Za-z0-9_-]") {
            let (issuer, keys) = issuer();
            let token = issuer.admission(&admission());
            let at = at % token.len();
            let mut altered = token.clone();
            altered.replace_range(at..=at, &with);
            prop_assume!(altered != token);
            prop_assert!(keys.check_admission(&altered, ROOM, ANN, NOW_MS).is_err());
        }

        #[test]
        fn any_text_is_answered_and_none_is_let_in(text in ".{0,300}") {
            let (_, keys) = issuer();
            prop_assert!(keys.check_pass(&text, ROOM, ANN, NOW_MS).is_err());
        }
    }
}
