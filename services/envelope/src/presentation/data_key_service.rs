use kernel::{Fault, Result};
use proto::envelope::v1::data_key_service_server::DataKeyService;
use proto::envelope::v1::{
    DataKey, GenerateDataKeysRequest, GenerateDataKeysResponse, GetKeyEpochRequest,
    GetKeyEpochResponse, KeyContext, UnwrapDataKeysRequest, UnwrapDataKeysResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use crate::application::data_keys::{DataKeys, Pairs};

/// At once.
const MOST: usize = 1_000;
const MOST_PAIRS: usize = 8;
/// Of what the service adds itself.
const RESERVED: &str = "signet.";

pub struct DataKeyApi {
    pub data_keys: DataKeys,
}

impl DataKeyApi {
    async fn generate(
        &self,
        cx: Cx,
        request: GenerateDataKeysRequest,
    ) -> Result<GenerateDataKeysResponse> {
        parse::within("contexts", request.contexts.len(), 1, MOST, "contexts")?;
        let contexts = request
            .contexts
            .iter()
            .enumerate()
            .map(|(index, context)| pairs(&format!("contexts[{index}]"), context))
            .collect::<Result<_>>()?;
        let made = self.data_keys.generate(&cx, contexts).await?;
        let keys = made.iter().map(|key| DataKey {
            plaintext: key.plaintext.expose().to_vec(),
            wrapped: key.wrapped.to_bytes(),
        });
        Ok(GenerateDataKeysResponse { keys: keys.collect() })
    }

    async fn unwrap(
        &self,
        cx: Cx,
        request: UnwrapDataKeysRequest,
    ) -> Result<UnwrapDataKeysResponse> {
        parse::within("keys", request.keys.len(), 1, MOST, "keys")?;
        let keys = request
            .keys
            .into_iter()
            .enumerate()
            .map(|(index, key)| {
                let field = format!("keys[{index}].context");
                let context = parse::required(&field, key.context)?;
                Ok((key.wrapped, pairs(&field, &context)?))
            })
            .collect::<Result<_>>()?;
        let opened = self.data_keys.unwrap(&cx, keys).await?;
        let plaintexts = opened.iter().map(|key| key.expose().to_vec()).collect();
        Ok(UnwrapDataKeysResponse { plaintexts })
    }
}

fn pairs(field: &str, context: &KeyContext) -> Result<Pairs> {
    let field = format!("{field}.fields");
    let pairs = parse::pairs(&field, &context.fields, MOST_PAIRS)?;
    parse::within(&field, pairs.len(), 1, MOST_PAIRS, "pairs")?;
    match pairs.iter().position(|(key, _)| key.starts_with(RESERVED)) {
        Some(index) => {
            Err(Fault::invalid(format!("{field}[{index}].key"), "must not begin with `signet.`"))
        }
        None => Ok(pairs),
    }
}

#[tonic::async_trait]
impl DataKeyService for DataKeyApi {
    async fn generate_data_keys(
        &self,
        request: Request<GenerateDataKeysRequest>,
    ) -> Result<Response<GenerateDataKeysResponse>, Status> {
        rpc::unary(request, |cx, message| self.generate(cx, message)).await
    }

    async fn unwrap_data_keys(
        &self,
        request: Request<UnwrapDataKeysRequest>,
    ) -> Result<Response<UnwrapDataKeysResponse>, Status> {
        rpc::unary(request, |cx, message| self.unwrap(cx, message)).await
    }

    async fn get_key_epoch(
        &self,
        request: Request<GetKeyEpochRequest>,
    ) -> Result<Response<GetKeyEpochResponse>, Status> {
        let answer = async |cx: Cx, _| {
            let epoch = self.data_keys.epochs.current(cx.tenant()).await?;
            Ok(GetKeyEpochResponse { epoch })
        };
        rpc::unary(request, answer).await
    }
}
