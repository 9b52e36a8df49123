//! How far a campaign trusts recipes that never ran in the field.

use super::*;
use crate::{catalog::Proven, samples};

/// A preset whose policy says this of those that go first.
fn text(said: &str) -> String {
    format!("{}\n[policy]\ngrace = \"0s\"\n{said}\n", samples::preset())
}

fn parse(said: &str) -> Result<Campaign, CampaignError> {
    Campaign::parse("my.toml", &text(said), 1)
}

/// With the line on which it is.
fn refused(said: &str) -> String {
    let text = text(said);
    let error = match Campaign::parse("my.toml", &text, 1) {
        Err(error) => error.to_string(),
        Ok(campaign) => {
            let fault = campaign.check_given().unwrap_err();
            let line = campaign.line(&fault.way).unwrap();
            format!("my.toml, line {line}: {}", fault.why)
        }
    };
    let line = text.lines().position(|line| line.contains("grace")).unwrap() + 1;
    error
        .replace(&format!("line {}", line + 1), "line N")
        .replace(&format!("line {}", line + 2), "line N+1")
}

#[test]
fn where_a_campaign_says_nothing_five_go_first_with_recipes_without_field() {
    let campaign = parse("").unwrap();
    let first = campaign.policy.first_canaries;
    assert_eq!((first, first.cap()), (FirstCanaries::Unproven, 5));
    let asked: Vec<Proven> = Proven::ALL.iter().copied().filter(|it| first.asks_of(*it)).collect();
    assert_eq!(asked, [Proven::Machine, Proven::Chroot, Proven::Wine, Proven::Fixture]);
    assert_eq!(campaign.check_given(), Ok(()));
    assert_eq!(Policy::default().first_canaries, FirstCanaries::Unproven);

    let named = parse("first_canaries = 3").unwrap();
    let first = named.policy.first_canaries;
    assert_eq!(
        (first.cap(), first.asks_of(Proven::Field)),
        (3, true),
        "a number means each recipe"
    );
    assert_eq!(named.check_given(), Ok(()));
}

#[test]
fn trust_without_a_reason_is_refused() {
    for said in ["first_canaries = 0", "first_canaries = 6"] {
        let number = said.rsplit(' ').next().unwrap();
        assert_eq!(
            refused(said),
            format!(
                "my.toml, line N: policy.first_canaries is {number}, and recipes that never ran in the field start on at most 5 \
                 hosts before they have soaked; write 1 to 5, or leave it out, or say with trust_unproven = \"…\" why they are \
                 trusted"
            )
        );
    }
    for empty in ["", "  "] {
        let said = refused(&format!("first_canaries = 0\ntrust_unproven = \"{empty}\""));
        assert!(
            said.starts_with("my.toml, line N+1: policy.trust_unproven is empty"),
            "{said}"
        );
    }
    for said in [
        "trust_unproven = \"we know them\"",
        "trust_unproven = \"we know them\"\nfirst_canaries = 5",
    ] {
        let said = refused(said);
        assert!(
            said.contains("line N: policy.trust_unproven says why more may start"),
            "{said}"
        );
    }
}

#[test]
fn trust_with_a_reason_is_warned_of_and_told_in_reports() {
    for (said, told) in [
        (
            "first_canaries = 0\ntrust_unproven = \" a lab \"",
            "hosts start with recipes that never ran in the field without any that go first; the reason that is given: a lab",
        ),
        (
            "first_canaries = 20\ntrust_unproven = \"a lab\"",
            "20 hosts go first with recipes that never ran in the field; the reason that is given: a lab",
        ),
    ] {
        let campaign = parse(said).unwrap();
        assert_eq!(campaign.check_given(), Ok(()));
        assert_eq!(campaign.trusts_unproven().as_deref(), Some(told));
        let warning = campaign.warn_of_unproven().unwrap();
        assert_eq!(warning.text, format!("policy.trust_unproven: {told}"));
        let line = campaign
            .source
            .lines()
            .position(|line| line.starts_with("trust_unproven"));
        assert_eq!(warning.line, line.map(|line| line + 1));
        assert!(campaign.warnings(0).contains(&warning));
        let totals = crate::standing::Totals::default();
        let figures = crate::report::figures(&totals, Vec::new(), &campaign, 1, 0);
        assert!(
            figures.notes.iter().any(|note| note.contains(told)),
            "{:?}",
            figures.notes
        );
    }
}

#[test]
fn what_was_stored_before_reasons_were_asked_for_is_read_as_before_and_warned_of() {
    for (said, cap) in [("first_canaries = 0", 0), ("first_canaries = 40", 40)] {
        let stored = parse(said).unwrap();
        assert_eq!(stored.policy.first_canaries.cap(), cap);
        assert_eq!(stored.trusts_unproven(), None);
        let warning = stored.warn_of_unproven().unwrap();
        assert!(warning.text.contains("trust_unproven"), "{warning}");
    }
    assert_eq!(parse("first_canaries = 5").unwrap().warn_of_unproven(), None);
}
