//! `/proc/self/mountinfo` (proc(5)).

use crate::facts::Mount;

/// Why it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountinfoError {
    /// No line at all.
    #[error("the list of mounts is empty; is /proc mounted?")]
    Empty,
    /// A line of another form.
    #[error("line {line} of the list of mounts is not of the kernel's form")]
    Damaged {
        /// Counted from 1.
        line: usize,
    },
}

/// Reads every mount, in the kernel's order: a later one may cover an earlier one.
///
/// # Errors
/// When there is none, or a line is of another form.
pub fn parse(bytes: &[u8]) -> Result<Vec<Mount>, MountinfoError> {
    let text = String::from_utf8_lossy(bytes);
    let mounts = text
        .lines()
        .enumerate()
        .map(|(index, line)| mount(line).ok_or(MountinfoError::Damaged { line: index + 1 }))
        .collect::<Result<Vec<_>, _>>()?;
    if mounts.is_empty() {
        return Err(MountinfoError::Empty);
    }
    Ok(mounts)
}

/// `id parent major:minor root mount-point options [optional...] - type source super-options`
fn mount(line: &str) -> Option<Mount> {
    let (place, what) = line.split_once(" - ")?;
    let mut what = what.split(' ');
    Some(Mount {
        mount_point: unescape(place.split(' ').nth(4)?),
        fs_type: unescape(what.next()?),
        source: unescape(what.next()?),
    })
}

/// Space, tab, newline and backslash stand as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('\\') {
        out.push_str(head);
        let code = tail.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        rest = match (code, tail.get(3..)) {
            (Some(code), Some(after)) => {
                out.push(char::from(code));
                after
            }
            _ => {
                out.push('\\');
                tail
            }
        };
    }
    out.push_str(rest);
    out
}
