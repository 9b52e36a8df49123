//! What a rule's look came to, before it is written down as evidence.

use cutover_proto::{
    rule::{Look, Need, Trace},
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Showing},
};

/// The end of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Something is there.
    Seen {
        shows: Showing,
        detail: String,
        version: Option<String>,
    },
    /// Looked, and nothing is there.
    Nothing(String),
    /// This kind of host has no such thing to look at. No reason to doubt an absence, and no look either.
    NotHere(String),
    /// Denied or failed.
    NotChecked(String),
}

/// One look and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trail {
    pub(crate) kind: EvidenceKind,
    pub(crate) need: Need,
    /// What it would have shown.
    pub(crate) would_show: Showing,
    pub(crate) end: End,
}

impl Trail {
    pub(crate) fn of(look: &Look, end: End) -> Self {
        // Windows says of a service whether it is at work, and macOS of a system extension.
        let tells_work = matches!(look.trace, Trace::WindowsService(_) | Trace::SystemExtension { .. });
        Self {
            kind: look.trace.kind(),
            need: look.need,
            would_show: if tells_work && look.shows == Showing::Installed {
                Showing::Running
            } else {
                look.shows
            },
            end,
        }
    }

    pub(crate) const fn shows(&self) -> Option<Showing> {
        match &self.end {
            End::Seen { shows, .. } => Some(*shows),
            End::Nothing(_) | End::NotHere(_) | End::NotChecked(_) => None,
        }
    }

    /// Whether its failure makes the verdict unknown.
    pub(crate) const fn is_missing(&self) -> bool {
        matches!((&self.end, self.need), (End::NotChecked(_), Need::Required))
    }

    pub(crate) fn into_evidence(self) -> Evidence {
        let shows = self.shows();
        let (outcome, detail) = match self.end {
            End::Seen { detail, .. } => (EvidenceOutcome::Seen, detail),
            End::Nothing(detail) | End::NotHere(detail) => (EvidenceOutcome::Nothing, detail),
            End::NotChecked(why) => (EvidenceOutcome::NotChecked, why),
        };
        Evidence {
            kind: self.kind,
            required: self.need == Need::Required,
            outcome,
            detail,
            shows,
        }
    }
}
