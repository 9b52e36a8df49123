//! systemd unit files (systemd.syntax(7)).

use crate::facts::UnitFile;

/// Reads what is used. Unknown sections and keys are passed over; an empty assignment resets a list, as systemd does.
/// Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn parse(bytes: &[u8]) -> UnitFile {
    let text = String::from_utf8_lossy(bytes);
    let mut unit = UnitFile::default();
    let mut section = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').unwrap_or(name);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = joined(value.trim_start(), &mut lines);
        match (section, key.trim_end()) {
            ("Unit", "Description") => unit.description = value,
            ("Service", "ExecStart") if value.is_empty() => unit.exec_start.clear(),
            ("Service", "ExecStart") => unit.exec_start.push(value),
            ("Install", "WantedBy" | "RequiredBy") if value.is_empty() => unit.wanted_by.clear(),
            ("Install", "WantedBy" | "RequiredBy") => {
                unit.wanted_by.extend(value.split_ascii_whitespace().map(str::to_owned));
            }
            _ => {}
        }
    }
    unit
}

/// A line that ends in a backslash goes on in the next; comment lines between are passed over.
fn joined<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let mut value = first.to_owned();
    while let Some(head) = value.strip_suffix('\\') {
        let mut longer = head.trim_end().to_owned();
        if let Some(next) = lines.by_ref().map(str::trim).find(|line| !line.starts_with(['#', ';'])) {
            longer.push(' ');
            longer.push_str(next);
        }
        value = longer;
    }
    value
}
