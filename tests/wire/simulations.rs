//! What would become of the fleet, asked of a running server.

use cutover_core::campaign::Mode;
use cutover_server::service::{AskSimulation, Caller, CampaignText, ServiceError};

use crate::{machine::Machine, server::Server};

fn ask() -> AskSimulation {
    AskSimulation {
        campaign: None,
        mode: None,
        days: 30,
        seed: 1,
        open: std::collections::BTreeMap::new(),
        people_within: None,
        fails_percent: Some(0.0),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_says_what_would_become_of_the_fleet_and_changes_nothing() {
    let server = Server::start().await;
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
    }
    let simulate = |ask: AskSimulation| server.service().simulate(Caller::server(), ask);
    let before = server.last_pos().await;
    let closed = simulate(ask()).await.unwrap();
    assert_eq!((closed.simulated.to_do, closed.simulated.done), (3, 0));
    assert_eq!(closed.simulated.left[0].why, "wave all is not open");
    assert_eq!(closed.simulated.left[0].remedy, "cutover wave open all");

    let mut opened = ask();
    opened.open.insert("all".to_owned(), "1d".to_owned());
    let done = simulate(opened.clone()).await.unwrap();
    assert_eq!(done.simulated.done, 3, "{:?}", done.simulated.left);
    assert_eq!(done.mode, Mode::Automatic);
    assert_eq!(
        simulate(opened.clone()).await.unwrap().simulated,
        done.simulated,
        "of one seed"
    );

    // What another file would do: nobody starts where a campaign only looks.
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let looks = text.replace("mode = \"automatic\"", "mode = \"observe\"");
    assert_ne!(text, looks);
    opened.campaign = Some(CampaignText {
        file: "looks.toml".to_owned(),
        text: looks,
    });
    let other = simulate(opened.clone()).await.unwrap();
    assert!(other.is_other_file && other.simulated.done == 0);
    assert_eq!(other.simulated.left[0].why, "the campaign only looks");
    opened.mode = Some(Mode::Automatic);
    assert_eq!(simulate(opened).await.unwrap().simulated.done, 3);
    assert_eq!(server.last_pos().await, before, "nothing was written");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_simulated_is_refused_with_what_to_ask_for() {
    let server = Server::start().await;
    let refusal = async |change: fn(&mut AskSimulation)| {
        let mut ask = ask();
        change(&mut ask);
        let refused = server.service().simulate(Caller::server(), ask).await.unwrap_err();
        assert!(
            !matches!(refused, ServiceError::Broken { .. } | ServiceError::Store(_)),
            "{refused}"
        );
        refused.to_string()
    };
    assert_eq!(
        refusal(|ask| ask.days = 0).await,
        "0 days cannot be simulated; ask for 1 to 730"
    );
    let unknown = refusal(|ask| drop(ask.open.insert("pilto".to_owned(), "1d".to_owned()))).await;
    assert!(
        unknown.contains("wave `pilto`") && unknown.contains("unmatched"),
        "{unknown}"
    );
    let soon = refusal(|ask| drop(ask.open.insert("all".to_owned(), "soon".to_owned()))).await;
    assert!(soon.starts_with("open all: ") && soon.contains("soon"), "{soon}");
    assert!(
        refusal(|ask| ask.people_within = Some("2".to_owned()))
            .await
            .starts_with("people_within: ")
    );
    let percent = refusal(|ask| ask.fails_percent = Some(120.0)).await;
    assert_eq!(percent, "120 of a hundred attempts cannot fail");
    let unsound = refusal(|ask| {
        ask.campaign = Some(CampaignText {
            file: "new.toml".to_owned(),
            text: "schema = 1\n".to_owned(),
        });
    });
    assert!(unsound.await.contains("new.toml"));
    server.stop().await;
}
