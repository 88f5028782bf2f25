//! Canonical, compact, versioned bytes: variable-length integers, sorted index lists as gaps, ids as
//! 16 bytes. Equal values give equal bytes, everywhere.
//!
//! What is written with a [`Writer`] is read with a [`Reader`], call for call. The reader is strict:
//! it never reads past the end, takes only the shortest form of an integer, never believes a length
//! that the remaining bytes cannot hold (so a lying length costs no memory), and refuses trailing
//! bytes. It never panics, whatever it is given.

use alloc::{string::String, vec::Vec};

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {what}")]
pub struct DecodeError {
    /// Offset of the fault.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Most bytes a `u64` takes: seven bits each.
const VARINT_MAX_BYTES: usize = 10;

/// Appends values to a growing buffer.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// An empty buffer with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
        }
    }
    /// The bytes written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }
    /// An unsigned integer, 7 bits a byte, low bits first, in as few bytes as it needs.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
    /// A signed integer: small magnitudes of either sign are short.
    pub fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }
    /// A number of items that follow.
    pub fn count(&mut self, items: usize) {
        self.varint(items as u64);
    }
    /// Bytes as they are, without their length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
    /// An id: 16 bytes.
    pub fn id(&mut self, id: &[u8; 16]) {
        self.raw(id);
    }
    /// UTF-8 text with its length in bytes.
    pub fn str(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }
    /// A yes or no: one byte, 1 or 0.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }
    /// A strictly ascending list: its length, its first value, then each gap less one.
    ///
    /// # Panics
    /// In debug builds, if the list is not strictly ascending. (In release builds the bytes would
    /// not read back as the same list; a reader never accepts anything but a strict list.)
    pub fn ascending(&mut self, values: impl ExactSizeIterator<Item = u32>) {
        self.count(values.len());
        let mut least = 0_u64;
        for value in values {
            let value = u64::from(value);
            debug_assert!(value >= least, "the list must be strictly ascending");
            self.varint(value.wrapping_sub(least));
            least = value.wrapping_add(1);
        }
    }
}

/// Reads values from a slice, strictly.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
    /// Offset of the next byte.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }
    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }
    /// A fault at the next byte, for whoever reads a value and finds it senseless.
    #[must_use]
    pub fn fault(&self, what: &'static str) -> DecodeError {
        DecodeError { at: self.at, what }
    }
    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.remaining() == 0 {
            Ok(())
        } else {
            Err(self.fault("trailing bytes"))
        }
    }
    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        let byte = *self
            .bytes
            .get(self.at)
            .ok_or_else(|| self.fault("unexpected end"))?;
        self.at += 1;
        Ok(byte)
    }
    /// Exactly these bytes: a magic number or a version.
    pub fn expect(&mut self, bytes: &[u8], what: &'static str) -> Result<(), DecodeError> {
        let found = self.bytes.get(self.at..self.at + bytes.len());
        if found != Some(bytes) {
            return Err(self.fault(what));
        }
        self.at += bytes.len();
        Ok(())
    }
    /// What [`Writer::varint`] wrote; refuses longer forms of the same number.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let start = self.at;
        let fault = |what| DecodeError { at: start, what };
        let mut value = 0_u64;
        for i in 0..VARINT_MAX_BYTES {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if i == VARINT_MAX_BYTES - 1 && bits > 1 {
                return Err(fault("integer too large"));
            }
            value |= bits << (7 * i);
            if byte & 0x80 == 0 {
                if byte == 0 && i > 0 {
                    return Err(fault("integer not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(fault("integer too large"))
    }
    /// A varint that fits 32 bits.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        let start = self.at;
        let value = self.varint()?;
        value.try_into().map_err(|_| DecodeError {
            at: start,
            what: "integer too large",
        })
    }
    /// A varint that fits 16 bits.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        let start = self.at;
        let value = self.varint()?;
        value.try_into().map_err(|_| DecodeError {
            at: start,
            what: "integer too large",
        })
    }
    /// What [`Writer::zigzag`] wrote.
    pub fn zigzag(&mut self) -> Result<i64, DecodeError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
    /// A number of items of at least `least_bytes` each that follow: refused where the bytes left
    /// cannot hold so many, so that it is safe to allocate for them.
    pub fn count(&mut self, least_bytes: usize) -> Result<usize, DecodeError> {
        let start = self.at;
        let count = self.varint()?;
        let most = self.remaining() / least_bytes.max(1);
        if count > most as u64 {
            return Err(DecodeError {
                at: start,
                what: "more items announced than bytes are left",
            });
        }
        Ok(count as usize)
    }
    /// The next `length` bytes.
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        if length > self.remaining() {
            return Err(self.fault("unexpected end"));
        }
        let bytes = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(bytes)
    }
    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }
    /// An id: 16 bytes.
    pub fn id(&mut self) -> Result<[u8; 16], DecodeError> {
        self.array()
    }
    /// What [`Writer::str`] wrote, borrowed.
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.count(1)?;
        let start = self.at;
        let bytes = self.raw(length)?;
        core::str::from_utf8(bytes).map_err(|_| DecodeError {
            at: start,
            what: "not UTF-8",
        })
    }
    /// What [`Writer::str`] wrote, owned.
    pub fn string(&mut self) -> Result<String, DecodeError> {
        self.str().map(String::from)
    }
    /// What [`Writer::bool`] wrote.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError {
                at: self.at - 1,
                what: "neither yes nor no",
            }),
        }
    }
    /// What [`Writer::ascending`] wrote; every value is below `below`.
    pub fn ascending(&mut self, below: u32) -> Result<Vec<u32>, DecodeError> {
        let count = self.count(1)?;
        let mut values = Vec::with_capacity(count);
        let mut least = 0_u64;
        for _ in 0..count {
            let start = self.at;
            let value = least
                .checked_add(self.varint()?)
                .filter(|value| *value < u64::from(below));
            let Some(value) = value else {
                return Err(DecodeError {
                    at: start,
                    what: "index out of range",
                });
            };
            values.push(value as u32);
            least = value + 1;
        }
        Ok(values)
    }
}
