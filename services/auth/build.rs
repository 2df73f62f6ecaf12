//! Compiles the part of Envoy's external authorization that auth speaks.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=migrations");
    let files = protox::compile(["ext_authz.proto"], ["proto"])?;
    // The request carries credentials: it must not be printable.
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .skip_debug([
            ".envoy.service.auth.v3.CheckRequest",
            ".envoy.service.auth.v3.AttributeContext",
            ".envoy.service.auth.v3.AttributeContext.Request",
            ".envoy.service.auth.v3.AttributeContext.HttpRequest",
            ".envoy.service.auth.v3.CheckResponse",
            ".envoy.service.auth.v3.CheckResponse.http_response",
            ".envoy.service.auth.v3.OkHttpResponse",
            ".envoy.service.auth.v3.DeniedHttpResponse",
            ".envoy.service.auth.v3.HeaderValueOption",
            ".envoy.service.auth.v3.HeaderValue",
        ])
        .compile_fds(files)?;
    Ok(())
}
