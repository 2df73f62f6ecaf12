//! Keys in the database.

use std::sync::Arc;

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::{Db, Error};
use kernel::{Fault, Result, TenantId};
use sqlx::QueryBuilder;

use super::key_rows::{Row, SELECT, gather, purpose_text};
use super::key_writes::{advance, claim, disable, insert_key, insert_version, save};
use crate::application::ports::{Added, Change, Keys, KnownKeys, Query, Rotated};
use crate::domain::{Key, KeyName, Keyed, Version};

pub struct SqlKeys {
    pub db: Db,
    /// Told of every change after its commit.
    pub known: Arc<dyn KnownKeys>,
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
        let rows: Vec<Row> = db::sql!(self.db.read(), |c| {
            let mut sql = QueryBuilder::new(SELECT);
            sql.push("WHERE k.tenant = ").push_bind(tenant.uuid());
            sql.push(" AND k.serial IN (SELECT serial FROM keys WHERE tenant = ");
            sql.push_bind(tenant.uuid());
            if let Some(before) = query.before {
                sql.push(" AND serial < ").push_bind(before);
            }
            if let Some(key_use) = query.key_use {
                sql.push(" AND purpose = ").push_bind(purpose_text(key_use));
            }
            sql.push(" ORDER BY serial DESC LIMIT ").push_bind(query.limit);
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
            if let Some(before) = claim(&mut tx, once, change.event.created_at).await? {
                let before = String::from_utf8(before).ok().and_then(|id| id.parse().ok());
                return before
                    .map(Added::Before)
                    .ok_or_else(|| Fault::internal("a stored answer is not a key's id"));
            }
            insert_key(&mut tx, tenant, &key.head).await?;
            for version in &key.versions {
                insert_version(&mut tx, tenant, id, version).await?;
            }
            outbox::put(&mut tx, std::slice::from_ref(&change.event)).await?;
            save(&mut tx, once, id).await?;
            tx.commit().await?;
            Ok::<_, Fault>(Added::New)
        })
    }

    async fn add_version(
        &self,
        tenant: TenantId,
        id: &KeyName,
        version: &Version,
        change: &Change,
    ) -> Result<Rotated> {
        let once = change.once.as_ref();
        let rotated = db::retry!(async {
            let mut tx = self.db.begin("add_key_version").await?;
            if claim(&mut tx, once, change.event.created_at).await?.is_some() {
                return Ok(Rotated::Done);
            }
            if !advance(&mut tx, tenant, id, version.number).await? {
                return Ok(Rotated::Overtaken);
            }
            insert_version(&mut tx, tenant, id, version).await?;
            outbox::put(&mut tx, std::slice::from_ref(&change.event)).await?;
            save(&mut tx, once, id).await?;
            tx.commit().await?;
            Ok::<_, Fault>(Rotated::Done)
        });
        self.known.changed(tenant, id).await;
        rotated
    }

    async fn disable(
        &self,
        tenant: TenantId,
        id: &KeyName,
        version: Option<i32>,
        event: &OutboxEvent,
    ) -> Result<bool> {
        let disabled = db::retry!(async {
            let mut tx = self.db.begin("disable_key").await?;
            if !disable(&mut tx, tenant, id, version).await? {
                return Ok(false);
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        });
        // Also after an error: the commit may have come through.
        self.known.changed(tenant, id).await;
        disabled
    }
}
