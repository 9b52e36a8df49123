//! Whole looks at Windows images in real directories.

use std::{fs, os::unix::fs::symlink, path::Path};

use cutover_proto::{
    inventory::{Inventory, OsFamily},
    rule::{KnownFolder, Role},
    verdict::{EvidenceOutcome, Protection, Verdict},
};

use super::{
    image_plants::{BORIS, Made, image, put, software, system, user, view},
    matrix::shown,
    plants::looked,
};
use crate::{
    detect::{RuleSet, ScanOutcome, outcome},
    facts::{Answer, Question, Reply, RootSubject, UninstallPlace},
    host::{HostPath, HostView, Links},
};

const LAB: &str = "AO Kaspersky Lab";

fn seen(dir: &Path) -> (ScanOutcome, Inventory) {
    let inventory = looked(&view(dir));
    (outcome(&inventory, &RuleSet::built_in()), inventory)
}

fn verdict(inventory: &Inventory, product: &str) -> Verdict {
    inventory.sighting(&product.into()).expect("looked for").verdict
}

fn not_checked(inventory: &Inventory, product: &str) -> Vec<String> {
    let sighting = inventory.sighting(&product.into()).expect("looked for");
    let evidence = sighting
        .evidence
        .iter()
        .filter(|it| it.outcome == EvidenceOutcome::NotChecked);
    evidence.map(|it| it.detail.clone()).collect()
}

/// Endpoint Security and the Network Agent beside each other.
fn carrying() -> tempfile::TempDir {
    let software = software()
        .uninstall(
            "Wow6432Node",
            "{KES}",
            "Kaspersky Endpoint Security для Windows",
            LAB,
            "12.4.0.467",
        )
        .uninstall(
            "Wow6432Node",
            "{NA}",
            "Агент администрирования Kaspersky Security Center",
            LAB,
            "14.2.0.26967",
        )
        .text(r"Wow6432Node\KasperskyLab\Components", "x", "y");
    let system = system()
        .service(
            "AVP.KES.21.14",
            0x10,
            r#""C:\Program Files (x86)\Kaspersky Lab\KES.12.4\avp.exe" -r"#,
        )
        .service(
            "klnagent",
            0x10,
            r#""C:\Program Files (x86)\Kaspersky Lab\NetworkAgent\klnagent.exe""#,
        )
        .service("klif.KES-21-14", 2, r"\SystemRoot\System32\drivers\klif.KES-21-14.sys");
    let dir = image(software, system, Some(user()));
    put(dir.path(), "PROGRAM FILES (X86)/kaspersky lab/KES.12.4/AVP.EXE", b"MZ");
    put(
        dir.path(),
        "PROGRAM FILES (X86)/kaspersky lab/NetworkAgent/klnagent.exe",
        b"MZ",
    );
    put(dir.path(), "Windows/system32/drivers/KLIF.kes-21-14.sys", b"MZ");
    dir
}

fn of_a_user() -> tempfile::TempDir {
    let user = user().uninstall("Software", "{KPM}", "Kaspersky Password Manager", LAB, "24.1");
    image(
        software(),
        system(),
        Some(user.uninstall("software", "{K}", "Kaspersky", LAB, "21.20")),
    )
}

#[test]
fn images_are_judged_as_before() {
    let clean = image(software(), system(), Some(user()));
    let told = [
        ("clean image", &clean),
        ("endpoint security and agent", &carrying()),
        ("a user's own", &of_a_user()),
    ]
    .map(|(about, dir)| shown(about, &view(dir.path())));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_clean_image_is_clear_and_says_what_only_a_running_windows_tells() {
    let dir = image(software(), system(), Some(user()));
    let (end, inventory) = seen(dir.path());
    assert_eq!(end, ScanOutcome::NoTarget, "{}", shown("clean", &view(dir.path())));
    let rules = RuleSet::built_in();
    for sighting in inventory
        .sightings
        .iter()
        .filter(|it| rules.role(&it.product) == Role::Target)
    {
        assert_eq!(sighting.verdict, Verdict::Absent, "{}", sighting.product);
    }
    let untold = not_checked(&inventory, "kes-windows");
    assert!(
        untold.iter().any(|why| why.contains("Security Center cannot be asked")),
        "{untold:?}"
    );
    let facts = &inventory.facts;
    assert_eq!(
        (facts.os_family, facts.hostname.as_str()),
        (OsFamily::Windows, "DESK-7")
    );
    assert_eq!(
        (facts.os_version.as_str(), facts.kernel.as_str()),
        ("10.0.19045.4412", "10.0.19045.4412")
    );
    assert_eq!((facts.architecture.as_str(), facts.restart_pending), ("x86_64", None));
    assert_eq!(facts.machine_id.len(), 32);
    assert_eq!(inventory.boot_id, "");
}

#[test]
fn defender_in_an_image_is_there_and_whether_it_protects_is_not_known() {
    let system = system().service(
        "WinDefend",
        0x10,
        r#""C:\ProgramData\Microsoft\Windows Defender\platform\4.18\MsMpEng.exe""#,
    );
    let dir = image(software(), system, Some(user()));
    put(
        dir.path(),
        "ProgramData/Microsoft/Windows Defender/Platform/4.18/MsMpEng.exe",
        b"MZ",
    );
    let (_, inventory) = seen(dir.path());
    assert_eq!(inventory.protection, Protection::Unobserved);
}

#[test]
fn products_in_an_image_are_found_whatever_the_case_of_its_paths() {
    let dir = carrying();
    let (end, inventory) = seen(dir.path());
    assert_eq!(end, ScanOutcome::TargetFound);
    assert_eq!(verdict(&inventory, "kes-windows"), Verdict::Installed);
    assert_eq!(verdict(&inventory, "klnagent-windows"), Verdict::Installed);
    let kes = inventory.sighting(&"kes-windows".into()).expect("looked for");
    assert_eq!(kes.version.as_deref(), Some("12.4.0.467"));
    let said: Vec<&str> = kes.evidence.iter().map(|it| it.detail.as_str()).collect();
    assert!(said.contains(&"service AVP.KES.21.14"), "{said:?}");
    assert!(said.contains(&"driver klif.KES-21-14"), "{said:?}");
    // What an earlier start knew is none of this one's.
    let services = view(dir.path())
        .ask(&Question::Services)
        .parsed(Reply::services)
        .found()
        .expect("told");
    assert!(
        services
            .iter()
            .all(|it| it.name != "AVP" && it.name != ".NET CLR Data" && it.state.is_none())
    );
}

#[test]
fn a_service_whose_program_is_gone_from_an_image_is_left_behind() {
    let system = system().service(
        "AVP.KES.21.14",
        0x10,
        r#""C:\Program Files (x86)\Kaspersky Lab\KES.12.4\avp.exe" -r"#,
    );
    let dir = image(software(), system, None);
    assert_eq!(verdict(&seen(dir.path()).1, "kes-windows"), Verdict::Remnant);
    // A short name and another drive are not gone: nobody knows.
    for image_path in [
        r"C:\PROGRA~2\KASPER~1\KES~1.4\avp.exe",
        r"D:\Kaspersky Lab\KES.12.4\avp.exe",
    ] {
        let system = super::image_plants::system().service("AVP.KES.21.14", 0x10, image_path);
        let dir = image(super::image_plants::software(), system, None);
        assert_eq!(
            verdict(&seen(dir.path()).1, "kes-windows"),
            Verdict::Installed,
            "{image_path}"
        );
    }
}

#[test]
fn what_a_user_installed_for_himself_is_found_in_his_registry() {
    let (end, inventory) = seen(of_a_user().path());
    assert_eq!(end, ScanOutcome::TargetFound);
    for product in ["kaspersky-consumer", "kaspersky-password-manager"] {
        assert_eq!(verdict(&inventory, product), Verdict::Installed, "{product}");
    }
}

#[test]
fn a_users_registry_that_cannot_be_read_is_told_without_his_name_and_decides_nothing() {
    let mut unfinished = user().file();
    unfinished[4] ^= 1;
    for (bytes, why) in [
        (Some(unfinished), "was not written out whole"),
        (Some(b"MZ".to_vec()), "no file of the registry"),
        (None, "there is no such file"),
    ] {
        let dir = image(
            software().profile(BORIS, r"%SystemDrive%\Users\boris"),
            system(),
            Some(user()),
        );
        fs::create_dir_all(dir.path().join("Users/boris")).expect("made");
        if let Some(bytes) = bytes {
            put(dir.path(), "Users/boris/NTUSER.DAT", &bytes);
        }
        let (end, inventory) = seen(dir.path());
        assert_eq!(end, ScanOutcome::NoTarget);
        let untold = not_checked(&inventory, "kaspersky-consumer");
        assert!(
            untold.iter().any(|it| it.contains("of 1 users") && it.contains(why)),
            "{untold:?}"
        );
        assert!(untold.iter().all(|it| !it.contains("boris")), "{untold:?}");
    }
}

#[test]
fn a_machines_registry_that_is_damaged_unfinished_or_missing_is_unknown_and_never_clear() {
    type Spoil = fn(Vec<u8>) -> Option<Vec<u8>>;
    let ways: [(&str, Spoil); 4] = [
        ("was not written out whole", |mut bytes| {
            bytes[4] ^= 1;
            Some(bytes)
        }),
        ("is cut short", |mut bytes| {
            bytes.truncate(bytes.len() - 512);
            Some(bytes)
        }),
        ("is no file of the registry", |_| Some(Vec::new())),
        ("is missing", |_| None),
    ];
    for file in ["software", "SYSTEM"] {
        for (why, spoil) in ways {
            let dir = image(software(), system(), Some(user()));
            let path = dir.path().join("Windows/system32/Config").join(file);
            match spoil(fs::read(&path).expect("read")) {
                Some(bytes) => fs::write(&path, bytes).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
            let (end, inventory) = seen(dir.path());
            assert_eq!(end, ScanOutcome::Unknown, "{file} {why}");
            let kes = inventory.sighting(&"kes-windows".into()).expect("looked for");
            assert_eq!(kes.verdict, Verdict::Unknown, "{file} {why}");
            assert!(kes.why.contains(why), "{}", kes.why);
        }
    }
}

#[test]
fn a_key_that_a_running_windows_makes_anew_is_not_in_an_image_and_one_in_another_set_does_not_count() {
    let dir = image(software(), system(), None);
    let host = view(dir.path());
    let key = |path: &str, is_32| {
        host.ask(&Question::Registry {
            is_32,
            key: path.to_owned(),
            values: vec!["Hostname".to_owned()],
        })
    };
    assert!(key(r"SYSTEM\CurrentControlSet\Services\Tcpip\PARAMETERS", false).is_found());
    assert_eq!(key(r"SYSTEM\CurrentControlSet\Services\AVP", false), Answer::Absent);
    assert!(key(r"SYSTEM\ControlSet002\Services\AVP", true).is_found());
    assert!(key(r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Edge", true).is_found());
    assert_eq!(
        key(r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Edge", false),
        Answer::Absent
    );
    assert!(matches!(key(r"HARDWARE\DESCRIPTION", false), Answer::Failed(_)));
}

#[test]
fn a_windows_of_32_bits_has_one_view_and_one_folder() {
    let system = Made::new().number("Select", "Current", 1).text(
        r"ControlSet001\Control\Session Manager\Environment",
        "PROCESSOR_ARCHITECTURE",
        "x86",
    );
    let dir = image(software(), system, None);
    let host = view(dir.path());
    assert_eq!(
        host.ask(&Question::Uninstall(UninstallPlace::Machine32)),
        Answer::Unsupported
    );
    assert_eq!(
        host.ask(&Question::Folder(KnownFolder::ProgramFilesX86)),
        Answer::Absent
    );
}

#[test]
fn tasks_and_root_certificates_are_read_from_the_registry() {
    let pem = include_str!("../../host/sandbox/certificate.pem");
    let der = der(pem);
    let mut blob = Vec::new();
    for (property, value) in [(3_u32, vec![0; 20]), (32, der)] {
        blob.extend(property.to_le_bytes());
        blob.extend(1_u32.to_le_bytes());
        blob.extend(u32::try_from(value.len()).expect("short").to_le_bytes());
        blob.extend(value);
    }
    let roots = r"Microsoft\SystemCertificates\AuthRoot\Certificates\3CB1";
    let software = |blob: Vec<u8>| {
        software().bytes(roots, "Blob", blob).text(
            r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree\Kaspersky\Upgrade",
            "Id",
            "{2}",
        )
    };
    let dir = image(software(blob.clone()), system(), None);
    let host = view(dir.path());
    let tasks = host.ask(&Question::Tasks).parsed(Reply::tasks).found().expect("told");
    assert_eq!(tasks, [r"\Kaspersky\Upgrade", r"\Microsoft\Windows\Defrag"]);
    let subject = RootSubject {
        common_name: "Kaspersky Anti-Virus Personal Root Certificate".to_owned(),
        organization: LAB.to_owned(),
    };
    let told = host.ask(&Question::RootSubjects).parsed(Reply::root_subjects);
    assert_eq!(told, Answer::Found(vec![subject]));
    let cut = image(software(blob[..200].to_vec()), system(), None);
    let told = view(cut.path()).ask(&Question::RootSubjects);
    assert!(matches!(told, Answer::Failed(_)), "{told:?}");
}

fn der(pem: &str) -> Vec<u8> {
    let (mut bits, mut count, mut der) = (0_u32, 0, Vec::new());
    let body = pem.lines().filter(|line| !line.starts_with('-')).flat_map(str::bytes);
    for byte in body.filter(|byte| *byte != b'=') {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let six = alphabet.iter().position(|it| *it == byte).expect("base64");
        bits = (bits << 6) | u32::try_from(six).expect("small");
        count += 6;
        if count >= 8 {
            count -= 8;
            der.push(u8::try_from((bits >> count) & 0xff).expect("a byte"));
        }
    }
    der
}

#[test]
fn no_link_in_an_image_leads_out_of_it() {
    let outside = tempfile::tempdir().expect("a directory");
    put(outside.path(), "KES.12.4/avp.exe", b"MZ");
    put(
        outside.path(),
        "NTUSER.DAT",
        &user().uninstall("Software", "{K}", "Kaspersky", LAB, "21.20").file(),
    );
    let dir = image(software(), system(), None);
    symlink(outside.path(), dir.path().join("PROGRAM FILES (X86)/Kaspersky Lab")).expect("linked");
    symlink(
        outside.path().join("NTUSER.DAT"),
        dir.path().join("Users/anna/NTUSER.DAT"),
    )
    .expect("linked");
    let (end, inventory) = seen(dir.path());
    assert_ne!(end, ScanOutcome::TargetFound);
    let untold = not_checked(&inventory, "kaspersky-consumer");
    assert!(untold.iter().any(|why| why.contains("of 1 users")), "{untold:?}");
    let host = view(dir.path());
    let path = HostPath::windows(r"c:\program files (x86)\KASPERSKY LAB\KES.12.4");
    assert!(matches!(host.stat(&path, Links::Followed), Answer::Failed(_)));
}

#[test]
fn a_directory_without_a_windows_is_looked_at_as_before() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(dir.path().join("Windows/System32")).expect("made");
    assert_eq!(view(dir.path()).os_family(), OsFamily::Linux);
}
