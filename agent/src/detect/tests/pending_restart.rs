use super::plants::{NOW_MS, clean, fedora, leap, without_status};
use crate::{
    detect::host_facts,
    facts::{Answer, Tool},
    host::Fixture,
};

fn told(host: &Fixture) -> (Option<bool>, Vec<String>) {
    let facts = host_facts(host);
    (facts.restart_pending, facts.restart_reasons)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_restart_that_waits_is_seen_with_the_packages_that_ask_for_it() {
    let host = clean().with_file("/run/reboot-required", b"*** System restart required ***\n", NOW_MS);
    assert_eq!(told(&host), (Some(true), Vec::new()), "nobody says for what");
    let list = b"libc6\nlinux-image-6.1.0-28-amd64\nlibc6\n\n$(reboot) ; rm\n";
    let host = host.with_file("/run/reboot-required.pkgs", list, NOW_MS);
    assert_eq!(
        told(&host),
        (Some(true), words(&["libc6", "linux-image-6.1.0-28-amd64"]))
    );
}

#[test]
fn a_list_without_the_mark_asks_for_nothing() {
    let host = clean().with_file("/run/reboot-required.pkgs", b"libc6\n", NOW_MS);
    assert_eq!(told(&host), (Some(false), Vec::new()));
}

#[test]
fn a_list_of_any_length_stays_short() {
    let list: String = (0..500).map(|number| format!("package-{number}\n")).collect();
    let host = clean().with_file("/run/reboot-required", b"", NOW_MS).with_file(
        "/run/reboot-required.pkgs",
        list.as_bytes(),
        NOW_MS,
    );
    assert_eq!(host_facts(&host).restart_reasons.len(), 20);
}

#[test]
fn a_running_kernel_without_its_modules_waits_where_another_kernel_has_some() {
    let newer = |host: Fixture| {
        host.with_directory("/lib/modules")
            .with_directory("/lib/modules/6.1.0-29-amd64")
            .with_file("/lib/modules/6.1.0-29-amd64/modules.dep", b"", 0)
    };
    assert_eq!(
        told(&newer(clean())),
        (
            Some(true),
            words(&["the modules of the running kernel 6.1.0-28-amd64 are gone"])
        )
    );
    let both = newer(clean()).with_directory("/lib/modules/6.1.0-28-amd64");
    assert_eq!(told(&both), (Some(false), Vec::new()));
    let of_another_owner = clean().with_directory("/lib/modules");
    assert_eq!(
        told(&of_another_owner),
        (Some(false), Vec::new()),
        "a kernel from outside"
    );
    let left_over = clean()
        .with_directory("/lib/modules")
        .with_directory("/lib/modules/6.1.0-27-amd64");
    assert_eq!(
        told(&left_over),
        (Some(false), Vec::new()),
        "a directory without an index is no kernel"
    );
}

#[test]
fn what_cannot_be_told_stays_untold() {
    let mut host = clean();
    host.link_stats
        .insert("/run/reboot-required".into(), Answer::Denied("no".into()));
    assert_eq!(told(&host), (None, Vec::new()));
    let mut stopped = clean().with_file("/run/reboot-required", b"", NOW_MS);
    stopped.boot_id = Some(Answer::Unsupported);
    assert_eq!(told(&stopped), (None, Vec::new()), "a root that does not run");
    assert_eq!(
        told(&without_status("no database that is believed")),
        (None, Vec::new()),
        "whether the mark is a habit of that system is not known"
    );
}

/// As dnf 4.14 prints it.
const WANTED: &str = "Core libraries or services have been updated since boot-up:\n  * glibc\n  * systemd\n\n\
    Reboot is required to fully utilize these updates.\nMore information: https://example.com/27943\n";
const NOT_WANTED: &str =
    "No core libraries or services have been updated since boot-up.\nReboot should not be necessary.\n";

#[test]
fn a_system_of_rpms_is_asked_by_its_own_tool() {
    let host = || fedora("fedora", &[]);
    assert_eq!(
        told(&host().with_tool(Tool::NeedsRestarting, WANTED, "")),
        (Some(true), words(&["glibc", "systemd"]))
    );
    assert_eq!(
        told(&host().with_tool(Tool::NeedsRestarting, NOT_WANTED, "")),
        (Some(false), Vec::new())
    );
    let suse = leap("leap", &[]).with_file("/usr/bin/zypper", b"x", 0);
    let said = "Reboot is required to ensure that your system benefits from these updates.\n";
    let both = suse
        .with_tool(Tool::NeedsRebooting, said, "")
        .with_tool(Tool::NeedsRestarting, NOT_WANTED, "");
    assert_eq!(told(&both), (Some(true), Vec::new()), "dnf is only a tool there");
    let marked = host()
        .with_tool(Tool::NeedsRestarting, NOT_WANTED, "")
        .with_file("/run/reboot-required", b"", NOW_MS);
    assert_eq!(told(&marked), (Some(true), Vec::new()), "a sign is not talked away");
}

#[test]
fn a_tool_of_rpms_that_does_not_answer_leaves_it_untold_with_the_reason() {
    let why = |host: Fixture| {
        let (pending, reasons) = told(&host);
        assert_eq!(pending, None, "{reasons:?}");
        reasons.join("; ")
    };
    let host = || fedora("fedora", &[]);
    assert!(why(host()).contains("the program is missing"));
    let without_plugin = host().with_failing_tool(
        Tool::NeedsRestarting,
        "/usr/bin/dnf ended with code 1: No such command: needs-restarting.",
    );
    assert!(why(without_plugin).contains("No such command"));
    let strange = host().with_tool(Tool::NeedsRestarting, "No such command: needs-restarting.\n", "");
    assert!(why(strange).contains("neither that a restart is required"));
    // The mark that others write is no habit here, and its absence says nothing.
    let with_dpkg_as_a_tool = host().with_file("/var/lib/dpkg/status", b"", 0);
    assert!(why(with_dpkg_as_a_tool).contains("the program is missing"));
}
