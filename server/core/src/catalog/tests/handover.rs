//! What recipes say of who removes a product, and of what they were shown on.

use cutover_proto::step::Purpose;

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

/// The products that the steps remove and sweep, in their order.
fn gone(steps: &[Step]) -> Vec<&str> {
    let goes = |purpose: &Purpose<'_>| matches!(purpose, Purpose::Remove(_) | Purpose::Sweep(_));
    let purposes = steps.iter().map(|step| step.action.purpose()).filter(goes);
    let products = purposes.filter_map(Purpose::product).map(ProductId::as_str);
    let mut products: Vec<&str> = products.collect();
    products.dedup();
    products
}

fn others_of(inventory: &Inventory, catalog: &Catalog) -> HandedOver {
    match composed(inventory, catalog) {
        Err(ComposeError::ByOthers(others)) => *others,
        composed => panic!("{composed:?}"),
    }
}

#[test]
fn what_is_ours_goes_though_another_target_waits_for_a_person() {
    let steps = composed(&with_epagent(), &catalog()).unwrap();
    assert_eq!(steps, composed(&carrying(), &catalog()).unwrap());
    assert!(!gone(&steps).contains(&"epagent"), "{steps:?}");
}

#[test]
fn what_others_remove_is_all_that_is_left_once_ours_is_done_and_says_who_and_how() {
    let done = with(replaced(), "epagent", Verdict::Installed);
    let others = others_of(&done, &catalog());
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
    let two = others_of(&with(done, "kics", Verdict::Installed), &catalog());
    assert_eq!(two.text(), "no work order removes epagent: it goes by hand; nor kics");
}

#[test]
fn beside_what_stays_and_protects_comes_only_a_replacement_that_may_stand_there() {
    let inventory = with(carrying(), "kess", Verdict::Running);
    let mut catalog = catalog();
    assert!(catalog.protects(&"kess".into()) && catalog.handover(&"kess".into()).is_some());
    for (beside, goes) in [(Beside::First, true), (Beside::Halfway, false), (Beside::Never, false)] {
        let recipe = catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
        recipe.install.as_mut().unwrap().beside = beside;
        assert_eq!(composed(&inventory, &catalog).is_ok(), goes, "{beside:?}");
    }
    // Where it protects already, nothing new comes to stand there.
    let protected = with(with_clamav(carrying(), HealthState::Healthy), "kess", Verdict::Running);
    let steps = composed(&protected, &catalog).unwrap();
    assert!(gone(&steps).contains(&"kesl"), "{steps:?}");
}

#[test]
fn a_replacement_comes_before_a_person_takes_the_only_target_away() {
    let inventory = with(inventory(), "kess", Verdict::Running);
    let steps = composed(&inventory, &catalog()).unwrap();
    let purposes: Vec<Purpose<'_>> = steps.iter().map(|step| step.action.purpose()).collect();
    assert!(
        purposes.iter().any(|it| matches!(it, Purpose::Install(_))) && gone(&steps).is_empty(),
        "{purposes:?}"
    );
}

#[test]
fn the_consoles_agent_stays_while_the_console_has_something_to_remove() {
    let mut catalog = catalog();
    let inventory = with_epagent();
    let with_agent = composed(&inventory, &catalog).unwrap();
    assert!(gone(&with_agent).contains(&"klnagent64"));
    let recipe = catalog.recipes.get_mut(&ProductId::new("epagent")).unwrap();
    recipe.handover.as_mut().unwrap().by = Remover::External;
    let without = composed(&inventory, &catalog).unwrap();
    assert!(
        gone(&without).contains(&"kesl") && !gone(&without).contains(&"klnagent64"),
        "neither it nor its leftovers: {without:?}"
    );
}

#[test]
fn what_others_remove_is_no_recipe_that_a_first_host_tries() {
    let catalog = catalog();
    let assessment = assess(&with_epagent(), &Known::default(), &campaign(""), &catalog);
    let names = catalog.recipes_for(&assessment, &"clamav".into());
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(!names.iter().any(|(name, _)| name.contains("epagent")), "{names:?}");
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

const KLNAGENT: &str = include_str!("../../../../recipes/klnagent-windows.toml");

#[test]
fn a_secret_that_no_agent_could_say_or_that_two_say_is_refused() {
    assert_eq!(parse(KLNAGENT).unwrap().secrets.len(), 1);
    let secret = KLNAGENT
        .split("\n\n")
        .find(|part| part.starts_with("[[secret]]"))
        .unwrap();
    for (from, to, says) in [
        (
            "\"KLUNINSTPASSWD\"",
            "\"kluninstpasswd\"",
            "no public property of Windows Installer",
        ),
        (
            "\"KLUNINSTPASSWD\"",
            "\"A B\"",
            "no public property of Windows Installer",
        ),
        ("\"KLUNINSTPASSWD\"", "\"TRANSFORMS\"", "no agent says `TRANSFORMS`"),
        ("\"utf16le-hex\"", "\"base64\"", "plain, utf16le-hex"),
        ("\"password\"", "\"pin\"", "login, password"),
        ("\"msi\"]", "\"apt\"]", "proven: "),
    ] {
        assert!(KLNAGENT.contains(from), "{from}");
        let said = refused(&KLNAGENT.replace(from, to));
        assert!(said.contains(says), "{said}");
    }
    let twice = secret.replace("\"password\"", "\"login\"");
    let said = refused(&format!("{KLNAGENT}\n{twice}"));
    assert!(
        said.contains("secret login: `KLUNINSTPASSWD` is taken by password already"),
        "{said}"
    );
    let twice = secret.replace("KLUNINSTPASSWD", "KLPASSWD");
    let said = refused(&format!("{KLNAGENT}\n{twice}"));
    assert!(said.contains("secret password: it stands there twice"), "{said}");
    let no_fact = secret.replace("three independent public scripts: each character as XX00", " ");
    let said = refused(&KLNAGENT.replace(secret, &no_fact));
    assert!(said.contains("secret password: `fact` is empty"), "{said}");
    let in_argv = "\nargv_secrets = { password = \"x\" }\n\n[remove]";
    let said = refused(&KLNAGENT.replace("\n[remove]", in_argv));
    assert!(said.contains("stands in `argv_secrets` too"), "{said}");
}

#[test]
fn what_only_a_product_with_secrets_means_is_refused_without_them() {
    let secret = KLNAGENT
        .split("\n\n")
        .find(|part| part.starts_with("[[secret]]"))
        .unwrap();
    let said = refused(&KLNAGENT.replace(secret, ""));
    assert!(
        said.contains("exit 1603: `perhaps-secret` is for a recipe that takes a secret"),
        "{said}"
    );
    let said = refused(&format!("{KESL}\n{secret}"));
    assert!(
        said.contains("only a [remove] by `msi` and an [install] with `onboard` take one"),
        "{said}"
    );
    let said = refused(&format!("{KEA}\n{secret}"));
    assert!(
        said.contains("secret: no work order removes what is handed over"),
        "{said}"
    );
}
