//! Changes of keys that exist.

use kernel::{Fault, Result};
use proto::envelope::v1::{
    CancelKeyDestructionRequest, CancelKeyDestructionResponse, DisableKeyRequest,
    DisableKeyResponse, EnableKeyRequest, EnableKeyResponse, GetKeyUsageRequest,
    GetKeyUsageResponse, KeyState, ScheduleKeyDestructionRequest, ScheduleKeyDestructionResponse,
    UpdateKeyRequest, UpdateKeyResponse,
};
use rpc::{Cx, parse};

use super::KeyApi;
use super::convert;
use super::key_service::MOST_LABELS;
use crate::application::keys::key_states::Edit;
use crate::domain::{DEFAULT_WAIT, LONGEST_WAIT, SHORTEST_WAIT};

impl KeyApi {
    pub(super) async fn update(
        &self,
        cx: Cx,
        mut request: UpdateKeyRequest,
    ) -> Result<UpdateKeyResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = convert::once(&cx, &request_id, &request)?;
        let given = parse::required("key", request.key)?;
        let id = convert::name("key.name", &given.name)?;
        let mask = parse::required("update_mask", request.update_mask)?;
        parse::within("update_mask", mask.paths.len(), 1, 2, "fields")?;
        let mut edit = Edit { labels: None, rotation: None, revision: None };
        for path in &mask.paths {
            match path.as_str() {
                "labels" => {
                    edit.labels = Some(parse::pairs("key.labels", &given.labels, MOST_LABELS)?);
                }
                "rotation_period" => {
                    let period = convert::rotation("key.rotation_period", given.rotation_period)?;
                    edit.rotation = Some(period);
                }
                _ => {
                    let what = "must name labels or rotation_period: nothing else can be changed";
                    return Err(Fault::invalid("update_mask", what));
                }
            }
        }
        if !given.etag.is_empty() {
            let seen = given.etag.parse().ok();
            edit.revision = Some(seen.ok_or_else(|| Fault::invalid("key.etag", "is no etag"))?);
        }
        let key = self.states.update(&cx, &id, edit, once).await?;
        Ok(UpdateKeyResponse { key: Some(convert::key(&key)) })
    }

    pub(super) async fn disable(
        &self,
        cx: Cx,
        request: DisableKeyRequest,
    ) -> Result<DisableKeyResponse> {
        let id = convert::name("name", &request.name)?;
        let key = self.states.disable(&cx, &id, version(request.version)?).await?;
        Ok(DisableKeyResponse { key: Some(convert::key(&key)) })
    }

    pub(super) async fn enable(
        &self,
        cx: Cx,
        request: EnableKeyRequest,
    ) -> Result<EnableKeyResponse> {
        let id = convert::name("name", &request.name)?;
        let restricted = match KeyState::try_from(request.state) {
            Ok(KeyState::Unspecified | KeyState::Enabled) => false,
            Ok(KeyState::DecryptOnly) => true,
            _ => return Err(Fault::invalid("state", "must be ENABLED or DECRYPT_ONLY")),
        };
        let key = self.states.enable(&cx, &id, version(request.version)?, restricted).await?;
        Ok(EnableKeyResponse { key: Some(convert::key(&key)) })
    }

    pub(super) async fn schedule_destruction(
        &self,
        cx: Cx,
        request: ScheduleKeyDestructionRequest,
    ) -> Result<ScheduleKeyDestructionResponse> {
        let id = convert::name("name", &request.name)?;
        let which = (&id, version(request.version)?);
        let wait = convert::span("wait", request.wait)?.unwrap_or(DEFAULT_WAIT);
        let wait = convert::days("wait", wait, SHORTEST_WAIT, LONGEST_WAIT)?;
        let key = self.states.schedule_destruction(&cx, which, wait).await?;
        Ok(ScheduleKeyDestructionResponse { key: Some(convert::key(&key)) })
    }

    pub(super) async fn cancel_destruction(
        &self,
        cx: Cx,
        request: CancelKeyDestructionRequest,
    ) -> Result<CancelKeyDestructionResponse> {
        let id = convert::name("name", &request.name)?;
        let key = self.states.cancel_destruction(&cx, &id, version(request.version)?).await?;
        Ok(CancelKeyDestructionResponse { key: Some(convert::key(&key)) })
    }

    pub(super) async fn usage(
        &self,
        cx: Cx,
        request: GetKeyUsageRequest,
    ) -> Result<GetKeyUsageResponse> {
        let id = convert::name("name", &request.name)?;
        let (key, uses) = self.usage.of(&cx, &id).await?;
        Ok(GetKeyUsageResponse { versions: convert::usage(&key, &uses) })
    }
}

/// None for the whole key.
fn version(number: i32) -> Result<Option<i32>> {
    let number = parse::within("version", number, 0, i32::MAX, "")?;
    Ok((number > 0).then_some(number))
}
