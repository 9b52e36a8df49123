//! What a product asks for: which order brings it, and that nothing is tried twice on a host.

use cutover_proto::{
    ids::ProductId, inventory::PackageManager, record::FailureCause, secret::SecretForm, step::StepKind,
};

use super::*;
use crate::{
    catalog::{Exit, ExitMeaning, RecipeSecret, SecretName},
    plan::{OrderEnd, Owner},
    samples::carrying,
    secret::{Held, Keyring, TRIES_IN_ORDER},
};

const FAILED: i32 = 1603;
const BUSY: i32 = 1618;

/// The same host with an installer that asks: of `kesl` alone.
fn asked(inventory: Inventory) -> Inventory {
    let mut asked = inventory;
    asked.facts.package_managers.push(PackageManager::Msi);
    asked
}

fn host() -> Host {
    let mut host = Host::new();
    let recipe = host.catalog.recipes.get_mut(&"kesl".into()).unwrap();
    recipe.remove.as_mut().unwrap().managers = vec![PackageManager::Msi];
    recipe.secrets = [(SecretName::Login, "KLLOGIN"), (SecretName::Password, "KLPASSWD")]
        .map(|(name, property)| RecipeSecret {
            name,
            property: property.to_owned(),
            form: SecretForm::Plain,
            fact: "a test".to_owned(),
            required: false,
        })
        .to_vec();
    recipe.exits = vec![Exit {
        installer: None,
        code: FAILED,
        means: ExitMeaning::PerhapsSecret,
        fact: "a test".to_owned(),
    }];
    host.look(&asked(carrying()));
    host
}

fn keyring(product: &str, revision: u64, passwords: &[&str]) -> Keyring {
    let values = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect();
    let secret = |name: &str, held| ((ProductId::new(product), name.to_owned()), held);
    Keyring::new([
        secret(
            "login",
            Held {
                revision: 1,
                values: values(&["l"]),
            },
        ),
        secret(
            "password",
            Held {
                revision,
                values: values(passwords),
            },
        ),
    ])
}

/// What is set was set: hosts are decided anew.
fn set(host: &mut Host, revision: u64, passwords: &[&str]) {
    host.secrets = keyring("kesl", revision, passwords);
    host.send(Input::CampaignChanged { assessment: None });
}

/// The digests that the open order brings.
fn brought(host: &Host) -> Vec<String> {
    let order = host.plan.order.as_ref().unwrap();
    let tries = order.secrets.iter().flat_map(|it| &it.tries);
    tries.map(|it| it.digest.clone()).collect()
}

fn removal(host: &Host) -> u32 {
    let order = host.plan.order.as_ref().unwrap();
    let is_it = |step: &cutover_proto::step::Step| {
        step.action.kind() == StepKind::RemovePackages && step.action.product() == Some(&"kesl".into())
    };
    u32::try_from(order.steps.iter().position(is_it).unwrap()).unwrap()
}

/// The next order fails at the removal with this code; says what it brought.
fn fail(host: &mut Host, code: i32) -> Vec<String> {
    if let Some(due_ms) = host.plan.retry_at_ms {
        host.pass((due_ms - host.now_ms).max(1)).look(&asked(carrying()));
        host.wake();
    }
    host.start_and_fetch();
    let (brought, at) = (brought(host), removal(host));
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.pass(1000).report(RecordEvent::StepBegun, at, None);
    let mut record = host.record(RecordEvent::StepFailed, at, Some(FailureCause::ToolFailed));
    record.exit_code = Some(code);
    host.send(Input::Recorded(Box::new(record)));
    host.report(RecordEvent::OrderFailed, at, None);
    brought
}

fn pair(password: &str) -> String {
    format!("login:l+password:{password}")
}

#[test]
fn an_order_brings_what_its_products_take_and_nothing_of_another() {
    let mut host = host();
    set(&mut host, 1, &["a"]);
    host.start_and_fetch();
    let products = |host: &Host| -> Vec<ProductId> {
        let order = host.plan.order.as_ref().unwrap();
        order.secrets.iter().map(|it| it.product.clone()).collect()
    };
    assert_eq!(
        (products(&host), brought(&host)),
        (vec!["kesl".into()], vec![pair("a")])
    );
    let issued = host.effects.iter().rev().find_map(|effect| {
        if let Effect::IssueOrder { secrets, .. } = effect {
            return Some(secrets);
        }
        None
    });
    assert_eq!(issued, Some(&host.plan.order.as_ref().unwrap().secrets));

    // The agent's product has a secret, and its recipe takes none.
    let mut other = self::host();
    other.secrets = keyring("klnagent64", 1, &["a"]);
    other.start_and_fetch();
    assert_eq!(products(&other), []);
}

#[test]
fn what_the_server_lacks_is_tried_without_and_a_failure_says_what_to_set() {
    let mut host = host();
    assert_eq!(fail(&mut host, FAILED), [""; 0]);
    assert_eq!(
        (host.plan.phase, host.plan.attempts_used, host.plan.retry_at_ms),
        (Phase::Blocked, 0, None)
    );
    let reason = host.plan.reason.clone().unwrap();
    let remedy = reason.remedy();
    for name in ["login", "password"] {
        let command = format!("`cutover secret set {name} --product kesl --value-file FILE`");
        assert!(remedy.contains(&command), "{remedy}");
    }
    assert!(
        reason
            .text()
            .contains("missing or wrong, for the product's own defence and for a driver")
    );
    assert_eq!(reason.owner(), Owner::Operator);
    host.pass(30 * DAY).look(&asked(carrying()));
    host.wake();
    assert_eq!(host.plan.phase, Phase::Blocked, "time brings no password");

    set(&mut host, 1, &["a"]);
    assert_eq!(host.plan.phase, Phase::Queued);
    host.start_and_fetch();
    assert_eq!(brought(&host), [pair("a")]);
}

#[test]
fn no_value_is_tried_twice_on_a_host_and_the_third_wrong_one_blocks_it() {
    let mut host = host();
    set(&mut host, 1, &["a", "b", "c"]);
    let first = fail(&mut host, FAILED);
    assert_eq!(first, [pair("a"), pair("b")]);
    assert_eq!(first.len(), TRIES_IN_ORDER);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    assert!(host.plan.retry_at_ms.is_some(), "the next is not at once");
    assert_eq!(fail(&mut host, FAILED), [pair("c")]);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 0));
    assert!(
        host.plan
            .reason
            .as_ref()
            .unwrap()
            .remedy()
            .contains("cutover secret set")
    );

    // A new revision of the same is nothing new on this host.
    set(&mut host, 2, &["c", "a"]);
    assert_eq!(host.plan.phase, Phase::Blocked);
    set(&mut host, 3, &["a", "d"]);
    assert_eq!(fail(&mut host, FAILED), [pair("d")]);
    assert_eq!(host.plan.phase, Phase::Blocked);

    // A person's word lets all of them be tried again.
    host.send(Input::Retried { by: "ops".into() });
    assert_eq!(fail(&mut host, FAILED), [pair("a"), pair("d")]);
    assert_eq!(host.plan.phase, Phase::Blocked);
}

#[test]
fn what_was_not_begun_used_no_value_up() {
    let mut host = host();
    set(&mut host, 1, &["a"]);
    for _ in 0..2 {
        assert_eq!(fail(&mut host, BUSY), [pair("a")], "another installation was at work");
    }
    // One that ended before the removal, and one that came to it and did not begin it.
    for cause in [FailureCause::Network, FailureCause::TooLongAway] {
        let due_ms = host.plan.retry_at_ms.unwrap();
        host.pass(due_ms - host.now_ms).look(&asked(carrying()));
        host.wake();
        host.start_and_fetch();
        let at = if cause == FailureCause::TooLongAway {
            removal(&host)
        } else {
            0
        };
        host.report(RecordEvent::OrderAccepted, 0, None);
        host.report(RecordEvent::StepFailed, at, Some(cause));
        host.report(RecordEvent::OrderFailed, at, Some(cause));
    }
    assert_eq!(fail(&mut host, FAILED), [pair("a")]);
    assert_eq!(host.plan.phase, Phase::Blocked);
}

#[test]
fn a_value_that_the_product_took_is_brought_again_for_what_of_it_is_still_there() {
    for code in [0, 1605, 3010] {
        let mut alone = host();
        set(&mut alone, 1, &["a"]);
        assert_eq!(fail(&mut alone, code), [pair("a")]);
        assert!(alone.plan.secrets_tried.is_empty(), "{code}");
        // Of two nobody knows which it took.
        let mut of_two = host();
        set(&mut of_two, 1, &["a", "b"]);
        assert_eq!(fail(&mut of_two, code).len(), 2);
        assert_eq!(of_two.plan.secrets_tried[&"kesl".into()].len(), 2, "{code}");
    }
}

#[test]
fn what_nobody_knows_of_counts_as_tried() {
    let mut host = host();
    set(&mut host, 1, &["a", "b", "c"]);
    host.start_and_fetch();
    host.pass(60 * DAY);
    host.wake();
    let ended = host.events.iter().any(|event| {
        matches!(
            event.fact,
            Fact::OrderEnded {
                end: OrderEnd::Silent,
                ..
            }
        )
    });
    assert!(ended, "{}", host.plan.phase);
    let tried = &host.plan.secrets_tried[&"kesl".into()];
    assert_eq!(tried.iter().cloned().collect::<Vec<_>>(), [pair("a"), pair("b")]);
}

#[test]
fn where_all_is_spent_no_order_goes_out_without() {
    let mut host = host();
    set(&mut host, 1, &["a"]);
    host.start_and_fetch();
    let at = removal(&host);
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, at, None);
    // It failed for something that says nothing of a secret.
    host.report(RecordEvent::StepFailed, at, Some(FailureCause::TimeLimit));
    host.report(RecordEvent::OrderFailed, at, Some(FailureCause::TimeLimit));
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 1));
    let remedy = host.plan.reason.as_ref().unwrap().remedy();
    assert!(remedy.contains("cutover secret set password"), "{remedy}");
}
