//! Passwords: which are accepted, and how they are kept and checked.
//!
//! A hash takes tens of milliseconds and 19 MiB on purpose, so it is made off the threads that
//! serve requests, few at a time, with a bounded line before them.
//!
//! **Invariant:** an address nobody has costs the same work as one with a wrong password.

use crate::clock::random_bytes;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Fewest characters of a new password.
pub const CHARACTERS_LEAST: usize = 10;
/// Most bytes of any password: a bound on what is hashed.
pub const BYTES_MOST: usize = 256;
/// Most requests that wait for a hash to be made; more are told to come back.
pub const HASHES_WAITING: usize = 64;
/// Most hashes made at once, on a machine with that many processors.
pub const HASHES_AT_ONCE: usize = 4;

/// What everybody tries first, of those that are long enough. Without digits and signs at the end.
const COMMON: [&str; 32] = [
    "password",
    "passwort",
    "contraseña",
    "contrasena",
    "qwertyuiop",
    "qwertzuiop",
    "qwerty",
    "qwertz",
    "letmein",
    "iloveyou",
    "welcome",
    "willkommen",
    "bienvenido",
    "admin",
    "administrator",
    "changeme",
    "default",
    "football",
    "baseball",
    "basketball",
    "superman",
    "princess",
    "sunshine",
    "monkey",
    "dragon",
    "abcdefghij",
    "asdfghjkl",
    "qazwsxedc",
    "trustno",
    "onsale",
    "ticket",
    "secret",
];

/// How much work a hash is. Recorded in every hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashCost {
    /// 19 MiB, two passes, one lane: OWASP's recommendation for argon2id.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
        }
    }
}

/// A password as it was typed. Never printed, wiped when dropped.
#[derive(Clone, serde::Deserialize)]
#[serde(from = "String")]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Password {
    /// As typed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// One that nobody can guess and everybody can copy: four groups of five letters and digits
    /// that do not look alike.
    #[must_use]
    pub fn generate() -> Self {
        const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
        let mut text = String::with_capacity(24);
        while text.len() < 23 {
            for byte in random_bytes::<32>() {
                let sign = SIGNS[usize::from(byte & 31)];
                if sign == b'-' || text.len() >= 23 {
                    continue;
                }
                if text.len() % 6 == 5 {
                    text.push('-');
                }
                text.push(char::from(sign));
            }
        }
        Self(Zeroizing::new(text))
    }

    /// For those who must see it: the hash, and the one line that tells a generated one.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is longer than anything that is hashed.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.0.len() > BYTES_MOST
    }

    /// Why it cannot be the new password of `email`, if it cannot.
    #[must_use]
    pub fn fault(&self, email: &str) -> Option<&'static str> {
        let text = self.0.as_str();
        if text.chars().count() < CHARACTERS_LEAST {
            return Some(
                "a password has at least 10 characters; a few words in a row are easy to keep in mind",
            );
        }
        if text.len() > BYTES_MOST {
            return Some("a password has at most 256 bytes");
        }
        if text.contains('\0') {
            return Some("a password holds no zero characters");
        }
        let lower = text.to_lowercase();
        let mut characters = lower.chars();
        let first = characters.next();
        let local = email.split('@').next().unwrap_or(email);
        let core = lower.trim_matches(|c: char| !c.is_alphabetic());
        if characters.all(|c| Some(c) == first)
            || core.is_empty() && is_a_run(&lower)
            || COMMON.contains(&core)
            || lower == email
            || core == local
        {
            return Some("this password is among the first that others would try");
        }
        None
    }
}

/// Digits in a row: 1234567890, 9876543210.
fn is_a_run(text: &str) -> bool {
    let bytes = text.as_bytes();
    let all = |step: u8| {
        bytes.windows(2).all(|pair| {
            pair.iter().all(u8::is_ascii_digit) && (pair[1] + 10 - pair[0]) % 10 == step
        })
    };
    all(1) || all(9)
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Too many hashes are waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct TooMany;

/// What came of checking a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is not the one.
    Wrong,
    /// It is.
    Right {
        /// The same password as a hash of today's cost, where the stored one cost less.
        better: Option<String>,
    },
}

/// Makes and checks hashes.
pub struct Passwords {
    hasher: Arc<Argon2<'static>>,
    at_once: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_most: usize,
    /// A hash that no password has, of the usual cost: what is checked where there is no account.
    nobody: Arc<str>,
}

/// Counts a request for as long as it waits or is worked for.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    /// Hashes cost `cost`.
    ///
    /// # Panics
    /// If argon2 does not know such a cost: a fault of the program.
    #[must_use]
    pub fn new(cost: HashCost) -> Self {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .expect("a cost that argon2 knows");
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = make(&hasher, &random_bytes::<32>()).into();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            hasher: Arc::new(hasher),
            at_once: Arc::new(Semaphore::new(processors.clamp(1, HASHES_AT_ONCE))),
            waiting: AtomicUsize::new(0),
            waiting_most: HASHES_WAITING,
            nobody,
        }
    }

    #[cfg(test)]
    pub(super) fn turns(&self) -> &Semaphore {
        &self.at_once
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn set_waiting_most(&mut self, most: usize) {
        self.waiting_most = most;
    }

    /// Runs `work` off the threads that serve, when it is its turn.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, TooMany> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.waiting_most {
            return Err(TooMany);
        }
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        let hasher = Arc::clone(&self.hasher);
        // The turn ends with the work and not with the request, which may be given up sooner.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&hasher)
        });
        done.await.map_err(|_| TooMany)
    }

    /// A password as a PHC string with a salt of its own.
    pub async fn hash(&self, password: Password) -> Result<String, TooMany> {
        self.work(move |hasher| make(hasher, password.0.as_bytes()))
            .await
    }

    /// Whether `password` is the one of `stored`. `None`: there is no such account, and the answer
    /// is no after the same work.
    pub async fn check(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> Result<Checked, TooMany> {
        let nobody = Arc::clone(&self.nobody);
        self.work(move |hasher| {
            let known = stored.is_some();
            let stored = stored.as_deref().unwrap_or(&nobody);
            let Ok(stored) = PasswordHash::new(stored) else {
                return Checked::Wrong;
            };
            // The parameters are those of the stored hash.
            let right = hasher
                .verify_password(password.0.as_bytes(), &stored)
                .is_ok();
            if !(known && right) {
                return Checked::Wrong;
            }
            let better = costs_less(&stored, hasher).then(|| make(hasher, password.0.as_bytes()));
            Checked::Right { better }
        })
        .await
    }
}

fn make(hasher: &Argon2<'_>, password: &[u8]) -> String {
    hasher
        .hash_password_with_salt(password, &random_bytes::<16>())
        .expect("a salt of 16 bytes and a password of bounded length")
        .to_string()
}

/// Whether a stored hash is weaker than one made today would be.
fn costs_less(stored: &PasswordHash, hasher: &Argon2<'_>) -> bool {
    let today = hasher.params();
    let Ok(then) = Params::try_from(stored) else {
        return true;
    };
    stored.algorithm != Algorithm::Argon2id.ident()
        || stored.version != Some(Version::V0x13.into())
        || then.m_cost() < today.m_cost()
        || then.t_cost() < today.t_cost()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn the_parameters_stand_in_the_hash_and_the_salt_differs() {
        let passwords = Passwords::new(HashCost::default());
        let first = passwords.hash(password("correct horse")).await.unwrap();
        let second = passwords.hash(password("correct horse")).await.unwrap();
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn only_the_password_itself_opens() {
        let passwords = Passwords::new(CHEAP);
        let stored = passwords.hash(password("correct horse")).await.unwrap();
        let check = |text: &str, stored: Option<String>| passwords.check(password(text), stored);
        let right = check("correct horse", Some(stored.clone())).await.unwrap();
        assert_eq!(right, Checked::Right { better: None });
        for (text, stored) in [
            ("Correct horse", Some(stored.clone())),
            ("correct horse ", Some(stored)),
            ("correct horse", None),
            ("correct horse", Some("no hash".to_owned())),
        ] {
            assert_eq!(check(text, stored).await.unwrap(), Checked::Wrong, "{text}");
        }
    }

    #[tokio::test]
    async fn a_hash_that_cost_less_is_made_anew_when_the_password_is_right() {
        let stored = Passwords::new(CHEAP)
            .hash(password("correct horse"))
            .await
            .unwrap();
        let costlier = HashCost {
            memory_kib: 128,
            ..CHEAP
        };
        let passwords = Passwords::new(costlier);
        let Checked::Right {
            better: Some(better),
        } = passwords
            .check(password("correct horse"), Some(stored.clone()))
            .await
            .unwrap()
        else {
            panic!("no better hash");
        };
        assert!(better.contains("m=128,t=1"), "{better}");
        let wrong = passwords.check(password("wrong horse"), Some(stored)).await;
        assert_eq!(wrong.unwrap(), Checked::Wrong);
        // A costlier hash than today's stays as it is.
        let again = Passwords::new(CHEAP)
            .check(password("correct horse"), Some(better))
            .await;
        assert_eq!(again.unwrap(), Checked::Right { better: None });
    }

    #[tokio::test]
    async fn the_line_for_a_hash_is_bounded() {
        let mut passwords = Passwords::new(CHEAP);
        passwords.waiting_most = 2;
        let turns = passwords.at_once.available_permits() as u32;
        let held = passwords.at_once.acquire_many(turns).await.unwrap();
        let first = passwords.hash(password("correct horse"));
        let second = passwords.hash(password("correct horse"));
        tokio::pin!(first, second);
        std::future::poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending());
            assert!(second.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        let third = passwords.hash(password("correct horse")).await;
        assert_eq!(third, Err(TooMany));
        drop(held);
        assert!(first.await.is_ok() && second.await.is_ok());
        assert!(passwords.hash(password("correct horse")).await.is_ok());
    }

    #[test]
    fn what_others_would_try_first_is_no_new_password() {
        let fault = |text: &str| password(text).fault("ada.byron@example.org");
        for text in [
            "short",
            "Password123!",
            "1234567890",
            "0987654321",
            "aaaaaaaaaaaa",
            "qwertyuiop",
            "ADA.BYRON@example.org",
            "ada.byron1",
            &"x y".repeat(100),
            "zero\0zero\0zero",
        ] {
            assert!(fault(text).is_some(), "{text}");
        }
        for text in [
            "correct horse battery",
            "Straße nach Süden",
            "8372019465",
            "tr0ub4dor&3",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn a_generated_password_is_accepted_and_never_the_same() {
        let one = Password::generate();
        assert_eq!(one.text().len(), 23, "{}", one.text());
        assert_eq!(one.fault("a@b.de"), None);
        assert_ne!(one.text(), Password::generate().text());
        assert!(!format!("{one:?}").contains(one.text()));
    }
}
