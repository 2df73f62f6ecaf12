//! Texts and chat requests on their way to a provider, and answers back.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use documents::{Format, Search};
use pii::chat::{
    ChatOptions, ChatRequest, ChatStreamRestorer, Limits, anonymize_chat, restore_chat_response,
};
use pii::{Anonymizer, Engine, Escape, Finding, Mapping, Options, PlaceholderKey, StreamRestorer};
use rewriting::Work;
use transform::{Context, Keys, Policy, Transformer};

use crate::input::{edited, pieces, text};

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Engine::standard().unwrap());

/// Everything into a placeholder, a token, or other digits.
static TRANSFORMERS: LazyLock<Vec<Transformer>> = LazyLock::new(|| {
    let operators = [
        "operator = 'placeholder'",
        "operator = 'encrypt'",
        "operator = 'format_preserving'\notherwise = { operator = 'encrypt' }",
    ];
    let transformer = |operator: &str| {
        let policy = format!("name = 'r'\nversion = 1\n[default]\n{operator}\n");
        let policy = Policy::parse(&policy, ENGINE.types()).unwrap();
        Transformer::new(policy, Keys::derive(&[7; 32], "fuzz")).unwrap()
    };
    operators.into_iter().map(transformer).collect()
});

/// A model of a few rows: edits of the shipped one would seldom reach its lists.
static MODEL: LazyLock<tagger::Tagger> = LazyLock::new(|| {
    let mut gazetteer = tagger::Gazetteer::default();
    for word in ["weber", "leeds", "elm street"] {
        gazetteer.add(word, tagger::Class::FIRST);
    }
    tagger::Tagger {
        table: tagger::Table::new(6, &[(1 << 60, [1.0; tagger::TAG_WEIGHTS]), (7, [-0.5; tagger::TAG_WEIGHTS])]),
        transitions: tagger::Transitions::default(),
        gazetteer,
        calibration: [tagger::Calibration([0.5; 11]); 4],
        caution: 0.0,
    }
});

pub(crate) fn prepare() {
    LazyLock::force(&ENGINE);
}

fn key() -> PlaceholderKey {
    PlaceholderKey::new([7; 32])
}

fn anonymized(text: &str) -> Option<pii::Anonymized> {
    Anonymizer::new(&ENGINE, Options::default()).anonymize(&key(), text).ok()
}

pub(crate) fn detect(data: &[u8]) {
    let Some(text) = text(data) else { return };
    in_order(text, ENGINE.detect(text, &Options::default()));
}

/// The first byte says what the rest is. What is found in it is encrypted, and comes back.
pub(crate) fn document(data: &[u8]) {
    let Some((format, rest)) = data.split_first() else { return };
    let Some(text) = text(rest) else { return };
    let (format, _) = Format::ALL[usize::from(*format) % Format::ALL.len()];
    if let Ok(findings) = documents::detect(&ENGINE, &Options::default(), format, &[], text) {
        in_order(text, findings);
    }
    let search = Search {
        detect: &|text| ENGINE.detect(text, &Options::default()),
        accepts: &|_, _| true,
        fields: &[],
    };
    let key = key();
    let context = Context { conversation: Some(&key), ..Context::default() };
    let repeated = |text: &str, found| ENGINE.repeated(text, found, &|_| false);
    for transformer in &*TRANSFORMERS {
        let search = Search { ..search };
        let work = Work { format, search, repeated: &repeated, transformer, context };
        let Ok(made) = rewriting::make(&work, text) else { continue };
        let Ok(done) = made.write(text, &|text| transformer.restore(text).text) else { continue };
        let mut open = |text: &str| {
            Ok::<_, Infallible>(done.mapping.restore(&transformer.restore(text).text))
        };
        let back = rewriting::restore(format, &done.text, &done.patches, &mut open);
        assert_eq!(back.unwrap(), text, "not restored byte for byte");
    }
}

fn in_order(text: &str, findings: Vec<Finding>) {
    let mut end = 0;
    for finding in findings {
        assert!(text.get(finding.range.clone()).is_some_and(|found| !found.is_empty()));
        assert!(finding.range.start >= end, "findings overlap or are out of order");
        end = finding.range.end;
    }
}

pub(crate) fn round_trip(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Some(hidden) = anonymized(text) {
        assert_eq!(hidden.mapping.restore(&hidden.text), text, "not restored byte for byte");
    }
}

/// However an answer is cut, it is restored as a whole one is.
pub(crate) fn restore_cut(data: &[u8]) {
    let Some((cut, rest)) = data.split_first() else { return };
    let Some(text) = text(rest) else { return };
    let original = format!("{text} jane.doe@example.com and 4111 1111 1111 1111");
    let Some(hidden) = anonymized(&original) else { return };
    let whole = hidden.mapping.restore(&hidden.text);
    let bytes = hidden.text.as_bytes();
    let (first, second) = bytes.split_at(usize::from(*cut) * bytes.len() / 256);
    let longest = hidden.mapping.longest_placeholder();
    let mut restorer = StreamRestorer::new(Arc::new(hidden.mapping), Escape::None);
    let mut restored = restorer.push_bytes(first).unwrap();
    assert!(restorer.held() <= longest + 3, "{} bytes are held back", restorer.held());
    restored.push_str(&restorer.push_bytes(second).unwrap());
    restored.push_str(&restorer.finish().unwrap());
    assert_eq!(restored, whole);
}

pub(crate) fn mapping(data: &[u8]) {
    if let Ok(mapping) = Mapping::from_bytes(data) {
        let bytes = mapping.to_bytes();
        assert_eq!(Mapping::from_bytes(&bytes).unwrap().to_bytes(), bytes);
        let _ = mapping.restore("a text of no placeholders");
    }
}

/// A model file: a small one with a few edits, or anything.
pub(crate) fn names_model(data: &[u8]) {
    let valid = MODEL.to_bytes();
    for bytes in [data.to_vec(), edited(&valid, data)] {
        if let Ok(tagger) = tagger::Tagger::from_bytes(&bytes) {
            let text = "Dear Ms Weber, Acme Ltd moved to 5 Elm Street, Leeds.";
            for entity in tagger.find(text) {
                assert!(text.get(entity.range).is_some_and(|found| !found.is_empty()));
            }
        }
    }
}

pub(crate) fn chat_request(data: &[u8]) {
    let limits = Limits::default();
    let Ok(request) = ChatRequest::parse(data, &limits) else { return };
    let json = serde_json::to_vec(&request).unwrap();
    assert!(ChatRequest::parse(&json, &limits).is_ok(), "what was parsed is not written back");
    let options = ChatOptions { limits, ..ChatOptions::default() };
    let _ = anonymize_chat(&ENGINE, &key(), request, &options);
}

/// Answers of a provider, whole and in chunks: any JSON.
pub(crate) fn chat_stream(data: &[u8]) {
    let mapping = Arc::new(anonymized("jane.doe@example.com").unwrap().mapping);
    let mut restorer = ChatStreamRestorer::new(Arc::clone(&mapping), Escape::None);
    for piece in pieces(data) {
        let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(piece) else { continue };
        let _ = restorer.push(answer.clone());
        restore_chat_response(&mut answer, &mapping, Escape::Json);
    }
    let _ = restorer.finish();
}
