//! Policies: what a document says, what is wrong with one, and what the ready ones do.

use crate::common::{finding, found, one, transformer, types, with_keys};
use pii::{Engine, EntityType};
use transform::{Context, Operator, Policy, PolicyError, READY, TransformError, Unfit, compare};

const HEAD: &str = "name = \"t\"\nversion = 1\n";

fn error(rest: &str) -> String {
    let document = format!("{HEAD}{rest}");
    Policy::parse(&document, &types()).map_or_else(|error| error.to_string(), |_| "-".to_owned())
}

fn rule(fields: &str) -> String {
    error(&format!("[default]\noperator = \"redact\"\n[types.PERSON]\n{fields}"))
}

#[test]
fn errors_name_the_field() {
    let of_person = |field: &str, rest: &str| format!("types.PERSON.{field} {rest}");
    for (fields, expected) in [
        ("", of_person("operator", "is missing")),
        ("operator = 'shred'", of_person("operator", "names no operator")),
        ("operator = 3", of_person("operator", "must be a text")),
        ("operator = 'mask'\nkeep = 3", of_person("keep", "is not a field of a policy")),
        ("operator = 'mask'\nkeep_last = 99", of_person("keep_last", "must be from 0 to 32")),
        ("operator = 'mask'\nkeep_last = -1", of_person("keep_last", "must be from 0 to 32")),
        ("operator = 'mask'\nwith = 'xx'", of_person("with", "must be one character")),
        ("operator = 'mask'\nkeep_domain = 1", of_person("keep_domain", "must be true or false")),
        ("operator = 'hash'\nlength = 4", of_person("length", "must be from 12 to 64")),
        ("operator = 'date_shift'\ndays = 0", of_person("days", "must be from 1 to 3650")),
        ("operator = 'bucket'", of_person("width", "is missing")),
        ("operator = 'bucket'\nwidth = 1", of_person("width", "must be from 2 to 1000000000")),
        ("operator = 'bucket'\ntop = 5\nbottom = 5", of_person("bottom", "must be less than top")),
        ("operator = 'generalize'", of_person("to", "is missing")),
        (
            "operator = 'generalize'\nto = 'less'",
            of_person("to", "must be year, month, prefix, network or coordinates"),
        ),
        (
            "operator = 'generalize'\nto = 'network'\nv4 = 32",
            of_person("v4", "must be from 0 to 31"),
        ),
        ("operator = 'redact'\nmin_score = 1.5", of_person("min_score", "must be from 0 to 1")),
        ("operator = 'redact'\nmin_score = nan", of_person("min_score", "must be from 0 to 1")),
        (
            "operator = 'surrogate'\notherwise = { operator = 'surrogate' }",
            of_person("otherwise.operator", "must be refuse or an operator that fits every value"),
        ),
        (
            "operator = 'redact'\notherwise = { operator = 'redact' }",
            of_person("otherwise", "is not a field of a policy"),
        ),
        ("operator = 'surrogate'\notherwise = 'redact'", of_person("otherwise", "must be a table")),
        ("operator = 'surrogate'\notherwise = { operator = 'refuse' }", "-".to_owned()),
    ] {
        assert_eq!(rule(fields), expected, "{fields}");
    }
}

#[test]
fn errors_of_the_whole() {
    let default = "[default]\noperator = 'redact'\n";
    for (rest, expected) in [
        ("", "default is missing"),
        (
            &*format!("{default}[types.PERSONS]\noperator = 'redact'"),
            "types.PERSONS names no type that is known",
        ),
        (&*format!("{default}[types]\nPERSON = 1"), "types.PERSON must be a table"),
        (&*format!("{default}[other]"), "other is not a field of a policy"),
        (&*format!("min_score = 'x'\n{default}"), "min_score must be a number from 0 to 1"),
    ] {
        assert_eq!(error(rest), expected);
    }
    let parse = |document: &str| Policy::parse(document, &types()).err();
    let expected = |path: &str| Some(PolicyError::Missing { path: path.to_owned() });
    assert_eq!(parse("version = 1"), expected("name"));
    assert_eq!(parse("name = 'x'"), expected("version"));
    assert!(matches!(parse("name = 'X y'\n"), Some(PolicyError::OutOfRange { .. })));
    assert!(matches!(parse("name = "), Some(PolicyError::Syntax { .. })));
    assert!(matches!(
        parse("{\"name\": \"a\", \"name\": \"b\"}"),
        Some(PolicyError::Syntax { .. })
    ));
    assert!(matches!(parse(&"#".repeat(300_000)), Some(PolicyError::TooLarge { .. })));
    assert_eq!(Policy::ready("none", &types()), Err(PolicyError::UnknownPolicy));
}

#[test]
fn json_and_toml_say_the_same() {
    let toml = format!(
        "{HEAD}min_score = 0.5\n[default]\noperator = 'replace'\nwith = '?'\n[types.AGE]\n\
         operator = 'bucket'\nwidth = 10\nmin_score = 1\n"
    );
    let json = r#"{"name": "t", "version": 1, "min_score": 0.5,
        "default": {"operator": "replace", "with": "?"},
        "types": {"AGE": {"operator": "bucket", "width": 10, "min_score": 1}}}"#;
    let [one, other] = [&toml, json].map(|document| Policy::parse(document, &types()).unwrap());
    assert!(one == other && one.name() == "t" && one.version() == 1);
}

#[test]
fn children_have_their_parents_rule_and_score() {
    let transformer = transformer(&format!(
        "{HEAD}min_score = 0.3\n[default]\noperator = 'keep'\n\
         [types.LOCATION]\noperator = 'redact'\nmin_score = 0.7\n\
         [types.POSTAL_CODE]\noperator = 'replace'\n"
    ));
    let policy = transformer.policy();
    let entity = |name: &str| EntityType::new(name);
    assert_eq!(*policy.rule(&entity("STREET_ADDRESS")).operator(), Operator::Redact);
    assert_eq!(*policy.rule(&entity("POSTAL_CODE")).operator(), Operator::Replace { with: None });
    assert_eq!(*policy.rule(&entity("PERSON")).operator(), Operator::Keep);
    assert!(policy.covers(&entity("STREET_ADDRESS"), 0.7));
    assert!(!policy.covers(&entity("STREET_ADDRESS"), 0.6));
    assert!(policy.covers(&entity("POSTAL_CODE"), 0.7));
    let mut low = finding("LOCATION", 0..5);
    low.score = 0.5;
    let done = transformer.transform("Paris", &[low], &Context::default()).unwrap();
    assert_eq!((&*done.text, &*done.kept), ("Paris", &[0][..]));
}

#[test]
fn ready_policies_are_read_whole() {
    for (name, document) in READY {
        let policy = Policy::ready(name, &types()).unwrap();
        assert_eq!(policy, Policy::parse(document, &types()).unwrap(), "{name}");
        assert_eq!(policy.name(), *name);
        assert!(!policy.description().is_empty());
        // With the types of this build only, what it does not know is left out.
        Policy::ready(name, Engine::standard().unwrap().types()).unwrap();
    }
}

/// The letters and numbers of 45 CFR 164.514(b)(2)(i).
#[test]
fn safe_harbor() {
    let policy = Policy::ready("hipaa-safe-harbor", &types()).unwrap();
    let transformer = with_keys(policy, 1);
    let after = |entity: &str, value: &str| {
        let context = Context { subject: None, year: Some(2026), ..Context::default() };
        let findings = [finding(entity, 0..value.len())];
        transformer.transform(value, &findings, &context).unwrap().text
    };
    for (entity, value, expected) in [
        ("PERSON", "Anna Weber", "<PERSON>"),
        ("STREET_ADDRESS", "12 Elm Street", "<STREET_ADDRESS>"),
        ("LOCATION", "Springfield", "<LOCATION>"),
        ("POSTAL_CODE", "62704-1234", "627"),
        ("POSTAL_CODE", "03601", "000"),
        ("POSTAL_CODE", "89301", "000"),
        ("POSTAL_CODE", "BS1 4RW", "<POSTAL_CODE>"),
        ("DATE_TIME", "March 17, 2024", "2024"),
        ("DATE_TIME", "Mar 17", "<DATE_TIME>"),
        ("DATE_TIME", "14:30", "<DATE_TIME>"),
        ("DATE_OF_BIRTH", "04/05/1961", "1961"),
        ("DATE_OF_BIRTH", "04/05/1931", "90 or older"),
        ("AGE", "89", "89"),
        ("AGE", "90", "90+"),
        ("AGE", "aged 104", "aged 90+"),
        ("AGE", "ninety-four", "<AGE>"),
        ("PHONE_NUMBER", "(415) 555-2671", "<PHONE_NUMBER>"),
        ("EMAIL_ADDRESS", "a@b.de", "<EMAIL_ADDRESS>"),
        ("US_SSN", "536-22-8765", "<US_SSN>"),
        ("ID_NUMBER", "MRN 00482913", "<ID_NUMBER>"),
        ("URL", "https://x.example/a", "<URL>"),
        ("IP_ADDRESS", "10.1.2.3", "<IP_ADDRESS>"),
    ] {
        assert_eq!(after(entity, value), expected, "{entity}");
    }
    // Without the year nobody can say who is how old.
    let findings = [finding("DATE_OF_BIRTH", 0..10)];
    let done = transformer.transform("04/05/1961", &findings, &Context::default()).unwrap();
    assert_eq!(done.text, "<DATE_OF_BIRTH>");
}

#[test]
fn cards_show_what_pci_allows() {
    let transformer = with_keys(Policy::ready("pci-dss", &types()).unwrap(), 1);
    let text = "Anna, card 4111 1111 1111 1234, cvv 123";
    let findings =
        [finding("PERSON", 0..4), finding("CREDIT_CARD", 11..30), finding("CVV", 36..39)];
    let done = transformer.transform(text, &findings, &Context::default()).unwrap();
    assert_eq!(done.text, "Anna, card 4111 11** **** 1234, cvv ");
    let short = [finding("CREDIT_CARD", 0..13)];
    let done = transformer.transform("4222222222222", &short, &Context::default()).unwrap();
    assert_eq!(done.text, "*************");
}

#[test]
fn no_original_is_left_by_any_ready_policy() {
    let engine = Engine::standard().unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    for file in ["discharge-letter.txt", "email-thread.txt"] {
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        let findings = found(&text);
        assert!(findings.len() > 10);
        for (name, _) in READY {
            let transformer = with_keys(Policy::ready(name, &types()).unwrap(), 1);
            let context = Context { subject: Some("p"), year: Some(2026), ..Context::default() };
            let done = transformer.transform(&text, &findings, &context).unwrap();
            let left = done.left_behind(&engine, &text, &findings).unwrap();
            let left: Vec<_> = left.iter().map(|at| &done.changes[*at]).collect();
            assert!(left.is_empty(), "{name} leaves {left:?} of {file}");
        }
    }
}

#[test]
fn what_is_left_behind_is_seen() {
    let engine = Engine::standard().unwrap();
    let text = "Margaret Thompson came. MARGARET  THOMPSON left.";
    let transformer = transformer(&format!("{HEAD}[default]\noperator = 'redact'\n"));
    let once = [finding("PERSON", 0..17)];
    let done = transformer.transform(text, &once, &Context::default()).unwrap();
    assert_eq!(done.left_behind(&engine, text, &once).unwrap(), [0]);
}

#[test]
fn a_dry_run_says_what_changes() {
    let document = |rest: &str| format!("{HEAD}[default]\noperator = 'keep'\n{rest}");
    let parse = |rest: &str| Policy::parse(&document(rest), &types()).unwrap();
    let before = parse("[types.PERSON]\noperator = 'redact'\n[types.URL]\noperator = 'redact'\n");
    let after = parse(
        "[types.PERSON]\noperator = 'hash'\nmin_score = 0.8\n[types.LOCATION]\noperator = 'mask'\n",
    );
    let mut sample = [
        finding("PERSON", 0..4),
        finding("PERSON", 5..9),
        finding("URL", 10..14),
        finding("POSTAL_CODE", 15..19),
    ];
    sample[1].score = 0.6;
    let comparison = compare(&before, &after, &sample);
    assert_eq!((&*comparison.newly_covered, &*comparison.newly_uncovered), (&[3][..], &[1, 2][..]));
    let person = &comparison.by_type[&EntityType::new("PERSON")];
    assert_eq!((person.before, person.after), ("redact", "hash"));
    assert_eq!((person.newly_uncovered, person.otherwise_changed, person.same), (1, 1, 0));
    assert!(compare(&before, &before, &sample).newly_covered.is_empty());
}

#[test]
fn what_does_not_fit_goes_the_other_way() {
    assert_eq!(one("operator = 'date_shift'", "DATE_TIME", "14:30"), "<DATE_TIME>");
    assert_eq!(
        one("operator = 'bucket'\nwidth = 5\notherwise = { operator = 'redact' }", "AGE", "old"),
        ""
    );
    assert_eq!(
        one("operator = 'format_preserving'", "ID_NUMBER", "1234"),
        "finding 0 of type ID_NUMBER has fewer than 1,000,000 possible values (NIST SP 800-38G \
         rev. 1)"
    );
    let fallback = "operator = 'format_preserving'\notherwise = { operator = 'encrypt' }";
    assert!(one(fallback, "ID_NUMBER", "1234").starts_with("[enc1:ID_NUMBER:"));
    assert_ne!(one("operator = 'date_shift'\ndays = 30", "DATE_TIME", "2024-03-17"), "2024-03-17");
}

#[test]
fn a_shift_needs_its_subject() {
    let rule = "operator = 'date_shift'\notherwise = { operator = 'refuse' }";
    let transformer = transformer(&format!("{HEAD}[default]\n{rule}\n"));
    let findings = [finding("DATE_TIME", 0..10)];
    let refused = transformer.transform("2024-03-17", &findings, &Context::default()).err();
    let entity = EntityType::new("DATE_TIME");
    let expected = TransformError::Unfit { index: 0, entity, why: Unfit::NoSubject };
    assert_eq!(refused, Some(expected));
}

#[test]
fn findings_must_be_of_the_text() {
    let transformer = transformer(&format!("{HEAD}[default]\noperator = 'redact'\n"));
    let failed = |text: &str, findings: &[pii::Finding]| {
        transformer.transform(text, findings, &Context::default()).err()
    };
    let at = |index| Some(TransformError::Finding { index });
    assert_eq!(failed("abc", &[finding("PERSON", 0..4)]), at(0));
    assert_eq!(failed("aüc", &[finding("PERSON", 0..2)]), at(0));
    assert_eq!(failed("abc", &[finding("PERSON", 1..1)]), at(0));
    assert_eq!(failed("abc", &[finding("PERSON", 0..2), finding("URL", 1..3)]), at(1));
    let named = [finding("a]b", 0..1)];
    assert_eq!(failed("abc", &named), Some(TransformError::TypeName { index: 0 }));
}
