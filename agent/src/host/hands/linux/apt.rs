//! apt and dpkg, asked so that nobody has to answer and nothing beside the named packages goes.
//!
//! Archives are fetched into a directory of our own: the system's cache is cleaned by others, in places after every run
//! of dpkg, and that would be between removal and installation.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    super::seam::{HandsError, PackageFile, Run, ToolRun},
    process::{Runner, Session},
};

const APT_GET: &str = "/usr/bin/apt-get";
const DPKG: &str = "/usr/bin/dpkg";
const DPKG_DEB: &str = "/usr/bin/dpkg-deb";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
/// dpkg's own journal; numbered files in it mean that it was interrupted.
const DPKG_UPDATES: &str = "/var/lib/dpkg/updates";
/// Questions to apt and dpkg take at most this long.
const ASK_LIMIT: Duration = Duration::from_secs(120);

/// What an installation may never do, whatever the package asks for.
const INSTALL: &[&str] = &["install", "--no-install-recommends", "--no-remove"];

pub(super) struct Apt<'r> {
    runner: &'r Runner,
    archives: PathBuf,
}

/// Package files under the names that apt goes by, while a step needs them. An agent that is ended in between leaves them to
/// the end of the order: its apt may still be at them.
struct Staged<'a> {
    archives: &'a Path,
    paths: Vec<String>,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        unstage(self.archives);
    }
}

fn stage(archives: &Path) -> PathBuf {
    archives.join("staged")
}

/// Deletes what is staged.
pub(super) fn unstage(archives: &Path) {
    let stage = stage(archives);
    if let Err(error) = fs::remove_dir_all(&stage)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %stage.display(), %error, "staged package files not deleted");
    }
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
        let options = self.options(session.lock_wait());
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
        self.configure(&mut session)?;
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
            let options = self.options(session.lock_wait());
            session.tool(APT_GET, &arguments(&options, &words, &present))?;
        }
        session.finish()
    }

    pub(super) fn install(&self, packages: &[String], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        self.configure(&mut session)?;
        let (_, plan) = self.ask_apt(&[INSTALL, &["-s"]].concat(), packages)?;
        let removed = touched(&plan, &["Remv", "Purg"]);
        if !removed.is_empty() {
            return Err(HandsError::WouldTouchMore(removed));
        }
        let options = self.options(session.lock_wait());
        // Once all is here the network is not asked again: removing an antivirus often drops it.
        let offline = [INSTALL, &["--no-download"]].concat();
        let words = if self.are_fetched(packages)? { &offline } else { INSTALL };
        if session.tool(APT_GET, &arguments(&options, words, packages))? {
            self.drop_archives();
        }
        session.finish()
    }

    /// What apt would fetch besides is refused and not fetched: only files whose hash an order states are installed.
    pub(super) fn install_files(&self, files: &[PackageFile], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        let staged = self.staged(files)?;
        let paths = &staged.paths;
        for (path, file) in paths.iter().zip(files) {
            let (code, package) = self.runner.ask(DPKG_DEB, &["--field", path, "Package"], ASK_LIMIT)?;
            let package = package.trim();
            if code != Some(0) || package != file.package {
                let why = format!(
                    "{} holds `{package}` and not the package {}",
                    file.file_name, file.package
                );
                return Err(HandsError::Unsupported(why));
            }
        }
        self.configure(&mut session)?;
        let (code, plan) = self.ask_apt(&[INSTALL, &["-s"]].concat(), paths)?;
        let mut more = touched(&plan, &["Remv", "Purg"]);
        more.extend(touched(&plan, &["Inst"]).into_iter().filter(|name| {
            let is_named = files.iter().any(|file| file.package == *name);
            !is_named
        }));
        if !more.is_empty() {
            return Err(HandsError::WouldTouchMore(more));
        }
        if code != Some(0) {
            // Mostly a dependency that is neither here nor among the files.
            return Ok(ToolRun {
                exit_code: code,
                log_tail: plan,
                timed_out: code.is_none(),
            });
        }
        let options = self.options(session.lock_wait());
        // Not with `--no-download`: apt 2.6 then hands dpkg a path that is not absolute. By the plan there is nothing to fetch.
        session.tool(APT_GET, &arguments(&options, INSTALL, paths))?;
        session.finish()
    }

    /// Gives files the names that apt goes by, in a directory of their own.
    fn staged(&self, files: &[PackageFile]) -> Result<Staged<'_>, HandsError> {
        unstage(&self.archives);
        let directory = stage(&self.archives);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(|error| HandsError::io(format!("make {}", directory.display()), error))?;
        let mut staged = Staged {
            archives: &self.archives,
            paths: Vec::new(),
        };
        for file in files {
            let path = directory.join(&file.file_name);
            fs::hard_link(&file.path, &path)
                .or_else(|_| fs::copy(&file.path, &path).map(drop))
                .map_err(|error| HandsError::io(format!("place {}", path.display()), error))?;
            staged.paths.push(path.to_string_lossy().into_owned());
        }
        Ok(staged)
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

    /// Finishes what an earlier installer left half done.
    pub(super) fn repair(&self, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let mut session = self.runner.session(run)?;
        self.configure(&mut session)?;
        if self.unfinished()?.is_empty() {
            return session.finish();
        }
        // What was not unpacked whole needs its archive again. Nothing else may come for it, and nothing may go.
        let words = ["--fix-broken", "install", "--no-install-recommends", "--no-remove"];
        let (code, plan) = self.ask_apt(&[&words[..], &["-s"]].concat(), &[])?;
        if code != Some(0) {
            return Ok(ToolRun {
                exit_code: code,
                log_tail: session.output()? + &plan,
                timed_out: code.is_none(),
            });
        }
        let mut more = touched(&plan, &["Remv", "Purg"]);
        for package in touched(&plan, &["Inst"]) {
            if self.status(&package)?.is_none() {
                more.push(package);
            }
        }
        if !more.is_empty() {
            return Err(HandsError::WouldTouchMore(more));
        }
        let options = self.options(session.lock_wait());
        session.tool(APT_GET, &arguments(&options, &words, &[]))?;
        session.finish()
    }

    /// Packages that dpkg itself calls neither whole nor gone.
    pub(super) fn unfinished(&self) -> Result<Vec<String>, HandsError> {
        let words = ["-W", "-f=${db:Status-Abbrev}\t${Package}\n"];
        let (code, output) = self.runner.ask(DPKG_QUERY, &words, ASK_LIMIT)?;
        if code != Some(0) {
            return Err(HandsError::io("ask dpkg-query", std::io::Error::other(output)));
        }
        let mut unfinished = half_done(&output);
        if is_interrupted() {
            unfinished.push("dpkg's own journal".to_owned());
        }
        Ok(unfinished)
    }

    /// Lets dpkg go on where it was cut off. Its outcome is read from the package database later.
    fn configure(&self, session: &mut Session<'_, '_, '_>) -> Result<(), HandsError> {
        let (_, audit) = self.runner.ask(DPKG, &["--audit"], ASK_LIMIT)?;
        if audit.trim().is_empty() && !is_interrupted() {
            return Ok(());
        }
        let words = ["--force-confold", "--force-confdef", "--configure", "-a"];
        session.tool_when_free(DPKG, &words, &["lock was locked by another process"])?;
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

fn arguments<'a>(options: &'a [String], words: &[&'a str], packages: &'a [String]) -> Vec<&'a str> {
    options
        .iter()
        .map(String::as_str)
        .chain(words.iter().copied())
        .chain((!packages.is_empty()).then_some("--"))
        .chain(packages.iter().map(String::as_str))
        .collect()
}

/// Whether dpkg was ended in the middle: its journal was not folded into the database.
fn is_interrupted() -> bool {
    fs::read_dir(DPKG_UPDATES).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with(|c: char| c.is_ascii_digit())
        })
    })
}

/// Names whose second letter (dpkg-query(1), `db:Status-Abbrev`) is none of whole, gone and gone but for its
/// configuration, or whose third says that it must be installed anew.
fn half_done(listed: &str) -> Vec<String> {
    listed
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(letters, _)| {
            let mut letters = letters.chars().skip(1);
            !matches!(letters.next(), None | Some('n' | 'c' | 'i')) || letters.next() == Some('R')
        })
        .map(|(_, name)| name.to_owned())
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
    fn what_is_neither_whole_nor_gone_is_half_done() {
        let listed = "ii \tbash\nrc \told\nun \tmentioned\niF \tkesl\niU \tother\nrHR\tcut\niiR\tagain\nit \tlibc-bin\n\
            iW \twaiting\n";
        assert_eq!(
            half_done(listed),
            ["kesl", "other", "cut", "again", "libc-bin", "waiting"]
        );
        assert!(half_done("ii \tbash\n").is_empty());
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
