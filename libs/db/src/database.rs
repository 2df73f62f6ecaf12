//! The database of one service: opening, pools, transactions.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use kernel::Fault;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{PgPool, Postgres, SqlitePool, Transaction};
use tokio::sync::Notify;
use tracing::Instrument;

use crate::settings::SqliteFile;
use crate::tx::{Inner, Measured};
use crate::{Isolation, Migrations, Of, Result, Settings, Tx, sql};

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    name: &'static str,
    pools: Of<PgPool, Lite>,
    relay: Arc<Notify>,
    /// A test's directory or database, removed after the pools above.
    #[cfg(feature = "testing")]
    place: std::sync::OnceLock<crate::testing::Place>,
}

/// One writer, because SQLite has one anyway and queueing for it here is fairer
/// and faster than colliding; readers that cannot write.
struct Lite {
    write: SqlitePool,
    read: SqlitePool,
}

impl Db {
    /// Opens the database and brings its schema up to date (or, with `migrate`
    /// off, refuses to start on a schema that is not this program's).
    pub async fn open(settings: &Settings, migrations: &Migrations) -> kernel::Result<Self> {
        let target =
            settings.target().map_err(|bad| Fault::internal(bad).with_note("database url"))?;
        let pools = match target {
            Of::Postgres(options) => {
                migrations.run_postgres(&options, settings.migrate).await?;
                let pool = PgPoolOptions::new()
                    .max_connections(settings.max_connections)
                    .acquire_timeout(settings.acquire_timeout())
                    .connect_lazy_with(settings.limited(options));
                Of::Postgres(pool)
            }
            Of::Sqlite(file) => Of::Sqlite(open_lite(settings, &file, migrations).await?),
        };
        Ok(Self(Arc::new(Shared {
            name: migrations.name(),
            pools,
            relay: Arc::default(),
            #[cfg(feature = "testing")]
            place: std::sync::OnceLock::new(),
        })))
    }

    /// For reads outside a transaction: each statement sees its own snapshot.
    pub fn read(&self) -> Of<&PgPool, &SqlitePool> {
        match &self.0.pools {
            Of::Postgres(pool) => Of::Postgres(pool),
            Of::Sqlite(lite) => Of::Sqlite(&lite.read),
        }
    }

    /// For a single write that needs no transaction around it.
    pub fn write(&self) -> Of<&PgPool, &SqlitePool> {
        match &self.0.pools {
            Of::Postgres(pool) => Of::Postgres(pool),
            Of::Sqlite(lite) => Of::Sqlite(&lite.write),
        }
    }

    /// Begins a serializable transaction; `name` labels its span and metrics.
    ///
    /// Never begin a second one while holding the first: on SQLite it would wait
    /// for itself.
    pub async fn begin(&self, name: &'static str) -> Result<Tx> {
        self.begin_with(name, Isolation::Serializable).await
    }

    pub async fn begin_with(&self, name: &'static str, isolation: Isolation) -> Result<Tx> {
        let statement = match isolation {
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        self.start(name, self.write(), statement, "BEGIN IMMEDIATE").await
    }

    /// Begins a read-only transaction: all its statements see one snapshot.
    pub async fn snapshot(&self, name: &'static str) -> Result<Tx> {
        let statement = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.start(name, self.read(), statement, "BEGIN").await
    }

    async fn start(
        &self,
        name: &'static str,
        pools: Of<&PgPool, &SqlitePool>,
        postgres: &'static str,
        sqlite: &'static str,
    ) -> Result<Tx> {
        let measured = Measured::start(self.0.name, self.system(), name);
        let begin = async {
            Ok::<Inner, sqlx::Error>(match pools {
                Of::Postgres(pool) => Of::Postgres(begin_whole(pool.clone(), postgres).await?),
                Of::Sqlite(pool) => Of::Sqlite(pool.begin_with(sqlite).await?),
            })
        };
        match begin.instrument(measured.span()).await {
            Ok(inner) => Ok(Tx::new(inner, measured, Arc::clone(&self.0.relay))),
            Err(error) => {
                measured.failed_to_begin();
                Err(error.into())
            }
        }
    }

    /// Picks a dialect's own text, for the rare statement that has one.
    pub fn dialect(&self, postgres: &'static str, sqlite: &'static str) -> &'static str {
        match self.0.pools {
            Of::Postgres(_) => postgres,
            Of::Sqlite(_) => sqlite,
        }
    }

    /// `db.system` as OpenTelemetry names it.
    pub fn system(&self) -> &'static str {
        self.dialect("postgresql", "sqlite")
    }

    /// The service whose database this is.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Whether the database answers, for the health check. Reads a table, since
    /// SQLite answers `SELECT 1` without its file.
    pub async fn ping(&self) -> Result<()> {
        const PING: &str = "SELECT count(*) FROM _sqlx_migrations";
        let _: i64 = sql!(self.read(), |c| sqlx::query_scalar(PING).fetch_one(c).await)?;
        Ok(())
    }

    /// Closes every connection. Readers first: SQLite folds the write-ahead log
    /// into the file when its last connection, which must be able to write, closes.
    pub async fn close(&self) {
        match &self.0.pools {
            Of::Postgres(pool) => pool.close().await,
            Of::Sqlite(lite) => {
                lite.read.close().await;
                lite.write.close().await;
            }
        }
    }

    /// Ties a test's place to the life of the database in it.
    #[cfg(feature = "testing")]
    pub(crate) fn keep(&self, place: crate::testing::Place) {
        // Set once, right after opening: there is nothing to lose.
        let _ = self.0.place.set(place);
    }

    pub(crate) fn relay(&self) -> &Notify {
        &self.0.relay
    }
}

/// In a task of its own, which comes to its end though nobody waits any more: a
/// BEGIN that is dropped half-way leaves its connection in the transaction, for
/// whoever gets it next (<https://github.com/transact-rs/sqlx/issues/4393>).
async fn begin_whole(
    pool: PgPool,
    statement: &'static str,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    let begun = async move { pool.begin_with(statement).await };
    tokio::spawn(begun.in_current_span()).await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

async fn open_lite(
    settings: &Settings,
    file: &SqliteFile,
    migrations: &Migrations,
) -> kernel::Result<Lite> {
    create_private(&file.0)
        .map_err(|error| Fault::internal(error).with_note("cannot create the database file"))?;
    let options = file.options(settings.acquire_timeout());
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(settings.acquire_timeout())
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.clone());
    let read = SqlitePoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout())
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.read_only(true));
    migrations.run_sqlite(&write, settings.migrate).await?;
    Ok(Lite { write, read })
}

/// Makes the file before SQLite does, readable by its owner alone: SQLite gives
/// its log files (`-wal`, `-shm`) the mode of the database file.
fn create_private(file: &Path) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    fs::set_permissions(file, Permissions::from_mode(0o600))
}
