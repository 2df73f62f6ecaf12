//! Signed calls to KMS.

use std::error::Error;
use std::time::Duration;

use http::{Method, Request as HttpRequest};
use kernel::{Fault, Result, SharedClock};
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredentialProvider};
use object_store::client::HttpRequestBody;
use object_store::{BackoffConfig, RetryConfig};
use reqwest::redirect;
use reqwest::tls::Version;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use super::calls::Request;
use super::error::AwsError;
use super::settings::{AwsSettings, misconfigured};
use crate::breaker::Breaker;
use crate::wrapped::Provider;

/// Of a call that is throttled or fails within KMS.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No answer to what we ask is longer.
const MAX_ANSWER: usize = 64 * 1024;

pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    region: String,
    timeout: Duration,
    credentials: AwsCredentialProvider,
    breaker: Breaker,
}

impl Client {
    pub(super) fn new(settings: &AwsSettings, clock: SharedClock) -> Result<Self> {
        let url = settings.check()?;
        let timeout = settings.timeout();
        let mut http = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_version_min(Version::TLS_1_2)
            .redirect(redirect::Policy::none())
            .connect_timeout(timeout)
            .timeout(timeout);
        if url.scheme() == "http" {
            http = http.tls_certs_only([]).no_proxy();
        }
        Ok(Self {
            http: http.build().map_err(|error| misconfigured(error.to_string()))?,
            credentials: credentials(settings)?,
            breaker: Breaker::new(Provider::Aws, settings.breaker, clock),
            region: settings.region.clone(),
            timeout,
            url,
        })
    }

    /// In no more than twice the time that one request may take, other tries included.
    pub(super) async fn call<R: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &Request,
    ) -> Result<R, AwsError> {
        let in_time = async {
            tokio::time::timeout(self.timeout * 2, self.call_again(operation, request))
                .await
                .unwrap_or(Err(AwsError::TimedOut))
        };
        self.breaker.call(AwsError::is_away, in_time).await
    }

    async fn call_again<R: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &Request,
    ) -> Result<R, AwsError> {
        let body = Zeroizing::new(serde_json::to_vec(request).map_err(Fault::internal)?);
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.call_once(operation, &body).await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        self.call_once(operation, &body).await
    }

    async fn call_once<R: DeserializeOwned>(
        &self,
        operation: &'static str,
        body: &[u8],
    ) -> Result<R, AwsError> {
        let signed = self.sign(operation, body).await?;
        let mut request = self.http.post(self.url.clone()).body(body.to_vec());
        for (name, value) in signed.headers() {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(from_http)?;
        let status = response.status();
        let mut answer = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        while let Some(piece) = response.chunk().await.map_err(from_http)? {
            if answer.len() + piece.len() > MAX_ANSWER {
                return Err(AwsError::Nonsense);
            }
            answer.extend_from_slice(&piece);
        }
        if !status.is_success() {
            return Err(AwsError::from_answer(operation, status.as_u16(), &answer));
        }
        let answer: &[u8] = if answer.is_empty() { b"null" } else { &answer };
        serde_json::from_slice(answer).map_err(|_| AwsError::Nonsense)
    }

    async fn sign(
        &self,
        operation: &str,
        body: &[u8],
    ) -> Result<HttpRequest<HttpRequestBody>, AwsError> {
        let credential = self
            .credentials
            .get_credential()
            .await
            .map_err(|error| AwsError::NoCredentials(deepest(&error)))?;
        // They become headers, where the signing library would panic on anything else.
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible(&credential.key_id) || !credential.token.as_deref().is_none_or(visible) {
            return Err(misconfigured("AWS credentials hold characters that none has").into());
        }
        let mut request = HttpRequest::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .body(HttpRequestBody::empty())
            .map_err(|error| Fault::internal(error.to_string()))?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        AwsAuthorizer::new(&credential, "kms", &self.region)
            .try_authorize(&mut request, Some(digest.as_ref()))
            .map_err(Fault::internal)?;
        Ok(request)
    }
}

/// The library keeps its ways to credentials inside its client for S3; the
/// bucket is never asked for.
fn credentials(settings: &AwsSettings) -> Result<AwsCredentialProvider> {
    let timeout = settings.timeout();
    let s3 = AmazonS3Builder::from_env()
        .with_region(&settings.region)
        .with_bucket_name("none")
        .with_retry(RetryConfig {
            max_retries: 2,
            retry_timeout: timeout,
            backoff: BackoffConfig { max_backoff: timeout / 4, ..BackoffConfig::default() },
        })
        .build()
        .map_err(|error| misconfigured(format!("credentials for AWS: {}", deepest(&error))))?;
    Ok(s3.credentials().clone())
}

fn from_http(error: reqwest::Error) -> AwsError {
    if error.is_timeout() { AwsError::TimedOut } else { AwsError::Unreachable(deepest(&error)) }
}

fn deepest(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
