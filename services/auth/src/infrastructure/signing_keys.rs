//! Keys that sign tokens, in the database.

use async_trait::async_trait;
use db::{Db, Error, outbox, sql};
use events::Draft;
use kernel::{Fault, Result, Timestamp};
use sqlx::FromRow;

use crate::application::ports::{SigningKeys, StoredKey};
use crate::domain::PublicKey;

pub struct SqlSigningKeys(pub Db);

#[derive(FromRow)]
struct Row {
    kid: String,
    public_key: Vec<u8>,
    private_key: Vec<u8>,
    wrapped_key: Vec<u8>,
}

fn public_of(bytes: &[u8]) -> Result<PublicKey> {
    PublicKey::from_bytes(bytes).ok_or_else(|| Fault::internal("a public key of another size"))
}

#[async_trait]
impl SigningKeys for SqlSigningKeys {
    async fn active(&self) -> Result<Option<StoredKey>> {
        const ACTIVE: &str =
            "SELECT kid, public_key, private_key, wrapped_key FROM signing_keys WHERE active = 1";
        let row: Option<Row> =
            sql!(self.0.read(), |c| sqlx::query_as(ACTIVE).fetch_optional(c).await)
                .map_err(Error::from)?;
        row.map(|row| {
            Ok(StoredKey {
                kid: row.kid,
                public: public_of(&row.public_key)?,
                sealed: row.private_key,
                wrapped: row.wrapped_key,
            })
        })
        .transpose()
    }

    async fn insert(&self, key: &StoredKey, event: Draft, now: Timestamp) -> Result<bool> {
        const INSERT: &str = "INSERT INTO signing_keys \
             (kid, public_key, private_key, wrapped_key, active, created_at) \
             VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING";
        let event = [event.finish(now)?];
        db::retry!(async {
            let mut tx = self.0.begin("insert_signing_key").await?;
            let inserted = sql!(tx.on(), |c| sqlx::query(INSERT)
                .bind(key.kid.as_str())
                .bind(key.public.as_bytes().as_slice())
                .bind(key.sealed.as_slice())
                .bind(key.wrapped.as_slice())
                .bind(now)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))
            .map_err(Error::from)?;
            if inserted == 0 {
                return Ok(false);
            }
            outbox::put(&mut tx, &event).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn published(&self) -> Result<Vec<PublicKey>> {
        const PUBLISHED: &str =
            "SELECT public_key FROM signing_keys WHERE retired_at IS NULL ORDER BY created_at, kid";
        let rows: Vec<Vec<u8>> =
            sql!(self.0.read(), |c| sqlx::query_scalar(PUBLISHED).fetch_all(c).await)
                .map_err(Error::from)?;
        rows.iter().map(|bytes| public_of(bytes)).collect()
    }
}
