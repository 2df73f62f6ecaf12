//! Changing a key: read, change what was read, store it unless another change
//! was faster, and then begin anew.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, Result, SharedClock, TenantId, common};
use proto::Role;
use reasons::envelope::KEY_STATE_CONFLICT;
use rpc::Cx;

use super::custody::Custody;
use crate::application::ports::{Change, Keys, Once, Updated};
use crate::domain::{Key, KeyName, NotTaken, Owner, State};

/// Each time another change was faster; so many in a row are no accident.
const ATTEMPTS: u32 = 8;

/// On what terms a change is made.
#[derive(Default)]
pub struct Guard {
    pub once: Option<Once>,
    /// Only if this is still the key's.
    pub revision: Option<i64>,
}

#[derive(Clone)]
pub struct ChangeKey {
    pub keys: Arc<dyn Keys>,
    pub custody: Arc<Custody>,
    pub clock: SharedClock,
}

impl ChangeKey {
    /// For an administrator, and the owner of a registered key. `edit` gives the
    /// event of what it has changed, or None for nothing.
    pub async fn by_caller(
        &self,
        cx: &Cx,
        id: &KeyName,
        guard: Guard,
        edit: impl Fn(&mut Key) -> Result<Option<Draft>> + Send + Sync,
    ) -> Result<Key> {
        let principal = cx.principal()?;
        let may =
            |key: &Key| principal.has(Role::Admin) || key.head.owner == Owner::User(principal.user);
        let edit = |key: &mut Key| if may(key) { edit(key) } else { Err(Fault::not_found()) };
        self.apply(cx.tenant(), id, guard, edit).await
    }

    pub async fn apply(
        &self,
        tenant: TenantId,
        id: &KeyName,
        guard: Guard,
        edit: impl Fn(&mut Key) -> Result<Option<Draft>> + Send + Sync,
    ) -> Result<Key> {
        let Guard { once, revision } = guard;
        for _ in 0..ATTEMPTS {
            let mut before = self.find(tenant, id).await?;
            let mut after = before.clone();
            let Some(draft) = edit(&mut after)? else { return Ok(before) };
            // Left to the database to compare: a repeated request must find its
            // own earlier answer, not that it has changed the key since.
            before.head.revision = revision.unwrap_or(before.head.revision);
            let now = self.clock.now();
            let change = Change {
                once: once.clone(),
                events: vec![draft.finish(now)?],
                at: now,
                answer: None,
            };
            if self.keys.update(tenant, &before, &after, &change).await? == Updated::Done {
                self.forget(tenant, &after);
                return self.find(tenant, id).await;
            }
            if revision.is_some() {
                return Err(Fault::new(&common::ETAG_MISMATCH));
            }
        }
        Err(Fault::unavailable("others change this key all the time"))
    }

    /// Wipes what may not be used any more from memory.
    pub fn forget(&self, tenant: TenantId, key: &Key) {
        for version in &key.versions {
            if key.head.disabled || !version.state.may_process() {
                self.custody.forget(tenant, &version.kid);
            }
        }
    }

    pub async fn find(&self, tenant: TenantId, id: &KeyName) -> Result<Key> {
        self.keys.find(tenant, id).await?.ok_or_else(Fault::not_found)
    }
}

/// What a step that was not taken means to the caller.
pub fn refused(not_taken: NotTaken) -> Fault {
    match not_taken {
        NotTaken::Absent => Fault::not_found(),
        NotTaken::Forbidden(state) => {
            let fault = Fault::new(&KEY_STATE_CONFLICT);
            fault.with_violation("version", format!("is {}", in_words(state)))
        }
    }
}

const fn in_words(state: State) -> &'static str {
    match state {
        State::Pending => "pending: its time has not come",
        State::Enabled => "enabled",
        State::DecryptOnly => "for opening and verifying only",
        State::Disabled => "disabled",
        State::DestroyScheduled => "to be destroyed: cancel that first",
        State::Destroyed => "destroyed for good",
    }
}
