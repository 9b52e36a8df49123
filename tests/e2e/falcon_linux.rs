//! CrowdStrike Falcon on a machine that boots, by a stand-in that speaks the documented words of its tool. It may not stand beside
//! the target, so nothing goes before the server has what makes it the organisation's; and after that the host is migrated only
//! once the sensor is that customer's, has an id of its cloud and is not in reduced mode.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_proto::step::StepKind;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::machine::{Machine, readiness};
use cutover_tests::harness::{packages, requirement};

use crate::evidence;
use crate::scanned::{health, protection, says};
use crate::server::Server;
use crate::station::{self, Station};

/// The work, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(60);
const HOST: &str = "sensed";
const FALCON: &str = "crowdstrike-falcon";
const FALCONCTL: &str = "/opt/CrowdStrike/falconctl";

/// The customer that the campaign names, as its console shows the id, and another.
const OURS: &str = "79391C24113773B01D8181C38C3E111A-5B";
const ANOTHERS: &str = "0123456789ABCDEF0123456789ABCDEF-C4";
const TOKEN: &str = "B1DE97F1-token";

/// Where the stand-in reads that no cloud is reached, and that it does not know the kernel.
const OFFLINE: &str = "/var/lib/stand-in/falcon.offline";
const REDUCED: &str = "/var/lib/stand-in/falcon.reduced";

#[test]
fn falcon_takes_the_targets_place_only_as_the_organisations_with_an_id_and_in_full_mode() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Station::boot(&station::prepared()?, HOST, &[])?;
    let directory = tempfile::tempdir()?;
    let file = packages::falcon(&station.machine, directory.path())?;

    let server = Server::start_for(Some(toml::toml! {
        os_family = ["linux"]
        product = "crowdstrike-falcon"
        tenant = "79391C24113773B01D8181C38C3E111A-5B"
    }))?;
    let file = file.to_str().context("a path in UTF-8")?;
    let add = ["artifact", "add", file, "--product", FALCON, "--version", "7.20"];
    server.cutover(&add)?.succeeded()?;
    let outcome = the_way(&mut station, &server, directory.path());
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn the_way(station: &mut Station, server: &Server, directory: &Path) -> Result<()> {
    station.machine.forward(server.port())?;
    station.enroll(server, &server.token()?)?.succeeded()?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.start_agent()?;
    let machine = &station.machine;

    let host = server.wait_for_host(HOST, "blocked", LIMIT, |host| host.phase == "blocked")?;
    ensure!(host.reason.contains("organisation's: cid"), "{}", host.reason);
    ensure!(machine.process("kesl")?.is_some(), "nothing goes meanwhile");

    put(machine, OFFLINE)?;
    put(machine, REDUCED)?;
    set(server, directory, "provisioning-token", TOKEN)?;
    set(server, directory, "cid", OURS)?;
    server.wait_until_begun(HOST, "onboard crowdstrike-falcon", LIMIT)?;
    ensure!(machine.process("kesl")?.is_none(), "it may not stand beside it");

    // No id of its cloud, then not the kernel that it knows, then another customer's: it protects nothing, or nothing of ours.
    wait_until("it was told whose it is", SOON, || {
        Ok(health(machine, FALCON)?["tenant"] == OURS.to_lowercase()[..32])
    })?;
    says(machine, FALCON, "no agent id")?;
    is_not_over(machine, server)?;

    fs::remove_file(machine.outside(OFFLINE))?;
    wait_until("its cloud gave it an id", SOON, || {
        let why = health(machine, FALCON)?["why"].as_str().unwrap_or_default().to_owned();
        Ok(!why.contains("no agent id"))
    })?;
    says(machine, FALCON, "reduced functionality mode")?;
    is_not_over(machine, server)?;

    by_hand(machine, ANOTHERS)?;
    fs::remove_file(machine.outside(REDUCED))?;
    is_taken_by_another(machine)?;
    ensure!(server.host(HOST)?.phase == "migrating", "it is another customer's");

    by_hand(machine, OURS)?;
    let host = server.wait_for_host(HOST, "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert_eq!(host.protection, "real-time");
    ensure!(host.chain_verified, "its history");
    ensure!(host.protection_seconds.unprotected > 0, "the gap is in the account");
    done_in_this_order(server)?;
    is_told_to_nobody_else(station, server)?;

    // Whose it is counts for as long as the host is watched.
    by_hand(machine, ANOTHERS)?;
    // The look that the agent begins with is the only one for long.
    is_taken_by_another(machine)?;
    station.stop_agent()?;
    station.start_agent()?;
    let part = "belongs to tenant 0123456789abcdef0123456789abcdef";
    server.wait_for_host(HOST, "told to be another customer's", LIMIT, |host| {
        host.reason.contains(part) || host.why.iter().any(|line| line.contains(part))
    })?;
    Ok(())
}

fn is_not_over(machine: &Machine, server: &Server) -> Result<()> {
    assert_eq!(protection(machine)?, "none");
    let host = server.host(HOST)?;
    ensure!(host.phase == "migrating", "{}: {}", host.phase, host.reason);
    Ok(())
}

fn is_taken_by_another(machine: &Machine) -> Result<()> {
    wait_until("the other one's cloud took it", SOON, || {
        let others = health(machine, FALCON)?;
        let is_well = others["state"] == "healthy" && others["grade"] == "real-time";
        Ok(is_well && others["tenant"] == ANOTHERS.to_lowercase()[..32])
    })
}

/// As a technician would: the id of the cloud that it had goes, since it would say nothing of the one that it has then.
fn by_hand(machine: &Machine, customer: &str) -> Result<()> {
    machine.run(&[FALCONCTL, "-d", "-f", "--aid"], SOON)?.succeeded()?;
    let customer = format!("--cid={customer}");
    machine.run(&[FALCONCTL, "-s", "-f", &customer], SOON)?.succeeded()?;
    Ok(())
}

fn put(machine: &Machine, knob: &str) -> Result<()> {
    let knob = machine.outside(knob);
    fs::create_dir_all(knob.parent().context("a directory")?)?;
    Ok(fs::write(knob, "")?)
}

fn set(server: &Server, directory: &Path, name: &str, value: &str) -> Result<()> {
    let file = directory.join(name);
    fs::write(&file, format!("{value}\n"))?;
    let file = file.to_str().context("a path in UTF-8")?;
    let set = ["secret", "set", name, "--product", FALCON, "--value-file", file];
    server.cutover(&set)?.succeeded()?;
    Ok(())
}

/// The signed records of one order have the targets go first, and the sensor looked at last.
fn done_in_this_order(server: &Server) -> Result<()> {
    let kept = evidence::of_the_only_host(&server.store())?;
    let [order] = kept.orders.as_slice() else {
        anyhow::bail!("{} orders where one is enough", kept.orders.len());
    };
    let kinds: Vec<StepKind> = order.done().map(|action| action.kind()).collect();
    let way = [
        StepKind::FetchArtifact,
        StepKind::RemovePackages,
        StepKind::RemovePackages,
        StepKind::RemovePackages,
        StepKind::InstallArtifact,
        StepKind::SetUp,
        StepKind::SetUp,
    ];
    assert_eq!(kinds.get(..way.len()), Some(&way[..]), "{kinds:?}");
    let said = order.records.iter().find(|record| record.log_tail.contains("--cid="));
    let said = said.context("the tool repeats what it was given")?;
    ensure!(
        said.log_tail.contains("--cid=[secret] --provisioning-token=[secret]"),
        "{}",
        said.log_tail
    );
    Ok(())
}

/// The product has it, and a command line had it for a moment; no log, no state and no store keep it.
fn is_told_to_nobody_else(station: &Station, server: &Server) -> Result<()> {
    let machine = &station.machine;
    let token = machine.outside("/opt/CrowdStrike/state/token");
    assert_eq!(fs::read_to_string(token)?.trim(), TOKEN);
    let journal = machine.run(&["journalctl", "--no-pager", "--output=export"], SOON)?;
    let told = [
        ("the system's log", journal.succeeded()?.stdout),
        ("the agent's log", station.agent_log()),
        ("the server's log", server.log()),
    ];
    for (what, text) in told {
        ensure!(!text.is_empty() && !text.contains(TOKEN), "{what} has the token");
    }
    let mut seen = 0;
    for below in [machine.outside("/var/lib/cutover"), server.data_dir()] {
        nowhere_below(&below, &mut seen)?;
    }
    ensure!(seen > 5, "{seen} files");
    Ok(())
}

fn nowhere_below(directory: &Path, seen: &mut usize) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            nowhere_below(&entry.path(), seen)?;
        } else if entry.file_type()?.is_file() {
            let bytes = fs::read(entry.path())?;
            let has = bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
            ensure!(!has, "{} has the token", entry.path().display());
            *seen += 1;
        }
    }
    Ok(())
}
