//! What was said before changes nothing when it is said again, and what says more than before does.

use cutover_proto::verdict::{HealthState, Verdict};

use super::*;
use crate::samples::{carrying, inventory, replaced, tagged, with, with_clamav};

#[test]
fn a_copy_has_carried_what_its_original_had_and_forgets_nothing_of_its_own() {
    let from = "01890000-0000-7000-8000-000000000009".parse().unwrap();
    let fork = |first_carried_ms| Input::Forked { from, first_carried_ms };
    let mut copy = Host::new();
    copy.send(fork(Some(START - DAY)));
    assert_eq!(copy.plan.forked_from, Some(from));
    assert_eq!(
        (copy.plan.ever_carried, copy.plan.first_carried_ms),
        (true, Some(START - DAY))
    );
    assert_eq!(copy.send(fork(Some(START - DAY))), Decision::default(), "said again");
    copy.look(&inventory());
    assert_eq!(
        copy.plan.phase,
        Phase::Queued,
        "what was there before the copy was made counts"
    );

    let mut own = Host::new();
    own.look(&carrying());
    let first_ms = own.plan.first_carried_ms;
    own.send(fork(None));
    assert_eq!((own.plan.ever_carried, own.plan.first_carried_ms), (true, first_ms));

    let mut clean = Host::new();
    clean.send(fork(None));
    clean.look(&inventory());
    assert_eq!((clean.plan.ever_carried, clean.plan.phase), (false, Phase::Clear));
}

#[test]
fn a_leave_by_name_counts_beyond_a_general_one_and_the_first_of_each_is_kept() {
    let general = |by: &str| Input::Approved { by: by.into() };
    let by_name = |by: &str| Input::ApprovedByName { by: by.into() };
    let mut host = Host::new();
    let approval = |host: &Host| host.plan.approval.clone().map(|it| (it.by, it.named)).unwrap();
    host.send(general("ann"));
    assert_eq!(host.send(general("bob")), Decision::default());
    assert_eq!(approval(&host), ("ann".into(), false));
    host.send(by_name("bob"));
    assert_eq!(approval(&host), ("bob".into(), true));
    for later in [general("eve"), by_name("eve")] {
        assert_eq!(host.send(later), Decision::default());
    }
    assert_eq!(approval(&host), ("bob".into(), true));
}

#[test]
fn what_is_known_of_a_host_already_is_no_news_nor_is_anything_of_one_that_is_gone() {
    let mut host = Host::new();
    host.look(&carrying());
    let describe = |tag: &str| Input::Described { known: tagged(tag) };
    host.send(describe("lab"));
    assert_eq!(host.send(describe("lab")), Decision::default());
    host.send(Input::Retired {
        by: "ann".into(),
        why: "scrapped".into(),
    });
    assert_eq!(host.send(describe("office")), Decision::default());
    assert_eq!(host.plan.known, tagged("lab"));
}

#[test]
fn a_plan_turns_late_and_back_once_each() {
    let mut host = Host::new();
    for late in [true, false] {
        let turned = host.send(Input::Forecast { late });
        assert_eq!(turned.events.len(), 1, "{turned:?}");
        assert_eq!(host.plan.late, late);
        assert_eq!(host.plan.bucket().late, late);
        assert_eq!(host.send(Input::Forecast { late }), Decision::default());
    }
}

#[test]
fn doubts_about_a_replacement_begin_once_and_end_once() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    let told = |decision: &Decision, name: &str| decision.events.iter().filter(|it| it.fact.name() == name).count();
    // Its name has changed, which is news, and nothing was in doubt.
    let mut renamed = replaced();
    renamed.facts.hostname = "pc-2".to_owned();
    let healthy = host.pass(HOUR).look(&renamed);
    assert_eq!(told(&healthy, "protection-restored"), 0, "{healthy:?}");
    let doubtful = host.pass(HOUR).look(&with_clamav(inventory(), HealthState::Unhealthy));
    assert_eq!(told(&doubtful, "protection-doubtful"), 1);
    let since_ms = host.plan.unhealthy_since_ms;
    let worse = host.pass(60_000).look(&inventory());
    assert_eq!(told(&worse, "protection-doubtful"), 0, "{worse:?}");
    assert_eq!(host.plan.unhealthy_since_ms, since_ms, "it counts from the first");
    let well = host.pass(60_000).look(&renamed);
    assert_eq!(
        (told(&well, "protection-restored"), host.plan.unhealthy_since_ms),
        (1, None)
    );
}

#[test]
fn a_version_of_the_campaign_that_changes_nothing_for_a_host_is_written_down_once() {
    let mut host = Host::new();
    host.look(&carrying());
    host.campaign.version = 2;
    let assessment = host.plan.assessment.clone().map(Box::new);
    let changed = Input::CampaignChanged { assessment };
    assert_eq!(host.send(changed.clone()).events.len(), 1);
    assert_eq!(host.plan.campaign_version, 2);
    assert_eq!(host.send(changed), Decision::default());
    // Under the same version, a judgement of what it showed that differs is news.
    let judged = assess(&replaced(), &Known::default(), &host.campaign, &host.catalog);
    let decision = host.send(Input::CampaignChanged {
        assessment: Some(Box::new(judged.clone())),
    });
    assert!(!decision.events.is_empty());
    assert_eq!(host.plan.assessment, Some(judged));
}

#[test]
fn a_wider_campaign_plans_a_migrated_host_anew_and_calls_it_no_regression() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    host.campaign.version = 2;
    let assessment = host.plan.assessment.clone().map(Box::new);
    host.send(Input::CampaignChanged { assessment });
    assert_eq!(
        host.plan.phase,
        Phase::Migrated,
        "nothing of it has changed for this host"
    );

    host.campaign.version = 3;
    let carries = assess(
        &with_clamav(carrying(), HealthState::Healthy),
        &Known::default(),
        &host.campaign,
        &host.catalog,
    );
    let decision = host.send(Input::CampaignChanged {
        assessment: Some(Box::new(carries)),
    });
    assert_eq!((host.plan.phase, host.plan.regressions), (Phase::Queued, 0));
    assert_eq!(decision.effects, [], "nobody put anything back, so nobody is alarmed");
}

#[test]
fn a_campaign_that_leaves_a_host_out_ends_its_handwork_except_where_a_step_was_broken_off() {
    let leave_out = |host: &mut Host| {
        let text = host.campaign.source.replace("tag = [\"kiosk\"]", "tag = [\"lab\"]");
        let version = host.campaign.version + 1;
        host.campaign = Campaign::parse("wider.toml", &text, version).unwrap();
        host.send(Input::CampaignChanged { assessment: None });
    };
    let lab = || {
        let mut host = Host::new();
        host.send(Input::Described { known: tagged("lab") });
        host
    };
    let mut embedded = lab();
    embedded.look(&with(inventory(), "kesl", Verdict::Embedded));
    assert_eq!(embedded.plan.phase, Phase::Handwork);
    leave_out(&mut embedded);
    assert_eq!(embedded.plan.phase, Phase::OutOfScope, "{}", embedded.told());

    let broken_off = || {
        let mut host = lab();
        host.look(&carrying());
        host.start_and_fetch();
        host.report(RecordEvent::StepBegun, 2, None);
        host.report(RecordEvent::StepInterrupted, 2, Some(FailureCause::Interrupted));
        host
    };
    let mut left_out = broken_off();
    leave_out(&mut left_out);
    assert_eq!(
        left_out.plan.phase,
        Phase::Handwork,
        "somebody must look at the machine"
    );
    let mut described = broken_off();
    described.send(Input::Described {
        known: tagged("office"),
    });
    assert_eq!(described.plan.phase, Phase::Handwork, "nor do tags lift that");
}
