use db::page::{Page, Scope};
use kernel::{Fault, Result, Timestamp};
use keys::KekState;
use proto::envelope::v1 as wire;
use proto::envelope::v1::kek_service_server::KekService;
use proto::envelope::v1::{
    DestroyKekVersionsRequest, DestroyKekVersionsResponse, GetKekRequest, GetKekResponse,
    GetKekRotationRequest, GetKekRotationResponse, ListKekRotationsRequest,
    ListKekRotationsResponse, MoveKekRequest, MoveKekResponse, PauseKekRotationRequest,
    PauseKekRotationResponse, ResumeKekRotationRequest, ResumeKekRotationResponse,
    RotateKekRequest, RotateKekResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert;
use crate::application::at_rest::kek_rotations::{KekRotations, Listed, Target};
use crate::domain::{MOST_PER_SECOND, PER_SECOND, Progress, Rotation, RotationState};

pub struct KekApi {
    pub rotations: KekRotations,
}

impl KekApi {
    async fn get(&self, cx: Cx) -> Result<GetKekResponse> {
        let (provider, listed) = self.rotations.kek(&cx).await?;
        let versions = listed.iter().map(version).collect();
        let kek = wire::Kek { provider: provider.name().to_owned(), versions };
        Ok(GetKekResponse { kek: Some(kek) })
    }

    async fn rotate(&self, cx: Cx, mut request: RotateKekRequest) -> Result<RotateKekResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let per_second = rate(request.per_second)?.unwrap_or(PER_SECOND);
        let rotation = self.rotations.start(&cx, Target::New, per_second, once).await?;
        Ok(RotateKekResponse { rotation: Some(message(&rotation)) })
    }

    async fn move_it(&self, cx: Cx, mut request: MoveKekRequest) -> Result<MoveKekResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let per_second = rate(request.per_second)?.unwrap_or(PER_SECOND);
        let rotation = self.rotations.start(&cx, Target::Newest, per_second, once).await?;
        Ok(MoveKekResponse { rotation: Some(message(&rotation)) })
    }

    async fn list(
        &self,
        cx: Cx,
        request: ListKekRotationsRequest,
    ) -> Result<ListKekRotationsResponse> {
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: "" };
        let page = Page::<Uuid>::parse(&scope, request.page_size, &request.page_token)?;
        let found = &self.rotations.rotations;
        let found = found.list(cx.tenant(), page.after, page.limit()).await?;
        let (found, next_page_token) = page.cut(&scope, found, |rotation| rotation.id)?;
        let rotations = found.iter().map(message).collect();
        Ok(ListKekRotationsResponse { rotations, next_page_token })
    }

    async fn find(&self, cx: Cx, request: GetKekRotationRequest) -> Result<GetKekRotationResponse> {
        let rotation = self.rotations.find(&cx, id(&request.name)?).await?;
        Ok(GetKekRotationResponse { rotation: Some(message(&rotation)) })
    }

    async fn pause(
        &self,
        cx: Cx,
        request: PauseKekRotationRequest,
    ) -> Result<PauseKekRotationResponse> {
        let rotation = self.rotations.pause(&cx, id(&request.name)?).await?;
        Ok(PauseKekRotationResponse { rotation: Some(message(&rotation)) })
    }

    async fn resume(
        &self,
        cx: Cx,
        request: ResumeKekRotationRequest,
    ) -> Result<ResumeKekRotationResponse> {
        let per_second = rate(request.per_second)?;
        let rotation = self.rotations.resume(&cx, id(&request.name)?, per_second).await?;
        Ok(ResumeKekRotationResponse { rotation: Some(message(&rotation)) })
    }

    async fn destroy(
        &self,
        cx: Cx,
        request: DestroyKekVersionsRequest,
    ) -> Result<DestroyKekVersionsResponse> {
        let rotation = self.rotations.destroy(&cx, id(&request.name)?).await?;
        Ok(DestroyKekVersionsResponse { rotation: Some(message(&rotation)) })
    }
}

pub(super) fn id(name: &str) -> Result<Uuid> {
    parse::resource("name", "kekRotations", name)
}

/// None: the caller has not said.
fn rate(per_second: i32) -> Result<Option<i32>> {
    match per_second {
        0 => Ok(None),
        set if (1..=MOST_PER_SECOND).contains(&set) => Ok(Some(set)),
        _ => Err(Fault::invalid("per_second", "must be 1 to 100,000")),
    }
}

fn version(listed: &Listed) -> wire::KekVersion {
    let state = match listed.version.state {
        KekState::Primary => wire::KekVersionState::Primary,
        KekState::UnwrapOnly => wire::KekVersionState::UnwrapOnly,
        KekState::Disabled => wire::KekVersionState::Disabled,
        KekState::Destroying => wire::KekVersionState::Destroying,
    };
    wire::KekVersion {
        provider: listed.provider.name().to_owned(),
        version: listed.version.number.into(),
        state: state.into(),
        create_time: Some(time(listed.version.created)),
        private_halves: listed.private_halves,
    }
}

fn message(rotation: &Rotation) -> wire::KekRotation {
    let state = match rotation.state {
        RotationState::Running => wire::KekRotationState::Running,
        RotationState::Paused => wire::KekRotationState::Paused,
        RotationState::Retired => wire::KekRotationState::Retired,
        RotationState::Destroying => wire::KekRotationState::Destroying,
        RotationState::Destroyed => wire::KekRotationState::Destroyed,
    };
    let retires = rotation.retires.iter().map(|one| wire::RetiredKek {
        provider: one.provider.clone(),
        through_version: one.through_version.into(),
    });
    let certificate = rotation.certificate.as_ref();
    wire::KekRotation {
        name: rotation.name(),
        state: state.into(),
        provider: rotation.provider.name().to_owned(),
        version: rotation.version.into(),
        retires: retires.collect(),
        holders: rotation.holders.iter().map(progress).collect(),
        per_second: rotation.per_second,
        create_time: Some(time(rotation.created)),
        settle_time: Some(time(rotation.settled)),
        update_time: Some(time(rotation.updated)),
        certificate: certificate.map(|one| one.jws.clone()).unwrap_or_default(),
        certificate_event: certificate.map(|one| one.event.to_string()).unwrap_or_default(),
    }
}

fn progress(progress: &Progress) -> wire::KekHolderProgress {
    let count = progress.count;
    wire::KekHolderProgress {
        holder: progress.holder.clone(),
        rewrapped: progress.rewrapped,
        counted: count.is_some(),
        remaining: count.map_or(0, |count| count.remaining),
        current: count.map_or(0, |count| count.current),
        failed: progress.failed,
        count_time: count.map(|count| time(count.at)),
    }
}

pub(super) fn time(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

#[tonic::async_trait]
impl KekService for KekApi {
    async fn get_kek(
        &self,
        request: Request<GetKekRequest>,
    ) -> Result<Response<GetKekResponse>, Status> {
        rpc::unary(request, |cx, _| self.get(cx)).await
    }

    async fn rotate_kek(
        &self,
        request: Request<RotateKekRequest>,
    ) -> Result<Response<RotateKekResponse>, Status> {
        rpc::unary(request, |cx, message| self.rotate(cx, message)).await
    }

    async fn move_kek(
        &self,
        request: Request<MoveKekRequest>,
    ) -> Result<Response<MoveKekResponse>, Status> {
        rpc::unary(request, |cx, message| self.move_it(cx, message)).await
    }

    async fn list_kek_rotations(
        &self,
        request: Request<ListKekRotationsRequest>,
    ) -> Result<Response<ListKekRotationsResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }

    async fn get_kek_rotation(
        &self,
        request: Request<GetKekRotationRequest>,
    ) -> Result<Response<GetKekRotationResponse>, Status> {
        rpc::unary(request, |cx, message| self.find(cx, message)).await
    }

    async fn pause_kek_rotation(
        &self,
        request: Request<PauseKekRotationRequest>,
    ) -> Result<Response<PauseKekRotationResponse>, Status> {
        rpc::unary(request, |cx, message| self.pause(cx, message)).await
    }

    async fn resume_kek_rotation(
        &self,
        request: Request<ResumeKekRotationRequest>,
    ) -> Result<Response<ResumeKekRotationResponse>, Status> {
        rpc::unary(request, |cx, message| self.resume(cx, message)).await
    }

    async fn destroy_kek_versions(
        &self,
        request: Request<DestroyKekVersionsRequest>,
    ) -> Result<Response<DestroyKekVersionsResponse>, Status> {
        rpc::unary(request, |cx, message| self.destroy(cx, message)).await
    }
}
