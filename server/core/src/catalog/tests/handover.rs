//! What recipes say of who removes a product, and of what they were shown on.

use super::*;
use crate::{
    campaign::{Campaign, PRESETS},
    plan::{Known, Owner},
};

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    let rules = catalog().rules;
    Recipe::parse("r.toml", text, |product| rules.get(&ProductId::new(product)).cloned())
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const KESL: &str = include_str!("../../../../recipes/kesl.toml");
const KEA: &str = include_str!("../../../../recipes/kea.toml");

/// Such a host as the program's own, with a product beside its own that others remove.
fn with_epagent() -> Inventory {
    with(carrying(), "epagent", Verdict::Installed)
}

#[test]
fn every_target_of_the_presets_has_a_recipe_or_says_who_removes_it() {
    let catalog = catalog();
    let mut handed_over = 0;
    for (file, text) in PRESETS {
        for target in Campaign::parse(file, text, 1).unwrap().targets {
            let is_ours = catalog.removal(&target).is_some();
            let others = catalog.handover(&target);
            assert_ne!(is_ours, others.is_some(), "{file}: {target}");
            handed_over += usize::from(others.is_some());
        }
    }
    assert!(handed_over > 32, "{handed_over}");
    // Nothing is ours that is not confirmed, and what is not says what is not.
    for recipe in catalog.recipes.values() {
        let Some(others) = &recipe.handover else { continue };
        assert_ne!(others.by, Remover::Cutover, "{}", recipe.product);
        assert!(others.notes().len() < 3, "{:?}", others.notes());
        let is_confirmed = others.certainty == cutover_proto::rule::Certainty::Confirmed;
        assert_eq!(is_confirmed, others.note.is_empty(), "{}", recipe.product);
    }
}

#[test]
fn a_recipe_without_a_grade_for_a_system_that_it_works_on_is_refused_with_file_place_and_remedy() {
    let grades = KESL.lines().find(|line| line.starts_with("proven")).unwrap();
    assert!(parse(KESL).is_ok());
    for lacking in [KESL.replace(grades, ""), KESL.replace(" linux-yum = \"fixture\",", "")] {
        let said = refused(&lacking);
        let what = [
            "r.toml: proven: ",
            "no grade for `linux-",
            "`managers` work on",
            "write `linux-",
            "machine, chroot",
        ];
        for part in what {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let said = refused(&KESL.replace("\"yum\", ", ""));
    assert!(
        said.contains("proven: `linux-yum` has a grade") && said.contains("take it out"),
        "{said}"
    );
    let said = refused(&KESL.replace("\"machine\"", "\"laboratory\""));
    assert!(said.contains("field, machine, chroot, wine, fixture"), "{said}");
    let said = refused(&KEA.replace("\n[remove]", "proven = { linux-apt = \"chroot\" }\n[remove]"));
    assert!(said.contains("does nothing there by this recipe"), "{said}");
}

#[test]
fn a_removal_without_a_word_is_cutovers_and_others_say_who_answers_how_and_what_ends_it() {
    assert_eq!(parse(KESL).unwrap().by(), Remover::Cutover);
    assert_eq!(
        parse(&KESL.replace("[remove]", "[remove]\nby = \"cutover\""))
            .unwrap()
            .by(),
        Remover::Cutover
    );
    let kea = parse(KEA).unwrap();
    assert_eq!((kea.by(), kea.remove.is_none()), (Remover::Hand, true));
    assert_eq!(
        parse(&KEA.replace("\"hand\"", "\"external\"")).unwrap().by(),
        Remover::External
    );
    for key in ["owner", "runbook", "ends_when"] {
        let line = KEA.lines().find(|line| line.starts_with(key)).unwrap();
        for change in ["".to_owned(), format!("{key} = \" \"")] {
            let said = refused(&KEA.replace(line, &change));
            assert!(said.contains(key) && said.contains("r.toml"), "{said}");
        }
    }
    for key in [
        "rank = \"agent\"",
        "sweep = []",
        "managers = [\"apt\"]",
        "restart = \"due\"",
    ] {
        let said = refused(&format!("{KEA}{key}\n"));
        assert!(said.contains("is for what Cutover removes"), "{key}: {said}");
    }
    let said = refused(&KESL.replace("[remove]", "[remove]\nrunbook = \"x\""));
    assert!(said.contains("`runbook` is for what others remove"), "{said}");
    for key in ["rank", "managers", "time_limit"] {
        let line = KESL.lines().find(|line| line.starts_with(key)).unwrap();
        let said = refused(&KESL.replace(line, ""));
        assert!(said.contains(&format!("`{key}` is missing")), "{said}");
    }
    let said = refused(&KEA.replace("certainty = \"unconfirmed\"\n", ""));
    assert!(said.contains("needs a `note`"), "{said}");
    let note = KEA.lines().find(|line| line.starts_with("note")).unwrap();
    assert!(refused(&KEA.replace(note, "")).contains("needs a `note`"));
    let said = refused(&KEA.replace("product = \"kea\"", "product = \"clamav\""));
    assert!(said.contains("[remove] is for targets"), "{said}");
    let condition = "\n[[precondition]]\nname = \"it\"\nneeds = { free-mib = 9 }\nreason = \"so\"\nremedy = \"do\"\n";
    let said = refused(&format!("{KEA}{condition}"));
    assert!(said.contains("precondition: no work order removes"), "{said}");
}

#[test]
fn a_host_with_a_target_that_others_remove_gets_no_order_and_hears_who_removes_it_and_how() {
    let Err(ComposeError::ByOthers(others)) = composed(&with_epagent(), &catalog()) else {
        panic!("an order was made")
    };
    assert_eq!(
        (others.product.as_str(), others.by, others.owner),
        ("epagent", Remover::Hand, Owner::Technician)
    );
    assert_eq!(others.text(), "no work order removes epagent: it goes by hand");
    let remedy = others.remedy();
    assert!(
        remedy.starts_with("remove its package with the machine's package manager")
            && remedy.ends_with("; it ends when a look no longer finds it"),
        "{remedy}"
    );
    let two = with(with_epagent(), "kics", Verdict::Installed);
    let Err(ComposeError::ByOthers(others)) = composed(&two, &catalog()) else {
        panic!("an order was made")
    };
    assert_eq!(
        others.text(),
        "no work order removes epagent: it goes by hand; nor kics"
    );
}

#[test]
fn what_others_remove_is_no_recipe_that_a_first_host_tries() {
    let catalog = catalog();
    let assessment = assess(&with_epagent(), &Known::default(), &campaign(""), &catalog);
    let names = catalog.recipes_for(&assessment, &"clamav".into());
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(!names.iter().any(|name| name.contains("epagent")), "{names:?}");
}

#[test]
fn a_secret_that_goes_in_argv_alone_has_a_name_and_a_source() {
    let with_secrets =
        |secrets: &str| KESL.replace("\n[remove]", &format!("\nargv_secrets = {{ {secrets} }}\n[remove]"));
    let recipe = parse(&with_secrets("token = \"the tool's own help\"")).unwrap();
    assert_eq!(recipe.argv_secrets["token"], "the tool's own help");
    for bad in ["token = \" \"", "\"a b\" = \"x\""] {
        let said = refused(&with_secrets(bad));
        assert!(said.contains("argv_secrets: `"), "{said}");
    }
}
