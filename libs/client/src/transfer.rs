//! Where a long work reads from and writes to: files or the standard streams. A file appears
//! under its name when it is whole, or never.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use console::problem::{Problem, Result};

/// What is read at once.
pub const PIECE: usize = 256 * 1024;

/// A file or standard input, whose beginning can be looked at before it is read.
pub struct Input {
    path: PathBuf,
    beginning: Zeroizing<Vec<u8>>,
    /// How much of the beginning has been read.
    read: usize,
    rest: Rest,
}

enum Rest {
    File(File, u64),
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// `-` is standard input.
    pub fn open(path: &Path) -> Result<Self> {
        let about = |error| Problem::file(path, error);
        let rest = if path == Path::new("-") {
            Rest::Stream(Box::new(io::stdin()))
        } else {
            let file = File::open(path).map_err(about)?;
            let about_file = file.metadata().map_err(about)?;
            if about_file.is_file() {
                Rest::File(file, about_file.len())
            } else {
                Rest::Stream(Box::new(file))
            }
        };
        Ok(Self { path: path.to_owned(), beginning: Zeroizing::new(Vec::new()), read: 0, rest })
    }

    /// The length, where it is known before reading.
    pub fn length(&self) -> Option<u64> {
        match &self.rest {
            Rest::File(_, length) => Some(*length),
            Rest::Stream(_) => None,
        }
    }

    /// The first bytes, as many of `count` as there are.
    pub fn peek(&mut self, count: usize) -> Result<&[u8]> {
        let missing = count.saturating_sub(self.beginning.len());
        // Room for all of it first: growing would leave copies behind.
        self.beginning.reserve_exact(missing);
        let source: &mut dyn Read = match &mut self.rest {
            Rest::File(file, _) => file,
            Rest::Stream(stream) => stream,
        };
        let fetched = source.take(missing as u64).read_to_end(&mut self.beginning);
        fetched.map_err(|error| Problem::file(&self.path, error))?;
        Ok(&self.beginning[..self.beginning.len().min(count)])
    }

    /// Everything, for what is known to be small.
    pub fn whole(mut self) -> Result<Zeroizing<Vec<u8>>> {
        let length = self.length().and_then(|length| usize::try_from(length).ok());
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.unwrap_or_default()));
        self.read_to_end(&mut bytes).map_err(|error| Problem::file(&self.path, error))?;
        Ok(bytes)
    }

    /// The file itself, if it is one that can be read from anywhere.
    pub fn into_file(self) -> std::result::Result<File, Self> {
        match self.rest {
            Rest::File(file, _) => Ok(file),
            Rest::Stream(_) => Err(self),
        }
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut known = self.beginning.get(self.read..).unwrap_or_default();
        if !known.is_empty() {
            let count = known.read(out)?;
            self.read += count;
            return Ok(count);
        }
        match &mut self.rest {
            Rest::File(file, _) => file.read(out),
            Rest::Stream(stream) => stream.read(out),
        }
    }
}

/// A file in the making, or standard output.
pub struct Target {
    path: PathBuf,
    /// None: standard output.
    temporary: Option<PathBuf>,
    out: Box<dyn Write + Send>,
}

impl Target {
    /// `-` is standard output. A file is made beside its final place, for nobody else to read.
    pub fn create(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let out = Box::new(io::stdout());
            return Ok(Self { path: path.to_owned(), temporary: None, out });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&temporary);
        let file = file.map_err(|error| Problem::file(&temporary, error))?;
        Ok(Self { path: path.to_owned(), temporary: Some(temporary), out: Box::new(Synced(file)) })
    }

    pub fn is_standard_output(&self) -> bool {
        self.temporary.is_none()
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| Problem::file(&self.path, error))
    }

    /// All is written: the file gets its name.
    pub fn finish(mut self) -> Result<()> {
        let about = |error| Problem::file(&self.path, error);
        self.out.flush().map_err(about)?;
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path).map_err(about)?;
        }
        self.temporary = None;
        Ok(())
    }

    /// What to remove if the work never ends.
    fn left_behind(&self) -> Option<PathBuf> {
        self.temporary.clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing better can be done about a folder that has become read-only.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A file whose flush means that it is on the disk.
struct Synced(File);

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Set when the user wants no more.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(interrupted()) } else { Ok(()) }
    }
}

fn interrupted() -> Problem {
    Problem::new("Interrupted: no file was written.")
}

/// Runs work on a thread of its own, until it is done or somebody interrupts it. Nothing stays
/// behind either way, not even where the work waits for input that never comes.
pub async fn run<F>(target: Target, work: F) -> Result<()>
where
    F: FnOnce(Target, &Stop) -> Result<()> + Send + 'static,
{
    /// For a work that is not waiting for anything.
    const GRACE: Duration = Duration::from_secs(1);
    let (stop, left_behind) = (Stop::default(), target.left_behind());
    let (tell, mut told) = tokio::sync::oneshot::channel();
    let theirs = stop.clone();
    // Not `spawn_blocking`: a runtime waits for that at its end.
    std::thread::spawn(move || {
        // The receiver is gone only after an interrupt.
        let _ = tell.send(work(target, &theirs));
    });
    tokio::select! {
        done = &mut told => return done.unwrap_or_else(|_| Err(Problem::new("The work broke off."))),
        told = interrupt() => told?,
    }
    stop.0.store(true, Ordering::Relaxed);
    let outcome = tokio::time::timeout(GRACE, told).await;
    if let Some(temporary) = left_behind {
        let _ = fs::remove_file(temporary);
    }
    match outcome {
        Ok(Ok(done)) => done,
        _ => Err(interrupted()),
    }
}

/// The same for work that is done with calls to the mesh.
pub async fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        told = interrupt() => Err(told.err().unwrap_or_else(interrupted)),
    }
}

/// Returns when the user, or the system, wants no more.
async fn interrupt() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Problem::new)?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => told.map_err(Problem::new),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, b"0123456789").unwrap();
        let mut input = Input::open(&path).unwrap();
        assert_eq!(input.length(), Some(10));
        assert_eq!(input.peek(3).unwrap(), b"012");
        assert_eq!(input.peek(2).unwrap(), b"01");
        assert_eq!(input.whole().unwrap().as_slice(), b"0123456789");
        assert_eq!(Input::open(&path).unwrap().peek(99).unwrap().len(), 10);
        assert!(Input::open(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let count = || fs::read_dir(folder.path()).unwrap().count();
        let mut target = Target::create(&path).unwrap();
        target.write(b"half").unwrap();
        assert!(!path.exists());
        drop(target);
        assert_eq!(count(), 0);
        let mut target = Target::create(&path).unwrap();
        target.write(b"whole").unwrap();
        target.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), count()), (&b"whole"[..], 1));
    }

    #[tokio::test]
    async fn work_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let target = Target::create(&path).unwrap();
        let failed = run(target, |mut target, stop| {
            stop.check()?;
            target.write(b"half")?;
            Err(Problem::new("broken"))
        });
        assert_eq!(failed.await.err().unwrap().to_string(), "signet: broken");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
