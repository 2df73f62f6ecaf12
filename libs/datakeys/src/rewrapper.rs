//! Moves a service's wrapped data keys to another version of the KEK when the
//! envelope service has a job for it: in batches, at the job's rate, for as long
//! as it is not paused. Cut off anywhere, nothing is lost: a key is replaced only
//! by the same key wrapped anew, and only if it is still what was read.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, Result, TenantId};
use proto::envelope::v1::data_key_service_client::DataKeyServiceClient;
use proto::envelope::v1::{
    ListRewrapsRequest, ReportRewrapRequest, ReportRewrapResponse, Rewrap, RewrapCount,
    RewrapDataKeysRequest, WrappedDataKey,
};
use rpc::{PeerChannel, Peers};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::holder::{Held, Holder, Range, Swap};

/// Jobs are asked for this often.
const EVERY: Duration = Duration::from_secs(2);
/// Rewrapped at once, at most: the service's reports are the sign that it lives.
const BATCH: i64 = 500;

/// One task a process.
pub struct Rewrapper {
    peers: Peers,
    holder: Arc<dyn Holder>,
    worker: Uuid,
}

/// A job, understood.
struct Job {
    rotation: String,
    tenant: TenantId,
    range: Range,
    per_second: i32,
    /// When the envelope service last answered, by its clock.
    told: Option<prost_types::Timestamp>,
}

impl Rewrapper {
    pub fn new(peers: Peers, holder: Arc<dyn Holder>) -> Self {
        Self { peers, holder, worker: Uuid::now_v7() }
    }

    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            // Dropped in the middle it does no harm.
            if let Some(Err(fault)) = stop.run_until_cancelled(self.round()).await {
                tracing::warn!(cause = ?fault, "data keys not rewrapped, will retry");
            }
        }
    }

    /// Does what there is to do now.
    pub async fn round(&self) -> Result<()> {
        let request = ListRewrapsRequest { worker: self.worker.to_string() };
        let answer = self.client().list_rewraps(request).await;
        let rewraps = answer.map_err(|status| rpc::fault_of(&status))?.into_inner().rewraps;
        for rewrap in rewraps {
            let (mut job, cursor) = understood(rewrap)?;
            if let Err(fault) = self.work(&mut job, cursor).await {
                tracing::warn!(rotation = job.rotation, cause = ?fault, "a rewrap was cut short");
            }
        }
        Ok(())
    }

    /// Through all keys once, then a count.
    async fn work(&self, job: &mut Job, mut cursor: Vec<u8>) -> Result<()> {
        let mut failed = 0;
        loop {
            let limit = BATCH.min(i64::from(job.per_second)).max(1);
            let page = self.holder.page(job.tenant, &job.range, &cursor, limit).await?;
            let Some(last) = page.last() else { break };
            cursor.clone_from(&last.row);
            let seen = page.len();
            let swaps = self.rewrapped(job, page).await?;
            failed += seen - swaps.len();
            let swapped = self.holder.swap(job.tenant, &swaps).await?;
            metrics::counter!("signet_data_keys_rewrapped_total").increment(swapped);
            let report = self.report(job, swapped, failed, cursor.clone());
            if !self.send(job, report?).await?.go_on {
                return Ok(());
            }
            tokio::time::sleep(pause(seen, job.per_second)).await;
        }
        // Nothing after the cursor; what is before it was seen in this pass or an
        // earlier one, and the count tells whether anything is left.
        let counts = self.holder.count(job.tenant, &job.range).await?;
        let mut report = self.report(job, 0, failed, Vec::new())?;
        report.count = Some(RewrapCount {
            remaining: counts.remaining,
            current: counts.current,
            since: job.told,
        });
        self.send(job, report).await.map(drop)
    }

    /// The keys of a page that could be rewrapped.
    async fn rewrapped(&self, job: &Job, page: Vec<Held>) -> Result<Vec<Swap>> {
        let keys = page.iter().map(|held| WrappedDataKey {
            wrapped: held.wrapped.clone(),
            context: Some(held.binding.message()),
        });
        let request =
            RewrapDataKeysRequest { rotation: job.rotation.clone(), keys: keys.collect() };
        let answer = self.client().rewrap_data_keys(request).await;
        let wrapped = answer.map_err(|status| rpc::fault_of(&status))?.into_inner().wrapped;
        if wrapped.len() != page.len() {
            return Err(Fault::internal("not one key a key came back"));
        }
        let swap = |(held, new): (Held, Vec<u8>)| {
            (!new.is_empty()).then_some(Swap { row: held.row, old: held.wrapped, new })
        };
        Ok(page.into_iter().zip(wrapped).filter_map(swap).collect())
    }

    fn report(
        &self,
        job: &Job,
        rewrapped: u64,
        failed: usize,
        cursor: Vec<u8>,
    ) -> Result<ReportRewrapRequest> {
        Ok(ReportRewrapRequest {
            rotation: job.rotation.clone(),
            worker: self.worker.to_string(),
            rewrapped: i64::try_from(rewrapped).map_err(Fault::internal)?,
            failed: i64::try_from(failed).map_err(Fault::internal)?,
            cursor,
            count: None,
        })
    }

    async fn send(
        &self,
        job: &mut Job,
        report: ReportRewrapRequest,
    ) -> Result<ReportRewrapResponse> {
        let answer = self.client().report_rewrap(report).await;
        let answer = answer.map_err(|status| rpc::fault_of(&status))?.into_inner();
        job.told = answer.time;
        job.per_second = answer.per_second.max(1);
        Ok(answer)
    }

    fn client(&self) -> DataKeyServiceClient<PeerChannel> {
        DataKeyServiceClient::new(self.peers.for_self())
    }
}

fn understood(rewrap: Rewrap) -> Result<(Job, Vec<u8>)> {
    let tenant = rpc::parse::resource("tenant", "tenants", &rewrap.tenant)?;
    let job = Job {
        rotation: rewrap.rotation,
        tenant,
        range: Range { lower: rewrap.lower, upper: rewrap.upper },
        per_second: rewrap.per_second.max(1),
        told: rewrap.time,
    };
    Ok((job, rewrap.cursor))
}

/// What keeps the rate.
fn pause(keys: usize, per_second: i32) -> Duration {
    let keys = u32::try_from(keys).unwrap_or(u32::MAX);
    Duration::from_secs(1) * keys / per_second.unsigned_abs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept() {
        assert_eq!(pause(500, 1_000), Duration::from_millis(500));
        assert_eq!(pause(1, 1), Duration::from_secs(1));
        assert_eq!(pause(1, 0), Duration::from_secs(1));
    }
}
