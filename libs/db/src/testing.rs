//! A fresh database for each test, on both systems:
//!
//! ```text
//! db::both! { &MIGRATIONS =>
//!     async fn an_item_is_found_again(db: Db) {
//!         …
//!     }
//! }
//! ```
//!
//! makes the tests `an_item_is_found_again::sqlite` and `…::postgres`.
//! PostgreSQL is a real server, private to the test process.
#![allow(clippy::expect_used, clippy::panic, reason = "for tests only, which want to stop")]

use std::future::Future;

use tempfile::TempDir;
use testkit::Database;

use crate::{Db, Migrations, Settings};

/// Where a test's database is: an empty one, gone with this value.
pub struct Place {
    settings: Settings,
    _kept: Kept,
}

#[allow(dead_code, reason = "held for their drop")]
enum Kept {
    Directory(TempDir),
    Database(Database<'static>),
}

impl Place {
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let settings = Settings::sqlite(&directory.path().join("data").join("test.db"));
        Self { settings, _kept: Kept::Directory(directory) }
    }

    pub async fn postgres() -> Self {
        let database = tokio::task::spawn_blocking(|| {
            testkit::postgres().and_then(|server| server.database())
        });
        let database = database.await.expect("joined").unwrap_or_else(|e| panic!("{e}"));
        Self { settings: Settings::new(database.url()), _kept: Kept::Database(database) }
    }

    /// To open it oneself, twice perhaps, or with other limits.
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Opens it; it then lives as long as the [`Db`].
    pub async fn open(self, migrations: &Migrations) -> Db {
        let db = Db::open(&self.settings, migrations).await.unwrap_or_else(|e| panic!("{e:?}"));
        db.keep(self);
        db
    }
}

/// A migrated SQLite file of its own.
pub async fn sqlite(migrations: &Migrations) -> Db {
    Place::sqlite().open(migrations).await
}

/// A migrated PostgreSQL database of its own.
pub async fn postgres(migrations: &Migrations) -> Db {
    Place::postgres().await.open(migrations).await
}

/// Runs a test on several threads, so that races can happen.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}

/// Makes of each function two tests: one on SQLite, one on PostgreSQL.
#[macro_export]
macro_rules! both {
    ($migrations:expr => $($(#[$meta:meta])* async fn $name:ident($db:ident: $type:ty) $body:block)+) => {
        $(
            #[cfg(test)]
            $(#[$meta])*
            mod $name {
                #[allow(unused_imports, reason = "a test may need none of its module's")]
                use super::*;

                async fn body($db: $type) $body

                #[test]
                fn sqlite() {
                    $crate::testing::run(async { body($crate::testing::sqlite($migrations).await).await });
                }

                #[test]
                fn postgres() {
                    $crate::testing::run(async { body($crate::testing::postgres($migrations).await).await });
                }
            }
        )+
    };
}
