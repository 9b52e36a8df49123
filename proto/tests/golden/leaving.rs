//! Messages of a host that leaves.

use cutover_proto::{leaving::LastStatement, v1};

use crate::{
    keys::{HOST, host_id},
    messages::{AT_MS, BOOT, check_in_reply, check_in_request, envelope},
    notices,
    sample::Sample,
};

const VARIANT: &str = "leaving";
const REQUEST: &str = "01923b5c-8000-7000-8000-00000000001e";

pub(crate) fn samples() -> Vec<Sample> {
    let asked = || v1::LeaveAsked {
        request_id: REQUEST.into(),
    };
    vec![
        Sample::of("LeaveAsked", asked()),
        Sample::of(
            "LeaveRequest",
            v1::LeaveRequest {
                statement: Some(envelope()),
            },
        ),
        Sample::of(
            "LeaveReply",
            v1::LeaveReply {
                durable: vec![0x77; 32],
                why_not: "the host is asked no longer".into(),
            },
        ),
        Sample::typed("LastStatement", "", statement_wire(), statement()),
        Sample::variant(
            "CheckInRequest",
            VARIANT,
            v1::CheckInRequest {
                can_leave: true,
                ..notices::request(check_in_request())
            },
        ),
        Sample::variant(
            "CheckInReply",
            VARIANT,
            v1::CheckInReply {
                leave: Some(asked()),
                ..notices::reply(check_in_reply())
            },
        ),
    ]
}

pub(crate) fn statement_wire() -> v1::LastStatement {
    v1::LastStatement {
        host_id: HOST.into(),
        request_id: REQUEST.into(),
        at_ms: AT_MS,
        boot_id: BOOT.into(),
        inventory_digest: vec![0x77; 32],
        highest_order_begun: 3,
        rules_revision: 9,
        agent_version: "0.1.0".into(),
    }
}

fn statement() -> LastStatement {
    LastStatement {
        host_id: host_id(),
        request_id: REQUEST.into(),
        at_ms: AT_MS,
        boot_id: BOOT.into(),
        inventory_digest: vec![0x77; 32],
        highest_order_begun: 3,
        rules_revision: 9,
        agent_version: "0.1.0".into(),
    }
}
