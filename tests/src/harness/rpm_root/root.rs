//! Makes the root.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use super::build::{self, Spec};
use crate::harness::debian_root::DebianRoot;

/// What the base root has beside the usual. ClamAV is Debian's; its program is packed anew, its libraries stay.
const PACKAGES: [&str; 3] = ["rpm", "createrepo-c", "clamav"];

/// The repository, inside.
const REPOSITORY: &str = "/srv/rpm";
const LIMIT: Duration = Duration::from_secs(120);

/// Which system it calls itself, and with which package manager it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// With dnf.
    Fedora,
    /// With zypper.
    Leap,
}

impl Distribution {
    const fn os_release(self) -> &'static str {
        match self {
            Self::Fedora => {
                "NAME=\"Fedora Linux\"\nPRETTY_NAME=\"Fedora Linux 40 (stood in for)\"\nID=fedora\nVERSION_ID=40\n"
            }
            Self::Leap => {
                "NAME=\"openSUSE Leap\"\nPRETTY_NAME=\"openSUSE Leap 15.6 (stood in for)\"\nID=\"opensuse-leap\"\n\
                 ID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\n"
            }
        }
    }

    /// Its package manager, with the plugin that knows of restarts. Debian's plugins do not stand beside zypper.
    const fn manager(self) -> &'static [&'static str] {
        match self {
            Self::Fedora => &["dnf", "dnf-plugins-core"],
            Self::Leap => &["zypper"],
        }
    }

    /// Where it looks for repositories.
    const fn repositories(self) -> &'static str {
        match self {
            Self::Fedora => "/etc/yum.repos.d",
            Self::Leap => "/etc/zypp/repos.d",
        }
    }
}

/// A root with the three products installed by rpm, and a repository that has ClamAV.
///
/// # Errors
/// When it cannot be made.
pub fn fresh(hostname: &str, distribution: Distribution) -> Result<DebianRoot> {
    let root = DebianRoot::with_packages(hostname, &[&PACKAGES, distribution.manager()].concat())?;
    settle(&root, distribution)?;
    let installed = products(&root)?;
    let offered = scanner(&root)?;
    let mut install = vec!["rpm", "--install"];
    install.extend(installed.iter().map(String::as_str));
    root.run(&["rpm", "--initdb"], LIMIT)?.succeeded()?;
    root.run(&install, LIMIT)?
        .succeeded()
        .context("cannot install the products")?;
    open_repository(&root, distribution, &offered)?;
    fs::remove_dir_all(root.outside("/root/rpmbuild"))?;
    Ok(root)
}

/// Something has been updated that only a restart takes up: a package of that kind, for dnf; for zypper the mark that it makes
/// itself after such an update, for which it would need a repository with advisories.
///
/// # Errors
/// When the package cannot be built or installed.
pub fn update_the_core(root: &DebianRoot, distribution: Distribution) -> Result<()> {
    match distribution {
        Distribution::Fedora => {
            let firmware = Spec {
                name: "linux-firmware",
                version: "20240101",
                release: "1",
                preamble: &[],
            };
            let built = firmware.build(root, "", "")?;
            root.run(&["rpm", "--install", &built], LIMIT)?.succeeded()?;
            fs::remove_dir_all(root.outside("/root/rpmbuild"))?;
        }
        Distribution::Leap => fs::write(root.outside("/run/reboot-needed"), "")?,
    }
    Ok(())
}

fn settle(root: &DebianRoot, distribution: Distribution) -> Result<()> {
    // Debian's build keeps root's packages in a home directory; every system of rpm's has them here.
    fs::create_dir_all(root.outside("/etc/rpm"))?;
    fs::write(root.outside("/etc/rpm/macros"), "%_dbpath /var/lib/rpm\n")?;
    let os_release = root.outside("/etc/os-release");
    // A link to a file that other roots share.
    fs::remove_file(&os_release)?;
    fs::write(os_release, distribution.os_release())?;
    if distribution == Distribution::Fedora {
        // Fedora has the plugin that makes a repository of what was installed in a package of its own, which few install.
        let plugins = root.outside("/etc/dnf/plugins");
        fs::create_dir_all(&plugins)?;
        fs::write(plugins.join("local.conf"), "[main]\nenabled=0\n")?;
    }
    Ok(())
}

/// The three products, and what every system of rpm's has: rpm itself, which brings what scripts and managers ask for.
fn products(root: &DebianRoot) -> Result<Vec<String>> {
    let product = |name, version, release, preamble| Spec {
        name,
        version,
        release,
        preamble,
    };
    let system = product(
        "rpm",
        "4.18.0",
        "1",
        &[
            "Provides: /bin/sh",
            "Provides: system-release = 40",
            "Provides: distribution-release = 15.6",
        ],
    );
    Ok(vec![
        system.build(root, "", "")?,
        build::planted(root, &product("kesl", "12.1.0", "1297", &[]))?,
        build::planted(
            root,
            &product("kesl-gui", "12.1.0", "1297", &["Requires: kesl = 12.1.0-1297"]),
        )?,
        build::planted(root, &product("klnagent64", "15.1.0", "20748", &[]))?,
    ])
}

/// Debian's scanner as a package of rpm's, with a library package that it needs and the updater that Fedora has apart.
/// Those two are empty: the libraries are the base root's, and no signatures can be fetched here.
fn scanner(root: &DebianRoot) -> Result<Vec<String>> {
    let listed = root.run(&["dpkg", "--listfiles", "clamav"], LIMIT)?.succeeded()?;
    let spec = |name, preamble| Spec {
        name,
        version: "1.4.6",
        release: "1",
        preamble,
    };
    let clamav = spec("clamav", &["Requires: clamav-lib"][..]);
    let programs = clamav.tree(root).join("usr/bin");
    fs::create_dir_all(&programs)?;
    for program in listed.stdout.lines().filter_map(|line| line.strip_prefix("/usr/bin/")) {
        fs::copy(root.outside("/usr/bin").join(program), programs.join(program))?;
    }
    let purge = ["dpkg", "--purge", "clamav", "clamav-freshclam"];
    root.run(&purge, LIMIT)?
        .succeeded()
        .context("cannot take Debian's own ClamAV away")?;
    Ok(vec![
        clamav.build(root, "", "")?,
        spec("clamav-lib", &[]).build(root, "", "")?,
        spec("clamav-update", &[]).build(root, "", "")?,
    ])
}

fn open_repository(root: &DebianRoot, distribution: Distribution, packages: &[String]) -> Result<()> {
    fs::create_dir_all(root.outside(REPOSITORY))?;
    for package in packages {
        let name = package.rsplit('/').next().context("a package has a name")?;
        fs::copy(root.outside(package), root.outside(REPOSITORY).join(name))?;
    }
    root.run(&["createrepo_c", "--quiet", REPOSITORY], LIMIT)?.succeeded()?;
    let directory = distribution.repositories();
    fs::create_dir_all(root.outside(directory))?;
    fs::write(
        root.outside(directory).join("base.repo"),
        format!("[base]\nname=base\nbaseurl=file://{REPOSITORY}\nenabled=1\ngpgcheck=0\n"),
    )?;
    Ok(())
}
