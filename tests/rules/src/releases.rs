//! Audit before release: nothing that the envelope service opens leaves around the
//! recorder. Only `Recorder` can take a secret out of a `Withheld`; this holds that
//! whatever opens something puts it into one.

use crate::{hold, source, tree};

/// Calls that make a secret of something wrapped or sealed, or make a new one.
const OPENS: [&str; 5] =
    [".release_renewed(", "kms.generate(", "kms.unwrap(", "cache.unwrap(", "key.open("];
/// Opens the service's own private halves, which never leave; tests/it/memory and the
/// types of `crypto` see to that.
const CUSTODY: &str = "application/keys/custody.rs";

fn opens(text: &str) -> bool {
    OPENS.iter().any(|call| text.contains(call))
}

/// What is wrong with a file of the service.
fn breach(path: &str, text: &str) -> Option<String> {
    let text = source::without_tests(text);
    if path.ends_with(CUSTODY) || !opens(text) {
        return None;
    }
    if !path.contains("/application/") {
        return Some(format!("{path}: only use cases open anything"));
    }
    let withheld = text.contains("Withheld::new");
    (!withheld).then(|| format!("{path}: what it opens is not put into a Withheld"))
}

#[test]
fn what_is_opened_is_withheld() {
    let files = tree::files(&["services/envelope/src"], &[".rs"]);
    let broken: Vec<_> = files
        .iter()
        .filter_map(|file| breach(&file.to_string_lossy(), &tree::read(file)))
        .collect();
    hold("A secret leaves by way of Recorder::release, after its record is durable.", &broken);
}

#[test]
fn the_rule_of_releases_bites() {
    let opens = "let opened = self.kms.unwrap(tenant, &keys).await;";
    assert!(breach("services/envelope/src/application/x.rs", opens).is_some());
    assert!(breach("services/envelope/src/presentation/x.rs", opens).is_some());
    let withheld = format!("{opens} Withheld::new(opened)");
    assert!(breach("services/envelope/src/application/x.rs", &withheld).is_none());
    assert!(breach("services/envelope/src/presentation/x.rs", &withheld).is_some());
    assert!(breach("services/envelope/src/application/x.rs", "nothing").is_none());
}
