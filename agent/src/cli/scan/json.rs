//! The result for scripts.

use anyhow::Result;
use cutover_proto::{
    ids::ProductId,
    inventory::{HostFacts, Inventory},
    rule::Role,
    upkeep::Upkeep,
    verdict::{Evidence, Health, Protection, Sighting, Verdict},
};
use serde::Serialize;

use crate::detect::RuleSet;

#[derive(Serialize)]
struct Scan<'a> {
    host: Host<'a>,
    /// Every one that is not absent.
    verdicts: Vec<Line<'a>>,
    protection: Shield<'a>,
    rules_revision: u64,
}

#[derive(Serialize)]
struct Host<'a> {
    #[serde(flatten)]
    facts: &'a HostFacts,
    boot_id: &'a str,
    looked_at_ms: i64,
}

#[derive(Serialize)]
struct Line<'a> {
    product: &'a ProductId,
    name: &'a str,
    role: Role,
    verdict: Verdict,
    version: Option<&'a str>,
    why: &'a str,
    evidence: &'a [Evidence],
    #[serde(skip_serializing_if = "Option::is_none")]
    upkeep: Option<&'a Upkeep>,
}

#[derive(Serialize)]
struct Shield<'a> {
    grade: Protection,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    product: &'a ProductId,
    #[serde(flatten)]
    health: &'a Health,
}

pub(super) fn render(inventory: &Inventory, rules: &RuleSet) -> Result<String> {
    let line = |sighting: &'_ Sighting| sighting.verdict != Verdict::Absent;
    let scan = Scan {
        host: Host {
            facts: &inventory.facts,
            boot_id: &inventory.boot_id,
            looked_at_ms: inventory.taken_at_ms,
        },
        verdicts: inventory
            .sightings
            .iter()
            .filter(|sighting| line(sighting))
            .map(|sighting| Line {
                product: &sighting.product,
                name: super::table::name(sighting, rules),
                role: rules.role(&sighting.product),
                verdict: sighting.verdict,
                version: sighting.version.as_deref(),
                why: &sighting.why,
                evidence: &sighting.evidence,
                upkeep: sighting.upkeep.as_ref(),
            })
            .collect(),
        protection: Shield {
            grade: inventory.protection,
            replacements: inventory
                .sightings
                .iter()
                .filter_map(|sighting| {
                    Some(Replacement {
                        product: &sighting.product,
                        health: sighting.health.as_ref()?,
                    })
                })
                .collect(),
        },
        rules_revision: inventory.rules_revision,
    };
    Ok(serde_json::to_string_pretty(&scan)? + "\n")
}
