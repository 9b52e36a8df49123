//! Whether a replacement does its work.

use cutover_proto::{
    rule::{Answering, HealthRule},
    verdict::{Health, HealthState, Protection},
};

use super::services::at_work;
use crate::{
    facts::{Answer, EntryKind, Process, Tool},
    host::{HostPath, HostView, Links},
    parse,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Looks at the program, its signatures, its services and its grip on the kernel, as far as the rule names them. What it
/// says changes only when the state does: no ages, no counts.
pub(crate) fn check(
    view: &dyn HostView,
    blocking: impl FnOnce() -> Answer<Vec<Process>>,
    rule: &HealthRule,
    grade: Protection,
    now_ms: i64,
) -> Health {
    let looked = program(view, &rule.program)
        .and_then(|()| signatures(view, rule, now_ms))
        .and_then(|()| services(view, &rule.services))
        .and_then(|()| match rule.answers {
            Some(Answering::Clamd) => clamd(view, rule, now_ms),
            None => Ok(()),
        })
        .and_then(|()| match &rule.intercepts {
            Some(name) => interception(&blocking(), name),
            None => Ok(()),
        });
    match looked {
        Ok(()) => Health {
            state: HealthState::Healthy,
            why: String::new(),
            grade,
        },
        Err(Ill::Is(why)) => Health {
            state: HealthState::Unhealthy,
            why,
            grade: Protection::None,
        },
        Err(Ill::CannotTell(why)) => Health {
            state: HealthState::Unknown,
            why,
            grade: Protection::Unobserved,
        },
    }
}

enum Ill {
    Is(String),
    CannotTell(String),
}

fn program(view: &dyn HostView, program: &str) -> Result<(), Ill> {
    match view.stat(&HostPath::unix(program), Links::Followed) {
        Answer::Found(stat) if stat.kind == EntryKind::File && stat.executable => Ok(()),
        Answer::Found(_) => Err(Ill::Is(format!(
            "{program} cannot be executed; install the product again"
        ))),
        Answer::Absent | Answer::Unsupported => {
            Err(Ill::Is(format!("{program} is missing; install the product again")))
        }
        Answer::Denied(why) | Answer::Failed(why) => Err(Ill::CannotTell(why)),
    }
}

fn signatures(view: &dyn HostView, rule: &HealthRule, now_ms: i64) -> Result<(), Ill> {
    let dir = HostPath::unix(&rule.database_dir);
    let none = || Ill::Is(format!("no signatures in {dir}; let the product fetch them"));
    let names = match view.list(&dir) {
        Answer::Found(names) => names,
        Answer::Absent | Answer::Unsupported => return Err(none()),
        Answer::Denied(why) | Answer::Failed(why) => return Err(Ill::CannotTell(why)),
    };
    let is_database = |name: &str| {
        rule.database_suffixes
            .iter()
            .any(|suffix| name.ends_with(suffix.as_str()))
    };
    let mut newest: Option<i64> = None;
    let mut trouble = None;
    for entry in names.iter().filter(|entry| is_database(&entry.name)) {
        match view.stat(&dir.join(&entry.name), Links::Followed) {
            Answer::Found(stat) if stat.kind == EntryKind::File && stat.size > 0 => {
                newest = newest.max(Some(stat.modified_ms));
            }
            Answer::Found(_) | Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) | Answer::Failed(why) => trouble = Some(why),
        }
    }
    let age_ms = newest.map(|newest| now_ms.saturating_sub(newest));
    match (age_ms, trouble) {
        // A clock that was set back makes signatures that are a little younger than now.
        (Some(age), _) if age < -DAY_MS => Err(Ill::CannotTell(format!(
            "signatures in {dir} are dated in the future; set this host's clock"
        ))),
        (Some(age), _) if age <= i64::from(rule.max_age_days).saturating_mul(DAY_MS) => Ok(()),
        (_, Some(why)) => Err(Ill::CannotTell(why)),
        (Some(_), None) => Err(Ill::Is(format!(
            "signatures in {dir} are older than {} days; let the product fetch them",
            rule.max_age_days
        ))),
        (None, None) => Err(none()),
    }
}

fn services(view: &dyn HostView, services: &[String]) -> Result<(), Ill> {
    services.iter().try_for_each(|service| match at_work(view, service) {
        Answer::Found(()) => Ok(()),
        Answer::Absent => Err(Ill::Is(format!(
            "{service} is not at work; see `systemctl status {service}`"
        ))),
        Answer::Unsupported => Err(match view.boot_id() {
            Answer::Found(_) | Answer::Absent => {
                Ill::Is(format!("systemd does not run here, so {service} does not either"))
            }
            Answer::Unsupported => Ill::CannotTell(format!(
                "this host does not run, so whether {service} does its work cannot be told"
            )),
            Answer::Denied(why) | Answer::Failed(why) => Ill::CannotTell(why),
        }),
        Answer::Denied(why) | Answer::Failed(why) => Err(Ill::CannotTell(why)),
    })
}

/// Whether clamd answers, and what it loaded is fresh. Files on the disk say nothing of a daemon that could not load them.
fn clamd(view: &dyn HostView, rule: &HealthRule, now_ms: i64) -> Result<(), Ill> {
    let said = view
        .tool(Tool::ClamdVersion)
        .parsed(|output| parse::clamd::version(&output.stdout));
    match said {
        Answer::Found(loaded) => {
            let bound_ms = i64::from(rule.max_age_days).saturating_mul(DAY_MS);
            let is_old = |built_ms: i64| now_ms.saturating_sub(built_ms) > bound_ms;
            if loaded.built_ms.is_some_and(is_old) {
                return Err(Ill::Is(format!(
                    "clamd works with signatures that are older than {} days; see its log for why it loads no newer ones",
                    rule.max_age_days
                )));
            }
            Ok(())
        }
        Answer::Absent => Err(Ill::Is(
            "clamd listens on no local socket; set LocalSocket in clamd.conf".to_owned(),
        )),
        Answer::Unsupported => Err(Ill::CannotTell(
            "this host does not run, so clamd cannot be asked".to_owned(),
        )),
        Answer::Denied(why) | Answer::Failed(why) => Err(Ill::CannotTell(why)),
    }
}

/// Whether the kernel asks a process of this name before it opens a file.
fn interception(blocking: &Answer<Vec<Process>>, name: &str) -> Result<(), Ill> {
    match blocking {
        Answer::Found(blocking) if blocking.iter().any(|process| process.runs_as(name)) => Ok(()),
        Answer::Found(_) => Err(Ill::Is(format!(
            "the kernel asks no {name} before a file is opened; see whether it runs, its log, and whether the kernel has \
             CONFIG_FANOTIFY_ACCESS_PERMISSIONS"
        ))),
        Answer::Absent | Answer::Unsupported => Err(Ill::CannotTell(format!(
            "this host does not run, so whether {name} intercepts cannot be told"
        ))),
        Answer::Denied(why) | Answer::Failed(why) => Err(Ill::CannotTell(why.clone())),
    }
}
