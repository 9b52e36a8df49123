//! Messages from the other side, and what they become at the door.

#![no_main]

use cutover_proto::{
    artifact::ArtifactRef,
    envelope,
    inventory::{HostFacts, Inventory},
    order::WorkOrder,
    record::StepRecord,
    step::Step,
    v1,
    verdict::{Evidence, Sighting},
};
use prost::Message;

/// What was taken at the door goes back on the wire and is taken again, the same.
macro_rules! through_the_door {
    ($data:expr, $($kind:ident),+) => {$(
        if let Ok(message) = v1::$kind::decode($data)
            && let Ok(taken) = $kind::try_from(message)
        {
            let again = $kind::try_from(v1::$kind::from(taken.clone())).expect("what was taken is taken again");
            assert!(again == taken, concat!(stringify!($kind), " changes on its way"));
        }
    )+};
}

bounded::fuzz_target!(|data: &[u8]| {
    through_the_door!(
        data,
        Inventory,
        HostFacts,
        Sighting,
        Evidence,
        WorkOrder,
        Step,
        StepRecord,
        ArtifactRef
    );
    let _ = v1::CheckInRequest::decode(data);
    let _ = v1::CheckInReply::decode(data);
    let _ = v1::EnrollRequest::decode(data);
    let _ = v1::EnrollReply::decode(data);
    let _ = v1::RenewRequest::decode(data);
    let _ = v1::SplitRequest::decode(data);
    let _ = v1::Cancel::decode(data);
    let _ = v1::Rules::decode(data);
    if let Ok(signed) = v1::Envelope::decode(data) {
        let _ = envelope::digest(&signed);
        let _ = envelope::open(&signed, envelope::Context::WorkOrder, &[]);
    }
    let _ = envelope::PublicKey::host(data);
    let _ = envelope::PublicKey::server(data);
});
