//! A generated root directory of a Debian machine: as many packages and units as asked for, of which two are products that must
//! go. Names and texts are made up; lengths are those of a real status file, about 750 bytes a package.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};

/// A product that must go, with a path of its own.
const PRODUCTS: [(&str, &str, &str); 2] = [
    ("kesl", "12.1.0-1297", "var/opt/kaspersky/kesl"),
    ("klnagent64", "15.1.0-20748", "opt/kaspersky/klnagent64"),
];

/// Makes the root in an empty directory.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn plant(root: &Path, packages: usize, units: usize) -> Result<()> {
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().context("a file lies in a directory")?)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("etc/os-release", OS_RELEASE)?;
    write("etc/hostname", "load-scan\n")?;
    write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")?;
    write("var/lib/dpkg/status", &status(packages))?;
    for n in 0..units.saturating_sub(PRODUCTS.len()) {
        write(&format!("usr/lib/systemd/system/made-up-{n:04}.service"), UNIT)?;
    }
    for (name, _, path) in PRODUCTS {
        write(&format!("usr/lib/systemd/system/{name}.service"), UNIT)?;
        write(&format!("{path}/data"), "")?;
    }
    Ok(())
}

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
                          VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";

const UNIT: &str = "[Unit]\nDescription=Made up\n\n[Service]\nExecStart=/usr/bin/true\n\n[Install]\n\
                    WantedBy=multi-user.target\n";

fn status(packages: usize) -> String {
    let mut text = String::new();
    let products = PRODUCTS
        .iter()
        .map(|(name, version, _)| ((*name).to_owned(), (*version).to_owned()));
    let others = (0..packages.saturating_sub(PRODUCTS.len())).map(|n| {
        (
            format!("made-up-library{n:04}"),
            format!("1:{}.{}-{}+deb12u1", n % 9, n % 31, n % 7),
        )
    });
    for (name, version) in products.chain(others) {
        stanza(&mut text, &name, &version);
    }
    text
}

fn stanza(text: &mut String, name: &str, version: &str) {
    // Writing into a String cannot fail.
    let _ = write!(
        text,
        "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: libs\nInstalled-Size: 412\n\
         Maintainer: Nobody <nobody@example.org>\nArchitecture: amd64\nMulti-Arch: same\nSource: {name} ({version})\n\
         Version: {version}\nReplaces: {name}-old (<< {version})\n\
         Depends: libc6 (>= 2.34), libexample-one (>= 1.2.3), libexample-two2 (>= 4.5), libexample-three (>= 0.9~rc1)\n\
         Suggests: {name}-doc\nBreaks: {name}-tools (<< {version})\n\
         Conffiles:\n /etc/{name}/first.conf 0123456789abcdef0123456789abcdef\n\
         Description: library that does not exist\n It has a long description, as real packages do, so that a reader has\n \
         to get past it to the next package.\n .\n This second paragraph names what it would be good for and what not,\n \
         and ends here.\nHomepage: https://example.org/{name}\n\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_file_has_as_many_packages_as_asked_for_and_the_products_among_them() {
        let text = status(50);
        assert_eq!(text.matches("\nVersion: ").count(), 50);
        assert_eq!(
            text.split("\n\n")
                .filter(|stanza| stanza.starts_with("Package: "))
                .count(),
            50
        );
        assert!(text.contains("Package: kesl\n") && text.contains("Package: klnagent64\n"));
        assert!(
            (600..900).contains(&(text.len() / 50)),
            "{} bytes a package",
            text.len() / 50
        );
    }
}
