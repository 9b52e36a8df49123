//! Certificates in PEM.

#![no_main]

use cutover_agent::parse::certificate;

bounded::fuzz_target!(|data: &[u8]| {
    let _ = certificate::subjects(data);
});
