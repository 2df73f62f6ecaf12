//! The token vault: one token a value and subject, who may open it, until when, and what is
//! recorded before it does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use boot::Service as _;
use chrono::Duration;
use db::Db;
use kernel::TenantId;
use proto::Role;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::vault_service_server::VaultService as _;
use proto::anonymizer::v1::{
    AnonymizeRequest, AnonymizeResponse, EraseTokensRequest, OpenTokensRequest, OpenedToken,
    Operator, RestoreRequest, RestoreResponse, Rule,
};
use proto::audit::v1::Outcome;
use tonic::{Response, Status};

use common::{Ring, Service, call_as, refusal};

const TEXT: &str = "Anna Weber, anna.weber@example.org, pays with 4111 1111 1111 1111.";

async fn tokenized(
    service: &Service,
    tenant: TenantId,
    subject: &str,
    ttl_seconds: Option<i32>,
) -> AnonymizeResponse {
    let rule = Rule { operator: Operator::Tokenize.into(), ttl_seconds, ..Rule::default() };
    let (text, subject) = (Some(TEXT.to_owned()), subject.to_owned());
    let message = AnonymizeRequest { text, subject, rules: vec![rule], ..Default::default() };
    service.transform(tenant, message).await.unwrap()
}

async fn restored(
    service: &Service,
    role: Role,
    tenant: TenantId,
    text: &str,
) -> Result<RestoreResponse, Status> {
    let message = RestoreRequest { text: Some(text.to_owned()), ..RestoreRequest::default() };
    let answer = service.text.restore(call_as(role, "Restore", tenant, message)).await;
    answer.map(Response::into_inner)
}

async fn opened(
    service: &Service,
    tenant: TenantId,
    tokens: &[String],
) -> Result<Vec<OpenedToken>, Status> {
    let message = OpenTokensRequest { tokens: tokens.to_vec() };
    let request = call_as(Role::Restorer, "OpenTokens", tenant, message);
    service.vault.open_tokens(request).await.map(|answer| answer.into_inner().tokens)
}

async fn erased(service: &Service, tenant: TenantId, subject: &str) -> i64 {
    let message = EraseTokensRequest { subject: subject.to_owned() };
    let request = call_as(Role::Admin, "EraseTokens", tenant, message);
    service.vault.erase_tokens(request).await.unwrap().into_inner().erased
}

/// The tokens of a text, in its order.
fn tokens(text: &str) -> Vec<String> {
    let parts = text.split("[tok1:").skip(1).filter_map(|rest| rest.split_once(']'));
    parts.map(|(token, _)| format!("[tok1:{token}]")).collect()
}

async fn rows(db: &Db) -> i64 {
    const COUNT: &str = "SELECT count(*) FROM vault_tokens";
    db::sql!(db.read(), |c| sqlx::query_scalar(COUNT).fetch_one(c).await).unwrap()
}

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn a_text_with_tokens_comes_back_for_those_who_may(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = tokenized(&service, tenant, "anna", None).await;
        assert!(done.mapping.is_empty() && tokens(&done.text).len() == 3, "{}", done.text);
        for action in &done.actions {
            let range = usize::try_from(action.output_start).unwrap()..usize::try_from(action.output_end).unwrap();
            assert_eq!(action.operator(), Operator::Tokenize);
            assert!(done.text[range].starts_with(&format!("[tok1:{}:", action.r#type)));
        }
        let values: Vec<Vec<u8>> = db::sql!(db.read(), |c| sqlx::query_scalar("SELECT value FROM vault_tokens").fetch_all(c).await).unwrap();
        assert!(values.iter().all(|value| !value.windows(4).any(|four| b"Anna Weber 4111".windows(4).any(|known| known == four))));
        for role in [Role::Restorer, Role::Admin] {
            let back = restored(&service, role, tenant, &done.text).await.unwrap();
            assert_eq!((back.text.as_str(), back.unopened_tokens), (TEXT, 0), "{role:?}");
        }
        let kinds: Vec<_> = service.events().await.iter().map(|event| event.r#type.clone()).collect();
        let pair = ["dev.signet.anonymizer.tokens.opened", "dev.signet.anonymizer.text.restored"];
        assert_eq!(kinds, [pair, pair].concat());
        let told = format!("{:?}", service.events().await);
        assert!(tokens(&done.text).iter().all(|token| told.contains(&token[token.len() - 23..token.len() - 1])));
        assert!(!told.contains("Anna") && !told.contains("anna"));
    }

    async fn without_the_permission_nothing_is_opened(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = tokenized(&service, tenant, "anna", None).await;
        for role in [Role::Member, Role::Auditor] {
            let refused = restored(&service, role, tenant, &done.text).await;
            assert_eq!(refusal(refused), ("NOT_ALLOWED".into(), String::new()), "{role:?}");
        }
        let events = service.events().await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| event.r#type == "dev.signet.anonymizer.tokens.open_refused" && event.outcome() == Outcome::Denied));
        // What a member makes of such a text is the member's to undo: the token comes back, closed.
        let message = AnonymizeRequest { text: Some(done.text.clone()), ..Default::default() };
        let again = service.transform(tenant, message).await.unwrap();
        assert!(!again.text.contains("[tok1:"), "{}", again.text);
        assert_eq!(service.restore(tenant, &again.text, &again.mapping).await.unwrap(), done.text);
    }

    async fn one_value_of_a_subject_has_one_token(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let first = tokenized(&service, tenant, "anna", None).await.text;
        assert_eq!(tokenized(&service, tenant, "anna", None).await.text, first);
        assert_eq!(rows(&db).await, 3);
        let others = [
            tokenized(&service, tenant, "ben", None).await.text,
            tokenized(&service, tenant, "", None).await.text,
            tokenized(&service, TenantId::new(), "anna", None).await.text,
        ];
        let known: HashSet<_> = tokens(&first).into_iter().collect();
        assert!(others.iter().all(|other| tokens(other).iter().all(|token| !known.contains(token))));
    }

    async fn instances_that_race_agree_on_the_token(db: Db) {
        let ring: Arc<Ring> = Arc::default();
        let tenant = TenantId::new();
        let calls = (0..6).map(|_| {
            let service = Service::new(&db, &ring);
            tokio::spawn(async move { tokenized(&service, tenant, "anna", Some(60)).await.text })
        });
        let mut seen = HashSet::new();
        for call in calls.collect::<Vec<_>>() {
            seen.insert(call.await.unwrap());
        }
        assert_eq!((seen.len(), rows(&db).await), (1, 3));
        let text = seen.into_iter().next().unwrap();
        let service = Service::new(&db, &ring);
        assert_eq!(restored(&service, Role::Restorer, tenant, &text).await.unwrap().text, TEXT);
    }

    async fn what_has_expired_stays_closed_and_is_swept(db: Db) {
        let (service, clock) = Service::by_hand(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = tokenized(&service, tenant, "anna", Some(60)).await;
        clock.advance(Duration::seconds(30));
        // Asked for again, it is kept until the later end.
        assert_eq!(tokenized(&service, tenant, "anna", Some(20)).await.text, done.text);
        clock.advance(Duration::seconds(29));
        assert_eq!(restored(&service, Role::Restorer, tenant, &done.text).await.unwrap().text, TEXT);
        clock.advance(Duration::seconds(1));
        let closed = restored(&service, Role::Restorer, tenant, &done.text).await.unwrap();
        assert_eq!((closed.text.as_str(), closed.unopened_tokens), (done.text.as_str(), 3));
        // A value that comes again before the sweep has another token: the old one stays closed.
        let again = tokenized(&service, tenant, "anna", None).await.text;
        assert!(tokens(&again).iter().all(|token| !done.text.contains(token)));
        assert_eq!(restored(&service, Role::Restorer, tenant, &done.text).await.unwrap().unopened_tokens, 3);
        tokenized(&service, tenant, "ben", Some(60)).await;
        assert_eq!(rows(&db).await, 6);
        clock.advance(Duration::seconds(60));
        assert_eq!(service.text.texts.vault.sweep_once().await.unwrap(), 3);
        assert_eq!(rows(&db).await, 3);
        clock.advance(Duration::days(4_000));
        assert_eq!(service.text.texts.vault.sweep_once().await.unwrap(), 0);
        assert_eq!(restored(&service, Role::Restorer, tenant, &again).await.unwrap().text, TEXT);
    }

    async fn a_subject_is_erased_for_good(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let (ours, theirs) = (TenantId::new(), TenantId::new());
        let anna = tokenized(&service, ours, "anna", None).await.text;
        let ben = tokenized(&service, ours, "ben", None).await.text;
        let other = tokenized(&service, theirs, "anna", None).await.text;
        assert_eq!(erased(&service, ours, "anna").await, 3);
        assert_eq!(erased(&service, ours, "anna").await, 0);
        assert_eq!(restored(&service, Role::Admin, ours, &anna).await.unwrap().text, anna);
        assert_eq!(restored(&service, Role::Admin, ours, &ben).await.unwrap().text, TEXT);
        assert_eq!(restored(&service, Role::Admin, theirs, &other).await.unwrap().text, TEXT);
        let again = tokenized(&service, ours, "anna", None).await.text;
        assert_ne!(again, anna);
        assert_eq!(restored(&service, Role::Admin, ours, &anna).await.unwrap().text, anna);
        let events = service.events().await;
        let counts: Vec<_> = events.iter().filter(|event| event.r#type == "dev.signet.anonymizer.tokens.erased").collect();
        assert_eq!(counts.iter().map(|event| event.attributes[0].value.as_str()).collect::<Vec<_>>(), ["3", "0"]);
        assert!(!format!("{counts:?}").contains("anna"));
    }

    async fn tokens_of_another_tenant_or_type_stay_closed(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = tokenized(&service, tenant, "anna", None).await;
        let foreign = restored(&service, Role::Admin, TenantId::new(), &done.text).await.unwrap();
        assert_eq!((foreign.text.as_str(), foreign.unopened_tokens), (done.text.as_str(), 3));
        let person = tokens(&done.text)[0].clone();
        let moved = person.replace("PERSON", "LOCATION");
        let all = opened(&service, tenant, &[moved, person.clone(), person]).await.unwrap();
        let values: Vec<_> = all.iter().map(|token| (token.opened, token.value.as_str())).collect();
        assert_eq!(values, [(false, ""), (true, "Anna Weber"), (true, "Anna Weber")]);
        for (wrong, field) in [(Vec::new(), "tokens"), (vec!["Anna".to_owned()], "tokens[0]"), (vec!["[enc1:PERSON:AAAA]".to_owned()], "tokens[0]")] {
            assert_eq!(refusal(opened(&service, tenant, &wrong).await), ("INVALID_FIELD".into(), field.into()));
        }
    }

    async fn what_cannot_be_recorded_is_not_opened(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = tokenized(&service, tenant, "anna", None).await;
        db::sql!(db.write(), |c| sqlx::query("DROP TABLE outbox").execute(c).await.map(drop)).unwrap();
        let refused = restored(&service, Role::Admin, tenant, &done.text).await.err().unwrap();
        assert_eq!(refused.message(), "Something went wrong inside.");
        assert!(opened(&service, tenant, &tokens(&done.text)).await.is_err());
    }

    async fn what_is_only_tried_is_not_kept(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let rule = Rule { operator: Operator::Tokenize.into(), ..Rule::default() };
        let message = AnonymizeRequest { text: Some(TEXT.into()), rules: vec![rule], dry_run: true, ..Default::default() };
        let done = service.transform(TenantId::new(), message).await.unwrap();
        assert_eq!((done.actions.len(), rows(&db).await), (3, 0));
        let rule = Rule { operator: Operator::Tokenize.into(), ttl_seconds: Some(0), ..Rule::default() };
        let message = AnonymizeRequest { text: Some(TEXT.into()), rules: vec![rule], ..Default::default() };
        let refused = service.transform(TenantId::new(), message).await;
        assert_eq!(refusal(refused), ("INVALID_FIELD".into(), "rules[0].ttl_seconds".into()));
    }

    async fn a_short_token_does_not_restore_beyond_measure(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let long = format!("https://example.org/{}", "a".repeat(500_000));
        let rule = Rule { operator: Operator::Tokenize.into(), ..Rule::default() };
        let message = AnonymizeRequest { text: Some(long.clone()), rules: vec![rule], ..Default::default() };
        let done = service.transform(tenant, message).await.unwrap();
        assert_eq!(restored(&service, Role::Admin, tenant, &done.text).await.unwrap().text, long);
        let many = done.text.repeat(17);
        assert_eq!(refusal(restored(&service, Role::Admin, tenant, &many).await), ("INVALID_FIELD".into(), "text".into()));
        let many = vec![done.text; 17];
        assert_eq!(refusal(opened(&service, tenant, &many).await), ("INVALID_FIELD".into(), "tokens".into()));
    }
}
