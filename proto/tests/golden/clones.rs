//! Messages of machines whose identity others have too.

use cutover_proto::v1;

use crate::{
    facts::facts_wire,
    messages::{BOOT, check_in_reply, envelope},
    sample::Sample,
    steps,
};

pub(crate) fn samples() -> Vec<Sample> {
    vec![
        Sample::of(
            "SplitRequest",
            v1::SplitRequest {
                csr_der: vec![0x30, 0x01],
                proof: Some(envelope()),
                sealing_key: Some(envelope()),
                facts: Some(v1::HostFacts {
                    restart_reasons: vec!["libc6".to_owned()],
                    ..facts_wire()
                }),
                agent_version: "0.1.0".into(),
                boot_id: BOOT.into(),
            },
        )
        .earlier(),
        Sample::variant(
            "CheckInReply",
            "split",
            v1::CheckInReply {
                split: true,
                prefetch: vec![steps::artifact_wire()],
                ..check_in_reply()
            },
        )
        .earlier(),
    ]
}
