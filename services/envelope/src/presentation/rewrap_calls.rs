//! The calls of [`DataKeyApi`] that belong to the rotation of KEKs.

use chrono::DateTime;
use kernel::{Fault, Result, Timestamp};
use proto::envelope::v1::{
    ListRewrapsRequest, ListRewrapsResponse, ReportRewrapRequest, ReportRewrapResponse, Rewrap,
    RewrapCount, RewrapDataKeysRequest, RewrapDataKeysResponse,
};
use rpc::{Cx, parse};
use uuid::Uuid;

use super::data_key_service::{DataKeyApi, MOST, wrapped};
use super::kek_service::time;
use crate::application::at_rest::kek_rewraps::Task;
use crate::application::ports::Report;
use crate::domain::Count;

const CURSOR: usize = 256;

impl DataKeyApi {
    pub(super) async fn list_open(
        &self,
        cx: Cx,
        request: ListRewrapsRequest,
    ) -> Result<ListRewrapsResponse> {
        let (tasks, now) = self.rewraps.list(&cx, worker(&request.worker)?).await?;
        let message = |task: Task| {
            let range = task.rotation.range();
            Rewrap {
                rotation: task.rotation.name(),
                tenant: format!("tenants/{}", task.rotation.tenant),
                lower: range.lower,
                upper: range.upper,
                per_second: task.rotation.per_second,
                cursor: task.position,
                time: Some(time(now)),
            }
        };
        Ok(ListRewrapsResponse { rewraps: tasks.into_iter().map(message).collect() })
    }

    pub(super) async fn rewrap(
        &self,
        cx: Cx,
        request: RewrapDataKeysRequest,
    ) -> Result<RewrapDataKeysResponse> {
        let id = rotation(&request.rotation)?;
        parse::within("keys", request.keys.len(), 1, MOST, "keys")?;
        let rewrapped = self.rewraps.rewrap(&cx, id, wrapped(request.keys)?).await?;
        let wrapped = rewrapped.into_iter().map(Option::unwrap_or_default).collect();
        Ok(RewrapDataKeysResponse { wrapped })
    }

    pub(super) async fn report(
        &self,
        cx: Cx,
        request: ReportRewrapRequest,
    ) -> Result<ReportRewrapResponse> {
        let (id, worker) = (rotation(&request.rotation)?, worker(&request.worker)?);
        parse::within("cursor", request.cursor.len(), 0, CURSOR, "bytes")?;
        let at_least_none = |field: &str, value: i64| parse::within(field, value, 0, i64::MAX, "");
        let report = Report {
            rewrapped: at_least_none("rewrapped", request.rewrapped)?,
            failed: at_least_none("failed", request.failed)?,
            position: request.cursor,
            count: request.count.map(counted).transpose()?,
            worker: Some((worker, self.rewraps.clock.now())),
        };
        let (rotation, now) = self.rewraps.report(&cx, id, &report).await?;
        Ok(ReportRewrapResponse {
            go_on: rotation.is_some(),
            per_second: rotation.map_or(0, |rotation| rotation.per_second),
            time: Some(time(now)),
        })
    }
}

fn counted(count: RewrapCount) -> Result<Count> {
    let at_least_none = |field: &str, value: i64| parse::within(field, value, 0, i64::MAX, "");
    Ok(Count {
        remaining: at_least_none("count.remaining", count.remaining)?,
        current: at_least_none("count.current", count.current)?,
        at: instant(parse::required("count.since", count.since)?)?,
    })
}

fn instant(time: prost_types::Timestamp) -> Result<Timestamp> {
    let nanos = u32::try_from(time.nanos).ok();
    nanos
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
        .ok_or_else(|| Fault::invalid("count.since", "is no time"))
}

fn rotation(name: &str) -> Result<Uuid> {
    parse::resource("rotation", "kekRotations", name)
}

fn worker(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Fault::invalid("worker", "must be a UUID"))
}
