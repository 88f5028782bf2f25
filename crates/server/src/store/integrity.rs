//! Checks on files before they are trusted.
//!
//! SQLite ends recovery of a write-ahead log at the first frame that does not check. After a power
//! cut that is right: the last transaction was never acknowledged. But a frame damaged further up
//! hides acknowledged transactions behind it, and SQLite says nothing. [`check_wal`] tells the two
//! apart.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// What a write-ahead log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalState {
    /// Every frame checks, or there is no log.
    Sound,
    /// The last transaction was not completely written.
    TornEnd {
        /// Bytes from the torn place to the end of that transaction.
        bytes_dropped: u64,
    },
    /// Whole transactions stand behind a frame that does not check.
    Damaged(WalFault),
}

/// Where a write-ahead log is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalFault {
    /// Byte at which the damaged part begins.
    pub at: u64,
    /// Transactions behind it, at least.
    pub transactions_behind: u64,
}

impl fmt::Display for WalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            transactions_behind,
        } = self;
        write!(
            f,
            "at byte {at}, with at least {transactions_behind} whole transactions behind it"
        )
    }
}

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Reads the log at `path` through and says what it looks like.
pub fn check_wal(path: &Path) -> io::Result<WalState> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(WalState::Sound),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER];
    if !read_whole(&mut reader, &mut header)? {
        return Ok(WalState::Sound);
    }
    let page_size = word(&header, 8) as usize;
    let big_endian = match word(&header, 0) {
        0x377f_0682 => Some(false),
        0x377f_0683 => Some(true),
        _ => None,
    };
    let plausible = page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
    let (Some(big_endian), true) = (big_endian, plausible) else {
        // The header is written and synced before the first frame. A log of more than a header
        // whose header does not check has lost everything in it.
        return Ok(if length > HEADER as u64 {
            damaged(0, 0)
        } else {
            WalState::Sound
        });
    };
    let mut sum = checksum(big_endian, (0, 0), &header[..24]);
    if sum != (word(&header, 24), word(&header, 28)) {
        return Ok(if length > HEADER as u64 {
            damaged(0, 0)
        } else {
            WalState::Sound
        });
    }
    let salts = (word(&header, 16), word(&header, 20));
    let mut frame = vec![0; FRAME_HEADER + page_size];
    let mut offset = HEADER as u64;
    // Where the first bad frame is, and what was seen of its generation from there on.
    let mut bad_at = None;
    let (mut commits_behind, mut end_behind, mut frames_after_last_commit) = (0, 0, 0);
    while read_whole(&mut reader, &mut frame)? {
        let same_generation = (word(&frame, 8), word(&frame, 12)) == salts;
        let is_commit = word(&frame, 4) != 0;
        match bad_at {
            None => {
                let next = checksum(big_endian, sum, &frame[..8]);
                let next = checksum(big_endian, next, &frame[FRAME_HEADER..]);
                if same_generation && next == (word(&frame, 16), word(&frame, 20)) {
                    sum = next;
                } else {
                    bad_at = Some(offset);
                    if same_generation {
                        end_behind = offset + frame.len() as u64;
                        commits_behind = u64::from(is_commit);
                    }
                }
            }
            Some(_) if same_generation => {
                end_behind = offset + frame.len() as u64;
                commits_behind += u64::from(is_commit);
                frames_after_last_commit = if is_commit {
                    0
                } else {
                    frames_after_last_commit + 1
                };
            }
            Some(_) => {}
        }
        offset += frame.len() as u64;
    }
    Ok(match bad_at {
        None if offset < length => WalState::TornEnd {
            bytes_dropped: length - offset,
        },
        None => WalState::Sound,
        // A log is used again from its beginning: old frames behind the end are nothing new.
        Some(at) if end_behind <= at => WalState::Sound,
        // Each commit is synced before the next transaction begins, so a power cut can tear one
        // transaction, the last. Anything behind its commit was acknowledged before.
        Some(at) if commits_behind > 1 || (commits_behind == 1 && frames_after_last_commit > 0) => {
            damaged(at, commits_behind)
        }
        Some(at) => WalState::TornEnd {
            bytes_dropped: end_behind - at,
        },
    })
}

fn damaged(at: u64, transactions_behind: u64) -> WalState {
    WalState::Damaged(WalFault {
        at,
        transactions_behind,
    })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// SQLite's running checksum over 8-byte steps.
fn checksum(big_endian: bool, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        let read = |at: usize| {
            let word = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
            if big_endian {
                u32::from_be_bytes(word)
            } else {
                u32::from_le_bytes(word)
            }
        };
        a = a.wrapping_add(read(0)).wrapping_add(b);
        b = b.wrapping_add(read(4)).wrapping_add(a);
    }
    (a, b)
}

/// `false` where fewer bytes were left than asked for.
fn read_whole(reader: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
