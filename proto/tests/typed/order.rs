use std::time::Duration;

use cutover_proto::{
    WireError,
    envelope::{self, Context},
    inventory::PackageManager,
    order::{Standpoint, WorkOrder},
    record::FailureCause,
    step::{Action, Step, StepKind},
    v1,
};
use prost::Message;

use crate::envelope::server_key;

const HOST: &str = "01920000-0000-7000-8000-000000000001";
const OTHER: &str = "01920000-0000-7000-8000-000000000002";

fn step(action: Action, safe_point_after: bool) -> Step {
    Step {
        action,
        time_limit: Duration::from_secs(60),
        safe_point_after,
    }
}

fn order() -> WorkOrder {
    let fetch = Action::FetchPackages {
        manager: PackageManager::Apt,
        packages: vec!["clamav".into()],
    };
    let remove = Action::RemovePackages {
        manager: PackageManager::Apt,
        product: "kesl".into(),
        packages: vec!["kesl".into()],
    };
    WorkOrder {
        host_id: HOST.parse().unwrap(),
        campaign_id: "kaspersky-us-2024".into(),
        campaign_epoch: 1,
        number: 5,
        attempt: 1,
        not_before_ms: 1_000,
        expires_ms: 2_000,
        offline: false,
        steps: vec![step(fetch, true), step(remove, false)],
        secrets: vec![],
        catalog_revision: 1,
    }
}

fn at(host: &str, highest_begun: u64, now_ms: i64) -> Standpoint {
    Standpoint {
        host_id: host.parse().unwrap(),
        highest_begun,
        now_ms,
    }
}

#[test]
fn an_order_begins_on_its_host_in_its_time() {
    assert_eq!(order().check(&at(HOST, 4, 1_000)), Ok(()));
    assert_eq!(order().check(&at(HOST, 4, 1_999)), Ok(()));
}

#[test]
fn an_order_that_may_not_begin_says_why() {
    let refused = |standpoint: &Standpoint| order().check(standpoint).unwrap_err().cause();
    assert_eq!(refused(&at(OTHER, 4, 1_500)), FailureCause::OtherHost);
    assert_eq!(refused(&at(HOST, 5, 1_500)), FailureCause::Replayed);
    assert_eq!(refused(&at(HOST, 6, 1_500)), FailureCause::Replayed, "a lower number");
    assert_eq!(refused(&at(HOST, 4, 2_000)), FailureCause::Expired);
    assert_eq!(refused(&at(HOST, 4, 999)), FailureCause::NotYet);
}

#[test]
fn every_flipped_byte_of_a_signed_order_is_refused() {
    let key = server_key(1);
    let signed = order().sign(&key).unwrap();
    let known = [key.public().clone()];
    assert_eq!(WorkOrder::open(&signed, &known).unwrap(), order());
    for at in 0..signed.body.len() {
        let mut changed = signed.clone();
        changed.body[at] ^= 0x20;
        let refused = WorkOrder::open(&changed, &known).unwrap_err();
        assert_eq!(refused.cause(), FailureCause::BadSignature, "byte {at}");
    }
}

#[test]
fn a_step_of_a_later_version_refuses_the_whole_order() {
    let mut wire = v1::WorkOrder::from(order());
    // Field 9 (steps), holding a step whose only field has number 12: an action that does not exist here.
    let mut body = wire.encode_to_vec();
    body.extend([0x4a, 0x02, 0x62, 0x00]);
    let key = server_key(1);
    let signed = envelope::seal(Context::WorkOrder, body, &key).unwrap();
    let refused = WorkOrder::open(&signed, &[key.public().clone()]).unwrap_err();
    assert_eq!(refused.cause(), FailureCause::UnknownStep);

    let unknown_manager = v1::step::Action::FetchPackages(v1::FetchPackages {
        manager: 99,
        packages: vec!["clamav".into()],
    });
    wire.steps[0].action = Some(unknown_manager);
    let refused = WorkOrder::try_from(wire).unwrap_err();
    assert!(matches!(
        refused,
        WireError::UnknownValue {
            field: "package manager",
            ..
        }
    ));
}

#[test]
fn an_order_without_steps_number_or_time_limit_is_refused() {
    let wire = v1::WorkOrder::from(order());
    let refused = |change: fn(&mut v1::WorkOrder)| {
        let mut wire = wire.clone();
        change(&mut wire);
        WorkOrder::try_from(wire).unwrap_err()
    };
    assert_eq!(
        refused(|wire| wire.steps.clear()),
        WireError::Missing("work_order.steps")
    );
    assert_eq!(refused(|wire| wire.number = 0), WireError::Missing("work_order.number"));
    let no_limit = refused(|wire| wire.steps[0].time_limit_seconds = 0);
    assert_eq!(no_limit, WireError::Missing("step.time_limit_seconds"));
    assert!(matches!(
        refused(|wire| wire.host_id = "me".into()),
        WireError::Invalid { .. }
    ));
}

#[test]
fn a_package_name_cannot_be_an_option_or_a_path() {
    for bad in ["--purge", "", "a b", "../x", "a;b", "a\nb", "/etc/passwd", "kesl*"] {
        let wire = v1::Step {
            action: Some(v1::step::Action::FetchPackages(v1::FetchPackages {
                manager: PackageManager::Apt.number(),
                packages: vec![bad.into()],
            })),
            time_limit_seconds: 1,
            safe_point_after: false,
        };
        assert!(Step::try_from(wire).is_err(), "{bad:?}");
    }
}

#[test]
fn windows_installer_is_told_product_codes_and_no_other_manager_is() {
    const CODE: &str = "{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B}";
    let read = |manager: PackageManager, package: &str| {
        Step::try_from(v1::Step {
            action: Some(v1::step::Action::RemovePackages(v1::RemovePackages {
                manager: manager.number(),
                product: "kes-windows".into(),
                packages: vec![package.into()],
            })),
            time_limit_seconds: 1,
            safe_point_after: true,
        })
    };
    for manager in PackageManager::ALL {
        let is_msi = *manager == PackageManager::Msi;
        assert_eq!(read(*manager, CODE).is_ok(), is_msi, "{manager}");
        assert_eq!(read(*manager, "kesl").is_ok(), !is_msi, "{manager}");
    }
    let refused = read(PackageManager::Msi, "kes.msi /qn").unwrap_err().to_string();
    assert!(refused.contains("`kes.msi /qn` is no product code"), "{refused}");
}

#[test]
fn the_last_safe_point_is_the_last_step_that_says_so() {
    assert_eq!(order().last_safe_point(), Some(0));
    let mut none = order();
    none.steps[0].safe_point_after = false;
    assert_eq!(none.last_safe_point(), None);
}

#[test]
fn steps_that_take_something_away_are_called_destructive() {
    let destructive: Vec<&str> = StepKind::ALL
        .iter()
        .filter(|kind| kind.is_destructive())
        .map(|kind| kind.as_str())
        .collect();
    assert_eq!(
        destructive,
        [
            "remove-packages",
            "sweep",
            "restart",
            "sweep-groups",
            "sweep-certificates"
        ]
    );
}
