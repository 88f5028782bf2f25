//! What handlers take: bodies, paths and queries whose faults are problem documents that name the
//! place of the fault.

use super::problem::ApiError;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Largest body that is read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// How long a body may take to arrive.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// A JSON body. Types that derive `deny_unknown_fields` refuse unknown members.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A body as it came, within the same limits.
#[derive(Debug)]
pub struct Raw(pub Bytes);

/// Path parameters.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// Query parameters.
#[derive(Debug)]
pub struct Query<T>(pub T);

async fn read(body: Body) -> Result<Bytes, ApiError> {
    let collect = Limited::new(body, MAX_BODY_BYTES).collect();
    match tokio::time::timeout(BODY_DEADLINE, collect).await {
        Err(_) => Err(ApiError::BodyTooSlow),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge {
            max_bytes: MAX_BODY_BYTES,
        }),
        Ok(Err(_)) => Err(ApiError::malformed(
            "body",
            "it ended before it was complete",
        )),
    }
}

/// `application/json`, with or without parameters, or any `+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().ends_with("+json")
}

/// Reads `bytes`; a fault is looked up a second time with its path, so that the usual case pays
/// nothing for good messages.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => {
            let at = match error.path().to_string() {
                // What broke off before anything could be named.
                path if path == "." || path == "?" => "body".to_owned(),
                path => path,
            };
            Err(ApiError::malformed(at, error.inner().to_string()))
        }
        Ok(value) => match reader.end() {
            Ok(()) => Ok(value),
            Err(error) => Err(ApiError::malformed("body", error.to_string())),
        },
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE);
        if !content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_json)
        {
            return Err(ApiError::UnsupportedMediaType);
        }
        parse(&read(request.into_body()).await?).map(Self)
    }
}

impl<S: Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request.into_body()).await.map(Self)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(ApiError::malformed("path", error.body_text()))
            }
            Err(other) => Err(ApiError::Internal(super::problem::Inside::new(&other))),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                Err(ApiError::malformed("query", error.body_text()))
            }
            Err(other) => Err(ApiError::malformed("query", other.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        #[allow(dead_code)]
        items: Vec<Item>,
    }
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        #[allow(dead_code)]
        seat: u32,
    }

    fn fault(text: &str) -> (String, String) {
        match parse::<Wish>(text.as_bytes()) {
            Err(ApiError::Malformed { at, what }) => (at, what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_fault_names_its_place() {
        let (at, what) = fault(r#"{"items":[{"seat":1},{"seat":-2}]}"#);
        assert_eq!(at, "items[1].seat");
        assert!(what.contains("-2"), "{what}");
    }

    #[test]
    fn an_unknown_member_is_a_fault() {
        let (at, what) = fault(r#"{"items":[{"seat":1,"price":0}]}"#);
        assert_eq!(at, "items[0].price");
        assert!(what.contains("unknown field"), "{what}");
    }

    fn body_of(
        stream: impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    ) -> Request {
        let mut request = Request::new(Body::from_stream(stream));
        let json = axum::http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        request
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up_after_the_deadline() {
        let began = tokio::time::Instant::now();
        let first = futures_util::stream::iter([Ok(Bytes::from_static(b"{\"items\""))]);
        let request = body_of(first.chain(futures_util::stream::pending()));
        let given_up = Json::<Wish>::from_request(request, &()).await;
        assert!(
            matches!(given_up, Err(ApiError::BodyTooSlow)),
            "{given_up:?}"
        );
        assert_eq!(began.elapsed(), BODY_DEADLINE);
    }

    #[tokio::test]
    async fn a_body_is_read_no_further_than_the_limit() {
        let chunk = Bytes::from(vec![b' '; MAX_BODY_BYTES / 4]);
        let endless = futures_util::stream::repeat_with(move || Ok(chunk.clone()));
        let refused = Json::<Wish>::from_request(body_of(endless), &()).await;
        assert!(
            matches!(refused, Err(ApiError::BodyTooLarge { .. })),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_malformed() {
        let broken = futures_util::stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::ErrorKind::ConnectionReset.into()),
        ]);
        let refused = Json::<Wish>::from_request(body_of(broken), &()).await;
        assert!(
            matches!(refused, Err(ApiError::Malformed { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn text_after_the_value_is_a_fault() {
        assert_eq!(fault(r#"{"items":[]} {}"#).0, "body");
        assert_eq!(fault("").0, "body");
    }
}
