//! Rotating the tenant's KEK, as administrators see it.

use std::sync::Arc;

use chrono::Duration;
use events::Draft;
use kernel::{Fault, Result, SharedClock, TenantId};
use keys::{KekVersion, Kms, Provider, WrappedKey};
use reasons::envelope::{KEK_ROTATION_NOT_OPEN, KEK_VERSION_IN_USE};
use rpc::Cx;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::application::keys::custody::{kms_span, of_kms};
use crate::application::ports::{Once, OwnKeys, Rotations, Turn};
use crate::domain::{Retired, Rotation, RotationState};

/// How long a key may be on its way from here into its holder's database.
pub const SETTLE: Duration = Duration::minutes(5);

#[derive(Clone)]
pub struct KekRotations {
    pub kms: Arc<dyn Kms>,
    pub rotations: Arc<dyn Rotations>,
    pub own: Arc<dyn OwnKeys>,
    pub clock: SharedClock,
    pub settle: Duration,
}

/// One version, where it is, and how many private halves it wraps.
pub struct Listed {
    pub provider: Provider,
    pub version: KekVersion,
    pub private_halves: i64,
}

/// Where a job moves the keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To a new version.
    New,
    /// To the newest version that there is.
    Newest,
}

impl KekRotations {
    /// The provider that wraps now, and all versions.
    pub async fn kek(&self, cx: &Cx) -> Result<(Provider, Vec<Listed>)> {
        let tenant = cx.tenant();
        let own = self.own.by_prefix(tenant).await?;
        let mut listed = Vec::new();
        for (provider, versions) in self.everywhere(tenant).await? {
            for version in versions {
                let prefix = WrappedKey::prefix(provider, version.number);
                let under = own.iter().find(|(found, _)| found.as_slice() == prefix);
                let private_halves = under.map_or(0, |(_, count)| *count);
                listed.push(Listed { provider, version, private_halves });
            }
        }
        Ok((self.kms.provider(tenant), listed))
    }

    pub async fn start(
        &self,
        cx: &Cx,
        target: Target,
        per_second: i32,
        once: Option<Once>,
    ) -> Result<Rotation> {
        let tenant = cx.tenant();
        if let Some(once) = &once
            && let Some(before) = self.rotations.answered(once, self.clock.now()).await?
        {
            return self.find(cx, before).await;
        }
        self.rotations.claimable(tenant).await?;
        let (provider, version) = self.target(tenant, target).await?;
        let retires = self.retired(tenant, (provider, version)).await?;
        let now = self.clock.now();
        let rotation = Rotation {
            id: Uuid::now_v7(),
            tenant,
            state: RotationState::Running,
            provider,
            version,
            retires,
            per_second,
            settled: now + self.settle,
            created: now,
            updated: now,
            certificate: None,
            holders: Vec::new(),
        };
        let event = Draft::new(cx, "dev.signet.envelope.kek.rotation_started", rotation.name())
            .with("provider", provider)
            .with("version", version)
            .with("new_version", target == Target::New)
            .finish(now)?;
        let id = self.rotations.start(&rotation, once.as_ref(), &event).await?;
        self.find(cx, id).await
    }

    async fn target(&self, tenant: TenantId, target: Target) -> Result<(Provider, u32)> {
        let provider = self.kms.provider(tenant);
        if target == Target::Newest {
            let asked = self.kms.versions(tenant).instrument(kms_span("versions"));
            if let Some(newest) = asked.await.map_err(of_kms)?.last() {
                return Ok((provider, newest.number));
            }
        }
        let made = self.kms.rotate(tenant).instrument(kms_span("rotate")).await.map_err(of_kms)?;
        Ok((provider, made))
    }

    /// What the job empties: all there is, but the target and what is newer.
    async fn retired(&self, tenant: TenantId, target: (Provider, u32)) -> Result<Vec<Retired>> {
        let below = |(provider, versions): (Provider, Vec<KekVersion>)| {
            let older = |one: &&KekVersion| provider != target.0 || one.number < target.1;
            let last = versions.iter().rfind(older)?;
            Some(Retired { provider: provider.name().to_owned(), through_version: last.number })
        };
        Ok(self.everywhere(tenant).await?.into_iter().filter_map(below).collect())
    }

    async fn everywhere(&self, tenant: TenantId) -> Result<Vec<(Provider, Vec<KekVersion>)>> {
        let mut found = Vec::new();
        for provider in Provider::ALL {
            if let Some(kms) = self.kms.at(provider) {
                let asked = kms.versions(tenant).instrument(kms_span("versions"));
                found.push((provider, asked.await.map_err(of_kms)?));
            }
        }
        Ok(found)
    }

    pub async fn find(&self, cx: &Cx, id: Uuid) -> Result<Rotation> {
        self.rotations.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)
    }

    pub async fn pause(&self, cx: &Cx, id: Uuid) -> Result<Rotation> {
        let kind = "dev.signet.envelope.kek.rotation_paused";
        self.turn(cx, id, kind, (RotationState::Running, RotationState::Paused), None).await
    }

    pub async fn resume(&self, cx: &Cx, id: Uuid, per_second: Option<i32>) -> Result<Rotation> {
        let kind = "dev.signet.envelope.kek.rotation_resumed";
        self.turn(cx, id, kind, (RotationState::Paused, RotationState::Running), per_second).await
    }

    /// Asks for the destruction of what the certificate covers.
    pub async fn destroy(&self, cx: &Cx, id: Uuid) -> Result<Rotation> {
        let found = self.find(cx, id).await?;
        if found.certificate.is_none() {
            return Err(Fault::new(&KEK_VERSION_IN_USE));
        }
        if found.state == RotationState::Destroyed {
            return Ok(found);
        }
        let kind = "dev.signet.envelope.kek.destruction_requested";
        self.turn(cx, id, kind, (RotationState::Retired, RotationState::Destroying), None).await
    }

    async fn turn(
        &self,
        cx: &Cx,
        id: Uuid,
        kind: &'static str,
        (from, to): (RotationState, RotationState),
        per_second: Option<i32>,
    ) -> Result<Rotation> {
        let found = self.find(cx, id).await?;
        let now = self.clock.now();
        let event = Draft::new(cx, kind, found.name()).finish(now)?;
        let recount = to == RotationState::Destroying;
        let turn = Turn { from, to, per_second, recount, now };
        let turned = self.rotations.turn(id, &turn, &event).await?;
        let after = self.find(cx, id).await?;
        if turned || after.state == to {
            Ok(after)
        } else {
            Err(Fault::new(&KEK_ROTATION_NOT_OPEN))
        }
    }
}
