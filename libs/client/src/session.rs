//! What every command of the client begins with: where the edge is, who calls,
//! how answers are shown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::{Secret, TenantId};

use super::connection::Edge;
use super::profile::Profile;
use console::output::Output;
use console::problem::{Problem, Result};

pub const DEFAULT_URL: &str = "https://localhost:8443";

#[derive(clap::Args)]
pub struct EdgeArguments {
    /// The edge; default: where you logged in, else https://localhost:8443.
    #[arg(
        long,
        value_name = "URL",
        global = true,
        env = "SIGNET_URL",
        help_heading = "Connection"
    )]
    url: Option<String>,
    /// Certificate authorities to trust, PEM; default: DIR/certificates/ca.crt if
    /// it is there, else the system's.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "SIGNET_CA",
        help_heading = "Connection"
    )]
    ca: Option<PathBuf>,
    /// A file with an API key or access token, instead of the profile's; the
    /// variable SIGNET_TOKEN may hold one too.
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    token_file: Option<PathBuf>,
    /// Where `signet dev` keeps its data, if it runs here.
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        default_value = ".signet",
        env = "SIGNET_DATA",
        help_heading = "Connection"
    )]
    data: PathBuf,
    /// The client's own folder; default: DIR/client, else ~/.config/signet.
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "SIGNET_PROFILE",
        help_heading = "Connection"
    )]
    profile: Option<PathBuf>,
    /// How long a call may take, in seconds; one that carries a file, an hour.
    #[arg(
        long,
        value_name = "SECONDS",
        global = true,
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3_600),
        help_heading = "Connection"
    )]
    timeout: u64,
    /// Answer in JSON.
    #[arg(long, global = true, help_heading = "Connection")]
    json: bool,
}

/// A connection and the profile.
pub struct Session {
    pub edge: Edge,
    pub profile: Profile,
    pub out: Output,
    pub url: String,
}

impl EdgeArguments {
    pub fn profile(&self) -> Result<Profile> {
        let folder = self.profile.clone().unwrap_or_else(|| Profile::place(&self.data));
        Profile::open(&folder)
    }

    /// Where `signet dev` keeps its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    pub const fn output(&self) -> Output {
        Output { json: self.json }
    }

    /// Connects without a credential.
    pub async fn anonymous(&self) -> Result<Session> {
        let profile = self.profile()?;
        let known = (!profile.state.url.is_empty()).then(|| profile.state.url.clone());
        let url = self.url.clone().or(known).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let local = self.data.join("certificates/ca.crt");
        let authorities = self.ca.clone().or_else(|| local.is_file().then_some(local));
        let timeout = Duration::from_secs(self.timeout);
        let edge = Edge::connect(&url, authorities.as_deref(), timeout).await?;
        Ok(Session { edge, profile, out: self.output(), url })
    }

    /// Connects with the credential given, or the profile's.
    pub async fn session(&self) -> Result<Session> {
        let given = self.credential()?;
        let mut session = self.anonymous().await?;
        let credential = match given {
            Some(credential) => Some(credential),
            None => session.profile.token(&session.url)?,
        };
        let credential = credential.ok_or_else(|| {
            Problem::new(format_args!("You are not logged in at {}.", session.url))
                .help("Run `signet log-in`, or set SIGNET_TOKEN to an API key.")
        })?;
        session.edge = session.edge.with_credential(&credential)?;
        Ok(session)
    }

    fn credential(&self) -> Result<Option<Secret<String>>> {
        if let Some(path) = &self.token_file {
            let text = std::fs::read_to_string(path);
            return text.map(Secret::new).map(Some).map_err(|error| Problem::file(path, error));
        }
        Ok(std::env::var("SIGNET_TOKEN").ok().filter(|token| !token.is_empty()).map(Secret::new))
    }
}

impl Session {
    /// Who calls, as the edge sees it.
    pub async fn who(&self) -> Result<proto::auth::v1::WhoAmIResponse> {
        Ok(self.edge.auth().who_am_i(proto::auth::v1::WhoAmIRequest {}).await?.into_inner())
    }
}

/// The id in `tenants/{uuid}`.
pub fn tenant_id(name: &str) -> Result<TenantId> {
    let id = name.strip_prefix("tenants/").and_then(|id| id.parse().ok());
    id.ok_or_else(|| Problem::new("The mesh named a tenant in an unknown way."))
}

/// A new id for a request that is to be done once.
pub fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
