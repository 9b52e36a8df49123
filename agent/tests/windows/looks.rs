//! What is found of products.

use super::{PUBLISHER, Package, Scan, alone};

#[test]
fn a_windows_without_the_product_is_clear_and_says_what_could_not_be_asked() {
    let _alone = alone();
    let scan = Scan::made();
    assert_eq!(scan.code, 0, "{:#}", scan.json);
    // What tests before this one left: Wine's installer leaves the vendor's folder where it is.
    for line in scan.json["verdicts"].as_array().unwrap() {
        assert_eq!(
            (&line["product"], &line["verdict"]),
            (&"kaspersky-traces".into(), &"remnant".into())
        );
    }
    assert_eq!(scan.json["host"]["os_family"], "windows");
    assert!(
        scan.json["host"]["os_version"].as_str().unwrap().starts_with("10.0."),
        "{:#}",
        scan.json["host"]
    );
    assert_ne!(scan.json["host"]["machine_id"], "");
    // Wine's kernel does not count its starts: then nobody knows the session, and nobody says that no restart waits.
    assert_eq!(scan.json["host"]["boot_id"], "");
    assert_eq!(scan.json["host"]["restart_pending"], serde_json::Value::Null);
}

#[test]
fn endpoint_security_of_64_bits_is_found_by_its_russian_name_and_goes_with_its_package() {
    let _alone = alone();
    let name = "Kaspersky Endpoint Security для Windows";
    let package = Package::install("kes.msi", &[&format!("LOCALNAME={name}"), PUBLISHER]);
    let scan = Scan::made();
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
    for service in ["AVP.KES.21.19", "avpsus.KES.21.19"] {
        assert!(services.iter().any(|it| it.contains(service)), "{services:?}");
    }
    assert_eq!(scan.of("kes-windows")["version"], "12.9.0.384");

    package.remove();
    let scan = Scan::made();
    assert_ne!(scan.code, 10, "{:#}", scan.json);
    assert!(
        ["absent", "unknown", "remnant"].contains(&scan.verdict("kes-windows")),
        "{:#}",
        scan.json
    );
    for kind in ["uninstall-key", "service", "path"] {
        assert_eq!(scan.evidence("kes-windows", kind, "seen"), [""; 0], "{kind}");
    }
}

#[test]
fn a_network_agent_of_32_bits_is_found_in_the_other_view_of_the_registry() {
    let _alone = alone();
    let name = "Агент администрирования Kaspersky Security Center";
    let package = Package::install("klnagent.msi", &[&format!("LOCALNAME={name}"), PUBLISHER]);
    let scan = Scan::made();
    assert_eq!(
        (scan.code, scan.verdict("klnagent-windows")),
        (10, "installed"),
        "{:#}",
        scan.json
    );
    let entry = scan.evidence("klnagent-windows", "uninstall-key", "seen");
    assert!(entry.iter().any(|it| it.starts_with(name)), "{entry:?}");
    let services = scan.evidence("klnagent-windows", "service", "seen");
    assert!(services.iter().any(|it| it.contains("klnagent")), "{services:?}");
    let traces = scan.evidence("kaspersky-traces", "registry-key", "seen");
    assert!(
        traces.iter().any(|it| it.contains("KasperskyLab")),
        "{:#}",
        scan.of("kaspersky-traces")
    );
    let upkeep = &scan.of("klnagent-windows")["upkeep"];
    assert_eq!(upkeep["management_server"], "ksc01.corp.example", "{upkeep:#}");
    // date -u -d '2024-10-03 17:00' +%s, and of the bases.
    assert_eq!(upkeep["last_contact_ms"], 1_727_974_800_000_i64, "{upkeep:#}");
    assert_eq!(upkeep["bases_ms"], 1_727_762_400_000_i64, "{upkeep:#}");
    // Windows Installer dates the entry today, which is after 2026-01-01.
    let day = upkeep["installed_day"].as_i64().unwrap();
    assert!(day > 20_454, "{day}");

    package.remove();
    let scan = Scan::made();
    assert_ne!(scan.code, 10, "{:#}", scan.json);
    assert_eq!(scan.evidence("klnagent-windows", "uninstall-key", "seen"), [""; 0]);
    assert_eq!(scan.evidence("klnagent-windows", "service", "seen"), [""; 0]);
}

#[test]
fn product_and_agent_are_found_together_and_what_is_left_is_told_apart() {
    let _alone = alone();
    let product = Package::install("kes.msi", &[]);
    let agent = Package::install("klnagent.msi", &[]);
    let scan = Scan::made();
    assert_eq!(scan.code, 10);
    for product in ["kes-windows", "klnagent-windows"] {
        assert_eq!(scan.verdict(product), "installed", "{:#}", scan.json);
    }
    product.remove();
    let scan = Scan::made();
    assert_eq!(
        (scan.code, scan.verdict("klnagent-windows")),
        (10, "installed"),
        "{:#}",
        scan.json
    );
    assert_ne!(scan.verdict("kes-windows"), "installed");
    agent.remove();
    assert_ne!(Scan::made().code, 10);
}
