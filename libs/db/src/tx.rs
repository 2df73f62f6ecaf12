//! A named transaction that is measured, traced, and rolled back when dropped.

use std::sync::Arc;
use std::time::Instant;

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use tokio::sync::Notify;
use tracing::Span;

use crate::{Of, Result};

/// What a transaction on PostgreSQL is protected from; on SQLite all writers
/// queue, so there it makes no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// As if one after the other. May lose a race: wrap it in [`crate::retry!`].
    #[default]
    Serializable,
    /// For hot paths whose every statement carries its own guard (a condition, a
    /// unique index): fewer repeats.
    ReadCommitted,
}

pub(crate) type Inner = Of<Transaction<'static, Postgres>, Transaction<'static, Sqlite>>;

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    inner: Inner,
    measured: Measured,
    relay: Arc<Notify>,
    /// Set once an event is in the outbox: rung after the commit.
    wakes_relay: bool,
}

impl Tx {
    pub(crate) fn new(inner: Inner, measured: Measured, relay: Arc<Notify>) -> Self {
        Self { inner, measured, relay, wakes_relay: false }
    }

    /// The connection, for [`crate::sql!`].
    pub fn on(&mut self) -> Of<&mut PgConnection, &mut SqliteConnection> {
        match &mut self.inner {
            Of::Postgres(tx) => Of::Postgres(tx),
            Of::Sqlite(tx) => Of::Sqlite(tx),
        }
    }

    /// Picks a dialect's own text, for the rare statement that has one.
    pub fn dialect(&self, postgres: &'static str, sqlite: &'static str) -> &'static str {
        match self.inner {
            Of::Postgres(_) => postgres,
            Of::Sqlite(_) => sqlite,
        }
    }

    pub async fn commit(mut self) -> Result<()> {
        let outcome = match self.inner {
            Of::Postgres(tx) => tx.commit().await,
            Of::Sqlite(tx) => tx.commit().await,
        };
        self.measured.outcome = if outcome.is_ok() { "committed" } else { "failed" };
        outcome?;
        if self.wakes_relay {
            self.relay.notify_one();
        }
        Ok(())
    }

    pub(crate) fn wake_relay_on_commit(&mut self) {
        self.wakes_relay = true;
    }
}

/// The span and the metrics of one transaction; reports when dropped.
pub(crate) struct Measured {
    db: &'static str,
    name: &'static str,
    started: Instant,
    outcome: &'static str,
    /// Ends with the transaction. Carries names only: no SQL, no values.
    span: Span,
}

impl Measured {
    pub(crate) fn start(db: &'static str, system: &'static str, name: &'static str) -> Self {
        let span = tracing::info_span!(
            "db.tx",
            otel.kind = "client",
            db.system = system,
            db.namespace = db,
            db.operation.name = name,
        );
        Self { db, name, started: Instant::now(), outcome: "rolled_back", span }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(crate) fn failed_to_begin(mut self) {
        self.outcome = "not_begun";
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let labels = [("db", self.db), ("name", self.name), ("outcome", self.outcome)];
        metrics::counter!("db_transactions_total", &labels).increment(1);
        metrics::histogram!("db_transaction_seconds", &labels).record(self.started.elapsed());
    }
}
