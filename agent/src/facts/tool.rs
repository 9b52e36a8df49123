//! What programs of the system say when they are asked.

use cutover_proto::words;

words! {
    /// A question to a program of the system: a closed set, each of which changes nothing that anybody looks at. Program,
    /// arguments, time and length are bound to the variant where it is asked.
    pub enum Tool("tool") {
        /// `rpm -qa` in the format that [`crate::parse::rpm`] reads: the packages in rpm's database, whichever of its
        /// formats that has.
        RpmQueryAll = "rpm-query-all",
        /// `VERSION` over clamd's local socket, as [`crate::parse::clamd`] reads it: what the daemon loaded. Ask it only of a
        /// service at work: a connection may start one.
        ClamdVersion = "clamd-version",
        /// Whether dnf or yum wants a restart, as [`crate::parse::needs_restart`] reads it: `needs-restarting -r`, a program
        /// of yum-utils or a plugin of dnf. Without the network.
        NeedsRestarting = "needs-restarting",
        /// The same of zypper: `zypper needs-rebooting`.
        NeedsRebooting = "needs-rebooting",
        /// `pkgutil --pkgs`: the ids of macOS's receipts, one a line.
        Receipts = "pkgutil-pkgs",
        /// `systemextensionsctl list`: macOS's system extensions, as [`crate::parse::system_extensions`] reads it.
        SystemExtensions = "systemextensionsctl-list",
        /// `security find-certificate -a -p /Library/Keychains/System.keychain`: the certificates that an administrator or a
        /// product added to macOS, in PEM.
        SystemKeychain = "system-keychain",
        /// `fdesetup status`: whether macOS encrypts its start volume, as [`crate::parse::filevault`] reads it.
        FileVault = "fdesetup-status",
        /// `ioreg -rd1 -c IOPlatformExpertDevice`: what a Mac says of itself, as [`crate::parse::ioreg`] reads it.
        PlatformExpert = "ioreg-platform-expert",
        /// `pmset -g batt`: what a Mac draws its power from, as [`crate::parse::pmset`] reads it.
        PmsetBatteries = "pmset-batteries",
        /// `mdatp health --output json`, as [`crate::parse::mdatp`] reads it.
        MdatpHealth = "mdatp-health",
        /// `falconctl -g --cid --aid --rfm-state`, as [`crate::parse::falcon`] reads it.
        FalconState = "falcon-state",
        /// `kesl-control --app-info`: of its lines, [`crate::parse::upkeep`] reads the date of the bases alone.
        KeslAppInfo = "kesl-app-info",
    }
}

/// A line a package: name, `EPOCH:VERSION-RELEASE` (no epoch where it has none), architecture, when it was installed,
/// in seconds since the epoch (rpm(8), `--queryformat`).
pub const RPM_QUERY_FORMAT: &str = "%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{ARCH}\t%{INSTALLTIME}\n";

/// What a tool said when it ended as one does that has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolOutput {
    /// Standard output, whole.
    pub stdout: Vec<u8>,
    /// The beginning of standard error: some tools complain there and still answer.
    pub stderr: Vec<u8>,
}
