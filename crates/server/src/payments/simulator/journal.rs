//! The simulator's memory: an append-only file of its own, so that it outlives a crash of the
//! server as a real provider does.
//!
//! One line is the whole state of one payment after a change, with a checksum; the last line of a
//! payment counts. Lines that are waiting share one fsync. A torn last line (the machine stopped
//! in the middle of writing it) was never acknowledged and is cut off; damage anywhere else is
//! refused.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::oneshot;

/// Characters of the checksum before each line.
const SUM: usize = 16;

/// Most lines made durable by one fsync.
const GATHER: usize = 4096;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// The fault.
        source: std::io::Error,
    },
    /// A line in the middle is not what was written.
    #[error("{path}, line {line}: damaged; restore the file from a copy")]
    Damaged {
        /// Which file.
        path: String,
        /// 1-based.
        line: usize,
    },
}

enum Ask {
    Line(Vec<u8>, oneshot::Sender<Result<(), String>>),
    Sync(oneshot::Sender<Result<(), String>>),
}

/// Resolves when what was asked for is on disk.
pub(super) struct Durable(oneshot::Receiver<Result<(), String>>);

impl Durable {
    pub(super) async fn wait(self) -> Result<(), String> {
        self.0
            .await
            .unwrap_or_else(|_| Err("the journal is closed".to_owned()))
    }
}

/// The writing end. Dropping it writes what is queued and closes the file.
pub(super) struct Journal {
    // Not bounded here: everybody who sends waits for the answer, so that it never holds more
    // lines than there are calls under way.
    asks: Option<mpsc::Sender<Ask>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Journal {
    /// Opens the file, reads what it holds and cuts off a torn last line.
    pub(super) fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>), JournalError> {
        let io = |source| JournalError::Io {
            path: path.display().to_string(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let (rows, good) = read(&bytes).map_err(|line| JournalError::Damaged {
            path: path.display().to_string(),
            line,
        })?;
        if good < bytes.len() {
            tracing::warn!(path = %path.display(), cut = bytes.len() - good, "cut off a torn last line");
            file.set_len(good as u64).map_err(io)?;
            file.sync_data().map_err(io)?;
        }
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let (asks, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("payment-journal".to_owned())
            .spawn(move || write(file, &queue))
            .map_err(io)?;
        Ok((
            Self {
                asks: Some(asks),
                thread: Some(thread),
            },
            rows,
        ))
    }

    /// Queues a line. Lines get into the file in the order of these calls.
    pub(super) fn append<T: Serialize>(&self, row: &T) -> Durable {
        let line = line_of(row);
        self.ask(|done| Ask::Line(line, done))
    }

    /// Resolves when everything queued before is on disk.
    pub(super) fn sync(&self) -> Durable {
        self.ask(Ask::Sync)
    }

    fn ask(&self, ask: impl FnOnce(oneshot::Sender<Result<(), String>>) -> Ask) -> Durable {
        let (done, durable) = oneshot::channel();
        if let Some(asks) = &self.asks {
            // If the thread is gone, `done` is dropped and `wait` says so.
            let _ = asks.send(ask(done));
        }
        Durable(durable)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(mut file: File, queue: &mpsc::Receiver<Ask>) {
    let mut broken: Option<String> = None;
    let mut buffer = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = queue.recv() {
        buffer.clear();
        for ask in std::iter::once(first).chain(queue.try_iter().take(GATHER)) {
            match ask {
                Ask::Line(line, done) => {
                    buffer.extend_from_slice(&line);
                    waiting.push(done);
                }
                Ask::Sync(done) => waiting.push(done),
            }
        }
        if broken.is_none() && !buffer.is_empty() {
            // After a failed write nobody knows what is in the file: stop for good.
            broken = file
                .write_all(&buffer)
                .and_then(|()| file.sync_data())
                .err()
                .map(|error| error.to_string());
        }
        for done in waiting.drain(..) {
            let _ = done.send(broken.clone().map_or(Ok(()), Err));
        }
    }
}

/// A row as it stands in a file.
pub(super) fn line_of<T: Serialize>(row: &T) -> Vec<u8> {
    let json = serde_json::to_vec(row).expect("a payment can be written as JSON");
    let mut line = checksum(&json);
    line.reserve(json.len() + 2);
    line.push(b' ');
    line.extend_from_slice(&json);
    line.push(b'\n');
    line
}

fn checksum(json: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(json);
    let mut sum = Vec::with_capacity(SUM + json.len() + 2);
    for byte in &digest[..SUM / 2] {
        sum.push(b"0123456789abcdef"[usize::from(byte >> 4)]);
        sum.push(b"0123456789abcdef"[usize::from(byte & 15)]);
    }
    sum
}

/// The rows and the length of the good part; or the line that is damaged.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(Vec<T>, usize), usize> {
    let mut rows = Vec::new();
    let mut good = 0;
    while let Some(length) = bytes[good..].iter().position(|b| *b == b'\n') {
        let line = &bytes[good..good + length];
        let row = line
            .split_at_checked(SUM)
            .and_then(|(sum, rest)| Some((sum, rest.strip_prefix(b" ")?)))
            .filter(|(sum, json)| checksum(json) == *sum)
            .and_then(|(_, json)| serde_json::from_slice(json).ok());
        match row {
            Some(row) => rows.push(row),
            None => return Err(rows.len() + 1),
        }
        good += length + 1;
    }
    Ok((rows, good))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn filled(path: &Path, rows: &[u32]) {
        let (journal, _) = Journal::open::<u32>(path).unwrap();
        let pending: Vec<_> = rows.iter().map(|row| journal.append(row)).collect();
        for durable in pending {
            durable.wait().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_acknowledged_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        filled(&path, &[1, 2, 3]).await;
        filled(&path, &[4]).await;
        assert_eq!(Journal::open::<u32>(&path).unwrap().1, [1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn a_torn_last_line_is_cut_off_and_writing_goes_on_behind_the_good_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        filled(&path, &[1, 2]).await;
        let whole = std::fs::read(&path).unwrap();
        for cut in whole.len() / 2 + 1..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(Journal::open::<u32>(&path).unwrap().1, [1], "cut at {cut}");
            filled(&path, &[9]).await;
            assert_eq!(Journal::open::<u32>(&path).unwrap().1, [1, 9]);
        }
    }

    #[tokio::test]
    async fn damage_in_the_middle_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        filled(&path, &[1, 2, 3]).await;
        let mut bytes = std::fs::read(&path).unwrap();
        let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 3;
        bytes[second] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let error = Journal::open::<u32>(&path).err().unwrap().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
