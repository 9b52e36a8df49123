//! A whole look at a recorded host with the rules that are compiled in, while it is recorded anew.

#![no_main]

use std::sync::LazyLock;

use cutover_agent::{
    detect::{RuleSet, ScanCx, outcome, scan},
    host::{Fixture, Recorder},
};
use cutover_proto::ids::HostId;

static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::built_in);

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(host) = Fixture::from_json(text) else { return };
    let cx = ScanCx {
        host_id: "00000000-0000-0000-0000-000000000000"
            .parse::<HostId>()
            .expect("a nil id"),
        now_ms: 1_764_000_000_000,
    };
    let recorder = Recorder::new(host, "fuzzed");
    let inventory = scan(&recorder, &RULES, &cx);
    let _ = outcome(&inventory, &RULES);
    let kept = recorder.fixture().to_json().expect("a recording can be written");
    Fixture::from_json(&kept).expect("and read again");
});
