use std::sync::Arc;

use db::page::{Page, Scope};
use kernel::{Fault, Result};
use proto::audit::v1::event_service_server::EventService;
use proto::audit::v1::{
    GetConsistencyProofRequest, GetConsistencyProofResponse, GetEventRequest, GetEventResponse,
    GetInclusionProofRequest, GetInclusionProofResponse, ListEventsRequest, ListEventsResponse,
    LoggedEvent,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use crate::application::ports::{Events, Kind, Query};
use crate::application::prove::Prove;
use crate::domain::Stored;

pub struct EventApi {
    pub events: Arc<dyn Events>,
    pub prove: Prove,
}

fn logged(stored: &Stored) -> Result<LoggedEvent> {
    Ok(LoggedEvent {
        name: format!("events/{}", stored.id),
        event: Some(stored.event()?),
        index: stored.index,
    })
}

fn size(field: &str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Fault::invalid(field, "must not be negative"))
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn kind(filter: String) -> Result<Option<Kind>> {
    parse::text("type", &filter, 0, 128)?;
    Ok(given(filter).map(|filter| match filter.strip_suffix('*') {
        Some(start) => Kind::StartsWith(start.to_owned()),
        None => Kind::Exactly(filter),
    }))
}

impl EventApi {
    async fn list(&self, cx: Cx, request: ListEventsRequest) -> Result<ListEventsResponse> {
        let filter = format!("{}\n{}\n{}", request.r#type, request.request_id, request.subject);
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &filter };
        let page = Page::<i64>::parse(&scope, request.page_size, &request.page_token)?;
        let query = Query {
            before: page.after,
            limit: page.limit(),
            kind: kind(request.r#type)?,
            request_id: given(request.request_id),
            subject: given(request.subject),
        };
        let rows = self.events.list(cx.tenant(), &query).await?;
        let (rows, next_page_token) = page.cut(&scope, rows, |row| row.index)?;
        Ok(ListEventsResponse {
            events: rows.iter().map(logged).collect::<Result<_>>()?,
            next_page_token,
        })
    }

    async fn get(&self, cx: Cx, request: GetEventRequest) -> Result<GetEventResponse> {
        let id = parse::resource("name", "events", &request.name)?;
        let stored = self.events.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)?;
        Ok(GetEventResponse {
            event: Some(logged(&stored)?),
            encoded: stored.encoded,
            salt: stored.salt,
        })
    }

    async fn inclusion(
        &self,
        cx: Cx,
        request: GetInclusionProofRequest,
    ) -> Result<GetInclusionProofResponse> {
        let id = parse::resource("name", "events", &request.name)?;
        let proof = self.prove.inclusion(cx.tenant(), id).await?;
        Ok(GetInclusionProofResponse {
            index: i64::try_from(proof.index).map_err(Fault::internal)?,
            tree_size: i64::try_from(proof.tree_size).map_err(Fault::internal)?,
            hashes: proof.hashes,
            checkpoint: proof.checkpoint,
            entry: proof.entry,
        })
    }

    async fn consistency(
        &self,
        request: GetConsistencyProofRequest,
    ) -> Result<GetConsistencyProofResponse> {
        let (first, second) =
            (size("first_size", request.first_size)?, size("second_size", request.second_size)?);
        let proof = self.prove.consistency(first, second).await?;
        Ok(GetConsistencyProofResponse {
            first_size: i64::try_from(proof.first).map_err(Fault::internal)?,
            second_size: i64::try_from(proof.second).map_err(Fault::internal)?,
            hashes: proof.hashes,
            checkpoint: proof.checkpoint,
        })
    }
}

#[tonic::async_trait]
impl EventService for EventApi {
    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }

    async fn get_event(
        &self,
        request: Request<GetEventRequest>,
    ) -> Result<Response<GetEventResponse>, Status> {
        rpc::unary(request, |cx, message| self.get(cx, message)).await
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        rpc::unary(request, |cx, message| self.inclusion(cx, message)).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        rpc::unary(request, |_, message| self.consistency(message)).await
    }
}
