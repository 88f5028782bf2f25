//! Bytes as text: lower-case hexadecimal. A UUID with or without its hyphens reads as the same 16 bytes.

use alloc::string::String;
use data_encoding::HEXLOWER_PERMISSIVE;

/// The text is not that many bytes in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} bytes in hexadecimal")]
pub struct NotHex {
    /// How many bytes it should have been.
    pub expected: usize,
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

pub(crate) fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let bad = NotHex { expected: N };
    // As we write it ourselves, and as nearly every request says it.
    if text.len() == 2 * N && !text.contains('-') {
        let mut bytes = [0; N];
        let read = HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut bytes);
        return read.map(|_| bytes).map_err(|_| bad);
    }
    // Long enough for a UUID's hyphens; a longer text is wrong before it is read.
    if text.len() > 2 * N + 4 {
        return Err(bad);
    }
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    let bytes = HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .map_err(|_| bad)?;
    <[u8; N]>::try_from(bytes).map_err(|_| bad)
}

/// `Display`, `FromStr` and serde as text for a newtype of bytes.
macro_rules! hex_text {
    ($name:ident, $length:literal) => {
        impl $name {
            /// As lower-case hexadecimal.
            #[must_use]
            pub fn to_hex(&self) -> alloc::string::String {
                $crate::text::to_hex(&self.0)
            }
        }
        impl core::str::FromStr for $name {
            type Err = $crate::text::NotHex;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::text::from_hex::<$length>(text).map(Self)
            }
        }
        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_hex())
            }
        }
        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text =
                    <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use hex_text;

#[cfg(test)]
mod tests {
    use crate::token::RoomId;

    #[test]
    fn a_room_reads_back_from_its_text_and_from_a_uuid() {
        let room: RoomId = "0192f3a0-0000-7000-8000-0000000000ff".parse().unwrap();
        assert_eq!(room.to_hex(), "0192f3a00000700080000000000000ff");
        assert_eq!(room.to_hex().parse(), Ok(room));
    }

    #[test]
    fn what_is_not_sixteen_bytes_is_refused() {
        for text in ["", "0192", "zz92f3a0000070008000000000000000ff", "é"] {
            assert!(text.parse::<RoomId>().is_err(), "{text}");
        }
    }
}
