//! Boots a machine, says where it lies, and holds it until it is killed: for the test of what is left then.

use std::io::Read;

use anyhow::Result;
use cutover_tests::harness::machine::{Machine, Network, Setup};

fn main() -> Result<()> {
    let mut machine = Machine::assemble(&Setup {
        hostname: "held",
        network: Network::Own,
        volumes: &[],
    })?;
    machine.boot()?;
    #[expect(clippy::print_stdout, reason = "the test that started this reads it")]
    {
        println!("booted {}", machine.path().display());
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
