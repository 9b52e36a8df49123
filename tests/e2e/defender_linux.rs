//! Microsoft Defender for Endpoint on a machine that boots, by a stand-in that speaks the documented health report: it stands
//! back until the target went, whatever is wrong with it is said by name, and nothing is removed before it is ready.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_proto::record::RecordEvent;
use cutover_proto::step::StepKind;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::machine::{Machine, readiness};
use cutover_tests::harness::{packages, requirement};

use crate::evidence;
use crate::scanned::{health, protection, says, says_nothing};
use crate::server::Server;
use crate::station::{self, Station};

/// The work, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(60);
const HOST: &str = "defended";
const DEFENDER: &str = "defender-endpoint";

/// The tenant that the campaign names, and another.
const OURS: &str = "7b6c1d1e-8f00-4a51-9c1d-0000000000a1";
const ANOTHERS: &str = "00c0ffee-8f00-4a51-9c1d-0000000000b2";

const EXPIRED: &str = "{\"expired\": \"5f0c\"}\n";
const ONBOARDING: &str = "/etc/opt/microsoft/mdatp/mdatp_onboard.json";
const MANAGED: &str = "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json";
/// Where the stand-in reads with whom it is in conflict.
const CONFLICT: &str = "/var/lib/stand-in/mdatp.conflict";

#[test]
fn defender_is_ready_before_the_target_goes_and_what_is_wrong_with_it_is_said_and_waited_for() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Station::boot(&station::prepared()?, HOST, &[])?;
    let directory = tempfile::tempdir()?;
    let file = packages::defender(&station.machine, directory.path())?;

    let server = Server::start_for(Some(toml::toml! {
        os_family = ["linux"]
        product = "defender-endpoint"
        source = "artifacts"
        tenant = "7b6c1d1e-8f00-4a51-9c1d-0000000000a1"
    }))?;
    let file = file.to_str().context("a path in UTF-8")?;
    let add = ["artifact", "add", file, "--product", DEFENDER, "--version", "101.24082"];
    server.cutover(&add)?.succeeded()?;
    // One that its cloud does not take.
    let onboarding = directory.path().join("onboarding.json");
    fs::write(&onboarding, EXPIRED)?;
    let onboarding = onboarding.to_str().context("a path in UTF-8")?;
    let set = [
        "secret",
        "set",
        "onboarding",
        "--product",
        DEFENDER,
        "--whole",
        "--value-file",
        onboarding,
    ];
    server.cutover(&set)?.succeeded()?;
    let outcome = the_way(&mut station, &server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn the_way(station: &mut Station, server: &Server) -> Result<()> {
    station.machine.forward(server.port())?;
    station.enroll(server, &server.token()?)?.succeeded()?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.start_agent()?;
    let machine = &station.machine;

    server.wait_until_begun(HOST, "onboard defender-endpoint", LIMIT)?;
    nothing_goes_before_it_is_ready(machine)?;

    // Now it may, but for its mode, which the organisation's own settings keep.
    put(
        machine,
        MANAGED,
        "{\"antivirusEngine\": {\"enforcementLevel\": \"passive\"}}\n",
    )?;
    onboard(machine, OURS, "licensed")?;
    server.wait_until_begun(HOST, "have defender-endpoint protect", LIMIT)?;
    ensure!(machine.process("kesl")?.is_none(), "the target went");
    let ready = health(machine, DEFENDER)?;
    assert_eq!(
        (&ready["state"], &ready["grade"]),
        (&"healthy".into(), &"passive".into()),
        "{ready}"
    );
    assert!(
        ready["why"]
            .as_str()
            .is_some_and(|why| why.contains("mdatp_managed.json")),
        "{ready}"
    );
    assert_eq!(protection(machine)?, "passive", "which is no protection");
    ensure!(server.host(HOST)?.phase == "migrating", "and not the end of the work");

    fs::remove_file(machine.outside(MANAGED))?;
    let host = server.wait_for_host(HOST, "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert_eq!(host.protection, "real-time");
    ensure!(host.chain_verified, "its history");
    assert!(host.protection_seconds.unprotected > 0, "the gap is in the account");
    station.stop_agent()?;
    proven_by_its_own_history(server)?;
    let dumped = fs::read(server.store())?;
    ensure!(
        !dumped.windows(EXPIRED.len()).any(|part| part == EXPIRED.as_bytes()),
        "sealed in the store"
    );

    put(machine, CONFLICT, "clamonacc")?;
    says(machine, DEFENDER, "shares its grip on files with clamonacc")?;
    assert_eq!(protection(machine)?, "none");
    fs::remove_file(machine.outside(CONFLICT))?;
    says_nothing(machine, DEFENDER)
}

/// Not onboarded, another tenant's, without a licence: each is said, and the target is there all the while.
fn nothing_goes_before_it_is_ready(machine: &Machine) -> Result<()> {
    let brought = machine.outside(ONBOARDING);
    wait_until("the onboarding file is brought", SOON, || Ok(brought.exists()))?;
    assert_eq!(fs::read_to_string(&brought)?, EXPIRED);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&brought)?.permissions());
    assert_eq!(mode & 0o7777, 0o600, "root's alone");
    says(machine, DEFENDER, "it is not onboarded")?;
    assert_eq!(protection(machine)?, "real-time", "by the target");

    onboard(machine, ANOTHERS, "licensed")?;
    wait_until("its definitions came", SOON, || {
        Ok(health(machine, DEFENDER)?["state"] == "healthy")
    })?;
    assert_eq!(health(machine, DEFENDER)?["tenant"], ANOTHERS);
    ensure!(
        machine.process("kesl")?.is_some(),
        "it is another's, and removes nothing"
    );

    onboard(machine, OURS, "unlicensed")?;
    says(machine, DEFENDER, "it has no licence")?;
    ensure!(
        machine.process("kesl")?.is_some(),
        "it has no licence, and removes nothing"
    );
    Ok(())
}

fn onboard(machine: &Machine, tenant: &str, licence: &str) -> Result<()> {
    put(
        machine,
        ONBOARDING,
        &format!("{{\"orgId\": \"{tenant}\", \"licence\": \"{licence}\"}}\n"),
    )
}

/// Whole or not at all, as whoever reads it must find it.
fn put(machine: &Machine, path: &str, text: &str) -> Result<()> {
    let path = machine.outside(path);
    fs::create_dir_all(path.parent().context("a directory")?)?;
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    Ok(fs::rename(&new, &path)?)
}

/// The signed records have every step done, in this order, and the test file by the name that the product's history gives it.
fn proven_by_its_own_history(server: &Server) -> Result<()> {
    let kept = evidence::of_the_only_host(&server.store())?;
    let [order] = kept.orders.as_slice() else {
        anyhow::bail!("{} orders where one is enough", kept.orders.len());
    };
    let kinds: Vec<StepKind> = order.done().map(|action| action.kind()).collect();
    let way = [
        StepKind::FetchArtifact,
        StepKind::InstallArtifact,
        StepKind::SetUp,
        StepKind::SetUp,
        StepKind::RemovePackages,
        StepKind::RemovePackages,
        StepKind::RemovePackages,
        StepKind::SetUp,
        StepKind::DetectionTest,
    ];
    assert_eq!(kinds.get(..way.len()), Some(&way[..]), "{kinds:?}");
    let tested = order.records.iter().find(|record| {
        record.event == RecordEvent::StepDone && usize::try_from(record.step).is_ok_and(|step| step + 1 == way.len())
    });
    let tested = tested.context("the test is done")?;
    assert!(tested.detail.contains("EICAR_Test_File"), "{}", tested.detail);
    Ok(())
}
