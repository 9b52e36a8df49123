//! Messages as they are since looks say whose a replacement is, and looks at Windows and macOS have kinds of their own.

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    v1,
    verdict::{Evidence, EvidenceKind, Health, HealthState, Protection, Sighting},
};

use crate::{
    facts::{facts, facts_wire},
    messages::{evidence, evidence_wire, health_wire, inventory, inventory_wire, sighting, sighting_wire},
    sample::Sample,
};

const TENANT: &str = "b1c2d3e4-0000-4000-8000-000000000001";
const VARIANT: &str = "with-tenant";

fn health() -> Health {
    Health {
        state: HealthState::Unhealthy,
        why: health_wire().why,
        grade: Protection::None,
        tenant: Some(TENANT.to_owned()),
    }
}

fn told() -> v1::Health {
    v1::Health {
        tenant: TENANT.into(),
        ..health_wire()
    }
}

pub(crate) fn seen() -> Sighting {
    Sighting {
        health: Some(health()),
        ..sighting()
    }
}

pub(crate) fn seen_wire() -> v1::Sighting {
    v1::Sighting {
        health: Some(told()),
        ..sighting_wire()
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let reasons = || vec!["libc6".to_owned()];
    let looked = Inventory {
        facts: HostFacts {
            restart_reasons: reasons(),
            ..facts()
        },
        sightings: vec![seen()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(v1::HostFacts {
            restart_reasons: reasons(),
            ..facts_wire()
        }),
        sightings: vec![seen_wire()],
        ..inventory_wire()
    };
    let mut all = vec![
        Sample::variant("Health", VARIANT, told()),
        Sample::typed("Sighting", VARIANT, seen_wire(), seen()).earlier(),
        Sample::typed("Inventory", VARIANT, looked_wire, looked).earlier(),
    ];
    let kinds = [
        (EvidenceKind::UninstallKey, v1::EvidenceKind::UninstallKey),
        (EvidenceKind::Driver, v1::EvidenceKind::Driver),
        (EvidenceKind::File, v1::EvidenceKind::File),
        (EvidenceKind::SecurityCenter, v1::EvidenceKind::SecurityCenter),
        (EvidenceKind::RegistryKey, v1::EvidenceKind::RegistryKey),
        (EvidenceKind::BrowserExtension, v1::EvidenceKind::BrowserExtension),
        (EvidenceKind::ScheduledTask, v1::EvidenceKind::ScheduledTask),
        (EvidenceKind::Receipt, v1::EvidenceKind::Receipt),
        (EvidenceKind::Bundle, v1::EvidenceKind::Bundle),
        (EvidenceKind::SystemExtension, v1::EvidenceKind::SystemExtension),
        (EvidenceKind::Component, v1::EvidenceKind::Component),
    ];
    all.extend(kinds.map(|(kind, wire)| {
        let wire = v1::Evidence {
            kind: wire.into(),
            ..evidence_wire()
        };
        Sample::typed("Evidence", kind.as_str(), wire, Evidence { kind, ..evidence() })
    }));
    all
}
