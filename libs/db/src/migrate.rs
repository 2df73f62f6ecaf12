//! Bringing a schema up to date, once, whoever starts first.

use std::borrow::Cow;

use kernel::{Fault, Result};
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, SqlitePool};

use crate::Error;

/// Below this the versions belong to the tables that this library brings.
const FIRST_SERVICE_VERSION: i64 = 100;

static OUTBOX: Migrator = sqlx::migrate!("migrations/outbox");
static IDEMPOTENCY: Migrator = sqlx::migrate!("migrations/idempotency");

/// The tables of this library that a service may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// For [`crate::outbox`].
    Outbox,
    /// For [`crate::idempotency`].
    Idempotency,
}

/// The schema of one service:
///
/// ```text
/// pub static MIGRATIONS: Migrations =
///     Migrations::new("audit", sqlx::migrate!(), &[Shared::Outbox, Shared::Idempotency]);
/// ```
///
/// Files are `migrations/0100_what.sql`, numbered from 100, never edited once
/// landed. What cannot be said portably is a pair of the same number,
/// `0107_what.postgres.sql` and `0107_what.sqlite.sql`.
#[derive(Debug)]
pub struct Migrations {
    name: &'static str,
    service: Migrator,
    shared: &'static [Shared],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

impl Migrations {
    /// `name` is the service's; metrics and spans carry it.
    pub const fn new(name: &'static str, service: Migrator, shared: &'static [Shared]) -> Self {
        Self { name, service, shared }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the service asked for this table.
    pub fn has(&self, shared: Shared) -> bool {
        self.shared.contains(&shared)
    }

    fn for_dialect(&self, dialect: Dialect) -> Result<Migrator> {
        let foreign = match dialect {
            Dialect::Postgres => ".sqlite",
            Dialect::Sqlite => ".postgres",
        };
        if self.service.iter().any(|migration| migration.version < FIRST_SERVICE_VERSION) {
            return Err(broken("migrations of a service are numbered from 100"));
        }
        let shared = self.shared.iter().map(|shared| match shared {
            Shared::Outbox => &OUTBOX,
            Shared::Idempotency => &IDEMPOTENCY,
        });
        let all: Vec<Migration> = shared
            .chain([&self.service])
            .flat_map(Migrator::iter)
            .filter(|migration| !migration.description.ends_with(foreign))
            .cloned()
            .collect();
        let migrator = Migrator::with_migrations(all);
        if migrator.migrations.windows(2).any(|two| two[0].version == two[1].version) {
            return Err(broken("two migrations have the same number"));
        }
        Ok(migrator)
    }

    /// Over a connection of its own, closed afterwards: a migration that fails
    /// leaves sqlx's advisory lock on its connection, and from a pool that would
    /// hang every later migrator.
    pub(crate) async fn run_postgres(&self, options: &PgConnectOptions, apply: bool) -> Result<()> {
        let migrator = self.for_dialect(Dialect::Postgres)?;
        let mut connection =
            PgConnection::connect_with(options).await.map_err(|e| unreachable_fault(e.into()))?;
        let outcome = if apply {
            migrator.run_direct(None, &mut connection, false).await
        } else {
            check(&migrator, &mut connection).await
        };
        // The outcome tells more than an error while closing would.
        let _ = connection.close().await;
        outcome.map_err(explain)
    }

    /// Inside an immediate transaction: sqlx takes no lock on SQLite, and several
    /// processes starting at once would all create the same tables.
    pub(crate) async fn run_sqlite(&self, writer: &SqlitePool, apply: bool) -> Result<()> {
        let migrator = self.for_dialect(Dialect::Sqlite)?;
        let mut tx =
            writer.begin_with("BEGIN IMMEDIATE").await.map_err(|e| unreachable_fault(e.into()))?;
        if apply {
            migrator.run_direct(None, &mut *tx, false).await.map_err(explain)?;
        } else {
            check(&migrator, &mut *tx).await.map_err(explain)?;
        }
        tx.commit().await.map_err(Error::from)?;
        Ok(())
    }
}

/// The schema must be exactly this program's: nothing missing, nothing newer.
async fn check<C: Migrate>(migrator: &Migrator, connection: &mut C) -> Result<(), MigrateError> {
    let applied = connection.list_applied_migrations(&migrator.table_name).await?;
    let find =
        |version| applied.iter().find(|applied: &&AppliedMigration| applied.version == version);
    for migration in migrator.iter() {
        match find(migration.version) {
            None => return Err(MigrateError::VersionNotPresent(migration.version)),
            Some(found) if found.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version));
            }
            Some(_) => {}
        }
    }
    match applied.iter().find(|applied| !migrator.version_exists(applied.version)) {
        Some(newer) => Err(MigrateError::VersionMissing(newer.version)),
        None => Ok(()),
    }
}

fn broken(what: &'static str) -> Fault {
    Fault::internal(what).with_note(what)
}

fn unreachable_fault(error: Error) -> Fault {
    let note = format!("cannot open the database: {error}");
    Fault::unavailable(error).with_note(note)
}

/// Says what an operator has to know; the database's own text stays out, since
/// it can quote rows.
fn explain(error: MigrateError) -> Fault {
    let note: Cow<'static, str> = match &error {
        MigrateError::VersionMissing(version) => {
            format!("the database is newer than this program (it has migration {version})").into()
        }
        MigrateError::VersionNotPresent(version) => {
            format!("migration {version} has not been applied, and `migrate` is off").into()
        }
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} was edited after it had been applied").into()
        }
        MigrateError::Dirty(version) => format!("migration {version} was left half done").into(),
        MigrateError::ExecuteMigration(_, version) => format!("migration {version} failed").into(),
        _ => "the migrations could not be run".into(),
    };
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            let error = Error::from(error);
            let note = format!("{note}: {error}");
            Fault::internal(error).with_note(note)
        }
        _ => Fault::internal(note.clone()).with_note(note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LOW: Migrations = Migrations::new("low", sqlx::migrate!("migrations/outbox"), &[]);
    static TWICE: Migrations =
        Migrations::new("twice", Migrator::DEFAULT, &[Shared::Outbox, Shared::Outbox]);

    #[test]
    fn numbers_must_not_collide() {
        for broken in [&LOW, &TWICE] {
            assert!(broken.for_dialect(Dialect::Sqlite).is_err());
            assert!(broken.for_dialect(Dialect::Postgres).is_err());
        }
    }
}
