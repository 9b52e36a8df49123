//! dnf and yum, asked so that nobody has to answer and nothing beside the named packages goes.
//!
//! Downloads go into a cache of our own: the system's is emptied by others, and that would be between removal and
//! installation. Packages are checked as the host's own configuration of its repositories says, with the keys that it
//! names.
//!
//! Seen with dnf 4.14. yum 3 and dnf 5 have the same words by their manuals, and print the same table.

use std::{fs, path::Path, time::Duration};

use super::{
    super::seam::{HandsError, Run, ToolRun},
    process::Runner,
    rpm,
};

const DNF: &str = "/usr/bin/dnf";
const YUM: &str = "/usr/bin/yum";
/// A plan reads the metadata of all repositories, which is fetched anew when it is old.
const ASK_LIMIT: Duration = Duration::from_secs(300);

/// Which of the two; they take the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Dnf,
    Yum,
}

impl Program {
    const fn path(self) -> &'static str {
        match self {
            Self::Dnf => DNF,
            Self::Yum => YUM,
        }
    }
}

pub(super) struct Dnf<'r> {
    runner: &'r Runner,
    program: Program,
    cache: String,
}

impl<'r> Dnf<'r> {
    pub(super) fn new(runner: &'r Runner, program: Program, cache: &Path) -> Self {
        Self {
            runner,
            program,
            cache: cache.display().to_string(),
        }
    }

    pub(super) fn fetch(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        let options = self.options(&["-y"]);
        let words = ["install", "--downloadonly"];
        session.tool(self.program.path(), &arguments(&options, &words, packages))?;
        session.finish()
    }

    /// The same download, from the cache alone: it changes nothing, and goes through only when nothing is missing.
    pub(super) fn are_fetched(&self, packages: &[String]) -> Result<bool, HandsError> {
        let options = self.options(&["-y", "-C"]);
        let words = ["install", "--downloadonly"];
        let (code, _) = self.ask(&options, &words, packages)?;
        Ok(code == Some(0))
    }

    pub(super) fn remove(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        let present = rpm::present(self.runner, packages)?;
        if present.is_empty() {
            return session.finish();
        }
        let dependents = rpm::dependents(self.runner, &present)?;
        if !dependents.is_empty() {
            return Err(HandsError::WouldTouchMore(dependents));
        }
        // No repository is needed to take something away, and one that cannot be reached must not stand in the way.
        let without = ["--disablerepo=*", "--setopt=clean_requirements_on_remove=False"];
        let options = self.options(&[&["--assumeno"][..], &without].concat());
        let (code, said) = self.ask(&options, &["remove"], &present)?;
        let mut more = touched(&said);
        if more.is_empty() {
            return Ok(without_a_plan(code, said));
        }
        more.retain(|name| !present.contains(name));
        if !more.is_empty() {
            return Err(HandsError::WouldTouchMore(more));
        }
        let options = self.options(&[&["-y"][..], &without].concat());
        session.tool_when_free(
            self.program.path(),
            &arguments(&options, &["remove"], &present),
            rpm::LOCKED,
        )?;
        session.finish()
    }

    pub(super) fn install(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        // Once all is here the network is not asked again: removing an antivirus often drops it.
        let from: &[&str] = if self.are_fetched(packages)? { &["-C"] } else { &[] };
        let options = self.options(&[&["--assumeno"][..], from].concat());
        let (code, said) = self.ask(&options, &["install"], packages)?;
        if touched(&said).is_empty() {
            return Ok(without_a_plan(code, said));
        }
        let removed = would_go(&said);
        if !removed.is_empty() {
            return Err(HandsError::WouldTouchMore(removed));
        }
        let options = self.options(&[&["-y"][..], from].concat());
        let words = arguments(&options, &["install"], packages);
        if session.tool_when_free(self.program.path(), &words, rpm::LOCKED)?
            && let Err(error) = fs::remove_dir_all(&self.cache)
        {
            tracing::warn!(path = self.cache, %error, "fetched packages not deleted");
        }
        session.finish()
    }

    fn ask(
        &self,
        options: &[String],
        words: &[&str],
        packages: &[String],
    ) -> Result<(Option<i32>, String), HandsError> {
        self.runner
            .ask(self.program.path(), &arguments(options, words, packages), ASK_LIMIT)
    }

    fn options(&self, more: &[&str]) -> Vec<String> {
        let cache = format!("--setopt=cachedir={}", self.cache);
        let fixed = ["--setopt=keepcache=1", "--setopt=install_weak_deps=False"];
        more.iter()
            .chain(&fixed)
            .map(|word| (*word).to_owned())
            .chain([cache])
            .collect()
    }
}

/// Without a plan nobody knows what else would go, so nothing is done. There is none either where nothing is to be done.
fn without_a_plan(code: Option<i32>, said: String) -> ToolRun {
    ToolRun {
        exit_code: code,
        log_tail: said,
        timed_out: code.is_none(),
    }
}

fn arguments<'a>(options: &'a [String], words: &[&'a str], packages: &'a [String]) -> Vec<&'a str> {
    let options = options.iter().map(String::as_str);
    options
        .chain(words.iter().copied())
        .chain(packages.iter().map(String::as_str))
        .collect()
}

/// Packages of a plan's table, under every heading.
fn touched(plan: &str) -> Vec<String> {
    rows(plan).into_iter().map(|(_, name)| name).collect()
}

/// Packages that an installation would take away: those under a heading that says so, and those replaced by another.
fn would_go(plan: &str) -> Vec<String> {
    let replaced = plan.lines().filter_map(|line| {
        let mut words = line.strip_prefix("  ")?.split_whitespace();
        (words.next()? == "replacing").then(|| words.next().map(str::to_owned))?
    });
    rows(plan)
        .into_iter()
        .filter(|(heading, _)| heading.starts_with("Removing") || heading.starts_with("Erasing"))
        .map(|(_, name)| name)
        .chain(replaced)
        .collect()
}

/// Heading and name of each row. dnf 4 and 5 and yum print a line with the columns' names, then headings, and under them
/// ` NAME ARCH VERSION REPOSITORY SIZE` with one blank before the name; they break a long row after the name. What stands
/// before the columns' names and after the table (a summary of counts) is something else.
fn rows(plan: &str) -> Vec<(String, String)> {
    let is_columns = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(
            words.as_slice(),
            ["Package", "Arch" | "Architecture", "Version", "Repository", "Size"]
        )
    };
    let table = plan
        .lines()
        .skip_while(|line| !is_columns(line))
        .skip(1)
        .take_while(|line| !line.starts_with("Transaction Summary"));
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in table {
        if let Some(title) = line.strip_suffix(':').filter(|title| !title.starts_with(' ')) {
            title.clone_into(&mut heading);
        } else if let Some(row) = line.strip_prefix(' ')
            && !row.starts_with(' ')
            && let Some(name) = row.split_whitespace().next()
        {
            rows.push((heading.clone(), name.to_owned()));
        }
    }
    rows
}

#[cfg(test)]
mod tests;
