//! What a call may ask of detection, as a caller sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;

use boot::Service as _;
use kernel::TenantId;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::{
    AdHocRecognizer, AnonymizeRequest, DeniedText, DetectRequest, DetectionOptions, Finding,
    OffsetUnit, Operator, Rule, TypeThreshold,
};

use common::{Service, call, refusal};

const TEXT: &str = "Grüße 👋 an Anna Weber, Codename Eisvogel, Ticket PX-2041.";

async fn service() -> Service {
    let db = db::testing::sqlite(anonymizer::Anonymizer::migrations()).await;
    Service::new(&db, &Arc::default())
}

fn options() -> DetectionOptions {
    let ticket = AdHocRecognizer {
        name: "tickets".into(),
        r#type: "TICKET".into(),
        patterns: vec![r"\bP[XY]-\d{4}\b".into()],
        score: 0.8,
        context: Vec::new(),
    };
    DetectionOptions {
        ad_hoc_recognizers: vec![ticket],
        deny_list: vec![DeniedText { text: "Eisvogel".into(), r#type: "PROJECT".into() }],
        ..DetectionOptions::default()
    }
}

async fn detect(service: &Service, options: DetectionOptions) -> Vec<Finding> {
    let message = DetectRequest { text: Some(TEXT.into()), options: Some(options), format: 0 };
    let answer = service.text.detect(call("Detect", TenantId::new(), message)).await;
    answer.unwrap().into_inner().findings
}

fn span(findings: &[Finding], entity: &str) -> (usize, usize) {
    let found = findings.iter().find(|finding| finding.r#type == entity).unwrap();
    (usize::try_from(found.start).unwrap(), usize::try_from(found.end).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_count_what_was_asked_for() {
    let service = service().await;
    for (unit, name) in [
        (OffsetUnit::Unspecified, TEXT.find("Anna").unwrap()),
        (OffsetUnit::Bytes, TEXT.find("Anna").unwrap()),
        (OffsetUnit::CodePoints, TEXT.chars().position(|c| c == 'A').unwrap()),
        (OffsetUnit::Utf16, TEXT.encode_utf16().position(|unit| unit == u16::from(b'A')).unwrap()),
    ] {
        let asked = DetectionOptions { offset_unit: unit.into(), ..options() };
        let found = detect(&service, asked.clone()).await;
        assert_eq!(span(&found, "PERSON"), (name, name + "Anna Weber".len()), "{unit:?}");
        let message = AnonymizeRequest {
            text: Some(TEXT.into()),
            options: Some(asked),
            operator: Operator::Replace.into(),
            ..AnonymizeRequest::default()
        };
        let done = service.transform(TenantId::new(), message).await.unwrap();
        assert_eq!(done.text, "Grüße 👋 an <PERSON>, Codename <PROJECT>, Ticket <TICKET>.");
        let action = done.actions.iter().find(|action| action.r#type == "PERSON").unwrap();
        let (start, end) = (action.output_start, action.output_end);
        assert_eq!(
            (action.start, start, end - start),
            (i64::try_from(name).unwrap(), action.start, 8)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_recognizers_of_a_call_count() {
    let service = service().await;
    let found = detect(&service, options()).await;
    let by = |entity: &str| {
        let finding = found.iter().find(|finding| finding.r#type == entity).unwrap();
        (finding.recognizer.clone(), &TEXT[finding.start as usize..finding.end as usize])
    };
    assert_eq!(by("TICKET"), ("tickets".to_owned(), "PX-2041"));
    assert_eq!(by("PROJECT"), ("deny-list".to_owned(), "Eisvogel"));
    // Rules may name their types.
    let message = AnonymizeRequest {
        text: Some(TEXT.into()),
        options: Some(options()),
        rules: vec![Rule {
            r#type: "TICKET".into(),
            operator: Operator::Mask.into(),
            ..Rule::default()
        }],
        ..AnonymizeRequest::default()
    };
    let done = service.transform(TenantId::new(), message).await.unwrap();
    assert!(done.text.contains("**-****") && done.text.contains("<PROJECT_"), "{}", done.text);
    let allowed = DetectionOptions { allow_patterns: vec!["P.-[0-9]+".into()], ..options() };
    assert!(detect(&service, allowed).await.iter().all(|finding| finding.r#type != "TICKET"));
    let threshold = TypeThreshold { r#type: "TICKET".into(), min_score: 0.9 };
    let strict = DetectionOptions { thresholds: vec![threshold], ..options() };
    assert!(detect(&service, strict).await.iter().all(|finding| finding.r#type != "TICKET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policys_thresholds_count_where_the_call_has_none() {
    let service = service().await;
    let low = AdHocRecognizer { score: 0.3, ..options().ad_hoc_recognizers[0].clone() };
    let options = DetectionOptions { ad_hoc_recognizers: vec![low], ..options() };
    for (rule_score, call_score, covered) in [
        (None, 0.0, false),
        (Some(0.2), 0.0, true),
        (Some(0.2), 0.6, false),
        (Some(0.4), 0.1, false),
    ] {
        let rule = Rule {
            r#type: "TICKET".into(),
            operator: Operator::Redact.into(),
            min_score: rule_score,
            ..Rule::default()
        };
        let options = DetectionOptions { min_score: call_score, ..options.clone() };
        let message = AnonymizeRequest {
            text: Some(TEXT.into()),
            options: Some(options),
            rules: vec![rule],
            ..AnonymizeRequest::default()
        };
        let done = service.transform(TenantId::new(), message).await.unwrap();
        assert_eq!(!done.text.contains("PX-2041"), covered, "{rule_score:?} {call_score}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_say_how_they_came_about() {
    let service = service().await;
    let text = "card 4111 1111 1111 1111, Anna Weber, Ticket PX-2041";
    let explained = DetectionOptions { explain: true, ..options() };
    let message = DetectRequest { text: Some(text.into()), options: Some(explained), format: 0 };
    let answer = service.text.detect(call("Detect", TenantId::new(), message)).await;
    let findings = answer.unwrap().into_inner().findings;
    let of = |entity: &str| {
        let finding = findings.iter().find(|finding| finding.r#type == entity).unwrap();
        let explanation = finding.explanation.clone().unwrap();
        assert!((explanation.steps.last().unwrap().score - finding.score).abs() < 1e-6);
        explanation
    };
    let card = of("CREDIT_CARD");
    assert!(!card.pattern.is_empty() && !card.validator.is_empty());
    assert_eq!(of("PERSON").steps[0].step, "words");
    assert_eq!(of("TICKET").steps[0].step, "given");
    assert!(detect(&service, options()).await.iter().all(|finding| finding.explanation.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_with_its_place() {
    let service = service().await;
    for (change, field) in [
        (
            (|o| o.ad_hoc_recognizers[0].patterns = vec!["(".into()]) as fn(&mut DetectionOptions),
            "options.ad_hoc_recognizers[0].patterns[0]",
        ),
        (|o| o.deny_list[0].r#type = "no type".into(), "options.deny_list[0].type"),
        (|o| o.languages = vec!["deu".into()], "options.languages[0]"),
        (|o| o.offset_unit = 9, "options.offset_unit"),
        (|o| o.allow_patterns = vec!["[".into()], "options.allow_patterns[0]"),
    ] {
        let mut options = options();
        change(&mut options);
        let message = DetectRequest { text: Some(TEXT.into()), options: Some(options), format: 0 };
        let outcome = service.text.detect(call("Detect", TenantId::new(), message)).await;
        assert_eq!(refusal(outcome), ("INVALID_FIELD".into(), field.into()));
    }
}
