//! Being logged in to Vault, and staying so.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use kernel::{Fault, Result, SharedClock, Timestamp};
use rustify::clients::reqwest::Client as HttpClient;
use rustify::errors::ClientError as Rest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use vaultrs::api::{AuthInfo, EndpointMiddleware, exec_with_result};
use vaultrs::auth::approle;
use vaultrs::client::{VaultClient, VaultClientSettings};
use vaultrs::error::ClientError;
use zeroize::Zeroizing;

use super::error::VaultError;
use super::settings::{VaultAuth, VaultSettings, misconfigured};
use super::transit::Call;
use crate::secret_file::read_text;

/// A refused log-in is not repeated sooner, so that a policy which lacks a path
/// does not become a storm of log-ins.
const LOG_IN_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(1);
/// How long a renewal that failed for want of a connection may wait for the next try.
const RENEW_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);

/// A token in use.
pub(super) struct Session {
    client: VaultClient,
    since: Timestamp,
    /// AppRole: when to renew (two thirds of its life), and when it is over.
    life: Option<Life>,
    /// Token file: as it was when read.
    file: Option<FileStamp>,
}

#[derive(Clone, Copy)]
struct Life {
    renew: Timestamp,
    end: Timestamp,
    renewable: bool,
}

type FileStamp = (std::time::SystemTime, u64);

pub(super) struct Sessions {
    settings: VaultSettings,
    http: reqwest::Client,
    client_settings: VaultClientSettings,
    clock: SharedClock,
    now: RwLock<Option<Arc<Session>>>,
    /// One log-in or renewal at a time; everybody else waits for it.
    changing: Mutex<()>,
}

impl Sessions {
    pub(super) fn new(settings: &VaultSettings, clock: SharedClock) -> Result<Self> {
        let address = settings.check()?;
        let client_settings = VaultClientSettings {
            address,
            ca_certs: Vec::new(),
            identity: None,
            timeout: None,
            token: String::new(),
            verify: true,
            version: 1,
            wrapping: false,
            namespace: settings.namespace.clone(),
            proxy: None,
        };
        Ok(Self {
            http: settings.http_client()?,
            settings: settings.clone(),
            client_settings,
            clock,
            now: RwLock::default(),
            changing: Mutex::default(),
        })
    }

    /// Makes a call; if it is denied, once more with a fresh token.
    pub(super) async fn exec<R>(&self, call: &Call<R>) -> Result<Option<R>>
    where
        R: DeserializeOwned + Send + Sync,
    {
        let session = self.current().await?;
        match session.exec(call).await {
            Err(VaultError::Denied) => match self.replace(&session).await? {
                Some(fresh) => Ok(fresh.exec(call).await?),
                None => Err(VaultError::Denied.into()),
            },
            done => Ok(done?),
        }
    }

    fn usable(&self) -> Option<Arc<Session>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
        session
    }

    async fn current(&self) -> Result<Arc<Session>> {
        if let Some(session) = self.fresh().await {
            return Ok(session);
        }
        let _changing = self.changing.lock().await;
        if let Some(session) = self.fresh().await {
            return Ok(session);
        }
        match &self.settings.auth {
            VaultAuth::TokenFile { .. } => self.read_token().await,
            VaultAuth::AppRole { .. } => self.renew_or_log_in().await,
        }
    }

    /// The session, unless its file has changed or it is due for renewal.
    async fn fresh(&self) -> Option<Arc<Session>> {
        let session = self.usable()?;
        let fresh = match (&self.settings.auth, &session.life) {
            (VaultAuth::TokenFile { path }, _) => stamp(path).await == session.file,
            (VaultAuth::AppRole { .. }, Some(life)) => self.clock.now() < life.renew,
            (VaultAuth::AppRole { .. }, None) => true,
        };
        fresh.then_some(session)
    }

    /// After a denial: another token than that of `denied`, if there is one to be had.
    async fn replace(&self, denied: &Arc<Session>) -> Result<Option<Arc<Session>>> {
        let _changing = self.changing.lock().await;
        if let Some(other) = self.usable().filter(|other| !Arc::ptr_eq(other, denied)) {
            return Ok(Some(other));
        }
        match &self.settings.auth {
            VaultAuth::TokenFile { .. } => {
                let session = self.read_token().await?;
                let same = session.client.middle.token == denied.client.middle.token;
                Ok((!same).then_some(session))
            }
            VaultAuth::AppRole { .. } if self.clock.now() - denied.since < LOG_IN_AGAIN_AFTER => {
                Ok(None)
            }
            VaultAuth::AppRole { .. } => self.log_in().await.map(Some),
        }
    }

    async fn read_token(&self) -> Result<Arc<Session>> {
        let VaultAuth::TokenFile { path } = &self.settings.auth else {
            return Err(Fault::internal("not a token file"));
        };
        let (file, from) = (stamp(path).await, path.clone());
        let token = tokio::task::spawn_blocking(move || read_text(&from, 1))
            .await
            .map_err(Fault::internal)??;
        let session = self.session(&token, None, file)?;
        Ok(self.set(session))
    }

    async fn renew_or_log_in(&self) -> Result<Arc<Session>> {
        let now = self.clock.now();
        let Some((session, life)) =
            self.usable().and_then(|session| session.life.map(|life| (session, life)))
        else {
            return self.log_in().await;
        };
        if !life.renewable || now >= life.end {
            return self.log_in().await;
        }
        let renewed = vaultrs::token::renew_self(&session.client, None).await;
        let token = Zeroizing::new(session.client.middle.token.clone());
        match renewed.map_err(VaultError::from_client) {
            Ok(auth) => {
                let life = self.life(&auth, now);
                // Close to its maximum a token is renewed for ever less: then log in anew.
                if life.is_some_and(|new| new.end <= now + (session_rest(&session, now))) {
                    return self.log_in().await;
                }
                Ok(self.set(self.session(&token, life, None)?))
            }
            // The token is still good: nobody need fail because Vault was away just now.
            Err(VaultError::Unreachable(_) | VaultError::TimedOut | VaultError::Sealed) => {
                let life = Life { renew: now + RENEW_AGAIN_AFTER, ..life };
                Ok(self.set(self.session(&token, Some(life), None)?))
            }
            Err(_) => self.log_in().await,
        }
    }

    async fn log_in(&self) -> Result<Arc<Session>> {
        let VaultAuth::AppRole { role_id, secret_id_file, mount } = &self.settings.auth else {
            return Err(Fault::internal("not an AppRole"));
        };
        let from = secret_id_file.clone();
        let secret_id = tokio::task::spawn_blocking(move || read_text(&from, 1))
            .await
            .map_err(Fault::internal)??;
        let now = self.clock.now();
        let nobody = self.session("", None, None)?;
        let auth =
            approle::login(&nobody.client, mount, role_id, &secret_id).await.map_err(|error| {
                match VaultError::from_client(error) {
                    // Vault answers wrong ids so.
                    VaultError::BadRequest => VaultError::Denied,
                    other => other,
                }
            })?;
        let token = Zeroizing::new(auth.client_token.clone());
        Ok(self.set(self.session(&token, self.life(&auth, now), None)?))
    }

    /// `None`: a token that does not end.
    fn life(&self, auth: &AuthInfo, now: Timestamp) -> Option<Life> {
        let lasts = i64::try_from(auth.lease_duration).ok().and_then(TimeDelta::try_seconds)?;
        (lasts > TimeDelta::zero()).then(|| Life {
            renew: now + lasts * 2 / 3,
            end: now + lasts,
            renewable: auth.renewable,
        })
    }

    fn session(&self, token: &str, life: Option<Life>, file: Option<FileStamp>) -> Result<Session> {
        // It becomes a header, where the client library would panic on anything else.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(misconfigured("the token holds characters that no token has".into()));
        }
        let middle = EndpointMiddleware {
            token: token.to_owned(),
            version: "v1".to_owned(),
            wrap: None,
            namespace: self.settings.namespace.clone(),
        };
        let settings = self.client_settings.clone();
        // Shares its connections with every other session.
        let http = HttpClient::new(settings.address.as_str(), self.http.clone());
        let client = VaultClient { http, middle, settings };
        Ok(Session { client, since: self.clock.now(), life, file })
    }
}

fn session_rest(session: &Session, now: Timestamp) -> TimeDelta {
    session.life.map_or(TimeDelta::zero(), |life| life.end - now)
}

async fn stamp(path: &std::path::Path) -> Option<FileStamp> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Session {
    /// `None` if there was no content, as some versions answer some calls.
    async fn exec<R>(&self, call: &Call<R>) -> Result<Option<R>, VaultError>
    where
        R: DeserializeOwned + Send + Sync,
    {
        let error = match exec_with_result(&self.client, call).await {
            Ok(data) => return Ok(Some(data)),
            Err(error) => error,
        };
        match &error {
            ClientError::ResponseDataEmptyError => Ok(None),
            ClientError::RestClientError {
                source: Rest::ResponseParseError { content: Some(content), .. },
            } if content.is_empty() => Ok(None),
            // A batch in which every item failed: the results are there all the same.
            ClientError::RestClientError {
                source: Rest::ServerResponseError { code: 400, content: Some(content) },
            } => serde_json::from_str::<WithData<R>>(content)
                .map(|body| Some(body.data))
                .map_err(|_| VaultError::from_client(error)),
            _ => Err(VaultError::from_client(error)),
        }
    }
}

#[derive(Deserialize)]
struct WithData<R> {
    data: R,
}
