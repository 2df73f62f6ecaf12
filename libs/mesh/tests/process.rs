//! Supervision of a real Envoy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{options, plan};
use mesh::{EnvoyProcess, Plan, Templates, find_envoy};

const SOON: Duration = Duration::from_secs(30);

fn start(plan: &Plan) -> EnvoyProcess {
    let bootstrap = plan.write_whole(&Templates::default(), &plan.sockets).unwrap();
    EnvoyProcess::start(options(plan, bootstrap), SOON).unwrap()
}

/// Envoys whose command line names a directory.
fn envoys_of(directory: &Path) -> Vec<i32> {
    let needle = directory.display().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let program = line.split('\0').next().unwrap_or_default();
            program.ends_with("/envoy") && line.contains(&needle)
        })
        .collect()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_comes_back_after_a_crash_and_ends_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path(), None);
    let mut envoy = start(&plan);
    let before = envoys_of(directory.path());
    assert_eq!(before.len(), 1);
    let killed = Command::new("kill").args(["-KILL", &before[0].to_string()]).status().unwrap();
    assert!(killed.success());
    eventually("it comes back", || envoy.starts() == 2 && envoy.is_ready());
    assert_ne!(envoys_of(directory.path()), before);
    envoy.stop();
    assert!(envoys_of(directory.path()).is_empty());
    assert!(!envoy.is_ready());

    // The next start is not held up by what the last one left behind.
    let again = start(&plan);
    assert!(again.is_ready());
    again.drain().unwrap();
    drop(again);
    assert!(envoys_of(directory.path()).is_empty());
}

#[test]
fn a_wrong_configuration_is_an_error_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path(), None);
    fs::remove_file(plan.certificates.join("audit.key")).unwrap();
    let bootstrap = plan.write_whole(&Templates::default(), directory.path()).unwrap();
    let failure = EnvoyProcess::start(options(&plan, bootstrap), SOON).err().unwrap().to_string();
    assert!(failure.contains("audit.key"), "{failure}");
    assert!(envoys_of(directory.path()).is_empty());
}

#[test]
fn the_program_is_found_or_said_to_be_missing() {
    assert!(find_envoy(None).unwrap().ends_with("envoy"));
    let missing = find_envoy(Some(Path::new("/nowhere/envoy"))).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/envoy"), "{missing}");
}

/// Runs itself as another process, which is killed while its Envoy runs.
#[test]
fn it_does_not_outlive_a_process_that_is_killed() {
    const VARIABLE: &str = "SIGNET_MESH_TEST_DIRECTORY";
    const NAME: &str = "it_does_not_outlive_a_process_that_is_killed";
    if let Some(directory) = std::env::var_os(VARIABLE) {
        let plan = plan(Path::new(&directory), None);
        let _envoy = start(&plan);
        fs::write(plan.sockets.join("up"), "").unwrap();
        std::thread::sleep(SOON * 10);
        panic!("should have been killed");
    }
    let directory = tempfile::tempdir().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(VARIABLE, directory.path())
        .spawn()
        .unwrap();
    eventually("it starts", || directory.path().join("up").exists());
    assert_eq!(envoys_of(directory.path()).len(), 1);
    other.kill().unwrap();
    other.wait().unwrap();
    eventually("Envoy ends", || envoys_of(directory.path()).is_empty());
}
