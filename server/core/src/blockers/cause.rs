//! The cause of its own that holds a host up. What holds its whole group up (a wave that is halted, the readiness list) is no
//! host's own and is told from the group.

use crate::{
    campaign::Campaign,
    notice,
    plan::{Owner, Phase, Plan, Reason},
    rollout::approval_cause,
};

/// Why a host does not go on until somebody mends something, in words that hold for every host of which it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What hosts are counted by: the phase, what it is, and of what.
    pub key: String,
    /// What is so.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// Who does.
    pub owner: Owner,
}

/// The longest key, in bytes; some tell what a look or a recipe said.
const LONGEST: usize = 200;

impl Cause {
    fn of(phase: Phase, what: &str, text: String, remedy: String, owner: Owner) -> Self {
        let mut key = format!("{phase}/{what}");
        while key.len() > LONGEST {
            key.pop();
        }
        Self {
            key,
            text,
            remedy,
            owner,
        }
    }
}

/// What holds this host up by itself; `None` where nothing does, or only time.
#[must_use]
pub fn cause(plan: &Plan, campaign: &Campaign) -> Option<Cause> {
    if plan.agent_perhaps_lost && !plan.is_closed() {
        return Some(Cause::of(
            plan.phase,
            "agent-perhaps-lost",
            "the agent fell silent right after it enrolled: possibly removed by the product".to_owned(),
            "see whether the agent still runs there; put it on the product's exclusion list and install it again"
                .to_owned(),
            Owner::Technician,
        ));
    }
    match plan.phase {
        Phase::Unassessed | Phase::Unplanned | Phase::Blocked | Phase::Handwork | Phase::Failed | Phase::Verifying => {
            plan.reason.as_ref().map(|reason| by_reason(plan.phase, reason))
        }
        Phase::Queued => queued(plan, campaign),
        Phase::Clear
        | Phase::Planned
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Migrated
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => None,
    }
}

fn queued(plan: &Plan, campaign: &Campaign) -> Option<Cause> {
    let of = |what: &str, text: &str, remedy: &str, owner| {
        let cause = Cause::of(plan.phase, what, text.to_owned(), remedy.to_owned(), owner);
        Some(cause)
    };
    if let Some(hold) = plan.holds.values().next() {
        let (what, text) = (format!("held-{}", hold.kind), format!("held ({})", hold.kind));
        return of(&what, &text, "lift the hold when its cause is settled", Owner::Operator);
    }
    if plan.local_hold.is_some() {
        let remedy = "remove the hold on the machine; `cutover-agent status` there names it";
        return of("held-locally", "the host holds itself", remedy, Owner::Technician);
    }
    if let Some(external) = plan.executor(campaign) {
        return of(
            &format!("external/{}", external.name),
            &format!("{} does the work", external.name),
            &format!("ask {} how far it is", external.owner),
            Owner::Operator,
        );
    }
    if plan.approval.is_none() && approval_cause(plan, campaign).is_some() {
        return of(
            "approval",
            "a person must let it start",
            "cutover wave approve WAVE",
            Owner::Operator,
        );
    }
    if campaign.calendar_for(&plan.traits()).never_opens() {
        return of(
            "no-window",
            "a kiosk starts in a window alone, and no [[window]] of the campaign is for it",
            "write a [[window]] that fits it, or take its tag use=kiosk away where somebody works at it after all",
            Owner::Operator,
        );
    }
    let notice = notice::of(plan, campaign).map(|it| notice::course(plan, it));
    if notice.is_some_and(|course| plan.notices.asked > course.given) && !plan.stale {
        return of(
            "notice",
            "its user is to be told first, and no word came that this was done",
            "switch the machine on, or upgrade an agent that is older than notices",
            Owner::Helpdesk,
        );
    }
    if plan.stale {
        return of(
            "away",
            "the host was not heard of for too long",
            "switch the machine on, or see why its agent does not reach the server",
            Owner::Helpdesk,
        );
    }
    None
}

/// Hosts of one reason differ in figures and instants; these are left out.
fn by_reason(phase: Phase, reason: &Reason) -> Cause {
    let whole = || reason.text();
    let (what, text) = match reason {
        Reason::NoInventory => ("no-inventory".to_owned(), whole()),
        Reason::LookFailed { product, .. } => (
            format!("look-failed/{product}"),
            format!("whether {product} is there could not be told"),
        ),
        Reason::Embedded { .. } => (format!("embedded/{}", whole()), whole()),
        Reason::NoReplacementRule => ("no-replacement-rule".to_owned(), whole()),
        Reason::NoRecipe { why } => (format!("no-recipe/{why}"), whole()),
        Reason::RemovedByOthers(others) => (format!("by-others/{}", others.product), others.gist()),
        Reason::UnapprovedReplacement { product } => (format!("unapproved/{product}"), whole()),
        Reason::EncryptedByTarget => ("encrypted-by-target".to_owned(), whole()),
        Reason::NotOurs { ownership } => (format!("not-ours/{ownership}"), whole()),
        Reason::EncryptionUnknown => ("encryption-unknown".to_owned(), whole()),
        Reason::Unmet(unmet) if unmet.is_unknown => (format!("unknown/{}/{}", unmet.product, unmet.name), whole()),
        Reason::Unmet(unmet) => (format!("unmet/{}/{}", unmet.product, unmet.name), unmet.reason.clone()),
        Reason::CameBack {
            suspect: Some(suspect), ..
        } => (
            format!("came-back/{}", suspect.key),
            format!(
                "the target came back time and again after it was replaced; put back by: {} ({})",
                suspect.name, suspect.sure
            ),
        ),
        Reason::CameBack { agents, .. } if agents.is_empty() => (
            "came-back".to_owned(),
            "the target came back time and again after it was replaced".to_owned(),
        ),
        Reason::CameBack { .. } => (
            "came-back-by-agent".to_owned(),
            "the target came back time and again after it was replaced, and its management agent is there".to_owned(),
        ),
        Reason::Stopped { by, .. } => (by.key(), by.text()),
        Reason::Intercepted { by } => (format!("intercepted/{by}"), whole()),
        Reason::NoPackageManager { product } => (format!("no-package-manager/{product}"), whole()),
        Reason::AgentTooOld { .. } => (format!("agent-too-old/{}", whole()), whole()),
        Reason::ArtifactMissing { .. } => (format!("artifact-missing/{}", whole()), whole()),
        Reason::SecretMissing { product, .. } => (format!("secret-missing/{product}"), whole()),
        Reason::RestartOverdue { .. } => (
            "restart-overdue".to_owned(),
            "the machine has not come back from its restart".to_owned(),
        ),
        Reason::StepInterrupted { what, .. } => (
            format!("step-interrupted/{what}"),
            format!("{what} was interrupted and must not run twice"),
        ),
        Reason::ReplacementUnhealthy { product, .. } => (
            format!("unhealthy/{product}"),
            format!("{product} is there and not healthy"),
        ),
        Reason::GradeNotAccepted { product, .. } => (format!("grade/{product}"), whole()),
        Reason::ReplacementAbsent { product } => (format!("replacement-absent/{product}"), whole()),
        Reason::AttemptsUsed { last, .. } => {
            let last = last.map_or_else(|| "silence".to_owned(), |cause| cause.to_string());
            (
                format!("attempts-used/{last}"),
                format!("attempts did not succeed; the last ended with {last}"),
            )
        }
        Reason::Exempted { .. } | Reason::OutOfScope { .. } | Reason::Retired { .. } | Reason::Concluded { .. } => {
            ("closed".to_owned(), phase.to_string())
        }
    };
    Cause::of(phase, &what, text, reason.remedy(), reason.owner())
}
