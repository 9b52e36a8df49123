use cutover_proto::record::FailureCause;

use super::cause::cause;
use crate::{
    plan::{Reason, Stop},
    waiting::Waiting,
};

fn of(reason: Reason) -> String {
    cause(&Waiting::Stuck(reason))
}

#[test]
fn hosts_that_are_left_for_one_cause_are_told_with_the_same_words() {
    let used = |attempts, detail: &str| Reason::AttemptsUsed {
        attempts,
        last: Some(FailureCause::ToolFailed),
        detail: detail.to_owned(),
    };
    let back = |times| Reason::CameBack {
        products: vec!["kesl".into()],
        times,
        agents: Vec::new(),
        installed_day: None,
        suspect: None,
    };
    let failed = |why: &str| Reason::LookFailed {
        product: "kesl".into(),
        why: why.to_owned(),
    };
    let unhealthy = |why: &str| Reason::ReplacementUnhealthy {
        product: "clamav".into(),
        why: why.to_owned(),
    };
    let stopped = |fresh_after_ms, detail: &str| Reason::Stopped {
        by: Stop::Room { fresh_after_ms },
        detail: detail.to_owned(),
        exit_code: None,
    };
    let dark = |since_ms| Reason::RestartOverdue { since_ms };
    let interrupted = |step| Reason::StepInterrupted {
        step,
        what: "remove kesl".to_owned(),
    };
    let exempted = |owner: &str| Reason::Exempted {
        why: "why".into(),
        owner: owner.into(),
        until_ms: None,
    };
    let retired = |why: &str| Reason::Retired {
        why: why.into(),
        by: "ann".into(),
    };
    let pairs = [
        (of(used(3, "apt")), of(used(2, "dpkg")), "tool-failed"),
        (of(back(2)), of(back(9)), "came back"),
        (of(failed("a")), of(failed("b")), "kesl"),
        (of(unhealthy("a")), of(unhealthy("b")), "clamav"),
        (of(stopped(1, "a")), of(stopped(2, "b")), "disk full"),
        (of(dark(1)), of(dark(2)), "restart"),
        (of(interrupted(1)), of(interrupted(2)), "remove kesl"),
        (of(exempted("ann")), of(exempted("bob")), "exempt"),
        (of(retired("a")), of(retired("b")), "retired"),
    ];
    for (one, other, told) in &pairs {
        assert_eq!(one, other);
        assert!(one.contains(told), "{one}");
    }
    let away = |last_seen_ms| cause(&Waiting::Away { last_seen_ms });
    assert_eq!(away(1), away(2));
    // What is the same for all of them stays as it is.
    assert_eq!(of(Reason::NoInventory), Reason::NoInventory.text());
}
