//! The demo's operator: an account with a password made for this folder, kept beside the data in a
//! file that only its owner may read.

use crate::accounts::{Accounts, AccountsError, Email, Password, Role};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Who runs the demo's waiting rooms.
pub const EMAIL: &str = "operator@onsale.example";
const FILE: &str = "demo-operator.txt";

/// How the demo's operator signs in.
#[derive(Clone, Debug)]
pub struct DemoOperator {
    /// With which address.
    pub email: Email,
    /// With which password.
    pub password: Password,
    /// Where both are written down.
    pub file: PathBuf,
}

/// Why there is no operator.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The account could not be made.
    #[error("the demo's operator could not be made")]
    Account(#[from] AccountsError),
    /// The file could not be written.
    #[error("{} could not be written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Makes the operator and writes down how they sign in.
pub async fn make(data: &Path, accounts: &Accounts) -> Result<DemoOperator, OperatorError> {
    let email: Email = EMAIL
        .parse()
        .expect("the demo's operator has a sound address");
    let password = Password::generate();
    let file = data.join(FILE);
    // The file first: an account whose password nobody knows is of no use.
    write(&file, &email, &password).map_err(|source| OperatorError::File {
        path: file.clone(),
        source,
    })?;
    accounts
        .add(&email, Role::Operator, password.clone())
        .await?;
    Ok(DemoOperator {
        email,
        password,
        file,
    })
}

fn write(file: &Path, email: &Email, password: &Password) -> std::io::Result<()> {
    // What was left there may be readable by others.
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(file, "address:  {email}\npassword: {}", password.text())?;
    file.sync_all()
}

/// Where a folder's operator is written down, if it is a demo's.
#[must_use]
pub fn file_of(data: &Path) -> Option<PathBuf> {
    let file = data.join(FILE);
    file.is_file().then_some(file)
}
