//! What macOS's tools print.

#![no_main]

use cutover_agent::{
    facts::ps,
    parse::{filevault, ioreg, pmset, system_extensions},
};

bounded::fuzz_target!(|data: &[u8]| {
    let _ = filevault::is_encrypted(data);
    let _ = ioreg::firmware(data);
    let _ = pmset::read(data);
    let _ = ps::processes(data);
    let _ = system_extensions::parse(data);
});
