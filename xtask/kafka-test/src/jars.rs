//! Where the jars are. Fetching them is the business of `cargo xtask`, so that a test never waits for
//! a download; it includes this file, so that it depends on nothing else of this crate.

use std::path::{Path, PathBuf};

/// The list of jars, a file for Maven.
pub const JARS_LIST: &str = include_str!("../kafka-jars.xml");

/// The folder with every jar, within the cache `cache`: another list is another folder, so that
/// nothing in it is ever stale.
#[must_use]
pub fn jars_folder(cache: &Path) -> PathBuf {
    cache.join(format!("kafka-{}", stamp(JARS_LIST)))
}

/// Names a list of jars (FNV-1a).
fn stamp(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
