//! `GET /performances` and `GET /performances/{id}`: what is sold, where, when and from what price.

use super::problem::ApiError;
use super::schema;
use super::state::AppState;
use super::{Path, schema::SaleState};
use crate::catalogue::{Performance, hex};
use axum::Json;
use axum::extract::State;
use booking_core::PerformanceId;
use booking_core::inventory::Counts;

/// A performance as fans see it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Performance)]
pub struct PerformanceBody {
    #[schema(value_type = uuid::Uuid)]
    id: PerformanceId,
    title: String,
    subtitle: String,
    description: String,
    genre: String,
    venue: VenueBody,
    starts_at_ms: i64,
    doors_at_ms: i64,
    poster_url: String,
    sale: SaleBody,
    currency: String,
    minor_digits: u8,
    /// The cheapest ticket, without fees.
    price_from_minor: i64,
    #[schema(value_type = schema::Counts)]
    counts: Counts,
    /// Whether the demo's simulated fans come to it.
    simulated_fans: bool,
    /// The waiting room it is behind.
    room: Option<RoomBody>,
    /// Whether this is a demo, where anybody may switch them.
    demo: bool,
    /// Content hash of the seat map, in hexadecimal.
    map_version: String,
}

/// The waiting room of a performance.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = RoomOfPerformance)]
pub struct RoomBody {
    /// 32 hexadecimal digits.
    #[schema(value_type = String)]
    id: onsale_queue::RoomId,
    /// Whether holding and paying need an admission now.
    on: bool,
}

impl RoomBody {
    /// Of a performance that is behind one.
    pub(super) fn of(state: &AppState, performance: PerformanceId) -> Option<Self> {
        let (id, on) = state.rooms.room_of(performance)?;
        Some(Self { id, on })
    }
}

/// Where it happens.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Venue)]
pub struct VenueBody {
    id: uuid::Uuid,
    name: String,
    city: String,
    /// IANA name.
    time_zone: String,
}

/// Whether it can be bought.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Sale)]
pub struct SaleBody {
    state: SaleState,
    from_ms: i64,
    until_ms: i64,
}

/// All of them.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Performances)]
pub struct PerformancesBody {
    performances: Vec<PerformanceBody>,
}

/// Every performance, soonest first. Counts of those nobody is looking at are rough: up to a minute
/// old, and without holds.
#[utoipa::path(get, path = "/api/v1/performances", tag = "catalogue",
    responses((status = 200, body = PerformancesBody)))]
pub async fn list(State(state): State<AppState>) -> Result<Json<PerformancesBody>, ApiError> {
    let now_ms = state.clock.now_ms();
    let listed = state.catalogue.performances().await?;
    let counts = state.counts_of(&listed).await?;
    let performances = listed
        .iter()
        .zip(counts)
        .map(|(performance, counts)| {
            let room = RoomBody::of(&state, performance.id);
            body(performance, counts, room, now_ms)
        })
        .collect();
    Ok(Json(PerformancesBody { performances }))
}

/// One performance.
#[utoipa::path(get, path = "/api/v1/performances/{id}", tag = "catalogue",
    params(("id" = uuid::Uuid, Path,)),
    responses((status = 200, body = PerformanceBody), (status = 404, body = schema::Problem)))]
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<PerformanceId>,
) -> Result<Json<PerformanceBody>, ApiError> {
    let performance = state.performance(id).await?;
    let counts = state.counts(id).await?;
    // Somebody looks at what is sold: enough of them at a time open a quiet room.
    state.rooms.arrived(id);
    let room = RoomBody::of(&state, id);
    Ok(Json(body(&performance, counts, room, state.clock.now_ms())))
}

pub(super) fn body(
    performance: &Performance,
    counts: Counts,
    room: Option<RoomBody>,
    now_ms: i64,
) -> PerformanceBody {
    let Performance {
        id, venue, terms, ..
    } = performance;
    let (from_ms, until_ms) = (terms.rules.on_sale_from_ms, terms.rules.on_sale_until_ms);
    let sale = if now_ms < from_ms {
        SaleState::Upcoming
    } else if now_ms >= until_ms {
        SaleState::Over
    } else if counts.open == 0 && counts.held == 0 {
        SaleState::SoldOut
    } else {
        SaleState::OnSale
    };
    PerformanceBody {
        id: *id,
        title: performance.title.clone(),
        subtitle: performance.subtitle.clone(),
        description: performance.description.clone(),
        genre: performance.genre.clone(),
        venue: VenueBody {
            id: venue.id,
            name: venue.name.clone(),
            city: venue.city.clone(),
            time_zone: venue.time_zone.clone(),
        },
        starts_at_ms: performance.starts_at_ms,
        doors_at_ms: performance.doors_at_ms,
        poster_url: format!("/api/v1/performances/{id}/poster.svg"),
        sale: SaleBody {
            state: sale,
            from_ms,
            until_ms,
        },
        currency: terms.prices.currency.clone(),
        minor_digits: terms.prices.minor_digits,
        price_from_minor: terms
            .prices
            .amounts
            .iter()
            .flatten()
            .flatten()
            .copied()
            .min()
            .unwrap_or_default(),
        counts,
        simulated_fans: performance.simulated_fans,
        room,
        demo: performance.is_demo,
        map_version: hex(&performance.map_version.0),
    }
}
