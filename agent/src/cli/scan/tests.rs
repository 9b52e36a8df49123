use std::{fs, path::PathBuf};

use clap::Parser;
use cutover_proto::inventory::OsFamily;

use super::{EXIT_ERROR, ScanArgs, look, run};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    scan: ScanArgs,
}

const NOW_MS: i64 = 1_726_833_600_000;

fn args(line: &[&str]) -> ScanArgs {
    Cli::parse_from(std::iter::once("scan").chain(line.iter().copied())).scan
}

fn root() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |path: &str, text: &str| {
        let path: PathBuf = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("made");
        fs::write(path, text).expect("written");
    };
    put(
        "etc/os-release",
        "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
    );
    put("etc/hostname", "ws-17\n");
    put("etc/timezone", "America/New_York\n");
    put(
        "var/lib/dpkg/status",
        "Package: kesl\nStatus: install ok installed\nVersion: 12.1.0-1297\nArchitecture: amd64\n\n",
    );
    put("var/opt/kaspersky/klnagent/x", "");
    let path = dir.path().to_str().expect("text").to_owned();
    (dir, path)
}

/// Free disk is this machine's own.
fn steady(text: &str) -> String {
    let steady = |line: &str| match line.split_once("; free: ") {
        Some((head, _)) => format!("{head}; free: FREE"),
        None if line.contains("\"free_disk_mib\"") => "    \"free_disk_mib\": FREE".into(),
        None => line.to_owned(),
    };
    text.lines().map(steady).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_table_says_what_was_found_and_why() {
    let (_dir, root) = root();
    let (text, code) = look(&args(&["--root", &root]), NOW_MS).expect("looked");
    assert_eq!(code, 10);
    insta::assert_snapshot!(steady(&text));
}

#[test]
fn the_json_has_host_verdicts_and_protection() {
    let (_dir, root) = root();
    let (text, code) = look(&args(&["--root", &root, "--format", "json"]), NOW_MS).expect("looked");
    assert_eq!(code, 10);
    let json: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(json["host"]["hostname"], "ws-17");
    assert_eq!(json["verdicts"][0]["product"], "kesl");
    assert_eq!(json["verdicts"][0]["evidence"][0]["outcome"], "seen");
    assert_eq!(json["protection"]["grade"], "unobserved");
    insta::assert_snapshot!(steady(&text));
}

#[test]
fn what_is_sent_is_the_inventory_whole() {
    let (_dir, root) = root();
    let (text, _) = look(&args(&["--root", &root, "--show-what-is-sent"]), NOW_MS).expect("looked");
    let sent: cutover_proto::inventory::Inventory = serde_json::from_str(&text).expect("an inventory");
    assert_eq!(sent.taken_at_ms, NOW_MS);
    let rules = crate::detect::RuleSet::built_in();
    let looked_for = rules
        .rules()
        .iter()
        .filter(|rule| rule.looks_on(OsFamily::Linux).next().is_some());
    assert_eq!(sent.sightings.len(), looked_for.count());
}

#[test]
fn a_recording_is_kept_once_and_replays() {
    let (dir, root) = root();
    let file = dir.path().join("recorded.json");
    let file = file.to_str().expect("text");
    let (_, code) = look(&args(&["--root", &root, "--record", file]), NOW_MS).expect("looked");
    let (text, replayed) = look(&args(&["--replay", file]), NOW_MS).expect("looked");
    assert_eq!(code, replayed);
    assert!(text.starts_with("host: Debian GNU/Linux 12"), "{text}");
    let again = look(&args(&["--root", &root, "--record", file]), NOW_MS).expect_err("kept already");
    assert!(format!("{again:#}").contains("name a file that is not there yet"));
}

#[test]
fn a_root_that_is_not_there_ends_with_exit_code_2() {
    let code = run(&args(&["--root", "/no/such/root"]), NOW_MS).expect("printed");
    assert_eq!(
        format!("{code:?}"),
        format!("{:?}", std::process::ExitCode::from(EXIT_ERROR))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_running_machine_can_be_looked_at() {
    let (text, code) = look(&args(&[]), NOW_MS).expect("looked");
    assert!([0, 10, 11].contains(&code), "{code}");
    assert!(text.contains("protection: "), "{text}");
}

#[cfg(all(target_os = "linux", feature = "link"))]
#[test]
fn a_machine_without_a_network_signs_with_the_key_that_it_will_enrol_with() {
    use cutover_proto::scan_file::ScanFile;

    let dir = tempfile::tempdir().expect("a directory");
    let identity = crate::link::IdentityDir::new(dir.path().join("identity"));
    let signed = |name: &str| {
        let file = dir.path().join(name);
        let line = args(&["--sign", "--out", file.to_str().expect("text")]);
        super::run_signed(&line, &identity, NOW_MS).expect("printed");
        ScanFile::read(&fs::read_to_string(file).expect("written")).expect("holds")
    };
    let (one, other) = (signed("one"), signed("other"));
    assert!(one.inventory.host_id.uuid().is_nil(), "not enrolled");
    assert_eq!(one.inventory.taken_at_ms, NOW_MS);
    assert_eq!(one.key, other.key);
    let (_, key) = identity.signer().expect("a key");
    assert_eq!(one.key.key_id(), key.public().key_id());
}
