//! The token vault: values that texts hold tokens for, encrypted under keys of the tenant.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use datakeys::fields::{Column, FieldKeys};
use db::Db;
use events::Draft;
use kernel::{Fault, Result, SharedClock, Timestamp, common};
use pii::EntityType;
use rpc::Cx;
use tokio_util::sync::CancellationToken;
use transform::{Opened, TOKEN_LEN, TokenId};
use zeroize::Zeroizing;

use super::ports::StoredTokens;
use super::secrets::Secrets;
use crate::domain::{Lookup, NewToken};

/// Whose rule says who may open tokens, wherever they stand.
const OPEN: &str = "/signet.anonymizer.v1.VaultService/OpenTokens";
const OPENED: &str = "dev.signet.anonymizer.tokens.opened";
const REFUSED: &str = "dev.signet.anonymizer.tokens.open_refused";
const ERASED: &str = "dev.signet.anonymizer.tokens.erased";
/// The columns that are derived keys for.
const TABLE: &str = "vault_tokens";
/// Tokens opened at once.
const MOST: usize = 10_000;
/// Names of tokens in one event: an attribute has 256 bytes.
const NAMED: usize = 11;
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(30);
const SWEPT_AT_ONCE: i64 = 1_000;

/// A value for the vault.
pub struct Value {
    pub entity: EntityType,
    pub value: Zeroizing<String>,
    pub ttl_seconds: Option<u32>,
}

#[derive(Clone)]
pub struct Vault {
    secrets: Secrets,
    stored: Arc<dyn StoredTokens>,
    db: Db,
    clock: SharedClock,
}

struct Columns {
    value: Column,
    subject: Column,
}

impl Vault {
    pub fn new(
        secrets: Secrets,
        stored: Arc<dyn StoredTokens>,
        db: Db,
        clock: SharedClock,
    ) -> Self {
        Self { secrets, stored, db, clock }
    }

    /// Keeps values of a subject, and says the token of each. A value that is kept already has
    /// the token that it has, and is kept until the later of both ends.
    pub async fn keep(&self, cx: &Cx, subject: &str, values: &[Value]) -> Result<Vec<TokenId>> {
        let columns = self.columns(cx).await?;
        let now = self.clock.now();
        let mut rows: BTreeMap<Lookup, NewToken> = BTreeMap::new();
        let mut lookups = Vec::with_capacity(values.len());
        for value in values {
            let lookup = columns.value.blind_index(&known_by(subject, value));
            let expires = value.ttl_seconds.map(|ttl| now + Duration::seconds(i64::from(ttl)));
            match rows.entry(lookup) {
                Entry::Occupied(mut row) => {
                    let row = row.get_mut();
                    row.expires = row.expires.zip(expires).map(|(one, other)| one.max(other));
                }
                Entry::Vacant(place) => {
                    let row = columns.row(lookup, subject, value, expires)?;
                    place.insert(row);
                }
            }
            lookups.push(lookup);
        }
        let rows: Vec<_> = rows.into_values().collect();
        let issued: HashMap<_, _> =
            self.stored.keep(cx.tenant(), &rows, now).await?.into_iter().collect();
        let token = |lookup: &Lookup| issued.get(lookup).copied();
        let tokens: Option<Vec<_>> = lookups.iter().map(token).collect();
        tokens.ok_or_else(|| Fault::internal("a value has no token"))
    }

    /// What tokens stand for, for those who may know: the look-up is recorded by then.
    pub async fn open(&self, cx: &Cx, ids: &BTreeSet<TokenId>) -> Result<Opened> {
        self.admit(cx, ids.len()).await?;
        if ids.len() > MOST {
            let why = "must have at most 10,000 different tokens of the vault";
            return Err(Fault::invalid("text", why));
        }
        let columns = self.columns(cx).await?;
        let now = self.clock.now();
        let asked: Vec<_> = ids.iter().copied().collect();
        let mut opened = Opened::default();
        for kept in self.stored.find(cx.tenant(), &asked, now).await? {
            let value = columns.value.open(&kept.token, &kept.value).map_err(Fault::internal)?;
            let value = std::str::from_utf8(&value).map_err(Fault::internal)?;
            let value = Zeroizing::new(value.to_owned());
            opened.insert(kept.token, EntityType::new(&kept.entity), value);
        }
        let found = opened.len();
        let drafts = asked.chunks(NAMED).map(|some| {
            let names: Vec<_> = some.iter().map(|id| URL_SAFE_NO_PAD.encode(id)).collect();
            Draft::new(cx, OPENED, tenant(cx))
                .with("tokens", names.join(","))
                .with("asked", asked.len())
                .with("opened", found)
        });
        events::record_all(&self.db, drafts.collect(), now).await?;
        metrics::counter!("signet_vault_tokens_opened_total").increment(found as u64);
        Ok(opened)
    }

    /// Forgets all of a subject; says how many tokens that were.
    pub async fn erase(&self, cx: &Cx, subject: &str) -> Result<u64> {
        let subject = self.columns(cx).await?.subject.blind_index(subject.as_bytes());
        let event = |count: u64| {
            Draft::new(cx, ERASED, tenant(cx))
                .with("tokens", count)
                .with("subject", hex::encode(subject))
                .finish(self.clock.now())
        };
        self.stored.erase(cx.tenant(), &subject, &event).await
    }

    /// Deletes what has expired, until `stop`: a task of the service.
    pub async fn sweep(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
            if let Err(fault) = self.sweep_once().await {
                tracing::warn!(cause = ?fault, "expired tokens not swept, will retry");
            }
        }
    }

    pub async fn sweep_once(&self) -> Result<u64> {
        let mut all = 0;
        loop {
            let swept = self.stored.sweep(self.clock.now(), SWEPT_AT_ONCE).await?;
            metrics::counter!("signet_vault_tokens_swept_total").increment(swept);
            all += swept;
            if i64::try_from(swept).map_err(Fault::internal)? < SWEPT_AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// Default deny: without one of the roles of the rule nothing is even looked for.
    async fn admit(&self, cx: &Cx, count: usize) -> Result<()> {
        let roles = proto::rule(OPEN).map(|rule| rule.roles).unwrap_or_default();
        let principal = cx.principal()?;
        if roles.iter().any(|role| principal.has(*role)) {
            return Ok(());
        }
        let draft = Draft::new(cx, REFUSED, tenant(cx)).with("asked", count);
        events::record(&self.db, draft.denied(&common::NOT_ALLOWED), self.clock.now()).await?;
        Err(Fault::new(&common::NOT_ALLOWED).with_note(format!("tokens need one of {roles:?}")))
    }

    async fn columns(&self, cx: &Cx) -> Result<Columns> {
        let keys = FieldKeys::new(1, self.secrets.vault_secret(cx).await?);
        let column = |name| {
            let column = keys.column(cx.tenant(), TABLE, name);
            column.ok_or_else(|| Fault::internal("no key of a column"))
        };
        Ok(Columns { value: column("value")?, subject: column("subject")? })
    }
}

impl Columns {
    fn row(
        &self,
        lookup: Lookup,
        subject: &str,
        value: &Value,
        expires: Option<Timestamp>,
    ) -> Result<NewToken> {
        let mut token = [0; TOKEN_LEN];
        SystemRandom::new().fill(&mut token).map_err(|_| Fault::internal("no randomness"))?;
        let sealed = self.value.seal(&token, value.value.as_bytes()).map_err(Fault::internal)?;
        Ok(NewToken {
            token,
            lookup,
            subject: self.subject.blind_index(subject.as_bytes()),
            entity: value.entity.as_str().to_owned(),
            value: sealed,
            expires,
        })
    }
}

fn tenant(cx: &Cx) -> String {
    format!("tenants/{}", cx.tenant())
}

/// Subject, type and value, each with its length before it.
fn known_by(subject: &str, value: &Value) -> Zeroizing<Vec<u8>> {
    let parts = [subject, value.entity.as_str(), &value.value];
    let length = parts.iter().map(|part| part.len() + 8).sum();
    let mut known = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        known.extend_from_slice(&(part.len() as u64).to_be_bytes());
        known.extend_from_slice(part.as_bytes());
    }
    known
}
