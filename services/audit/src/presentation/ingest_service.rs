use kernel::Result;
use proto::audit::v1::ingest_service_server::IngestService;
use proto::audit::v1::{RecordEventsRequest, RecordEventsResponse};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use crate::application::append::Appender;
use crate::domain::Accepted;

pub struct IngestApi {
    pub appender: Appender,
}

impl IngestApi {
    async fn record(&self, cx: Cx, request: RecordEventsRequest) -> Result<RecordEventsResponse> {
        parse::within("events", request.events.len(), 1, 1_000, "events")?;
        let events = request
            .events
            .iter()
            .enumerate()
            .map(|(index, event)| Accepted::check(event, cx.caller(), &format!("events[{index}]")))
            .collect::<Result<Vec<_>>>()?;
        let recorded = self.appender.append(events).await?;
        Ok(RecordEventsResponse { recorded: i32::try_from(recorded).unwrap_or(i32::MAX) })
    }
}

#[tonic::async_trait]
impl IngestService for IngestApi {
    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<RecordEventsResponse>, Status> {
        rpc::unary(request, |cx, message| self.record(cx, message)).await
    }
}
