use cutover_proto::{WireError, inventory::Inventory, order::WorkOrder, record::StepRecord, v1};
use proptest::prelude::*;
use prost::Message;

use crate::any;

fn through_bytes<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_inventory_survives_the_wire(typed in any::inventory()) {
        let wire = through_bytes(&v1::Inventory::from(typed.clone()));
        prop_assert_eq!(Inventory::try_from(wire).unwrap(), typed);
    }

    #[test]
    fn an_inventory_survives_a_file(typed in any::inventory()) {
        let text = serde_json::to_string(&typed).unwrap();
        prop_assert_eq!(serde_json::from_str::<Inventory>(&text).unwrap(), typed);
    }

    #[test]
    fn a_record_survives_the_wire(typed in any::record()) {
        let wire = through_bytes(&v1::StepRecord::from(typed.clone()));
        prop_assert_eq!(StepRecord::try_from(wire).unwrap(), typed);
    }

    #[test]
    fn an_order_survives_the_wire(typed in any::order()) {
        let wire = through_bytes(&v1::WorkOrder::from(typed.clone()));
        prop_assert_eq!(WorkOrder::try_from(wire).unwrap(), typed);
    }

    #[test]
    fn an_inventory_says_the_same_whenever_it_was_taken(typed in any::inventory(), later in proptest::prelude::any::<i64>()) {
        let mut again = typed.clone();
        again.taken_at_ms = later;
        prop_assert!(typed.says_the_same(&again));
        again.boot_id.push('x');
        prop_assert!(!typed.says_the_same(&again));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::prelude::any::<Vec<u8>>()) {
        if let Ok(wire) = v1::WorkOrder::decode(bytes.as_slice()) {
            let _: Result<WorkOrder, WireError> = wire.try_into();
        }
        if let Ok(wire) = v1::Inventory::decode(bytes.as_slice()) {
            let _: Result<Inventory, WireError> = wire.try_into();
        }
        if let Ok(wire) = v1::StepRecord::decode(bytes.as_slice()) {
            let _: Result<StepRecord, WireError> = wire.try_into();
        }
    }
}
