//! The summer and autumn of 2024 as they came, through the real service and its store, in virtual time: what passed, who was
//! alarmed of what, and which report was made, each at its instant.

use std::collections::BTreeSet;

use cutover_core::report::{Document, Schedule};
use cutover_proto::{
    ids::HostId,
    record::{FailureCause, RecordEvent, StepRecord},
    v1,
};
use cutover_server::{
    service::{Caller, NewToken, PassedDate, Service},
    store::{StreamName, events, report_runs},
};
use jiff::Timestamp;
use prost::Message as _;

use crate::{
    calendar::{DAY, MINUTE},
    puppet::{Puppet, Said, pass},
    server::{CAMPAIGN, Server, TRUSTED},
    trace::preset,
    truth::Replacement,
};

const BEGINS: &str = "2024-06-20T00:00:00Z";
const ENDS: &str = "2024-10-31T23:59:59Z";
const SALE: &str = "2024-07-20T04:00:00Z";
const VENDOR: &str = "2024-09-10T04:00:00Z";
const UPDATES: &str = "2024-09-29T04:00:00Z";

/// When machines enrol and look for the first time.
const FIRST_LOOK: &str = "2024-06-20T12:00:00Z";
/// When a person opens the wave.
const OPENED: &str = "2024-07-08T13:00:00Z";
/// The vendor puts another product in the place of its own.
const ULTRAAV: &str = "2024-09-19T13:37:00Z";
/// Somebody puts the product back.
const PUT_BACK: &str = "2024-08-14T10:00:00Z";
/// The server is off over a milestone.
const OFF: [&str; 2] = ["2024-09-10T03:00:00Z", "2024-09-10T05:00:00Z"];

/// The server counts as having been off where it wrote nothing for half an hour of this clock; it writes once in ten minutes.
const STEP: i64 = 15 * MINUTE;
/// Three working days after the first look, a Thursday at eight in New York.
const DUTY_DUE: &str = "2024-06-25T12:00:00Z";

/// Those that are replaced, the first of which gets the product back later.
const REPLACED: [usize; 4] = [0, 1, 2, 3];
/// Its order fails, and nobody mends that.
const FAILS: usize = 4;
/// Is heard of only once.
const SILENT: usize = 5;
/// Is in nobody's wave until the end, and gets what nobody approved.
const CHANGED: usize = 6;
/// Never carried the product.
const CLEAR: usize = 7;
const HOSTS: usize = 8;

const POLICY: &str = "
[[wave]]
name = \"all\"
match = { host = [\"pc-0\", \"pc-1\", \"pc-2\", \"pc-3\", \"pc-4\", \"pc-5\"] }
[[wave]]
name = \"later\"
[[duty]]
name = \"discovery\"
on = \"target-found\"
to = \"the contracting officer\"
within = \"3 working days\"
[policy]
grace = \"0s\"
soak = \"24h\"
attempts = 1
stale_after = \"14d\"
agent_lost_after = \"3d\"
time_zone = \"America/New_York\"
";

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn utc(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

struct Year {
    server: Server,
    hosts: Vec<Puppet>,
    /// What alarms were raised, and when.
    alarms: Vec<(String, String)>,
    now_ms: i64,
}

impl Year {
    async fn begins() -> Self {
        let text = preset().replace("[wave]\nname = \"all\"\n", &format!("{POLICY}{TRUSTED}"));
        let mut server = Server::start(7, &text, at(BEGINS)).await.unwrap();
        let weekly = Schedule::parse("0 6 * * MON", "America/New_York").unwrap();
        server.report(weekly).unwrap();
        let mut year = Self {
            server,
            hosts: Vec::new(),
            alarms: Vec::new(),
            now_ms: at(BEGINS),
        };
        year.pass().await;
        year
    }

    fn service(&self) -> Service {
        self.server.service().unwrap()
    }

    async fn pass(&mut self) {
        if let Some(service) = self.server.service() {
            pass(&service).await;
        }
        let now = utc(self.now_ms);
        for topic in self.server.heard() {
            if let Some(alarm) = topic.strip_prefix("alarm:") {
                self.alarms.push((now.clone(), alarm.to_owned()));
            }
        }
    }

    /// Up to an instant, with a pass every few minutes, one in its last millisecond and one at the instant.
    async fn go_to(&mut self, at_ms: i64) {
        while self.now_ms + STEP < at_ms - 1 {
            self.now_ms += STEP;
            self.server.move_to(self.now_ms);
            self.pass().await;
        }
        for instant in [at_ms - 1, at_ms] {
            if instant > self.now_ms {
                self.now_ms = instant;
                self.server.move_to(instant);
                self.pass().await;
            }
        }
    }

    async fn enrol(&mut self) {
        let service = self.service();
        let ask = NewToken {
            uses: 100,
            hours: 24,
            pool: None,
        };
        let token = service.create_token(Caller::server(), ask).await.unwrap().token;
        for index in 0..HOSTS {
            let mut puppet = Puppet::enrol(&service, &token, index).await;
            puppet.truth.restart_pending = false;
            if index == CLEAR {
                puppet.truth.targets = BTreeSet::new();
            }
            puppet.check_in(&service, self.now_ms, &Said::looked(self.now_ms)).await;
            self.hosts.push(puppet);
        }
        self.pass().await;
    }

    /// A host is heard of, looks, and carries an order out that it is given.
    async fn hear(&mut self, index: usize) {
        let (service, now_ms) = (self.service(), self.now_ms);
        let host = &mut self.hosts[index];
        let look = Said {
            is_news: true,
            ..Said::looked(now_ms)
        };
        host.check_in(&service, now_ms, &look).await;
        // The server may have something for it now that it is there.
        pass(&service).await;
        let reply = host.check_in(&service, now_ms, &Said::looked(now_ms)).await;
        if let Some(order) = &reply.work_order {
            let order = v1::WorkOrder::decode(order.body.as_slice()).unwrap();
            let fails = index == FAILS;
            let end = Said {
                records: records(host.host, &order, fails, now_ms),
                is_news: true,
                is_done: !fails,
                ..Said::looked(now_ms)
            };
            host.check_in(&service, now_ms, &end).await;
        }
        self.pass().await;
    }

    /// When a stream tells of something.
    async fn told_at(&self, stream: StreamName, kind: &str) -> Vec<String> {
        let service = self.service();
        let read = service.store().read(move |tx| events::load(tx, &stream, 1, 10_000));
        let all = read.await.unwrap();
        all.iter()
            .filter(|event| event.kind == kind)
            .map(|event| utc(event.at_ms))
            .collect()
    }

    async fn of_host(&self, index: usize, kind: &str) -> Vec<String> {
        let host = self.hosts[index].host.to_string();
        self.told_at(StreamName::plan(CAMPAIGN, &host), kind).await
    }

    async fn reports(&self) -> Vec<(String, i64, Document)> {
        let service = self.service();
        let runs = service.store().read(|tx| report_runs::list(tx, 1000)).await.unwrap();
        let made = runs.into_iter().rev().filter(|run| !run.body.is_empty());
        made.map(|run| (run.period, run.made_ms, serde_json::from_str(&run.body).unwrap()))
            .collect()
    }

    async fn passed(&self) -> Vec<PassedDate> {
        self.service().campaign(CAMPAIGN.to_owned(), None).await.unwrap().passed
    }
}

/// What an agent writes of an order that goes through, or whose first step that changes something fails.
fn records(host: HostId, order: &v1::WorkOrder, fails: bool, at_ms: i64) -> Vec<StepRecord> {
    let mut told = vec![(RecordEvent::OrderAccepted, 0)];
    for step in (0..).take(order.steps.len()) {
        told.push((RecordEvent::StepBegun, step));
        if fails {
            told.extend([(RecordEvent::StepFailed, step), (RecordEvent::OrderFailed, step)]);
            break;
        }
        told.push((RecordEvent::StepDone, step));
    }
    if !fails {
        told.push((RecordEvent::OrderCompleted, 0));
    }
    (1..)
        .zip(told)
        .map(|(sequence, (event, step))| StepRecord {
            host_id: host,
            order_number: order.number,
            sequence,
            event,
            step,
            at_ms,
            boot_id: "boot-1".to_owned(),
            cause: (event == RecordEvent::StepFailed).then_some(FailureCause::ToolFailed),
            detail: String::new(),
            exit_code: None,
            log_tail: String::new(),
            until_ms: None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_june_to_october_2024_every_date_alarm_and_report_comes_at_its_instant() {
    let mut year = Year::begins().await;
    year.go_to(at(FIRST_LOOK)).await;
    year.enrol().await;
    let mondays: BTreeSet<i64> = (0..19)
        .map(|week| at("2024-06-24T10:00:00Z") + week * 7 * DAY)
        .collect();
    let mut stops = mondays.clone();
    stops.extend(
        [
            SALE, VENDOR, UPDATES, DUTY_DUE, OPENED, ULTRAAV, PUT_BACK, OFF[0], OFF[1],
        ]
        .map(at),
    );
    // Every morning the machines that are there are heard of, one a minute.
    let mornings: BTreeSet<i64> = (1..134).map(|day| at("2024-06-20T08:00:00Z") + day * DAY).collect();
    // What time alone does to the silent one.
    stops.extend(["2024-06-23T12:00:00Z", "2024-07-04T12:00:00Z"].map(at));
    stops.extend(&mornings);
    for stop in stops {
        year.go_to(stop).await;
        if stop == at(OPENED) {
            let service = year.service();
            service
                .open_wave(Caller::server(), "all".to_owned(), false)
                .await
                .unwrap();
        } else if stop == at(PUT_BACK) {
            year.hosts[REPLACED[0]].truth.targets = BTreeSet::from(["kesl", "klnagent64"]);
            year.hear(REPLACED[0]).await;
        } else if stop == at(ULTRAAV) {
            let truth = &mut year.hosts[CHANGED].truth;
            truth.targets = BTreeSet::new();
            truth.replacement = Replacement::Absent;
            truth.unapproved = true;
            year.hear(CHANGED).await;
        } else if stop == at(OFF[0]) {
            year.server.stop();
        } else if stop == at(OFF[1]) {
            year.server.open().unwrap();
            year.pass().await;
        }
        for index in (0..HOSTS).filter(|index| mornings.contains(&stop) && *index != SILENT) {
            year.go_to(stop + i64::try_from(index).unwrap() * MINUTE).await;
            year.hear(index).await;
        }
    }
    year.go_to(at(ENDS)).await;
    let alarms = [
        (FIRST_LOOK, "duty-opened"),
        (DUTY_DUE, "duty-overdue"),
        ("2024-07-09T08:04:00Z", "failed"),
        (SALE, "date-passed"),
        (PUT_BACK, "regression"),
        // The server was off at the instant itself.
        (OFF[1], "date-passed"),
        (UPDATES, "date-passed"),
    ];
    let raised: Vec<(&str, &str)> = year
        .alarms
        .iter()
        .map(|(at, alarm)| (at.as_str(), alarm.as_str()))
        .collect();
    assert_eq!(raised, alarms);

    let passed = year.passed().await;
    let stood: Vec<_> = passed
        .iter()
        .map(|it| {
            let instants = (utc(it.at_ms), utc(it.noted_ms));
            (
                it.name.as_str(),
                instants,
                it.replaced.as_str(),
                it.unknown.as_str(),
                it.open,
            )
        })
        .collect();
    let noted = |at: &str, noted: &str| (at.to_owned(), noted.to_owned());
    assert_eq!(
        stood,
        [
            ("sale", noted(SALE, SALE), "4 of 7 (57 %)", "1 of 8 (13 %)", 3),
            (
                "vendor-updates",
                noted(VENDOR, OFF[1]),
                "4 of 7 (57 %)",
                "1 of 8 (13 %)",
                3
            ),
            ("updates", noted(UPDATES, UPDATES), "4 of 7 (57 %)", "1 of 8 (13 %)", 3),
        ]
    );
    assert_eq!(
        year.told_at(StreamName::campaign(CAMPAIGN), "date-passed").await,
        [SALE, OFF[1], UPDATES]
    );

    assert_eq!(
        year.of_host(SILENT, "agent-perhaps-lost").await,
        ["2024-06-23T12:00:00Z"]
    );
    assert_eq!(year.of_host(SILENT, "went-stale").await, ["2024-07-04T12:00:00Z"]);
    assert_eq!(year.of_host(CHANGED, "target-vanished").await, [ULTRAAV]);
    assert_eq!(year.of_host(REPLACED[0], "regressed").await, [PUT_BACK]);

    let reports = year.reports().await;
    let made: BTreeSet<i64> = reports.iter().map(|(_, made_ms, _)| *made_ms).collect();
    assert_eq!((reports.len(), made), (mondays.len(), mondays));
    for (period, made_ms, document) in &reports {
        assert_eq!((period.as_str(), document.late), (utc(*made_ms).as_str(), false));
        let figures = &document.figures;
        let count = |of: &str| figures.standings.iter().find(|(standing, _)| standing == of).unwrap().1;
        assert_eq!(
            figures.standings.iter().map(|(_, count)| count).sum::<i64>(),
            HOSTS as i64,
            "{period}"
        );
        let has_passed = |instant: &str| *made_ms >= at(instant);
        let past: Vec<bool> = figures.milestones.iter().map(|it| it.past).collect();
        assert_eq!(past, [SALE, VENDOR, UPDATES].map(has_passed), "{period}");
        let replaced = if has_passed("2024-07-15T00:00:00Z") {
            "4 of 7 (57 %)"
        } else {
            "0 of 7 (0 %)"
        };
        assert_eq!(figures.replaced, replaced, "{period}");
        let overdue = if has_passed(UPDATES) { 2 } else { 0 };
        let unknown = i64::from(has_passed("2024-07-04T12:00:00Z"));
        assert_eq!((count("overdue"), count("unknown")), (overdue, unknown), "{period}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_passes_while_nobody_is_left_is_kept_once_and_alarms_nobody() {
    let mut year = Year::begins().await;
    for text in [SALE, "2024-07-21T00:00:00Z"] {
        year.now_ms = at(text);
        year.server.move_to(year.now_ms);
        year.pass().await;
    }
    let passed = year.passed().await;
    let kept: Vec<(&str, i64)> = passed.iter().map(|it| (it.name.as_str(), it.open)).collect();
    assert_eq!(kept, [("sale", 0)]);
    assert_eq!(year.alarms, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_past_when_the_campaign_came_did_not_pass_under_anybodys_eyes() {
    let server = Server::start(7, &preset(), at("2024-08-01T00:00:00Z")).await.unwrap();
    let service = server.service().unwrap();
    pass(&service).await;
    let campaign = service.campaign(CAMPAIGN.to_owned(), None).await.unwrap();
    assert_eq!(campaign.passed, []);
}
