//! A recorded host (`scan --replay`): read, written and read again.

#![no_main]

use cutover_agent::host::Fixture;

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(host) = Fixture::from_json(text) else { return };
    let written = host.to_json().expect("what was read can be written");
    Fixture::from_json(&written).expect("what was written can be read");
});
