//! Reasons in words: what is so, what to do, and who.

use cutover_proto::{ids::ProductId, record::FailureCause, verdict::Protection};

use super::{Owner, Reason};
use crate::{campaign::zone::utc, suspect::Suspect};

fn list(products: &[ProductId]) -> String {
    products.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", ")
}

/// What is known of who put it back.
fn came_back(
    products: &[ProductId],
    times: u32,
    agents: &[ProductId],
    installed_day: Option<i32>,
    suspect: Option<&Suspect>,
) -> String {
    let mut said = format!("{} came back {times} times after it was replaced", list(products));
    if let Some(day) = installed_day {
        said.push_str(&format!(", installed on {}", crate::upkeep::date(day)));
    }
    if let Some(suspect) = suspect {
        said.push_str(&format!("; put back by: {}", suspect.text()));
    } else if agents.is_empty() {
        said.push_str("; none of its management agents is there, so something else installs it");
    } else {
        said.push_str(&format!(
            "; {} is there and installs what its console tells it",
            list(agents)
        ));
    }
    said
}

/// What mends what an attempt ended with.
const fn mending(cause: Option<FailureCause>) -> &'static str {
    match cause {
        Some(FailureCause::WrongHash) => {
            "find the source that gives other bytes than its list or the order states (a mirror out of step, a proxy that \
             rewrites) and mend it; a file of the server's own is mended by `cutover artifact add`"
        }
        Some(FailureCause::TooLarge) => {
            "find the source that gives more bytes than its list or the order states and mend it"
        }
        Some(FailureCause::Network) => "let the host reach the source that its kept log names",
        Some(FailureCause::DiskFull) => "free room on the host",
        Some(FailureCause::Locked) => "end the other installer that the kept log names",
        Some(FailureCause::TimeLimit) => "see by the kept log what it waited for and mend that",
        Some(FailureCause::UnknownStep) => "upgrade the agent",
        Some(
            FailureCause::BadSignature
            | FailureCause::OtherHost
            | FailureCause::Expired
            | FailureCause::Replayed
            | FailureCause::NotAttributed
            | FailureCause::TooLongAway
            | FailureCause::ToolFailed
            | FailureCause::StillThere
            | FailureCause::NotDetected
            | FailureCause::Interrupted
            | FailureCause::Journal
            | FailureCause::NotYet
            | FailureCause::Unsupported
            | FailureCause::ServiceNotActive
            | FailureCause::NotSetUp,
        )
        | None => "read the kept log, mend the cause",
    }
}

impl Reason {
    /// What is so.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::NoInventory => "no look at the machine has arrived yet".to_owned(),
            Self::LookFailed { product, why } => format!("whether {product} is there could not be told: {why}"),
            Self::Embedded { products } => format!("{} is a part of another vendor's product", list(products)),
            Self::NoReplacementRule => "no replacement rule of the campaign fits this host".to_owned(),
            Self::NoRecipe { why } => why.clone(),
            Self::RemovedByOthers(others) => others.text(),
            Self::UnapprovedReplacement { product } => {
                format!("{product} took the target's place, and the campaign does not approve it")
            }
            Self::EncryptedByTarget => "the product that is to go holds the keys of the disks".to_owned(),
            Self::NotOurs { ownership } => {
                format!("the machine is not the organisation's ({ownership}), so no work order goes there")
            }
            Self::EncryptionUnknown => "who encrypts the disks could not be told".to_owned(),
            Self::CameBack {
                products,
                times,
                agents,
                installed_day,
                suspect,
            } => came_back(products, *times, agents, *installed_day, suspect.as_ref()),
            Self::Unmet(unmet) => unmet.text(),
            Self::Intercepted { by } => {
                format!(
                    "{by} decides about every file before it is opened, as the replacement would; two can hang the machine"
                )
            }
            Self::NoPackageManager { product } => {
                format!("no package manager that the recipe of {product} can use is there")
            }
            Self::AgentTooOld { steps } => {
                let steps: Vec<&str> = steps.iter().map(|kind| kind.as_str()).collect();
                format!(
                    "the agent is too old for the next order: it does not know {}",
                    steps.join(", ")
                )
            }
            Self::ArtifactMissing { missing } => missing.text(),
            Self::SecretMissing { product, names } => format!(
                "the server does not have what makes {product} the organisation's: {}",
                names.join(", ")
            ),
            Self::RestartOverdue { since_ms } => {
                format!("the machine has not come back from the restart of {}", utc(*since_ms))
            }
            Self::StepInterrupted { step, what } => {
                format!("step {} ({what}) was interrupted and must not run twice", step + 1)
            }
            Self::ReplacementUnhealthy { product, why } => format!("{product} is there and not healthy: {why}"),
            Self::GradeNotAccepted {
                product,
                grade: Protection::Passive,
            } => format!("{product} stands back and protects nothing"),
            Self::GradeNotAccepted { product, grade } => {
                format!("{product} gives {grade} protection, which the campaign does not accept")
            }
            Self::ReplacementAbsent { product } => format!("{product} is not there"),
            Self::Stopped { by, detail, exit_code } => {
                let code = exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
                let detail = if detail.is_empty() {
                    String::new()
                } else {
                    format!(": {detail}")
                };
                format!("{}{code}{detail}", by.text())
            }
            Self::AttemptsUsed { attempts, last, detail } => {
                let last = last.map_or_else(|| "silence".to_owned(), |cause| cause.to_string());
                let detail = if detail.is_empty() {
                    String::new()
                } else {
                    format!(": {detail}")
                };
                format!("{attempts} attempts did not succeed; the last ended with {last}{detail}")
            }
            Self::Exempted { why, owner, until_ms } => {
                let until = until_ms.map_or_else(|| "until revoked".to_owned(), |at| format!("until {}", utc(at)));
                format!("exempt {until} by {owner}: {why}")
            }
            Self::OutOfScope { rule } => format!("rule `{rule}` leaves it out of scope"),
            Self::Retired { why, by } => format!("retired by {by}: {why}"),
            Self::Concluded { at_ms } => format!(
                "proven on {}, when its agent left with a last signed statement; it is watched no longer",
                utc(*at_ms)
            ),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NoInventory => "see that the agent runs and reaches the server".to_owned(),
            Self::LookFailed { .. } => {
                "mend what stopped the look (rights, a damaged package database, an old agent); the next look tells"
                    .to_owned()
            }
            Self::Embedded { .. } => {
                "ask the vendor of that product for a version without it, then mark it done".to_owned()
            }
            Self::NoReplacementRule => "add a [[replacement]] to the campaign that fits this host's system".to_owned(),
            Self::NoRecipe { .. } => "extend the catalog, or do it by hand at the machine".to_owned(),
            Self::RemovedByOthers(others) => others.remedy(),
            Self::UnapprovedReplacement { product } => {
                format!("approve {product} in the campaign, or remove it with its own uninstaller")
            }
            Self::EncryptedByTarget => {
                "decrypt the disks with the product and its server first; this can never be forced".to_owned()
            }
            Self::EncryptionUnknown => {
                "find out who encrypts the disks, by its console or at the machine; where a look cannot tell, two people attest \
                 it (cutover hosts attest-encryption). This can never be forced"
                    .to_owned()
            }
            Self::NotOurs { .. } => {
                "ask whoever owns it to replace the product; where the record is wrong, tag the host ownership=corporate"
                    .to_owned()
            }
            Self::CameBack {
                suspect: Some(suspect), ..
            } => format!("{}; then mark the handwork done", suspect.remedy),
            Self::CameBack { suspect: None, .. } => {
                "find what installs it (the old console's tasks and rules, a group policy, another deployment tool, an image), \
                 stop that, then mark the handwork done"
                    .to_owned()
            }
            Self::Unmet(unmet) => unmet.remedy(),
            Self::Intercepted { by } => {
                format!("remove {by} or set it to watch only, or name a replacement that does not intercept files")
            }
            Self::NoPackageManager { .. } => {
                "extend the recipe in the catalog, or do it by hand at the machine".to_owned()
            }
            Self::AgentTooOld { .. } => "upgrade the agent; its next check-in tells that it can".to_owned(),
            Self::ArtifactMissing { missing } => missing.remedy(),
            Self::SecretMissing { product, names } => {
                let set = |name: &String| format!("`cutover secret set {name} --product {product} --value-file FILE`");
                let commands: Vec<String> = names.iter().map(set).collect();
                format!(
                    "set it by {}, and hosts go on by themselves; where one is set, `cutover secret list` tells why it does not count",
                    commands.join(" and ")
                )
            }
            Self::RestartOverdue { .. } => "look at the machine, then mark the handwork done".to_owned(),
            Self::StepInterrupted { .. } => {
                "look at the machine, finish or undo the step, then mark the handwork done".to_owned()
            }
            Self::ReplacementUnhealthy { product, .. } => format!("mend {product} on the machine; the next look tells"),
            Self::GradeNotAccepted {
                product,
                grade: Protection::Passive,
            } => format!("take the passive mode of {product} away, where its own policy sets it too"),
            Self::GradeNotAccepted { grade, .. } => {
                format!("name another replacement, or write accepted_grades = [\"{grade}\"] in the campaign")
            }
            Self::ReplacementAbsent { product } => format!("{product} is installed with the next order"),
            Self::Stopped { by, .. } => by.remedy(),
            Self::AttemptsUsed { last, .. } => format!("{}, then `cutover hosts retry`", mending(*last)),
            Self::Exempted { .. } => "nothing until it ends".to_owned(),
            Self::OutOfScope { .. } => "nothing while the rule holds".to_owned(),
            Self::Retired { .. } | Self::Concluded { .. } => "nothing, unless it enrols again".to_owned(),
        }
    }

    /// Who must act.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        match self {
            Self::NoInventory => Owner::Agent,
            Self::Unmet(unmet) => unmet.owner,
            Self::RemovedByOthers(others) => others.owner,
            Self::Stopped { by, .. } => by.owner(),
            // Whoever keeps what hosts install from.
            Self::AttemptsUsed {
                last: Some(FailureCause::WrongHash | FailureCause::TooLarge),
                ..
            } => Owner::Catalog,
            Self::LookFailed { .. } | Self::EncryptionUnknown | Self::AgentTooOld { .. } => Owner::Helpdesk,
            Self::Embedded { .. } => Owner::Vendor,
            Self::NoReplacementRule
            | Self::CameBack { .. }
            | Self::UnapprovedReplacement { .. }
            | Self::GradeNotAccepted { .. }
            | Self::EncryptedByTarget
            | Self::NotOurs { .. }
            | Self::Intercepted { .. }
            | Self::ArtifactMissing { .. }
            | Self::SecretMissing { .. }
            | Self::AttemptsUsed { .. } => Owner::Operator,
            Self::NoRecipe { .. } | Self::NoPackageManager { .. } => Owner::Catalog,
            Self::StepInterrupted { .. } | Self::RestartOverdue { .. } | Self::ReplacementUnhealthy { .. } => {
                Owner::Technician
            }
            Self::ReplacementAbsent { .. } | Self::Retired { .. } | Self::Concluded { .. } => Owner::Server,
            Self::Exempted { .. } | Self::OutOfScope { .. } => Owner::Compliance,
        }
    }
}
