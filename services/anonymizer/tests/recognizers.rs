//! Recognizers of a tenant's own: what is refused, who uses them and when, how they are kept.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::TenantId;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::recognizer_service_server::RecognizerService as _;
use proto::anonymizer::v1::{
    AddEntriesRequest, AnonymizeRequest, CreateRecognizerRequest, DeleteRecognizerRequest,
    DetectRequest, DetectionOptions, GetRecognizerRequest, ListStoredRecognizersRequest, Operator,
    Rule, StoredRecognizer, TryRecognizerRequest, UpdateRecognizerRequest,
};
use tonic::{Response, Status};

use common::{Ring, Service, call, refusal};

const TEXT: &str = "Staff S-12345 works on Zephyr  blue and ZEPHYR.";

fn pattern(name: &str, digits: u8) -> String {
    format!(
        "name = '{name}'\ntype = 'STAFF_NUMBER'\ndescription = 'Staff'\ncontext = ['staff']\n\
         context_required = true\nexamples = ['staff [[S-{}]]']\ncounter_examples = ['part S-12345']\n\
         [[pattern]]\nregex = '''S-[0-9]{{{digits}}}'''\nscore = 0.4\n",
        "7".repeat(digits.into())
    )
}

fn words(always: bool) -> String {
    format!(
        "name = 'projects'\ntype = 'PROJECT'\nalways = {always}\nexamples = ['on [[Zephyr]]']\n[dictionary]\n"
    )
}

fn entries(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

async fn create(
    service: &Service,
    tenant: TenantId,
    document: String,
    entries: Vec<String>,
) -> Result<StoredRecognizer, Status> {
    let recognizer = Some(StoredRecognizer { document, entries, ..Default::default() });
    let request = call("CreateRecognizer", tenant, CreateRecognizerRequest { recognizer });
    let answer = service.recognizer.create_recognizer(request).await?;
    Ok(answer.into_inner().recognizer.unwrap())
}

async fn update(
    service: &Service,
    tenant: TenantId,
    etag: &str,
    document: String,
) -> Result<StoredRecognizer, Status> {
    let name = document.split('\'').nth(1).map(|id| format!("recognizers/{id}")).unwrap();
    let etag = etag.to_owned();
    let recognizer = Some(StoredRecognizer { name, etag, document, ..Default::default() });
    let request = call("UpdateRecognizer", tenant, UpdateRecognizerRequest { recognizer });
    let answer = service.recognizer.update_recognizer(request).await?;
    Ok(answer.into_inner().recognizer.unwrap())
}

async fn extend(
    service: &Service,
    tenant: TenantId,
    more: &[&str],
) -> Result<StoredRecognizer, Status> {
    let name = "recognizers/projects".to_owned();
    let message = AddEntriesRequest { name, etag: String::new(), entries: entries(more) };
    let answer = service.recognizer.add_entries(call("AddEntries", tenant, message)).await?;
    Ok(answer.into_inner().recognizer.unwrap())
}

async fn delete(service: &Service, tenant: TenantId, name: &str) -> Result<(), Status> {
    let message = DeleteRecognizerRequest { name: name.to_owned(), etag: String::new() };
    service.recognizer.delete_recognizer(call("DeleteRecognizer", tenant, message)).await.map(drop)
}

async fn get(service: &Service, tenant: TenantId, name: &str) -> Result<StoredRecognizer, Status> {
    let message = GetRecognizerRequest { name: name.to_owned() };
    let answer = service.recognizer.get_recognizer(call("GetRecognizer", tenant, message)).await;
    answer.map(|answer| answer.into_inner().recognizer.unwrap())
}

/// Type, recognizer and text of what is found.
async fn found(
    service: &Service,
    tenant: TenantId,
    names: &[&str],
) -> Result<Vec<(String, String, String)>, Status> {
    let recognizers = entries(names);
    let options = Some(DetectionOptions { recognizers, ..Default::default() });
    let message = DetectRequest { text: Some(TEXT.to_owned()), options, ..Default::default() };
    let answer = service.text.detect(call("Detect", tenant, message)).await;
    let own = |kind: &str| ["STAFF_NUMBER", "PROJECT"].contains(&kind);
    let findings = answer.map(Response::into_inner)?.findings.into_iter();
    Ok(findings
        .filter(|finding| own(&finding.r#type))
        .map(|finding| {
            let range =
                usize::try_from(finding.start).unwrap()..usize::try_from(finding.end).unwrap();
            (finding.r#type, finding.recognizer, TEXT[range].to_owned())
        })
        .collect())
}

fn one(kind: &str, by: &str, text: &str) -> (String, String, String) {
    (kind.to_owned(), by.to_owned(), text.to_owned())
}

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn a_recognizer_is_used_by_name_and_revision(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let made = create(&service, tenant, pattern("staff", 4), Vec::new()).await.unwrap();
        assert_eq!((made.name.as_str(), made.revision, made.etag.as_str(), made.r#type.as_str()), ("recognizers/staff", 1, "r1", "STAFF_NUMBER"));
        assert!(made.document.is_empty() && !made.always && made.entry_count == 0);
        assert!(found(&service, tenant, &["recognizers/staff"]).await.unwrap().is_empty(), "four digits");
        assert_eq!(refusal(update(&service, tenant, "r9", pattern("staff", 5)).await).0, "ETAG_MISMATCH");
        assert_eq!(update(&service, tenant, "r1", pattern("staff", 5)).await.unwrap().revision, 2);
        assert_eq!(found(&service, tenant, &["recognizers/staff"]).await.unwrap(), [one("STAFF_NUMBER", "recognizers/staff@2", "S-12345")]);
        assert!(found(&service, tenant, &["recognizers/staff@1"]).await.unwrap().is_empty());
        assert!(found(&service, tenant, &[]).await.unwrap().is_empty());
        assert_eq!(get(&service, tenant, "recognizers/staff@1").await.unwrap().document, pattern("staff", 4));
        let rule = Rule { r#type: "STAFF_NUMBER".into(), operator: Operator::Redact.into(), ..Rule::default() };
        let options = Some(DetectionOptions { recognizers: entries(&["recognizers/staff"]), ..Default::default() });
        let message = AnonymizeRequest { text: Some(TEXT.into()), options, rules: vec![rule], ..Default::default() };
        assert!(service.transform(tenant, message).await.unwrap().text.starts_with("Staff  works on"));
        for wrong in ["recognizers/staff@3", "recognizers/none", "staff", "recognizers/staff@0"] {
            assert_eq!(refusal(found(&service, tenant, &[wrong]).await), ("INVALID_FIELD".into(), "options.recognizers[0]".into()), "{wrong}");
        }
        let kinds: Vec<_> = service.events().await.iter().map(|event| event.r#type.clone()).collect();
        assert_eq!(kinds, ["dev.signet.anonymizer.recognizer.created", "dev.signet.anonymizer.recognizer.updated"]);
    }

    async fn a_dictionary_that_is_always_on_needs_no_name(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let made = create(&service, tenant, words(true), entries(&["Zephyr", "zephyr", " Apollo"])).await.unwrap();
        assert_eq!((made.always, made.entry_count), (true, 2));
        let by = |revision: u8, texts: &[&str]| -> Vec<_> {
            texts.iter().map(|text| one("PROJECT", &format!("recognizers/projects@{revision}"), text)).collect()
        };
        assert_eq!(found(&service, tenant, &[]).await.unwrap(), by(1, &["Zephyr", "ZEPHYR"]));
        assert_eq!(extend(&service, tenant, &["Zephyr Blue"]).await.unwrap().entry_count, 3);
        assert_eq!(found(&service, tenant, &[]).await.unwrap(), by(2, &["Zephyr  blue", "ZEPHYR"]));
        // A call that names a revision gets that one alone.
        assert_eq!(found(&service, tenant, &["recognizers/projects@1"]).await.unwrap(), by(1, &["Zephyr", "ZEPHYR"]));
        assert!(found(&service, TenantId::new(), &[]).await.unwrap().is_empty(), "another tenant's");
        delete(&service, tenant, "recognizers/projects").await.unwrap();
        assert!(found(&service, tenant, &[]).await.unwrap().is_empty());
        assert_eq!(refusal(extend(&service, tenant, &["x"]).await).0, "RESOURCE_NOT_FOUND");
    }

    async fn another_instance_knows_within_a_second(db: Db) {
        let ring: Arc<Ring> = Arc::default();
        let (one, other) = (Service::new(&db, &ring), Service::new(&db, &ring));
        let tenant = TenantId::new();
        assert!(found(&other, tenant, &[]).await.unwrap().is_empty());
        create(&one, tenant, words(true), entries(&["Zephyr"])).await.unwrap();
        assert_eq!(found(&other, tenant, &["recognizers/projects"]).await.unwrap().len(), 2, "at once by name");
        delete(&one, tenant, "recognizers/projects").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        assert!(found(&other, tenant, &[]).await.unwrap().is_empty());
        assert_eq!(refusal(found(&other, tenant, &["recognizers/projects@1"]).await).1, "options.recognizers[0]");
        // The name goes on counting.
        assert_eq!(create(&one, tenant, words(false), entries(&["Zephyr"])).await.unwrap().revision, 2);
    }

    async fn of_many_who_add_each_adds_one_revision(db: Db) {
        let ring: Arc<Ring> = Arc::default();
        let tenant = TenantId::new();
        create(&Service::new(&db, &ring), tenant, words(false), entries(&["Zephyr"])).await.unwrap();
        let calls = (0..4).map(|at| {
            let service = Service::new(&db, &ring);
            tokio::spawn(async move { extend(&service, tenant, &[&format!("entry {at}")]).await.unwrap().entry_count })
        });
        let mut seen = HashSet::new();
        for call in calls.collect::<Vec<_>>() {
            seen.insert(call.await.unwrap());
        }
        assert_eq!(seen, HashSet::from([2, 3, 4, 5]));
    }

    async fn what_is_stored_is_encrypted_and_listed_without_it(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        create(&service, tenant, words(false), entries(&["Zephyr"])).await.unwrap();
        create(&service, tenant, pattern("staff", 5), Vec::new()).await.unwrap();
        let raw: Vec<(Vec<u8>, Option<Vec<u8>>)> = db::sql!(db.read(), |c| sqlx::query_as("SELECT document, entries FROM recognizer_revisions").fetch_all(c).await).unwrap();
        for (document, entries) in raw {
            let bytes = [document, entries.unwrap_or_default()].concat();
            for known in [b"zephyr".as_slice(), b"Zephyr", b"S-[0-9]", b"staff"] {
                assert!(!bytes.windows(known.len()).any(|window| window == known));
            }
        }
        let mut names = Vec::new();
        let mut page_token = String::new();
        loop {
            let message = ListStoredRecognizersRequest { page_size: 1, page_token };
            let page = service.recognizer.list_stored_recognizers(call("ListStoredRecognizers", tenant, message)).await.unwrap().into_inner();
            names.extend(page.recognizers.into_iter().map(|known| (known.name, known.document)));
            page_token = page.next_page_token;
            if page_token.is_empty() { break; }
        }
        assert_eq!(names, [("recognizers/projects".to_owned(), String::new()), ("recognizers/staff".to_owned(), String::new())]);
        assert_eq!(refusal(get(&service, TenantId::new(), "recognizers/staff").await).0, "RESOURCE_NOT_FOUND");
        assert!(!format!("{:?}", service.events().await).contains("ephyr"));
    }

    async fn what_is_not_as_it_says_is_not_stored(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        for (document, given, field, why) in [
            (String::new(), vec![], "recognizer.document", "missing field"),
            (pattern("Staff", 5), vec![], "recognizer.document", "name must be"),
            (pattern("staff", 5).replace("STAFF_", "staff_"), vec![], "recognizer.document", "type must be"),
            (pattern("staff", 5).replace("S-77777", "T-77777"), vec![], "recognizer.document", "examples[0] is not found"),
            (pattern("staff", 5).replace("part S", "staff S"), vec![], "recognizer.document", "counter_examples[0] holds"),
            (pattern("staff", 5).replace("S-[0-9]", "(S-[0-9]"), vec![], "recognizer.document", "pattern[0].regex is no regular expression"),
            (pattern("staff", 5).replace("S-[0-9]", "(?=S)[0-9]"), vec![], "recognizer.document", "pattern[0].regex is no regular expression"),
            (pattern("staff", 5).replace("[0-9]", "\\w{999}"), vec![], "recognizer.document", "too large"),
            (pattern("staff", 5) + "validator = 'none'\n", vec![], "recognizer.document", "pattern[0].validator names no"),
            (pattern("staff", 5) + "shape = 1\n", vec![], "recognizer.document", "unknown field"),
            (pattern("staff", 5), vec!["x"], "recognizer.entries", "dictionary"),
            (words(false), vec![], "recognizer.entries", "different entries"),
            (words(false), vec!["Zephyr", " "], "recognizer.entries[1]", "1 to 256 bytes"),
            (words(false), vec!["Apollo"], "recognizer.document", "examples[0] is not found"),
        ] {
            let refused = create(&service, tenant, document, entries(&given)).await.err().unwrap();
            let details = tonic_types::StatusExt::get_error_details(&refused);
            let violation = &details.bad_request().unwrap().field_violations[0];
            assert_eq!(violation.field, field, "{why}");
            assert!(violation.description.contains(why), "{} has no {why}", violation.description);
        }
        assert!(service.events().await.is_empty());
        create(&service, tenant, words(false), entries(&["Zephyr"])).await.unwrap();
        assert_eq!(refusal(create(&service, tenant, words(false), entries(&["Zephyr"])).await).0, "RESOURCE_EXISTS");
    }

    async fn one_is_tried_without_being_stored(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let message = TryRecognizerRequest { document: words(false), entries: entries(&["Zephyr"]), sample: TEXT.into(), offset_unit: 0 };
        let done = service.recognizer.try_recognizer(call("TryRecognizer", TenantId::new(), message)).await.unwrap().into_inner();
        let spans: Vec<_> = done.findings.iter().map(|finding| (finding.r#type.as_str(), finding.start)).collect();
        assert_eq!(spans, [("PROJECT", 23), ("PROJECT", 40)]);
        let message = TryRecognizerRequest { document: "x".into(), ..Default::default() };
        let refused = service.recognizer.try_recognizer(call("TryRecognizer", TenantId::new(), message)).await;
        assert_eq!(refusal(refused), ("INVALID_FIELD".into(), "document".into()));
    }
}
