//! The gate: let a request through to the shop, or send it to the waiting room, by its admission token
//! and the room's public keys alone.
//!
//! It calls nobody, so it can stand at a CDN's edge (`edge-gate` is this module as WebAssembly). What
//! it cannot know is whether the shopper has left since: where money or seats are at stake, the server
//! asks the room as well.
//!
//! ```
//! use onsale_queue::gate::{Gate, Reason, Verdict, visitor_of};
//! use onsale_queue::{Admission, Authority, Issuer, Keys, RoomId};
//! let issuer = Issuer::from_seed(&[7; 32]);
//! let gate = Gate { room: RoomId([1; 16]), keys: Keys::new(&[issuer.public_key()]).unwrap() };
//! assert_eq!(gate.check(None, b"session", 0), Verdict::Wait(Reason::NoToken));
//! let token = issuer.admission(&Admission {
//!     room: RoomId([1; 16]), visitor: visitor_of(b"session"), id: [0; 16],
//!     issued_ms: 0, expires_ms: 60_000, authority: Authority::default(),
//! });
//! assert!(matches!(gate.check(Some(&token), b"session", 1_000), Verdict::Admit(_)));
//! assert_eq!(gate.check(Some(&token), b"another", 1_000), Verdict::Wait(Reason::OtherVisitor));
//! ```

use crate::token::{Admission, Keys, RoomId, TokenFault, VisitorId};
use sha2::{Digest, Sha256};

/// One room's gate.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Whose admissions count.
    pub room: RoomId,
    /// The public keys they may be signed with.
    pub keys: Keys,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Through to the shop.
    Admit(Admission),
    /// To the waiting room.
    Wait(Reason),
}

/// Why a request goes to the waiting room. The numbers are part of the edge's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Reason {
    /// It carries no admission.
    NoToken = 1,
    /// What it carries is no admission token.
    Malformed = 2,
    /// Signed with a key that is not the room's.
    UnknownKey = 3,
    /// Altered, or forged.
    BadSignature = 4,
    /// Its time is past.
    Expired = 5,
    /// Its time has not come.
    FromTheFuture = 6,
    /// For another room.
    OtherRoom = 7,
    /// Given to another session.
    OtherVisitor = 8,
}

impl From<TokenFault> for Reason {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Malformed => Self::Malformed,
            TokenFault::UnknownKey => Self::UnknownKey,
            TokenFault::BadSignature => Self::BadSignature,
            TokenFault::Expired(_) => Self::Expired,
            TokenFault::FromTheFuture(_) => Self::FromTheFuture,
            TokenFault::OtherRoom => Self::OtherRoom,
            TokenFault::OtherVisitor => Self::OtherVisitor,
        }
    }
}

/// The visitor of a session: the first 16 bytes of the SHA-256 of its secret (the cookie's value, as
/// bytes). Nobody who sees the id can act as the visitor.
#[must_use]
pub fn visitor_of(session: &[u8]) -> VisitorId {
    let digest = Sha256::digest(session);
    let (head, _) = digest.split_first_chunk().expect("32 bytes hold 16");
    VisitorId(*head)
}

impl Gate {
    /// Decides on a request that carries `token` and comes with the secret of `session`.
    ///
    /// One hash and one signature: some 60 µs natively.
    #[must_use]
    pub fn check(&self, token: Option<&str>, session: &[u8], now_ms: i64) -> Verdict {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Verdict::Wait(Reason::NoToken);
        };
        let visitor = visitor_of(session);
        match self.keys.check_admission(token, self.room, visitor, now_ms) {
            Ok(admission) => Verdict::Admit(admission),
            Err(fault) => Verdict::Wait(fault.into()),
        }
    }
}
