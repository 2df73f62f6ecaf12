//! Making, listing and ending API keys.

use auth::domain::ApiSecret;
use db::Db;
use proto::Role;
use proto::auth::v1::{
    ApiKey, CreateApiKeyRequest, ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest,
    RevokeApiKeyResponse,
};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::fixture::{Fixture, field, from_edge, reason};

async fn list(
    fixture: &Fixture,
    token: &str,
    page_size: i32,
    page_token: &str,
) -> ListApiKeysResponse {
    let request = ListApiKeysRequest { page_size, page_token: page_token.into() };
    fixture.client().list_api_keys(from_edge(request, Some(token))).await.unwrap().into_inner()
}

async fn revoke(
    fixture: &Fixture,
    token: &str,
    name: &str,
) -> Result<Response<RevokeApiKeyResponse>, Status> {
    let request = RevokeApiKeyRequest { name: name.into() };
    fixture.client().revoke_api_key(from_edge(request, Some(token))).await
}

fn names(page: &ListApiKeysResponse) -> Vec<String> {
    page.api_keys.iter().map(|key| key.name.clone()).collect()
}

db::both! { &auth::MIGRATIONS =>
    async fn the_secret_is_shown_once_and_stored_as_a_hash(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let id = Uuid::now_v7().to_string();
        let expire_time = Some(prost_types::Timestamp { seconds: 1_790_000_100, nanos: 0 });
        let key = ApiKey { display_name: "CI 🔑".into(), expire_time, ..ApiKey::default() };
        let request = CreateApiKeyRequest { api_key: Some(key), request_id: id };
        let create = || fixture.client();
        let made = create().create_api_key(from_edge(request.clone(), Some(&token))).await.unwrap().into_inner();
        let key = made.api_key.unwrap();
        let secret = ApiSecret::parse(&made.secret).unwrap();
        assert_eq!(key.hint, made.secret[..9]);
        assert_eq!((key.display_name.as_str(), key.expire_time, key.revoke_time), ("CI 🔑", expire_time, None));

        let again = create().create_api_key(from_edge(request.clone(), Some(&token))).await.unwrap().into_inner();
        assert_eq!((again.api_key.unwrap(), again.secret.as_str()), (key.clone(), ""));
        let mut other = request;
        other.api_key.as_mut().unwrap().display_name = "other".into();
        assert_eq!(reason(create().create_api_key(from_edge(other, Some(&token))).await), "REQUEST_ID_REUSED");

        const STORED: &str = "SELECT secret_hash FROM api_keys";
        let stored: Vec<u8> = db::sql!(fixture.db.read(), |c| sqlx::query_scalar(STORED).fetch_one(c).await).unwrap();
        assert_eq!(stored, secret.hash());
        assert_eq!(names(&list(&fixture, &token, 0, "").await), [key.name.as_str()]);
        let events = fixture.events("api_key.created").await;
        assert_eq!((events.len(), events[0].subject.as_str()), (1, key.name.as_str()));
        assert!(!format!("{events:?}").contains(&made.secret[5..]));
    }

    async fn everybody_sees_their_own_and_administrators_all_of_the_tenant(db: Db) {
        let fixture = Fixture::new(db);
        let admin = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let member = fixture.token("acme", "bob@example.org", Role::Member).await;
        let stranger = fixture.token("other", "eve@example.org", Role::Admin).await;
        let mut made = Vec::new();
        for token in [&admin, &member, &member, &stranger] {
            made.push(fixture.api_key(token, None).await.api_key.unwrap().name);
        }
        assert_eq!(names(&list(&fixture, &member, 0, "").await), [made[2].as_str(), &made[1]]);
        assert_eq!(names(&list(&fixture, &stranger, 0, "").await), [made[3].as_str()]);
        let first = list(&fixture, &admin, 2, "").await;
        assert_eq!(names(&first), [made[2].as_str(), &made[1]]);
        let last = list(&fixture, &admin, 2, &first.next_page_token).await;
        assert_eq!((names(&last), last.next_page_token.as_str()), (vec![made[0].clone()], ""));
        // A page token of somebody else's list is of no use.
        let request = ListApiKeysRequest { page_size: 2, page_token: first.next_page_token };
        let foreign = fixture.client().list_api_keys(from_edge(request, Some(&member))).await;
        assert_eq!(reason(foreign), "PAGE_TOKEN_INVALID");
    }

    async fn foreign_keys_look_absent(db: Db) {
        let fixture = Fixture::new(db);
        let admin = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let member = fixture.token("acme", "bob@example.org", Role::Member).await;
        let stranger = fixture.token("other", "eve@example.org", Role::Admin).await;
        let key = fixture.api_key(&admin, None).await.api_key.unwrap().name;
        let own = fixture.api_key(&member, None).await.api_key.unwrap().name;
        let absent = format!("apiKeys/{}", kernel::ApiKeyId::new());
        for (token, name) in [(&member, &key), (&stranger, &key), (&stranger, &absent), (&member, &absent)] {
            assert_eq!(reason(revoke(&fixture, token, name).await), "RESOURCE_NOT_FOUND");
        }
        assert!(fixture.events("api_key.revoked").await.is_empty());
        assert_eq!(field(revoke(&fixture, &admin, "keys/x").await), "name");

        fixture.pass(5);
        let ended = revoke(&fixture, &admin, &own).await.unwrap().into_inner().api_key.unwrap();
        assert_eq!(ended.revoke_time.unwrap().seconds, 1_790_000_005);
        fixture.pass(5);
        let twice = revoke(&fixture, &member, &own).await.unwrap().into_inner().api_key.unwrap();
        assert_eq!(twice.revoke_time, ended.revoke_time);
        assert_eq!(fixture.events("api_key.revoked").await.len(), 1);
    }

    async fn what_is_wrong_is_named(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let create = |key: Option<ApiKey>| {
            let request = CreateApiKeyRequest { api_key: key, request_id: String::new() };
            let mut client = fixture.client();
            let request = from_edge(request, Some(&token));
            async move { client.create_api_key(request).await }
        };
        let named = |display_name: &str| ApiKey { display_name: display_name.into(), ..ApiKey::default() };
        let past = Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 });
        assert_eq!(field(create(None).await), "api_key");
        assert_eq!(field(create(Some(named(""))).await), "api_key.display_name");
        assert_eq!(field(create(Some(named("a\u{0}"))).await), "api_key.display_name");
        assert_eq!(field(create(Some(named(&"x".repeat(101)))).await), "api_key.display_name");
        assert_eq!(field(create(Some(ApiKey { expire_time: past, ..named("a") })).await), "api_key.expire_time");
        assert!(list(&fixture, &token, 0, "").await.api_keys.is_empty());
    }
}
