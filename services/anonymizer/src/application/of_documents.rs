//! The same for documents: their values are searched, replaced and restored where they stand.

use std::collections::BTreeSet;
use std::ops::Range;

use documents::{Document, Format, Malformed, Placed, Search as ValueSearch};
use kernel::{Fault, Result};
use pii::{Engine, EntityType, Explanation, Finding};
use reasons::anonymizer::OPERATOR_UNFIT;
use rewriting::{Made, RewriteError, Work};
use transform::{Context, TokenId, Transformer, holds_token, vault_tokens};

use super::anonymize::failed;
use super::texts::{Search, Told, invalid, no_other};

/// Names the line, never what stands there.
pub(super) fn malformed(error: Malformed) -> Fault {
    Fault::invalid("text", error.to_string())
}

pub(super) fn refused(error: RewriteError) -> Fault {
    match error {
        RewriteError::Malformed(error) => malformed(error),
        RewriteError::TooMuch(error) => Fault::invalid("text", error.to_string()),
        RewriteError::Transform(error) => failed(error),
        RewriteError::Broken(error) => {
            Fault::new(&OPERATOR_UNFIT).with_violation("text", error.to_string())
        }
    }
}

/// A document whose search the call can afford.
fn read<'t>(search: &Search, text: &'t str) -> Result<(Document<'t>, Vec<usize>)> {
    let document = Document::read(search.format, text).map_err(malformed)?;
    let positions = document.searched(&search.fields);
    search.wishes.affords_bytes(document.weight(&positions)).map_err(invalid)?;
    Ok((document, positions))
}

/// Whether the values of a document hold a token, and which of the vault.
pub(super) fn tokens(format: Format, text: &str) -> Result<(bool, BTreeSet<TokenId>)> {
    if format == Format::Text {
        return Ok((holds_token(text), vault_tokens(text)));
    }
    let document = Document::read(format, text).map_err(malformed)?;
    let (mut holds, mut of_vault) = (false, BTreeSet::new());
    for value in document.values() {
        let value = document.text(value);
        if holds_token(value) {
            holds = true;
            of_vault.extend(vault_tokens(value));
        }
    }
    Ok((holds, of_vault))
}

/// What is found in a document, in its own bytes.
pub(super) fn detected(engine: &Engine, search: &Search, text: &str) -> Result<Vec<Told>> {
    let (document, positions) = read(search, text)?;
    let values = ValueSearch {
        detect: &|text| search.wishes.detect(engine, text, &no_other),
        accepts: &|found, text| search.wishes.accepts(engine, found, text, &no_other),
        fields: &search.fields,
    };
    let found = document.find(&positions, &values);
    let parts = positions.into_iter().zip(found);
    let parts = parts.flat_map(|(at, found)| found.into_iter().map(move |finding| (at, finding)));
    let placed = document.placed(parts);
    Ok(told(engine, search, &document, placed))
}

/// What the values of a document become.
pub(super) fn made(
    engine: &Engine,
    search: &Search,
    transformer: &Transformer,
    context: Context<'_>,
    text: &str,
) -> Result<Made> {
    read(search, text)?;
    let least = |entity: &EntityType| transformer.policy().threshold(entity);
    let work = Work {
        format: search.format,
        search: ValueSearch {
            detect: &|text| search.wishes.detect(engine, text, &least),
            accepts: &|found, text| search.wishes.accepts(engine, found, text, &least),
            fields: &search.fields,
        },
        repeated: &|text, found| search.wishes.repeated(engine, text, found),
        transformer,
        context,
    };
    rewriting::make(&work, text).map_err(refused)
}

/// Findings as the caller counts. What explains one stands in its value, or is its name.
pub(super) fn told(
    engine: &Engine,
    search: &Search,
    document: &Document<'_>,
    placed: Vec<Placed>,
) -> Vec<Told> {
    let mut explained: Vec<Explanation> = Vec::new();
    if search.explain {
        for of_one in placed.chunk_by(|one, next| one.value == next.value) {
            let value = of_one.first().and_then(|one| document.values().get(one.value));
            let (named, before) = value.map(|value| document.named(value)).unwrap_or_default();
            let in_named = |part: &Range<usize>| part.start + before..part.end + before;
            let findings: Vec<Finding> = of_one
                .iter()
                .map(|one| Finding { range: in_named(&one.part), ..one.finding.clone() })
                .collect();
            explained.extend(engine.explain(&named, &findings));
        }
    }
    let findings = placed.into_iter().map(|one| one.finding).collect();
    search.counted(document.whole(), findings, explained)
}
