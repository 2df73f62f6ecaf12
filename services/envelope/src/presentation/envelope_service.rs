use chrono::Duration;
use kernel::{Fault, Result};
use proto::envelope::v1::envelope_service_server::EnvelopeService;
use proto::envelope::v1::{
    Envelope, OpenRequest, OpenResponse, SealRequest, SealResponse, VerifyRequest, VerifyResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use super::convert;
use crate::application::open::{self, OpenEnvelope};
use crate::application::seal::{self, SealEnvelope};
use crate::application::verify::Verify;
use crate::domain::{LONGEST_LIFE, SEAL_PURPOSES};

const LARGEST: usize = 4 * 1024 * 1024;
const MOST_RECIPIENTS: usize = 64;
const DEFAULT_TTL: Duration = Duration::minutes(10);

pub struct EnvelopeApi {
    pub seal: SealEnvelope,
    pub open: OpenEnvelope,
    pub verify: Verify,
}

impl EnvelopeApi {
    async fn seal(&self, cx: Cx, request: SealRequest) -> Result<SealResponse> {
        parse::within("plaintext", request.plaintext.len(), 0, LARGEST, "bytes")?;
        parse::within("recipients", request.recipients.len(), 1, MOST_RECIPIENTS, "keys")?;
        if !SEAL_PURPOSES.contains(&request.purpose.as_str()) {
            return Err(Fault::invalid("purpose", "must be `respond`, `message` or `store`"));
        }
        let recipients = request.recipients.iter().enumerate();
        let sealed = seal::Request {
            plaintext: request.plaintext,
            content_type: request.content_type,
            recipients: recipients
                .map(|(index, name)| convert::name(&format!("recipients[{index}]"), name))
                .collect::<Result<_>>()?,
            signing_key: convert::name("signing_key", &request.signing_key)?,
            purpose: request.purpose,
            ttl: ttl(request.ttl)?,
        };
        let seal::Envelope { manifest, content } = self.seal.seal(&cx, sealed).await?;
        Ok(SealResponse { envelope: Some(Envelope { manifest, content }) })
    }

    async fn open(&self, cx: Cx, request: OpenRequest) -> Result<OpenResponse> {
        let Envelope { manifest, content } = convert::envelope(request.envelope)?;
        if content.is_empty() {
            return Err(Fault::invalid("envelope.content", "is required"));
        }
        let request_id = parse::request_id(&request.request_id)?;
        let mut opened = self
            .open
            .open(&cx, open::Request { manifest, content: content.into(), request_id })
            .await?;
        Ok(OpenResponse {
            plaintext: std::mem::take(&mut *opened.plaintext),
            content_type: opened.media_type,
            manifest: Some(convert::verified(&opened.verified)?),
        })
    }

    async fn verify(&self, cx: Cx, request: VerifyRequest) -> Result<VerifyResponse> {
        let Envelope { manifest, content } = convert::envelope(request.envelope)?;
        let verified = self.verify.verify(&cx, &manifest, content).await?;
        Ok(VerifyResponse { manifest: Some(convert::verified(&verified)?) })
    }
}

fn ttl(given: Option<prost_types::Duration>) -> Result<Duration> {
    let Some(given) = given else { return Ok(DEFAULT_TTL) };
    // Manifests count in seconds.
    let ttl = Duration::try_seconds(given.seconds).filter(|_| given.nanos == 0);
    ttl.filter(|ttl| (Duration::seconds(1)..=LONGEST_LIFE).contains(ttl))
        .ok_or_else(|| Fault::invalid("ttl", "must be whole seconds, 1 s to 30 days"))
}

#[tonic::async_trait]
impl EnvelopeService for EnvelopeApi {
    async fn seal(&self, request: Request<SealRequest>) -> Result<Response<SealResponse>, Status> {
        rpc::unary(request, |cx, message| self.seal(cx, message)).await
    }

    async fn open(&self, request: Request<OpenRequest>) -> Result<Response<OpenResponse>, Status> {
        rpc::unary(request, |cx, message| self.open(cx, message)).await
    }

    async fn verify(
        &self,
        request: Request<VerifyRequest>,
    ) -> Result<Response<VerifyResponse>, Status> {
        rpc::unary(request, |cx, message| self.verify(cx, message)).await
    }
}
