//! The secrets of an office: made at first use, readable by their owner only.
//!
//! They live in one folder, one file each: `keys/` in the data folder, or one that servers share which
//! sell the same seats. What one of them has signed is honoured by all that have the same keys. Losing `ticket.key` makes printed tickets unreadable at the
//! door; losing `quote.key` or `webhook.key` costs the quotes and notices of a few minutes.

use crate::accounts::DeviceKey;
use crate::clock::random_bytes;
use crate::payments::webhook::WebhookKey;
use crate::quoting::QuoteKey;
use crate::store::checkouts::ServerId;
use crate::tickets::TicketKey;
use crate::trace::SlipKey;
use sha2::{Digest as _, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Every key.
const NAMES: &[&str] = &[
    "quote.key",
    "ticket.key",
    "webhook.key",
    "device.key",
    "room.key",
    "challenge.key",
];

/// Bytes of a key.
const KEY: usize = 32;

/// Every secret that deals with money.
#[derive(Debug)]
pub struct Keys {
    /// Signs quotes.
    pub quote: QuoteKey,
    /// Signs tickets.
    pub ticket: TicketKey,
    /// Shared with the payment provider.
    pub webhook: WebhookKey,
}

/// Why the secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key {} cannot be used", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The fault.
        source: std::io::Error,
    },
    /// The file is not a key.
    #[error("the key {} has {length} bytes instead of {KEY}: restore it from a backup; moving it away makes a new one, and what the old one signed is void", path.display())]
    WrongLength {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        length: usize,
    },
}

impl Keys {
    /// Reads the keys in `folder`, making those that are missing.
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        made(folder)?;
        Ok(Self {
            quote: QuoteKey::new(key(&folder.join("quote.key"))?),
            ticket: TicketKey::new(key(&folder.join("ticket.key"))?),
            webhook: WebhookKey::new(key(&folder.join("webhook.key"))?),
        })
    }
}

/// The key that signs the marks of devices in which somebody has signed in. Losing it costs those
/// devices nothing but their priority.
pub fn device(folder: &Path) -> Result<DeviceKey, KeyError> {
    made(folder)?;
    Ok(DeviceKey::new(key(&folder.join("device.key"))?))
}

/// Signs what browsers hand back about traced requests: made of the quotes' key, whose loss costs the
/// slips of two minutes.
pub fn slips(folder: &Path) -> Result<SlipKey, KeyError> {
    made(folder)?;
    Ok(SlipKey::derived(&key(&folder.join("quote.key"))?))
}

/// Which server this is, as long as it is the same folder on the same machine: a copy of the folder
/// elsewhere is another server.
pub fn server(data: &Path) -> Result<ServerId, KeyError> {
    let path = data.join("server.id");
    let io = |source| KeyError::Io {
        path: path.clone(),
        source,
    };
    fs::create_dir_all(data).map_err(io)?;
    let mut hasher = Sha256::new();
    hasher.update(b"onsale/server/1/");
    hasher.update(key(&path)?);
    hasher.update(fs::canonicalize(data).map_err(io)?.as_os_str().as_bytes());
    // Where the machine has no name to tell, the folder's will do.
    hasher.update(fs::read("/proc/sys/kernel/hostname").unwrap_or_default());
    let digest = hasher.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Ok(ServerId(id))
}

/// Each key and its digest, by which servers that share a database agree on them. Of a key of 32 random
/// bytes it tells nothing.
pub fn digests(folder: &Path) -> Result<Vec<(&'static str, [u8; 32])>, KeyError> {
    made(folder)?;
    NAMES
        .iter()
        .map(|name| {
            let mut hasher = Sha256::new();
            hasher.update(b"onsale/key/1/");
            hasher.update(name.as_bytes());
            hasher.update(key(&folder.join(name))?);
            Ok((*name, hasher.finalize().into()))
        })
        .collect()
}

/// The keys of a data folder, where it is not told that they are elsewhere.
#[must_use]
pub fn beside(data: &Path) -> PathBuf {
    data.join("keys")
}

/// The folder is there.
fn made(folder: &Path) -> Result<(), KeyError> {
    fs::create_dir_all(folder).map_err(|source| KeyError::Io {
        path: folder.to_owned(),
        source,
    })
}

/// The secrets of waiting rooms. Losing `room.key` voids every pass, that is every place; losing
/// `challenge.key` costs the challenges of a few minutes. Servers that share their rooms share both.
pub fn rooms(folder: &Path) -> Result<crate::rooms::RoomSecrets, KeyError> {
    made(folder)?;
    Ok(crate::rooms::RoomSecrets {
        token_seed: key(&folder.join("room.key"))?,
        challenge: key(&folder.join("challenge.key"))?,
    })
}

fn key(path: &Path) -> Result<[u8; KEY], KeyError> {
    let io = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::read(path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|bytes: Vec<u8>| KeyError::WrongLength {
                path: path.to_owned(),
                length: bytes.len(),
            }),
        Err(error) if error.kind() == ErrorKind::NotFound => make(path).map_err(io),
        Err(error) => Err(io(error)),
    }
}

/// Written beside its place and put there whole, so that a crash leaves no half a key. Of several
/// servers that make the same one at once, the first one's is everybody's.
fn make(path: &Path) -> std::io::Result<[u8; KEY]> {
    let key = random_bytes::<KEY>();
    let nonce = u64::from_be_bytes(random_bytes());
    let beside = path.with_extension(format!("{nonce:016x}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let put = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match put {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let theirs = fs::read(path)?.try_into();
            return theirs.map_err(|_| ErrorKind::InvalidData.into());
        }
        Err(error) => return Err(error),
    }
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        let first = key(&path).unwrap();
        assert_eq!(key(&path).unwrap(), first);
        assert_ne!(first, [0; KEY]);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn of_many_that_make_a_key_at_once_all_have_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        let made: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| key(&path).unwrap()))
                .collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap())
                .collect()
        });
        assert!(made.iter().all(|one| *one == made[0]));
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "and nothing beside it"
        );
    }

    #[test]
    fn a_folder_is_one_server_however_often_it_is_started_and_its_copy_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        let id = server(&first).unwrap();
        assert_eq!(server(&first).unwrap(), id);
        fs::create_dir(&second).unwrap();
        fs::copy(first.join("server.id"), second.join("server.id")).unwrap();
        assert_ne!(server(&second).unwrap(), id);
    }

    #[test]
    fn a_key_that_was_cut_short_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        Keys::open(dir.path()).unwrap();
        fs::write(dir.path().join("ticket.key"), b"short").unwrap();
        let error = Keys::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("ticket.key has 5 bytes"), "{error}");
    }
}
