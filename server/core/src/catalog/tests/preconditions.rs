use cutover_proto::{
    inventory::{DiskEncryption, HostRole, Inventory},
    verdict::{HealthState, Verdict},
};

use super::*;
use crate::{
    judge::{Blocker, assess},
    plan::{Known, Owner},
};

const CLAMAV: &str = include_str!("../../../../recipes/clamav.toml");
const KESL: &str = include_str!("../../../../recipes/kesl.toml");

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    let rules = catalog().rules;
    Recipe::parse("recipe.toml", text, |product| {
        rules.get(&ProductId::new(product)).cloned()
    })
}

fn condition(needs: &str, more: &str) -> String {
    format!("\n[[precondition]]\nname = \"it\"\nneeds = {needs}\nreason = \"it is so\"\nremedy = \"do it\"\n{more}")
}

fn with_condition(text: &str, needs: &str, more: &str) -> Catalog {
    let mut catalog = catalog();
    let recipe = parse(&format!("{text}{}", condition(needs, more))).unwrap();
    catalog.recipes.insert(recipe.product.clone(), recipe);
    catalog
}

fn blockers(catalog: &Catalog, inventory: &Inventory) -> Vec<Blocker> {
    assess(inventory, &Known::default(), &campaign(""), catalog).blockers
}

/// What stands against work by the one condition that was added.
fn said(catalog: &Catalog, inventory: &Inventory) -> String {
    let mut unmet = blockers(catalog, inventory).into_iter().filter_map(|blocker| {
        let Blocker::Unmet(unmet) = blocker else { return None };
        (unmet.name == "it").then(|| unmet.text())
    });
    unmet.next().unwrap_or_default()
}

#[test]
fn each_condition_holds_fails_or_is_not_known_and_what_is_not_known_does_not_hold() {
    let mut host = carrying();
    host.facts.free_disk_mib = Some(2000);
    host.facts.roles_told = true;
    let host = with(host, "sophos", Verdict::Absent);
    type Change = fn(&mut Inventory);
    let cases: [(&str, &str, Change, &str, Change, &str); 6] = [
        (
            CLAMAV,
            "{ free-mib = 1500 }",
            |it| it.facts.free_disk_mib = Some(1200),
            "1200 MiB are free, 1500 MiB are needed",
            |it| it.facts.free_disk_mib = None,
            "free room",
        ),
        (
            CLAMAV,
            "{ os-version = [\">=12\"] }",
            |it| it.facts.os_version = "11.9".to_owned(),
            "the version of the system is 11.9, and >=12 would do",
            |it| it.facts.os_version = "bookworm".to_owned(),
            "the version of the system",
        ),
        (
            CLAMAV,
            "{ architecture = [\"x86_64\", \"aarch64\"] }",
            |it| it.facts.architecture = "riscv64".to_owned(),
            "it is riscv64, and x86_64 or aarch64 would do",
            |it| it.facts.architecture.clear(),
            "the machine's architecture",
        ),
        (
            KESL,
            "{ version = [\"12\", \"11\"] }",
            |it| version(it, Some("10.1.2")),
            "the version of kesl is 10.1.2, and 12 or 11 would do",
            |it| version(it, None),
            "the version of kesl",
        ),
        (
            CLAMAV,
            "{ absent = [\"sophos\"] }",
            |it| it.sightings.iter_mut().last().unwrap().verdict = Verdict::Remnant,
            "sophos is remnant",
            |it| drop(it.sightings.pop()),
            "whether sophos is there",
        ),
        (
            CLAMAV,
            "{ without-role = [\"domain-controller\"] }",
            |it| it.facts.roles = vec![HostRole::DomainController],
            "it is a domain-controller",
            |it| it.facts.roles_told = false,
            "what the machine does for others",
        ),
    ];
    for (text, needs, fail, fails, forget, unknown) in cases {
        let catalog = with_condition(text, needs, "");
        let mut host = host.clone();
        version(&mut host, Some("12.1"));
        assert_eq!(said(&catalog, &host), "", "{needs}");
        let (mut failing, mut silent) = (host.clone(), host.clone());
        fail(&mut failing);
        assert_eq!(said(&catalog, &failing), format!("it is so: {fails}"), "{needs}");
        forget(&mut silent);
        assert!(
            said(&catalog, &silent).starts_with(&format!("not known: {unknown}")),
            "{needs}: {}",
            said(&catalog, &silent)
        );
        // Only where the recipe says so, and why.
        let lenient = with_condition(
            text,
            needs,
            "unknown = \"goes-on\"\nunknown_why = \"nothing is lost\"\n",
        );
        assert_eq!(said(&lenient, &silent), "", "{needs}");
        assert_eq!(said(&lenient, &failing), format!("it is so: {fails}"), "{needs}");
    }
}

fn version(inventory: &mut Inventory, version: Option<&str>) {
    let mut kesl = inventory
        .sightings
        .iter_mut()
        .filter(|it| it.product.as_str() == "kesl");
    kesl.next().unwrap().version = version.map(str::to_owned);
}

#[test]
fn conditions_are_of_what_is_to_be_done_and_say_who_does_what() {
    let catalog = with_condition(CLAMAV, "{ architecture = [\"s390x\"] }", "owner = \"operator\"\n");
    assert!(!said(&catalog, &carrying()).is_empty());
    // It is there already: nothing of its installation is asked.
    assert_eq!(said(&catalog, &with_clamav(carrying(), HealthState::Healthy)), "");
    let Some(Blocker::Unmet(unmet)) = blockers(&catalog, &carrying()).pop() else {
        panic!("it blocks")
    };
    assert_eq!((unmet.owner, unmet.remedy().as_str()), (Owner::Operator, "do it"));
    let removal = with_condition(KESL, "{ version = [\"99\"] }", "");
    assert_eq!(said(&removal, &inventory()), "", "what is not there is not removed");
    // As a reason it says the same.
    let reason = Blocker::Unmet(unmet.clone()).reason();
    assert_eq!(
        (reason.text(), reason.remedy(), reason.owner()),
        (unmet.text(), "do it".to_owned(), Owner::Operator)
    );
}

#[test]
fn encryption_blocks_whatever_the_recipes_say() {
    let mut catalog = catalog();
    for recipe in catalog.recipes.values_mut() {
        recipe.preconditions.clear();
    }
    for (encryption, blocker) in [
        (DiskEncryption::ByTarget, Blocker::EncryptedByTarget),
        (DiskEncryption::Unknown, Blocker::EncryptionUnknown),
    ] {
        let mut host = carrying();
        host.facts.encryption = encryption;
        assert_eq!(blockers(&catalog, &host), [blocker]);
        assert_eq!(composed(&host, &catalog), Err(ComposeError::Encryption));
    }
    let forced = parse(&format!("{KESL}{}", condition("{ encryption = \"any\" }", ""))).unwrap_err();
    assert!(forced.to_string().contains("unknown variant `encryption`"), "{forced}");
}

#[test]
fn a_condition_that_makes_no_sense_is_refused() {
    for (text, needs, more, why) in [
        (CLAMAV, "{ free-mib = 0 }", "", "always holds"),
        (CLAMAV, "{ free-mib = -1 }", "", "invalid value"),
        (CLAMAV, "{ version = [\"1\"] }", "", "goes with [remove]"),
        (KESL, "{ version = [] }", "", "names no version"),
        (KESL, "{ version = [\"new\"] }", "", "is no version"),
        (CLAMAV, "{ absent = [\"kesl\"] }", "", "is a target"),
        (CLAMAV, "{ absent = [\"clamav\"] }", "", "itself"),
        (CLAMAV, "{ absent = [\"nothing\"] }", "", "no rule sees"),
        (CLAMAV, "{ absent = [] }", "", "names no product"),
        (CLAMAV, "{ architecture = [\"\"] }", "", "names none"),
        (CLAMAV, "{ without-role = [] }", "", "names none"),
        (CLAMAV, "{ os-version = [] }", "", "names no version"),
        (CLAMAV, "{ free-mib = 1, absent = [] }", "", "exactly 1 element"),
        (CLAMAV, "{ free-mib = 1 }", "unknown = \"goes-on\"\n", "unknown_why"),
        (CLAMAV, "{ free-mib = 1 }", "unknown_why = \"so\"\n", "leave it out"),
        (CLAMAV, "{ free-mib = 1 }", "unknown = \"holds\"\n", "holds"),
    ] {
        let refused = parse(&format!("{text}{}", condition(needs, more)))
            .unwrap_err()
            .to_string();
        assert!(refused.contains(why), "{needs}: {refused}");
    }
    let one = condition("{ free-mib = 1 }", "");
    for (from, to, why) in [
        ("name = \"it\"", "name = \"It\"", "lower-case"),
        ("reason = \"it is so\"", "reason = \"\"", "`reason` is empty"),
        ("remedy = \"do it\"", "remedy = \" \"", "`remedy` is empty"),
    ] {
        let refused = parse(&format!("{CLAMAV}{}", one.replace(from, to)))
            .unwrap_err()
            .to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let twice = parse(&format!("{CLAMAV}{one}{one}")).unwrap_err().to_string();
    assert!(twice.contains("two preconditions are named `it`"), "{twice}");
}

#[test]
fn room_that_just_suffices_is_enough() {
    let catalog = with_condition(CLAMAV, "{ free-mib = 1500 }", "");
    let free = |mib| {
        let mut host = carrying();
        host.facts.free_disk_mib = Some(mib);
        said(&catalog, &host)
    };
    assert_eq!([free(1500), free(1501)], ["", ""]);
    assert!(free(1499).contains("1499 MiB are free"));
}

#[test]
fn what_goes_on_where_it_is_not_known_is_noted_with_why_and_what_blocks_is_not() {
    let note = |more: &str| {
        parse(&format!("{KESL}{}", condition("{ free-mib = 1 }", more)))
            .unwrap()
            .preconditions[0]
            .note()
    };
    assert_eq!(note(""), None);
    assert_eq!(
        note("unknown = \"goes-on\"\nunknown_why = \"nothing is lost\"\n").as_deref(),
        Some("precondition it: where it is not known, work goes on: nothing is lost")
    );
}
