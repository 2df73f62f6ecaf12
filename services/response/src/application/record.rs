//! What is written down about an exchange: that it began, and how it ended,
//! whichever way it ended.

use std::time::Instant;

use db::Db;
use events::Draft;
use kernel::{Fault, Kind, Reason, Result, SharedClock, common};
use reasons::response::CALLER_GONE;
use rpc::Cx;

use crate::domain::Receipt;

const STARTED: &str = "dev.signet.response.exchange.started";
const COMPLETED: &str = "dev.signet.response.exchange.completed";
const FAILED: &str = "dev.signet.response.exchange.failed";
const CANCELLED: &str = "dev.signet.response.exchange.cancelled";
const NOT_SENT: &str = "dev.signet.response.exchange.not_sent";

/// Where events go.
#[derive(Clone)]
pub(super) struct Log {
    pub(super) cx: Cx,
    pub(super) db: Db,
    pub(super) clock: SharedClock,
}

impl Log {
    /// A request that was not fit to be sent, or could not be made so.
    pub(super) async fn not_sent(&self, provider: &str, fault: Fault) -> Fault {
        let draft = Draft::new(&self.cx, NOT_SENT, "").with("provider", provider);
        let draft = match fault.kind() {
            // A request that is not understood is its sender's affair.
            Kind::InvalidArgument => return fault,
            Kind::FailedPrecondition => draft.denied(fault.reason()),
            _ => draft.failed(fault.reason()),
        };
        self.try_to_record(draft).await;
        fault
    }

    async fn record(&self, draft: Draft) -> Result<()> {
        // Boxed: the futures of a database call are deeply nested types.
        Box::pin(events::record(&self.db, draft, self.clock.now())).await
    }

    /// For what is over anyway: the fault to tell is another one.
    async fn try_to_record(&self, draft: Draft) {
        if let Err(unrecorded) = self.record(draft).await {
            tracing::error!(cause = ?unrecorded, "the end of an exchange was not recorded");
        }
    }
}

/// An exchange under way. Dropped before it has ended, as happens when the
/// caller goes away or its time is up, it is recorded as that.
pub(super) struct Record {
    log: Log,
    provider: String,
    replaced: i64,
    sent_sha256: String,
    began: Instant,
    open: bool,
}

impl Record {
    /// To be made before the provider is asked.
    pub(super) fn open(log: Log, receipt: &Receipt) -> Self {
        Self {
            log,
            provider: receipt.provider.clone(),
            replaced: receipt.replaced.iter().map(|(_, count)| i64::from(*count)).sum(),
            sent_sha256: receipt.sent_sha256.clone(),
            began: Instant::now(),
            open: true,
        }
    }

    /// Before the first plaintext of a stream leaves.
    pub(super) async fn started(&self) -> Result<()> {
        self.log.record(self.draft(STARTED)).await
    }

    /// Before the last plaintext leaves.
    pub(super) async fn completed(mut self) -> Result<()> {
        let outcome = self.log.record(self.draft(COMPLETED)).await;
        self.close("OK");
        outcome
    }

    /// The fault stays what it was.
    pub(super) async fn failed(mut self, fault: Fault) -> Fault {
        self.log.try_to_record(self.draft(FAILED).failed(fault.reason())).await;
        self.close(fault.reason().code);
        fault
    }

    fn draft(&self, kind: &'static str) -> Draft {
        let cx = &self.log.cx;
        Draft::new(cx, kind, "")
            .with("provider", &self.provider)
            .with("replaced", self.replaced)
            .with("sent_sha256", &self.sent_sha256)
            .with("method", cx.method().rsplit('/').next().unwrap_or_default())
    }

    fn close(&mut self, reason: &'static str) {
        self.open = false;
        let provider = self.provider.clone();
        metrics::counter!("signet_provider_calls_total", "provider" => provider.clone(), "reason" => reason)
            .increment(1);
        metrics::histogram!("signet_provider_seconds", "provider" => provider)
            .record(self.began.elapsed().as_secs_f64());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let late = self.log.cx.deadline() <= tokio::time::Instant::now();
        let why: &'static Reason = if late { &common::DEADLINE_EXCEEDED } else { &CALLER_GONE };
        self.close(why.code);
        let draft = self.draft(CANCELLED).failed(why);
        let log = self.log.clone();
        // Without a runtime the process is ending, and with it everything else.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { log.try_to_record(draft).await });
        }
    }
}
