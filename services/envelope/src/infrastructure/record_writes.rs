//! The one transaction in which records are kept.

use std::collections::{HashMap, HashSet};

use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Isolation, Tx};
use kernel::Result;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::key_rows::state_text;
use crate::application::ports::{Basis, Kept, Record, Release};

/// What a release is unique by: tenant, envelope, key.
type Unique = (Uuid, Uuid, String);

/// The outcomes, in order. Nothing is kept if this fails.
pub(super) async fn write(db: &Db, records: &[Record]) -> Result<Vec<Kept>> {
    // Two at once cannot both be first: the primary key is the guard.
    let mut tx = db.begin_with("record", Isolation::ReadCommitted).await?;
    let standing = Standing::read(&mut tx, records).await?;
    let mut kept: Vec<Kept> = records
        .iter()
        .map(|record| if standing.holds(record) { Kept::Done } else { Kept::Overtaken })
        .collect();
    remember(&mut tx, records, &mut kept).await?;
    let events: Vec<OutboxEvent> = records
        .iter()
        .zip(&kept)
        .filter(|(_, kept)| **kept == Kept::Done)
        .map(|(record, _)| record.event.clone())
        .collect();
    if !events.is_empty() {
        outbox::put(&mut tx, &events).await?;
        tx.commit().await?;
    }
    Ok(kept)
}

/// What the database says now about what decisions rest on.
struct Standing {
    /// States of key and version, by tenant and thumbprint.
    states: HashMap<(Uuid, String), (String, String)>,
    /// Of tenants that have one.
    epochs: HashMap<Uuid, i64>,
}

#[derive(FromRow)]
struct StateRow {
    tenant: Uuid,
    kid: String,
    key_state: String,
    version_state: String,
}

impl Standing {
    async fn read(tx: &mut Tx, records: &[Record]) -> Result<Self> {
        let (mut tenants, mut kids) = (HashSet::new(), HashSet::new());
        let mut of_epochs = HashSet::new();
        for record in records {
            for basis in &record.basis {
                match basis {
                    Basis::Version { kid, .. } => {
                        tenants.insert(record.tenant.uuid());
                        kids.insert(kid.as_str());
                    }
                    Basis::Epoch(_) => {
                        of_epochs.insert(record.tenant.uuid());
                    }
                }
            }
        }
        Ok(Self {
            states: states(tx, &tenants, &kids).await?,
            epochs: epochs(tx, &of_epochs).await?,
        })
    }

    fn holds(&self, record: &Record) -> bool {
        let tenant = record.tenant.uuid();
        record.basis.iter().all(|basis| match basis {
            Basis::Version { kid, disabled, version } => {
                self.states.get(&(tenant, kid.clone())).is_some_and(|(of_key, of_version)| {
                    of_key == state_text(*disabled) && of_version == version.word()
                })
            }
            Basis::Epoch(epoch) => self.epochs.get(&tenant).copied().unwrap_or_default() == *epoch,
        })
    }
}

async fn states(
    tx: &mut Tx,
    tenants: &HashSet<Uuid>,
    kids: &HashSet<&str>,
) -> Result<HashMap<(Uuid, String), (String, String)>> {
    const SELECT: &str = "SELECT v.tenant, v.kid, k.state AS key_state, \
         v.state AS version_state FROM key_versions v \
         JOIN keys k ON k.tenant = v.tenant AND k.id = v.key_id WHERE v.tenant IN (";
    if kids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<StateRow> = db::sql!(tx.on(), |c| {
        let mut sql = QueryBuilder::new(SELECT);
        let mut list = sql.separated(", ");
        for tenant in tenants {
            list.push_bind(*tenant);
        }
        sql.push(") AND v.kid IN (");
        let mut list = sql.separated(", ");
        for kid in kids {
            list.push_bind(*kid);
        }
        sql.push(")");
        // Many texts, each for its numbers: only the common ones are worth keeping.
        let common = tenants.len() == 1 && kids.len() <= 4;
        sql.build_query_as().persistent(common).fetch_all(c).await
    })
    .map_err(Error::from)?;
    let states = rows.into_iter();
    Ok(states.map(|row| ((row.tenant, row.kid), (row.key_state, row.version_state))).collect())
}

async fn epochs(tx: &mut Tx, tenants: &HashSet<Uuid>) -> Result<HashMap<Uuid, i64>> {
    if tenants.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, i64)> = db::sql!(tx.on(), |c| {
        let mut sql = QueryBuilder::new("SELECT tenant, epoch FROM key_epochs WHERE tenant IN (");
        let mut list = sql.separated(", ");
        for tenant in tenants {
            list.push_bind(*tenant);
        }
        sql.push(")");
        sql.build_query_as().persistent(tenants.len() == 1).fetch_all(c).await
    })
    .map_err(Error::from)?;
    Ok(rows.into_iter().collect())
}

/// Remembers what is released once. Whoever comes second is told so in `kept`,
/// unless it is the same request again.
async fn remember(tx: &mut Tx, records: &[Record], kept: &mut [Kept]) -> Result<()> {
    let mut asked: Vec<(usize, &Release)> = records
        .iter()
        .enumerate()
        .filter(|(index, _)| kept.get(*index) == Some(&Kept::Done))
        .filter_map(|(index, record)| record.once.as_ref().map(|release| (index, release)))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    // In one order everywhere, so that two transactions cannot wait for each other.
    asked.sort_by_cached_key(|(_, release)| unique(release));
    let mut first: Vec<&Release> = asked.iter().map(|(_, release)| *release).collect();
    first.dedup_by_key(|release| unique(release));
    let mut new = insert(tx, &first).await?;
    for (index, release) in asked {
        if !new.remove(&unique(release))
            && !is_retry(tx, release).await?
            && let Some(kept) = kept.get_mut(index)
        {
            *kept = Kept::Replay;
        }
    }
    Ok(())
}

fn unique(release: &Release) -> Unique {
    (release.tenant.uuid(), release.envelope.uuid(), release.key.as_str().to_owned())
}

/// Those that were not there.
async fn insert(tx: &mut Tx, releases: &[&Release]) -> Result<HashSet<Unique>> {
    const INSERT: &str = "INSERT INTO releases \
         (tenant, envelope, key_id, manifest, caller, request_id, expires_at, key_version) ";
    let rows: Vec<Unique> = db::sql!(tx.on(), |c| {
        let mut sql = QueryBuilder::new(INSERT);
        sql.push_values(releases, |mut row, release| {
            row.push_bind(release.tenant.uuid())
                .push_bind(release.envelope.uuid())
                .push_bind(release.key.as_str())
                .push_bind(release.manifest.as_slice())
                .push_bind(release.caller.as_str())
                .push_bind(release.request_id)
                .push_bind(release.expires_at)
                .push_bind(i64::from(release.version));
        });
        sql.push(" ON CONFLICT DO NOTHING RETURNING tenant, envelope, key_id");
        sql.build_query_as().persistent(releases.len() == 1).fetch_all(c).await
    })
    .map_err(Error::from)?;
    Ok(rows.into_iter().collect())
}

#[derive(FromRow)]
struct Before {
    manifest: Vec<u8>,
    caller: String,
    request_id: Option<Uuid>,
}

/// The same request again, by the same caller, for the same manifest.
async fn is_retry(tx: &mut Tx, release: &Release) -> Result<bool> {
    const FIND: &str = "SELECT manifest, caller, request_id FROM releases \
         WHERE tenant = $1 AND envelope = $2 AND key_id = $3";
    let before: Option<Before> = db::sql!(tx.on(), |c| sqlx::query_as(FIND)
        .bind(release.tenant.uuid())
        .bind(release.envelope.uuid())
        .bind(release.key.as_str())
        .fetch_optional(c)
        .await)
    .map_err(Error::from)?;
    Ok(before.is_some_and(|before| {
        before.request_id.is_some()
            && before.request_id == release.request_id
            && before.caller == release.caller
            && before.manifest == release.manifest
    }))
}
