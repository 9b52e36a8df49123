//! Questions to rpm itself, below dnf, yum and zypper.

use std::{io::Error, path::Path, time::Duration};

use super::{super::seam::HandsError, process::Runner};

/// The second place is that of systems from before /bin and /usr/bin became one.
const RPM: [&str; 2] = ["/usr/bin/rpm", "/bin/rpm"];
/// What rpm, and what stands on it, says while another transaction runs.
pub(super) const LOCKED: &[&str] = &["can't create transaction lock"];
/// A query reads one database; it may have to wait for another program's lock.
const ASK_LIMIT: Duration = Duration::from_secs(120);

/// Which of these packages are installed, in the order given.
pub(super) fn present(runner: &Runner, packages: &[String]) -> Result<Vec<String>, HandsError> {
    let arguments = words(&["-q", "--qf", "%{NAME}\\n", "--"], packages);
    let (code, said) = runner.ask(program(), &arguments, ASK_LIMIT)?;
    read_present(packages, code, &said)
}

/// Which of these are installed in just this version, release and architecture, in the order given.
pub(super) fn present_labels(runner: &Runner, labels: &[String]) -> Result<Vec<String>, HandsError> {
    let arguments = words(
        &["-q", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n", "--"],
        labels,
    );
    let (code, said) = runner.ask(program(), &arguments, ASK_LIMIT)?;
    read_present(labels, code, &said)
}

/// Installed packages beside these that could not do without them.
pub(super) fn dependents(runner: &Runner, packages: &[String]) -> Result<Vec<String>, HandsError> {
    let arguments = words(&["-e", "--test", "--"], packages);
    let (code, said) = runner.ask_when_free(program(), &arguments, ASK_LIMIT, LOCKED)?;
    read_dependents(code, &said)
}

pub(super) fn program() -> &'static str {
    RPM.into_iter().find(|path| Path::new(path).exists()).unwrap_or(RPM[0])
}

fn words<'a>(words: &[&'a str], packages: &'a [String]) -> Vec<&'a str> {
    words
        .iter()
        .copied()
        .chain(packages.iter().map(String::as_str))
        .collect()
}

fn failed(said: &str) -> HandsError {
    let said = said.trim();
    HandsError::io(
        "ask rpm",
        Error::other(if said.is_empty() { "it says nothing" } else { said }.to_owned()),
    )
}

/// The exit code is the number of packages that are not installed (rpm(8)), so a word decides about each: either its name
/// or that it is not there. Anything missing is an error, never an absence.
fn read_present(packages: &[String], code: Option<i32>, said: &str) -> Result<Vec<String>, HandsError> {
    let mut present = Vec::new();
    for package in packages {
        let absent = format!("package {package} is not installed");
        if said.lines().any(|line| line == package) {
            present.push(package.clone());
        } else if code.is_none() || !said.lines().any(|line| line == absent) {
            return Err(failed(said));
        }
    }
    Ok(present)
}

/// rpm names each as `NAME is needed by (installed) OTHER-VERSION-RELEASE.ARCHITECTURE`.
fn read_dependents(code: Option<i32>, said: &str) -> Result<Vec<String>, HandsError> {
    let mut dependents: Vec<String> = said
        .lines()
        .filter_map(|line| line.split_once(" is needed by ")?.1.strip_prefix("(installed) "))
        .map(|label| name_of(label.trim()).to_owned())
        .collect();
    dependents.sort();
    dependents.dedup();
    if dependents.is_empty() && code != Some(0) {
        return Err(failed(said));
    }
    Ok(dependents)
}

/// A label's name: what stands before the version and the release, neither of which has a `-`.
fn name_of(label: &str) -> &str {
    let mut parts = label.rsplitn(3, '-');
    let (_, _, name) = (parts.next(), parts.next(), parts.next());
    name.unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_package_is_there_or_said_not_to_be() {
        let wanted = names(&["kesl-gui", "none", "kesl"]);
        let said = "kesl\nkesl-gui\npackage none is not installed\n";
        assert_eq!(read_present(&wanted, Some(1), said).unwrap(), ["kesl-gui", "kesl"]);
        assert!(read_present(&names(&["none"]), Some(1), said).unwrap().is_empty());
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_no_absence() {
        let said = "error: cannot open Packages database in /var/lib/rpm\n";
        let error = read_present(&names(&["kesl"]), Some(1), said).unwrap_err();
        assert!(error.to_string().contains("cannot open Packages database"), "{error}");
        let cut_off = "package kesl is not installed\n";
        assert!(read_present(&names(&["kesl"]), None, cut_off).is_err(), "it was ended");
        assert!(read_present(&names(&["kesl"]), Some(0), "").is_err());
    }

    #[test]
    fn what_depends_is_named_without_its_version() {
        let said = "error: Failed dependencies:\n\tkesl is needed by (installed) kesl-gui-12.1.0-1297.x86_64\n\
            \tkesl >= 12 is needed by (installed) a-tool-of-others-1.0-3.el9.noarch\n";
        assert_eq!(
            read_dependents(Some(1), said).unwrap(),
            ["a-tool-of-others", "kesl-gui"]
        );
        assert!(read_dependents(Some(0), "").unwrap().is_empty());
    }

    #[test]
    fn a_test_that_fails_otherwise_is_an_error() {
        let said = "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Permission denied)\n";
        assert!(read_dependents(Some(1), said).is_err());
        assert!(read_dependents(None, "").is_err());
    }
}
