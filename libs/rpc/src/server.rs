//! A gRPC server on a Unix socket, behind the guard.

use std::future::Future;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kernel::{Fault, Result};
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::guard::Guard;

/// A socket's path can have no more bytes: `sun_path` holds 108 bytes with its end mark.
pub const LONGEST_SOCKET_PATH: usize = 107;

/// Listens on a socket that only its owner can reach. A socket that another
/// process still serves is left alone; a stale one is replaced.
pub async fn bind(path: &Path) -> Result<UnixListener> {
    let shown = path.display();
    if path.as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(Fault::internal(format!(
            "server.listen: {shown} is longer than {LONGEST_SOCKET_PATH} bytes; choose a shorter path"
        )));
    }
    if path.exists() {
        if UnixStream::connect(path).await.is_ok() {
            return Err(Fault::internal(format!(
                "server.listen: {shown} is served by another process"
            )));
        }
        std::fs::remove_file(path)
            .map_err(|error| Fault::internal(format!("server.listen: {shown}: {error}")))?;
    }
    let listener = UnixListener::bind(path)
        .map_err(|error| Fault::internal(format!("server.listen: {shown}: {error}")))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(Fault::internal)?;
    Ok(listener)
}

/// Serves until `shutdown`, then lets the calls in flight end.
pub async fn serve(
    listener: UnixListener,
    guard: Guard,
    routes: Routes,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    Server::builder()
        .http2_keepalive_interval(Some(std::time::Duration::from_secs(30)))
        .layer(guard)
        .add_routes(routes)
        .serve_with_incoming_shutdown(UnixListenerStream::new(listener), shutdown)
        .await
        .map_err(Fault::internal)
}
