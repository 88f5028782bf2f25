//! What does not change while a performance is on sale: its seat map, its terms and its poster.
//! Each is encoded and compressed once and then sent from memory.

use super::Path;
use super::encoded::{Effort, Encoded, wants_json};
use super::problem::{ApiError, Inside};
use super::schema;
use super::state::AppState;
use crate::catalogue::{Catalogue, Performance, hex};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use booking_core::seatmap::{Area, PriceBand, SeatAttributes, Shape};
use booking_core::{PerformanceId, SaleTerms, SeatMap};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Named by its content, so it may be kept forever; the address is the performance's, so it is
/// asked for again.
const ASK_AGAIN: &str = "public, max-age=0, must-revalidate";
const AN_HOUR: &str = "public, max-age=3600";

/// Which encoded body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Map([u8; 32]),
    MapJson([u8; 32]),
    Terms([u8; 32]),
    Poster(PerformanceId),
}

/// Encoded bodies by what they are of. Maps and terms are named by their content, so they never
/// change under their key.
#[derive(Default)]
pub struct Houses {
    kept: Mutex<HashMap<Key, Arc<OnceCell<Arc<Encoded>>>>>,
}

impl Houses {
    /// Makes a body once, however many ask for it at the same time.
    async fn get<F>(&self, key: Key, make: F) -> Result<Arc<Encoded>, ApiError>
    where
        F: Future<Output = Result<Encoded, ApiError>>,
    {
        let cell = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(kept.entry(key).or_default())
        };
        cell.get_or_try_init(|| async { make.await.map(Arc::new) })
            .await
            .cloned()
    }
}

/// Compresses on a thread that serves nobody else.
async fn pressed(encoded: Encoded) -> Result<Encoded, ApiError> {
    tokio::task::spawn_blocking(|| encoded.pressed())
        .await
        .map_err(|error| ApiError::Internal(Inside::new(&error)))
}

async fn map_of(
    catalogue: &Catalogue,
    performance: &Performance,
) -> Result<Arc<SeatMap>, ApiError> {
    catalogue
        .seat_map(performance.map_version)
        .await?
        .ok_or_else(|| {
            ApiError::Internal(Inside::text(format!(
                "performance {} has no map",
                performance.id
            )))
        })
}

/// The seat map as JSON, for those who do not read the compact bytes.
#[derive(serde::Serialize)]
struct MapBody<'a> {
    name: &'a str,
    version: String,
    bands: &'a [PriceBand],
    focal_point: booking_core::seatmap::Point,
    sections: Vec<SectionBody<'a>>,
    areas: &'a [Area],
    shapes: &'a [Shape],
}

#[derive(serde::Serialize)]
struct SectionBody<'a> {
    name: &'a str,
    outline: &'a [booking_core::seatmap::Point],
    label_at: booking_core::seatmap::Point,
    rows: Vec<RowBody<'a>>,
}

#[derive(serde::Serialize)]
struct RowBody<'a> {
    name: &'a str,
    seats: Vec<SeatBody<'a>>,
}

#[derive(serde::Serialize)]
struct SeatBody<'a> {
    seat: u32,
    label: &'a str,
    band: u8,
    attributes: SeatAttributes,
    at: booking_core::seatmap::Point,
    /// Whether the next seat of the row sits next to it.
    joined: bool,
}

fn map_json(map: &SeatMap) -> Result<Vec<u8>, serde_json::Error> {
    let seat = |index: u32| {
        let seat = booking_core::SeatIx(index);
        SeatBody {
            seat: index,
            label: map.label(seat),
            band: map.band(seat).0,
            attributes: map.attributes(seat),
            at: map.point(seat),
            joined: map.next(seat).is_some(),
        }
    };
    let rows = |range: std::ops::Range<u32>| {
        map.rows()[range.start as usize..range.end as usize]
            .iter()
            .map(|row| RowBody {
                name: &row.name,
                seats: row.seats.clone().map(seat).collect(),
            })
            .collect()
    };
    serde_json::to_vec(&MapBody {
        name: map.name(),
        version: hex(&map.version().0),
        bands: map.bands(),
        focal_point: map.focal_point(),
        sections: map
            .sections()
            .iter()
            .map(|section| SectionBody {
                name: &section.name,
                outline: &section.outline,
                label_at: section.label_at,
                rows: rows(section.rows.clone()),
            })
            .collect(),
        areas: map.areas(),
        shapes: map.shapes(),
    })
}

/// The seat map, compact; as JSON where that is asked for.
#[utoipa::path(get, path = "/api/v1/performances/{id}/map", tag = "catalogue",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = schema::SeatMap, content_type = "application/json"),
        (status = 304, description = "the caller has it"),
        (status = 404, body = schema::Problem)))]
pub async fn map(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let performance = state.performance(id).await?;
    let version = performance.map_version.0;
    let encoded = if wants_json(&headers) {
        let make = async {
            let map = map_of(&state.catalogue, &performance).await?;
            let json = map_json(&map).map_err(|error| ApiError::Internal(Inside::new(&error)))?;
            let etag = format!("{}-json", hex(&version));
            let json = Encoded::new(json, "application/json", &etag, ASK_AGAIN, Effort::Quick);
            pressed(json).await
        };
        state.houses.get(Key::MapJson(version), make).await?
    } else {
        let make = async {
            let map = map_of(&state.catalogue, &performance).await?;
            pressed(Encoded::new(
                map.encode(),
                "application/vnd.onsale.seatmap",
                &hex(&version),
                ASK_AGAIN,
                Effort::Thorough,
            ))
            .await
        };
        state.houses.get(Key::Map(version), make).await?
    };
    Ok(encoded.answer(&headers))
}

/// How it is sold: limits, seat rules and prices. Vouchers are not told.
#[utoipa::path(get, path = "/api/v1/performances/{id}/terms", tag = "catalogue",
    params(("id" = uuid::Uuid, Path,)),
    responses((status = 200, body = schema::SaleTerms), (status = 404, body = schema::Problem)))]
pub async fn terms(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let performance = state.performance(id).await?;
    let make = async {
        let mut public = SaleTerms::clone(&performance.terms);
        public.prices.vouchers.clear();
        let json =
            serde_json::to_vec(&public).map_err(|error| ApiError::Internal(Inside::new(&error)))?;
        let etag = hex(&Sha256::digest(&json)[..12]);
        Ok(Encoded::new(
            json,
            "application/json",
            &etag,
            ASK_AGAIN,
            Effort::Quick,
        ))
    };
    Ok(state
        .houses
        .get(Key::Terms(performance.terms_version), make)
        .await?
        .answer(&headers))
}

/// The poster.
#[utoipa::path(get, path = "/api/v1/performances/{id}/poster.svg", tag = "catalogue",
    params(("id" = uuid::Uuid, Path,)),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml"),
        (status = 404, body = schema::Problem)))]
pub async fn poster(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    // An unknown id must not take room in the cache.
    state.performance(id).await?;
    let make = async {
        let svg = state
            .catalogue
            .poster(id)
            .await?
            .ok_or(ApiError::NotFound)?;
        let etag = hex(&Sha256::digest(&svg)[..12]);
        pressed(Encoded::new(
            svg,
            "image/svg+xml",
            &etag,
            AN_HOUR,
            Effort::Thorough,
        ))
        .await
    };
    let mut response = state
        .houses
        .get(Key::Poster(id), make)
        .await?
        .answer(&headers);
    // Opened by itself an SVG is a document: it may draw, and nothing else.
    response.headers_mut().insert(
        axum::http::header::CONTENT_SECURITY_POLICY,
        axum::http::HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
        ),
    );
    Ok(response)
}
