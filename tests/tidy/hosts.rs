//! Names of package registries: which one a machine uses is its own configuration, never ours.

use std::path::Path;

use crate::finding::Finding;

/// Written in two parts so that this file does not name them either.
const HOSTS: [(&str, &str); 17] = [
    ("crates", ".io"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("rubygems", ".org"),
    ("proxy.golang", ".org"),
    ("repo.maven.apache", ".org"),
    ("deb.debian", ".org"),
    ("security.debian", ".org"),
    ("snapshot.debian", ".org"),
    ("archive.ubuntu", ".com"),
    ("security.ubuntu", ".com"),
    ("registry.hub.docker", ".com"),
    ("docker", ".io"),
    ("ghcr", ".io"),
    ("quay", ".io"),
];

/// Every line of a file that names a registry.
pub(crate) fn named(file: &Path, content: &[u8]) -> Vec<Finding> {
    let text = String::from_utf8_lossy(content).to_lowercase();
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (name, zone) in HOSTS {
            if line.contains(&format!("{name}{zone}")) {
                let what = format!("names the package registry {name}{zone}: the machine's configuration decides that");
                findings.push(Finding::at(file, number + 1, what));
            }
        }
    }
    findings
}

#[test]
fn a_registry_is_found_in_any_case_and_beside_bytes_that_are_no_text() {
    for (name, zone) in HOSTS {
        let planted = format!("first line\nsee https://{}{zone}/x", name.to_uppercase());
        assert_eq!(named(Path::new("a.md"), planted.as_bytes()).len(), 1, "{name}");
    }
    let bytes = [b"\xff\xfe ".as_slice(), concat!("ghcr", ".io").as_bytes()].concat();
    assert_eq!(named(Path::new("a.bin"), &bytes).len(), 1);
    assert_eq!(named(Path::new("a.md"), b"docs of crates, pip and npm"), []);
}
