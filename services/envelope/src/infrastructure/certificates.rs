//! Certificates of destruction in the database.

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::{Db, Error};
use kernel::{Fault, Result, TenantId, Timestamp};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::application::ports::{Issued, IssuedCertificates};

pub struct SqlCertificates(pub Db);

#[derive(FromRow)]
struct Row {
    id: Uuid,
    serial: Uuid,
    tenant: Uuid,
    holder: String,
    subject: String,
    statement: String,
    event: Uuid,
    created_at: Timestamp,
}

impl From<Row> for Issued {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            serial: row.serial,
            tenant: TenantId::from_uuid(row.tenant),
            holder: row.holder,
            subject: row.subject,
            statement: row.statement,
            event: row.event,
            at: row.created_at,
        }
    }
}

#[async_trait]
impl IssuedCertificates for SqlCertificates {
    async fn knows(&self, id: Uuid) -> Result<bool> {
        const KNOWS: &str = "SELECT count(*) FROM certificates WHERE id = $1";
        let found: i64 =
            db::sql!(self.0.read(), |c| sqlx::query_scalar(KNOWS).bind(id).fetch_one(c).await)
                .map_err(Error::from)?;
        Ok(found == 1)
    }

    async fn add(&self, issued: &Issued, event: &OutboxEvent) -> Result<()> {
        const ADD: &str = "INSERT INTO certificates \
             (id, tenant, serial, holder, subject, statement, event, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        db::retry!(async {
            let mut tx = self.0.begin("add_certificate").await?;
            let added = db::sql!(tx.on(), |c| sqlx::query(ADD)
                .bind(issued.id)
                .bind(issued.tenant.uuid())
                .bind(issued.serial)
                .bind(issued.holder.as_str())
                .bind(issued.subject.as_str())
                .bind(issued.statement.as_str())
                .bind(issued.event)
                .bind(issued.at)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))
            .map_err(Error::from)?;
            if added == 0 {
                return Ok(());
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(())
        })
    }

    async fn list(
        &self,
        tenant: TenantId,
        subject: &str,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Issued>> {
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT id, serial, tenant, holder, subject, ");
            sql.push("statement, event, created_at FROM certificates WHERE tenant = ");
            sql.push_bind(tenant.uuid());
            if !subject.is_empty() {
                sql.push(" AND subject = ").push_bind(subject);
            }
            if let Some(before) = before {
                sql.push(" AND serial < ").push_bind(before);
            }
            sql.push(" ORDER BY serial DESC LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        Ok(rows.into_iter().map(Issued::from).collect())
    }
}
