//! What callers of Presidio call.

use detection::offsets::Unit;
use detection::{Asked, Wishes};
use kernel::{Fault, Result};
use presidio::{AnalyzeRequest, AnonymizeRequest};
use proto::anonymizer::v1::presidio_service_server::PresidioService;
use proto::anonymizer::v1::{ListRecognizerNamesRequest, ListSupportedEntitiesRequest};
use proto::google::api::HttpBody;
use rpc::{Cx, parse};
use serde::Serialize;
use serde_json::Value;
use tonic::{Request, Response, Status};

use super::wire::LARGEST;
use crate::application::texts::{Search, Texts};
use registry::Recognizers;

const MOST_TEXTS: usize = 1_000;
const LARGEST_BODY: usize = 8 * 1024 * 1024;

pub struct PresidioApi {
    pub texts: Texts,
    pub recognizers: Recognizers,
}

fn json(value: &impl Serialize) -> Result<HttpBody> {
    let data = serde_json::to_vec(value).map_err(Fault::internal)?;
    let content_type = "application/json".to_owned();
    Ok(HttpBody { content_type, data: data.into(), extensions: Vec::new() })
}

impl PresidioApi {
    async fn analyze(&self, cx: Cx, body: HttpBody) -> Result<HttpBody> {
        parse::within("body", body.data.len(), 1, LARGEST_BODY, "bytes")?;
        let request: AnalyzeRequest = presidio::read(&body.data)?;
        let (asked, explain) = (request.asked()?, request.explains());
        let asked = Asked { custom: self.recognizers.wanted(&cx, &[]).await?, ..asked };
        let wishes = Wishes::new(&self.texts.engine, &asked)
            .map_err(|wish| Fault::invalid(wish.field, wish.why))?;
        let (texts, one) = match request.text {
            presidio::Texts::One(text) => (vec![text], true),
            presidio::Texts::Many(texts) => (texts, false),
        };
        parse::within("text", texts.len(), 1, MOST_TEXTS, "texts")?;
        let size: usize = texts.iter().map(String::len).sum();
        parse::within("text", size, 0, LARGEST, "bytes")?;
        let mut answers: Vec<Value> = Vec::with_capacity(texts.len());
        for text in texts {
            wishes.affords(&text).map_err(|wish| Fault::invalid(wish.field, wish.why))?;
            let search = Search::of_text(wishes.clone(), Unit::CodePoints, explain);
            let findings = self.texts.detect(text, search).await?;
            let told = findings.iter().map(|told| (&told.finding, told.explanation.as_ref()));
            answers.push(presidio::analyzed(told));
        }
        match answers.pop() {
            Some(answer) if one => json(&answer),
            last => {
                answers.extend(last);
                json(&answers)
            }
        }
    }

    async fn anonymize(&self, body: HttpBody) -> Result<HttpBody> {
        parse::within("body", body.data.len(), 1, LARGEST_BODY, "bytes")?;
        let request: AnonymizeRequest = presidio::read(&body.data)?;
        parse::within("text", request.text.len(), 0, LARGEST, "bytes")?;
        json(&self.texts.presidio(request).await?)
    }

    /// Recognizers that serve a language: their names and types.
    fn serving(&self, language: &str) -> Vec<(String, String)> {
        let serves = |of: &[String]| {
            language.is_empty() || of.iter().any(|known| known == "any" || known == language)
        };
        let recognizers = self.texts.engine.recognizers();
        let serving = recognizers.iter().filter(|info| serves(&info.languages));
        serving.map(|info| (info.name.to_string(), info.entity.to_string())).collect()
    }
}

#[tonic::async_trait]
impl PresidioService for PresidioApi {
    async fn analyze(&self, request: Request<HttpBody>) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |cx, body| self.analyze(cx, body)).await
    }

    async fn anonymize_found(
        &self,
        request: Request<HttpBody>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, body| self.anonymize(body)).await
    }

    async fn list_recognizer_names(
        &self,
        request: Request<ListRecognizerNamesRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, message| async move {
            let names: Vec<_> =
                self.serving(&message.language).into_iter().map(|(name, _)| name).collect();
            json(&names)
        })
        .await
    }

    async fn list_supported_entities(
        &self,
        request: Request<ListSupportedEntitiesRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, message| async move {
            let mut types: Vec<_> =
                self.serving(&message.language).into_iter().map(|(_, entity)| entity).collect();
            types.sort_unstable();
            types.dedup();
            json(&types)
        })
        .await
    }
}
