//! The catalogue's side of the port on SQLite.

use super::{SqliteStore, Write, WriteError, read};
use crate::catalogue::port::{Answer, CatalogueStore, CatalogueStoreError, PerformanceRow, Venue};
use crate::store::error::StoreError;
use booking_core::PerformanceId;
use bytes::Bytes;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::convert::Infallible;
use uuid::Uuid;

const INSERT_VENUE: &str = "INSERT INTO venues (id, name, city, time_zone) VALUES (?, ?, ?, ?)";
const INSERT_SEAT_MAP: &str =
    "INSERT INTO seat_maps (version, bytes) VALUES (?, ?) ON CONFLICT (version) DO NOTHING";
const INSERT_PERFORMANCE: &str = "INSERT INTO performances (id, venue_id, title, subtitle, \
     description, genre, starts_at_ms, doors_at_ms, map_version, terms, poster_svg, \
     simulated_fans) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const BUMP_REVISION: &str = "UPDATE catalogue_revision SET revision = revision + 1 WHERE one = 1";
const SAME_REVISION: &str = "UPDATE catalogue_revision SET revision = revision WHERE one = 1";
const SELECT_REVISION: &str = "SELECT revision FROM catalogue_revision WHERE one = 1";
const HAS_VENUE: &str = "SELECT 1 FROM venues WHERE id = ?";
const HAS_PERFORMANCE: &str = "SELECT 1 FROM performances WHERE id = ?";
const SELECT_VENUES: &str = "SELECT id, name, city, time_zone FROM venues ORDER BY name, id";
const SELECT_PERFORMANCES: &str = "SELECT id, venue_id, title, subtitle, description, genre, \
     starts_at_ms, doors_at_ms, map_version, terms, simulated_fans, opening_terms FROM performances \
     ORDER BY starts_at_ms, id";
const SELECT_SEAT_MAP: &str = "SELECT bytes FROM seat_maps WHERE version = ?";
const SELECT_MAP_VERSIONS: &str = "SELECT version FROM seat_maps ORDER BY version";
const MARK_DEMO: &str = "INSERT INTO demo (one) VALUES (1) ON CONFLICT (one) DO NOTHING";
const IS_DEMO: &str = "SELECT 1 FROM demo WHERE one = 1";
const SWITCH_FANS: &str = "UPDATE performances SET simulated_fans = ? WHERE id = ?";
const SELECT_POSTER: &str = "SELECT poster_svg FROM performances WHERE id = ?";

struct AddVenue(Venue);

impl Write for AddVenue {
    type Done = ();
    type Refusal = CatalogueStoreError;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<CatalogueStoreError>> {
        for AddVenue(venue) in writes {
            if exists(connection, HAS_VENUE, venue.id.as_bytes()).await? {
                return Err(WriteError::Refused(CatalogueStoreError::Exists));
            }
            sqlx::query(INSERT_VENUE)
                .bind(&venue.id.as_bytes()[..])
                .bind(&venue.name)
                .bind(&venue.city)
                .bind(&venue.time_zone)
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query(BUMP_REVISION).execute(&mut *connection).await?;
        Ok(vec![(); writes.len()])
    }
}

struct AddPerformance {
    row: PerformanceRow,
    map: Bytes,
    poster_svg: String,
}

impl Write for AddPerformance {
    type Done = ();
    type Refusal = CatalogueStoreError;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<CatalogueStoreError>> {
        for AddPerformance {
            row,
            map,
            poster_svg,
        } in writes
        {
            if exists(connection, HAS_PERFORMANCE, row.id.as_bytes()).await? {
                return Err(WriteError::Refused(CatalogueStoreError::Exists));
            }
            if !exists(connection, HAS_VENUE, row.venue.as_bytes()).await? {
                return Err(WriteError::Refused(CatalogueStoreError::NoSuchVenue));
            }
            sqlx::query(INSERT_SEAT_MAP)
                .bind(&row.map_version[..])
                .bind(&map[..])
                .execute(&mut *connection)
                .await?;
            sqlx::query(INSERT_PERFORMANCE)
                .bind(&row.id.as_bytes()[..])
                .bind(&row.venue.as_bytes()[..])
                .bind(&row.title)
                .bind(&row.subtitle)
                .bind(&row.description)
                .bind(&row.genre)
                .bind(row.starts_at_ms)
                .bind(row.doors_at_ms)
                .bind(&row.map_version[..])
                .bind(&row.terms)
                .bind(poster_svg)
                .bind(i64::from(row.simulated_fans))
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query(BUMP_REVISION).execute(&mut *connection).await?;
        Ok(vec![(); writes.len()])
    }
}

struct AddSeatMap {
    version: [u8; 32],
    map: Bytes,
}

impl Write for AddSeatMap {
    type Done = ();
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<Infallible>> {
        for AddSeatMap { version, map } in writes {
            sqlx::query(INSERT_SEAT_MAP)
                .bind(&version[..])
                .bind(&map[..])
                .execute(&mut *connection)
                .await?;
        }
        Ok(vec![(); writes.len()])
    }
}

struct MarkDemo;

impl Write for MarkDemo {
    type Done = ();
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<Infallible>> {
        sqlx::query(MARK_DEMO).execute(&mut *connection).await?;
        sqlx::query(BUMP_REVISION).execute(&mut *connection).await?;
        Ok(vec![(); writes.len()])
    }
}

struct SwitchFans {
    performance: PerformanceId,
    on: bool,
}

impl Write for SwitchFans {
    /// Whether there is such a performance.
    type Done = bool;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<bool>, WriteError<Infallible>> {
        let mut found = Vec::with_capacity(writes.len());
        for SwitchFans { performance, on } in writes {
            let done = sqlx::query(SWITCH_FANS)
                .bind(i64::from(*on))
                .bind(&performance.as_bytes()[..])
                .execute(&mut *connection)
                .await?;
            found.push(done.rows_affected() > 0);
        }
        sqlx::query(BUMP_REVISION).execute(&mut *connection).await?;
        Ok(found)
    }
}

/// Writes the revision over itself: proof that a commit goes through.
struct CheckWritable;

impl Write for CheckWritable {
    type Done = ();
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<()>, WriteError<Infallible>> {
        sqlx::query(SAME_REVISION).execute(&mut *connection).await?;
        Ok(vec![(); writes.len()])
    }
}

impl SqliteStore {
    /// Whether a commit goes through just now.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        Ok(self.write(CheckWritable).await?)
    }
}

async fn exists(
    connection: &mut SqliteConnection,
    query: &'static str,
    id: &[u8; 16],
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query(query)
        .bind(&id[..])
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

fn outcome(result: Result<(), WriteError<CatalogueStoreError>>) -> Result<(), CatalogueStoreError> {
    result.map_err(|error| match error {
        WriteError::Refused(refusal) => refusal,
        WriteError::Store(error) => CatalogueStoreError::Failed(error),
    })
}

fn failed(error: sqlx::Error) -> CatalogueStoreError {
    CatalogueStoreError::Failed(StoreError::from(error))
}

fn fixed<const N: usize>(
    row: &SqliteRow,
    column: usize,
    table: &'static str,
) -> Result<[u8; N], CatalogueStoreError> {
    read::fixed(row, column, "an id").map_err(|error| match error {
        StoreError::Damaged(what) => CatalogueStoreError::Damaged {
            table,
            id: format!("with column {column}"),
            what,
        },
        other => CatalogueStoreError::Failed(other),
    })
}

fn performance(row: &SqliteRow) -> Result<PerformanceRow, CatalogueStoreError> {
    const TABLE: &str = "performances";
    let text = |column: usize| row.try_get::<String, _>(column).map_err(failed);
    let number = |column: usize| row.try_get::<i64, _>(column).map_err(failed);
    Ok(PerformanceRow {
        id: PerformanceId::from_bytes(fixed(row, 0, TABLE)?),
        venue: Uuid::from_bytes(fixed(row, 1, TABLE)?),
        title: text(2)?,
        subtitle: text(3)?,
        description: text(4)?,
        genre: text(5)?,
        starts_at_ms: number(6)?,
        doors_at_ms: number(7)?,
        map_version: fixed(row, 8, TABLE)?,
        terms: text(9)?,
        simulated_fans: number(10)? != 0,
        opening_terms: row.try_get(11).map_err(failed)?,
    })
}

impl CatalogueStore for SqliteStore {
    fn add_venue<'a>(&'a self, venue: &'a Venue) -> Answer<'a, ()> {
        Box::pin(async move { outcome(self.write(AddVenue(venue.clone())).await) })
    }

    fn add_performance<'a>(
        &'a self,
        row: &'a PerformanceRow,
        map: Bytes,
        poster_svg: &'a str,
    ) -> Answer<'a, ()> {
        let add = AddPerformance {
            row: row.clone(),
            map,
            poster_svg: poster_svg.to_owned(),
        };
        Box::pin(async move { outcome(self.write(add).await) })
    }

    fn add_seat_map(&self, version: [u8; 32], map: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            let written = self.write(AddSeatMap { version, map }).await;
            written.map_err(|error| CatalogueStoreError::Failed(error.into()))
        })
    }

    fn map_versions(&self) -> Answer<'_, Vec<[u8; 32]>> {
        Box::pin(async {
            let query = sqlx::query(SELECT_MAP_VERSIONS);
            let rows = query.fetch_all(self.reader()).await.map_err(failed)?;
            rows.iter().map(|row| fixed(row, 0, "seat_maps")).collect()
        })
    }

    fn revision(&self) -> Answer<'_, i64> {
        Box::pin(async {
            sqlx::query(SELECT_REVISION)
                .fetch_one(self.reader())
                .await
                .and_then(|row| row.try_get(0))
                .map_err(failed)
        })
    }

    fn venues(&self) -> Answer<'_, Vec<Venue>> {
        Box::pin(async {
            let rows = sqlx::query(SELECT_VENUES)
                .fetch_all(self.reader())
                .await
                .map_err(failed)?;
            rows.iter()
                .map(|row| {
                    Ok(Venue {
                        id: Uuid::from_bytes(fixed(row, 0, "venues")?),
                        name: row.try_get(1).map_err(failed)?,
                        city: row.try_get(2).map_err(failed)?,
                        time_zone: row.try_get(3).map_err(failed)?,
                    })
                })
                .collect()
        })
    }

    fn performances(&self) -> Answer<'_, Vec<PerformanceRow>> {
        Box::pin(async {
            let rows = sqlx::query(SELECT_PERFORMANCES)
                .fetch_all(self.reader())
                .await
                .map_err(failed)?;
            rows.iter().map(performance).collect()
        })
    }

    fn seat_map(&self, version: [u8; 32]) -> Answer<'_, Option<Bytes>> {
        Box::pin(async move {
            let row = sqlx::query(SELECT_SEAT_MAP)
                .bind(version.to_vec())
                .fetch_optional(self.reader())
                .await
                .map_err(failed)?;
            row.map(|row| {
                row.try_get::<Vec<u8>, _>(0)
                    .map(Bytes::from)
                    .map_err(failed)
            })
            .transpose()
        })
    }

    fn mark_demo(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let written = self.write(MarkDemo).await;
            written.map_err(|error| CatalogueStoreError::Failed(error.into()))
        })
    }

    fn is_demo(&self) -> Answer<'_, bool> {
        Box::pin(async {
            let row = sqlx::query(IS_DEMO).fetch_optional(self.reader()).await;
            row.map(|row| row.is_some()).map_err(failed)
        })
    }

    fn switch_fans(&self, performance: PerformanceId, on: bool) -> Answer<'_, bool> {
        Box::pin(async move {
            let written = self.write(SwitchFans { performance, on }).await;
            written.map_err(|error| CatalogueStoreError::Failed(error.into()))
        })
    }

    fn poster(&self, performance: PerformanceId) -> Answer<'_, Option<String>> {
        Box::pin(async move {
            let row = sqlx::query(SELECT_POSTER)
                .bind(performance.as_bytes().to_vec())
                .fetch_optional(self.reader())
                .await
                .map_err(failed)?;
            row.map(|row| row.try_get(0).map_err(failed)).transpose()
        })
    }
}
