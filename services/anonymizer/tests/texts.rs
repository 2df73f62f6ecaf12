//! Detecting and irreversible operators, as a caller sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use boot::Service as _;
use kernel::TenantId;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::{
    AnonymizeRequest, DetectRequest, DetectionOptions, ListRecognizersRequest, Operator,
};

use common::{Service, call, refusal};

const TEXT: &str = "Anna Weber (anna.weber@example.org) paid with 4111 1111 1111 1111. \
    Ms Weber's IBAN is DE89 3704 0044 0532 0130 00.";

async fn service() -> Service {
    let db = db::testing::sqlite(anonymizer::Anonymizer::migrations()).await;
    Service::new(&db, &Arc::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_do_what_the_proto_says() {
    let service = service().await;
    for (operator, expected) in [
        (Operator::Redact, " () paid with .  's IBAN is ."),
        (
            Operator::Mask,
            "**** ***** (****.*****@example.org) paid with **** **** **** 1111. \
             ** *****'s IBAN is **** **** **** **** **30 00.",
        ),
        (
            Operator::Replace,
            "<PERSON> (<EMAIL_ADDRESS>) paid with <CREDIT_CARD>. <TITLE> <PERSON>'s IBAN is <IBAN_CODE>.",
        ),
    ] {
        let done = service.anonymize(TenantId::new(), TEXT, operator).await.unwrap();
        assert_eq!(done.text, expected, "{operator:?}");
        assert!(done.mapping.is_empty(), "what cannot be restored has no mapping");
        assert_eq!(done.findings.len(), 6);
        let first = &done.findings[0];
        assert_eq!((first.r#type.as_str(), first.start, first.end), ("PERSON", 0, 10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_narrow_what_is_found() {
    let service = service().await;
    let found = async |options: DetectionOptions| {
        let message = DetectRequest { text: Some(TEXT.into()), options: Some(options), format: 0 };
        let answer = service.text.detect(call("Detect", TenantId::new(), message)).await.unwrap();
        let findings = answer.into_inner().findings;
        findings.iter().map(|finding| finding.r#type.clone()).collect::<Vec<_>>()
    };
    let types = vec!["CREDIT_CARD".to_owned(), "IBAN_CODE".to_owned()];
    let only = DetectionOptions { types: types.clone(), ..DetectionOptions::default() };
    assert_eq!(found(only).await, types);
    let allow_list = vec!["anna.weber@example.org".to_owned()];
    let allowed = found(DetectionOptions { allow_list, ..DetectionOptions::default() }).await;
    assert!(!allowed.is_empty() && !allowed.contains(&"EMAIL_ADDRESS".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let service = service().await;
    let options = |change: fn(&mut DetectionOptions)| {
        let mut options = DetectionOptions::default();
        change(&mut options);
        Some(options)
    };
    for (text, options, operator, field) in [
        (
            "x".to_owned(),
            options(|o| o.types = vec!["PERSON".into(), "SHOE".into()]),
            0,
            "options.types[1]",
        ),
        ("x".to_owned(), options(|o| o.types = vec!["PERSON".into(); 101]), 0, "options.types"),
        ("x".to_owned(), options(|o| o.min_score = 1.5), 0, "options.min_score"),
        ("x".to_owned(), options(|o| o.min_score = f64::NAN), 0, "options.min_score"),
        (
            "x".to_owned(),
            options(|o| o.allow_list = vec!["x".into(); 1_001]),
            0,
            "options.allow_list",
        ),
        (
            "x".to_owned(),
            options(|o| o.allow_list = vec![String::new()]),
            0,
            "options.allow_list[0]",
        ),
        ("x".to_owned(), None, 99, "operator"),
        ("x".to_owned(), None, Operator::Bucket.into(), "operator"),
        ("x".to_owned(), None, Operator::DateShift.into(), "subject"),
        ("x".repeat(1024 * 1024 + 1), None, 0, "text"),
    ] {
        let message =
            AnonymizeRequest { text: Some(text), options, operator, ..AnonymizeRequest::default() };
        let outcome = service.text.anonymize(call("Anonymize", TenantId::new(), message)).await;
        assert_eq!(refusal(outcome), ("INVALID_FIELD".to_owned(), field.to_owned()));
    }
    for (text, mapping, expected) in [
        ("x".to_owned(), vec![], ("INVALID_FIELD", "mapping")),
        ("x".to_owned(), vec![1; 40], ("MAPPING_INVALID", "")),
        ("x".repeat(1024 * 1024 + 1), vec![1], ("INVALID_FIELD", "text")),
    ] {
        let refused = refusal(service.restore(TenantId::new(), &text, &mapping).await);
        assert_eq!((refused.0.as_str(), refused.1.as_str()), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recognizers_are_listed_in_pages() {
    let service = service().await;
    let tenant = TenantId::new();
    let (mut seen, mut token, mut pages) = (HashSet::new(), String::new(), 0);
    loop {
        let message = ListRecognizersRequest { page_size: 4, page_token: token };
        let page = service.text.list_recognizers(call("ListRecognizers", tenant, message)).await;
        let page = page.unwrap().into_inner();
        assert!(page.recognizers.len() <= 4);
        for recognizer in page.recognizers {
            assert!(!recognizer.r#type.is_empty() && !recognizer.description.is_empty());
            assert!(seen.insert(recognizer.name), "listed once");
        }
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), service.text.engine.recognizers().len());
    assert!(pages > 1 && seen.contains("ipv4"));
}
