//! Messages as they are since machines tell by which imported records know them.

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    v1,
};

use crate::{
    facts::{facts, facts_wire},
    messages::{BOOT, envelope, inventory, inventory_wire},
    sample::Sample,
    tenants::{seen, seen_wire},
};

const VARIANT: &str = "with-identifiers";
const SERIAL: &str = "PF-2X9";
const UUID: &str = "4c4c4544-0042-3510-8054-b7c04f4e4d32";
const FQDN: &str = "ws-0042.corp.example";

pub(crate) fn identified() -> HostFacts {
    HostFacts {
        serial: SERIAL.into(),
        system_uuid: UUID.into(),
        fqdn: FQDN.into(),
        restart_reasons: vec!["libc6".into()],
        ..facts()
    }
}

pub(crate) fn identified_wire() -> v1::HostFacts {
    v1::HostFacts {
        serial: SERIAL.into(),
        system_uuid: UUID.into(),
        fqdn: FQDN.into(),
        restart_reasons: vec!["libc6".into()],
        ..facts_wire()
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let looked = Inventory {
        facts: identified(),
        sightings: vec![seen()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(identified_wire()),
        sightings: vec![seen_wire()],
        ..inventory_wire()
    };
    let enrolled = v1::EnrollRequest {
        facts: Some(identified_wire()),
        ..enroll_request()
    };
    let split = v1::SplitRequest {
        csr_der: vec![0x30, 0x01],
        proof: Some(envelope()),
        sealing_key: Some(envelope()),
        facts: Some(identified_wire()),
        agent_version: "0.1.0".into(),
        boot_id: BOOT.into(),
    };
    vec![
        Sample::variant("EnrollRequest", VARIANT, enrolled).earlier(),
        Sample::variant("SplitRequest", VARIANT, split).earlier(),
        Sample::typed("HostFacts", VARIANT, identified_wire(), identified()).earlier(),
        Sample::typed("Inventory", VARIANT, looked_wire, looked).earlier(),
    ]
}

pub(crate) fn enroll_request() -> v1::EnrollRequest {
    v1::EnrollRequest {
        token: "cutover-token".into(),
        csr_der: vec![0x30, 0x01],
        sealing_key: Some(envelope()),
        facts: Some(facts_wire()),
        agent_version: "0.1.0".into(),
    }
}
