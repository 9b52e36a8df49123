//! The registry in words: what `reg export` writes and `reg query` prints.

#![no_main]

use cutover_agent::parse::registry_text::{export, query};

const PARENT: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";

bounded::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let exported = export(&text).unwrap_or_default();
    for key in exported.into_iter().chain(query(&text)) {
        for (name, value) in &key.values {
            assert!(key.value(name).is_some(), "{value:?} is there and not found");
        }
        if let Some(name) = key.name_below(PARENT) {
            assert!(
                key.path.ends_with(name) && !name.contains('\\'),
                "{name} is not right below"
            );
        }
    }
});
