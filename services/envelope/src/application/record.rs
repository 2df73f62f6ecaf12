//! Audit before release, in one place: whatever secret leaves the service passes
//! through [`Recorder::release`], and that lets it go only after who, what, under
//! which rule and with which decision is durable. The sinks get it later.
//!
//! The same transaction confirms what the decision rests on: states of keys may
//! come from a cache that has missed a revocation, but what is released rests on
//! the database as it is now.

use std::sync::Arc;

use events::Draft;
use kernel::{Result, SharedClock, TenantId};
use rpc::Cx;

use super::ports::{Basis, Kept, Record, Records, Release};

/// A secret on its way out. Only the recorder opens it.
#[must_use]
pub struct Withheld<T>(T);

impl<T> Withheld<T> {
    pub const fn new(secret: T) -> Self {
        Self(secret)
    }
}

/// What became of something withheld.
pub enum Outcome<T> {
    Released(T),
    /// It was released before, and this is no retry of the same request.
    Replay,
    /// What the decision rested on has changed: decide again, from the source.
    Overtaken,
}

/// Who gets what, by which rule, resting on what.
pub struct Decision {
    tenant: TenantId,
    draft: Draft,
    basis: Vec<Basis>,
    once: Option<Release>,
}

impl Decision {
    /// The event already names the actor; this adds the rule that let him in.
    pub fn new(cx: &Cx, draft: Draft) -> Self {
        let draft = draft.with("method", cx.method());
        Self { tenant: cx.tenant(), draft, basis: Vec::new(), once: None }
    }

    #[must_use]
    pub fn resting_on(mut self, basis: impl IntoIterator<Item = Basis>) -> Self {
        self.basis.extend(basis);
        self
    }

    /// It may happen once.
    #[must_use]
    pub fn once(mut self, release: Release) -> Self {
        self.once = Some(release);
        self
    }
}

#[derive(Clone)]
pub struct Recorder {
    pub records: Arc<dyn Records>,
    pub clock: SharedClock,
}

impl Recorder {
    /// If the record cannot be written, that is the error, and the secret is wiped.
    pub async fn release<T>(&self, secret: Withheld<T>, decision: Decision) -> Result<Outcome<T>> {
        let Decision { tenant, draft, basis, once } = decision;
        let event = draft.finish(self.clock.now())?;
        let kept = self.records.keep(Record { tenant, event, basis, once }).await?;
        Ok(match kept {
            Kept::Done => Outcome::Released(secret.0),
            Kept::Replay => Outcome::Replay,
            Kept::Overtaken => Outcome::Overtaken,
        })
    }

    /// The same for several, which share one transaction: if one cannot be recorded, none leaves.
    pub async fn release_all<T>(
        &self,
        withheld: Vec<(Withheld<T>, Decision)>,
    ) -> Result<Vec<Outcome<T>>> {
        let (mut secrets, mut records) = (Vec::new(), Vec::new());
        for (secret, Decision { tenant, draft, basis, once }) in withheld {
            let event = draft.finish(self.clock.now())?;
            secrets.push(secret);
            records.push(Record { tenant, event, basis, once });
        }
        let kept = self.records.keep_all(records).await?;
        let outcomes = secrets.into_iter().zip(kept).map(|(secret, kept)| match kept {
            Kept::Done => Outcome::Released(secret.0),
            Kept::Replay => Outcome::Replay,
            Kept::Overtaken => Outcome::Overtaken,
        });
        Ok(outcomes.collect())
    }
}
