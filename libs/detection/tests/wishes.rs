//! What a call may ask for, what comes of it, and what is refused.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::time::{Duration, Instant};

use detection::{Asked, Denied, NewRecognizer, Wishes};
use pii::{Engine, EntityType};
use proptest::prelude::*;

const TEXT: &str = "Anna Weber (anna.weber@example.org) works on Bluebird, ticket PX-2041, \
    and paid with 4111 1111 1111 1111. Anna Weber was born on 04.05.1961.";

fn denied(text: &str, entity: &str) -> Denied {
    Denied { text: text.to_owned(), entity: entity.to_owned() }
}

fn tickets() -> NewRecognizer {
    NewRecognizer {
        name: "tickets".to_owned(),
        entity: "TICKET".to_owned(),
        patterns: vec![r"\bP[XY]-\d{4}\b".to_owned()],
        score: 0.4,
        context: vec!["Ticket".to_owned()],
    }
}

fn found(text: &str, asked: &Asked) -> Vec<(String, String, f32)> {
    let engine = Engine::standard().unwrap();
    let wishes = Wishes::new(&engine, asked).unwrap();
    let findings = wishes.detect_all(&engine, text, &|_| None).unwrap();
    let told = |finding: pii::Finding| {
        (finding.entity.to_string(), text[finding.range].to_owned(), finding.score)
    };
    findings.into_iter().map(told).collect()
}

fn has(found: &[(String, String, f32)], entity: &str, text: &str) -> bool {
    found.iter().any(|(of, found, _)| of == entity && found == text)
}

#[test]
fn without_wishes_it_is_the_engine() {
    let engine = Engine::standard().unwrap();
    let wishes = Wishes::new(&engine, &Asked::default()).unwrap();
    let plain = engine.detect(TEXT, &pii::Options::default());
    assert_eq!(wishes.detect(&engine, TEXT, &|_| None), plain);
    assert_eq!(wishes.types(&engine).len(), engine.types().len());
}

#[test]
fn thresholds_are_those_of_the_type_or_its_parent() {
    let threshold = |entity: &str, least| Asked {
        thresholds: vec![(entity.to_owned(), least)],
        ..Asked::default()
    };
    let strict = found(TEXT, &threshold("CREDIT_CARD", 1.0));
    let usual = found(TEXT, &Asked::default());
    assert!(has(&usual, "DATE_OF_BIRTH", "04.05.1961") && has(&usual, "PERSON", "Anna Weber"));
    let score = usual.iter().find(|(entity, ..)| entity == "DATE_OF_BIRTH").unwrap().2;
    assert!(strict.iter().any(|(_, _, score)| *score < 1.0), "others stay");
    if score < 1.0 {
        let parent = found(TEXT, &threshold("DATE_TIME", 1.0));
        assert!(!has(&parent, "DATE_OF_BIRTH", "04.05.1961"));
    }
    // What the policy says counts where the call says nothing.
    let engine = Engine::standard().unwrap();
    let other = |entity: &EntityType| (entity.as_str() == "PERSON").then_some(1.1);
    let wishes = Wishes::new(&engine, &Asked::default()).unwrap();
    let without = wishes.detect(&engine, TEXT, &other);
    assert!(without.iter().all(|finding| finding.entity.as_str() != "PERSON"));
    let asked = Asked { min_score: Some(0.5), ..Asked::default() };
    let wishes = Wishes::new(&engine, &asked).unwrap();
    assert!(wishes.detect(&engine, TEXT, &other).iter().any(|f| f.entity.as_str() == "PERSON"));
}

#[test]
fn what_is_denied_is_found_and_what_is_allowed_is_not() {
    let asked = Asked {
        deny_list: vec![denied("Bluebird", "PROJECT"), denied("PX", "PROJECT")],
        allow_list: vec!["Bluebird".to_owned(), "4111 1111 1111 1111".to_owned()],
        allow_patterns: vec![r"[a-z.]+@example\.org".to_owned()],
        ..Asked::default()
    };
    let all = found(TEXT, &asked);
    assert!(has(&all, "PROJECT", "Bluebird"), "denied is stronger than allowed");
    assert!(has(&all, "PROJECT", "PX") && has(&all, "PERSON", "Anna Weber"));
    assert!(!all.iter().any(|(entity, ..)| entity == "CREDIT_CARD" || entity == "EMAIL_ADDRESS"));
    assert!(!has(&found("Bluebirds fly", &asked), "PROJECT", "Bluebird"), "a word of its own");
    // A part of a finding does not allow it.
    let part = Asked { allow_patterns: vec!["anna".to_owned()], ..Asked::default() };
    assert!(has(&found(TEXT, &part), "EMAIL_ADDRESS", "anna.weber@example.org"));
    // An alternative is not cut by what makes it whole.
    let either = Asked { allow_patterns: vec!["x|anna.*org".to_owned()], ..Asked::default() };
    assert!(!has(&found(TEXT, &either), "EMAIL_ADDRESS", "anna.weber@example.org"));
}

#[test]
fn recognizers_of_the_call_count_like_others() {
    let asked = Asked { recognizers: vec![tickets()], ..Asked::default() };
    assert!(has(&found(TEXT, &asked), "TICKET", "PX-2041"), "the word beside it counts");
    assert!(
        !has(&found("PX-2041 is done", &asked), "TICKET", "PX-2041"),
        "0.4 alone is too little"
    );
    let only = Asked { types: vec!["TICKET".to_owned()], ..asked.clone() };
    assert_eq!(found(TEXT, &only).len(), 1);
    let low = Asked { min_score: Some(0.3), ..asked };
    assert!(has(&found("PX-2041 is done", &low), "TICKET", "PX-2041"));
}

#[test]
fn context_counts_as_if_it_stood_before() {
    let asked = |context: &[&str]| Asked {
        recognizers: vec![tickets()],
        context: context.iter().map(|word| (*word).to_owned()).collect(),
        ..Asked::default()
    };
    assert!(!has(&found("PX-2041", &asked(&["colour"])), "TICKET", "PX-2041"));
    let found = found("PX-2041", &asked(&["the", "ticket"]));
    assert_eq!(found.len(), 1);
    assert!(has(&found, "TICKET", "PX-2041"), "the span is that of the text");
}

#[test]
fn a_hint_leaves_out_what_other_languages_need() {
    let engine = Engine::standard().unwrap();
    let foreign = engine
        .recognizers()
        .into_iter()
        .find(|info| !info.languages.iter().any(|language| language == "any" || language == "tr"));
    let asked = Asked { languages: vec!["tr".to_owned()], ..Asked::default() };
    let wishes = Wishes::new(&engine, &asked).unwrap();
    if let Some(foreign) = foreign {
        for example in &foreign.examples {
            let text = example.replace("[[", "").replace("]]", "");
            let found = wishes.detect(&engine, &text, &|_| None);
            assert!(found.iter().all(|finding| finding.recognizer != foreign.name));
        }
    }
    assert!(has(&found(TEXT, &asked), "EMAIL_ADDRESS", "anna.weber@example.org"));
}

#[test]
fn what_is_wrong_is_named() {
    let engine = Engine::standard().unwrap();
    let with = |change: fn(&mut NewRecognizer)| {
        let mut new = tickets();
        change(&mut new);
        Asked { recognizers: vec![tickets(), new], ..Asked::default() }
    };
    let of = |change: fn(&mut Asked)| {
        let mut asked = Asked::default();
        change(&mut asked);
        asked
    };
    for (asked, field) in [
        (of(|a| a.types = vec!["PERSON".into(), "SHOE".into()]), "types[1]"),
        (of(|a| a.types = vec!["PERSON".into(); 101]), "types"),
        (of(|a| a.min_score = Some(f64::NAN)), "min_score"),
        (of(|a| a.thresholds = vec![("SHOE".into(), 0.5)]), "thresholds[0].type"),
        (of(|a| a.thresholds = vec![("PERSON".into(), 1.5)]), "thresholds[0].min_score"),
        (of(|a| a.thresholds = vec![("PERSON".into(), 0.5); 2]), "thresholds[1].type"),
        (of(|a| a.allow_list = vec![String::new()]), "allow_list[0]"),
        (of(|a| a.allow_list = vec!["x".into(); 1_001]), "allow_list"),
        (of(|a| a.allow_patterns = vec!["(".into()]), "allow_patterns[0]"),
        (of(|a| a.allow_patterns = vec!["a)|(?:b".into()]), "allow_patterns[0]"),
        (of(|a| a.allow_patterns = vec!["x".into(); 51]), "allow_patterns"),
        (of(|a| a.deny_list = vec![denied("", "X")]), "deny_list[0].text"),
        (of(|a| a.deny_list = vec![denied("x", "a b")]), "deny_list[0].type"),
        (of(|a| a.languages = vec!["de".into(), "German".into()]), "languages[1]"),
        (with(|new| new.name = String::new()), "ad_hoc_recognizers[1].name"),
        (with(|new| new.entity = "x-y".into()), "ad_hoc_recognizers[1].type"),
        (with(|new| new.patterns = Vec::new()), "ad_hoc_recognizers[1].patterns"),
        (
            with(|new| new.patterns = vec!["x".into(), "[".into()]),
            "ad_hoc_recognizers[1].patterns[1]",
        ),
        (with(|new| new.patterns = vec![r"(a)\1".into()]), "ad_hoc_recognizers[1].patterns[0]"),
        (with(|new| new.patterns = vec![r"(?=a)".into()]), "ad_hoc_recognizers[1].patterns[0]"),
        (
            with(|new| new.patterns = vec![r"(\w{1000}){1000}".into()]),
            "ad_hoc_recognizers[1].patterns[0]",
        ),
        (with(|new| new.patterns = vec!["x".repeat(1_025)]), "ad_hoc_recognizers[1].patterns[0]"),
        (with(|new| new.score = -0.1), "ad_hoc_recognizers[1].score"),
        (with(|new| new.context = vec![String::new()]), "ad_hoc_recognizers[1].context[0]"),
    ] {
        let wrong = Wishes::new(&engine, &asked).err().expect(field);
        assert_eq!(wrong.field, field, "{wrong}");
    }
}

#[test]
fn what_patterns_may_cost_is_bounded() {
    let engine = Engine::standard().unwrap();
    let heavy = NewRecognizer { patterns: vec![r"(?:\w\s?){12}x".to_owned(); 8], ..tickets() };
    let asked = Asked { recognizers: vec![heavy], ..Asked::default() };
    let wishes = Wishes::new(&engine, &asked).unwrap();
    assert!(wishes.affords(&"a ".repeat(1_000)).is_ok());
    let large = "a ".repeat(512 * 1024);
    assert_eq!(wishes.affords(&large).unwrap_err().field, "ad_hoc_recognizers");
    let many = NewRecognizer { patterns: vec![r"(?:\w\s?){99}".to_owned(); 20], ..tickets() };
    let asked = Asked { recognizers: vec![many], ..Asked::default() };
    let wrong = Wishes::new(&engine, &asked).err().unwrap();
    assert!(wrong.why.contains("too large"), "{wrong}");
    // What is afforded is done in time, also where a backtracking engine would never end.
    let evil = NewRecognizer { patterns: vec!["(a+)+$".to_owned()], ..tickets() };
    let asked = Asked { recognizers: vec![evil], types: vec!["TICKET".into()], ..Asked::default() };
    let wishes = Wishes::new(&engine, &asked).unwrap();
    let text = "a".repeat(20_000) + "!";
    let since = Instant::now();
    assert!(wishes.affords(&text).is_ok() && wishes.detect(&engine, &text, &|_| None).is_empty());
    assert!(since.elapsed() < Duration::from_secs(60));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn findings_are_spans_in_order(text in "\\PC{0,60}", pattern in "[a-z.*+?|()\\[\\]{}0-9\\\\]{1,12}", deny in "\\PC{1,4}") {
        let engine = Engine::standard().unwrap();
        let new = NewRecognizer { patterns: vec![pattern], score: 0.9, ..tickets() };
        let asked = Asked { recognizers: vec![new], deny_list: vec![denied(&deny, "X")], ..Asked::default() };
        if let Ok(wishes) = Wishes::new(&engine, &asked) {
            let mut end = 0;
            for finding in wishes.detect_all(&engine, &text, &|_| None).unwrap() {
                prop_assert!(finding.range.start >= end && !finding.range.is_empty());
                prop_assert!(text.get(finding.range.clone()).is_some());
                end = finding.range.end;
            }
        }
    }
}
