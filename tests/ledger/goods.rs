//! What packages bring, and what they leave. Names and paths are those of the genuine products; contents are ours. What the targets
//! leave is what `docs/testing.md` has of them.

use cutover_proto::inventory::PackageManager;

use crate::machine::State;

/// With the subject that the target gives its own.
const PEM: &[u8] = include_bytes!("../../agent/src/host/sandbox/certificate.pem");
const SIGNATURES: &str = "/var/lib/clamav/daily.cld";
const UNIT: &str = "/etc/systemd/system/kesl.service";

pub(crate) const KES: &str = "{0B1A6CE6-4F1C-4D2B-9A3A-000000000001}";
pub(crate) const AGENT: &str = "{0B1A6CE6-4F1C-4D2B-9A3A-000000000002}";
pub(crate) const VPN: &str = "{0B1A6CE6-4F1C-4D2B-9A3A-000000000003}";
pub(crate) const GUARD: &str = "{0B1A6CE6-4F1C-4D2B-9A3A-000000000004}";
pub(crate) const KLIF: &str = "klif.KES-21-16";

/// Where the target's certificate lies, and what the system makes of all anchors: Debian's, Red Hat's, SUSE's.
pub(crate) fn trust_store(manager: PackageManager) -> (&'static str, &'static str) {
    match manager {
        PackageManager::Apt => (
            "/usr/local/share/ca-certificates/kl.crt",
            "/etc/ssl/certs/ca-certificates.crt",
        ),
        PackageManager::Dnf | PackageManager::Yum => (
            "/etc/pki/ca-trust/source/anchors/kl.pem",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        ),
        PackageManager::Zypper => (
            "/etc/pki/trust/anchors/kl.pem",
            "/var/lib/ca-certificates/ca-bundle.pem",
        ),
        PackageManager::Msi => panic!("Windows keeps its roots elsewhere"),
    }
}

/// What is in a package, and which services it starts by itself.
fn goods(package: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match package {
        "kesl" => (
            &[
                "/opt/kaspersky/kesl/libexec/kesl",
                "/etc/opt/kaspersky/kesl/agreements",
                "/usr/bin/kesl-control",
            ],
            &["kesl.service"],
        ),
        "kesl-gui" => (&["/opt/kaspersky/kesl-gui/bin/kesl-gui"], &[]),
        "klnagent64" => (&["/opt/kaspersky/klnagent64/sbin/klnagent"], &["klnagent64.service"]),
        "clamav" => (&["/usr/bin/clamscan"], &[]),
        "clamav-daemon" => (
            &["/usr/sbin/clamd", "/usr/sbin/clamonacc", "/etc/clamav/clamd.conf"],
            &[],
        ),
        "clamav-freshclam" | "clamav-update" => (&["/usr/bin/freshclam", "/etc/clamav/freshclam.conf"], &[]),
        "mdatp" => (&["/usr/bin/mdatp"], &["mdatp.service"]),
        "falcon-sensor" => (&["/opt/CrowdStrike/falconctl"], &[]),
        KES => (&[], &["AVP.KES.21.16"]),
        AGENT => (&[], &["klnagent"]),
        GUARD => (&[], &["StandInGuard"]),
        _ => (&[], &[]),
    }
}

/// A package comes. One that is there already stays as it is.
pub(crate) fn bring(state: &mut State, package: &str) {
    if !state.packages.insert(package.to_owned()) {
        return;
    }
    state.fetched.remove(package);
    let (files, services) = goods(package);
    for file in files {
        state.put(file, b"of its package\n", 0o755);
    }
    for service in services {
        state.start(service);
    }
    match package {
        // Its package depends on what fetches them.
        "clamav" => fetch_signatures(state),
        KES => {
            state.loaded.insert(KLIF.to_owned());
        }
        _ => {}
    }
}

/// What a scanner's updater does first.
pub(crate) fn fetch_signatures(state: &mut State) {
    state.put(SIGNATURES, b"signatures\n", 0o644);
}

pub(crate) fn has_signatures(state: &State) -> bool {
    state.files.contains_key(SIGNATURES)
}

/// What a target makes while it runs, and leaves.
pub(crate) fn run_for_a_while(state: &mut State, package: &str) {
    match package {
        "kesl" => {
            state.put("/var/opt/kaspersky/kesl/common/kesl.ini", b"settings\n", 0o600);
            state.put("/var/log/kaspersky/kesl/kesl.log", b"log\n", 0o600);
            state.put(UNIT, b"[Service]\nExecStart=/opt/kaspersky/kesl/libexec/kesl\n", 0o644);
            let (anchor, bundle) = trust_store(state.manager);
            state.put(anchor, PEM, 0o644);
            state.put(bundle, PEM, 0o644);
            let groups = ["kesladmin", "kesluser", "keslaudit", "nokesl"];
            state.groups.extend(groups.map(str::to_owned));
        }
        "klnagent64" => state.put("/var/opt/kaspersky/klnagent/1103/klnagent.dat", b"data\n", 0o600),
        _ => {}
    }
}

/// A package goes, with what it brought.
pub(crate) fn take(state: &mut State, package: &str) {
    if !state.packages.remove(package) {
        return;
    }
    let (files, services) = goods(package);
    for file in files {
        state.delete(file);
    }
    for service in services {
        state.at_work.remove(*service);
    }
}
