//! One signing key for all instances, and life without the envelope service.

use std::sync::atomic::Ordering;

use db::Db;
use proto::Role;
use proto::auth::v1::{GetTokenKeysRequest, WhoAmIRequest};

use crate::fixture::{Fixture, PASSWORD, from, from_edge, reason};

async fn jwks(fixture: &Fixture) -> serde_json::Value {
    let answer =
        fixture.token_keys().get_token_keys(from("storage", GetTokenKeysRequest {}, None)).await;
    let body = answer.unwrap().into_inner();
    assert_eq!(body.content_type, "application/jwk-set+json");
    serde_json::from_slice(&body.data).unwrap()
}

db::both! { &auth::MIGRATIONS =>
    async fn instances_that_start_together_agree_on_one_key(db: Db) {
        let first = Fixture::new(db);
        let instances: Vec<Fixture> = (0..6).map(|_| first.again()).collect();
        let starts = instances.iter().map(|instance| {
            let signer = instance.house.signer.clone();
            tokio::spawn(async move { signer.ready().await })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
        first.user("acme", "ann@example.org", Role::Member).await;
        let set = jwks(&first).await;
        assert_eq!(set["keys"].as_array().unwrap().len(), 1);
        for instance in &instances {
            let token = instance.try_log_in("acme", "ann@example.org", PASSWORD).await.unwrap();
            let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
            assert_eq!(set["keys"][0]["kid"], kid.as_str());
            let me = first.client().who_am_i(from_edge(WhoAmIRequest {}, Some(&token))).await;
            assert_eq!(reason(me), "OK");
        }
        assert_eq!(first.events("token_key.created").await.len(), 1);
    }

    async fn a_restart_reads_the_key_back_once(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let restarted = fixture.again();
        for _ in 0..3 {
            restarted.try_log_in("acme", "ann@example.org", PASSWORD).await.unwrap();
        }
        assert_eq!(fixture.data_keys.unwrapped.load(Ordering::SeqCst), 1);
        assert_eq!(jwks(&restarted).await, jwks(&fixture).await);
        assert_eq!(reason(restarted.client().who_am_i(from_edge(WhoAmIRequest {}, Some(&token))).await), "OK");
    }

    async fn without_the_envelope_service_nothing_is_issued_and_much_is_verified(db: Db) {
        let fixture = Fixture::new(db);
        fixture.data_keys.down.store(true, Ordering::SeqCst);
        fixture.user("acme", "ann@example.org", Role::Member).await;
        assert!(fixture.house.signer.usable().await.is_err());
        let keys = fixture.token_keys().get_token_keys(from_edge(GetTokenKeysRequest {}, None)).await;
        assert_eq!(reason(keys), "DEPENDENCY_UNAVAILABLE");
        // Far more often than wrong passwords are allowed: an outage locks nobody out.
        for _ in 0..15 {
            let refused = fixture.try_log_in("acme", "ann@example.org", PASSWORD).await;
            assert_eq!(reason(refused), "DEPENDENCY_UNAVAILABLE");
        }
        fixture.data_keys.down.store(false, Ordering::SeqCst);
        let token = fixture.try_log_in("acme", "ann@example.org", PASSWORD).await.unwrap();

        fixture.data_keys.down.store(true, Ordering::SeqCst);
        let restarted = fixture.again();
        assert!(restarted.house.signer.usable().await.is_ok());
        assert_eq!(jwks(&restarted).await["keys"].as_array().unwrap().len(), 1);
        assert_eq!(reason(restarted.client().who_am_i(from_edge(WhoAmIRequest {}, Some(&token))).await), "OK");
        assert_eq!(reason(restarted.try_log_in("acme", "ann@example.org", PASSWORD).await), "DEPENDENCY_UNAVAILABLE");
    }

    async fn it_prepares_by_itself_as_soon_as_it_can(db: Db) {
        let fixture = Fixture::new(db);
        fixture.data_keys.down.store(true, Ordering::SeqCst);
        let stop = tokio_util::sync::CancellationToken::new();
        let preparing = tokio::spawn(fixture.house.signer.clone().prepare(stop.clone()));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(!preparing.is_finished());
        fixture.data_keys.down.store(false, Ordering::SeqCst);
        preparing.await.unwrap();
        assert!(fixture.house.signer.usable().await.is_ok());
    }

    async fn a_stored_key_that_was_tampered_with_is_not_used(db: Db) {
        const FLIP: &str = "UPDATE signing_keys SET private_key = $1";
        let fixture = Fixture::new(db);
        fixture.house.signer.ready().await.unwrap();
        let junk = vec![1_u8; 64];
        db::sql!(fixture.db.write(), |c| sqlx::query(FLIP).bind(junk.as_slice()).execute(c).await.map(drop)).unwrap();
        let fault = fixture.again().house.signer.ready().await.unwrap_err();
        assert_eq!(fault.reason().code, "INTERNAL");
    }
}
