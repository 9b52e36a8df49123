//! English.

use super::Said;

pub(super) fn text(said: &Said<'_>) -> String {
    match said {
        Said::RestartComes { when, reason } => {
            format!("Cutover: this machine restarts at {when}.\nReason: {reason}.\nPlease save your work.")
        }
        Said::HowToPutRestartOff { latest } => {
            format!("To put it off, until {latest} at the latest: cutover-agent defer 2h")
        }
        Said::RestartCalledOff => "Cutover: the restart of this machine is called off.".to_owned(),
        Said::WorkComes { when } => format!("Cutover: work on this machine begins not before {when}."),
        Said::WorkBegins => "Cutover: work on this machine begins now.".to_owned(),
        Said::WhomToAsk { contact, code } => format!("Questions: {contact}. Reference: {code}."),
        Said::RestartWouldBeTold => "A restart, where one is needed, is announced before it comes.".to_owned(),
        Said::HowToPutStartOff { longest } => {
            format!("To put it off, by {longest} at a time: cutover-agent defer 1h")
        }
        Said::StartComesAnyhow { until } => {
            format!("Cutover: the start of the work on this machine could not be put off until {until}.")
        }
        Said::NotUnderstood => "the agent does not understand that; are both of the same version?".to_owned(),
        Said::NothingDue => "no restart is due on this machine, and no work is announced".to_owned(),
        Said::RestartDue { reason, latest } => format!(
            "a restart of this machine is due: {reason}; it can be put off until {latest} at the latest: cutover-agent \
             defer 2h"
        ),
        Said::RestartDueAt { when, reason, latest } => format!(
            "this machine restarts at {when}: {reason}; it can be put off until {latest} at the latest: cutover-agent \
             defer 2h"
        ),
        Said::RestartDuePutOff { when, reason, latest } => format!(
            "this machine restarts at {when}, as it was put off: {reason}; it can be put off until {latest} at the \
             latest: cutover-agent defer 2h"
        ),
        Said::RestartIsPutOff { until, latest } => {
            format!("the restart is put off until {until}; the latest is {latest}")
        }
        Said::StartIsPutOffLast { until } => {
            format!("the start of the work is put off until {until}; it cannot be put off again")
        }
        Said::StartIsPutOff { until, left } => {
            format!("the start of the work is put off until {until}; it can be put off again (left: {left})")
        }
        Said::WorkAhead {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "work on this machine begins not before {when} ({from}: {why}; questions: {contact}; reference {code}); {may}"
        ),
        Said::WorkAheadPutOff {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "work on this machine begins not before {when}, as it was put off ({from}: {why}; questions: {contact}; \
             reference {code}); {may}"
        ),
        Said::StartMayBePutOff { left, longest } => {
            format!("it can be put off (left: {left}), by {longest} at a time: cutover-agent defer 1h")
        }
        Said::StartUsedUp => "the start cannot be put off any more".to_owned(),
        Said::StartHolds { why } => (*why).to_owned(),
        Said::RestartHolds => "this restart cannot be put off: its campaign allows no deferral".to_owned(),
        Said::RestartIsAtWork => "the machine is restarting already".to_owned(),
        Said::TooLong { latest } => {
            format!("that is longer than is allowed: it can be put off until {latest} at the latest")
        }
        Said::RestartComesLater { comes, latest } => format!(
            "the restart comes no earlier than that anyhow: it comes at {comes}, and can be put off until {latest} at the \
             latest"
        ),
        Said::NotKept { why } => {
            format!("the deferral could not be kept on disk ({why}), so it does not hold; try again")
        }
        Said::WorkHasBegun => "the work on this machine has begun".to_owned(),
        Said::DeferralBeforeIsPending => {
            "the deferral before has not reached the server yet; ask again once it has".to_owned()
        }
        Said::OnlyWhoIsHere => {
            "only whoever is logged in at this machine, in an active session, may put its restart off".to_owned()
        }
        Said::WhoIsHereUnknown { why } => {
            format!("whether you are logged in cannot be told ({why}); an administrator (root) may put the restart off")
        }
    }
}
