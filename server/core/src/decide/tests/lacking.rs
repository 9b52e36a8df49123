//! Agents that do not know every step.

use cutover_proto::{
    record::{FailureCause, RecordEvent},
    step::StepKind,
};

use super::*;
use crate::{plan::Reason, samples::carrying};

fn said(lacking: &[StepKind]) -> Input {
    Input::SaidSteps {
        lacking: lacking.to_vec(),
    }
}

#[test]
fn an_agent_that_does_not_know_a_step_gets_no_order_and_its_plan_says_what_to_do() {
    let mut host = Host::new();
    host.send(said(&[StepKind::SweepGroups, StepKind::WriteConfig]));
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Blocked, "{}", host.told());
    // No step of this order writes configuration.
    assert_eq!(
        host.plan.reason,
        Some(Reason::AgentTooOld {
            steps: vec![StepKind::SweepGroups]
        })
    );
    let waiting = host.waiting().expect("it says why");
    assert!(waiting.text().contains("sweep-groups"), "{}", waiting.text());
    assert!(waiting.remedy().contains("upgrade the agent"), "{}", waiting.remedy());
    let refusal = host.refusal(&Input::Started {
        order_number: 1,
        epoch: 1,
    });
    assert!(refusal.contains("only a queued plan starts"), "{refusal}");
    assert!(
        host.told()
            .contains("the agent does not know sweep-groups, write-config")
    );

    // It stays so while nothing changes, and a retry would not help.
    assert_eq!(
        host.send(said(&[StepKind::SweepGroups, StepKind::WriteConfig])),
        Decision::default()
    );
    let refusal = host.refusal(&Input::Retried { by: "ann".into() });
    assert!(refusal.contains("upgrade the agent"), "{refusal}");

    host.send(said(&[]));
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    host.migrate();
}

#[test]
fn a_step_that_no_order_of_the_host_holds_may_be_unknown() {
    let mut host = Host::new();
    host.send(said(&[StepKind::WriteConfig, StepKind::EnableService]));
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    host.migrate();
}

#[test]
fn an_order_that_an_older_agent_would_refuse_is_taken_back_where_it_was_not_fetched() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start();
    let decision = host.send(said(&[StepKind::DetectionTest]));
    let is_withdrawal = |effect: &Effect| matches!(effect, Effect::WithdrawOrder { .. });
    assert!(decision.effects.iter().any(is_withdrawal), "{decision:?}");
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 0));
    host.send(said(&[]));
    assert_eq!(host.plan.phase, Phase::Queued);

    // One that it has is refused by the agent itself; then the host waits for the upgrade as well.
    host.start_and_fetch();
    let decision = host.send(said(&[StepKind::DetectionTest]));
    assert_eq!((host.plan.phase, decision.effects), (Phase::Migrating, vec![]));
    host.report(RecordEvent::OrderRefused, 0, Some(FailureCause::UnknownStep));
    assert_eq!(host.plan.phase, Phase::Blocked, "{}", host.told());
    host.send(said(&[]));
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 1));
}

#[test]
fn an_agent_that_enrols_anew_says_anew_what_it_knows() {
    let mut host = Host::new();
    host.send(said(&[StepKind::Sweep]));
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Blocked);
    host.send(Input::Enrolled {
        known: Known::default(),
    });
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
}
