use super::plants::{NOW_MS, clean};
use crate::{detect::host_facts, facts::Answer, host::Fixture};

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
    let mut elsewhere = clean();
    elsewhere.stats.remove("/var/lib/dpkg/status");
    assert_eq!(
        told(&elsewhere),
        (None, Vec::new()),
        "the mark is no habit of that system"
    );
}
