//! For those who run the server and those who write programs against it: health, metrics, and the
//! description of the API with a page to browse it.

use super::encoded::{Effort, Encoded};
use super::state::AppState;
use crate::catalogue::hex;
use crate::observe;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Only here: the page that shows the API writes styles of its own.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
     'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// Routes beside the API.
pub fn routes(description: &OpenApi) -> Router<AppState> {
    let json = serde_json::to_vec(description).unwrap_or_default();
    let etag = hex(&Sha256::digest(&json)[..12]);
    let encoded = Arc::new(Encoded::new(
        json,
        "application/json",
        &etag,
        "no-cache",
        Effort::Thorough,
    ));
    let openapi = move |headers: HeaderMap| async move { encoded.answer(&headers) };
    let page: Router<AppState> = SwaggerUi::new("/api/docs")
        .config(Config::new(["/api/v1/openapi.json"]))
        .into();
    let page = page.layer(axum::middleware::map_response(
        |mut response: Response| async move {
            let policy = HeaderValue::from_static(DOCS_POLICY);
            response
                .headers_mut()
                .insert(CONTENT_SECURITY_POLICY, policy);
            response
        },
    ));
    Router::new()
        .route("/api/v1/openapi.json", get(openapi))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/latest", get(latest))
        .merge(page)
}

const NOT_RECORDED: (StatusCode, &str) = (StatusCode::NOT_FOUND, "metrics are not recorded here");

#[derive(serde::Serialize)]
struct Health {
    status: &'static str,
    storage: &'static str,
    version: &'static str,
}

/// 200 while this server can take orders, 503 when it cannot or is about to stop.
async fn health(State(state): State<AppState>) -> Response {
    let storage = match state.store.check_writable().await {
        Ok(()) => "writable",
        Err(error) => {
            tracing::warn!(%error, "the health check could not write");
            "failed"
        }
    };
    let status = match (state.is_draining(), storage) {
        (true, _) => "draining",
        (false, "writable") => "ok",
        (false, _) => "storage_failed",
    };
    let code = if status == "ok" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let health = Health {
        status,
        storage,
        version: env!("CARGO_PKG_VERSION"),
    };
    (
        code,
        [(CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json(health),
    )
        .into_response()
}

/// Prometheus text.
async fn metrics() -> Response {
    match observe::metrics() {
        Some(text) => {
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            ([(CONTENT_TYPE, kind)], text).into_response()
        }
        None => NOT_RECORDED.into_response(),
    }
}

/// The last minute at a glance.
async fn latest() -> Response {
    match observe::latest() {
        Some(latest) => Json(latest).into_response(),
        None => NOT_RECORDED.into_response(),
    }
}
