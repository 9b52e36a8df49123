//! Reads what `cutover demo --exit-when-done --output json` printed and ends with 1 where it does not show a demo that
//! worked. `tests/run` asks it; the first argument is the number of hosts that were asked for.

use std::{env, io};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let hosts = env::args()
        .nth(1)
        .context("give the number of hosts that the demo was asked for")?;
    let hosts = hosts
        .parse()
        .with_context(|| format!("{hosts} is no number of hosts"))?;
    let text = io::read_to_string(io::stdin()).context("standard input could not be read")?;
    cutover_tests::demo_summary::check(&text, hosts)?;
    Ok(())
}
