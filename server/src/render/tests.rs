use cutover_core::report::{Figures, MilestoneFigure, StuckHost};

use super::{report_csv, report_html};

/// 2026-11-22T12:00:00Z.
const NOW_MS: i64 = 1_795_348_800_000;

/// 25 hosts, two of which stand still; one of those has a name that a page or a spreadsheet could take for more.
fn figures() -> Figures {
    let milestone = |name: &str, regime: &str, at_ms, days: i64| MilestoneFigure {
        name: name.to_owned(),
        regime: regime.to_owned(),
        at_ms,
        days,
        past: days < 0,
        note: String::new(),
    };
    let stuck = |last: u32, hostname: &str, phase: &str| StuckHost {
        host_id: format!("01890000-0000-7000-8000-{last:012}").parse().unwrap(),
        hostname: hostname.to_owned(),
        phase: phase.to_owned(),
        standing: "at-risk".to_owned(),
        reason: "the removal script failed".to_owned(),
        remedy: "read the log, mend it, then run `cutover hosts retry`".to_owned(),
        owner: "operator".to_owned(),
        since_ms: NOW_MS - 86_400_000,
    };
    let counts = |counts: &[(&str, i64)]| {
        counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    Figures {
        at_ms: NOW_MS,
        campaign_id: "kaspersky-us-2024".to_owned(),
        campaign_title: "Kaspersky, US final determination of June 2024".to_owned(),
        campaign_version: 2,
        catalog_revision: 1,
        hosts: 25,
        milestones: vec![
            milestone("updates", "legal", 1_727_582_400_000, -784),
            milestone("recovery target", "company", 1_814_313_600_000, 219),
        ],
        phases: counts(&[("clear", 4), ("migrated", 19), ("failed", 1), ("blocked", 1)]),
        standings: counts(&[("compliant", 23), ("at-risk", 2)]),
        grades: counts(&[("field", 0), ("machine", 12), ("others", 6), ("untold", 1)]),
        replaced: "19 of 21 (90 %)".to_owned(),
        unknown: "0 of 25 (0 %)".to_owned(),
        stuck: vec![stuck(1, "=<b>pc</b>", "failed"), stuck(2, "pc-2", "blocked")],
        notes: vec!["The duty bans sale and updates of the product.".to_owned()],
    }
}

#[test]
fn a_report_for_people_is_as_kept() {
    let html = report_html(&figures(), true).unwrap();
    assert!(!html.contains("<b>pc"), "a name is no markup: {html}");
    insta::assert_snapshot!(html);
}

#[test]
fn a_report_for_spreadsheets_is_as_kept_and_holds_no_formula() {
    insta::assert_snapshot!(report_csv(&figures()).unwrap());
}
