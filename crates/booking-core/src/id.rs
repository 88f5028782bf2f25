//! Identifiers. Names of things that live in a ledger are 16-byte UUIDs made by the caller (the
//! core has no randomness); positions inside one seat map are small dense integers.

use core::fmt;
use core::str::FromStr;
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Written as a hyphenated lower-case UUID in text and JSON, as 16 bytes in a ledger.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps 16 bytes, big-endian as in RFC 9562.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
            /// A small id for tests and examples.
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(Uuid::from_u128(value))
            }
            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
            /// The UUID inside.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

uuid_id! {
    /// One show at one time, the unit that is sold and that owns a ledger.
    PerformanceId;
    /// A buyer's expiring claim on places.
    HoldId;
    /// A purchase.
    OrderId;
    /// Whoever buys: a guest's session or an account. The core only compares it.
    FanId;
    /// Names one command, so that sending it twice does it once.
    CommandId;
    /// A named set of seats put aside (house seats, a sponsor, a presale).
    AllocationId;
    /// One admission to one place.
    TicketId;
}

impl TicketId {
    /// The ticket at `ordinal` (0-based, in the order's own sequence) of `order`. Derived, not
    /// random, so that replaying a ledger gives the same tickets.
    #[must_use]
    pub fn of(order: OrderId, ordinal: u32) -> Self {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        hasher.update(b"onsale/ticket/1");
        hasher.update(order.as_bytes());
        hasher.update(ordinal.to_be_bytes());
        let digest = hasher.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self::from_bytes(
            *uuid::Builder::from_custom_bytes(bytes)
                .into_uuid()
                .as_bytes(),
        )
    }
}

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(pub $inner);

        impl $name {
            /// As a `usize`, for indexing.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

index! {
    /// A seat: its 0-based place in the seat map, counted section by section, row by row, and
    /// along the row. Stable for the life of a map version.
    SeatIx(u32);
    /// A row, 0-based over the whole map.
    RowIx(u32);
    /// A section, 0-based.
    SectionIx(u16);
    /// A general-admission area, 0-based.
    AreaIx(u16);
    /// A price band, 0-based, dearest first by convention.
    BandIx(u8);
    /// A price type (full, concession, …), 0-based in the price list.
    PriceTypeIx(u8);
}
