//! Starting a server, waiting until it answers, and making sure that it ends.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Error, Result};

/// Stands between us and the server. It holds the reading end of a pipe whose
/// writing end only the test process has: when that process ends, in whatever
/// way, the pipe closes and the guard ends the server and removes its files. A
/// line on the pipe is an ordered stop: then the log stays, to be shown.
/// (`PR_SET_PDEATHSIG` would not do: it fires when the spawning *thread* ends,
/// and tests are threads.)
const GUARD: &str = r#"
exec 3<&0 </dev/null
signal=$1 directory=$2
shift 2
"$@" & server=$!
{ read -r _ <&3 || rm -f -- "$directory.log"; kill -"$signal" "$server"; } 2>/dev/null & guard=$!
wait "$server"
code=$?
kill "$guard" 2>/dev/null
rm -rf -- "$directory"
exit "$code"
"#;

/// How long a server may take to answer on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What to start. The server's standard output and error go to a log file in
/// its private directory.
pub struct Launch {
    name: &'static str,
    command: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    signal: &'static str,
    directory: TempDir,
}

impl Launch {
    pub fn new(name: &'static str, program: impl Into<OsString>) -> Result<Self> {
        Self::inside(name, program, private_directory(name, &std::env::temp_dir())?)
    }

    pub(crate) fn inside(
        name: &'static str,
        program: impl Into<OsString>,
        directory: TempDir,
    ) -> Result<Self> {
        Ok(Self {
            name,
            command: vec![program.into()],
            variables: Vec::new(),
            signal: "KILL",
            directory,
        })
    }

    /// Removed when the server ends.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The signal that ends the server; `KILL` unless it leaves things behind.
    #[must_use]
    pub fn stop_with(mut self, signal: &'static str) -> Self {
        self.signal = signal;
        self
    }

    /// Starts it and asks `ready` until that says yes.
    pub fn start(self, mut ready: impl FnMut() -> bool) -> Result<Server> {
        let mut server = self.spawn()?;
        let started = Instant::now();
        while !ready() {
            if let Ok(Some(status)) = server.guard.try_wait() {
                return Err(server.failure(&format!("ended at once ({status})")));
            }
            if started.elapsed() > READY_WITHIN {
                return Err(server.failure("did not answer within a minute"));
            }
            thread::sleep(ASK_EVERY);
        }
        Ok(server)
    }

    fn spawn(self) -> Result<Server> {
        // The log lies beside the directory, so that it can still be shown
        // after the guard has removed the server's files.
        let directory = self.directory.keep();
        let mut log = directory.clone().into_os_string();
        log.push(".log");
        let log = PathBuf::from(log);
        let io = |cause| Error::io(format!("start {}", self.name), &cause);
        let out = File::create(&log).map_err(io)?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "guard", self.signal])
            .arg(&directory)
            .args(&self.command)
            .envs(self.variables)
            .current_dir(&directory)
            // Ctrl-C is for the test process; the guard hears of it by the pipe.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out.try_clone().map_err(io)?)
            .stderr(out)
            .spawn()
            .map_err(io)?;
        Ok(Server { name: self.name, guard, directory, log })
    }
}

/// A running server; dropping it ends it and removes its directory.
pub struct Server {
    name: &'static str,
    guard: Child,
    directory: PathBuf,
    log: PathBuf,
}

impl Server {
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the server has printed so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Ends it now, as a crash of that server would look to its clients.
    pub fn stop(&mut self) {
        if let Some(mut pipe) = self.guard.stdin.take() {
            // A guard that is gone already needs no order.
            let _ordered = pipe.write_all(b"stop\n");
        }
        let _ended = self.guard.wait();
    }

    /// Sends a signal to the server itself: the guard's first child.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        let children = format!("/proc/{0}/task/{0}/children", self.guard.id());
        let children = fs::read_to_string(&children).map_err(|e| Error::io(children, &e))?;
        let server = children.split_whitespace().next().unwrap_or_default();
        let status = Command::new("kill").arg(format!("-{signal}")).arg(server).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(Error::new(format!("testkit: {} took no signal {signal}", self.name))),
        }
    }

    fn failure(&mut self, what: &str) -> Error {
        self.stop();
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(15)..].join("\n");
        Error::new(format!("testkit: {} {what}; the end of its log:\n{tail}", self.name))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _removed = fs::remove_file(&self.log);
    }
}

pub(crate) fn private_directory(name: &str, parent: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("signet-{name}-"))
        .tempdir_in(parent)
        .map_err(|cause| Error::io(format!("make a directory in {}", parent.display()), &cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_ends_with_its_value_and_leaves_nothing() {
        let launch = Launch::new("sleep", "/bin/sleep").unwrap().args(["1000"]);
        let server = launch.start(|| true).unwrap();
        let (directory, log) = (server.directory().to_owned(), server.log.clone());
        assert!(directory.exists());
        drop(server);
        assert!(!directory.exists() && !log.exists());
    }

    #[test]
    fn a_server_that_ends_at_once_shows_its_log() {
        let launch =
            Launch::new("sh", "/bin/sh").unwrap().args(["-c", "echo no such option; exit 3"]);
        let failure = launch.start(|| false).err().unwrap().to_string();
        assert!(failure.contains("ended at once"), "{failure}");
        assert!(failure.contains("no such option"), "{failure}");
    }
}
