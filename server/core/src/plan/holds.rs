//! What stops starts from beside the phase: holds, and exemptions.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::{DiskAttestation, Drain, Personal, Plan};
use crate::campaign::zone::utc;

words! {
    /// The kinds of holds. A plan has at most one of each.
    pub enum HoldKind("hold") {
        /// An operator asked for it.
        Operator = "operator",
        /// The host's identity is on more than one machine.
        Clone = "clone",
        /// A legal hold: nothing may be changed on the machine.
        Legal = "legal",
    }
}

/// Something that stops starts and new orders until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which.
    pub kind: HoldKind,
    /// Who placed it.
    pub who: Personal,
    /// Why.
    pub why: Personal,
    /// It lifts itself then; `None` means that a person lifts it.
    #[serde(default)]
    pub until_ms: Option<i64>,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Why the host is let off.
    pub why: Personal,
    /// Who answers for it.
    pub owner: Personal,
    /// What is done instead; `None` where nothing is.
    #[serde(default)]
    pub control: Option<Personal>,
    /// Its end; `None` means until revoked.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// Who granted it; events of earlier versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Personal>,
}

impl Hold {
    /// By whom, until when and why it holds.
    #[must_use]
    pub fn text(&self) -> String {
        let until = until(self.until_ms, "until it is lifted");
        format!("held ({}) {until} by {}: {}", self.kind, self.who, self.why)
    }
}

impl Exemption {
    /// Until when, who answers for it, why, what is done instead, and who granted it.
    #[must_use]
    pub fn text(&self) -> String {
        let until = until(self.until_ms, "until revoked");
        let mut text = format!("exempt {until}, {} answers for it: {}", self.owner, self.why);
        if let Some(control) = &self.control {
            text.push_str(&format!("; done instead: {control}"));
        }
        if let Some(by) = &self.by {
            text.push_str(&format!("; granted by {by}"));
        }
        text
    }
}

impl Plan {
    /// What people, and the host itself, have set on it, in words: exemption, what is attested of its disks, holds, and who drains it.
    #[must_use]
    pub fn set_on_it(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.exemption.iter().map(Exemption::text).collect();
        lines.extend(self.disks.iter().map(DiskAttestation::text));
        lines.extend(self.holds.values().map(Hold::text));
        lines.extend(self.drain.iter().map(Drain::text));
        lines.extend(
            self.local_hold
                .iter()
                .map(|why| format!("held by the host itself: {why}")),
        );
        lines
    }
}

fn until(at_ms: Option<i64>, open: &str) -> String {
    at_ms.map_or_else(|| open.to_owned(), |at_ms| format!("until {}", utc(at_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_is_set_on_a_host_is_named_whoever_set_it() {
        let mut plan = Plan::unborn(samples::host(), samples::campaign("").id);
        assert_eq!(plan.set_on_it(), [""; 0]);
        plan.exemption = Some(Exemption {
            why: "it runs a lathe".into(),
            owner: "bob".into(),
            control: None,
            until_ms: None,
            by: None,
        });
        plan.holds.insert(
            HoldKind::Legal,
            Hold {
                kind: HoldKind::Legal,
                who: "ann".into(),
                why: "evidence".into(),
                until_ms: Some(0),
            },
        );
        plan.local_hold = Some("a backup runs".to_owned());
        let (ann, bob) = (Personal::from("ann"), Personal::from("bob"));
        let (why, evidence) = (Personal::from("it runs a lathe"), Personal::from("evidence"));
        assert_eq!(
            plan.set_on_it(),
            [
                format!("exempt until revoked, {bob} answers for it: {why}"),
                format!("held (legal) until 1970-01-01T00:00:00Z by {ann}: {evidence}"),
                "held by the host itself: a backup runs".to_owned(),
            ]
        );
    }
}
