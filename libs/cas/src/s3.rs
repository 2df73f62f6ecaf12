//! S3 and what speaks like it.

use std::fs;
use std::sync::Arc;

use kernel::{Result, Secret};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut, S3CopyIfNotExists};
use object_store::prefix::PrefixStore;

use crate::blobs::misconfigured;
use crate::settings::S3Settings;

pub(crate) fn open(settings: &S3Settings) -> Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_allow_http(settings.allow_http)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // The only create-only copy that S3 itself has: CompleteMultipartUpload
        // with If-None-Match.
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    match (&settings.access_key_id, &settings.secret_access_key_file) {
        (Some(id), Some(file)) => {
            let secret = fs::read_to_string(file)
                .map(Secret::new)
                .map_err(|error| misconfigured(format!("{}: {error}", file.display())))?;
            builder =
                builder.with_access_key_id(id).with_secret_access_key(secret.expose().trim_end());
        }
        (None, None) => {}
        _ => {
            let note = "access_key_id and secret_access_key_file go together";
            return Err(misconfigured(note.into()));
        }
    }
    // Its errors name settings and never their values.
    let store = builder.build().map_err(|error| misconfigured(error.to_string()))?;
    Ok(match &settings.prefix {
        Some(prefix) => Arc::new(PrefixStore::new(store, prefix.as_str())),
        None => Arc::new(store),
    })
}
