//! The service without its door, and in place of the envelope service a ring of
//! data keys that are bound to tenant and context as the real ones are.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use db::{Db, outbox};
use kernel::{Fault, ManualClock, PrincipalId, Result, SharedClock, SystemClock, TenantId};
use prost::Message as _;
use proto::Role;
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerService as _;
use proto::anonymizer::v1::{AnonymizeRequest, AnonymizeResponse, Operator, RestoreRequest};
use proto::audit::v1::Event;
use rpc::{Cx, Principal};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use anonymizer::application::ports::{DataKeys, Key};
use anonymizer::application::secrets::Secrets;
use anonymizer::application::texts::Texts;
use anonymizer::application::vault::Vault;
use anonymizer::infrastructure::{SqlSecrets, SqlTokens};
use anonymizer::presentation::{ChatApi, PolicyApi, RecognizerApi, TextApi, VaultApi};
use registry::{Policies, Recognizers, SqlPolicies, SqlRecognizers};

type Bound = (TenantId, String, String);

#[derive(Default)]
pub struct Ring {
    keys: Mutex<HashMap<Vec<u8>, (Key, Bound)>>,
}

#[async_trait]
impl DataKeys for Ring {
    async fn generate(&self, cx: &Cx, object: &str, id: &str) -> Result<(Key, Vec<u8>)> {
        let mut key = Zeroizing::new([0; 32]);
        key[..16].copy_from_slice(Uuid::now_v7().as_bytes());
        key[16..].copy_from_slice(Uuid::now_v7().as_bytes());
        let wrapped = Uuid::now_v7().as_bytes().to_vec();
        let bound = (cx.tenant(), object.to_owned(), id.to_owned());
        self.keys.lock().unwrap().insert(wrapped.clone(), (key.clone(), bound));
        Ok((key, wrapped))
    }

    async fn unwrap(&self, cx: &Cx, wrapped: Vec<u8>, object: &str, id: &str) -> Result<Key> {
        let asked = (cx.tenant(), object.to_owned(), id.to_owned());
        match self.keys.lock().unwrap().get(&wrapped) {
            Some((key, bound)) if *bound == asked => Ok(key.clone()),
            _ => Err(Fault::new(&reasons::envelope::DATA_KEY_REJECTED)),
        }
    }
}

/// What one process of the service holds.
pub struct Service {
    pub db: Db,
    pub text: TextApi,
    pub policy: PolicyApi,
    pub chat: ChatApi,
    pub vault: VaultApi,
    pub recognizer: RecognizerApi,
}

impl Service {
    pub fn new(db: &Db, ring: &Arc<Ring>) -> Self {
        Self::at(db, ring, SystemClock::shared())
    }

    /// By a clock that the test moves.
    pub fn by_hand(db: &Db, ring: &Arc<Ring>) -> (Self, Arc<ManualClock>) {
        let clock = ManualClock::at(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        (Self::at(db, ring, Arc::clone(&clock) as SharedClock), clock)
    }

    fn at(db: &Db, ring: &Arc<Ring>, clock: SharedClock) -> Self {
        let engine = pii::Engine::standard().unwrap();
        let stored = Arc::new(SqlSecrets { db: db.clone(), clock: Arc::clone(&clock) });
        let secrets = Secrets::new(stored, Arc::clone(ring) as Arc<dyn DataKeys>);
        let tokens = Arc::new(SqlTokens(db.clone()));
        let vault = Vault::new(secrets.clone(), tokens, db.clone(), Arc::clone(&clock));
        let texts = Texts {
            engine: Arc::clone(&engine),
            secrets: secrets.clone(),
            data_keys: Arc::clone(ring) as Arc<dyn DataKeys>,
            vault: vault.clone(),
            db: db.clone(),
            clock,
        };
        let own = Arc::new(SqlPolicies(db.clone()));
        let policies = Policies::new(Arc::clone(&engine), own, Arc::clone(&texts.clock)).unwrap();
        let own = Arc::new(SqlRecognizers(db.clone()));
        let recognizers =
            Recognizers::new(own, Arc::new(secrets.clone()), Arc::clone(&texts.clock));
        Self {
            db: db.clone(),
            text: TextApi {
                texts: texts.clone(),
                policies: policies.clone(),
                recognizers: recognizers.clone(),
                engine: Arc::clone(&engine),
            },
            recognizer: RecognizerApi { recognizers: recognizers.clone(), texts: texts.clone() },
            policy: PolicyApi { policies, texts, recognizers, engine: Arc::clone(&engine) },
            chat: ChatApi { engine, secrets },
            vault: VaultApi(vault),
        }
    }

    pub async fn anonymize(
        &self,
        tenant: TenantId,
        text: &str,
        operator: Operator,
    ) -> Result<AnonymizeResponse, Status> {
        let message = AnonymizeRequest {
            text: Some(text.to_owned()),
            operator: operator.into(),
            ..AnonymizeRequest::default()
        };
        self.transform(tenant, message).await
    }

    pub async fn transform(
        &self,
        tenant: TenantId,
        message: AnonymizeRequest,
    ) -> Result<AnonymizeResponse, Status> {
        let answer = self.text.anonymize(call("Anonymize", tenant, message)).await;
        answer.map(tonic::Response::into_inner)
    }

    pub async fn restore(
        &self,
        tenant: TenantId,
        text: &str,
        mapping: &[u8],
    ) -> Result<String, Status> {
        let message = RestoreRequest {
            text: Some(text.to_owned()),
            mapping: mapping.to_vec(),
            ..RestoreRequest::default()
        };
        let restored = self.text.restore(call("Restore", tenant, message)).await?;
        Ok(restored.into_inner().text)
    }

    pub async fn events(&self) -> Vec<Event> {
        let stored = outbox::next(&self.db, 1_000).await.unwrap();
        stored.iter().map(|event| Event::decode(event.bytes.as_slice()).unwrap()).collect()
    }
}

/// A request of a member as it is behind the guard.
pub fn call<M>(method: &str, tenant: TenantId, message: M) -> Request<M> {
    call_as(Role::Member, method, tenant, message)
}

pub fn call_as<M>(role: Role, method: &str, tenant: TenantId, message: M) -> Request<M> {
    let service = match method {
        "AnonymizeChat" => "ChatPrivacyService",
        _ if method.contains("Polic") => "PolicyService",
        _ if method.contains("Tokens") => "VaultService",
        "ListRecognizers" => "AnonymizerService",
        "ListInfoTypes" => "InfoTypeService",
        "AddEntries" | "ListStoredRecognizers" => "RecognizerService",
        _ if method.contains("Recognizer") => "RecognizerService",
        _ => "AnonymizerService",
    };
    let principal = Principal {
        tenant,
        user: PrincipalId::new(),
        roles: vec![role],
        api_key: None,
        expires: chrono::DateTime::UNIX_EPOCH,
    };
    let path = format!("/signet.anonymizer.v1.{service}/{method}");
    let mut request = Request::new(message);
    request.extensions_mut().insert(Cx::for_test(&path, Some(principal)).unwrap());
    request
}

/// The reason and the first field of a refusal.
pub fn refusal<T>(outcome: Result<T, Status>) -> (String, String) {
    let details = outcome.err().expect("must be refused").get_error_details();
    let reason = details.error_info().unwrap().reason.clone();
    let field = details.bad_request().and_then(|bad| bad.field_violations.first().cloned());
    (reason, field.map(|violation| violation.field).unwrap_or_default())
}
