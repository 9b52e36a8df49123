//! Who is late, judged by the real service over its store: by a forecast that is made when it is due, beside slack.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cutover_core::{decide::Fact, plan::Plan};
use cutover_server::{
    service::{Caller, ForecastSettings, LateJudged, NewToken, Service},
    store::{events, plans, totals},
};

use crate::{
    calendar::{DAY, HOUR, START},
    puppet::{Puppet, Said},
    server::{CAMPAIGN, Server, TRUSTED},
};

/// The target is ten days away; a host that has been away for weeks is probably not done by then.
const TARGET: i64 = START + 80 * DAY;
const NOW: i64 = START + 70 * DAY;
const HOSTS: usize = 4;

fn text() -> String {
    let target = jiff::Timestamp::from_millisecond(TARGET).unwrap();
    let policy = format!(
        "[policy]\ngrace = \"0s\"\nsoak = \"1h\"\nstale_after = \"90d\"\nagent_lost_after = \"90d\"\n{TRUSTED}"
    );
    let preset =
        crate::trace::preset().replace("[wave]\nname = \"all\"\n", &format!("[wave]\nname = \"all\"\n{policy}"));
    format!("recovery_target = \"{target}\"\n{preset}")
}

struct Stage {
    server: Server,
    puppets: Vec<Puppet>,
}

impl Stage {
    /// All but the first are there now; the first was there two months ago.
    async fn set() -> Self {
        let forecast = ForecastSettings {
            courses: 10,
            ..ForecastSettings::default()
        };
        let server = Server::start_with(5, &text(), START, forecast).await.unwrap();
        let service = server.service().unwrap();
        let ask = NewToken {
            uses: 100,
            hours: 24 * 60,
            pool: None,
        };
        let token = service.create_token(Caller::server(), ask).await.unwrap().token;
        let mut stage = Self {
            server,
            puppets: Vec::new(),
        };
        for index in 0..HOSTS {
            let mut puppet = Puppet::enrol(&service, &token, index).await;
            puppet.check_in(&service, START, &Said::looked(START)).await;
            stage.puppets.push(puppet);
        }
        service.flush_seen().await.unwrap();
        assert!(!service.late_is_due().await.unwrap(), "nobody was there to judge");
        stage.server.move_to(NOW);
        for puppet in &mut stage.puppets[1..] {
            puppet.check_in(&service, NOW, &Said::looked(NOW)).await;
        }
        service.flush_seen().await.unwrap();
        stage
    }

    fn service(&self) -> Service {
        self.server.service().unwrap()
    }

    async fn judge(&self) -> LateJudged {
        self.service().judge_late(Arc::default()).await.unwrap().unwrap()
    }

    /// Whose plans are marked, in the order in which they enrolled.
    async fn marked(&self) -> Vec<bool> {
        let hosts: Vec<String> = self.puppets.iter().map(|it| it.host.to_string()).collect();
        let service = self.service();
        let read = service.store().read(move |tx| {
            totals::check(tx, CAMPAIGN)?;
            let mut marked = Vec::new();
            for host in &hosts {
                let row = plans::load(tx, CAMPAIGN, host)?.unwrap();
                let plan: Plan = serde_json::from_str(&row.state).unwrap();
                assert_eq!(row.late, plan.late);
                marked.push(row.late);
            }
            Ok::<_, cutover_server::service::ServiceError>(marked)
        });
        read.await.unwrap()
    }

    /// What was said of the first, in its stream.
    async fn told(&self) -> Vec<bool> {
        let stream = format!("plan:{CAMPAIGN}/{}", self.puppets[0].host);
        let service = self.service();
        let read = service.store().read(|tx| events::since(tx, 0, 10_000));
        let of_host = read
            .await
            .unwrap()
            .into_iter()
            .filter(|it| it.stream.as_str() == stream);
        let facts = of_host.map(|it| {
            serde_json::from_str::<cutover_core::decide::Event>(&it.body)
                .unwrap()
                .fact
        });
        facts
            .filter_map(|fact| {
                if let Fact::LateTurned { late } = fact {
                    return Some(late);
                }
                None
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_will_probably_miss_the_target_turns_late_and_back_in_its_history_and_in_the_totals() {
    let mut stage = Stage::set().await;
    assert!(stage.service().late_is_due().await.unwrap());
    let judged = stage.judge().await;
    assert_eq!((judged.courses, judged.late, judged.turned), (10, 1, 1));
    assert_eq!(stage.marked().await, [true, false, false, false]);
    assert_eq!(stage.told().await, [true]);
    // A plan turned while it was made, so that an hour later it is due again.
    let service = stage.service();
    assert!(!service.late_is_due().await.unwrap());
    stage.server.move_to(NOW + HOUR);
    assert!(service.late_is_due().await.unwrap());
    assert_eq!(stage.judge().await.turned, 0, "the same word turns nobody");
    // It comes back, and there is time left.
    for puppet in &mut stage.puppets {
        puppet.check_in(&service, NOW + HOUR, &Said::looked(NOW + HOUR)).await;
    }
    service.flush_seen().await.unwrap();
    assert_eq!(stage.judge().await.turned, 1);
    assert_eq!(stage.told().await, [true, false]);
    // Too little time is left for anybody: slack says so, whatever courses said.
    stage.server.move_to(TARGET - HOUR);
    let judged = stage.judge().await;
    assert_eq!((judged.late, judged.turned), (HOSTS as u64, HOSTS as u64));
    // With the target past they are overdue, and nothing is computed against it.
    stage.server.move_to(TARGET);
    let judged = stage.judge().await;
    assert_eq!((judged.courses, judged.late), (0, 0));
    assert_eq!(stage.marked().await, [false; HOSTS]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_judged_when_something_changed_and_what_was_cut_off_is_done_anew() {
    let stage = Stage::set().await;
    let service = stage.service();
    let stopped = Arc::new(AtomicBool::new(false));
    stopped.store(true, Ordering::Relaxed);
    assert_eq!(service.judge_late(stopped).await.unwrap(), None);
    assert_eq!(stage.marked().await, [false; HOSTS]);
    // The store fails on the way to the end, time and again; what was turned stays so.
    for statements in 0..40 {
        stage.server.sabotage().unwrap().fail_statement_in(statements);
        let cut_off = service.judge_late(Arc::default()).await;
        stage.server.sabotage().unwrap().call_off();
        if cut_off.is_ok() {
            break;
        }
    }
    stage.judge().await;
    assert_eq!(stage.marked().await, [true, false, false, false]);
    assert_eq!(stage.told().await, [true], "once, however often it was begun");
    // Nothing happens from here on, and nobody judges for a day.
    let due_after = async |ms: i64| {
        stage.server.move_to(stage.service().now_ms() + ms);
        service.late_is_due().await.unwrap()
    };
    assert!(!due_after(HOUR).await);
    assert!(!due_after(DAY - 2 * HOUR).await);
    assert!(due_after(2 * HOUR).await, "time alone makes late");
}
