//! What tells who put a target on a machine: the records that installers leave, and what there is that installs software.
//! Nothing here is proof; `cutover_core::suspect` ranks it. Persons are not named.

use serde::{Deserialize, Serialize};

use crate::{spelling::on_wire, v1, words};

/// More records of one target are not carried.
pub const MAX_TRACES: usize = 8;
/// More deployers of one machine are not carried; there are fewer in all.
pub const MAX_DEPLOYERS: usize = 32;
/// The longest word of a record, in characters.
pub const MAX_WHAT: usize = 300;

words! {
    /// The record that tells. A closed set: how it is read is bound to the word.
    pub enum PlacedRecord("record of an installation") {
        /// `InstallSource` of the uninstall entry: the folder in which Windows Installer found the package (its documentation,
        /// "Uninstall Registry Key").
        UninstallKey = "uninstall-key",
        /// `/var/log/apt/history.log`: what was called, and whether somebody asked for it by sudo or pkexec.
        AptHistory = "apt-history",
        /// `/var/log/dpkg.log`: that dpkg unpacked it.
        DpkgLog = "dpkg-log",
        /// `/var/log/dnf.rpm.log` or `/var/log/yum.log`: that dnf or yum installed it.
        RpmLog = "rpm-log",
        /// `/var/log/zypp/history`: what was called.
        ZyppHistory = "zypp-history",
        /// `/Library/Receipts/InstallHistory.plist` of macOS: which program installed it.
        InstallHistory = "install-history",
    }
}
on_wire!(
    PlacedRecord,
    "record of an installation",
    v1::PlacedRecord {
        UninstallKey,
        AptHistory,
        DpkgLog,
        RpmLog,
        ZyppHistory,
        InstallHistory
    }
);

words! {
    /// Who asked for it, as far as its record tells.
    pub enum PlacedBy("who asked for an installation") {
        /// Somebody who was logged in.
        Person = "person",
        /// Nobody that the record names: a service, a script, or whoever worked as root.
        System = "system",
    }
}
on_wire!(
    PlacedBy,
    "who asked for an installation",
    v1::PlacedBy { Person, System }
);

/// One record of how a target came to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedTrace {
    /// Which record.
    pub record: PlacedRecord,
    /// The folder in which the installer lay, what was called, or the program that installed; names of persons taken out.
    /// Empty where the record tells none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// Who asked; `None` where the record does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PlacedBy>,
    /// The day, since the epoch, by the machine's own calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<i32>,
}

/// What tells who put a target there. Nothing in it is unknown, never nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What installers wrote down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<PlacedTrace>,
    /// What installs software and is on this machine, by the names of [`crate::deployer`]. That it did anything is not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployers: Vec<String>,
}

impl Placed {
    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.traces.is_empty() && self.deployers.is_empty()
    }
}

/// A text that other programs wrote, fit to be shown: one line, no control characters (nor what turns the direction of
/// writing), no longer than [`MAX_WHAT`].
#[must_use]
pub fn plain(text: &str) -> String {
    let is_shown = |c: &char| {
        !c.is_control() && !matches!(*c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let shown: String = text.chars().filter(is_shown).take(MAX_WHAT).collect();
    shown.trim().to_owned()
}

impl From<PlacedTrace> for v1::PlacedTrace {
    fn from(trace: PlacedTrace) -> Self {
        Self {
            record: trace.record.number(),
            what: trace.what,
            by: trace.by.map_or(0, PlacedBy::number),
            day: trace.day,
        }
    }
}

impl From<Placed> for v1::Placed {
    fn from(placed: Placed) -> Self {
        Self {
            traces: placed.traces.into_iter().map(Into::into).collect(),
            deployers: placed.deployers,
        }
    }
}

/// Takes what it knows. A record of a kind that only a newer agent knows says nothing here, and spoils nothing; what is longer
/// than any honest agent sends is cut.
impl From<v1::Placed> for Placed {
    fn from(wire: v1::Placed) -> Self {
        let known = |trace: v1::PlacedTrace| {
            Some(PlacedTrace {
                record: PlacedRecord::try_from(trace.record).ok()?,
                what: plain(&trace.what),
                by: PlacedBy::try_from(trace.by).ok(),
                day: trace.day,
            })
        };
        let name = |name: String| Some(plain(&name)).filter(|name| !name.is_empty());
        Self {
            traces: wire.traces.into_iter().filter_map(known).take(MAX_TRACES).collect(),
            deployers: wire
                .deployers
                .into_iter()
                .filter_map(name)
                .take(MAX_DEPLOYERS)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hostile_agent_says_is_cut_and_shown_in_one_line() {
        let trace = |record, what: &str| v1::PlacedTrace {
            record,
            what: what.to_owned(),
            by: 77,
            day: Some(-1),
        };
        let read = Placed::from(v1::Placed {
            traces: vec![
                trace(0, "no record"),
                trace(99, "a record of a newer agent"),
                trace(2, "apt\u{1b}[2J install\nkesl \u{202e}lsek"),
                trace(2, &"x".repeat(100_000)),
            ],
            deployers: vec!["puppet".into(), "\n".into(), "y".repeat(100_000)],
        });
        let whats: Vec<&str> = read.traces.iter().map(|trace| trace.what.as_str()).collect();
        assert_eq!(whats, ["apt[2J installkesl lsek", &"x".repeat(MAX_WHAT)]);
        assert!(read.traces.iter().all(|trace| trace.by.is_none()));
        assert_eq!(read.deployers, ["puppet".to_owned(), "y".repeat(MAX_WHAT)]);
        let many = v1::Placed {
            traces: vec![trace(1, "a"); 1000],
            deployers: vec!["puppet".into(); 1000],
        };
        let read = Placed::from(many);
        assert_eq!((read.traces.len(), read.deployers.len()), (MAX_TRACES, MAX_DEPLOYERS));
    }
}
