//! Runs Envoy beside us: starts it, waits until it is ready, passes its log on,
//! starts it again when it crashes, and ends it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, Result, admin};

/// Envoy must not outlive us, or the next start would share its ports with a
/// stranger. The shell holds the reading end of a pipe that only we can write;
/// when we are gone, even by `kill -9`, the pipe closes and it ends Envoy.
/// (The kernel's parent-death signal follows the thread that forked, not us.)
const GUARD: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- & envoy=$!
trap 'kill -TERM "$envoy" 2>/dev/null' TERM
{ read -r _ <&3; kill -TERM "$envoy"; sleep 5; kill -KILL "$envoy"; } 2>/dev/null & guard=$!
wait "$envoy"; code=$?
while kill -0 "$envoy" 2>/dev/null; do wait "$envoy"; code=$?; done
kill "$guard" 2>/dev/null
exit "$code"
"#;

const ASK_EVERY: Duration = Duration::from_millis(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After running this long a crash counts as the first again.
const STABLE_AFTER: Duration = Duration::from_secs(60);
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// How to run it.
#[derive(Debug, Clone)]
pub struct EnvoyOptions {
    pub program: PathBuf,
    pub bootstrap: PathBuf,
    /// The admin socket that the bootstrap names.
    pub admin: PathBuf,
    /// Worker threads.
    pub concurrency: u16,
    /// Gets the access log; the file of the run before is kept as `.1`.
    pub access_log: PathBuf,
}

/// Finds the program: the one given, the project's `.venv` (above this
/// directory or our own program), or `PATH`.
pub fn find_envoy(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        let missing = || Error::NoEnvoy { searched: path.display().to_string() };
        return path.is_file().then(|| path.to_owned()).ok_or_else(missing);
    }
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let above = starts.iter().flatten().flat_map(|start| start.ancestors());
    let packaged = above
        .filter_map(|directory| directory.join(".venv/lib").read_dir().ok())
        .flat_map(|pythons| pythons.flatten())
        .map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|directory| directory.join("envoy"));
    packaged.chain(installed.collect::<Vec<_>>()).find(|file| file.is_file()).ok_or_else(|| {
        Error::NoEnvoy { searched: ".venv/lib/python*/site-packages/envoy/_bin or PATH".into() }
    })
}

/// A running Envoy. Dropping it ends it.
pub struct EnvoyProcess {
    admin: PathBuf,
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: Option<Pid>,
    starts: u32,
    stopping: bool,
    ended: bool,
    /// The last lines that Envoy said, for the error of a failed start.
    said: Vec<String>,
}

impl EnvoyProcess {
    /// Starts it and waits until its listeners are up. An Envoy that ends
    /// before that is an error with what it said: the configuration is wrong.
    pub fn start(options: EnvoyOptions, ready_within: Duration) -> Result<Self> {
        // An old socket would answer for the new process, or block it.
        let _stale = fs::remove_file(&options.admin);
        rotate(&options.access_log)?;
        let shared = Arc::new(Shared::default());
        let child = spawn(&options, &shared)?;
        let admin = options.admin.clone();
        let supervisor = thread::Builder::new()
            .name("envoy".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || supervise(&options, &shared, child)
            })
            .map_err(|cause| Error::NotStarted(cause.to_string()))?;
        let mut process = Self { admin, shared, supervisor: Some(supervisor) };
        process.wait_ready(ready_within)?;
        Ok(process)
    }

    /// Whether its listeners are up now.
    pub fn is_ready(&self) -> bool {
        admin::is_ready(&self.admin)
    }

    /// How often it has been started, crashes included.
    pub fn starts(&self) -> u32 {
        self.shared.lock().starts
    }

    /// Stops taking new connections; calls in flight go on.
    pub fn drain(&self) -> Result<()> {
        admin::drain(&self.admin).map_err(Error::file(&self.admin))
    }

    /// Ends it and waits until it is gone.
    pub fn stop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            if let Some(pid) = state.running {
                // Gone already is as good.
                let _sent = kill_process(pid, Signal::TERM);
            }
            self.shared.changed.notify_all();
        }
        if let Some(supervisor) = self.supervisor.take() {
            let _ended = supervisor.join();
        }
    }

    fn wait_ready(&mut self, within: Duration) -> Result<()> {
        let started = Instant::now();
        while !self.is_ready() {
            let state = self.shared.lock();
            let failed = state.ended || state.starts > 1 || started.elapsed() > within;
            if failed {
                let said = state.said.join("\n");
                drop(state);
                self.stop();
                return Err(Error::NotStarted(said));
            }
            drop(state);
            thread::sleep(ASK_EVERY);
        }
        Ok(())
    }
}

impl Drop for EnvoyProcess {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for each Envoy to end and starts the next, until told to stop.
fn supervise(options: &EnvoyOptions, shared: &Arc<Shared>, first: Guarded) {
    let mut child = first;
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        let status = child.wait(shared);
        let mut state = shared.lock();
        state.running = None;
        if state.stopping {
            state.ended = true;
            return;
        }
        if started.elapsed() > STABLE_AFTER {
            pause = FIRST_PAUSE;
        }
        tracing::error!(?status, ?pause, "Envoy ended; starting it again");
        let (state, _) = shared
            .changed
            .wait_timeout_while(state, pause, |state| !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopping {
            return;
        }
        drop(state);
        pause = (pause * 2).min(LONGEST_PAUSE);
        match spawn(options, shared) {
            Ok(next) => child = next,
            Err(error) => {
                tracing::error!(%error, "Envoy cannot be started");
                shared.lock().ended = true;
                return;
            }
        }
    }
}

/// The shell that guards Envoy, and the thread that reads Envoy's log.
struct Guarded {
    guard: Child,
    log: JoinHandle<()>,
}

impl Guarded {
    fn wait(mut self, shared: &Shared) -> Option<ExitStatus> {
        let mut asked: Option<Instant> = None;
        loop {
            match self.guard.try_wait() {
                Ok(Some(status)) => {
                    let _read = self.log.join();
                    return Some(status);
                }
                Ok(None) => {}
                Err(_) => return None,
            }
            let state = shared.lock();
            if state.stopping && asked.get_or_insert_with(Instant::now).elapsed() > ENDS_WITHIN {
                drop(state);
                // It hangs; the guard's end of the pipe is of no use then.
                let _killed =
                    rustix::process::kill_process_group(pid_of(&self.guard)?, Signal::KILL);
                let _reaped = self.guard.wait();
                return None;
            }
            let pause = if state.stopping { ASK_EVERY } else { FIRST_PAUSE };
            let _state = shared.changed.wait_timeout(state, pause);
        }
    }
}

fn spawn(options: &EnvoyOptions, shared: &Arc<Shared>) -> Result<Guarded> {
    let access = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&options.access_log)
        .map_err(Error::file(&options.access_log))?;
    let mut guard =
        command(options, access).spawn().map_err(|cause| Error::NotStarted(cause.to_string()))?;
    let stderr = guard.stderr.take();
    let log = thread::Builder::new()
        .name("envoy-log".into())
        .spawn({
            let shared = Arc::clone(shared);
            move || forward(stderr, &shared)
        })
        .map_err(|cause| Error::NotStarted(cause.to_string()))?;
    let mut state = shared.lock();
    state.running = pid_of(&guard);
    state.starts += 1;
    Ok(Guarded { guard, log })
}

fn command(options: &EnvoyOptions, access: File) -> Command {
    let mut arguments: Vec<OsString> = vec![options.program.clone().into()];
    // Hot restart shares memory by a global name and couples process lifetimes.
    arguments.extend(["--disable-hot-restart", "--log-level", "warning"].map(Into::into));
    arguments.extend(["--log-format", "%l %n: %v", "--log-format-escaped"].map(Into::into));
    arguments.extend(["--concurrency".into(), options.concurrency.to_string().into()]);
    arguments.extend(["-c".into(), options.bootstrap.clone().into()]);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", GUARD, "envoy-guard"])
        .args(arguments)
        // Ctrl-C is for us: calls in flight still need Envoy.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(access)
        .stderr(Stdio::piped());
    command
}

/// Passes Envoy's log on, line by line, as long as there is one.
fn forward(stderr: Option<ChildStderr>, shared: &Shared) {
    let Some(stderr) = stderr else { return };
    for line in BufReader::new(stderr).lines().map_while(std::io::Result::ok) {
        match line.split_once(' ') {
            Some(("error" | "critical", said)) => tracing::error!(target: "envoy", "{said}"),
            Some(("warning", said)) => tracing::warn!(target: "envoy", "{said}"),
            _ => tracing::info!(target: "envoy", "{line}"),
        }
        let mut state = shared.lock();
        if state.said.len() == 20 {
            state.said.remove(0);
        }
        state.said.push(line);
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn rotate(log: &Path) -> Result<()> {
    if !log.exists() {
        return Ok(());
    }
    let mut old = log.as_os_str().to_owned();
    old.push(".1");
    fs::rename(log, old).map_err(Error::file(log))
}
