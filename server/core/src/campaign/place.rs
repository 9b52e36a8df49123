//! Where things stand in a campaign file, for what is said of them.

use toml::de::{DeTable, DeValue};

/// A step on the way to something in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What a key names.
    Key(&'static str),
    /// The table of that `name`, of several or alone.
    Named(String),
    /// The table at that place, from 0.
    Nth(usize),
}

/// The way to something in a file.
pub type Way = Vec<Step>;

/// The way to a key of the table of that name.
#[must_use]
pub(super) fn named(of: &'static str, name: &str, key: &'static str) -> Way {
    vec![Step::Key(of), Step::Named(name.to_owned()), Step::Key(key)]
}

/// The line of what lies at the end of a way, from 1; where there is no such thing, that of the last thing before it. `None`
/// where nothing of the way is there.
#[must_use]
pub(super) fn line(text: &str, way: &[Step]) -> Option<usize> {
    let tree = DeTable::parse(text).ok()?;
    let mut here = Here::Table(tree.get_ref());
    let mut found = None;
    for step in way {
        let Some((at, next)) = here.step(step) else { break };
        found = Some(at);
        here = next;
    }
    found.map(|at| line_of(text, at))
}

/// The line of an offset in bytes, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

enum Here<'t> {
    Table(&'t DeTable<'t>),
    Value(&'t DeValue<'t>),
}

impl<'t> Here<'t> {
    fn step(&self, step: &Step) -> Option<(usize, Self)> {
        match step {
            Step::Key(key) => {
                let table = self.table()?;
                let (found, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
                Some((found.span().start, Self::Value(value.get_ref())))
            }
            Step::Named(name) => match self {
                // `[wave]` alone.
                Self::Table(_) | Self::Value(DeValue::Table(_)) => {
                    let table = self.table()?;
                    Some((name_at(table, name)?, Self::Table(table)))
                }
                Self::Value(DeValue::Array(all)) => all.iter().find_map(|it| {
                    let table = it.get_ref().as_table()?;
                    Some((name_at(table, name)?, Self::Table(table)))
                }),
                Self::Value(_) => None,
            },
            Step::Nth(place) => match self {
                Self::Value(DeValue::Array(all)) => {
                    let it = all.get(*place)?;
                    Some((it.span().start, Self::Value(it.get_ref())))
                }
                Self::Value(_) | Self::Table(_) => None,
            },
        }
    }

    fn table(&self) -> Option<&'t DeTable<'t>> {
        match self {
            Self::Table(table) => Some(table),
            Self::Value(value) => value.as_table(),
        }
    }
}

/// Where a table says that it has this name.
fn name_at(table: &DeTable<'_>, name: &str) -> Option<usize> {
    let is_it = |value: &DeValue<'_>| value.as_str() == Some(name);
    let mut names = table.iter().filter(|(key, _)| key.get_ref() == "name");
    names
        .find(|(_, value)| is_it(value.get_ref()))
        .map(|(key, _)| key.span().start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_the_thing_or_of_what_it_would_stand_in() {
        let text = "id = \"c\"\n\n[policy]\ngrace = \"1d\"\n[[wave]]\nname = \"a\"\n[[wave]]\nname = \"b\"\n[wave.gate]\nleast = 3\n[site]\nname = \"s\"\n";
        let at = |way: &[Step]| line(text, way);
        assert_eq!(at(&[Step::Key("id")]), Some(1));
        assert_eq!(at(&[Step::Key("policy"), Step::Key("grace")]), Some(4));
        assert_eq!(at(&[Step::Key("policy"), Step::Key("attempts")]), Some(3));
        assert_eq!(at(&named("wave", "b", "gate")), Some(9));
        let mut least = named("wave", "b", "gate");
        least.push(Step::Key("least"));
        assert_eq!(at(&least), Some(10));
        assert_eq!(at(&named("wave", "b", "canaries")), Some(8));
        assert_eq!(at(&[Step::Key("wave"), Step::Nth(0)]), Some(5));
        assert_eq!(at(&named("site", "s", "time_zone")), Some(12));
        assert_eq!(at(&[Step::Key("nothing")]), None);
    }
}
