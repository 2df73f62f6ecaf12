//! Code, logs, versions and prices hold no identifiers: nothing is found where nobody is meant.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::Path;

use pii::{Engine, Options};

/// Numbers of every length and grouping that patterns of identifiers have, meaning nothing.
const NOISE: &[&str] = &[
    "2024-03-17T14:30:00.123Z INFO rpc{id=48201937 peer=7}: took 123456789 ns, 9876543210 bytes",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b, tree 89e6c98d92887913cadf06b2adb97f26cde4849b",
    "version 12.345.678, build 20240317, release 4.18.0-553.el8_10.x86_64, libc 2.35-0ubuntu3.8",
    "prices: 1,234,567.89 EUR, $12,999.00, 49.99, 1.299,00, 100-200, 3 x 12, -17 %",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 matched",
    "order 123456789, invoice 98765432101, ticket 1234567890, row 4294967295, pid 31337",
    "sizes 1024x768 1920x1080, 0xdeadbeef, 0b1010, 1e-9, 6.02214076e23, 3.14159265358979",
    "let x: [u32; 12] = [123456789, 987654321, 111222333, 555666777]; // 000-000",
    "MAX_VALUE = 18446744073709551615, i64::MIN = -9223372036854775808, 2147483647",
    "AB12CD34, XY-9876-ZZ, PART-NO 12345678A, SKU 7701234567891, ISBN 978-3-16-148410-0",
    "pub fn password(user: &str) -> Option<Password> { self.passwords.get(user).cloned() }",
    "token = tokenizer.next_token(); secret = os.environ['SECRET']; api_key: str = None",
    "def login(username: str, password: str) -> bool: return check(username, password)",
    "[ 1234.567890] usb 1-1: new high-speed USB device number 2 using xhci_hcd",
    "GET /api/v1/items/1234567890?page=12&size=50 HTTP/1.1 200 4521 0.034",
    "chr7:140453136-140453137, rs113488022, ENST00000288602, NM_004333.6",
    "table 3.2.1-4, section 12.3.4, figure 7-11, lines 100-250, pages 12-345",
    "1 234 567 890 people, 12 345 678 901 grains, 123 456 789 stars",
    "e3b0c442-98fc-1c14-9afb-f4c8996fb924 was written in 1234567 ms",
];

/// What numbers alone never are. Names, places, dates and addresses have tests of their own.
fn is_identifier(engine: &Engine, entity: &pii::EntityType) -> bool {
    const OTHERS: &[&str] = &["name", "location", "date", "contact", "online", "organization"];
    let category = engine.types().iter().find(|known| known.name == *entity);
    !category.is_some_and(|known| OTHERS.contains(&known.category.as_str()))
}

#[test]
fn noise_holds_no_identifiers() {
    let engine = Engine::standard().unwrap();
    let mut found = Vec::new();
    for text in NOISE {
        for finding in engine.detect(text, &Options::default()) {
            if is_identifier(&engine, &finding.entity) {
                let piece = &text[finding.range.clone()];
                found.push(format!("{} by {}: {piece}", finding.entity, finding.recognizer));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Our own sources: code in which numbers, tokens and passwords are spoken of all the time.
#[test]
fn source_code_holds_next_to_no_identifiers() {
    /// Findings for each hundred kilobytes. What there is are made-up passwords of tests.
    const ALLOWED: f64 = 2.0;
    let engine = Engine::standard().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut bytes, mut found) = (0, Vec::new());
    for folder in
        ["libs/rpc/src", "libs/db/src", "libs/tlog/src", "libs/boot/src", "libs/config/src"]
    {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            bytes += text.len();
            for finding in engine.detect(&text, &Options::default()) {
                if is_identifier(&engine, &finding.entity) {
                    let piece = &text[finding.range.clone()];
                    found.push(format!("{} by {}: {piece}", finding.entity, finding.recognizer));
                }
            }
        }
    }
    let rate = found.len() as f64 / (bytes as f64 / 100_000.0);
    assert!(bytes > 100_000 && rate <= ALLOWED, "{rate:.2}:\n{}", found.join("\n"));
}
