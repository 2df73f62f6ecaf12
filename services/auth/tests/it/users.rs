//! Creating users.

use db::Db;
use proto::Role;
use proto::auth::v1::{CreateUserRequest, CreateUserResponse, User};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::fixture::{Fixture, PASSWORD, field, from_edge, reason};

fn request(email: &str, roles: &[&str], password: &str) -> CreateUserRequest {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let user = User { email: email.into(), roles, ..User::default() };
    CreateUserRequest { user: Some(user), password: password.into(), request_id: String::new() }
}

async fn create(
    fixture: &Fixture,
    token: &str,
    request: CreateUserRequest,
) -> Result<Response<CreateUserResponse>, Status> {
    fixture.client().create_user(from_edge(request, Some(token))).await
}

const GOOD: &str = "gelbe Rüben im Mai";

db::both! { &auth::MIGRATIONS =>
    async fn a_created_user_logs_in(db: Db) {
        let fixture = Fixture::new(db);
        let admin = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let made = create(&fixture, &admin, request("Bob@Example.org", &["auditor", "member"], GOOD)).await;
        let user = made.unwrap().into_inner().user.unwrap();
        assert_eq!((user.email.as_str(), &user.roles[..]), ("bob@example.org", &["member".to_owned(), "auditor".to_owned()][..]));
        assert_eq!(user.create_time.unwrap().seconds, 1_790_000_000);
        assert_eq!(reason(fixture.try_log_in("acme", "bob@example.org", GOOD).await), "OK");
        assert_eq!(reason(fixture.try_log_in("acme", "bob@example.org", PASSWORD).await), "CREDENTIAL_INVALID");
        let events = fixture.events("user.created").await;
        let event = events.iter().find(|event| event.subject == user.name).unwrap();
        assert!(event.actor.starts_with("users/") && event.actor != user.name);
        assert_eq!(event.attributes[0].value, "member,auditor");
    }

    async fn only_administrators_and_only_once_an_address(db: Db) {
        let fixture = Fixture::new(db);
        let admin = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let member = fixture.token("acme", "bob@example.org", Role::Member).await;
        assert_eq!(reason(create(&fixture, &member, request("c@d", &["member"], GOOD)).await), "NOT_ALLOWED");
        let taken = create(&fixture, &admin, request("BOB@example.org", &["member"], GOOD)).await;
        assert_eq!(reason(taken), "RESOURCE_EXISTS");
        // Another tenant's addresses are its own business.
        let other = fixture.token("other", "ann@example.org", Role::Admin).await;
        assert_eq!(reason(create(&fixture, &other, request("bob@example.org", &["member"], GOOD)).await), "OK");
        assert_eq!(reason(fixture.try_log_in("acme", "bob@example.org", GOOD).await), "CREDENTIAL_INVALID");
    }

    async fn a_retry_creates_nobody_twice_and_keeps_no_hash_of_the_password(db: Db) {
        let fixture = Fixture::new(db);
        let admin = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let id = Uuid::now_v7().to_string();
        let with_id = |mut request: CreateUserRequest| { request.request_id = id.clone(); request };
        let first = create(&fixture, &admin, with_id(request("bob@example.org", &["member"], GOOD))).await;
        let first = first.unwrap().into_inner().user.unwrap();
        let again = create(&fixture, &admin, with_id(request("bob@example.org", &["member"], GOOD))).await;
        assert_eq!(again.unwrap().into_inner().user.unwrap().name, first.name);
        let other = create(&fixture, &admin, with_id(request("eve@example.org", &["member"], GOOD))).await;
        assert_eq!(reason(other), "REQUEST_ID_REUSED");
        let created = fixture.events("user.created").await;
        assert_eq!(created.iter().filter(|event| event.subject == first.name).count(), 1);

        const DIGEST: &str = "SELECT digest FROM idempotency";
        let stored: Vec<u8> = db::sql!(fixture.db.read(), |c| sqlx::query_scalar(DIGEST).fetch_one(c).await).unwrap();
        use prost::Message as _;
        let mut guess = request("bob@example.org", &["member"], GOOD);
        guess.request_id = String::new();
        let guess = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &guess.encode_to_vec());
        assert_ne!(stored, guess.as_ref());
    }

    async fn what_is_wrong_is_named_and_stores_nothing(db: Db) {
        let fixture = Fixture::new(db);
        let admin = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let before = fixture.events("user.created").await.len();
        let mut without = request("a@b", &["member"], GOOD);
        without.user = None;
        let mut bad_id = request("a@b", &["member"], GOOD);
        bad_id.request_id = "x".into();
        for (request, named) in [
            (without, "user"),
            (bad_id, "request_id"),
            (request("a", &["member"], GOOD), "user.email"),
            (request("a@b", &[], GOOD), "user.roles"),
            (request("a@b", &["member", "root"], GOOD), "user.roles[1]"),
            (request("a@b", &["member"], "short"), "password"),
            (request("a@b", &["member"], "Password2026!"), "password"),
        ] {
            assert_eq!(field(create(&fixture, &admin, request).await), named);
        }
        let weak = create(&fixture, &admin, request("a@b", &["member"], "password1234")).await;
        assert_eq!(reason(weak), "PASSWORD_WEAK");
        assert_eq!(fixture.events("user.created").await.len(), before);
    }
}
