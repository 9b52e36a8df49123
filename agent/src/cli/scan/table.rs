//! The result for people.

use std::fmt::Write;

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    placed::Placed,
    upkeep::Upkeep,
    verdict::{Evidence, EvidenceOutcome, HealthState, Sighting, Verdict},
};

use crate::{
    detect::{RuleSet, ScanOutcome},
    parse::instant::utc,
};

/// The product's own name, or its id where the rules were refused.
pub(super) fn name<'a>(sighting: &'a Sighting, rules: &'a RuleSet) -> &'a str {
    rules
        .rule(&sighting.product)
        .map_or(sighting.product.as_str(), |rule| rule.name.as_str())
}

pub(super) fn render(inventory: &Inventory, rules: &RuleSet, outcome: ScanOutcome) -> String {
    let mut out = host(&inventory.facts);
    let there = |sighting: &&Sighting| sighting.verdict != Verdict::Absent;
    let shown: Vec<&Sighting> = inventory.sightings.iter().filter(there).collect();
    let width = |cell: fn(&Sighting) -> usize| shown.iter().map(|sighting| cell(sighting)).max().unwrap_or(0);
    let product = width(|sighting| sighting.product.as_str().chars().count());
    let version = width(|sighting| sighting.version.as_deref().unwrap_or("-").chars().count());
    for sighting in &shown {
        line(
            &mut out,
            format_args!(
                "{:product$}  {:9}  {:version$}  {}",
                sighting.product,
                sighting.verdict,
                sighting.version.as_deref().unwrap_or("-"),
                name(sighting, rules)
            ),
        );
        for evidence in sighting.evidence.iter().filter(|evidence| is_told(evidence)) {
            line(&mut out, format_args!("    {}", told(evidence)));
        }
        if sighting.evidence.is_empty() && !sighting.why.is_empty() {
            line(&mut out, format_args!("    {}", sighting.why));
        }
        if let Some(upkeep) = sighting.upkeep.as_ref().map(kept_up) {
            line(&mut out, format_args!("    {upkeep}"));
        }
        if let Some(health) = &sighting.health {
            match health.state {
                HealthState::Healthy if health.why.is_empty() => {
                    line(&mut out, format_args!("    healthy: protects {}", health.grade));
                }
                HealthState::Healthy => line(
                    &mut out,
                    format_args!("    ready, and protects nothing: {}", health.why),
                ),
                HealthState::Unhealthy | HealthState::Unknown => {
                    line(&mut out, format_args!("    {}: {}", health.state, health.why));
                }
            }
        }
    }
    for sighting in inventory.sightings.iter().filter(|sighting| !there(sighting)) {
        for evidence in sighting.evidence.iter().filter(|evidence| is_told(evidence)) {
            line(&mut out, format_args!("{}: {}", sighting.product, told(evidence)));
        }
    }
    if !shown.is_empty() {
        out.push('\n');
    }
    line(&mut out, format_args!("protection: {}", inventory.protection));
    line(&mut out, format_args!("{}", verdict(outcome, inventory, rules)));
    out
}

/// Dates of upkeep are the earliest that they can be.
fn kept_up(upkeep: &Upkeep) -> String {
    let since = |at_ms: i64| utc(at_ms).chars().take("2024-08-01".len()).collect::<String>();
    let server = upkeep.management_server.as_ref();
    let parts = [
        server.map(|server| format!("managed by {server}")),
        upkeep
            .last_contact_ms
            .map(|at_ms| format!("last contact {} or later", since(at_ms))),
        upkeep
            .bases_ms
            .map(|at_ms| format!("bases of {} or later", since(at_ms))),
        upkeep.installed_day.map(|day| {
            let at_ms = i64::from(day) * 86_400_000;
            format!("installed or last changed {}", since(at_ms))
        }),
        upkeep.placed.as_ref().map(put_there),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What tells who put it there.
fn put_there(placed: &Placed) -> String {
    let told = placed.traces.iter().map(|trace| match trace.what.as_str() {
        "" => trace.record.to_string(),
        what => format!("{}: {what}", trace.record),
    });
    let there = placed.deployers.iter().map(|name| format!("{name} is on this machine"));
    told.chain(there).collect::<Vec<_>>().join("; ")
}

fn host(facts: &HostFacts) -> String {
    let known = |value: &str| {
        if value.is_empty() {
            "?".to_owned()
        } else {
            value.to_owned()
        }
    };
    let mut out = String::new();
    line(
        &mut out,
        format_args!(
            "{}: {}, {}, kernel {}",
            known(&facts.hostname),
            known(&facts.os_name),
            known(&facts.architecture),
            known(&facts.kernel)
        ),
    );
    line(
        &mut out,
        format_args!(
            "disk encryption: {}{}; restart pending: {}{}; free: {}",
            facts.encryption,
            in_brackets(&facts.encryption_reasons),
            yes_or_no(facts.restart_pending),
            in_brackets(&facts.restart_reasons),
            facts
                .free_disk_mib
                .map_or("unknown".to_owned(), |mib| format!("at least {mib} MiB"))
        ),
    );
    line(
        &mut out,
        format_args!(
            "roles: {}; battery: {}; in a domain: {}; time zone: {}",
            roles(facts),
            yes_or_no(facts.has_battery),
            yes_or_no(facts.domain_joined),
            told_or_unknown(&facts.time_zone)
        ),
    );
    out.push('\n');
    out
}

fn roles(facts: &HostFacts) -> String {
    let seen: Vec<&str> = facts.roles.iter().map(|role| role.as_str()).collect();
    match (seen.is_empty(), facts.roles_told) {
        (true, true) => "none".to_owned(),
        (true, false) => "unknown".to_owned(),
        (false, true) => seen.join(", "),
        (false, false) => format!("{}, others unknown", seen.join(", ")),
    }
}

fn yes_or_no(told: Option<bool>) -> &'static str {
    told.map_or("unknown", |told| if told { "yes" } else { "no" })
}

fn told_or_unknown(name: &str) -> &str {
    if name.is_empty() { "unknown" } else { name }
}

fn in_brackets(reasons: &[String]) -> String {
    if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join(", "))
    }
}

/// What was seen, and what could not be looked at. A look that found nothing is not listed one by one.
const fn is_told(evidence: &Evidence) -> bool {
    match evidence.outcome {
        EvidenceOutcome::Seen | EvidenceOutcome::NotChecked => true,
        EvidenceOutcome::Nothing => false,
    }
}

fn told(evidence: &Evidence) -> String {
    let Evidence { kind, detail, .. } = evidence;
    match evidence.outcome {
        EvidenceOutcome::Seen | EvidenceOutcome::Nothing => format!("{kind}: {detail}"),
        EvidenceOutcome::NotChecked if evidence.required => {
            format!("{kind} not checked, and required: {detail}")
        }
        EvidenceOutcome::NotChecked => format!("{kind} not checked: {detail}"),
    }
}

fn verdict(outcome: ScanOutcome, inventory: &Inventory, rules: &RuleSet) -> String {
    match outcome {
        ScanOutcome::NoTarget => format!(
            "no target is on this host, by rules of revision {} for {} products",
            inventory.rules_revision,
            inventory.sightings.len()
        ),
        ScanOutcome::TargetFound => "a target is on this host".into(),
        ScanOutcome::Unknown if !rules.covers(inventory.facts.os_family) => format!(
            "not known whether a target is on this host: there are no rules for {} in this version",
            inventory.facts.os_family
        ),
        ScanOutcome::Unknown => {
            "not known whether a target is on this host: see above what could not be checked".into()
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{}", text.to_string().trim_end());
}
