//! Passwords in, tokens out.

use db::Db;
use kernel::SharedClock;
use proto::Role;
use proto::audit::v1::Outcome;
use proto::auth::v1::WhoAmIRequest;

use crate::fixture::{Fixture, PASSWORD, field, from, from_edge, reason};

db::both! { &auth::MIGRATIONS =>
    async fn a_password_becomes_a_token_that_everybody_can_verify(db: Db) {
        let fixture = Fixture::new(db);
        let user = fixture.user("acme", "ann@example.org", Role::Member).await;
        let token = fixture.try_log_in("acme", "Ann@Example.org", PASSWORD).await.unwrap();
        let clock: SharedClock = fixture.house.clock.clone();
        let verify = || rpc::token::verify(&token, fixture.house.token_keys.as_ref(), &clock);
        let principal = verify().await.unwrap();
        assert_eq!((principal.user, &principal.roles[..]), (user, &[Role::Member][..]));
        assert_eq!(principal.expires.timestamp(), 1_790_000_900);
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));

        let me = fixture.client().who_am_i(from_edge(WhoAmIRequest {}, Some(&token))).await;
        let me = me.unwrap().into_inner();
        assert_eq!((me.user, me.tenant), (format!("users/{user}"), format!("tenants/{}", principal.tenant)));
        assert_eq!((me.roles, me.api_key), (vec!["member".to_owned()], String::new()));
        assert_eq!(me.expire_time.unwrap().seconds, 1_790_000_900);

        let events = fixture.events("user.logged_in").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].actor, format!("users/{user}"));
        assert_eq!(events[0].tenant, format!("tenants/{}", principal.tenant));

        fixture.pass(899);
        assert!(verify().await.is_ok());
        fixture.pass(1);
        let late = fixture.client().who_am_i(from_edge(WhoAmIRequest {}, Some(&token))).await;
        assert_eq!(reason(late), "CREDENTIAL_INVALID");
    }

    async fn wrong_tenant_user_and_password_are_one_error(db: Db) {
        let fixture = Fixture::new(db);
        let user = fixture.user("acme", "ann@example.org", Role::Member).await;
        fixture.user("other", "bob@example.org", Role::Member).await;
        let mut seen = Vec::new();
        for (tenant, email, password) in [
            ("nobody", "ann@example.org", PASSWORD),
            ("acme", "bob@example.org", PASSWORD),
            ("acme", "ann@example.org", "correct monkey"),
        ] {
            let status = fixture.try_log_in(tenant, email, password).await.unwrap_err();
            seen.push((status.code(), status.message().to_owned(), reason::<()>(Err(status))));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        assert_eq!(seen[0].2, "CREDENTIAL_INVALID");

        let events = fixture.events("user.log_in_refused").await;
        assert_eq!(events.len(), 3);
        for event in &events {
            assert_eq!((event.actor.as_str(), event.outcome()), ("anonymous", Outcome::Denied));
            assert_eq!(event.reason, "CREDENTIAL_INVALID");
            assert!(!format!("{event:?}").contains("example.org"));
        }
        let subjects: Vec<_> = events.iter().map(|event| event.subject.clone()).collect();
        assert_eq!(subjects, [String::new(), String::new(), format!("users/{user}")]);
        assert_eq!(events[0].tenant, format!("tenants/{}", kernel::TenantId::SYSTEM));
        assert_eq!(events[1].tenant, events[2].tenant);
        assert_ne!(events[0].tenant, events[1].tenant);
    }

    async fn ten_failures_close_the_account_for_a_while(db: Db) {
        let fixture = Fixture::new(db);
        fixture.user("acme", "ann@example.org", Role::Member).await;
        fixture.user("acme", "bob@example.org", Role::Member).await;
        // Somebody who does not exist is closed out the same way.
        for email in ["ann@example.org", "nobody@example.org"] {
            for _ in 0..10 {
                assert_eq!(reason(fixture.try_log_in("acme", email, "wrong").await), "CREDENTIAL_INVALID");
                fixture.pass(1);
            }
            assert_eq!(reason(fixture.try_log_in("acme", email, PASSWORD).await), "TOO_MANY_ATTEMPTS");
        }
        // Also through another instance, and not for others.
        let other = fixture.again();
        assert_eq!(reason(other.try_log_in("acme", "ANN@example.org", PASSWORD).await), "TOO_MANY_ATTEMPTS");
        assert_eq!(reason(other.try_log_in("acme", "bob@example.org", PASSWORD).await), "OK");
        let events = fixture.events("user.log_in_refused").await;
        assert_eq!(events.iter().filter(|event| event.reason == "TOO_MANY_ATTEMPTS").count(), 3);

        // The first failure was 20 seconds ago; its window ends after 900.
        fixture.pass(900 - 21);
        assert_eq!(reason(fixture.try_log_in("acme", "ann@example.org", PASSWORD).await), "TOO_MANY_ATTEMPTS");
        fixture.pass(1);
        assert_eq!(reason(fixture.try_log_in("acme", "ann@example.org", PASSWORD).await), "OK");
    }

    async fn a_success_forgives_earlier_failures(db: Db) {
        let fixture = Fixture::new(db);
        fixture.user("acme", "ann@example.org", Role::Member).await;
        for round in 0..3 {
            for _ in 0..9 {
                let wrong = fixture.try_log_in("acme", "ann@example.org", "wrong").await;
                assert_eq!(reason(wrong), "CREDENTIAL_INVALID", "{round}");
            }
            let right = fixture.try_log_in("acme", "ann@example.org", PASSWORD).await;
            assert_eq!(reason(right), "OK", "{round}");
        }
    }

    async fn attempts_at_the_same_time_are_counted_too(db: Db) {
        let fixture = Fixture::new(db);
        fixture.user("acme", "ann@example.org", Role::Member).await;
        fixture.house.signer.ready().await.unwrap();
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..25 {
            let client = fixture.client();
            tries.spawn(async move {
                let request = proto::auth::v1::LogInRequest {
                    tenant: "acme".into(),
                    email: "ann@example.org".into(),
                    password: "wrong".into(),
                };
                reason(client.clone().log_in(from_edge(request, None)).await)
            });
        }
        let outcomes = tries.join_all().await;
        // A transaction that lost every race is refused without a guess.
        let guesses = outcomes.iter().filter(|outcome| *outcome == "CREDENTIAL_INVALID").count();
        assert!((1..=10).contains(&guesses), "{outcomes:?}");
    }

    async fn old_attempts_are_deleted(db: Db) {
        let fixture = Fixture::new(db);
        fixture.try_log_in("acme", "ann@example.org", "wrong").await.unwrap_err();
        let now = kernel::Clock::now(fixture.clock.as_ref());
        let accounts = &fixture.house.accounts;
        assert_eq!(accounts.forget_attempts(now - chrono::Duration::seconds(1)).await.unwrap(), 0);
        assert_eq!(accounts.forget_attempts(now).await.unwrap(), 1);
    }

    async fn what_is_malformed_is_named(db: Db) {
        let fixture = Fixture::new(db);
        assert_eq!(field(fixture.try_log_in("A", "ann@example.org", "x").await), "tenant");
        assert_eq!(field(fixture.try_log_in("acme", "ann", "x").await), "email");
        assert_eq!(field(fixture.try_log_in("acme", "a@b", "").await), "password");
        assert_eq!(field(fixture.try_log_in("acme", "a@b", &"x".repeat(1_025)).await), "password");
        assert!(fixture.events("user.log_in_refused").await.is_empty());
    }

    async fn only_the_edge_may_bring_people(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let call = fixture.client().who_am_i(from("storage", WhoAmIRequest {}, Some(&token))).await;
        assert_eq!(reason(call), "CALLER_NOT_ALLOWED");
        assert_eq!(reason(fixture.client().who_am_i(from_edge(WhoAmIRequest {}, None)).await), "CREDENTIAL_MISSING");
    }
}
