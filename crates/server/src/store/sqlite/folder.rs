//! The data folder: its lock, and the mark that says whether the last owner left in good order.

use crate::store::error::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const LOCK_FILE: &str = "onsale.lock";
const RUNNING_FILE: &str = "onsale.running";
const DATABASE_FILE: &str = "onsale.db";

/// How long a predecessor that is just ending is waited for.
const MOMENT: Duration = Duration::from_millis(500);

/// The lock lives as long as anybody has the file open, and that can be a little longer than its
/// owner: a process that is just ending, or a child that has been forked and not yet become another
/// program. Both are over in a moment.
fn try_for_a_moment(lock: &File) -> Result<(), TryLockError> {
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < MOMENT => {
                std::thread::sleep(Duration::from_millis(10));
            }
            settled => return settled,
        }
    }
}

/// The right to a data folder, of one process at a time. It is the operating system's: it goes with
/// the process.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "locked for as long as it is open")] File);

impl FolderLock {
    /// Takes the folder, which is made where there is none, for this process alone.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let lock_path = folder.join(LOCK_FILE);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(io(&lock_path))?;
        match try_for_a_moment(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                return Err(OpenError::Locked {
                    folder: folder.to_owned(),
                    holder: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(&lock_path)(source)),
        }
        // Only for the message that the second one gets; the lock itself does not depend on it.
        let _ = lock.set_len(0).and_then(|()| lock.rewind());
        let _ = write!(lock, "{}", std::process::id());
        Ok(Self(lock))
    }
}

/// A locked data folder with a database in it.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    /// Whether the last owner went without saying goodbye.
    pub(super) was_unclean: bool,
    _lock: FolderLock,
}

impl DataFolder {
    pub(super) fn open(path: &Path, create: bool) -> Result<Self, OpenError> {
        if !create && !path.join(DATABASE_FILE).exists() {
            return Err(OpenError::Missing {
                folder: path.to_owned(),
            });
        }
        let lock = FolderLock::take(path)?;
        let running = path.join(RUNNING_FILE);
        let was_unclean = running.exists();
        std::fs::write(&running, b"").map_err(|source| OpenError::Io {
            path: running.clone(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            was_unclean,
            _lock: lock,
        })
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    pub(super) fn write_ahead_log(&self) -> PathBuf {
        self.path.join(format!("{DATABASE_FILE}-wal"))
    }

    /// Says goodbye: the next owner need not check the whole file.
    pub(super) fn mark_clean(self) {
        if let Err(error) = std::fs::remove_file(self.path.join(RUNNING_FILE)) {
            tracing::warn!(%error, "could not mark the data folder as left in good order");
        }
    }
}
