//! Writing snapshots.

use super::fault::Trouble;
use super::read::as_i64;
use crate::store::rows::SnapshotRow;
use booking_core::PerformanceId;
use sqlx::PgConnection;

/// Replaces a snapshot by a later one.
const UPSERT_SNAPSHOT: &str = "INSERT INTO snapshot \
     (performance_id, seq, at_ms, hash, inventory, digest) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (performance_id) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms, \
     hash = excluded.hash, inventory = excluded.inventory, digest = excluded.digest \
     WHERE excluded.seq >= snapshot.seq";

pub(super) async fn save(
    connection: &mut PgConnection,
    performance: PerformanceId,
    row: &SnapshotRow,
) -> Result<(), Trouble> {
    sqlx::query(UPSERT_SNAPSHOT)
        .bind(&performance.as_bytes()[..])
        .bind(as_i64(row.seq))
        .bind(row.at_ms)
        .bind(&row.hash[..])
        .bind(&row.inventory[..])
        .bind(row.digest(performance).to_vec())
        .execute(connection)
        .await?;
    Ok(())
}
