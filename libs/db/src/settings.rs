//! The configuration of one service's database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use kernel::Secret;
use serde::Deserialize;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::Of;

/// Where the database is, and how much of it may be used.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `sqlite:///path/to/x.db` or `postgres://user:password@host/name`. Holds a
    /// password, so it is never shown; `config` also accepts `url_file`.
    pub url: Secret<String>,
    /// Connections to PostgreSQL, or readers of a SQLite file beside its one writer.
    #[serde(default = "defaults::max_connections")]
    pub max_connections: u32,
    /// How long a call waits for a free connection.
    #[serde(default = "defaults::acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// How long PostgreSQL lets one statement run.
    #[serde(default = "defaults::statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// Whether starting brings the schema up to date. When off, a schema that is
    /// behind stops the start.
    #[serde(default = "defaults::migrate")]
    pub migrate: bool,
}

mod defaults {
    pub(super) const fn max_connections() -> u32 {
        8
    }
    pub(super) const fn acquire_timeout_ms() -> u64 {
        5_000
    }
    pub(super) const fn statement_timeout_ms() -> u64 {
        30_000
    }
    pub(super) const fn migrate() -> bool {
        true
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = self.url.expose().split(':').next().unwrap_or_default();
        let system =
            if ["sqlite", "postgres", "postgresql"].contains(&system) { system } else { "?" };
        f.debug_struct("Settings")
            .field("system", &system)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("migrate", &self.migrate)
            .finish_non_exhaustive()
    }
}

/// What is wrong with [`Settings::url`]; never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadUrl(&'static str);

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadUrl {}

impl Settings {
    /// Defaults for the URL given.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            max_connections: defaults::max_connections(),
            acquire_timeout_ms: defaults::acquire_timeout_ms(),
            statement_timeout_ms: defaults::statement_timeout_ms(),
            migrate: defaults::migrate(),
        }
    }

    /// Defaults for a SQLite file.
    pub fn sqlite(file: &Path) -> Self {
        Self::new(format!("sqlite://{}", file.display()))
    }

    /// Whether the URL can be used at all; for `config`'s validation.
    pub fn check(&self) -> Result<(), BadUrl> {
        self.target().map(drop)
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(crate) fn target(&self) -> Result<Of<PgConnectOptions, SqliteFile>, BadUrl> {
        let url = self.url.expose();
        if self.max_connections == 0 {
            return Err(BadUrl("max_connections must be at least 1"));
        }
        if let Some(path) = url.strip_prefix("sqlite://") {
            if !path.starts_with('/') || path.ends_with('/') || path.contains(['?', '#', '%']) {
                return Err(BadUrl(
                    "expected sqlite:///absolute/path/to/file.db, without parameters",
                ));
            }
            return Ok(Of::Sqlite(SqliteFile(PathBuf::from(path))));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(BadUrl("expected sqlite:///absolute/path or postgres://user@host/name"));
        }
        PgConnectOptions::from_str(url)
            .map(|options| Of::Postgres(options.disable_statement_logging()))
            .map_err(|_| BadUrl("not a PostgreSQL connection URL"))
    }

    /// Limits that the server itself keeps, so that a hung query or a forgotten
    /// transaction cannot hold a connection for ever.
    pub(crate) fn limited(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.options([
            ("statement_timeout", self.statement_timeout_ms.to_string()),
            ("lock_timeout", self.acquire_timeout_ms.to_string()),
            ("idle_in_transaction_session_timeout", self.statement_timeout_ms.to_string()),
        ])
    }
}

/// A SQLite database file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteFile(pub(crate) PathBuf);

impl SqliteFile {
    /// FULL, because an acknowledged write must survive a power cut; WAL, so that
    /// readers do not wait for the writer; and what is deleted (a wrapped key, say)
    /// is overwritten, not only forgotten.
    pub(crate) fn options(&self, busy_timeout: Duration) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.0)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(busy_timeout)
            .disable_statement_logging()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_never_shown() {
        let settings = Settings::new("postgres://u:hunter2@localhost/x");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let bad = Settings::new("hunter2").check().unwrap_err();
        assert!(!format!("{bad} {bad:?}").contains("hunter2"));
        assert!(!format!("{:?}", Settings::new("hunter2:x")).contains("hunter2"));
    }

    #[test]
    fn only_two_kinds_of_url_are_known() {
        for good in ["sqlite:///var/lib/x.db", "postgres://u@h/x", "postgresql://u@h/x"] {
            assert_eq!(Settings::new(good).check(), Ok(()), "{good}");
        }
        for bad in
            ["", "x.db", "sqlite:x.db", "sqlite://x.db", "sqlite:///x?mode=ro", "mysql://h/x"]
        {
            assert!(Settings::new(bad).check().is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let parse = |text| serde_json::from_str::<Settings>(text);
        assert!(parse(r#"{"url":"sqlite:///x.db"}"#).is_ok());
        assert!(parse(r#"{"url":"sqlite:///x.db","max_conections":3}"#).is_err());
    }
}
