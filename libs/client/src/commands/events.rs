//! `events`: what happened, and proofs of it.

use proto::audit::v1::{GetEventRequest, ListEventsRequest, LoggedEvent};
use serde_json::{Value, json};

use super::{Result, named};
use crate::proofs;
use crate::session::{EdgeArguments, Session};
use console::output::{time, word};

#[derive(clap::Args)]
pub struct Events {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List events, newest first.
    List {
        /// Only events of this type; a trailing * matches any rest.
        #[arg(long = "type", value_name = "TYPE", default_value = "", hide_default_value = true)]
        kind: String,
        /// Only events of this request.
        #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
        request_id: String,
        /// Only events of this subject.
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        subject: String,
        /// At most so many.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
    },
    /// Show an event.
    Get {
        /// The event's name or id.
        name: String,
    },
    /// Verify here that an event is in the log, that the log's checkpoint is
    /// signed, and that the log has only grown since you last looked.
    Verify {
        /// The event's name or id.
        name: String,
    },
}

impl Events {
    pub async fn run(self) -> Result<()> {
        let mut session = self.edge.session().await?;
        match self.action {
            Action::List { kind, request_id, subject, limit } => {
                let filter =
                    ListEventsRequest { r#type: kind, request_id, subject, ..Default::default() };
                let rows: Vec<_> =
                    list(&session, filter, limit).await?.iter().map(event_json).collect();
                let columns = ["name", "time", "type", "actor", "subject", "outcome"];
                session.out.list(&rows, &columns);
            }
            Action::Get { name } => {
                let request = GetEventRequest { name: named("events", &name) };
                let answer = session.edge.events().get_event(request).await?.into_inner();
                session.out.object(&event_json(&answer.event.unwrap_or_default()));
            }
            Action::Verify { name } => verify(&mut session, &named("events", &name)).await?,
        }
        Ok(())
    }
}

/// Events, newest first, at most `limit`.
pub async fn list(
    session: &Session,
    filter: ListEventsRequest,
    limit: u32,
) -> Result<Vec<LoggedEvent>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut events, mut page_token) = (Vec::new(), String::new());
    while events.len() < limit {
        let page_size = i32::try_from((limit - events.len()).min(1_000)).unwrap_or(1_000);
        let request = ListEventsRequest { page_size, page_token, ..filter.clone() };
        let page = session.edge.events().list_events(request).await?.into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(events)
}

async fn verify(session: &mut Session, name: &str) -> Result<()> {
    let proved = proofs::prove(&session.edge, &mut session.profile.state, name).await?;
    session.profile.save()?;
    let head = proved.checkpoint.head();
    session.out.object(&json!({
        "event": name,
        "type": proved.event.r#type,
        "index": proved.index,
        "log": proved.checkpoint.checkpoint().origin(),
        "tree_size": head.size,
        "root": head.root.to_base64(),
        "proof_hashes": proved.hashes,
        "continues_size": proved.continues,
    }));
    session.out.note("Verified here: the entry, the inclusion proof, the checkpoint's signature.");
    Ok(())
}

fn event_json(logged: &LoggedEvent) -> Value {
    let event = logged.event.clone().unwrap_or_default();
    let attributes: Vec<_> =
        event.attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
    json!({
        "name": logged.name,
        "index": logged.index,
        "time": time(event.time.as_ref()),
        "type": event.r#type,
        "source": event.source,
        "actor": event.actor,
        "subject": event.subject,
        "outcome": word(event.outcome().as_str_name(), "OUTCOME_"),
        "reason": event.reason,
        "request_id": event.request_id,
        "trace_id": event.trace_id,
        "attributes": attributes,
    })
}
