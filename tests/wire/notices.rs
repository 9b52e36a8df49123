//! People at machines are told before work begins there: over the wire, in the store, and after a restart of the server.

use cutover_core::decide::Fact;
use cutover_proto::v1;
use cutover_server::store::{StreamName, events};

use crate::{machine::Machine, server::Server, wait::until};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

const TABLE: &str = "
[notice]
before = [\"3d\", \"1d\"]
from = \"IT at Example\"
why = \"Kaspersky software is replaced\"
contact = \"extension 4711\"
[notice.deferral]
count = 2
longest = \"8h\"
";

async fn with_notices() -> Server {
    Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        std::fs::write(&config.campaign.file, format!("{text}{TABLE}")).unwrap();
    })
    .await
}

fn shown(machine: &Machine, notice: &v1::StartNotice) -> v1::CheckInRequest {
    v1::CheckInRequest {
        notices: vec![v1::NoticeShown {
            round: notice.round,
            number: notice.number,
            shown_ms: 1,
            somebody: Some(true),
            how: "console and sessions were told".to_owned(),
        }],
        ..machine.hello()
    }
}

async fn say(machine: &Machine, request: v1::CheckInRequest) -> (Option<v1::StartNotice>, bool) {
    let reply = machine.check_in(request).await.unwrap();
    (reply.notice, reply.work_order.is_some())
}

async fn why(server: &Server) -> String {
    let detail = server.service().host("pc-1".to_owned()).await.unwrap();
    [detail.why, detail.set].concat().join("\n")
}

/// How often it was written down that a notice was given there.
async fn given(server: &Server, machine: &Machine) -> usize {
    let stream = StreamName::host(&machine.host.to_string());
    let told = server.read(move |tx| events::load(tx, &stream, 1, 1_000)).await;
    told.iter().filter(|event| event.kind == "notice-given").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_comes_three_days_after_its_user_was_told_and_when_they_no_longer_put_it_off() {
    let mut server = with_notices().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carrying = machine.carrying();
    assert_eq!(say(&machine, carrying).await, (None, false), "the wave is not open");
    server.open_wave().await;
    let first = until("its user is to be told", || async {
        say(&machine, machine.hello()).await.0
    })
    .await;
    assert_eq!((first.number, first.of, first.round), (1, 2, 0));
    assert_eq!(first.starts_ms, server.clock.now_ms() + 3 * DAY_MS);
    assert_eq!((first.contact.as_str(), first.put_offs_left), ("extension 4711", 0));
    // It is asked for until it was shown, and what was only sent starts nobody.
    server.clock.advance(10 * DAY_MS);
    let again = say(&machine, machine.hello()).await.0.unwrap();
    assert_eq!((again.number, again.code.as_str()), (1, first.code.as_str()));
    assert!(why(&server).await.contains(&first.code), "{}", why(&server).await);
    // The helpdesk asks by the code that it is told.
    let code = first.code.to_ascii_lowercase();
    assert_eq!(server.service().host(code).await.unwrap().row.name, "pc-1");
    assert!(server.service().host("0000-0000".to_owned()).await.is_err());

    let (known, _) = say(&machine, shown(&machine, &again)).await;
    let known = known.unwrap();
    assert_eq!(
        (known.number, known.put_offs_left, known.longest_seconds),
        (1, 2, 8 * 3600)
    );
    let noted = given(&server, &machine).await;
    say(&machine, shown(&machine, &known)).await;
    assert_eq!(given(&server, &machine).await, noted, "the same again writes nothing");
    server.restart().await;
    machine.reconnect(&server).await;

    server.clock.advance(2 * DAY_MS);
    let second = say(&machine, shown(&machine, &known)).await.0.unwrap();
    assert_eq!(second.number, 2);
    say(&machine, shown(&machine, &second)).await;
    server.clock.advance(DAY_MS - HOUR_MS);
    // An hour before the start it is put off by four.
    let until_ms = server.clock.now_ms() + 5 * HOUR_MS;
    let put_off = |until_ms| v1::CheckInRequest {
        put_off: Some(v1::StartPutOff {
            round: 0,
            asked_ms: server.clock.now_ms(),
            until_ms,
        }),
        ..shown(&machine, &second)
    };
    let (kept, ordered) = say(&machine, put_off(until_ms)).await;
    let kept = kept.unwrap();
    assert_eq!(
        (kept.put_off_ms, kept.put_offs_left, ordered),
        (Some(until_ms), 1, false)
    );
    let too_long = say(&machine, put_off(until_ms + 9 * HOUR_MS)).await.0.unwrap();
    assert_eq!(too_long.put_off_ms, Some(until_ms), "beyond the budget it is not taken");
    server.clock.advance(2 * HOUR_MS);
    assert!(!say(&machine, shown(&machine, &second)).await.1);
    let said = why(&server).await;
    assert!(
        said.contains("put off by its user until") && said.contains("1 of 2"),
        "{said}"
    );
    assert!(said.contains("somebody was logged in"), "{said}");

    server.clock.advance(3 * HOUR_MS);
    let (begins, _) = until("the order comes", || async {
        let (notice, ordered) = say(&machine, shown(&machine, &second)).await;
        ordered.then_some((notice.unwrap(), ()))
    })
    .await;
    assert_eq!(begins.number, 0);
    say(&machine, shown(&machine, &begins)).await;
    let told = server.told(machine.host).await;
    let starts = told
        .iter()
        .filter(|event| matches!(event.fact, Fact::NoticeGiven { number: 0, .. }));
    assert_eq!(starts.count(), 1);
    assert_eq!(server.plan(machine.host).await.attempts_used, 0);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_never_says_that_it_told_anybody_gets_no_order_and_its_host_says_why() {
    let server = with_notices().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carrying = machine.carrying();
    machine.check_in(carrying).await.unwrap();
    server.open_wave().await;
    until("its user is to be told", || async {
        say(&machine, machine.hello()).await.0
    })
    .await;
    server.clock.advance(30 * DAY_MS);
    let (_, ordered) = say(&machine, machine.hello()).await;
    assert!(!ordered);
    let said = why(&server).await;
    assert!(
        said.contains("no word came yet that it was given") && said.contains("older than notices"),
        "{said}"
    );
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}
