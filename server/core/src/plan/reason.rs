//! Why a host is where it is, in words a person can act on.

use cutover_proto::{ids::ProductId, record::FailureCause, step::StepKind, words};
use serde::{Deserialize, Serialize};

use super::{Personal, Stop};
use crate::{
    catalog::{HandedOver, Missing, Unmet},
    coverage::Ownership,
    suspect::Suspect,
};

words! {
    /// Who must act for a plan to go on.
    pub enum Owner("owner") {
        /// The server, by itself.
        Server = "server",
        /// The host's agent, by itself.
        Agent = "agent",
        /// Whoever runs the campaign.
        Operator = "operator",
        /// Somebody at the machine.
        Technician = "technician",
        /// Whoever works at the machine, and is asked before it restarts.
        User = "user",
        /// Whoever has access to the machine's rights and network.
        Helpdesk = "helpdesk",
        /// Another product's vendor, reached by a ticket.
        Vendor = "vendor",
        /// Whoever keeps recipes and replacement rules.
        Catalog = "catalog",
        /// Who granted an exemption.
        Compliance = "compliance",
    }
}

/// Why a plan is in its phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing has been looked at yet.
    NoInventory,
    /// A required look failed, was denied, or was not made.
    LookFailed {
        /// For which product.
        product: ProductId,
        /// What the look said.
        why: String,
    },
    /// The target is a part of another vendor's product.
    Embedded {
        /// Which targets.
        products: Vec<ProductId>,
    },
    /// No replacement rule of the campaign fits this host.
    NoReplacementRule,
    /// Recipes do not cover it.
    NoRecipe {
        /// What is missing, in words.
        why: String,
    },
    /// A target that its recipe hands over to others.
    RemovedByOthers(HandedOver),
    /// Something took the target's place that nobody approved.
    UnapprovedReplacement {
        /// What.
        product: ProductId,
    },
    /// The product that is to go holds the disks' keys.
    EncryptedByTarget,
    /// The machine is not the organisation's: no order ever goes there.
    NotOurs {
        /// Whose it is.
        ownership: Ownership,
    },
    /// Who encrypts the disks could not be told.
    EncryptionUnknown,
    /// The target came back after it was replaced, time and again: something puts it there.
    CameBack {
        /// What came back.
        products: Vec<ProductId>,
        /// How often since a person last acted on it.
        times: u32,
        /// Management agents of it that are there: what they are told to install, they install.
        agents: Vec<ProductId>,
        /// The latest day, since the epoch, on which a target was put there, where a look told it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        installed_day: Option<i32>,
        /// What is held to put it back. `None` in reasons of before it was looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspect: Option<Suspect>,
    },
    /// What a recipe asks of the machine was not seen to hold.
    Unmet(Unmet),
    /// Another product decides about every file before it is opened, as the replacement would.
    Intercepted {
        /// Which.
        by: ProductId,
    },
    /// None of the package managers that the recipes can use is there.
    NoPackageManager {
        /// The product whose recipe asks.
        product: ProductId,
    },
    /// Its agent does not know steps that the next order needs.
    AgentTooOld {
        /// Which.
        steps: Vec<StepKind>,
    },
    /// Files that nobody gave to the server yet.
    ArtifactMissing {
        /// Which.
        missing: Missing,
    },
    /// What the next order must bring and nobody gave to the server yet.
    SecretMissing {
        /// To which product it is said.
        product: ProductId,
        /// Which, as `cutover secret set` calls it.
        names: Vec<String>,
    },
    /// It did not come back from a restart in time.
    RestartOverdue {
        /// When the restart began.
        since_ms: i64,
    },
    /// A step that must not run twice was interrupted.
    StepInterrupted {
        /// Index of the step.
        step: u32,
        /// What it was.
        what: String,
    },
    /// The replacement is there and does not do its work.
    ReplacementUnhealthy {
        /// Which.
        product: ProductId,
        /// What its health check says.
        why: String,
    },
    /// The replacement is healthy, but gives a grade of protection that the campaign does not accept.
    GradeNotAccepted {
        /// Which.
        product: ProductId,
        /// The grade.
        grade: cutover_proto::verdict::Protection,
    },
    /// The replacement is not there.
    ReplacementAbsent {
        /// Which.
        product: ProductId,
    },
    /// The last failure demands something before anything is tried again.
    Stopped {
        /// What.
        by: Stop,
        /// What it said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
        /// The exit code of the installer, where one told it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// Attempts are used up.
    AttemptsUsed {
        /// How many there were.
        attempts: u32,
        /// What the last one said.
        last: Option<FailureCause>,
        /// For a person.
        detail: String,
    },
    /// An exemption.
    Exempted {
        /// Why.
        why: Personal,
        /// Who granted it.
        owner: Personal,
        /// Until when.
        until_ms: Option<i64>,
    },
    /// A named rule leaves this host out.
    OutOfScope {
        /// Its name.
        rule: String,
    },
    /// Gone.
    Retired {
        /// Why.
        why: Personal,
        /// Who said so.
        by: Personal,
    },
    /// The agent left.
    Concluded {
        /// When its last statement was acknowledged.
        at_ms: i64,
    },
}
