//! Property lists, in XML and in binary.

#![no_main]

use cutover_agent::parse::{install_history, property_list};

bounded::fuzz_target!(|data: &[u8]| {
    let _ = property_list::bundle_version(data);
    let _ = property_list::system_version(data);
    let _ = install_history::newest(data, |id| id.starts_with("com.kaspersky."));
});
