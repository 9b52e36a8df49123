//! What products and tools say when they are asked.

#![no_main]

use cutover_agent::parse::{clamd, falcon, mdatp, needs_restart};

bounded::fuzz_target!(|data: &[u8]| {
    let _ = clamd::version(data);
    let _ = falcon::state(data);
    let _ = mdatp::health(data);
    let _ = needs_restart::needs_restart(data);
});
