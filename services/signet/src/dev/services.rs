//! The settings of the six services in one directory, and their start.

use anonymizer::AnonymizerSettings;
use auth::AuthSettings;
use boot::{ProcessSettings, ServerSettings, Settings, TelemetrySettings};
use config::Duration;
use envelope::{EnvelopeSettings, ServiceKeySuite};
use kernel::{Fault, Result, SystemClock};
use keys::local::LocalSettings;
use mesh::{Address, Plan};
use storage::StorageSettings;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::{DevArguments, admin, providers};

/// Where the parts find each other.
pub struct Wiring<'a> {
    pub plan: &'a Plan,
    pub place: &'a Place,
    pub kek_settle_seconds: u32,
}

/// Starts the services; each ends when `stop` is cancelled.
pub fn spawn_all(
    wiring: &Wiring<'_>,
    stop: &CancellationToken,
    running: &mut JoinSet<Result<()>>,
) -> Result<()> {
    wiring.spawn::<audit::Audit>(wiring.audit()?, stop, running)?;
    wiring.spawn::<envelope::Envelope>(wiring.envelope()?, stop, running)?;
    wiring.spawn::<auth::Auth>(wiring.auth()?, stop, running)?;
    wiring.spawn::<storage::Storage>(wiring.storage()?, stop, running)?;
    wiring.spawn::<anonymizer::Anonymizer>(AnonymizerSettings::default(), stop, running)?;
    wiring.spawn::<response::Response>(providers::settings(), stop, running)
}

impl Wiring<'_> {
    fn spawn<S: boot::Service>(
        &self,
        service: S::Settings,
        stop: &CancellationToken,
        running: &mut JoinSet<Result<()>>,
    ) -> Result<()> {
        let folder = self.place.folder(S::NAME)?;
        let settings = Settings {
            server: ServerSettings {
                listen: self.plan.inbound_socket(S::NAME),
                peers: self.plan.outbound_socket(S::NAME),
                max_in_flight: 512,
                default_deadline: default_deadline(S::NAME),
                // Nobody else balances load here; what is in flight still ends.
                linger: Duration::from_millis(0),
                drain: Duration::from_secs(10),
                reflection: true,
            },
            database: db::Settings::sqlite(&folder.join("data.db")),
            // Done once for all of them.
            process: ProcessSettings::default(),
            telemetry: TelemetrySettings::default(),
            service,
        };
        running.spawn(boot::serve::<S>(settings, SystemClock::shared(), stop.clone()));
        Ok(())
    }

    /// KEKs in a keyring file, sealed by a key file beside it. Both are begun
    /// until a start has succeeded; after that one that has gone missing is not
    /// replaced in silence.
    fn envelope(&self) -> Result<EnvelopeSettings> {
        let folder = self.place.folder("envelope")?;
        let key_file = folder.join("keyring.key");
        let create = !self.place.has_started();
        if create && !key_file.exists() {
            keys::create_key_file(&key_file)?;
        }
        let kms = keys::Settings::Local(LocalSettings {
            path: folder.join("keyring"),
            passphrase_file: None,
            key_file: Some(key_file),
            create,
        });
        Ok(EnvelopeSettings {
            kms,
            further_kms: Vec::new(),
            kms_by_tenant: Vec::new(),
            service_key_suite: ServiceKeySuite::Ec,
            cache: Default::default(),
            kek_settle_seconds: self.kek_settle_seconds,
        })
    }

    fn auth(&self) -> Result<AuthSettings> {
        let bootstrap = Some(admin::bootstrap(self.place)?);
        Ok(AuthSettings { bootstrap, ..AuthSettings::default() })
    }

    fn storage(&self) -> Result<StorageSettings> {
        let path = self.place.folder("storage")?.join("blobs");
        let blobs = cas::Settings::File { path };
        Ok(StorageSettings { blobs, data_keys: datakeys::CacheSettings::default() })
    }

    fn audit(&self) -> Result<audit::AuditSettings> {
        let folder = self.place.folder("audit")?;
        Ok(audit::AuditSettings {
            origin: "signet.localhost/log".to_owned(),
            log_folder: folder.join("log"),
            signing_key_file: folder.join("log.key"),
        })
    }
}

/// For callers that set none, as all do that come by REST. A model may think for
/// minutes.
fn default_deadline(service: &str) -> Duration {
    Duration::from_secs(if service == "response" { 300 } else { 30 })
}

/// Logs go to a file: the terminal is for the person.
pub fn telemetry(arguments: &DevArguments, place: &Place) -> telemetry::Settings {
    telemetry::Settings {
        log: telemetry::LogSettings {
            level: arguments.log.clone(),
            file: Some(place.path("signet.log")),
            ..telemetry::LogSettings::default()
        },
        otlp: arguments.otlp.as_ref().map(|address| telemetry::OtlpSettings {
            endpoint: format!("http://{address}"),
            sample_ratio: 1.0,
        }),
    }
}

/// `host:port`.
pub fn address(text: &str) -> Result<Address> {
    let parsed =
        text.rsplit_once(':').and_then(|(host, port)| Some(Address::new(host, port.parse().ok()?)));
    parsed.ok_or_else(|| Fault::invalid("--otlp", "must be HOST:PORT"))
}
