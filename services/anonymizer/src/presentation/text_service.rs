use std::sync::Arc;

use db::page::{Page, Scope};
use documents::Format;
use kernel::{Fault, Result};
use pii::Engine;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService;
use proto::anonymizer::v1::{
    AnonymizeRequest, AnonymizeResponse, AnonymizeStreamRequest, AnonymizeStreamResponse,
    BatchAnonymizeRequest, BatchAnonymizeResponse, BatchDetectRequest, BatchDetectResponse,
    BatchRestoreRequest, BatchRestoreResponse, DetectRequest, DetectResponse, DetectStreamRequest,
    DetectStreamResponse, DetectionOptions, ListRecognizersRequest, ListRecognizersResponse,
    Recognizer, RestoreRequest, RestoreResponse, RestoreStreamRequest, RestoreStreamResponse,
};
use rpc::{Cx, ResponseStream, parse};
use tonic::{Request, Response, Status, Streaming};

use super::wire::{self, LARGEST};
use super::{rules, text_batches, text_streams};
use crate::application::anonymize::{Outcome, Work};
use crate::application::restore::Restored;
use crate::application::texts::{Search, Texts};
use registry::Policies;
use registry::Recognizers;

pub(super) const LONGEST_SUBJECT: usize = 256;

pub struct TextApi {
    pub texts: Texts,
    pub engine: Arc<Engine>,
    pub policies: Policies,
    pub recognizers: Recognizers,
}

impl TextApi {
    /// What a call looks for in so many bytes of text.
    pub(super) async fn search(
        &self,
        cx: &Cx,
        options: Option<DetectionOptions>,
        length: usize,
        format: Format,
    ) -> Result<Search> {
        let custom = self.recognizers.wanted(cx, wire::names(options.as_ref())).await?;
        wire::search(&self.engine, options, length, (format, custom))
    }

    async fn detect(&self, cx: Cx, request: DetectRequest) -> Result<DetectResponse> {
        let text = checked(request.text)?;
        let format = wire::format(request.format, &text)?;
        let search = self.search(&cx, request.options, text.len(), format).await?;
        let findings = self.texts.detect(text, search).await?;
        Ok(DetectResponse { findings: findings.iter().map(wire::finding).collect::<Result<_>>()? })
    }

    async fn anonymize(&self, cx: Cx, mut request: AnonymizeRequest) -> Result<AnonymizeResponse> {
        let text = checked(request.text.take())?;
        parse::within("subject", request.subject.len(), 0, LONGEST_SUBJECT, "bytes")?;
        let conversation = conversation(std::mem::take(&mut request.conversation))?;
        let options = std::mem::take(&mut request.options);
        let format = wire::format(request.format, &text)?;
        let search = self.search(&cx, options, text.len(), format).await?;
        let types = search.wishes.types(&self.engine);
        let (policy, name) = rules::policy(&cx, &self.policies, &types, &request).await?;
        drop(types);
        let AnonymizeRequest { subject, dry_run, .. } = request;
        let work = Work { text, search, policy, subject, conversation, dry_run };
        anonymized(self.texts.anonymize(&cx, work).await?, &name)
    }

    async fn restore(&self, cx: Cx, request: RestoreRequest) -> Result<RestoreResponse> {
        let text = checked(request.text)?;
        parse::within("mapping", request.mapping.len(), 0, 4 * LARGEST, "bytes")?;
        let format = wire::format(request.format, &text)?;
        Ok(restored(self.texts.restore(&cx, text, &request.mapping, format).await?))
    }

    fn recognizers(
        &self,
        cx: &Cx,
        request: &ListRecognizersRequest,
    ) -> Result<ListRecognizersResponse> {
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: "" };
        let page = Page::<String>::parse(&scope, request.page_size, &request.page_token)?;
        let mut all = self.engine.recognizers();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let after = |name: &str| page.after.as_deref().is_none_or(|after| name > after);
        let limit = usize::try_from(page.limit()).map_err(Fault::internal)?;
        let rows: Vec<_> = all.into_iter().filter(|info| after(&info.name)).take(limit).collect();
        let (rows, next_page_token) = page.cut(&scope, rows, |info| info.name.to_string())?;
        let recognizers = rows.into_iter().map(|info| Recognizer {
            name: info.name.to_string(),
            r#type: info.entity.as_str().to_owned(),
            description: info.description,
            languages: info.languages.into_iter().filter(|language| language != "any").collect(),
        });
        Ok(ListRecognizersResponse { recognizers: recognizers.collect(), next_page_token })
    }
}

/// A text that is there: Envoy drops members that it does not know, so that a misspelled one is
/// only missing.
pub(super) fn checked(text: Option<String>) -> Result<String> {
    let text = parse::required("text", text)?;
    parse::within("text", text.len(), 0, LARGEST, "bytes")?;
    Ok(text)
}

/// `policy` is the name of the one that was asked for.
pub(super) fn anonymized(done: Outcome, policy: &str) -> Result<AnonymizeResponse> {
    Ok(AnonymizeResponse {
        text: done.text,
        findings: done.findings.iter().map(wire::finding).collect::<Result<_>>()?,
        mapping: done.mapping,
        actions: done.changes.iter().map(wire::action).collect::<Result<_>>()?,
        policy: policy.to_owned(),
    })
}

pub(super) fn restored(done: Restored) -> RestoreResponse {
    RestoreResponse { unopened_tokens: wire::count(done.unopened), text: done.text }
}

/// What texts have in common; empty: nothing.
pub(super) fn conversation(given: Vec<u8>) -> Result<Vec<u8>> {
    if !given.is_empty() {
        parse::within("conversation", given.len(), 16, 64, "bytes")?;
    }
    Ok(given)
}

#[tonic::async_trait]
impl AnonymizerService for TextApi {
    async fn detect(
        &self,
        request: Request<DetectRequest>,
    ) -> Result<Response<DetectResponse>, Status> {
        rpc::unary(request, |cx, message| self.detect(cx, message)).await
    }

    async fn anonymize(
        &self,
        request: Request<AnonymizeRequest>,
    ) -> Result<Response<AnonymizeResponse>, Status> {
        rpc::unary(request, |cx, message| self.anonymize(cx, message)).await
    }

    async fn restore(
        &self,
        request: Request<RestoreRequest>,
    ) -> Result<Response<RestoreResponse>, Status> {
        rpc::unary(request, |cx, message| self.restore(cx, message)).await
    }

    async fn batch_detect(
        &self,
        request: Request<BatchDetectRequest>,
    ) -> Result<Response<BatchDetectResponse>, Status> {
        rpc::unary(request, |cx, message| text_batches::detect(self, cx, message)).await
    }

    async fn batch_anonymize(
        &self,
        request: Request<BatchAnonymizeRequest>,
    ) -> Result<Response<BatchAnonymizeResponse>, Status> {
        rpc::unary(request, |cx, message| text_batches::anonymize(self, cx, message)).await
    }

    async fn batch_restore(
        &self,
        request: Request<BatchRestoreRequest>,
    ) -> Result<Response<BatchRestoreResponse>, Status> {
        rpc::unary(request, |cx, message| text_batches::restore(self, cx, message)).await
    }

    type DetectStreamStream = ResponseStream<DetectStreamResponse>;

    async fn detect_stream(
        &self,
        request: Request<Streaming<DetectStreamRequest>>,
    ) -> Result<Response<Self::DetectStreamStream>, Status> {
        rpc::duplex(request, |cx, inbound| text_streams::detect(self, cx, inbound)).await
    }

    type AnonymizeStreamStream = ResponseStream<AnonymizeStreamResponse>;

    async fn anonymize_stream(
        &self,
        request: Request<Streaming<AnonymizeStreamRequest>>,
    ) -> Result<Response<Self::AnonymizeStreamStream>, Status> {
        rpc::duplex(request, |cx, inbound| text_streams::anonymize(self, cx, inbound)).await
    }

    type RestoreStreamStream = ResponseStream<RestoreStreamResponse>;

    async fn restore_stream(
        &self,
        request: Request<Streaming<RestoreStreamRequest>>,
    ) -> Result<Response<Self::RestoreStreamStream>, Status> {
        rpc::duplex(request, |cx, inbound| text_streams::restore(self, cx, inbound)).await
    }

    async fn list_recognizers(
        &self,
        request: Request<ListRecognizersRequest>,
    ) -> Result<Response<ListRecognizersResponse>, Status> {
        rpc::unary(request, |cx, message| async move { self.recognizers(&cx, &message) }).await
    }
}
