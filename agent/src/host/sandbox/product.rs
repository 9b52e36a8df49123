//! What belongs to each product that can be planted. Names and paths are those of the real products; contents are ours.

use cutover_proto::words;

words! {
    /// A target that can be planted.
    pub enum TargetProduct("target product") {
        /// Kaspersky Endpoint Security for Linux.
        Kesl = "kesl",
        /// Its graphical interface.
        KeslGui = "kesl-gui",
        /// Kaspersky Security Center Network Agent.
        Klnagent64 = "klnagent64",
    }
}

/// A package and what it brings.
pub(super) struct Goods {
    pub package: &'static str,
    pub version: &'static str,
    /// Executables that it brings.
    pub programs: &'static [&'static str],
    /// Other files that it brings.
    pub files: &'static [&'static str],
    /// What it makes while it runs and does not take along.
    pub data: &'static [&'static str],
    /// Directories of which nothing is left when it goes.
    pub own_directories: &'static [&'static str],
    /// Those that stay, with the data in them.
    pub data_directories: &'static [&'static str],
    /// Name and executable of its process.
    pub process: Option<(&'static str, &'static str)>,
}

pub(super) const KESL: Goods = Goods {
    package: "kesl",
    version: "12.1.0-1297",
    programs: &[
        "/opt/kaspersky/kesl/libexec/kesl",
        "/opt/kaspersky/kesl/bin/kesl-control",
    ],
    files: &["/lib/systemd/system/kesl.service", "/etc/opt/kaspersky/kesl/agreements"],
    data: &[
        "/var/opt/kaspersky/kesl/common/kesl.ini",
        "/var/opt/kaspersky/kesl/private/storage/objects",
        "/var/log/kaspersky/kesl/kesl.log",
    ],
    own_directories: &["/opt/kaspersky/kesl", "/etc/opt/kaspersky/kesl"],
    data_directories: &["/var/opt/kaspersky/kesl", "/var/log/kaspersky/kesl"],
    process: Some(("kesl", "/opt/kaspersky/kesl/libexec/kesl")),
};

pub(super) const KESL_GUI: Goods = Goods {
    package: "kesl-gui",
    version: "12.1.0-1297",
    programs: &["/opt/kaspersky/kesl-gui/bin/kesl-gui"],
    files: &["/usr/share/applications/kesl-gui.desktop"],
    data: &[],
    own_directories: &["/opt/kaspersky/kesl-gui"],
    data_directories: &[],
    process: Some(("kesl-gui", "/opt/kaspersky/kesl-gui/bin/kesl-gui")),
};

pub(super) const KLNAGENT64: Goods = Goods {
    package: "klnagent64",
    version: "15.0.0-12912",
    programs: &[
        "/opt/kaspersky/klnagent64/sbin/klnagent",
        "/opt/kaspersky/klnagent64/bin/klnagchk",
    ],
    files: &["/lib/systemd/system/klnagent64.service"],
    data: &["/var/opt/kaspersky/klnagent/1103/klnagent.dat"],
    own_directories: &["/opt/kaspersky/klnagent64"],
    data_directories: &["/var/opt/kaspersky/klnagent"],
    process: Some(("klnagent", "/opt/kaspersky/klnagent64/sbin/klnagent")),
};

const CLAMAV: Goods = Goods {
    package: "clamav",
    version: "1.4.6+dfsg-1",
    programs: &["/usr/bin/clamscan", "/usr/bin/sigtool"],
    files: &["/usr/share/doc/clamav/copyright"],
    data: &[],
    own_directories: &[],
    data_directories: &[],
    process: None,
};

const CLAMAV_DAEMON: Goods = Goods {
    package: "clamav-daemon",
    version: "1.4.6+dfsg-1",
    programs: &["/usr/sbin/clamd", "/usr/sbin/clamonacc"],
    files: &[
        "/lib/systemd/system/clamav-daemon.service",
        "/lib/systemd/system/clamav-clamonacc.service",
        "/etc/clamav/clamd.conf",
    ],
    data: &[],
    own_directories: &[],
    data_directories: &[],
    process: None,
};

const CLAMAV_FRESHCLAM: Goods = Goods {
    package: "clamav-freshclam",
    version: "1.4.6+dfsg-1",
    programs: &["/usr/bin/freshclam"],
    files: &[
        "/lib/systemd/system/clamav-freshclam.service",
        "/etc/clamav/freshclam.conf",
    ],
    data: &[],
    own_directories: &[],
    data_directories: &[],
    process: None,
};

const MDATP: Goods = Goods {
    package: "mdatp",
    version: "101.24082.0004",
    programs: &["/usr/bin/mdatp"],
    files: &["/lib/systemd/system/mdatp.service"],
    data: &[],
    own_directories: &[],
    data_directories: &[],
    process: None,
};

impl TargetProduct {
    pub(super) fn goods(self) -> &'static Goods {
        match self {
            Self::Kesl => &KESL,
            Self::KeslGui => &KESL_GUI,
            Self::Klnagent64 => &KLNAGENT64,
        }
    }
}

/// What a package of this name brings; `None` for one that brings nothing that anybody looks at.
pub(super) fn goods_of(package: &str) -> Option<&'static Goods> {
    [
        &KESL,
        &KESL_GUI,
        &KLNAGENT64,
        &CLAMAV,
        &CLAMAV_DAEMON,
        &CLAMAV_FRESHCLAM,
        &MDATP,
    ]
    .into_iter()
    .find(|goods| goods.package == package)
}

/// The program by which a replacement scans.
pub(super) fn scanner_of(product: &str) -> Option<&'static str> {
    match product {
        "clamav" => Some("/usr/bin/clamscan"),
        "clamav-daemon" => Some("/usr/sbin/clamd"),
        "clamav-on-access" => Some("/usr/sbin/clamonacc"),
        _ => None,
    }
}

/// The packages that bring signatures: one has them fetched, the other stands for a person who calls the updater.
pub(super) const WITH_SIGNATURES: [&str; 2] = [CLAMAV.package, CLAMAV_FRESHCLAM.package];
/// Where its signatures lie, and one file of them.
pub(super) const SIGNATURES: &str = "/var/lib/clamav/planted.hdb";
