//! The whole way on real input: real packages on a real root, the real agent, a real server, to `migrated`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_proto::record::RecordEvent;
use cutover_proto::step::{Replay, StepKind};
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::debian_root::readiness;
use cutover_tests::harness::{packages, requirement};

use crate::dpkg;
use crate::evidence::{self, Evidence, removed};
use crate::logs;
use crate::server::{Host, Server};
use crate::workstation::Workstation;

/// Fetching and installing ClamAV, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(240);

#[test]
fn a_debian_host_migrates_though_the_server_and_the_agent_are_killed_on_the_way() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("proof")?;
    let mut server = Server::start()?;
    let outcome = killed_on_the_way(&mut station, &mut server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn killed_on_the_way(station: &mut Workstation, server: &mut Server) -> Result<()> {
    assert_eq!(station.scan()?.code(), Some(10), "the products are there");
    let held = packages::hold_removal(&station.root, "kesl")?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.enroll(server)?;
    station.start_agent()?;

    // dpkg is at work, and both have something in hand that must not be lost.
    held.wait_until_reached(LIMIT)?;
    let before = server.host("proof")?;
    assert_eq!(before.phase, "migrating");
    server.kill_hard()?;
    server.start_again()?;
    server.wait_for_host("proof", "the agent finds the server again", LIMIT, |host| {
        host.last_contact_ms > before.last_contact_ms
    })?;
    station.kill_agent()?;
    assert!(
        dpkg::states(&station.root)?.contains("kesl ") && station.root.has("/opt/kaspersky/kesl/bin/kesl-control"),
        "the removal was held, so the kill came in its middle"
    );
    drop(held);
    wait_until("the orphaned apt has purged kesl", LIMIT, || {
        Ok(!dpkg::states(&station.root)?.contains("kesl "))
    })?;
    station.start_agent()?;

    let host = server.wait_for_host("proof", "migrated", LIMIT, |host| host.phase == "migrated")?;
    let kept = evidence::of_the_only_host(&server.store())?;
    is_the_wanted_end(station, server, &host, &kept)?;

    let [order] = kept.orders.as_slice() else {
        anyhow::bail!(
            "two kills use no attempt up, but there were {} orders",
            kept.orders.len()
        );
    };
    let mut steps = order.order.steps.iter();
    let removal = steps.position(|step| removed(&step.action) == Some("kesl"));
    let removal = u32::try_from(removal.context("a step that removes kesl")?)?;
    let events: Vec<RecordEvent> = order
        .records
        .iter()
        .filter(|record| record.step == removal && record.event.as_str().starts_with("step-"))
        .map(|record| record.event)
        .collect();
    assert_eq!(
        events,
        [RecordEvent::StepBegun, RecordEvent::StepFoundDone],
        "the orphan's work is found done, not done again"
    );
    logs::a_check_in_can_be_followed(&station.agent_log(), &server.log())
}

#[test]
fn a_host_whose_removal_failed_is_retried_and_ends_its_work_while_the_server_is_away() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("second-try")?;
    let mut server = Server::start()?;
    let outcome = retried(&mut station, &mut server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn retried(station: &mut Workstation, server: &mut Server) -> Result<()> {
    packages::fail_removal_once(&station.root, "kesl")?;
    let held = packages::hold_removal(&station.root, "klnagent64")?;
    station.enroll(server)?;
    station.start_agent()?;
    server.wait_for_host("second-try", "planned", LIMIT, |host| host.phase == "planned")?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;

    held.wait_until_reached(LIMIT)?;
    server.kill_hard()?;
    drop(held);
    wait_until("the order is done without a server", LIMIT, || {
        let left = packages::LEFTOVERS.iter().any(|path| station.root.has(path));
        Ok(!left && dpkg::states(&station.root)?.is_empty())
    })?;
    server.start_again()?;

    let host = server.wait_for_host("second-try", "migrated", LIMIT, |host| host.phase == "migrated")?;
    let kept = evidence::of_the_only_host(&server.store())?;
    is_the_wanted_end(station, server, &host, &kept)?;

    assert_eq!(kept.orders.len(), 2, "one attempt failed, one did not");
    let failed: Vec<_> = kept.orders[0]
        .records
        .iter()
        .filter(|record| record.event == RecordEvent::StepFailed)
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        failed[0].log_tail.contains("kesl: the product could not be stopped"),
        "the log has what the removal script said: {:?}",
        failed[0]
    );
    Ok(())
}

/// What must hold in the end, whatever happened on the way.
fn is_the_wanted_end(station: &mut Workstation, server: &Server, host: &Host, kept: &Evidence) -> Result<()> {
    the_products_are_gone(station)?;
    clamav_came_from_the_distribution(station)?;
    no_step_was_done_twice(kept)?;

    assert!(host.chain_verified, "the chains of its events");
    assert_eq!(host.protection, "on-demand");
    let seen: Vec<(&str, &str)> = host
        .verdicts
        .iter()
        .map(|verdict| (verdict.product.as_str(), verdict.verdict.as_str()))
        .collect();
    assert_eq!(seen, [("clamav", "installed")], "all that the last look found");
    let status = server.cutover(&["status", "--output", "json"])?.succeeded()?;
    let status: serde_json::Value = serde_json::from_str(&status.stdout)?;
    assert_eq!(status["hosts"], 1, "{status:#}");
    assert_eq!(status["replaced"]["part"], 1, "{status:#}");

    // By the records, which are signed: first the window, then the product, then its agent, and in the end the test file.
    let gone: Vec<&str> = kept
        .orders
        .iter()
        .flat_map(evidence::Order::done)
        .filter_map(removed)
        .collect();
    assert_eq!(last_of_each(&gone), packages::IN_ORDER_OF_REMOVAL);
    let tested = host.steps.iter().any(|step| {
        step.event == "step-done" && step.detail.contains("named the test file") && step.detail.contains("EICAR")
    });
    assert!(tested, "ClamAV named the EICAR file: {:#?}", host.steps);
    let last = kept.orders.last().and_then(|order| order.records.last());
    assert_eq!(last.map(|record| record.event), Some(RecordEvent::OrderCompleted));
    assert!(kept.inventories.len() >= 2, "one inventory from before, one from after");
    Ok(())
}

fn the_products_are_gone(station: &mut Workstation) -> Result<()> {
    let root = &station.root;
    assert_eq!(dpkg::states(root)?, "", "nothing is left in dpkg's database");
    assert_eq!(log_of_ours(station, "remove")?, packages::IN_ORDER_OF_REMOVAL);
    // The window has no configuration files, so dpkg has nothing to purge of it.
    assert_eq!(log_of_ours(station, "purge")?, packages::IN_ORDER_OF_REMOVAL[1..]);
    for path in packages::LEFTOVERS {
        assert!(!root.has(path), "{path} was not swept");
    }
    for path in [
        "/opt/kaspersky",
        "/etc/opt/kaspersky",
        "/var/opt/kaspersky",
        "/etc/systemd/system/multi-user.target.wants/kesl.service",
        "/etc/systemd/system/multi-user.target.wants/klnagent64.service",
    ] {
        assert!(!root.has(path), "{path} is still there");
    }
    assert!(station.product_was_ended()?, "the product no longer runs");
    for (scan, place) in [(station.scan()?, "inside"), (station.scan_from_outside()?, "outside")] {
        assert_eq!(scan.code(), Some(0), "from {place}: {}{}", scan.stdout, scan.stderr);
    }
    Ok(())
}

/// The planted packages in the order in which dpkg did this with them, by its own log; of several tries the last counts.
fn log_of_ours(station: &Workstation, action: &str) -> Result<Vec<String>> {
    let log = dpkg::log(&station.root, action)?;
    let ours = log
        .iter()
        .map(String::as_str)
        .filter(|package| packages::IN_ORDER_OF_REMOVAL.contains(package));
    let ours: Vec<&str> = ours.collect();
    Ok(last_of_each(&ours).into_iter().map(str::to_owned).collect())
}

fn clamav_came_from_the_distribution(station: &Workstation) -> Result<()> {
    let owner = station
        .root
        .run(&["dpkg", "--search", "/usr/bin/clamscan"], LIMIT)?
        .succeeded()?;
    assert_eq!(owner.stdout, "clamav: /usr/bin/clamscan\n");
    let policy = station
        .root
        .run(&["apt-cache", "policy", "clamav"], LIMIT)?
        .succeeded()?
        .stdout;
    // `***` marks the installed version; the lines below it are where it can be had, with priority 500 for an archive.
    let source = policy.split("*** ").nth(1).and_then(|rest| rest.lines().nth(1));
    assert!(source.is_some_and(|line| line.trim().starts_with("500 ")), "{policy}");
    Ok(())
}

/// No `once` step began twice, and none began again after it was done.
fn no_step_was_done_twice(kept: &Evidence) -> Result<()> {
    let mut tests = 0;
    for order in &kept.orders {
        assert_eq!(order.state, "closed");
        let mut begun: BTreeMap<u32, u32> = BTreeMap::new();
        let mut ended: BTreeMap<u32, RecordEvent> = BTreeMap::new();
        for record in &order.records {
            match record.event {
                RecordEvent::StepBegun => {
                    ensure!(!ended.contains_key(&record.step), "begun after its end: {record:?}");
                    *begun.entry(record.step).or_default() += 1;
                }
                RecordEvent::StepDone
                | RecordEvent::StepFoundDone
                | RecordEvent::StepFailed
                | RecordEvent::StepInterrupted => {
                    let before = ended.insert(record.step, record.event);
                    ensure!(before.is_none(), "ended twice: {record:?}");
                }
                RecordEvent::OrderAccepted
                | RecordEvent::OrderRefused
                | RecordEvent::OrderCompleted
                | RecordEvent::OrderFailed
                | RecordEvent::OrderCancelled
                | RecordEvent::RestartNoticed
                | RecordEvent::RestartDeferred => {}
            }
        }
        for (index, step) in order.order.steps.iter().enumerate() {
            let times = begun.get(&u32::try_from(index)?).copied().unwrap_or_default();
            let kind = step.action.kind();
            if kind.replay() == Replay::Once {
                ensure!(times <= 1, "{kind} began {times} times in order {}", order.order.number);
            }
            tests += u32::from(kind == StepKind::DetectionTest && times > 0);
        }
    }
    // A new attempt shows the file again, before it takes the old product away; nothing else does.
    assert_eq!(
        usize::try_from(tests)?,
        kept.orders.len(),
        "one detection test for each attempt"
    );
    Ok(())
}

/// Each word once, where it stands last.
fn last_of_each<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let mut kept: Vec<&str> = Vec::new();
    for word in words.iter().rev() {
        if !kept.contains(word) {
            kept.insert(0, word);
        }
    }
    kept
}
