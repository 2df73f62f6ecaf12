//! The library against both databases.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod idempotency;
mod migrations;
mod outbox;
mod sqlite_file;
mod transactions;

use db::{Migrations, Shared};

pub(crate) static MIGRATIONS: Migrations = Migrations::new(
    "test",
    sqlx::migrate!("tests/migrations"),
    &[Shared::Outbox, Shared::Idempotency],
);

pub(crate) const INSERT: &str = "INSERT INTO items (id, name, amount) VALUES ($1, $2, $3)";
pub(crate) const COUNT: &str = "SELECT count(*) FROM items";

pub(crate) async fn count(db: &db::Db) -> i64 {
    db::sql!(db.read(), |c| sqlx::query_scalar(COUNT).fetch_one(c).await).unwrap()
}

pub(crate) async fn insert(tx: &mut db::Tx, name: &str, amount: i64) -> db::Result<()> {
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(uuid::Uuid::now_v7())
        .bind(name)
        .bind(amount)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
