//! Data keys for encryption at rest by other services.

use std::sync::Arc;

use crypto::provider;
use events::Draft;
use kernel::{Fault, Kind, Result, TenantId};
use keys::{Context, DataKey, DataKeyCache, Kms, PlaintextKey, WrappedKey};
use reasons::envelope::DATA_KEY_REJECTED;
use rpc::Cx;
use tracing::Instrument as _;

use crate::application::keys::custody::{kms_span, of_kms};
use crate::application::keys::epochs::TenantEpochs;
use crate::application::ports::{Basis, Journal};
use crate::application::record::{Decision, Outcome, Recorder, Withheld};

/// The second one knows the present epoch, unless that changes again.
const ATTEMPTS: usize = 4;

/// What a key is for, in the caller's terms.
pub type Pairs = Vec<(String, String)>;

#[derive(Clone)]
pub struct DataKeys {
    pub kms: Arc<dyn Kms>,
    pub cache: Arc<DataKeyCache>,
    pub journal: Arc<dyn Journal>,
    pub recorder: Recorder,
    pub epochs: Arc<TenantEpochs>,
}

impl DataKeys {
    pub async fn generate(&self, cx: &Cx, contexts: Vec<Pairs>) -> Result<Vec<DataKey>> {
        let contexts =
            contexts.into_iter().map(|pairs| context_of(cx, pairs)).collect::<Result<Vec<_>>>()?;
        let asked = self.kms.generate(cx.tenant(), &contexts).instrument(kms_span("generate"));
        let made = asked.await.map_err(of_kms)?;
        let event = event(cx, "dev.signet.envelope.data_key.generated", contexts.iter());
        match self.recorder.release(Withheld::new(made), Decision::new(cx, event)).await? {
            Outcome::Released(made) => Ok(made),
            Outcome::Replay | Outcome::Overtaken => {
                Err(Fault::internal("new data keys rest on nothing that could change"))
            }
        }
    }

    /// All of them, or none.
    pub async fn unwrap(
        &self,
        cx: &Cx,
        wrapped: Vec<(Vec<u8>, Pairs)>,
    ) -> Result<Vec<Arc<PlaintextKey>>> {
        let asked = wrapped
            .into_iter()
            .map(|(wrapped, pairs)| {
                let wrapped = WrappedKey::parse(&wrapped).map_err(rejected)?;
                Ok((wrapped, context_of(cx, pairs)?))
            })
            .collect::<Result<Vec<_>>>();
        let outcome = match asked {
            Ok(asked) => self.unwrap_known(cx, &asked).await,
            Err(fault) => Err(fault),
        };
        match outcome {
            Err(fault) if fault.reason().code == DATA_KEY_REJECTED.code => {
                let kind = "dev.signet.envelope.data_key.rejected";
                let event = event(cx, kind, [].into_iter()).denied(&DATA_KEY_REJECTED);
                self.journal.record(event).await?;
                Err(fault)
            }
            outcome => outcome,
        }
    }

    /// What is in memory counts only while its epoch lasts.
    async fn unwrap_known(
        &self,
        cx: &Cx,
        asked: &[(WrappedKey, Context)],
    ) -> Result<Vec<Arc<PlaintextKey>>> {
        let kind = "dev.signet.envelope.data_key.unwrapped";
        for _ in 0..ATTEMPTS {
            let epoch = self.epochs.of_memory(cx.tenant()).await?;
            let keys = Withheld::new(self.open(cx.tenant(), asked).await?);
            let event = event(cx, kind, asked.iter().map(|(_, context)| context));
            let decision = Decision::new(cx, event).resting_on([Basis::Epoch(epoch)]);
            match self.recorder.release(keys, decision).await? {
                Outcome::Released(keys) => return Ok(keys),
                Outcome::Replay | Outcome::Overtaken => self.epochs.forget(cx.tenant()),
            }
        }
        Err(Fault::unavailable("one order to forget data keys follows the other"))
    }

    async fn open(
        &self,
        tenant: TenantId,
        asked: &[(WrappedKey, Context)],
    ) -> Result<Vec<Arc<PlaintextKey>>> {
        let opened = self.cache.unwrap(self.kms.as_ref(), tenant, asked);
        let opened = opened.instrument(kms_span("unwrap")).await.map_err(of_kms)?;
        opened.into_iter().map(|key| key.map_err(of_item)).collect()
    }
}

/// What a KMS says of one key: not ours, or no answer.
fn of_item(fault: Fault) -> Fault {
    match fault.kind() {
        Kind::DataLoss | Kind::FailedPrecondition | Kind::InvalidArgument => rejected(fault),
        _ => of_kms(fault),
    }
}

fn rejected(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::new(&DATA_KEY_REJECTED).with_source(cause)
}

/// Adds whose key it is. The tenant is bound by the KMS itself.
pub(super) fn context_of(cx: &Cx, pairs: Pairs) -> Result<Context> {
    let service = ("signet.service".to_owned(), cx.caller().name().to_owned());
    Context::new(pairs.into_iter().chain([service]))
}

fn event<'a>(cx: &Cx, kind: &'static str, contexts: impl Iterator<Item = &'a Context>) -> Draft {
    let encoded: Vec<Vec<u8>> = contexts.map(Context::encode).collect();
    let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
    Draft::new(cx, kind, format!("services/{}", cx.caller().name()))
        .with("count", encoded.len())
        .with("contexts_digest", hex::encode(provider::default().sha256(&parts)))
}
