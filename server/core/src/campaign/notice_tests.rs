use super::*;
use crate::campaign::{Campaign, PRESETS};

const TABLE: &str = "[notice]
before = [\"3d\", \"1d\"]
from = \"IT\"
why = \"it is replaced\"
contact = \"4711\"
[notice.deferral]
count = 3
longest = \"8h\"
ladder = [
  { within = \"7d\", longest = \"4h\", count = 2 },
  { within = \"1d\", longest = \"0h\" },
]
";

fn with(table: &str) -> Result<Campaign, String> {
    let preset = PRESETS[0].1.split("# What people at the machines").next().unwrap();
    Campaign::parse("c.toml", &format!("{preset}{table}"), 1).map_err(|error| error.to_string())
}

#[test]
fn every_preset_tells_people_beforehand_and_says_what_is_left_to_fill_in() {
    for (file, text) in PRESETS {
        let mut campaign = Campaign::parse(file, text, 1).unwrap();
        let notice = campaign.notice.clone().unwrap();
        assert_eq!(
            notice.before,
            [3, 1].map(|days| Duration::from_hours(24 * days)),
            "{file}"
        );
        assert!(notice.deferral.count > 0 && unfilled(&notice).is_some(), "{file}");
        let warns = |campaign: &Campaign| {
            campaign
                .warnings(0)
                .iter()
                .any(|it| it.line.is_some() && it.text.contains("still has brackets"))
        };
        assert!(!warns(&campaign), "{file}: nobody is told while it only looks");
        campaign.mode = crate::campaign::Mode::Automatic;
        assert!(warns(&campaign), "{file}");
    }
}

#[test]
fn nearer_to_the_target_the_ladder_allows_less() {
    let budget = with(TABLE).unwrap().notice.unwrap().deferral;
    let hour = |hours| Duration::from_hours(hours);
    let at = |hours: i64| budget.at(Some(hours * 3_600_000));
    assert_eq!(budget.at(None), (3, hour(8)));
    assert_eq!(
        [at(169), at(168), at(25), at(24), at(1)],
        [(3, hour(8)), (2, hour(4)), (2, hour(4)), (2, hour(0)), (2, hour(0))]
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line_and_what_to_write() {
    for (from, to, line, words) in [
        ("[\"3d\", \"1d\"]", "[]", 1, "0 notices"),
        ("[\"3d\", \"1d\"]", "[\"1d\", \"3d\"]", 1, "longest first"),
        ("[\"3d\", \"1d\"]", "[\"1d\", \"1d\"]", 1, "longest first"),
        ("[\"3d\", \"1d\"]", "[\"1d\", \"0h\"]", 1, "leave the zero out"),
        (
            "[\"3d\", \"1d\"]",
            "[\"6d\", \"5d\", \"4d\", \"3d\", \"2d\", \"1d\"]",
            1,
            "6 notices",
        ),
        ("[\"3d\", \"1d\"]", "[\"soon\"]", 1, "no length of time"),
        (
            "contact = \"4711\"",
            "contact = \" \"",
            4,
            "notice.contact is empty; write whom they ask",
        ),
        ("count = 3", "count = 0", 6, "leave [notice.deferral] out"),
        ("longest = \"8h\"", "longest = \"0h\"", 7, "leave [notice.deferral] out"),
        ("within = \"1d\"", "within = \"8d\"", 10, "longest `within` first"),
        ("longest = \"0h\"", "longest = \"5h\"", 10, "allows more"),
        ("count = 2", "count = 4", 9, "allows more"),
    ] {
        assert!(TABLE.contains(from), "{from}");
        let refused = with(&TABLE.replacen(from, to, 1)).unwrap_err();
        let head = PRESETS[0].1.split("# What people at the machines").next().unwrap();
        let line = head.lines().count() + line + 1;
        assert!(refused.contains(&format!("c.toml, line {line}:")), "{to}: {refused}");
        assert!(refused.contains(words), "{to}: {refused}");
    }
    // No more than farther from the target is as much as there.
    let level = "{ within = \"7d\", longest = \"8h\", count = 3 }";
    let level = with(&TABLE.replace("{ within = \"7d\", longest = \"4h\", count = 2 }", level)).unwrap();
    assert_eq!(level.notice.unwrap().deferral.ladder.len(), 2);
    let five = with(&TABLE.replace("[\"3d\", \"1d\"]", "[\"5d\", \"4d\", \"3d\", \"2d\", \"1d\"]")).unwrap();
    assert_eq!(five.notice.unwrap().before.len(), 5);
    let without = TABLE.replace("contact = \"4711\"\n", "");
    assert!(with(&without).unwrap_err().contains("missing field `contact`"));
}

#[test]
fn a_campaign_whose_first_notice_comes_too_late_for_its_target_says_so() {
    let mut campaign = with(TABLE).unwrap();
    let now_ms = 1_799_053_200_000;
    let warns = |campaign: &Campaign| {
        campaign
            .warnings(now_ms)
            .iter()
            .any(|it| it.line.is_some() && it.text.starts_with("notice.before: 3d"))
    };
    campaign.recovery_target_ms = Some(now_ms + 4 * 86_400_000);
    assert!(!warns(&campaign));
    campaign.recovery_target_ms = Some(now_ms + 2 * 86_400_000);
    assert!(warns(&campaign));
}

#[test]
fn a_text_is_left_to_fill_in_as_long_as_it_has_a_pair_of_brackets() {
    let notice = with(TABLE).unwrap().notice.unwrap();
    let left = |from: &str, why: &str, contact: &str| {
        let [from, why, contact] = [from, why, contact].map(str::to_owned);
        unfilled(&Notice {
            from,
            why,
            contact,
            ..notice.clone()
        })
    };
    assert_eq!(left("IT", "it is replaced", "4711"), None);
    assert_eq!(
        left("IT", "it is replaced [", "] 4711"),
        None,
        "one bracket alone is nobody's gap"
    );
    assert_eq!(left("[who]", "[why]", "4711"), Some("from"));
    assert_eq!(left("IT", "[why]", "[whom]"), Some("why"));
    assert_eq!(left("IT", "it is replaced", "ask [whom], please"), Some("contact"));
}

#[test]
fn a_first_notice_that_just_fits_before_the_target_is_not_warned_of() {
    let mut campaign = with(TABLE).unwrap();
    let now_ms = 1_799_053_200_000;
    let mut warned = |left_ms: i64| {
        campaign.recovery_target_ms = Some(now_ms + left_ms);
        campaign
            .warnings(now_ms)
            .iter()
            .filter(|it| it.text.starts_with("notice.before"))
            .count()
    };
    let three_days = 3 * 86_400_000;
    assert_eq!([warned(three_days - 1), warned(three_days)], [1, 0]);
    assert_eq!(
        [warned(1), warned(0)],
        [1, 0],
        "once the target is there, nothing can be in time"
    );
}
