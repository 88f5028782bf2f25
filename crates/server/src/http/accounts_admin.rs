//! `GET /accounts`, `PATCH /accounts/{id}`, `DELETE /accounts/{id}/sessions`,
//! `PUT /accounts/{id}/password`: who may do what, for admins, while the server runs.

use super::problem::ApiError;
use super::{Admin, AppState, Json, Path, Query, schema};
use crate::accounts::{Account, AccountId, Email, NotAnEmail, Password, Role};
use crate::store::accounts::AccountRow;
use axum::extract::State;

/// Most accounts of one answer.
const LISTED_MOST: u32 = 200;

/// An account as an admin sees it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct AccountDetail {
    #[schema(value_type = uuid::Uuid)]
    id: AccountId,
    email: String,
    role: Role,
    created_ms: i64,
    /// When the password was chosen.
    password_ms: i64,
    /// Null: may sign in.
    disabled_ms: Option<i64>,
}

impl AccountDetail {
    fn of(row: &AccountRow) -> Self {
        Self {
            id: row.id,
            email: row.email.clone(),
            role: row.role,
            created_ms: row.created_ms,
            password_ms: row.password_ms,
            disabled_ms: row.disabled_ms,
        }
    }
}

/// Some of the accounts.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct AccountList {
    /// By address, at most 200.
    accounts: Vec<AccountDetail>,
}

/// Where to go on.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// Only addresses that come after this one.
    #[serde(default)]
    after: String,
    /// Only the account of this address.
    #[serde(default)]
    email: Option<String>,
}

/// Another password.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// Null: one is made.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<Password>,
}

/// An account with another password.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct PasswordGiven {
    account: AccountDetail,
    /// Where one was made: shown this once.
    password: Option<String>,
}

/// Signed out.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct SignedOut {
    /// In how many browsers it was signed in.
    sessions: u64,
}

/// What is to be different. What is left out stays.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    #[serde(default)]
    role: Option<Role>,
    /// Whether the account is shut.
    #[serde(default)]
    disabled: Option<bool>,
}

/// What every endpoint here answers to whoever is no admin, and to what it cannot read. For the
/// description of the API, like the two below: handlers refuse through [`ApiError`].
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "a shape for the description")]
enum NotAnAdmin {
    /// `malformed`: `at` is the place, `what` the fault there
    #[response(status = 400)]
    Malformed(#[to_schema] schema::Problem),
    /// `sign_in_needed`
    #[response(status = 401)]
    SignInNeeded(#[to_schema] schema::Problem),
    /// `not_allowed`: another role
    #[response(status = 403)]
    NotAllowed(#[to_schema] schema::Problem),
    /// `storage_failed`, `busy`
    #[response(status = 503)]
    Away(#[to_schema] schema::Problem),
}

/// What those answer besides that are about one account.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "a shape for the description")]
enum OfAnAccount {
    /// `not_found`
    #[response(status = 404)]
    NotFound(#[to_schema] schema::Problem),
}

/// What those answer besides that are not for one's own account.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "a shape for the description")]
enum OwnAccount {
    /// `own_account`
    #[response(status = 409)]
    OwnAccount(#[to_schema] schema::Problem),
}

fn somebody_elses(id: AccountId, admin: &Account) -> Result<(), ApiError> {
    if id == admin.id {
        return Err(ApiError::OwnAccount);
    }
    Ok(())
}

/// Accounts by address, 200 at a time.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(After),
    responses(
        (status = 200, body = AccountList),
        NotAnAdmin))]
pub async fn list(
    State(state): State<AppState>,
    Admin(_): Admin,
    Query(After { after, email }): Query<After>,
) -> Result<axum::Json<AccountList>, ApiError> {
    let rows = match email {
        Some(email) => {
            let email: Email = email
                .parse()
                .map_err(|fault: NotAnEmail| ApiError::malformed("query", fault.to_string()))?;
            state
                .accounts
                .by_address(&email)
                .await?
                .into_iter()
                .collect()
        }
        None => state.accounts.list(&after, LISTED_MOST).await?,
    };
    let accounts = rows.iter().map(AccountDetail::of).collect();
    Ok(axum::Json(AccountList { accounts }))
}

/// Give another role, shut an account or let it in again. Whatever changes, it is signed out
/// everywhere.
#[utoipa::path(patch, path = "/api/v1/accounts/{id}", tag = "accounts",
    params(("id" = uuid::Uuid, Path,)), request_body = AccountChange,
    responses(
        (status = 200, body = AccountDetail),
        NotAnAdmin,
        OfAnAccount,
        OwnAccount))]
pub async fn change(
    State(state): State<AppState>,
    Admin(admin): Admin,
    Path(id): Path<AccountId>,
    Json(wish): Json<AccountChange>,
) -> Result<axum::Json<AccountDetail>, ApiError> {
    // The last admin must not shut themselves out by a slip.
    somebody_elses(id, &admin)?;
    let mut row = state.accounts.by_id(id).await?;
    if let Some(role) = wish.role
        && role != row.role
    {
        row = state.accounts.give_role(row, role).await?;
    }
    if let Some(disabled) = wish.disabled
        && disabled != row.disabled_ms.is_some()
    {
        row = state.accounts.shut(row, disabled).await?;
    }
    tracing::info!(by = %admin.id, account = %id, role = %row.role,
        shut = row.disabled_ms.is_some(), "an account was changed");
    Ok(axum::Json(AccountDetail::of(&row)))
}

/// Sign an account out everywhere. Its password stays as it is.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/sessions", tag = "accounts",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = SignedOut),
        NotAnAdmin,
        OfAnAccount))]
pub async fn sign_out(
    State(state): State<AppState>,
    Admin(admin): Admin,
    Path(id): Path<AccountId>,
) -> Result<axum::Json<SignedOut>, ApiError> {
    let row = state.accounts.by_id(id).await?;
    let sessions = state.accounts.sign_out_everywhere(row.id).await?;
    tracing::info!(by = %admin.id, account = %id, sessions, "an account was signed out everywhere");
    Ok(axum::Json(SignedOut { sessions }))
}

/// Give an account another password. It is signed out everywhere.
#[utoipa::path(put, path = "/api/v1/accounts/{id}/password", tag = "accounts",
    params(("id" = uuid::Uuid, Path,)), request_body = PasswordReset,
    responses(
        (status = 200, body = PasswordGiven),
        NotAnAdmin,
        OfAnAccount,
        OwnAccount))]
pub async fn reset_password(
    State(state): State<AppState>,
    Admin(admin): Admin,
    Path(id): Path<AccountId>,
    Json(wish): Json<PasswordReset>,
) -> Result<axum::Json<PasswordGiven>, ApiError> {
    // One's own is changed by who knows it: a browser left open must not be enough.
    somebody_elses(id, &admin)?;
    let row = state.accounts.by_id(id).await?;
    let made = wish.password.is_none();
    let new = wish.password.unwrap_or_else(Password::generate);
    if new.is_too_long() {
        let what = "a password has at most 256 bytes";
        return Err(ApiError::malformed("password", what));
    }
    let row = state.accounts.reset(row, new.clone()).await?;
    tracing::info!(by = %admin.id, account = %id, "an account was given another password");
    Ok(axum::Json(PasswordGiven {
        account: AccountDetail::of(&row),
        password: made.then(|| new.text().to_owned()),
    }))
}
