//! Whether a replacement does its work.

use cutover_proto::{
    rule::{Answering, HealthRule},
    verdict::{Health, HealthState, Protection},
};

use super::{services::at_work, windows::WindowsGround};
use crate::{
    facts::{Answer, EntryKind, Process, Tool},
    host::{HostPath, HostView, Links},
    parse,
};

mod asked;
mod windows;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a look at health goes by, beside the rule.
#[derive(Clone, Copy)]
pub(crate) struct HealthCx<'a> {
    pub(crate) view: &'a dyn HostView,
    /// The processes that decide whether files may be opened.
    pub(crate) blocking: &'a dyn Fn() -> Answer<Vec<Process>>,
    /// On Windows: what was asked already.
    pub(crate) windows: Option<&'a WindowsGround<'a>>,
    pub(crate) now_ms: i64,
}

/// Looks at the program, its signatures, its services and its grip on the system, as far as the rule names them. What it
/// says changes only when the state does: no ages, no counts.
pub(crate) fn check(cx: HealthCx<'_>, rule: &HealthRule, grade: Protection) -> Health {
    let mut tenant = None;
    let (state, why, grade) = match looked(cx, rule, &mut tenant) {
        Ok(()) => (HealthState::Healthy, String::new(), grade),
        Err(Ill::Is(why)) => (HealthState::Unhealthy, why, Protection::None),
        Err(Ill::CannotTell(why)) => (HealthState::Unknown, why, Protection::Unobserved),
        // Ready to take over is not broken; what it gives meanwhile is no protection.
        Err(Ill::StandsBack { why, ails: None }) => (HealthState::Healthy, why, Protection::Passive),
        Err(Ill::StandsBack { ails: Some(ails), .. }) => match ails {
            Ails::It(why) => (HealthState::Unhealthy, why, Protection::Passive),
            Ails::Perhaps(why) => (HealthState::Unknown, why, Protection::Passive),
        },
    };
    Health {
        state,
        why,
        grade,
        tenant,
    }
}

fn looked(cx: HealthCx<'_>, rule: &HealthRule, tenant: &mut Option<String>) -> Result<(), Ill> {
    let HealthCx { view, now_ms, .. } = cx;
    if let Some(file) = &rule.program {
        program(view, file)?;
    }
    if let Some(dir) = &rule.database_dir {
        signatures(view, dir, rule, now_ms)?;
    }
    match cx.windows {
        Some(ground) => windows::services(ground, &rule.services)?,
        None => services(view, &rule.services)?,
    }
    match rule.answers {
        Some(Answering::Clamd) => clamd(view, rule, now_ms)?,
        Some(Answering::Mdatp) => asked::mdatp(view, tenant)?,
        Some(Answering::Falcon) => match cx.windows {
            Some(_) => windows::falcon(view, tenant)?,
            None => asked::falcon(view, tenant)?,
        },
        Some(Answering::DefenderAntivirus) => windows::defender(view, rule)?,
        Some(Answering::DefenderEndpoint) => {
            windows::onboarded(view, tenant)?;
            windows::defender(view, rule)?;
        }
        None => {}
    }
    if !rule.security_center.is_empty() {
        windows::security_center(cx.windows, &rule.security_center)?;
    }
    if let Some(name) = &rule.intercepts {
        interception(&(cx.blocking)(), name)?;
    }
    match &rule.unproven {
        Some(why) => Err(Ill::CannotTell(why.clone())),
        None => Ok(()),
    }
}

/// Why a product does not protect.
enum Ill {
    Is(String),
    CannotTell(String),
    /// It is there and leaves the work to another; and what is wrong with it besides.
    StandsBack {
        why: String,
        ails: Option<Ails>,
    },
}

/// What is wrong with a product beside that it stands back.
enum Ails {
    It(String),
    Perhaps(String),
}

/// What comes of looking at a product that stands back, where the rest of the look found `rest`.
fn standing_back(why: String, rest: Result<(), Ill>) -> Ill {
    let ails = match rest {
        Ok(()) => None,
        Err(Ill::Is(what)) => Some(Ails::It(what)),
        Err(Ill::CannotTell(what)) => Some(Ails::Perhaps(what)),
        Err(Ill::StandsBack { ails, .. }) => ails,
    };
    Ill::StandsBack { why, ails }
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

fn signatures(view: &dyn HostView, dir: &str, rule: &HealthRule, now_ms: i64) -> Result<(), Ill> {
    let dir = HostPath::unix(dir);
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
