//! Where what tests do at random begins: the same for everybody who tests the same files, so that a
//! failure anywhere is the same failure everywhere, and another with the next change, so that new cases
//! are tried.

use std::{env, process::Command, sync::OnceLock};

use crate::place;

/// To do the same again, or something else.
const SAID: &str = "ONSALE_SEED";
/// What proptest reads it from.
const OF_PROPTEST: &str = "PROPTEST_RNG_SEED";

/// What `ONSALE_SEED` says; else what the name of the commit's files begins with; else 1.
pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let said = env::var(SAID).ok().and_then(|text| text.parse().ok());
        said.or_else(of_commit).unwrap_or(1)
    })
}

/// How it is said, to be given again.
pub(crate) fn told() -> String {
    format!("{SAID}={}", seed())
}

/// Has a program's property tests and simulations begin there.
pub(crate) fn give(command: &mut Command) {
    for name in [SAID, OF_PROPTEST] {
        command.env(name, seed().to_string());
    }
}

/// Of its files, which keep their name when somebody else commits the same.
fn of_commit() -> Option<u64> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "HEAD^{tree}"])
        .current_dir(place::root());
    let output = git.output().ok().filter(|output| output.status.success())?;
    of_name(String::from_utf8_lossy(&output.stdout).trim())
}

/// As many digits as are quickly typed again.
fn of_name(commit: &str) -> Option<u64> {
    u64::from_str_radix(commit.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_has_one_seed_and_what_is_none_has_none() {
        let commit = "0404478f7d3ad0c0c3bd1f0c1f6a0a0f2f9e1c55";
        assert_eq!(of_name(commit), Some(0x0404_478f));
        assert_eq!(of_name(commit), of_name(commit));
        for none in ["", "0404", "fatal: not a git repository"] {
            assert_eq!(of_name(none), None);
        }
    }
}
