//! The first administrator.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use auth::BootstrapSettings;
use db::Db;
use proto::Role;

use crate::fixture::{Fixture, reason};

const FIRST: &str = "gelbe Rüben im Mai";

fn settings(file: &Path) -> BootstrapSettings {
    BootstrapSettings {
        tenant: "acme".into(),
        email: "Ann@example.org".into(),
        password_file: file.to_owned(),
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

db::both! { &auth::MIGRATIONS =>
    async fn the_first_start_makes_an_administrator_and_later_ones_change_nothing(db: Db) {
        let fixture = Fixture::new(db);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        write(&file, &format!("{FIRST}\n"));
        fixture.house.bootstrap(settings(&file)).await.unwrap();
        let token = fixture.try_log_in("acme", "ann@example.org", FIRST).await.unwrap();
        let clock = fixture.house.clock.clone();
        let principal = rpc::token::verify(&token, fixture.house.token_keys.as_ref(), &clock).await.unwrap();
        assert_eq!(principal.roles, [Role::Admin]);

        write(&file, "another password");
        fixture.house.bootstrap(settings(&file)).await.unwrap();
        fs::remove_file(&file).unwrap();
        fixture.house.bootstrap(settings(&file)).await.unwrap();
        assert_eq!(reason(fixture.try_log_in("acme", "ann@example.org", FIRST).await), "OK");
        assert_eq!(fixture.events("tenant.created").await.len(), 1);
        assert_eq!(fixture.events("user.created").await.len(), 1);
    }

    async fn instances_that_start_together_make_one_administrator(db: Db) {
        let fixture = Fixture::new(db);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        write(&file, FIRST);
        let starts = (0..4).map(|_| {
            let (instance, settings) = (fixture.again(), settings(&file));
            tokio::spawn(async move { instance.house.bootstrap(settings).await })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
        assert_eq!(fixture.events("tenant.created").await.len(), 1);
        assert_eq!(fixture.events("user.created").await.len(), 1);
    }

    async fn a_weak_password_stops_the_start(db: Db) {
        let fixture = Fixture::new(db);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        write(&file, "password1234");
        let fault = fixture.house.bootstrap(settings(&file)).await.unwrap_err();
        assert_eq!(fault.violations()[0].field, "service.bootstrap.password_file");
        assert!(fixture.events("tenant.created").await.is_empty());
    }
}
