//! The edge's question, for each kind of credential and every RPC.

use std::time::Duration;

use auth::AuthSettings;
use auth::presentation::ext_authz::attribute_context::{HttpRequest, Request as Attributes};
use auth::presentation::ext_authz::check_response::HttpResponse;
use auth::presentation::ext_authz::header_value_option::HeaderAppendAction;
use auth::presentation::ext_authz::{AttributeContext, CheckRequest, CheckResponse};
use db::Db;
use http::uri::PathAndQuery;
use kernel::SharedClock;
use proto::auth::v1::{ApiKey, CreateApiKeyRequest, RevokeApiKeyRequest, WhoAmIRequest};
use proto::{Principal, RULES, Role};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::fixture::{Fixture, from, from_edge, reason};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const WHO_AM_I: &str = "/signet.auth.v1.AuthService/WhoAmI";

fn question(path: &str, authorization: Option<&str>) -> CheckRequest {
    let mut http = HttpRequest { path: path.into(), ..HttpRequest::default() };
    http.headers.insert("x-signet-evil".into(), "1".into());
    if let Some(authorization) = authorization {
        http.headers.insert("authorization".into(), authorization.into());
    }
    let request = Some(Attributes { http: Some(http) });
    CheckRequest { attributes: Some(AttributeContext { request }) }
}

async fn send(fixture: &Fixture, request: Request<CheckRequest>) -> Result<CheckResponse, Status> {
    let mut client = tonic::client::Grpc::new(fixture.door.clone());
    client.ready().await.unwrap();
    let codec = ProstCodec::<CheckRequest, CheckResponse>::default();
    let answer = client.unary(request, PathAndQuery::from_static(CHECK), codec).await?;
    Ok(answer.into_inner())
}

/// What the edge would do.
#[derive(Debug, PartialEq)]
struct Verdict {
    /// 200: goes on.
    status: i32,
    body: String,
    token: Option<String>,
    user: Option<String>,
}

impl Verdict {
    fn refused(status: i32, body: &str) -> Self {
        Self { status, body: body.into(), token: None, user: None }
    }
}

async fn check(fixture: &Fixture, path: &str, authorization: Option<&str>) -> Verdict {
    let answer = send(fixture, from_edge(question(path, authorization), None)).await.unwrap();
    let code = answer.status.unwrap().code;
    match answer.http_response.unwrap() {
        HttpResponse::DeniedResponse(denied) => {
            let status = denied.status.unwrap().code;
            let challenged = denied.headers.iter().any(|option| {
                option.header.as_ref().is_some_and(|header| header.key == "www-authenticate")
            });
            assert_eq!(challenged, status == 401);
            assert_eq!(
                code,
                i32::from(if status == 401 { Code::Unauthenticated } else { Code::Unimplemented })
            );
            Verdict::refused(status, &denied.body)
        }
        HttpResponse::OkResponse(ok) => {
            assert_eq!(code, 0);
            assert!(
                ok.headers
                    .iter()
                    .all(|option| option.append_action()
                        == HeaderAppendAction::OverwriteIfExistsOrAdd)
            );
            let set = |name: &str| {
                let headers = ok.headers.iter().filter_map(|option| option.header.as_ref());
                headers
                    .filter(|header| header.key == name)
                    .map(|header| header.value.clone())
                    .next()
            };
            let (token, user) = (set("x-signet-token"), set("x-signet-user"));
            // Whatever came in under these names is either replaced or removed.
            let removed = |name: &str| ok.headers_to_remove.iter().any(|removed| removed == name);
            assert!(removed("authorization") && removed("x-signet-evil"));
            assert_eq!(removed("x-signet-token"), token.is_none());
            assert_eq!(removed("x-signet-user"), user.is_none());
            Verdict { status: 200, body: String::new(), token, user }
        }
    }
}

const MISSING: &str = "CREDENTIAL_MISSING: A credential is required.";
const INVALID: &str = "CREDENTIAL_INVALID: The credential is not valid.";
const NOWHERE: &str = "RESOURCE_NOT_FOUND: There is no such resource.";

db::both! { &auth::MIGRATIONS =>
    async fn every_rpc_with_every_kind_of_credential(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Auditor).await;
        let key = fixture.api_key(&token, None).await.secret;
        let mut cells = 0;
        for rule in RULES {
            for credential in [None, Some("junk"), Some(token.as_str()), Some(key.as_str())] {
                let header = credential.map(|credential| format!("Bearer {credential}"));
                let verdict = check(&fixture, rule.path, header.as_deref()).await;
                let shown = format!("{} with {}", rule.path, credential.map_or("nothing", |c| &c[..4]));
                cells += 1;
                if !rule.is_public() {
                    assert_eq!(verdict, Verdict::refused(404, NOWHERE), "{shown}");
                    continue;
                }
                match (rule.principal, credential) {
                    (Principal::Anonymous, _) => {
                        assert_eq!(verdict, Verdict { status: 200, body: String::new(), token: None, user: None }, "{shown}");
                    }
                    (_, None) => assert_eq!(verdict, Verdict::refused(401, MISSING), "{shown}"),
                    (_, Some("junk")) => assert_eq!(verdict, Verdict::refused(401, INVALID), "{shown}"),
                    (_, Some(given)) => {
                        assert_eq!(verdict.status, 200, "{shown}");
                        assert_eq!(verdict.token.as_deref() == Some(given), given == token, "{shown}");
                        assert!(verdict.user.is_some(), "{shown}");
                    }
                }
            }
        }
        assert_eq!(cells, RULES.len() * 4);
    }

    async fn what_is_not_in_the_contract_is_nowhere(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Admin).await;
        let bearer = format!("Bearer {token}");
        for path in ["", "/", "/v1/auth/me", CHECK, "/signet.auth.v1.AuthService/Drop", "/grpc.health.v1.Health/Check", "/signet.auth.v1.AuthService/WhoAmI/"] {
            assert_eq!(check(&fixture, path, Some(&bearer)).await, Verdict::refused(404, NOWHERE), "{path}");
        }
        let with_query = format!("{WHO_AM_I}?a=b");
        assert_eq!(check(&fixture, &with_query, Some(&bearer)).await.status, 200);
        let empty = send(&fixture, from_edge(CheckRequest { attributes: None }, None)).await.unwrap();
        assert_ne!(empty.status.unwrap().code, 0);
    }

    async fn an_api_key_becomes_a_short_token_with_its_owners_roles(db: Db) {
        let fixture = Fixture::new(db);
        let user = fixture.user("acme", "ann@example.org", Role::Member).await;
        let token = fixture.try_log_in("acme", "ann@example.org", crate::fixture::PASSWORD).await.unwrap();
        let made = fixture.api_key(&token, None).await;
        let bearer = format!("bearer {}", made.secret);
        let verdict = check(&fixture, WHO_AM_I, Some(&bearer)).await;
        assert_eq!(verdict.user, Some(user.to_string()));
        let inner = verdict.token.unwrap();
        let clock: SharedClock = fixture.house.clock.clone();
        let principal = rpc::token::verify(&inner, fixture.house.token_keys.as_ref(), &clock).await.unwrap();
        let name = made.api_key.unwrap().name;
        assert_eq!(principal.api_key.map(|key| format!("apiKeys/{key}")), Some(name.clone()));
        assert_eq!((principal.user, &principal.roles[..]), (user, &[Role::Member][..]));
        assert!(principal.expires.timestamp() <= 1_790_000_060);
        let me = fixture.client().who_am_i(from_edge(WhoAmIRequest {}, Some(&inner))).await.unwrap();
        assert_eq!(me.into_inner().api_key, name);

        // It cannot make keys that would outlive it.
        let key = ApiKey { display_name: "child".into(), ..ApiKey::default() };
        let request = CreateApiKeyRequest { api_key: Some(key), request_id: String::new() };
        let child = fixture.client().create_api_key(from_edge(request, Some(&inner))).await;
        assert_eq!(reason(child), "NOT_ALLOWED");

        const PROMOTE: &str = "UPDATE users SET roles = 'admin'";
        db::sql!(fixture.db.write(), |c| sqlx::query(PROMOTE).execute(c).await.map(drop)).unwrap();
        fixture.pass(16);
        let inner = check(&fixture, WHO_AM_I, Some(&bearer)).await.token.unwrap();
        let principal = rpc::token::verify(&inner, fixture.house.token_keys.as_ref(), &clock).await.unwrap();
        assert_eq!(principal.roles, [Role::Admin]);
    }

    async fn a_revoked_key_ends_here_at_once_and_elsewhere_within_a_minute(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let made = fixture.api_key(&token, None).await;
        let bearer = format!("Bearer {}", made.secret);
        let other = fixture.again();
        assert_eq!(check(&fixture, WHO_AM_I, Some(&bearer)).await.status, 200);
        assert_eq!(check(&other, WHO_AM_I, Some(&bearer)).await.status, 200);

        let request = RevokeApiKeyRequest { name: made.api_key.unwrap().name };
        fixture.client().revoke_api_key(from_edge(request, Some(&token))).await.unwrap();
        assert_eq!(check(&fixture, WHO_AM_I, Some(&bearer)).await, Verdict::refused(401, INVALID));
        // The last moment at which the other instance may still be mistaken.
        fixture.clock.advance(chrono::Duration::milliseconds(14_999));
        let last = check(&other, WHO_AM_I, Some(&bearer)).await.token.unwrap();
        fixture.clock.advance(chrono::Duration::milliseconds(1));
        assert_eq!(check(&other, WHO_AM_I, Some(&bearer)).await, Verdict::refused(401, INVALID));
        fixture.pass(45);
        let clock: SharedClock = fixture.house.clock.clone();
        assert!(rpc::token::verify(&last, fixture.house.token_keys.as_ref(), &clock).await.is_err());

        // Recorded when read, and not with every request.
        for _ in 0..3 {
            check(&other, WHO_AM_I, Some(&bearer)).await;
        }
        let events = fixture.events("api_key.refused").await;
        assert_eq!(events.len(), 3);
        assert!(events.iter().all(|event| event.attributes[0].value == "revoked" && event.actor == "anonymous"));
    }

    async fn with_redis_a_revoked_key_ends_everywhere_at_once(db: Db) {
        let server = testkit::valkey().unwrap();
        let redis = cache::RedisSettings::new(server.url(), "thirty-two bytes of a shared secret");
        let mut settings = AuthSettings::default();
        settings.cache.redis = Some(redis);
        let fixture = Fixture::new(db);
        let (one, other) = (fixture.again_with(&settings), fixture.again_with(&settings));
        let stop = CancellationToken::new();
        let _ends = stop.clone().drop_guard();
        for instance in [&one, &other] {
            tokio::spawn(instance.house.cache.clone().run(stop.clone()));
        }
        while !(one.house.cache.is_shared() && other.house.cache.is_shared()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let token = one.token("acme", "ann@example.org", Role::Member).await;
        let made = one.api_key(&token, None).await;
        let bearer = format!("Bearer {}", made.secret);
        assert_eq!(check(&one, WHO_AM_I, Some(&bearer)).await.status, 200);
        assert_eq!(check(&other, WHO_AM_I, Some(&bearer)).await.status, 200);

        let request = RevokeApiKeyRequest { name: made.api_key.unwrap().name };
        one.client().revoke_api_key(from_edge(request, Some(&token))).await.unwrap();
        assert_eq!(check(&one, WHO_AM_I, Some(&bearer)).await, Verdict::refused(401, INVALID));
        // The clock stands still: no entry ends by its age.
        let heard = async {
            while check(&other, WHO_AM_I, Some(&bearer)).await.status != 401 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), heard).await.unwrap();
    }

    async fn an_expired_key_ends_on_time_even_if_it_is_cached(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let bearer = format!("Bearer {}", fixture.api_key(&token, Some(10)).await.secret);
        fixture.pass(9);
        assert_eq!(check(&fixture, WHO_AM_I, Some(&bearer)).await.status, 200);
        fixture.pass(1);
        assert_eq!(check(&fixture, WHO_AM_I, Some(&bearer)).await, Verdict::refused(401, INVALID));
        fixture.pass(15);
        assert_eq!(check(&fixture, WHO_AM_I, Some(&bearer)).await.status, 401);
        assert_eq!(fixture.events("api_key.refused").await[0].attributes[0].value, "expired");
    }

    async fn credentials_that_are_not_quite_right_are_refused(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let secret = fixture.api_key(&token, None).await.secret;
        let foreign = auth::domain::ApiSecret::generate().unwrap();
        let (head, _) = token.rsplit_once('.').unwrap();
        for bad in [
            format!("Basic {token}"),
            token.clone(),
            format!("Bearer {token},Bearer {token}"),
            format!("Bearer {head}."),
            format!("Bearer {}x", &token[..token.len() - 2]),
            format!("Bearer {}", foreign.expose()),
            format!("Bearer {}", &secret[..53]),
            format!("Bearer {}", secret.to_uppercase()),
            format!("Bearer {}", "a".repeat(10_000)),
            "Bearer ".to_owned(),
        ] {
            assert_eq!(check(&fixture, WHO_AM_I, Some(&bad)).await, Verdict::refused(401, INVALID), "{bad}");
        }
        fixture.pass(900);
        let expired = check(&fixture, WHO_AM_I, Some(&format!("Bearer {token}"))).await;
        assert_eq!(expired, Verdict::refused(401, INVALID));
    }

    async fn only_the_edge_may_ask(db: Db) {
        let fixture = Fixture::new(db);
        for caller in ["storage", "auth", "response"] {
            let asked = send(&fixture, from(caller, question(WHO_AM_I, None), None)).await;
            assert_eq!(reason(asked), "CALLER_NOT_ALLOWED");
        }
    }

    async fn a_question_that_cannot_be_answered_is_no_verdict(db: Db) {
        let fixture = Fixture::new(db);
        let token = fixture.token("acme", "ann@example.org", Role::Member).await;
        let bearer = format!("Bearer {}", fixture.api_key(&token, None).await.secret);
        let restarted = fixture.again();
        fixture.data_keys.down.store(true, std::sync::atomic::Ordering::SeqCst);
        let asked = send(&restarted, from_edge(question(WHO_AM_I, Some(&bearer)), None)).await;
        assert_eq!(asked.err().unwrap().code(), Code::Unavailable);
        // A token needs nobody's help.
        assert_eq!(check(&restarted, WHO_AM_I, Some(&format!("Bearer {token}"))).await.status, 200);
    }
}
