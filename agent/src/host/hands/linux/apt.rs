//! apt and dpkg, asked so that nobody has to answer and nothing beside the named packages goes.
//!
//! Archives are fetched into a directory of our own: the system's cache is cleaned by others, in places after every run
//! of dpkg, and that would be between removal and installation.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{
    super::seam::{HandsError, Run, ToolRun},
    process::{Runner, Session},
};

const APT_GET: &str = "/usr/bin/apt-get";
const DPKG: &str = "/usr/bin/dpkg";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
/// dpkg's own journal; numbered files in it mean that it was interrupted.
const DPKG_UPDATES: &str = "/var/lib/dpkg/updates";
/// Questions to apt and dpkg take at most this long.
const ASK_LIMIT: Duration = Duration::from_secs(120);
/// The longest wait for another installer's lock.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(300);
const LOCK_POLL: Duration = Duration::from_secs(1);

/// What an installation may never do, whatever the package asks for.
const INSTALL: &[&str] = &["install", "--no-install-recommends", "--no-remove"];

pub(super) struct Apt<'r> {
    runner: &'r Runner,
    archives: PathBuf,
}

impl<'r> Apt<'r> {
    pub(super) fn new(runner: &'r Runner, archives: &Path) -> Result<Self, HandsError> {
        // apt drops to a user of its own for downloads, who has to pass.
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(archives)
            .map_err(|error| HandsError::io(format!("make {}", archives.display()), error))?;
        Ok(Self {
            runner,
            archives: archives.to_owned(),
        })
    }

    pub(super) fn fetch(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        // Old lists name files that the archive has since dropped. When the refresh fails, what is there may still do.
        let options = self.options(lock_wait(&session));
        session.tool(APT_GET, &arguments(&options, &["update"], &[]))?;
        let words = [INSTALL, &["--download-only"]].concat();
        session.tool(APT_GET, &arguments(&options, &words, packages))?;
        session.finish()
    }

    pub(super) fn are_fetched(&self, packages: &[String]) -> Result<bool, HandsError> {
        let words = [INSTALL, &["-qq", "--print-uris"]].concat();
        let (code, output) = self.ask_apt(&words, packages)?;
        // One quoted address a line for each file that is still to be fetched (apt-get(8), --print-uris).
        Ok(code == Some(0) && !output.lines().any(|line| line.starts_with('\'')))
    }

    pub(super) fn purge(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        self.repair(&mut session)?;
        // apt does nothing at all when one of the names is unknown to it.
        let mut present = Vec::new();
        for package in packages {
            match self.status(package)? {
                // Its unpacking or removal was cut off; apt would want to install it anew first.
                Some(status) if status.contains('R') => {
                    let words = ["--purge", "--force-remove-reinstreq", "--", package];
                    session.tool(DPKG, &words)?;
                }
                Some(_) => present.push(package.clone()),
                None => {}
            }
        }
        if !present.is_empty() {
            let words = ["purge", "--no-auto-remove"];
            let (code, plan) = self.ask_apt(&[&words[..], &["-s"]].concat(), &present)?;
            if code != Some(0) {
                // Without a plan nobody knows what else would go.
                return Ok(ToolRun {
                    exit_code: code,
                    log_tail: plan,
                    timed_out: code.is_none(),
                });
            }
            let mut more = touched(&plan, &["Remv", "Purg", "Inst"]);
            more.retain(|name| !packages.contains(name));
            if !more.is_empty() {
                return Err(HandsError::WouldTouchMore(more));
            }
            let options = self.options(lock_wait(&session));
            session.tool(APT_GET, &arguments(&options, &words, &present))?;
        }
        session.finish()
    }

    pub(super) fn install(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        self.repair(&mut session)?;
        let (_, plan) = self.ask_apt(&[INSTALL, &["-s"]].concat(), packages)?;
        let removed = touched(&plan, &["Remv", "Purg"]);
        if !removed.is_empty() {
            return Err(HandsError::WouldTouchMore(removed));
        }
        let options = self.options(lock_wait(&session));
        // Once all is here the network is not asked again: removing an antivirus often drops it.
        let offline = [INSTALL, &["--no-download"]].concat();
        let words = if self.are_fetched(packages)? { &offline } else { INSTALL };
        if session.tool(APT_GET, &arguments(&options, words, packages))? {
            self.drop_archives();
        }
        session.finish()
    }

    fn drop_archives(&self) {
        let entries = fs::read_dir(&self.archives).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.extension().is_some_and(|end| end == "deb")
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(path = %path.display(), %error, "fetched package not deleted");
            }
        }
    }

    /// Finishes what an earlier installer left half done. Its outcome is read from the package database later.
    fn repair(&self, session: &mut Session<'_, '_, '_>) -> Result<(), HandsError> {
        let (_, audit) = self.runner.ask(DPKG, &["--audit"], ASK_LIMIT)?;
        let interrupted = fs::read_dir(DPKG_UPDATES).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with(|c: char| c.is_ascii_digit())
            })
        });
        if audit.trim().is_empty() && !interrupted {
            return Ok(());
        }
        // dpkg does not wait for the lock by itself.
        let patience = lock_wait(session);
        let until = session.time_left().saturating_sub(patience);
        let words = ["--force-confold", "--force-confdef", "--configure", "-a"];
        while !session.tool(DPKG, &words)?
            && session.time_left() > until
            && session.output()?.contains("lock was locked by another process")
        {
            thread::sleep(LOCK_POLL);
        }
        Ok(())
    }

    /// dpkg's three letters (wanted, state, error), or nothing when it does not know the package.
    fn status(&self, package: &str) -> Result<Option<String>, HandsError> {
        let words = ["-W", "-f=${db:Status-Abbrev}\n", "--", package];
        let (code, output) = self.runner.ask(DPKG_QUERY, &words, ASK_LIMIT)?;
        let known = code == Some(0) && output.chars().nth(1).is_some_and(|state| state != 'n');
        Ok(known.then(|| output.lines().next().unwrap_or_default().to_owned()))
    }

    fn ask_apt(&self, words: &[&str], packages: &[String]) -> Result<(Option<i32>, String), HandsError> {
        let options = self.options(Duration::ZERO);
        self.runner
            .ask(APT_GET, &arguments(&options, words, packages), ASK_LIMIT)
    }

    /// `DPkg::Use-Pty=0` keeps dpkg in apt's session, so that a time limit reaches it, and its words in our log.
    fn options(&self, lock_wait: Duration) -> Vec<String> {
        let fixed = [
            "-y",
            "-q",
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "Dpkg::Options::=--force-confold",
            "-o",
            "Dpkg::Options::=--force-confdef",
            "-o",
        ];
        let archives = self.archives.display();
        fixed
            .into_iter()
            .map(str::to_owned)
            .chain([
                format!("DPkg::Lock::Timeout={}", lock_wait.as_secs()),
                "-o".to_owned(),
                format!("Dir::Cache::archives={archives}"),
            ])
            .collect()
    }
}

fn lock_wait(session: &Session<'_, '_, '_>) -> Duration {
    (session.time_left() / 2).min(LOCK_WAIT_MAX)
}

fn arguments<'a>(options: &'a [String], words: &[&'a str], packages: &'a [String]) -> Vec<&'a str> {
    options
        .iter()
        .map(String::as_str)
        .chain(words.iter().copied())
        .chain((!packages.is_empty()).then_some("--"))
        .chain(packages.iter().map(String::as_str))
        .collect()
}

/// Packages that a simulation names under one of these verbs: `Purg kesl [12.1.0-1297]`.
fn touched(plan: &str, verbs: &[&str]) -> Vec<String> {
    plan.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let verb = words.next()?;
            let name = words.next()?;
            // A package of another architecture is named with it.
            let name = name.split(':').next().unwrap_or(name);
            verbs.contains(&verb).then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_is_read_for_what_it_would_touch() {
        let plan = "NOTE: This is only a simulation!\nReading package lists...\n\
            The following packages will be REMOVED:\n  kesl* kesl-gui*\n\
            Purg kesl-gui [12.1.0-1297]\nPurg kesl:i386 [12.1.0-1297]\nInst other (1.0 Debian [amd64])\n";
        assert_eq!(touched(plan, &["Purg", "Remv"]), ["kesl-gui", "kesl"]);
        assert_eq!(touched(plan, &["Inst"]), ["other"]);
    }

    #[test]
    fn package_names_come_after_the_end_of_options() {
        let options = ["-y".to_owned()];
        let packages = ["clamav".to_owned()];
        assert_eq!(
            arguments(&options, &["install"], &packages),
            ["-y", "install", "--", "clamav"]
        );
        assert_eq!(arguments(&options, &["update"], &[]), ["-y", "update"]);
    }
}
