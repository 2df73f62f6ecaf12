use std::collections::BTreeSet;

use kernel::{Fault, Result};
use proto::anonymizer::v1::vault_service_server::VaultService;
use proto::anonymizer::v1::{
    EraseTokensRequest, EraseTokensResponse, OpenTokensRequest, OpenTokensResponse, OpenedToken,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use super::text_service::LONGEST_SUBJECT;
use crate::application::vault::Vault;

const MOST_TOKENS: usize = 1_000;
/// Bytes of all values of an answer.
const LARGEST_VALUES: usize = 8 * 1024 * 1024;

pub struct VaultApi(pub Vault);

impl VaultApi {
    async fn open(&self, cx: Cx, request: OpenTokensRequest) -> Result<OpenTokensResponse> {
        parse::within("tokens", request.tokens.len(), 1, MOST_TOKENS, "tokens")?;
        let read = |(index, token): (usize, &String)| {
            let wrong = || Fault::invalid(format!("tokens[{index}]"), "is no token of the vault");
            transform::read_token(token).ok_or_else(wrong)
        };
        let asked = request.tokens.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
        let ids: BTreeSet<_> = asked.iter().map(|(_, id)| *id).collect();
        let opened = self.0.open(&cx, &ids).await?;
        let (mut tokens, mut size) = (Vec::with_capacity(asked.len()), 0);
        for (token, (entity, id)) in request.tokens.into_iter().zip(&asked) {
            let value = opened.value(id, entity.as_str());
            size += value.map_or(0, str::len);
            if size > LARGEST_VALUES {
                return Err(Fault::invalid("tokens", "stand for more than 8 MiB: ask for fewer"));
            }
            let (opened, value) = (value.is_some(), value.unwrap_or_default().to_owned());
            tokens.push(OpenedToken { token, opened, value });
        }
        Ok(OpenTokensResponse { tokens })
    }

    async fn erase(&self, cx: Cx, request: EraseTokensRequest) -> Result<EraseTokensResponse> {
        parse::within("subject", request.subject.len(), 1, LONGEST_SUBJECT, "bytes")?;
        let erased = self.0.erase(&cx, &request.subject).await?;
        Ok(EraseTokensResponse { erased: i64::try_from(erased).map_err(Fault::internal)? })
    }
}

#[tonic::async_trait]
impl VaultService for VaultApi {
    async fn open_tokens(
        &self,
        request: Request<OpenTokensRequest>,
    ) -> Result<Response<OpenTokensResponse>, Status> {
        rpc::unary(request, |cx, message| self.open(cx, message)).await
    }

    async fn erase_tokens(
        &self,
        request: Request<EraseTokensRequest>,
    ) -> Result<Response<EraseTokensResponse>, Status> {
        rpc::unary(request, |cx, message| self.erase(cx, message)).await
    }
}
