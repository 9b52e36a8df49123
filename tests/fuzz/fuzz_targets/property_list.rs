//! Property lists, in XML and in binary.

#![no_main]

use cutover_agent::parse::property_list;

bounded::fuzz_target!(|data: &[u8]| {
    let _ = property_list::bundle_version(data);
    let _ = property_list::system_version(data);
});
