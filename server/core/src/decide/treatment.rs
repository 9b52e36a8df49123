//! How a failure is treated, by its cause, the step in which it came, and what the installer's exit code means. The table for people
//! is in docs/work-orders.md; a test holds each line to it.

use cutover_proto::{
    artifact::ArtifactRef,
    record::{FailureCause, StepRecord},
};

use super::{pen::Pen, secrets};
use crate::{
    catalog::ExitMeaning,
    plan::{OpenOrder, Stop},
};

/// What follows a failure.
pub(super) enum Treatment {
    /// Tried again; uses no attempt until there are too many in a row.
    Hindrance,
    /// Uses an attempt.
    Attempt,
    /// A person must look.
    Person,
    /// Uses no attempt the first time, and one when it comes again in spite of what was shown since.
    Once(Stop),
    /// Uses no attempt; again and again it stops the host, by what the campaign supplies.
    Supply(Stop),
    /// Uses one, and nothing is tried again before somebody acted.
    Final(Stop),
    /// Uses none, and nothing is tried again before somebody acted.
    Refusal(Stop),
}

/// What follows the failure that this record ends the open order with.
pub(super) fn of(pen: &Pen<'_>, record: &StepRecord) -> Treatment {
    let Some(open) = &pen.plan.order else {
        return record.cause.map_or(Treatment::Attempt, plain);
    };
    let cause = record.cause.or(open.failing);
    let step = open.last_step.and_then(|index| open.step(index));
    let code = record.exit_code.or(open.failing_exit);
    if cause != Some(FailureCause::Interrupted)
        && let (Some(step), Some(code)) = (step, code)
        && let Some((meaning, product)) = pen.cx.catalog.exit_meaning(step, code)
    {
        let product = product.unwrap_or(&open.replacement).clone();
        return match meaning {
            // Whoever ended it may not be there the next time; after some such ends it uses an attempt.
            ExitMeaning::Busy | ExitMeaning::Cancelled => Treatment::Hindrance,
            // It says that it is done, and the look does not agree yet: what is left goes with the kernel session.
            ExitMeaning::RestartAfter | ExitMeaning::RestartFirst => Treatment::Once(Stop::RestartFirst {
                boot_id: record.boot_id.clone(),
            }),
            ExitMeaning::Secret | ExitMeaning::PerhapsSecret => {
                let takes = secrets::taken(pen, &product);
                // What was tried is counted by itself, and no attempt brings back what a wrong password locked.
                let uses_none = !takes.is_empty();
                let stop = Stop::Secret {
                    product,
                    takes,
                    is_sure: meaning == ExitMeaning::Secret,
                };
                if uses_none {
                    Treatment::Refusal(stop)
                } else {
                    Treatment::Final(stop)
                }
            }
            ExitMeaning::Forbidden => Treatment::Refusal(Stop::Forbidden { product }),
            ExitMeaning::Gone => Treatment::Refusal(Stop::Orphan { product }),
            // A file of ours is at fault wherever it comes; what the machine itself kept is so on this machine.
            ExitMeaning::Package => match step.action.files().first() {
                Some(file) => Treatment::Supply(unfit(pen, file)),
                None => Treatment::Refusal(Stop::Source { product }),
            },
            ExitMeaning::Ours => Treatment::Refusal(Stop::Ours { product }),
        };
    }
    match cause {
        Some(FailureCause::DiskFull) => Treatment::Once(Stop::Room {
            fresh_after_ms: record.at_ms.max(pen.plan.last_looked_ms.unwrap_or(i64::MIN)),
        }),
        Some(FailureCause::WrongHash | FailureCause::TooLarge) => {
            supplied(pen, open).map_or(Treatment::Attempt, Treatment::Supply)
        }
        Some(cause) => plain(cause),
        None => Treatment::Attempt,
    }
}

/// The file of the campaign's own that the failing step was to bring; what comes from a distribution's archive is none.
fn supplied(pen: &Pen<'_>, open: &OpenOrder) -> Option<Stop> {
    let file = open.step(open.last_step?)?.action.fetched_file()?;
    Some(unfit(pen, file))
}

/// A file that is not what it is taken for, and how often in a row.
fn unfit(pen: &Pen<'_>, artifact: &ArtifactRef) -> Stop {
    let new = Stop::Unfit {
        file: artifact.file_name.clone(),
        sha256: artifact.sha256.to_string(),
        times: 1,
    };
    let before = pen.plan.last_failure.as_ref().and_then(|failure| failure.stop.as_ref());
    match (new, before) {
        (
            Stop::Unfit { file, sha256, .. },
            Some(Stop::Unfit {
                sha256: other, times, ..
            }),
        ) if sha256 == *other => Stop::Unfit {
            file,
            sha256,
            times: times.saturating_add(1),
        },
        (new, _) => new,
    }
}

/// By the cause alone.
const fn plain(cause: FailureCause) -> Treatment {
    match cause {
        FailureCause::Locked
        | FailureCause::Network
        | FailureCause::Expired
        | FailureCause::NotYet
        | FailureCause::TooLongAway
        | FailureCause::Replayed
        | FailureCause::Journal
        // The server's keys are at fault, and no host.
        | FailureCause::BadSignature => Treatment::Hindrance,
        FailureCause::Interrupted => Treatment::Person,
        FailureCause::OtherHost
        | FailureCause::UnknownStep
        | FailureCause::NotAttributed
        | FailureCause::DiskFull
        | FailureCause::TimeLimit
        | FailureCause::ToolFailed
        | FailureCause::StillThere
        | FailureCause::NotDetected
        | FailureCause::Unsupported
        | FailureCause::ServiceNotActive
        | FailureCause::NotSetUp
        | FailureCause::WrongHash
        | FailureCause::TooLarge => Treatment::Attempt,
    }
}
