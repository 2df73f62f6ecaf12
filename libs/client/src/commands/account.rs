//! `log-in`, `whoami`, `users`, `api-keys`.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use kernel::Secret;
use proto::auth::v1::{
    ApiKey, CreateApiKeyRequest, CreateUserRequest, ListApiKeysRequest, LogInRequest,
    RevokeApiKeyRequest, User, WhoAmIResponse,
};
use rustix::termios::{self, LocalModes, OptionalActions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, Result, named, span};
use crate::session::{EdgeArguments, Session, request_id};
use console::output::{raw, time};
use console::private_file::read as read_private;
use console::terminal::complain;

#[derive(clap::Args)]
pub struct LogIn {
    /// The tenant's short name; default, with --email: the administrator that
    /// `signet dev` has made, from DIR/admin.json.
    #[arg(long, value_name = "NAME", requires = "email")]
    tenant: Option<String>,
    /// Your e-mail address.
    #[arg(long, value_name = "ADDRESS", requires = "tenant")]
    email: Option<String>,
    /// A file with the password in its first line; else it is asked for.
    #[arg(long, value_name = "FILE", requires = "tenant")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl LogIn {
    pub async fn run(self) -> Result<()> {
        let credentials = match (self.tenant, self.email) {
            (Some(tenant), Some(email)) => {
                let password = password(self.password_file.as_deref(), "Password: ")?;
                Credentials { tenant, email, password }
            }
            _ => Credentials::read(&self.edge.data().join("admin.json"))?,
        };
        let mut session = self.edge.anonymous().await?;
        let who = log_in(&mut session, &credentials).await?;
        session.out.object(&who_json(&who));
        Ok(())
    }
}

/// What a log-in needs; as a file it is the body of `POST /v1/auth:logIn`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub tenant: String,
    pub email: String,
    pub password: Secret<String>,
}

impl Credentials {
    /// What `signet dev` has written for its first administrator.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_private(path)?.ok_or_else(|| {
            Problem::file(path, "is not there").help("Give --tenant and --email.")
        })?;
        serde_json::from_slice(&bytes).map_err(|_| Problem::file(path, "is no log-in request"))
    }
}

/// Logs in and keeps what is told in the profile.
pub async fn log_in(session: &mut Session, credentials: &Credentials) -> Result<WhoAmIResponse> {
    let request = LogInRequest {
        tenant: credentials.tenant.clone(),
        email: credentials.email.clone(),
        password: credentials.password.expose().clone(),
    };
    let answer = session.edge.auth().log_in(request).await?.into_inner();
    let token = Secret::new(answer.access_token);
    session.edge = session.edge.clone().with_credential(&token)?;
    let who = session.who().await?;
    session.profile.enter_tenant(&who.tenant);
    session.profile.state.url = session.url.clone();
    session.profile.state.user = who.user.clone();
    let ends = time(answer.expire_time.as_ref());
    session.profile.state.token_ends = ends.as_str().unwrap_or_default().to_owned();
    session.profile.keep_token(&token)?;
    session.profile.save()?;
    Ok(who)
}

/// The first line of a file, or what is typed without being shown.
fn password(file: Option<&Path>, prompt: &str) -> Result<Secret<String>> {
    let text = match file {
        Some(path) => super::read_text(path)?,
        None => typed(prompt)?,
    };
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn typed(prompt: &str) -> Result<String> {
    let input = io::stdin();
    let mut line = String::new();
    if !input.is_terminal() {
        input.lock().read_line(&mut line).map_err(Problem::new)?;
        return Ok(line);
    }
    let shown = termios::tcgetattr(&input).map_err(Problem::new)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    termios::tcsetattr(&input, OptionalActions::Flush, &hidden).map_err(Problem::new)?;
    complain(prompt);
    let outcome = input.lock().read_line(&mut line);
    termios::tcsetattr(&input, OptionalActions::Flush, &shown).map_err(Problem::new)?;
    outcome.map_err(Problem::new)?;
    Ok(line)
}

#[derive(clap::Args)]
pub struct WhoAmI {
    #[command(flatten)]
    edge: EdgeArguments,
}

impl WhoAmI {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        session.out.object(&who_json(&session.who().await?));
        Ok(())
    }
}

fn who_json(who: &WhoAmIResponse) -> Value {
    json!({
        "user": who.user,
        "tenant": who.tenant,
        "roles": who.roles,
        "api_key": who.api_key,
        "expire_time": time(who.expire_time.as_ref()),
    })
}

#[derive(clap::Args)]
pub struct Users {
    #[command(subcommand)]
    action: UsersAction,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum UsersAction {
    /// Create a user; the password is asked for, or read from a file.
    Create {
        /// The e-mail address.
        email: String,
        /// Once for each role.
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = ["admin", "member", "auditor", "restorer"])]
        roles: Vec<String>,
        /// A file with the password in its first line.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

impl Users {
    pub async fn run(self) -> Result<()> {
        let UsersAction::Create { email, roles, password_file } = self.action;
        let password = password(password_file.as_deref(), "Password of the new user: ")?;
        let session = self.edge.session().await?;
        let request = CreateUserRequest {
            user: Some(User { email, roles, ..User::default() }),
            password: password.expose().clone(),
            request_id: request_id(),
        };
        let answer = session.edge.auth().create_user(request).await?.into_inner();
        let user = answer.user.unwrap_or_default();
        session.out.object(&json!({
            "name": user.name, "email": user.email, "roles": user.roles,
            "create_time": time(user.create_time.as_ref()),
        }));
        Ok(())
    }
}

#[derive(clap::Args)]
pub struct ApiKeys {
    #[command(subcommand)]
    action: ApiKeysAction,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum ApiKeysAction {
    /// Create an API key. Its secret is shown once, on standard output.
    Create {
        /// What it is for.
        display_name: String,
        /// When it ends, such as 12h or 90d; default: never.
        #[arg(long, value_name = "SPAN", value_parser = span)]
        expires_in: Option<chrono::Duration>,
        /// Write the secret to a file that only you can read.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List API keys: your own; all of the tenant's for an administrator.
    List,
    /// End an API key.
    Revoke {
        /// The key's name or id.
        name: String,
    },
}

impl ApiKeys {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        match self.action {
            ApiKeysAction::Create { display_name, expires_in, out } => {
                let (key, secret) = create_api_key(&session, display_name, expires_in).await?;
                match out {
                    Some(path) => {
                        super::write(&path, secret.expose().as_bytes())?;
                        session.out.object(&api_key_json(&key));
                    }
                    None if session.out.json => {
                        let mut shown = api_key_json(&key);
                        shown["secret"] = secret.expose().as_str().into();
                        session.out.object(&shown);
                    }
                    None => raw(format!("{}\n", secret.expose()).as_bytes())?,
                }
            }
            ApiKeysAction::List => list_api_keys(&session).await?,
            ApiKeysAction::Revoke { name } => {
                let request = RevokeApiKeyRequest { name: named("apiKeys", &name) };
                let answer = session.edge.auth().revoke_api_key(request).await?.into_inner();
                session.out.object(&api_key_json(&answer.api_key.unwrap_or_default()));
            }
        }
        Ok(())
    }
}

/// Creates an API key and gives its secret.
pub async fn create_api_key(
    session: &Session,
    display_name: String,
    expires_in: Option<chrono::Duration>,
) -> Result<(ApiKey, Secret<String>)> {
    use kernel::Clock as _;
    let expire_time = expires_in.map(|span| {
        let end = kernel::SystemClock.now() + span;
        prost_types::Timestamp { seconds: end.timestamp(), nanos: 0 }
    });
    let request = CreateApiKeyRequest {
        api_key: Some(ApiKey { display_name, expire_time, ..ApiKey::default() }),
        request_id: request_id(),
    };
    let answer = session.edge.auth().create_api_key(request).await?.into_inner();
    Ok((answer.api_key.unwrap_or_default(), Secret::new(answer.secret)))
}

async fn list_api_keys(session: &Session) -> Result<()> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListApiKeysRequest { page_size: 1_000, page_token };
        let page = session.edge.auth().list_api_keys(request).await?.into_inner();
        rows.extend(page.api_keys.iter().map(api_key_json));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let columns = ["name", "display_name", "hint", "create_time", "expire_time", "revoke_time"];
    session.out.list(&rows, &columns);
    Ok(())
}

fn api_key_json(key: &ApiKey) -> Value {
    json!({
        "name": key.name,
        "display_name": key.display_name,
        "owner": key.owner,
        "hint": key.hint,
        "create_time": time(key.create_time.as_ref()),
        "expire_time": time(key.expire_time.as_ref()),
        "revoke_time": time(key.revoke_time.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::private_file::write as write_private;

    #[test]
    fn the_administrators_file_is_a_log_in_request() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("admin.json");
        let told = Credentials::read(&path).err().unwrap().to_string();
        assert!(told.contains("--tenant"), "{told}");
        write_private(&path, br#"{"tenant":"demo","email":"a@b.example","password":"p"}"#).unwrap();
        let read = Credentials::read(&path).unwrap();
        assert_eq!((read.tenant.as_str(), read.password.expose().as_str()), ("demo", "p"));
        write_private(&path, b"{}").unwrap();
        assert!(Credentials::read(&path).is_err());
    }
}
