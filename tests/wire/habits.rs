//! When hosts are usually heard of: counted over virtual weeks, said of each, and what forecasts go by, also after the server was
//! started anew.

use std::collections::BTreeMap;

use cutover_server::service::{AskForecast, AskSimulation, Caller};

use crate::{machine::Machine, server::Server};

const HOUR: i64 = 3_600_000;
/// No more days than that until two weeks of both are counted: hours in which no server was there do not count, and a clock that is
/// put forward by an hour looks like that to its heartbeat.
const DAYS: i64 = 8 * 7;

fn simulation() -> AskSimulation {
    AskSimulation {
        campaign: None,
        mode: None,
        days: 30,
        seed: 1,
        open: BTreeMap::from([("all".to_owned(), "1h".to_owned())]),
        people_within: None,
        fails_percent: Some(0.0),
    }
}

async fn done(server: &Server) -> u64 {
    let simulated = server.service().simulate(Caller::server(), simulation()).await;
    simulated.unwrap().simulated.done
}

async fn hours(server: &Server, name: &str) -> String {
    let machine = server.service().host(name.to_owned()).await.unwrap().machine;
    let told = machine.iter().find_map(|line| line.strip_prefix("contact: "));
    told.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_is_heard_of_at_nights_is_forecast_so_after_two_weeks_and_a_restart() {
    let mut server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let days = "days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]";
        let window = format!("[[window]]\n{days}\nfrom = \"10:00\"\nto = \"16:00\"\n[policy]\n");
        std::fs::write(&config.campaign.file, text.replace("[policy]\n", &window)).unwrap();
    })
    .await;
    let mut machines = Vec::new();
    for name in ["always-1", "laptop-1"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        machines.push(machine);
    }
    assert_eq!(
        done(&server).await,
        2,
        "nothing is known, so both are taken for always on"
    );
    let unknown = "its hours are not known yet";
    for day in 0..=DAYS {
        let told = [hours(&server, "always-1").await, hours(&server, "laptop-1").await];
        if told.iter().all(|told| !told.starts_with(unknown)) {
            break;
        }
        assert!(day < DAYS, "{told:?}");
        for _ in 0..24 {
            server.clock.advance(HOUR);
            let hour = server.clock.now_ms() / HOUR % 24;
            machines[0].check_in(machines[0].hello()).await.unwrap();
            if hour < 3 {
                machines[1].check_in(machines[1].hello()).await.unwrap();
            }
            server.service().flush_seen().await.unwrap();
        }
    }
    assert_eq!(hours(&server, "always-1").await, "usually heard of at any hour");
    let nights = "usually heard of daily 0 to 3, its own time";
    assert_eq!(hours(&server, "laptop-1").await, nights);
    assert_eq!(
        done(&server).await,
        1,
        "work starts from 10 to 16 alone, and the laptop is off then"
    );
    server.restart().await;
    assert_eq!(hours(&server, "laptop-1").await, nights);
    assert_eq!(done(&server).await, 1);
    // A forecast, too, names the laptop and no other machine.
    while server.clock.now_ms() / HOUR % 24 != 1 {
        server.clock.advance(HOUR);
    }
    for machine in &mut machines {
        machine.reconnect(&server).await;
        machine.check_in(machine.hello()).await.unwrap();
    }
    server.open_wave().await;
    let ask = AskForecast {
        days: 250,
        seed: 1,
        courses: Some(10),
        people_within: None,
    };
    let forecast = server.service().forecast(Caller::server(), ask).await.unwrap();
    let missed: Vec<_> = forecast.outlook.misses.unwrap().iter().map(|miss| miss.host).collect();
    assert_eq!(missed, [machines[1].host]);
    // It goes with what is said of the host's people.
    let erased = server
        .service()
        .erase_personal(Caller::server(), "laptop-1".to_owned(), false);
    erased.await.unwrap();
    assert_eq!(hours(&server, "laptop-1").await, unknown);
    server.stop().await;
}
