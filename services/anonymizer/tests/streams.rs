//! Texts of any size and many small ones: nothing is lost between parts, everything comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;

use anonymizer::application::streams::{Anonymizing, RestoreStream, TextStream};
use anonymizer::application::texts::Search;
use boot::Service as _;
use db::Db;
use detection::offsets::Unit;
use detection::{Asked, Wishes};
use kernel::{Fault, Result, TenantId};
use proto::Role;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::{
    BatchAnonymizeRequest, BatchDetectRequest, BatchRestoreRequest, RestoreRequest, Rule,
    batch_anonymize_result, batch_restore_result,
};
use rpc::Cx;
use transform::Policy;

use common::{Service, call, call_as, refusal};

const LINES: usize = 2_500;

fn cx(method: &str, tenant: TenantId) -> Cx {
    // Who may open tokens may do the rest, too.
    call_as(Role::Restorer, method, tenant, ()).extensions_mut().remove::<Cx>().unwrap()
}

/// 200 KB: one address that is everywhere, and one of each line.
fn text() -> String {
    let line = |at: usize| {
        format!(
            "Grüße an anna.weber@example.org, not to user{at}@example.net, {}.\n",
            "so ".repeat(at % 9)
        )
    };
    (0..LINES).map(line).collect()
}

fn policy(service: &Service, operator: &str) -> Arc<Policy> {
    let document = format!(r#"{{"name":"p","version":1,"default":{{"operator":"{operator}"}}}}"#);
    Arc::new(Policy::parse(&document, service.text.engine.types()).unwrap())
}

fn search(service: &Service) -> Search {
    let wishes = Wishes::new(&service.text.engine, &Asked::default()).unwrap();
    Search::of_text(wishes, Unit::CodePoints, false)
}

async fn stream(
    service: &Service,
    tenant: TenantId,
    operator: &str,
) -> Result<TextStream<Anonymizing>> {
    let (search, policy) = (search(service), policy(service, operator));
    let cx = cx("AnonymizeStream", tenant);
    service.text.texts.anonymize_stream(&cx, search, &policy, String::new()).await
}

/// The new text and its mapping; every place that was told is right.
async fn anonymized(
    mut stream: TextStream<Anonymizing>,
    text: &str,
    size: usize,
) -> Result<(String, Vec<u8>)> {
    let mut new = String::new();
    let mut actions = Vec::new();
    for piece in text.as_bytes().chunks(size) {
        stream.push(piece)?;
        while let Some(piece) = stream.next().await? {
            new.push_str(&piece.text);
            actions.extend(piece.changes);
        }
    }
    stream.end()?;
    while let Some(piece) = stream.next().await? {
        new.push_str(&piece.text);
        actions.extend(piece.changes);
    }
    let (old_points, new_points): (Vec<char>, Vec<char>) =
        (text.chars().collect(), new.chars().collect());
    for action in &actions {
        let original: String = old_points[action.range.clone()].iter().collect();
        let became: String = new_points[action.output.clone()].iter().collect();
        assert!(original.contains('@'), "{original}");
        assert!(became.contains("EMAIL_ADDRESS"), "{became}");
    }
    assert_eq!(actions.len(), 2 * LINES);
    Ok((new, stream.mapping().await?))
}

async fn restored(mut stream: RestoreStream, text: &str, size: usize) -> Result<String> {
    let mut back = String::new();
    for piece in text.as_bytes().chunks(size) {
        stream.push(piece).await?;
        back.extend(std::iter::from_fn(|| stream.certain()));
    }
    stream.end().await?;
    back.extend(std::iter::from_fn(|| stream.certain()));
    back.push_str(&stream.last()?);
    Ok(back)
}

async fn service() -> Service {
    let db = db::testing::sqlite(anonymizer::Anonymizer::migrations()).await;
    Service::new(&db, &Arc::default())
}

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn every_text_comes_back(db: Db) {
        round_trips(db).await;
    }

    async fn what_cannot_be_recorded_is_not_restored(db: Db) {
        let (service, tenant) = (Service::new(&db, &Arc::default()), TenantId::new());
        db::sql!(db.write(), |c| sqlx::query("DROP TABLE outbox").execute(c).await.map(drop)).unwrap();
        let refused = service.text.texts.restore_stream(&cx("RestoreStream", tenant), &[]).await;
        assert!(refused.is_err());
    }
}

async fn round_trips(db: Db) {
    let service = Service::new(&db, &Arc::default());
    let (tenant, text) = (TenantId::new(), text());
    for (operator, size) in
        [("placeholder", 1_013), ("encrypt", 65_536), ("placeholder", 9_999_999)]
    {
        let made = stream(&service, tenant, operator).await.unwrap();
        let (new, mapping) = anonymized(made, &text, size).await.unwrap();
        assert!(!new.contains("@example"), "{operator}");
        assert_eq!(mapping.is_empty(), operator != "placeholder");
        if operator == "placeholder" {
            // One subject, one placeholder, in all parts.
            let first = new.split_whitespace().nth(2).unwrap();
            assert_eq!(new.matches(first).count(), LINES);
        }
        for size in [777, 1 << 20] {
            let recorded = service.events().await.len();
            let own = cx("RestoreStream", tenant);
            let stream = service.text.texts.restore_stream(&own, &mapping).await.unwrap();
            assert_eq!(service.events().await.len(), recorded + 1, "before anything leaves");
            assert_eq!(restored(stream, &new, size).await.unwrap(), text, "{operator}");
        }
        // Of another tenant: refused, or nothing opens.
        let other = cx("RestoreStream", TenantId::new());
        match service.text.texts.restore_stream(&other, &mapping).await {
            Err(fault) => assert_eq!(fault.reason().code, "MAPPING_INVALID"),
            Ok(stream) => {
                let back = restored(stream, &new, 4_096).await.unwrap();
                assert!(operator != "placeholder" && back == new);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stream_cannot_do_is_said() {
    let service = service().await;
    let tenant = TenantId::new();
    let field = |fault: &Fault| fault.violations()[0].field.clone();
    let formats = stream(&service, tenant, "format_preserving").await.err().unwrap();
    assert_eq!(field(&formats), "policy");
    let dates = r#"{"name":"p","version":1,"default":{"operator":"date_shift","days":9,"otherwise":{"operator":"redact"}}}"#;
    let dates = Arc::new(Policy::parse(dates, service.text.engine.types()).unwrap());
    let cx = cx("AnonymizeStream", tenant);
    let texts = &service.text.texts;
    let dates = texts.anonymize_stream(&cx, search(&service), &dates, String::new()).await;
    assert_eq!(field(&dates.err().unwrap()), "subject");
    let mut bytes = stream(&service, tenant, "placeholder").await.unwrap();
    assert_eq!(field(&bytes.push(b"ab\xff").unwrap_err()), "text");
    let mut bytes = stream(&service, tenant, "placeholder").await.unwrap();
    bytes.push("ü".as_bytes().split_at(1).0).unwrap();
    assert_eq!(field(&bytes.end().unwrap_err()), "text");
    // Originals of 5 MB do not fit one mapping.
    let mut large = stream(&service, tenant, "placeholder").await.unwrap();
    let mut refused = None;
    for at in 0..400 {
        let urls: String = (0..16)
            .map(|n| format!("see https://x{at}.example/{n}/{} .\n", "p".repeat(1_000)))
            .collect();
        large.push(urls.as_bytes()).unwrap();
        match large.next().await {
            Ok(_) => {}
            Err(fault) => {
                refused = Some(fault.reason().code);
                break;
            }
        }
    }
    assert_eq!(refused, Some("MAPPING_TOO_LARGE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_texts_in_one_call() {
    let service = service().await;
    let tenant = TenantId::new();
    let texts: Vec<String> =
        ["Mail anna.weber@example.org.", "", "To anna.weber@example.org, from 10.1.2.3."]
            .map(Into::into)
            .into();
    let message = BatchDetectRequest { texts: texts.clone(), ..BatchDetectRequest::default() };
    let found = service.text.batch_detect(call("BatchDetect", tenant, message)).await.unwrap();
    let counts: Vec<_> = found.into_inner().results.iter().map(|one| one.findings.len()).collect();
    assert_eq!(counts, [1, 0, 2]);

    let message =
        BatchAnonymizeRequest { texts: texts.clone(), ..BatchAnonymizeRequest::default() };
    let done = service.text.batch_anonymize(call("BatchAnonymize", tenant, message)).await.unwrap();
    let done: Vec<_> = done
        .into_inner()
        .results
        .into_iter()
        .map(|one| match one.outcome {
            Some(batch_anonymize_result::Outcome::Anonymized(done)) => done,
            _ => panic!("refused"),
        })
        .collect();
    let placeholder = done[0].text.split_whitespace().nth(1).unwrap().trim_end_matches('.');
    assert!(placeholder.starts_with("<EMAIL_ADDRESS_") && done[2].text.contains(placeholder));
    assert!(done[1].mapping.is_empty());
    let mut requests: Vec<_> = done
        .iter()
        .map(|one| RestoreRequest {
            text: Some(one.text.clone()),
            mapping: one.mapping.clone(),
            format: 0,
        })
        .collect();
    // Without a mapping there is nothing to restore: its own error, in its own place.
    requests[1] = RestoreRequest { text: None, mapping: vec![1], format: 0 };
    let message = BatchRestoreRequest { requests };
    let back = service.text.batch_restore(call("BatchRestore", tenant, message)).await.unwrap();
    let back: Vec<_> = back
        .into_inner()
        .results
        .into_iter()
        .map(|one| match one.outcome {
            Some(batch_restore_result::Outcome::Restored(restored)) => restored.text,
            Some(batch_restore_result::Outcome::Error(status)) => format!("code {}", status.code),
            None => String::new(),
        })
        .collect();
    assert_eq!(back, [texts[0].as_str(), "code 3", texts[2].as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_does_not_fit_leaves_the_others_alone() {
    let service = service().await;
    let rule = Rule {
        r#type: "IP_ADDRESS".into(),
        operator: 10,
        width: Some(10),
        otherwise_refuse: true,
        ..Rule::default()
    };
    let message = BatchAnonymizeRequest {
        texts: vec!["from 10.1.2.3".into(), "anna.weber@example.org".into()],
        rules: vec![rule],
        ..BatchAnonymizeRequest::default()
    };
    let done = service.text.batch_anonymize(call("BatchAnonymize", TenantId::new(), message)).await;
    let results = done.unwrap().into_inner().results;
    assert!(matches!(results[0].outcome, Some(batch_anonymize_result::Outcome::Error(_))));
    assert!(matches!(results[1].outcome, Some(batch_anonymize_result::Outcome::Anonymized(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_bounded() {
    let service = service().await;
    let tenant = TenantId::new();
    for texts in [Vec::new(), vec![String::new(); 1_001], vec!["x".repeat(600_000); 2]] {
        let message = BatchDetectRequest { texts: texts.clone(), ..BatchDetectRequest::default() };
        let refused = service.text.batch_detect(call("BatchDetect", tenant, message)).await;
        assert_eq!(refusal(refused), ("INVALID_FIELD".to_owned(), "texts".to_owned()));
        let message = BatchAnonymizeRequest { texts, ..BatchAnonymizeRequest::default() };
        let refused = service.text.batch_anonymize(call("BatchAnonymize", tenant, message)).await;
        assert_eq!(refusal(refused), ("INVALID_FIELD".to_owned(), "texts".to_owned()));
    }
    let message = BatchRestoreRequest::default();
    let refused = service.text.batch_restore(call("BatchRestore", tenant, message)).await;
    assert_eq!(refusal(refused), ("INVALID_FIELD".to_owned(), "requests".to_owned()));
    let missing = proto::anonymizer::v1::DetectRequest::default();
    let refused = service.text.detect(call("Detect", tenant, missing)).await;
    assert_eq!(refusal(refused), ("INVALID_FIELD".to_owned(), "text".to_owned()));
}
