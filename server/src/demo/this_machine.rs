//! The real agent looks at the machine that the demo runs on. It only looks, and is not enrolled: the demo's figures are
//! about the sandboxed hosts alone.

use cutover_agent::detect::{RuleSet, ScanCx, outcome, scan};
use cutover_proto::{ids::HostId, verdict::Verdict};

use crate::clock::Clock;

/// What a look at this machine found, in a line.
pub(super) fn look() -> String {
    let rules = RuleSet::built_in();
    let view = match cutover_agent::host::live() {
        Ok(view) => view,
        Err(error) => return format!("this machine: not looked at: {error}"),
    };
    let cx = ScanCx {
        host_id: HostId::new(uuid::Uuid::nil()),
        now_ms: Clock::system().now_ms(),
    };
    let inventory = scan(&view, &rules, &cx);
    let seen: Vec<String> = inventory
        .sightings
        .iter()
        .filter(|sighting| sighting.verdict != Verdict::Absent)
        .map(|sighting| format!("{} {}", sighting.product, sighting.verdict))
        .collect();
    let found = if seen.is_empty() {
        "no target and no replacement".to_owned()
    } else {
        seen.join(", ")
    };
    format!(
        "this machine ({}), by the real agent, which only looks: {found} (scan would exit {})",
        inventory.facts.os_name,
        outcome(&inventory, &rules).exit_code()
    )
}
