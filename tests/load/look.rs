//! What a host of the load sends: an inventory as an agent makes it from the rules that are compiled in, on a Debian
//! machine that runs two of the products.

use anyhow::Result;
use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::{DiskEncryption, HostFacts, Inventory, OsFamily, PackageManager},
    rule::{BUILT_IN, BUILT_IN_REVISION, Look, Need, Rule, Trace},
    verdict::{Evidence, EvidenceOutcome, Protection, Sighting, Verdict},
};

/// The products that the machine runs; the others are absent.
const THERE: [&str; 2] = ["kesl", "klnagent64"];

/// The two versions between which a changed inventory goes back and forth.
pub(crate) const VERSIONS: [&str; 2] = ["12.1.0-1297", "12.2.0-2412"];

/// Facts of host number `n`.
pub(crate) fn facts(n: usize) -> HostFacts {
    HostFacts {
        hostname: format!("load-{n:04}"),
        os_family: OsFamily::Linux,
        os_id: "debian".to_owned(),
        os_version: "12".to_owned(),
        os_name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        architecture: "x86_64".to_owned(),
        kernel: "6.1.0-28-amd64".to_owned(),
        machine_id: format!("{n:032x}"),
        package_managers: vec![PackageManager::Apt],
        encryption: DiskEncryption::None,
        restart_pending: Some(false),
        free_disk_mib: Some(16_384),
        restart_reasons: Vec::new(),
        serial: String::new(),
        system_uuid: String::new(),
        fqdn: String::new(),
        encryption_reasons: Vec::new(),
        roles: Vec::new(),
        roles_told: false,
        has_battery: None,
        domain_joined: None,
        time_zone: String::new(),
        policies: Vec::new(),
    }
}

/// The whole inventory of host number `n`.
///
/// # Errors
/// When a rule that is compiled in cannot be read.
pub(crate) fn inventory(n: usize, host_id: HostId, boot_id: &str, taken_at_ms: i64) -> Result<Inventory> {
    let sightings = BUILT_IN
        .iter()
        .map(|(file, text)| Ok(Rule::parse(file, text)?))
        .filter(|rule: &Result<Rule>| rule.as_ref().map_or(true, is_on_linux))
        .map(|rule| rule.map(|rule| sighting(&rule)))
        .collect::<Result<_>>()?;
    Ok(Inventory {
        host_id,
        taken_at_ms,
        boot_id: boot_id.to_owned(),
        rules_revision: BUILT_IN_REVISION,
        facts: facts(n),
        sightings,
        protection: Protection::RealTime,
    })
}

/// An agent looks for no product that cannot be on its system.
fn is_on_linux(rule: &Rule) -> bool {
    rule.looks_on(OsFamily::Linux).next().is_some()
}

fn sighting(rule: &Rule) -> Sighting {
    let there = THERE.iter().any(|product| rule.product == ProductId::from(*product));
    Sighting {
        product: rule.product.clone(),
        verdict: if there { Verdict::Running } else { Verdict::Absent },
        why: String::new(),
        version: there.then(|| VERSIONS[0].to_owned()),
        evidence: rule
            .looks_on(OsFamily::Linux)
            .map(|look| evidence(look, there))
            .collect(),
        health: None,
        upkeep: None,
    }
}

fn evidence(look: &Look, there: bool) -> Evidence {
    match &look.trace {
        Trace::Package { names } | Trace::Unit { names } | Trace::Process { names, .. } => {
            seen(look, there, names.first())
        }
        Trace::Path { paths, .. } => seen(look, there, paths.first()),
        Trace::Module { .. }
        | Trace::Listener { .. }
        | Trace::Certificate { .. }
        | Trace::Group { .. }
        | Trace::Service { .. }
        | Trace::UninstallKey { .. }
        | Trace::WindowsService(_)
        | Trace::Driver(_)
        | Trace::File { .. }
        | Trace::WindowsPath { .. }
        | Trace::SecurityCenter { .. }
        | Trace::RegistryKey { .. }
        | Trace::BrowserExtension { .. }
        | Trace::ScheduledTask { .. }
        | Trace::Receipt { .. }
        | Trace::Bundle { .. }
        | Trace::SystemExtension { .. }
        | Trace::Component { .. } => nothing(look),
    }
}

fn seen(look: &Look, there: bool, what: Option<&String>) -> Evidence {
    match what {
        Some(what) if there => Evidence {
            outcome: EvidenceOutcome::Seen,
            detail: what.clone(),
            shows: Some(look.shows),
            ..nothing(look)
        },
        Some(_) | None => nothing(look),
    }
}

fn nothing(look: &Look) -> Evidence {
    Evidence {
        kind: look.trace.kind(),
        required: look.need == Need::Required,
        outcome: EvidenceOutcome::Nothing,
        detail: String::new(),
        shows: None,
    }
}

#[cfg(test)]
mod tests {
    use cutover_proto::v1;

    use super::*;

    #[test]
    fn the_inventory_is_one_that_the_wire_takes_back() {
        let host_id = HostId::new(uuid::Uuid::from_u128(7));
        let made = inventory(3, host_id, "boot", 1_000).expect("the rules can be read");
        let wire = v1::Inventory::from(made.clone());
        assert_eq!(Inventory::try_from(wire), Ok(made.clone()));
        let rules = BUILT_IN
            .iter()
            .map(|(file, text)| Rule::parse(file, text).expect("sound"));
        assert_eq!(made.sightings.len(), rules.filter(is_on_linux).count());
        let running = made
            .sightings
            .iter()
            .filter(|sighting| sighting.verdict == Verdict::Running);
        assert_eq!(running.count(), THERE.len());
    }
}
