//! `keys`: what is done to a key that exists.

use chrono::Duration;
use proto::envelope::v1::{
    CancelKeyDestructionRequest, DisableKeyRequest, EnableKeyRequest, GetKeyUsageRequest, Key,
    KeyState, KeyVersion, KeyVersionUsage, RotateKeyRequest, ScheduleKeyDestructionRequest,
    UpdateKeyRequest,
};
use serde_json::{Value, json};

use super::{Problem, Result, label, labels, named, span};
use crate::sealing;
use crate::session::{Session, request_id};
use console::output::{time, word};

#[derive(clap::Subcommand)]
pub(super) enum Change {
    /// Change a key's labels or how often it is rotated.
    Update {
        /// The key's name or id.
        name: String,
        /// KEY=VALUE, once for each: these instead of those that there are.
        #[arg(long = "label", value_name = "LABEL", value_parser = label, conflicts_with = "no_labels")]
        labels: Vec<(String, String)>,
        /// Take all labels away.
        #[arg(long)]
        no_labels: bool,
        /// How old the newest version gets before the next one: such as 90d, or never.
        #[arg(long, value_name = "SPAN", value_parser = period)]
        rotate_every: Option<Period>,
    },
    /// Add a version to a key that the mesh keeps, and use it from now on.
    Rotate {
        /// The key's name or id.
        name: String,
        /// Publish the version this long before it is used: such as 1h.
        #[arg(long, value_name = "SPAN", value_parser = span)]
        activate_after: Option<Duration>,
    },
    /// Enable a disabled key, or one version of it.
    Enable {
        /// The key's name or id.
        name: String,
        /// Only this version.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        version: i32,
        /// For opening and verifying only.
        #[arg(long, requires = "version")]
        decrypt_only: bool,
    },
    /// Disable a key, or one version of it, at once.
    Disable {
        /// The key's name or id.
        name: String,
        /// Only this version.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        version: i32,
    },
    /// Destroy a key's private halves after a waiting time, or take that back.
    Destroy {
        /// The key's name or id.
        name: String,
        /// Only this version.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        version: i32,
        /// How long it can be taken back: 1d to 120d.
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "30d")]
        wait: Duration,
        /// Take back what is scheduled. It is disabled then.
        #[arg(long)]
        cancel: bool,
        /// Only say what would be destroyed, and what has used it.
        #[arg(long, conflicts_with = "cancel")]
        dry_run: bool,
    },
    /// Say how much each version has been used, and what depends on it.
    Usage {
        /// The key's name or id.
        name: String,
    },
}

/// How often a key is rotated; None for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period(Option<Duration>);

pub(super) fn period(text: &str) -> Result<Period, String> {
    if text == "never" {
        return Ok(Period(None));
    }
    span(text).map(|span| Period(Some(span)))
}

impl From<Period> for prost_types::Duration {
    fn from(Period(period): Period) -> Self {
        seconds(period.unwrap_or_else(Duration::zero))
    }
}

fn seconds(span: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: span.num_seconds(), nanos: 0 }
}

impl Change {
    /// Gives the key that is to be shown.
    pub(super) async fn run(self, session: &Session) -> Result<Option<Key>> {
        let mut keys = session.edge.keys();
        Ok(match self {
            Self::Update { name, labels: given, no_labels, rotate_every } => {
                let request = update(&name, (&given, no_labels), rotate_every)?;
                keys.update_key(request).await?.into_inner().key
            }
            Self::Rotate { name, activate_after } => {
                let request = RotateKeyRequest {
                    name: named("keys", &name),
                    request_id: request_id(),
                    activate_after: activate_after.map(seconds),
                };
                keys.rotate_key(request).await?.into_inner().key
            }
            Self::Enable { name, version, decrypt_only } => {
                let state = if decrypt_only { KeyState::DecryptOnly } else { KeyState::Enabled };
                let name = named("keys", &name);
                let request = EnableKeyRequest { name, version, state: state.into() };
                keys.enable_key(request).await?.into_inner().key
            }
            Self::Disable { name, version } => {
                let request = DisableKeyRequest { name: named("keys", &name), version };
                keys.disable_key(request).await?.into_inner().key
            }
            Self::Destroy { name, version, cancel: true, .. } => {
                let request = CancelKeyDestructionRequest { name: named("keys", &name), version };
                keys.cancel_key_destruction(request).await?.into_inner().key
            }
            Self::Destroy { name, version, dry_run: true, .. } => {
                preview(session, &named("keys", &name), version).await?;
                None
            }
            Self::Destroy { name, version, wait, .. } => {
                let (name, wait) = (named("keys", &name), Some(seconds(wait)));
                let request = ScheduleKeyDestructionRequest { name: name.clone(), version, wait };
                let key = keys.schedule_key_destruction(request).await?.into_inner().key;
                let which =
                    if version == 0 { String::new() } else { format!(" --version {version}") };
                session.out.note(format_args!(
                    "It can be taken back until then: signet keys destroy {name}{which} --cancel"
                ));
                key
            }
            Self::Usage { name } => {
                let rows: Vec<_> =
                    usage(session, &named("keys", &name)).await?.iter().map(usage_json).collect();
                session.out.list(&rows, &USAGE);
                None
            }
        })
    }
}

const USAGE: [&str; 6] =
    ["version", "state", "protect_count", "process_count", "last_use_time", "live_releases"];

async fn usage(session: &Session, name: &str) -> Result<Vec<KeyVersionUsage>> {
    let request = GetKeyUsageRequest { name: name.to_owned() };
    Ok(session.edge.keys().get_key_usage(request).await?.into_inner().versions)
}

/// What destruction would end.
async fn preview(session: &Session, name: &str, version: i32) -> Result<()> {
    let key = sealing::key(&session.edge, name).await?;
    if version != 0 && !key.versions.iter().any(|one| one.version == version) {
        return Err(Problem::new(format_args!("{name} has no version {version}.")));
    }
    let affected: Vec<i32> = affected(&key, version).map(|one| one.version).collect();
    let used = usage(session, name).await?;
    let rows: Vec<_> =
        used.iter().filter(|one| affected.contains(&one.version)).map(usage_json).collect();
    session.out.note(format_args!(
        "Would destroy {} of {} versions of {name}; nothing has been changed.",
        rows.len(),
        key.versions.len()
    ));
    session.out.list(&rows, &USAGE);
    Ok(())
}

fn affected(key: &Key, version: i32) -> impl Iterator<Item = &KeyVersion> {
    let left = |state| !matches!(state, KeyState::DestroyScheduled | KeyState::Destroyed);
    key.versions
        .iter()
        .filter(move |one| (version == 0 || version == one.version) && left(one.state()))
}

fn update(
    name: &str,
    (given, no_labels): (&[(String, String)], bool),
    rotate_every: Option<Period>,
) -> Result<UpdateKeyRequest> {
    let mut paths = Vec::new();
    if no_labels || !given.is_empty() {
        paths.push("labels".to_owned());
    }
    if rotate_every.is_some() {
        paths.push("rotation_period".to_owned());
    }
    if paths.is_empty() {
        return Err(Problem::new("There is nothing to change.")
            .help("Give --label, --no-labels or --rotate-every."));
    }
    let key = Key {
        name: named("keys", name),
        labels: labels(given),
        rotation_period: rotate_every.map(Into::into),
        ..Key::default()
    };
    Ok(UpdateKeyRequest {
        key: Some(key),
        update_mask: Some(prost_types::FieldMask { paths }),
        request_id: request_id(),
    })
}

fn usage_json(usage: &KeyVersionUsage) -> Value {
    json!({
        "version": usage.version,
        "state": word(usage.state().as_str_name(), "KEY_STATE_"),
        "protect_count": usage.protect_count,
        "process_count": usage.process_count,
        "last_use_time": time(usage.last_use_time.as_ref()),
        "live_releases": usage.live_releases,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_spans_or_never() {
        assert_eq!(period("never"), Ok(Period(None)));
        assert_eq!(period("30d"), Ok(Period(Some(Duration::days(30)))));
        assert!(period("sometimes").is_err());
    }

    #[test]
    fn an_update_names_what_it_changes() {
        let pair = [("a".to_owned(), "b".to_owned())];
        let request = update("x", (&pair, false), Some(Period(None))).unwrap();
        let key = request.key.unwrap();
        assert_eq!(request.update_mask.unwrap().paths, ["labels", "rotation_period"]);
        assert_eq!((key.name.as_str(), key.labels.len()), ("keys/x", 1));
        assert_eq!(key.rotation_period.unwrap().seconds, 0);
        let request = update("x", (&[], true), None).unwrap();
        assert_eq!(request.update_mask.unwrap().paths, ["labels"]);
        assert!(update("x", (&[], false), None).is_err());
    }

    #[test]
    fn what_is_gone_is_not_destroyed_again() {
        let version = |version, state: KeyState| KeyVersion {
            version,
            state: state.into(),
            ..KeyVersion::default()
        };
        let versions = vec![
            version(1, KeyState::Destroyed),
            version(2, KeyState::DecryptOnly),
            version(3, KeyState::Enabled),
        ];
        let key = Key { versions, ..Key::default() };
        let of = |number| affected(&key, number).map(|one| one.version).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(3)), (vec![2, 3], vec![], vec![3]));
    }
}
