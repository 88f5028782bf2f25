//! Signing in and out, and who is signed in.

use serde::{Deserialize, Serialize};

use super::Answer;
use super::http::call;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Fan,
    Organiser,
    Operator,
    Door,
    Admin,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) role: Role,
}

/// Who is asking, if they have signed in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct WhoAmI {
    pub(crate) account: Option<Account>,
    /// In how many browsers they are signed in.
    pub(crate) sessions: u32,
}

/// The answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Entered {
    pub(crate) account: Account,
    /// Orders of this browser's guest that came along.
    pub(crate) adopted_orders: u32,
    /// What the account should know of; told once.
    #[serde(default)]
    pub(crate) notice: Option<Notice>,
}

/// Somebody tried to register with the account's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Notice {
    /// How often since the last sign-in.
    pub(crate) registrations: u32,
}

/// Address and password.
#[derive(Serialize)]
pub(crate) struct Credentials {
    pub(crate) email: String,
    pub(crate) password: String,
}

/// The password as it is and as it is to be.
#[derive(Serialize)]
pub(crate) struct NewPassword {
    pub(crate) current: String,
    pub(crate) new: String,
}

/// Makes an account and signs in.
pub(crate) async fn register(ask: &Credentials) -> Answer<Entered> {
    call("POST", "/accounts", Some(ask)).await
}

/// Signs in.
pub(crate) async fn sign_in(ask: &Credentials) -> Answer<Entered> {
    call("POST", "/sessions", Some(ask)).await
}

/// Who is signed in here.
pub(crate) async fn who_am_i() -> Answer<WhoAmI> {
    call("GET", "/account", None::<&()>).await
}

/// Chooses another password.
pub(crate) async fn change_password(ask: &NewPassword) -> Answer<Entered> {
    call("PUT", "/account/password", Some(ask)).await
}

/// Signs out here.
pub(crate) async fn sign_out() -> Answer<()> {
    call("DELETE", "/sessions/current", None::<&()>).await
}

/// Signs out in every browser.
pub(crate) async fn sign_out_everywhere() -> Answer<()> {
    call("DELETE", "/sessions", None::<&()>).await
}
