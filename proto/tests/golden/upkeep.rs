//! Messages as they are since sightings of targets tell how they are kept up.

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    upkeep::Upkeep,
    v1,
    verdict::Sighting,
};

use crate::{
    identifiers::{identified, identified_wire},
    messages::{inventory, inventory_wire},
    sample::Sample,
    tenants::{seen, seen_wire},
};

const VARIANT: &str = "with-upkeep";

fn upkeep() -> Upkeep {
    Upkeep {
        management_server: Some("ksc01.corp.example".into()),
        last_contact_ms: Some(1_727_600_000_000),
        bases_ms: Some(1_727_596_400_000),
        installed_day: Some(19_936),
    }
}

fn upkeep_wire() -> v1::Upkeep {
    v1::Upkeep {
        management_server: "ksc01.corp.example".into(),
        last_contact_ms: Some(1_727_600_000_000),
        bases_ms: Some(1_727_596_400_000),
        installed_day: Some(19_936),
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

pub(crate) fn samples() -> Vec<Sample> {
    let looked = |facts: HostFacts| Inventory {
        facts,
        sightings: vec![kept_up()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(identified_wire()),
        sightings: vec![kept_up_wire()],
        ..inventory_wire()
    };
    vec![
        Sample::of("Upkeep", upkeep_wire()),
        Sample::typed("Sighting", VARIANT, kept_up_wire(), kept_up()),
        Sample::typed("Inventory", VARIANT, looked_wire, looked(identified())),
    ]
}
