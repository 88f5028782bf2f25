//! What is wrong with a plan or a price list: all faults, each with its place.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

/// Most faults listed one by one; the last entry then says how many more there are. Keeps a plan
/// of a million broken seats from filling the memory with complaints.
pub const FAULTS_LISTED_MAX: usize = 10_000;

/// One fault of a plan or price list, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("{at}: {what}")]
pub struct Fault {
    /// Where: `sections[3].rows[1].seats[7]`, `fees[0].amount`.
    pub at: String,
    /// What is wrong and what would be right.
    pub what: String,
}

/// Every fault found (never empty).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Faults {}

/// Gathers faults up to [`FAULTS_LISTED_MAX`] and counts the rest.
#[derive(Default)]
pub(crate) struct FaultList {
    faults: Vec<Fault>,
    unlisted: usize,
}

impl FaultList {
    /// Adds a fault; text is only made where it is kept.
    pub(crate) fn add(&mut self, at: impl fmt::Display, what: impl fmt::Display) {
        if self.faults.len() < FAULTS_LISTED_MAX {
            self.faults.push(Fault {
                at: format!("{at}"),
                what: format!("{what}"),
            });
        } else {
            self.unlisted += 1;
        }
    }
    #[cfg(feature = "import")]
    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }
    pub(crate) fn into_result(self) -> Result<(), Faults> {
        let Self {
            mut faults,
            unlisted,
        } = self;
        if unlisted > 0 {
            faults.push(Fault {
                at: String::from("the rest"),
                what: format!("has {unlisted} more faults that are not listed"),
            });
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(faults))
        }
    }
}
