use kernel::{Fault, Result};
use proto::envelope::v1::data_key_service_server::DataKeyService;
use proto::envelope::v1::{
    CertifyDestructionRequest, CertifyDestructionResponse, DataKey, GenerateDataKeysRequest,
    GenerateDataKeysResponse, GetKeyEpochRequest, GetKeyEpochResponse, KeyContext,
    ListRewrapsRequest, ListRewrapsResponse, ReportRewrapRequest, ReportRewrapResponse,
    RewrapDataKeysRequest, RewrapDataKeysResponse, UnwrapDataKeysRequest, UnwrapDataKeysResponse,
    WrappedDataKey,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use crate::application::at_rest::certificates::Certificates;
use crate::application::at_rest::data_keys::{DataKeys, Pairs};
use crate::application::at_rest::kek_rewraps::KekRewraps;

/// At once.
pub(super) const MOST: usize = 1_000;
const MOST_PAIRS: usize = 8;
/// Of what the service adds itself.
const RESERVED: &str = "signet.";

pub struct DataKeyApi {
    pub data_keys: DataKeys,
    pub rewraps: KekRewraps,
    pub certificates: Certificates,
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
        self.rewraps.remember(&cx).await?;
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
        let keys = wrapped(request.keys)?;
        let opened = self.data_keys.unwrap(&cx, keys).await?;
        let plaintexts = opened.iter().map(|key| key.expose().to_vec()).collect();
        Ok(UnwrapDataKeysResponse { plaintexts })
    }
}

pub(super) fn wrapped(keys: Vec<WrappedDataKey>) -> Result<Vec<(Vec<u8>, Pairs)>> {
    let one = |(index, key): (usize, WrappedDataKey)| {
        let field = format!("keys[{index}].context");
        let context = parse::required(&field, key.context)?;
        Ok((key.wrapped, pairs(&field, &context)?))
    };
    keys.into_iter().enumerate().map(one).collect()
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

    async fn list_rewraps(
        &self,
        request: Request<ListRewrapsRequest>,
    ) -> Result<Response<ListRewrapsResponse>, Status> {
        rpc::unary(request, |cx, message| self.list_open(cx, message)).await
    }

    async fn rewrap_data_keys(
        &self,
        request: Request<RewrapDataKeysRequest>,
    ) -> Result<Response<RewrapDataKeysResponse>, Status> {
        rpc::unary(request, |cx, message| self.rewrap(cx, message)).await
    }

    async fn report_rewrap(
        &self,
        request: Request<ReportRewrapRequest>,
    ) -> Result<Response<ReportRewrapResponse>, Status> {
        rpc::unary(request, |cx, message| self.report(cx, message)).await
    }

    async fn certify_destruction(
        &self,
        request: Request<CertifyDestructionRequest>,
    ) -> Result<Response<CertifyDestructionResponse>, Status> {
        rpc::unary(request, |cx, message| self.certify(cx, message)).await
    }
}
