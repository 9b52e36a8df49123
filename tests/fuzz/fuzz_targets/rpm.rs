//! rpm's list: what it prints, and after the first NUL what it complains of.

#![no_main]

use cutover_agent::parse::rpm;

bounded::fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (stdout, stderr) = data.split_at(at);
    if let Ok(packages) = rpm::packages(stdout, stderr) {
        for package in packages {
            let _ = package.to_package();
        }
    }
});
