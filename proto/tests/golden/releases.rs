//! Messages of agents that replace their own program, and later ones.

use cutover_proto::v1;

use crate::{
    messages::{AT_MS, check_in_reply, check_in_request, envelope, on_battery},
    network::{handed, told},
    sample::Sample,
    steps,
};

pub(crate) fn samples() -> Vec<Sample> {
    let update = update();
    let condition = with_update();
    vec![
        Sample::of("AgentRelease", release()),
        Sample::of("AgentProgram", release().programs.remove(0)),
        Sample::of("AgentUpdate", update),
        Sample::variant("AgentCondition", "with-update", condition.clone()),
        Sample::variant(
            "CheckInRequest",
            "with-update",
            v1::CheckInRequest {
                session_seconds: Some(54),
                condition: Some(condition.clone()),
                ..check_in_request()
            },
        )
        .earlier(),
        // And that say by which clock they date what they see.
        Sample::variant(
            "CheckInRequest",
            "with-host-clock",
            v1::CheckInRequest {
                session_seconds: Some(54),
                condition: Some(condition.clone()),
                host_clock_ms: Some(AT_MS + 1),
                ..check_in_request()
            },
        )
        .earlier(),
        // And that say what they run on.
        Sample::variant(
            "CheckInRequest",
            "on-battery",
            v1::CheckInRequest {
                session_seconds: Some(54),
                condition: Some(condition),
                host_clock_ms: Some(AT_MS + 1),
                vitals: Some(on_battery()),
                ..check_in_request()
            },
        )
        .earlier(),
        Sample::variant(
            "CheckInReply",
            "with-release",
            v1::CheckInReply {
                split: true,
                settings: Some(handed()),
                prefetch: vec![steps::artifact_wire()],
                agent_release: Some(envelope()),
                ..check_in_reply()
            },
        )
        .earlier(),
    ]
}

pub(crate) fn release() -> v1::AgentRelease {
    v1::AgentRelease {
        revision: 3,
        version: "0.2.0".into(),
        programs: vec![v1::AgentProgram {
            os: "linux".into(),
            architecture: "x86_64".into(),
            file: Some(steps::artifact_wire()),
        }],
        trial_seconds: 600,
    }
}

fn update() -> v1::AgentUpdate {
    v1::AgentUpdate {
        revision: 3,
        state: v1::UpdateState::RolledBack.into(),
        why: "it did not check in within 600 s".into(),
    }
}

pub(crate) fn with_update() -> v1::AgentCondition {
    v1::AgentCondition {
        update: Some(update()),
        platform: "linux-x86_64".into(),
        ..told()
    }
}
