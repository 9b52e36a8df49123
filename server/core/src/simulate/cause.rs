//! Why hosts are left, such that many have the same words.

use crate::{plan::Reason, waiting::Waiting};

/// Why, without what differs from host to host.
pub(super) fn cause(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Away { .. } => "the host is away".to_owned(),
        Waiting::AgentPerhapsLost { .. } => "agent possibly removed by the product".to_owned(),
        Waiting::Retry { .. } => "the last attempt did not succeed; the next is not due yet".to_owned(),
        Waiting::Grace { .. } => "its grace is not over".to_owned(),
        Waiting::Slot { of, .. } => format!("the slots of {of} are taken"),
        Waiting::Pace { of, limit, .. } => format!("not more than {limit} hosts of {of} start within an hour"),
        Waiting::Line(line) => format!("the line of {} carries {}", line.of, line.rate),
        Waiting::Hours { opens_ms: Some(_) } => "no work starts at this hour".to_owned(),
        Waiting::Blackout {
            name,
            opens_ms: Some(_),
            ..
        } => format!("no work starts in {name}"),
        Waiting::Notice { is_due: true, .. } => {
            "its user is to be told first, and no word came that this was done".to_owned()
        }
        Waiting::Notice { is_due: false, .. } => "its user was told, and has time".to_owned(),
        Waiting::PutOff { .. } => "put off by its user".to_owned(),
        Waiting::Drain { drain, .. } => format!("{} drains it first", drain.name),
        Waiting::External { name, .. } => format!("{name} does the work"),
        Waiting::FewFirst { wave, .. } => format!("a few hosts of wave {wave} go first"),
        Waiting::Tripped { wave, cause, .. } => format!("wave {wave} is halted: {}", cause.text()),
        Waiting::Held { kind, .. } => format!("held ({kind})"),
        Waiting::HeldLocally { .. } => "the host holds itself".to_owned(),
        Waiting::Fetch { .. } | Waiting::Steps { .. } | Waiting::Ending { .. } => "an order is out".to_owned(),
        Waiting::Restart { .. } => "a restart is due".to_owned(),
        Waiting::Soak { .. } => "it must hold for a while".to_owned(),
        Waiting::Stuck(reason) => of_reason(reason),
        Waiting::ObserveMode
        | Waiting::Readiness { .. }
        | Waiting::WaveClosed { .. }
        | Waiting::WavePaused { .. }
        | Waiting::Halted { .. }
        | Waiting::Approval { .. }
        | Waiting::NoWindow
        | Waiting::Hours { opens_ms: None }
        | Waiting::Blackout { opens_ms: None, .. }
        | Waiting::Journal
        | Waiting::NextPass
        | Waiting::FreshLook => waiting.text(),
    }
}

fn of_reason(reason: &Reason) -> String {
    match reason {
        Reason::CameBack { .. } => "the target came back time and again after it was replaced".to_owned(),
        Reason::LookFailed { product, .. } => format!("a required look at {product} failed"),
        Reason::Unmet(unmet) => unmet.reason.clone(),
        Reason::RemovedByOthers(others) => others.gist(),
        Reason::Stopped { by, .. } => by.text(),
        Reason::AttemptsUsed { last: Some(last), .. } => format!("attempts are used up, the last by {last}"),
        Reason::AttemptsUsed { last: None, .. } => "attempts are used up".to_owned(),
        Reason::RestartOverdue { .. } => "it did not come back from a restart".to_owned(),
        Reason::StepInterrupted { what, .. } => format!("interrupted: {what}"),
        Reason::ReplacementUnhealthy { product, .. } => format!("{product} does not do its work"),
        Reason::Exempted { .. } => "exempt".to_owned(),
        Reason::Retired { .. } => "retired".to_owned(),
        Reason::Concluded { .. } => "its agent left".to_owned(),
        Reason::NoInventory
        | Reason::Embedded { .. }
        | Reason::NoReplacementRule
        | Reason::NoRecipe { .. }
        | Reason::UnapprovedReplacement { .. }
        | Reason::EncryptedByTarget
        | Reason::NotOurs { .. }
        | Reason::EncryptionUnknown
        | Reason::Intercepted { .. }
        | Reason::NoPackageManager { .. }
        | Reason::AgentTooOld { .. }
        | Reason::ArtifactMissing { .. }
        | Reason::SecretMissing { .. }
        | Reason::GradeNotAccepted { .. }
        | Reason::ReplacementAbsent { .. }
        | Reason::OutOfScope { .. } => reason.text(),
    }
}
