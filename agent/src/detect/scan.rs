//! One whole look at a host.

use cutover_proto::{
    ids::HostId,
    inventory::{Inventory, OsFamily},
    rule::{Role, Rule},
    verdict::{Protection, Sighting, Verdict},
};

use super::{
    health, host_facts,
    judge::{judge, version},
    linux::LinuxGround,
    protection::{self, Given},
    rules::{RefusedRule, RuleSet},
    trail::{End, Trail},
};
use crate::{
    facts::{Answer, Package},
    host::HostView,
};

/// What a look needs to know beside the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanCx {
    /// Whose inventory it is; nil before enrolment.
    pub host_id: HostId,
    /// By the host's clock, milliseconds since the epoch.
    pub now_ms: i64,
}

/// Looks for every product of the rules and judges.
#[must_use]
pub fn scan(view: &dyn HostView, rules: &RuleSet, cx: &ScanCx) -> Inventory {
    let ground = Ground::gather(view, rules.rules().iter());
    let os = view.os_family();
    let mut sightings = Vec::new();
    let mut given = Vec::new();
    for rule in rules.rules().iter().filter(|rule| rule.looks_on(os).next().is_some()) {
        let (sighting, gives) = ground.sight(rule, cx.now_ms);
        sightings.push(sighting);
        given.push(gives);
    }
    for refused in rules.refused() {
        sightings.retain(|sighting| sighting.product != refused.product);
        sightings.push(refused_sighting(refused));
        given.push(Given::possibly(Protection::RealTime));
    }
    sightings.sort_by(|one, other| one.product.cmp(&other.product));
    Inventory {
        host_id: cx.host_id,
        taken_at_ms: cx.now_ms,
        boot_id: view.boot_id().found().unwrap_or_default(),
        rules_revision: rules.revision(),
        facts: host_facts::facts_on(view, ground.linux.as_ref()),
        sightings,
        protection: protection::combine(&given),
    }
}

/// Looks for one product.
#[must_use]
pub fn sight(view: &dyn HostView, rule: &Rule, now_ms: i64) -> Sighting {
    Ground::gather(view, std::iter::once(rule)).sight(rule, now_ms).0
}

/// The packages on this host that its own look attributes to a product: what a work order may remove. Each with its
/// state, those of which only configuration files remain too.
pub fn attributed_packages(view: &dyn HostView, rule: &Rule) -> Answer<Vec<Package>> {
    match Ground::gather(view, std::iter::once(rule)).linux {
        Some(ground) => ground.packages_of(rule),
        None => Answer::Failed(not_looked(view.os_family())),
    }
}

fn refused_sighting(refused: &RefusedRule) -> Sighting {
    Sighting {
        product: refused.product.clone(),
        verdict: Verdict::Unknown,
        why: format!("its rules cannot be used: {}", refused.why),
        version: None,
        evidence: Vec::new(),
        health: None,
    }
}

fn not_looked(os: OsFamily) -> String {
    format!("this version of the agent cannot look at {os}; update it")
}

/// What is read once for a whole look; of systems that this version cannot look at, nothing.
struct Ground<'v> {
    view: &'v dyn HostView,
    linux: Option<LinuxGround<'v>>,
}

impl<'v> Ground<'v> {
    fn gather<'r>(view: &'v dyn HostView, rules: impl Iterator<Item = &'r Rule>) -> Self {
        let linux = match view.os_family() {
            OsFamily::Linux => Some(LinuxGround::gather(view, rules)),
            OsFamily::Windows | OsFamily::Macos => None,
        };
        Self { view, linux }
    }

    fn sight(&self, rule: &Rule, now_ms: i64) -> (Sighting, Given) {
        let os = self.view.os_family();
        let trails: Vec<Trail> = rule
            .looks_on(os)
            .flat_map(|look| match &self.linux {
                Some(ground) => ground.look(look),
                None => vec![Trail {
                    kind: look.trace.kind(),
                    need: look.need,
                    would_show: look.shows,
                    end: End::NotChecked(not_looked(os)),
                }],
            })
            .collect();
        let (verdict, why) = judge(&trails);
        let present = matches!(verdict, Verdict::Installed | Verdict::Running);
        let health = rule
            .health
            .as_ref()
            .filter(|_| present && rule.role == Role::Replacement)
            .map(|health| {
                let blocking = || match &self.linux {
                    Some(ground) => ground.blocking().clone(),
                    None => Answer::Unsupported,
                };
                health::check(self.view, blocking, health, rule.protection, now_ms)
            });
        let gives = protection::given(rule, verdict, health.as_ref(), &trails);
        let sighting = Sighting {
            product: rule.product.clone(),
            verdict,
            why,
            version: version(&trails),
            evidence: trails.into_iter().map(Trail::into_evidence).collect(),
            health,
        };
        (sighting, gives)
    }
}
