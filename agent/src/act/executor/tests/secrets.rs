//! Secrets live in memory only.

use std::collections::BTreeMap;

use cutover_proto::{
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    seal,
    secret::{SecretForm, SecretUse},
};

use super::{
    super::End,
    world::{World, install, remove, test},
};
use crate::host::sandbox::Behaviour;

const SECRET: &str = "Kx-unins7all-Pa$$";

fn holds_secret(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let wide: String = SECRET.bytes().map(|byte| format!("{byte:02x}00")).collect();
    text.contains(SECRET)
        || text.contains(&hex::encode(SECRET))
        || text.contains(&hex::encode(hex::encode(SECRET)))
        || text.contains(&wide)
}

#[test]
fn a_secret_that_a_tool_prints_is_in_no_record_and_not_in_the_journal() {
    let world = World::new(Behaviour::default());
    let wide: String = SECRET.bytes().map(|byte| format!("{byte:02X}00")).collect();
    *world.says.lock().unwrap() = format!("msi KLPASSWD={SECRET} KLUNINSTPASSWD={wide}\n");
    let mut order = world.usual();
    let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
    order.secrets = vec![seal::seal(key, host, 1, "uninstall", SECRET.as_bytes()).unwrap()];
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    let mut blanked = 0;
    for record in world.records() {
        let json = serde_json::to_vec(&record).unwrap();
        assert!(!holds_secret(&json), "{record:?}");
        blanked += usize::from(record.log_tail.contains("KLPASSWD=[secret] KLUNINSTPASSWD=[secret]"));
    }
    // Fetch, three removals, installation.
    assert_eq!(blanked, 5);
    let journal = std::fs::read(world.state.path().join("journal")).unwrap();
    assert!(!holds_secret(&journal));
    let kept = world.kept.lock().unwrap().clone();
    assert!(
        kept.contains("KLPASSWD=[secret]") && !holds_secret(kept.as_bytes()),
        "{kept}"
    );
}

#[test]
fn after_a_restart_secrets_are_still_blanked() {
    let world = World::new(Behaviour::default());
    *world.says.lock().unwrap() = format!("password {SECRET}\n");
    let mut order = world.usual();
    let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
    order.secrets = vec![seal::seal(key, host, 1, "uninstall", SECRET.as_bytes()).unwrap()];
    let envelope = world.sign(&order);
    world.faults.crash_at(20);
    assert!(world.survive(|| world.executor().run(&envelope)).is_none());
    let end = world.executor().resume().unwrap();
    assert_eq!(end, Some(End::Completed { number: 1 }));
    for record in world.records() {
        assert!(!holds_secret(&serde_json::to_vec(&record).unwrap()), "{record:?}");
    }
    let kept = world.kept.lock().unwrap().clone();
    assert!(
        kept.contains("password [secret]") && !holds_secret(kept.as_bytes()),
        "{kept}"
    );
}

/// Agents that ended after their tool had printed, and before they could take anything out.
#[test]
fn what_a_tool_printed_to_an_agent_that_ended_is_taken_out_by_the_next() {
    let held = |world: &World| holds_secret(world.kept.lock().unwrap().as_bytes());
    let mut left = 0;
    for place in 0..60 {
        let world = World::new(Behaviour::default());
        *world.says.lock().unwrap() = format!("password {SECRET}\n");
        let mut order = world.usual();
        let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
        order.secrets = vec![seal::seal(key, host, 1, "uninstall", SECRET.as_bytes()).unwrap()];
        let envelope = world.sign(&order);
        world.faults.crash_at(place);
        if world.survive(|| world.executor().run(&envelope)).is_some() {
            break;
        }
        left += u32::from(held(&world));
        let _ = world.executor().resume().unwrap();
        assert!(!held(&world), "place {place}: {}", world.kept.lock().unwrap());
    }
    assert!(left > 5, "the log held it at {left} places only");
}

const WRONG: &str = "wrong \"one\" 1";
const RIGHT: &str = "Richtig-\u{44f}2";

/// A host whose product wants to be told who removes it, and by which password.
fn guarded() -> World {
    World::new(Behaviour {
        remove_told: BTreeMap::from([
            ("KLLOGIN".to_owned(), "KLAdmin".to_owned()),
            (
                "KLUNINSTPASSWD".to_owned(),
                SecretForm::Utf16leHex.say(RIGHT).to_string(),
            ),
        ]),
        ..Behaviour::default()
    })
}

/// An order that removes one product and brings these passwords for it, and one for another product.
fn order(world: &World, passwords: &[&str]) -> WorkOrder {
    let mut order = world.order(&[
        (remove("kesl-gui", &["kesl-gui"]), false),
        (install(), true),
        (test(), true),
    ]);
    let mut bring = |product: &str, attempt: u32, property: &str, form, plain: &str| {
        let use_of_it = SecretUse {
            product: product.into(),
            attempt,
            property: property.to_owned(),
            form,
        };
        let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
        let sealed = use_of_it.seal(key, host, 1, plain.as_bytes()).unwrap();
        order.secrets.push(sealed);
    };
    bring("klnagent64", 0, "KLPASSWD", SecretForm::Plain, "another product's");
    for (attempt, password) in (0..).zip(passwords) {
        bring("kesl-gui", attempt, "KLLOGIN", SecretForm::Plain, "KLAdmin");
        bring("kesl-gui", attempt, "KLUNINSTPASSWD", SecretForm::Utf16leHex, password);
    }
    order
}

/// What the installer was told, a removal a line.
fn heard(world: &World) -> Vec<String> {
    let file = std::fs::read(world.root.path().join(".sandbox/heard.json")).unwrap();
    serde_json::from_slice(&file).unwrap()
}

fn told(password: &str) -> String {
    format!(
        "KLLOGIN=KLAdmin KLUNINSTPASSWD={}",
        SecretForm::Utf16leHex.say(password).as_str()
    )
}

#[test]
fn an_installer_is_told_one_secret_after_the_other_until_the_product_is_gone() {
    let world = guarded();
    let order = order(&world, &[WRONG, RIGHT, "never"]);
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    assert_eq!(heard(&world), [told(WRONG), told(RIGHT)]);
    for record in world.records() {
        let json = serde_json::to_string(&record).unwrap();
        assert!(!json.contains(SecretForm::Utf16leHex.say(WRONG).as_str()), "{json}");
    }
    let removed = world
        .records()
        .into_iter()
        .find(|it| it.event == RecordEvent::StepDone)
        .unwrap();
    assert_eq!(removed.exit_code, Some(0));
}

#[test]
fn where_no_secret_helps_the_step_fails_with_what_the_installer_said_last() {
    let world = guarded();
    let order = order(&world, &[WRONG, "wrong 2"]);
    let end = world.run(&order).unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::ToolFailed,
                ..
            }
        ),
        "{end:?}"
    );
    assert_eq!(heard(&world).len(), 2);
    let failed = world
        .records()
        .into_iter()
        .find(|it| it.event == RecordEvent::StepFailed)
        .unwrap();
    assert_eq!(failed.exit_code, Some(1603));
    assert!(
        failed.log_tail.contains("KLLOGIN=[secret] KLUNINSTPASSWD=[secret]"),
        "{}",
        failed.log_tail
    );
}

#[test]
fn a_product_for_which_nothing_came_is_told_nothing() {
    let world = guarded();
    let order = order(&world, &[]);
    assert!(matches!(world.run(&order).unwrap(), End::Failed { .. }));
    assert_eq!(heard(&world), [""]);
}

/// Wherever the agent ends: the next one opens them again out of the journal, and tells none a second time.
#[test]
fn an_agent_that_ended_in_the_middle_tells_no_secret_twice_and_knows_the_next() {
    let (mut gone, mut left) = (0, 0);
    for place in 0..60 {
        let world = guarded();
        let order = order(&world, &[WRONG, RIGHT]);
        let envelope = world.sign(&order);
        world.faults.crash_at(place);
        if world.survive(|| world.executor().run(&envelope)).is_some() {
            break;
        }
        let end = world.executor().resume().unwrap();
        let heard = heard(&world);
        assert!(heard.len() <= 2, "place {place}: {heard:?}");
        let twice = heard.iter().collect::<std::collections::BTreeSet<_>>().len() != heard.len();
        assert!(!twice, "place {place}: {heard:?}");
        match end {
            Some(End::Completed { .. }) => gone += 1,
            // The one that was at work when the agent ended may have been the right one.
            Some(End::Failed { .. }) | None => left += 1,
            other => panic!("place {place}: {other:?}"),
        }
        for record in world.records() {
            assert!(!serde_json::to_string(&record).unwrap().contains(RIGHT), "{record:?}");
        }
    }
    assert!(gone > 10 && left > 0, "{gone} went, {left} did not");
}

#[test]
fn a_secret_for_a_property_that_is_none_for_secrets_refuses_the_order_before_its_first_step() {
    let world = guarded();
    let mut order = order(&world, &[RIGHT]);
    order.secrets[1].property = "TRANSFORMS".to_owned();
    let end = world.run(&order).unwrap();
    let End::Refused { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::UnknownStep);
    assert!(why.contains("none by which a secret is said"), "{why}");
    assert!(heard(&world).is_empty());
}
