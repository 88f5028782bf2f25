//! Venues and performances: what is sold where and when, how, and in which house.
//!
//! The whole listing is kept in memory (a row is a few kilobytes; maps are kept once a version) and
//! read without touching the database. Other processes may add to it: a revision number, looked at
//! no more than once a second, says when to read it again.

pub mod port;

use crate::clock::Clock;
use crate::lane::{Goods, PerformanceSource};
use booking_core::fault::Faults;
use booking_core::seatmap::MapVersion;
use booking_core::{PerformanceId, SaleTerms, SeatMap};
use bytes::Bytes;
use futures_util::future::BoxFuture;
pub use port::{CatalogueStore, CatalogueStoreError, PerformanceRow, Venue};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

/// How long the listing is believed before the revision is looked at.
const BELIEVED_MS: i64 = 1_000;

/// A performance to be put on sale.
#[derive(Clone, Debug)]
pub struct NewPerformance {
    /// Its id, made by the caller.
    pub id: PerformanceId,
    /// What fans read first.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Some paragraphs.
    pub description: String,
    /// "Theatre", "Concert".
    pub genre: String,
    /// Id of its venue, added before.
    pub venue: Uuid,
    /// When it begins.
    pub starts_at_ms: i64,
    /// When doors open.
    pub doors_at_ms: i64,
    /// The house.
    pub map: SeatMap,
    /// How it is sold.
    pub terms: SaleTerms,
    /// Its poster: an SVG document.
    pub poster_svg: String,
    /// Whether the demo sends other fans.
    pub simulated_fans: bool,
}

/// A performance as it is listed.
#[derive(Clone, Debug)]
pub struct Performance {
    /// Its id.
    pub id: PerformanceId,
    /// Where.
    pub venue: Arc<Venue>,
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
    /// Which map.
    pub map_version: MapVersion,
    /// How it is sold now.
    pub terms: Arc<SaleTerms>,
    /// Content hash of `terms`.
    pub terms_version: [u8; 32],
    /// How it was sold at first: what its ledger begins with.
    pub opening_terms: Arc<SaleTerms>,
    /// Whether the demo sends other fans.
    pub simulated_fans: bool,
    /// Whether it is part of a demo, where anybody may switch them.
    pub is_demo: bool,
}

/// Why something is not in the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A field is empty, or prices do not fit the map.
    #[error("{at}: {what}")]
    Invalid {
        /// Which field.
        at: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The prices do not fit the map.
    #[error("terms.prices: {0}")]
    Prices(#[from] Faults),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] CatalogueStoreError),
}

/// Venues and performances.
pub struct Catalogue {
    store: Arc<dyn CatalogueStore>,
    clock: Clock,
    season: RwLock<Arc<Season>>,
    reading: AsyncMutex<()>,
    maps: Mutex<HashMap<[u8; 32], Arc<SeatMap>>>,
}

/// The listing at one revision.
#[derive(Default)]
struct Season {
    revision: Option<i64>,
    looked_ms: i64,
    soonest_first: Arc<[Arc<Performance>]>,
    by_id: Arc<HashMap<PerformanceId, Arc<Performance>>>,
}

impl Catalogue {
    /// A catalogue kept in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn CatalogueStore>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            season: RwLock::default(),
            reading: AsyncMutex::new(()),
            maps: Mutex::default(),
        }
    }

    /// Adds a venue.
    pub async fn add_venue(&self, venue: Venue) -> Result<(), CatalogueError> {
        filled("name", &venue.name)?;
        if jiff::tz::TimeZone::get(&venue.time_zone).is_err() {
            let what = format!(
                "`{}` is not a time zone; an IANA name is wanted",
                venue.time_zone
            );
            return Err(CatalogueError::Invalid {
                at: "time_zone",
                what,
            });
        }
        self.store.add_venue(&venue).await?;
        self.forget();
        Ok(())
    }

    /// Puts a performance on sale.
    pub async fn add_performance(&self, new: NewPerformance) -> Result<(), CatalogueError> {
        filled("title", &new.title)?;
        new.terms.prices.validate(&new.map)?;
        let terms = serde_json::to_string(&new.terms).map_err(|error| CatalogueError::Invalid {
            at: "terms",
            what: error.to_string(),
        })?;
        let row = PerformanceRow {
            id: new.id,
            venue: new.venue,
            title: new.title,
            subtitle: new.subtitle,
            description: new.description,
            genre: new.genre,
            starts_at_ms: new.starts_at_ms,
            doors_at_ms: new.doors_at_ms,
            map_version: new.map.version().0,
            terms,
            opening_terms: None,
            simulated_fans: new.simulated_fans,
        };
        let bytes = Bytes::from(new.map.encode());
        self.store
            .add_performance(&row, bytes, &new.poster_svg)
            .await?;
        self.forget();
        Ok(())
    }

    /// Keeps a seat map, for performances to come.
    pub async fn add_seat_map(&self, map: &SeatMap) -> Result<(), CatalogueError> {
        Ok(self
            .store
            .add_seat_map(map.version().0, Bytes::from(map.encode()))
            .await?)
    }

    /// Notes that this is a demo, for good.
    pub async fn mark_demo(&self) -> Result<(), CatalogueError> {
        self.store.mark_demo().await?;
        self.forget();
        Ok(())
    }

    /// Switches a performance's simulated fans, also for the next run; `false` where there is no
    /// such performance.
    pub async fn switch_fans(
        &self,
        performance: PerformanceId,
        on: bool,
    ) -> Result<bool, CatalogueError> {
        let found = self.store.switch_fans(performance, on).await?;
        self.forget();
        Ok(found)
    }

    /// Versions of every seat map.
    pub async fn map_versions(&self) -> Result<Vec<MapVersion>, CatalogueError> {
        Ok(self
            .store
            .map_versions()
            .await?
            .into_iter()
            .map(MapVersion)
            .collect())
    }

    /// Every performance, soonest first.
    pub async fn performances(&self) -> Result<Arc<[Arc<Performance>]>, CatalogueError> {
        Ok(Arc::clone(&self.season().await?.soonest_first))
    }

    /// One performance.
    pub async fn performance(
        &self,
        id: PerformanceId,
    ) -> Result<Option<Arc<Performance>>, CatalogueError> {
        Ok(self.season().await?.by_id.get(&id).cloned())
    }

    /// Every venue, by name.
    pub async fn venues(&self) -> Result<Vec<Venue>, CatalogueError> {
        Ok(self.store.venues().await?)
    }

    /// A performance's poster.
    pub async fn poster(&self, id: PerformanceId) -> Result<Option<String>, CatalogueError> {
        Ok(self.store.poster(id).await?)
    }

    /// The map of a version.
    pub async fn seat_map(
        &self,
        version: MapVersion,
    ) -> Result<Option<Arc<SeatMap>>, CatalogueError> {
        if let Some(map) = self.kept_maps().get(&version.0) {
            return Ok(Some(Arc::clone(map)));
        }
        let Some(bytes) = self.store.seat_map(version.0).await? else {
            return Ok(None);
        };
        let map = SeatMap::decode(&bytes).map_err(|error| CatalogueStoreError::Damaged {
            table: "seat_maps",
            id: hex(&version.0),
            what: error.to_string(),
        })?;
        if map.version() != version {
            return Err(CatalogueError::Store(CatalogueStoreError::Damaged {
                table: "seat_maps",
                id: hex(&version.0),
                what: "its bytes are not those it was named after".to_owned(),
            }));
        }
        Ok(Some(Arc::clone(
            self.kept_maps()
                .entry(version.0)
                .or_insert_with(|| Arc::new(map)),
        )))
    }

    fn kept_maps(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<SeatMap>>> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self) -> Arc<Season> {
        Arc::clone(&self.season.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, season: Season) -> Arc<Season> {
        let season = Arc::new(season);
        *self.season.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&season);
        season
    }

    fn forget(&self) {
        self.remember(Season::default());
    }

    fn is_believed(&self, season: &Season) -> bool {
        season.revision.is_some()
            && (0..BELIEVED_MS).contains(&(self.clock.now_ms() - season.looked_ms))
    }

    /// The listing, not more than [`BELIEVED_MS`] old.
    async fn season(&self) -> Result<Arc<Season>, CatalogueError> {
        let season = self.remembered();
        if self.is_believed(&season) {
            return Ok(season);
        }
        // One reader at a time: the others find what it brought.
        let _reading = self.reading.lock().await;
        let season = self.remembered();
        if self.is_believed(&season) {
            return Ok(season);
        }
        let looked_ms = self.clock.now_ms();
        // The revision is read before the rows: what changes in between is read again next time.
        let revision = Some(self.store.revision().await?);
        if season.revision == revision {
            return Ok(self.remember(Season {
                revision,
                looked_ms,
                soonest_first: Arc::clone(&season.soonest_first),
                by_id: Arc::clone(&season.by_id),
            }));
        }
        let venues: HashMap<Uuid, Arc<Venue>> = self
            .store
            .venues()
            .await?
            .into_iter()
            .map(|venue| (venue.id, Arc::new(venue)))
            .collect();
        let rows = self.store.performances().await?;
        let is_demo = self.store.is_demo().await?;
        let listed = rows
            .into_iter()
            .map(|row| listed(row, &venues, is_demo))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.remember(Season {
            revision,
            looked_ms,
            by_id: Arc::new(listed.iter().map(|one| (one.id, Arc::clone(one))).collect()),
            soonest_first: listed.into(),
        }))
    }
}

/// Lanes load their house and terms from here.
impl PerformanceSource for Catalogue {
    fn load(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Option<Goods>, String>> {
        Box::pin(async move {
            let told = |error: CatalogueError| error.to_string();
            let Some(listed) = self.performance(performance).await.map_err(told)? else {
                return Ok(None);
            };
            let map = self.seat_map(listed.map_version).await.map_err(told)?;
            let map = map.ok_or_else(|| format!("performance {performance} has no map"))?;
            Ok(Some((map, Arc::clone(&listed.opening_terms))))
        })
    }

    fn current(&self, performance: PerformanceId) -> BoxFuture<'_, Result<Option<Goods>, String>> {
        Box::pin(async move {
            let told = |error: CatalogueError| error.to_string();
            let Some((map, _)) = self.load(performance).await? else {
                return Ok(None);
            };
            let listed = self.performance(performance).await.map_err(told)?;
            Ok(listed.map(|listed| (map, Arc::clone(&listed.terms))))
        })
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

fn listed(
    row: PerformanceRow,
    venues: &HashMap<Uuid, Arc<Venue>>,
    is_demo: bool,
) -> Result<Arc<Performance>, CatalogueStoreError> {
    let damaged = |what: String| CatalogueStoreError::Damaged {
        table: "performances",
        id: row.id.to_string(),
        what,
    };
    let read = |text: &str| -> Result<Arc<SaleTerms>, CatalogueStoreError> {
        let terms = serde_json::from_str(text);
        terms
            .map(Arc::new)
            .map_err(|error| damaged(format!("terms: {error}")))
    };
    let terms = read(&row.terms)?;
    let opening_terms = match &row.opening_terms {
        None => Arc::clone(&terms),
        Some(opening) => read(opening)?,
    };
    let venue = venues
        .get(&row.venue)
        .ok_or_else(|| damaged("its venue is gone".to_owned()))?;
    Ok(Arc::new(Performance {
        id: row.id,
        venue: Arc::clone(venue),
        title: row.title,
        subtitle: row.subtitle,
        description: row.description,
        genre: row.genre,
        starts_at_ms: row.starts_at_ms,
        doors_at_ms: row.doors_at_ms,
        map_version: MapVersion(row.map_version),
        terms_version: Sha256::digest(&row.terms).into(),
        terms,
        opening_terms,
        simulated_fans: row.simulated_fans,
        is_demo,
    }))
}

fn filled(at: &'static str, text: &str) -> Result<(), CatalogueError> {
    if text.trim().is_empty() {
        return Err(CatalogueError::Invalid {
            at,
            what: "it is empty".to_owned(),
        });
    }
    Ok(())
}
