//! os-release(5): shell-like assignments.

use crate::facts::OsRelease;

/// Reads the assignments that are used. Lines of another form are passed over, as the standard demands; what is not said
/// has the standard's default. Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn parse(bytes: &[u8]) -> OsRelease {
    let mut release = OsRelease {
        id: "linux".into(),
        pretty_name: "Linux".into(),
        ..OsRelease::default()
    };
    for line in String::from_utf8_lossy(bytes).lines() {
        let Some((key, value)) = line.trim().split_once('=') else {
            continue;
        };
        let value = unquote(value);
        match key {
            "ID" => release.id = value.to_ascii_lowercase(),
            "ID_LIKE" => {
                release.id_like = value.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
            }
            "VERSION_ID" => release.version_id = value,
            "PRETTY_NAME" => release.pretty_name = value,
            _ => {}
        }
    }
    release
}

/// Takes one pair of quotes away; inside double quotes a backslash escapes.
pub(super) fn unquote(value: &str) -> String {
    let inside = |quote: char| {
        value
            .strip_prefix(quote)
            .map(|rest| rest.strip_suffix(quote).unwrap_or(rest))
    };
    if let Some(plain) = inside('\'') {
        return plain.to_owned();
    }
    let value = inside('"').unwrap_or(value);
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next()),
            plain => out.push(plain),
        }
    }
    out
}
