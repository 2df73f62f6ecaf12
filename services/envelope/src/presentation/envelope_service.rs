use chrono::Duration;
use kernel::{Fault, Result};
use proto::envelope::v1::envelope_service_server::EnvelopeService;
use proto::envelope::v1::{
    BatchOpenRequest, BatchOpenResponse, BatchOpenResult, BatchSealRequest, BatchSealResponse,
    BatchSealResult, Envelope, OpenRequest, OpenResponse, OpenStreamRequest, OpenStreamResponse,
    RewrapRequest, RewrapResponse, SealRequest, SealResponse, SealStreamRequest,
    SealStreamResponse, VerifyRequest, VerifyResponse, batch_open_result, batch_seal_result,
};
use rpc::{Cx, ResponseStream, parse};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{convert, envelope_streams};
use crate::application::envelopes::batch::Batch;
use crate::application::envelopes::open::{self, OpenEnvelope};
use crate::application::envelopes::rewrap::{self, RewrapEnvelope};
use crate::application::envelopes::seal::{self, SealEnvelope};
use crate::application::envelopes::verify::Verify;
use crate::domain::{KeyName, LONGEST_LIFE, SEAL_PURPOSES};

const LARGEST: usize = 4 * 1024 * 1024;
/// Of content, in a batch.
const LARGEST_OPENED: usize = 8 * 1024 * 1024;
const MOST_IN_BATCH: usize = 100;
const MOST_RECIPIENTS: usize = 64;
const DEFAULT_TTL: Duration = Duration::minutes(10);

#[derive(Clone)]
pub struct EnvelopeApi {
    pub seal: SealEnvelope,
    pub open: OpenEnvelope,
    pub batch: Batch,
    pub rewrap: RewrapEnvelope,
    pub verify: Verify,
}

impl EnvelopeApi {
    pub fn new(seal: SealEnvelope, open: OpenEnvelope, verify: Verify) -> Self {
        let batch = Batch { seal: seal.clone(), open: open.clone() };
        let rewrap = RewrapEnvelope { release: open.release.clone(), seal: seal.clone() };
        Self { seal, open, batch, rewrap, verify }
    }

    async fn seal(&self, cx: Cx, request: SealRequest) -> Result<SealResponse> {
        let sealed = self.seal.seal(&cx, seal_request(request)?).await?;
        Ok(SealResponse { envelope: Some(envelope(sealed)) })
    }

    async fn open(&self, cx: Cx, request: OpenRequest) -> Result<OpenResponse> {
        let request_id = parse::request_id(&request.request_id)?;
        let request = open_request(request.envelope, request_id)?;
        opened(self.open.open(&cx, &request).await?)
    }

    async fn batch_seal(&self, cx: Cx, request: BatchSealRequest) -> Result<BatchSealResponse> {
        parse::within("requests", request.requests.len(), 1, MOST_IN_BATCH, "requests")?;
        let size = request.requests.iter().map(|one| one.plaintext.len()).sum();
        parse::within("requests", size, 0, LARGEST, "bytes of plaintext together")?;
        let requests = request.requests.into_iter().map(seal_request).collect();
        let outcomes = self.batch.seal(&cx, requests).await?.into_iter();
        let result = |outcome: Result<seal::Envelope>| match outcome {
            Ok(sealed) => batch_seal_result::Outcome::Envelope(envelope(sealed)),
            Err(fault) => batch_seal_result::Outcome::Error(convert::status(&fault)),
        };
        let results = outcomes.map(|outcome| BatchSealResult { outcome: Some(result(outcome)) });
        Ok(BatchSealResponse { results: results.collect() })
    }

    async fn batch_open(&self, cx: Cx, request: BatchOpenRequest) -> Result<BatchOpenResponse> {
        parse::within("envelopes", request.envelopes.len(), 1, MOST_IN_BATCH, "envelopes")?;
        let size = request.envelopes.iter().map(|one| one.content.len()).sum();
        parse::within("envelopes", size, 0, LARGEST_OPENED, "bytes of content together")?;
        let request_id = parse::request_id(&request.request_id)?;
        let envelopes = request.envelopes.into_iter();
        let requests = envelopes.map(|envelope| open_request(Some(envelope), request_id));
        let outcomes = self.batch.open(&cx, requests.collect()).await?;
        let mut results = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let outcome = match outcome {
                Ok(one) => batch_open_result::Outcome::Opened(opened(one)?),
                Err(fault) => batch_open_result::Outcome::Error(convert::status(&fault)),
            };
            results.push(BatchOpenResult { outcome: Some(outcome) });
        }
        Ok(BatchOpenResponse { results })
    }

    async fn rewrap(&self, cx: Cx, request: RewrapRequest) -> Result<RewrapResponse> {
        convert::manifest("manifest", &request.manifest)?;
        convert::wrapped_keys(&request.wrapped_keys)?;
        for (field, names) in [
            ("add_recipients", &request.add_recipients),
            ("remove_recipients", &request.remove_recipients),
        ] {
            parse::within(field, names.len(), 0, MOST_RECIPIENTS, "keys")?;
        }
        let signing_key = match request.signing_key.as_str() {
            "" => None,
            name => Some(convert::name("signing_key", name)?),
        };
        let asked = rewrap::Request {
            manifest: request.manifest,
            wrapped_keys: request.wrapped_keys,
            add: convert::names("add_recipients", &request.add_recipients)?,
            remove: convert::names("remove_recipients", &request.remove_recipients)?,
            renew: request.renew,
            signing_key,
        };
        let rewrap::Answer { manifest, wrapped_keys, renewed } =
            self.rewrap.rewrap(&cx, asked).await?;
        let renewed = i32::try_from(renewed).map_err(Fault::internal)?;
        Ok(RewrapResponse { manifest, wrapped_keys, renewed })
    }

    async fn verify(&self, cx: Cx, request: VerifyRequest) -> Result<VerifyResponse> {
        let Envelope { manifest, content } = convert::envelope(request.envelope)?;
        let verified = self.verify.verify(&cx, &manifest, content).await?;
        Ok(VerifyResponse { manifest: Some(convert::verified(&verified)?) })
    }
}

fn envelope(sealed: seal::Envelope) -> Envelope {
    Envelope { manifest: sealed.manifest, content: sealed.content }
}

fn seal_request(request: SealRequest) -> Result<seal::Request> {
    parse::within("plaintext", request.plaintext.len(), 0, LARGEST, "bytes")?;
    if !SEAL_PURPOSES.contains(&request.purpose.as_str()) {
        return Err(Fault::invalid("purpose", "must be `respond`, `message` or `store`"));
    }
    let (recipients, signing_key, ttl) =
        terms(&request.recipients, &request.signing_key, request.ttl)?;
    Ok(seal::Request {
        plaintext: request.plaintext,
        content_type: request.content_type,
        recipients,
        signing_key,
        purpose: request.purpose,
        ttl,
    })
}

/// What all ways of sealing are told.
pub(super) fn terms(
    recipients: &[String],
    signing_key: &str,
    given: Option<prost_types::Duration>,
) -> Result<(Vec<KeyName>, KeyName, Duration)> {
    parse::within("recipients", recipients.len(), 1, MOST_RECIPIENTS, "keys")?;
    let named = recipients.iter().enumerate();
    let recipients = named
        .map(|(index, name)| convert::name(&format!("recipients[{index}]"), name))
        .collect::<Result<_>>()?;
    Ok((recipients, convert::name("signing_key", signing_key)?, ttl(given)?))
}

fn open_request(envelope: Option<Envelope>, request_id: Option<Uuid>) -> Result<open::Request> {
    let Envelope { manifest, content } = convert::envelope(envelope)?;
    if content.is_empty() {
        return Err(Fault::invalid("envelope.content", "is required"));
    }
    Ok(open::Request { manifest, content: content.into(), request_id })
}

fn opened(mut opened: open::Opened) -> Result<OpenResponse> {
    Ok(OpenResponse {
        plaintext: std::mem::take(&mut *opened.plaintext),
        content_type: opened.media_type,
        manifest: Some(convert::verified(&opened.verified)?),
    })
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

    async fn rewrap(
        &self,
        request: Request<RewrapRequest>,
    ) -> Result<Response<RewrapResponse>, Status> {
        rpc::unary(request, |cx, message| self.rewrap(cx, message)).await
    }

    async fn verify(
        &self,
        request: Request<VerifyRequest>,
    ) -> Result<Response<VerifyResponse>, Status> {
        rpc::unary(request, |cx, message| self.verify(cx, message)).await
    }

    async fn batch_seal(
        &self,
        request: Request<BatchSealRequest>,
    ) -> Result<Response<BatchSealResponse>, Status> {
        rpc::unary(request, |cx, message| self.batch_seal(cx, message)).await
    }

    async fn batch_open(
        &self,
        request: Request<BatchOpenRequest>,
    ) -> Result<Response<BatchOpenResponse>, Status> {
        rpc::unary(request, |cx, message| self.batch_open(cx, message)).await
    }

    type SealStreamStream = ResponseStream<SealStreamResponse>;

    async fn seal_stream(
        &self,
        request: Request<Streaming<SealStreamRequest>>,
    ) -> Result<Response<Self::SealStreamStream>, Status> {
        let seal = self.seal.clone();
        rpc::duplex(request, |cx, inbound| envelope_streams::seal(seal, cx, inbound)).await
    }

    type OpenStreamStream = ResponseStream<OpenStreamResponse>;

    async fn open_stream(
        &self,
        request: Request<Streaming<OpenStreamRequest>>,
    ) -> Result<Response<Self::OpenStreamStream>, Status> {
        let open = self.open.clone();
        rpc::duplex(request, |cx, inbound| envelope_streams::open(open, cx, inbound)).await
    }
}
