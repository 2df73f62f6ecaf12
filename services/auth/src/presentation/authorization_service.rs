//! Envoy's external authorization, for the edge.

use std::collections::HashMap;

use kernel::{Reason, Result, common};
use proto::{Caller, Principal, Rule};
use rpc::{Cx, token};
use tonic::{Code, Request, Response, Status};

use super::ext_authz::check_response::HttpResponse;
use super::ext_authz::header_value_option::HeaderAppendAction;
use super::ext_authz::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpStatus,
    OkHttpResponse, Status as RpcStatus,
};
use crate::application::check::{Check, Decision};

/// Envoy's method has no rule in `proto/`; this is it.
pub const CHECK: &[Rule] = &[Rule {
    path: "/envoy.service.auth.v3.Authorization/Check",
    service: "auth",
    callers: &[Caller::Edge],
    principal: Principal::Anonymous,
    roles: &[],
    server_streaming: false,
    client_streaming: false,
}];

/// What the edge limits the rate by.
const USER: &str = "x-signet-user";
/// Headers that only the edge may set.
const OURS: &str = "x-signet-";
const AUTHORIZATION: &str = "authorization";

pub struct AuthorizationApi {
    pub use_case: Check,
}

impl AuthorizationApi {
    async fn answer(&self, cx: Cx, request: CheckRequest) -> Result<CheckResponse> {
        let http = request.attributes.and_then(|attributes| attributes.request);
        let http = http.and_then(|request| request.http).unwrap_or_default();
        let authorization = http.headers.get(AUTHORIZATION).map(String::as_str);
        let decision = self.use_case.run(&cx, &http.path, authorization).await?;
        let outcome = match &decision {
            Decision::Anonymous => "anonymous",
            Decision::Passed { .. } => "passed",
            Decision::Unknown => "unknown",
            Decision::Unauthenticated(reason) => reason.code,
        };
        metrics::counter!("signet_auth_checks_total", "outcome" => outcome).increment(1);
        Ok(match decision {
            Decision::Anonymous => passed(Vec::new(), &http.headers),
            Decision::Passed { token, user } => {
                let headers = vec![
                    overwrite(token::HEADER, token.expose()),
                    overwrite(USER, &user.to_string()),
                ];
                passed(headers, &http.headers)
            }
            Decision::Unknown => denied(404, Code::Unimplemented, &common::RESOURCE_NOT_FOUND),
            Decision::Unauthenticated(reason) => denied(401, Code::Unauthenticated, reason),
        })
    }
}

fn overwrite(key: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: key.to_owned(), value: value.to_owned() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

/// Sets the headers; takes away the credential, and what pretends to be ours.
/// Envoy removes last, so what is set must not be on the list.
fn passed(headers: Vec<HeaderValueOption>, given: &HashMap<String, String>) -> CheckResponse {
    let is_set = |name: &str| {
        headers.iter().filter_map(|option| option.header.as_ref()).any(|header| header.key == name)
    };
    let mut headers_to_remove = vec![AUTHORIZATION.to_owned()];
    // Named even if the edge did not show them to us: it shows only a few headers.
    let fixed = [token::HEADER, USER];
    let found = given.keys().map(String::as_str).filter(|name| name.starts_with(OURS));
    let strangers = found.filter(|name| !fixed.contains(name));
    let all = fixed.into_iter().chain(strangers);
    headers_to_remove.extend(all.filter(|name| !is_set(name)).map(str::to_owned));
    CheckResponse {
        status: Some(RpcStatus { code: Code::Ok.into() }),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
            headers,
            headers_to_remove,
        })),
    }
}

/// Plain text, `REASON: message`: the edge gives it the shape of its errors.
fn denied(status: i32, code: Code, reason: &Reason) -> CheckResponse {
    // RFC 9110, section 11.6.1.
    let challenge = (status == 401).then(|| overwrite("www-authenticate", "Bearer"));
    CheckResponse {
        status: Some(RpcStatus { code: code.into() }),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: status }),
            headers: challenge.into_iter().collect(),
            body: format!("{}: {}", reason.code, reason.message),
        })),
    }
}

impl AuthorizationApi {
    pub(super) async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        rpc::unary(request, |cx, message| self.answer(cx, message)).await
    }
}
