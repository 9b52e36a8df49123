//! dpkg's status database.

#![no_main]

use cutover_agent::parse::dpkg;

bounded::fuzz_target!(|data: &[u8]| {
    for stanza in dpkg::stanzas(data).flatten() {
        let _ = stanza.to_package();
    }
});
