//! Against the Windows that the tests run on, whatever it holds.

use cutover_proto::rule::KnownFolder;

use super::*;
use crate::facts::UninstallPlace;

fn asked(question: Question) -> Answer<Reply> {
    WindowsHost.ask(&question)
}

#[test]
fn this_machine_answers() {
    let kernel = WindowsHost.kernel().found().unwrap();
    assert!(
        !kernel.hostname.is_empty() && kernel.release.starts_with("10.0."),
        "{kernel:?}"
    );
    assert_eq!(kernel.machine, "x86_64");
    let processes = WindowsHost.processes().found().unwrap();
    let own = std::env::current_exe().unwrap();
    let own = own.file_name().unwrap().to_string_lossy().to_lowercase();
    let me = processes
        .iter()
        .find(|process| process.pid == std::process::id())
        .unwrap();
    assert_eq!(me.comm.to_lowercase(), own);
    assert!(
        me.exe.as_deref().is_some_and(|exe| exe.to_lowercase().ends_with(&own)),
        "{me:?}"
    );
    let services = asked(Question::Services).parsed(Reply::services).found().unwrap();
    assert!(
        services
            .iter()
            .any(|service| !service.is_driver && !service.image.is_empty()),
        "{services:?}"
    );
}

#[test]
fn folders_files_and_what_is_not_there() {
    let root = asked(Question::Folder(KnownFolder::SystemRoot))
        .parsed(Reply::folder)
        .found()
        .unwrap();
    let root = HostPath::windows(&root);
    let names = WindowsHost.list(&root).found().unwrap();
    assert!(
        names.iter().any(|entry| entry.name.eq_ignore_ascii_case("system32")),
        "{names:?}"
    );
    assert!(WindowsHost.stat(&root, Links::Followed).is_found());
    assert!(WindowsHost.free_disk(&root).found().is_some_and(|free| free > 0));
    let missing = root.join("no such file");
    assert_eq!(WindowsHost.stat(&missing, Links::Followed), Answer::Absent);
    assert_eq!(WindowsHost.read(&missing, 10), Answer::Absent);
    assert_eq!(WindowsHost.list(&missing), Answer::Absent);
    let library = root.join("system32").join("kernel32.dll");
    assert_eq!(
        WindowsHost.list(&library),
        Answer::Absent,
        "a file has nothing below it"
    );
    assert!(matches!(WindowsHost.read(&library, 10), Answer::Failed(why) if why.contains("longer than 10 bytes")));
    assert!(matches!(WindowsHost.read(&root, 10), Answer::Failed(_)));
    assert_eq!(
        WindowsHost.stat(&HostPath::unix("/etc/passwd"), Links::Followed),
        Answer::Unsupported
    );
}

#[test]
fn a_file_tells_its_version_and_that_nobody_signed_it() {
    let root = asked(Question::Folder(KnownFolder::SystemRoot))
        .parsed(Reply::folder)
        .found()
        .unwrap();
    let identity = |path: String| asked(Question::Identity(path)).parsed(Reply::identity);
    let library = identity(format!(r"{root}\system32\kernel32.dll")).found().unwrap();
    assert!(
        library
            .version
            .found()
            .is_some_and(|version| version.split('.').count() == 4)
    );
    assert_eq!(identity(format!(r"{root}\no-such.dll")), Answer::Absent);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plain.txt");
    std::fs::write(&file, "plain").unwrap();
    let plain = identity(file.to_str().unwrap().to_owned()).found().unwrap();
    assert_eq!(plain.version, Answer::Absent);
    assert!(!plain.signer.is_found(), "{plain:?}");
}

#[test]
fn the_registry_answers_in_both_views_and_says_what_is_missing() {
    for place in [
        UninstallPlace::Machine,
        UninstallPlace::Machine32,
        UninstallPlace::Users,
    ] {
        let entries = asked(Question::Uninstall(place));
        assert!(
            !matches!(entries, Answer::Denied(_) | Answer::Failed(_)),
            "{place}: {entries:?}"
        );
    }
    let key = |key: &str, values: &[&str]| {
        let question = Question::Registry {
            is_32: false,
            key: key.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        };
        asked(question).parsed(Reply::registry)
    };
    let version = key(
        r"SOFTWARE\Microsoft\Windows NT\CurrentVersion",
        &["CurrentBuildNumber", "no such"],
    );
    let values = version.found().unwrap().values;
    assert!(
        values.contains_key("CurrentBuildNumber") && values.len() == 1,
        "{values:?}"
    );
    assert_eq!(key(r"SOFTWARE\No Such Vendor", &[]), Answer::Absent);
}

#[test]
fn other_systems_things_are_not_here() {
    assert_eq!(WindowsHost.mounts(), Answer::Unsupported);
    assert_eq!(WindowsHost.group("docker"), Answer::Unsupported);
    assert_eq!(WindowsHost.tool(Tool::RpmQueryAll), Answer::Unsupported);
    assert_eq!(WindowsHost.listeners(), Answer::Unsupported);
}
