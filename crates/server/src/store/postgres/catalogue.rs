//! The catalogue's side of the port on PostgreSQL.

use super::PostgresStore;
use super::fault::Trouble;
use super::projections::BUMP_CATALOGUE;
use super::read;
use super::transaction::Work;
use crate::catalogue::port::{Answer, CatalogueStore, CatalogueStoreError, PerformanceRow, Venue};
use crate::store::error::StoreError;
use booking_core::PerformanceId;
use bytes::Bytes;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

const INSERT_VENUE: &str = "INSERT INTO venues (id, name, city, time_zone) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
const INSERT_SEAT_MAP: &str =
    "INSERT INTO seat_maps (version, bytes) VALUES ($1, $2) ON CONFLICT (version) DO NOTHING";
const INSERT_PERFORMANCE: &str = "INSERT INTO performances (id, venue_id, title, subtitle, \
     description, genre, starts_at_ms, doors_at_ms, map_version, terms, poster_svg, \
     simulated_fans) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     ON CONFLICT (id) DO NOTHING";
const SAME_REVISION: &str = "UPDATE catalogue_revision SET revision = revision WHERE one = 1";
const SELECT_REVISION: &str = "SELECT revision FROM catalogue_revision WHERE one = 1";
const HAS_VENUE: &str = "SELECT EXISTS (SELECT 1 FROM venues WHERE id = $1)";
const HAS_PERFORMANCE: &str = "SELECT EXISTS (SELECT 1 FROM performances WHERE id = $1)";
const SELECT_VENUES: &str = "SELECT id, name, city, time_zone FROM venues ORDER BY name, id";
const SELECT_PERFORMANCES: &str = "SELECT id, venue_id, title, subtitle, description, genre, \
     starts_at_ms, doors_at_ms, map_version, terms, simulated_fans, opening_terms \
     FROM performances ORDER BY starts_at_ms, id";
const SELECT_SEAT_MAP: &str = "SELECT bytes FROM seat_maps WHERE version = $1";
const SELECT_MAP_VERSIONS: &str = "SELECT version FROM seat_maps ORDER BY version";
const MARK_DEMO: &str = "INSERT INTO demo (one) VALUES (1) ON CONFLICT (one) DO NOTHING";
const IS_DEMO: &str = "SELECT 1 FROM demo WHERE one = 1";
const SWITCH_FANS: &str = "UPDATE performances SET simulated_fans = $1 WHERE id = $2";
const SELECT_POSTER: &str = "SELECT poster_svg FROM performances WHERE id = $1";

/// One change.
enum Change {
    Venue(Venue),
    Performance {
        row: PerformanceRow,
        map: Bytes,
        poster_svg: String,
    },
    SeatMap([u8; 32], Bytes),
    Demo,
    Fans(PerformanceId, bool),
    /// Writes the revision over itself: proof that a commit goes through.
    Nothing,
}

/// What it came to.
enum Done {
    Made,
    /// No such row.
    Missing,
    Exists,
    NoSuchVenue,
}

impl Work for Change {
    type Done = Done;

    async fn run(&self, connection: &mut PgConnection) -> Result<Done, Trouble> {
        let done = self.make(connection).await?;
        // A seat map is named by its content: who has read it has read it for good.
        let is_seen = !matches!(self, Self::SeatMap(..) | Self::Nothing);
        if is_seen && matches!(done, Done::Made | Done::Missing) {
            sqlx::query(BUMP_CATALOGUE).execute(connection).await?;
        }
        Ok(done)
    }
}

impl Change {
    async fn make(&self, connection: &mut PgConnection) -> Result<Done, sqlx::Error> {
        let query = match self {
            Self::Venue(venue) => {
                let inserted = sqlx::query(INSERT_VENUE)
                    .bind(*venue.id.as_bytes())
                    .bind(&venue.name)
                    .bind(&venue.city)
                    .bind(&venue.time_zone)
                    .execute(connection)
                    .await?;
                return Ok(match inserted.rows_affected() {
                    0 => Done::Exists,
                    _ => Done::Made,
                });
            }
            Self::Performance {
                row,
                map,
                poster_svg,
            } => return add_performance(connection, row, map, poster_svg).await,
            Self::SeatMap(version, map) => {
                sqlx::query(INSERT_SEAT_MAP).bind(*version).bind(&map[..])
            }
            Self::Demo => sqlx::query(MARK_DEMO),
            Self::Fans(performance, on) => {
                let query = sqlx::query(SWITCH_FANS)
                    .bind(*on)
                    .bind(*performance.as_bytes());
                let switched = query.execute(connection).await?;
                return Ok(match switched.rows_affected() {
                    0 => Done::Missing,
                    _ => Done::Made,
                });
            }
            Self::Nothing => sqlx::query(SAME_REVISION),
        };
        query.execute(connection).await?;
        Ok(Done::Made)
    }
}

async fn add_performance(
    connection: &mut PgConnection,
    row: &PerformanceRow,
    map: &Bytes,
    poster_svg: &str,
) -> Result<Done, sqlx::Error> {
    // Looked at before anything is written: a refusal leaves nothing behind.
    if exists(connection, HAS_PERFORMANCE, row.id.as_bytes()).await? {
        return Ok(Done::Exists);
    }
    if !exists(connection, HAS_VENUE, row.venue.as_bytes()).await? {
        return Ok(Done::NoSuchVenue);
    }
    sqlx::query(INSERT_SEAT_MAP)
        .bind(row.map_version)
        .bind(&map[..])
        .execute(&mut *connection)
        .await?;
    let inserted = sqlx::query(INSERT_PERFORMANCE)
        .bind(*row.id.as_bytes())
        .bind(*row.venue.as_bytes())
        .bind(&row.title)
        .bind(&row.subtitle)
        .bind(&row.description)
        .bind(&row.genre)
        .bind(row.starts_at_ms)
        .bind(row.doors_at_ms)
        .bind(row.map_version)
        .bind(&row.terms)
        .bind(poster_svg)
        .bind(row.simulated_fans)
        .execute(connection)
        .await?;
    // Somebody else has added it since we looked. A seat map that nobody uses harms nobody.
    Ok(match inserted.rows_affected() {
        0 => Done::Exists,
        _ => Done::Made,
    })
}

async fn exists(
    connection: &mut PgConnection,
    query: &'static str,
    id: &[u8; 16],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(query)
        .bind(*id)
        .fetch_one(connection)
        .await
}

fn failed(error: sqlx::Error) -> CatalogueStoreError {
    CatalogueStoreError::Failed(StoreError::from(error))
}

fn fixed<const N: usize>(
    row: &PgRow,
    column: &str,
    table: &'static str,
) -> Result<[u8; N], CatalogueStoreError> {
    read::fixed(row, column).map_err(|error| match error {
        StoreError::Damaged(what) => CatalogueStoreError::Damaged {
            table,
            id: format!("with column {column}"),
            what,
        },
        other => CatalogueStoreError::Failed(other),
    })
}

fn performance(row: &PgRow) -> Result<PerformanceRow, CatalogueStoreError> {
    const TABLE: &str = "performances";
    let text = |column: &str| row.try_get::<String, _>(column).map_err(failed);
    let number = |column: &str| row.try_get::<i64, _>(column).map_err(failed);
    Ok(PerformanceRow {
        id: PerformanceId::from_bytes(fixed(row, "id", TABLE)?),
        venue: Uuid::from_bytes(fixed(row, "venue_id", TABLE)?),
        title: text("title")?,
        subtitle: text("subtitle")?,
        description: text("description")?,
        genre: text("genre")?,
        starts_at_ms: number("starts_at_ms")?,
        doors_at_ms: number("doors_at_ms")?,
        map_version: fixed(row, "map_version", TABLE)?,
        terms: text("terms")?,
        opening_terms: row.try_get("opening_terms").map_err(failed)?,
        simulated_fans: row.try_get("simulated_fans").map_err(failed)?,
    })
}

impl PostgresStore {
    /// Whether a commit goes through just now.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        self.change(Change::Nothing).await.map(drop)
    }

    /// `false`: there is no such row.
    async fn catalogue_change(&self, change: Change) -> Result<bool, CatalogueStoreError> {
        match self.change(change).await {
            Ok(Done::Made) => Ok(true),
            Ok(Done::Missing) => Ok(false),
            Ok(Done::Exists) => Err(CatalogueStoreError::Exists),
            Ok(Done::NoSuchVenue) => Err(CatalogueStoreError::NoSuchVenue),
            Err(error) => Err(CatalogueStoreError::Failed(error)),
        }
    }
}

impl CatalogueStore for PostgresStore {
    fn add_venue<'a>(&'a self, venue: &'a Venue) -> Answer<'a, ()> {
        let change = Change::Venue(venue.clone());
        Box::pin(async move { self.catalogue_change(change).await.map(drop) })
    }

    fn add_performance<'a>(
        &'a self,
        row: &'a PerformanceRow,
        map: Bytes,
        poster_svg: &'a str,
    ) -> Answer<'a, ()> {
        let change = Change::Performance {
            row: row.clone(),
            map,
            poster_svg: poster_svg.to_owned(),
        };
        Box::pin(async move { self.catalogue_change(change).await.map(drop) })
    }

    fn add_seat_map(&self, version: [u8; 32], map: Bytes) -> Answer<'_, ()> {
        let change = Change::SeatMap(version, map);
        Box::pin(async move { self.catalogue_change(change).await.map(drop) })
    }

    fn map_versions(&self) -> Answer<'_, Vec<[u8; 32]>> {
        Box::pin(async {
            let query = || sqlx::query(SELECT_MAP_VERSIONS);
            let rows = self
                .rows(query)
                .await
                .map_err(CatalogueStoreError::Failed)?;
            let version = |row| fixed(row, "version", "seat_maps");
            rows.iter().map(version).collect()
        })
    }

    fn revision(&self) -> Answer<'_, i64> {
        Box::pin(async {
            let row = self.the_row(|| sqlx::query(SELECT_REVISION)).await;
            let row = row.map_err(CatalogueStoreError::Failed)?;
            row.try_get("revision").map_err(failed)
        })
    }

    fn venues(&self) -> Answer<'_, Vec<Venue>> {
        Box::pin(async {
            let query = || sqlx::query(SELECT_VENUES);
            let rows = self
                .rows_to_show(query)
                .await
                .map_err(CatalogueStoreError::Failed)?;
            rows.iter()
                .map(|row| {
                    Ok(Venue {
                        id: Uuid::from_bytes(fixed(row, "id", "venues")?),
                        name: row.try_get("name").map_err(failed)?,
                        city: row.try_get("city").map_err(failed)?,
                        time_zone: row.try_get("time_zone").map_err(failed)?,
                    })
                })
                .collect()
        })
    }

    fn performances(&self) -> Answer<'_, Vec<PerformanceRow>> {
        Box::pin(async {
            let query = || sqlx::query(SELECT_PERFORMANCES);
            let rows = self
                .rows_to_show(query)
                .await
                .map_err(CatalogueStoreError::Failed)?;
            rows.iter().map(performance).collect()
        })
    }

    fn seat_map(&self, version: [u8; 32]) -> Answer<'_, Option<Bytes>> {
        Box::pin(async move {
            let query = || sqlx::query(SELECT_SEAT_MAP).bind(version);
            let row = self
                .row_to_show(query)
                .await
                .map_err(CatalogueStoreError::Failed)?;
            let bytes = row.map(|row| row.try_get::<Vec<u8>, _>("bytes").map_err(failed));
            Ok(bytes.transpose()?.map(Bytes::from))
        })
    }

    fn mark_demo(&self) -> Answer<'_, ()> {
        Box::pin(async { self.catalogue_change(Change::Demo).await.map(drop) })
    }

    fn is_demo(&self) -> Answer<'_, bool> {
        Box::pin(async {
            let row = self.row(|| sqlx::query(IS_DEMO)).await;
            row.map(|row| row.is_some())
                .map_err(CatalogueStoreError::Failed)
        })
    }

    fn switch_fans(&self, performance: PerformanceId, on: bool) -> Answer<'_, bool> {
        Box::pin(self.catalogue_change(Change::Fans(performance, on)))
    }

    fn poster(&self, performance: PerformanceId) -> Answer<'_, Option<String>> {
        Box::pin(async move {
            let query = || sqlx::query(SELECT_POSTER).bind(*performance.as_bytes());
            let row = self
                .row_to_show(query)
                .await
                .map_err(CatalogueStoreError::Failed)?;
            row.map(|row| row.try_get("poster_svg").map_err(failed))
                .transpose()
        })
    }
}
