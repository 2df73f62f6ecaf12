//! Policies as a resource: revisions, whose they are, what is refused, what would change.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::TenantId;
use proto::anonymizer::v1::policy_service_server::PolicyService as _;
use proto::anonymizer::v1::{
    AnonymizeRequest, ComparePoliciesRequest, ComparePoliciesResponse, CreatePolicyRequest,
    DeletePolicyRequest, GetPolicyRequest, ListPoliciesRequest, ListPolicyRevisionsRequest,
    Operator, Policy, UpdatePolicyRequest,
};
use tonic::{Response, Status};

use common::{Service, call, refusal};

const TEXT: &str = "Anna Weber paid with 4111 1111 1111 1111.";

/// Cards by an operator; nothing else changes.
fn document(name: &str, operator: &str) -> String {
    format!(
        "name = '{name}'\nversion = 1\ndescription = 'cards: {operator}'\n\
         [default]\noperator = 'keep'\n[types.CREDIT_CARD]\noperator = '{operator}'\n"
    )
}

async fn create(service: &Service, tenant: TenantId, document: String) -> Result<Policy, Status> {
    let policy = Some(Policy { document, ..Policy::default() });
    let message = CreatePolicyRequest { policy };
    let answer = service.policy.create_policy(call("CreatePolicy", tenant, message)).await?;
    Ok(answer.into_inner().policy.unwrap())
}

async fn update(
    service: &Service,
    tenant: TenantId,
    etag: &str,
    document: String,
) -> Result<Policy, Status> {
    let (name, etag) = ("policies/cards".to_owned(), etag.to_owned());
    let policy = Some(Policy { name, etag, document, ..Policy::default() });
    let message = UpdatePolicyRequest { policy };
    let answer = service.policy.update_policy(call("UpdatePolicy", tenant, message)).await?;
    Ok(answer.into_inner().policy.unwrap())
}

async fn get(service: &Service, tenant: TenantId, name: &str) -> Result<Policy, Status> {
    let message = GetPolicyRequest { name: name.to_owned() };
    let answer = service.policy.get_policy(call("GetPolicy", tenant, message)).await?;
    Ok(answer.into_inner().policy.unwrap())
}

async fn delete(service: &Service, tenant: TenantId, name: &str, etag: &str) -> Result<(), Status> {
    let message = DeletePolicyRequest { name: name.to_owned(), etag: etag.to_owned() };
    service.policy.delete_policy(call("DeletePolicy", tenant, message)).await.map(drop)
}

async fn revisions(service: &Service, tenant: TenantId, name: &str) -> Result<Vec<i32>, Status> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let message =
            ListPolicyRevisionsRequest { name: name.to_owned(), page_size: 1, page_token };
        let request = call("ListPolicyRevisions", tenant, message);
        let page = service.policy.list_policy_revisions(request).await?.into_inner();
        found.extend(page.revisions.iter().map(|revision| revision.revision));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

async fn names(service: &Service, tenant: TenantId, page_size: i32) -> Vec<String> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListPoliciesRequest { page_size, page_token };
        let page = service.policy.list_policies(call("ListPolicies", tenant, message)).await;
        let page = page.unwrap().into_inner();
        assert!(page.policies.len() <= usize::try_from(page_size).unwrap());
        assert!(page.policies.iter().all(|policy| policy.document.is_empty()));
        found.extend(page.policies.into_iter().map(|policy| policy.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

async fn by(service: &Service, tenant: TenantId, policy: &str) -> Result<(String, String), Status> {
    let (text, policy) = (TEXT.to_owned(), policy.to_owned());
    let message = AnonymizeRequest { text: Some(text), policy, ..AnonymizeRequest::default() };
    service.transform(tenant, message).await.map(|done| (done.text, done.policy))
}

async fn compare(
    service: &Service,
    tenant: TenantId,
    change: impl FnOnce(&mut ComparePoliciesRequest),
) -> Result<ComparePoliciesResponse, Status> {
    let mut message = ComparePoliciesRequest { sample: TEXT.to_owned(), ..Default::default() };
    change(&mut message);
    let answer = service.policy.compare_policies(call("ComparePolicies", tenant, message)).await;
    answer.map(Response::into_inner)
}

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn a_policy_has_revisions_that_never_change(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let first = create(&service, tenant, document("cards", "mask")).await.unwrap();
        assert_eq!((first.name.as_str(), first.revision, first.etag.as_str()), ("policies/cards", 1, "r1"));
        assert!(first.document.is_empty() && !first.ready && !first.reversible);
        assert!(first.author.starts_with("users/") && first.create_time == first.update_time);
        assert_eq!(first.description, "cards: mask");
        let second = update(&service, tenant, "r1", document("cards", "encrypt")).await.unwrap();
        assert_eq!((second.revision, second.reversible, second.create_time), (2, true, first.create_time));
        assert_eq!(get(&service, tenant, "policies/cards@1").await.unwrap().document, document("cards", "mask"));
        assert_eq!(get(&service, tenant, "policies/cards").await.unwrap().document, document("cards", "encrypt"));
        assert_eq!(revisions(&service, tenant, "policies/cards").await.unwrap(), [2, 1]);
        let (text, used) = by(&service, tenant, "policies/cards@1").await.unwrap();
        assert_eq!((text.as_str(), used.as_str()), ("Anna Weber paid with **** **** **** 1111.", "policies/cards@1"));
        let (text, used) = by(&service, tenant, "policies/cards").await.unwrap();
        assert!(text.contains("[enc1:CREDIT_CARD:") && used == "policies/cards@2", "{text} {used}");
        let kinds: Vec<_> = service.events().await.iter().map(|event| event.r#type.clone()).collect();
        assert_eq!(kinds, ["dev.signet.anonymizer.policy.created", "dev.signet.anonymizer.policy.updated"]);
    }

    async fn a_change_needs_what_was_read(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        create(&service, tenant, document("cards", "mask")).await.unwrap();
        let again = create(&service, tenant, document("cards", "mask")).await;
        assert_eq!(refusal(again).0, "RESOURCE_EXISTS");
        update(&service, tenant, "", document("cards", "redact")).await.unwrap();
        let late = update(&service, tenant, "r1", document("cards", "hash")).await;
        assert_eq!(refusal(late).0, "ETAG_MISMATCH");
        assert_eq!(refusal(delete(&service, tenant, "policies/cards", "r1").await).0, "ETAG_MISMATCH");
        let other = update(&service, tenant, "", document("others", "hash")).await;
        assert_eq!(refusal(other), ("INVALID_FIELD".into(), "policy.document".into()));
        assert_eq!(revisions(&service, tenant, "policies/cards").await.unwrap(), [2, 1]);
    }

    async fn a_name_that_comes_back_goes_on_counting(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        create(&service, tenant, document("cards", "mask")).await.unwrap();
        update(&service, tenant, "", document("cards", "redact")).await.unwrap();
        delete(&service, tenant, "policies/cards", "r2").await.unwrap();
        for gone in ["policies/cards", "policies/cards@1", "policies/cards@2"] {
            assert_eq!(refusal(get(&service, tenant, gone).await).0, "RESOURCE_NOT_FOUND");
            assert_eq!(refusal(by(&service, tenant, gone).await), ("INVALID_FIELD".into(), "policy".into()));
        }
        assert_eq!(refusal(delete(&service, tenant, "policies/cards", "").await).0, "RESOURCE_NOT_FOUND");
        assert_eq!(refusal(update(&service, tenant, "", document("cards", "mask")).await).0, "RESOURCE_NOT_FOUND");
        assert!(!names(&service, tenant, 50).await.contains(&"policies/cards".to_owned()));
        let back = create(&service, tenant, document("cards", "hash")).await.unwrap();
        assert_eq!(back.revision, 3);
        assert!(get(&service, tenant, "policies/cards@2").await.is_err());
        assert_eq!(revisions(&service, tenant, "policies/cards").await.unwrap(), [3]);
    }

    async fn of_many_who_change_it_each_adds_one_revision(db: Db) {
        let ring = Arc::default();
        let tenant = TenantId::new();
        create(&Service::new(&db, &ring), tenant, document("cards", "mask")).await.unwrap();
        let calls = (0..4).map(|_| {
            let service = Service::new(&db, &ring);
            tokio::spawn(async move { update(&service, tenant, "", document("cards", "hash")).await.unwrap().revision })
        });
        let mut seen = HashSet::new();
        for call in calls.collect::<Vec<_>>() {
            seen.insert(call.await.unwrap());
        }
        assert_eq!(seen, HashSet::from([2, 3, 4, 5]));
    }

    async fn nobody_sees_another_tenants(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let (ours, theirs) = (TenantId::new(), TenantId::new());
        create(&service, ours, document("cards", "mask")).await.unwrap();
        assert_eq!(refusal(get(&service, theirs, "policies/cards").await).0, "RESOURCE_NOT_FOUND");
        assert_eq!(refusal(revisions(&service, theirs, "policies/cards").await).0, "RESOURCE_NOT_FOUND");
        assert_eq!(refusal(delete(&service, theirs, "policies/cards", "").await).0, "RESOURCE_NOT_FOUND");
        assert_eq!(refusal(by(&service, theirs, "policies/cards").await).1, "policy");
        assert_eq!(names(&service, theirs, 50).await.len(), 4);
        // The same name is free for them.
        assert_eq!(create(&service, theirs, document("cards", "redact")).await.unwrap().revision, 1);
        assert_eq!(get(&service, ours, "policies/cards").await.unwrap().document, document("cards", "mask"));
    }

    async fn ready_ones_are_listed_and_read_only(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        for name in ["b-two", "b-one"] {
            create(&service, tenant, document(name, "mask")).await.unwrap();
        }
        let all = ["policies/ccpa", "policies/gdpr", "policies/hipaa-safe-harbor", "policies/pci-dss", "policies/b-one", "policies/b-two"];
        for size in [1, 2, 4, 5, 50] {
            assert_eq!(names(&service, tenant, size).await, all, "{size} a page");
        }
        let gdpr = get(&service, tenant, "policies/gdpr@1").await.unwrap();
        assert!(gdpr.ready && gdpr.document.contains("2016/679") && gdpr.author.is_empty());
        assert_eq!(refusal(get(&service, tenant, "policies/gdpr@2").await).0, "RESOURCE_NOT_FOUND");
        assert_eq!(revisions(&service, tenant, "policies/gdpr").await.unwrap(), [1]);
        assert_eq!(refusal(create(&service, tenant, document("gdpr", "mask")).await).0, "RESOURCE_EXISTS");
        assert_eq!(refusal(delete(&service, tenant, "policies/gdpr", "").await).0, "POLICY_READ_ONLY");
        assert_eq!(by(&service, tenant, "policies/gdpr").await.unwrap().1, "policies/gdpr@1");
    }

    async fn what_a_change_would_do_is_shown(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        create(&service, tenant, document("cards", "mask")).await.unwrap();
        let done = compare(&service, tenant, |message| {
            message.before = "policies/cards".into();
            message.document = "name = 'x'\nversion = 1\n[default]\noperator = 'redact'\n[types.CREDIT_CARD]\noperator = 'keep'\n".into();
        });
        let done = done.await.unwrap();
        let spans = |found: &[proto::anonymizer::v1::Finding]| -> Vec<_> {
            found.iter().map(|finding| (finding.r#type.clone(), finding.start)).collect()
        };
        assert_eq!(spans(&done.newly_covered), [("PERSON".to_owned(), 0)]);
        assert_eq!(spans(&done.newly_uncovered), [("CREDIT_CARD".to_owned(), 21)]);
        let card = done.types.iter().find(|change| change.r#type == "CREDIT_CARD").unwrap();
        assert_eq!((card.before(), card.after(), card.newly_uncovered), (Operator::Mask, Operator::Keep, 1));
        let done = compare(&service, tenant, |message| {
            message.before = "policies/cards@1".into();
            message.after = "policies/pci-dss".into();
        });
        let done = done.await.unwrap();
        assert!(done.newly_covered.is_empty() && done.newly_uncovered.is_empty());
        assert_eq!(done.types.iter().find(|change| change.r#type == "CREDIT_CARD").unwrap().otherwise_changed, 1);
        for (before, after, document, field) in [
            ("", "policies/gdpr", "", "before"),
            ("policies/none", "policies/gdpr", "", "before"),
            ("policies/gdpr", "", "", "after"),
            ("policies/gdpr", "policies/ccpa", "x", "after"),
            ("policies/gdpr", "policies/none", "", "after"),
            ("policies/gdpr", "", "name = 'x'", "document"),
        ] {
            let refused = compare(&service, tenant, |message| {
                message.before = before.into();
                message.after = after.into();
                message.document = document.into();
            });
            assert_eq!(refusal(refused.await), ("INVALID_FIELD".into(), field.into()), "{before} {after}");
        }
    }

    async fn a_document_that_is_wrong_is_not_stored(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        for (document, why) in [
            (String::new(), "name is missing"),
            ("name".to_owned(), "cannot be read"),
            (document("cards", "shred"), "types.CREDIT_CARD.operator names no operator"),
            (document("Cards", "mask"), "name must be"),
            (document("cards", "mask").replace("CREDIT_CARD", "SHOE"), "types.SHOE names no type"),
            (document("cards", "mask") + "keep_last = 99", "types.CREDIT_CARD.keep_last must be"),
            ("x".repeat(257 * 1024), "more than"),
            (
                r#"{"name":"x","version":1,"description":"a\u0000b","default":{"operator":"keep"}}"#.to_owned(),
                "control characters",
            ),
        ] {
            let refused = create(&service, tenant, document).await.unwrap_err();
            let details = tonic_types::StatusExt::get_error_details(&refused);
            let violation = &details.bad_request().unwrap().field_violations[0];
            assert_eq!(violation.field, "policy.document", "{why}");
            assert!(violation.description.contains(why), "{} has no {why}", violation.description);
        }
        for (name, field) in [("cards", "name"), ("policies/a@1", "name"), ("policies/A", "name")] {
            assert_eq!(refusal(delete(&service, tenant, name, "").await), ("INVALID_FIELD".into(), field.into()));
        }
        assert_eq!(names(&service, tenant, 50).await.len(), 4);
        assert!(service.events().await.is_empty());
    }
}
