//! Between messages and the domain's types.

use chrono::DateTime;
use db::idempotency::{Digest, Key};
use kernel::{Fault, Result, Timestamp};
use proto::auth::v1 as wire;
use rpc::{Cx, parse};

use crate::application::ports::Once;
use crate::domain::{ApiKey, User};

pub(super) fn time(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

/// A time in the future, cut to what databases keep.
pub(super) fn future(
    field: &str,
    value: Option<prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let Some(value) = value else { return Ok(None) };
    u32::try_from(value.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos - nanos % 1_000))
        // Four digits for the year, as protobuf has it; databases agree on no more.
        .filter(|at| *at > now && at.timestamp() < 253_402_300_800)
        .map(Some)
        .ok_or_else(|| Fault::invalid(field, "must be a time in the future"))
}

/// What makes a retry known; `request` is its encoding without `request_id`.
pub(super) fn once(cx: &Cx, request_id: &str, request: &[u8]) -> Result<Option<Once>> {
    parse::request_id(request_id)?;
    let user = cx.principal()?.user;
    let key = Key::new(cx.tenant(), user, cx.method(), request_id)?;
    Ok(key.map(|key| Once { key, digest: Digest::of(request) }))
}

pub(super) fn user(user: User) -> wire::User {
    wire::User {
        name: format!("users/{}", user.id),
        email: user.email.as_str().to_owned(),
        roles: user.roles.names(),
        create_time: Some(time(user.created)),
    }
}

pub(super) fn api_key(key: ApiKey) -> wire::ApiKey {
    wire::ApiKey {
        name: key.name(),
        display_name: key.display_name,
        owner: format!("users/{}", key.owner),
        create_time: Some(time(key.created)),
        expire_time: key.expires.map(time),
        revoke_time: key.revoked.map(time),
        hint: key.hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_ahead_that_can_be_stored() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
        assert_eq!(future("f", None, now).unwrap(), None);
        let good = future("f", at(1_790_000_001, 5_123), now).unwrap().unwrap();
        assert_eq!(good.timestamp_subsec_nanos(), 5_000);
        for bad in [
            at(1_790_000_000, 0),
            at(0, 0),
            at(i64::MAX, 0),
            at(253_402_300_800, 0),
            at(1_790_000_001, -1),
        ] {
            assert_eq!(future("f", bad, now).unwrap_err().violations()[0].field, "f");
        }
    }
}
