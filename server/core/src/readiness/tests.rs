use super::*;
use crate::{campaign::PRESETS, samples};

const LIST: &str = "
[[readiness]]
name = \"keys\"
title = \"Keys are escrowed\"
why = \"disks\"
proof = \"a list\"
[[readiness]]
name = \"tasks\"
title = \"Tasks are stopped\"
why = \"they bring it back\"
proof = \"a picture\"
after = [\"keys\"]
[[readiness]]
name = \"server\"
title = \"The server is gone\"
why = \"it is last\"
proof = \"a ticket\"
required = false
after = [\"tasks\"]
";

fn campaign_of(list: &str, mode: &str) -> Campaign {
    let bare = PRESETS[0].1.split("[[readiness]]").next().unwrap();
    let text = bare.replace("mode = \"observe\"", &format!("mode = \"{mode}\""));
    Campaign::parse("test.toml", &format!("{text}{list}"), 1).unwrap()
}

fn campaign() -> Campaign {
    campaign_of(LIST, "observe")
}

fn signature(digit: char) -> Signature {
    let mention = || Personal::of_digest(&digit.to_string().repeat(64)).unwrap();
    Signature {
        by: mention(),
        why: mention(),
        at_ms: 1,
    }
}

fn states(answers: &Answers, campaign: &Campaign) -> Vec<ItemState> {
    let items = &campaign.readiness;
    items.iter().map(|item| answers.state(items, item)).collect()
}

fn item<'a>(campaign: &'a Campaign, name: &str) -> &'a ReadinessItem {
    named(&campaign.readiness, name).unwrap()
}

fn attest(answers: &mut Answers, campaign: &Campaign, name: &str) -> Result<(), NotSaid> {
    answers.attest(&campaign.readiness, item(campaign, name), signature('a'), None)
}

#[test]
fn an_item_is_settled_after_those_before_it_and_open_again_with_them() {
    use ItemState::{AfterOthers, Attested, Open};
    let campaign = campaign();
    let mut answers = Answers::default();
    assert_eq!(states(&answers, &campaign), [Open, AfterOthers, AfterOthers]);
    let early = attest(&mut answers, &campaign, "tasks").unwrap_err();
    assert!(
        early.to_string().contains("comes after `keys`, which is open"),
        "{early}"
    );
    assert_eq!(
        answers.open(&campaign.readiness),
        ["keys", "tasks"],
        "the server is not required"
    );
    assert!(answers.is_empty(), "what is refused is not kept");
    attest(&mut answers, &campaign, "keys").unwrap();
    assert!(!answers.is_empty(), "what was said is kept");
    assert_eq!(answers.open(&campaign.readiness), ["tasks"]);
    attest(&mut answers, &campaign, "tasks").unwrap();
    assert_eq!(states(&answers, &campaign), [Attested, Attested, Open]);
    assert!(answers.open(&campaign.readiness).is_empty());

    answers.withdraw(item(&campaign, "keys")).unwrap();
    assert_eq!(states(&answers, &campaign), [Open, AfterOthers, AfterOthers]);
    assert_eq!(answers.open(&campaign.readiness), ["keys", "tasks"]);
    let twice = answers.withdraw(item(&campaign, "keys")).unwrap_err();
    assert!(twice.to_string().contains("nothing was said"), "{twice}");
}

#[test]
fn a_waiver_takes_two_people_and_is_good_without_what_comes_before() {
    let campaign = campaign();
    let tasks = item(&campaign, "tasks");
    let mut answers = Answers::default();
    let another = |_: &Signature| Some(true);
    assert_eq!(answers.waive(tasks, signature('a'), another), Ok(1));
    assert_eq!(answers.state(&campaign.readiness, tasks), ItemState::HalfWaived);
    assert_eq!(answers.open(&campaign.readiness), ["keys", "tasks"]);
    let same = answers.waive(tasks, signature('b'), |_| Some(false)).unwrap_err();
    assert!(same.to_string().contains("another person's"), "{same}");
    let unknown = answers.waive(tasks, signature('b'), |_| None).unwrap_err();
    assert!(unknown.to_string().contains("was erased"), "{unknown}");
    assert_eq!(answers.state(&campaign.readiness, tasks), ItemState::HalfWaived);
    assert_eq!(answers.waive(tasks, signature('b'), another), Ok(2));
    assert_eq!(answers.state(&campaign.readiness, tasks), ItemState::Waived);
    assert_eq!(answers.open(&campaign.readiness), ["keys"]);
    let third = answers.waive(tasks, signature('c'), another).unwrap_err();
    assert!(third.to_string().contains("was waived already"), "{third}");
    attest(&mut answers, &campaign, "keys").unwrap();
    let attested = answers
        .waive(item(&campaign, "keys"), signature('a'), another)
        .unwrap_err();
    assert!(attested.to_string().contains("was attested already"), "{attested}");
    let half = &mut Answers::default();
    half.waive(item(&campaign, "keys"), signature('a'), another).unwrap();
    let both = attest(half, &campaign, "keys").unwrap_err();
    assert!(both.to_string().contains("was waived already"), "{both}");
}

#[test]
fn automatic_mode_waits_for_the_list_and_nobody_gets_round_it() {
    let (watching, automatic) = (campaign(), campaign_of(LIST, "automatic"));
    let mut answers = Answers::default();
    let said = |answers: &Answers, after: &Campaign| not_ready(answers, &watching, after).unwrap_or_default();
    assert_eq!(said(&answers, &watching), "");
    assert_eq!(said(&answers, &campaign_of(LIST, "approve")), "");
    assert!(said(&answers, &automatic).contains("is open: keys, tasks; attest each"));
    assert!(!said(&answers, &automatic).contains("with another mode first"));

    // Left out, or no longer required, in whatever mode.
    for list in [
        "",
        &LIST.replace("after = [\"keys\"]", "after = [\"keys\"]\nrequired = false"),
    ] {
        for mode in ["observe", "approve", "automatic"] {
            let round = said(&answers, &campaign_of(list, mode));
            assert!(round.contains("no longer asks for what is open"), "{mode}: {round}");
        }
    }
    for name in ["keys", "tasks"] {
        attest(&mut answers, &watching, name).unwrap();
    }
    assert_eq!(said(&answers, &automatic), "");
    assert_eq!(
        said(&answers, &campaign_of("", "automatic")),
        "",
        "settled, it may be left out"
    );

    // Another wording is another item.
    let reworded = campaign_of(&LIST.replace("a picture", "a picture and an export"), "automatic");
    assert!(said(&answers, &reworded).contains("is open: tasks"));
    assert!(said(&answers, &reworded).contains("with another mode first"));
    let (kept, lost) = answers.under(&watching.readiness, &reworded.readiness);
    assert_eq!(lost, ["tasks"]);
    assert_eq!(kept.open(&reworded.readiness), ["tasks"]);
    let (_, lost) = answers.under(&watching.readiness, &[]);
    assert_eq!(lost, ["keys", "tasks"]);
}

#[test]
fn a_list_that_makes_no_sense_is_refused_with_its_line() {
    let bare = PRESETS[0].1.split("[[readiness]]").next().unwrap();
    let line = |text: &str, of: &str| 1 + text[..text.find(of).unwrap()].matches('\n').count();
    for (from, to, said, at) in [
        (
            "after = [\"tasks\"]",
            "after = [\"server\"]",
            "comes after itself",
            "name = \"server\"",
        ),
        (
            "proof = \"a list\"",
            "proof = \"a list\"\nafter = [\"server\"]",
            "comes after itself",
            "name = \"keys\"",
        ),
        (
            "after = [\"keys\"]",
            "after = [\"kyes\"]",
            "there is no such item",
            "name = \"tasks\"",
        ),
        ("name = \"tasks\"", "name = \"keys\"", "are named `keys`", ""),
        (
            "name = \"keys\"",
            "name = \"Keys\"",
            "lower-case letters",
            "name = \"Keys\"",
        ),
        (
            "proof = \"a picture\"",
            "proof = \" \"",
            "`proof` is empty",
            "name = \"tasks\"",
        ),
        ("why = \"disks\"\n", "", "missing field `why`", ""),
    ] {
        let text = format!("{bare}{}", LIST.replacen(from, to, 1));
        let refused = Campaign::parse("test.toml", &text, 1).expect_err(to).to_string();
        assert!(refused.contains(said), "{refused}");
        if !at.is_empty() {
            let place = format!("test.toml, line {}", line(&text, at));
            assert!(refused.starts_with(&place), "{refused} is not at {place}");
        }
    }
}

#[test]
fn every_preset_has_one_and_the_same_list() {
    let list = |text: &str| Campaign::parse("preset", text, 1).unwrap().readiness;
    let first = list(PRESETS[0].1);
    for (file, text) in PRESETS {
        assert_eq!(list(text), first, "{file}");
    }
    let answers = Answers::default();
    let last = first.last().unwrap();
    assert_eq!(last.name, "old-server-removed");
    assert!(
        !last.required && answers.before(&first, last).len() >= 2,
        "it is last, after a backup and the keys"
    );
    assert!(answers.open(&first).len() >= 9);
    assert!(samples::campaign("").readiness == first);
}
