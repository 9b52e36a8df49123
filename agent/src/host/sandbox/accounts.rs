//! The planted root's groups and trust store.

use super::files::{Files, SandboxError};

const GROUP: &str = "/etc/group";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const ANCHOR: &str = "/usr/local/share/ca-certificates/planted-kesl.crt";
/// A certificate with the subject that the product gives its own; made for this, its key is gone.
const CERTIFICATE: &str = include_str!("certificate.pem");

/// What every system has.
pub(super) fn found(files: &Files) -> Result<(), SandboxError> {
    files.write("/etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n")?;
    files.write(GROUP, b"root:x:0:\nadm:x:4:\n")?;
    files.make_directory("/usr/local/share/ca-certificates")?;
    files.write(BUNDLE, b"")
}

/// What the product makes at its set-up and does not take along.
pub(super) fn plant_kesl(files: &Files) -> Result<(), SandboxError> {
    let mut text = text(files)?;
    for (number, name) in (990..).zip(["kesladmin", "kesluser", "keslaudit", "nokesl"]) {
        text.push_str(&format!("{name}:x:{number}:\n"));
    }
    files.write(GROUP, text.as_bytes())?;
    files.write(ANCHOR, CERTIFICATE.as_bytes())?;
    build_trust_store(files)
}

pub(super) fn drop_group(files: &Files, name: &str) -> Result<(), SandboxError> {
    let text = text(files)?;
    let stays = |line: &&str| line.split(':').next() != Some(name);
    let left: String = text.lines().filter(stays).flat_map(|line| [line, "\n"]).collect();
    files.write(GROUP, left.as_bytes())
}

/// Makes the bundle from the anchors that are there.
pub(super) fn build_trust_store(files: &Files) -> Result<(), SandboxError> {
    let anchors = if files.exists(ANCHOR) {
        files.read(ANCHOR)?
    } else {
        Vec::new()
    };
    files.write(BUNDLE, &anchors)
}

fn text(files: &Files) -> Result<String, SandboxError> {
    String::from_utf8(files.read(GROUP)?).map_err(|error| SandboxError::Damaged {
        path: files.at(GROUP),
        why: error.to_string(),
    })
}
