//! Whoever works at the machine was told of the start, or put it off.

use super::{Effect, Fact, Refused, order, pen::Pen, place::settle};
use crate::{
    notice::{self, Course},
    plan::Phase,
};

/// What an agent says of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeGiven {
    /// Of which telling.
    pub round: u32,
    /// Which, from 1; 0: that the work starts.
    pub number: u32,
    /// When it was shown, by the host's clock.
    pub shown_ms: i64,
    /// Whether somebody was logged in; `None` where that could not be told.
    pub somebody: Option<bool>,
    /// How it was shown, in the agent's words.
    pub how: String,
}

/// Clocks of both sides may lie so far apart.
const SLACK_MS: i64 = 60_000;

/// The agent says it with every check-in, so most of the time it is known.
pub(super) fn given(pen: &mut Pen<'_>, it: &NoticeGiven) -> Result<(), Refused> {
    let notices = &pen.plan.notices;
    if pen.plan.is_closed() || it.round != notices.round {
        return Ok(());
    }
    if it.number == 0 {
        let open = pen.plan.order.as_ref().map(|order| order.number);
        return match open.filter(|number| *number != notices.start_told_of) {
            Some(_) => write(pen, it),
            None => Ok(()),
        };
    }
    let index = usize::try_from(it.number - 1).unwrap_or(usize::MAX);
    if let Some(known) = notices.given.get(index) {
        // Shown again to somebody who was not there before.
        let is_seen_now = it.somebody == Some(true) && known.somebody != Some(true);
        return if is_seen_now { write(pen, it) } else { Ok(()) };
    }
    let now_ms = pen.cx.now_ms;
    let is_next = is_queued(pen)
        .is_some_and(|course| course.given + 1 == it.number && course.is_due(now_ms) && !course.has_lapsed(now_ms));
    if is_next { write(pen, it) } else { Ok(()) }
}

fn write(pen: &mut Pen<'_>, it: &NoticeGiven) -> Result<(), Refused> {
    pen.write(Fact::NoticeGiven {
        number: it.number,
        shown_ms: it.shown_ms,
        somebody: it.somebody,
        how: it.how.clone(),
    })
}

/// The start is put off, as its user asked at `asked_ms`. An order that no host has is taken back; no attempt is used.
pub(super) fn put_off(pen: &mut Pen<'_>, round: u32, asked_ms: i64, until_ms: i64) -> Result<(), Refused> {
    let notices = &pen.plan.notices;
    let is_known = notices.put_off_ms.is_some_and(|known_ms| known_ms >= until_ms);
    if pen.plan.is_closed() || round != notices.round || is_known || until_ms <= pen.cx.now_ms {
        return Ok(());
    }
    let waiting = pen.plan.order.as_ref().filter(|order| order.fetched_ms.is_none());
    if let Some(number) = waiting.map(|order| order.number) {
        order::withdraw(pen, number)?;
        settle(pen)?;
    }
    // What was allowed when the user was told so is allowed, however long the word of it took.
    let first_ms = pen.plan.notices.given.first().map_or(i64::MIN, |given| given.at_ms);
    let at_ms = asked_ms.max(first_ms).min(pen.cx.now_ms);
    let allowed = notice::allowed(&pen.plan, pen.cx.campaign, at_ms).map_err(|why| pen.refuse(why))?;
    if until_ms > allowed.latest_ms.saturating_add(SLACK_MS) {
        let latest = crate::campaign::zone::utc(allowed.latest_ms);
        return Err(pen.refuse(format!("the start can be put off until {latest} at the latest")));
    }
    pen.write(Fact::StartPutOff { until_ms, asked_ms })
}

/// A notice is due, or what was told is too old.
pub(super) fn due(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(course) = is_queued(pen) else {
        return Ok(());
    };
    if course.has_lapsed(pen.cx.now_ms) {
        return pen.write(Fact::NoticesLapsed);
    }
    pen.effect(Effect::Nudge);
    pen.write(Fact::NoticeDue {
        number: course.given + 1,
    })
}

fn is_queued(pen: &Pen<'_>) -> Option<Course> {
    let notice = notice::of(&pen.plan, pen.cx.campaign).filter(|_| pen.plan.phase == Phase::Queued)?;
    Some(notice::course(&pen.plan, notice))
}
