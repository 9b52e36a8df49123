//! Messages as they are since agents say how they reach the server, and the server where it is to be reached.

use cutover_proto::v1;

use crate::{
    messages::{check_in_reply, check_in_request, condition},
    sample::Sample,
    steps,
};

pub(crate) fn samples() -> Vec<Sample> {
    let path = || v1::NetworkPath {
        way: v1::Way::Post.into(),
        address: "cutover.example.org:7443".into(),
        proxy: "proxy.example.org:3128".into(),
        intercepted_by: "CN=An inspecting authority".into(),
    };
    let told = || v1::AgentCondition {
        network: Some(path()),
        ..condition()
    };
    let handed = || v1::Settings {
        addresses: vec!["cutover.corp.example:7443".into(), "cutover.example.org:443".into()],
        ..settings()
    };
    vec![
        Sample::of("NetworkPath", path()),
        Sample::variant("AgentCondition", "with-network", told()),
        Sample::variant("Settings", "with-addresses", handed()),
        Sample::variant(
            "CheckInRequest",
            "with-network",
            v1::CheckInRequest {
                session_seconds: Some(54),
                condition: Some(told()),
                ..check_in_request()
            },
        ),
        Sample::variant(
            "CheckInReply",
            "with-addresses",
            v1::CheckInReply {
                prefetch: vec![steps::artifact_wire()],
                settings: Some(handed()),
                split: true,
                ..check_in_reply()
            },
        ),
    ]
}

pub(crate) fn settings() -> v1::Settings {
    v1::Settings {
        check_in_seconds: 300,
        look_seconds: 14_400,
        watch: true,
        addresses: vec![],
    }
}
