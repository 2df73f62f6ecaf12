//! The way to the edge: gRPC over TLS, every call with a credential, a deadline
//! and a trace.

use std::path::Path;
use std::time::Duration;

use kernel::Secret;
use proto::anonymizer::v1::anonymizer_service_client::AnonymizerServiceClient;
use proto::anonymizer::v1::recognizer_service_client::RecognizerServiceClient;
use proto::anonymizer::v1::vault_service_client::VaultServiceClient;
use proto::audit::v1::event_service_client::EventServiceClient;
use proto::audit::v1::log_service_client::LogServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::envelope::v1::certificate_service_client::CertificateServiceClient;
use proto::envelope::v1::envelope_service_client::EnvelopeServiceClient;
use proto::envelope::v1::kek_service_client::KekServiceClient;
use proto::envelope::v1::key_service_client::KeyServiceClient;
use proto::response::v1::response_service_client::ResponseServiceClient;
use proto::storage::v1::prompt_service_client::PromptServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Response, Status};

use super::trace::Trace;
use console::problem::{Problem, Result};

/// A sealed content of 8 MiB in base64, and its frame.
const LARGEST: usize = 12 * 1024 * 1024;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// What the edge allows a streamed call. That something keeps coming is watched there.
const LONGEST_STREAM: Duration = Duration::from_secs(3_600);

/// Where the systems keep the authorities that they trust, most common first.
const SYSTEM_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// What each call carries.
#[derive(Clone)]
pub struct Caller {
    authorization: Option<MetadataValue<Ascii>>,
    trace: Trace,
    timeout: Duration,
}

impl Caller {
    fn patient(mut self) -> Self {
        self.timeout = LONGEST_STREAM;
        self
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.set_timeout(self.timeout);
        let parent = MetadataValue::try_from(self.trace.parent());
        let parent = parent.map_err(|_| Status::internal("no trace"))?;
        request.metadata_mut().insert("traceparent", parent);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

pub type EdgeChannel = InterceptedService<Channel, Caller>;

/// A connection to the edge.
#[derive(Clone)]
pub struct Edge {
    channel: Channel,
    caller: Caller,
}

macro_rules! clients {
    ($($name:ident: $client:ident;)+) => {$(
        pub fn $name(&self) -> $client<EdgeChannel> {
            $client::with_interceptor(self.channel.clone(), self.caller.clone())
                .max_decoding_message_size(LARGEST)
                .max_encoding_message_size(LARGEST)
        }
    )+};
}

impl Edge {
    /// Connects. `authorities` is a PEM file; without one the system's count.
    pub async fn connect(url: &str, authorities: Option<&Path>, timeout: Duration) -> Result<Self> {
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|_| Problem::new(format_args!("{url} is not a URL")))?
            .connect_timeout(CONNECT_WITHIN)
            .user_agent(concat!("signet/", env!("CARGO_PKG_VERSION")))
            .map_err(Problem::new)?;
        if is_plain(url)? {
            // h2c, on this machine only.
        } else {
            endpoint = endpoint.tls_config(tls(authorities)?).map_err(Problem::new)?;
        }
        let channel = endpoint.connect().await.map_err(|error| unreachable(url, &error))?;
        let caller = Caller { authorization: None, trace: Trace::new(), timeout };
        Ok(Self { channel, caller })
    }

    /// The same connection with a credential: an access token or an API key.
    pub fn with_credential(mut self, credential: &Secret<String>) -> Result<Self> {
        let value = format!("Bearer {}", credential.expose().trim());
        let mut value = MetadataValue::try_from(value)
            .map_err(|_| Problem::new("The credential has characters that no credential has."))?;
        value.set_sensitive(true);
        self.caller.authorization = Some(value);
        Ok(self)
    }

    /// The same connection, its calls in a trace of their own.
    #[must_use]
    pub fn in_new_trace(&self) -> Self {
        let mut edge = self.clone();
        edge.caller.trace = Trace::new();
        edge
    }

    /// The same connection for calls that last as long as what they carry is large.
    #[must_use]
    pub fn for_streams(&self) -> Self {
        Self { channel: self.channel.clone(), caller: self.caller.clone().patient() }
    }

    pub const fn trace(&self) -> Trace {
        self.caller.trace
    }

    pub const fn timeout(&self) -> Duration {
        self.caller.timeout
    }

    clients! {
        auth: AuthServiceClient;
        keys: KeyServiceClient;
        kek: KekServiceClient;
        certificates: CertificateServiceClient;
        envelopes: EnvelopeServiceClient;
        prompts: PromptServiceClient;
        texts: AnonymizerServiceClient;
        recognizers: RecognizerServiceClient;
        tokens: VaultServiceClient;
        responses: ResponseServiceClient;
        events: EventServiceClient;
        log: LogServiceClient;
    }
}

/// The request id that the edge has given to a call.
pub fn request_id<T>(response: &Response<T>) -> String {
    let id = response.metadata().get("x-request-id").and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// Whether to go without TLS: for this machine only, since a token travels along.
fn is_plain(url: &str) -> Result<bool> {
    let parsed: tonic::transport::Uri =
        url.parse().map_err(|_| Problem::new(format_args!("{url} is not a URL")))?;
    let host = parsed.host().unwrap_or_default();
    match parsed.scheme_str() {
        Some("https") => Ok(false),
        Some("http") if matches!(host, "localhost" | "127.0.0.1" | "[::1]") => Ok(true),
        Some("http") => {
            Err(Problem::new(format_args!("{url} would send credentials in the clear"))
                .help("Use https://, or http:// with localhost."))
        }
        _ => Err(Problem::new(format_args!("{url} is not an https:// URL"))),
    }
}

fn tls(authorities: Option<&Path>) -> Result<ClientTlsConfig> {
    let path = match authorities {
        Some(path) => path,
        None => {
            SYSTEM_AUTHORITIES.map(Path::new).into_iter().find(|path| path.exists()).ok_or_else(
                || {
                    Problem::new("This system has no list of certificate authorities.")
                        .help("Give --ca.")
                },
            )?
        }
    };
    let pem = std::fs::read(path).map_err(|error| Problem::file(path, error))?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}

fn unreachable(url: &str, error: &tonic::transport::Error) -> Problem {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Problem::new(format_args!("{url} does not answer: {cause}."))
        .help("Start the mesh with `signet dev`, or give --url and --ca (SIGNET_URL, SIGNET_CA).")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_for_this_machine() {
        assert!(!is_plain("https://signet.example").unwrap());
        assert!(is_plain("http://127.0.0.1:8080").unwrap());
        assert!(is_plain("http://signet.example").is_err());
        assert!(is_plain("ftp://localhost").is_err());
        assert!(is_plain("localhost:8443").is_err());
    }

    #[test]
    fn every_call_has_deadline_trace_and_credential() {
        let mut caller = Caller {
            authorization: Some("Bearer x".parse().unwrap()),
            trace: Trace::new(),
            timeout: Duration::from_secs(3),
        };
        let request = caller.call(Request::new(())).unwrap();
        let header = |name| request.metadata().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header("grpc-timeout"), "3000000u");
        assert_eq!(header("authorization"), "Bearer x");
        assert!(header("traceparent").contains(&caller.trace.to_string()));
        let request = caller.patient().call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("grpc-timeout").unwrap(), "3600000m");
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer x");
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_what_to_do() {
        let gone = Edge::connect("http://127.0.0.1:1", None, Duration::from_secs(1)).await;
        let told = gone.err().unwrap().to_string();
        assert!(told.contains("does not answer") && told.contains("signet dev"), "{told}");
    }
}
