//! Replacements that stand back until the targets went, and such as must be made their organisation's.

use cutover_proto::{
    step::SetUpState,
    verdict::{Health, Verdict},
};

use super::*;
use crate::judge::ReplacementState;

/// The built-in catalog, but ClamAV has to be onboarded, and may stand beside a target as `beside` says.
fn onboarded(beside: Beside) -> Catalog {
    let mut catalog = catalog();
    let clamav = catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    let install = clamav.install.as_mut().unwrap();
    install.beside = beside;
    install.onboard = true;
    catalog
}

/// It is there, all is right with it, and it leaves the work to another.
fn standing_back(mut inventory: Inventory) -> Inventory {
    let clamav = inventory
        .sightings
        .iter_mut()
        .find(|it| it.product.as_str() == "clamav");
    let clamav = clamav.unwrap();
    clamav.verdict = Verdict::Installed;
    clamav.health = Some(Health {
        state: HealthState::Healthy,
        why: String::new(),
        grade: Protection::Passive,
        tenant: None,
    });
    inventory
}

#[test]
fn what_stands_back_is_made_ready_beside_the_targets_and_takes_over_before_anything_may_stop() {
    let steps = composed(&carrying(), &onboarded(Beside::Passive)).unwrap();
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav
    safe install clamav
    safe have clamav stand back
    safe onboard clamav
    safe remove kesl-gui
    ---- remove kesl
    ---- remove klnagent64
    ---- have clamav protect
    safe test that clamav detects
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
}

#[test]
fn where_nothing_has_to_go_it_protects_at_once() {
    let steps = composed(&inventory(), &onboarded(Beside::Passive)).unwrap();
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav
    safe install clamav
    safe onboard clamav
    ---- have clamav protect
    safe test that clamav detects
    ");
}

#[test]
fn it_does_not_wait_for_what_protects_nothing() {
    let agent_alone = with(inventory(), "klnagent64", Verdict::Installed);
    let steps = composed(&agent_alone, &onboarded(Beside::Passive)).unwrap();
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav
    safe install clamav
    safe onboard clamav
    ---- have clamav protect
    safe test that clamav detects
    safe remove klnagent64
    safe sweep 3 leftovers of klnagent64
    ");
}

#[test]
fn what_may_not_stand_beside_is_onboarded_in_the_gap() {
    let steps = composed(&carrying(), &onboarded(Beside::Never)).unwrap();
    let text = lines(&steps);
    let gap = "---- remove klnagent64\n---- install clamav\n---- onboard clamav\nsafe test that clamav detects\n";
    assert!(text.contains(gap), "{text}");
}

#[test]
fn what_is_not_shown_a_test_file_is_looked_at_in_its_place() {
    for beside in [Beside::First, Beside::Halfway, Beside::Passive, Beside::Never] {
        let tested = onboarded(beside);
        let mut untested = onboarded(beside);
        let clamav = untested.recipes.get_mut(&ProductId::new("clamav")).unwrap();
        clamav.install.as_mut().unwrap().detection_test = false;
        let looked = lines(&composed(&carrying(), &untested).unwrap());
        let mut wanted = lines(&composed(&carrying(), &tested).unwrap());
        if beside == Beside::Passive {
            wanted = wanted.replace("---- have clamav protect\n", "");
        }
        let wanted = wanted.replace("test that clamav detects", "have clamav protect");
        assert_eq!(looked, wanted, "{beside:?}");
    }
}

#[test]
fn what_protects_already_and_is_not_shown_a_test_file_is_looked_at_again_before_a_removal() {
    let mut untested = catalog();
    let clamav = untested.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    clamav.install.as_mut().unwrap().detection_test = false;
    let both = with_clamav(carrying(), HealthState::Healthy);
    let text = lines(&composed(&both, &untested).unwrap());
    assert!(
        text.starts_with("safe have clamav protect\nsafe remove kesl-gui\n"),
        "{text}"
    );
}

#[test]
fn whose_a_replacement_has_to_be_is_looked_at_where_it_is_onboarded_and_where_it_takes_over() {
    let catalog = onboarded(Beside::Passive);
    let assessment = assess(&carrying(), &crate::plan::Known::default(), &campaign(""), &catalog);
    let means = Means {
        catalog: &catalog,
        settings: &Settings::new(),
        source: None,
        tenant: Some("ours"),
        shelf: &Shelf::default(),
        shows_test: true,
    };
    let steps = compose(&assessment, &ProductId::new("clamav"), &means).unwrap();
    let named = steps.iter().filter_map(|step| {
        if let Action::SetUp { state, tenant, .. } = &step.action {
            return Some((*state, tenant.as_deref()));
        }
        None
    });
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            (SetUpState::StandingBack, None),
            (SetUpState::Onboarded, Some("ours")),
            (SetUpState::Active, Some("ours"))
        ]
    );
}

#[test]
fn a_product_that_stands_back_protects_nothing_until_it_took_over() {
    let catalog = onboarded(Beside::Passive);
    let steps = composed(&carrying(), &catalog).unwrap();
    let clamav = ProductId::new("clamav");
    let account: Vec<(String, Protection)> = (0..steps.len())
        .filter_map(|index| Some((index, catalog.protection_after(&steps, index, &clamav)?)))
        .map(|(index, grade)| (steps[index].action.describe(), grade))
        .collect();
    let of = |what: &str, grade| (what.to_owned(), grade);
    assert_eq!(
        account,
        [
            of("remove kesl", Protection::None),
            of("test that clamav detects", Protection::OnDemand)
        ]
    );
    // And where nothing shows that it detects, when its own tools say so.
    let untested: Vec<Step> = steps
        .into_iter()
        .filter(|step| step.action.kind() != StepKind::DetectionTest)
        .collect();
    let at = |kind| untested.iter().position(|step| step.action.kind() == kind).unwrap();
    assert_eq!(
        catalog.protection_after(&untested, at(StepKind::InstallPackages), &clamav),
        None
    );
    let last = untested
        .iter()
        .rposition(|step| step.action.kind() == StepKind::SetUp)
        .unwrap();
    assert_eq!(
        catalog.protection_after(&untested, last, &clamav),
        Some(Protection::OnDemand)
    );
}

#[test]
fn one_that_stands_back_where_all_is_right_with_it_is_not_the_end_of_the_work() {
    let catalog = onboarded(Beside::Passive);
    let left = standing_back(inventory());
    let assessment = assess(&left, &crate::plan::Known::default(), &campaign(""), &catalog);
    assert_eq!(
        assessment.replacement.as_ref().unwrap().state,
        ReplacementState::Healthy {
            grade: Protection::Passive,
            accepted: false
        }
    );
    assert!(!assessment.is_protected_by_replacement());
    let steps = composed(&left, &catalog).unwrap();
    assert!(lines(&steps).contains("have clamav protect"));
}

#[test]
fn what_hooks_nothing_has_nothing_to_stand_back_from() {
    let rule = || catalog().rules[&ProductId::new("clamav")].clone();
    let (_, text) = super::super::built_in::RECIPES
        .iter()
        .find(|(file, _)| *file == "clamav.toml")
        .unwrap();
    let passive = text.replace("beside = \"first\"", "beside = \"passive\"");
    let refused = Recipe::parse("clamav.toml", &passive, |_| Some(rule())).unwrap_err();
    assert!(refused.to_string().contains("what hooks nothing"), "{refused}");
}
