//! Replacements that come as files: given to the server by `cutover artifact add`, fetched over a line that breaks, judged
//! by their signed hash, and installed on machines that reach no archive at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_proto::record::{FailureCause, RecordEvent};
use cutover_proto::step::StepKind;
use cutover_tests::harness::clock::{wait_for, wait_until};
use cutover_tests::harness::cutter::Cutter;
use cutover_tests::harness::debian_root::{DebianRoot, readiness};
use cutover_tests::harness::rpm_root::Distribution;
use cutover_tests::harness::{archive, packages, requirement};

use crate::dpkg;
use crate::evidence;
use crate::server::{Host, Server};
use crate::workstation::Workstation;

/// Fetching and installing ClamAV, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(240);

/// A connection that brought so much is cut: in the middle of a file, and of what is left of it.
const CUT_AFTER: u64 = 1 << 20;
const CUTS: u32 = 2;

/// Where the agent keeps what it fetched.
const CACHE: &str = "/var/lib/cutover/agent/artifacts";
/// Where it lays files out for apt.
const STAGED: &str = "/var/lib/cutover/agent/archives/staged";

/// A server whose campaign wants ClamAV from files.
fn server() -> Result<Server> {
    let replacement = toml::toml! {
        os_family = ["linux"]
        product = "clamav"
        source = "artifacts"
    };
    Server::start_for(Some(replacement))
}

/// What `cutover artifact add` is told beside the files.
const MAKES_CLAMAV: [&str; 4] = ["--product", "clamav", "--version", "1.4.6"];

fn add(server: &Server, files: &[PathBuf], more: &[&str]) -> Result<String> {
    let files = files.iter().map(|file| file.to_str().context("a path in UTF-8"));
    let files = files.collect::<Result<Vec<_>>>()?;
    let line = [&["artifact", "add"], &files[..], &MAKES_CLAMAV, more].concat();
    Ok(server.cutover(&line)?.succeeded()?.stdout)
}

/// Takes ClamAV and all that a fresh root lacks for it out of an archive, which goes: the root reaches none any more.
fn files_for(root: &DebianRoot, into: &Path) -> Result<Vec<PathBuf>> {
    archive::plant(root)?;
    root.run(&["apt-get", "-q", "update"], LIMIT)?.succeeded()?;
    let ask = [
        "apt-get",
        "-qq",
        "--print-uris",
        "install",
        "--no-install-recommends",
        "clamav",
    ];
    let said = root.run(&ask, LIMIT)?.succeeded()?.stdout;
    let mut files = Vec::new();
    // An address in quotes, then the name that apt gives the file.
    for name in said.lines().filter_map(|line| line.split(' ').nth(1)) {
        let file = into.join(name);
        fs::copy(root.outside("/srv/archive").join(name), &file).with_context(|| format!("{name}: {said}"))?;
        files.push(file);
    }
    ensure!(files.len() > 3, "ClamAV brings its libraries: {said}");
    fs::remove_dir_all(root.outside("/srv/archive"))?;
    fs::write(root.outside("/etc/apt/sources.list"), "")?;
    fs::remove_dir_all(root.outside("/var/lib/apt/lists"))?;
    Ok(files)
}

fn size_of(files: &[PathBuf]) -> Result<u64> {
    files.iter().map(|file| Ok(fs::metadata(file)?.len())).sum()
}

/// Waits for a phase also where a person would have to act.
fn wait_for_phase(server: &Server, name: &str, phase: &str) -> Result<Host> {
    let mut last = None;
    let found = wait_for(&format!("{name} is {phase}"), LIMIT, || {
        let host = server.host(name)?;
        let is_there = host.phase == phase;
        Ok(if is_there {
            Some(host)
        } else {
            last = Some(host);
            None
        })
    });
    found.with_context(|| format!("last seen: {last:#?}"))
}

/// The names in the agent's cache.
fn cached(root: &DebianRoot) -> Result<BTreeSet<String>> {
    let entries = match fs::read_dir(root.outside(CACHE)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error.into()),
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[test]
fn a_debian_host_without_an_archive_migrates_by_files_over_a_line_that_is_cut_twice() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("no-archive")?;
    let directory = tempfile::tempdir()?;
    let files = files_for(&station.root, directory.path())?;
    let server = server()?;
    let line = Cutter::start(server.port(), CUTS, CUT_AFTER)?;
    let outcome = cut_twice(&mut station, &server, &line, &files);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn cut_twice(station: &mut Workstation, server: &Server, line: &Cutter, files: &[PathBuf]) -> Result<()> {
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.enroll_through(server, &line.address())?;
    station.start_agent()?;

    // Nothing to install yet: the plan says what is missing, and how to mend it.
    let host = wait_for_phase(server, "no-archive", "blocked")?;
    assert!(
        host.reason
            .contains("the server has no .deb file of clamav for x86_64 on debian:12"),
        "{}",
        host.reason
    );
    let why = host.why.join("\n");
    assert!(
        why.contains("cutover artifact add clamav_*.deb --product clamav"),
        "{why}"
    );
    // A file of another system is none for this host.
    let (library, rest) = files.split_first().context("there are files")?;
    add(server, std::slice::from_ref(library), &["--for", "ubuntu"])?;
    let said = add(server, files, &["--for", "debian:12", "--for", "debian:13"])?;
    assert!(said.contains("is here already"), "{said}");
    assert!(
        said.contains(&format!("bound {} files of clamav 1.4.6", rest.len() + 1)),
        "{said}"
    );

    // The host goes on by itself.
    let host = wait_for_phase(server, "no-archive", "migrated")?;
    assert_eq!(line.cuts_left(), 0, "the line was cut {CUTS} times");
    assert_eq!(host.protection, "on-demand");
    assert!(host.chain_verified);
    assert_eq!(dpkg::states(&station.root)?, "", "nothing of the products is left");
    let version = station.root.run(&["clamscan", "--version"], LIMIT)?.succeeded()?;
    assert!(version.stdout.starts_with("ClamAV 1."), "{}", version.stdout);
    assert_eq!(station.scan()?.code(), Some(0));

    let kept = evidence::of_the_only_host(&server.store())?;
    let [order] = kept.orders.as_slice() else {
        anyhow::bail!("a line that breaks uses no attempt up: {} orders", kept.orders.len());
    };
    let fetched = order.done().filter(|action| action.kind() == StepKind::FetchArtifact);
    assert_eq!(fetched.count(), files.len());
    assert!(!station.root.has(STAGED), "what was laid out for apt is gone");

    nothing_was_fetched_twice(server, line, size_of(files)?)
}

/// What broke off went on where it had come to: by what the server sent, and by what the line carried.
fn nothing_was_fetched_twice(server: &Server, line: &Cutter, size: u64) -> Result<()> {
    let mut begun: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for sent in server.log().lines().filter(|line| line.contains("artifact sent")) {
        let field = |name: &str| {
            let (_, rest) = sent.split_once(&format!("{name}="))?;
            Some(rest.split(' ').next()?.trim_matches(['"', '\\']).to_owned())
        };
        let first = field(" first").context("where it begins")?.parse()?;
        begun.entry(field(" tag").context("which")?).or_default().push(first);
    }
    // A cut is one reason to go on later; what is fetched ahead also gives way to the order in the middle of a file.
    let again = begun.values().map(|firsts| firsts.len() - 1).sum::<usize>();
    assert!(again >= usize::try_from(CUTS)?, "{begun:?}");
    for firsts in begun.values() {
        let goes_on = firsts.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(
            firsts[0] == 0 && goes_on,
            "each began once and went on from there: {begun:?}"
        );
    }
    assert!(line.brought() >= size, "all came over the line");
    Ok(())
}

#[test]
fn a_file_that_is_not_what_was_signed_ends_in_a_phase_with_a_remedy_and_nothing_is_installed() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("tampered")?;
    let directory = tempfile::tempdir()?;
    let files = files_for(&station.root, directory.path())?;
    let server = server()?;
    let outcome = tampered(&mut station, &server, &files);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn tampered(station: &mut Workstation, server: &Server, files: &[PathBuf]) -> Result<()> {
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    // Half of what it takes: apt refuses, since nothing beside the order's files may come.
    let scanner = |file: &&PathBuf| {
        file.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("clamav_"))
    };
    let scanner = files.iter().find(scanner).context("the scanner's package")?;
    let scanner = scanner.to_str().context("a path in UTF-8")?;
    let half = ["artifact", "add", scanner, "--product", "clamav", "--version", "half"];
    server.cutover(&half)?.succeeded()?;
    station.enroll(server)?;
    station.start_agent()?;
    wait_for_phase(server, "tampered", "failed")?;
    nothing_was_changed(station)?;
    let before = evidence::of_the_only_host(&server.store())?.orders.len();

    // The whole of it, but one byte on the server's disk is another.
    add(server, files, &[])?;
    let spoiled = spoil(server, "libclamav")?;
    server.cutover(&["hosts", "retry", "tampered"])?.succeeded()?;
    let host = wait_for("the wrong hash is told", LIMIT, || {
        let host = server.host("tampered")?;
        Ok((host.phase == "blocked" && host.reason.contains("hashes to")).then_some(host))
    })?;
    assert!(
        host.reason.contains("libclamav") && host.reason.contains("not the one that the order states"),
        "{}",
        host.reason
    );
    let why = host.why.join("\n");
    assert!(why.contains("put the file right (`cutover artifact add`)"), "{why}");
    let kept = evidence::of_the_only_host(&server.store())?;
    assert!(kept.orders.len() > before);
    for order in &kept.orders[before..] {
        let failed: Vec<_> = order
            .records
            .iter()
            .filter(|record| record.event == RecordEvent::StepFailed)
            .collect();
        assert!(
            failed.len() == 1 && failed[0].cause == Some(FailureCause::WrongHash),
            "{failed:?}"
        );
        assert!(order.done().all(|action| action.kind() == StepKind::FetchArtifact));
    }
    nothing_was_changed(station)?;
    let is_kept = cached(&station.root)?.iter().any(|name| name.starts_with(&spoiled));
    assert!(!is_kept, "wrong bytes are not kept");

    // What the remedy says mends it.
    let said = add(server, files, &[])?;
    assert!(
        said.contains("added libclamav"),
        "the server noticed that its file is another: {said}"
    );
    server.cutover(&["hosts", "retry", "tampered"])?.succeeded()?;
    wait_for_phase(server, "tampered", "migrated")?;
    Ok(())
}

/// Nothing came, nothing went, and nothing lies about.
fn nothing_was_changed(station: &Workstation) -> Result<()> {
    assert!(!station.root.has("/usr/bin/clamscan"), "nothing was installed");
    let states = dpkg::states(&station.root)?;
    for package in packages::IN_ORDER_OF_REMOVAL {
        assert!(
            states.contains(&format!("{package} install ok installed\n")),
            "{states}"
        );
    }
    assert!(!station.root.has(STAGED), "what was laid out for apt is gone");
    Ok(())
}

/// Turns one byte of a file in the server's own directory; gives its hash.
fn spoil(server: &Server, begins: &str) -> Result<String> {
    let listed = server.cutover(&["artifact", "list", "--output", "json"])?.succeeded()?;
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout)?;
    let artifacts = listed.as_array().context("a list")?;
    let is_it = |it: &&serde_json::Value| it["file_name"].as_str().is_some_and(|name| name.starts_with(begins));
    let sha256 = artifacts
        .iter()
        .find(is_it)
        .and_then(|it| it["sha256"].as_str())
        .context("the file")?;
    let path = server.data_dir().join("artifacts").join(&sha256[..2]).join(sha256);
    let mut bytes = fs::read(&path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes)?;
    Ok(sha256.to_owned())
}

#[test]
fn a_host_with_dnf_fetches_ahead_of_its_wave_and_migrates_by_files() -> Result<()> {
    ahead("files-dnf", Distribution::Fedora, "/etc/yum.repos.d")
}

#[test]
fn a_host_with_zypper_fetches_ahead_of_its_wave_and_migrates_by_files() -> Result<()> {
    ahead("files-zypper", Distribution::Leap, "/etc/zypp/repos.d")
}

fn ahead(name: &str, distribution: Distribution, repositories: &str) -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up_with_rpm(name, distribution)?;
    // Its repository lies on its own disk; without it the host reaches none.
    let directory = tempfile::tempdir()?;
    let mut files = Vec::new();
    for entry in fs::read_dir(station.root.outside("/srv/rpm"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "rpm") {
            let file = directory.path().join(path.file_name().context("a file has a name")?);
            fs::copy(&path, &file)?;
            files.push(file);
        }
    }
    fs::remove_dir_all(station.root.outside("/srv/rpm"))?;
    fs::remove_dir_all(station.root.outside(repositories))?;
    let mut server = server()?;
    let outcome = fetched_ahead(name, &mut station, &mut server, &files);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn fetched_ahead(name: &str, station: &mut Workstation, server: &mut Server, files: &[PathBuf]) -> Result<()> {
    add(server, files, &[])?;
    station.enroll(server)?;
    station.start_agent()?;
    wait_for_phase(server, name, "planned")?;
    wait_until("the cache is filled while the wave is closed", LIMIT, || {
        let cached = cached(&station.root)?;
        Ok(cached.len() == files.len() && !cached.iter().any(|name| name.contains('.')))
    })?;
    let host = server.host(name)?;
    assert_eq!(host.phase, "planned", "a hint moves nobody");
    assert!(host.steps.is_empty(), "a hint is no step: {:?}", host.steps);
    let sent = |server: &Server| server.log().matches("artifact sent").count();
    let before = sent(server);
    assert_eq!(before, files.len());

    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    wait_for_phase(server, name, "migrated")?;
    assert_eq!(sent(server), before, "what was fetched ahead is not fetched again");
    let installed = station
        .root
        .run(&["rpm", "-qa", "--qf", "%{NAME}\\n"], LIMIT)?
        .succeeded()?;
    let mut names: Vec<&str> = installed.stdout.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["clamav", "clamav-lib", "clamav-update", "rpm"]);
    assert_eq!(station.scan()?.code(), Some(0));
    Ok(())
}
