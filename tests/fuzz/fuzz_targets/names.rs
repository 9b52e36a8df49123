//! Names and paths: a service's image path on Windows, package files, paths on a host, patterns and subjects.

#![no_main]

use cutover_agent::{host::HostPath, parse::windows_image};
use cutover_proto::{package_file::PackageName, rule::Pattern, subject::Subject};

bounded::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    let _ = windows_image::file(one, other);
    let _ = PackageName::read(one);
    for path in [HostPath::unix(one), HostPath::windows(one).join(other)] {
        assert!(path.as_str().starts_with('/'), "{path} is not absolute");
        assert!(
            path.parts().all(|part| !matches!(part, "" | "." | "..")),
            "{path} climbs"
        );
    }
    if let Ok(pattern) = Pattern::parse(one) {
        let _ = pattern.matches(other);
    }
    let _ = Subject::parse(one);
});
