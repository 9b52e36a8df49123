//! Paths on a host, which need not be the machine that this program runs on.

use std::fmt;

/// An absolute path as components. It never has the meaning that this machine's own system gives to paths, so a fixture
/// of another system reads the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPath(String);

impl HostPath {
    /// Reads a path with `/` between its parts. It is taken from the root whether or not it begins with `/`; empty parts
    /// and `.` are dropped, and `..` drops the part before it, never more than the root.
    #[must_use]
    pub fn unix(path: &str) -> Self {
        // One look makes hundreds: each is one allocation.
        let mut whole = String::with_capacity(path.len() + 1);
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => whole.truncate(whole.rfind('/').unwrap_or(0)),
                plain => {
                    whole.push('/');
                    whole.push_str(plain);
                }
            }
        }
        Self(whole)
    }

    /// Reads a path as Windows spells it, `C:\Program Files\x`; its drive is the first part.
    #[must_use]
    pub fn windows(path: &str) -> Self {
        Self::unix(&path.replace('\\', "/"))
    }

    /// A path below this one; `name` is one part.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self::unix(&format!("{}/{name}", self.0))
    }

    /// Its parts, from the root on.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The last part; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts().next_back().unwrap_or_default()
    }

    /// The whole, with `/` before each part.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_climbs_above_the_root() {
        assert_eq!(HostPath::unix("/a/../../b//./c").as_str(), "/b/c");
        assert_eq!(HostPath::unix("../..").as_str(), "/");
        assert_eq!(HostPath::unix("/a").join("../../x").as_str(), "/x");
        assert_eq!(HostPath::unix("/a/b").name(), "b");
        assert_eq!(HostPath::unix("/").name(), "");
        assert_eq!(HostPath::windows(r"C:\Program Files\..\x").as_str(), "/C:/x");
    }
}
