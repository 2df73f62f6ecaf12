//! Carries rotations out: rewraps this service's own keys, certifies when all
//! holders are done, destroys what may be destroyed. Every step can be repeated,
//! and is found again in the database after a crash.

use std::sync::Arc;
use std::time::Duration;

use crypto::{KeyUse, statement};
use events::Draft;
use kernel::{Fault, Result, SharedClock, TenantId};
use keys::{Kms, Provider, WrappedKey};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::kek_rewraps::{is_due, rewrap};
use super::kek_statement;
use crate::application::keys::custody::{Custody, context_of, kms_span, of_kms};
use crate::application::keys::directory::Directory;
use crate::application::ports::{OwnKey, OwnKeys, Report, Rotations, Turn};
use crate::domain::{Certificate, Count, KeyHolder, Keyed, OWN, Retired, Rotation, RotationState};

const SERVICE: &str = "envelope";
/// Jobs are looked at this often.
const EVERY: Duration = Duration::from_secs(1);
/// Rewrapped at once: small, so that a pause is soon heard.
const BATCH: i64 = 200;

#[derive(Clone)]
pub struct KekKeeper {
    pub kms: Arc<dyn Kms>,
    pub rotations: Arc<dyn Rotations>,
    pub own: Arc<dyn OwnKeys>,
    pub directory: Directory,
    pub custody: Arc<Custody>,
    pub clock: SharedClock,
    /// This instance.
    pub worker: Uuid,
}

impl KekKeeper {
    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            // Dropped in the middle it does no harm: whatever was done stands.
            if let Some(Err(fault)) = stop.run_until_cancelled(self.round()).await {
                tracing::warn!(cause = ?fault, "rotations of KEKs not seen to, will retry");
            }
        }
    }

    /// Looks at every open job once.
    pub async fn round(&self) -> Result<()> {
        let open = self.rotations.open().await?;
        metrics::gauge!("signet_envelope_kek_rotations_open").set(open.len() as f64);
        for rotation in open {
            let (name, tenant) = (rotation.name(), rotation.tenant);
            // One tenant's trouble is not another's.
            if let Err(fault) = self.advance(rotation).await {
                tracing::warn!(rotation = name, %tenant, cause = ?fault, "a rotation does not advance");
            }
        }
        Ok(())
    }

    async fn advance(&self, rotation: Rotation) -> Result<()> {
        let now = self.clock.now();
        let own = rotation.holders.iter().find(|one| one.holder == OWN);
        if own.is_some_and(|own| is_due(&rotation, own, now))
            && self.rotations.lease(rotation.id, OWN, self.worker, now).await?
        {
            self.rewrap_own(&rotation).await?;
        }
        let Some(rotation) = self.rotations.find(rotation.tenant, rotation.id).await? else {
            return Ok(());
        };
        if rotation.waits_for().next().is_some() {
            return Ok(());
        }
        match rotation.state {
            RotationState::Running => self.certify(&rotation).await,
            RotationState::Destroying => self.destroy(&rotation).await,
            _ => Ok(()),
        }
    }

    /// All private halves of the tenant, then a count.
    async fn rewrap_own(&self, rotation: &Rotation) -> Result<()> {
        let (tenant, range) = (rotation.tenant, rotation.range());
        let limit = BATCH.min(rotation.per_second.into()).max(1);
        let (mut after, mut failed) = (None, 0);
        loop {
            let page = self.own.page(tenant, &range, after.as_ref(), limit).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            let seen = i64::try_from(page.len()).map_err(Fault::internal)?;
            let swaps = self.rewrapped(rotation, page).await?;
            failed += seen - i64::try_from(swaps.len()).map_err(Fault::internal)?;
            let swapped = self.own.swap(tenant, &swaps).await?;
            for (own, _) in &swaps {
                // Caches hold the rows as they were.
                self.directory.known.changed(tenant, &own.id.0).await;
            }
            self.report(rotation, swapped, failed, None).await?;
            let pause = Duration::from_millis(1_000 * seen.unsigned_abs())
                / rotation.per_second.unsigned_abs().max(1);
            tokio::time::sleep(pause).await;
            let now = self.rotations.find(tenant, rotation.id).await?;
            if !now.is_some_and(|now| now.state.is_open()) {
                return Ok(());
            }
        }
        let at = self.clock.now();
        let (remaining, current) = self.own.count(tenant, &range).await?;
        self.report(rotation, 0, failed, Some(Count { remaining, current, at })).await
    }

    /// What was rewrapped of a page; damaged keys are left out.
    async fn rewrapped(
        &self,
        rotation: &Rotation,
        page: Vec<OwnKey>,
    ) -> Result<Vec<(OwnKey, Vec<u8>)>> {
        let mut asked = Vec::with_capacity(page.len());
        let mut owners = Vec::with_capacity(page.len());
        for own in page {
            if let Ok(wrapped) = WrappedKey::parse(&own.wrapped) {
                asked.push((wrapped, context_of(&own.id.0, own.id.1)?));
                owners.push(own);
            }
        }
        let rewrapped = rewrap(self.kms.as_ref(), rotation, &asked).await?;
        let done = owners.into_iter().zip(rewrapped);
        Ok(done.filter_map(|(own, wrapped)| Some((own, wrapped?))).collect())
    }

    async fn report(
        &self,
        rotation: &Rotation,
        rewrapped: i64,
        failed: i64,
        count: Option<Count>,
    ) -> Result<()> {
        let worker = Some((self.worker, self.clock.now()));
        let report = Report { rewrapped, failed, position: Vec::new(), count, worker };
        self.rotations.report(rotation.id, OWN, &report).await
    }

    /// Nothing is left: says so, signed.
    async fn certify(&self, rotation: &Rotation) -> Result<()> {
        let now = self.clock.now();
        let private = self.signer(rotation.tenant).await?;
        let said = kek_statement::retired(rotation, now)?;
        let jws = statement::sign(&private, &said).map_err(Fault::internal)?;
        let digest = crypto::provider::default().sha256(&[jws.as_bytes()]);
        let kind = "dev.signet.envelope.kek.version_retired";
        let event = Draft::of_service(SERVICE, rotation.tenant, kind, rotation.name())
            .with("retired", words(&rotation.retires))
            .with("provider", rotation.provider)
            .with("version", rotation.version)
            .with("certificate_digest", hex::encode(digest))
            .finish(now)?;
        let certificate = Certificate { jws, event: event.id.uuid() };
        if self.rotations.retire(rotation, &certificate, &event).await? {
            tracing::info!(rotation = rotation.name(), "older versions of a KEK are retired");
        }
        Ok(())
    }

    async fn signer(&self, tenant: TenantId) -> Result<Arc<crypto::PrivateKey>> {
        let key = self.directory.of_service(tenant, (KeyHolder::Envelope, KeyUse::Sign)).await?;
        let keyed = key.primary().filter(Keyed::may_protect);
        let keyed = keyed.ok_or_else(|| Fault::internal("the certifying key is not usable"))?;
        self.custody.private(tenant, &keyed).await
    }

    /// Destroys what the certificate covers, at the providers; then says so.
    async fn destroy(&self, rotation: &Rotation) -> Result<()> {
        for retired in &rotation.retires {
            let provider = Provider::ALL.into_iter().find(|one| one.name() == retired.provider);
            let Some(kms) = provider.and_then(|one| self.kms.at(one)) else { continue };
            match empty(kms, rotation.tenant, retired.through_version).await {
                Err(fault) if *fault.reason() == keys::reasons::KMS_OPERATION_UNSUPPORTED => {
                    return self.give_up(rotation).await;
                }
                outcome => outcome.map_err(of_kms)?,
            }
        }
        let kind = "dev.signet.envelope.kek.version_destroyed";
        let told = |event: Draft| event.with("retired", words(&rotation.retires));
        self.turn(rotation, RotationState::Destroyed, told, kind).await
    }

    /// The provider cannot do it: the versions stay retired.
    async fn give_up(&self, rotation: &Rotation) -> Result<()> {
        let kind = "dev.signet.envelope.kek.version_destroyed";
        let failed = |event: Draft| event.failed(&keys::reasons::KMS_OPERATION_UNSUPPORTED);
        self.turn(rotation, RotationState::Retired, failed, kind).await
    }

    async fn turn(
        &self,
        rotation: &Rotation,
        to: RotationState,
        told: impl FnOnce(Draft) -> Draft,
        kind: &'static str,
    ) -> Result<()> {
        let now = self.clock.now();
        let event = Draft::of_service(SERVICE, rotation.tenant, kind, rotation.name());
        let event = told(event).finish(now)?;
        let from = RotationState::Destroying;
        let turn = Turn { from, to, per_second: None, recount: false, now };
        self.rotations.turn(rotation.id, &turn, &event).await?;
        Ok(())
    }
}

/// Destroys a provider's versions up to this one.
async fn empty(kms: &dyn Kms, tenant: TenantId, through: u32) -> Result<()> {
    let Some(newest) = kms.versions(tenant).await?.pop() else { return Ok(()) };
    // A provider keeps the newest version of a key: that a tenant has moved away from
    // gets one more, which wraps nothing.
    if newest.number <= through {
        kms.rotate(tenant).instrument(kms_span("rotate")).await?;
    }
    kms.destroy_below(tenant, through.saturating_add(1)).instrument(kms_span("destroy")).await
}

/// `local 1-3, vault 1-2`.
fn words(retired: &[Retired]) -> String {
    let one = |one: &Retired| format!("{} 1-{}", one.provider, one.through_version);
    retired.iter().map(one).collect::<Vec<_>>().join(", ")
}
