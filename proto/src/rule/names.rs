//! What a rule may name: plain names and paths, nothing that reaches further than it says.

/// A shorter beginning would take in modules of the kernel itself.
pub(super) const MIN_MODULE_PREFIX: usize = 4;
/// The kernel's MODULE_NAME_LEN on 64 bits, without the end of the string.
const MAX_MODULE: usize = 55;

/// A service's own name, whose control group lies where the service manager puts it by default.
pub(super) fn check_services(names: &[String]) -> Result<(), String> {
    let plain = |name: &&String| {
        name.ends_with(".service")
            && name.len() <= 128
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match names.iter().find(|name| !plain(name)) {
        Some(bad) => Err(format!(
            "`{bad}` is no plain name of a service; write it with its suffix, and no template"
        )),
        None => Ok(()),
    }
}

pub(super) fn each_is(what: &str, values: &[String], is: impl Fn(&str) -> bool) -> Result<(), String> {
    if values.is_empty() {
        return Err(format!("a look names no {what}"));
    }
    match values.iter().find(|value| !is(value)) {
        Some(bad) => Err(format!("`{bad}` is not a plain {what}")),
        None => Ok(()),
    }
}

pub(super) fn is_module(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.len() <= MAX_MODULE && name.chars().all(plain)
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.len() <= 256 && !value.contains(['\0', '\n', '*'])
}

pub(super) fn is_name(value: &str) -> bool {
    is_plain(value) && !value.contains(['/', '\\'])
}

/// Paths are absolute, at least two levels deep and without `..`; names hold no separator. So a rule cannot reach, or
/// offer for deletion, a whole top-level directory.
pub(super) fn is_path(value: &str) -> bool {
    let parts: Vec<&str> = value.split('/').skip(1).collect();
    is_plain(value)
        && value.starts_with('/')
        && parts.len() >= 2
        && parts.iter().all(|part| !matches!(*part, "" | "." | ".."))
}

/// A key below `HKEY_LOCAL_MACHINE`, at least two levels deep: `SOFTWARE\\Vendor`.
pub(super) fn is_registry_key(value: &str) -> bool {
    let parts: Vec<&str> = value.split('\\').collect();
    is_plain(value)
        && !value.contains('/')
        && parts.len() >= 2
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.trim() == *part && part.len() <= 128)
}

/// Chromium's ids of extensions: 32 letters from a to p.
pub(super) fn is_extension_id(value: &str) -> bool {
    value.len() == 32 && value.chars().all(|c| matches!(c, 'a'..='p'))
}

/// Apple's ids of teams.
pub(super) fn is_team(value: &str) -> bool {
    value.len() == 10 && value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}
