//! What the rotation of a KEK needs from outside.

use async_trait::async_trait;
use db::outbox::OutboxEvent;
use kernel::{Result, TenantId, Timestamp};
use uuid::Uuid;

use crate::application::ports::Once;
use crate::domain::{Certificate, Count, KeyName, Range, Rotation, RotationState};

/// The jobs, as stored.
#[async_trait]
pub trait Rotations: Send + Sync {
    /// The job that an earlier request with the same id has started.
    async fn answered(&self, once: &Once, now: Timestamp) -> Result<Option<Uuid>>;

    /// Stores a new job, or returns the one of an earlier request with the same
    /// id. KEK_ROTATION_RUNNING if the tenant has an open one.
    async fn start(
        &self,
        rotation: &Rotation,
        once: Option<&Once>,
        event: &OutboxEvent,
    ) -> Result<Uuid>;

    /// KEK_ROTATION_RUNNING if the tenant has an open job.
    async fn claimable(&self, tenant: TenantId) -> Result<()>;

    async fn find(&self, tenant: TenantId, id: Uuid) -> Result<Option<Rotation>>;

    /// Newest first.
    async fn list(
        &self,
        tenant: TenantId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Rotation>>;

    /// Of all tenants: what is running or destroying; 1,000 of them if there are more.
    async fn open(&self) -> Result<Vec<Rotation>>;

    /// The job, if it is one of these.
    async fn find_open(&self, id: Uuid) -> Result<Option<Rotation>>;

    /// Moves a job to another state, if it is in the expected one.
    async fn turn(&self, id: Uuid, turn: &Turn, event: &OutboxEvent) -> Result<bool>;

    /// Certifies: from running to retired, if nothing of this service's own is
    /// left and no holder has anything left by a count since the grace time.
    async fn retire(
        &self,
        rotation: &Rotation,
        certificate: &Certificate,
        event: &OutboxEvent,
    ) -> Result<bool>;

    /// Remembers that a service has been given data keys.
    async fn remember(&self, tenant: TenantId, holder: &str, now: Timestamp) -> Result<()>;

    /// Takes or keeps the lease of one holder's part for a worker.
    async fn lease(&self, id: Uuid, holder: &str, worker: Uuid, now: Timestamp) -> Result<bool>;

    /// Adds what a holder has done to its part.
    async fn report(&self, id: Uuid, holder: &str, report: &Report) -> Result<()>;
}

/// From one state to another.
pub struct Turn {
    pub from: RotationState,
    pub to: RotationState,
    pub per_second: Option<i32>,
    /// Set: all counts up to now prove nothing any more.
    pub recount: bool,
    pub now: Timestamp,
}

/// What a holder says.
pub struct Report {
    pub rewrapped: i64,
    pub failed: i64,
    pub position: Vec<u8>,
    pub count: Option<Count>,
    pub worker: Option<(Uuid, Timestamp)>,
}

/// The data keys of private halves: what this service itself has wrapped.
#[async_trait]
pub trait OwnKeys: Send + Sync {
    /// Some that are outside the range, after `after`, in order.
    async fn page(
        &self,
        tenant: TenantId,
        range: &Range,
        after: Option<&OwnId>,
        limit: i64,
    ) -> Result<Vec<OwnKey>>;

    /// Replaces those that are still as they were; says how many.
    async fn swap(&self, tenant: TenantId, swaps: &[(OwnKey, Vec<u8>)]) -> Result<i64>;

    /// How many there are by the beginning of their stored form.
    async fn by_prefix(&self, tenant: TenantId) -> Result<Vec<(Vec<u8>, i64)>>;

    /// How many are outside and inside.
    async fn count(&self, tenant: TenantId, range: &Range) -> Result<(i64, i64)>;
}

pub type OwnId = (KeyName, i32);

pub struct OwnKey {
    pub id: OwnId,
    pub wrapped: Vec<u8>,
}
