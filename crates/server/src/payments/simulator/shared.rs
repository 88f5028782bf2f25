//! The simulator's memory where several servers of one machine share it: one file, whose lines are
//! those of [`journal`](super::journal). Whoever looks at a payment has the file to itself, and has
//! read what the others wrote.
//!
//! Each change is an fsync of its own while the file is locked: this is for trials, not for speed.

use super::journal::{JournalError, line_of, read};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The file, and how far it has been read.
pub(super) struct Shared {
    path: PathBuf,
    file: File,
    read_to: u64,
}

impl Shared {
    /// Opens the file, which is made where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|source| JournalError::Io {
                path: path.display().to_string(),
                source,
            })?,
            read_to: 0,
        })
    }

    /// Takes the file for this server alone and reads what others have written since. A torn last
    /// line is that of a server that died, and was never acknowledged.
    pub(super) fn take<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, String> {
        self.file.lock().map_err(|error| self.failed(&error))?;
        let rows = self.catch_up();
        if rows.is_err() {
            self.give_back();
        }
        rows
    }

    fn catch_up<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, String> {
        let mut bytes = Vec::new();
        let reading = self
            .file
            .seek(SeekFrom::Start(self.read_to))
            .and_then(|_| self.file.read_to_end(&mut bytes));
        reading.map_err(|error| self.failed(&error))?;
        let (rows, good) = read(&bytes).map_err(|_| {
            let path = self.path.display();
            format!("{path} is damaged: restore it from a copy")
        })?;
        let good_to = self.read_to + good as u64;
        if good < bytes.len() {
            self.file
                .set_len(good_to)
                .map_err(|error| self.failed(&error))?;
        }
        self.read_to = good_to;
        Ok(rows)
    }

    /// Writes a row at the end; it is on disk when this returns.
    pub(super) fn write<T: Serialize>(&mut self, row: &T) -> Result<(), String> {
        let line = line_of(row);
        let writing = self
            .file
            .seek(SeekFrom::Start(self.read_to))
            .and_then(|_| self.file.write_all(&line))
            .and_then(|()| self.file.sync_data());
        writing.map_err(|error| self.failed(&error))?;
        self.read_to += line.len() as u64;
        Ok(())
    }

    /// Lets the others look.
    pub(super) fn give_back(&self) {
        if let Err(error) = self.file.unlock() {
            tracing::error!(path = %self.path.display(), %error, "others cannot look at payments");
        }
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_writes_the_other_reads_and_a_line_cut_short_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("payments");
        let (mut one, mut other) = (Shared::open(&path).unwrap(), Shared::open(&path).unwrap());
        assert!(one.take::<u32>().unwrap().is_empty());
        one.write(&1_u32).unwrap();
        one.write(&2_u32).unwrap();
        one.give_back();
        assert_eq!(other.take::<u32>().unwrap(), [1, 2]);
        other.write(&3_u32).unwrap();
        // It dies in the middle of the next line.
        other.file.write_all(b"0123").unwrap();
        other.give_back();
        drop(other);
        assert_eq!(one.take::<u32>().unwrap(), [3]);
        one.write(&4_u32).unwrap();
        one.give_back();
        let mut third = Shared::open(&path).unwrap();
        assert_eq!(third.take::<u32>().unwrap(), [1, 2, 3, 4]);
    }
}
