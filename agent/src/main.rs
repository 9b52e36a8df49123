//! `cutover-agent`: the light agent of every workstation and server.

use std::process::ExitCode;

use clap::Parser;
use cutover_agent::{app::HostClock, cli::Arguments};

fn main() -> ExitCode {
    // One provider for the whole process; it fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Arguments::parse().carry_out(HostClock::host_ms())
}
