//! Recognizers of the tenants' own: stored with revisions, encrypted.

use std::sync::Arc;

use datakeys::fields::{Column, FieldKeys};
use detection::InvalidWish;
use detection::custom::{Custom, Dictionary, Tried};
use events::Draft;
use kernel::{Fault, Result, SharedClock, TenantId, common};
use rpc::Cx;
use zeroize::Zeroizing;

use crate::compiled::Compiled;
use crate::ports::{Secret, StoredRecognizers};

use crate::{SealedRecognizer, StoredRecognizer};

const CREATED: &str = "dev.signet.anonymizer.recognizer.created";
const UPDATED: &str = "dev.signet.anonymizer.recognizer.updated";
const DELETED: &str = "dev.signet.anonymizer.recognizer.deleted";
/// How often a change is begun anew when others were faster.
const ATTEMPTS: u32 = 8;
/// Recognizers of a tenant.
pub(crate) const MOST: i64 = 200;
const TABLE: &str = "recognizer_revisions";

#[derive(Clone)]
pub struct Recognizers {
    pub(crate) stored: Arc<dyn StoredRecognizers>,
    secret: Arc<dyn Secret>,
    clock: SharedClock,
    pub(crate) compiled: Arc<Compiled>,
}

/// The keys of a tenant's documents and dictionaries.
pub(crate) struct Columns {
    document: Column,
    entries: Column,
}

impl Recognizers {
    pub fn new(
        stored: Arc<dyn StoredRecognizers>,
        secret: Arc<dyn Secret>,
        clock: SharedClock,
    ) -> Self {
        Self { stored, secret, clock, compiled: Arc::default() }
    }

    pub async fn create(
        &self,
        cx: &Cx,
        document: String,
        entries: Vec<String>,
    ) -> Result<StoredRecognizer> {
        let ready = ready("recognizer.", document, entries).await?;
        if self.stored.list(cx.tenant(), None, MOST).await?.len() as i64 >= MOST {
            return Err(Fault::invalid("recognizer", "is one too many: a tenant has at most 200"));
        }
        for _ in 0..ATTEMPTS {
            let revision = match self.stored.last(cx.tenant(), ready.document.name()).await? {
                Some((_, false)) => return Err(Fault::new(&common::RESOURCE_EXISTS)),
                Some((last, true)) => next(last)?,
                None => 1,
            };
            let known = self.revision(cx, &ready, revision)?;
            if self.add(cx, &ready, &known, CREATED).await? {
                return Ok(known);
            }
        }
        Err(Fault::unavailable("others changed the recognizer every time"))
    }

    pub async fn update(
        &self,
        cx: &Cx,
        id: &str,
        etag: &str,
        document: String,
        entries: Vec<String>,
    ) -> Result<StoredRecognizer> {
        let ready = ready("recognizer.", document, entries).await?;
        if ready.document.name() != id {
            let why = "has another name than the recognizer";
            return Err(Fault::invalid("recognizer.document", why));
        }
        for _ in 0..ATTEMPTS {
            let (earlier, _) = self.find(cx.tenant(), id, None).await?;
            earlier.allows(etag)?;
            let known = self.revision(cx, &ready, next(earlier.revision)?)?;
            let known = StoredRecognizer { created: earlier.created, ..known };
            if self.add(cx, &ready, &known, UPDATED).await? {
                return Ok(known);
            }
        }
        Err(Fault::unavailable("others changed the recognizer every time"))
    }

    /// A revision with more entries.
    pub async fn extend(
        &self,
        cx: &Cx,
        id: &str,
        etag: &str,
        entries: Vec<String>,
    ) -> Result<StoredRecognizer> {
        let entries = Arc::new(entries);
        for _ in 0..ATTEMPTS {
            let (earlier, sealed) = self.find(cx.tenant(), id, None).await?;
            earlier.allows(etag)?;
            let (text, before) = self.columns(cx).await?.open(&earlier, sealed)?;
            let more = Arc::clone(&entries);
            let before = before.map(|before| before.to_vec());
            let work = move || Tried::with(text, before, &more).map_err(|wrong| invalid("", wrong));
            let ready = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)??;
            let known = self.revision(cx, &ready, next(earlier.revision)?)?;
            let known = StoredRecognizer { created: earlier.created, ..known };
            if self.add(cx, &ready, &known, UPDATED).await? {
                return Ok(known);
            }
        }
        Err(Fault::unavailable("others changed the recognizer every time"))
    }

    pub async fn get(
        &self,
        cx: &Cx,
        id: &str,
        revision: Option<i32>,
    ) -> Result<(StoredRecognizer, String)> {
        let (known, sealed) = self.find(cx.tenant(), id, revision).await?;
        let sealed = SealedRecognizer { entries: None, ..sealed };
        let (document, _) = self.columns(cx).await?.open(&known, sealed)?;
        Ok((known, document))
    }

    pub async fn list(
        &self,
        cx: &Cx,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredRecognizer>> {
        self.stored.list(cx.tenant(), after, limit).await
    }

    pub async fn delete(&self, cx: &Cx, id: &str, etag: &str) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let (known, _) = self.find(cx.tenant(), id, None).await?;
            known.allows(etag)?;
            let event = event(cx, DELETED, &known).finish(self.clock.now())?;
            if self.stored.delete(&known, &event).await? {
                self.compiled.forget(cx.tenant());
                return Ok(());
            }
        }
        Err(Fault::unavailable("others changed the recognizer every time"))
    }

    /// One that is not stored.
    pub async fn tried(&self, document: String, entries: Vec<String>) -> Result<Custom> {
        Ok(ready("", document, entries).await?.custom)
    }

    pub(crate) async fn find(
        &self,
        tenant: TenantId,
        id: &str,
        revision: Option<i32>,
    ) -> Result<(StoredRecognizer, SealedRecognizer)> {
        self.stored.find(tenant, id, revision).await?.ok_or_else(Fault::not_found)
    }

    async fn add(
        &self,
        cx: &Cx,
        ready: &Tried,
        known: &StoredRecognizer,
        kind: &'static str,
    ) -> Result<bool> {
        let sealed = self.columns(cx).await?.seal(ready, known)?;
        let event = event(cx, kind, known).finish(known.updated)?;
        let added = self.stored.add(known, &sealed, kind == CREATED, &event).await?;
        self.compiled.forget(cx.tenant());
        Ok(added)
    }

    fn revision(&self, cx: &Cx, ready: &Tried, revision: i32) -> Result<StoredRecognizer> {
        let now = self.clock.now();
        let entries = ready.custom.dictionary().map_or(0, Dictionary::len);
        Ok(StoredRecognizer {
            tenant: cx.tenant(),
            id: ready.document.name().to_owned(),
            revision,
            entity: ready.document.entity().as_str().to_owned(),
            always_on: ready.document.is_always_on(),
            entry_count: i64::try_from(entries).map_err(Fault::internal)?,
            author: cx.principal()?.user,
            created: now,
            updated: now,
        })
    }

    pub(crate) async fn columns(&self, cx: &Cx) -> Result<Columns> {
        let keys = FieldKeys::new(1, self.secret.recognizers(cx).await?);
        let column = |name| {
            let column = keys.column(cx.tenant(), TABLE, name);
            column.ok_or_else(|| Fault::internal("no key of a column"))
        };
        Ok(Columns { document: column("document")?, entries: column("entries")? })
    }
}

impl Columns {
    fn seal(&self, ready: &Tried, known: &StoredRecognizer) -> Result<SealedRecognizer> {
        let row = known.row();
        let seal = |column: &Column, value: &[u8]| {
            column.seal(row.as_bytes(), value).map_err(Fault::internal)
        };
        let entries = ready.custom.dictionary();
        Ok(SealedRecognizer {
            document: seal(&self.document, ready.text.as_bytes())?,
            entries: entries.map(|known| seal(&self.entries, known.as_bytes())).transpose()?,
        })
    }

    /// The document, and the bytes of the dictionary.
    pub(crate) fn open(
        &self,
        known: &StoredRecognizer,
        sealed: SealedRecognizer,
    ) -> Result<(String, Option<Zeroizing<Vec<u8>>>)> {
        let row = known.row();
        let open = |column: &Column, value: &[u8]| {
            column.open(row.as_bytes(), value).map_err(Fault::internal)
        };
        let text = open(&self.document, &sealed.document)?;
        let text = std::str::from_utf8(&text).map_err(Fault::internal)?.to_owned();
        let entries = sealed.entries.map(|entries| open(&self.entries, &entries)).transpose()?;
        Ok((text, entries))
    }
}

/// Where it may take its time: a million entries are sorted, patterns compiled, examples tried.
async fn ready(field: &'static str, text: String, entries: Vec<String>) -> Result<Tried> {
    let work = move || Tried::new(text, &entries).map_err(|wrong| invalid(field, wrong));
    tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?
}

fn invalid(field: &str, wrong: InvalidWish) -> Fault {
    Fault::invalid(format!("{field}{}", wrong.field), wrong.why)
}

fn event(cx: &Cx, kind: &'static str, known: &StoredRecognizer) -> Draft {
    Draft::new(cx, kind, format!("recognizers/{}", known.id))
        .with("revision", known.revision)
        .with("entries", known.entry_count)
}

fn next(revision: i32) -> Result<i32> {
    revision.checked_add(1).ok_or_else(|| Fault::internal("revision"))
}
