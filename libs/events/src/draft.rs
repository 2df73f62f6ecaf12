//! An event, from what the call's context knows.

use db::outbox::{self, OutboxEvent};
use db::{Db, Tx};
use kernel::{EventId, Reason, Result, TenantId, Timestamp};
use prost::Message as _;
use proto::audit::v1::{Event, Outcome};
use proto::common::v1::KeyValue;
use rpc::Cx;

/// Longest value of an attribute; longer ones are cut, because an event must
/// never fail the change it tells of.
const LONGEST: usize = 256;

/// An event being written. Put names, digests and counts here, never content.
pub struct Draft {
    tenant: TenantId,
    event: Event,
}

impl Draft {
    /// `kind` is `dev.signet.<service>.<thing>.<happened>`; `subject` a resource
    /// name.
    pub fn new(cx: &Cx, kind: &'static str, subject: impl Into<String>) -> Self {
        let event = Event {
            id: EventId::new().to_string(),
            r#type: kind.to_owned(),
            source: cx.rule().service.to_owned(),
            tenant: format!("tenants/{}", cx.tenant()),
            actor: cx.actor(),
            subject: subject.into(),
            outcome: Outcome::Success.into(),
            request_id: cx.request_id().to_owned(),
            trace_id: cx.trace_id().to_owned(),
            ..Event::default()
        };
        Self { tenant: cx.tenant(), event }
    }

    /// Something the service did on its own, for a tenant.
    pub fn of_service(
        service: &'static str,
        tenant: TenantId,
        kind: &'static str,
        subject: impl Into<String>,
    ) -> Self {
        let event = Event {
            id: EventId::new().to_string(),
            r#type: kind.to_owned(),
            source: service.to_owned(),
            tenant: format!("tenants/{tenant}"),
            actor: format!("services/{service}"),
            subject: subject.into(),
            outcome: Outcome::Success.into(),
            ..Event::default()
        };
        Self { tenant, event }
    }

    /// For calls whose tenant becomes known only while they run (log-in).
    #[must_use]
    pub fn in_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = tenant;
        self.event.tenant = format!("tenants/{tenant}");
        self
    }

    /// Another actor than the call's (the user who has just logged in).
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.event.actor = actor.into();
        self
    }

    /// Refused by a rule or check.
    #[must_use]
    pub fn denied(mut self, reason: &Reason) -> Self {
        self.event.outcome = Outcome::Denied.into();
        self.event.reason = reason.code.to_owned();
        self
    }

    #[must_use]
    pub fn failed(mut self, reason: &Reason) -> Self {
        self.event.outcome = Outcome::Failure.into();
        self.event.reason = reason.code.to_owned();
        self
    }

    /// An attribute: a digest, count, version or fixed word.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        let mut value = value.to_string();
        if value.len() > LONGEST {
            let end =
                (0..=LONGEST).rev().find(|end| value.is_char_boundary(*end)).unwrap_or_default();
            value.truncate(end);
        }
        self.event.attributes.push(KeyValue { key: key.to_owned(), value });
        self
    }

    /// Whose event it is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The event as the outbox stores it.
    pub fn finish(mut self, now: Timestamp) -> Result<OutboxEvent> {
        let id: EventId = self.event.id.parse().map_err(kernel::Fault::internal)?;
        let nanos = i32::try_from(now.timestamp_subsec_nanos()).unwrap_or_default();
        self.event.time = Some(prost_types::Timestamp { seconds: now.timestamp(), nanos });
        Ok(OutboxEvent {
            id,
            tenant: self.tenant,
            bytes: self.event.encode_to_vec(),
            created_at: now,
        })
    }

    /// Adds the event to the transaction of the change it tells of.
    pub async fn put(self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        outbox::put(tx, &[self.finish(now)?]).await?;
        Ok(())
    }
}

/// Stores an event durably on its own: before plaintext or a key leaves, and
/// for refusals. If it cannot be stored, nothing may be released.
pub async fn record(db: &Db, draft: Draft, now: Timestamp) -> Result<()> {
    record_all(db, vec![draft], now).await
}

/// The same for several that belong together: all of them or none.
pub async fn record_all(db: &Db, drafts: Vec<Draft>, now: Timestamp) -> Result<()> {
    let events = drafts.into_iter().map(|draft| draft.finish(now)).collect::<Result<Vec<_>>>()?;
    db::retry!(async {
        let mut tx = db.begin("record_event").await?;
        outbox::put(&mut tx, &events).await?;
        tx.commit().await?;
        Ok::<_, kernel::Fault>(())
    })
}
