//! What products and tools say when they are asked.

#![no_main]

use cutover_agent::parse::{clamd, falcon, installs, mdatp, needs_restart, upkeep};

bounded::fuzz_target!(|data: &[u8]| {
    let _ = clamd::version(data);
    let _ = falcon::state(data);
    let _ = mdatp::health(data);
    let _ = needs_restart::needs_restart(data);
    let _ = upkeep::kesl_bases(data);
    for read in [installs::apt, installs::dpkg, installs::rpm, installs::zypp] {
        let _ = read(data, &["kesl", "klnagent64"]);
    }
    // What old products leave in registry and configuration, and what installers call a day.
    let text = String::from_utf8_lossy(data);
    let _ = upkeep::network_agent_instant(&text);
    let _ = upkeep::server(&text);
    let _ = upkeep::installer_day(&text);
});
