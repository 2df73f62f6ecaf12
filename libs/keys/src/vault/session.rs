//! Being logged in to Vault, and staying so.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use kernel::{Fault, Result, SharedClock, Timestamp};
use rustify::clients::reqwest::Client as HttpClient;
use rustify::errors::ClientError as Rest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use vaultrs::api::{AuthInfo, EndpointMiddleware, exec_with_result};
use vaultrs::client::{VaultClient, VaultClientSettings};
use vaultrs::error::ClientError;
use zeroize::Zeroizing;

use super::error::VaultError;
use super::login;
use super::settings::{VaultAuth, VaultSettings, misconfigured};
use super::transit::Call;
use crate::breaker::Breaker;
use crate::reasons;
use crate::secret_file::read_text;
use crate::wrapped::Provider;

/// A log-in that failed is not repeated sooner, so that a policy which lacks a
/// path, or a crowd that waits for a Vault that is away, becomes no storm of log-ins.
const LOG_IN_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(1);
/// How long a renewal that failed for want of a connection may wait for the next try.
const RENEW_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);

/// A token in use.
pub(super) struct Session {
    client: VaultClient,
    since: Timestamp,
    /// After a log-in: when to renew (two thirds of its life), and when it is over.
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

type Failed = Option<(Timestamp, VaultError)>;

type FileStamp = (std::time::SystemTime, u64);

pub(super) struct Sessions {
    settings: VaultSettings,
    http: reqwest::Client,
    client_settings: VaultClientSettings,
    clock: SharedClock,
    breaker: Breaker,
    now: RwLock<Option<Arc<Session>>>,
    /// One log-in or renewal at a time; everybody else waits for it. Holds how
    /// the last log-in failed, if it did.
    changing: Mutex<Failed>,
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
            breaker: Breaker::new(Provider::Vault, settings.breaker, clock.clone()),
            settings: settings.clone(),
            client_settings,
            clock,
            now: RwLock::default(),
            changing: Mutex::default(),
        })
    }

    /// Makes a call, logging in first where that is due, in no more than twice
    /// the time that one request may take.
    pub(super) async fn exec<R>(&self, call: &Call<R>) -> Result<Option<R>>
    where
        R: DeserializeOwned + Send + Sync,
    {
        let in_time = async {
            tokio::time::timeout(self.settings.timeout() * 2, self.exec_logged_in(call))
                .await
                .unwrap_or_else(|_| Err(VaultError::TimedOut.into()))
        };
        self.breaker.call(is_away, in_time).await
    }

    /// If the call is denied, once more with a fresh token.
    async fn exec_logged_in<R>(&self, call: &Call<R>) -> Result<Option<R>>
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
        let mut changing = self.changing.lock().await;
        if let Some(session) = self.fresh().await {
            return Ok(session);
        }
        match &self.settings.auth {
            VaultAuth::TokenFile { path } => self.read_token(path).await,
            _ => self.renew_or_log_in(&mut changing).await,
        }
    }

    /// The session, unless its file has changed or it is due for renewal.
    async fn fresh(&self) -> Option<Arc<Session>> {
        let session = self.usable()?;
        let fresh = match (&self.settings.auth, &session.life) {
            (VaultAuth::TokenFile { path }, _) => stamp(path).await == session.file,
            (_, Some(life)) => self.clock.now() < life.renew,
            (_, None) => true,
        };
        fresh.then_some(session)
    }

    /// After a denial: another token than that of `denied`, if there is one to be had.
    async fn replace(&self, denied: &Arc<Session>) -> Result<Option<Arc<Session>>> {
        let mut changing = self.changing.lock().await;
        if let Some(other) = self.usable().filter(|other| !Arc::ptr_eq(other, denied)) {
            return Ok(Some(other));
        }
        match &self.settings.auth {
            VaultAuth::TokenFile { path } => {
                let session = self.read_token(path).await?;
                let same = session.client.middle.token == denied.client.middle.token;
                Ok((!same).then_some(session))
            }
            _ if self.clock.now() - denied.since < LOG_IN_AGAIN_AFTER => Ok(None),
            _ => self.log_in(&mut changing).await.map(Some),
        }
    }

    async fn read_token(&self, path: &Path) -> Result<Arc<Session>> {
        let file = stamp(path).await;
        let token = login::read(path, |path| read_text(path, 1)).await?;
        let session = self.session(&token, None, file)?;
        Ok(self.set(session))
    }

    async fn renew_or_log_in(&self, failed: &mut Failed) -> Result<Arc<Session>> {
        let now = self.clock.now();
        let Some((session, life)) =
            self.usable().and_then(|session| session.life.map(|life| (session, life)))
        else {
            return self.log_in(failed).await;
        };
        if !life.renewable || now >= life.end {
            return self.log_in(failed).await;
        }
        let renewed = vaultrs::token::renew_self(&session.client, None).await;
        let token = Zeroizing::new(session.client.middle.token.clone());
        match renewed.map_err(VaultError::from_client) {
            Ok(auth) => {
                let life = self.life(&auth, now);
                // Close to its maximum a token is renewed for ever less: then log in anew.
                if life.is_some_and(|new| new.end <= now + (session_rest(&session, now))) {
                    return self.log_in(failed).await;
                }
                Ok(self.set(self.session(&token, life, None)?))
            }
            // The token is still good: nobody need fail because Vault was away just now.
            Err(VaultError::Unreachable(_) | VaultError::TimedOut | VaultError::Sealed) => {
                let life = Life { renew: now + RENEW_AGAIN_AFTER, ..life };
                Ok(self.set(self.session(&token, Some(life), None)?))
            }
            Err(_) => self.log_in(failed).await,
        }
    }

    async fn log_in(&self, failed: &mut Failed) -> Result<Arc<Session>> {
        let now = self.clock.now();
        if let Some((when, error)) = failed
            && now - *when < LOG_IN_AGAIN_AFTER
        {
            return Err(error.clone().into());
        }
        let nobody = self.session("", None, None)?;
        match login::log_in(&nobody.client, &self.settings.auth).await? {
            Ok(auth) => {
                *failed = None;
                let token = Zeroizing::new(auth.client_token.clone());
                Ok(self.set(self.session(&token, self.life(&auth, now), None)?))
            }
            Err(error) => {
                *failed = Some((self.clock.now(), error.clone()));
                Err(error.into())
            }
        }
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

/// Whether Vault could not be asked. One that limits our rate answers.
fn is_away(fault: &Fault) -> bool {
    let error = fault.source().and_then(|source| source.downcast_ref());
    fault.reason() == &reasons::KMS_UNAVAILABLE && !matches!(error, Some(VaultError::RateLimited))
}

fn session_rest(session: &Session, now: Timestamp) -> TimeDelta {
    session.life.map_or(TimeDelta::zero(), |life| life.end - now)
}

async fn stamp(path: &Path) -> Option<FileStamp> {
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
