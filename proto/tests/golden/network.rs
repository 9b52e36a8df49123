//! Messages as they are since agents say how they reach the server, and the server where it is to be reached.

use cutover_proto::v1;

use crate::{
    messages::{check_in_reply, check_in_request},
    sample::Sample,
    steps,
};

pub(crate) fn samples() -> Vec<Sample> {
    vec![
        Sample::of("NetworkPath", path()),
        Sample::variant("AgentCondition", "with-network", told()).earlier(),
        Sample::variant("Settings", "with-addresses", handed()),
        Sample::variant(
            "CheckInRequest",
            "with-network",
            v1::CheckInRequest {
                session_seconds: Some(54),
                condition: Some(told()),
                ..check_in_request()
            },
        )
        .earlier(),
        Sample::variant(
            "CheckInReply",
            "with-addresses",
            v1::CheckInReply {
                prefetch: vec![steps::artifact_wire()],
                settings: Some(handed()),
                split: true,
                ..check_in_reply()
            },
        )
        .earlier(),
    ]
}

pub(crate) fn condition() -> v1::AgentCondition {
    v1::AgentCondition {
        hold: "held on this host".into(),
        ending: "uses 141 MiB of memory, memory_limit_mib allows 128".into(),
        network: None,
        update: None,
        platform: String::new(),
    }
}

fn path() -> v1::NetworkPath {
    v1::NetworkPath {
        way: v1::Way::Post.into(),
        address: "cutover.example.org:7443".into(),
        proxy: "proxy.example.org:3128".into(),
        intercepted_by: "CN=An inspecting authority".into(),
    }
}

pub(crate) fn told() -> v1::AgentCondition {
    v1::AgentCondition {
        network: Some(path()),
        ..condition()
    }
}

pub(crate) fn handed() -> v1::Settings {
    v1::Settings {
        addresses: vec!["cutover.corp.example:7443".into(), "cutover.example.org:443".into()],
        ..settings()
    }
}

pub(crate) fn settings() -> v1::Settings {
    v1::Settings {
        check_in_seconds: 300,
        look_seconds: 14_400,
        watch: true,
        addresses: vec![],
    }
}
