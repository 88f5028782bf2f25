//! Where the jars are. Fetching them is the business of `cargo xtask`, so that a test never waits for
//! a download; it includes this file, so that it depends on nothing else of this crate.

use std::path::{Path, PathBuf};

/// A list of jars that become one folder of the cache.
#[derive(Clone, Copy)]
pub struct Jars {
    /// Whose they are; the folder's name begins with it.
    pub name: &'static str,
    /// A file for Maven.
    pub list: &'static str,
}

/// Those of a broker.
pub const KAFKA: Jars = Jars {
    name: "kafka",
    list: include_str!("../kafka-jars.xml"),
};

/// Those of Flink with its connector to Kafka.
pub const FLINK: Jars = Jars {
    name: "flink",
    list: include_str!("../../../deploy/flink/pom.xml"),
};

impl Jars {
    /// The folder with every jar, within the cache `cache`: another list is another folder, so that
    /// nothing in it is ever stale.
    #[must_use]
    pub fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.name, stamp(self.list)))
    }
}

/// Names a list of jars (FNV-1a).
fn stamp(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
