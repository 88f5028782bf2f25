//! What the catalogue asks of a database.

use crate::store::StoreError;
use booking_core::PerformanceId;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use uuid::Uuid;

/// A place where performances happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Its id.
    pub id: Uuid,
    /// "Theater am Wall".
    pub name: String,
    /// "Bremen".
    pub city: String,
    /// IANA name, "Europe/Berlin".
    pub time_zone: String,
}

/// A performance as a row: everything but the bytes of map and poster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerformanceRow {
    /// Its id.
    pub id: PerformanceId,
    /// Where.
    pub venue: Uuid,
    /// What fans read first.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Some paragraphs.
    pub description: String,
    /// "Theatre", "Concert".
    pub genre: String,
    /// When it begins.
    pub starts_at_ms: i64,
    /// When doors open.
    pub doors_at_ms: i64,
    /// Content hash of its seat map.
    pub map_version: [u8; 32],
    /// `SaleTerms` in force, as JSON.
    pub terms: String,
    /// Those it opened under, where the ledger has set others since.
    pub opening_terms: Option<String>,
    /// Whether the demo sends other fans.
    pub simulated_fans: bool,
}

/// Why the catalogue's database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueStoreError {
    /// A venue or performance of that id exists already.
    #[error("it exists already")]
    Exists,
    /// The performance's venue does not exist.
    #[error("there is no such venue")]
    NoSuchVenue,
    /// A row is not what was written (another program changed it, or the disk did).
    #[error("{table} row {id} is damaged: {what}")]
    Damaged {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// The database failed.
    #[error("the database failed")]
    Failed(#[source] StoreError),
}

/// What a method of the port answers. The catalogue is read from memory, so boxing costs nothing
/// that matters and keeps the adapter out of every signature above.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, CatalogueStoreError>> + Send + 'a>>;

/// The catalogue side of the store. Each method is one transaction.
pub trait CatalogueStore: Send + Sync + 'static {
    /// Writes a venue.
    fn add_venue<'a>(&'a self, venue: &'a Venue) -> Answer<'a, ()>;
    /// Writes a performance with its seat map (kept once a version) and its poster.
    fn add_performance<'a>(
        &'a self,
        row: &'a PerformanceRow,
        map: Bytes,
        poster_svg: &'a str,
    ) -> Answer<'a, ()>;
    /// Writes a seat map, unless it is there already.
    fn add_seat_map(&self, version: [u8; 32], map: Bytes) -> Answer<'_, ()>;
    /// Versions of every seat map.
    fn map_versions(&self) -> Answer<'_, Vec<[u8; 32]>>;
    /// A number that grows with every change.
    fn revision(&self) -> Answer<'_, i64>;
    /// Every venue, by name.
    fn venues(&self) -> Answer<'_, Vec<Venue>>;
    /// Every performance, soonest first.
    fn performances(&self) -> Answer<'_, Vec<PerformanceRow>>;
    /// `SeatMap::encode()` of a version.
    fn seat_map(&self, version: [u8; 32]) -> Answer<'_, Option<Bytes>>;
    /// Notes that this is a demo.
    fn mark_demo(&self) -> Answer<'_, ()>;
    /// Whether this is a demo.
    fn is_demo(&self) -> Answer<'_, bool>;
    /// Switches a performance's simulated fans; `false` where there is no such performance.
    fn switch_fans(&self, performance: PerformanceId, on: bool) -> Answer<'_, bool>;
    /// A performance's poster.
    fn poster(&self, performance: PerformanceId) -> Answer<'_, Option<String>>;
}
