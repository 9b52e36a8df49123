use cutover_proto::step::StepKind;

use super::*;
use crate::{
    catalog::Unmet,
    coverage::Ownership,
    plan::{HoldKind, Owner, Phase},
    samples,
};

fn event(fact: Fact) -> Event {
    Event { at_ms: 0, fact }
}

fn said(fact: Fact) -> String {
    line(&event(fact))
}

#[test]
fn what_is_not_said_leaves_no_gap_in_a_line() {
    let enrolled = |site: &str| Fact::Enrolled {
        wave: "all".to_owned(),
        site: site.to_owned(),
        campaign_version: 1,
    };
    let untried = |recipes: &[&str]| Fact::RecipesUntried {
        recipes: recipes.iter().map(|it| (*it).to_owned()).collect(),
    };
    let kept = |places: &[&str]| Fact::PlacesKept {
        places: places.iter().map(|it| (*it).to_owned()).collect(),
    };
    let lifted = |by: Option<&str>| Fact::HoldLifted {
        kind: HoldKind::Legal,
        by: by.map(Into::into),
    };
    let ended = |by: Option<&str>| Fact::ExemptionEnded {
        by: by.map(Into::into),
        why: None,
    };
    let moved = |reason| Fact::Moved {
        to: Phase::Blocked,
        reason,
    };
    for (fact, words) in [
        (enrolled(""), "enrolled, wave all"),
        (enrolled("kiel"), "enrolled, wave all, site kiel"),
        (untried(&[]), "nobody need go first with a recipe of its work"),
        (untried(&["kesl", "clamav"]), "has not soaked here yet: kesl, clamav"),
        (kept(&[]), "gives back the places of those that go first which it kept"),
        (
            kept(&["first:kesl"]),
            "it failed, or was not heard of any more, and keeps its places among those that go first until that is decided",
        ),
        (Fact::StepsLacking { kinds: Vec::new() }, "the agent knows every step"),
        (
            Fact::StepsLacking {
                kinds: vec![StepKind::Restart, StepKind::Sweep],
            },
            "the agent does not know restart, sweep",
        ),
        (lifted(Some("ann")), "hold (legal) lifted by ANN"),
        (lifted(None), "hold (legal) ended"),
        (ended(Some("ann")), "exemption revoked by ANN"),
        (ended(None), "exemption ended"),
        (moved(None), "moved to blocked"),
    ] {
        assert_eq!(said(fact), words.replace("ANN", &Personal::from("ann").to_string()));
    }
    let reason = Reason::EncryptedByTarget;
    assert_eq!(
        said(moved(Some(reason.clone()))),
        format!("moved to blocked: {}", reason.text())
    );
}

#[test]
fn what_people_and_records_say_of_a_host_is_told_whole() {
    let described = |tags: &[&str], site: &str, ownership| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let site = site.to_owned();
        said(Fact::Described {
            known: Known { tags, site, ownership },
        })
    };
    assert_eq!(
        described(&[], "", None),
        "described: tags none, site none, ownership unknown"
    );
    assert_eq!(
        described(&["pilot", "class=server"], "kiel", Some(Ownership::Corporate)),
        "described: tags pilot, class=server, site kiel, ownership corporate"
    );
}

#[test]
fn the_chain_ends_with_what_is_waited_for_who_acts_and_what_to_do() {
    let mut plan = Plan::unborn(samples::host(), samples::campaign("").id);
    plan.phase = Phase::Blocked;
    let events = [event(Fact::Enrolled {
        wave: "all".to_owned(),
        site: String::new(),
        campaign_version: 1,
    })];
    let room = Reason::Unmet(Unmet {
        product: "clamav".into(),
        name: "room".to_owned(),
        seen: "100 MiB are free".to_owned(),
        is_unknown: false,
        reason: "too little room".to_owned(),
        remedy: "free it".to_owned(),
        owner: Owner::Helpdesk,
    });
    let chain = |waiting: &Waiting| why_chain(&plan, &events, Some(waiting));
    assert_eq!(
        chain(&Waiting::Stuck(room)),
        [
            "1970-01-01T00:00:00Z  enrolled, wave all",
            "is blocked since 1970-01-01T00:00:00Z",
            "waits: too little room: 100 MiB are free (owner: helpdesk)",
            "remedy: free it",
        ]
    );
    // Time alone needs no remedy.
    let grace = Waiting::Grace { until_ms: 60_000 };
    assert_eq!(grace.remedy(), "");
    assert_eq!(chain(&grace)[3..], ["until: 1970-01-01T00:01:00Z"]);
}
