//! `onsale user`

use super::{Data, user_online as online};
use crate::accounts::{Accounts, AccountsError, Email, Password, Role};
use crate::store::accounts::AccountRow;
use anyhow::{Context, anyhow, bail};
use clap::Subcommand;
use jiff::Timestamp;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Accounts read in one go.
const PAGE: u32 = 500;
/// More than any password.
const STDIN_MOST: u64 = 4_096;

/// Make, list and change accounts
///
/// Works on a folder that no server uses at the time; with --server on the accounts of a server that
/// runs, signed in as an admin with ONSALE_EMAIL and ONSALE_PASSWORD or with --sign-in.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    data: Data,
    /// A server that runs, on this machine, instead of a data folder
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Read the admin's address and password from a file with lines `address:` and `password:`
    #[arg(long, value_name = "FILE", env = "ONSALE_SIGN_IN")]
    pub(super) sign_in: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
struct NewPassword {
    /// Read the password from the standard input, one line; without this one is made and printed
    /// this once
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account that may sign in at once
    Add {
        /// Address to sign in with
        email: Email,
        /// What it may do
        #[arg(long, value_enum, default_value_t = Role::Fan)]
        role: Role,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        common: Common,
    },
    /// List every account, by address
    List {
        /// Only those of a role
        #[arg(long, value_enum)]
        role: Option<Role>,
        #[command(flatten)]
        common: Common,
    },
    /// Give an account another role; it is signed out everywhere
    Role {
        /// Its address
        email: Email,
        /// What it may do from now on
        #[arg(value_enum)]
        role: Role,
        #[command(flatten)]
        common: Common,
    },
    /// Shut an account: it is signed out everywhere and cannot sign in
    Disable {
        /// Its address
        email: Email,
        #[command(flatten)]
        common: Common,
    },
    /// Let a shut account in again
    Enable {
        /// Its address
        email: Email,
        #[command(flatten)]
        common: Common,
    },
    /// Sign an account out in every browser; its password stays as it is
    SignOut {
        /// Its address
        email: Email,
        #[command(flatten)]
        common: Common,
    },
    /// Give an account another password; it is signed out everywhere
    Password {
        /// Its address
        email: Email,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        common: Common,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Add {
            email,
            role,
            password,
            common,
        } => {
            if common.server.is_some() {
                bail!(
                    "a running server makes accounts where people register; `onsale user role` gives \
                     one of them another role"
                );
            }
            // Before the folder is opened: a typing mistake need not wait for it.
            let (password, made) = password.read(&email)?;
            let row = with(&common, true, async |accounts| {
                accounts.add(&email, role, password).await
            });
            let row = row.await.map_err(|fault| told(fault, &email))?;
            print(&row, made.as_ref(), common.json);
        }
        Command::List { role, common } if common.server.is_some() => {
            online::list(&common, role).await?;
        }
        Command::List { role, common } => list(role, &common).await?,
        Command::Role {
            email,
            role,
            common,
        } => {
            let change = serde_json::json!({ "role": role });
            change_one(&email, &common, change, async |accounts| {
                accounts.set_role(&email, role).await
            })
            .await?;
        }
        Command::Disable { email, common } => shut(&email, true, &common).await?,
        Command::Enable { email, common } => shut(&email, false, &common).await?,
        Command::SignOut { email, common } => sign_out(&email, &common).await?,
        Command::Password {
            email,
            password,
            common,
        } => {
            let (password, made) = password.read(&email)?;
            if common.server.is_some() {
                let text = password.text().to_owned();
                let row = online::reset(&common, &email, &text).await?;
                online::print(&row, made.as_ref(), common.json);
                return Ok(ExitCode::SUCCESS);
            }
            let row = with(&common, false, async |accounts| {
                accounts.reset_password(&email, password).await
            });
            let row = row.await.map_err(|fault| told(fault, &email))?;
            print(&row, made.as_ref(), common.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes one account, in the folder or at the server.
async fn change_one(
    email: &Email,
    common: &Common,
    change: serde_json::Value,
    work: impl AsyncFnOnce(&Accounts) -> Result<AccountRow, AccountsError>,
) -> anyhow::Result<()> {
    if common.server.is_some() {
        let row = online::change(common, email, &change).await?;
        online::print(&row, None, common.json);
        return Ok(());
    }
    let row = with(common, false, work).await;
    print(&row.map_err(|fault| told(fault, email))?, None, common.json);
    Ok(())
}

async fn sign_out(email: &Email, common: &Common) -> anyhow::Result<()> {
    let sessions = if common.server.is_some() {
        online::sign_out(common, email).await?
    } else {
        let ended = with(common, false, async |accounts| {
            accounts.sign_out_address(email).await
        });
        ended.await.map_err(|fault| told(fault, email))?.1
    };
    if common.json {
        println!("{}", serde_json::json!({ "sessions": sessions }));
    } else {
        println!("{email} is signed out; it was signed in in {sessions} browsers");
    }
    Ok(())
}

/// Why a command came to nothing.
enum Fault {
    Folder(anyhow::Error),
    Accounts(AccountsError),
}

/// Opens the folder, does it, gives the folder back.
async fn with<T>(
    common: &Common,
    create: bool,
    work: impl AsyncFnOnce(&Accounts) -> Result<T, AccountsError>,
) -> Result<T, Fault> {
    let office = super::open(&common.data, create)
        .await
        .map_err(Fault::Folder)?;
    let done = match office.accounts(&common.data) {
        Ok(accounts) => work(&accounts).await.map_err(Fault::Accounts),
        Err(error) => Err(Fault::Folder(error)),
    };
    office.close().await;
    done
}

fn told(fault: Fault, email: &Email) -> anyhow::Error {
    let fault = match fault {
        Fault::Folder(error) => return error,
        Fault::Accounts(fault) => fault,
    };
    match fault {
        AccountsError::Exists => anyhow!(
            "there is an account of {email} already: `onsale user role` gives it another role, \
             `onsale user password` another password"
        ),
        AccountsError::NoSuchAccount => anyhow!(
            "there is no account of {email}: `onsale user list` shows which there are, `onsale \
             user add` makes one"
        ),
        AccountsError::Wrong => {
            anyhow!("somebody changed the password of {email} at this moment: try again")
        }
        AccountsError::BadPassword(_)
        | AccountsError::Slower { .. }
        | AccountsError::Busy
        | AccountsError::Store(_) => anyhow::Error::new(fault).context(email.to_string()),
    }
}

impl NewPassword {
    /// The password, and the same again where it was made here and must be shown.
    fn read(&self, email: &Email) -> anyhow::Result<(Password, Option<Password>)> {
        if !self.password_stdin {
            let password = Password::generate();
            return Ok((password.clone(), Some(password)));
        }
        let mut text = String::new();
        std::io::stdin()
            .take(STDIN_MOST)
            .read_to_string(&mut text)
            .context("the password could not be read from the standard input")?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            bail!("no password came on the standard input: `--password-stdin` wants one line");
        }
        if line.contains('\n') {
            bail!("more than one line came on the standard input: the password is one line");
        }
        let password = Password::new(line.to_owned());
        match password.fault(email.as_str()) {
            Some(fault) => bail!("this cannot be the password of {email}: {fault}"),
            None => Ok((password, None)),
        }
    }
}

async fn shut(email: &Email, disabled: bool, common: &Common) -> anyhow::Result<()> {
    let change = serde_json::json!({ "disabled": disabled });
    change_one(email, common, change, async |accounts| {
        accounts.set_disabled(email, disabled).await
    })
    .await
}

async fn list(role: Option<Role>, common: &Common) -> anyhow::Result<()> {
    let rows = with(common, false, async |accounts| {
        let mut rows: Vec<AccountRow> = Vec::new();
        loop {
            let after = rows.last().map_or("", |row| row.email.as_str());
            let page = accounts.list(after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            rows.extend(page);
            if is_last {
                return Ok(rows);
            }
        }
    });
    let mut rows = match rows.await {
        Ok(rows) => rows,
        Err(Fault::Folder(error)) => return Err(error),
        Err(Fault::Accounts(fault)) => return Err(fault.into()),
    };
    rows.retain(|row| role.is_none_or(|role| row.role == role));
    if common.json {
        let list: Vec<_> = rows.iter().map(|row| as_json(row, None)).collect();
        println!("{}", serde_json::json!({ "accounts": list }));
        return Ok(());
    }
    for row in &rows {
        let shut = row.disabled_ms.map_or("", |_| "  shut");
        println!(
            "{:9}  {}  {}{shut}",
            row.role,
            day(row.created_ms),
            row.email
        );
    }
    if rows.is_empty() {
        eprintln!("no such accounts: `onsale user add --role operator EMAIL` makes one");
    }
    Ok(())
}

fn print(row: &AccountRow, made: Option<&Password>, json: bool) {
    if json {
        println!("{}", as_json(row, made));
        return;
    }
    let state = row.disabled_ms.map_or("may sign in", |_| "is shut");
    println!("{} ({}) {state}", row.email, row.role);
    if let Some(password) = made {
        println!("password: {}", password.text());
        println!("It is shown this once; it can be changed on the page /account.");
    }
}

fn as_json(row: &AccountRow, made: Option<&Password>) -> serde_json::Value {
    let mut json = serde_json::json!({
        "id": row.id,
        "email": row.email,
        "role": row.role,
        "created_ms": row.created_ms,
        "password_ms": row.password_ms,
        "disabled_ms": row.disabled_ms,
    });
    if let Some(password) = made {
        json["password"] = password.text().into();
    }
    json
}

pub(super) fn day(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| "at no time".to_owned(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}
