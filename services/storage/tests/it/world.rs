//! A service of its own for each test, and short ways to call it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cas::Blobs;
use chrono::DateTime;
use db::{Db, outbox};
use kernel::{ManualClock, PrincipalId, SharedClock, TenantId};
use prost::Message as _;
use proto::Role;
use proto::audit::v1::Event;
use proto::storage::v1::prompt_service_server::PromptService as _;
use proto::storage::v1::*;
use rpc::{Cx, Principal};
use storage::application::sweep::Sweep;
use storage::infrastructure::CasBlobs;
use storage::presentation::PromptApi;
use storage::{Outside, build};
use tempfile::TempDir;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::fakes::{FakeKeys, FakeSealer, Faulty};

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) api: PromptApi,
    pub(crate) sweep: Sweep,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: Arc<FakeKeys>,
    pub(crate) sealer: Arc<FakeSealer>,
    pub(crate) blobs: Arc<Faulty>,
    folder: TempDir,
    pub(crate) user: Principal,
}

/// A refusal: its reason and, for a wrong field, which.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) String, pub(crate) Option<String>);

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let field = details.bad_request().map(|bad| bad.field_violations[0].field.clone());
        Self(details.error_info().unwrap().reason.clone(), field)
    }
}

pub(crate) type Outcome<T> = Result<T, Refused>;

pub(crate) fn refused(reason: &str) -> Refused {
    Refused(reason.to_owned(), None)
}

pub(crate) fn invalid(field: &str) -> Refused {
    Refused("INVALID_FIELD".to_owned(), Some(field.to_owned()))
}

/// What an outcome that must be a refusal says; prompts cannot be printed.
pub(crate) fn refusal<T>(outcome: Outcome<T>) -> Refused {
    outcome.err().expect("a refusal")
}

pub(crate) fn somebody() -> Principal {
    Principal {
        tenant: TenantId::new(),
        user: PrincipalId::new(),
        roles: vec![Role::Member],
        api_key: None,
        expires: DateTime::from_timestamp(4_000_000_000, 0).unwrap(),
    }
}

pub(crate) fn prompt(text: &str) -> Prompt {
    Prompt { text: text.to_owned(), display_name: "letter".into(), ..Prompt::default() }
}

macro_rules! rpcs {
    ($($name:ident, $path:literal, $request:ty => $answer:ty, |$response:ident| $out:expr;)+) => {
        impl World {
            $(pub(crate) async fn $name(&self, who: &Principal, request: $request) -> Outcome<$answer> {
                let mut request = Request::new(request);
                let method = concat!("/signet.storage.v1.PromptService/", $path);
                request.extensions_mut().insert(Cx::for_test(method, Some(who.clone())).unwrap());
                let $response = self.api.$name(request).await?.into_inner();
                Ok($out)
            })+
        }
    };
}

rpcs! {
    create_prompt, "CreatePrompt", CreatePromptRequest => Prompt, |answer| answer.prompt.unwrap();
    get_prompt, "GetPrompt", GetPromptRequest => Prompt, |answer| answer.prompt.unwrap();
    list_prompts, "ListPrompts", ListPromptsRequest => ListPromptsResponse, |answer| answer;
    update_prompt, "UpdatePrompt", UpdatePromptRequest => Prompt, |answer| answer.prompt.unwrap();
    delete_prompt, "DeletePrompt", DeletePromptRequest => i32, |answer| answer.data_keys_destroyed;
    list_prompt_revisions, "ListPromptRevisions", ListPromptRevisionsRequest => ListPromptRevisionsResponse, |answer| answer;
    seal_prompt, "SealPrompt", SealPromptRequest => SealPromptResponse, |answer| answer;
}

impl World {
    pub(crate) fn new(db: &Db) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = cas::Settings::File { path: folder.path().join("blobs") };
        let inner = CasBlobs(Blobs::open(&settings).unwrap());
        let blobs = Arc::new(Faulty { inner, down: false.into() });
        let (keys, sealer) = (Arc::new(FakeKeys::new()), Arc::new(FakeSealer::default()));
        let clock = ManualClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let outside = Outside {
            keys: Arc::clone(&keys) as _,
            sealer: Arc::clone(&sealer) as _,
            blobs: Arc::clone(&blobs) as _,
        };
        let shared: SharedClock = Arc::clone(&clock) as _;
        let (api, sweep) = build(db, outside, &shared);
        Self { db: db.clone(), api, sweep, clock, keys, sealer, blobs, folder, user: somebody() }
    }

    pub(crate) fn cx(&self) -> Cx {
        let method = "/signet.storage.v1.PromptService/CreatePrompt";
        Cx::for_test(method, Some(self.user.clone())).unwrap()
    }

    pub(crate) async fn create(&self, text: &str) -> Prompt {
        let request = CreatePromptRequest { prompt: Some(prompt(text)), ..Default::default() };
        self.create_prompt(&self.user, request).await.unwrap()
    }

    pub(crate) async fn update(&self, name: &str, etag: &str, text: &str) -> Outcome<Prompt> {
        let changed = Prompt { name: name.into(), etag: etag.into(), ..prompt(text) };
        let request = UpdatePromptRequest { prompt: Some(changed), ..Default::default() };
        self.update_prompt(&self.user, request).await
    }

    pub(crate) async fn text(&self, name: &str, revision: i32) -> Outcome<String> {
        let request = GetPromptRequest { name: name.into(), revision };
        Ok(self.get_prompt(&self.user, request).await?.text)
    }

    pub(crate) async fn delete(&self, name: &str, etag: &str) -> Outcome<i32> {
        let request = DeletePromptRequest { name: name.into(), etag: etag.into() };
        self.delete_prompt(&self.user, request).await
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        let stored = outbox::next(&self.db, 10_000).await.unwrap();
        stored.iter().map(|event| Event::decode(event.bytes.as_slice()).unwrap()).collect()
    }

    /// The last parts of the events' types, in order.
    pub(crate) async fn happened(&self) -> Vec<String> {
        let events = self.events().await;
        events.iter().map(|event| event.r#type.rsplit_once('.').unwrap().1.to_owned()).collect()
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        db::sql!(self.db.read(), |c| {
            let mut sql = sqlx::QueryBuilder::new("SELECT count(*) FROM ");
            sql.push(table).build_query_scalar().fetch_one(c).await
        })
        .unwrap()
    }

    /// The files of the blob store.
    pub(crate) fn blob_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        files_below(self.folder.path(), &mut found);
        found
    }
}

pub(crate) fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}
