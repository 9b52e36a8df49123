//! One cell, from an empty machine to where its host stays.

use anyhow::{Context, Result, ensure};
use cutover_proto::record::RecordEvent;
use cutover_proto::step::{Replay, Step};
use cutover_tests::harness::debian_root::DebianRoot;
use cutover_tests::harness::packages;
use cutover_tests::harness::signatures::{self, SignatureMirror};

use super::cell::Cell;
use super::strike;
use crate::evidence::{self, Evidence};
use crate::server::{ProtectionTime, Server, Verdict};
use crate::station::{self, LIMIT, Station};

/// What all cells have in common: the machine that each is a copy of, and the site's mirror of signatures.
pub(super) struct Site {
    prepared: DebianRoot,
    mirror: SignatureMirror,
}

impl Site {
    /// With products, certificate and agent on the machine.
    pub(super) fn prepare() -> Result<Self> {
        let prepared = station::prepared()?;
        packages::plant_certificate(&prepared)?;
        signatures::start_clamd_without_the_official(&prepared)?;
        Ok(Self {
            prepared,
            mirror: SignatureMirror::start()?,
        })
    }

    /// A server for one machine, with ClamAV as a service as the replacement; the machine reaches it and the mirror.
    fn server(&self, station: &mut Station) -> Result<Server> {
        let at = station.machine.forward(self.mirror.port())?;
        let server = Server::start_for(Some(signatures::replacement("clamav-daemon", at, &[])))?;
        station.machine.forward(server.port())?;
        Ok(server)
    }
}

/// How a cell ended.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What the agent's journal said last when the fault struck.
    pub(super) at: String,
    /// Where the host stays.
    pub(super) phase: String,
    /// Why, and what a person can do about it; empty where nothing is to be done.
    pub(super) remedy: String,
    /// How many orders there were.
    pub(super) orders: usize,
    /// The server's figures.
    pub(super) spent: ProtectionTime,
}

/// The way without a fault, and the steps of its order.
pub(super) fn without_a_fault(site: &Site) -> Result<(Vec<Step>, Outcome)> {
    let mut station = Station::boot(&site.prepared, "reference", &[])?;
    let mut server = site.server(&mut station)?;
    let outcome = go("reference", None, &[], &mut station, &mut server);
    let (outcome, kept) = outcome.with_context(|| logs(&station, &server))?;
    ensure!(
        outcome.phase == "migrated",
        "without a fault the host is {}: {}",
        outcome.phase,
        outcome.remedy
    );
    let order = kept.orders.into_iter().next().context("an order")?;
    Ok((order.order.steps, outcome))
}

/// The same with one fault; what must hold has been checked.
pub(super) fn with_fault(site: &Site, number: usize, cell: &Cell, steps: &[Step]) -> Result<Outcome> {
    let name = format!("cell-{number}");
    let mut station = Station::boot(&site.prepared, &name, cell.volumes())?;
    let mut server = site.server(&mut station)?;
    let outcome = go(&name, Some(cell), steps, &mut station, &mut server).and_then(|(outcome, kept)| {
        let ends = cell.ends(steps);
        ensure!(
            ends.contains(&outcome.phase.as_str()),
            "it ended {}, not {ends:?}: {}",
            outcome.phase,
            outcome.remedy
        );
        ensure!(
            outcome.phase == "migrated" || !outcome.remedy.is_empty(),
            "{} names no remedy",
            outcome.phase
        );
        ensure!(
            outcome.spent.unprotected == 0,
            "without protection: {:?}",
            outcome.spent
        );
        no_once_step_ran_twice(&kept)?;
        Ok(outcome)
    });
    outcome.with_context(|| logs(&station, &server))
}

fn go(
    name: &str,
    cell: Option<&Cell>,
    steps: &[Step],
    station: &mut Station,
    server: &mut Server,
) -> Result<(Outcome, Evidence)> {
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    let mut at = String::new();
    if let Some(cell) = cell {
        strike::prepare(cell, station)?;
        strike::enrol(cell, station, server)?;
        station.start_agent()?;
        at = strike::strike(cell, steps, station, server)?;
    } else {
        let token = server.token()?;
        station.enroll(server, &token)?.succeeded()?;
        station.start_agent()?;
    }
    let host = server.wait_until_settled(name, LIMIT)?;
    ensure!(host.chain_verified, "the chains of its events do not verify");
    let kept = evidence::of_the_only_host(&server.store())?;
    if host.phase == "migrated" {
        // An order that failed once the products were gone leaves its sweep undone, and its remnants are listed.
        let may_leave = matches!(cell, Some(Cell::DiskFull(_) | Cell::PowerCut(_)));
        let is_fine = |seen: &Verdict| seen.product.starts_with("clamav") || (may_leave && seen.verdict == "remnant");
        ensure!(
            !host.verdicts.is_empty() && host.verdicts.iter().all(is_fine),
            "migrated, and the last look saw {:?}",
            host.verdicts
        );
        ensure!(
            station.scan()?.code() == Some(0),
            "migrated, and a look on the machine finds something"
        );
    }
    let remedy = if host.phase == "migrated" {
        String::new()
    } else {
        host.why.join(" | ")
    };
    let outcome = Outcome {
        at,
        phase: host.phase,
        remedy,
        orders: kept.orders.len(),
        spent: host.protection_seconds,
    };
    Ok((outcome, kept))
}

fn no_once_step_ran_twice(kept: &Evidence) -> Result<()> {
    for order in &kept.orders {
        for (number, step) in (0_u32..).zip(&order.order.steps) {
            let begun = order
                .records
                .iter()
                .filter(|record| record.step == number && record.event == RecordEvent::StepBegun)
                .count();
            let kind = step.action.kind();
            ensure!(
                kind.replay() != Replay::Once || begun <= 1,
                "{kind} began {begun} times in order {}",
                order.order.number
            );
        }
    }
    Ok(())
}

fn logs(station: &Station, server: &Server) -> String {
    const LINES: usize = 60;
    let tail = |log: String| {
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    };
    format!("server:\n{}\nagent:\n{}", tail(server.log()), tail(station.agent_log()))
}
