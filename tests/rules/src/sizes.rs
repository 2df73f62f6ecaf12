//! How large things get. Clippy holds functions to 60 lines and arguments to
//! six (`clippy.toml`); what it does not count is counted here.

use crate::{hold, source, tree};

const FILE: usize = 400;
const TEST_FILE: usize = 600;
/// Holds what prost and tonic generate.
const GENERATED: &str = "libs/proto/src/lib.rs";
/// Lines of code in a `main.rs` of a service.
const MAIN: usize = 15;
/// Lines of a crate's `src`, its inline test modules left out. 3,000 is the
/// aim, this the bound.
const CRATE: usize = 4_000;
/// Crates above the bound: how much each may have, and why.
const LARGER: &[(&str, usize, &str)] = &[
    (
        "libs/pii",
        6_500,
        "one recognizer is of use only with the others: names weigh against places, streets and \
         words, and chat requests and restoring share its placeholders",
    ),
    (
        "libs/crypto",
        6_000,
        "nothing of it is of use alone, and what must not be reachable from outside (raw keys, \
         primitives without their checks) is private to it",
    ),
    (
        "services/envelope",
        10_000,
        "private halves, what they open and the record of it are one boundary of security: parts \
         of it in two services would have to trust each other with keys",
    ),
    (
        "libs/keys",
        6_000,
        "three providers of one trait, which share the form of wrapped keys, the breaker and the \
         tests; AWS is compiled only with its feature",
    ),
    (
        "libs/client",
        6_000,
        "a file for each group of subcommands, and each is of use only to the one binary",
    ),
];

fn lines(path: &std::path::Path) -> usize {
    tree::read(path).lines().count()
}

#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for file in tree::rust() {
        let shown = tree::shown(&file);
        let in_tests = shown.starts_with("tests/") || shown.contains("/tests/");
        let most = if in_tests { TEST_FILE } else { FILE };
        if lines(&file) > most {
            broken.push(format!("{shown}: {} lines, at most {most}", lines(&file)));
        }
    }
    for file in tree::files(&["tests", "libs", "deploy"], &[".py", ".sh"]) {
        if lines(&file) > TEST_FILE {
            broken.push(format!("{}: {} lines", tree::shown(&file), lines(&file)));
        }
    }
    hold("A file that is too long holds two things: part them by name.", &broken);
}

#[test]
fn crates_are_small() {
    let mut broken = Vec::new();
    for (_, folder) in tree::libs().into_iter().chain(tree::services()) {
        let shown = tree::shown(&folder);
        let files = tree::files(&[&format!("{shown}/src")], &[".rs"]);
        let own = files.iter().filter(|file| tree::name(file) != "tests.rs");
        let size: usize =
            own.map(|file| source::without_tests(&tree::read(file)).lines().count()).sum();
        let most = LARGER.iter().find(|(name, ..)| *name == shown).map_or(CRATE, |larger| larger.1);
        if size > most {
            broken.push(format!("{shown}/src: {size} lines, at most {most}"));
        }
    }
    hold("A crate that is too large wants to be two, or gives its reason in LARGER.", &broken);
}

#[test]
fn mains_are_a_few_lines() {
    // Tests have a main.rs too, with a line for each of their modules.
    let mut mains = tree::files(&["services"], &["main.rs"]);
    mains.retain(|file| file.ends_with("src/main.rs"));
    assert!(mains.len() >= 2, "the services' main.rs were not found");
    let broken: Vec<_> = mains
        .iter()
        .filter(|file| file.parent().is_some_and(|folder| folder.ends_with("src")))
        .map(|file| (file, source::lines_of_code(&tree::read(file))))
        .filter(|(_, size)| *size > MAIN)
        .map(|(file, size)| format!("{}: {size} lines of code, at most {MAIN}", tree::shown(file)))
        .collect();
    hold("A service's main.rs only hands over to libs/boot.", &broken);
}

#[test]
fn clippy_counts_what_it_should() {
    let settings = tree::read(&tree::root().join("clippy.toml"));
    assert!(settings.contains("too-many-lines-threshold = 60"), "functions: at most 60 lines");
    assert!(settings.contains("too-many-arguments-threshold = 6"), "at most 6 arguments");
    let mut broken = Vec::new();
    for file in tree::rust().into_iter().filter(|file| tree::shown(file) != GENERATED) {
        let code = source::code_only(&tree::read(&file));
        for lint in ["clippy::too_many_lines", "clippy::too_many_arguments"] {
            if code.contains(lint) {
                broken.push(format!("{}: {lint}", tree::shown(&file)));
            }
        }
    }
    hold("No exception from the length of functions or the number of arguments.", &broken);
}
