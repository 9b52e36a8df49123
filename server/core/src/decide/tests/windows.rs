//! The order of a host with the products that Windows Installer removes.
//!
//! No recipe brings packages to Windows: this host, which no system is, is Windows and takes its replacement from apt.

use cutover_proto::{
    inventory::{OsFamily, PackageManager},
    step::{Purpose, Step},
    uninstall::Entry,
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Showing, Verdict},
};

use super::*;
use crate::{
    samples::{inventory, with},
    secret::{Held, Keyring},
};

const PRODUCTS: [(&str, &str); 3] = [
    ("kaspersky-vpn", "{10000000-2222-3333-4444-555555555555}"),
    ("klnagent-windows", "{20000000-2222-3333-4444-555555555555}"),
    ("kes-windows", "{30000000-2222-3333-4444-555555555555}"),
];

fn carrying(products: &[(&str, &str)]) -> Inventory {
    let mut inventory = inventory();
    inventory.facts.os_family = OsFamily::Windows;
    inventory.facts.package_managers.push(PackageManager::Msi);
    for (product, code) in products {
        inventory = with(inventory, product, Verdict::Installed);
        let entry = Entry {
            name: product,
            version: "12.9.0.384",
            key: code,
            is_msi: true,
            is_orphan: false,
            is_of_user: false,
        };
        inventory.sightings.last_mut().unwrap().evidence = vec![Evidence {
            kind: EvidenceKind::UninstallKey,
            required: true,
            outcome: EvidenceOutcome::Seen,
            detail: entry.in_words(),
            shows: Some(Showing::Installed),
        }];
    }
    inventory
}

/// A host whose order is out, with these secrets in the store.
fn ordered(products: &[(&str, &str)]) -> Host {
    let mut host = Host::of(samples::campaign(
        "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\n\
         [[replacement]]\nos_family = [\"windows\"]\nproduct = \"clamav\"\n",
    ));
    let secret = |product: &str, name: &str| {
        let held = Held {
            revision: 1,
            values: vec![format!("{product}-{name}")],
        };
        ((product.into(), name.to_owned()), held)
    };
    host.secrets = Keyring::new([
        secret("kes-windows", "login"),
        secret("kes-windows", "password"),
        secret("klnagent-windows", "password"),
        secret("kaspersky-vpn", "password"),
    ]);
    host.look(&carrying(products));
    host.start_and_fetch();
    host
}

fn steps(host: &Host) -> &[Step] {
    &host.plan.order.as_ref().unwrap().steps
}

/// What its order says to which product.
fn said(host: &Host) -> Vec<(String, Vec<String>)> {
    let secrets = &host.plan.order.as_ref().unwrap().secrets;
    secrets
        .iter()
        .map(|it| {
            let digests = it.tries.iter().map(|it| it.digest.clone()).collect();
            (it.product.to_string(), digests)
        })
        .collect()
}

#[test]
fn on_windows_the_product_goes_before_its_agent_in_one_order_with_one_restart_at_its_end() {
    let host = ordered(&PRODUCTS);
    let course: Vec<String> = steps(&host).iter().map(|step| step.action.describe()).collect();
    let [.., vpn, kes, agent, restart, test] = course.as_slice() else {
        panic!("{course:#?}");
    };
    let [vpn_goes, agent_goes, kes_goes] = PRODUCTS.map(|(product, code)| format!("remove {product} {code}"));
    let mut products = [vpn.as_str(), kes.as_str()];
    products.sort_unstable();
    let mut removals = [vpn_goes.as_str(), kes_goes.as_str()];
    removals.sort_unstable();
    assert_eq!(products, removals);
    assert_eq!(*agent, agent_goes);
    assert!(
        restart.starts_with("restart: the removal of kes-windows is complete only after"),
        "{restart}"
    );
    assert!(
        test.starts_with("test that clamav"),
        "what is there protects after the restart too: {test}"
    );
    let is_restart = |step: &&Step| step.action.purpose() == Purpose::Restart;
    assert_eq!(steps(&host).iter().filter(is_restart).count(), 1);
    let by_msi = |step: &Step| {
        let is_removal = matches!(step.action.purpose(), Purpose::Remove(_));
        !is_removal || step.action.manager() == Some(PackageManager::Msi)
    };
    assert!(steps(&host).iter().all(by_msi));
}

#[test]
fn each_product_of_windows_gets_what_its_own_recipe_takes() {
    let host = ordered(&PRODUCTS);
    let mut said = said(&host);
    said.sort();
    let kes = "login:kes-windows-login+password:kes-windows-password";
    assert_eq!(
        said,
        [
            ("kes-windows".to_owned(), vec![kes.to_owned()]),
            (
                "klnagent-windows".to_owned(),
                vec!["password:klnagent-windows-password".to_owned()]
            ),
        ]
    );
}

#[test]
fn a_vpn_that_the_antivirus_left_behind_goes_alone_and_without_a_restart() {
    let host = ordered(&PRODUCTS[..1]);
    let removed: Vec<String> = steps(&host)
        .iter()
        .filter(|step| matches!(step.action.purpose(), Purpose::Remove(_)))
        .map(|step| step.action.describe())
        .collect();
    assert_eq!(removed, [format!("remove {} {}", PRODUCTS[0].0, PRODUCTS[0].1)]);
    assert!(
        steps(&host)
            .iter()
            .all(|step| step.action.purpose() != Purpose::Restart)
    );
    assert_eq!(said(&host), []);
}
