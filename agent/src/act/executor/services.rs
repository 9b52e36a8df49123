//! Starts services and waits until they are at work: a scanner's service does not start before its first signatures are
//! fetched, which the service before it does.

use std::time::Duration;

use cutover_proto::{
    inventory::OsFamily,
    record::{FailureCause, RecordEvent},
};

use super::{Executor, judge::Aim, records::Entry};
use crate::{
    act::cause,
    facts::Answer,
    host::hands::{HandsError, Run, ToolRun},
};

/// Between two tries to start what is not at work.
const BETWEEN: Duration = Duration::from_secs(10);

impl Executor {
    /// Whether all are at work.
    pub(super) fn services(&mut self, services: &[String]) -> Aim {
        let mut missing = Vec::new();
        for service in services {
            match self.parts.looker.at_work(service) {
                Answer::Found(()) => {}
                Answer::Absent => missing.push(service.as_str()),
                Answer::Unsupported => {
                    return Aim::Missed("no service manager runs here, so no service can".to_owned());
                }
                Answer::Denied(why) | Answer::Failed(why) => return Aim::CannotTell(why),
            }
        }
        if missing.is_empty() {
            Aim::Reached
        } else {
            Aim::Missed(format!(
                "{} not at work; its log says why{}, and a scanner starts only once its signatures are there",
                missing.join(", "),
                match self.parts.looker.os_family() {
                    OsFamily::Linux => " (`systemctl status`)",
                    OsFamily::Windows | OsFamily::Macos => "",
                }
            ))
        }
    }

    /// Starts each in turn, again and again while it is not at work, until the step's time is over.
    pub(super) fn start_services(&mut self, services: &[String], run: &mut Run<'_>) -> Entry {
        let from = self.parts.clock.ticks_ms();
        let limit = run.time_limit;
        let mut last = ToolRun::default();
        for service in services {
            loop {
                let spent = Duration::from_millis(self.parts.clock.ticks_ms().saturating_sub(from));
                let left = limit.saturating_sub(spent);
                run.time_limit = left;
                match self.parts.hands.enable_service(service, run) {
                    Ok(ran) => last = ran,
                    Err(error) => return not_asked(&error),
                }
                let aim = self.services(std::slice::from_ref(service));
                match aim {
                    Aim::Reached => break,
                    Aim::Missed(_) | Aim::CannotTell(_) if left > BETWEEN => self.parts.clock.wait(BETWEEN),
                    Aim::Missed(why) => return not_active(&why, last),
                    Aim::CannotTell(why) => {
                        return not_active(&format!("the look after it could not tell: {why}"), last);
                    }
                }
            }
        }
        // One that was at work may have ended since.
        match self.services(services) {
            Aim::Reached => Entry {
                log: last.log_tail,
                ..Entry::of(RecordEvent::StepDone)
            },
            Aim::Missed(why) | Aim::CannotTell(why) => not_active(&why, last),
        }
    }
}

fn not_asked(error: &HandsError) -> Entry {
    Entry::failed(RecordEvent::StepFailed, cause::of_error(error), &error.to_string())
}

fn not_active(why: &str, run: ToolRun) -> Entry {
    Entry {
        exit_code: run.exit_code,
        log: run.log_tail,
        ..Entry::failed(RecordEvent::StepFailed, FailureCause::ServiceNotActive, why)
    }
}
