mod falcon;
mod files;
mod handover;
mod matrix;
mod model;
mod part_of_system;
mod preconditions;
mod recipes;
mod services;
mod set_up;

use std::fmt::Write as _;

use cutover_proto::{
    ids::ProductId,
    inventory::{DiskEncryption, Inventory},
    step::{Action, Step, StepKind},
    verdict::{EvidenceKind, HealthState, Protection, Verdict},
};

use super::*;
use crate::{
    judge::assess,
    samples::{campaign, carrying, catalog, inventory, replaced, with, with_clamav},
};

fn composed(inventory: &Inventory, catalog: &Catalog) -> Result<Vec<Step>, ComposeError> {
    composed_for("clamav", &Settings::new(), inventory, catalog)
}

fn composed_for(
    replacement: &str,
    settings: &Settings,
    inventory: &Inventory,
    catalog: &Catalog,
) -> Result<Vec<Step>, ComposeError> {
    let assessment = assess(inventory, &crate::plan::Known::default(), &campaign(""), catalog);
    let means = Means {
        catalog,
        settings,
        source: None,
        tenant: None,
        shelf: &Shelf::default(),
        shows_test: true,
    };
    compose(&assessment, &ProductId::new(replacement), &means)
}

fn lines(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let mark = if step.safe_point_after { "safe" } else { "----" };
        writeln!(text, "{mark} {}", step.action.describe()).unwrap();
    }
    text
}

/// The built-in catalog, but ClamAV may not stand beside a target.
fn removal_first() -> Catalog {
    let mut catalog = catalog();
    let clamav = catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    clamav.install.as_mut().unwrap().beside = Beside::Never;
    catalog
}

#[test]
fn a_replacement_that_may_stand_beside_comes_first_and_the_targets_go_by_rank() {
    let steps = composed(&carrying(), &catalog()).unwrap();
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav
    safe install clamav
    safe test that clamav detects
    safe remove kesl-gui
    safe remove kesl
    safe remove klnagent64
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
}

#[test]
fn where_it_may_not_nothing_stops_between_removal_and_protection() {
    let steps = composed(&carrying(), &removal_first()).unwrap();
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav
    safe remove kesl-gui
    ---- remove kesl
    ---- remove klnagent64
    ---- install clamav
    safe test that clamav detects
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
}

#[test]
fn what_is_done_already_is_not_done_again() {
    let steps = composed(&with_clamav(carrying(), HealthState::Healthy), &catalog()).unwrap();
    assert!(
        lines(&steps).starts_with("safe test that clamav detects\nsafe remove kesl-gui\n"),
        "{}",
        lines(&steps)
    );
    let gone = with(inventory(), "kesl", Verdict::Remnant);
    let steps = composed(&gone, &catalog()).unwrap();
    assert!(
        lines(&steps).ends_with(
            "safe test that clamav detects\nsafe sweep 7 leftovers of kesl\nsafe delete groups kesladmin kesluser keslaudit \
             nokesl\nsafe sweep certificates of kesl\n"
        ),
        "{}",
        lines(&steps)
    );
    assert_eq!(composed(&replaced(), &catalog()), Err(ComposeError::NothingToDo));
}

#[test]
fn encrypted_disks_never_get_a_step() {
    for encryption in [DiskEncryption::ByTarget, DiskEncryption::Unknown] {
        let mut inventory = carrying();
        inventory.facts.encryption = encryption;
        assert_eq!(composed(&inventory, &catalog()), Err(ComposeError::Encryption));
    }
}

#[test]
fn what_no_package_accounts_for_is_a_persons_work() {
    let mut inventory = carrying();
    for sighting in &mut inventory.sightings {
        sighting.evidence.clear();
    }
    assert_eq!(
        composed(&inventory, &catalog()),
        Err(ComposeError::NotAPackage(ProductId::new("kesl-gui")))
    );
}

#[test]
fn protection_falls_with_the_product_that_gave_it_and_rises_with_the_proof() {
    let clamav = ProductId::new("clamav");
    let after = |catalog: &Catalog| -> Vec<(String, Option<Protection>)> {
        let steps = composed(&carrying(), catalog).unwrap();
        (0..steps.len())
            .map(|index| {
                (
                    steps[index].action.describe(),
                    catalog.protection_after(&steps, index, &clamav),
                )
            })
            .filter(|(_, protection)| protection.is_some())
            .collect()
    };
    assert_eq!(
        after(&catalog()),
        [("remove kesl".to_owned(), Some(Protection::OnDemand))]
    );
    assert_eq!(
        after(&removal_first()),
        [
            ("remove kesl".to_owned(), Some(Protection::None)),
            ("test that clamav detects".to_owned(), Some(Protection::OnDemand)),
        ]
    );
    // Without a test a look is what is known of it.
    let mut untested = removal_first();
    let recipe = untested.recipes.get_mut(&clamav).unwrap();
    recipe.install.as_mut().unwrap().detection_test = false;
    assert_eq!(
        after(&untested),
        [
            ("remove kesl".to_owned(), Some(Protection::None)),
            ("have clamav protect".to_owned(), Some(Protection::OnDemand)),
        ]
    );
}

#[test]
fn every_step_of_every_order_can_be_read_by_an_agent() {
    for catalog in [catalog(), removal_first()] {
        for step in composed(&carrying(), &catalog).unwrap() {
            let wire: cutover_proto::v1::Step = step.clone().into();
            assert_eq!(Step::try_from(wire).unwrap(), step);
            if let Action::RemovePackages { product, packages, .. } = &step.action {
                assert_eq!(packages, &[product.as_str()]);
            }
        }
    }
}

#[test]
fn an_rpm_system_gets_its_own_manager_and_its_own_names_of_packages() {
    use cutover_proto::inventory::PackageManager::{Dnf, Yum, Zypper};
    let of = |managers: &[cutover_proto::inventory::PackageManager]| {
        let mut inventory = carrying();
        inventory.facts.os_id = "fedora".to_owned();
        inventory.facts.package_managers = managers.to_vec();
        let steps = composed(&inventory, &catalog()).unwrap();
        let mut used = Vec::new();
        let mut installed = Vec::new();
        for step in &steps {
            used.extend(step.action.manager());
            if let Action::FetchPackages { packages, .. } | Action::InstallPackages { packages, .. } = &step.action {
                installed.push(packages.join(" "));
            }
        }
        used.dedup();
        installed.dedup();
        (used, installed)
    };
    assert_eq!(of(&[Dnf, Yum]), (vec![Dnf], vec!["clamav clamav-update".to_owned()]));
    assert_eq!(of(&[Yum]), (vec![Yum], vec!["clamav clamav-update".to_owned()]));
    assert_eq!(of(&[Zypper]), (vec![Zypper], vec!["clamav".to_owned()]));
}

#[test]
fn what_an_installer_left_half_done_is_finished_before_anything_else() {
    for state in ["half-configured", "half-installed", "unpacked"] {
        let mut inventory = carrying();
        let kesl = inventory
            .sightings
            .iter_mut()
            .find(|it| it.product.as_str() == "kesl")
            .unwrap();
        let evidence = kesl
            .evidence
            .iter_mut()
            .find(|it| it.kind == EvidenceKind::Package)
            .unwrap();
        evidence.detail = format!("kesl 12.1.0-1297 ({state})");
        let steps = composed(&inventory, &catalog()).unwrap();
        assert_eq!(steps[0].action.kind(), StepKind::RepairPackages, "{state}");
        assert_eq!(
            steps[0].time_limit,
            std::time::Duration::from_mins(15),
            "services may start in it"
        );
        let others = composed(&carrying(), &catalog()).unwrap();
        assert_eq!(steps[1..], others, "the rest of the order is as ever");
        assert!(others.iter().all(|step| step.action.kind() != StepKind::RepairPackages));
        inventory.facts.package_managers = vec![cutover_proto::inventory::PackageManager::Dnf];
        let on_rpm = composed(&inventory, &catalog()).unwrap();
        assert!(on_rpm.iter().all(|step| step.action.kind() != StepKind::RepairPackages));
    }
}

#[test]
fn without_a_test_work_may_stop_again_where_a_look_found_the_replacement_protecting() {
    let without_test = |product: &str, change: fn(&mut Install)| {
        let mut catalog = removal_first();
        let recipe = catalog.recipes.get_mut(&ProductId::new(product)).unwrap();
        let install = recipe.install.as_mut().unwrap();
        install.beside = Beside::Never;
        install.detection_test = false;
        change(install);
        let steps = composed_for(product, &Settings::new(), &carrying(), &catalog).unwrap();
        let text = lines(&steps);
        let from = text.find("---- remove klnagent64\n").unwrap();
        text[from..text.find("safe sweep 7").unwrap()].to_owned()
    };
    assert_eq!(
        without_test("clamav", |_| ()),
        "---- remove klnagent64\n---- install clamav\nsafe have clamav protect\n"
    );
    let on_access = |change| without_test("clamav-on-access", change);
    let installed = "---- remove klnagent64\n---- install clamav clamav-freshclam clamdscan clamav-daemon\n";
    let written = "---- write /etc/clamav/clamonacc.conf\n";
    let unit = "write /etc/systemd/system/clamav-clamonacc.service.d/cutover.conf\n";
    assert_eq!(
        on_access(|_| ()),
        format!(
            "{installed}{written}---- {unit}---- enable and start clamav-freshclam.service\n\
             ---- enable and start clamav-daemon.service\n---- enable and start clamav-clamonacc.service\n\
             safe have clamav-on-access protect\n"
        )
    );
    // What is written belongs to what is brought, also where nothing is started after it.
    assert_eq!(
        on_access(|install| install.services.clear()),
        format!("{installed}{written}---- {unit}safe have clamav-on-access protect\n")
    );
}

#[test]
fn an_order_sweeps_what_the_recipe_names_and_nothing_else_that_the_rule_offers() {
    let mut catalog = catalog();
    let kesl = ProductId::new("kesl");
    let removal = catalog.recipes.get_mut(&kesl).unwrap().remove.as_mut().unwrap();
    let subject = removal.sweep_certificates[0].clone();
    removal.sweep = vec!["/opt/kaspersky/kesl".to_owned()];
    removal.sweep_groups = vec!["nokesl".to_owned()];
    removal.sweep_certificates = vec![subject.clone()];
    let steps = composed(&with(inventory(), "kesl", Verdict::Remnant), &catalog).unwrap();
    let mut swept = Vec::new();
    for step in steps {
        if let Action::Sweep { paths: names, .. } | Action::SweepGroups { groups: names, .. } = step.action {
            swept.push(names);
        } else if let Action::SweepCertificates { subjects, .. } = step.action {
            swept.push(subjects.iter().map(ToString::to_string).collect());
        }
    }
    let subject = subject.to_string();
    assert_eq!(swept, [["/opt/kaspersky/kesl"], ["nokesl"], [subject.as_str()]]);
}
