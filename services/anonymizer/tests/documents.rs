//! Documents, as a caller sees them: what becomes of their values, and the way back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::TenantId;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::{
    AnonymizeRequest, AnonymizeResponse, DetectRequest, DetectionOptions, DocumentFormat,
    FieldRule, Operator, RestoreRequest, Rule,
};
use tonic::Status;

use common::{Service, call, refusal};

const JSON: &str = "{\r\n  \"customer\": {\"firstName\": \"Zo\\u00eb\", \"ssn\": 536228145},\r\n  \
    \"note\": \"Anna Weber said \\\"write to anna.weber@example.org\\\"\", \"rate\": 1.50\r\n}\r\n";
const CSV: &str = "id;iban;note\r\n1;DE89 3704 0044 0532 0130 00;\"for \"\"Anna Weber\"\"\"\r\n";

fn of(text: &str, format: DocumentFormat, operator: Operator) -> AnonymizeRequest {
    AnonymizeRequest {
        text: Some(text.to_owned()),
        format: format.into(),
        operator: operator.into(),
        ..AnonymizeRequest::default()
    }
}

async fn back(
    service: &Service,
    tenant: TenantId,
    done: &AnonymizeResponse,
    format: DocumentFormat,
) -> Result<String, Status> {
    let (text, mapping) = (Some(done.text.clone()), done.mapping.clone());
    let message = RestoreRequest { text, mapping, format: format.into() };
    let restored = service.text.restore(call("Restore", tenant, message)).await?;
    Ok(restored.into_inner().text)
}

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn a_document_comes_back_byte_for_byte(db: Db) {
        let (service, tenant) = (Service::new(&db, &Arc::default()), TenantId::new());
        for (text, format) in [(JSON, DocumentFormat::Json), (CSV, DocumentFormat::Csv)] {
            for operator in [Operator::Placeholder, Operator::Encrypt] {
                let done = service.transform(tenant, of(text, format, operator)).await.unwrap();
                for original in ["Anna", "Weber", "536228145", "DE89", "example.org"] {
                    assert!(!done.text.contains(original), "{original}");
                }
                for action in &done.actions {
                    let output = usize::try_from(action.output_start).unwrap()
                        ..usize::try_from(action.output_end).unwrap();
                    assert!(done.text[output].contains(&action.r#type), "{action:?}");
                }
                let restored = back(&service, tenant, &done, DocumentFormat::Unspecified).await;
                // Tokens that need no mapping do not say what the text is.
                if done.mapping.is_empty() {
                    assert_eq!(back(&service, tenant, &done, format).await.unwrap(), text);
                } else {
                    assert_eq!(restored.unwrap(), text);
                }
            }
        }
    }
}

async fn service() -> Service {
    let db = db::testing::sqlite(anonymizer::Anonymizer::migrations()).await;
    Service::new(&db, &Arc::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_altered_comes_back_with_the_same_values() {
    let (service, tenant) = (service().await, TenantId::new());
    let json = DocumentFormat::Json;
    let mut done = service.transform(tenant, of(JSON, json, Operator::Placeholder)).await.unwrap();
    done.text = done.text.replace("\"rate\"", "\"price\"");
    let restored = back(&service, tenant, &done, json).await.unwrap();
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (was, is) = (read(JSON), read(&restored));
    assert_eq!(
        (&is["note"], &is["customer"]["firstName"]),
        (&was["note"], &was["customer"]["firstName"])
    );
    assert_eq!(is["customer"]["ssn"], "536228145");

    let rules = vec![Rule {
        operator: Operator::FormatPreserving.into(),
        otherwise: Operator::Placeholder.into(),
        ..Rule::default()
    }];
    let message = AnonymizeRequest { rules, ..of(JSON, json, Operator::Unspecified) };
    let mut done = service.transform(tenant, message).await.unwrap();
    assert_eq!(back(&service, tenant, &done, json).await.unwrap(), JSON);
    let refused = back(&service, tenant, &done, DocumentFormat::Csv).await;
    assert_eq!(refusal(refused), ("INVALID_FIELD".into(), "format".into()));
    done.text.push(' ');
    let refused = back(&service, tenant, &done, json).await;
    assert_eq!(refusal(refused), ("INVALID_FIELD".into(), "text".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_what_the_caller_says() {
    let (service, tenant) = (service().await, TenantId::new());
    let field = |path: &str, entity: &str| FieldRule {
        path: path.to_owned(),
        r#type: entity.to_owned(),
        exclude: entity.is_empty(),
    };
    let fields = vec![field("$.note", ""), field("$..ref", "OUR_REFERENCE")];
    let options = Some(DetectionOptions { fields, explain: true, ..DetectionOptions::default() });
    let text = r#"{"note": "Anna Weber", "ref": "x-1", "mail": "a@example.org"}"#;
    let rules = vec![
        Rule { r#type: "OUR_REFERENCE".into(), operator: Operator::Mask.into(), ..Rule::default() },
        Rule { operator: Operator::Replace.into(), ..Rule::default() },
    ];
    let message = AnonymizeRequest {
        options: options.clone(),
        rules,
        ..of(text, DocumentFormat::Json, Operator::Unspecified)
    };
    let done = service.transform(tenant, message).await.unwrap();
    let expected = r#"{"note": "Anna Weber", "ref": "*-*", "mail": "<EMAIL_ADDRESS>"}"#;
    assert_eq!(done.text, expected);

    let message =
        DetectRequest { text: Some(text.into()), options, format: DocumentFormat::Json.into() };
    let found = service.text.detect(call("Detect", tenant, message)).await.unwrap().into_inner();
    let found: Vec<_> =
        found.findings.iter().map(|one| (one.r#type.as_str(), one.recognizer.as_str())).collect();
    assert_eq!(found, [("OUR_REFERENCE", "field"), ("EMAIL_ADDRESS", "email")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_one_conversation_share_their_placeholders() {
    let (service, tenant) = (service().await, TenantId::new());
    let mut made = Vec::new();
    for conversation in [vec![1; 16], vec![1; 16], vec![2; 16], vec![]] {
        let message = AnonymizeRequest {
            conversation,
            ..of("[\"anna.weber@example.org\"]", DocumentFormat::Json, Operator::Placeholder)
        };
        made.push(service.transform(tenant, message).await.unwrap().text);
    }
    assert_eq!(made[0], made[1]);
    assert!(made[2] != made[0] && made[3] != made[0] && made[2] != made[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let (service, tenant) = (service().await, TenantId::new());
    let field = |path: &str, entity: &str, exclude| FieldRule {
        path: path.to_owned(),
        r#type: entity.to_owned(),
        exclude,
    };
    let json = DocumentFormat::Json;
    for (text, format, fields, name) in [
        ("{\"a\": \"Anna Weber\"", json, vec![], "text"),
        ("a,\"b", DocumentFormat::Csv, vec![], "text"),
        (&",".repeat(300_001), DocumentFormat::Csv, vec![], "text"),
        ("no header\n\n", DocumentFormat::Email, vec![], "text"),
        ("x", DocumentFormat::Text, vec![field("$.a", "PERSON", false)], "options.fields"),
        (
            "{}",
            json,
            vec![field("$.a", "", true), field("a", "PERSON", false)],
            "options.fields[1].path",
        ),
        ("{}", json, vec![field("$.a", "a b", false)], "options.fields[0].type"),
        ("{}", json, vec![field("$.a", "PERSON", true)], "options.fields[0]"),
        ("{}", json, vec![field("$.a", "", true); 101], "options.fields"),
    ] {
        let options = Some(DetectionOptions { fields, ..DetectionOptions::default() });
        let message = AnonymizeRequest { options, ..of(text, format, Operator::Placeholder) };
        let refused = refusal(service.transform(tenant, message).await);
        assert_eq!(refused, ("INVALID_FIELD".to_owned(), name.to_owned()), "{format:?}");
    }
    for (format, conversation, name) in [(99, vec![], "format"), (0, vec![1; 15], "conversation")] {
        let text = Some("x".to_owned());
        let message =
            AnonymizeRequest { text, format, conversation, ..AnonymizeRequest::default() };
        let refused = refusal(service.transform(tenant, message).await);
        assert_eq!(refused, ("INVALID_FIELD".to_owned(), name.to_owned()));
    }
    // What would be another document is not given out.
    let with = Some("[1]".to_owned());
    let rules = vec![Rule { operator: Operator::Replace.into(), with, ..Rule::default() }];
    let text = "[\"anna.weber@example.org\"]";
    let message = AnonymizeRequest { rules, ..of(text, json, Operator::Unspecified) };
    assert_eq!(refusal(service.transform(tenant, message).await).0, "OPERATOR_UNFIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_vault_comes_back_by_way_of_it_only() {
    let (service, tenant) = (service().await, TenantId::new());
    let rules = vec![
        Rule { r#type: "US_SSN".into(), operator: Operator::Tokenize.into(), ..Rule::default() },
        Rule {
            r#type: "EMAIL_ADDRESS".into(),
            operator: Operator::Tokenize.into(),
            ..Rule::default()
        },
    ];
    let json = DocumentFormat::Json;
    let message = AnonymizeRequest { rules, ..of(JSON, json, Operator::Unspecified) };
    let done = service.transform(tenant, message).await.unwrap();
    assert!(!done.text.contains("536228145") && !done.text.contains("example.org"));
    assert_eq!(refusal(back(&service, tenant, &done, json).await).0, "NOT_ALLOWED");
    let (text, mapping) = (Some(done.text.clone()), done.mapping.clone());
    let message = RestoreRequest { text, mapping, format: 0 };
    let call = common::call_as(proto::Role::Restorer, "Restore", tenant, message);
    let restored = service.text.restore(call).await.unwrap().into_inner();
    // The number had to become a string; the vault keeps values, not how they were written.
    assert_eq!(restored.text, JSON.replace("536228145", "\"536228145\""));
    assert_eq!(restored.unopened_tokens, 0);
}
