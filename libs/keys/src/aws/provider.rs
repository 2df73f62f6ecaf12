//! AWS KMS as a [`Kms`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{Fault, Result, SharedClock, TenantId};
use zeroize::Zeroizing;

use super::calls::{Answer, EncryptionContext, Request};
use super::error::AwsError;
use super::settings::AwsSettings;
use super::versions::Keys;
use crate::context::Context;
use crate::key::{DataKey, PlaintextKey};
use crate::kms::{KekVersion, Kms};
use crate::reasons;
use crate::wrapped::{Provider, WrappedKey};

/// KEKs in AWS KMS.
pub struct AwsKms {
    keys: Keys,
    concurrency: usize,
}

impl AwsKms {
    /// Checks the settings and looks where credentials could come from; does
    /// not yet speak to AWS.
    pub fn new(settings: &AwsSettings, clock: SharedClock) -> Result<Self> {
        Ok(Self {
            keys: Keys::new(settings, clock)?,
            concurrency: usize::from(settings.concurrency.max(1)),
        })
    }

    /// Wraps, after making the tenant's first key if that is what is missing.
    async fn wrapping(
        &self,
        operation: &'static str,
        tenant: TenantId,
        request: Request,
    ) -> Result<(Answer, WrappedKey), AwsError> {
        let answer: Answer = match self.keys.client.call(operation, &request).await {
            Err(AwsError::NotFound) => {
                self.keys.ensure(tenant).await?;
                self.keys.client.call(operation, &request).await?
            }
            done => done?,
        };
        let version = self.keys.number(tenant, &answer.key_id).await?;
        let wrapped = WrappedKey::new(Provider::Aws, version, &answer.ciphertext()?)
            .map_err(|_| AwsError::Nonsense)?;
        Ok((answer, wrapped))
    }

    async fn generate_one(&self, tenant: TenantId, context: &Context) -> Result<DataKey> {
        let request = Request {
            key_spec: Some("AES_256"),
            encryption_context: Some(EncryptionContext::new(tenant, context)?),
            ..Request::key(self.keys.newest_id(tenant))
        };
        let (answer, wrapped) = self.wrapping("GenerateDataKey", tenant, request).await?;
        Ok(DataKey { plaintext: answer.plaintext()?, wrapped })
    }

    async fn wrap_one(
        &self,
        tenant: TenantId,
        key: &PlaintextKey,
        context: &Context,
    ) -> Result<WrappedKey> {
        let request = Request {
            plaintext: Some(Zeroizing::new(BASE64.encode(key.expose()))),
            encryption_context: Some(EncryptionContext::new(tenant, context)?),
            ..Request::key(self.keys.newest_id(tenant))
        };
        Ok(self.wrapping("Encrypt", tenant, request).await?.1)
    }

    async fn unwrap_one(
        &self,
        arn: String,
        key: &WrappedKey,
        context: EncryptionContext,
    ) -> Result<PlaintextKey, AwsError> {
        let request = Request {
            ciphertext_blob: Some(BASE64.encode(key.body())),
            encryption_context: Some(context),
            ..Request::key(arn)
        };
        self.keys.client.call::<Answer>("Decrypt", &request).await?.plaintext()
    }

    async fn rewrap_one(
        &self,
        tenant: TenantId,
        arn: String,
        key: &WrappedKey,
        context: EncryptionContext,
    ) -> Result<WrappedKey, AwsError> {
        let request = Request {
            ciphertext_blob: Some(BASE64.encode(key.body())),
            source_key_id: Some(arn),
            source_encryption_context: Some(context.clone()),
            destination_key_id: Some(self.keys.newest_id(tenant)),
            destination_encryption_context: Some(context),
            ..Request::default()
        };
        Ok(self.wrapping("ReEncrypt", tenant, request).await?.1)
    }

    /// The KMS key of every version in a batch.
    async fn arns(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<HashMap<u32, Option<String>>> {
        let mut arns = HashMap::new();
        for (key, _) in keys.iter().filter(|(key, _)| key.provider() == Provider::Aws) {
            if let Entry::Vacant(missing) = arns.entry(key.version()) {
                missing.insert(self.keys.find(tenant, key.version()).await?);
            }
        }
        Ok(arns)
    }

    async fn each<'a, T, F>(
        &'a self,
        tenant: TenantId,
        keys: &'a [(WrappedKey, Context)],
        work: impl Fn(String, &'a WrappedKey, EncryptionContext) -> F,
    ) -> Result<Vec<Result<T>>>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let arns = self.arns(tenant, keys).await?;
        let jobs = keys.iter().map(|(key, context)| {
            let job =
                ready(tenant, &arns, key, context).map(|(arn, context)| work(arn, key, context));
            async {
                match job {
                    Err(fault) => Ok(Err(fault)),
                    Ok(work) => match work.await {
                        Err(error) if !error.is_of_item() => Err(Fault::from(error)),
                        done => Ok(done.map_err(Fault::from)),
                    },
                }
            }
        });
        let jobs: Vec<_> = jobs.collect();
        stream::iter(jobs).buffered(self.concurrency).try_collect().await
    }
}

/// What is needed to ask about one item, or why not to ask.
fn ready(
    tenant: TenantId,
    arns: &HashMap<u32, Option<String>>,
    key: &WrappedKey,
    context: &Context,
) -> Result<(String, EncryptionContext)> {
    if key.provider() != Provider::Aws {
        return Err(
            Fault::new(&reasons::DATA_KEY_UNREADABLE).with_note("wrapped by another provider")
        );
    }
    let Some(Some(arn)) = arns.get(&key.version()) else {
        return Err(Fault::new(&reasons::KEK_VERSION_UNAVAILABLE)
            .with_note(format!("version {} of tenant {tenant}", key.version())));
    };
    Ok((arn.clone(), EncryptionContext::new(tenant, context)?))
}

#[async_trait]
impl Kms for AwsKms {
    fn provider(&self, _: TenantId) -> Provider {
        Provider::Aws
    }

    fn at(&self, provider: Provider) -> Option<&dyn Kms> {
        (provider == Provider::Aws).then_some(self)
    }

    async fn generate(&self, tenant: TenantId, contexts: &[Context]) -> Result<Vec<DataKey>> {
        let jobs: Vec<_> =
            contexts.iter().map(|context| self.generate_one(tenant, context)).collect();
        stream::iter(jobs).buffered(self.concurrency).try_collect().await
    }

    async fn wrap(
        &self,
        tenant: TenantId,
        keys: &[(PlaintextKey, Context)],
    ) -> Result<Vec<WrappedKey>> {
        let jobs: Vec<_> =
            keys.iter().map(|(key, context)| self.wrap_one(tenant, key, context)).collect();
        stream::iter(jobs).buffered(self.concurrency).try_collect().await
    }

    async fn unwrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<PlaintextKey>>> {
        self.each(tenant, keys, |arn, key, context| self.unwrap_one(arn, key, context)).await
    }

    async fn rewrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>> {
        self.each(tenant, keys, |arn, key, context| self.rewrap_one(tenant, arn, key, context))
            .await
    }

    async fn rotate(&self, tenant: TenantId) -> Result<u32> {
        self.keys.rotate(tenant).await
    }

    async fn versions(&self, tenant: TenantId) -> Result<Vec<KekVersion>> {
        self.keys.list(tenant).await
    }

    /// AWS waits (7 to 30 days, as set) before a key is beyond recovery; until
    /// then it is of no use, and `CancelKeyDeletion` brings it back.
    async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()> {
        self.keys.destroy_below(tenant, version).await
    }

    /// Asks about the system's key. That there is none is an answer too.
    async fn health(&self) -> Result<()> {
        let id = self.keys.newest_id(TenantId::SYSTEM);
        self.keys.describe(id).await.map(drop).map_err(Fault::from)
    }
}
