//! Compiles the protocol buffers with protox (no `protoc` is needed) into prost messages, tonic services and their
//! canonical JSON form.
use prost::Message as _;
use std::{error::Error, path::PathBuf};

const FILES: [&str; 17] = [
    "gpux/evidence/v1/signed.proto",
    "gpux/evidence/v1/probe.proto",
    "gpux/evidence/v1/identity.proto",
    "gpux/evidence/v1/session.proto",
    "gpux/evidence/v1/report.proto",
    "gpux/evidence/v1/relay.proto",
    "gpux/evidence/v1/log.proto",
    "gpux/node/v1/node.proto",
    "gpux/relay/v1/relay.proto",
    "gpux/oracle/v1/reputation.proto",
    "gpux/oracle/v1/evidence.proto",
    "gpux/oracle/v1/registry.proto",
    "gpux/oracle/v1/log.proto",
    "gpux/oracle/v1/schedule.proto",
    "gpux/oracle/v1/rewards.proto",
    "gpux/oracle/v1/arbitration.proto",
    "gpux/oracle/v1/usage.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=gpux");
    let descriptors = protox::compile(FILES, ["."])?;
    let bytes = descriptors.encode_to_vec();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), &bytes)?;
    tonic_prost_build::configure()
        .bytes(".gpux.node.v1.Upload.data")
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_well_known_types(true)
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new()
        .register_descriptors(&bytes)?
        .extern_path(".google.protobuf", "::pbjson_types")
        .build(&[".gpux"])?;
    Ok(())
}
