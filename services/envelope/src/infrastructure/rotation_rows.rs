//! Rows of jobs and what they mean.

use kernel::{Fault, Result, TenantId, Timestamp};
use keys::Provider;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{Certificate, Count, Progress, Retired, Rotation, RotationState};

pub(super) const ROTATION: &str = "SELECT id, tenant, state, provider, version, retires, \
     per_second, settled_at, created_at, updated_at, certificate, certificate_event \
     FROM kek_rotations ";
pub(super) const PROGRESS: &str = "SELECT rotation, holder, rewrapped, failed, remaining, \
     current, counted_at, position FROM kek_rewraps ";

#[derive(FromRow)]
pub(super) struct RotationRow {
    pub(super) id: Uuid,
    tenant: Uuid,
    state: String,
    provider: String,
    version: i64,
    retires: Json<Vec<Retired>>,
    per_second: i64,
    settled_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    certificate: Option<String>,
    certificate_event: Option<Uuid>,
}

#[derive(FromRow)]
pub(super) struct ProgressRow {
    pub(super) rotation: Uuid,
    holder: String,
    rewrapped: i64,
    failed: i64,
    remaining: Option<i64>,
    current: Option<i64>,
    counted_at: Option<Timestamp>,
    position: Vec<u8>,
}

impl RotationRow {
    pub(super) fn rotation(self, holders: Vec<Progress>) -> Result<Rotation> {
        let provider = Provider::ALL.into_iter().find(|one| one.name() == self.provider);
        let state = RotationState::ALL.into_iter().find(|one| one.word() == self.state);
        let certificate = self.certificate.zip(self.certificate_event);
        Ok(Rotation {
            id: self.id,
            tenant: TenantId::from_uuid(self.tenant),
            state: state.ok_or_else(|| column("state"))?,
            provider: provider.ok_or_else(|| column("provider"))?,
            version: u32::try_from(self.version).map_err(Fault::internal)?,
            retires: self.retires.0,
            per_second: i32::try_from(self.per_second).map_err(Fault::internal)?,
            settled: self.settled_at,
            created: self.created_at,
            updated: self.updated_at,
            certificate: certificate.map(|(jws, event)| Certificate { jws, event }),
            holders,
        })
    }
}

impl ProgressRow {
    pub(super) fn progress(self) -> Progress {
        let counted = self.remaining.zip(self.current).zip(self.counted_at);
        Progress {
            holder: self.holder,
            rewrapped: self.rewrapped,
            failed: self.failed,
            count: counted.map(|((remaining, current), at)| Count { remaining, current, at }),
            position: self.position,
        }
    }
}

fn column(name: &str) -> Fault {
    Fault::internal(format!("kek_rotations.{name} does not hold what the code expects"))
}
