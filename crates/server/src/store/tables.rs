//! Every table as both databases have it, for moving a whole site from one to the other.
//!
//! Rows cross as plain values, a page at a time, in order of their table's key. What only one database
//! has (`ledger_head`, what the drivers keep) is made there, and who beats is not moved (`checkout_server`,
//! `relay_lease`): nobody does.

use super::error::StoreError;
use futures_util::future::BoxFuture;
use std::fmt::Write as _;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Raw bytes.
    Bytes,
    /// A number.
    Integer,
    /// Text.
    Text,
    /// Yes or no.
    Flag,
}

/// A value of a row; all but the key may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Raw bytes.
    Bytes(Option<Vec<u8>>),
    /// A number.
    Integer(Option<i64>),
    /// Text.
    Text(Option<String>),
    /// Yes or no.
    Flag(Option<bool>),
}

/// A row: a value for each column.
pub type Row = Vec<Value>;

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns; those of its key first.
    pub columns: &'static [(&'static str, Kind)],
    /// How many columns are its key.
    pub key: usize,
    /// Rows in one page: few where they are large.
    pub page: u32,
}

macro_rules! tables {
    ($($name:ident by $key:literal, $page:ident: $($column:ident $kind:ident),*;)*) => {
        /// Every table, those first that others refer to.
        pub const TABLES: &[Table] = &[$(Table {
            name: stringify!($name),
            columns: &[$((stringify!($column), Kind::$kind)),*],
            key: $key,
            page: $page,
        }),*];
    };
}

/// Rows of some hundred bytes.
const MANY: u32 = 2_000;
/// Rows that may be a megabyte.
const FEW: u32 = 128;

tables! {
    venues by 1, MANY: id Bytes, name Text, city Text, time_zone Text;
    seat_maps by 1, FEW: version Bytes, bytes Bytes;
    performances by 1, FEW: id Bytes, venue_id Bytes, title Text, subtitle Text, description Text,
        genre Text, starts_at_ms Integer, doors_at_ms Integer, map_version Bytes, terms Text,
        poster_svg Text, simulated_fans Flag, opening_terms Text;
    demo by 1, MANY: one Integer;
    ledger by 2, FEW: performance_id Bytes, seq Integer, at_ms Integer, batch Bytes, hash Bytes;
    command by 2, MANY: command_id Bytes, performance_id Bytes, content Bytes, seq Integer,
        entry Integer, detail Bytes;
    ticket_live by 2, MANY: performance_id Bytes, place_key Integer, ticket_id Bytes,
        order_id Bytes, fan_id Bytes, area Integer, price_type Integer;
    order_confirmed by 2, MANY: performance_id Bytes, order_id Bytes, fan_id Bytes,
        total_minor Integer, at_ms Integer;
    snapshot by 1, FEW: performance_id Bytes, seq Integer, at_ms Integer, hash Bytes,
        inventory Bytes, digest Bytes;
    checkout by 2, MANY: order_id Bytes, attempt Integer, command_id Bytes, content Bytes,
        performance_id Bytes, hold_id Bytes, fan_id Bytes, created_ms Integer, updated_ms Integer,
        unsettled Flag, step Text, details Text, owner Bytes, nudged Flag;
    account by 1, MANY: account_id Bytes, email Text, role Text, fan_id Bytes, password Text,
        created_ms Integer, password_ms Integer, disabled_ms Integer;
    account_session by 1, MANY: token_hash Bytes, account_id Bytes, created_ms Integer,
        seen_ms Integer, expires_ms Integer;
    account_fan by 1, MANY: fan_id Bytes, account_id Bytes, adopted_ms Integer;
    account_notice by 1, MANY: account_id Bytes, registrations Integer, last_ms Integer;
    account_throttle by 1, FEW: one Integer, bytes Bytes, kept_ms Integer;
    site_key by 1, MANY: name Text, digest Bytes;
    waiting_room by 1, FEW: room_id Bytes, made_ms Integer, settings Text, authority Text,
        demo Flag, state Text, state_ms Integer;
    waiting_room_performance by 1, MANY: performance_id Bytes, room_id Bytes;
    waiting_room_code by 2, MANY: room_id Bytes, code_id Text, authority Text;
    waiting_room_memory by 1, FEW: one Integer, bytes Bytes, kept_ms Integer;
    waiting_room_removed by 1, FEW: room_id Bytes, name Text, made_ms Integer, removed_ms Integer,
        removed_by Text, log Text;
    waiting_room_journal by 1, MANY: seq Integer, entry Text;
    waiting_room_paying by 1, MANY: order_id Bytes, fan_id Bytes, admission Text,
        admission_id Bytes;
    relay_cursor by 2, MANY: stream Text, performance_id Bytes, seq Integer, window_ms Integer;
    relay_dead_letter by 3, MANY: performance_id Bytes, topic Text, event_id Text, seq Integer,
        reason Text, at_ms Integer;
    relay_admission by 1, MANY: admission_id Bytes, room_id Bytes, at_ms Integer,
        performances Text;
}

impl Table {
    fn names(&self, of: &[(&str, Kind)]) -> String {
        let names: Vec<_> = of.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// `$1, $2, …`, as both databases understand them.
    fn marks(upto: usize) -> String {
        let marks: Vec<_> = (1..=upto).map(|n| format!("${n}")).collect();
        marks.join(", ")
    }

    /// A page: the first, or the one behind a key.
    pub(super) fn select(&self, is_first: bool) -> String {
        let mut text = "SELECT ".to_owned();
        for (at, (name, kind)) in self.columns.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            // Numbers of any width as wide ones.
            let _ = match kind {
                Kind::Integer => write!(text, "{comma}CAST({name} AS BIGINT) AS {name}"),
                Kind::Bytes | Kind::Text | Kind::Flag => write!(text, "{comma}{name}"),
            };
        }
        let key = self.names(&self.columns[..self.key]);
        let _ = write!(text, " FROM {}", self.name);
        if !is_first {
            let _ = write!(text, " WHERE ({key}) > ({})", Self::marks(self.key));
        }
        // Of the table, not of what was selected under the same name: that is in order of a key.
        let order: Vec<_> = self.columns[..self.key]
            .iter()
            .map(|(name, _)| format!("{}.{name}", self.name))
            .collect();
        let _ = write!(text, " ORDER BY {} LIMIT {}", order.join(", "), self.page);
        text
    }

    /// One row.
    pub(super) fn insert(&self) -> String {
        let (names, marks) = (self.names(self.columns), Self::marks(self.columns.len()));
        format!("INSERT INTO {} ({names}) VALUES ({marks})", self.name)
    }

    /// Many rows, a list for each column.
    #[cfg(feature = "postgres")]
    pub(super) fn insert_lists(&self) -> String {
        let lists: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (_, kind))| {
                let of = match kind {
                    Kind::Bytes => "bytea",
                    Kind::Integer => "bigint",
                    Kind::Text => "text",
                    Kind::Flag => "boolean",
                };
                format!("${}::{of}[]", at + 1)
            })
            .collect();
        let (names, lists) = (self.names(self.columns), lists.join(", "));
        let name = self.name;
        format!("INSERT INTO {name} ({names}) SELECT * FROM unnest({lists})")
    }

    pub(super) fn count(&self) -> String {
        format!("SELECT count(*) AS rows FROM {}", self.name)
    }

    /// The key of a row of this table.
    pub(super) fn key_of<'a>(&self, row: &'a [Value]) -> &'a [Value] {
        &row[..self.key]
    }
}

/// A database as tables.
pub trait TableStore: Send + Sync + 'static {
    /// How many rows there are.
    fn count_rows(&self, table: &'static Table) -> BoxFuture<'_, Result<u64, StoreError>>;
    /// The rows behind `after`, or the first ones, in order of key: one page.
    fn read_rows(
        &self,
        table: &'static Table,
        after: Option<Row>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;
    /// Writes rows that are not there, all of them or none.
    fn write_rows(
        &self,
        table: &'static Table,
        rows: Vec<Row>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
    /// From now on, whoever opens it is told that it is not whole.
    fn begin_copy(&self) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Everything is written: what this database alone keeps is made from it.
    fn complete_copy(&self) -> BoxFuture<'_, Result<(), StoreError>>;
    /// It is whole.
    fn end_copy(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Whether there is a mark of a copy that has not ended.
pub(super) const IS_HALF: &str = "SELECT count(*) AS rows FROM half_copied";
pub(super) const MARK_HALF: &str = "INSERT INTO half_copied (one) VALUES (1)";
pub(super) const UNMARK_HALF: &str = "DELETE FROM half_copied";
