//! Has anything changed since the last build? A hash over the contents of files, so that a fresh
//! checkout or a touched file does not count as a change.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use anyhow::{Context, Result};

/// Collects what a result depends on.
#[derive(Default)]
pub(crate) struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Anything that is not a file.
    pub(crate) fn add(&mut self, text: &str) {
        text.hash(&mut self.0);
    }

    /// A file, or every file below a folder. What does not exist counts as such.
    pub(crate) fn add_path(&mut self, path: &Path) -> Result<()> {
        path.hash(&mut self.0);
        if path.is_dir() {
            let mut entries: Vec<_> = fs::read_dir(path)?.flatten().map(|e| e.path()).collect();
            entries.sort();
            for entry in entries {
                let name = entry.file_name().unwrap_or_default();
                if name != "target" && name != "dist" && name != "node_modules" {
                    self.add_path(&entry)?;
                }
            }
        } else if path.exists() {
            let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            bytes.hash(&mut self.0);
        }
        Ok(())
    }

    /// The hash of everything added.
    pub(crate) fn finish(self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// Whether `stamp` holds this very fingerprint.
pub(crate) fn is_fresh(stamp: &Path, fingerprint: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|seen| seen == fingerprint)
}
