//! `/performances/{id}/sales`: what was sold, minute by minute and band by band, for whoever runs the
//! sale.

use super::accounts_who::RunsSales;
use super::problem::{ApiError, Inside};
use super::schema;
use super::state::AppState;
use super::{Path, Query};
use crate::relay::message::BandSales;
use crate::relay::sales::{Report, SalesError, Span};
use crate::relay::windows::Sums;
use axum::extract::State;
use booking_core::seatmap::PriceBand;
use booking_core::{PerformanceId, SaleTerms};

/// Rows where nothing is said: an hour.
const ROWS: u32 = 60;
/// Most rows of one answer.
const MOST_ROWS: u32 = 1_440;
/// Longest time of one row, minutes: a day.
const MOST_MINUTES: u32 = 1_440;
/// Seconds after which to ask again where a ledger could not be read in time.
const RETRY_AFTER_S: u64 = 2;

/// What is asked.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wish {
    /// Minutes that one row is about, 1 to 1440; 1 where nothing is said. Rows begin at multiples of it
    /// since the Unix epoch.
    every: Option<u32>,
    /// At most so many rows, the latest, 1 to 1440; 60 where nothing is said.
    limit: Option<u32>,
}

impl Wish {
    fn span(&self) -> Result<Span, ApiError> {
        let within = |name: &str, value: Option<u32>, default: u32, most: u32| {
            let value = value.unwrap_or(default);
            if (1..=most).contains(&value) {
                return Ok(value);
            }
            let what = format!("{name}: {value} is not between 1 and {most}");
            Err(ApiError::malformed("query", what))
        };
        Ok(Span {
            every: within("every", self.every, 1, MOST_MINUTES)?,
            limit: within("limit", self.limit, ROWS, MOST_ROWS)? as usize,
        })
    }
}

/// What was sold of a performance. Money is in minor units of the currency.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Sales)]
pub struct SalesBody {
    #[schema(value_type = uuid::Uuid)]
    performance: PerformanceId,
    /// ISO 4217
    currency: String,
    /// Digits after the point.
    minor_digits: u8,
    /// Position in the ledger up to which everything is counted.
    seq: u64,
    /// `false`: a long ledger is still being read; ask again.
    is_complete: bool,
    as_of_ms: i64,
    /// When the first minute began in which something was sold.
    first_ms: Option<i64>,
    /// Minutes that one row is about.
    every: u32,
    /// Everything since the first sale.
    total: TotalBody,
    /// The same by price band, every band of the house.
    bands: Vec<BandBody>,
    /// Ascending; those in which nothing happened are left out.
    rows: Vec<RowBody>,
}

/// Sums over all bands.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SalesTotal)]
struct TotalBody {
    /// Orders confirmed.
    orders: u32,
    /// Fees on orders, which belong to no band.
    order_fees_minor: i64,
    /// Tickets sold.
    sold: u32,
    /// What was paid for them.
    revenue_minor: i64,
    /// Tickets cancelled.
    cancelled: u32,
    /// What had been paid for those.
    refunds_minor: i64,
}

/// Sums of one price band.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SalesBand)]
struct BandBody {
    /// 0-based
    band: u8,
    name: String,
    sold: u32,
    revenue_minor: i64,
    cancelled: u32,
    refunds_minor: i64,
}

/// What was sold within one row's time.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SalesRow)]
struct RowBody {
    /// First instant of it.
    from_ms: i64,
    /// First instant after it.
    until_ms: i64,
    orders: u32,
    order_fees_minor: i64,
    /// In order of the bands; those in which nothing happened are left out.
    #[schema(value_type = Vec<Object>)]
    bands: Vec<BandSales>,
}

impl TotalBody {
    fn of(sums: &Sums) -> Self {
        let whole = sums.whole();
        Self {
            orders: sums.orders,
            order_fees_minor: sums.order_fees_minor,
            sold: whole.sold,
            revenue_minor: whole.revenue_minor,
            cancelled: whole.cancelled,
            refunds_minor: whole.refunds_minor,
        }
    }
}

impl SalesBody {
    fn of(
        performance: PerformanceId,
        every: u32,
        report: &Report,
        bands: &[PriceBand],
        terms: &SaleTerms,
    ) -> Self {
        let sold = report.total.bands();
        let band = |(ix, band): (u8, &PriceBand)| {
            let known = sold.iter().find(|known| known.band == ix);
            let known = known.copied().unwrap_or_default();
            BandBody {
                band: ix,
                name: band.name.clone(),
                sold: known.sold,
                revenue_minor: known.revenue_minor,
                cancelled: known.cancelled,
                refunds_minor: known.refunds_minor,
            }
        };
        let rows = report.rows.iter().map(|row| RowBody {
            from_ms: row.from_ms,
            until_ms: row.until_ms,
            orders: row.sums.orders,
            order_fees_minor: row.sums.order_fees_minor,
            bands: row.sums.bands(),
        });
        Self {
            performance,
            currency: terms.prices.currency.clone(),
            minor_digits: terms.prices.minor_digits,
            seq: report.seq,
            is_complete: report.is_complete,
            as_of_ms: report.as_of_ms,
            first_ms: report.first_ms,
            every,
            total: TotalBody::of(&report.total),
            bands: (0..).zip(bands).map(band).collect(),
            rows: rows.collect(),
        }
    }
}

/// What was sold, minute by minute and band by band, as the ledger says at this moment.
#[utoipa::path(get, path = "/api/v1/performances/{id}/sales", tag = "selling",
    params(("id" = uuid::Uuid, Path,), Wish),
    responses(
        (status = 200, body = SalesBody),
        (status = 400, body = schema::Problem),
        (status = 401, body = schema::Problem, description = "not signed in"),
        (status = 403, body = schema::Problem, description = "neither organiser nor operator"),
        (status = 404, body = schema::Problem),
        (status = 503, body = schema::Problem, description = "the ledger could not be read in time")))]
pub async fn sales(
    State(state): State<AppState>,
    _: RunsSales,
    Path(performance): Path<PerformanceId>,
    Query(wish): Query<Wish>,
) -> Result<axum::Json<SalesBody>, ApiError> {
    let span = wish.span()?;
    let (map, terms) = state.goods(performance).await?;
    let report = state.sales.of(performance, span).await;
    let report = report.map_err(|error| match error {
        SalesError::Late => ApiError::Busy {
            retry_after_s: RETRY_AFTER_S,
        },
        SalesError::Unreadable(why) => ApiError::StorageFailed(Inside::text(why)),
    })?;
    Ok(axum::Json(SalesBody::of(
        performance,
        span.every,
        &report,
        map.bands(),
        &terms,
    )))
}
