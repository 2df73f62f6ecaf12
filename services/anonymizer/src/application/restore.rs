//! The way back of a text.

use std::sync::Arc;

use documents::Format;
use events::Draft;
use kernel::{Fault, Result};
use pii::{Escape, Mapping, StreamRestorer};
use reasons::anonymizer::MAPPING_INVALID;
use rewriting::RestoreError;
use rpc::Cx;
use transform::{Change, Opened, Operator, Restorer};
use wayback::{SealedMapping, WayBack};

use super::of_documents;
use super::texts::Texts;

/// What the data key of an earlier mapping is for.
const OBJECT: &str = "mapping";
pub(super) const RESTORED: &str = "dev.signet.anonymizer.text.restored";
const REFUSED: &str = "dev.signet.anonymizer.text.restore_refused";
/// Bytes of a text that are restored at a time.
pub(super) const STEP: usize = 64;
/// A restored text has at most this, and one original.
pub(super) const LARGEST_RESTORED: usize = 8 * 1024 * 1024;
const ALTERED: &str = "must be what Anonymize gave, unaltered: values in it kept their format";

/// A text with its originals, and what was done for it.
pub struct Restored {
    pub text: String,
    placeholders: usize,
    tokens: usize,
    /// Tokens of the vault that stayed.
    pub unopened: usize,
    formats: usize,
}

impl Texts {
    /// `mapping` may be empty for a text with tokens of the tenant.
    pub async fn restore(
        &self,
        cx: &Cx,
        text: String,
        mapping: &[u8],
        format: Format,
    ) -> Result<Restored> {
        let (subject, back) = if mapping.is_empty() {
            (format!("tenants/{}", cx.tenant()), WayBack::default())
        } else {
            let sealed = SealedMapping::parse(mapping)?;
            let subject = format!("mappings/{}", sealed.id);
            let back = self.opened(cx, sealed, &subject).await?;
            (subject, back)
        };
        let format = format_of(&back, format)?;
        let (tokens, asked) = of_documents::tokens(format, &text)?;
        if mapping.is_empty() && !tokens {
            return Err(Fault::invalid("mapping", "is needed: the text has no token"));
        }
        let restorer = if tokens || back.formats.is_some() {
            let keys = self.secrets.operator_keys(cx).await?;
            Some(Restorer::new(&keys).map_err(Fault::internal)?)
        } else {
            None
        };
        let opened = match asked.is_empty() {
            true => Opened::default(),
            false => self.vault.open(cx, &asked).await?,
        };
        let work = move || match format {
            Format::Text => restored(restorer.as_ref(), &opened, back, &text),
            format => of_document(restorer.as_ref(), &opened, back, format, &text),
        };
        let restored = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)??;
        let draft = Draft::new(cx, RESTORED, subject)
            .with("placeholders", restored.placeholders)
            .with("tokens", restored.tokens)
            .with("formats", restored.formats);
        // Before the plaintext leaves.
        events::record(&self.db, draft, self.clock.now()).await?;
        Ok(restored)
    }

    pub(super) async fn opened(
        &self,
        cx: &Cx,
        sealed: SealedMapping,
        subject: &str,
    ) -> Result<WayBack> {
        let key = match &sealed.wrapped {
            None => self.secrets.mapping_key(cx, sealed.id).await,
            Some(wrapped) => {
                let id = sealed.id.to_string();
                let key = self.data_keys.unwrap(cx, wrapped.clone(), OBJECT, &id).await;
                key.map_err(unwrappable)
            }
        };
        match key.and_then(|key| sealed.open(&key)) {
            Err(fault) if fault.reason() == &MAPPING_INVALID => {
                let draft = Draft::new(cx, REFUSED, subject).denied(fault.reason());
                events::record(&self.db, draft, self.clock.now()).await?;
                Err(fault)
            }
            opened => opened,
        }
    }
}

/// What the mapping says the text is, or else the caller.
fn format_of(back: &WayBack, told: Format) -> Result<Format> {
    match back.patches.as_ref().map(|patches| patches.format) {
        Some(known) if told != Format::Text && told != known => {
            Err(Fault::invalid("format", "is not that of the mapping"))
        }
        Some(known) => Ok(known),
        None => Ok(told),
    }
}

/// Value by value. What was altered has lost the places of its patches.
fn of_document(
    restorer: Option<&Restorer>,
    opened: &Opened,
    back: WayBack,
    format: Format,
    text: &str,
) -> Result<Restored> {
    if back.formats.is_some() {
        return Err(Fault::invalid("format", "is not that of the mapping, which is of a text"));
    }
    let patches = match back.patches {
        Some(patches) if patches.are_of(text) => patches.patches,
        Some(patches) if patches.needed => return Err(Fault::invalid("text", ALTERED)),
        _ => Vec::new(),
    };
    let mapping = Arc::new(back.mapping);
    let placeholders = mapping.len();
    let mut writer = Writer::new(restorer, opened, mapping, String::new());
    let failed = |error| match error {
        RestoreError::Malformed(error) => of_documents::malformed(error),
        RestoreError::Opening(fault) => fault,
        error @ RestoreError::Patch { .. } => Fault::internal(error),
    };
    let mut open = |value: &str| writer.value(value);
    let mut text = rewriting::restore(format, text, &patches, &mut open).map_err(failed)?;
    if !patches.is_empty() && !opened.is_empty() {
        // Patches hold no value of the vault, but its tokens.
        text = rewriting::restore(format, &text, &[], &mut open).map_err(failed)?;
    }
    if text.len() > LARGEST_RESTORED {
        return Err(too_large());
    }
    let Writer { tokens, unopened, .. } = writer;
    Ok(Restored { text, placeholders, tokens, unopened, formats: patches.len() })
}

/// Piece by piece: what kept its format is where it was, and between it stand placeholders and
/// tokens.
fn restored(
    restorer: Option<&Restorer>,
    opened: &Opened,
    back: WayBack,
    text: &str,
) -> Result<Restored> {
    let formats = match &back.formats {
        Some(formats) if !formats.are_of(text) => {
            return Err(Fault::invalid("text", ALTERED));
        }
        Some(formats) => formats.values(),
        None => &[],
    };
    let mapping = Arc::new(back.mapping);
    let (placeholders, count) = (mapping.len(), formats.len());
    let out = String::with_capacity(text.len());
    let mut writer = Writer::new(restorer, opened, mapping, out);
    let mut at = 0;
    for (entity, range) in formats {
        let piece = text.get(at..range.start).zip(text.get(range.clone()));
        let (between, made) = piece.ok_or_else(|| Fault::internal("formats out of order"))?;
        writer.piece(between)?;
        let change = Change {
            entity: entity.clone(),
            range: 0..made.len(),
            output: 0..made.len(),
            operator: Operator::FormatPreserving.name(),
        };
        let restorer = restorer.ok_or_else(|| Fault::internal("no keys"))?;
        let original = restorer.undo(made, &[change], &Mapping::new());
        writer.out.push_str(&original.map_err(Fault::internal)?);
        at = range.end;
    }
    writer.piece(text.get(at..).unwrap_or_default())?;
    let Writer { out: text, tokens, unopened, .. } = writer;
    Ok(Restored { text, placeholders, tokens, unopened, formats: count })
}

/// A text that is being restored.
struct Writer<'r> {
    restorer: Option<&'r Restorer>,
    opened: &'r Opened,
    mapping: Arc<Mapping>,
    out: String,
    tokens: usize,
    unopened: usize,
    /// Bytes of values that were restored before this one.
    before: usize,
}

impl<'r> Writer<'r> {
    fn new(
        restorer: Option<&'r Restorer>,
        opened: &'r Opened,
        mapping: Arc<Mapping>,
        out: String,
    ) -> Self {
        Self { restorer, opened, mapping, out, tokens: 0, unopened: 0, before: 0 }
    }

    /// A text of its own.
    fn value(&mut self, value: &str) -> Result<String> {
        self.piece(value)?;
        self.before += self.out.len();
        Ok(std::mem::take(&mut self.out))
    }

    /// Tokens first: what was encrypted is never a placeholder, but what a placeholder stands for
    /// may hold a token that was in the text before.
    fn piece(&mut self, text: &str) -> Result<()> {
        let Some(restorer) = self.restorer else { return self.placeholders(text) };
        let restored = restorer.restore_all(text, self.opened, LARGEST_RESTORED);
        let restored = restored.map_err(|_| too_large())?;
        self.tokens += restored.opened;
        self.unopened += restored.unopened;
        self.placeholders(&restored.text)
    }

    /// In steps that hold a few placeholders each: an original may be as long as
    /// the text it came from, and a text may repeat its placeholder without end.
    fn placeholders(&mut self, text: &str) -> Result<()> {
        let mut restorer = StreamRestorer::new(Arc::clone(&self.mapping), Escape::None);
        let mut at = 0;
        while at < text.len() {
            let end = text.ceil_char_boundary((at + STEP).min(text.len()));
            self.out.push_str(&restorer.push(&text[at..end]));
            at = end;
            if self.before + self.out.len() > LARGEST_RESTORED {
                return Err(too_large());
            }
        }
        self.out.push_str(&restorer.finish().map_err(Fault::internal)?);
        Ok(())
    }
}

pub(super) fn too_large() -> Fault {
    Fault::invalid("text", "must have at most 8 MiB when it is restored")
}

/// A mapping of another tenant, or altered, has a key that does not unwrap.
fn unwrappable(fault: Fault) -> Fault {
    if fault.reason() == &reasons::envelope::DATA_KEY_REJECTED {
        return Fault::new(&MAPPING_INVALID).with_note("data key rejected");
    }
    fault
}
