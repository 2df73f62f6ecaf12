//! Enabling, disabling, destroying: a whole key, or one version of it.

use chrono::Duration;
use events::Draft;
use kernel::{Fault, Result};
use rpc::Cx;

use super::change_key::{ChangeKey, Guard, refused};
use crate::application::ports::Once;
use crate::domain::{Key, KeyName, State, Step};

#[derive(Clone)]
pub struct KeyStates {
    pub change: ChangeKey,
}

impl KeyStates {
    /// `version` None: the whole key, whose versions keep their states.
    pub async fn disable(&self, cx: &Cx, id: &KeyName, version: Option<i32>) -> Result<Key> {
        const KIND: &str = "dev.signet.envelope.key.disabled";
        match version {
            None => self.switch(cx, id, true, KIND).await,
            Some(_) => self.step(cx, (id, version), Step::Disable, KIND).await,
        }
    }

    pub async fn enable(
        &self,
        cx: &Cx,
        id: &KeyName,
        version: Option<i32>,
        restricted: bool,
    ) -> Result<Key> {
        const KIND: &str = "dev.signet.envelope.key.enabled";
        match (version, restricted) {
            (None, false) => self.switch(cx, id, false, KIND).await,
            (None, true) => Err(Fault::invalid("state", "is that of a version: name one")),
            (Some(_), false) => self.step(cx, (id, version), Step::Enable, KIND).await,
            (Some(_), true) => self.step(cx, (id, version), Step::Restrict, KIND).await,
        }
    }

    /// `version` None: all of them.
    pub async fn schedule_destruction(
        &self,
        cx: &Cx,
        (id, version): (&KeyName, Option<i32>),
        wait: Duration,
    ) -> Result<Key> {
        const KIND: &str = "dev.signet.envelope.key.destruction_scheduled";
        let at = self.change.clock.now() + wait;
        let edit = |key: &mut Key| {
            let moved = key.take(version, Step::ScheduleDestruction, Some(at)).map_err(refused)?;
            let draft = told(cx, KIND, (id, version), &moved);
            Ok(draft.map(|draft| draft.with("destroy_time", at.to_rfc3339())))
        };
        self.change.by_caller(cx, id, Guard::default(), edit).await
    }

    pub async fn cancel_destruction(
        &self,
        cx: &Cx,
        id: &KeyName,
        version: Option<i32>,
    ) -> Result<Key> {
        const KIND: &str = "dev.signet.envelope.key.destruction_cancelled";
        let edit = |key: &mut Key| {
            let moved = key.take(version, Step::Restore, None).map_err(refused)?;
            Ok(told(cx, KIND, (id, version), &moved))
        };
        self.change.by_caller(cx, id, Guard::default(), edit).await
    }

    async fn step(
        &self,
        cx: &Cx,
        (id, version): (&KeyName, Option<i32>),
        step: Step,
        kind: &'static str,
    ) -> Result<Key> {
        let edit = |key: &mut Key| {
            let moved = key.take(version, step, None).map_err(refused)?;
            let draft = told(cx, kind, (id, version), &moved);
            let state = step.target().map_or("", State::word);
            Ok(draft.map(|draft| draft.with("state", state)))
        };
        self.change.by_caller(cx, id, Guard::default(), edit).await
    }

    async fn switch(
        &self,
        cx: &Cx,
        id: &KeyName,
        disabled: bool,
        kind: &'static str,
    ) -> Result<Key> {
        let edit = |key: &mut Key| {
            if key.head.disabled == disabled {
                return Ok(None);
            }
            key.head.disabled = disabled;
            key.plan();
            Ok(Some(Draft::new(cx, kind, id.resource())))
        };
        self.change.by_caller(cx, id, Guard::default(), edit).await
    }
}

/// What a user may change of a key that is not its state.
pub struct Edit {
    pub labels: Option<Vec<(String, String)>>,
    /// Some(None): never.
    pub rotation: Option<Option<Duration>>,
    /// What the user has seen.
    pub revision: Option<i64>,
}

impl KeyStates {
    pub async fn update(
        &self,
        cx: &Cx,
        id: &KeyName,
        given: Edit,
        once: Option<Once>,
    ) -> Result<Key> {
        let edit = |key: &mut Key| {
            if given.rotation.is_some() && key.head.registered {
                let what = "is for keys that the service keeps";
                return Err(Fault::invalid("key.rotation_period", what));
            }
            let mut draft = Draft::new(cx, "dev.signet.envelope.key.updated", id.resource());
            if let Some(labels) = &given.labels {
                key.head.labels.clone_from(labels);
                draft = draft.with("labels", labels.len());
            }
            if let Some(period) = given.rotation {
                key.set_rotation(period);
                draft = draft.with("rotation_seconds", period.map_or(0, |one| one.num_seconds()));
            }
            Ok(Some(draft))
        };
        self.change.by_caller(cx, id, Guard { once, revision: given.revision }, edit).await
    }
}

fn told(
    cx: &Cx,
    kind: &'static str,
    (id, version): (&KeyName, Option<i32>),
    moved: &[i32],
) -> Option<Draft> {
    if moved.is_empty() {
        return None;
    }
    let draft = Draft::new(cx, kind, id.resource());
    Some(match version {
        Some(number) => draft.with("version", number),
        None => draft.with("versions", moved.len()),
    })
}
