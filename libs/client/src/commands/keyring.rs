//! `keyring`: the file that holds the tenants' KEKs, where the `local` provider
//! keeps them. Works on files; needs no mesh.

use std::path::PathBuf;

use ::keys::local::{Contents, Current, Edition, Kek, KeyringSecret, RestorePlan, Status, Upkeep};
use kernel::SystemClock;
use serde_json::{Value, json};

use super::{Problem, Result};
use console::output::Output;

/// How many keys are named one by one.
const NAMED: usize = 20;

#[derive(clap::Args)]
pub struct Keyring {
    #[command(subcommand)]
    action: Action,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Secret {
    /// What seals the keyring: a file with a passphrase.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// What seals the keyring: a file with 32 random bytes.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct NewSecret {
    /// What is to seal it: a file with a passphrase of at least 12 bytes.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// What is to seal it: a file with 32 random bytes.
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Say what seals a keyring, which one it is and how new. Needs no secret.
    Status { keyring: PathBuf },
    /// Open a keyring, or with --backup a backup, and read every key in it.
    Verify {
        file: PathBuf,
        #[command(flatten)]
        secret: Secret,
        /// The file is a backup.
        #[arg(long, requires = "passphrase_file", conflicts_with = "key_file")]
        backup: bool,
    },
    /// Seal a keyring by another passphrase or key file. The keys in it stay.
    Rekey {
        keyring: PathBuf,
        #[command(flatten)]
        secret: Secret,
        #[command(flatten)]
        new: NewSecret,
    },
    /// Write a backup, sealed by a passphrase of its own.
    Backup {
        keyring: PathBuf,
        #[command(flatten)]
        secret: Secret,
        /// The backup; must not be there yet.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// A file with the backup's passphrase, of at least 12 bytes.
        #[arg(long, value_name = "FILE")]
        backup_passphrase_file: PathBuf,
    },
    /// Put a backup in a keyring's place. Refused if keys would be lost.
    Restore {
        keyring: PathBuf,
        #[command(flatten)]
        secret: Secret,
        /// The backup.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// A file with the backup's passphrase.
        #[arg(long, value_name = "FILE")]
        backup_passphrase_file: PathBuf,
        /// Also if keys would be lost, or destroyed ones come back.
        #[arg(long)]
        force: bool,
        /// Only say what would be done.
        #[arg(long, conflicts_with = "force")]
        dry_run: bool,
    },
}

impl Secret {
    fn get(self) -> Result<KeyringSecret> {
        chosen(self.passphrase_file, self.key_file)
    }
}

/// The parser lets exactly one through.
fn chosen(passphrase: Option<PathBuf>, key: Option<PathBuf>) -> Result<KeyringSecret> {
    match (passphrase, key) {
        (Some(path), None) => Ok(KeyringSecret::PassphraseFile(path)),
        (None, Some(path)) => Ok(KeyringSecret::KeyFile(path)),
        _ => Err(Problem::new("Give a passphrase file or a key file.")),
    }
}

impl Keyring {
    pub fn run(self) -> Result<()> {
        let output = Output { json: self.json };
        let open = |keyring: &PathBuf, secret: Secret| {
            Ok::<_, Problem>(Upkeep::new(keyring, secret.get()?, SystemClock::shared()))
        };
        match self.action {
            Action::Status { keyring } => {
                output.object(&of_status(&Upkeep::status(&keyring)?));
            }
            Action::Verify { file, secret, backup } => {
                let contents = match (backup, secret.get()?) {
                    (true, KeyringSecret::PassphraseFile(passphrase)) => {
                        Upkeep::verify_backup(&file, &passphrase)?
                    }
                    (_, secret) => Upkeep::new(&file, secret, SystemClock::shared()).verify()?,
                };
                output.object(&of_contents(&contents));
                output.note("Whole: every key was read.");
            }
            Action::Rekey { keyring, secret, new } => {
                let new = chosen(new.new_passphrase_file, new.new_key_file)?;
                let contents = open(&keyring, secret)?.rekey(new)?;
                output.object(&of_contents(&contents));
                output.note("Sealed anew. Services need the new secret from now on.");
            }
            Action::Backup { keyring, secret, to, backup_passphrase_file } => {
                let contents = open(&keyring, secret)?.backup(&to, &backup_passphrase_file)?;
                output.object(&of_contents(&contents));
                output.note("Written, and read back.");
            }
            Action::Restore { keyring, secret, from, backup_passphrase_file, force, dry_run } => {
                let upkeep = open(&keyring, secret)?;
                if dry_run {
                    let plan = upkeep.plan_restore(&from, &backup_passphrase_file)?;
                    output.object(&of_plan(&plan));
                    return Ok(());
                }
                let (plan, done) = upkeep.restore(&from, &backup_passphrase_file, force)?;
                output.object(&of_plan(&plan));
                if !done {
                    return Err(refused(&plan));
                }
                output.note("Restored, and read back.");
            }
        }
        Ok(())
    }
}

fn refused(plan: &RestorePlan) -> Problem {
    let why = match &plan.current {
        Current::Unreadable(cause) => {
            format!("Nothing was changed: what is there cannot be read ({cause}).")
        }
        _ if plan.other_ring => "Nothing was changed: the backup is of another keyring.".to_owned(),
        _ => format!(
            "Nothing was changed: {} keys would be lost, {} destroyed ones would be back.",
            plan.lost.len(),
            plan.revived.len()
        ),
    };
    Problem::new(why).help("Back the keyring up as it is; then repeat with --force.")
}

fn of_edition(edition: &Edition) -> Value {
    json!({
        "ring": edition.ring,
        "generation": edition.generation,
        "written": edition.written.to_rfc3339(),
    })
}

fn of_status(status: &Status) -> Value {
    let cost = status.cost.map(|(memory_kib, passes, lanes)| {
        json!({ "memory_kib": memory_kib, "passes": passes, "lanes": lanes })
    });
    json!({
        "edition": of_edition(&status.edition),
        "sealed_by": status.sealed_by,
        "argon2id": cost,
        "bytes": status.bytes,
        "change_cut_short": status.leftover,
    })
}

fn of_contents(contents: &Contents) -> Value {
    json!({
        "edition": of_edition(&contents.edition),
        "tenants": contents.tenants,
        "versions": contents.versions,
    })
}

fn of_plan(plan: &RestorePlan) -> Value {
    let current = match &plan.current {
        Current::Absent => json!("absent"),
        Current::Readable(contents) => of_contents(contents),
        Current::Unreadable(cause) => json!(format!("unreadable: {cause}")),
    };
    json!({
        "backup": of_contents(&plan.backup),
        "keyring": current,
        "another_keyring": plan.other_ring,
        "lost": named(&plan.lost),
        "revived": named(&plan.revived),
        "harmless": plan.is_harmless(),
    })
}

fn named(keks: &[Kek]) -> Vec<String> {
    let first = keks.iter().take(NAMED);
    let mut names: Vec<_> =
        first.map(|kek| format!("{} version {}", kek.tenant, kek.version)).collect();
    if keks.len() > NAMED {
        names.push(format!("and {} more", keks.len() - NAMED));
    }
    names
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ::keys::Kms as _;
    use ::keys::local::{LocalKms, LocalSettings};
    use clap::Parser as _;
    use kernel::TenantId;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        keyring: Keyring,
    }

    /// Runs a line in which `@` stands for the directory; the error's text, if any.
    fn run(place: &Path, line: &str) -> String {
        let line = line.replace('@', &format!("{}/", place.display()));
        match Line::try_parse_from(std::iter::once("keyring").chain(line.split(' '))) {
            Ok(line) => line.keyring.run().err().map_or(String::new(), |told| told.to_string()),
            Err(error) => format!("usage: {error}"),
        }
    }

    fn place() -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        for name in ["pass", "new", "backup-pass"] {
            let path = place.path().join(name);
            std::fs::write(&path, format!("the passphrase of {name}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        place
    }

    async fn rotate(place: &Path, passphrase: &str) {
        let settings = LocalSettings {
            path: place.join("ring"),
            passphrase_file: Some(place.join(passphrase)),
            key_file: None,
            create: true,
        };
        let kms = LocalKms::open(&settings, SystemClock::shared()).await.unwrap();
        kms.rotate(TenantId::new()).await.unwrap();
    }

    #[tokio::test]
    async fn a_keyring_is_looked_at_rekeyed_backed_up_and_restored() {
        let place = place();
        let place = place.path();
        rotate(place, "pass").await;
        let backup = "backup @ring --to @backup --backup-passphrase-file @backup-pass";
        let restore = "restore @ring --from @backup --backup-passphrase-file @backup-pass";
        for line in [
            "status @ring --json",
            "verify @ring --passphrase-file @pass",
            "rekey @ring --passphrase-file @pass --new-passphrase-file @new",
            "verify @ring --passphrase-file @new --json",
            &format!("{backup} --passphrase-file @new"),
            "verify @backup --backup --passphrase-file @backup-pass",
            &format!("{restore} --passphrase-file @new --dry-run"),
        ] {
            assert_eq!(run(place, line), "", "{line}");
        }
        let told = run(place, "verify @ring --passphrase-file @pass");
        assert!(told.contains("does not open this keyring"), "{told}");
        rotate(place, "new").await;
        let before = std::fs::read(place.join("ring")).unwrap();
        assert_eq!(run(place, &format!("{restore} --passphrase-file @new --dry-run")), "");
        let told = run(place, &format!("{restore} --passphrase-file @new"));
        assert!(told.contains("2 keys would be lost") && told.contains("--force"), "{told}");
        assert_eq!(std::fs::read(place.join("ring")).unwrap(), before);
        // The passphrase is lost: only by force, under another one.
        let told = run(place, &format!("{restore} --passphrase-file @pass"));
        assert!(told.contains("cannot be read"), "{told}");
        assert_eq!(run(place, &format!("{restore} --passphrase-file @pass --force")), "");
        assert_eq!(run(place, "verify @ring --passphrase-file @pass"), "");
    }

    #[test]
    fn wrong_usage_is_told() {
        let place = place();
        for line in [
            "status",
            "verify @ring",
            "verify @ring --passphrase-file @pass --key-file @pass",
            "verify @ring --backup --key-file @pass",
            "rekey @ring --passphrase-file @pass",
            "backup @ring --passphrase-file @pass --to @backup",
            "restore @ring --passphrase-file @pass --from @b --backup-passphrase-file @p --force --dry-run",
        ] {
            assert!(run(place.path(), line).starts_with("usage: "), "{line}");
        }
        let told = run(place.path(), "status @ring");
        assert!(told.contains("no such keyring"), "{told}");
    }
}
