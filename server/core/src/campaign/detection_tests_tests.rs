use super::*;
use crate::samples;

fn parse(table: &str) -> Result<DetectionTests, String> {
    let text = format!("{}\n{table}\n", samples::campaign("").source);
    crate::campaign::Campaign::parse("test.toml", &text, 1)
        .map(|campaign| campaign.detection_tests)
        .map_err(|error| error.to_string())
}

#[test]
fn a_campaign_that_says_nothing_has_them_on_canaries_and_tells_nobody() {
    assert_eq!(parse(""), Ok(DetectionTests::default()));
    assert_eq!(parse("[detection_tests]"), Ok(DetectionTests::default()));
}

#[test]
fn where_they_are_made_and_who_is_told_is_read() {
    let text = "[detection_tests]\non = \"all\"\ntell = \"https://soc.example.org/hook\"";
    let expected = DetectionTests {
        on: TestedOn::All,
        tell: Some("https://soc.example.org/hook".to_owned()),
    };
    assert_eq!(parse(text), Ok(expected));
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_write() {
    for (table, told) in [
        ("on = \"some\"", "all"),
        ("tell = \"http://soc.example.org/hook\"", "use https"),
        ("tell = \"soc@example.org\"", "write an address such as https://"),
        (
            "on = \"none\"\ntell = \"https://soc.example.org\"",
            "leave one of them out",
        ),
        ("tells = \"https://soc.example.org\"", "unknown field"),
    ] {
        let why = parse(&format!("[detection_tests]\n{table}")).unwrap_err();
        assert!(why.starts_with("test.toml") && why.contains(told), "{why}");
    }
}

#[test]
fn a_report_says_where_none_are_made() {
    let notes = |table: &str| {
        let text = format!("{}\n[detection_tests]\n{table}\n", samples::campaign("").source);
        let campaign = crate::campaign::Campaign::parse("test.toml", &text, 1).unwrap();
        let totals = crate::standing::Totals::default();
        crate::report::figures(&totals, Vec::new(), &campaign, 1, 0)
            .notes
            .join("\n")
    };
    assert!(notes("on = \"none\"").contains("no replacement is shown a test file"));
    for on in ["all", "canaries"] {
        assert!(!notes(&format!("on = \"{on}\"")).contains("test file"), "{on}");
    }
}
