//! A host that is done leaves: it is asked, says its last word once, and is heard no more.

use cutover_core::plan::Phase;
use cutover_proto::{leaving::LastStatement, rule::BUILT_IN_REVISION, v1};
use cutover_server::{
    service::Caller,
    store::{StoreError, StreamName, events, host_keys, last_statements},
};
use tonic::{Code, Status};

use crate::{
    database::Database,
    gates::migrate,
    keys::Keys,
    machine::{Machine, bytes, enroll, enrolment},
    server::Server,
};

const HOUR_MS: i64 = 3_600_000;

/// A server whose campaign lets agents go an hour after their hosts are migrated.
async fn server() -> Server {
    Server::with(letting_go).await
}

fn letting_go(config: &mut cutover_server::config::Config) {
    let text = std::fs::read_to_string(&config.campaign.file).unwrap();
    std::fs::write(&config.campaign.file, with_retire(&text, "1h")).unwrap();
}

fn with_retire(text: &str, after: &str) -> String {
    text.replace("[policy]\n", &format!("[policy]\nretire = \"{after}\"\n"))
}

/// A host that is migrated, with the check-in that it says from then on.
async fn migrated(server: &Server, name: &str) -> (Machine, v1::CheckInRequest) {
    let mut machine = Machine::enrol(server, name).await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    migrate(server, &mut machine).await;
    let replaced = machine.replaced();
    machine.check_in(replaced.clone()).await.unwrap();
    let quiet = v1::CheckInRequest {
        inventory: None,
        can_leave: true,
        highest_order_begun: 1,
        ..replaced
    };
    (machine, quiet)
}

/// The same when its time is over, asked by this request.
async fn asked(server: &Server, name: &str) -> (Machine, v1::CheckInRequest, String) {
    let (machine, quiet) = migrated(server, name).await;
    server.clock.advance(2 * HOUR_MS);
    let asked = machine
        .check_in(quiet.clone())
        .await
        .unwrap()
        .leave
        .expect("it is asked");
    (machine, quiet, asked.request_id)
}

fn statement(machine: &Machine, quiet: &v1::CheckInRequest, request_id: &str) -> LastStatement {
    LastStatement {
        host_id: machine.host,
        request_id: request_id.to_owned(),
        at_ms: 5_000,
        boot_id: machine.boot_id.clone(),
        inventory_digest: quiet.inventory_digest.clone(),
        highest_order_begun: 1,
        rules_revision: BUILT_IN_REVISION,
        agent_version: "0.1.0".to_owned(),
    }
}

async fn send(machine: &Machine, signed: v1::Envelope) -> Result<v1::LeaveReply, Status> {
    let request = v1::LeaveRequest {
        statement: Some(signed),
    };
    machine.agent().leave(request).await.map(tonic::Response::into_inner)
}

async fn phase(server: &Server, machine: &Machine) -> Phase {
    server.plan(machine.host).await.phase
}

/// What would tell that something was taken.
async fn is_untouched(server: &Server, machine: &Machine) {
    assert_eq!(phase(server, machine).await, Phase::Migrated);
    let host = machine.host.to_string();
    let said = server.read(move |tx| last_statements::load(tx, &host)).await;
    assert_eq!(said.and_then(|row| row.said), None);
}

/// The digest of the only last statement and the phase of the only plan, as another process sees them; `None` where no file
/// is the store. What is not committed is not among them.
fn on_disk(server: &Server) -> Option<(String, String)> {
    let file = server.path().join("cutover.db");
    if !file.exists() {
        return None;
    }
    let db = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let asked = "SELECT digest, phase FROM last_statement JOIN plan ON plan.host_id = last_statement.host_id";
    Some(db.query_row(asked, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap())
}

/// Taken once, durable over the end of the server, answered the same again, and the end of the key.
async fn leaves(mut server: Server) {
    let (mut machine, quiet, request_id) = asked(&server, "pc-1").await;
    let signed = statement(&machine, &quiet, &request_id)
        .sign(&machine.keys.signing)
        .unwrap();
    let reply = send(&machine, signed.clone()).await.unwrap();
    assert_eq!(reply.why_not, "");
    assert_eq!(reply.durable, cutover_proto::envelope::digest(&signed));

    // What was acknowledged outlives any end of the server: another process sees it in the file already.
    if let Some((digest, phase)) = on_disk(&server) {
        assert_eq!(
            (hex::decode(digest).unwrap(), phase.as_str()),
            (reply.durable.clone(), "concluded")
        );
    }
    server.restart().await;
    machine.reconnect(&server).await;
    assert_eq!(phase(&server, &machine).await, Phase::Concluded);
    let host = machine.host.to_string();
    let row = server.read(move |tx| last_statements::load(tx, &host)).await.unwrap();
    let said = row.said.expect("it said something");
    assert_eq!(said.envelope, bytes(&signed), "as it was signed");

    // The acknowledgement was lost: the same again, and no more than that.
    for _ in 0..2 {
        assert_eq!(send(&machine, signed.clone()).await.unwrap(), reply);
    }
    let other = LastStatement {
        at_ms: 6_000,
        ..statement(&machine, &quiet, &request_id)
    };
    let refusals = [
        machine.check_in(quiet.clone()).await.unwrap_err(),
        machine.agent().watch(v1::WatchRequest {}).await.unwrap_err(),
        machine.renew(machine.renewal(&Keys::new())).await.unwrap_err(),
        send(&machine, other.sign(&machine.keys.signing).unwrap())
            .await
            .unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
        assert!(refused.message().contains("revoked"), "{refused}");
    }
    assert_eq!(server.phases(machine.host).await.last().unwrap(), "concluded");
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_statement_is_taken_once_and_answered_again_and_ends_the_key() {
    leaves(server().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_a_last_statement_is_taken_once_and_answered_again_and_ends_the_key() {
    let Some(database) = Database::create("leaving") else {
        return;
    };
    let url = database.url.clone();
    let server = Server::with(|config| {
        letting_go(config);
        config.store.url = url;
    });
    leaves(server.await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_that_it_can_leave_or_has_more_to_say_is_not_asked() {
    let server = server().await;
    let (mut machine, quiet) = migrated(&server, "pc-1").await;
    let early = machine.check_in(quiet.clone()).await.unwrap();
    assert_eq!(early.leave, None, "its time is not over");
    server.clock.advance(2 * HOUR_MS);

    let running = v1::RunningOrder {
        order_number: 1,
        step: 0,
        past_last_safe_point: false,
    };
    let busy = [
        v1::CheckInRequest {
            can_leave: false,
            ..quiet.clone()
        },
        v1::CheckInRequest {
            running: Some(running),
            ..quiet.clone()
        },
        v1::CheckInRequest {
            step_records: vec![machine.record(1, 1, cutover_proto::record::RecordEvent::OrderAccepted, 0)],
            ..quiet.clone()
        },
        v1::CheckInRequest {
            inventory_digest: vec![7; 32],
            ..quiet.clone()
        },
        v1::CheckInRequest {
            highest_order_begun: 9,
            ..quiet.clone()
        },
        v1::CheckInRequest {
            condition: Some(v1::AgentCondition {
                hold: "a freeze".to_owned(),
                ..Default::default()
            }),
            ..quiet.clone()
        },
    ];
    for (case, request) in busy.into_iter().enumerate() {
        let reply = machine.check_in(request).await.unwrap();
        assert_eq!(reply.leave, None, "case {case}");
    }
    // It was said that an order nine was begun, so the server waits for its records.
    let first = machine
        .check_in(quiet.clone())
        .await
        .unwrap()
        .leave
        .expect("it is asked");
    let again = machine.check_in(quiet).await.unwrap().leave.expect("it is asked again");
    assert_eq!(first, again, "by one request");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_forged_replayed_or_knows_too_little_changes_nothing() {
    let server = server().await;
    let (first, first_quiet, first_request) = asked(&server, "pc-1").await;
    let (second, quiet, request) = asked(&server, "pc-2").await;
    let good = statement(&second, &quiet, &request);
    let sign = |statement: &LastStatement, by: &Machine| statement.sign(&by.keys.signing).unwrap();

    // Of somebody else: by another key, in another's name, and another's own word.
    let mut touched = sign(&good, &second);
    touched.body.push(0);
    let of_another = statement(&first, &first_quiet, &first_request);
    for forged in [
        sign(&good, &first),
        sign(&of_another, &second),
        sign(&of_another, &first),
        touched,
    ] {
        let refused = send(&second, forged).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let nothing = second.agent().leave(v1::LeaveRequest { statement: None }).await;
    assert_eq!(nothing.unwrap_err().code(), Code::InvalidArgument);

    // Its own, and not what is asked for.
    let cases = [
        (
            LastStatement {
                request_id: first_request.clone(),
                ..good.clone()
            },
            "answers a request that this server did not make",
        ),
        (
            LastStatement {
                highest_order_begun: 0,
                ..good.clone()
            },
            "fewer orders than this host has begun",
        ),
        (
            LastStatement {
                inventory_digest: vec![9; 32],
                ..good.clone()
            },
            "the final inventory is not the one",
        ),
    ];
    for (said, why) in cases {
        let reply = send(&second, sign(&said, &second)).await.unwrap();
        assert!(reply.durable.is_empty(), "{why}");
        assert!(reply.why_not.contains(why), "{}", reply.why_not);
    }
    for machine in [&first, &second] {
        is_untouched(&server, machine).await;
    }
    second.check_in(quiet).await.unwrap();
    let taken = send(&second, sign(&good, &second)).await.unwrap();
    assert!(!taken.durable.is_empty(), "{}", taken.why_not);
    server.holds_together(&[first.host, second.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_nobody_asked_or_that_is_asked_no_longer_does_not_conclude() {
    let server = server().await;
    let (unasked, quiet) = migrated(&server, "pc-1").await;
    let own = statement(&unasked, &quiet, "mine").sign(&unasked.keys.signing).unwrap();
    let reply = send(&unasked, own).await.unwrap();
    assert!(reply.why_not.contains("did not make"), "{}", reply.why_not);
    is_untouched(&server, &unasked).await;

    let (machine, quiet, request) = asked(&server, "pc-2").await;
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    server
        .apply(text.replace("retire = \"1h\"", "retire = \"never\""))
        .await;
    let signed = statement(&machine, &quiet, &request)
        .sign(&machine.keys.signing)
        .unwrap();
    let reply = send(&machine, signed).await.unwrap();
    assert!(reply.why_not.contains("asked no longer"), "{}", reply.why_not);
    is_untouched(&server, &machine).await;
    assert_eq!(machine.check_in(quiet.clone()).await.unwrap().leave, None);

    // Its target came back in between.
    server.apply(text).await;
    let mut machine = machine;
    let back = machine.carrying();
    machine.check_in(back.clone()).await.unwrap();
    let signed = statement(&machine, &back, &request)
        .sign(&machine.keys.signing)
        .unwrap();
    let reply = send(&machine, signed).await.unwrap();
    assert!(reply.why_not.contains("asked no longer"), "{}", reply.why_not);
    assert_ne!(phase(&server, &machine).await, Phase::Concluded);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_may_say_its_last_word_and_a_retired_host_may_not() {
    let server = server().await;
    let (machine, quiet, request) = asked(&server, "pc-1").await;
    let signed = statement(&machine, &quiet, &request)
        .sign(&machine.keys.signing)
        .unwrap();
    let retired = server
        .service()
        .retire_host(Caller::server(), "pc-1".to_owned(), "sold".to_owned(), false);
    retired.await.unwrap();
    let mut machine = machine;
    machine.reconnect(&server).await;
    let refused = send(&machine, signed).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
    assert_eq!(phase(&server, &machine).await, Phase::Retired);

    let (mut away, quiet, request) = asked(&server, "pc-2").await;
    let signed = statement(&away, &quiet, &request).sign(&away.keys.signing).unwrap();
    let key = away.keys.spki_hash();
    server
        .write(move |tx| {
            let row = host_keys::load(tx, &key)?.expect("a key");
            host_keys::certify(tx, &key, row.from_ms + 1, &row.certificate)?;
            Ok::<_, StoreError>(())
        })
        .await;
    away.reconnect(&server).await;
    assert_eq!(away.check_in(quiet).await.unwrap_err().code(), Code::Unauthenticated);
    let reply = send(&away, signed).await.unwrap();
    assert!(!reply.durable.is_empty(), "{}", reply.why_not);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_the_page_and_the_events_say_that_a_host_left() {
    let server = server().await;
    let (machine, quiet, request) = asked(&server, "pc-1").await;
    let signed = statement(&machine, &quiet, &request)
        .sign(&machine.keys.signing)
        .unwrap();
    send(&machine, signed).await.unwrap();

    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!(host.row.phase, "concluded");
    let why = host.why.join("\n");
    for part in ["proven on 2026-11-22", "last signed statement", "watched no longer"] {
        assert!(why.contains(part), "{why}");
    }
    let browser = crate::people::browser::Browser::signed_in(&server, cutover_server::service::Role::Viewer).await;
    let page = browser.page(&server, &format!("/hosts/{}", machine.host)).await;
    assert!(page.contains("watched no longer"), "{page}");
    let stream = StreamName::host(&machine.host.to_string());
    let told = server.read(move |tx| events::load(tx, &stream, 1, 1_000)).await;
    let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
    for kind in ["asked-to-leave", "last-statement", "key-revoked"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }

    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_left_is_the_same_host_when_it_enrols_again_and_may_leave_again() {
    let server = server().await;
    let (machine, quiet, request) = asked(&server, "pc-1").await;
    let signed = statement(&machine, &quiet, &request)
        .sign(&machine.keys.signing)
        .unwrap();
    // What a person says of it stays its own.
    crate::campaigns::tag(&server, "pc-1", "web").await;
    send(&machine, signed.clone()).await.unwrap();
    let other = Machine::enrol(&server, "pc-2").await;
    assert_ne!(other.host, machine.host, "another machine is another host");

    // Its old keys are worth nothing; new ones are the host's, and its agent has a journal that knows of no order.
    let refused = enroll(&server, enrolment(&machine.keys, &server.token(1).await, "pc-1")).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    let mut back = Machine::enrol(&server, "pc-1").await;
    assert_eq!(back.host, machine.host);
    let tags = server.service().host("pc-1".to_owned()).await.unwrap().tags;
    assert!(tags.contains(&"web".to_owned()), "{tags:?}");
    assert_eq!(phase(&server, &back).await, Phase::Unassessed, "it is watched again");
    let first = back.check_in(back.hello()).await.unwrap();
    assert!(first.durable.is_empty(), "{:?}", first.durable);
    back.take_time(server.clock.now_ms());
    let replaced = back.replaced();
    let reply = back.check_in(replaced).await.unwrap();
    assert_eq!(reply.leave, None);
    assert_ne!(phase(&server, &back).await, Phase::Concluded);

    // What it said then is provable still.
    let stream = StreamName::host(&machine.host.to_string());
    let told = server.read(move |tx| events::load(tx, &stream, 1, 1_000)).await;
    let last = told.iter().find(|event| event.kind == "last-statement").unwrap();
    assert!(last.body.contains(&hex::encode(bytes(&signed))), "{}", last.body);

    // A second machine that says the same of itself is no host that left.
    let twin = Machine::enrol(&server, "pc-1").await;
    assert_ne!(twin.host, machine.host);
    server.holds_together(&[machine.host, other.host, twin.host]).await;
    server.stop().await;
}
