//! zypper, asked so that nobody has to answer and nothing beside the named packages goes. Seen with zypper 1.14.

use std::{fs, path::Path, time::Duration};

use super::{
    super::seam::{HandsError, Run, ToolRun},
    process::Runner,
    rpm,
};

const ZYPPER: &str = "/usr/bin/zypper";
/// What it says while another zypper or another transaction of rpm runs. It does not wait.
const LOCKED: &[&str] = &["System management is locked by", "can't create transaction lock"];
/// A plan reads the metadata of all repositories.
const ASK_LIMIT: Duration = Duration::from_secs(300);

pub(super) struct Zypper<'r> {
    runner: &'r Runner,
    archives: String,
}

impl<'r> Zypper<'r> {
    /// Archives are kept in a directory of our own: the system's cache is emptied after each installation.
    pub(super) fn new(runner: &'r Runner, archives: &Path) -> Self {
        Self {
            runner,
            archives: archives.display().to_string(),
        }
    }

    pub(super) fn fetch(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        let options = self.options(&[]);
        // When the refresh fails, what is there may still do.
        session.tool_when_free(ZYPPER, &arguments(&options, &["refresh"], &[]), LOCKED)?;
        let words = ["install", "--no-recommends", "--download-only"];
        session.tool_when_free(ZYPPER, &arguments(&options, &words, packages), LOCKED)?;
        session.finish()
    }

    pub(super) fn are_fetched(&self, packages: &[String]) -> Result<bool, HandsError> {
        let (code, plan) = self.plan(&["install", "--no-recommends", "--dry-run"], packages)?;
        Ok(code == Some(0) && plan.is_read && plan.to_download == Some(0))
    }

    pub(super) fn remove(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        let present = rpm::present(self.runner, packages)?;
        if present.is_empty() {
            return session.finish();
        }
        let (code, mut plan) = self.plan(&["remove", "--no-clean-deps", "--dry-run"], &present)?;
        if !plan.is_read {
            return Ok(plan.into_failure(code));
        }
        plan.touched.retain(|name| !present.contains(name));
        if !plan.touched.is_empty() {
            return Err(HandsError::WouldTouchMore(plan.touched));
        }
        let options = self.options(&["--no-refresh"]);
        let words = ["remove", "--no-clean-deps"];
        session.tool_when_free(ZYPPER, &arguments(&options, &words, &present), LOCKED)?;
        session.finish()
    }

    pub(super) fn install(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        let (code, plan) = self.plan(&["install", "--no-recommends", "--dry-run"], packages)?;
        if !plan.is_read {
            return Ok(plan.into_failure(code));
        }
        if !plan.removed.is_empty() {
            return Err(HandsError::WouldTouchMore(plan.removed));
        }
        // Once all is here the network is not asked again: removing an antivirus often drops it.
        let options = self.options(&["--no-refresh"]);
        let words = ["install", "--no-recommends"];
        if session.tool_when_free(ZYPPER, &arguments(&options, &words, packages), LOCKED)?
            && let Err(error) = fs::remove_dir_all(&self.archives)
        {
            tracing::warn!(path = self.archives, %error, "fetched packages not deleted");
        }
        session.finish()
    }

    fn plan(&self, words: &[&str], packages: &[String]) -> Result<(Option<i32>, Plan), HandsError> {
        let options = self.options(&["--no-refresh", "--xmlout"]);
        let arguments = arguments(&options, words, packages);
        let (code, said) = self.runner.ask_when_free(ZYPPER, &arguments, ASK_LIMIT, LOCKED)?;
        Ok((code, Plan::read(said)))
    }

    /// Keys of repositories are never taken over unasked.
    fn options(&self, more: &[&str]) -> Vec<String> {
        let archives = ["--non-interactive", "--pkg-cache-dir", self.archives.as_str()];
        let all = archives.iter().chain(more);
        all.map(|word| (*word).to_owned()).collect()
    }
}

fn arguments<'a>(options: &'a [String], words: &[&'a str], packages: &'a [String]) -> Vec<&'a str> {
    let options = options.iter().map(String::as_str);
    options
        .chain(words.iter().copied())
        .chain((!packages.is_empty()).then_some("--"))
        .chain(packages.iter().map(String::as_str))
        .collect()
}

/// What zypper would do, by its own summary (`--xmlout`).
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Whether there was a summary.
    is_read: bool,
    /// Every package in it.
    touched: Vec<String>,
    /// Those that would go.
    removed: Vec<String>,
    /// Bytes that are not in the cache.
    to_download: Option<u64>,
    said: String,
}

impl Plan {
    /// Without a plan nobody knows what else would go, so nothing is done.
    fn into_failure(self, code: Option<i32>) -> ToolRun {
        ToolRun {
            exit_code: code.filter(|code| *code != 0),
            log_tail: self.said,
            timed_out: code.is_none(),
        }
    }

    /// Elements stand one a line: a summary with sections (`to-remove`, `to-install`, ...) with solvables.
    fn read(said: String) -> Self {
        let mut plan = Self::default();
        let mut section = None;
        for line in said.lines().map(str::trim) {
            if line.starts_with("<install-summary") {
                plan.is_read = true;
                plan.to_download = attribute(line, "download-size").and_then(|size| size.parse().ok());
            } else if line.starts_with("</install-summary") || line.starts_with("</to-") {
                section = None;
            } else if let Some(name) = line.strip_prefix("<to-") {
                section = Some(name.trim_end_matches('>').to_owned());
            } else if let Some(section) = section.as_deref()
                && line.starts_with("<solvable ")
                && let Some(name) = attribute(line, "name")
            {
                plan.touched.push(name.to_owned());
                if section == "remove" {
                    plan.removed.push(name.to_owned());
                }
            }
        }
        plan.said = said;
        plan
    }
}

fn attribute<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMOVAL: &str = "<?xml version='1.0'?>\n<stream>\n<message type=\"info\">Reading installed packages...</message>\n\
        <install-summary download-size=\"0\" space-usage-diff=\"-10\" packages-to-change=\"2\">\n\
        <to-remove>\n<solvable type=\"package\" name=\"kesl\" edition=\"12.1-1\" arch=\"x86_64\"/>\n\
        <solvable type=\"package\" name=\"kesl-gui\" edition=\"12.1-1\" arch=\"x86_64\" summary=\"a name=b\"/>\n\
        </to-remove>\n</install-summary>\n</stream>\n";

    #[test]
    fn a_summary_is_read_for_all_that_it_would_touch() {
        let plan = Plan::read(REMOVAL.to_owned());
        assert!(plan.is_read);
        assert_eq!(plan.touched, ["kesl", "kesl-gui"]);
        assert_eq!(plan.removed, ["kesl", "kesl-gui"]);
        assert_eq!(plan.to_download, Some(0));
        let install = REMOVAL
            .replace("to-remove", "to-install")
            .replace("size=\"0\"", "size=\"77\"");
        let plan = Plan::read(install);
        assert_eq!(
            (plan.removed.len(), plan.touched.len(), plan.to_download),
            (0, 2, Some(77))
        );
    }

    #[test]
    fn words_without_a_summary_are_no_plan() {
        let plan = Plan::read("<stream>\n<message type=\"error\">locked</message>\n</stream>\n".to_owned());
        assert!(!plan.is_read);
        assert_eq!(plan.to_download, None);
    }
}
