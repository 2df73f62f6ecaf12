//! One way to a database, for PostgreSQL and SQLite alike.
//!
//! Every query is written once and runs on both through [`sql!`]; the table in
//! `CONTRIBUTING.md` says which SQL is portable. A unit of work is a named
//! transaction ([`Db::begin`]), serializable on both databases, repeated by
//! [`retry!`] when it lost a race:
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
//! What every service stores besides its own tables is here too: [`outbox`] and
//! [`idempotency`], and the [`page`] tokens of its lists.

mod database;
mod fault;
pub mod idempotency;
mod migrate;
mod of;
pub mod outbox;
pub mod page;
mod retry;
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
