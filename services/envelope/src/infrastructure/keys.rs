//! Keys in the database.

use std::sync::Arc;

use async_trait::async_trait;
use db::outbox;
use db::{Db, Error};
use kernel::{Fault, Result, TenantId, Timestamp};
use reasons::envelope::KEY_PROOF_INVALID;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::enrolment::consume;
use super::key_filter::{LABELS_POSTGRES, LABELS_SQLITE, push_terms};
use super::key_rows::{Row, SELECT, gather};
use super::key_writes::{claim, insert_key, insert_version, save, update_key, update_version};
use crate::application::ports::{Added, Change, Keys, KnownKeys, Query, Updated};
use crate::domain::{Key, KeyName, Keyed};

pub struct SqlKeys {
    pub db: Db,
    /// Told of every change after its commit.
    pub known: Arc<dyn KnownKeys>,
}

/// Keys that time has something in store for at `$1`.
macro_rules! due {
    () => {
        "WITH due AS (SELECT tenant, id FROM keys WHERE rotate_at <= $1 \
             UNION SELECT tenant, key_id FROM key_versions \
                 WHERE state = 'pending' AND activate_at <= $1 \
             UNION SELECT tenant, key_id FROM key_versions \
                 WHERE state = 'destroy_scheduled' AND destroy_at <= $1) "
    };
}

/// The rows of a key, by version.
pub(super) async fn rows_of(db: &Db, tenant: TenantId, id: &str) -> Result<Vec<Row>> {
    let rows: Vec<Row> = db::sql!(db.read(), |c| {
        let mut sql = QueryBuilder::new(SELECT);
        sql.push("WHERE k.tenant = ").push_bind(tenant.uuid());
        sql.push(" AND k.id = ").push_bind(id);
        sql.push(" ORDER BY v.version");
        sql.build_query_as().fetch_all(c).await
    })
    .map_err(Error::from)?;
    Ok(rows)
}

#[async_trait]
impl Keys for SqlKeys {
    async fn find(&self, tenant: TenantId, id: &KeyName) -> Result<Option<Key>> {
        Ok(gather(rows_of(&self.db, tenant, id.as_str()).await?)?.pop())
    }

    async fn by_kids(&self, tenant: TenantId, kids: &[String]) -> Result<Vec<Keyed>> {
        if kids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = db::sql!(self.db.read(), |c| {
            let mut sql = QueryBuilder::new(SELECT);
            sql.push("WHERE v.tenant = ").push_bind(tenant.uuid());
            sql.push(" AND v.kid IN (");
            let mut list = sql.separated(", ");
            for kid in kids {
                list.push_bind(kid.as_str());
            }
            sql.push(")");
            sql.build_query_as().persistent(kids.len() == 1).fetch_all(c).await
        })
        .map_err(Error::from)?;
        rows.into_iter().map(Row::keyed).collect()
    }

    async fn list(&self, tenant: TenantId, query: &Query) -> Result<Vec<Key>> {
        let labels = self.db.dialect(LABELS_POSTGRES, LABELS_SQLITE);
        let rows: Vec<Row> = db::sql!(self.db.read(), |c| {
            let mut sql = QueryBuilder::new(SELECT);
            sql.push("WHERE k.tenant = ").push_bind(tenant.uuid());
            sql.push(" AND k.serial IN (SELECT f.serial FROM keys f WHERE f.tenant = ");
            sql.push_bind(tenant.uuid());
            if let Some(before) = query.before {
                sql.push(" AND f.serial < ").push_bind(before);
            }
            push_terms(&mut sql, &query.terms, labels);
            sql.push(" ORDER BY f.serial DESC LIMIT ").push_bind(query.limit);
            sql.push(") ORDER BY k.serial DESC, v.version");
            sql.build_query_as().persistent(false).fetch_all(c).await
        })
        .map_err(Error::from)?;
        gather(rows)
    }

    async fn add(&self, tenant: TenantId, key: &Key, change: &Change) -> Result<Added> {
        let (once, id) = (change.once.as_ref(), &key.head.id);
        db::retry!(async {
            let mut tx = self.db.begin("add_key").await?;
            if let Some(before) = claim(&mut tx, once, change.at).await? {
                let before = String::from_utf8(before).ok().and_then(|id| id.parse().ok());
                return before
                    .map(Added::Before)
                    .ok_or_else(|| Fault::internal("a stored answer is not a key's id"));
            }
            if let Some(answer) = &change.answer
                && !consume(&mut tx, tenant, answer, change.at).await?
            {
                return Err(Fault::new(&KEY_PROOF_INVALID));
            }
            insert_key(&mut tx, tenant, &key.head).await?;
            for version in &key.versions {
                insert_version(&mut tx, tenant, id, version).await?;
            }
            outbox::put(&mut tx, &change.events).await?;
            save(&mut tx, once, id).await?;
            tx.commit().await?;
            Ok::<_, Fault>(Added::New)
        })
    }

    async fn update(
        &self,
        tenant: TenantId,
        before: &Key,
        after: &Key,
        change: &Change,
    ) -> Result<Updated> {
        let (once, id) = (change.once.as_ref(), &after.head.id);
        let updated = db::retry!(async {
            let mut tx = self.db.begin("update_key").await?;
            if claim(&mut tx, once, change.at).await?.is_some() {
                return Ok(Updated::Done);
            }
            if !update_key(&mut tx, tenant, &after.head, before.head.revision).await? {
                return Ok(Updated::Overtaken);
            }
            for version in &after.versions {
                match before.version(version.number) {
                    None => insert_version(&mut tx, tenant, id, version).await?,
                    Some(old) if old.version.state != version.state => {
                        update_version(&mut tx, tenant, id, version).await?;
                    }
                    Some(_) => {}
                }
            }
            outbox::put(&mut tx, &change.events).await?;
            save(&mut tx, once, id).await?;
            tx.commit().await?;
            Ok::<_, Fault>(Updated::Done)
        });
        // Also after an error: the commit may have come through.
        self.known.changed(tenant, id).await;
        updated
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&(TenantId, KeyName)>,
        limit: i64,
    ) -> Result<Vec<(TenantId, KeyName)>> {
        const PAGE: &str = concat!(
            due!(),
            "SELECT tenant, id FROM due WHERE (tenant, id) > ($2, $3) ORDER BY tenant, id LIMIT $4"
        );
        let (tenant, id) =
            after.map_or((Uuid::nil(), ""), |(tenant, id)| (tenant.uuid(), id.as_str()));
        let rows: Vec<(Uuid, String)> = db::sql!(self.db.read(), |c| sqlx::query_as(PAGE)
            .bind(now)
            .bind(tenant)
            .bind(id)
            .bind(limit)
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        let keys = rows.into_iter().map(|(tenant, id)| {
            let id = id.parse().map_err(|_| Fault::internal("keys.id holds no key's id"))?;
            Ok((TenantId::from_uuid(tenant), id))
        });
        keys.collect()
    }

    async fn count_due(&self, now: Timestamp) -> Result<i64> {
        const COUNT: &str = concat!(due!(), "SELECT count(*) FROM due");
        let count =
            db::sql!(self.db.read(), |c| sqlx::query_scalar(COUNT).bind(now).fetch_one(c).await)
                .map_err(Error::from)?;
        Ok(count)
    }
}
