//! One way to a database, for PostgreSQL and SQLite alike.
//!
//! Every query is written once and runs on both through [`sql!`]. A unit of work
//! is a named transaction ([`Db::begin`]), serializable on both databases,
//! repeated by [`retry!`] when it lost a race:
//!
//! ```text
//! db::retry!(async {
//!     let mut tx = db.begin("add_item").await?;
//!     let used: i64 = db::sql!(tx.on(), |c| sqlx::query_scalar(ADD).bind(id).fetch_one(c).await)?;
//!     if used > limit {
//!         return Err(Fault::new(&QUOTA)); // dropped: rolled back
//!     }
//!     outbox::put(&mut tx, &[event]).await?;
//!     tx.commit().await?;
//!     Ok(used)
//! })
//! ```
//!
//! SQL that means the same on both, and what to write instead where it would not:
//!
//! * types: `UUID`, `BYTEA`, `TEXT`, `BOOLEAN`, `TIMESTAMPTZ`, `BIGINT` with `i64`
//!   (never `INTEGER`), `JSONB` for objects and lists only;
//! * `$1`, `ON CONFLICT .. RETURNING`, `IS NOT DISTINCT FROM`, `FILTER`, windows,
//!   partial indexes and recursive CTEs are fine;
//! * times are bound from [`kernel::Clock`], never `CURRENT_TIMESTAMP`;
//! * `IN (..)` through `QueryBuilder` (not empty, in chunks) instead of `= ANY($1)`;
//!   `CAST` instead of `::`; `lower()` instead of `ILIKE` (`LIKE` ignores case on
//!   SQLite); `CAST(sum(x) AS BIGINT)`;
//! * a statement that fails ends the transaction on PostgreSQL: say
//!   `ON CONFLICT DO NOTHING` where a conflict is expected;
//! * text without U+0000; every bind given (SQLite takes a missing one as NULL).
//!
//! What every service stores besides its own tables is here too: [`outbox`] and
//! [`idempotency`], the [`page`] tokens of its lists, and what things with [`revisions`] share.

mod database;
mod fault;
pub mod idempotency;
mod migrate;
mod of;
pub mod outbox;
pub mod page;
mod retry;
pub mod revisions;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;

pub use database::Db;
pub use fault::{Error, Result};
pub use migrate::{Migrations, Shared};
pub use of::Of;
pub use retry::{Contended, again};
pub use settings::Settings;
pub use tx::{Isolation, Tx};
