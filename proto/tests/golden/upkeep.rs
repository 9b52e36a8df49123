//! Messages as they are since sightings of targets tell how they are kept up, and machines what they do for others.

use cutover_proto::{
    inventory::{HostFacts, HostRole, Inventory},
    upkeep::Upkeep,
    v1,
    verdict::Sighting,
};

use crate::{
    identifiers::{enroll_request, identified, identified_wire},
    messages::{BOOT, envelope, inventory, inventory_wire, on_battery},
    sample::Sample,
    tenants::{seen, seen_wire},
};

const VARIANT: &str = "with-upkeep";

pub(crate) fn upkeep() -> Upkeep {
    Upkeep {
        management_server: Some("ksc01.corp.example".into()),
        last_contact_ms: Some(1_727_600_000_000),
        bases_ms: Some(1_727_596_400_000),
        installed_day: Some(19_936),
        placed: None,
    }
}

pub(crate) fn upkeep_wire() -> v1::Upkeep {
    v1::Upkeep {
        management_server: "ksc01.corp.example".into(),
        last_contact_ms: Some(1_727_600_000_000),
        bases_ms: Some(1_727_596_400_000),
        installed_day: Some(19_936),
        placed: None,
    }
}

pub(crate) fn kept_up() -> Sighting {
    Sighting {
        upkeep: Some(upkeep()),
        ..seen()
    }
}

pub(crate) fn kept_up_wire() -> v1::Sighting {
    v1::Sighting {
        upkeep: Some(upkeep_wire()),
        ..seen_wire()
    }
}

pub(crate) fn machine() -> HostFacts {
    HostFacts {
        encryption_reasons: vec!["BitLocker encrypts C:".into()],
        roles: vec![HostRole::Database, HostRole::Hypervisor],
        roles_told: true,
        has_battery: Some(true),
        domain_joined: Some(false),
        ..identified()
    }
}

pub(crate) fn machine_wire() -> v1::HostFacts {
    v1::HostFacts {
        encryption_reasons: vec!["BitLocker encrypts C:".into()],
        roles: vec![v1::HostRole::Database.into(), v1::HostRole::Hypervisor.into()],
        roles_told: true,
        has_battery: Some(true),
        domain_joined: Some(false),
        ..identified_wire()
    }
}

fn every_role() -> Vec<Sample> {
    let roles = [
        (
            HostRole::DomainController,
            v1::HostRole::DomainController,
            "domain-controller",
        ),
        (HostRole::ClusterMember, v1::HostRole::ClusterMember, "cluster-member"),
        (HostRole::Exchange, v1::HostRole::Exchange, "exchange"),
    ];
    let sample = |(role, wire, name): (HostRole, v1::HostRole, &'static str)| {
        let facts = HostFacts {
            roles: vec![role],
            ..machine()
        };
        let facts_wire = v1::HostFacts {
            roles: vec![wire.into()],
            ..machine_wire()
        };
        Sample::typed("HostFacts", name, facts_wire, facts).earlier()
    };
    roles.into_iter().map(sample).collect()
}

pub(crate) fn samples() -> Vec<Sample> {
    let looked = Inventory {
        facts: machine(),
        sightings: vec![kept_up()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(machine_wire()),
        sightings: vec![kept_up_wire()],
        ..inventory_wire()
    };
    let enrolled = v1::EnrollRequest {
        facts: Some(machine_wire()),
        ..enroll_request()
    };
    let split = v1::SplitRequest {
        csr_der: vec![0x30, 0x01],
        proof: Some(envelope()),
        sealing_key: Some(envelope()),
        facts: Some(machine_wire()),
        agent_version: "0.1.0".into(),
        boot_id: BOOT.into(),
    };
    let mut all = vec![
        Sample::variant("Vitals", "on-battery", on_battery()),
        Sample::of("Upkeep", upkeep_wire()).earlier(),
        Sample::typed("Sighting", VARIANT, kept_up_wire(), kept_up()).earlier(),
        Sample::typed("HostFacts", VARIANT, machine_wire(), machine()).earlier(),
        Sample::variant("EnrollRequest", VARIANT, enrolled).earlier(),
        Sample::variant("SplitRequest", VARIANT, split).earlier(),
        Sample::typed("Inventory", VARIANT, looked_wire, looked).earlier(),
    ];
    all.extend(every_role());
    all
}
