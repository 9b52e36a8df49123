//! What Linux's kernel and service manager show in text.

#![no_main]

use cutover_agent::parse::{
    cgroup, fanotify, kernel_modules, locale, mountinfo, os_release, own_process, unit, uptime,
};

bounded::fuzz_target!(|data: &[u8]| {
    let _ = cgroup::events(data);
    let _ = kernel_modules::names(data);
    let _ = mountinfo::parse(data);
    let _ = locale::of_file(data);
    let _ = os_release::parse(data);
    let _ = unit::parse(data);
    let _ = uptime::seconds(data);
    let text = String::from_utf8_lossy(data);
    let _ = fanotify::asks_permission(&text);
    let _ = own_process::memory_kib(&text);
    let _ = own_process::cpu_ms(&text);
});
