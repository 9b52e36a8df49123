//! Whether a replacement does its work.

use cutover_proto::{
    rule::HealthRule,
    verdict::{Health, HealthState, Protection},
};

use crate::{
    facts::{Answer, EntryKind},
    host::{HostPath, HostView, Links},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Looks at the program and its signatures. What it says changes only when the state does: no ages, no counts.
pub(crate) fn check(view: &dyn HostView, rule: &HealthRule, grade: Protection, now_ms: i64) -> Health {
    match program(view, &rule.program).and_then(|()| signatures(view, rule, now_ms)) {
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
