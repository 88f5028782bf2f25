//! What `onsale copy` does: moves a whole site from one database into an empty other one, and proves
//! that it has arrived.
//!
//! Tables are copied page by page, so that memory is bounded by the largest page. From its first row to
//! the end of the proof the target is marked as half copied, and whoever opens it is told so: what was
//! interrupted is never taken for the whole.

use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::ledger_tools::{self, ToolError};
use crate::store::rows::Head;
use crate::store::tables::{TABLES, Table, TableStore};
use crate::store::{Database, LedgerStore as _, StoreError};
use booking_core::PerformanceId;

/// Why a site was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target has something in it.
    #[error(
        "the target is not empty (there are {rows} rows in `{table}`): a site is copied into an \
         empty database only"
    )]
    NotEmpty {
        /// The first table with something in it.
        table: &'static str,
        /// How much.
        rows: u64,
    },
    /// What arrived is not what there is at the source by now.
    #[error(
        "{what} differ between source and target: was the source used while it was copied? Stop its \
         servers, and copy into another empty database"
    )]
    Differs {
        /// What does.
        what: String,
    },
    /// The ledgers could not be audited.
    #[error(transparent)]
    Audit(#[from] ToolError),
    /// The audit found faults in the target.
    #[error(
        "{ledgers} ledgers of the target are not sound: `onsale ledger verify` on the source tells \
         whether they were before"
    )]
    NotSound {
        /// How many.
        ledgers: usize,
    },
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Rows are being copied.
    Rows {
        /// Of which table.
        table: &'static str,
        /// How many of all tables have been.
        done: u64,
        /// How many there are.
        of: u64,
    },
    /// The target's ledgers are being audited.
    Audit(ledger_tools::Progress),
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Rows of all tables.
    pub rows: u64,
    /// Ledgers, each with the same head, and sound.
    pub ledgers: usize,
}

/// Copies everything from one database into another, which must be empty. Neither may be used by
/// anybody else meanwhile.
pub async fn copy(
    from: &Database,
    to: &Database,
    mut progress: impl FnMut(Step),
) -> Result<Copied, CopyError> {
    let (source, target) = (from.tables(), to.tables());
    let mut of = 0;
    for table in TABLES {
        match target.count_rows(table).await? {
            0 => of += source.count_rows(table).await?,
            rows => {
                let table = table.name;
                return Err(CopyError::NotEmpty { table, rows });
            }
        }
    }
    target.begin_copy().await?;
    let mut rows = 0;
    for table in TABLES {
        let mut after = None;
        loop {
            let done = rows;
            let table_name = table.name;
            progress(Step::Rows {
                table: table_name,
                done,
                of,
            });
            let page = source.read_rows(table, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            rows += page.len() as u64;
            target.write_rows(table, page).await?;
        }
    }
    target.complete_copy().await?;
    for table in TABLES {
        have_as_many(table, &*source, &*target).await?;
    }
    let heads = heads(from).await?;
    if heads != self::heads(to).await? {
        let what = "the heads of the ledgers".to_owned();
        return Err(CopyError::Differs { what });
    }
    let catalogue = Catalogue::new(to.catalogue(), Clock::System);
    let audit = |read| progress(Step::Audit(read));
    let report = ledger_tools::verify(to, &catalogue, audit).await?;
    if !report.sound {
        let unsound = report.performances.iter().filter(|one| !one.is_sound());
        let ledgers = unsound.count();
        return Err(CopyError::NotSound { ledgers });
    }
    target.end_copy().await?;
    Ok(Copied {
        rows,
        ledgers: heads.len(),
    })
}

async fn have_as_many(
    table: &'static Table,
    source: &dyn TableStore,
    target: &dyn TableStore,
) -> Result<(), CopyError> {
    if source.count_rows(table).await? == target.count_rows(table).await? {
        return Ok(());
    }
    let what = format!("the rows of `{}`", table.name);
    Err(CopyError::Differs { what })
}

/// Where each ledger ends: position, time and hash.
async fn heads(database: &Database) -> Result<Vec<(PerformanceId, Option<Head>)>, StoreError> {
    let mut heads = Vec::new();
    for performance in database.performances().await? {
        heads.push((performance, database.head(performance).await?));
    }
    Ok(heads)
}
