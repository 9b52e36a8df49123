//! What whoever works at a machine is told before work begins there: which notice is due, when the work may begin after it,
//! and how far the start may be put off.
//!
//! ```text
//! wave open --> notice 1 given --> notice 2 due, given --> start --> told that it starts
//!               |-- before[0] ----------------------------->|
//!                                 |-- before[1] ----------->|      each counts from when it was given
//! ```
//!
//! A notice is given once the host's agent says so. One that was computed, sent or asked for is not: who was away has not
//! been told.

mod budget;

pub use budget::{Allowed, allowed};

use cutover_proto::ids::{CampaignId, HostId};

use crate::{
    campaign::{Campaign, Mode, Notice, span},
    mix::{mix, of_bytes},
    plan::{Phase, Plan},
    rollout::open_after_ms,
    waiting::Waiting,
};

/// A start that was announced and has not come so long after its time is announced anew.
const LAPSE_MS: i64 = 14 * 24 * 3_600_000;

/// Without letters that are taken for digits.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// By which people at a machine and the helpdesk speak of it: the same as long as host and campaign are.
#[must_use]
pub fn code(host: HostId, campaign: &CampaignId) -> String {
    let bytes = campaign.as_str().bytes().chain([0]).chain(host.uuid().into_bytes());
    let mut number = mix(of_bytes(bytes));
    let mut code = String::with_capacity(9);
    for place in 0..8 {
        if place == 4 {
            code.push('-');
        }
        code.push(char::from(LETTERS[(number % 32) as usize]));
        number /= 32;
    }
    code
}

/// How far the telling of one host has come. A pure function of its row and the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// So many notices come before the start.
    pub of: u32,
    /// So many were given.
    pub given: u32,
    /// Before this instant the next is not due; `None` where it is at once, or none is left.
    pub due_ms: Option<i64>,
    /// The work begins no earlier, as far as notices and user go; `None` before the first notice.
    pub starts_ms: Option<i64>,
    /// What was told no longer holds from then on.
    pub lapses_ms: Option<i64>,
}

/// The notices that come before the start on this host; `None` where nobody is told. What an order left half done goes on
/// without another notice: a machine without protection waits for nobody.
#[must_use]
pub fn of<'a>(plan: &Plan, campaign: &'a Campaign) -> Option<&'a Notice> {
    let is_half_done = plan.gap.is_some() || plan.restart_owed.is_some();
    if campaign.mode == Mode::Observe || is_half_done || plan.executor(campaign).is_some() {
        return None;
    }
    campaign.notice.as_ref().filter(|it| it.is_for(&plan.traits()))
}

/// How far it has come.
#[must_use]
pub fn course(plan: &Plan, notice: &Notice) -> Course {
    let notices = &plan.notices;
    let given = notices.given.len().min(notice.before.len());
    let told = notices.given.iter().zip(&notice.before);
    let starts_ms = told
        .map(|(given, before)| given.at_ms.saturating_add(span::ms(*before)))
        .chain(notices.put_off_ms)
        .max()
        .filter(|_| given > 0);
    let due_ms = notice.before.get(given).and_then(|before| {
        let starts_ms = starts_ms?;
        Some(starts_ms.saturating_sub(span::ms(*before)))
    });
    Course {
        of: number(notice.before.len()),
        given: number(given),
        due_ms,
        starts_ms,
        lapses_ms: due_ms.or(starts_ms).map(|at_ms| at_ms.saturating_add(LAPSE_MS)),
    }
}

impl Course {
    /// Whether every notice was given.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.given >= self.of
    }

    /// Whether the next notice is due.
    #[must_use]
    pub fn is_due(&self, now_ms: i64) -> bool {
        !self.is_complete() && self.due_ms.is_none_or(|due_ms| due_ms <= now_ms)
    }

    /// Whether what was told no longer holds.
    #[must_use]
    pub fn has_lapsed(&self, now_ms: i64) -> bool {
        self.lapses_ms.is_some_and(|lapses_ms| lapses_ms <= now_ms)
    }
}

/// Whether a notice is due on this host, as far as its own row goes.
#[must_use]
pub fn is_due(plan: &Plan, campaign: &Campaign, now_ms: i64) -> bool {
    plan.phase == Phase::Queued && of(plan, campaign).is_some_and(|it| course(plan, it).is_due(now_ms))
}

/// What stands against a start: somebody is to be told first, or put it off.
#[must_use]
pub fn hindrance(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<Waiting> {
    let notice = of(plan, campaign)?;
    let mut course = course(plan, notice);
    if course.has_lapsed(now_ms) {
        course = Course {
            of: course.of,
            given: 0,
            due_ms: None,
            starts_ms: None,
            lapses_ms: None,
        };
    }
    if course.is_complete() && course.starts_ms.is_none_or(|starts_ms| starts_ms <= now_ms) {
        return None;
    }
    let notices = &plan.notices;
    if let Some(until_ms) = notices
        .put_off_ms
        .filter(|until_ms| course.is_complete() && *until_ms > now_ms)
    {
        return Some(Waiting::PutOff {
            until_ms,
            times: notices.put_offs,
            of: notice.deferral.count,
        });
    }
    Some(Waiting::Notice {
        code: code(plan.host_id, &plan.campaign_id),
        given: course.given,
        of: course.of,
        told_ms: notices.told_ms().filter(|_| course.given > 0),
        is_due: course.is_due(now_ms),
        next_ms: course.due_ms,
        starts_ms: course.starts_ms,
    })
}

/// The instant before which notices let no start be: [`i64::MAX`] while one is still to be given, which an event ends.
#[must_use]
pub(crate) fn ready_at_ms(plan: &Plan, campaign: &Campaign) -> i64 {
    let Some(notice) = of(plan, campaign) else {
        return i64::MIN;
    };
    let course = course(plan, notice);
    match course.is_complete() {
        true => course.starts_ms.unwrap_or(i64::MIN),
        false => i64::MAX,
    }
}

/// The earliest start where everything that is due is told at once. An estimate: who is away is not told.
#[must_use]
pub(crate) fn earliest_start_ms(plan: &Plan, campaign: &Campaign, now_ms: i64) -> i64 {
    let Some(notice) = of(plan, campaign) else {
        return i64::MIN;
    };
    let course = course(plan, notice);
    let next = usize::try_from(course.given)
        .ok()
        .and_then(|given| notice.before.get(given));
    let told_now_ms = next.map_or(i64::MIN, |before| now_ms.saturating_add(span::ms(*before)));
    // Of a notice that is not due yet this is the later one: it is due so long before the start.
    course.starts_ms.unwrap_or(i64::MIN).max(told_now_ms)
}

/// What the host's agent is to hold, and to show where it has not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToShow {
    /// Of the telling; it begins anew with another.
    pub round: u32,
    /// Which notice, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
    /// The work begins no earlier.
    pub starts_ms: i64,
    /// The start is put off to then.
    pub put_off_ms: Option<i64>,
    /// How far it may be put off; why not, otherwise.
    pub allowed: Result<Allowed, String>,
}

/// What is to be shown on a host that waits for this; `None` where nothing is announced. The first notice goes out when
/// nothing else stands against the start than that somebody is told, and the later ones not while something does.
#[must_use]
pub fn to_show(plan: &Plan, campaign: &Campaign, waiting: Option<&Waiting>, now_ms: i64) -> Option<ToShow> {
    let notice = of(plan, campaign).filter(|_| plan.phase == Phase::Queued && plan.order.is_none())?;
    let course = course(plan, notice);
    if course.has_lapsed(now_ms) {
        return None;
    }
    let is_next = course.is_due(now_ms) && matches!(waiting, Some(Waiting::Notice { .. }));
    let number = course.given + u32::from(is_next);
    (number > 0).then(|| ToShow {
        round: plan.notices.round,
        number,
        of: course.of,
        starts_ms: starts_ms(plan, campaign, now_ms),
        put_off_ms: plan.notices.put_off_ms,
        allowed: allowed(plan, campaign, now_ms),
    })
}

/// Before when the work does not begin, as it is told to people: notices, grace, retries and hours together.
fn starts_ms(plan: &Plan, campaign: &Campaign, now_ms: i64) -> i64 {
    let told_ms = earliest_start_ms(plan, campaign, now_ms).max(now_ms);
    let ready_ms = told_ms
        .max(campaign.policy.grace_end_ms(plan.grace_from_ms))
        .max(plan.retry_at_ms.unwrap_or(i64::MIN));
    open_after_ms(plan, campaign, ready_ms).unwrap_or(ready_ms)
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
