use std::fs;
use std::os::unix::fs::PermissionsExt;

use db::testing::{Place, run};
use db::{Db, Of};

use crate::{MIGRATIONS, insert};

fn file(place: &Place) -> std::path::PathBuf {
    place.settings().url.expose().trim_start_matches("sqlite://").into()
}

#[test]
fn only_the_owner_can_read_the_files() {
    run(async {
        let place = Place::sqlite();
        let db = Db::open(&place.settings(), &MIGRATIONS).await.unwrap();
        let mut tx = db.begin("write").await.unwrap();
        insert(&mut tx, "a", 1).await.unwrap();
        tx.commit().await.unwrap();
        db.ping().await.unwrap();
        let directory = file(&place).parent().unwrap().to_owned();
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, ["test.db", "test.db-shm", "test.db-wal"]);
        db.close().await;
        assert!(!directory.join("test.db-wal").exists(), "folded in when closed");
    });
}

#[test]
fn readers_cannot_write_and_the_safe_settings_hold() {
    run(async {
        let db = db::testing::sqlite(&MIGRATIONS).await;
        let (Of::Sqlite(read), Of::Sqlite(write)) = (db.read(), db.write()) else {
            panic!("not SQLite")
        };
        assert!(sqlx::query("DELETE FROM items").execute(read).await.is_err());
        let pragma = async |sql: &'static str| -> String {
            let row = sqlx::query(sql).fetch_one(write).await.unwrap();
            sqlx::Row::try_get_unchecked::<String, _>(&row, 0).unwrap()
        };
        assert_eq!(pragma("PRAGMA journal_mode").await, "wal");
        assert_eq!(pragma("PRAGMA synchronous").await, "2", "FULL");
        assert_eq!(pragma("PRAGMA foreign_keys").await, "1");
    });
}
