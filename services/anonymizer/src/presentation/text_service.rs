use std::sync::Arc;

use db::page::{Page, Scope};
use kernel::{Fault, Result};
use pii::{DEFAULT_MIN_SCORE, Engine, EntityType, Finding, Options};
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService;
use proto::anonymizer::v1::{
    Action, AnonymizeRequest, AnonymizeResponse, DetectRequest, DetectResponse, DetectionOptions,
    Finding as WireFinding, ListRecognizersRequest, ListRecognizersResponse, Recognizer,
    RestoreRequest, RestoreResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use transform::Change;

use super::rules;
use crate::application::anonymize::Work;
use crate::application::policies::Policies;
use crate::application::texts::Texts;

const LARGEST: usize = 1024 * 1024;
const MOST_TYPES: usize = 100;
const MOST_ALLOWED: usize = 1_000;
const LONGEST_ALLOWED: usize = 1_024;
const LONGEST_SUBJECT: usize = 256;

pub struct TextApi {
    pub texts: Texts,
    pub engine: Arc<Engine>,
    pub policies: Policies,
}

fn offset(at: usize) -> Result<i64> {
    i64::try_from(at).map_err(Fault::internal)
}

fn wire(finding: &Finding) -> Result<WireFinding> {
    Ok(WireFinding {
        r#type: finding.entity.as_str().to_owned(),
        start: offset(finding.range.start)?,
        end: offset(finding.range.end)?,
        score: f64::from(finding.score),
        recognizer: finding.recognizer.to_string(),
    })
}

fn action(change: &Change) -> Result<Action> {
    Ok(Action {
        r#type: change.entity.as_str().to_owned(),
        operator: rules::named(change.operator).into(),
        start: offset(change.range.start)?,
        end: offset(change.range.end)?,
        output_start: offset(change.output.start)?,
        output_end: offset(change.output.end)?,
    })
}

impl TextApi {
    fn options(&self, given: Option<DetectionOptions>) -> Result<Options> {
        let given = given.unwrap_or_default();
        parse::within("options.types", given.types.len(), 0, MOST_TYPES, "types")?;
        parse::within("options.allow_list", given.allow_list.len(), 0, MOST_ALLOWED, "texts")?;
        for (index, text) in given.allow_list.iter().enumerate() {
            let field = format!("options.allow_list[{index}]");
            parse::within(&field, text.len(), 1, LONGEST_ALLOWED, "bytes")?;
        }
        parse::within("options.min_score", given.min_score, 0.0, 1.0, "")?;
        for (index, name) in given.types.iter().enumerate() {
            if !self.engine.types().iter().any(|info| info.name.as_str() == name) {
                return Err(Fault::invalid(
                    format!("options.types[{index}]"),
                    "is no type; see ListRecognizers",
                ));
            }
        }
        let types = given.types.iter().map(|name| EntityType::new(name)).collect::<Vec<_>>();
        Ok(Options {
            types: (!types.is_empty()).then_some(types),
            min_score: if given.min_score == 0.0 {
                DEFAULT_MIN_SCORE
            } else {
                given.min_score as f32
            },
            allow_list: given.allow_list,
        })
    }

    async fn detect(&self, request: DetectRequest) -> Result<DetectResponse> {
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        let findings = self.texts.detect(request.text, self.options(request.options)?).await?;
        Ok(DetectResponse { findings: findings.iter().map(wire).collect::<Result<_>>()? })
    }

    async fn anonymize(&self, cx: Cx, request: AnonymizeRequest) -> Result<AnonymizeResponse> {
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        parse::within("subject", request.subject.len(), 0, LONGEST_SUBJECT, "bytes")?;
        let policy = rules::policy(&self.policies, self.engine.types(), &request)?;
        let AnonymizeRequest { text, options, subject, dry_run, .. } = request;
        let work = Work { text, options: self.options(options)?, policy, subject, dry_run };
        let done = self.texts.anonymize(&cx, work).await?;
        Ok(AnonymizeResponse {
            text: done.text,
            findings: done.findings.iter().map(wire).collect::<Result<_>>()?,
            mapping: done.mapping,
            actions: done.changes.iter().map(action).collect::<Result<_>>()?,
        })
    }

    async fn restore(&self, cx: Cx, request: RestoreRequest) -> Result<RestoreResponse> {
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        parse::within("mapping", request.mapping.len(), 0, 4 * LARGEST, "bytes")?;
        let text = self.texts.restore(&cx, request.text, &request.mapping).await?;
        Ok(RestoreResponse { text })
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
        rpc::unary(request, |_, message| self.detect(message)).await
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
