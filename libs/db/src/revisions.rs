//! Things with revisions: a table of heads and one of what each revision says.
//!
//! A head has the columns `tenant`, `id`, `revision`, `deleted` and `created_at`; a revision has
//! at least the first three. A deleted thing leaves its head: its name may come back, and then
//! goes on counting, so that a pinned revision never means another.

use kernel::{Fault, TenantId, Timestamp};
use sqlx::QueryBuilder;

use crate::{Db, Error, Tx};

/// The two tables.
#[derive(Clone, Copy)]
pub struct Revised {
    pub heads: &'static str,
    pub revisions: &'static str,
}

/// The newest revision of a thing.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub tenant: TenantId,
    pub id: &'a str,
    pub revision: i32,
    /// When the thing was, not its revision.
    pub created: Timestamp,
}

impl Revised {
    /// The newest revision there has been, and whether the thing is deleted.
    pub async fn last(
        &self,
        db: &Db,
        tenant: TenantId,
        id: &str,
    ) -> kernel::Result<Option<(i32, bool)>> {
        let found: Option<(i64, bool)> = crate::sql!(db.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT revision, deleted FROM ");
            sql.push(self.heads).push(" WHERE tenant = ").push_bind(tenant.uuid());
            sql.push(" AND id = ").push_bind(id).build_query_as().fetch_optional(c).await
        })
        .map_err(Error::from)?;
        let Some((revision, deleted)) = found else { return Ok(None) };
        Ok(Some((i32::try_from(revision).map_err(Fault::internal)?, deleted)))
    }

    /// Makes this the newest revision: of a thing that is there, or with `first` of one that is
    /// new or deleted. False: somebody else was faster.
    pub async fn advance(&self, tx: &mut Tx, head: &Head<'_>, first: bool) -> kernel::Result<bool> {
        let revision = i64::from(head.revision);
        let changed = crate::sql!(tx.on(), |c| {
            let mut sql = if first && revision == 1 {
                let mut sql = QueryBuilder::new("INSERT INTO ");
                sql.push(self.heads).push(" (tenant, id, revision, deleted, created_at) VALUES (");
                sql.push_bind(head.tenant.uuid()).push(", ").push_bind(head.id);
                sql.push(", 1, FALSE, ").push_bind(head.created);
                sql.push(") ON CONFLICT DO NOTHING");
                sql
            } else {
                let mut sql = QueryBuilder::new("UPDATE ");
                sql.push(self.heads).push(" SET revision = ").push_bind(revision);
                sql.push(", deleted = FALSE, created_at = ").push_bind(head.created);
                sql.push(" WHERE tenant = ").push_bind(head.tenant.uuid());
                sql.push(" AND id = ").push_bind(head.id);
                sql.push(" AND revision = ").push_bind(revision - 1);
                sql.push(" AND deleted = ").push_bind(first);
                sql
            };
            sql.build().execute(c).await.map(|done| done.rows_affected())
        })
        .map_err(Error::from)?;
        Ok(changed == 1)
    }

    /// Deletes all revisions, if the newest is still as given; false if not.
    pub async fn delete(&self, tx: &mut Tx, head: &Head<'_>) -> kernel::Result<bool> {
        let marked = crate::sql!(tx.on(), |c| {
            let mut sql = QueryBuilder::new("UPDATE ");
            sql.push(self.heads).push(" SET deleted = TRUE WHERE tenant = ");
            sql.push_bind(head.tenant.uuid()).push(" AND id = ").push_bind(head.id);
            sql.push(" AND revision = ").push_bind(i64::from(head.revision));
            sql.push(" AND deleted = FALSE");
            sql.build().execute(c).await.map(|done| done.rows_affected())
        })
        .map_err(Error::from)?;
        if marked != 1 {
            return Ok(false);
        }
        crate::sql!(tx.on(), |c| {
            let mut sql = QueryBuilder::new("DELETE FROM ");
            sql.push(self.revisions).push(" WHERE tenant = ").push_bind(head.tenant.uuid());
            sql.push(" AND id = ").push_bind(head.id).build().execute(c).await.map(drop)
        })
        .map_err(Error::from)?;
        Ok(true)
    }
}
