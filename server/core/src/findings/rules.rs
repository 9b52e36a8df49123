//! The rules, pure: what is said on both sides, and what follows.

use cutover_proto::verdict::is_same_tenant;

use super::{Corroboration, Finding, FindingKind, OtherWord, OwnWord};
use crate::{
    campaign::Campaign,
    coverage::import::{Health, TargetSeen},
    judge::ReplacementState,
    plan::Phase,
    report::instant,
    upkeep::dated_after,
};

/// How far what a console last heard may lie before the machine's own look and still speak of the same time: consoles are told
/// at intervals of up to a day.
const ALIKE_MS: i64 = 24 * 3600 * 1000;

/// What contradicts, and what is dated after a milestone, in the order of kinds and sources. `own` is what the machine's own
/// looks say, where it is an enrolled host.
#[must_use]
pub fn findings(own: Option<&OwnWord<'_>>, others: &[OtherWord], campaign: &Campaign) -> Vec<Finding> {
    let mut found = Vec::new();
    for other in others {
        let mut add = |kind, text: Option<String>| {
            found.extend(text.map(|text| Finding {
                kind,
                source: other.source.clone(),
                text,
            }));
        };
        if let Some(own) = own {
            add(
                FindingKind::ConsoleSaysHealthy,
                console_says_healthy(own, other, campaign),
            );
            add(FindingKind::StillManaged, still_managed(own, other));
            add(FindingKind::RetiredActive, retired_active(own, other));
        }
        add(FindingKind::WrongTenant, wrong_tenant(other, campaign));
    }
    for (at, one) in others.iter().enumerate() {
        for other in &others[at + 1..] {
            found.extend(disagreement(one, other).map(|text| Finding {
                kind: FindingKind::SourcesDisagree,
                source: format!("{}, {}", one.source, other.source),
                text,
            }));
        }
    }
    if let Some(own) = own.filter(|own| own.phase != Phase::Retired) {
        found.extend(dated_after(own.dates, campaign));
    }
    found.sort();
    found.dedup();
    found
}

/// Which other system agrees that the host is migrated: its console has the replacement that the host's own look found, healthy,
/// of the right tenant, and heard of it after the host was migrated. The one that heard last.
#[must_use]
pub fn corroboration(own: &OwnWord<'_>, others: &[OtherWord], campaign: &Campaign) -> Option<Corroboration> {
    if own.phase != Phase::Migrated {
        return None;
    }
    let seen = own.assessment?.replacement.as_ref()?;
    if !matches!(seen.state, ReplacementState::Healthy { accepted: true, .. }) {
        return None;
    }
    others
        .iter()
        .filter(|other| other.product.as_ref() == Some(&seen.product) && other.health == Some(Health::Healthy))
        .filter(|other| match campaign.tenant_of(&seen.product) {
            None => true,
            Some(tenant) => is_same_tenant(tenant, &other.tenant),
        })
        .filter_map(|other| {
            let at_ms = other.last_seen_ms.filter(|at| *at > own.since_ms)?;
            Some(Corroboration {
                source: other.source.clone(),
                at_ms,
            })
        })
        .max_by_key(|it| it.at_ms)
}

fn console_says_healthy(own: &OwnWord<'_>, other: &OtherWord, campaign: &Campaign) -> Option<String> {
    if own.phase == Phase::Retired || other.health != Some(Health::Healthy) {
        return None;
    }
    let product = other.product.as_ref()?;
    let last_seen_ms = other.last_seen_ms?;
    let assessment = own.assessment?;
    let seen = assessment
        .replacement
        .as_ref()
        .filter(|seen| seen.product == *product)?;
    let why = match &seen.state {
        ReplacementState::Healthy { .. } => return None,
        ReplacementState::Absent => "does not find it".to_owned(),
        ReplacementState::Unhealthy { why } => format!("finds it not healthy: {why}"),
    };
    let speaks_of_now = last_seen_ms > own.looked_ms.saturating_sub(ALIKE_MS);
    let is_ours = campaign.replacements.iter().any(|rule| rule.product == *product);
    (speaks_of_now && is_ours).then(|| {
        format!(
            "{} heard of a healthy {product} at {}; the machine's own look of {} {why}",
            other.source,
            instant(last_seen_ms),
            instant(own.looked_ms)
        )
    })
}

fn wrong_tenant(other: &OtherWord, campaign: &Campaign) -> Option<String> {
    let product = other.product.as_ref()?;
    let wanted = campaign.tenant_of(product)?;
    let has = other.tenant.trim();
    (!has.is_empty() && !is_same_tenant(wanted, has)).then(|| {
        format!(
            "{} has {product} of tenant {has}; the campaign asks for {wanted}",
            other.source
        )
    })
}

fn still_managed(own: &OwnWord<'_>, other: &OtherWord) -> Option<String> {
    if !matches!(own.phase, Phase::Clear | Phase::Migrated | Phase::Verifying)
        || other.target != Some(TargetSeen::Carries)
    {
        return None;
    }
    let last_seen_ms = other.last_seen_ms?;
    (last_seen_ms > own.since_ms).then(|| {
        format!(
            "{} still has the product there and heard of the machine at {}; by its own looks it is {} since {}",
            other.source,
            instant(last_seen_ms),
            own.phase,
            instant(own.since_ms)
        )
    })
}

fn retired_active(own: &OwnWord<'_>, other: &OtherWord) -> Option<String> {
    if own.phase != Phase::Retired || other.active == Some(false) {
        return None;
    }
    let last_seen_ms = other.last_seen_ms?;
    (last_seen_ms > own.since_ms).then(|| {
        format!(
            "the host is retired since {}, and {} saw it at {}",
            instant(own.since_ms),
            other.source,
            instant(last_seen_ms)
        )
    })
}

fn disagreement(one: &OtherWord, other: &OtherWord) -> Option<String> {
    let heard = |it: &OtherWord| {
        it.last_seen_ms
            .map_or_else(|| "at no known time".to_owned(), |at| format!("at {}", instant(at)))
    };
    if let (Some(first), Some(second)) = (one.target, other.target)
        && first != second
    {
        let word = |it: TargetSeen| match it {
            TargetSeen::Carries => "has the product there",
            TargetSeen::Clear => "does not have the product there",
        };
        return Some(format!(
            "{} {} ({}), {} {} ({})",
            one.source,
            word(first),
            heard(one),
            other.source,
            word(second),
            heard(other)
        ));
    }
    if let (Some(first), Some(second), true) = (one.health, other.health, one.product.is_some())
        && one.product == other.product
        && first != second
    {
        return Some(format!(
            "{} calls the replacement {first} ({}), {} calls it {second} ({})",
            one.source,
            heard(one),
            other.source,
            heard(other)
        ));
    }
    if let (Some(first), Some(second)) = (one.ownership, other.ownership)
        && first != second
    {
        return Some(format!(
            "{} calls the machine {first} ({}), {} calls it {second} ({})",
            one.source,
            heard(one),
            other.source,
            heard(other)
        ));
    }
    None
}
