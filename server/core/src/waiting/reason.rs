//! Why a plan does not go on, as a value and in words.

use super::told::{drained, restart, undrained};
use crate::{
    campaign::zone::utc,
    plan::{Drain, HoldKind, Personal, Reason},
    rollout::{ApprovalCause, Cause, LineWait, RunState},
};

/// Why a plan does not go on at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// The campaign only looks.
    ObserveMode,
    /// Its wave is not open.
    WaveClosed {
        /// Which.
        wave: String,
    },
    /// Its wave is paused.
    WavePaused {
        /// Which.
        wave: String,
    },
    /// Its wave is halted: too much of it went wrong.
    Tripped {
        /// Which.
        wave: String,
        /// Why.
        cause: Cause,
        /// Since when.
        since_ms: i64,
    },
    /// A few of its wave go first.
    FewFirst {
        /// Which wave.
        wave: String,
        /// So many go first.
        allowed: u32,
        /// So many have begun.
        begun: u32,
    },
    /// Somebody paused, stopped or closed the campaign.
    Halted {
        /// How.
        run: RunState,
    },
    /// Nobody is forced yet.
    Grace {
        /// Until then.
        until_ms: i64,
    },
    /// A person must let it start.
    Approval {
        /// Why.
        cause: ApprovalCause,
    },
    /// Something around the machines is not as it must be before hosts start without a person.
    Readiness {
        /// Open items of the readiness list.
        open: Vec<String>,
    },
    /// Whoever works at the machine is told first, and then has time.
    Notice {
        /// By which they and the helpdesk speak of it.
        code: String,
        /// So many notices were given.
        given: u32,
        /// Of how many.
        of: u32,
        /// When the last one was.
        told_ms: Option<i64>,
        /// Whether the next is due and was not given.
        is_due: bool,
        /// When the next is due; `None` where it is at once, or none is left.
        next_ms: Option<i64>,
        /// It starts no earlier; `None` before the first.
        starts_ms: Option<i64>,
    },
    /// Whoever works at the machine put the start off.
    PutOff {
        /// To then.
        until_ms: i64,
        /// The so-and-so-many-th time.
        times: u32,
        /// Of how many.
        of: u32,
    },
    /// Another system drains it before its order, or releases it from an earlier one.
    Drain {
        /// How far that is.
        drain: Box<Drain>,
        /// When it is asked again; `None` where nobody is asked.
        by_ms: Option<i64>,
        /// Whether it takes longer than it should.
        is_late: bool,
    },
    /// Others do the work.
    External {
        /// Who.
        name: String,
        /// Who answers for it.
        owner: String,
        /// Whether it is an image from which machines are made.
        is_image: bool,
        /// It was to be seen done by then.
        by_ms: i64,
        /// Whether that is past.
        is_late: bool,
    },
    /// No work may start at this hour.
    Hours {
        /// When it may; `None` where that is not within two years.
        opens_ms: Option<i64>,
    },
    /// Work may start in windows alone, and none is for it.
    NoWindow,
    /// No work may start in these days.
    Blackout {
        /// What people call them.
        name: String,
        /// When it may; `None` where that is not within two years.
        opens_ms: Option<i64>,
    },
    /// All slots are taken.
    Slot {
        /// Of what.
        of: String,
        /// So many are out.
        in_flight: u32,
        /// So many may be.
        limit: u32,
        /// Whether it is a place among those that go first with a recipe.
        is_first: bool,
    },
    /// So many were started within the last hour as may be.
    Pace {
        /// Of what.
        of: String,
        /// So many may start within an hour.
        limit: u32,
        /// When the next may.
        at_ms: i64,
    },
    /// Its line has no room for what it would fetch, or others wait for it.
    Line(LineWait),
    /// It is held.
    Held {
        /// How.
        kind: HoldKind,
        /// By whom.
        who: Personal,
        /// Why.
        why: Personal,
        /// Until when.
        until_ms: Option<i64>,
    },
    /// The host holds itself.
    HeldLocally {
        /// In its agent's words.
        why: String,
    },
    /// The last attempt did not succeed; the next is due then.
    Retry {
        /// When.
        at_ms: i64,
        /// How many attempts are used up.
        used: u32,
        /// Of how many.
        of: u32,
        /// What the last one said.
        why: String,
    },
    /// The host is away: an order would not be fetched.
    Away {
        /// Last heard of.
        last_seen_ms: i64,
    },
    /// It fell silent right after enrolling, and a target is there.
    AgentPerhapsLost {
        /// Last heard of.
        last_seen_ms: i64,
    },
    /// Its journal must be settled by a fresh look.
    Journal,
    /// It starts with the next pass of the rollout.
    NextPass,
    /// The order waits to be fetched.
    Fetch {
        /// Withdrawn then.
        by_ms: i64,
    },
    /// Steps are running.
    Steps {
        /// From 1.
        step: u32,
        /// Of how many.
        of: u32,
        /// What it is.
        what: String,
        /// Silence beyond this uses an attempt up.
        until_ms: i64,
    },
    /// The order was asked to end and has not yet.
    Ending {
        /// Why.
        why: String,
    },
    /// A restart is due.
    Restart {
        /// When it is to come, as the host says; `None` before the users were told.
        comes_ms: Option<i64>,
        /// Whether the user put it off to then.
        is_deferred: bool,
        /// Whether anybody at the machine may put it off.
        may_be_put_off: bool,
        /// It cannot be put off beyond this.
        latest_ms: i64,
        /// The machine must be back by then.
        back_by_ms: i64,
    },
    /// A fresh look must confirm.
    FreshLook,
    /// Both halves must hold for a while.
    Soak {
        /// Until then.
        until_ms: i64,
    },
    /// A person must act, or something outside must change.
    Stuck(Reason),
}

impl Waiting {
    /// Why, for a person.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::ObserveMode => "the campaign only looks".to_owned(),
            Self::WaveClosed { wave } => format!("wave {wave} is not open"),
            Self::WavePaused { wave } => format!("wave {wave} is paused"),
            Self::Tripped { wave, cause, since_ms } => {
                format!("wave {wave} is halted since {}: {}", utc(*since_ms), cause.text())
            }
            Self::FewFirst { wave, allowed, begun } => format!(
                "{allowed} hosts of wave {wave} go first, and all others once these have succeeded; {begun} have begun"
            ),
            Self::Halted { run } => format!("the campaign is {run}"),
            Self::Grace { until_ms } => format!("nobody is forced before {}, the end of grace", utc(*until_ms)),
            Self::Approval { cause } => format!("a person must let it start: {}", asked_by(*cause)),
            Self::Readiness { open } => format!("of the readiness list is open: {}", open.join(", ")),
            Self::Notice { .. } => self.notice_text(),
            Self::PutOff { until_ms, times, of } => {
                format!("put off by its user until {}, {times} of {of}", utc(*until_ms))
            }
            Self::External {
                name,
                owner,
                by_ms,
                is_late: false,
                ..
            } => format!("{name} does the work, {owner} answers for it, until {}", utc(*by_ms)),
            Self::External {
                name,
                owner,
                by_ms,
                is_late: true,
                ..
            } => format!(
                "{name} was to have done the work by {} and no look shows it; {owner} answers for it",
                utc(*by_ms)
            ),
            Self::Drain { drain, by_ms, is_late } => drained(drain, *by_ms, *is_late),
            Self::Hours { opens_ms } => format!("no work starts at this hour; {}", opens(*opens_ms)),
            Self::NoWindow => {
                "a kiosk starts in a window alone, and no [[window]] of the campaign is for it".to_owned()
            }
            Self::Blackout { name, opens_ms } => format!("no work starts in {name}; {}", opens(*opens_ms)),
            Self::Slot {
                of, in_flight, limit, ..
            } => format!("{in_flight} of {limit} slots of {of} are taken"),
            Self::Pace { of, limit, at_ms } => format!(
                "{limit} hosts of {of} were started within an hour, which is the limit; the next may at {}",
                utc(*at_ms)
            ),
            Self::Line(line) => line.text(),
            Self::Held {
                kind,
                who,
                why,
                until_ms,
            } => {
                let until = until_ms.map_or_else(String::new, |at| format!(" until {}", utc(at)));
                format!("held ({kind}) by {who}{until}: {why}")
            }
            Self::HeldLocally { why } => format!("the host holds itself: {why}"),
            Self::Retry { at_ms, used, of, why } => {
                format!(
                    "{used} of {of} attempts used, the next is due at {}; the last said: {why}",
                    utc(*at_ms)
                )
            }
            Self::Away { last_seen_ms } => format!("the host is away, last heard of at {}", utc(*last_seen_ms)),
            Self::AgentPerhapsLost { last_seen_ms } => format!(
                "agent possibly removed by the product: nothing was heard since {}, right after it enrolled",
                utc(*last_seen_ms)
            ),
            Self::Journal => "its journal cannot be trusted until a fresh look".to_owned(),
            Self::NextPass => "it starts with the next pass of the rollout".to_owned(),
            Self::Fetch { by_ms } => format!("the order waits for the host to check in, until {}", utc(*by_ms)),
            Self::Steps { step, of, what, .. } => format!("step {step} of {of}: {what}"),
            Self::Ending { why } => format!("the order was asked to end: {why}"),
            Self::Restart {
                comes_ms,
                is_deferred,
                may_be_put_off,
                latest_ms,
                ..
            } => restart(*comes_ms, *is_deferred, *may_be_put_off, *latest_ms),
            Self::FreshLook => "a fresh look must confirm it".to_owned(),
            Self::Soak { until_ms } => format!("it must hold until {}", utc(*until_ms)),
            Self::Stuck(reason) => reason.text(),
        }
    }

    /// What to do about it; empty where nothing need be done.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::ObserveMode => "set mode = \"approve\" or \"automatic\" in the campaign".to_owned(),
            Self::WaveClosed { wave } => format!("cutover wave open {wave}"),
            Self::WavePaused { wave } => format!("cutover wave resume {wave}"),
            Self::Tripped { wave, cause, .. } => {
                format!("{}: cutover wave reset {wave} --why …", cause.remedy())
            }
            Self::Halted { run: RunState::Closed } => "nothing: it is over".to_owned(),
            Self::Halted { .. } => "cutover campaign resume".to_owned(),
            Self::Approval {
                cause: ApprovalCause::OnlyController,
            } => "see that the site can do without it for a while, then name it: cutover wave approve WAVE --host NAME".to_owned(),
            Self::Approval { .. } => "cutover wave approve".to_owned(),
            Self::Readiness { .. } => {
                "cutover readiness list says what each is; attest what is so, or have two people waive it".to_owned()
            }
            Self::Notice { is_due: true, .. } => {
                "switch the machine on; an agent that is older than notices never says that it told anybody: upgrade it"
                    .to_owned()
            }
            Self::External {
                name,
                owner,
                is_image: true,
                is_late: true,
                ..
            } => format!("ask {owner} for {name}, and end the sessions that still run from the one before"),
            Self::External {
                name,
                owner,
                is_late: true,
                ..
            } => format!("ask {owner} why {name} did not reach the machine, or have Cutover do it: remove [executor]"),
            Self::Drain { drain, is_late, .. } => undrained(drain, *is_late),
            Self::Held { .. } => "lift the hold when its cause is settled".to_owned(),
            Self::HeldLocally { .. } => {
                "remove the hold on the machine when its cause is settled; `cutover-agent status` there names it"
                    .to_owned()
            }
            Self::Retry { .. } => "mend the cause; `cutover hosts retry` tries at once".to_owned(),
            Self::Away { .. } => "switch the machine on, or see why its agent does not reach the server".to_owned(),
            Self::AgentPerhapsLost { .. } => {
                "see whether the agent still runs there; put it on the product's exclusion list and install it again, or \
                 switch the machine on"
                    .to_owned()
            }
            Self::Restart {
                may_be_put_off: true, ..
            } => "restart the machine when it suits, or wait: it comes by itself".to_owned(),
            Self::Hours { opens_ms: None } | Self::Blackout { opens_ms: None, .. } => {
                "see [[window]] and [[blackout]] of the campaign: together they leave this host no hour".to_owned()
            }
            Self::NoWindow => {
                "write a [[window]] that fits it, or take its tag use=kiosk away where somebody works at it after all"
                    .to_owned()
            }
            Self::Slot { is_first: true, .. } => {
                "wait for them, and see to those that failed (cutover hosts list --phase failed): each keeps its place until it \
                 succeeds, or is held, exempt or retired"
                    .to_owned()
            }
            Self::Stuck(reason) => reason.remedy(),
            Self::FewFirst { .. }
            | Self::Grace { .. }
            | Self::Notice { is_due: false, .. }
            | Self::PutOff { .. }
            | Self::External { .. }
            | Self::Hours { opens_ms: Some(_) }
            | Self::Blackout { opens_ms: Some(_), .. }
            | Self::Slot { is_first: false, .. }
            | Self::Pace { .. }
            | Self::Line(_)
            | Self::Journal
            | Self::NextPass
            | Self::Fetch { .. }
            | Self::Steps { .. }
            | Self::Ending { .. }
            | Self::Restart {
                may_be_put_off: false, ..
            }
            | Self::FreshLook
            | Self::Soak { .. } => String::new(),
        }
    }
}

fn opens(at_ms: Option<i64>) -> String {
    at_ms.map_or_else(
        || "no hour is left to it within two years".to_owned(),
        |at_ms| format!("it may from {}", utc(at_ms)),
    )
}

const fn asked_by(cause: ApprovalCause) -> &'static str {
    match cause {
        ApprovalCause::Mode => "the campaign is of mode approve",
        ApprovalCause::Wave => "its wave asks for it",
        ApprovalCause::Class => "the campaign asks it of machines of its class",
        ApprovalCause::Recipe => {
            "a recipe of its work has not soaked here yet, so a few go first, each with a person's leave"
        }
        ApprovalCause::MultiSession => "several people work at it at once, and none of them decides for the others",
        ApprovalCause::OnlyController => {
            "no other domain controller answers for its site, as far as is known, and no policy lets such a one start"
        }
        ApprovalCause::LateJoiner => "it came into its wave when that was open already",
    }
}
