//! Messages as they are since people at machines are told before work begins there, and may put it off.

use cutover_proto::v1;

use crate::{
    messages::{AT_MS, check_in_reply, check_in_request, envelope, on_battery},
    network::handed,
    releases::with_update,
    sample::Sample,
    steps,
};

const VARIANT: &str = "with-notice";

pub(crate) fn samples() -> Vec<Sample> {
    vec![
        Sample::of("StartNotice", notice()),
        Sample::of("NoticeShown", shown()),
        Sample::of("StartPutOff", put_off()),
        Sample::variant("CheckInRequest", VARIANT, request(check_in_request())).earlier(),
        Sample::variant("CheckInReply", VARIANT, reply(check_in_reply())).earlier(),
    ]
}

/// With all that a check-in said by then.
pub(crate) fn request(first: v1::CheckInRequest) -> v1::CheckInRequest {
    v1::CheckInRequest {
        session_seconds: Some(54),
        condition: Some(with_update()),
        host_clock_ms: Some(AT_MS + 1),
        vitals: Some(on_battery()),
        notices: vec![shown()],
        put_off: Some(put_off()),
        ..first
    }
}

/// With all that was answered by then.
pub(crate) fn reply(first: v1::CheckInReply) -> v1::CheckInReply {
    v1::CheckInReply {
        split: true,
        settings: Some(handed()),
        prefetch: vec![steps::artifact_wire()],
        agent_release: Some(envelope()),
        notice: Some(notice()),
        ..first
    }
}

fn notice() -> v1::StartNotice {
    v1::StartNotice {
        code: "K7QM-2RTX".into(),
        round: 1,
        number: 2,
        of: 2,
        starts_ms: AT_MS,
        from: "IT at Example".into(),
        why: "Kaspersky software on this machine is replaced".into(),
        contact: "extension 4711".into(),
        put_offs_left: 2,
        longest_seconds: 14_400,
        latest_ms: Some(AT_MS + 1),
        no_put_off: "too near".into(),
        put_off_ms: Some(AT_MS + 2),
    }
}

fn shown() -> v1::NoticeShown {
    v1::NoticeShown {
        round: 1,
        number: 2,
        shown_ms: AT_MS,
        somebody: Some(true),
        how: "console and sessions were told".into(),
    }
}

fn put_off() -> v1::StartPutOff {
    v1::StartPutOff {
        round: 1,
        asked_ms: AT_MS,
        until_ms: AT_MS + 1,
    }
}
