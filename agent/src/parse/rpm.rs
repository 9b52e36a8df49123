//! What the rpm tool says of its database, in the format of [`crate::facts::RPM_QUERY_FORMAT`].
//!
//! Nothing is copied. Every entry is whole: rpm keeps no states of its own.

use crate::facts::{Package, PackageState};

/// Why its words cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpmError {
    /// It ended with zero and complained: what it could not read is not in the list.
    #[error("complains: {0}")]
    Complaint(String),
    /// Ends inside a line.
    #[error("stopped in the middle of line {line} of its list")]
    Cut {
        /// The last line.
        line: usize,
    },
    /// A line that it does not print in this format.
    #[error("says something else than was asked, at line {line} of its list")]
    Damaged {
        /// Counted from 1.
        line: usize,
    },
}

/// One installed package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// `EPOCH:VERSION-RELEASE`, without the epoch where it has none.
    pub version: &'a str,
    /// For example `x86_64` or `noarch`.
    pub architecture: &'a str,
    /// When it was installed, in seconds since the epoch. Recordings of earlier versions lack it.
    pub installed_s: Option<i64>,
}

impl Entry<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn to_package(&self) -> Package {
        Package {
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            architecture: self.architecture.to_owned(),
            state: PackageState::Installed,
            installed_s: self.installed_s,
        }
    }
}

/// The packages of a list, all or none.
///
/// # Errors
/// When the tool complained, was cut off, or said something else.
pub fn packages<'a>(stdout: &'a [u8], stderr: &[u8]) -> Result<Vec<Entry<'a>>, RpmError> {
    if let Some(complaint) = complaint(stderr) {
        return Err(RpmError::Complaint(complaint));
    }
    let mut lines: Vec<&[u8]> = stdout.split(|byte| *byte == b'\n').collect();
    // After the last line's end there is nothing.
    let rest = lines.pop().unwrap_or_default();
    if !rest.is_empty() {
        return Err(RpmError::Cut { line: lines.len() + 1 });
    }
    let entry = |(at, line): (usize, &'a [u8])| entry(line).ok_or(RpmError::Damaged { line: at + 1 });
    lines.into_iter().enumerate().map(entry).collect()
}

fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let mut fields = std::str::from_utf8(line).ok()?.split('\t');
    let (name, version, architecture) = (fields.next()?, fields.next()?, fields.next()?);
    let installed_s = match fields.next() {
        Some(seconds) => Some(seconds.parse().ok()?),
        None => None,
    };
    let is_whole = fields.next().is_none() && !name.is_empty() && version.contains('-') && !architecture.is_empty();
    // rpm's word for a tag that is missing; every package has a name.
    (is_whole && name != "(none)").then_some(Entry {
        name,
        version,
        architecture,
        installed_s,
    })
}

/// rpm skips an entry that it cannot read, says so in a line that begins like this, and ends with zero all the same.
fn complaint(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().find(|line| line.starts_with("error:"))?;
    Some(line.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &[u8] = b"rpm\t4.16.1.3-29.el9\tx86_64\t1690000000\nvim-minimal\t2:8.2.2637-20.el9\tx86_64\ngpg-pubkey\t8483c65d-5ccc5b19\t(none)\n";

    #[test]
    fn a_list_is_read_with_epoch_and_architecture() {
        let packages = packages(LIST, b"warning: Converting database\n").expect("sound");
        let vim = packages[1].to_package();
        assert_eq!(
            (
                vim.name.as_str(),
                vim.version.as_str(),
                vim.architecture.as_str(),
                vim.state
            ),
            ("vim-minimal", "2:8.2.2637-20.el9", "x86_64", PackageState::Installed)
        );
        assert_eq!(packages.len(), 3);
        let times: Vec<Option<i64>> = packages.iter().map(|entry| entry.installed_s).collect();
        assert_eq!(times, [Some(1_690_000_000), None, None]);
        assert_eq!(super::packages(b"", b""), Ok(Vec::new()));
    }

    #[test]
    fn a_tool_that_complains_and_ends_with_zero_is_not_believed() {
        let complaint =
            b"warning: x\nerror: rpmdbNextIterator: skipping h#     205 blob size(4664): BAD, 8 + 16 * il(65)\n";
        let error = packages(LIST, complaint).expect_err("an entry was skipped");
        assert!(
            error.to_string().starts_with("complains: error: rpmdbNextIterator"),
            "{error}"
        );
    }

    #[test]
    fn what_it_would_not_say_is_an_error_with_its_line() {
        for (list, line) in [
            (&b"rpm\t4-1\tx86_64\n\n"[..], 2),
            (b"rpm-4-1.x86_64\n", 1),
            (b"rpm\t4-1\tx86_64\tmore\n", 1),
            (b"rpm\t4-1\tx86_64\t1\tmore\n", 1),
            (b"(none)\t4-1\tx86_64\n", 1),
            (b"rpm\t4\tx86_64\n", 1),
            (b"k\xe9sl\t4-1\tx86_64\n", 1),
        ] {
            assert_eq!(packages(list, b""), Err(RpmError::Damaged { line }));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_words_never_panic(stdout in prop::collection::vec(any::<u8>(), 0..200), stderr in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = packages(&stdout, &stderr);
        }

        #[test]
        fn a_list_that_is_cut_inside_a_line_is_never_taken_for_whole(at in 0..LIST.len()) {
            let whole_lines = at == 0 || LIST[at - 1] == b'\n';
            prop_assert_eq!(packages(&LIST[..at], b"").is_ok(), whole_lines);
        }
    }
}
