use db::testing::{Place, run};
use db::{Db, Migrations, Shared};

use crate::MIGRATIONS;

/// The program of yesterday: knows the same tables but one.
static OLDER: Migrations =
    Migrations::new("test", sqlx::migrate!("tests/migrations"), &[Shared::Outbox]);

async fn places() -> [Place; 2] {
    [Place::sqlite(), Place::postgres().await]
}

fn note(opened: kernel::Result<Db>) -> String {
    opened.err().unwrap().note().unwrap_or_default().to_owned()
}

db::both! { &MIGRATIONS =>
    async fn each_system_runs_its_own_file_of_a_pair(db: Db) {
        let name: String = db::sql!(db.read(), |c| {
            sqlx::query_scalar("SELECT name FROM dialect").fetch_one(c).await
        })
        .unwrap();
        assert_eq!(name, db.dialect("postgres", "sqlite"));
    }
}

#[test]
fn many_may_start_at_once() {
    run(async {
        for place in places().await {
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    let settings = place.settings();
                    tokio::spawn(async move { Db::open(&settings, &MIGRATIONS).await.map(drop) })
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn an_older_program_refuses_a_newer_schema() {
    run(async {
        for place in places().await {
            Db::open(&place.settings(), &MIGRATIONS).await.unwrap().close().await;
            assert!(note(Db::open(&place.settings(), &OLDER).await).contains("newer"));
            let mut settings = place.settings();
            settings.migrate = false;
            assert!(note(Db::open(&settings, &OLDER).await).contains("newer"));
        }
    });
}

#[test]
fn without_migrate_the_schema_must_be_there() {
    run(async {
        for place in places().await {
            let mut settings = place.settings();
            settings.migrate = false;
            assert!(Db::open(&settings, &MIGRATIONS).await.is_err(), "empty");
            Db::open(&place.settings(), &OLDER).await.unwrap().close().await;
            assert!(note(Db::open(&settings, &MIGRATIONS).await).contains("has not been applied"));
            Db::open(&place.settings(), &MIGRATIONS).await.unwrap().close().await;
            Db::open(&settings, &MIGRATIONS).await.unwrap().ping().await.unwrap();
        }
    });
}

#[test]
fn an_unreachable_server_is_named_as_such() {
    run(async {
        let settings = db::Settings::new("postgres://u:hunter2@127.0.0.1:1/x");
        let fault = Db::open(&settings, &MIGRATIONS).await.err().unwrap();
        assert_eq!(fault.kind(), kernel::Kind::Unavailable);
        assert!(!format!("{fault:?}").contains("hunter2"));
    });
}
