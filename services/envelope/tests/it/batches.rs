use db::Db;
use prost::Message as _;
use proto::envelope::v1::*;
use proto::google::rpc::{ErrorInfo, Status};

use crate::client::field;
use crate::kept::Kept;
use crate::server::{Answer, attribute, migrations, uuid};

/// The reason in an item's error.
fn reason(status: &Status) -> String {
    let info = status.details.iter().find(|any| any.type_url.ends_with("google.rpc.ErrorInfo"));
    ErrorInfo::decode(info.unwrap().value.as_slice()).unwrap().reason
}

async fn seal(kept: &Kept, requests: Vec<SealRequest>) -> Vec<Result<Envelope, String>> {
    let request = BatchSealRequest { requests };
    let answer = kept.server.batch_seal(&kept.server.member, request).await.unwrap();
    let outcomes = answer.results.into_iter().map(|result| result.outcome.unwrap());
    outcomes
        .map(|outcome| match outcome {
            batch_seal_result::Outcome::Envelope(envelope) => Ok(envelope),
            batch_seal_result::Outcome::Error(status) => Err(reason(&status)),
        })
        .collect()
}

async fn open(
    kept: &Kept,
    envelopes: &[Envelope],
    request_id: &str,
) -> Answer<Vec<Result<Vec<u8>, String>>> {
    let request =
        BatchOpenRequest { envelopes: envelopes.to_vec(), request_id: request_id.to_owned() };
    let answer = kept.server.batch_open(&kept.server.member, request).await?;
    let outcomes = answer.results.into_iter().map(|result| result.outcome.unwrap());
    Ok(outcomes
        .map(|outcome| match outcome {
            batch_open_result::Outcome::Opened(opened) => Ok(opened.plaintext),
            batch_open_result::Outcome::Error(status) => Err(reason(&status)),
        })
        .collect())
}

fn letter(kept: &Kept, text: &str) -> SealRequest {
    SealRequest { plaintext: text.into(), ..kept.request() }
}

async fn three(kept: &Kept) -> Vec<Envelope> {
    let requests = ["one", "two", "three"].map(|text| letter(kept, text));
    seal(kept, requests.to_vec()).await.into_iter().map(Result::unwrap).collect()
}

db::both! { migrations() =>
    async fn one_that_cannot_be_sealed_does_not_keep_the_others_back(db: Db) {
        let kept = Kept::new(db).await;
        let good = kept.request();
        let outcomes = seal(&kept, vec![
            letter(&kept, "one"),
            SealRequest { purpose: "answer".into(), ..good.clone() },
            SealRequest { recipients: vec!["keys/absent".into()], ..good.clone() },
            SealRequest { signing_key: "keys/response-sign".into(), ..good },
            letter(&kept, "two"),
        ]).await;
        let reasons: Vec<_> = outcomes.iter().map(|one| one.as_ref().err().map_or("", String::as_str)).collect();
        assert_eq!(reasons, ["", "INVALID_FIELD", "RESOURCE_NOT_FOUND", "NOT_ALLOWED", ""]);
        let sealed: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
        assert_eq!(open(&kept, &sealed, "").await.unwrap(), [Ok(b"one".to_vec()), Ok(b"two".to_vec())]);
        let events = kept.server.events().await;
        assert_eq!(events.iter().filter(|event| event.r#type.ends_with("envelope.sealed")).count(), 2);
    }

    async fn each_of_a_batch_opens_once_and_the_bad_are_told_apart_in_the_log_only(db: Db) {
        let kept = Kept::new(db).await;
        let sealed = three(&kept).await;
        assert_eq!(kept.open(&sealed[1], "").await.unwrap().plaintext, b"two");
        let mixed = Envelope { manifest: sealed[0].manifest.clone(), content: sealed[2].content.clone() };
        let bad = |manifest: &str| Envelope { manifest: manifest.into(), content: "{}".into() };
        let batch = [sealed[0].clone(), sealed[1].clone(), mixed, bad("a.b.c"), sealed[0].clone(), bad(""), sealed[2].clone()];
        let id = uuid();
        let outcomes = open(&kept, &batch, &id).await.unwrap();
        let rejected = || Err("ENVELOPE_REJECTED".to_owned());
        let expected = [Ok(b"one".to_vec()), rejected(), rejected(), rejected(), rejected(), Err("INVALID_FIELD".into()), Ok(b"three".to_vec())];
        assert_eq!(outcomes, expected);
        let mut causes = kept.server.causes().await;
        causes.sort();
        assert_eq!(causes, ["content_key", "malformed", "replay", "replay"]);
        let events = kept.server.events().await;
        let released: Vec<_> = events.iter().filter(|event| event.r#type.ends_with("content_key.released")).collect();
        assert_eq!(released.len(), 3, "one alone, two in the batch");
        assert!(released.iter().all(|event| attribute(event, "recipient") == kept.seal.name));
        assert_eq!(open(&kept, &batch, &id).await.unwrap(), expected, "a retry");
        let again = open(&kept, &batch[..1], &uuid()).await.unwrap();
        assert_eq!(again, [rejected()]);
    }

    async fn batches_are_bounded(db: Db) {
        let kept = Kept::new(db).await;
        let server = &kept.server;
        let envelope = Envelope { manifest: "a".into(), content: "b".into() };
        for envelopes in [vec![], vec![envelope.clone(); 101], vec![Envelope { content: "x".repeat(3 << 20), ..envelope }; 3]] {
            let request = BatchOpenRequest { envelopes, request_id: String::new() };
            assert_eq!(field(server.batch_open(&server.member, request).await), "envelopes");
        }
        let large = SealRequest { plaintext: vec![0; 1 << 20], ..kept.request() };
        for requests in [vec![], vec![kept.request(); 101], vec![large; 5]] {
            let request = BatchSealRequest { requests };
            assert_eq!(field(server.batch_seal(&server.member, request).await), "requests");
        }
        let request = BatchOpenRequest { envelopes: vec![kept.sealed().await], request_id: "x".into() };
        assert_eq!(field(server.batch_open(&server.member, request).await), "request_id");
    }

    async fn two_batches_at_once_open_each_envelope_once(db: Db) {
        let kept = Kept::new(db).await;
        let sealed = three(&kept).await;
        let backwards: Vec<_> = sealed.iter().rev().cloned().collect();
        let (one, two) = futures::join!(open(&kept, &sealed, ""), open(&kept, &backwards, ""));
        let opened = one.unwrap().into_iter().chain(two.unwrap()).filter(Result::is_ok).count();
        assert_eq!(opened, 3);
    }

    async fn nothing_leaves_that_cannot_be_recorded(db: Db) {
        let kept = Kept::new(db.clone()).await;
        let sealed = three(&kept).await;
        db::sql!(db.write(), |c| sqlx::query("DROP TABLE releases").execute(c).await.map(drop)).unwrap();
        assert_eq!(open(&kept, &sealed, "").await.unwrap_err().code, "INTERNAL");
    }
}
