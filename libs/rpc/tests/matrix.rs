//! Every RPC × caller × role, generated from the rules in `proto/`: what the
//! rule does not allow, the guard refuses.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use http::{Request, Response};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use kernel::{ManualClock, PrincipalId, Result, SharedClock, TenantId};
use proto::{Caller, Principal, RULES, Role, Rule};
use rpc::token::{AUDIENCE, Claims, HEADER, ISSUER, TokenKeys};
use rpc::{Guard, GuardSettings};
use tonic::Code;
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _, service_fn};

const NOW: i64 = 1_790_000_000;
const CALLERS: [Caller; 7] = [
    Caller::Edge,
    Caller::Auth,
    Caller::Envelope,
    Caller::Storage,
    Caller::Anonymizer,
    Caller::Response,
    Caller::Audit,
];
const ROLES: [Role; 4] = [Role::Admin, Role::Member, Role::Auditor, Role::Restorer];

struct Issuer {
    pkcs8: Vec<u8>,
    keys: HashMap<String, DecodingKey>,
}

#[async_trait]
impl TokenKeys for Issuer {
    async fn find(&self, kid: &str) -> Result<Option<DecodingKey>> {
        Ok(self.keys.get(kid).cloned())
    }
}

impl Issuer {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = DecodingKey::from_ed_der(pair.public_key().as_ref());
        Self {
            pkcs8: pair.to_pkcs8().unwrap().as_ref().to_vec(),
            keys: HashMap::from([("k1".to_owned(), key)]),
        }
    }

    fn token(&self, roles: &[Role], change: impl FnOnce(&mut Header, &mut Claims)) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("k1".into());
        let mut claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: format!("users/{}", PrincipalId::new()),
            tid: TenantId::new().to_string(),
            roles: roles.iter().map(|role| role.name().to_owned()).collect(),
            iat: NOW,
            exp: NOW + 900,
            jti: "j".into(),
            key: None,
        };
        change(&mut header, &mut claims);
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&self.pkcs8)).unwrap()
    }
}

/// Sends a call through the guard of the service that the rule names.
async fn call(issuer: &Arc<Issuer>, service: &'static str, request: Request<Body>) -> Code {
    let settings = GuardSettings {
        service,
        extra_rules: &[],
        max_in_flight: 8,
        default_deadline: Duration::from_secs(5),
    };
    let clock: SharedClock = ManualClock::at(chrono::DateTime::from_timestamp(NOW, 0).unwrap());
    let keys: Arc<dyn TokenKeys> = Arc::clone(issuer) as _;
    let inner =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let response = Guard::new(settings, keys, clock).layer(inner).oneshot(request).await.unwrap();
    response.headers().get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

fn request(path: &str, caller: Option<Caller>, token: Option<&str>) -> Request<Body> {
    let mut builder = Request::post(path);
    if let Some(caller) = caller {
        let xfcc = format!("By=spiffe://signet.dev/x;URI=spiffe://signet.dev/{}", caller.name());
        builder = builder.header("x-forwarded-client-cert", xfcc);
    }
    if let Some(token) = token {
        builder = builder.header(HEADER, token);
    }
    builder.body(Body::empty()).unwrap()
}

/// Written again, by hand: what the words of access.proto promise.
fn expected(rule: &Rule, caller: Option<Caller>, role: Option<Role>) -> Code {
    if !caller.is_some_and(|caller| rule.callers.contains(&caller)) {
        return Code::PermissionDenied;
    }
    match (rule.principal, role) {
        (Principal::Anonymous | Principal::Service, _) | (Principal::UserOrService, None) => {
            Code::Ok
        }
        (_, None) => Code::Unauthenticated,
        (_, Some(role)) if rule.roles.contains(&role) => Code::Ok,
        _ => Code::PermissionDenied,
    }
}

#[tokio::test]
async fn every_rpc_by_every_caller_in_every_role() {
    let issuer = Arc::new(Issuer::new());
    let callers = CALLERS.map(Some).into_iter().chain([None]);
    let roles: Vec<Option<Role>> = ROLES.map(Some).into_iter().chain([None]).collect();
    let mut cells = 0;
    for caller in callers {
        for rule in RULES {
            for role in &roles {
                let token = role.map(|role| issuer.token(&[role], |_, _| {}));
                let got =
                    call(&issuer, rule.service, request(rule.path, caller, token.as_deref())).await;
                assert_eq!(
                    got,
                    expected(rule, caller, *role),
                    "{} by {caller:?} as {role:?}",
                    rule.path
                );
                cells += 1;
            }
        }
    }
    assert_eq!(cells, RULES.len() * 8 * (ROLES.len() + 1));
}

#[tokio::test]
async fn a_method_without_a_rule_or_of_another_service_does_not_exist() {
    let issuer = Arc::new(Issuer::new());
    let token = issuer.token(&ROLES, |_, _| {});
    for path in ["/signet.audit.v1.EventService/Drop", "/x", "/signet.auth.v1.AuthService/LogIn"] {
        let got = call(&issuer, "audit", request(path, Some(Caller::Edge), Some(&token))).await;
        assert_eq!(got, Code::PermissionDenied, "{path}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_quite_right_is_refused() {
    let issuer = Arc::new(Issuer::new());
    let good = issuer.token(&ROLES, |_, _| {});
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (_, payload) = head.split_once('.').unwrap();
    let none_header = "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ";
    let hs_header = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0";
    let bad = [
        ("expired", issuer.token(&ROLES, |_, claims| claims.exp = NOW)),
        ("from the future", issuer.token(&ROLES, |_, claims| claims.iat = NOW + 3_600)),
        ("other issuer", issuer.token(&ROLES, |_, claims| claims.iss = "evil".into())),
        ("other audience", issuer.token(&ROLES, |_, claims| claims.aud = "elsewhere".into())),
        ("unknown key", issuer.token(&ROLES, |header, _| header.kid = Some("k2".into()))),
        ("no key", issuer.token(&ROLES, |header, _| header.kid = None)),
        ("unknown role", issuer.token(&ROLES, |_, claims| claims.roles = vec!["root".into()])),
        ("no tenant", issuer.token(&ROLES, |_, claims| claims.tid = "x".into())),
        ("a foreign key's signature", Issuer::new().token(&ROLES, |_, _| {})),
        ("alg none", format!("{none_header}.{payload}.")),
        ("alg HS256", format!("{hs_header}.{payload}.{signature}")),
        ("cut", good[..good.len() - 2].to_owned()),
        ("empty", String::new()),
        ("huge", "a".repeat(5_000)),
    ];
    let path = "/signet.auth.v1.AuthService/WhoAmI";
    assert_eq!(
        call(&issuer, "auth", request(path, Some(Caller::Edge), Some(&good))).await,
        Code::Ok
    );
    for (name, token) in bad {
        let got = call(&issuer, "auth", request(path, Some(Caller::Edge), Some(&token))).await;
        assert_eq!(got, Code::Unauthenticated, "{name}");
    }
}
