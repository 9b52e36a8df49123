//! Messages as they are since machines tell what is set against a part of the system.

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    policy::{Policy, PolicySeen, PolicyState},
    v1,
};

use crate::{
    identifiers::enroll_request,
    messages::{BOOT, envelope, inventory, inventory_wire},
    placed::{placed, placed_sighting_wire},
    sample::Sample,
    zones::{somewhere, somewhere_wire},
};

const VARIANT: &str = "with-policies";

fn seen(policy: Policy, state: PolicyState) -> PolicySeen {
    PolicySeen {
        policy,
        state,
        detail: "DisableAntiSpyware = 1".into(),
    }
}

fn seen_wire(policy: v1::Policy, state: v1::PolicyState) -> v1::PolicySeen {
    v1::PolicySeen {
        policy: policy.into(),
        state: state.into(),
        detail: "DisableAntiSpyware = 1".into(),
    }
}

fn governed() -> HostFacts {
    HostFacts {
        policies: vec![
            seen(Policy::DefenderOff, PolicyState::Foreign),
            seen(Policy::DefenderPassive, PolicyState::Local),
            seen(Policy::DefenderOff, PolicyState::Unset),
            seen(Policy::DefenderPassive, PolicyState::Unknown),
        ],
        ..somewhere()
    }
}

fn governed_wire() -> v1::HostFacts {
    v1::HostFacts {
        policies: vec![
            seen_wire(v1::Policy::DefenderOff, v1::PolicyState::Foreign),
            seen_wire(v1::Policy::DefenderPassive, v1::PolicyState::Local),
            seen_wire(v1::Policy::DefenderOff, v1::PolicyState::Unset),
            seen_wire(v1::Policy::DefenderPassive, v1::PolicyState::Unknown),
        ],
        ..somewhere_wire()
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let looked = Inventory {
        facts: governed(),
        sightings: vec![placed()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(governed_wire()),
        sightings: vec![placed_sighting_wire()],
        ..inventory_wire()
    };
    let enrolled = v1::EnrollRequest {
        facts: Some(governed_wire()),
        ..enroll_request()
    };
    let split = v1::SplitRequest {
        csr_der: vec![0x30, 0x01],
        proof: Some(envelope()),
        sealing_key: Some(envelope()),
        facts: Some(governed_wire()),
        agent_version: "0.1.0".into(),
        boot_id: BOOT.into(),
    };
    vec![
        Sample::typed(
            "PolicySeen",
            "",
            seen_wire(v1::Policy::DefenderOff, v1::PolicyState::Foreign),
            seen(Policy::DefenderOff, PolicyState::Foreign),
        ),
        Sample::typed("HostFacts", VARIANT, governed_wire(), governed()),
        Sample::variant("EnrollRequest", VARIANT, enrolled),
        Sample::variant("SplitRequest", VARIANT, split),
        Sample::typed("Inventory", VARIANT, looked_wire, looked),
    ]
}
