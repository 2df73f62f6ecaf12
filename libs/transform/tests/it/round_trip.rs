//! What is reversible comes back byte for byte; what is not leaves nothing.

use crate::common::{finding, types, with_keys};
use pii::{Engine, EntityType, Mapping, Options, PlaceholderKey};
use proptest::prelude::*;
use transform::{Context, Keys, Opened, Policy, RestoreError, Restorer, TOKEN_LEN, Transformer};
use zeroize::Zeroizing;

const ENCRYPT: &str = "name = 'e'\nversion = 1\n[default]\noperator = 'encrypt'\n";
const TOKENIZE: &str =
    "name = 't'\nversion = 1\n[default]\noperator = 'tokenize'\nttl_seconds = 60\n";
const PLACES: &str = "name = 'p'\nversion = 1\n[default]\noperator = 'placeholder'\n\
    [types.URL]\noperator = 'encrypt'\n\
    [types.ID_NUMBER]\noperator = 'format_preserving'\notherwise = { operator = 'placeholder' }\n";
const MIXED: &str = "name = 'm'\nversion = 1\n[default]\noperator = 'encrypt'\n\
    [types.URL]\noperator = 'keep'\n\
    [types.ID_NUMBER]\noperator = 'format_preserving'\notherwise = { operator = 'encrypt' }\n";

fn transformer(document: &str, secret: u8) -> Transformer {
    with_keys(Policy::parse(document, &types()).unwrap(), secret)
}

/// Pieces of a text: what stands there, and as what it was found.
fn pieces() -> impl Strategy<Value = Vec<(String, Option<&'static str>)>> {
    let token = transformer(ENCRYPT, 1);
    let token = token.transform("Anna", &[finding("PERSON", 0..4)], &Context::default());
    let token = token.unwrap().text;
    let broken = token[..token.len() - 1].to_owned();
    let piece = prop_oneof![
        Just((token, None)),
        Just((broken, None)),
        Just(("[enc1:".to_owned(), None)),
        Just(("]".to_owned(), None)),
        "\\PC{1,12}".prop_map(|text| (text, None)),
        "\\PC{1,12}".prop_map(|text| (text, Some("PERSON"))),
        "[0-9]{1,4}[-/ ]?[0-9A-Z]{1,12}".prop_map(|text| (text, Some("ID_NUMBER"))),
        "[a-z:/]{1,12}".prop_map(|text| (text, Some("URL"))),
    ];
    prop::collection::vec(piece, 0..10)
}

fn laid_out(pieces: &[(String, Option<&'static str>)]) -> (String, Vec<pii::Finding>) {
    let (mut text, mut findings) = (String::new(), Vec::new());
    for (piece, entity) in pieces {
        let start = text.len();
        text.push_str(piece);
        if let Some(entity) = entity {
            findings.push(finding(entity, start..text.len()));
        }
    }
    (text, findings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn undo_gives_back_every_byte(pieces in pieces(), secret in 0_u8..3) {
        let (text, findings) = laid_out(&pieces);
        let transformer = transformer(MIXED, secret);
        let done = transformer.transform(&text, &findings, &Context::default()).unwrap();
        prop_assert_eq!(transformer.undo(&done.text, &done.changes, &done.mapping).unwrap(), text);
    }

    /// Placeholders beside tokens and what kept its format.
    #[test]
    fn mixed_operators_are_undone(pieces in pieces(), secret in 0_u8..3) {
        let (text, findings) = laid_out(&pieces);
        let transformer = transformer(PLACES, secret);
        let key = PlaceholderKey::new([secret; 32]);
        let context = Context { conversation: Some(&key), ..Context::default() };
        let done = transformer.transform(&text, &findings, &context).unwrap();
        prop_assert_eq!(transformer.undo(&done.text, &done.changes, &done.mapping).unwrap(), text);
    }

    /// Also with tokens of the same tenant in the text before.
    #[test]
    fn restore_gives_back_every_byte(pieces in pieces(), secret in 0_u8..3) {
        let (text, findings) = laid_out(&pieces);
        let transformer = transformer(ENCRYPT, secret);
        let done = transformer.transform(&text, &findings, &Context::default()).unwrap();
        let restored = transformer.restore(&done.text);
        prop_assert_eq!(&restored.text, &text);
        prop_assert_eq!(restored.opened, done.changes.len());
        // Nobody else's keys open anything.
        prop_assert_eq!(self::transformer(ENCRYPT, 9).restore(&done.text).text, done.text.clone());
    }

    /// From a vault, also where the text holds tokens of one already.
    #[test]
    fn a_vault_gives_back_every_byte(pieces in pieces(), before in 0_usize..3) {
        let (mut text, findings) = laid_out(&pieces);
        text.push_str(&transform::written("PERSON", &[9; TOKEN_LEN]).repeat(before));
        let transformer = transformer(TOKENIZE, 1);
        let mut done = transformer.transform(&text, &findings, &Context::default()).unwrap();
        let (length, pending) = (done.text.len(), done.pending.clone());
        prop_assert_eq!(pending.len(), findings.len());
        prop_assert!(done.issue(&vec![[0; TOKEN_LEN]; pending.len() + 1]).is_err());
        let id = |at: usize| [u8::try_from(at).unwrap() + 100; TOKEN_LEN];
        let ids: Vec<_> = (0..pending.len()).map(id).collect();
        done.issue(&ids).unwrap();
        prop_assert_eq!(done.text.len(), length);
        let mut opened = Opened::default();
        for (id, pending) in ids.iter().zip(pending) {
            let value = text[pending.range].to_owned();
            opened.insert(*id, pending.entity, Zeroizing::new(value));
        }
        // The vault would open that one, too: but it stood in the text.
        opened.insert([9; TOKEN_LEN], EntityType::new("PERSON"), Zeroizing::new("Anna".into()));
        let restorer = Restorer::new(&Keys::derive(&[1; 32], "acme")).unwrap();
        prop_assert_eq!(restorer.restore_all(&done.text, &opened, text.len()).unwrap().text, text.clone());
        let short = text.len().saturating_sub(1);
        prop_assert!(text.is_empty() || restorer.restore_all(&done.text, &opened, short).is_err());
        prop_assert_eq!(restorer.restore(&done.text).unopened, findings.len());
    }

    #[test]
    fn nothing_found_is_left(pieces in pieces()) {
        let (text, findings) = laid_out(&pieces);
        for (rule, gone) in [("redact", true), ("replace", true), ("mask", false)] {
            let document = format!("name = 'r'\nversion = 1\n[default]\noperator = '{rule}'\n");
            let transformer = transformer(&document, 1);
            let done = transformer.transform(&text, &findings, &Context::default()).unwrap();
            let changed = done.changes.iter().filter(|change| change.operator == rule).count();
            prop_assert_eq!(changed, findings.len());
            for change in &done.changes {
                prop_assert!(done.text.get(change.output.clone()).is_some());
                if gone && change.operator == rule {
                    let fixed = format!("<{}>", change.entity);
                    let made = &done.text[change.output.clone()];
                    prop_assert!(made.is_empty() || made == fixed);
                }
            }
        }
    }
}

#[test]
fn detected_texts_come_back() {
    let engine = Engine::standard().unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    for file in ["discharge-letter.txt", "email-thread.txt"] {
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        let findings = engine.detect(&text, &Options::default());
        let transformer = transformer(ENCRYPT, 1);
        assert!(transformer.policy().is_reversible());
        let done = transformer.transform(&text, &findings, &Context::default()).unwrap();
        assert_eq!(done.changes.len(), findings.len());
        assert_eq!(transformer.restore(&done.text).text, text);
    }
}

#[test]
fn what_cannot_be_undone_says_so() {
    let masked = transformer("name = 'x'\nversion = 1\n[default]\noperator = 'mask'\n", 1);
    assert!(!masked.policy().is_reversible());
    let done = masked.transform("Anna", &[finding("PERSON", 0..4)], &Context::default()).unwrap();
    let failed = masked.undo(&done.text, &done.changes, &done.mapping).unwrap_err();
    assert!(matches!(failed, RestoreError::Irreversible { index: 0, operator: "mask", .. }));

    let kept = transformer(TOKENIZE, 1);
    assert!(kept.policy().is_reversible());
    let done = kept.transform("Anna", &[finding("PERSON", 0..4)], &Context::default()).unwrap();
    let failed = kept.undo(&done.text, &done.changes, &done.mapping).unwrap_err();
    assert!(matches!(failed, RestoreError::InVault { index: 0, .. }));

    let encrypting = transformer(ENCRYPT, 1);
    let findings = [finding("PERSON", 0..4)];
    let done = encrypting.transform("Anna", &findings, &Context::default()).unwrap();
    let other = transformer(ENCRYPT, 2);
    let failed = other.undo(&done.text, &done.changes, &done.mapping).unwrap_err();
    assert!(matches!(failed, RestoreError::Rejected { index: 0, .. }));
    let failed = encrypting.undo(&done.text[1..], &done.changes, &done.mapping).unwrap_err();
    assert_eq!(failed, RestoreError::Change { index: 0 });
}

#[test]
fn placeholders_are_those_of_their_conversation() {
    let places = transformer(PLACES, 1);
    assert!(places.policy().is_reversible() && places.policy().makes_placeholders());
    let findings = [finding("PERSON", 0..4), finding("PERSON", 9..13)];
    let key = PlaceholderKey::new([1; 32]);
    let context = Context { conversation: Some(&key), ..Context::default() };
    let done = places.transform("Anna and Anna", &findings, &context).unwrap();
    let [one, other] = [0, 1].map(|at: usize| &done.text[done.changes[at].output.clone()]);
    assert!(one == other && one.starts_with("<PERSON_"), "{one} {other}");
    assert_eq!(done.mapping.restore(&done.text), "Anna and Anna");
    let failed = places.undo(&done.text, &done.changes, &Mapping::new()).unwrap_err();
    assert!(matches!(failed, RestoreError::Rejected { index: 0, .. }));
    // Without a conversation nothing is given out.
    assert!(places.transform("Anna and Anna", &findings, &Context::default()).is_err());
}

#[test]
fn the_fallback_counts_for_being_reversible() {
    let parse = |document: &str| Policy::parse(document, &types()).unwrap();
    assert!(parse(MIXED).is_reversible());
    let lossy = MIXED.replace("{ operator = 'encrypt' }", "{ operator = 'redact' }");
    assert!(!parse(&lossy).is_reversible());
}
