//! Loading as a service does it: a file, variables, and all that can be wrong.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use config::{Duration, ListenAddr, Loaded, Problems, Size, Sources, Validate};
use kernel::Secret;
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    listen: ListenAddr,
    #[serde(default = "ten_seconds")]
    timeout: Duration,
    db: Db,
    #[serde(default)]
    limits: Limits,
    log: Log,
    otlp: Option<Otlp>,
    #[serde(default)]
    callers: Vec<Caller>,
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Db {
    url: Secret<String>,
    #[serde(default)]
    max_connections: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    body: Option<Size>,
    rate: f64,
    names: Vec<String>,
    on: bool,
}

#[derive(Debug, Deserialize)]
struct Log {
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Pretty,
}

#[derive(Debug, Deserialize)]
struct Otlp {
    endpoint: String,
}

#[derive(Debug, Deserialize)]
struct Caller {
    name: String,
    port: u16,
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        if self.timeout.get().is_zero() {
            problems.add("timeout", "must be more than 0s");
        }
        problems.section("limits", &self.limits);
    }
}

impl Validate for Limits {
    fn validate(&self, problems: &mut Problems) {
        if self.rate < 0.0 {
            problems.add("rate", "must not be negative");
        }
    }
}

const GOOD: &str = r#"
listen = "127.0.0.1:9000"
timeout = "15m"

[db]
url = "sqlite:///x.db"
max_connections = 4

[limits]
body = "8MiB"
rate = 2
names = ["a", "b"]

[[callers]]
name = "edge"
port = 1
"#;

struct Case {
    directory: TempDir,
    sources: Sources,
}

fn case(text: &str, env: &[(&str, &str)]) -> Case {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let sources = Sources { service: "audit".into(), file: Some(file), env: env.collect() };
    Case { directory, sources }
}

fn load(text: &str, env: &[(&str, &str)]) -> Result<Loaded<Settings>, Problems> {
    config::load(&case(text, env).sources)
}

/// Key → (what is expected, place), the directory cut off.
fn problems(text: &str, env: &[(&str, &str)]) -> BTreeMap<String, (String, String)> {
    let problems = load(text, env).map(|loaded| loaded.settings).unwrap_err();
    let place = |source: &str| source.rsplit('/').next().unwrap_or_default().to_owned();
    problems.iter().map(|p| (p.key.clone(), (p.expected.clone(), place(&p.source)))).collect()
}

#[test]
fn a_good_file_gives_its_values_and_the_defaults() {
    let settings = load(GOOD, &[]).unwrap().settings;
    assert_eq!(settings.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(settings.timeout, Duration::from_secs(900));
    assert_eq!(settings.db.url.expose(), "sqlite:///x.db");
    assert_eq!(settings.db.max_connections, 4);
    assert_eq!(settings.limits.body, Some(Size::from_bytes(8 << 20)));
    assert_eq!(settings.limits.names, ["a", "b"]);
    assert_eq!(settings.log.format, Format::Json, "an absent section is an empty one");
    assert_eq!((settings.callers[0].name.as_str(), settings.callers[0].port), ("edge", 1));
    assert!(settings.otlp.is_none() && !settings.limits.on);
}

#[test]
fn variables_go_over_the_file() {
    let settings = load(
        GOOD,
        &[
            ("SIGNET_AUDIT__DB__MAX_CONNECTIONS", "9"),
            ("SIGNET_AUDIT__LISTEN", "unix:/run/a.sock"),
            ("SIGNET_AUDIT__LIMITS__NAMES", "x, y,z"),
            ("SIGNET_AUDIT__LIMITS__ON", "true"),
            ("SIGNET_AUDIT__LIMITS__RATE", "0.5"),
            ("SIGNET_AUDIT__LOG__FORMAT", "pretty"),
            ("SIGNET_AUDIT__OTLP__ENDPOINT", "http://127.0.0.1:4317"),
            ("SIGNET_AUTH__NOT", "ours"),
            ("SIGNET_AUDITOR__NOT", "ours"),
            ("PATH", "/bin"),
        ],
    );
    let settings = settings.unwrap().settings;
    assert_eq!(settings.db.max_connections, 9);
    assert_eq!(settings.listen, ListenAddr::Unix("/run/a.sock".into()));
    assert_eq!(settings.limits.names, ["x", "y", "z"]);
    assert!(settings.limits.on);
    assert!((settings.limits.rate - 0.5).abs() < f64::EPSILON);
    assert_eq!(settings.log.format, Format::Pretty);
    assert_eq!(settings.otlp.unwrap().endpoint, "http://127.0.0.1:4317");
}

#[test]
fn a_file_is_not_needed() {
    let env = [("SIGNET_AUDIT__LISTEN", "[::1]:1"), ("SIGNET_AUDIT__DB__URL", "sqlite:///x.db")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sources = Sources { service: "audit".into(), file: None, env: env.into() };
    config::load::<Settings>(&sources).unwrap();
    let sources = Sources { env: BTreeMap::new(), ..sources };
    let problems = config::load::<Settings>(&sources).unwrap_err();
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["listen", "db.url"]);
}

#[test]
fn everything_wrong_is_said_at_once_with_its_place() {
    let text = r#"
listen = "nowhere"
timeout = 15
extra = 1
[db]
max_connections = -1
maxconnections = 3
[limits]
body = "8MB"
rate = "fast"
names = "a"
on = "yes"
[log]
format = "xml"
[[callers]]
port = "http"
"#;
    let env = [("SIGNET_AUDIT__DB__USER", "x"), ("SIGNET_AUDIT__LIMITS__ON", "maybe")];
    let found = problems(text, &env);
    let places: BTreeMap<_, _> =
        found.iter().map(|(key, (_, place))| (key.as_str(), place.as_str())).collect();
    let expected = [
        ("listen", "x.toml:2"),
        ("timeout", "x.toml:3"),
        ("extra", "x.toml:4"),
        ("db.url", "x.toml:5"),
        ("db.max_connections", "x.toml:6"),
        ("db.maxconnections", "x.toml:7"),
        ("db.user", "SIGNET_AUDIT__DB__USER"),
        ("limits.body", "x.toml:9"),
        ("limits.rate", "x.toml:10"),
        ("limits.names", "x.toml:11"),
        ("limits.on", "SIGNET_AUDIT__LIMITS__ON"),
        ("log.format", "x.toml:14"),
        ("callers.0.name", "x.toml:15"),
        ("callers.0.port", "x.toml:16"),
    ];
    assert_eq!(places, BTreeMap::from(expected));
    assert!(found["timeout"].0.contains("not a number"), "{:?}", found["timeout"]);
    assert!(found["log.format"].0.contains("json, pretty"));
    assert!(found["db.maxconnections"].0.contains("url, max_connections"));
    assert_eq!(found["db.url"].0, "is required");
}

#[test]
fn rules_between_values_name_their_keys() {
    let found = problems(&GOOD.replace("15m", "0s").replace("rate = 2", "rate = -2"), &[]);
    assert_eq!(found["timeout"], ("must be more than 0s".into(), "x.toml:3".into()));
    assert_eq!(found["limits.rate"].1, "x.toml:11");
    assert_eq!(found.len(), 2);
}

#[test]
fn no_value_is_ever_repeated() {
    let marker = "marker4711";
    for text in [
        format!("listen = \"{marker}\"\n[db]\nurl = [\"{marker}\"]"),
        format!("listen = {marker}"),
        format!("db = \"{marker}\"\nlisten = \"{marker}\"\n[log]\nformat = \"{marker}\""),
        format!("[db]\nmax_connections = \"{marker}\"\nurl = \"{marker}"),
    ] {
        let env = [
            ("SIGNET_AUDIT__TIMEOUT", marker),
            ("SIGNET_AUDIT__LIMITS__RATE", marker),
            ("SIGNET_AUDIT__LISTEN__X", marker),
        ];
        let problems = load(&text, &env).map(|_| ()).unwrap_err();
        assert!(!problems.to_string().contains(marker), "{problems}");
        assert!(!format!("{problems:?}").contains(marker));
    }
}

#[test]
fn a_broken_or_absent_file_says_so() {
    let found = problems("listen = \"127.0.0.1:1\"\n[db\n", &[]);
    assert!(found[""].0.starts_with("not valid TOML"));
    assert_eq!(found[""].1, "x.toml:2");
    let mut case = case("", &[]);
    case.sources.file = Some(case.directory.path().join("absent.toml"));
    let problems = config::load::<Settings>(&case.sources).unwrap_err();
    assert!(problems.to_string().contains("cannot be read"));
}

#[test]
fn a_variable_cannot_replace_a_section() {
    let found = problems(GOOD, &[("SIGNET_AUDIT__DB", "x"), ("SIGNET_AUDIT__LISTEN__PORT", "1")]);
    assert_eq!(found["db"].1, "SIGNET_AUDIT__DB");
    assert_eq!(found["listen.port"].1, "SIGNET_AUDIT__LISTEN__PORT");
}

fn with_secret(mode: u32) -> Case {
    let case = case("", &[]);
    let secret = case.directory.path().join("secret");
    fs::write(&secret, "postgres://u:p@h/x\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
    let text = format!("listen = \"127.0.0.1:1\"\n[db]\nurl_file = \"{}\"", secret.display());
    fs::write(case.sources.file.as_ref().unwrap(), text).unwrap();
    case
}

#[test]
fn a_secret_may_be_in_a_file() {
    let loaded = config::load::<Settings>(&with_secret(0o600).sources).unwrap();
    assert_eq!(loaded.settings.db.url.expose(), "postgres://u:p@h/x");
    assert!(loaded.warnings.is_empty());
    let loaded = config::load::<Settings>(&with_secret(0o644).sources).unwrap();
    assert!(loaded.warnings[0].contains("db.url_file"), "{:?}", loaded.warnings);
}

#[test]
fn a_secret_file_must_exist_and_be_the_only_source() {
    let found = problems(GOOD, &[("SIGNET_AUDIT__DB__URL_FILE", "/absent")]);
    assert!(found["db.url_file"].0.contains("not both"));
    let text = "listen = \"127.0.0.1:1\"\n[db]\nurl_file = \"/absent/secret\"";
    let found = problems(text, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found["db.url_file"].0.contains("cannot be read"));
    assert_eq!(found["db.url_file"].1, "x.toml:3");
}

const SAMPLE: &str = r#"
# Where the service listens.
listen = "127.0.0.1:9000"
# How long a call may take.
timeout = "10s"
[db]
url_file = "/run/secrets/db"
max_connections = 8
[limits]
#body = "8MiB"
rate = 1.0
names = []
on = false
[log]
format = "json"
#[otlp]
#endpoint = "http://127.0.0.1:4317"
[[callers]]
name = "edge"
port = 1
"#;

fn check(text: &str) -> Result<(), Problems> {
    let case = case(text, &[]);
    config::check_sample::<Settings>(Path::new(case.sources.file.as_ref().unwrap()))
}

#[test]
fn a_sample_shows_every_key_and_nothing_else() {
    check(SAMPLE).unwrap();
    for (line, key) in [
        ("timeout = \"10s\"\n", "timeout"),
        ("#body = \"8MiB\"\n", "limits.body"),
        ("#endpoint = \"http://127.0.0.1:4317\"\n", "otlp.endpoint"),
        ("url_file = \"/run/secrets/db\"\n", "db.url"),
    ] {
        let problems = check(&SAMPLE.replace(line, "")).unwrap_err();
        assert!(problems.iter().any(|problem| problem.key == key), "{key}: {problems}");
    }
    assert!(check(&SAMPLE.replace("#body", "#bdoy")).is_err(), "commented keys are checked too");
    assert!(check(&SAMPLE.replace("rate = 1.0", "rate = -1.0")).is_err(), "rules hold");
    assert!(check(&SAMPLE.replace("10s", "10")).is_err(), "types hold");
}

mod any_text {
    use proptest::prelude::*;

    use super::load;

    proptest! {
        #[test]
        fn is_refused_or_read_without_a_panic(text in "\\PC{0,200}", value in "\\PC{0,40}") {
            let file = format!("listen = \"127.0.0.1:1\"\n[db]\nurl = \"x\"\n{text}");
            let _ = load(&file, &[("SIGNET_AUDIT__LIMITS__NAMES", &value)]);
        }
    }
}
