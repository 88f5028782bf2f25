//! Connecting: limits and time-outs, and whether this program and the schema go together.

use super::listener::Listener;
use super::reader::Reader;
use super::writer::Writer;
use super::{Inner, PostgresStore};
use crate::store::database::DatabaseUrl;
use crate::store::error::StoreError;
use crate::store::tables;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A migration that waits for a table makes everybody wait who comes to that table after it. So it
/// waits no longer than nobody minds, and tries again. It may take its time over what it does: an index
/// over a long table needs it.
const MIGRATION_LIMITS: &str = "SET lock_timeout = '1s'; SET statement_timeout = 0";
/// How long it lets the others through in between.
const LOCK_PAUSE: Duration = Duration::from_millis(500);
/// After so many tries somebody holds on to a table whom it does not get past.
const LOCK_TRIES: u32 = 60;

/// How a database is connected to.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Most connections of this server beside the writer's own and the one it listens on.
    pub connections: u32,
    /// A streaming replica, from which what is only shown is read, with as many connections.
    pub reader: Option<DatabaseUrl>,
    /// Most connections for turns at contended ledgers, besides those.
    pub turns: u32,
    /// A server that is silent for so long while it holds a turn has lost it.
    pub turn_timeout: Duration,
    /// A statement that takes longer is broken off by the database.
    pub statement_timeout: Duration,
    /// How long whoever asks is kept waiting while the database is away, before they are told.
    pub patience: Duration,
    /// Gather everything that waits into one transaction. `false` is one transaction for each
    /// write, the baseline of the benchmark.
    pub gather: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 12,
            reader: None,
            turns: 4,
            turn_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            gather: true,
        }
    }
}

/// Why a database could not be used. Each says the way out, and none a password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresOpenError {
    /// The address is not one.
    #[error(
        "the database's address is not a PostgreSQL address \
         (postgres://user:password@host:5432/name): {what}"
    )]
    Address {
        /// What is wrong with it.
        what: String,
    },
    /// It does not answer, or does not let us in.
    #[error("the database {database} cannot be used: {source}")]
    Unreachable {
        /// Which.
        database: String,
        /// Why.
        source: StoreError,
    },
    /// The schema is not there yet, or older than this program needs.
    #[error(
        "the database {database} has schema {found}, this program needs {needed}: run `onsale migrate`"
    )]
    OlderSchema {
        /// Which.
        database: String,
        /// Its schema, 0 where there is none.
        found: i64,
        /// What is needed.
        needed: i64,
    },
    /// The schema has gone on so far that this program would do harm.
    #[error(
        "the database {database} has schema {found} and takes programs that know {floor} or later; this one knows {known}: use a newer onsale"
    )]
    NewerSchema {
        /// Which.
        database: String,
        /// Its schema.
        found: i64,
        /// The least a program must know.
        floor: i64,
        /// What this one knows.
        known: i64,
    },
    /// What is to be read from is a replica of something else.
    #[error("{reader} is no replica of the database {database}: it belongs to another PostgreSQL")]
    ForeignReader {
        /// What is written to.
        database: String,
        /// What was to be read from.
        reader: String,
    },
    /// A copy into it was interrupted.
    #[error(
        "the database {database} is the target of a copy that did not come to its end: drop it, make it anew, and copy again"
    )]
    HalfCopied {
        /// Which.
        database: String,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of {database} could not be brought up to date: {source}")]
    Migration {
        /// Which.
        database: String,
        /// Why.
        source: MigrateError,
    },
}

/// An address that has been read.
pub(super) struct Target {
    pub(super) options: PgConnectOptions,
    /// Host, port and name.
    pub(super) name: String,
}

impl Target {
    fn read(url: &str, options: &PostgresOptions) -> Result<Self, PostgresOpenError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let what = "it begins with another scheme".to_owned();
            return Err(PostgresOpenError::Address { what });
        }
        let connect = PgConnectOptions::from_str(url).map_err(|error| {
            let what = error.to_string();
            PostgresOpenError::Address { what }
        })?;
        let name = format!(
            "{}:{}/{}",
            connect.get_host(),
            connect.get_port(),
            connect.get_database().unwrap_or_default()
        );
        let turn_ms = options.turn_timeout.as_millis().to_string();
        let timeout_ms = options.statement_timeout.as_millis().to_string();
        let options = connect
            .application_name("onsale")
            .statement_cache_capacity(256)
            .options([
                ("statement_timeout", timeout_ms.as_str()),
                ("lock_timeout", timeout_ms.as_str()),
                // A server that was frozen while it held a turn must not keep everybody waiting.
                ("idle_in_transaction_session_timeout", turn_ms.as_str()),
                // A cut network is noticed by the database too, which then lets go of the locks.
                ("tcp_keepalives_idle", "5"),
                ("tcp_keepalives_interval", "2"),
                ("tcp_keepalives_count", "3"),
                ("tcp_user_timeout", "10000"),
                // Acknowledged is durable, whatever the database's own default.
                ("synchronous_commit", "on"),
            ])
            .disable_statement_logging();
        Ok(Self { options, name })
    }

    pub(super) async fn connect(&self) -> Result<PgConnection, PostgresOpenError> {
        PgConnection::connect_with(&self.options)
            .await
            .map_err(|error| self.unreachable(error))
    }

    pub(super) fn unreachable(&self, error: sqlx::Error) -> PostgresOpenError {
        PostgresOpenError::Unreachable {
            database: self.name.clone(),
            source: error.into(),
        }
    }
}

impl PostgresStore {
    /// Connects to the database at `url`, whose schema must be there.
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<Self, PostgresOpenError> {
        let target = Target::read(url, &options)?;
        let mut connection = target.connect().await?;
        check_schema(&target, &mut connection).await?;
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(options.patience)
                // A connection that broke is found out by whoever uses it, who may then try again;
                // a question before each use would cost as much as the use.
                .test_before_acquire(false)
                .connect_lazy_with(target.options.clone())
        };
        let (pool, turns) = (pool(options.connections), pool(options.turns));
        let reader = match &options.reader {
            None => None,
            Some(url) => {
                let reader = Target::read(url.whole(), &options)?;
                Some(Reader::of(&target, reader, options.connections).await?)
            }
        };
        let listener = Listener::start(target.options.clone(), options.patience);
        let writer = Writer::start(connection, target.options, options.gather, options.patience);
        Ok(Self(Arc::new(Inner {
            writer,
            pool,
            turns,
            reader,
            listener,
            patience: options.patience,
        })))
    }

    /// Brings the schema of the database at `url` up to date, and says its version. Several may ask
    /// at once; one does it.
    pub async fn migrate(url: &str, options: &PostgresOptions) -> Result<i64, PostgresOpenError> {
        let target = Target::read(url, options)?;
        let mut tries = 1;
        loop {
            match Self::try_to_migrate(&target).await {
                Err(PostgresOpenError::Migration { source, .. })
                    if waited_for_a_lock(&source) && tries < LOCK_TRIES =>
                {
                    let database = &target.name;
                    tracing::info!(%database, tries, "a table is in use: the migration tries again");
                }
                ended => return ended,
            }
            tries += 1;
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    /// On a connection of its own, with which whatever it has locked is let go.
    async fn try_to_migrate(target: &Target) -> Result<i64, PostgresOpenError> {
        let mut connection = target.connect().await?;
        sqlx::raw_sql(MIGRATION_LIMITS)
            .execute(&mut connection)
            .await
            .map_err(|error| target.unreachable(error))?;
        let found = schema(target, &mut connection).await?;
        if found.version > known() {
            found.is_usable(target)?;
            return Ok(found.version);
        }
        MIGRATIONS
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|source| PostgresOpenError::Migration {
                database: target.name.clone(),
                source,
            })?;
        let migrated = schema(target, &mut connection).await?;
        let _ = connection.close().await;
        Ok(migrated.version)
    }
}

/// Whether a migration was broken off because somebody else held a lock for longer than it waits.
fn waited_for_a_lock(error: &MigrateError) -> bool {
    let (MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)) = error else {
        return false;
    };
    let code = source.as_database_error().and_then(DatabaseError::code);
    code.as_deref() == Some("55P03")
}

/// The latest version this program knows.
fn known() -> i64 {
    let versions = MIGRATIONS.iter().map(|migration| migration.version);
    versions.max().unwrap_or(0)
}

/// What a database says of itself.
struct Schema {
    version: i64,
    floor: i64,
}

impl Schema {
    fn is_usable(&self, target: &Target) -> Result<(), PostgresOpenError> {
        let (database, known) = (target.name.clone(), known());
        let Self { version, floor } = *self;
        if version < known {
            return Err(PostgresOpenError::OlderSchema {
                database,
                found: version,
                needed: known,
            });
        }
        if floor > known {
            return Err(PostgresOpenError::NewerSchema {
                database,
                found: version,
                floor,
                known,
            });
        }
        Ok(())
    }
}

async fn schema(
    target: &Target,
    connection: &mut PgConnection,
) -> Result<Schema, PostgresOpenError> {
    let read = async {
        let is_there: bool = sqlx::query_scalar(
            "SELECT to_regclass('_sqlx_migrations') IS NOT NULL AND \
                 to_regclass('schema_floor') IS NOT NULL",
        )
        .fetch_one(&mut *connection)
        .await?;
        if !is_there {
            return Ok(Schema {
                version: 0,
                floor: 0,
            });
        }
        let (version, floor) = sqlx::query_as(
            "SELECT COALESCE((SELECT max(version) FROM _sqlx_migrations WHERE success), 0), \
             (SELECT version FROM schema_floor WHERE one = 1)",
        )
        .fetch_one(&mut *connection)
        .await?;
        Ok(Schema { version, floor })
    };
    read.await.map_err(|error| target.unreachable(error))
}

async fn check_schema(
    target: &Target,
    connection: &mut PgConnection,
) -> Result<(), PostgresOpenError> {
    schema(target, connection).await?.is_usable(target)?;
    let is_half = sqlx::query_scalar::<_, i64>(tables::IS_HALF);
    let rows = is_half.fetch_one(connection).await;
    match rows.map_err(|error| target.unreachable(error))? {
        0 => Ok(()),
        _ => Err(PostgresOpenError::HalfCopied {
            database: target.name.clone(),
        }),
    }
}
