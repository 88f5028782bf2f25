//! The waiting rooms' side of the port on SQLite.

use super::SqliteStore;
use super::writer::{Write, WriteError};
use crate::store::error::StoreError;
use crate::store::rooms::{Change, Done, RemovedRoom, RoomKey, RoomRow, RoomTable};
use booking_core::PerformanceId;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::convert::Infallible;

const INSERT_ROOM: &str = "INSERT INTO waiting_room (room_id, made_ms, settings, authority, demo, \
     state, state_ms) VALUES (?, ?, ?, ?, ?, ?, NULL)";
const PROTECTOR: &str = "SELECT room_id FROM waiting_room_performance WHERE performance_id = ?";
const PROTECT: &str =
    "INSERT INTO waiting_room_performance (performance_id, room_id) VALUES (?, ?)";
const UNPROTECT: &str =
    "DELETE FROM waiting_room_performance WHERE performance_id = ? AND room_id = ?";
const UNPROTECT_ALL: &str = "DELETE FROM waiting_room_performance WHERE room_id = ?";
const REMOVE_CODES: &str = "DELETE FROM waiting_room_code WHERE room_id = ?";
const REMOVE_ROOM: &str = "DELETE FROM waiting_room WHERE room_id = ?";
const KEEP_LOG: &str = "INSERT INTO waiting_room_removed \
     (room_id, name, made_ms, removed_ms, removed_by, log) \
     SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM waiting_room WHERE room_id = ?)";
const COUNT_ROOMS: &str = "SELECT count(*) AS n FROM waiting_room";
const COUNT_PROTECTED: &str =
    "SELECT count(*) AS n FROM waiting_room_performance WHERE room_id = ?";
const SET_AUTHORITY: &str = "UPDATE waiting_room SET authority = ? WHERE room_id = ?";
const KEEP_STATE: &str = "UPDATE waiting_room SET state = ?, state_ms = ? WHERE room_id = ?";
const SET_CODE: &str = "INSERT INTO waiting_room_code (room_id, code_id, authority) \
     VALUES (?, ?, ?) ON CONFLICT (room_id, code_id) DO UPDATE SET authority = excluded.authority";
const REMOVE_CODE: &str = "DELETE FROM waiting_room_code WHERE room_id = ? AND code_id = ?";
const KEEP_MEMORY: &str = "INSERT INTO waiting_room_memory (one, bytes, kept_ms) \
     VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes, \
     kept_ms = excluded.kept_ms";

const ROOMS: &str = "SELECT room_id, made_ms, settings, authority, demo, state FROM waiting_room \
     ORDER BY made_ms, room_id";
const PERFORMANCES: &str =
    "SELECT performance_id, room_id FROM waiting_room_performance ORDER BY performance_id";
const CODES: &str =
    "SELECT code_id, authority FROM waiting_room_code WHERE room_id = ? ORDER BY code_id";
const REMOVED: &str = "SELECT room_id, name, made_ms, removed_ms, removed_by \
     FROM waiting_room_removed ORDER BY removed_ms DESC, room_id LIMIT ?";
const REMOVED_LOG: &str = "SELECT log FROM waiting_room_removed WHERE room_id = ?";
const MEMORY: &str = "SELECT bytes FROM waiting_room_memory WHERE one = 1";

impl Write for Change {
    type Done = Done;
    type Refusal = Infallible;

    async fn run(
        connection: &mut SqliteConnection,
        writes: &[Self],
    ) -> Result<Vec<Done>, WriteError<Infallible>> {
        let mut done = Vec::with_capacity(writes.len());
        for write in writes {
            done.push(make(connection, write).await?);
        }
        Ok(done)
    }
}

async fn protector(
    connection: &mut SqliteConnection,
    performance: PerformanceId,
) -> Result<Option<RoomKey>, WriteError<Infallible>> {
    let row = sqlx::query(PROTECTOR)
        .bind(&performance.as_bytes()[..])
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(|row| key(row, "room_id")).transpose()?)
}

async fn protect(
    connection: &mut SqliteConnection,
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

async fn make(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<Done, WriteError<Infallible>> {
    let query = match change {
        Change::Add(row, most) => return add(connection, row, *most).await,
        Change::Remove(removed, log) => {
            let room = &removed.room;
            sqlx::query(KEEP_LOG)
                .bind(&room[..])
                .bind(removed.name.as_str())
                .bind(removed.made_ms)
                .bind(removed.removed_ms)
                .bind(removed.removed_by.as_str())
                .bind(log.as_str())
                .bind(&room[..])
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
            return match protector(connection, *performance).await? {
                Some(by) if by != *room => Ok(Done::By(by)),
                Some(_) => Ok(Done::Rows(0)),
                None => {
                    let counted = sqlx::query(COUNT_PROTECTED).bind(&room[..]);
                    let counted = counted.fetch_one(&mut *connection).await?;
                    if is_full(&counted, *most)? {
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

async fn add(
    connection: &mut SqliteConnection,
    row: &RoomRow,
    most: usize,
) -> Result<Done, WriteError<Infallible>> {
    let counted = sqlx::query(COUNT_ROOMS).fetch_one(&mut *connection).await?;
    if is_full(&counted, most)? {
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

fn is_full(counted: &SqliteRow, most: usize) -> Result<bool, sqlx::Error> {
    let rows: i64 = counted.try_get("n")?;
    Ok(usize::try_from(rows).is_ok_and(|rows| rows >= most))
}

fn key(row: &SqliteRow, column: &str) -> Result<[u8; 16], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("waiting_room: {column} is not 16 bytes")))
}

impl RoomTable for SqliteStore {
    fn change_rooms(&self, change: Change) -> BoxFuture<'_, Result<Done, StoreError>> {
        Box::pin(async move { Ok(self.write(change).await?) })
    }

    fn rooms(&self) -> BoxFuture<'_, Result<Vec<RoomRow>, StoreError>> {
        Box::pin(async {
            // One snapshot for both: a room is never seen without what it protects.
            let mut reading = self.reader().begin().await?;
            let rooms = sqlx::query(ROOMS).fetch_all(&mut *reading).await?;
            let protects = sqlx::query(PERFORMANCES).fetch_all(&mut *reading).await?;
            reading.commit().await?;
            let mut rooms = rooms
                .iter()
                .map(|row| {
                    Ok(RoomRow {
                        room: key(row, "room_id")?,
                        made_ms: row.try_get("made_ms")?,
                        settings: row.try_get("settings")?,
                        authority: row.try_get("authority")?,
                        demo: row.try_get("demo")?,
                        state: row.try_get("state")?,
                        performances: Vec::new(),
                    })
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            for row in &protects {
                let by = key(row, "room_id")?;
                let performance = PerformanceId::from_bytes(key(row, "performance_id")?);
                if let Some(room) = rooms.iter_mut().find(|room| room.room == by) {
                    room.performances.push(performance);
                }
            }
            Ok(rooms)
        })
    }

    fn removed_rooms(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RemovedRoom>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(REMOVED).bind(limit);
            let rows = rows.fetch_all(self.reader()).await?;
            rows.iter()
                .map(|row| {
                    Ok(RemovedRoom {
                        room: key(row, "room_id")?,
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
            let row = sqlx::query(REMOVED_LOG).bind(room.to_vec());
            let row = row.fetch_optional(self.reader()).await?;
            Ok(row.map(|row| row.try_get("log")).transpose()?)
        })
    }

    fn code_authorities(
        &self,
        room: RoomKey,
    ) -> BoxFuture<'_, Result<Vec<(String, String)>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(CODES)
                .bind(room.to_vec())
                .fetch_all(self.reader())
                .await?;
            rows.iter()
                .map(|row| Ok((row.try_get("code_id")?, row.try_get("authority")?)))
                .collect()
        })
    }

    fn memory(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async {
            let row = sqlx::query(MEMORY).fetch_optional(self.reader()).await?;
            row.map(|row| {
                let bytes: Vec<u8> = row.try_get("bytes")?;
                Ok(bytes.into())
            })
            .transpose()
        })
    }
}
