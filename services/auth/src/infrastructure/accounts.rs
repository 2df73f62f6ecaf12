//! Tenants, users and log-in attempts in the database.

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Tx, sql};
use events::Draft;
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp, common};
use sqlx::FromRow;
use uuid::Uuid;

use super::once;
use crate::application::ports::{Accounts, Candidate, Found, Once};
use crate::domain::{Account, Email, Roles, ShortName, User};

pub struct SqlAccounts(pub Db);

/// One row, whether or not there is such a user in the tenant.
#[derive(FromRow)]
struct FoundRow {
    tenant: Uuid,
    id: Option<Uuid>,
    roles: Option<String>,
    password_hash: Option<String>,
}

#[derive(FromRow)]
struct UserRow {
    id: Uuid,
    tenant: Uuid,
    email: String,
    roles: String,
    created_at: Timestamp,
}

pub(super) fn roles_of(text: &str) -> Result<Roles> {
    Roles::from_text(text).ok_or_else(|| Fault::internal("a row with unknown roles"))
}

impl TryFrom<UserRow> for User {
    type Error = Fault;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            id: PrincipalId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant),
            email: Email::parse("email", &row.email).map_err(Fault::internal)?,
            roles: roles_of(&row.roles)?,
            created: row.created_at,
        })
    }
}

#[async_trait]
impl Accounts for SqlAccounts {
    async fn look_up(&self, tenant: &ShortName, email: &Email) -> Result<Found> {
        const LOOK_UP: &str = "SELECT tenants.id AS tenant, users.id, users.roles, users.password_hash \
             FROM tenants LEFT JOIN users ON users.tenant = tenants.id AND users.email = $2 \
             WHERE tenants.short_name = $1";
        let row: Option<FoundRow> = sql!(self.0.read(), |c| sqlx::query_as(LOOK_UP)
            .bind(tenant.as_str())
            .bind(email.as_str())
            .fetch_optional(c)
            .await)
        .map_err(Error::from)?;
        let Some(row) = row else { return Ok(Found::default()) };
        let user = match (row.id, row.roles, row.password_hash) {
            (Some(id), Some(roles), Some(password_hash)) => Some(Candidate {
                id: PrincipalId::from_uuid(id),
                roles: roles_of(&roles)?,
                password_hash,
            }),
            _ => None,
        };
        Ok(Found { tenant: Some(TenantId::from_uuid(row.tenant)), user })
    }

    async fn claim_attempt(
        &self,
        account: Account,
        since: Timestamp,
        most: i64,
        now: Timestamp,
    ) -> Result<bool> {
        const COUNT: &str =
            "SELECT count(*) FROM log_in_attempts WHERE account = $1 AND tried_at > $2";
        const INSERT: &str =
            "INSERT INTO log_in_attempts (id, account, tried_at) VALUES ($1, $2, $3)";
        db::retry!(async {
            let mut tx = self.0.begin("claim_attempt").await?;
            let tried: i64 = sql!(tx.on(), |c| sqlx::query_scalar(COUNT)
                .bind(account.as_bytes())
                .bind(since)
                .fetch_one(c)
                .await)
            .map_err(Error::from)?;
            if tried >= most {
                return Ok(false);
            }
            sql!(tx.on(), |c| sqlx::query(INSERT)
                .bind(Uuid::now_v7())
                .bind(account.as_bytes())
                .bind(now)
                .execute(c)
                .await
                .map(drop))
            .map_err(Error::from)?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn clear_attempts(&self, account: Account, event: Draft, now: Timestamp) -> Result<()> {
        const CLEAR: &str = "DELETE FROM log_in_attempts WHERE account = $1";
        let event = [event.finish(now)?];
        db::retry!(async {
            let mut tx = self.0.begin("clear_attempts").await?;
            sql!(tx.on(), |c| sqlx::query(CLEAR)
                .bind(account.as_bytes())
                .execute(c)
                .await
                .map(drop))
            .map_err(Error::from)?;
            outbox::put(&mut tx, &event).await?;
            tx.commit().await?;
            Ok::<_, Fault>(())
        })
    }

    async fn forget_attempts(&self, before: Timestamp) -> Result<u64> {
        const FORGET: &str = "DELETE FROM log_in_attempts WHERE tried_at <= $1";
        let forgotten = sql!(self.0.write(), |c| sqlx::query(FORGET)
            .bind(before)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
        .map_err(Error::from)?;
        Ok(forgotten)
    }

    async fn create_user(
        &self,
        user: &User,
        password_hash: &str,
        once: Option<&Once>,
        event: Draft,
    ) -> Result<User> {
        let event = [event.finish(user.created)?];
        db::retry!(async {
            let mut tx = self.0.begin("create_user").await?;
            if let Some(id) = once::made_before(&mut tx, once, user.created).await? {
                return find(&mut tx, user.tenant, id).await;
            }
            if !insert(&mut tx, user, password_hash).await? {
                return Err(Fault::new(&common::RESOURCE_EXISTS));
            }
            once::made(&mut tx, once, user.id.uuid()).await?;
            outbox::put(&mut tx, &event).await?;
            tx.commit().await?;
            Ok::<_, Fault>(user.clone())
        })
    }

    async fn bootstrap(
        &self,
        tenant: &ShortName,
        user: &User,
        password_hash: &str,
    ) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("bootstrap").await?;
            let is_new = insert_tenant(&mut tx, user.tenant, tenant, user.created).await?;
            let id = tenant_id(&mut tx, tenant).await?;
            let user = User { tenant: id, ..user.clone() };
            let has_new_user = insert(&mut tx, &user, password_hash).await?;
            outbox::put(&mut tx, &bootstrap_events(&user, is_new, has_new_user)?).await?;
            tx.commit().await?;
            Ok::<_, Fault>(is_new || has_new_user)
        })
    }
}

fn bootstrap_events(user: &User, is_new: bool, has_new_user: bool) -> Result<Vec<OutboxEvent>> {
    let draft = |kind, subject: String| Draft::of_service("auth", user.tenant, kind, subject);
    let mut events = Vec::new();
    if is_new {
        let subject = format!("tenants/{}", user.tenant);
        events.push(draft("dev.signet.auth.tenant.created", subject).finish(user.created)?);
    }
    if has_new_user {
        let created = draft("dev.signet.auth.user.created", format!("users/{}", user.id));
        events.push(created.with("roles", &user.roles).finish(user.created)?);
    }
    Ok(events)
}

/// False: the address is taken in this tenant.
async fn insert(tx: &mut Tx, user: &User, password_hash: &str) -> Result<bool> {
    const INSERT: &str = "INSERT INTO users (id, tenant, email, password_hash, roles, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let inserted = sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(user.id.uuid())
        .bind(user.tenant.uuid())
        .bind(user.email.as_str())
        .bind(password_hash)
        .bind(user.roles.to_string())
        .bind(user.created)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(inserted == 1)
}

async fn find(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<User> {
    const FIND: &str =
        "SELECT id, tenant, email, roles, created_at FROM users WHERE tenant = $1 AND id = $2";
    let row: UserRow =
        sql!(tx.on(), |c| sqlx::query_as(FIND).bind(tenant.uuid()).bind(id).fetch_one(c).await)
            .map_err(Error::from)?;
    row.try_into()
}

async fn insert_tenant(
    tx: &mut Tx,
    id: TenantId,
    name: &ShortName,
    created: Timestamp,
) -> Result<bool> {
    const INSERT: &str = "INSERT INTO tenants (id, short_name, created_at) \
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let inserted = sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(id.uuid())
        .bind(name.as_str())
        .bind(created)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(inserted == 1)
}

async fn tenant_id(tx: &mut Tx, name: &ShortName) -> Result<TenantId> {
    const FIND: &str = "SELECT id FROM tenants WHERE short_name = $1";
    let id: Uuid =
        sql!(tx.on(), |c| sqlx::query_scalar(FIND).bind(name.as_str()).fetch_one(c).await)
            .map_err(Error::from)?;
    Ok(TenantId::from_uuid(id))
}
