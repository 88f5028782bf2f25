//! The waiting rooms' side of the port on PostgreSQL.

use super::PostgresStore;
use super::fault::Trouble;
use super::read::fixed;
use super::transaction::Work;
use crate::store::error::StoreError;
use crate::store::rooms::{Change, Done, RemovedRoom, RoomKey, RoomRow, RoomTable};
use booking_core::PerformanceId;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

const INSERT_ROOM: &str = "INSERT INTO waiting_room (room_id, made_ms, settings, authority, demo, \
     state, state_ms) VALUES ($1, $2, $3, $4, $5, $6, NULL)";
const PROTECTOR: &str = "SELECT room_id FROM waiting_room_performance WHERE performance_id = $1";
const PROTECT: &str =
    "INSERT INTO waiting_room_performance (performance_id, room_id) VALUES ($1, $2)";
const UNPROTECT: &str =
    "DELETE FROM waiting_room_performance WHERE performance_id = $1 AND room_id = $2";
const LOCK_ROOM: &str = "SELECT 1 FROM waiting_room WHERE room_id = $1 FOR UPDATE";
const UNPROTECT_ALL: &str = "DELETE FROM waiting_room_performance WHERE room_id = $1";
const REMOVE_CODES: &str = "DELETE FROM waiting_room_code WHERE room_id = $1";
const REMOVE_ROOM: &str = "DELETE FROM waiting_room WHERE room_id = $1";
const KEEP_LOG: &str = "INSERT INTO waiting_room_removed \
     (room_id, name, made_ms, removed_ms, removed_by, log) \
     SELECT room_id, $2, $3::bigint, $4::bigint, $5, $6 FROM waiting_room WHERE room_id = $1";
// Rooms are made one after another, so that the count holds; reading goes on.
const LOCK_ROOMS: &str = "LOCK TABLE waiting_room IN SHARE ROW EXCLUSIVE MODE";
const COUNT_ROOMS: &str = "SELECT count(*) FROM waiting_room";
const COUNT_PROTECTED: &str = "SELECT count(*) FROM waiting_room_performance WHERE room_id = $1";
const SET_AUTHORITY: &str = "UPDATE waiting_room SET authority = $1 WHERE room_id = $2";
const KEEP_STATE: &str = "UPDATE waiting_room SET state = $1, state_ms = $2 WHERE room_id = $3";
const SET_CODE: &str = "INSERT INTO waiting_room_code (room_id, code_id, authority) \
     VALUES ($1, $2, $3) ON CONFLICT (room_id, code_id) DO UPDATE SET authority = excluded.authority";
const REMOVE_CODE: &str = "DELETE FROM waiting_room_code WHERE room_id = $1 AND code_id = $2";
const KEEP_MEMORY: &str = "INSERT INTO waiting_room_memory (one, bytes, kept_ms) \
     VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes, \
     kept_ms = excluded.kept_ms";

// One statement: a room is never seen without what it protects.
const ROOMS: &str = "SELECT room_id, made_ms, settings, authority, demo, state, \
     ARRAY(SELECT performance_id FROM waiting_room_performance AS its \
     WHERE its.room_id = room.room_id ORDER BY performance_id) AS performances \
     FROM waiting_room AS room ORDER BY made_ms, room_id";
const CODES: &str =
    "SELECT code_id, authority FROM waiting_room_code WHERE room_id = $1 ORDER BY code_id";
const REMOVED: &str = "SELECT room_id, name, made_ms, removed_ms, removed_by \
     FROM waiting_room_removed ORDER BY removed_ms DESC, room_id LIMIT $1";
const REMOVED_LOG: &str = "SELECT log FROM waiting_room_removed WHERE room_id = $1";
const MEMORY: &str = "SELECT bytes FROM waiting_room_memory WHERE one = 1";

impl Work for Change {
    type Done = Done;

    async fn run(&self, connection: &mut PgConnection) -> Result<Done, Trouble> {
        make(connection, self).await.map_err(|error| {
            // Somebody else protected the same performance a moment ago: look again.
            let is_late = error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::constraint)
                == Some("waiting_room_performance_pkey");
            match Trouble::from(error) {
                Trouble::Failed(error) if is_late => Trouble::Again(error),
                trouble => trouble,
            }
        })
    }
}

async fn protector(
    connection: &mut PgConnection,
    performance: PerformanceId,
) -> Result<Option<RoomKey>, sqlx::Error> {
    let row = sqlx::query(PROTECTOR)
        .bind(&performance.as_bytes()[..])
        .fetch_optional(connection)
        .await?;
    let room: Option<Vec<u8>> = row.map(|row| row.try_get("room_id")).transpose()?;
    // The table keeps no other length.
    Ok(room.and_then(|room| room.try_into().ok()))
}

async fn protect(
    connection: &mut PgConnection,
    room: RoomKey,
    performance: PerformanceId,
) -> Result<(), sqlx::Error> {
    sqlx::query(PROTECT)
        .bind(&performance.as_bytes()[..])
        .bind(&room[..])
        .execute(connection)
        .await
        .map(drop)
}

async fn make(connection: &mut PgConnection, change: &Change) -> Result<Done, sqlx::Error> {
    let query = match change {
        Change::Add(row, most) => return add(connection, row, *most).await,
        Change::Remove(removed, log) => {
            let room = &removed.room;
            // The room first, so that nothing is put behind it while it goes.
            lock_room(connection, room).await?;
            sqlx::query(KEEP_LOG)
                .bind(&room[..])
                .bind(removed.name.as_str())
                .bind(removed.made_ms)
                .bind(removed.removed_ms)
                .bind(removed.removed_by.as_str())
                .bind(log.as_str())
                .execute(&mut *connection)
                .await?;
            for forget in [UNPROTECT_ALL, REMOVE_CODES] {
                sqlx::query(forget)
                    .bind(&room[..])
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query(REMOVE_ROOM).bind(&room[..])
        }
        Change::Protect(room, performance, most) => {
            lock_room(connection, room).await?;
            return match protector(connection, *performance).await? {
                Some(by) if by != *room => Ok(Done::By(by)),
                Some(_) => Ok(Done::Rows(0)),
                None => {
                    let counting = sqlx::query_scalar(COUNT_PROTECTED).bind(&room[..]);
                    if is_full(counting.fetch_one(&mut *connection).await?, *most) {
                        return Ok(Done::Full);
                    }
                    protect(connection, *room, *performance).await?;
                    Ok(Done::Rows(1))
                }
            };
        }
        Change::Unprotect(room, performance) => sqlx::query(UNPROTECT)
            .bind(&performance.as_bytes()[..])
            .bind(&room[..]),
        Change::Authority(room, authority) => sqlx::query(SET_AUTHORITY)
            .bind(authority.as_str())
            .bind(&room[..]),
        Change::State(room, state, at_ms) => sqlx::query(KEEP_STATE)
            .bind(state.as_str())
            .bind(*at_ms)
            .bind(&room[..]),
        Change::Code(room, code, Some(authority)) => sqlx::query(SET_CODE)
            .bind(&room[..])
            .bind(code.as_str())
            .bind(authority.as_str()),
        Change::Code(room, code, None) => {
            sqlx::query(REMOVE_CODE).bind(&room[..]).bind(code.as_str())
        }
        Change::Memory(bytes, at_ms) => sqlx::query(KEEP_MEMORY).bind(&bytes[..]).bind(*at_ms),
    };
    Ok(Done::Rows(query.execute(connection).await?.rows_affected()))
}

async fn lock_room(connection: &mut PgConnection, room: &RoomKey) -> Result<(), sqlx::Error> {
    let query = sqlx::query(LOCK_ROOM).bind(&room[..]);
    query.execute(connection).await.map(drop)
}

fn is_full(rows: i64, most: usize) -> bool {
    usize::try_from(rows).is_ok_and(|rows| rows >= most)
}

async fn add(
    connection: &mut PgConnection,
    row: &RoomRow,
    most: usize,
) -> Result<Done, sqlx::Error> {
    sqlx::query(LOCK_ROOMS).execute(&mut *connection).await?;
    let counting = sqlx::query_scalar(COUNT_ROOMS);
    if is_full(counting.fetch_one(&mut *connection).await?, most) {
        return Ok(Done::Full);
    }
    // Looked at before anything is written: a refusal leaves nothing behind.
    for performance in &row.performances {
        if let Some(by) = protector(connection, *performance).await? {
            return Ok(Done::By(by));
        }
    }
    sqlx::query(INSERT_ROOM)
        .bind(&row.room[..])
        .bind(row.made_ms)
        .bind(row.settings.as_str())
        .bind(row.authority.as_str())
        .bind(row.demo)
        .bind(row.state.as_deref())
        .execute(&mut *connection)
        .await?;
    for performance in &row.performances {
        protect(connection, row.room, *performance).await?;
    }
    Ok(Done::Rows(1))
}

fn room(row: &PgRow) -> Result<RoomRow, StoreError> {
    let performances: Vec<Vec<u8>> = row.try_get("performances")?;
    let performance = |id: Vec<u8>| {
        let id = id.try_into();
        let id = id.map_err(|_| StoreError::Damaged("performance_id is not 16 bytes".to_owned()));
        Ok(PerformanceId::from_bytes(id?))
    };
    Ok(RoomRow {
        room: fixed(row, "room_id")?,
        made_ms: row.try_get("made_ms")?,
        settings: row.try_get("settings")?,
        authority: row.try_get("authority")?,
        demo: row.try_get("demo")?,
        state: row.try_get("state")?,
        performances: performances
            .into_iter()
            .map(performance)
            .collect::<Result<_, StoreError>>()?,
    })
}

impl RoomTable for PostgresStore {
    fn change_rooms(&self, change: Change) -> BoxFuture<'_, Result<Done, StoreError>> {
        Box::pin(self.change(change))
    }

    fn rooms(&self) -> BoxFuture<'_, Result<Vec<RoomRow>, StoreError>> {
        Box::pin(async {
            let rows = self.rows(|| sqlx::query(ROOMS)).await?;
            rows.iter().map(room).collect()
        })
    }

    fn removed_rooms(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RemovedRoom>, StoreError>> {
        Box::pin(async move {
            let query = || sqlx::query(REMOVED).bind(i64::from(limit));
            let rows = self.rows(query).await?;
            rows.iter()
                .map(|row| {
                    Ok(RemovedRoom {
                        room: fixed(row, "room_id")?,
                        name: row.try_get("name")?,
                        made_ms: row.try_get("made_ms")?,
                        removed_ms: row.try_get("removed_ms")?,
                        removed_by: row.try_get("removed_by")?,
                    })
                })
                .collect()
        })
    }

    fn removed_log(&self, room: RoomKey) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(async move {
            let row = self.row(|| sqlx::query(REMOVED_LOG).bind(room)).await?;
            Ok(row.map(|row| row.try_get("log")).transpose()?)
        })
    }

    fn code_authorities(
        &self,
        room: RoomKey,
    ) -> BoxFuture<'_, Result<Vec<(String, String)>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(|| sqlx::query(CODES).bind(room.to_vec())).await?;
            rows.iter()
                .map(|row| Ok((row.try_get("code_id")?, row.try_get("authority")?)))
                .collect()
        })
    }

    fn memory(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async {
            let row = self.row(|| sqlx::query(MEMORY)).await?;
            row.map(|row| {
                let bytes: Vec<u8> = row.try_get("bytes")?;
                Ok(bytes.into())
            })
            .transpose()
        })
    }
}
