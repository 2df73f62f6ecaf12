//! Texts of any size, part by part.

use std::sync::Arc;

use chrono::Datelike as _;
use detection::offsets;
use detection::{Running, Utf8};
use events::Draft;
use kernel::{Fault, Result};
use pii::{Assigner, EntityType, Escape, PlaceholderKey, StreamRestorer, TooMuch};
use reasons::anonymizer::MAPPING_TOO_LARGE;
use rpc::Cx;
use transform::{
    Change, Context, Opened, Policy, Restorer, TokenStream, Transformed, Transformer, vault_tokens,
};

use super::anonymize::{converted, failed, kept, random};
use super::restore::{LARGEST_RESTORED, RESTORED, STEP, too_large};
use super::texts::{Search, Texts, Told, no_other};
use super::vault::Value;
use wayback::{SealedMapping, WayBack};

/// Bytes of a mapping before it is sealed; sealed it stays below what Restore takes.
const LARGEST_MAPPING: usize = 4 * 1024 * 1024 - 64 * 1024;

/// Bytes of one answer, about: an original may be as long as a part, and a text may repeat its
/// placeholder without end.
const ANSWER: usize = 256 * 1024;

/// Something that is done with a text of any size, part by part.
pub struct TextStream<S> {
    /// None only while a part is being worked on.
    state: Option<S>,
}

/// What is done with the parts.
pub trait Parts: Send + Sync + 'static {
    type Work: Send + 'static;
    type Done;

    fn running(&mut self) -> &mut Running;

    /// The next part, of which enough is there.
    fn next(&mut self) -> Result<Option<Self::Work>>;

    /// What needs others: keys, the vault.
    fn finished(&self, work: Self::Work) -> impl Future<Output = Result<Self::Done>> + Send;
}

impl<S: Parts> TextStream<S> {
    pub fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.state()?.running().push(piece).map_err(not_utf8)
    }

    pub fn end(&mut self) -> Result<()> {
        self.state()?.running().end().map_err(not_utf8)
    }

    /// The next part, if enough of it is there. Runs where it may take its time.
    pub async fn next(&mut self) -> Result<Option<S::Done>> {
        if !self.state()?.running().is_ready() {
            return Ok(None);
        }
        let mut state = self.state.take().ok_or_else(gone)?;
        let work = move || (state.next(), state);
        let (part, state) = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?;
        let state = self.state.insert(state);
        match part? {
            Some(part) => state.finished(part).await.map(Some),
            None => Ok(None),
        }
    }

    fn state(&mut self) -> Result<&mut S> {
        self.state.as_mut().ok_or_else(gone)
    }
}

/// Finds.
pub struct Detecting {
    texts: Texts,
    running: Running,
    search: Search,
    /// Units of text that have been searched.
    searched: usize,
}

/// What was found in a part, and where the part ends.
pub struct Searched {
    pub findings: Vec<Told>,
    pub end: usize,
}

/// Replaces.
pub struct Anonymizing {
    texts: Texts,
    cx: Cx,
    running: Running,
    search: Search,
    transformer: Transformer,
    assigner: Option<Assigner>,
    subject: String,
    year: i32,
    /// Units of the text that are done, and of what they became.
    done: usize,
    given: usize,
}

/// A part, but for the tokens of the vault.
pub struct Open {
    transformed: Transformed,
    values: Vec<Value>,
    findings: Vec<Told>,
    changes: Vec<Change>,
}

/// A part without its personal data.
pub struct Piece {
    pub text: String,
    pub findings: Vec<Told>,
    pub changes: Vec<Change>,
}

/// Restores a text of any size.
pub struct RestoreStream {
    texts: Texts,
    cx: Cx,
    bytes: Utf8,
    tokens: TokenStream,
    restorer: Restorer,
    /// What is still to be searched for placeholders, and how far it has been.
    opened: String,
    at: usize,
    placeholders: StreamRestorer,
}

fn not_utf8(_: impl std::error::Error) -> Fault {
    Fault::invalid("text", "must be UTF-8")
}

fn gone() -> Fault {
    Fault::internal("a part was not finished")
}

fn too_much(error: TooMuch) -> Fault {
    Fault::invalid("text", error.to_string())
}

/// Moves what was found in a part behind what came before it.
fn placed(told: &mut [Told], before: usize) {
    for Told { finding, .. } in told {
        finding.range = finding.range.start + before..finding.range.end + before;
    }
}

impl Parts for Detecting {
    type Work = Searched;
    type Done = Searched;

    fn running(&mut self) -> &mut Running {
        &mut self.running
    }

    fn next(&mut self) -> Result<Option<Searched>> {
        let engine = &self.texts.engine;
        let part = self.running.next(engine, &no_other, false).map_err(too_much)?;
        Ok(part.map(|part| {
            let mut findings = self.search.told(engine, &part.text, part.findings);
            placed(&mut findings, self.searched);
            self.searched += offsets::length(&part.text, self.search.unit);
            self.texts.count(&findings);
            Searched { findings, end: self.searched }
        }))
    }

    async fn finished(&self, searched: Searched) -> Result<Searched> {
        Ok(searched)
    }
}

impl Texts {
    pub fn detect_stream(&self, search: Search) -> TextStream<Detecting> {
        let running = Running::new(search.wishes.clone());
        TextStream { state: Some(Detecting { texts: self.clone(), running, search, searched: 0 }) }
    }

    pub async fn anonymize_stream(
        &self,
        cx: &Cx,
        search: Search,
        policy: &Arc<Policy>,
        subject: String,
    ) -> Result<TextStream<Anonymizing>> {
        if policy.keeps_formats() {
            let why = "keeps formats, which streams cannot restore: use Anonymize, or ENCRYPT";
            return Err(Fault::invalid("policy", why));
        }
        let keys = self.keys(cx, policy, &subject).await?;
        let transformer = Transformer::new(Arc::clone(policy), keys).map_err(Fault::internal)?;
        let conversation = PlaceholderKey::new(*random()?);
        let assigner = policy.makes_placeholders().then(|| Assigner::new(&conversation));
        let state = Anonymizing {
            texts: self.clone(),
            cx: cx.clone(),
            running: Running::new(search.wishes.clone()),
            search,
            transformer,
            assigner,
            subject,
            year: self.clock.now().year(),
            done: 0,
            given: 0,
        };
        Ok(TextStream { state: Some(state) })
    }

    /// Recorded before anything of the text leaves.
    pub async fn restore_stream(&self, cx: &Cx, mapping: &[u8]) -> Result<RestoreStream> {
        let (subject, back) = if mapping.is_empty() {
            (format!("tenants/{}", cx.tenant()), WayBack::default())
        } else {
            let sealed = SealedMapping::parse(mapping)?;
            let subject = format!("mappings/{}", sealed.id);
            let back = self.opened(cx, sealed, &subject).await?;
            (subject, back)
        };
        if back.formats.is_some() || back.patches.is_some() {
            let why = "is of a document, or of values that kept their format: use Restore";
            return Err(Fault::invalid("mapping", why));
        }
        let keys = self.secrets.operator_keys(cx).await?;
        let restorer = Restorer::new(&keys).map_err(Fault::internal)?;
        let draft = Draft::new(cx, RESTORED, subject)
            .with("placeholders", back.mapping.len())
            .with("stream", true);
        events::record(&self.db, draft, self.clock.now()).await?;
        let placeholders = StreamRestorer::new(Arc::new(back.mapping), Escape::None);
        Ok(RestoreStream {
            texts: self.clone(),
            cx: cx.clone(),
            bytes: Utf8::default(),
            tokens: TokenStream::default(),
            restorer,
            opened: String::new(),
            at: 0,
            placeholders,
        })
    }
}

impl TextStream<Anonymizing> {
    /// What restores all of it.
    pub async fn mapping(&mut self) -> Result<Vec<u8>> {
        let state = self.state.take().ok_or_else(gone)?;
        let mapping = state.assigner.map(Assigner::finish).unwrap_or_default();
        state.texts.sealed(&state.cx, &WayBack { mapping, ..WayBack::default() }).await
    }
}

impl Parts for Anonymizing {
    type Work = Open;
    type Done = Piece;

    fn running(&mut self) -> &mut Running {
        &mut self.running
    }

    fn next(&mut self) -> Result<Option<Open>> {
        let engine = &self.texts.engine;
        let least = |entity: &EntityType| self.transformer.policy().threshold(entity);
        let part = self.running.next(engine, &least, true).map_err(too_much)?;
        let Some(part) = part else { return Ok(None) };
        let context = Context {
            subject: (!self.subject.is_empty()).then_some(&self.subject),
            year: Some(self.year),
            conversation: None,
        };
        let done = self
            .transformer
            .transform_next(&part.text, &part.findings, &context, &mut self.assigner)
            .map_err(failed)?;
        if self.assigner.as_ref().is_some_and(|given| given.mapping().size() > LARGEST_MAPPING) {
            return Err(Fault::new(&MAPPING_TOO_LARGE));
        }
        let all = done.all(&part.findings);
        let mut changes = converted(&self.search, &part.text, &done.text, all);
        for Change { range, output, .. } in &mut changes {
            *range = range.start + self.done..range.end + self.done;
            *output = output.start + self.given..output.end + self.given;
        }
        let mut findings = self.search.told(engine, &part.text, part.findings);
        placed(&mut findings, self.done);
        self.done += offsets::length(&part.text, self.search.unit);
        self.given += offsets::length(&done.text, self.search.unit);
        self.texts.count_all(&findings, &changes);
        let values = kept(&part.text, &done);
        Ok(Some(Open { transformed: done, values, findings, changes }))
    }

    async fn finished(&self, open: Open) -> Result<Piece> {
        let Open { mut transformed, values, findings, changes } = open;
        self.texts.issued(&self.cx, &mut transformed, &self.subject, &values).await?;
        Ok(Piece { text: transformed.text, findings, changes })
    }
}

impl RestoreStream {
    /// Takes the next bytes. What the vault opens is recorded before.
    pub async fn push(&mut self, piece: &[u8]) -> Result<()> {
        let text = self.bytes.push(piece).map_err(not_utf8)?;
        let certain = self.tokens.push(&text);
        self.open(&certain).await
    }

    /// Some of what is certain by now; none if that has all been given.
    pub fn certain(&mut self) -> Option<String> {
        if self.at == self.opened.len() {
            return None;
        }
        let mut restored = String::new();
        while restored.len() < ANSWER && self.at < self.opened.len() {
            let end = self.opened.ceil_char_boundary((self.at + STEP).min(self.opened.len()));
            restored.push_str(&self.placeholders.push(&self.opened[self.at..end]));
            self.at = end;
        }
        Some(restored)
    }

    /// Nothing comes any more; [`Self::certain`] and then [`Self::last`] give the rest.
    pub async fn end(&mut self) -> Result<()> {
        self.bytes.end().map_err(not_utf8)?;
        let certain = self.tokens.finish();
        self.open(&certain).await
    }

    /// What was held back.
    pub fn last(&mut self) -> Result<String> {
        self.placeholders.finish().map_err(not_utf8)
    }

    async fn open(&mut self, certain: &str) -> Result<()> {
        let asked = vault_tokens(certain);
        let opened = match asked.is_empty() {
            true => Opened::default(),
            false => self.texts.vault.open(&self.cx, &asked).await?,
        };
        let restored = self.restorer.restore_all(certain, &opened, LARGEST_RESTORED);
        self.opened.drain(..self.at);
        self.at = 0;
        self.opened.push_str(&restored.map_err(|_| too_large())?.text);
        Ok(())
    }
}
