//! One whole look at a host.

use cutover_proto::{
    ids::HostId,
    inventory::{Inventory, OsFamily},
    rule::{Role, Rule},
    upkeep::Upkeep,
    verdict::{Protection, Sighting, Verdict},
};

use super::{
    encryption::Encrypting,
    health::{self, HealthCx},
    host_facts::{self, Grounds},
    judge::{judge, version},
    linux::LinuxGround,
    macos::MacGround,
    protection::{self, Given},
    rules::{RefusedRule, RuleSet},
    trail::Trail,
    upkeep,
    windows::WindowsGround,
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
    let encrypting = encrypting(&sightings, rules);
    Inventory {
        host_id: cx.host_id,
        taken_at_ms: cx.now_ms,
        boot_id: view.boot_id().found().unwrap_or_default(),
        rules_revision: rules.revision(),
        facts: host_facts::facts_on(view, ground.grounds(), &encrypting),
        sightings,
        protection: protection::combine(&given),
    }
}

/// A product whose rules were refused may be one that encrypts: nobody knows.
fn encrypting(sightings: &[Sighting], rules: &RuleSet) -> Encrypting {
    let may_encrypt = |sighting: &&Sighting| rules.rule(&sighting.product).is_none_or(|rule| rule.encrypts);
    let mut there = sightings.iter().filter(|sighting| sighting.verdict != Verdict::Absent);
    match there.find(may_encrypt) {
        Some(sighting) => {
            let rule = rules.rule(&sighting.product);
            Encrypting::Maybe(rule.map_or_else(|| sighting.product.to_string(), |rule| rule.name.clone()))
        }
        None => Encrypting::Nobody,
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
    match Ground::gather(view, std::iter::once(rule)).of {
        System::Linux(ground) => ground.packages_of(rule),
        System::Windows(ground) => ground.packages_of(rule),
        System::Macos(_) => Answer::Failed(format!(
            "packages of {} cannot be removed by this version",
            view.os_family()
        )),
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
        upkeep: None,
    }
}

/// What is asked once for a whole look.
struct Ground<'v> {
    view: &'v dyn HostView,
    of: System<'v>,
}

enum System<'v> {
    Linux(LinuxGround<'v>),
    Windows(WindowsGround<'v>),
    Macos(MacGround<'v>),
}

impl<'v> Ground<'v> {
    fn gather<'r>(view: &'v dyn HostView, rules: impl Iterator<Item = &'r Rule>) -> Self {
        let of = match view.os_family() {
            OsFamily::Linux => System::Linux(LinuxGround::gather(view, rules)),
            OsFamily::Windows => System::Windows(WindowsGround::gather(view)),
            OsFamily::Macos => System::Macos(MacGround::gather(view)),
        };
        Self { view, of }
    }

    const fn linux(&self) -> Option<&LinuxGround<'v>> {
        match &self.of {
            System::Linux(ground) => Some(ground),
            System::Windows(_) | System::Macos(_) => None,
        }
    }

    const fn grounds(&self) -> Grounds<'_> {
        match &self.of {
            System::Linux(ground) => Grounds::Linux(ground),
            System::Windows(ground) => Grounds::Windows(ground),
            System::Macos(_) => Grounds::None,
        }
    }

    const fn windows(&self) -> Option<&WindowsGround<'v>> {
        match &self.of {
            System::Windows(ground) => Some(ground),
            System::Linux(_) | System::Macos(_) => None,
        }
    }

    fn sight(&self, rule: &Rule, now_ms: i64) -> (Sighting, Given) {
        let os = self.view.os_family();
        let mut trails: Vec<Trail> = Vec::new();
        let all = rule.looks_on(os).flat_map(|look| match &self.of {
            System::Linux(ground) => ground.look(look),
            System::Windows(ground) => ground.look(look),
            System::Macos(ground) => ground.look(look),
        });
        for trail in all {
            // Two looks may see the same thing.
            if !trails.contains(&trail) {
                trails.push(trail);
            }
        }
        let (verdict, why) = judge(&trails);
        let present = matches!(verdict, Verdict::Installed | Verdict::Running);
        let health = rule
            .health_on(os)
            .filter(|_| present && rule.role == Role::Replacement)
            .map(|health| {
                let blocking = || match self.linux() {
                    Some(ground) => ground.blocking().clone(),
                    None => Answer::Unsupported,
                };
                let cx = HealthCx {
                    view: self.view,
                    blocking: &blocking,
                    windows: self.windows(),
                    now_ms,
                };
                health::check(cx, health, rule.protection)
            });
        let upkeep = if present && rule.role == Role::Target {
            self.upkeep(rule, verdict, now_ms)
        } else {
            None
        };
        let gives = protection::given(rule, verdict, health.as_ref(), &trails);
        let sighting = Sighting {
            product: rule.product.clone(),
            verdict,
            why,
            version: version(&trails),
            evidence: trails.into_iter().map(Trail::into_evidence).collect(),
            health,
            upkeep,
        };
        (sighting, gives)
    }

    fn upkeep(&self, rule: &Rule, verdict: Verdict, now_ms: i64) -> Option<Upkeep> {
        match &self.of {
            System::Linux(ground) => upkeep::on_linux(self.view, ground, rule, verdict == Verdict::Running, now_ms),
            System::Windows(ground) => upkeep::on_windows(self.view, ground, rule, now_ms),
            System::Macos(_) => upkeep::on_macos(self.view, rule),
        }
    }
}
