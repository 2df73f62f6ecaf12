//! Policies: those that come with Signet, and the tenants' own.

use std::collections::BTreeMap;
use std::sync::Arc;

use events::Draft;
use kernel::{Fault, Result, SharedClock, common};
use pii::Engine;
use reasons::anonymizer::POLICY_READ_ONLY;
use rpc::Cx;
use transform::{Policy, PolicyError, READY};

use crate::ports::StoredPolicies;
use crate::{PolicyName, StoredPolicy};

const CREATED: &str = "dev.signet.anonymizer.policy.created";
const UPDATED: &str = "dev.signet.anonymizer.policy.updated";
const DELETED: &str = "dev.signet.anonymizer.policy.deleted";
/// How often a change is begun anew when others were faster.
const ATTEMPTS: u32 = 8;
const DOCUMENT: &str = "policy.document";

/// A policy that comes with Signet.
#[derive(Clone)]
pub struct Ready {
    pub document: &'static str,
    pub policy: Arc<Policy>,
}

/// A policy as it is read.
pub enum Found {
    Ready(Ready),
    Stored(StoredPolicy),
}

#[derive(Clone)]
pub struct Policies {
    engine: Arc<Engine>,
    ready: Arc<BTreeMap<&'static str, Ready>>,
    stored: Arc<dyn StoredPolicies>,
    clock: SharedClock,
}

impl Policies {
    pub fn new(
        engine: Arc<Engine>,
        stored: Arc<dyn StoredPolicies>,
        clock: SharedClock,
    ) -> Result<Self> {
        let read = |(name, document): &(&'static str, &'static str)| {
            let policy = Policy::ready(name, engine.types()).map_err(Fault::internal)?;
            Ok((*name, Ready { document, policy: Arc::new(policy) }))
        };
        let ready = READY.iter().map(read).collect::<Result<_>>()?;
        Ok(Self { engine, ready: Arc::new(ready), stored, clock })
    }

    /// Those that come with Signet, by name.
    pub fn ready(&self) -> impl Iterator<Item = &Ready> {
        self.ready.values()
    }

    /// A tenant's own, by name, after one.
    pub async fn list(
        &self,
        cx: &Cx,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredPolicy>> {
        self.stored.list(cx.tenant(), after, limit).await
    }

    /// Newest first. One that comes with Signet has only what it is now.
    pub async fn revisions(
        &self,
        cx: &Cx,
        id: &str,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<StoredPolicy>> {
        self.stored.find(cx.tenant(), id, None).await?.ok_or_else(Fault::not_found)?;
        self.stored.revisions(cx.tenant(), id, before, limit).await
    }

    pub async fn get(&self, cx: &Cx, name: &PolicyName) -> Result<Found> {
        if let Some(ready) = self.ready.get(name.id.as_str()) {
            let is_it = |revision| u32::try_from(revision) == Ok(ready.policy.version());
            if !name.revision.is_none_or(is_it) {
                return Err(Fault::not_found());
            }
            return Ok(Found::Ready(ready.clone()));
        }
        let found = self.stored.find(cx.tenant(), &name.id, name.revision).await?;
        found.map(Found::Stored).ok_or_else(Fault::not_found)
    }

    /// The policy that a field names, and its name with the revision that it has now.
    pub async fn named(&self, cx: &Cx, field: &str, name: &str) -> Result<(Arc<Policy>, String)> {
        let name = PolicyName::parse(field, name)?;
        let (policy, revision) = match self.get(cx, &name).await {
            Ok(Found::Ready(ready)) => {
                let version = ready.policy.version();
                (ready.policy, i32::try_from(version).map_err(Fault::internal)?)
            }
            Ok(Found::Stored(stored)) => {
                let read = Policy::parse(&stored.document, self.engine.types());
                (Arc::new(read.map_err(Fault::internal)?), stored.revision)
            }
            Err(fault) if fault.reason() == &common::RESOURCE_NOT_FOUND => {
                return Err(Fault::invalid(field, "names no policy"));
            }
            Err(fault) => return Err(fault),
        };
        Ok((policy, format!("policies/{}@{revision}", name.id)))
    }

    /// A document that is not stored.
    pub fn read(&self, field: &str, document: &str) -> Result<Policy> {
        let wrong = |error: PolicyError| Fault::invalid(field, error.to_string());
        Policy::parse(document, self.engine.types()).map_err(wrong)
    }

    pub async fn create(&self, cx: &Cx, document: String) -> Result<StoredPolicy> {
        let policy = self.read(DOCUMENT, &document)?;
        if self.ready.contains_key(policy.name()) {
            return Err(Fault::new(&common::RESOURCE_EXISTS));
        }
        for _ in 0..ATTEMPTS {
            let last = self.stored.last(cx.tenant(), policy.name()).await?;
            let revision = match last {
                Some((_, false)) => return Err(Fault::new(&common::RESOURCE_EXISTS)),
                Some((last, true)) => next(last)?,
                None => 1,
            };
            let stored = self.revision(cx, &policy, &document, revision)?;
            let event = event(cx, CREATED, &stored).finish(stored.updated)?;
            if self.stored.add(&stored, true, &event).await? {
                return Ok(stored);
            }
        }
        Err(Fault::unavailable("others changed the policy every time"))
    }

    pub async fn update(
        &self,
        cx: &Cx,
        id: &str,
        etag: &str,
        document: String,
    ) -> Result<StoredPolicy> {
        self.writable(id)?;
        let policy = self.read(DOCUMENT, &document)?;
        if policy.name() != id {
            return Err(Fault::invalid(DOCUMENT, "has another name than the policy"));
        }
        for _ in 0..ATTEMPTS {
            let found = self.stored.find(cx.tenant(), id, None).await?;
            let earlier = found.ok_or_else(Fault::not_found)?;
            earlier.allows(etag)?;
            let stored = self.revision(cx, &policy, &document, next(earlier.revision)?)?;
            let stored = StoredPolicy { created: earlier.created, ..stored };
            let event = event(cx, UPDATED, &stored).finish(stored.updated)?;
            if self.stored.add(&stored, false, &event).await? {
                return Ok(stored);
            }
        }
        Err(Fault::unavailable("others changed the policy every time"))
    }

    pub async fn delete(&self, cx: &Cx, id: &str, etag: &str) -> Result<()> {
        self.writable(id)?;
        for _ in 0..ATTEMPTS {
            let found = self.stored.find(cx.tenant(), id, None).await?;
            let policy = found.ok_or_else(Fault::not_found)?;
            policy.allows(etag)?;
            let event = event(cx, DELETED, &policy).finish(self.clock.now())?;
            if self.stored.delete(&policy, &event).await? {
                return Ok(());
            }
        }
        Err(Fault::unavailable("others changed the policy every time"))
    }

    fn writable(&self, id: &str) -> Result<()> {
        if self.ready.contains_key(id) {
            return Err(Fault::new(&POLICY_READ_ONLY));
        }
        Ok(())
    }

    /// What is known of a document that the caller stores now.
    fn revision(
        &self,
        cx: &Cx,
        policy: &Policy,
        document: &str,
        revision: i32,
    ) -> Result<StoredPolicy> {
        let now = self.clock.now();
        // PostgreSQL takes no U+0000.
        if policy.description().contains(char::is_control) {
            let why = "description must not have control characters";
            return Err(Fault::invalid(DOCUMENT, why));
        }
        Ok(StoredPolicy {
            tenant: cx.tenant(),
            id: policy.name().to_owned(),
            revision,
            document: document.to_owned(),
            description: policy.description().to_owned(),
            reversible: policy.is_reversible(),
            author: cx.principal()?.user,
            created: now,
            updated: now,
        })
    }
}

fn event(cx: &Cx, kind: &'static str, policy: &StoredPolicy) -> Draft {
    Draft::new(cx, kind, format!("policies/{}", policy.id)).with("revision", policy.revision)
}

fn next(revision: i32) -> Result<i32> {
    revision.checked_add(1).ok_or_else(|| Fault::internal("revision"))
}
