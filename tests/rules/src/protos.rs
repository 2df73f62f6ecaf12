//! Protos are documents: what a client knows of an RPC or a message is what
//! its comment says. Style and compatibility are buf's (`tests/lint.sh`).

use crate::{hold, tree};

#[test]
fn services_rpcs_and_messages_are_documented() {
    let files = tree::files(&["proto/signet"], &[".proto"]);
    assert!(files.len() >= 6, "the protos were not found");
    let mut broken = Vec::new();
    for file in files {
        let text = tree::read(&file);
        let mut before = "";
        for (number, line) in text.lines().enumerate() {
            let words: Vec<_> = line.split_whitespace().collect();
            let documents = match words.first() {
                Some(&("service" | "rpc" | "enum")) => true,
                // A request or response is documented by its RPC.
                Some(&"message") => words
                    .get(1)
                    .is_some_and(|name| !name.ends_with("Request") && !name.ends_with("Response")),
                _ => false,
            };
            if documents && !before.trim_start().starts_with("//") {
                broken.push(format!("{}:{}: {}", tree::shown(&file), number + 1, line.trim()));
            }
            before = line;
        }
    }
    hold("Services, RPCs, enums and messages have a comment.", &broken);
}
