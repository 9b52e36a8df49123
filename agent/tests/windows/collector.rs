//! What the script for Windows machines without an agent writes, and how it is judged.

use std::process::{Command, Stdio};

use super::{PUBLISHER, Package, Scan, alone};

/// Runs the script as somebody at the machine would, and judges what it wrote.
fn collected() -> Scan {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("this machine.cutover.txt");
    let script = format!("Z:{}/../deploy/collector/collect.cmd", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "the script is what is tested")]
    let status = Command::new("cmd")
        .args(["/d", "/c", &script.replace('/', r"\")])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    Scan::with(&["--collected", file.to_str().unwrap()])
}

#[test]
fn what_the_script_could_not_gather_leaves_a_windows_unknown() {
    let _alone = alone();
    let scan = collected();
    // Wine's list of processes prints nothing, and its registry has no programs of 32 bits before one is installed.
    assert_eq!(scan.code, 11, "{:#}", scan.json);
    assert_eq!(scan.verdict("kes-windows"), "unknown", "{:#}", scan.json);
    let untold = scan.evidence("kes-windows", "process", "not-checked");
    assert!(
        untold.iter().any(|it| it.contains("list of processes is empty")),
        "{untold:?}"
    );
    assert_eq!(scan.json["host"]["architecture"], "x86_64");
    assert_ne!(scan.json["host"]["hostname"], "");
}

#[test]
fn a_product_with_a_russian_name_is_found_in_what_the_script_wrote() {
    let _alone = alone();
    let name = "Kaspersky Endpoint Security для Windows";
    let package = Package::install("kes.msi", &[&format!("LOCALNAME={name}"), PUBLISHER]);
    let scan = collected();
    assert_eq!(
        (scan.code, scan.verdict("kes-windows")),
        (10, "installed"),
        "{:#}",
        scan.json
    );
    let entry = scan.evidence("kes-windows", "uninstall-key", "seen");
    assert!(
        entry.iter().any(|it| it.starts_with(name) && it.contains("12.9.0.384")),
        "{entry:?}"
    );
    let services = scan.evidence("kes-windows", "service", "seen");
    assert!(services.iter().any(|it| it.contains("AVP.KES.21.19")), "{services:?}");
    package.remove();
    assert_eq!(collected().code, 11);
}
