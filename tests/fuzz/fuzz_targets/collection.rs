//! What the collector's script wrote on a Windows that no agent runs on, and a whole look at it.

#![no_main]

use std::sync::LazyLock;

use cutover_agent::{
    detect::{RuleSet, ScanCx, scan},
    host::Collected,
    parse::collection,
};
use cutover_proto::ids::HostId;

static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::built_in);

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(collection) = collection::parse(data) else {
        return;
    };
    let cx = ScanCx {
        host_id: "00000000-0000-0000-0000-000000000000"
            .parse::<HostId>()
            .expect("a nil id"),
        now_ms: 1_764_000_000_000,
    };
    let _ = scan(&Collected::new(collection), &RULES, &cx);
});
