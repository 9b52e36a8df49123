//! How long the kernel session has lasted.

/// Whole seconds out of `/proc/uptime` (proc(5)): the first of its two numbers, which counts time asleep too. `None`
/// where it is no such file.
#[must_use]
pub fn seconds(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (whole, _) = text.split_whitespace().next()?.split_once('.')?;
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn whole_seconds_are_read_and_nothing_else() {
        assert_eq!(seconds(b"350735.47 234388.90\n"), Some(350_735));
        assert_eq!(seconds(b"3.02 1.10"), Some(3));
        for bad in [b"".as_slice(), b"\n", b"soon", b"-1.0 2.0", b"12", b"\xff.1 2"] {
            assert_eq!(seconds(bad), None, "{bad:?}");
        }
    }
}
