use chrono::DateTime;
use db::page::{Page, Scope};
use kernel::{Fault, Result};
use proto::envelope::v1::certificate_service_server::CertificateService;
use proto::envelope::v1::{
    Certificate, CertifyDestructionRequest, CertifyDestructionResponse, ListCertificatesRequest,
    ListCertificatesResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::data_key_service::DataKeyApi;
use super::kek_service::time;
use crate::application::at_rest::certificates::{Certificates, Destruction};
use crate::application::ports::Issued;

/// Destroyed at once.
const MOST: usize = 500;
const SUBJECT: usize = 128;

pub struct CertificateApi {
    pub certificates: Certificates,
}

impl CertificateApi {
    async fn list(
        &self,
        cx: Cx,
        request: ListCertificatesRequest,
    ) -> Result<ListCertificatesResponse> {
        parse::within("subject", request.subject.len(), 0, SUBJECT, "bytes")?;
        let (tenant, filter) = (cx.tenant(), request.subject.as_str());
        let scope = Scope { tenant, method: cx.method(), filter };
        let page = Page::<Uuid>::parse(&scope, request.page_size, &request.page_token)?;
        let issued = &self.certificates.issued;
        let found = issued.list(tenant, filter, page.after, page.limit()).await?;
        let (found, next_page_token) = page.cut(&scope, found, |issued| issued.serial)?;
        let certificates = found.into_iter().map(message).collect();
        Ok(ListCertificatesResponse { certificates, next_page_token })
    }
}

impl DataKeyApi {
    pub(super) async fn certify(
        &self,
        cx: Cx,
        request: CertifyDestructionRequest,
    ) -> Result<CertifyDestructionResponse> {
        parse::within("wrapped_digests", request.wrapped_digests.len(), 1, MOST, "digests")?;
        parse::within("subject", request.subject.len(), 1, SUBJECT, "bytes")?;
        let digest = |(at, bytes): (usize, Vec<u8>)| {
            let wrong = |_| Fault::invalid(format!("wrapped_digests[{at}]"), "must be 32 bytes");
            <[u8; 32]>::try_from(bytes).map_err(wrong)
        };
        let at = parse::required("destroy_time", request.destroy_time)?;
        let destroyed = Destruction {
            id: Uuid::try_parse(&request.id).map_err(|_| Fault::invalid("id", "must be a UUID"))?,
            tenant: parse::resource("tenant", "tenants", &request.tenant)?,
            subject: request.subject,
            digests: request
                .wrapped_digests
                .into_iter()
                .enumerate()
                .map(digest)
                .collect::<Result<_>>()?,
            at: DateTime::from_timestamp(at.seconds, 0)
                .ok_or_else(|| Fault::invalid("destroy_time", "is no time"))?,
        };
        self.certificates.certify(&cx, destroyed).await?;
        Ok(CertifyDestructionResponse {})
    }
}

fn message(issued: Issued) -> Certificate {
    Certificate {
        name: format!("certificates/{}", issued.id),
        subject: issued.subject,
        statement: issued.statement,
        event: issued.event.to_string(),
        create_time: Some(time(issued.at)),
    }
}

#[tonic::async_trait]
impl CertificateService for CertificateApi {
    async fn list_certificates(
        &self,
        request: Request<ListCertificatesRequest>,
    ) -> Result<Response<ListCertificatesResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }
}
