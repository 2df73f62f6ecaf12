//! Placeholders of chats: stable within a conversation, unlinkable otherwise,
//! from one secret a tenant.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::TenantId;
use proto::anonymizer::v1::AnonymizeChatRequest;
use proto::anonymizer::v1::chat_privacy_service_server::ChatPrivacyService as _;
use serde_json::{Value, json};
use tonic::Status;

use common::{Ring, Service, call, refusal};

fn chat(text: &str) -> Vec<u8> {
    json!({ "model": "m", "messages": [{ "role": "user", "content": text }] }).to_string().into()
}

async fn send(
    service: &Service,
    tenant: TenantId,
    conversation: &[u8],
    request: Vec<u8>,
) -> Result<String, Status> {
    let message =
        AnonymizeChatRequest { chat_request: request, conversation: conversation.to_vec() };
    let answer = service.chat.anonymize_chat(call("AnonymizeChat", tenant, message)).await?;
    let answer = answer.into_inner();
    let sent: Value = serde_json::from_slice(&answer.chat_request).unwrap();
    let text = sent["messages"][0]["content"].as_str().unwrap().to_owned();
    assert_eq!(pii::Mapping::from_bytes(&answer.mapping).ok().unwrap().restore(&text), TEXT);
    assert_eq!((answer.counts[0].r#type.as_str(), answer.counts[0].count), ("EMAIL_ADDRESS", 1));
    Ok(text)
}

const TEXT: &str = "Write to anna.weber@example.org today.";
const ONE: &[u8] = b"conversation one";
const TWO: &[u8] = b"conversation two";

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn one_secret_wins_the_race_of_many_processes(db: Db) {
        let ring: Arc<Ring> = Arc::default();
        let tenant = TenantId::new();
        let calls = (0..16).map(|_| {
            let service = Service::new(&db, &ring);
            tokio::spawn(async move { send(&service, tenant, ONE, chat(TEXT)).await.unwrap() })
        });
        let mut texts = HashSet::new();
        for call in calls.collect::<Vec<_>>() {
            texts.insert(call.await.unwrap());
        }
        assert_eq!(texts.len(), 1, "the same conversation, the same placeholders");
        const COUNT: &str = "SELECT count(*) FROM placeholder_secrets";
        let rows: i64 = db::sql!(db.read(), |c| sqlx::query_scalar(COUNT).fetch_one(c).await).unwrap();
        assert_eq!(rows, 1);
    }

    async fn placeholders_cannot_be_linked_across_conversations_and_tenants(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let (ours, theirs) = (TenantId::new(), TenantId::new());
        let first = send(&service, ours, ONE, chat(TEXT)).await.unwrap();
        assert_eq!(send(&service, ours, ONE, chat(TEXT)).await.unwrap(), first);
        assert_ne!(send(&service, ours, TWO, chat(TEXT)).await.unwrap(), first);
        assert_ne!(send(&service, theirs, ONE, chat(TEXT)).await.unwrap(), first);
        let reread = Service::new(&db, &Arc::default());
        let lost = send(&reread, ours, ONE, chat(TEXT)).await;
        assert!(lost.is_err(), "without the tenant's KEK the secret is gone");
    }

    async fn what_is_not_understood_is_named_and_nothing_is_given_out(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let unknown = json!({ "model": "m", "messages": [{ "role": "user", "content": "x", "secret": "y" }] });
        for (request, conversation, reason, field) in [
            (unknown.to_string(), ONE, "CHAT_REQUEST_UNSUPPORTED", "messages[0].secret"),
            ("{".into(), ONE, "CHAT_REQUEST_UNSUPPORTED", "body"),
            (r#"{"model":"m"}"#.into(), ONE, "CHAT_REQUEST_UNSUPPORTED", "messages"),
            (String::new(), ONE, "INVALID_FIELD", "chat_request"),
            (" ".repeat(4 * 1024 * 1024 + 1), ONE, "INVALID_FIELD", "chat_request"),
            ("{}".into(), &b"too short"[..], "INVALID_FIELD", "conversation"),
        ] {
            let refused = refusal(send(&service, tenant, conversation, request.clone().into()).await);
            assert_eq!(refused, (reason.to_owned(), field.to_owned()), "{:.40}", request);
        }
    }
}
