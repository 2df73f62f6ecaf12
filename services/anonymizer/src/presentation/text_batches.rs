//! Many small texts in one call.

use documents::Format;
use kernel::Result;
use proto::anonymizer::v1::{
    AnonymizeRequest, BatchAnonymizeRequest, BatchAnonymizeResponse, BatchAnonymizeResult,
    BatchDetectRequest, BatchDetectResponse, BatchRestoreRequest, BatchRestoreResponse,
    BatchRestoreResult, DetectResponse, RestoreRequest, batch_anonymize_result,
    batch_restore_result,
};
use rpc::{Cx, parse};
use uuid::Uuid;

use super::rules;
use super::text_service::{LONGEST_SUBJECT, TextApi, anonymized, checked, conversation, restored};
use super::wire::{self, LARGEST};
use crate::application::anonymize::Work;

const MOST: usize = 1_000;

/// Bytes of all texts together.
fn size(texts: &[String]) -> Result<usize> {
    parse::within("texts", texts.len(), 1, MOST, "texts")?;
    let size = texts.iter().map(String::len).sum();
    parse::within("texts", size, 0, LARGEST, "bytes together")?;
    Ok(size)
}

/// What all the texts are.
fn format(given: i32, texts: &[String]) -> Result<Format> {
    let formats = texts.iter().map(|text| wire::format(given, text));
    formats.reduce(Result::and).unwrap_or(Ok(Format::Text))
}

pub(super) async fn detect(
    api: &TextApi,
    cx: Cx,
    request: BatchDetectRequest,
) -> Result<BatchDetectResponse> {
    let format = format(request.format, &request.texts)?;
    let search = api.search(&cx, request.options, size(&request.texts)?, format).await?;
    let mut results = Vec::with_capacity(request.texts.len());
    for text in request.texts {
        let findings = api.texts.detect(text, search.clone()).await?;
        let findings = findings.iter().map(wire::finding).collect::<Result<_>>()?;
        results.push(DetectResponse { findings });
    }
    Ok(BatchDetectResponse { results })
}

pub(super) async fn anonymize(
    api: &TextApi,
    cx: Cx,
    request: BatchAnonymizeRequest,
) -> Result<BatchAnonymizeResponse> {
    let size = size(&request.texts)?;
    parse::within("subject", request.subject.len(), 0, LONGEST_SUBJECT, "bytes")?;
    let mut conversation = conversation(request.conversation)?;
    if conversation.is_empty() {
        // That of the batch alone.
        conversation = [Uuid::now_v7(), Uuid::now_v7()].map(Uuid::into_bytes).concat();
    }
    let format = format(request.format, &request.texts)?;
    let search = api.search(&cx, request.options, size, format).await?;
    let types = search.wishes.types(&api.engine);
    let BatchAnonymizeRequest { texts, operator, rules, policy, subject, dry_run, .. } = request;
    let asked = AnonymizeRequest { operator, rules, policy, ..AnonymizeRequest::default() };
    let (policy, name) = rules::policy(&cx, &api.policies, &types, &asked).await?;
    drop(types);
    let text = String::new();
    let shared = Work { text, search, policy, subject, conversation, dry_run };
    let mut results = Vec::with_capacity(texts.len());
    for text in texts {
        let outcome = match api.texts.anonymize(&cx, Work { text, ..shared.clone() }).await {
            Ok(done) => batch_anonymize_result::Outcome::Anonymized(anonymized(done, &name)?),
            Err(fault) => batch_anonymize_result::Outcome::Error(wire::status(&fault)),
        };
        results.push(BatchAnonymizeResult { outcome: Some(outcome) });
    }
    Ok(BatchAnonymizeResponse { results })
}

pub(super) async fn restore(
    api: &TextApi,
    cx: Cx,
    request: BatchRestoreRequest,
) -> Result<BatchRestoreResponse> {
    parse::within("requests", request.requests.len(), 1, MOST, "requests")?;
    let mut results = Vec::new();
    for one in request.requests {
        let RestoreRequest { text, mapping, format } = one;
        let outcome = match checked(text).and_then(|text| {
            let format = wire::format(format, &text)?;
            Ok((text, format))
        }) {
            Ok((text, format)) => api.texts.restore(&cx, text, &mapping, format).await,
            Err(fault) => Err(fault),
        };
        let outcome = match outcome {
            Ok(done) => batch_restore_result::Outcome::Restored(restored(done)),
            Err(fault) => batch_restore_result::Outcome::Error(wire::status(&fault)),
        };
        results.push(BatchRestoreResult { outcome: Some(outcome) });
    }
    Ok(BatchRestoreResponse { results })
}
