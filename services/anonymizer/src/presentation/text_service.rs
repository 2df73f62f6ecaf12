use std::sync::Arc;

use db::page::{Page, Scope};
use kernel::{Fault, Result};
use pii::Engine;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService;
use proto::anonymizer::v1::{
    AnonymizeRequest, AnonymizeResponse, DetectRequest, DetectResponse, ListRecognizersRequest,
    ListRecognizersResponse, Recognizer, RestoreRequest, RestoreResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use super::rules;
use super::wire::{self, LARGEST};
use crate::application::anonymize::Work;
use crate::application::policies::Policies;
use crate::application::recognizers::Recognizers;
use crate::application::texts::Texts;

pub(super) const LONGEST_SUBJECT: usize = 256;

pub struct TextApi {
    pub texts: Texts,
    pub engine: Arc<Engine>,
    pub policies: Policies,
    pub recognizers: Recognizers,
}

impl TextApi {
    async fn detect(&self, cx: Cx, request: DetectRequest) -> Result<DetectResponse> {
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        let names = wire::names(request.options.as_ref());
        let of = (wire::format(request.format, &request.text)?, self.recognizers.wanted(&cx, names).await?);
        let search = wire::search(&self.engine, request.options, &request.text, of)?;
        let findings = self.texts.detect(request.text, search).await?;
        Ok(DetectResponse { findings: findings.iter().map(wire::finding).collect::<Result<_>>()? })
    }

    async fn anonymize(&self, cx: Cx, mut request: AnonymizeRequest) -> Result<AnonymizeResponse> {
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        parse::within("subject", request.subject.len(), 0, LONGEST_SUBJECT, "bytes")?;
        if !request.conversation.is_empty() {
            parse::within("conversation", request.conversation.len(), 16, 64, "bytes")?;
        }
        let options = std::mem::take(&mut request.options);
        let names = wire::names(options.as_ref());
        let of = (wire::format(request.format, &request.text)?, self.recognizers.wanted(&cx, names).await?);
        let search = wire::search(&self.engine, options, &request.text, of)?;
        let types = search.wishes.types(&self.engine);
        let (policy, policy_name) = rules::policy(&cx, &self.policies, &types, &request).await?;
        let AnonymizeRequest { text, subject, dry_run, conversation, .. } = request;
        let work = Work { text, search, policy, subject, conversation, dry_run };
        let done = self.texts.anonymize(&cx, work).await?;
        Ok(AnonymizeResponse {
            text: done.text,
            findings: done.findings.iter().map(wire::finding).collect::<Result<_>>()?,
            mapping: done.mapping,
            actions: done.changes.iter().map(wire::action).collect::<Result<_>>()?,
            policy: policy_name,
        })
    }

    async fn restore(&self, cx: Cx, request: RestoreRequest) -> Result<RestoreResponse> {
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        parse::within("mapping", request.mapping.len(), 0, 4 * LARGEST, "bytes")?;
        let format = wire::format(request.format, &request.text)?;
        let restored = self.texts.restore(&cx, request.text, &request.mapping, format).await?;
        let unopened_tokens = wire::count(restored.unopened);
        Ok(RestoreResponse { text: restored.text, unopened_tokens })
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

    async fn list_recognizers(
        &self,
        request: Request<ListRecognizersRequest>,
    ) -> Result<Response<ListRecognizersResponse>, Status> {
        rpc::unary(request, |cx, message| async move { self.recognizers(&cx, &message) }).await
    }
}
