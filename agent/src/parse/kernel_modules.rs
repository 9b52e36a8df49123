//! `/proc/modules` (proc(5)): a line a module, its name first.

/// The names of loaded modules.
///
/// # Errors
/// When the bytes are no such list.
pub fn names(bytes: &[u8]) -> Result<Vec<&str>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "/proc/modules is not text")?;
    let name = |line: &'_ str| {
        line.split_once(' ')
            .map(|(name, _)| name.len())
            .filter(|length| *length > 0)
    };
    text.lines()
        .map(|line| match name(line) {
            Some(length) => Ok(&line[..length]),
            None => Err("a line of /proc/modules names no module"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_a_module_and_what_does_not_is_refused() {
        let text = b"xfs 1970176 1 - Live 0x0000000000000000\nlibcrc32c 12288 1 xfs, Live 0x0000000000000000\n";
        assert_eq!(names(text), Ok(vec!["xfs", "libcrc32c"]));
        assert_eq!(names(b""), Ok(Vec::new()));
        assert!(names(b"xfs\n").is_err() && names(b" 1 2\n").is_err() && names(b"\xff 1\n").is_err());
    }
}
