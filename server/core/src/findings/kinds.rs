//! Kinds of findings, and what to do about each.

use cutover_proto::words;

words! {
    /// What does not fit together.
    pub enum FindingKind("finding") {
        /// The replacement's console counts a healthy machine; the machine's own look does not find the replacement at work.
        ConsoleSaysHealthy = "console-says-healthy",
        /// The console has the replacement under a tenant that the campaign does not ask for.
        WrongTenant = "wrong-tenant",
        /// A source still sees the product that must go, after the machine's own looks saw it gone.
        StillManaged = "still-managed",
        /// The host is retired, and a source sees it in use.
        RetiredActive = "retired-active",
        /// Two sources contradict each other.
        SourcesDisagree = "sources-disagree",
        /// A target's bases are younger than the legal milestone `updates`.
        UpdatedAfterCutoff = "updated-after-cutoff",
        /// A target was installed, or changed by its installer, after the legal milestone `sale`. Which of the two, no system
        /// says.
        InstalledAfterSaleBan = "installed-after-sale-ban",
    }
}

impl FindingKind {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::ConsoleSaysHealthy => {
                "look at the machine: an old record of it in the console may be another installation's, or the sensor does not run; \
                 retire the stale record there, or repair the replacement, and import again"
            }
            Self::WrongTenant => {
                "move the sensor to the tenant that the campaign names, or correct `tenant` in its replacement rule"
            }
            Self::StillManaged => {
                "see whether the product came back or its console keeps a stale record; remove the record there, or have the machine \
                 looked at again, and import a new export"
            }
            Self::RetiredActive => {
                "find out whether the machine is in use: enrol it again, or have the source's record closed"
            }
            Self::SourcesDisagree => {
                "ask both sources for a new export; if they still differ, look at the machine, or match one record with another host"
            }
            Self::UpdatedAfterCutoff => {
                "see where the product gets its updates from, stop that source, and have the machine replaced; note who answers for it"
            }
            Self::InstalledAfterSaleBan => {
                "find out whether it was bought, updated or repaired on that day, and keep what shows it; have the machine replaced"
            }
        }
    }
}
