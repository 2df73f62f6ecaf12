//! `kek`: the tenant's key-encryption key, and its rotation as a job that ends
//! in a certificate.

use std::time::Duration;

use proto::envelope::v1::{
    DestroyKekVersionsRequest, GetKekRequest, GetKekRotationRequest, GetKekRotationResponse,
    KekHolderProgress, KekRotation, KekRotationState, KekVersion, ListKekRotationsRequest,
    MoveKekRequest, PauseKekRotationRequest, ResumeKekRotationRequest, RotateKekRequest,
};
use serde_json::{Value, json};

use super::{Problem, Result, named};
use crate::session::{EdgeArguments, Session, request_id};
use console::output::{time, word};
use console::progress::Progress;

/// A watched job is looked at this often.
const LOOK: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub struct Kek {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Args)]
struct Pace {
    /// Keys rewrapped a second by each service, at most; default: 1,000.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    per_second: i32,
}

#[derive(clap::Args)]
struct Watch {
    /// Stay until the job has ended, and show how far it is.
    #[arg(long)]
    watch: bool,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show the versions that there are.
    Show,
    /// Add a version and move everything to it.
    Rotate {
        #[command(flatten)]
        pace: Pace,
        #[command(flatten)]
        watch: Watch,
    },
    /// Move everything to the provider that the configuration names now.
    Move {
        #[command(flatten)]
        pace: Pace,
        #[command(flatten)]
        watch: Watch,
    },
    /// List the jobs, newest first.
    Rotations,
    /// Show one job, and its certificate once it has one.
    Get {
        /// The job's name or id.
        name: String,
        #[command(flatten)]
        watch: Watch,
    },
    /// Hold a job.
    Pause {
        /// The job's name or id.
        name: String,
    },
    /// Let a job go on.
    Resume {
        /// The job's name or id.
        name: String,
        #[command(flatten)]
        pace: Pace,
        #[command(flatten)]
        watch: Watch,
    },
    /// Destroy, for ever, the versions that a job's certificate covers.
    Destroy {
        /// The job's name or id.
        name: String,
        #[command(flatten)]
        watch: Watch,
    },
}

impl Kek {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        let mut kek = session.edge.kek();
        let full = |name: &str| named("kekRotations", name);
        let (rotation, watch) = match self.action {
            Action::Show => return show(&session).await,
            Action::Rotations => return list(&session).await,
            Action::Rotate { pace, watch } => {
                let request =
                    RotateKekRequest { per_second: pace.per_second, request_id: request_id() };
                (kek.rotate_kek(request).await?.into_inner().rotation, watch.watch)
            }
            Action::Move { pace, watch } => {
                let request =
                    MoveKekRequest { per_second: pace.per_second, request_id: request_id() };
                (kek.move_kek(request).await?.into_inner().rotation, watch.watch)
            }
            Action::Get { name, watch } => (get(&session, &full(&name)).await?, watch.watch),
            Action::Pause { name } => {
                let request = PauseKekRotationRequest { name: full(&name) };
                (kek.pause_kek_rotation(request).await?.into_inner().rotation, false)
            }
            Action::Resume { name, pace, watch } => {
                let request =
                    ResumeKekRotationRequest { name: full(&name), per_second: pace.per_second };
                (kek.resume_kek_rotation(request).await?.into_inner().rotation, watch.watch)
            }
            Action::Destroy { name, watch } => {
                let request = DestroyKekVersionsRequest { name: full(&name) };
                (kek.destroy_kek_versions(request).await?.into_inner().rotation, watch.watch)
            }
        };
        let mut rotation = rotation.ok_or_else(|| Problem::new("The mesh sent no job."))?;
        if watch {
            rotation = watched(&session, rotation).await?;
        }
        session.out.object(&rotation_json(&rotation));
        Ok(())
    }
}

async fn get(session: &Session, name: &str) -> Result<Option<KekRotation>> {
    let request = GetKekRotationRequest { name: name.to_owned() };
    let GetKekRotationResponse { rotation } =
        session.edge.kek().get_kek_rotation(request).await?.into_inner();
    Ok(rotation)
}

/// Until somebody else has to do something.
async fn watched(session: &Session, mut rotation: KekRotation) -> Result<KekRotation> {
    let progress = Progress::items();
    loop {
        let (done, all) = counted(&rotation);
        progress.at(done, all, waiting(&rotation));
        let ends =
            !matches!(rotation.state(), KekRotationState::Running | KekRotationState::Destroying);
        if ends {
            return Ok(rotation);
        }
        tokio::time::sleep(LOOK).await;
        let name = rotation.name.clone();
        let found = get(session, &name).await?;
        rotation = found.ok_or_else(|| Problem::new("The mesh sent no job."))?;
    }
}

/// Keys known to be done, and known of at all.
fn counted(rotation: &KekRotation) -> (u64, u64) {
    let done = |one: &KekHolderProgress| {
        if one.counted { one.current.max(one.rewrapped) } else { one.rewrapped }
    };
    let left = |one: &KekHolderProgress| if one.counted { one.remaining } else { 0 };
    let sum = |of: &dyn Fn(&KekHolderProgress) -> i64| {
        rotation.holders.iter().map(|one| of(one).unsigned_abs()).sum::<u64>()
    };
    (sum(&done), sum(&done) + sum(&left))
}

/// What the job is waiting for.
fn waiting(rotation: &KekRotation) -> String {
    let open = |one: &&KekHolderProgress| !one.counted || one.remaining > 0;
    let open: Vec<_> =
        rotation.holders.iter().filter(open).map(|one| one.holder.as_str()).collect();
    let state = word(rotation.state().as_str_name(), "KEK_ROTATION_STATE_");
    if open.is_empty() {
        format!("{state}: settling")
    } else {
        format!("{state}: {}", open.join(" "))
    }
}

async fn show(session: &Session) -> Result<()> {
    let answer = session.edge.kek().get_kek(GetKekRequest {}).await?.into_inner();
    let kek = answer.kek.unwrap_or_default();
    let rows: Vec<_> = kek.versions.iter().map(version_json).collect();
    session.out.list(&rows, &["provider", "version", "state", "private_halves", "create_time"]);
    session.out.note(format_args!("New keys are wrapped by {}.", kek.provider));
    Ok(())
}

async fn list(session: &Session) -> Result<()> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListKekRotationsRequest { page_size: 1_000, page_token };
        let page = session.edge.kek().list_kek_rotations(request).await?.into_inner();
        rows.extend(page.rotations.iter().map(rotation_json));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    session.out.list(&rows, &["name", "state", "provider", "version", "retires", "create_time"]);
    Ok(())
}

fn version_json(version: &KekVersion) -> Value {
    json!({
        "provider": version.provider,
        "version": version.version,
        "state": word(version.state().as_str_name(), "KEK_VERSION_STATE_"),
        "private_halves": version.private_halves,
        "create_time": time(version.create_time.as_ref()),
    })
}

fn rotation_json(rotation: &KekRotation) -> Value {
    let retires = rotation.retires.iter();
    let retires = retires.map(|one| format!("{} 1-{}", one.provider, one.through_version));
    json!({
        "name": rotation.name,
        "state": word(rotation.state().as_str_name(), "KEK_ROTATION_STATE_"),
        "provider": rotation.provider,
        "version": rotation.version,
        "retires": retires.collect::<Vec<_>>(),
        "per_second": rotation.per_second,
        "create_time": time(rotation.create_time.as_ref()),
        "settle_time": time(rotation.settle_time.as_ref()),
        "holders": rotation.holders.iter().map(holder_json).collect::<Vec<_>>(),
        "certificate": rotation.certificate,
        "certificate_event": rotation.certificate_event,
    })
}

fn holder_json(progress: &KekHolderProgress) -> Value {
    let known = |number: i64| if progress.counted { json!(number) } else { Value::Null };
    json!({
        "holder": progress.holder,
        "rewrapped": progress.rewrapped,
        "remaining": known(progress.remaining),
        "current": known(progress.current),
        "failed": progress.failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_what_is_known() {
        let holder = |name: &str, rewrapped, counted, remaining, current| KekHolderProgress {
            holder: name.into(),
            rewrapped,
            counted,
            remaining,
            current,
            ..KekHolderProgress::default()
        };
        let rotation = KekRotation {
            state: KekRotationState::Running.into(),
            holders: vec![
                holder("storage", 5, true, 3, 7),
                holder("auth", 2, false, 0, 0),
                holder("anonymizer", 1, true, 0, 1),
            ],
            ..KekRotation::default()
        };
        assert_eq!(counted(&rotation), (10, 13));
        assert_eq!(waiting(&rotation), "running: storage auth");
    }
}
