//! Which hosts start by a person's leave alone.

use super::{
    tests::{NOW_MS, campaign, chosen, named, open, queued},
    *,
};
use crate::{
    plan::{Phase, Plan},
    samples,
    waiting::{Waiting, why},
};

#[test]
fn a_recipe_that_never_succeeded_here_needs_leave_only_where_the_campaign_has_few_go_first() {
    let mut plan = queued(1);
    plan.untried = vec!["kesl/1".to_owned()];
    let cause = |first: u32| {
        let text = format!("[policy]\ngrace = \"0s\"\nfirst_canaries = {first}\n");
        approval_cause(&plan, &samples::campaign(&text))
    };
    assert_eq!(cause(5), Some(ApprovalCause::Recipe));
    assert_eq!(cause(0), None);
}

#[test]
fn a_late_joiner_needs_leave_only_where_its_wave_asks_it() {
    let cause = |is_late: bool, asks: bool| {
        let mut campaign = campaign();
        if asks {
            campaign.waves[0].late_joiners = crate::campaign::LateJoiners::Approve;
        }
        let mut plan = queued(1);
        plan.is_late_joiner = is_late;
        approval_cause(&plan, &campaign)
    };
    assert_eq!(cause(true, true), Some(ApprovalCause::LateJoiner));
    assert_eq!([cause(true, false), cause(false, true), cause(false, false)], [None; 3]);
}

#[test]
fn a_sites_only_domain_controller_starts_by_a_word_that_names_it_and_by_no_policy() {
    let mut campaign = samples::campaign("[policy]\ngrace = \"0s\"\napproval_for = []\n");
    campaign.waves[0].approval = Some(false);
    let mut inventory = samples::carrying();
    inventory.facts.roles = vec![cutover_proto::inventory::HostRole::DomainController];
    let mut plan = named(1, &[], "paris");
    plan.assessment = Some(crate::judge::assess(
        &inventory,
        &plan.known,
        &campaign,
        &samples::catalog(),
    ));
    let told = |plan: &Plan, answering: u32| {
        let mut group = open(0);
        group.controllers.insert("paris".to_owned(), answering);
        why(plan, &group, NOW_MS, &campaign, NOW_MS).unwrap()
    };
    let waits = Waiting::Approval {
        cause: ApprovalCause::OnlyController,
    };
    assert_eq!(told(&plan, 1), waits);
    assert_eq!(told(&plan, 2), Waiting::NextPass, "another one answers");
    assert!(
        waits.text().contains("no other domain controller answers for its site"),
        "{}",
        waits.text()
    );
    assert!(waits.remedy().contains("cutover wave approve WAVE --host NAME"));
    // One that is not heard of answers for nobody, and so the only one that is left is the only one.
    let mut silent = plan.clone();
    silent.stale = true;
    assert_eq!((answers_at(&plan), answers_at(&silent)), (Some("paris"), None));
    let mut others = [plan.clone(), plan.clone(), plan.clone()];
    (others[0].seq, others[1].phase, others[2].agent_perhaps_lost) = (0, Phase::Retired, true);
    assert_eq!(
        others.each_ref().map(answers_at),
        [None; 3],
        "nor does one that is not watched, or perhaps cannot tell"
    );
    // Of which nobody knows the site, nobody knows that others answer there.
    let mut nowhere = plan.clone();
    nowhere.known.site = String::new();
    assert_eq!(told(&nowhere, 2), waits);
    for (named, expected) in [(false, waits), (true, Waiting::NextPass)] {
        plan.approval = Some(crate::plan::Approval {
            by: "ann".into(),
            at_ms: NOW_MS,
            named,
        });
        assert_eq!(told(&plan, 1), expected, "let start with all of its wave is not enough");
        assert_eq!(
            chosen(&[plan.clone()], &open(0), &campaign).starts.len(),
            usize::from(named)
        );
    }
}
