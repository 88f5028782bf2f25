//! `POST /accounts`, `GET /account`, `PUT /account/password`.

use super::accounts_sessions::{Arrival, Entered, enter, origin};
use super::problem::ApiError;
use super::{AppState, Json, SignedIn, schema};
use crate::accounts::{Account, AccountId, Email, Password, Role};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

/// Who is signed in.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Account)]
pub struct AccountBody {
    #[schema(value_type = uuid::Uuid)]
    id: AccountId,
    email: String,
    role: Role,
    created_ms: i64,
}

impl AccountBody {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.clone(),
            role: account.role,
            created_ms: account.created_ms,
        }
    }
}

/// Who is asking, if they have signed in.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct WhoAmI {
    /// Null: nobody is signed in here.
    account: Option<AccountBody>,
    /// In how many browsers they are signed in, this one included.
    sessions: u64,
}

/// Address and password.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: String,
    #[schema(value_type = String)]
    password: Password,
}

impl Credentials {
    pub(super) fn read(self) -> Result<(Email, Password), ApiError> {
        let email = self
            .email
            .parse::<Email>()
            .map_err(|fault| ApiError::malformed("email", fault.to_string()))?;
        if self.password.is_too_long() {
            return Err(ApiError::malformed(
                "password",
                "a password has at most 256 bytes",
            ));
        }
        Ok((email, self.password))
    }
}

/// The password as it is and as it is to be.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    #[schema(value_type = String)]
    current: Password,
    /// At least 10 characters, and not among the first that others would try.
    #[schema(value_type = String)]
    new: Password,
}

/// Make a fan's account and sign in. What this browser has held and bought is the account's.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts",
    request_body = Credentials,
    responses(
        (status = 201, body = Entered),
        (status = 400, body = schema::Problem),
        (status = 409, body = schema::Problem, description = "`account_exists`"),
        (status = 429, body = schema::Problem, description = "`too_many_attempts`"),
        (status = 503, body = schema::Problem)))]
pub async fn register(
    State(state): State<AppState>,
    arrival: Arrival,
    Json(wish): Json<Credentials>,
) -> Result<Response, ApiError> {
    let (email, password) = wish.read()?;
    let signed_in = state
        .accounts
        .register(&email, password, origin(&arrival))
        .await?;
    Ok(enter(StatusCode::CREATED, &arrival, &signed_in))
}

/// Who is signed in here.
#[utoipa::path(get, path = "/api/v1/account", tag = "accounts",
    responses((status = 200, body = WhoAmI), (status = 503, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
) -> Result<axum::Json<WhoAmI>, ApiError> {
    let Some(SignedIn(account)) = signed_in else {
        return Ok(axum::Json(WhoAmI {
            account: None,
            sessions: 0,
        }));
    };
    Ok(axum::Json(WhoAmI {
        sessions: state.accounts.sessions_of(account.id).await?,
        account: Some(AccountBody::of(&account)),
    }))
}

/// Choose another password. Every other browser is signed out.
#[utoipa::path(put, path = "/api/v1/account/password", tag = "accounts",
    request_body = NewPassword,
    responses(
        (status = 200, body = Entered),
        (status = 400, body = schema::Problem),
        (status = 401, body = schema::Problem,
            description = "`sign_in_needed`; `sign_in_failed`: the current password is another"),
        (status = 429, body = schema::Problem, description = "`too_many_attempts`"),
        (status = 503, body = schema::Problem)))]
pub async fn change_password(
    State(state): State<AppState>,
    SignedIn(account): SignedIn,
    arrival: Arrival,
    Json(wish): Json<NewPassword>,
) -> Result<Response, ApiError> {
    if wish.current.is_too_long() {
        return Err(ApiError::malformed(
            "current",
            "a password has at most 256 bytes",
        ));
    }
    if let Some(fault) = wish.new.fault(&account.email) {
        return Err(ApiError::malformed("new", fault));
    }
    let signed_in = state
        .accounts
        .change_password(&account, wish.current, wish.new, origin(&arrival))
        .await?;
    Ok(enter(StatusCode::OK, &arrival, &signed_in))
}
