//! What the agent starts to have Windows Installer asked: a process of its own, which outlives it.

use std::{
    io::{self, Read as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use zeroize::Zeroizing;

use crate::host::hands::windows::msi::{self, Request};

/// More than any request has.
const LONGEST: u64 = 1 << 20;

/// Reads one request from standard input, carries it out, and ends with what Windows Installer answered.
pub(super) fn run() -> Result<ExitCode> {
    let mut said = Zeroizing::new(Vec::new());
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_end(&mut said)
        .context("the request cannot be read")?;
    if said.is_empty() {
        bail!("this is for the agent itself, which says over standard input what is to be done");
    }
    let request: Request = serde_json::from_slice(&said).context("the request cannot be understood")?;
    let answer = msi::perform(&request);
    // What follows runs no destructor, and these blank what they hold.
    drop((request, said));
    // Its codes are wider than an ExitCode.
    std::process::exit(answer.cast_signed());
}
