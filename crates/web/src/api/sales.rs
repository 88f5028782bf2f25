//! What was sold, as whoever runs a sale asks for it.

use booking_core::PerformanceId;
use serde::Deserialize;

use super::{Answer, call};

/// What was sold of a performance. Money is in minor units.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Sales {
    pub(crate) currency: String,
    pub(crate) minor_digits: u8,
    /// `false`: the server is still reading a long ledger.
    pub(crate) is_complete: bool,
    pub(crate) as_of_ms: i64,
    /// When the first minute began in which something was sold.
    pub(crate) first_ms: Option<i64>,
    /// Minutes that one row is about.
    pub(crate) every: u32,
    pub(crate) total: SalesTotal,
    /// Every band of the house.
    pub(crate) bands: Vec<SalesBand>,
    /// Ascending; those in which nothing happened are left out.
    pub(crate) rows: Vec<SalesRow>,
}

/// Sums over all bands.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct SalesTotal {
    pub(crate) orders: u32,
    pub(crate) order_fees_minor: i64,
    pub(crate) sold: u32,
    pub(crate) revenue_minor: i64,
    pub(crate) cancelled: u32,
    pub(crate) refunds_minor: i64,
}

/// Sums of one price band.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct SalesBand {
    /// 0-based.
    pub(crate) band: u8,
    /// Told once, not in each row.
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) sold: u32,
    pub(crate) revenue_minor: i64,
    pub(crate) cancelled: u32,
    pub(crate) refunds_minor: i64,
}

/// What was sold within one row's time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct SalesRow {
    pub(crate) from_ms: i64,
    pub(crate) orders: u32,
    pub(crate) order_fees_minor: i64,
    pub(crate) bands: Vec<SalesBand>,
}

/// What was sold: at most `limit` rows, each about `every` minutes.
pub(crate) async fn sales(id: PerformanceId, every: u32, limit: u32) -> Answer<Sales> {
    let path = format!("/performances/{id}/sales?every={every}&limit={limit}");
    call("GET", &path, None::<&()>).await
}
