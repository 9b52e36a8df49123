//! An archive that lies about sizes and hashes, sends elsewhere, or never ends: nothing is changed by it, and the old product
//! goes on protecting.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::debian_root::readiness;
use cutover_tests::harness::lying_archive::{Lie, LyingArchive};
use cutover_tests::harness::{packages, requirement};

use crate::dpkg;
use crate::server::{Host, Server, Terms};
use crate::workstation::Workstation;

/// One try, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(240);

/// Where fetched packages lie.
const ARCHIVES: &str = "/var/lib/cutover/agent/archives";

/// More than everything that an honest archive gives: ClamAV and what it needs has some 30 MiB.
const BOUND: u64 = 64 << 20;

/// Each lie, and the causes by which the host's failure may be named. The first two are told while there is no list on the
/// host yet. What is more than stated is noticed by its size or by its hash, whichever apt looks at first.
const LIES: [(Lie, &[&str]); 8] = [
    (Lie::List, &["wrong-hash"]),
    (Lie::EndlessList, &["wrong-hash", "too-large"]),
    (Lie::SizeTooSmall, &["wrong-hash"]),
    (Lie::SizeTooLarge, &["wrong-hash"]),
    (Lie::Hash, &["wrong-hash"]),
    (Lie::RedirectToOther, &["wrong-hash"]),
    (Lie::RedirectForEver, &["network"]),
    (Lie::EndlessPackage, &["wrong-hash", "too-large"]),
];

#[test]
fn an_archive_that_lies_changes_nothing_until_it_tells_the_truth() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("lied-to")?;
    let archive = LyingArchive::open(&station.root)?;
    let server = Server::start_with(&Terms {
        one_try: true,
        ..Terms::default()
    })?;
    let outcome = lied_to(&mut station, &archive, &server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn lied_to(station: &mut Workstation, archive: &LyingArchive, server: &Server) -> Result<()> {
    let before = dpkg::states(&station.root)?;
    assert_eq!(before.lines().count(), packages::IN_ORDER_OF_REMOVAL.len(), "{before}");
    archive.tell(LIES[0].0);
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.enroll(server)?;
    station.start_agent()?;
    for (tries, (lie, causes)) in (1..).zip(LIES) {
        if tries > 1 {
            archive.tell(lie);
            server.cutover(&["hosts", "retry", "lied-to"])?.succeeded()?;
        }
        let host = server.wait_until_settled_after("lied-to", tries - 1, LIMIT)?;
        named_with_a_remedy(&host, lie, causes)?;
        assert_eq!(dpkg::states(&station.root)?, before, "{lie:?}");
        nothing_is_half_installed(station).with_context(|| format!("{lie:?}"))?;
        assert!(station.product_runs()?, "{lie:?}: the old product protects");
        assert_eq!(host.protection, "real-time", "{lie:?}");
        // A try asks more than once; what has no end is given up all the same.
        ensure!(archive.sent() < BOUND, "{lie:?}: {} bytes were sent", archive.sent());
    }

    // Sent elsewhere is fine where the hash is right.
    archive.tell(Lie::RedirectToAnotherServer);
    server.cutover(&["hosts", "retry", "lied-to"])?.succeeded()?;
    let host = server.wait_for_host("lied-to", "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert_eq!(
        host.protection_seconds.unprotected, 0,
        "no lie took the protection away"
    );
    assert!(host.chain_verified);
    Ok(())
}

fn named_with_a_remedy(host: &Host, lie: Lie, causes: &[&str]) -> Result<()> {
    assert_eq!(host.phase, "failed", "{lie:?}: {}", host.reason);
    let said = host.why.join("\n");
    ensure!(
        causes.iter().any(|cause| host.reason.contains(cause)),
        "{lie:?} is none of {causes:?}: {said}\n{:#?}",
        host.steps
    );
    ensure!(said.contains("cutover hosts retry"), "{lie:?} has no remedy: {said}");
    let failed = host.steps.iter().rev().find(|step| step.event == "step-failed");
    let log = &failed.context("a step failed")?.log_tail;
    ensure!(log.contains("E: "), "{lie:?}: apt's own words are kept: {log}");
    Ok(())
}

fn nothing_is_half_installed(station: &Workstation) -> Result<()> {
    let audit = station.root.run(&["dpkg", "--audit"], LIMIT)?.succeeded()?;
    assert_eq!(audit.stdout, "");
    assert!(!station.root.has("/usr/bin/clamscan"));
    let mut kept = 0;
    for place in [ARCHIVES.to_owned(), format!("{ARCHIVES}/partial")] {
        for entry in fs::read_dir(station.root.outside(&place))
            .into_iter()
            .flatten()
            .flatten()
        {
            kept += entry.metadata()?.len();
        }
    }
    ensure!(kept < BOUND, "{kept} bytes are kept");
    Ok(())
}
