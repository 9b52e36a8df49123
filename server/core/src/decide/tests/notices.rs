//! Whoever works at a machine is told three days and one day before work begins there, and may put the start off.

use super::*;
use crate::{
    notice::{self, ToShow},
    rollout::ready_at_ms,
};

const TABLE: &str = "
[notice]
before = [\"3d\", \"1d\"]
from = \"IT\"
why = \"it is replaced\"
contact = \"4711\"
[notice.deferral]
count = 3
longest = \"8h\"
ladder = [{ within = \"7d\", longest = \"4h\" }, { within = \"1d\", longest = \"0h\" }]
";

/// A host of which the wave is open, whose user is to be told.
fn queued() -> Host {
    let head = "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\napproval_for = []\n";
    let mut host = Host::of(samples::campaign(&format!("{head}{TABLE}")));
    host.look(&samples::carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    host
}

impl Host {
    fn is_told(&mut self, number: u32) -> Decision {
        self.is_told_of(self.plan.notices.round, number, Some(false))
    }

    fn is_told_of(&mut self, round: u32, number: u32, somebody: Option<bool>) -> Decision {
        self.last_seen_ms = self.now_ms;
        self.send(Input::Notified(NoticeGiven {
            round,
            number,
            shown_ms: self.now_ms,
            somebody,
            how: "sessions were told".to_owned(),
        }))
    }

    /// What it is to show, where it checks in.
    fn shows(&mut self) -> Option<ToShow> {
        self.last_seen_ms = self.now_ms;
        let group = self.group();
        let waiting = waiting::hindrance(&self.plan, &group, self.now_ms, &self.campaign, self.now_ms);
        notice::to_show(&self.plan, &self.campaign, waiting.as_ref(), self.now_ms)
    }

    pub(super) fn may_start(&mut self) -> bool {
        self.last_seen_ms = self.now_ms;
        let group = self.group();
        let hindrance = waiting::hindrance(&self.plan, &group, self.now_ms, &self.campaign, self.now_ms);
        let mut other = self.plan.clone();
        other.highest_order = 0;
        let started = Input::Started {
            order_number: self.plan.highest_order + 1,
            epoch: 1,
        };
        let decided = decide(&self.plan, &started, &self.cx()).is_ok();
        assert_eq!(
            decided,
            hindrance.is_none(),
            "the rollout and decide agree: {hindrance:?}"
        );
        decided
    }

    pub(super) fn puts_off(&mut self, until_ms: i64) -> Result<Decision, Refused> {
        let (round, asked_ms) = (self.plan.notices.round, self.now_ms);
        self.try_send(&Input::StartPutOff {
            round,
            asked_ms,
            until_ms,
        })
    }

    pub(super) fn words(&self) -> String {
        self.waiting().map_or_else(String::new, |waiting| waiting.text())
    }
}

/// Told of both, and the time is over.
pub(super) fn announced() -> Host {
    let mut host = queued();
    host.is_told(1);
    host.pass(2 * DAY).wake();
    host.is_told(2);
    host.pass(DAY);
    assert!(host.may_start(), "{}", host.words());
    host
}

#[test]
fn work_begins_three_days_after_the_first_notice_and_one_day_after_the_last() {
    let mut host = queued();
    assert!(!host.may_start());
    assert!(host.words().contains("no word came yet"), "{}", host.words());
    assert!(notice::is_due(&host.plan, &host.campaign, host.now_ms));
    // That it was sent is not that it was given.
    assert_eq!(host.shows().unwrap().number, 1);
    host.pass(5 * DAY);
    assert!(
        !host.may_start(),
        "a notice that nobody showed is none, however long ago it was sent"
    );
    assert_eq!(ready_at_ms(&host.plan, &host.campaign), i64::MAX);

    let told_ms = host.now_ms;
    host.is_told(1);
    assert!(
        !notice::is_due(&host.plan, &host.campaign, host.now_ms),
        "the next is not due yet"
    );
    assert_eq!(host.is_told(1), Decision::default(), "said again with every check-in");
    assert!(host.words().contains("starts not before"), "{}", host.words());
    assert_eq!(host.is_told(2), Decision::default(), "the second is not due yet");
    assert_eq!(host.shows().unwrap().number, 1);

    let wake = host.next_wake().unwrap();
    assert_eq!((wake.kind, wake.at_ms), (waiting::WakeKind::Notice, told_ms + 2 * DAY));
    let woken = host.wake();
    assert_eq!(woken.effects, [Effect::Nudge]);
    let asked: Vec<&Fact> = woken.events.iter().map(|event| &event.fact).collect();
    assert_eq!(asked, [&Fact::NoticeDue { number: 2 }]);
    let shows = host.shows().unwrap();
    assert_eq!((shows.number, shows.of, shows.starts_ms), (2, 2, told_ms + 3 * DAY));
    // The machine was away for the night.
    host.pass(5 * HOUR);
    assert!(host.words().contains("notice 2 is due since"), "{}", host.words());
    assert_eq!(
        host.shows().unwrap().starts_ms,
        host.now_ms + DAY,
        "a day from now on, not from when it was due"
    );
    host.is_told(2);
    let starts_ms = told_ms + 2 * DAY + 5 * HOUR + DAY;
    assert_eq!(ready_at_ms(&host.plan, &host.campaign), starts_ms);
    host.now_ms = starts_ms - 1;
    assert!(!host.may_start());
    host.now_ms = starts_ms;
    assert!(host.may_start(), "{}", host.words());
    host.start_and_fetch();
    host.is_told(0);
    assert_eq!(host.is_told(0), Decision::default());
    assert!(host.told().contains("told that the work starts"), "{}", host.told());
    assert_eq!(host.plan.attempts_used, 0);
}

#[test]
fn a_host_that_was_away_for_weeks_is_told_when_it_is_back_and_not_before() {
    let mut host = queued();
    host.now_ms = START + 40 * DAY;
    host.send(Input::Woke { last_seen_ms: START });
    assert!(host.plan.stale);
    host.check_in();
    assert!(!host.may_start());
    assert_eq!(host.shows().unwrap().starts_ms, host.now_ms + 3 * DAY);
    host.is_told(1);
    host.pass(2 * DAY);
    host.is_told(2);
    host.pass(DAY - 1);
    assert!(!host.may_start());
    host.pass(1);
    assert!(host.may_start(), "{}", host.words());
}

#[test]
fn who_was_told_and_then_away_for_weeks_is_told_anew() {
    let mut host = announced();
    let seen_ms = host.last_seen_ms;
    host.pass(30 * DAY).send(Input::Woke { last_seen_ms: seen_ms });
    host.check_in();
    assert_eq!((host.plan.notices.round, host.plan.notices.given.len()), (1, 0));
    assert!(!host.may_start());
    assert_eq!(
        host.is_told_of(0, 1, None),
        Decision::default(),
        "that was another telling"
    );
    assert_eq!(host.shows().unwrap().round, 1);
}

#[test]
fn a_start_that_was_announced_and_does_not_come_is_announced_anew_after_two_weeks() {
    let mut host = announced();
    let lapses_ms = host.now_ms + 14 * DAY;
    host.turn_wave(WaveState::Paused);
    host.now_ms = lapses_ms - 1;
    host.last_seen_ms = host.now_ms;
    host.send(Input::Woke {
        last_seen_ms: host.now_ms,
    });
    assert_eq!(host.plan.notices.given.len(), 2);
    host.turn_wave(WaveState::Open);
    assert!(host.may_start());
    host.pass(1);
    assert!(!host.may_start(), "also before the wake came");
    assert_eq!(
        host.waiting(),
        Some(Waiting::Notice {
            code: notice::code(host.plan.host_id, &host.plan.campaign_id),
            given: 0,
            of: 2,
            told_ms: None,
            is_due: true,
            next_ms: None,
            starts_ms: None,
        }),
        "as if nothing had been told"
    );
    host.send(Input::Woke {
        last_seen_ms: host.now_ms,
    });
    assert_eq!(
        (host.plan.notices.round, host.plan.notices.given.len()),
        (1, 0),
        "{}",
        host.told()
    );
    assert_eq!(host.shows().unwrap().number, 1);
}

#[test]
fn nobody_is_told_of_a_start_that_something_else_stands_against() {
    let mut host = queued();
    host.run = RunState::Paused;
    assert_eq!(host.shows(), None);
    host.run = RunState::Running;
    host.turn_wave(WaveState::Paused);
    assert_eq!(host.shows(), None);
    // A later notice is not shown either while something stands against the start: only what was given is held.
    let mut second = announced();
    second.plan.notices.given.pop();
    assert_eq!(second.shows().unwrap().number, 2);
    second.run = RunState::Paused;
    assert_eq!(second.shows().unwrap().number, 1);
    host.turn_wave(WaveState::Open);
    host.send(Input::HeldLocally {
        why: Some("an exam is written".to_owned()),
    });
    assert_eq!(host.shows(), None);
    host.send(Input::HeldLocally { why: None });
    assert!(host.shows().is_some());
}

#[test]
fn nobody_is_told_at_a_server_or_a_kiosk() {
    for tag in ["class=server", "use=kiosk"] {
        let mut host = queued();
        host.send(Input::Described {
            known: samples::tagged(tag),
        });
        assert_eq!(host.plan.phase, Phase::Queued);
        assert_eq!((host.shows(), host.words().contains("told")), (None, false), "{tag}");
    }
}

#[test]
fn where_several_people_work_all_are_told_and_none_puts_it_off_for_the_others() {
    let mut host = queued();
    let known = Known {
        tags: vec!["class=server".to_owned(), "use=multi-session".to_owned()],
        ..Known::default()
    };
    host.send(Input::Described { known });
    assert_eq!(host.shows(), None, "a person lets it start first");
    host.send(Input::Approved { by: "ann".into() });
    assert_eq!(host.shows().unwrap().number, 1);
    host.is_told(1);
    assert!(!host.may_start());
    let refused = host.puts_off(host.now_ms + 4 * DAY).unwrap_err();
    assert!(refused.why.contains("several people"), "{refused}");
}

#[test]
fn what_an_order_left_half_done_goes_on_without_another_notice() {
    let mut host = announced();
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.plan.notices.given.clear();
    host.plan.gap = Some(crate::plan::Gap {
        since_ms: host.now_ms,
        bound_ms: HOUR,
        told: false,
    });
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
    host.now_ms = host.plan.retry_at_ms.unwrap();
    assert!(host.may_start(), "{}", host.words());
}

#[test]
fn somebody_who_sees_a_notice_that_was_shown_to_nobody_is_noted_and_changes_no_time() {
    let mut host = queued();
    host.is_told(1);
    let before = ready_at_ms(&host.plan, &host.campaign);
    host.pass(HOUR);
    assert_eq!(host.is_told_of(0, 1, Some(true)).events.len(), 1);
    assert_eq!(host.is_told_of(0, 1, Some(true)), Decision::default());
    assert_eq!(host.plan.notices.given[0].somebody, Some(true));
    assert_eq!(host.plan.notices.given[0].at_ms, host.now_ms - HOUR);
    assert_eq!(ready_at_ms(&host.plan, &host.campaign), before);
    let words = host.plan.notices_in_words().join("\n");
    assert!(words.contains("somebody was logged in"), "{words}");
}

#[test]
fn another_work_is_announced_anew_and_has_its_own_budget() {
    let mut host = announced();
    host.puts_off(host.now_ms + HOUR).unwrap();
    host.pass(HOUR);
    host.migrate_with_soak();
    host.pass(DAY).look(&samples::carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    assert!(!host.may_start());
    let notices = &host.plan.notices;
    assert_eq!((notices.round, notices.given.len(), notices.put_offs), (1, 0, 0));
}

#[test]
fn what_was_told_of_a_first_notice_alone_lapses_too_and_nothing_of_it_is_said_any_more() {
    let mut host = queued();
    host.is_told(1);
    // The second was due after two days, and nobody gave it for two weeks.
    host.pass(16 * DAY);
    host.last_seen_ms = host.now_ms;
    let Some(Waiting::Notice {
        given,
        told_ms,
        next_ms,
        starts_ms,
        ..
    }) = host.waiting()
    else {
        panic!("{:?}", host.waiting());
    };
    assert_eq!((given, told_ms, next_ms, starts_ms), (0, None, None, None));
}

#[test]
fn plans_of_before_there_were_notices_are_read_and_written_as_they_were() {
    let mut host = Host::new();
    host.look(&samples::carrying());
    let stored = serde_json::to_value(&host.plan).unwrap();
    assert_eq!(stored.get("notices"), None);
    assert_eq!(serde_json::from_value::<Plan>(stored).unwrap(), host.plan);
}

#[test]
fn a_reference_code_is_of_one_host_in_one_campaign() {
    let (us, lt) = (
        CampaignId::new("kaspersky-us-2024"),
        CampaignId::new("kaspersky-lt-2017"),
    );
    let host = |number: u32| -> cutover_proto::ids::HostId {
        format!("01890000-0000-7000-8000-{number:012}").parse().unwrap()
    };
    let code = notice::code(host(1), &us);
    assert_eq!(code, notice::code(host(1), &us));
    assert_ne!(code, notice::code(host(1), &lt));
    assert_eq!((code.len(), code.find('-')), (9, Some(4)), "{code}");
    assert!(!code.contains(['I', 'L', 'O', 'U']), "{code}");
    let all: std::collections::BTreeSet<String> = (0..20_000).map(|number| notice::code(host(number), &us)).collect();
    assert_eq!(all.len(), 20_000);
}
