use cutover_proto::verdict::HealthState;

use super::*;
use crate::{campaign::Campaign, coverage::Ownership, judge, samples, upkeep::Dates};

const SINCE_MS: i64 = 1_795_348_800_000;
const HOUR_MS: i64 = 3_600_000;
static NO_DATES: BTreeMap<ProductId, Dates> = BTreeMap::new();

fn campaign() -> Campaign {
    samples::campaign("")
}

fn assessed(state: Option<HealthState>) -> Assessment {
    let inventory = match state {
        Some(state) => samples::with_clamav(samples::inventory(), state),
        None => samples::inventory(),
    };
    judge::assess(
        &inventory,
        &crate::plan::Known::default(),
        &campaign(),
        &samples::catalog(),
    )
}

fn own(phase: Phase, assessment: &Assessment) -> OwnWord<'_> {
    OwnWord {
        phase,
        since_ms: SINCE_MS,
        assessment: Some(assessment),
        looked_ms: SINCE_MS,
        dates: &NO_DATES,
    }
}

/// A console that has a healthy sensor there, and heard of it an hour after the host was done.
fn console() -> OtherWord {
    OtherWord {
        source: "console".to_owned(),
        product: Some(ProductId::new("clamav")),
        health: Some(Health::Healthy),
        tenant: String::new(),
        last_seen_ms: Some(SINCE_MS + HOUR_MS),
        target: None,
        active: None,
        ownership: None,
        site: String::new(),
    }
}

fn old_console(last_seen_ms: i64) -> OtherWord {
    OtherWord {
        source: "ksc".to_owned(),
        product: None,
        health: None,
        target: Some(TargetSeen::Carries),
        last_seen_ms: Some(last_seen_ms),
        ..console()
    }
}

fn kinds(own: Option<&OwnWord<'_>>, others: &[OtherWord]) -> Vec<FindingKind> {
    findings(own, others, &campaign()).iter().map(|it| it.kind).collect()
}

#[test]
fn a_console_that_agrees_after_the_migration_corroborates_and_nothing_less_does() {
    let healthy = assessed(Some(HealthState::Healthy));
    let done = own(Phase::Migrated, &healthy);
    let grade = |own: &OwnWord<'_>, other: OtherWord| corroboration(own, &[other], &campaign()).map(|it| it.at_ms);
    assert_eq!(grade(&done, console()), Some(SINCE_MS + HOUR_MS));
    let less = [
        OtherWord {
            health: None,
            ..console()
        },
        OtherWord {
            health: Some(Health::Unhealthy),
            ..console()
        },
        OtherWord {
            product: Some(ProductId::new("sophos")),
            ..console()
        },
        OtherWord {
            last_seen_ms: None,
            ..console()
        },
        OtherWord {
            last_seen_ms: Some(SINCE_MS),
            ..console()
        },
    ];
    for other in less {
        assert_eq!(grade(&done, other.clone()), None, "{other:?}");
    }
    assert_eq!(
        grade(&own(Phase::Verifying, &healthy), console()),
        None,
        "not migrated yet"
    );
    let gone = assessed(None);
    assert_eq!(
        grade(&own(Phase::Migrated, &gone), console()),
        None,
        "its own look does not find it"
    );
}

#[test]
fn only_the_campaigns_tenant_corroborates_and_another_is_a_finding() {
    let mut campaign = campaign();
    for rule in &mut campaign.replacements {
        rule.tenant = Some("Tenant-A".to_owned());
    }
    let healthy = assessed(Some(HealthState::Healthy));
    let done = own(Phase::Migrated, &healthy);
    let of = |tenant: &str| OtherWord {
        tenant: tenant.to_owned(),
        ..console()
    };
    assert!(corroboration(&done, &[of(" tenant-a ")], &campaign).is_some());
    assert_eq!(findings(Some(&done), &[of("tenant-a")], &campaign), []);
    for (tenant, is_finding) in [("tenant-b", true), ("", false)] {
        assert_eq!(corroboration(&done, &[of(tenant)], &campaign), None, "`{tenant}`");
        let found = findings(Some(&done), &[of(tenant)], &campaign);
        assert_eq!(
            found.iter().any(|it| it.kind == FindingKind::WrongTenant),
            is_finding,
            "`{tenant}`"
        );
    }
}

#[test]
fn a_console_that_tells_a_customer_without_the_digits_of_its_checksum_tells_the_same_one() {
    let mut campaign = campaign();
    for rule in &mut campaign.replacements {
        rule.tenant = Some("79391C24113773B01D8181C38C3E111A-5B".to_owned());
    }
    let healthy = assessed(Some(HealthState::Healthy));
    let done = own(Phase::Migrated, &healthy);
    let of = |tenant: &str| OtherWord {
        tenant: tenant.to_owned(),
        ..console()
    };
    let same = of("79391c24113773b01d8181c38c3e111a");
    assert_eq!(findings(Some(&done), std::slice::from_ref(&same), &campaign), []);
    assert!(corroboration(&done, &[same], &campaign).is_some());
    let other = of("00000c24113773b01d8181c38c3e111a");
    assert_eq!(findings(Some(&done), &[other], &campaign).len(), 1);
}

#[test]
fn a_console_that_calls_healthy_what_the_machine_does_not_find_is_told() {
    for state in [None, Some(HealthState::Unhealthy)] {
        let assessment = assessed(state);
        let host = own(Phase::Unplanned, &assessment);
        assert_eq!(
            kinds(Some(&host), &[console()]),
            [FindingKind::ConsoleSaysHealthy],
            "{state:?}"
        );
        let long_ago = OtherWord {
            last_seen_ms: Some(SINCE_MS - 48 * HOUR_MS),
            ..console()
        };
        assert_eq!(kinds(Some(&host), &[long_ago]), [], "it speaks of another time");
        let before = |ms| OtherWord {
            last_seen_ms: Some(SINCE_MS - ms),
            ..console()
        };
        assert_eq!(
            kinds(Some(&host), &[before(24 * HOUR_MS - 1)]),
            [FindingKind::ConsoleSaysHealthy]
        );
        assert_eq!(
            kinds(Some(&host), &[before(24 * HOUR_MS)]),
            [],
            "a day before is not alike"
        );
        let sick = OtherWord {
            health: Some(Health::Unhealthy),
            ..console()
        };
        assert_eq!(kinds(Some(&host), &[sick]), [], "they agree");
        let retired = own(Phase::Retired, &assessment);
        assert_eq!(
            kinds(Some(&retired), &[console()]),
            [FindingKind::RetiredActive],
            "what a retired host lacks is nobody's concern"
        );
    }
    let healthy = assessed(Some(HealthState::Healthy));
    assert_eq!(kinds(Some(&own(Phase::Migrated, &healthy)), &[console()]), []);
}

#[test]
fn a_source_that_still_sees_the_product_after_it_was_seen_gone_is_told_and_an_old_export_is_not() {
    let healthy = assessed(Some(HealthState::Healthy));
    for phase in [Phase::Migrated, Phase::Clear] {
        let host = own(phase, &healthy);
        assert_eq!(
            kinds(Some(&host), &[old_console(SINCE_MS + 1)]),
            [FindingKind::StillManaged],
            "{phase}"
        );
        assert_eq!(kinds(Some(&host), &[old_console(SINCE_MS)]), [], "{phase}");
    }
    let host = own(Phase::Planned, &healthy);
    assert_eq!(
        kinds(Some(&host), &[old_console(SINCE_MS + 1)]),
        [],
        "nobody says that it is gone"
    );
}

#[test]
fn a_retired_host_that_a_source_sees_in_use_is_told() {
    let healthy = assessed(Some(HealthState::Healthy));
    let retired = own(Phase::Retired, &healthy);
    assert_eq!(kinds(Some(&retired), &[console()]), [FindingKind::RetiredActive]);
    let disabled = OtherWord {
        active: Some(false),
        ..console()
    };
    assert_eq!(kinds(Some(&retired), &[disabled]), []);
    let heard = |last_seen_ms| OtherWord {
        last_seen_ms,
        ..console()
    };
    assert_eq!(
        kinds(Some(&retired), &[heard(Some(SINCE_MS + 1))]),
        [FindingKind::RetiredActive]
    );
    for before in [Some(SINCE_MS), None] {
        assert_eq!(kinds(Some(&retired), &[heard(before)]), [], "{before:?}");
    }
}

#[test]
fn sources_that_contradict_each_other_are_told_also_of_a_machine_without_agent() {
    let clear = OtherWord {
        source: "intune".to_owned(),
        target: Some(TargetSeen::Clear),
        ..old_console(SINCE_MS)
    };
    let found = findings(None, &[old_console(SINCE_MS), clear], &campaign());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].kind, found[0].source.as_str()),
        (FindingKind::SourcesDisagree, "ksc, intune")
    );
    let sick = OtherWord {
        source: "other".to_owned(),
        health: Some(Health::Unhealthy),
        ..console()
    };
    assert_eq!(kinds(None, &[console(), sick]), [FindingKind::SourcesDisagree]);
    assert_eq!(kinds(None, &[console(), console()]), []);
    let whose = |source: &str, ownership| OtherWord {
        source: source.to_owned(),
        ownership: Some(ownership),
        ..console()
    };
    let corporate = whose("ad", Ownership::Corporate);
    let found = findings(
        None,
        &[corporate.clone(), whose("intune", Ownership::Personal)],
        &campaign(),
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].text.contains("personal"), "{}", found[0].text);
    assert_eq!(kinds(None, &[corporate, console()]), []);
}

#[test]
fn what_a_host_dates_after_a_milestone_is_told_where_no_other_source_speaks_and_no_longer_once_it_is_retired() {
    let assessment = assessed(None);
    let dates = BTreeMap::from([(
        ProductId::new("kesl"),
        Dates {
            bases_ms: Some(SINCE_MS),
            installed_day: None,
        },
    )]);
    let of = |phase| OwnWord {
        dates: &dates,
        ..own(phase, &assessment)
    };
    assert_eq!(kinds(Some(&of(Phase::Planned)), &[]), [FindingKind::UpdatedAfterCutoff]);
    assert_eq!(
        kinds(Some(&of(Phase::Exempt)), &[console()]),
        [FindingKind::ConsoleSaysHealthy, FindingKind::UpdatedAfterCutoff]
    );
    assert_eq!(kinds(Some(&of(Phase::Retired)), &[]), []);
}

#[test]
fn every_kind_says_what_to_do() {
    for kind in FindingKind::ALL {
        assert!(kind.remedy().len() > 30, "{kind}");
    }
}
