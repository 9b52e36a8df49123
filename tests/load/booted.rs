//! The agent as the service that is shipped, on a machine that boots and carries the products.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::{
    machine::{Machine, Network, Setup, readiness},
    packages, release,
};

use crate::{
    at_rest::{self, AtRest, CHECK_IN, has_looked, still_heard},
    installation::Installation,
    program::built,
    setting::Setting,
    table,
};

const LIMIT: Duration = Duration::from_secs(240);

const UNIT: &str = "cutover-agent.service";

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    rest: at_rest::Options,
    /// Scans on the machine whose CPU is taken together.
    #[arg(long, default_value_t = 50)]
    scans: u32,
}

/// Measures and prints.
///
/// # Errors
/// When no machine can be made here, or the agent does not connect.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(options.scans > 0, "without a scan there is nothing to measure");
    readiness()?;
    let setting = Setting::of_this_run()?;
    let program = built("cutover-agent", options.rest.agent.as_deref())?;
    let mut installation = options.rest.installation()?;

    table::progress("a machine is made, and boots");
    let mut machine = Machine::assemble(&Setup {
        hostname: "measured",
        network: Network::Own,
        volumes: &[],
    })?;
    packages::plant(&machine)?;
    release::install(&machine, "agent", &program)?;
    machine.boot()?;
    start(&mut machine, &mut installation)?;
    options.rest.settle();

    let agent = machine.process("cutover-agent")?.context("the agent runs")?;
    let before = cpu_of_the_unit(&machine)?;
    let used = AtRest::watch(agent.unsigned_abs(), options.rest.minutes)?;
    let unit = used.per_minute(cpu_of_the_unit(&machine)?.saturating_sub(before));
    still_heard(&installation)?;
    table::progress(&format!("{} scans on the machine", options.scans));
    let scan = cpu_of_scans(&machine, options.scans)? / options.scans;

    let mut rows = used.rows().to_vec();
    rows.push([
        "CPU a minute of the unit, with the tools that looks call".to_owned(),
        format!("{unit:.2} ms"),
    ]);
    rows.push([
        "CPU of one scan on it, mean, with the tools that it calls".to_owned(),
        format!("{:.1} ms", scan.as_secs_f64() * 1e3),
    ]);
    table::print(
        &format!(
            "Agent: as a service on a booted Debian machine with the products running, a check-in every {CHECK_IN} s"
        ),
        &setting,
        ["figure", "value"],
        &rows,
    )
}

fn start(machine: &mut Machine, installation: &mut Installation) -> Result<()> {
    let token = installation.token(1)?;
    let address = machine.forward(installation.agents().port())?.to_string();
    let enroll = ["/usr/bin/cutover-agent", "enroll", "--server", &address];
    let pinned = ["--ca-fingerprint", &token.ca_fingerprint, "--token", &token.token];
    machine.run(&[&enroll[..], &pinned].concat(), LIMIT)?.succeeded()?;
    machine.run(&["systemctl", "start", UNIT], LIMIT)?.succeeded()?;
    has_looked(installation, || Ok(()))
}

/// What the unit's control group has used since it was started.
fn cpu_of_the_unit(machine: &Machine) -> Result<Duration> {
    let path = format!("/sys/fs/cgroup/system.slice/{UNIT}/cpu.stat");
    let text = machine.run(&["cat", &path], LIMIT)?.succeeded()?.stdout;
    let used = text.lines().find_map(|line| line.strip_prefix("usage_usec "));
    let used = used.and_then(|value| value.parse().ok());
    Ok(Duration::from_micros(
        used.with_context(|| format!("{path} says {text}"))?,
    ))
}

/// User and system time of so many scans one after another, as the shell that starts them counts its children.
fn cpu_of_scans(machine: &Machine, scans: u32) -> Result<Duration> {
    let script = format!(
        "i=0; while [ $i -lt {scans} ]; do cutover-agent scan >/dev/null; [ $? = 10 ] || exit 1; i=$((i+1)); done; times"
    );
    fs::write(machine.outside("/root/scans.sh"), script)?;
    let times = machine.run(&["/bin/sh", "/root/scans.sh"], LIMIT)?.succeeded()?.stdout;
    children(&times).with_context(|| format!("times(1) says {times}"))
}

/// The second line of what the shell's `times` prints: user and system time of its children, as `0m1.230000s`.
fn children(times: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for time in times.lines().nth(1)?.split_whitespace() {
        let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
        sum += Duration::from_secs(minutes.parse::<u64>().ok()? * 60);
        sum += Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_children_are_on_the_second_line() {
        let times = "0m0.010000s 0m0.020000s\n1m2.500000s 0m1.250000s\n";
        assert_eq!(children(times), Some(Duration::from_millis(63_750)));
        assert_eq!(children("0m0.010000s 0m0.020000s\n"), None);
    }
}
