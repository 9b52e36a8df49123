//! The agent's settings, as a file.

#![no_main]

use std::path::Path;

use cutover_agent::config::Config;

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Config::of_text(Path::new("/fuzzed.toml"), text).map_err(|error| error.to_string());
});
