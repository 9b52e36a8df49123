//! Every recipe that Cutover carries out, on every system that it names: what it has done to a machine, and that the same again
//! changes nothing.

use std::{collections::BTreeSet, fmt::Write as _};

use cutover_core::catalog::ComposeError;
use cutover_proto::{
    ids::ProductId,
    inventory::PackageManager,
    secret::{CUSTOMER, ONBOARDING, PROVISIONING, SecretForm, SecretUse},
    step::{Action, Purpose, Step, StepKind},
};

use crate::{
    agent::{Agent, Secret},
    goods::{self, AGENT, KES, VPN},
    hands::PASSWORD,
    machine::{Entry, Machine},
    orders::{self, catalog, next},
};

use PackageManager::{Apt, Dnf, Msi, Yum, Zypper};

const WRONG: &str = "Falsch-1";
const TOKEN: &str = "T0ken-1f";
const FILE: &str = "{\"onboarding\":\"0a1b2c3d\"}";

/// A replacement, and the systems on which it is put in the targets' place.
const ORDERS: [(&str, &[PackageManager]); 7] = [
    ("clamav", &[Apt, Dnf, Yum, Zypper]),
    ("clamav-daemon", &[Apt]),
    ("clamav-on-access", &[Apt]),
    ("crowdstrike-falcon", &[Apt, Dnf, Yum, Zypper]),
    ("defender-antivirus", &[Msi]),
    ("defender-endpoint", &[Apt]),
    ("stand-in-guard", &[Msi]),
];

/// The packages of all targets that Cutover removes there.
fn targets(manager: PackageManager) -> [&'static str; 3] {
    match manager {
        Msi => [KES, AGENT, VPN],
        Apt | Dnf | Yum | Zypper => ["kesl", "kesl-gui", "klnagent64"],
    }
}

fn carrying(manager: PackageManager, packages: &[&str]) -> Agent {
    let mut machine = Machine::bare(manager);
    for package in packages {
        goods::bring(machine.plant(), package);
        goods::run_for_a_while(machine.plant(), package);
    }
    Agent::on(machine)
}

/// What people gave to the server for the orders: for the product of Windows a wrong password before the right one.
fn secrets() -> Vec<Secret> {
    let goes_to = |product: &str, attempt: u32, property: &str, form: SecretForm| SecretUse {
        product: product.into(),
        attempt,
        property: property.to_owned(),
        form,
    };
    let plain = SecretForm::Plain;
    vec![
        (goes_to("defender-endpoint", 0, ONBOARDING, plain), FILE),
        (goes_to("crowdstrike-falcon", 0, CUSTOMER, plain), orders::CUSTOMER),
        (goes_to("crowdstrike-falcon", 0, PROVISIONING, plain), TOKEN),
        (goes_to("kes-windows", 0, "KLLOGIN", plain), "KLAdmin"),
        (goes_to("kes-windows", 0, "KLPASSWD", plain), WRONG),
        (goes_to("kes-windows", 1, "KLLOGIN", plain), "KLAdmin"),
        (goes_to("kes-windows", 1, "KLPASSWD", plain), PASSWORD),
        (
            goes_to("klnagent-windows", 0, "KLUNINSTPASSWD", SecretForm::Utf16leHex),
            PASSWORD,
        ),
    ]
}

/// The same steps, but for the restart: that is the server's to put in, and for what is gone it owes none.
fn again(steps: &[Step]) -> Vec<Step> {
    let no_restart = |step: &&Step| step.action.kind() != StepKind::Restart;
    steps.iter().filter(no_restart).cloned().collect()
}

/// The one thing that the same again does do: a service is started anew whatever it does at the moment, since nobody can tell by which
/// settings it runs, nor whether it hangs. The server asks for it only where no look finds the replacement protecting.
fn starts(steps: &[Step]) -> Vec<String> {
    let mut starts = Vec::new();
    for step in steps {
        if let Action::EnableService { services, .. } = &step.action {
            starts.extend(services.iter().map(|service| format!("start {service} anew")));
        }
    }
    starts
}

fn changes(ledger: &[Entry]) -> Vec<&str> {
    let changed = ledger.iter().filter(|entry| entry.changed);
    changed.map(|entry| entry.what.as_str()).collect()
}

fn page(first: &[Entry], second: &[Entry]) -> String {
    let mut text = String::new();
    for (title, ledger) in [("the order", first), ("the same again", second)] {
        writeln!(text, "{title}").unwrap();
        for entry in ledger {
            let mark = if entry.changed { '+' } else { '=' };
            writeln!(text, "{mark} {}", entry.what).unwrap();
        }
    }
    text
}

/// Runs what the server makes of this machine, sees that it has nothing more for it, and runs the same again.
fn twice(replacement: &str, manager: PackageManager, packages: &[&str]) -> (Vec<Entry>, Vec<Entry>) {
    let mut agent = carrying(manager, packages);
    let steps = next(&agent.look(), replacement).unwrap();
    let first = agent.run(&steps, &secrets());
    let seen = agent.look();
    assert_eq!(
        next(&seen, replacement),
        Err(ComposeError::NothingToDo),
        "{replacement} by {manager}"
    );
    let second = agent.run(&again(&steps), &secrets());
    assert_eq!(changes(&second), starts(&steps), "{replacement} by {manager}");
    assert_eq!(next(&agent.look(), replacement), Err(ComposeError::NothingToDo));
    (first, second)
}

fn kept(replacement: &str) {
    let (_, managers) = ORDERS.iter().find(|(product, _)| *product == replacement).unwrap();
    for manager in *managers {
        let (first, second) = twice(replacement, *manager, &targets(*manager));
        let name = format!("{replacement}-by-{manager}");
        insta::assert_snapshot!(name.as_str(), page(&first, &second));
        assert!(changes(&first).len() > 3, "{name}: {first:#?}");
    }
}

#[test]
fn every_recipe_that_cutover_carries_out_has_a_ledger_on_every_system_that_it_names() {
    let mut named = BTreeSet::new();
    for recipe in catalog().recipes.values() {
        let removal = recipe.remove.iter().flat_map(|removal| &removal.managers);
        let installation = recipe.install.iter().flat_map(|install| &install.managers);
        for manager in removal.chain(installation) {
            named.insert((recipe.product.clone(), *manager));
        }
    }
    // What is a part of the system is not installed, and only turned on.
    let is_part = |product: &ProductId| catalog().installation(product).is_some_and(|it| it.part_of_system);
    let mut kept: BTreeSet<(ProductId, PackageManager)> = BTreeSet::new();
    for (replacement, managers) in ORDERS {
        for manager in managers {
            let steps = next(&carrying(*manager, &targets(*manager)).look(), replacement).unwrap();
            for step in &steps {
                match step.action.purpose() {
                    Purpose::Remove(product) | Purpose::Install(product) => {
                        kept.insert((product.clone(), *manager));
                    }
                    Purpose::Start(product) if is_part(product) => {
                        kept.insert((product.clone(), *manager));
                    }
                    Purpose::Fetch(_)
                    | Purpose::Repair
                    | Purpose::Configure(_)
                    | Purpose::Start(_)
                    | Purpose::Prove(_)
                    | Purpose::Sweep(_)
                    | Purpose::Restart => {}
                }
            }
        }
    }
    assert_eq!(kept, named);
}

#[test]
fn clamav_takes_the_targets_place_once() {
    kept("clamav");
}

#[test]
fn clamav_as_a_service_takes_the_targets_place_once() {
    kept("clamav-daemon");
}

#[test]
fn clamav_on_access_takes_the_targets_place_once() {
    kept("clamav-on-access");
}

#[test]
fn falcon_takes_the_targets_place_once() {
    kept("crowdstrike-falcon");
}

#[test]
fn defender_for_endpoint_takes_the_targets_place_once() {
    kept("defender-endpoint");
}

#[test]
fn defender_antivirus_takes_the_targets_place_once() {
    kept("defender-antivirus");
}

#[test]
fn a_stand_in_takes_the_place_of_the_targets_of_windows_once() {
    kept("stand-in-guard");
}

#[test]
fn each_target_alone_is_removed_once() {
    for (replacement, manager) in [
        ("clamav", Apt),
        ("clamav", Dnf),
        ("clamav", Yum),
        ("clamav", Zypper),
        ("stand-in-guard", Msi),
    ] {
        for package in targets(manager) {
            let (first, _) = twice(replacement, manager, &[package]);
            let removals = first
                .iter()
                .filter(|entry| entry.changed && entry.what.starts_with("remove "));
            assert_eq!(removals.count(), 1, "{package} by {manager}: {first:#?}");
        }
    }
}

#[test]
fn a_target_that_came_back_is_removed_again_and_nothing_else_is_done() {
    let mut agent = carrying(Apt, &targets(Apt));
    let steps = next(&agent.look(), "clamav").unwrap();
    agent.run(&steps, &[]);
    goods::bring(crate::machine::held(&agent.machine).plant(), "klnagent64");
    let second = agent.run(&again(&steps), &[]);
    assert_eq!(
        changes(&second),
        ["remove by apt: klnagent64"],
        "what its package took along is no leftover"
    );
}

#[test]
fn a_ledger_says_what_an_installer_was_told_and_never_the_secret() {
    for (replacement, managers) in ORDERS {
        let (first, second) = twice(replacement, managers[0], &targets(managers[0]));
        let words = page(&first, &second);
        for (_, secret) in secrets() {
            assert!(!words.contains(secret), "{replacement}: {words}");
        }
        let is_told = |property: &str| words.contains(property);
        match replacement {
            "defender-antivirus" | "stand-in-guard" => {
                assert!(is_told("KLLOGIN and KLPASSWD") && is_told("KLUNINSTPASSWD"))
            }
            "crowdstrike-falcon" => assert!(is_told("CID and PROVTOKEN")),
            "defender-endpoint" => assert!(is_told("ONBOARDING")),
            _ => assert!(!is_told("told")),
        }
    }
}
