//! Rows of keys and what they mean.

use chrono::Duration;
use crypto::KeyUse;
use kernel::{Fault, Result, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{Head, Key, Keyed, Owner, SealedHalf, State, Version};

/// One version with its key, by which every query begins.
pub(super) const SELECT: &str = "SELECT k.id, k.serial, k.algorithm, k.state, k.owner, \
     k.registered, k.labels, k.created_at, k.rotation_seconds, k.rotate_at, k.revision, \
     v.version, v.state AS version_state, v.kid, v.public_jwk, v.private_half, v.data_key, \
     v.created_at AS version_created_at, v.activate_at, v.destroy_at \
     FROM keys k JOIN key_versions v ON v.tenant = k.tenant AND v.key_id = k.id ";

pub(super) type Labels = Json<Vec<(String, String)>>;

#[derive(Clone, FromRow, Serialize, Deserialize)]
pub(super) struct Row {
    id: String,
    serial: Uuid,
    algorithm: String,
    state: String,
    owner: String,
    registered: bool,
    /// The tenant's own words: they do not leave the process.
    #[serde(skip)]
    labels: Labels,
    created_at: Timestamp,
    rotation_seconds: Option<i64>,
    rotate_at: Option<Timestamp>,
    revision: i64,
    version: i64,
    version_state: String,
    kid: String,
    public_jwk: String,
    #[serde(with = "hexed")]
    private_half: Option<Vec<u8>>,
    #[serde(with = "hexed")]
    data_key: Option<Vec<u8>>,
    version_created_at: Timestamp,
    activate_at: Option<Timestamp>,
    destroy_at: Option<Timestamp>,
}

impl Row {
    pub(super) fn keyed(self) -> Result<Keyed> {
        let head = Head {
            id: self.id.parse().map_err(|_| column("id"))?,
            serial: self.serial,
            algorithm: self.algorithm.parse().map_err(|_| column("algorithm"))?,
            disabled: self.state == DISABLED,
            owner: Owner::from_name(&self.owner).ok_or_else(|| column("owner"))?,
            registered: self.registered,
            labels: self.labels.0,
            created_at: self.created_at,
            rotation: self.rotation_seconds.map(Duration::seconds),
            rotate_at: self.rotate_at,
            revision: self.revision,
        };
        let private = match (self.private_half, self.data_key) {
            (Some(sealed), Some(data_key)) => Some(SealedHalf { data_key, sealed }),
            (None, None) => None,
            _ => return Err(column("private_half")),
        };
        let version = Version {
            number: i32::try_from(self.version).map_err(Fault::internal)?,
            state: State::from_word(&self.version_state).ok_or_else(|| column("state"))?,
            public_jwk: self.public_jwk,
            kid: self.kid,
            created_at: self.version_created_at,
            activate_at: self.activate_at,
            destroy_at: self.destroy_at,
            private,
        };
        Ok(Keyed { head, version })
    }
}

/// Gathers rows, which must be sorted by key, then version.
pub(super) fn gather(rows: Vec<Row>) -> Result<Vec<Key>> {
    let mut keys: Vec<Key> = Vec::new();
    for row in rows {
        let Keyed { head, version } = row.keyed()?;
        match keys.last_mut() {
            Some(last) if last.head.id == head.id => last.versions.push(version),
            _ => keys.push(Key { head, versions: vec![version] }),
        }
    }
    Ok(keys)
}

/// The state of a whole key.
pub(super) const fn state_text(disabled: bool) -> &'static str {
    if disabled { DISABLED } else { "enabled" }
}

const DISABLED: &str = "disabled";

pub(super) const fn purpose_text(key_use: KeyUse) -> &'static str {
    match key_use {
        KeyUse::Seal => "seal",
        KeyUse::Sign => "sign",
    }
}

/// Names the column, never what is in it.
fn column(name: &str) -> Fault {
    Fault::internal(format!("keys.{name} does not hold what the code expects"))
}

/// Bytes in JSON, a third of the length that a list of numbers has.
mod hexed {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(hex::encode).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(hex::decode).transpose().map_err(|_| D::Error::custom("expected hex digits"))
    }
}
