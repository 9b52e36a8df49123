//! Whoever works at a machine puts the start of the work off, within a budget, and never past the target.

use super::{notices::announced, *};
use crate::{forecast::latest_start_ms, notice};

#[test]
fn a_user_puts_the_start_off_within_the_budget_and_not_beyond() {
    let mut host = announced();
    let first = host.now_ms;
    let refused = host.puts_off(first + 9 * HOUR).unwrap_err();
    assert!(refused.why.contains("at the latest"), "{refused}");
    host.puts_off(first + 8 * HOUR).unwrap();
    assert!(!host.may_start());
    assert_eq!(
        host.words(),
        format!(
            "put off by its user until {}, 1 of 3",
            crate::campaign::zone::utc(first + 8 * HOUR)
        )
    );
    assert_eq!(
        host.puts_off(first + 8 * HOUR).unwrap(),
        Decision::default(),
        "told again"
    );
    assert_eq!(host.plan.notices.put_offs, 1);
    // Each counts from when it would begin.
    host.puts_off(first + 16 * HOUR).unwrap();
    host.puts_off(first + 24 * HOUR).unwrap();
    let refused = host.puts_off(first + 25 * HOUR).unwrap_err();
    assert!(refused.why.contains("3 times"), "{refused}");
    host.now_ms = first + 24 * HOUR;
    assert!(host.may_start(), "{}", host.words());
    assert_eq!(host.plan.attempts_used, 0);
}

#[test]
fn nearer_to_the_target_less_is_allowed_and_the_target_is_never_passed() {
    let target_ms = samples::instant("2027-06-30T00:00:00-04:00");
    let at = |left_ms: i64| {
        let mut host = announced();
        host.now_ms = target_ms - left_ms;
        // So late a telling has lapsed; this one has not.
        let told_ms = host.now_ms;
        host.plan.notices.given[0].at_ms = told_ms - 3 * DAY;
        host.plan.notices.given[1].at_ms = told_ms - DAY;
        assert!(host.may_start(), "{}", host.words());
        host
    };
    let mut far = at(8 * DAY);
    far.puts_off(far.now_ms + 8 * HOUR).unwrap();
    let mut near = at(5 * DAY);
    near.puts_off(near.now_ms + 5 * HOUR).unwrap_err();
    near.puts_off(near.now_ms + 4 * HOUR).unwrap();
    let mut last_day = at(20 * HOUR);
    let refused = last_day.puts_off(last_day.now_ms + HOUR).unwrap_err();
    assert!(refused.why.contains("too near"), "{refused}");

    let mut host = at(8 * DAY);
    host.campaign.notice.as_mut().unwrap().deferral.ladder.clear();
    host.campaign.notice.as_mut().unwrap().deferral.longest = std::time::Duration::from_hours(24 * 30);
    let latest_ms = latest_start_ms(&host.plan, &host.campaign);
    host.puts_off(latest_ms + 2 * 60_000).unwrap_err();
    host.puts_off(latest_ms).unwrap();
    let refused = host.puts_off(latest_ms + 1).unwrap_err();
    assert!(refused.why.contains("would not be done in time"), "{refused}");
}

#[test]
fn a_deferral_takes_an_order_back_that_no_host_has_and_uses_no_attempt() {
    let mut host = announced();
    host.start();
    let until_ms = host.now_ms + HOUR;
    host.puts_off(until_ms).unwrap();
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    assert!(host.plan.order.is_none() && !host.may_start());
    host.now_ms = until_ms;
    assert!(host.may_start(), "{}", host.words());
    host.start_and_fetch();
    let refused = host.puts_off(host.now_ms + HOUR).unwrap_err();
    assert!(refused.why.contains("not ahead any more"), "{refused}");
}

#[test]
fn a_start_that_was_put_off_of_another_telling_or_to_a_time_that_is_past_changes_nothing() {
    let mut host = announced();
    let (round, now_ms) = (host.plan.notices.round, host.now_ms);
    for (of_round, until_ms) in [(round + 1, now_ms + HOUR), (round, now_ms)] {
        let decision = host.send(Input::StartPutOff {
            round: of_round,
            asked_ms: now_ms,
            until_ms,
        });
        assert_eq!(decision.events, [], "{of_round} {until_ms}");
    }
    assert_eq!(host.plan.notices.put_off_ms, None);
}

#[test]
fn a_deferral_is_refused_a_minute_beyond_what_was_allowed_and_not_before() {
    let mut host = announced();
    let latest_ms = host.now_ms + 8 * HOUR;
    host.puts_off(latest_ms + 60_001).unwrap_err();
    host.puts_off(latest_ms + 60_000).unwrap();
    assert_eq!(host.plan.notices.put_off_ms, Some(latest_ms + 60_000));
}

#[test]
fn where_nothing_may_be_put_off_or_the_work_is_not_ahead_the_user_is_told_which() {
    let mut host = announced();
    let said = |host: &Host| notice::allowed(&host.plan, &host.campaign, host.now_ms).unwrap_err();
    host.campaign.notice.as_mut().unwrap().deferral.count = 0;
    assert_eq!(said(&host), "the start cannot be put off: its campaign allows none");
    let mut host = announced();
    host.plan.phase = Phase::Planned;
    assert_eq!(said(&host), "the work is not ahead any more");
    assert_eq!(notice::to_show(&host.plan, &host.campaign, None, host.now_ms), None);
}

#[test]
fn what_a_user_was_told_and_put_off_is_kept_with_the_plan_and_read_in_words() {
    let mut host = announced();
    let told_ms = host.now_ms - DAY;
    assert_eq!(host.plan.notices.told_ms(), Some(told_ms));
    assert_eq!(host.plan.notices_in_words().len(), 2, "nothing was put off yet");
    let until_ms = host.now_ms + HOUR;
    host.puts_off(until_ms).unwrap();
    let words = host.plan.notices_in_words();
    let until = crate::campaign::zone::utc(until_ms);
    assert_eq!(
        words[2..],
        [format!("its user put the start off until {until}, time 1")]
    );
    let stored = serde_json::to_value(&host.plan).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(stored).unwrap(), host.plan);
    // What was told lapses; what was used up stays.
    let last_seen_ms = host.last_seen_ms;
    host.pass(30 * DAY).send(Input::Woke { last_seen_ms });
    host.check_in();
    assert_eq!(host.plan.notices.told_ms(), None);
    assert_eq!(host.plan.notices_in_words(), ["its user put the start off 1 times"]);
}

#[test]
fn a_deferral_that_ends_now_is_over() {
    let mut host = announced();
    host.plan.notices.put_off_ms = Some(host.now_ms);
    assert!(host.may_start(), "{}", host.words());
    host.plan.notices.given[1].at_ms += 1;
    assert!(
        matches!(host.waiting(), Some(Waiting::Notice { given: 2, .. })),
        "{}",
        host.words()
    );
    // Without a notice there is no start that it could put off.
    host.plan.notices.given.clear();
    let told = host.campaign.notice.as_ref().unwrap();
    assert_eq!(notice::course(&host.plan, told).starts_ms, None);
}

#[test]
fn on_the_day_of_the_target_none_is_ahead_any_more_that_a_deferral_could_miss() {
    let mut host = announced();
    let target_ms = samples::instant("2027-06-30T00:00:00-04:00");
    for (given, before_ms) in host.plan.notices.given.iter_mut().zip([3 * DAY, DAY]) {
        given.at_ms = target_ms - before_ms;
    }
    host.now_ms = target_ms;
    let allowed = notice::allowed(&host.plan, &host.campaign, target_ms).unwrap();
    assert_eq!((allowed.target_ms, allowed.latest_ms), (None, target_ms + 8 * HOUR));
}
