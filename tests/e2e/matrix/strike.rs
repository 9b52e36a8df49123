//! Waits for the moment of a cell, and strikes.

use std::time::Duration;

use anyhow::{Context, Result};
use cutover_proto::step::{Action, Step, StepKind};
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::packages;
use rusqlite::{Connection, OpenFlags};

use super::cell::{AtRestart, Call, Cell, Cut, Disk, Moment};
use super::journal::{self, Line};
use crate::dpkg;
use crate::server::Server;
use crate::station::{LIMIT, Station};

/// Fills the disk of the agent's state to the last byte.
const FILL: &str = "head -c 1G /dev/zero >/var/lib/cutover/filler 2>/dev/null; sync; true";

/// Holds dpkg's locks as another installer does, by fcntl (dpkg(1)), until it is stopped, and says so by a file.
const LOCK: &str = "use Fcntl;\nmy @held;\nfor my $name ('lock-frontend', 'lock') {\n    \
    open my $file, '+>>', \"/var/lib/dpkg/$name\" or die $!;\n    \
    my $lock = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);\n    \
    fcntl($file, F_SETLK, $lock) or die $!;\n    push @held, $file;\n}\n\
    open my $said, '>', '/run/locked' or die $!;\nsleep;\n";

/// What must hold before the host enrols.
pub(super) fn prepare(cell: &Cell, station: &Station) -> Result<()> {
    match cell {
        Cell::RemovalBroken => packages::break_removal(&station.machine, "kesl"),
        Cell::AptLocked => {
            std::fs::write(station.machine.outside("/root/lock.pl"), LOCK)?;
            let line = ["systemd-run", "--unit=locker", "/usr/bin/perl", "/root/lock.pl"];
            station.machine.run(&line, LIMIT)?.succeeded()?;
            wait_until("the locks are held", LIMIT, || {
                Ok(station.machine.run(&["test", "-e", "/run/locked"], LIMIT)?.code() == Some(0))
            })?;
            Ok(())
        }
        // Debian's packages say so in this way.
        Cell::AgentKilledAtRestart(_) => {
            let wait = ["touch", "/run/reboot-required"];
            station.machine.run(&wait, LIMIT)?.succeeded().map(drop)
        }
        Cell::AgentKilled(..) | Cell::ServerKilled(_) | Cell::NetworkCut | Cell::DiskFull(_) | Cell::PowerCut(_) => {
            Ok(())
        }
    }
}

/// Enrols. Where the server is to be killed at this call, it is as soon as the host exists; then the same line is given
/// again, as an administrator would.
pub(super) fn enrol(cell: &Cell, station: &Station, server: &mut Server) -> Result<()> {
    let token = server.token()?;
    if *cell != Cell::ServerKilled(Call::Enrol) {
        station.enroll(server, &token)?.succeeded()?;
        return Ok(());
    }
    let enrolling = station.start_to_enroll(server, &token)?;
    wait_until("the host exists", LIMIT, || {
        Ok(count(server, "SELECT count(*) FROM host")? > 0)
    })?;
    server.kill_hard()?;
    server.start_again()?;
    let mut enrolling = enrolling;
    if enrolling.wait(LIMIT)?.code() != Some(0) {
        station.enroll(server, &token)?.succeeded()?;
    }
    Ok(())
}

/// Strikes when the moment has come; gives what the agent's journal said last when it had.
pub(super) fn strike(cell: &Cell, steps: &[Step], station: &mut Station, server: &mut Server) -> Result<String> {
    match cell {
        Cell::AgentKilled(moment, _) => {
            wait_for_line(station, |line| is_the_moment(*moment, steps, line))?;
            station.kill_agent()?;
        }
        Cell::ServerKilled(call) => {
            let query = match call {
                Call::Enrol => return Ok("the host existed".to_owned()),
                Call::CheckInWithInventory => "SELECT count(*) FROM inventory",
                Call::CheckInWithOrder => "SELECT count(*) FROM work_order WHERE state = 'fetched'",
                Call::CheckInWithRecords => "SELECT count(*) FROM step_record",
            };
            wait_until("the call is durable", LIMIT, || Ok(count(server, query)? > 0))?;
            server.kill_hard()?;
            server.start_again()?;
        }
        Cell::NetworkCut => {
            let removal = steps.iter().position(|step| step.action.kind().is_destructive());
            let removal = u32::try_from(removal.context("the order removes something")?)?;
            wait_for_line(station, |line| is_record(line, removal, &["step-begun"]))?;
            station.machine.cut_network()?;
            let ended = wait_for_line(station, |line| is_record(line, 0, &["order-completed", "order-failed"]));
            station.machine.give_network_back()?;
            ended?;
        }
        Cell::DiskFull(Disk::StateAtFirst) => until_the_agent_complains(station)?,
        Cell::DiskFull(Disk::StateInRemoval) => {
            let held = packages::hold_removal(&station.machine, "kesl")?;
            held.wait_until_reached(LIMIT)?;
            station.machine.run(&["sh", "-c", FILL], LIMIT)?.succeeded()?;
            drop(held);
            wait_until("kesl is gone", LIMIT, || {
                Ok(!dpkg::states(&station.machine)?.contains("kesl "))
            })?;
            until_the_agent_complains(station)?;
        }
        Cell::AptLocked => {
            // A download waits for the locks too: apt takes them for every kind of installation.
            let logs = station.machine.outside("/var/lib/cutover/agent/tool-logs");
            wait_until("apt waits for the lock", LIMIT, || {
                let logs = std::fs::read_dir(&logs).into_iter().flatten().flatten();
                let mut said = logs.map(|log| std::fs::read_to_string(log.path()).unwrap_or_default());
                Ok(said.any(|said| said.contains("Could not get lock")))
            })?;
            let stop = ["systemctl", "stop", "locker.service"];
            station.machine.run(&stop, LIMIT)?.succeeded()?;
        }
        Cell::AgentKilledAtRestart(at) => {
            wait_for_line(station, |line| match at {
                AtRestart::Noticed => is_record(line, 0, &["restart-noticed"]),
                AtRestart::Asked => *line == Line::RestartAsked,
            })?;
            // The machine may be going down already.
            let killed = station.kill_agent();
            let said = journal::last(&station.journal());
            station.machine.wait_for_restart(LIMIT)?;
            if *at == AtRestart::Noticed {
                killed?;
            }
            return Ok(said);
        }
        Cell::PowerCut(cut) => {
            let held = match cut {
                Cut::Installation => {
                    let installs = place_of(steps, StepKind::InstallPackages)?;
                    wait_for_line(station, |line| *line == Line::Tool(installs))?;
                    wait_until("dpkg unpacks", LIMIT, || Ok(station.machine.process("dpkg")?.is_some()))?;
                    None
                }
                Cut::Removal => {
                    let held = packages::hold_removal(&station.machine, "kesl")?;
                    held.wait_until_reached(LIMIT)?;
                    Some(held)
                }
            };
            station.machine.cut_power()?;
            drop(held);
            station.machine.boot()?;
        }
        Cell::DiskFull(Disk::Cache) | Cell::RemovalBroken => {}
    }
    Ok(journal::last(&station.journal()))
}

/// Fills the disk, waits until the agent says so, and frees it again.
fn until_the_agent_complains(station: &Station) -> Result<()> {
    station.machine.run(&["sh", "-c", FILL], LIMIT)?.succeeded()?;
    let complains = wait_until("the agent says that its disk is full", LIMIT, || {
        let log = station.agent_log();
        Ok(["no room", "No space left"].iter().any(|words| log.contains(words)))
    });
    let free = ["rm", "-f", "/var/lib/cutover/filler"];
    station.machine.run(&free, LIMIT)?.succeeded()?;
    complains
}

fn wait_for_line(station: &Station, wanted: impl Fn(&Line) -> bool) -> Result<()> {
    wait_until("the journal comes to the moment", LIMIT, || {
        Ok(journal::lines(&station.journal()).iter().any(&wanted))
    })
}

fn is_the_moment(moment: Moment, steps: &[Step], line: &Line) -> bool {
    match moment {
        Moment::Accepted => is_record(line, 0, &["order-accepted"]),
        Moment::Inside(step) => {
            let action = usize::try_from(step).ok().and_then(|step| steps.get(step));
            // The hands do these themselves.
            let has_no_tool = |step: &Step| matches!(step.action, Action::Sweep { .. } | Action::WriteConfig { .. });
            if action.is_some_and(has_no_tool) {
                is_record(line, step, &["step-begun"])
            } else {
                // What is found done needs none: a package starts its services itself.
                *line == Line::Tool(step) || is_record(line, step, &["step-found-done"])
            }
        }
        Moment::After(step) => is_record(line, step, &["step-done", "step-found-done"]),
    }
}

fn place_of(steps: &[Step], kind: StepKind) -> Result<u32> {
    let place = steps.iter().position(|step| step.action.kind() == kind);
    Ok(u32::try_from(
        place.with_context(|| format!("the order has a step {kind}"))?,
    )?)
}

fn is_record(line: &Line, wanted: u32, events: &[&str]) -> bool {
    matches!(line, Line::Record { step, event } if *step == wanted && events.contains(&event.as_str()))
}

fn count(server: &Server, query: &str) -> Result<i64> {
    let store = Connection::open_with_flags(server.store(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    store.busy_timeout(Duration::from_secs(5))?;
    Ok(store.query_row(query, [], |row| row.get(0))?)
}
