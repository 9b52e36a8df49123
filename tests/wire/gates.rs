//! Gates and breakers: what opens the next wave, and what halts one.

use cutover_core::plan::Phase;
use cutover_proto::record::RecordEvent;
use cutover_server::service::{AnswerGate, ApplyCampaign, Caller, ResetWave};

use crate::{campaigns::tag, machine::Machine, server::Server, wait::until};

const MINUTE: i64 = 60_000;

/// A server whose campaign has these waves.
async fn with_waves(waves: &str) -> Server {
    Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let changed = text.replace("[wave]\nname = \"all\"\n", waves);
        assert_ne!(changed, text);
        std::fs::write(&config.campaign.file, changed).unwrap();
    })
    .await
}

/// Takes a host that carries the product to migrated.
pub(crate) async fn migrate(server: &Server, machine: &mut Machine) {
    let (_, order) = machine.fetch_order().await;
    let mut done = machine.hello();
    done.step_records = machine.records_of(&order);
    machine.check_in(done).await.unwrap();
    for _ in 0..3 {
        let replaced = machine.replaced();
        machine.check_in(replaced).await.unwrap();
        server.clock.advance(5 * MINUTE);
    }
    assert_eq!(server.plan(machine.host).await.phase, Phase::Migrated);
}

pub(crate) async fn note(server: &Server, wave: &str) -> String {
    let waves = server.service().summary().await.unwrap().waves;
    waves.into_iter().find(|it| it.name == wave).unwrap().note
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_holds_opens_the_next_wave_and_asks_whom_it_must() {
    let server = with_waves("[[wave]]\nname = \"pilot\"\nmatch = { tag = [\"pilot\"] }\n[wave.gate]\nleast = 1\napproval = \"operator\"\n[wave.gate.external]\nname = \"change board\"\nwithin = \"7d\"\n[[wave]]\nname = \"rest\"\nopens = \"by-gate\"\n").await;
    let mut pilot = Machine::enrol(&server, "pc-1").await;
    let mut rest = Machine::enrol(&server, "pc-2").await;
    tag(&server, "pc-1", "pilot").await;
    for it in [&mut pilot, &mut rest] {
        let carries = it.carrying();
        it.check_in(carries).await.unwrap();
    }
    let service = server.service();
    service
        .open_wave(Caller::server(), "pilot".to_owned(), false)
        .await
        .unwrap();
    assert!(
        note(&server, "pilot").await.contains("0 of"),
        "{}",
        note(&server, "pilot").await
    );
    migrate(&server, &mut pilot).await;

    let answer = |change: Option<&str>| AnswerGate {
        granted: true,
        change: change.map(str::to_owned),
        dry_run: false,
    };
    let early = service
        .answer_gate(Caller::server(), "pilot".to_owned(), answer(Some("CHG-7")))
        .await;
    assert!(early.unwrap_err().to_string().contains("was not asked yet"));
    service
        .answer_gate(Caller::server(), "pilot".to_owned(), answer(None))
        .await
        .unwrap();
    until("the change board is asked", || async {
        note(&server, "pilot")
            .await
            .contains("change board has not answered")
            .then_some(())
    })
    .await;
    assert_eq!(server.plan(rest.host).await.phase, Phase::Planned);
    service
        .answer_gate(Caller::server(), "pilot".to_owned(), answer(Some("CHG-7")))
        .await
        .unwrap();
    rest.fetch_order().await;
    assert!(note(&server, "pilot").await.starts_with("its gate holds since"));
    let nobody = service
        .answer_gate(Caller::server(), "rest".to_owned(), answer(None))
        .await;
    assert!(nobody.unwrap_err().to_string().contains("has no gate"));
    server.holds_together(&[pilot.host, rest.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_fails_halts_its_wave_until_a_reset_lets_a_few_through() {
    let server = with_waves("[[wave]]\nname = \"all\"\ncanaries = 1\n").await;
    let mut hosts = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        hosts.push(machine);
    }
    server.open_wave().await;
    until("a canary is started", || async {
        let mut out = 0;
        for machine in &hosts {
            out += usize::from(server.plan(machine.host).await.order.is_some());
        }
        (out == 1).then_some(())
    })
    .await;
    let mut at_work = None;
    for (index, machine) in hosts.iter().enumerate() {
        if server.plan(machine.host).await.order.is_some() {
            at_work = Some(index);
        }
    }
    let mut canary = hosts.remove(at_work.unwrap());
    let (_, order) = canary.fetch_order().await;
    let waits = server
        .service()
        .host(hosts[0].name.clone())
        .await
        .unwrap()
        .why
        .join("\n");
    assert!(waits.contains("1 hosts of wave all go first"), "{waits}");
    let mut failed = canary.hello();
    failed.step_records = vec![
        canary.record(order.number, 1, RecordEvent::OrderAccepted, 0),
        canary.record(order.number, 2, RecordEvent::OrderFailed, 0),
    ];
    canary.check_in(failed).await.unwrap();
    until("the wave is halted", || async {
        note(&server, "all").await.starts_with("halted since").then_some(())
    })
    .await;
    for machine in &hosts {
        server.clock.advance(MINUTE);
        assert!(machine.check_in(machine.hello()).await.unwrap().work_order.is_none());
    }
    let why = server
        .service()
        .host(hosts[0].name.clone())
        .await
        .unwrap()
        .why
        .join("\n");
    assert!(
        why.contains("wave all is halted") && why.contains("wave reset all"),
        "{why}"
    );

    let reset = |why: &str| ResetWave {
        why: why.to_owned(),
        first: Some(1),
        dry_run: false,
    };
    let silent = server
        .service()
        .reset_wave(Caller::server(), "all".to_owned(), reset(" "))
        .await;
    assert!(silent.unwrap_err().to_string().contains("reason"));
    server
        .service()
        .reset_wave(Caller::server(), "all".to_owned(), reset("the mirror is mended"))
        .await
        .unwrap();
    until("one is let through", || async {
        note(&server, "all")
            .await
            .contains("1 hosts go first, 1 have begun")
            .then_some(())
    })
    .await;
    let again = server
        .service()
        .reset_wave(Caller::server(), "all".to_owned(), reset("again"))
        .await;
    assert!(again.unwrap_err().to_string().contains("nothing to reset"));
    let ids: Vec<_> = hosts.iter().map(|machine| machine.host).chain([canary.host]).collect();
    server.holds_together(&ids).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_asks_for_a_role_that_there_is_not_is_refused() {
    let server = Server::start().await;
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let gate = "[[wave]]\nname = \"all\"\n[wave.gate]\nleast = 1\napproval = \"operater\"\n";
    let ask = ApplyCampaign {
        file: "new.toml".to_owned(),
        text: text.replace("[wave]\nname = \"all\"\n", gate),
        if_version: None,
        dry_run: true,
    };
    let refused = server.service().apply_campaign(Caller::server(), ask).await;
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("gate of wave `all`") && said.contains("operator"),
        "{said}"
    );
    server.stop().await;
}
