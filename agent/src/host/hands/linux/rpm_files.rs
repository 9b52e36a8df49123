//! Package files on systems of rpm's: installed by rpm itself, whichever of dnf, yum and zypper stands on it.
//!
//! rpm downloads nothing and takes nothing away but what a package says it stands in for, which is asked before. Signatures
//! are checked as the host's own configuration of rpm says; which bytes they are, the order's hash has settled.

use std::{io::Error, path::Path, time::Duration};

use super::{
    super::seam::{HandsError, PackageFile, Run, ToolRun},
    process::Runner,
    rpm,
};

/// Reading a file's header, or planning a transaction that may have to wait for another program's lock.
const ASK_LIMIT: Duration = Duration::from_secs(120);

/// What rpm says of a package file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    name: String,
    /// Name, version, release and architecture, as installed packages are asked for.
    label: String,
    /// Packages that it stands in for: rpm takes them away.
    obsoletes: Vec<String>,
}

pub(super) fn install(runner: &Runner, files: &[PackageFile], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
    let mut session = runner.session(run)?;
    let mut headers = Vec::new();
    for file in files {
        let header = read_header(runner, &file.path)?;
        if header.as_ref().is_none_or(|header| header.name != file.package) {
            let holds = header.map_or_else(|| "no package".to_owned(), |header| format!("`{}`", header.name));
            let why = format!("{} holds {holds} and not the package {}", file.file_name, file.package);
            return Err(HandsError::Unsupported(why));
        }
        headers.extend(header);
    }
    // rpm refuses a whole set for one package of it that is there already.
    let labels: Vec<String> = headers.iter().map(|header| header.label.clone()).collect();
    let present = rpm::present_labels(runner, &labels)?;
    let missing = headers
        .iter()
        .zip(files)
        .filter(|(header, _)| !present.contains(&header.label));
    let (headers, paths): (Vec<&Header>, Vec<String>) = missing
        .map(|(header, file)| (header, file.path.to_string_lossy().into_owned()))
        .unzip();
    if paths.is_empty() {
        return session.finish();
    }
    let mut stood_in_for: Vec<String> = headers.iter().flat_map(|header| header.obsoletes.clone()).collect();
    stood_in_for.retain(|name| !files.iter().any(|file| file.package == *name));
    stood_in_for.sort();
    stood_in_for.dedup();
    if !stood_in_for.is_empty() {
        let would_go = rpm::present(runner, &stood_in_for)?;
        if !would_go.is_empty() {
            return Err(HandsError::WouldTouchMore(would_go));
        }
    }
    let words = |more: &[&'static str]| -> Vec<String> {
        more.iter()
            .map(|word| (*word).to_owned())
            .chain(paths.iter().cloned())
            .collect()
    };
    let plan = words(&["-U", "--test"]);
    let plan: Vec<&str> = plan.iter().map(String::as_str).collect();
    let (code, said) = runner.ask_when_free(rpm::program(), &plan, ASK_LIMIT, rpm::LOCKED)?;
    if code != Some(0) {
        // Mostly a dependency that is neither here nor among the files, or a newer version that is.
        return Ok(ToolRun {
            exit_code: code,
            log_tail: said,
            timed_out: code.is_none(),
        });
    }
    let install = words(&["-U"]);
    let install: Vec<&str> = install.iter().map(String::as_str).collect();
    session.tool_when_free(rpm::program(), &install, rpm::LOCKED)?;
    session.finish()
}

/// What a file holds; nothing when it is no one package.
fn read_header(runner: &Runner, path: &Path) -> Result<Option<Header>, HandsError> {
    let path = path.to_string_lossy();
    // A line that tells itself from rpm's warnings.
    let format = "package\\t%{NAME}\\t%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\t[%{OBSOLETENAME} ]\\n";
    let (code, said) = runner.ask(rpm::program(), &["-qp", "--qf", format, &path], ASK_LIMIT)?;
    if code.is_none() {
        return Err(HandsError::io("ask rpm for a file", Error::other(said)));
    }
    Ok(header(&said).filter(|_| code == Some(0)))
}

fn header(said: &str) -> Option<Header> {
    let mut lines = said.lines().filter_map(|line| line.strip_prefix("package\t"));
    let mut fields = lines.next()?.split('\t');
    let (name, label, obsoletes) = (fields.next()?, fields.next()?, fields.next()?);
    // Several packages are a list of files, which no artifact is.
    let is_one = lines.next().is_none();
    is_one.then(|| Header {
        name: name.to_owned(),
        label: label.to_owned(),
        obsoletes: obsoletes
            .split_whitespace()
            .filter(|word| *word != "(none)")
            .map(str::to_owned)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_told_from_warnings_and_names_what_it_stands_in_for() {
        let said = "warning: /x: Header V4 RSA/SHA256 Signature, key ID 1: NOKEY\n\
                    package\tclamav\tclamav-1.4.6-1.x86_64\tclamav-scanner clamav-server \n";
        let header = header(said).unwrap();
        assert_eq!(header.label, "clamav-1.4.6-1.x86_64");
        assert_eq!(header.obsoletes, ["clamav-scanner", "clamav-server"]);
    }

    #[test]
    fn none_and_several_are_no_package() {
        assert_eq!(header("error: /x: not an rpm package (or package manifest)\n"), None);
        let one = "package\ta\ta-1-1.noarch\t\n";
        assert!(header(one).unwrap().obsoletes.is_empty());
        assert!(
            header("package\ta\ta-1-1.noarch\t(none) \n")
                .unwrap()
                .obsoletes
                .is_empty()
        );
        assert_eq!(header(&format!("{one}{one}")), None);
    }
}
