//! Messages as they are since looks tell what put a target there.

use cutover_proto::{
    inventory::Inventory,
    placed::{Placed, PlacedBy, PlacedRecord, PlacedTrace},
    upkeep::Upkeep,
    v1,
    verdict::Sighting,
};

use crate::{
    messages::{inventory, inventory_wire},
    sample::Sample,
    upkeep::{kept_up, kept_up_wire, upkeep, upkeep_wire},
    zones::{somewhere, somewhere_wire},
};

const VARIANT: &str = "with-placed";

fn trace() -> PlacedTrace {
    PlacedTrace {
        record: PlacedRecord::AptHistory,
        what: "apt-get install kesl".into(),
        by: Some(PlacedBy::Person),
        day: Some(19_936),
    }
}

fn trace_wire() -> v1::PlacedTrace {
    v1::PlacedTrace {
        record: v1::PlacedRecord::AptHistory.into(),
        what: "apt-get install kesl".into(),
        by: v1::PlacedBy::Person.into(),
        day: Some(19_936),
    }
}

fn placed_wire() -> v1::Placed {
    v1::Placed {
        traces: vec![trace_wire()],
        deployers: vec!["puppet".into()],
    }
}

fn put() -> Upkeep {
    Upkeep {
        placed: Some(Placed {
            traces: vec![trace()],
            deployers: vec!["puppet".into()],
        }),
        ..upkeep()
    }
}

fn put_wire() -> v1::Upkeep {
    v1::Upkeep {
        placed: Some(placed_wire()),
        ..upkeep_wire()
    }
}

pub(crate) fn placed() -> Sighting {
    Sighting {
        upkeep: Some(put()),
        ..kept_up()
    }
}

pub(crate) fn placed_sighting_wire() -> v1::Sighting {
    v1::Sighting {
        upkeep: Some(put_wire()),
        ..kept_up_wire()
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let (seen, seen_wire) = (placed(), placed_sighting_wire());
    let looked = Inventory {
        facts: somewhere(),
        sightings: vec![seen.clone()],
        ..inventory()
    };
    let looked_wire = v1::Inventory {
        facts: Some(somewhere_wire()),
        sightings: vec![seen_wire.clone()],
        ..inventory_wire()
    };
    vec![
        Sample::of("Placed", placed_wire()),
        Sample::of("PlacedTrace", trace_wire()),
        Sample::typed("Upkeep", VARIANT, put_wire(), put()),
        Sample::typed("Sighting", VARIANT, seen_wire, seen),
        Sample::typed("Inventory", VARIANT, looked_wire, looked).earlier(),
    ]
}
