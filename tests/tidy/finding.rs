//! One violation: where it is and what to do about it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A violation in one file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Relative to the workspace's root.
    pub(crate) file: PathBuf,
    /// Counted from 1; 0 where the file as a whole is meant.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

impl Finding {
    /// A violation at a line.
    pub(crate) fn at(file: &Path, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
        }
    }

    /// A violation of the file as a whole.
    pub(crate) fn of(file: &Path, what: impl Into<String>) -> Self {
        Self::at(file, 0, what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

#[test]
fn a_finding_reads_like_a_compilers() {
    assert_eq!(
        Finding::at(Path::new("a/b.rs"), 7, "is wrong").to_string(),
        "a/b.rs:7: is wrong"
    );
    assert_eq!(
        Finding::of(Path::new("a/b.rs"), "is wrong").to_string(),
        "a/b.rs: is wrong"
    );
}
