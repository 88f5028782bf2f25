//! The statements, and how many rows go at once.
//!
//! A bulk statement is prepared once for each of a few row counts and then reused, because
//! preparing costs far more than running. It is run with the smallest count that holds the rows;
//! the rows it has too many stay unbound, are null, and are left out by the statement itself.
//! Placeholders are plain `?`: SQLite looks up a numbered one in a list whose length is the number
//! of placeholders.

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, SqlitePool};
use std::sync::OnceLock;

/// Row counts for which a bulk statement is prepared, ascending; the first must be 1.
// Each statement is a visit to another thread and back, which is more than most of the rows in it
// cost. A row of nulls costs a few instructions.
const CHUNKS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// A statement over many rows: `head` + `row`, `row`, … + `tail`. It must do nothing for a row
/// whose values are all null.
#[derive(Debug)]
pub struct Bulk {
    head: &'static str,
    row: &'static str,
    tail: &'static str,
    texts: [OnceLock<String>; CHUNKS.len()],
}

impl Bulk {
    /// A statement whose text repeats `row` between `head` and `tail`.
    #[must_use]
    pub const fn new(head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self {
            head,
            row,
            tail,
            texts: [const { OnceLock::new() }; CHUNKS.len()],
        }
    }

    fn text(&'static self, chunk: usize) -> &'static str {
        self.texts[chunk].get_or_init(|| {
            let rows = vec![self.row; CHUNKS[chunk]].join(",");
            format!("{}{rows}{}", self.head, self.tail)
        })
    }

    /// Runs the statement over all `rows`; `bind` adds one row's values. Returns the rows found.
    pub async fn fetch<T>(
        &'static self,
        pool: &SqlitePool,
        mut rows: &[T],
        bind: impl Fn(&mut Binds, &T),
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut found = Vec::new();
        while let Some((text, binds)) = self.next(&mut rows, &bind) {
            let query = sqlx::query_with(text, binds.finish()?);
            found.extend(query.fetch_all(pool).await?);
        }
        Ok(found)
    }

    /// The statement for as many of `rows` as go at once, which are taken off.
    fn next<T>(
        &'static self,
        rows: &mut &[T],
        bind: impl Fn(&mut Binds, &T),
    ) -> Option<(&'static str, Binds)> {
        if rows.is_empty() {
            return None;
        }
        let chunk = CHUNKS
            .partition_point(|&size| size < rows.len())
            .min(CHUNKS.len() - 1);
        let (now, rest) = rows.split_at(rows.len().min(CHUNKS[chunk]));
        *rows = rest;
        let mut binds = Binds::default();
        for row in now {
            bind(&mut binds, row);
        }
        Some((self.text(chunk), binds))
    }
}

/// Values for the placeholders of a statement, in order.
#[derive(Default)]
pub struct Binds {
    arguments: SqliteArguments,
    fault: Option<sqlx::error::BoxDynError>,
}

impl Binds {
    /// Adds a value.
    pub fn add<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        if let Err(fault) = self.arguments.add(value) {
            self.fault.get_or_insert(fault);
        }
        self
    }
    fn finish(self) -> Result<SqliteArguments, sqlx::Error> {
        self.fault
            .map_or(Ok(self.arguments), |fault| Err(sqlx::Error::Encode(fault)))
    }
}

/// A row of the ledger goes in only behind the row it names, so that a ledger has no gaps and no
/// forks; no row affected means that somebody was faster.
pub const INSERT_LEDGER: &str = "INSERT INTO ledger (performance_id, seq, at_ms, batch, hash) \
     SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?2 = 1 OR EXISTS (SELECT 1 FROM ledger \
     WHERE performance_id = ?1 AND seq = ?2 - 1 AND hash = ?6)";
/// What a command came to. The primary key refuses a second record of the same command.
pub const INSERT_COMMAND: &str = "INSERT INTO command \
     (performance_id, command_id, content, seq, entry, detail) VALUES (?,?,?,?,?,?)";
/// A ticket that is no longer live.
pub const DELETE_TICKET_LIVE: &str =
    "DELETE FROM ticket_live WHERE performance_id = ? AND place_key = ? AND ticket_id = ?";
/// A ticket that is live now. The primary key refuses a second one for the same place.
pub const INSERT_TICKET_LIVE: &str = "INSERT INTO ticket_live (performance_id, place_key, \
     ticket_id, order_id, fan_id, area, price_type) VALUES (?,?,?,?,?,?,?)";
/// An order confirmed.
pub const INSERT_ORDER_CONFIRMED: &str = "INSERT INTO order_confirmed \
     (order_id, performance_id, fan_id, total_minor, at_ms) VALUES (?,?,?,?,?)";

/// What commands of one performance came to, those that are recorded.
pub static READ_COMMANDS: Bulk = Bulk::new(
    "SELECT command_id, content, seq, entry, detail FROM command \
     WHERE (command_id, performance_id) IN (VALUES ",
    "(?,?)",
    ")",
);

/// Rows of one ledger, ascending.
pub const READ_LEDGER: &str = "SELECT seq, at_ms, batch, hash FROM ledger \
     WHERE performance_id = ? AND seq > ? ORDER BY seq LIMIT ?";
/// Where a ledger ends.
pub const READ_HEAD: &str = "SELECT seq, at_ms, hash FROM ledger \
     WHERE performance_id = ? ORDER BY seq DESC LIMIT 1";
/// The position of the last batch, 0 before the first.
pub const READ_POSITION: &str = "SELECT COALESCE(MAX(seq), 0) FROM ledger WHERE performance_id = ?";
/// Performances that have a ledger. Skips from one to the next instead of reading every row.
pub const READ_PERFORMANCES: &str = "WITH RECURSIVE each(id) AS ( \
     SELECT min(performance_id) FROM ledger UNION ALL \
     SELECT (SELECT min(performance_id) FROM ledger WHERE performance_id > each.id) \
     FROM each WHERE each.id IS NOT NULL) SELECT id FROM each WHERE id IS NOT NULL";
/// The snapshot of a performance.
pub const READ_SNAPSHOT: &str = "SELECT seq, at_ms, hash, inventory, digest FROM snapshot \
     WHERE performance_id = ?";
/// Replaces a snapshot by a later one.
pub const UPSERT_SNAPSHOT: &str = "INSERT INTO snapshot \
     (performance_id, seq, at_ms, hash, inventory, digest) VALUES (?,?,?,?,?,?) \
     ON CONFLICT (performance_id) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms, \
     hash = excluded.hash, inventory = excluded.inventory, digest = excluded.digest \
     WHERE excluded.seq >= snapshot.seq";

/// Accepted commands of the performances from one to another, in order of id, behind a given one.
pub const READ_ACCEPTED: &str = "SELECT performance_id, command_id, seq, entry FROM command \
     WHERE (command_id, performance_id) > (?, ?) AND performance_id BETWEEN ? AND ? \
     AND seq IS NOT NULL ORDER BY command_id, performance_id LIMIT ?";
/// How many accepted commands each performance has, in order of performance.
pub const COUNT_ACCEPTED: &str = "SELECT performance_id, count(*) FROM command \
     WHERE seq IS NOT NULL GROUP BY performance_id ORDER BY performance_id";
/// Live tickets of a performance, by place.
pub const READ_TICKETS_LIVE: &str = "SELECT place_key, ticket_id, order_id, fan_id, area, \
     price_type FROM ticket_live WHERE performance_id = ? ORDER BY place_key";
/// Orders of a performance.
pub const READ_ORDERS_CONFIRMED: &str = "SELECT order_id, fan_id, total_minor, at_ms \
     FROM order_confirmed WHERE performance_id = ? ORDER BY order_id";
/// Forgets the live tickets of a performance, to project them anew.
pub const CLEAR_TICKETS_LIVE: &str = "DELETE FROM ticket_live WHERE performance_id = ?";
/// Forgets the orders of a performance, to project them anew.
pub const CLEAR_ORDERS_CONFIRMED: &str = "DELETE FROM order_confirmed WHERE performance_id = ?";

/// New terms of a performance. The first time, those it opened under are put aside.
pub const SET_TERMS: &str = "UPDATE performances SET \
     opening_terms = COALESCE(opening_terms, terms), terms = ? WHERE id = ?";

/// Whoever remembers the catalogue reads it again.
pub const BUMP_CATALOGUE: &str =
    "UPDATE catalogue_revision SET revision = revision + 1 WHERE one = 1";
