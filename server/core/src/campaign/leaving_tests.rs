//! Whether agents leave once their hosts are done.

use std::time::Duration;

use super::*;
use crate::samples;

fn text(policy: &str) -> String {
    format!("{}\n[policy]\n{policy}\n", samples::preset())
}

fn parse(policy: &str) -> Result<Campaign, CampaignError> {
    Campaign::parse("my.toml", &text(policy), 1)
}

#[test]
fn agents_stay_unless_a_campaign_says_for_how_long() {
    assert_eq!(Policy::default().retire, None);
    for stays in ["", "retire = \"never\""] {
        assert_eq!(parse(stays).unwrap().policy.retire, None, "{stays}");
    }
    let days = parse("retire = \"30d\"").unwrap().policy.retire;
    assert_eq!(days, Some(Duration::from_hours(30 * 24)));
    for (name, preset) in PRESETS {
        let campaign = Campaign::parse(name, preset, 1).unwrap();
        assert_eq!(campaign.policy.retire, None, "{name}");
    }
}

#[test]
fn a_time_that_is_none_is_refused_with_what_to_write() {
    for (said, why) in [
        ("retire = \"soon\"", "is no length of time; write for example 90s, 15m, 24h or 7d; or \"never\""),
        ("retire = \"0d\"", "write for how long it is watched after that, for example 30d, or \"never\""),
        ("retire = \"\"", "or \"never\""),
    ] {
        let error = parse(said).unwrap_err().to_string();
        let line = text(said).lines().position(|line| line.starts_with("retire")).unwrap() + 1;
        assert!(error.starts_with(&format!("my.toml, line {line}: policy.retire")), "{error}");
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_leaving_means_is_told_before_it_comes_into_force() {
    let warned = |mode: &str| {
        let text = text("retire = \"30d\"").replace("mode = \"observe\"", mode);
        let campaign = Campaign::parse("my.toml", &text, 1).unwrap();
        let warnings = campaign.warnings(0);
        let about = warnings.iter().find(|it| it.text.starts_with("policy.retire"));
        about.unwrap().to_string()
    };
    let told = warned("mode = \"automatic\"");
    for part in ["30d after its host is migrated", "nobody watches", "unless the host enrols again"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(warned("mode = \"observe\"").contains("no agent leaves while the mode is observe"));
    let quiet = parse("retire = \"never\"").unwrap().warnings(0);
    assert!(!quiet.iter().any(|it| it.text.contains("retire")));
}
