//! Messages as they are since machines tell their time zone.

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    v1,
};

use crate::{
    identifiers::enroll_request,
    messages::{BOOT, envelope, inventory, inventory_wire},
    sample::Sample,
    upkeep::{kept_up, kept_up_wire, machine, machine_wire},
};

const VARIANT: &str = "with-time-zone";

pub(crate) fn somewhere() -> HostFacts {
    HostFacts {
        time_zone: "Australia/Lord_Howe".into(),
        ..machine()
    }
}

pub(crate) fn somewhere_wire() -> v1::HostFacts {
    v1::HostFacts {
        time_zone: "Australia/Lord_Howe".into(),
        ..machine_wire()
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let looked = Inventory {
        facts: somewhere(),
        sightings: vec![kept_up()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(somewhere_wire()),
        sightings: vec![kept_up_wire()],
        ..inventory_wire()
    };
    let enrolled = v1::EnrollRequest {
        facts: Some(somewhere_wire()),
        ..enroll_request()
    };
    let split = v1::SplitRequest {
        csr_der: vec![0x30, 0x01],
        proof: Some(envelope()),
        sealing_key: Some(envelope()),
        facts: Some(somewhere_wire()),
        agent_version: "0.1.0".into(),
        boot_id: BOOT.into(),
    };
    vec![
        Sample::typed("HostFacts", VARIANT, somewhere_wire(), somewhere()).earlier(),
        Sample::variant("EnrollRequest", VARIANT, enrolled).earlier(),
        Sample::variant("SplitRequest", VARIANT, split).earlier(),
        Sample::typed("Inventory", VARIANT, looked_wire, looked).earlier(),
    ]
}
