//! Orders, composed from a look as the server composes them.

use std::{sync::LazyLock, time::Duration};

use cutover_core::{
    campaign::{Campaign, PRESETS},
    catalog::{Catalog, ComposeError, Means, RestartNeed, Settings, Shelf, Shelved, compose, with_restart},
    judge::assess,
    plan::Known,
};
use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    ids::ProductId,
    inventory::Inventory,
    step::{Action, Step},
};

use crate::linux::ORGANISATION;

const RULES: &[(&str, &str)] = &[("stand-in-guard.toml", include_str!("../windows/guard/rule.toml"))];
const RECIPES: &[(&str, &str)] = &[("stand-in-guard.toml", include_str!("../windows/guard/recipe.toml"))];

/// As the vendor's console shows it.
pub(crate) const CUSTOMER: &str = "79391C24113773B01D8181C38C3E111A-5B";

/// The built-in one, with a replacement that is installed on Windows beside it: the built-in recipes install nothing there.
pub(crate) fn catalog() -> Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in_with(RULES, RECIPES).unwrap());
    CATALOG.clone()
}

fn campaign(replacement: &str) -> Campaign {
    let preset = PRESETS[0]
        .1
        .replace("accepted_grades = []", "accepted_grades = [\"on-demand\"]");
    let (before, _) = preset.split_once("\n[[replacement]]\n").unwrap();
    let text =
        format!("{before}\n[[replacement]]\nos_family = [\"linux\", \"windows\"]\nproduct = \"{replacement}\"\n");
    Campaign::parse("ledger.toml", &text, 1).unwrap()
}

fn shelved(product: &str, file_name: &str) -> Shelved {
    Shelved {
        product: product.into(),
        version: "7.20".to_owned(),
        systems: Vec::new(),
        artifact: ArtifactRef {
            sha256: ArtifactDigest::new([7; 32]),
            size: 7,
            file_name: file_name.to_owned(),
            urls: Vec::new(),
        },
        bound_ms: 1,
    }
}

/// The next order for a host of which this was seen. A restart is in it where the removal of what is there is complete only after
/// one.
pub(crate) fn next(seen: &Inventory, replacement: &str) -> Result<Vec<Step>, ComposeError> {
    let catalog = catalog();
    let settings = match replacement {
        "clamav-daemon" | "clamav-on-access" => {
            Settings::from([("mirror".to_owned(), vec!["mirror.example".to_owned()])])
        }
        _ => Settings::new(),
    };
    let shelf = Shelf::new(vec![
        shelved("crowdstrike-falcon", "falcon-sensor_7.20.0-17306_amd64.deb"),
        shelved("crowdstrike-falcon", "falcon-sensor-7.20.0-17306.el9.x86_64.rpm"),
        shelved("stand-in-guard", "stand-in-guard_1.0.0_x64.msi"),
    ]);
    let means = Means {
        catalog: &catalog,
        settings: &settings,
        source: None,
        tenant: match replacement {
            "defender-endpoint" => Some(ORGANISATION),
            "crowdstrike-falcon" => Some(CUSTOMER),
            _ => None,
        },
        shelf: &shelf,
        shows_test: true,
    };
    let product = ProductId::new(replacement);
    let assessment = assess(seen, &Known::default(), &campaign(replacement), &catalog);
    let steps = compose(&assessment, &product, &means)?;
    let owes: Vec<&str> = assessment
        .targets
        .iter()
        .filter(|target| {
            let removal = catalog.removal(&target.product);
            removal.is_some_and(|removal| removal.restart == RestartNeed::Due)
        })
        .map(|target| target.product.as_str())
        .collect();
    if owes.is_empty() {
        return Ok(steps);
    }
    let restart = Step {
        action: Action::Restart {
            reason: format!("the removal of {} is complete only after a restart", owes.join(", ")),
            notice: Duration::from_secs(120),
            defer: Duration::ZERO,
        },
        time_limit: Duration::from_secs(600),
        safe_point_after: true,
    };
    Ok(with_restart(steps, restart, &product, &means))
}
