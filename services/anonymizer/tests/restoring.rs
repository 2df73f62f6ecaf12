//! What restores a text: whose it is, what is recorded, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::TenantId;
use proto::anonymizer::v1::Operator;
use proto::audit::v1::Outcome;

use common::{Ring, Service, refusal};

const TEXT: &str = "Dear Anna Weber, call +49 30 901820 or write to anna.weber@example.org.";

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn a_text_comes_back_byte_for_byte_and_that_is_recorded(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = service.anonymize(tenant, TEXT, Operator::Unspecified).await.unwrap();
        for original in ["Anna", "Weber", "901820", "example.org"] {
            assert!(!done.text.contains(original), "{original}");
            assert!(!done.mapping.windows(original.len()).any(|w| w == original.as_bytes()));
        }
        assert!(service.events().await.is_empty(), "nothing personal has left");
        assert_eq!(service.restore(tenant, &done.text, &done.mapping).await.unwrap(), TEXT);
        let events = service.events().await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].r#type, "dev.signet.anonymizer.text.restored");
        assert_eq!(events[0].outcome(), Outcome::Success);
        assert!(events[0].subject.starts_with("mappings/"));
    }

    async fn a_foreign_or_altered_mapping_is_invalid_and_that_is_recorded(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = service.anonymize(tenant, TEXT, Operator::Placeholder).await.unwrap();
        let foreign = service.restore(TenantId::new(), &done.text, &done.mapping).await;
        assert_eq!(refusal(foreign), ("MAPPING_INVALID".into(), String::new()));
        let events = service.events().await;
        assert_eq!(events[0].r#type, "dev.signet.anonymizer.text.restore_refused");
        assert_eq!((events[0].outcome(), events[0].reason.as_str()), (Outcome::Denied, "MAPPING_INVALID"));
        for index in 0..done.mapping.len() {
            let mut altered = done.mapping.clone();
            altered[index] ^= 1;
            let outcome = service.restore(tenant, &done.text, &altered).await;
            assert_eq!(refusal(outcome).0, "MAPPING_INVALID", "byte {index}");
        }
    }

    async fn what_cannot_be_recorded_is_not_restored(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = service.anonymize(tenant, TEXT, Operator::Placeholder).await.unwrap();
        db::sql!(db.write(), |c| sqlx::query("DROP TABLE outbox").execute(c).await.map(drop)).unwrap();
        let refused = service.restore(tenant, &done.text, &done.mapping).await.unwrap_err();
        assert_eq!(refused.message(), "Something went wrong inside.");
    }

    async fn a_mapping_does_not_restore_beyond_measure(db: Db) {
        let ring: Arc<Ring> = Arc::default();
        let service = Service::new(&db, &ring);
        let tenant = TenantId::new();
        let long = format!("https://example.org/{}", "a".repeat(500_000));
        let done = service.anonymize(tenant, &long, Operator::Placeholder).await.unwrap();
        assert!(done.text.len() < 40, "one placeholder for the whole address");
        assert_eq!(service.restore(tenant, &done.text, &done.mapping).await.unwrap(), long);
        let many = format!("{} ", done.text).repeat(17);
        let (reason, field) = refusal(service.restore(tenant, &many, &done.mapping).await);
        assert_eq!((reason.as_str(), field.as_str()), ("INVALID_FIELD", "text"));
    }
}
