//! What installs software on machines, as data: `proto/deployers.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::rule::{Pattern, WindowsPath};

/// The table that is compiled in.
const TABLE: &str = include_str!("../deployers.toml");

/// One thing that installs software.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployer {
    /// Its name on the wire.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Folders in which Windows Installer finds packages that it brought.
    #[serde(default)]
    pub sources: Vec<Pattern>,
    /// Products by which it works: management agents, which install what it tells them.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Programs that macOS writes down for its installations.
    #[serde(default)]
    pub processes: Vec<Pattern>,
    /// Where it lies on Windows.
    #[serde(default)]
    windows: Vec<String>,
    /// Keys below `HKEY_LOCAL_MACHINE` that it keeps.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Where it lies on Linux.
    #[serde(default)]
    pub linux: Vec<String>,
    /// Where it lies on macOS.
    #[serde(default)]
    pub macos: Vec<String>,
    /// How it is stopped from putting a product back.
    pub remedy: String,
    /// Where that was read.
    pub facts: Vec<String>,
}

impl Deployer {
    /// Where it lies on Windows.
    #[must_use]
    pub fn windows(&self) -> Vec<WindowsPath> {
        // A test reads every one.
        self.windows
            .iter()
            .filter_map(|path| WindowsPath::parse(path).ok())
            .collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    schema: u32,
    deployer: Vec<Deployer>,
}

fn read(text: &str) -> Result<Vec<Deployer>, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    if table.schema != 1 {
        return Err(format!("schema {} is not known to this version", table.schema));
    }
    Ok(table.deployer)
}

/// Every one that is known, in the order of the table: the first that fits is meant.
#[must_use]
pub fn deployers() -> &'static [Deployer] {
    static READ: LazyLock<Vec<Deployer>> =
        LazyLock::new(|| read(TABLE).expect("a test reads the table that is compiled in"));
    &READ
}

/// The one of this name.
#[must_use]
pub fn deployer(name: &str) -> Option<&'static Deployer> {
    deployers().iter().find(|it| it.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deployer_is_told_by_something_has_a_remedy_and_says_where_it_was_read() {
        let all = deployers();
        for (at, it) in all.iter().enumerate() {
            let is_named = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            assert!(is_named(&it.name) && !it.title.is_empty(), "{}", it.name);
            assert!(!it.remedy.is_empty() && !it.facts.is_empty(), "{}", it.name);
            assert_eq!(
                it.windows().len(),
                it.windows.len(),
                "{}: a path cannot be read",
                it.name
            );
            let places = it.windows.len() + it.keys.len() + it.linux.len() + it.macos.len();
            assert!(places + it.sources.len() > 0, "{}", it.name);
            assert!(
                all.iter().skip(at + 1).all(|other| other.name != it.name),
                "{}",
                it.name
            );
        }
        assert!(deployer("intune").is_some() && deployer("nobody").is_none());
    }

    #[test]
    fn a_table_of_another_schema_or_with_words_that_nobody_knows_is_refused() {
        assert!(read("schema = 2\ndeployer = []").is_err());
        assert!(
            read("schema = 1\n[[deployer]]\nname = \"a\"\ntitle = \"A\"\nremedy = \"r\"\nfacts = []\nshell = \"x\"")
                .is_err()
        );
    }
}
