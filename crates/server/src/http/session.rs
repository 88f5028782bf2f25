//! Who is asking: an opaque cookie of 256 random bits.
//!
//! A fan without an account *is* the cookie: the fan's id is the first half of the SHA-256 of the
//! token, so no request needs the database to know who asks, and nothing that is stored or logged
//! can be turned back into a cookie. Who has signed in shows another cookie, which stands for a row
//! that can be taken away; only those requests look anything up ([`accounts_who`](super::accounts_who)).

use super::problem::{ApiError, Inside};
use super::state::AppState;
use crate::accounts::TokenHash;
use crate::clock::random_bytes;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{COOKIE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use booking_core::FanId;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// 32 bytes in lower-case hexadecimal.
const TOKEN_CHARS: usize = 64;

/// The caller, whose holds and orders the request is about: the account's fan of who has signed in,
/// else the guest. As an extractor it makes a guest's session where there is none; `Option<Fan>`
/// does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fan(pub FanId);

/// Under which name the cookie goes: browsers accept `__Host-` only with `Secure`, and some do not
/// accept `Secure` on plain http, not even at a loopback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieName {
    /// https, seen directly or by a trusted proxy.
    HostPrefixed,
    /// Plain http at a loopback address, and only there.
    Loopback,
}

/// What the outermost layer knows of a request, put into its extensions.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The caller's own address: the peer's, or what a trusted proxy says it was.
    pub address: IpAddr,
    /// Whose cookie it carries.
    pub session: Session,
    /// What stands for the session of who has signed in, where its cookie is there.
    pub signed_in: Option<TokenHash>,
    /// Under which names cookies go.
    pub cookies: CookieName,
}

/// A request's session.
#[derive(Clone, Debug)]
pub enum Session {
    /// The cookie is there.
    Known(FanId),
    /// There is none, but whoever needs one may make it.
    New(NewSession),
}

/// A session that may be made, so that the outermost layer can hand its cookie back.
#[derive(Clone, Debug)]
pub struct NewSession {
    name: CookieName,
    made: Arc<OnceLock<String>>,
}

impl CookieName {
    /// Judges by how the request came in: `secure` is what a trusted proxy says.
    #[must_use]
    pub fn of(headers: &HeaderMap, secure: bool) -> Self {
        if !secure
            && headers
                .get(HOST)
                .is_some_and(|host| is_loopback_host(host.as_bytes()))
        {
            Self::Loopback
        } else {
            Self::HostPrefixed
        }
    }
}

/// The cookies there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Who is a guest.
    Guest,
    /// Where somebody is signed in.
    SignedIn,
    /// That somebody has signed in here before.
    Device,
}

impl Cookie {
    /// How a cookie is called where such names are used.
    #[must_use]
    pub fn name(self, names: CookieName) -> &'static str {
        match (self, names) {
            (Self::Guest, CookieName::HostPrefixed) => "__Host-onsale",
            (Self::Guest, CookieName::Loopback) => "onsale",
            (Self::SignedIn, CookieName::HostPrefixed) => "__Host-onsale-account",
            (Self::SignedIn, CookieName::Loopback) => "onsale-account",
            (Self::Device, CookieName::HostPrefixed) => "__Host-onsale-device",
            (Self::Device, CookieName::Loopback) => "onsale-device",
        }
    }

    /// What a request's cookie of this kind holds.
    #[must_use]
    pub fn read(self, headers: &HeaderMap, names: CookieName) -> Option<&str> {
        let name = self.name(names);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// A `Set-Cookie` that keeps `value` for so long; an empty one takes the cookie away.
    #[must_use]
    pub fn set(self, names: CookieName, value: &str, max_age_s: i64) -> Option<HeaderValue> {
        let secure = match names {
            CookieName::HostPrefixed => "; Secure",
            CookieName::Loopback => "",
        };
        let name = self.name(names);
        let text =
            format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// A `Set-Cookie` that takes the cookie away.
    #[must_use]
    pub fn take_away(self, names: CookieName) -> Option<HeaderValue> {
        self.set(names, "", 0)
    }
}

/// `localhost`, `*.localhost`, `127.x.y.z` and `[::1]`, with or without a port.
fn is_loopback_host(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => return rest.split(']').next() == Some("::1"),
        None => host.split(':').next().unwrap_or(host),
    };
    if name
        .parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback())
    {
        return true;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

/// The fan whose cookie the request carries.
#[must_use]
pub fn fan_of(headers: &HeaderMap, name: CookieName) -> Option<FanId> {
    Cookie::Guest.read(headers, name).and_then(fan_of_token)
}

/// The fan of a token; `None` where it is not one of the shape we make.
fn fan_of_token(token: &str) -> Option<FanId> {
    let well_formed = token.len() == TOKEN_CHARS
        && token
            .bytes()
            .all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    well_formed.then(|| {
        let digest = Sha256::digest(token.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        FanId::from_bytes(id)
    })
}

impl NewSession {
    /// A slot for a session that may or may not be made.
    #[must_use]
    pub fn slot(name: CookieName) -> Self {
        Self {
            name,
            made: Arc::default(),
        }
    }

    fn fan(&self) -> FanId {
        let token = self
            .made
            .get_or_init(|| crate::catalogue::hex(&random_bytes::<32>()));
        fan_of_token(token).expect("a token of our own making is well formed")
    }

    /// The `Set-Cookie` to answer with, where a session was made.
    #[must_use]
    pub fn cookie(&self) -> Option<HeaderValue> {
        const YEAR_S: i64 = 365 * 24 * 60 * 60;
        let token = self.made.get()?;
        Cookie::Guest.set(self.name, token, YEAR_S)
    }
}

impl Session {
    /// The `Set-Cookie` to answer with, where a session was made.
    #[must_use]
    pub fn cookie(&self) -> Option<HeaderValue> {
        match self {
            Self::Known(_) => None,
            Self::New(slot) => slot.cookie(),
        }
    }
}

impl Visit {
    /// Reads the cookies of a request of `address` that came in over https (`secure`) or not.
    #[must_use]
    pub fn of(headers: &HeaderMap, address: IpAddr, secure: bool) -> Self {
        let cookies = CookieName::of(headers, secure);
        Self {
            address,
            session: match fan_of(headers, cookies) {
                Some(fan) => Session::Known(fan),
                None => Session::New(NewSession::slot(cookies)),
            },
            signed_in: Cookie::SignedIn
                .read(headers, cookies)
                .and_then(TokenHash::of_cookie),
            cookies,
        }
    }

    /// Of the request a handler answers.
    pub fn in_parts(parts: &Parts) -> Result<&Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .ok_or_else(|| ApiError::Internal(Inside::text("a handler outside the session layer")))
    }

    /// The guest whose cookie the request carries.
    #[must_use]
    pub fn guest(&self) -> Option<FanId> {
        match &self.session {
            Session::Known(fan) => Some(*fan),
            Session::New(_) => None,
        }
    }

    /// The same, who is made where there is none.
    pub(super) fn guest_or_new(&self) -> FanId {
        match &self.session {
            Session::Known(fan) => *fan,
            Session::New(slot) => slot.fan(),
        }
    }
}

impl FromRequestParts<AppState> for Fan {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let visit = Visit::in_parts(parts)?;
        if let Some(token) = visit.signed_in
            && let Some(account) = state.accounts.find(token).await?
        {
            return Ok(Self(account.fan));
        }
        Ok(Self(visit.guest_or_new()))
    }
}

impl OptionalFromRequestParts<AppState> for Fan {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Option<Self>, ApiError> {
        let visit = Visit::in_parts(parts)?;
        if let Some(token) = visit.signed_in
            && let Some(account) = state.accounts.find(token).await?
        {
            return Ok(Some(Self(account.fan)));
        }
        Ok(visit.guest().map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_same_cookie_is_always_the_same_fan() {
        let slot = NewSession::slot(CookieName::Loopback);
        let fan = slot.fan();
        let set = slot.cookie().unwrap();
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let again = headers(&[("cookie", &format!("theme=dark; {pair}"))]);
        assert_eq!(fan_of(&again, CookieName::Loopback), Some(fan));
        assert_eq!(fan_of(&again, CookieName::HostPrefixed), None);
    }

    #[test]
    fn a_session_that_was_not_needed_sets_no_cookie() {
        assert!(
            NewSession::slot(CookieName::HostPrefixed)
                .cookie()
                .is_none()
        );
    }

    #[test]
    fn only_plain_http_at_a_loopback_name_goes_without_secure() {
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "[::1]:80",
            "shop.localhost",
            "LOCALHOST",
        ] {
            assert_eq!(
                CookieName::of(&headers(&[("host", host)]), false),
                CookieName::Loopback
            );
            assert_eq!(
                CookieName::of(&headers(&[("host", host)]), true),
                CookieName::HostPrefixed
            );
        }
        for host in [
            "tickets.example",
            "127.0.0.1.example",
            "localhost.example",
            "10.0.0.1",
        ] {
            assert_eq!(
                CookieName::of(&headers(&[("host", host)]), false),
                CookieName::HostPrefixed
            );
        }
        let slot = NewSession::slot(CookieName::HostPrefixed);
        let _ = slot.fan();
        assert!(
            slot.cookie()
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("; Secure")
        );
    }

    #[test]
    fn a_cookie_of_another_shape_is_no_session() {
        for token in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(fan_of_token(token), None, "{token}");
        }
    }
}
