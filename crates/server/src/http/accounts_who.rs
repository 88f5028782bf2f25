//! What handlers take to know who is asking beyond [`Fan`](super::Fan): who has signed in, whether
//! they may, and which fans' things are theirs.
//!
//! A handler that only some may call takes the role as an argument, before its body:
//!
//! ```text
//! async fn open_room(Operator(operator): Operator, Json(wish): Json<OpenRoom>) -> …
//! ```
//!
//! Without a session it answers `401 sign_in_needed`, with another role `403 not_allowed`. An admin
//! may call everything.

use super::problem::ApiError;
use super::session::Visit;
use super::state::AppState;
use crate::accounts::{Account, Role};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use booking_core::{FanId, HoldId, PerformanceId};
use std::sync::Arc;

/// Whoever has signed in, as what does not matter.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Arc<Account>);

async fn account(parts: &Parts, state: &AppState) -> Result<Option<Arc<Account>>, ApiError> {
    match Visit::in_parts(parts)?.signed_in {
        Some(token) => Ok(state.accounts.find(token).await?),
        None => Ok(None),
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let account = account(parts, state).await?;
        account.map(Self).ok_or(ApiError::SignInNeeded)
    }
}

impl OptionalFromRequestParts<AppState> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Option<Self>, ApiError> {
        Ok(account(parts, state).await?.map(Self))
    }
}

macro_rules! roles {
    ($($(#[$about:meta])* $Name:ident)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $Name(pub Arc<Account>);

        impl FromRequestParts<AppState> for $Name {
            type Rejection = ApiError;

            async fn from_request_parts(
                parts: &mut Parts,
                state: &AppState,
            ) -> Result<Self, ApiError> {
                let SignedIn(account) =
                    <SignedIn as FromRequestParts<AppState>>::from_request_parts(parts, state)
                        .await?;
                if account.role.covers(Role::$Name) {
                    Ok(Self(account))
                } else {
                    Err(ApiError::NotAllowed { needed: Role::$Name })
                }
            }
        }
    )*};
}

roles! {
    /// Somebody who puts performances on sale.
    Organiser
    /// Somebody who runs waiting rooms.
    Operator
    /// Somebody who checks tickets at the door.
    Door
    /// Somebody who gives roles.
    Admin
}

/// Somebody who must know how a sale goes: who put it on sale, and who runs its waiting room.
#[derive(Clone, Debug)]
pub struct RunsSales(pub Arc<Account>);

impl FromRequestParts<AppState> for RunsSales {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let SignedIn(account) =
            <SignedIn as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        let may = [Role::Organiser, Role::Operator];
        if may.iter().any(|needed| account.role.covers(*needed)) {
            Ok(Self(account))
        } else {
            let needed = Role::Organiser;
            Err(ApiError::NotAllowed { needed })
        }
    }
}

/// The fans whose things are the caller's: the one they act as, and the guests that an account has
/// adopted. As an extractor it makes a guest's session where there is none; `Option<Mine>` does not.
#[derive(Clone, Debug)]
pub struct Mine {
    fan: FanId,
    adopted: Arc<[FanId]>,
    /// A guest who has not signed in.
    is_guest: bool,
}

impl Mine {
    fn of_account(account: &Account) -> Self {
        Self {
            fan: account.fan,
            adopted: Arc::clone(&account.adopted),
            is_guest: false,
        }
    }

    fn of_guest(fan: FanId) -> Self {
        Self {
            fan,
            adopted: Arc::default(),
            is_guest: true,
        }
    }

    /// All of them, the one they act as first.
    pub fn fans(&self) -> impl Iterator<Item = FanId> + '_ {
        std::iter::once(self.fan).chain(self.adopted.iter().copied())
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn is(&self, fan: FanId) -> bool {
        fan == self.fan || self.adopted.contains(&fan)
    }

    /// Which of them a hold belongs to; the one they act as where it is nobody's of them. A guest
    /// and an account without a past cost no look.
    pub async fn holder(
        &self,
        state: &AppState,
        performance: PerformanceId,
        hold: HoldId,
    ) -> Result<FanId, ApiError> {
        if self.adopted.is_empty() {
            return Ok(self.fan);
        }
        let owner = state
            .lanes
            .read(performance, move |inventory, _| {
                inventory.hold(hold).map(|hold| hold.fan)
            })
            .await?;
        Ok(owner
            .filter(|owner| self.adopted.contains(owner))
            .unwrap_or(self.fan))
    }

    /// The fans whose purchases may be shown. Those of a guest who was adopted are the account's
    /// alone: an old cookie opens nothing any more.
    pub async fn buyers(&self, state: &AppState) -> Result<Vec<FanId>, ApiError> {
        if self.is_guest && state.accounts.is_adopted(self.fan).await? {
            return Ok(Vec::new());
        }
        Ok(self.fans().collect())
    }
}

impl FromRequestParts<AppState> for Mine {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if let Some(account) = account(parts, state).await? {
            return Ok(Self::of_account(&account));
        }
        Ok(Self::of_guest(Visit::in_parts(parts)?.guest_or_new()))
    }
}

impl OptionalFromRequestParts<AppState> for Mine {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Option<Self>, ApiError> {
        if let Some(account) = account(parts, state).await? {
            return Ok(Some(Self::of_account(&account)));
        }
        Ok(Visit::in_parts(parts)?.guest().map(Self::of_guest))
    }
}
