//! Writing to memory and to S3, create-only.

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use kernel::{Fault, Result};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, WriteMultipart,
};
use uuid::Uuid;

use crate::blobs::Put;
use crate::frame::Frame;

/// Above this a blob is uploaded in parts.
const SINGLE_PUT: usize = 8 * 1024 * 1024;
const PARTS_IN_FLIGHT: usize = 4;

pub(crate) async fn create(
    store: &dyn ObjectStore,
    target: &Path,
    mut frame: Frame,
    mut content: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> Result<Put> {
    let (mut head, mut size) = (Vec::new(), 0);
    while let Some(chunk) = content.try_next().await? {
        frame.push(&chunk)?;
        size += chunk.len();
        head.push(chunk);
        if size > SINGLE_PUT {
            return in_parts(store, target, frame, head, content).await;
        }
    }
    head.push(frame.trailer());
    let created = store.put_opts(target, PutPayload::from_iter(head), PutMode::Create.into());
    outcome(created.await.map(drop))
}

/// An upload in parts has no create-only mode, so it goes to a name of its own
/// first and is then copied, create-only, by the store.
async fn in_parts(
    store: &dyn ObjectStore,
    target: &Path,
    mut frame: Frame,
    head: Vec<Bytes>,
    mut content: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> Result<Put> {
    let staged = Path::from(format!("staging/{}", Uuid::now_v7()));
    let mut upload =
        WriteMultipart::new(store.put_multipart(&staged).await.map_err(Fault::unavailable)?);
    head.into_iter().for_each(|chunk| upload.put(chunk));
    let written = async {
        while let Some(chunk) = content.try_next().await? {
            frame.push(&chunk)?;
            upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(Fault::unavailable)?;
            upload.put(chunk);
        }
        upload.put(frame.trailer());
        Ok(())
    }
    .await;
    if let Err(fault) = written {
        // The fault that stopped the upload is the one to report.
        let _ = upload.abort().await;
        return Err(fault);
    }
    upload.finish().await.map_err(Fault::unavailable)?;
    let options = CopyOptions::default().with_mode(CopyMode::Create);
    let put = outcome(store.copy_opts(&staged, target, options).await);
    if let Err(error) = store.delete(&staged).await {
        tracing::warn!(%error, "a staged upload could not be removed");
    }
    put
}

fn outcome(result: object_store::Result<()>) -> Result<Put> {
    match result {
        Ok(()) => Ok(Put::Created),
        Err(Error::AlreadyExists { .. }) => Ok(Put::Existed),
        Err(error) => Err(Fault::unavailable(error)),
    }
}
