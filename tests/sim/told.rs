//! What people were told is so, by answers that say it is done: what they go by, whatever the store says. It is noted after the
//! answer, and forgotten before they ask for the contrary, so that nothing is held against an answer that was lost.

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::ids::HostId;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Hosts that somebody holds, and until when.
    pub(crate) held: BTreeMap<HostId, Option<i64>>,
    /// Hosts that are exempt, and until when.
    pub(crate) exempt: BTreeMap<HostId, i64>,
    pub(crate) retired: BTreeSet<HostId>,
    /// Machines of others.
    pub(crate) personal: BTreeSet<HostId>,
    /// Hosts with the tag of a rule that leaves them out.
    pub(crate) left_out: BTreeSet<HostId>,
    /// The campaign is paused or stopped.
    pub(crate) halted: bool,
    pub(crate) paused: BTreeSet<&'static str>,
    /// Waves that somebody asked to open, whatever the answer was.
    pub(crate) asked_open: BTreeSet<String>,
    /// Waves of which somebody asked to approve the gate.
    pub(crate) approved: BTreeSet<String>,
    /// And for which a system outside said yes.
    pub(crate) granted: BTreeSet<String>,
}

impl Told {
    /// What an order for this host, issued then in this wave, goes against.
    pub(crate) fn against(&self, host: HostId, wave: &str, at_ms: i64) -> Option<&'static str> {
        let is_held = self
            .held
            .get(&host)
            .is_some_and(|until| until.is_none_or(|until| at_ms < until));
        let is_exempt = self.exempt.get(&host).is_some_and(|until| at_ms < *until);
        let reasons = [
            (is_held, "it is held"),
            (is_exempt, "it is exempt"),
            (self.retired.contains(&host), "it is retired"),
            (self.personal.contains(&host), "it is somebody's own"),
            (self.left_out.contains(&host), "it is out of scope"),
            (self.halted, "the campaign is halted"),
            (self.paused.contains(wave), "its wave is paused"),
        ];
        reasons.into_iter().find(|(is, _)| *is).map(|(_, why)| why)
    }
}
