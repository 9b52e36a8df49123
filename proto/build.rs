//! Compiles the wire without a protoc: protox reads the .proto files, prost and tonic write the Rust.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let protos = ["cutover/v1/agent.proto"];
    for proto in protos {
        println!("cargo:rerun-if-changed={proto}");
    }
    println!("cargo:rerun-if-changed=rules");

    let descriptors = protox::compile(protos, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Kept beside the code so that tests can walk every method and message.
    fs::write(out.join("descriptors.bin"), prost_bytes(&descriptors))?;

    tonic_prost_build::configure()
        .client_mod_attribute("cutover.v1", "#[cfg(feature = \"client\")]")
        .server_mod_attribute("cutover.v1", "#[cfg(feature = \"server\")]")
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}

fn prost_bytes(message: &impl prost::Message) -> Vec<u8> {
    message.encode_to_vec()
}
