//! Reading columns whose shape is known, and telling a damaged one.

use crate::store::error::StoreError;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Row as _};

/// Bytes of a known length. `what` says what they are.
pub(super) fn fixed<const N: usize>(
    row: &SqliteRow,
    column: impl ColumnIndex<SqliteRow>,
    what: &str,
) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("{what} of {} bytes, not {N}", bytes.len())))
}

/// The same of a column whose name says what they are.
pub(super) fn named<const N: usize>(row: &SqliteRow, column: &str) -> Result<[u8; N], StoreError> {
    fixed(row, column, column)
}
