//! Hosts that come earlier in their wave's queue than their slack says, or later.

use serde::Deserialize;
use toml::Spanned;

use super::{
    Campaign,
    selector::{Selector, Traits},
    span,
    waves::Flaw,
};

/// Hosts whose turn in the queue is another one than by their slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// Its name.
    pub name: String,
    /// Which hosts.
    pub hosts: Selector,
    /// By so many milliseconds earlier, as if their target were; later where it is below zero.
    pub by_ms: i64,
}

impl Priority {
    /// What it does, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let by = span::words(self.by_ms.saturating_abs());
        let to = if self.by_ms < 0 { "later" } else { "earlier" };
        format!("priority {}: its turn in the queue comes {by} {to}", self.name)
    }
}

impl Campaign {
    /// The priority of a host: the first that fits it.
    #[must_use]
    pub fn priority_for(&self, host: &Traits<'_>) -> Option<&Priority> {
        self.priorities.iter().find(|it| it.hosts.fits(host))
    }
}

/// A priority in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriorityInFile {
    name: Spanned<String>,
    #[serde(rename = "match")]
    hosts: Selector,
    by: String,
}

/// The priorities of a file.
pub(super) fn read(file: Vec<PriorityInFile>) -> Result<Vec<Priority>, Flaw> {
    let mut all: Vec<Priority> = Vec::new();
    for it in file {
        let at = it.name.span().start;
        let name = it.name.into_inner();
        let flaw = |why: String| Flaw {
            at,
            why: format!("priority `{name}`: {why}"),
        };
        if !super::parse::is_plain(&name) || all.iter().any(|other| other.name == name) {
            return Err(flaw(
                "its name is not made of lower-case letters, digits and `-`, or another priority has it".to_owned(),
            ));
        }
        if it.hosts.is_everything() {
            return Err(flaw(
                "`match` is empty, and who comes before everybody comes before nobody; say which hosts".to_owned(),
            ));
        }
        it.hosts.check("match").map_err(flaw)?;
        let (is_later, length) = match it.by.trim().strip_prefix('-') {
            Some(length) => (true, length),
            None => (false, it.by.as_str()),
        };
        let length_ms = span::parse(length)
            .map(span::ms)
            .map_err(|why| flaw(format!("by: {why}, or -30d for later")))?;
        if length_ms == 0 {
            return Err(flaw(
                "by is nothing, so nobody's turn would change; write for example \"30d\", or \"-30d\" for hosts that go last"
                    .to_owned(),
            ));
        }
        all.push(Priority {
            by_ms: if is_later { -length_ms } else { length_ms },
            hosts: it.hosts,
            name,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::{campaign::Campaign, samples};

    fn refusal(more: &str) -> String {
        let text = format!("{}{more}", samples::campaign("").source);
        Campaign::parse("my.toml", &text, 1).unwrap_err().to_string()
    }

    #[test]
    fn a_priority_says_how_much_and_in_which_direction() {
        let rule = |name: &str, by: &str| {
            format!("[[priority]]\nname = \"{name}\"\nmatch = {{ tag = [\"x\"] }}\nby = \"{by}\"\n")
        };
        let campaign = samples::campaign(&(rule("vip", "30d") + &rule("lab", "-12h")));
        let said: Vec<String> = campaign.priorities.iter().map(|it| it.text()).collect();
        assert_eq!(
            said,
            [
                "priority vip: its turn in the queue comes 30d earlier",
                "priority lab: its turn in the queue comes 12h later",
            ]
        );
    }

    #[test]
    fn a_priority_that_makes_no_sense_is_refused_with_its_line_and_what_to_write() {
        for (rule, said) in [
            ("name = \"vip\"\nmatch = {}\nby = \"30d\"", "say which hosts"),
            (
                "name = \"V I P\"\nmatch = { tag = [\"vip\"] }\nby = \"30d\"",
                "lower-case letters",
            ),
            (
                "name = \"vip\"\nmatch = { tag = [\"vip\"] }\nby = \"0d\"",
                "hosts that go last",
            ),
            (
                "name = \"vip\"\nmatch = { tag = [\"vip\"] }\nby = \"soon\"",
                "no length of time",
            ),
            (
                "name = \"vip\"\nmatch = { tag = [\"vip\"], except = {} }\nby = \"1d\"",
                "match.except asks for nothing",
            ),
        ] {
            let error = refusal(&format!("\n[[priority]]\n{rule}\n"));
            assert!(error.starts_with("my.toml, line ") && error.contains(said), "{error}");
        }
        let one = "\n[[priority]]\nname = \"vip\"\nmatch = { tag = [\"vip\"] }\nby = \"1d\"\n";
        assert!(refusal(&format!("{one}{one}")).contains("another priority has it"));
    }
}
