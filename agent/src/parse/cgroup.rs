//! Control groups (cgroups(7), the kernel's cgroup-v2 document).

/// What `cgroup.events` says of a group and all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Events {
    /// A process lives in it.
    pub populated: bool,
    /// None of them gets to run.
    pub frozen: bool,
}

/// Reads `cgroup.events`: a key and a number a line. Keys that are not known are passed over.
///
/// # Errors
/// When it does not say whether the group is populated.
pub fn events(bytes: &[u8]) -> Result<Events, String> {
    let text = String::from_utf8_lossy(bytes);
    let of = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == key).then(|| value.trim() != "0")
        })
    };
    match of("populated") {
        Some(populated) => Ok(Events {
            populated,
            // Before Linux 5.2 nothing could be frozen this way.
            frozen: of("frozen").unwrap_or(false),
        }),
        None => Err("cgroup.events does not say whether the group is populated".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_populated_when_the_kernel_says_so() {
        let of = |text: &str| events(text.as_bytes()).map(|events| (events.populated, events.frozen));
        assert_eq!(of("populated 1\nfrozen 0\n"), Ok((true, false)));
        assert_eq!(of("populated 0\nfrozen 0\n"), Ok((false, false)));
        assert_eq!(of("frozen 1\npopulated 1\n"), Ok((true, true)));
        assert_eq!(of("populated 1\n"), Ok((true, false)));
    }

    #[test]
    fn a_file_that_does_not_say_is_an_error_not_an_empty_group() {
        assert!(events(b"").is_err());
        assert!(events(b"frozen 0\n").is_err());
        assert!(events(b"populated\n").is_err());
    }
}
