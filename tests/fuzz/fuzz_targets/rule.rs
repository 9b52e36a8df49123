//! A rule's file, as a server sends it.

#![no_main]

use cutover_proto::rule::Rule;

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Rule::parse("fuzzed.toml", text).map_err(|error| error.to_string());
});
