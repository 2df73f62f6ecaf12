//! Public halves as other programs read them, to be kept for a while.

use crypto::{PublicKey, provider};
use kernel::{Fault, Result};
use proto::envelope::v1::{ExportPublicKeyRequest, GetKeySetRequest, PublicKeyFormat};
use proto::google::api::HttpBody;
use reasons::envelope::{KEY_DISABLED, KEY_SET_TOO_LARGE};
use rpc::Cx;
use tonic::Response;
use tonic::metadata::MetadataValue;

use super::KeyApi;
use super::key_enrol::version_or_primary;
use super::{convert, key_filter};
use crate::application::ports::Query;
use crate::domain::{State, Version};

/// Keys of a set.
const MOST: usize = 1_000;
/// A key that is disabled leaves copies of the set this late; nothing that the
/// service does itself looks at them. Others' copies in between are none of a
/// shared cache's: who may read the keys of a tenant is decided here.
const KEEP: &str = "private, max-age=300";

impl KeyApi {
    pub(super) async fn export(&self, cx: Cx, request: ExportPublicKeyRequest) -> Result<HttpBody> {
        let id = convert::name("name", &request.name)?;
        let format = PublicKeyFormat::try_from(request.format)
            .map_err(|_| Fault::invalid("format", "must be JWK or PEM"))?;
        let which = version_or_primary(request.version)?;
        let key = self.directory.get(&cx, &id).await?;
        let keyed = match which {
            Some(number) => key.version(number).ok_or_else(Fault::not_found)?,
            None => key.primary().ok_or_else(|| Fault::new(&KEY_DISABLED))?,
        };
        let public = public_of(&keyed.version)?;
        Ok(match format {
            PublicKeyFormat::Pem => body("application/x-pem-file", public.to_pem()),
            _ => body("application/jwk+json", public.to_jwk()),
        })
    }

    pub(super) async fn key_set(&self, cx: Cx, request: GetKeySetRequest) -> Result<HttpBody> {
        let terms = key_filter::parse(&request.filter)?;
        let query = Query { before: None, limit: MOST as i64 + 1, terms };
        let keys = self.directory.list(&cx, &query).await?;
        if keys.len() > MOST {
            return Err(Fault::new(&KEY_SET_TOO_LARGE));
        }
        let published =
            |version: &&Version| version.state == State::Pending || version.state.may_process();
        let versions = keys.iter().filter(|key| !key.head.disabled).flat_map(|key| &key.versions);
        let public: Vec<_> = versions.filter(published).map(public_of).collect::<Result<_>>()?;
        Ok(body("application/jwk-set+json", crypto::key_set(&public)))
    }
}

/// Says how long the document may be kept, and by what it is recognized.
pub(super) fn cacheable(mut response: Response<HttpBody>) -> Response<HttpBody> {
    let digest = provider::default().sha256(&[&response.get_ref().data]);
    let tag = format!("\"{}\"", hex::encode(digest.get(..16).unwrap_or_default()));
    if let Ok(tag) = MetadataValue::try_from(tag) {
        response.metadata_mut().insert("etag", tag);
    }
    response.metadata_mut().insert("cache-control", MetadataValue::from_static(KEEP));
    response
}

fn public_of(version: &Version) -> Result<PublicKey> {
    PublicKey::from_jwk(&version.public_jwk).map_err(Fault::internal)
}

fn body(content_type: &str, text: String) -> HttpBody {
    HttpBody {
        content_type: content_type.to_owned(),
        data: text.into_bytes().into(),
        extensions: Vec::new(),
    }
}
