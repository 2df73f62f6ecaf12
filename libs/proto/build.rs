//! Compiles `proto/` to Rust, the descriptor set for Envoy and reflection, and
//! the table of access rules. An RPC without a rule stops the build here.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, ReflectMessage as _, Value,
};
use prost_types::FileDescriptorSet;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new([&root])?;
    // Source info would bring the comments, but triples the set.
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(proto_files(&root)?)?;
    // `file_descriptor_set()` would drop google.api.http, which Envoy needs.
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptor.bin"), &encoded)?;

    let pool = DescriptorPool::decode(encoded.as_slice())?;
    fs::write(out.join("rules.rs"), rules(&pool)?)?;

    let mut builder =
        tonic_prost_build::configure().include_file("modules.rs").bytes(".google.api.HttpBody");
    builder = builder.skip_debug(messages_with_content(&pool));
    builder.compile_fds(FileDescriptorSet::decode(encoded.as_slice())?)?;
    Ok(())
}

fn proto_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.join("signet"), root.join("google")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Messages that hold a field marked `debug_redact`, themselves or inside:
/// they get no `Debug`, so that a payload cannot be printed by accident.
fn messages_with_content(pool: &DescriptorPool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for message in pool.all_messages() {
            if message.fields().any(|field| {
                let marked = field
                    .options()
                    .get_field_by_name("debug_redact")
                    .is_some_and(|v| v.as_bool() == Some(true));
                marked
                    || field
                        .kind()
                        .as_message()
                        .is_some_and(|inner| found.contains(&path_of(inner)))
            }) {
                found.insert(path_of(&message));
            }
        }
        // HttpBody carries chats; its Debug would print them.
        found.insert(".google.api.HttpBody".to_owned());
        if found.len() == before {
            break;
        }
    }
    // A oneof's enum holds the same content as its message.
    let oneofs: Vec<_> = pool
        .all_messages()
        .filter(|message| found.contains(&path_of(message)))
        .flat_map(|message| {
            message.oneofs().map(|oneof| format!(".{}", oneof.full_name())).collect::<Vec<_>>()
        })
        .collect();
    found.extend(oneofs);
    found
}

fn path_of(message: &MessageDescriptor) -> String {
    format!(".{}", message.full_name())
}

fn rules(pool: &DescriptorPool) -> Result<String> {
    let mut rows = Vec::new();
    for service in pool.services().filter(|service| service.package_name().starts_with("signet.")) {
        for method in service.methods() {
            rows.push((
                format!("/{}/{}", service.full_name(), method.name()),
                rule(pool, &method)?,
            ));
        }
    }
    rows.sort();
    let mut code = String::from("/// Every RPC, sorted by path.\npub const RULES: &[Rule] = &[\n");
    for (_, row) in &rows {
        writeln!(code, "    {row},")?;
    }
    code.push_str("];\n");
    Ok(code)
}

fn rule(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<String> {
    let name = method.full_name();
    let extension = pool
        .get_extension_by_name("signet.options.v1.access")
        .ok_or("signet/options/v1/access.proto does not define the option `access`")?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return Err(format!("{name} has no (signet.options.v1.access): say who may call it").into());
    }
    let value = options.get_extension(&extension);
    let access = value.as_message().ok_or("the option `access` is no message")?;
    let (callers, roles) = (names(access, "callers")?, names(access, "roles")?);
    let principal = single(access, "principal")?;
    let counts_users = matches!(principal.as_str(), "User" | "UserOrService");
    if callers.is_empty() || principal == "Unspecified" || counts_users == roles.is_empty() {
        return Err(format!(
            "{name}: callers and principal are required, roles exactly where users count"
        )
        .into());
    }
    let public = callers.iter().any(|caller| caller == "Edge");
    let http = pool
        .get_extension_by_name("google.api.http")
        .ok_or("google/api/annotations.proto is missing")?;
    // Streams in both directions are for gRPC alone: HTTP cannot end one with an error.
    let duplex = method.is_client_streaming() && method.is_server_streaming();
    if (public && !duplex) != options.has_extension(&http) {
        return Err(format!(
            "{name}: google.api.http belongs exactly to the RPCs that the edge may call, except for duplex streams"
        )
        .into());
    }
    let parent = method.parent_service();
    let package = parent.package_name().split('.').nth(1).unwrap_or_default().to_owned();
    Ok(format!(
        "Rule {{ path: \"/{}/{}\", service: \"{package}\", callers: &[{}], principal: Principal::{principal}, roles: &[{}], server_streaming: {}, client_streaming: {} }}",
        parent.full_name(),
        method.name(),
        list("Caller", &callers),
        list("Role", &roles),
        method.is_server_streaming(),
        method.is_client_streaming(),
    ))
}

fn list(kind: &str, variants: &[String]) -> String {
    variants.iter().map(|variant| format!("{kind}::{variant}")).collect::<Vec<_>>().join(", ")
}

fn names(access: &DynamicMessage, field: &str) -> Result<Vec<String>> {
    let descriptor = access.descriptor().get_field_by_name(field).ok_or("no such field")?;
    let kind = descriptor.kind();
    let kind = kind.as_enum().ok_or("not an enum")?;
    let value = access.get_field(&descriptor);
    let values = value.as_list().ok_or("not a list")?;
    values.iter().map(|value| variant(kind, value)).collect()
}

fn single(access: &DynamicMessage, field: &str) -> Result<String> {
    let descriptor = access.descriptor().get_field_by_name(field).ok_or("no such field")?;
    let kind = descriptor.kind();
    variant(kind.as_enum().ok_or("not an enum")?, &access.get_field(&descriptor))
}

/// The Rust name of an enum value: `CALLER_EDGE` is `Edge`.
fn variant(kind: &prost_reflect::EnumDescriptor, value: &Value) -> Result<String> {
    let number = value.as_enum_number().ok_or("not an enum value")?;
    let value = kind.get_value(number).ok_or("an unknown enum value")?;
    let mut name = String::new();
    for word in value.name().split('_').skip(1) {
        let (first, rest) = word.split_at(1);
        name.push_str(first);
        name.push_str(&rest.to_lowercase());
    }
    Ok(name)
}
