//! Hosts as they are met, made by hand.

use std::sync::LazyLock;

use cutover_proto::{
    ids::HostId,
    inventory::{Inventory, OsFamily},
};

use crate::{
    detect::{RuleSet, ScanCx, scan},
    facts::Tool,
    host::{Fixture, HostView},
};

/// 2024-09-20T12:00:00Z.
pub(super) const NOW_MS: i64 = 1_726_833_600_000;
pub(super) const DAY_MS: i64 = 86_400_000;

/// With the subject that the target gives its own.
pub(super) const PEM: &str = include_str!("../../host/sandbox/certificate.pem");

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";

/// The compiled-in rules. Read once: whole matrices are looked at again and again.
pub(super) fn rules() -> &'static RuleSet {
    static BUILT_IN: LazyLock<RuleSet> = LazyLock::new(RuleSet::built_in);
    &BUILT_IN
}

pub(super) fn looked(view: &dyn HostView) -> Inventory {
    let cx = ScanCx {
        host_id: HostId::new(uuid::Uuid::nil()),
        now_ms: NOW_MS,
    };
    scan(view, rules(), &cx)
}

pub(super) fn stanza(name: &str, version: &str, status: &str) -> String {
    format!(
        "Package: {name}\nStatus: {status}\nArchitecture: amd64\nVersion: {version}\nDescription: about\n {name}\n\n"
    )
}

pub(super) fn installed(name: &str, version: &str) -> String {
    stanza(name, version, "install ok installed")
}

/// A Debian with this database after its own first packages.
pub(super) fn debian(about: &str, stanzas: &[String]) -> Fixture {
    let base = installed("dpkg", "1.21.22") + &installed("bash", "5.2.15");
    with_status(about, (base + &stanzas.concat()).as_bytes())
}

pub(super) fn with_status(about: &str, status: &[u8]) -> Fixture {
    without_status(about).with_file("/var/lib/dpkg/status", status, NOW_MS)
}

pub(super) fn without_status(about: &str) -> Fixture {
    Fixture::bare(OsFamily::Linux, about)
        .with_file("/etc/os-release", OS_RELEASE.as_bytes(), 0)
        .with_file("/usr/bin/apt-get", b"x", 0)
        .with_process(1, "systemd", Some("/usr/lib/systemd/systemd"))
        .with_mounts("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
}

const FEDORA: &str = "NAME=\"Fedora Linux\"\nPRETTY_NAME=\"Fedora Linux 40\"\nID=fedora\nVERSION_ID=40\n";
const LEAP: &str =
    "PRETTY_NAME=\"openSUSE Leap 15.6\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\n";
/// A system that nobody knows, of no known family.
const STRANGE: &str = "PRETTY_NAME=\"Strange Linux\"\nID=strange\n";

/// A line of rpm's list.
pub(super) fn rpm(name: &str, version: &str) -> String {
    format!("{name}\t{version}\tx86_64\n")
}

/// A running system with this os-release.
fn system(about: &str, os_release: &str) -> Fixture {
    Fixture::bare(OsFamily::Linux, about)
        .with_file("/etc/os-release", os_release.as_bytes(), 0)
        .with_process(1, "systemd", Some("/usr/lib/systemd/systemd"))
        .with_mounts("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
}

/// A Fedora with these packages beside its own first ones.
pub(super) fn fedora(about: &str, packages: &[String]) -> Fixture {
    system(about, FEDORA)
        .with_file("/usr/bin/dnf", b"x", 0)
        .with_file("/usr/bin/yum", b"x", 0)
        .with_tool(Tool::RpmQueryAll, &(rpm_base() + &packages.concat()), "")
}

/// A Leap with these packages beside its own first ones.
pub(super) fn leap(about: &str, packages: &[String]) -> Fixture {
    system(about, LEAP).with_tool(Tool::RpmQueryAll, &(rpm_base() + &packages.concat()), "")
}

fn rpm_base() -> String {
    rpm("rpm", "4.19.1.1-1.fc40") + &rpm("vim-minimal", "2:9.1.181-1.fc40") + "gpg-pubkey\ta15b79cc-63d04c2c\t(none)\n"
}

fn rpm_kesl() -> Vec<String> {
    vec![
        rpm("kesl", "12.1.0-1297"),
        rpm("kesl-gui", "12.1.0-1297"),
        rpm("klnagent64", "15.0.0-12912"),
    ]
}

/// Hosts that keep their packages with rpm, well or badly.
fn rpm_hosts() -> Vec<Fixture> {
    let debian_status = || debian_base().into_bytes();
    let mut offline = system("an rpm system that does not run", FEDORA);
    offline.processes = Some(crate::facts::Answer::Unsupported);
    offline
        .tools
        .insert(Tool::RpmQueryAll.to_string(), crate::facts::Answer::Unsupported);
    vec![
        fedora("fedora, clean", &[]),
        fedora("fedora, kesl family running", &rpm_kesl())
            .with_process(400, "kesl", Some("/opt/kaspersky/kesl/libexec/kesl"))
            .with_process(401, "klnagent", None),
        fedora(
            "fedora, names that only look alike",
            &[rpm("kesl-tools", "1-1"), rpm("libkesl", "1-1")],
        ),
        fedora("fedora, clamav healthy", &[rpm("clamav", "1.4.1-1.fc40")])
            .with_file("/usr/bin/clamscan", b"x", 0)
            .with_file("/var/lib/clamav/daily.cld", b"x", NOW_MS - DAY_MS),
        leap("leap, kesl", &[rpm("kesl", "11.3.0-7441")]),
        system("fedora without the rpm program", FEDORA),
        system("fedora, rpm fails", FEDORA).with_failing_tool(
            Tool::RpmQueryAll,
            "/usr/bin/rpm ended with code 1: error: cannot open Packages database in /var/lib/rpm",
        ),
        system("fedora, rpm's database was lost", FEDORA).with_tool(Tool::RpmQueryAll, "", ""),
        system("fedora, rpm skips an entry", FEDORA).with_tool(
            Tool::RpmQueryAll,
            &rpm_base(),
            "error: rpmdbNextIterator: skipping h#      12 Header V4 RSA/SHA256 Signature: BAD\n",
        ),
        system("fedora, rpm's list is cut", FEDORA).with_tool(Tool::RpmQueryAll, &(rpm_base() + "kes"), ""),
        fedora("fedora, with dpkg as a tool", &[]).with_file(
            "/var/lib/dpkg/status",
            installed("kesl", "1").as_bytes(),
            0,
        ),
        offline,
        debian("debian, with rpm as a tool", &[]).with_tool(Tool::RpmQueryAll, &rpm("kesl", "1-1"), ""),
        system("a strange system with rpm", STRANGE).with_tool(
            Tool::RpmQueryAll,
            &(rpm_base() + &rpm("kesl", "1-1")),
            "",
        ),
        system("a strange system with dpkg, and rpm as a tool", STRANGE)
            .with_file("/var/lib/dpkg/status", &debian_status(), 0)
            .with_tool(Tool::RpmQueryAll, "", ""),
        system("a strange system that both claim", STRANGE)
            .with_file("/var/lib/dpkg/status", &debian_status(), 0)
            .with_tool(Tool::RpmQueryAll, &rpm_base(), ""),
        system("a strange system that neither claims", STRANGE),
    ]
}

pub(super) fn clean() -> Fixture {
    debian("clean", &[])
}

pub(super) fn kesl_packages() -> Vec<String> {
    vec![
        installed("kesl", "12.1.0-1297"),
        installed("kesl-gui", "12.1.0-1297"),
        installed("klnagent64", "15.0.0-12912"),
    ]
}

pub(super) fn kesl_installed() -> Fixture {
    debian("kesl family installed, nothing runs", &kesl_packages())
        .with_directory("/opt/kaspersky/kesl")
        .with_directory("/var/opt/kaspersky/kesl")
        .with_file(
            "/etc/systemd/system/kesl.service",
            b"[Unit]\nDescription=kesl\n[Service]\nExecStart=/opt/kaspersky/kesl/bin/kesl\n[Install]\nWantedBy=multi-user.target\n",
            0,
        )
        .with_file("/etc/systemd/system/multi-user.target.wants/kesl.service", b"x", 0)
}

pub(super) fn kesl_running() -> Fixture {
    let mut fixture = kesl_installed()
        .with_process(400, "kesl", Some("/opt/kaspersky/kesl/libexec/kesl"))
        .with_process(401, "klnagent", None);
    fixture.about = "kesl family running".into();
    fixture
}

fn kesl_running_with_listener() -> Fixture {
    let group = "fanotify flags:4 event-flags:8002\nfanotify mnt_id:16 mflags:0 mask:50000 ignored_mask:0\n";
    let mut fixture = kesl_installed().with_listener(400, "kesl", group);
    fixture.about = "kesl running, and it decides whether files may be opened".into();
    fixture
}

pub(super) fn clamav(about: &str, age_days: i64) -> Fixture {
    debian(about, &[installed("clamav", "1.0.7+dfsg-1")])
        .with_file("/usr/bin/clamscan", b"x", 0)
        .with_file("/var/lib/clamav/daily.cld", b"x", NOW_MS - age_days * DAY_MS)
        .with_file("/var/lib/clamav/freshclam.dat", b"x", NOW_MS)
}

/// Every host of the matrix.
pub(super) fn all() -> Vec<Fixture> {
    let status = debian("", &kesl_packages());
    let crate::facts::Answer::Found(whole) = status.read(&crate::host::HostPath::unix("/var/lib/dpkg/status"), 1 << 20)
    else {
        panic!("planted");
    };
    let without_database = debian("clamav without signatures", &[installed("clamav", "1.0.7+dfsg-1")])
        .with_file("/usr/bin/clamscan", b"x", 0)
        .with_directory("/var/lib/clamav");
    let mut hosts = vec![
        clean(),
        kesl_installed(),
        kesl_running(),
        debian(
            "kesl removed, configuration files remain",
            &[stanza("kesl", "12.1.0-1297", "deinstall ok config-files")],
        ),
        debian("kesl removed, directories remain", &[])
            .with_directory("/var/opt/kaspersky/kesl")
            .with_directory("/var/opt/kaspersky/klnagent"),
        debian("kesl purged, its unit remains", &[]).with_file("/etc/systemd/system/kesl.service", b"", 0),
        debian("klnagent64 alone", &[installed("klnagent64", "15.0.0-12912")]),
        debian(
            "kesl half removed",
            &[stanza("kesl", "12.1.0-1297", "deinstall reinstreq half-installed")],
        ),
        debian("kesl runs and no package knows it", &[]).with_process(9, "kesl", None),
        with_status("dpkg's database cut in an entry", &whole[..whole.len() - 40]),
        with_status("dpkg's database cut between entries", debian_base().as_bytes()).with_file(
            "/var/lib/dpkg/info/kesl.list",
            b"/.\n",
            0,
        ),
        without_status("dpkg's database missing"),
        with_status("dpkg's database empty", b""),
        with_status("dpkg's database full of NUL", &[0; 4096]),
        with_status(
            "a maintainer who is not UTF-8",
            b"Package: kesl\nStatus: install ok installed\nVersion: 1\nMaintainer: \xe9\n\n",
        ),
        debian("dpkg was killed while it removed kesl", &kesl_packages()).with_file(
            "/var/lib/dpkg/updates/0001",
            b"Package: kesl\nStatus: purge ok half-configured\nArchitecture: amd64\nVersion: 12.1.0-1297\n",
            0,
        ),
        debian(
            "dpkg was killed after it purged klnagent64",
            &[installed("klnagent64", "15")],
        )
        .with_file(
            "/var/lib/dpkg/updates/0001",
            b"Package: klnagent64\nStatus: purge ok not-installed\nArchitecture: amd64\n",
            0,
        ),
        debian(
            "names that only look alike",
            &[
                installed("kesl-tools", "1"),
                installed("libkesl", "1"),
                installed("clamav-docs", "1"),
            ],
        )
        .with_directory("/opt/kaspersky/keslx")
        .with_process(9, "kesld", Some("/usr/bin/kesld")),
        debian("kesl purged, its groups remain", &[])
            .with_group("kesladmin", 998)
            .with_group("nokesl", 997),
        debian("kesl purged, its certificate is still trusted", &[])
            .with_file("/usr/local/share/ca-certificates/department/kl.crt", PEM.as_bytes(), 0)
            .with_directory("/usr/local/share/ca-certificates/department")
            .with_directory("/etc/ssl/certs")
            .with_file("/etc/ssl/certs/ca-certificates.crt", PEM.as_bytes(), 0),
        debian("a trust store with a damaged anchor", &[])
            .with_file(
                "/etc/pki/ca-trust/source/anchors/own.pem",
                b"-----BEGIN CERTIFICATE-----\n!\n",
                0,
            )
            .with_file("/etc/ssl/certs/notes.txt", b"-----BEGIN CERTIFICATE-----\n!\n", 0),
        kesl_running_with_listener(),
        debian("others intercept files, and a process of that name only watches", &[])
            .with_listener(
                71,
                "falcon-sensor",
                "fanotify flags:4 event-flags:0\nfanotify mnt_id:1 mflags:0 mask:10000 ignored_mask:0\n",
            )
            .with_listener(
                72,
                "kesl",
                "fanotify flags:0 event-flags:0\nfanotify mnt_id:1 mflags:0 mask:3b ignored_mask:0\n",
            ),
        debian("kesl purged, what changes its unit remains", &[]).with_directory("/etc/systemd/system/kesl.service.d"),
        debian("kesl as a script of old, under a generated unit", &[]).with_file(
            "/run/systemd/generator.late/kesl.service",
            b"[Unit]\nDescription=LSB: kesl\n",
            0,
        ),
        clamav("clamav healthy", 1),
        clamav("clamav with old signatures", 8),
        without_database,
        debian("clamav without its program", &[installed("clamav", "1.0.7+dfsg-1")]),
        clamav("clamav dated in the future", -3),
    ];
    hosts.extend(rpm_hosts());
    hosts.extend(super::service_plants::services());
    hosts
}

pub(super) fn debian_base() -> String {
    installed("dpkg", "1.21.22") + &installed("bash", "5.2.15")
}
