//! What recipes may say.

use super::*;

/// The grade that a recipe for apt alone needs.
const PROVEN: &str = "proven = { linux-apt = \"fixture\" }\n";

#[test]
fn a_recipe_may_sweep_only_what_the_rule_offers() {
    let catalog = catalog();
    let rule = |product: &str| catalog.rules.get(&ProductId::new(product)).cloned();
    let text = |sweep: &str| {
        format!(
            "schema = 1\nproduct = \"kesl\"\nsources = [\"x\"]\n{PROVEN}[remove]\nrank = \"product\"\nmanagers = [\"apt\"]\n\
             time_limit = \"5m\"\nsweep = [\"{sweep}\"]\n"
        )
    };
    assert!(Recipe::parse("r.toml", &text("/opt/kaspersky/kesl"), rule).is_ok());
    let said = Recipe::parse("r.toml", &text("/opt/kaspersky"), rule)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("r.toml") && said.contains("offer it there first"),
        "{said}"
    );
}

#[test]
fn a_recipe_may_sweep_only_groups_and_certificates_that_the_rule_offers() {
    let catalog = catalog();
    let rule = |product: &str| catalog.rules.get(&ProductId::new(product)).cloned();
    let text = |sweep: &str| {
        format!(
            "schema = 1\nproduct = \"kesl\"\nsources = [\"x\"]\n{PROVEN}[remove]\nrank = \"product\"\nmanagers = [\"apt\"]\n\
             time_limit = \"5m\"\n{sweep}\n"
        )
    };
    let certificate = |name: &str| format!("sweep_certificates = [\"CN={name}, O=AO Kaspersky Lab\"]");
    let known = certificate("Kaspersky Anti-Virus Personal Root Certificate");
    for sweep in ["sweep_groups = [\"nokesl\"]", &known] {
        assert!(Recipe::parse("r.toml", &text(sweep), rule).is_ok(), "{sweep}");
    }
    for sweep in ["sweep_groups = [\"sudo\"]", &certificate("Another Root")] {
        let said = Recipe::parse("r.toml", &text(sweep), rule).unwrap_err().to_string();
        assert!(said.contains("offer it there first"), "{said}");
    }
}

#[test]
fn a_recipe_that_intercepts_files_may_not_come_first_unless_it_only_watches() {
    let rules = catalog().rules;
    let rule = |product: &str| rules.get(&ProductId::new(product)).cloned();
    let text = include_str!("../../../../recipes/clamav.toml");
    let read = |change: &str| Recipe::parse("r.toml", &text.replace("grade = \"on-demand\"", change), rule);
    let refused = read("grade = \"real-time\"").unwrap_err().to_string();
    assert!(refused.contains("hang a machine"), "{refused}");
    assert!(read("grade = \"real-time\"\nblocking = false").is_ok());
    assert!(read("grade = \"on-demand\"\nblocking = true").is_err());
}

#[test]
fn a_recipe_with_an_unknown_key_or_the_wrong_role_is_refused() {
    let catalog = catalog();
    let rule = |product: &str| catalog.rules.get(&ProductId::new(product)).cloned();
    let refused = |text: &str| Recipe::parse("r.toml", text, rule).unwrap_err().to_string();
    assert!(refused("schema = 1\nproduct = \"kesl\"\nsources = [\"x\"]\nrun = \"sh\"\n").contains("run"));
    assert!(refused("schema = 1\nproduct = \"kesl\"\nsources = [\"x\"]\n").contains("neither"));
    assert!(refused("schema = 2\nproduct = \"kesl\"\nsources = [\"x\"]\n").contains("schema 2"));
    assert!(refused("schema = 1\nproduct = \"nothing\"\nsources = [\"x\"]\n").contains("no rule"));
    let wrong = "schema = 1\nproduct = \"clamav\"\nsources = [\"x\"]\n[remove]\nrank = \"gui\"\nmanagers = [\"apt\"]\ntime_limit = \"5m\"\n";
    assert!(refused(wrong).contains("for targets"));
}

#[test]
fn names_for_a_manager_that_the_recipe_does_not_use_are_refused() {
    let catalog = catalog();
    let rule = |product: &str| catalog.rules.get(&ProductId::new(product)).cloned();
    let text = include_str!("../../../../recipes/clamav.toml");
    assert!(Recipe::parse("r.toml", text, rule).is_ok());
    for (from, to) in [
        ("managers = [\"apt\", \"dnf\",", "managers = [\"apt\","),
        ("yum = [\"clamav\", \"clamav-update\"]", "yum = []"),
    ] {
        assert!(text.contains(from));
        let said = Recipe::parse("r.toml", &text.replace(from, to), rule)
            .unwrap_err()
            .to_string();
        assert!(said.contains("packages_by"), "{said}");
    }
}

#[test]
fn a_removal_needs_a_manager_and_a_time_limit_and_an_installation_a_replacement() {
    let catalog = catalog();
    let rule = |product: &str| catalog.rules.get(&ProductId::new(product)).cloned();
    let removal = |managers: &str, limit: &str| {
        format!(
            "schema = 1\nproduct = \"kesl\"\nsources = [\"x\"]\n{PROVEN}[remove]\nrank = \"product\"\nmanagers = [{managers}]\n\
             time_limit = \"{limit}\"\n"
        )
    };
    assert!(Recipe::parse("r.toml", &removal("\"apt\"", "5m"), rule).is_ok());
    let clamav = include_str!("../../../../recipes/clamav.toml");
    for (text, said) in [
        (removal("", "5m"), "at least one manager and a time limit"),
        (removal("\"apt\"", "0s"), "at least one manager and a time limit"),
        (
            clamav.replace("product = \"clamav\"", "product = \"kesl\""),
            "for replacements",
        ),
        (
            clamav.replace("product = \"clamav\"", "product = \"ultraav\""),
            "for replacements",
        ),
    ] {
        let refused = Recipe::parse("r.toml", &text, rule).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn replacements_are_ways_of_one_product_where_their_recipes_share_a_package() {
    let mut catalog = catalog();
    let mut other = catalog.recipes[&ProductId::new("clamav")].clone();
    let install = other.install.as_mut().unwrap();
    install.packages = vec!["sensor".to_owned()];
    install.artifacts.clear();
    catalog.recipes.insert(ProductId::new("sophos"), other);
    let is_kin = |one: &str, other: &str| catalog.is_kin(&one.into(), &other.into());
    assert!(is_kin("clamav", "clamav-daemon") && is_kin("clamav-on-access", "clamav"));
    assert!(!is_kin("clamav", "sophos") && !is_kin("sophos", "clamav-daemon"));
    assert!(
        !is_kin("clamav", "eset") && !is_kin("eset", "clamav"),
        "nothing is known of what it is made of"
    );
}
