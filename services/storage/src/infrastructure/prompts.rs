//! Prompts and their revisions in the database.

use async_trait::async_trait;
use cas::Address;
use db::idempotency::{self, Claim};
use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Tx};
use kernel::{Fault, PromptId, Result, TenantId, Timestamp};
use sqlx::QueryBuilder;
use sqlx::types::Json;

use super::destructions;
use super::rows::{PROMPT, PromptRow, REVISION, RevisionRow, address};
use crate::application::ports::{Once, Prompts, Stored, Write};
use crate::domain::{Place, Prompt, Revision};

pub struct SqlPrompts(pub Db);

#[async_trait]
impl Prompts for SqlPrompts {
    async fn answered(&self, once: &Once, now: Timestamp) -> Result<Option<Prompt>> {
        db::retry!(async {
            // Dropped, not committed: the claim that counts comes with the write.
            let mut tx = self.0.begin("look_for_answer").await?;
            replay(idempotency::claim(&mut tx, &once.key, once.digest, now).await?)
        })
    }

    async fn create(&self, prompt: &Prompt, first: &Revision, write: &Write) -> Result<Stored> {
        db::retry!(async {
            let mut tx = self.0.begin("create_prompt").await?;
            if let Some(before) = claim(&mut tx, write).await? {
                return Ok(Stored::Before(before));
            }
            insert_prompt(&mut tx, prompt).await?;
            insert_revision(&mut tx, prompt, first).await?;
            finish(tx, prompt, write).await
        })
    }

    async fn update(&self, prompt: &Prompt, next: &Revision, write: &Write) -> Result<Stored> {
        db::retry!(async {
            let mut tx = self.0.begin("update_prompt").await?;
            if let Some(before) = claim(&mut tx, write).await? {
                return Ok(Stored::Before(before));
            }
            if !update_prompt(&mut tx, prompt).await? {
                return Ok(Stored::Raced);
            }
            insert_revision(&mut tx, prompt, next).await?;
            finish(tx, prompt, write).await
        })
    }

    async fn find(&self, tenant: TenantId, id: PromptId) -> Result<Option<Prompt>> {
        let row: Option<PromptRow> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT ");
            sql.push(PROMPT).push(" FROM prompts WHERE tenant = ").push_bind(tenant.uuid());
            sql.push(" AND id = ").push_bind(id.uuid());
            sql.build_query_as().fetch_optional(c).await
        })
        .map_err(Error::from)?;
        row.map(Prompt::try_from).transpose()
    }

    async fn find_revision(
        &self,
        tenant: TenantId,
        id: PromptId,
        number: Option<i32>,
    ) -> Result<Option<(Prompt, Revision)>> {
        let Some(prompt) = self.find(tenant, id).await? else { return Ok(None) };
        let number = number.unwrap_or(prompt.revision);
        let row: Option<RevisionRow> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT ");
            sql.push(REVISION).push(" FROM revisions WHERE prompt = ").push_bind(id.uuid());
            sql.push(" AND revision = ").push_bind(i64::from(number));
            sql.build_query_as().fetch_optional(c).await
        })
        .map_err(Error::from)?;
        Ok(row.map(Revision::try_from).transpose()?.map(|revision| (prompt, revision)))
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<PromptId>,
        limit: i64,
    ) -> Result<Vec<Prompt>> {
        let rows: Vec<PromptRow> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT ");
            sql.push(PROMPT).push(" FROM prompts WHERE tenant = ").push_bind(tenant.uuid());
            if let Some(before) = before {
                sql.push(" AND id < ").push_bind(before.uuid());
            }
            // The ids are UUIDv7, which sort by creation.
            sql.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        rows.into_iter().map(Prompt::try_from).collect()
    }

    async fn list_revisions(
        &self,
        tenant: TenantId,
        id: PromptId,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<Revision>> {
        let rows: Vec<RevisionRow> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT ");
            sql.push(REVISION).push(" FROM revisions JOIN prompts ON prompts.id = prompt");
            sql.push(" WHERE tenant = ").push_bind(tenant.uuid());
            sql.push(" AND prompt = ").push_bind(id.uuid());
            if let Some(before) = before {
                sql.push(" AND revisions.revision < ").push_bind(i64::from(before));
            }
            sql.push(" ORDER BY revisions.revision DESC LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        rows.into_iter().map(Revision::try_from).collect()
    }

    async fn delete(&self, prompt: &Prompt, event: &OutboxEvent) -> Result<Option<Vec<Address>>> {
        db::retry!(async {
            let mut tx = self.0.begin("delete_prompt").await?;
            if !lock_revision(&mut tx, prompt).await? {
                return Ok(None);
            }
            let (addresses, wrapped) = destroy_keys(&mut tx, prompt.id).await?;
            destructions::put(&mut tx, prompt, &wrapped, event.created_at).await?;
            doom(&mut tx, prompt.tenant, &addresses, event.created_at).await?;
            delete_prompt(&mut tx, prompt).await?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(Some(addresses))
        })
    }

    async fn record_release(&self, place: &Place, event: &OutboxEvent) -> Result<bool> {
        const EXISTS: &str = "SELECT count(*) FROM revisions WHERE prompt = $1 AND address = $2";
        db::retry!(async {
            let mut tx = self.0.begin("record_release").await?;
            let found: i64 = db::sql!(tx.on(), |c| sqlx::query_scalar(EXISTS)
                .bind(place.prompt.uuid())
                .bind(place.address.as_bytes().as_slice())
                .fetch_one(c)
                .await)
            .map_err(Error::from)?;
            if found == 0 {
                return Ok(false);
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn record(&self, event: &OutboxEvent) -> Result<()> {
        db::retry!(async {
            let mut tx = self.0.begin("record_event").await?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(())
        })
    }
}

fn replay(claim: Claim) -> Result<Option<Prompt>> {
    match claim {
        Claim::New => Ok(None),
        Claim::Replay(answer) => serde_json::from_slice(&answer).map_err(Fault::internal),
    }
}

async fn claim(tx: &mut Tx, write: &Write) -> Result<Option<Prompt>> {
    match &write.once {
        None => Ok(None),
        Some(once) => replay(idempotency::claim(tx, &once.key, once.digest, write.now).await?),
    }
}

/// Event and answer, in the transaction of the change.
async fn finish(mut tx: Tx, prompt: &Prompt, write: &Write) -> Result<Stored> {
    outbox::put(&mut tx, std::slice::from_ref(&write.event)).await?;
    if let Some(once) = &write.once {
        let answer = serde_json::to_vec(prompt).map_err(Fault::internal)?;
        idempotency::save(&mut tx, &once.key, &answer).await?;
    }
    tx.commit().await?;
    Ok(Stored::Done)
}

async fn insert_prompt(tx: &mut Tx, prompt: &Prompt) -> Result<()> {
    const INSERT: &str = "INSERT INTO prompts (id, tenant, display_name, labels, revision, \
         size_bytes, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(prompt.id.uuid())
        .bind(prompt.tenant.uuid())
        .bind(&prompt.facts.display_name)
        .bind(Json(&prompt.facts.labels))
        .bind(i64::from(prompt.revision))
        .bind(prompt.size)
        .bind(prompt.created)
        .bind(prompt.updated)
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}

/// Moves the prompt on by one revision; false if it is not where it was.
async fn update_prompt(tx: &mut Tx, prompt: &Prompt) -> Result<bool> {
    const UPDATE: &str = "UPDATE prompts SET display_name = $3, labels = $4, revision = $5, \
         size_bytes = $6, updated_at = $7 WHERE tenant = $1 AND id = $2 AND revision = $5 - 1";
    let changed = db::sql!(tx.on(), |c| sqlx::query(UPDATE)
        .bind(prompt.tenant.uuid())
        .bind(prompt.id.uuid())
        .bind(&prompt.facts.display_name)
        .bind(Json(&prompt.facts.labels))
        .bind(i64::from(prompt.revision))
        .bind(prompt.size)
        .bind(prompt.updated)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(changed == 1)
}

/// Stores a revision and takes its blob into use.
async fn insert_revision(tx: &mut Tx, prompt: &Prompt, revision: &Revision) -> Result<()> {
    const USE: &str = "DELETE FROM loose_blobs WHERE address = $1 AND doomed = FALSE";
    const INSERT: &str = "INSERT INTO revisions (prompt, revision, author, size_bytes, address, \
         wrapped_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let address = revision.address.as_bytes().as_slice();
    let taken = db::sql!(tx.on(), |c| sqlx::query(USE)
        .bind(address)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    if taken != 1 {
        return Err(Fault::unavailable("the blob was swept before its row was written"));
    }
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(prompt.id.uuid())
        .bind(i64::from(revision.number))
        .bind(revision.author.uuid())
        .bind(revision.size)
        .bind(address)
        .bind(revision.wrapped_key.as_slice())
        .bind(revision.created)
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}

/// Holds the prompt as it was seen until the transaction ends.
async fn lock_revision(tx: &mut Tx, prompt: &Prompt) -> Result<bool> {
    const LOCK: &str = "UPDATE prompts SET revision = revision \
         WHERE tenant = $1 AND id = $2 AND revision = $3";
    let locked = db::sql!(tx.on(), |c| sqlx::query(LOCK)
        .bind(prompt.tenant.uuid())
        .bind(prompt.id.uuid())
        .bind(i64::from(prompt.revision))
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(locked == 1)
}

/// The blobs that are of no use any more, and the wrapped keys that were theirs.
async fn destroy_keys(tx: &mut Tx, prompt: PromptId) -> Result<(Vec<Address>, Vec<Vec<u8>>)> {
    const DESTROY: &str = "DELETE FROM revisions WHERE prompt = $1 RETURNING address, wrapped_key";
    let gone: Vec<(Vec<u8>, Vec<u8>)> =
        db::sql!(tx.on(), |c| sqlx::query_as(DESTROY).bind(prompt.uuid()).fetch_all(c).await)
            .map_err(Error::from)?;
    let (addresses, wrapped): (Vec<_>, Vec<_>) = gone.into_iter().unzip();
    let addresses = addresses.iter().map(|bytes| address(bytes)).collect::<Result<_>>()?;
    Ok((addresses, wrapped))
}

async fn doom(tx: &mut Tx, tenant: TenantId, all: &[Address], now: Timestamp) -> Result<()> {
    // Far below the limits on binds, however many revisions there are.
    for some in all.chunks(1_000) {
        db::sql!(tx.on(), |c| {
            let mut sql =
                QueryBuilder::new("INSERT INTO loose_blobs (address, tenant, since, doomed) ");
            sql.push_values(some, |mut row, address| {
                row.push_bind(address.as_bytes().as_slice())
                    .push_bind(tenant.uuid())
                    .push_bind(now)
                    .push_bind(true);
            });
            sql.build().persistent(false).execute(c).await.map(drop)
        })
        .map_err(Error::from)?;
    }
    Ok(())
}

async fn delete_prompt(tx: &mut Tx, prompt: &Prompt) -> Result<()> {
    const DELETE: &str = "DELETE FROM prompts WHERE tenant = $1 AND id = $2";
    db::sql!(tx.on(), |c| sqlx::query(DELETE)
        .bind(prompt.tenant.uuid())
        .bind(prompt.id.uuid())
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}
