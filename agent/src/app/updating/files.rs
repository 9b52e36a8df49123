//! Programs on disk, and the record beside them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use cutover_proto::artifact::ArtifactDigest;

use super::{
    super::StateDir,
    record::{Next, UpdateRecord},
};
use crate::{
    act::hashed,
    disk::{make_private_dir, replace, write_private},
};

/// The file of the record.
const RECORD: &str = "update";
/// One directory a program, called by its hash.
const PROGRAMS: &str = "programs";
/// What it is called there.
const PROGRAM: &str = if cfg!(windows) {
    "cutover-agent.exe"
} else {
    "cutover-agent"
};
/// A program says its version within this, however slow the disk.
const SAYS_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl StateDir {
    /// What is kept about releases. Nothing where it cannot be read: then the installed program runs.
    #[must_use]
    pub fn update_record(&self) -> UpdateRecord {
        let path = self.path().join(RECORD);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, path = %path.display(), "cannot be read; the installed program runs");
                UpdateRecord::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => UpdateRecord::default(),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot be read; the installed program runs");
                UpdateRecord::default()
            }
        }
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the system says; then what was kept before holds.
    pub fn keep_update_record(&self, record: &UpdateRecord) -> io::Result<()> {
        let text = serde_json::to_vec(record).map_err(io::Error::other)?;
        write_private(&self.path().join(RECORD), &text)
    }

    /// Where a program lies.
    #[must_use]
    pub fn program(&self, sha256: &ArtifactDigest) -> PathBuf {
        self.path().join(PROGRAMS).join(sha256.to_string()).join(PROGRAM)
    }

    /// Which program a start of the installed one, of this version, goes on with. What a release put there is hashed before
    /// it is started; where it is not what it was, the program before it is taken.
    ///
    /// # Errors
    /// When that cannot be kept: a program whose starts are not counted is not tried.
    pub fn next_program(&self, installed: &str) -> io::Result<Next> {
        let kept = self.update_record();
        let mut record = kept.clone();
        let next = loop {
            let next = record.at_start(installed);
            let (Next::Staged(staged) | Next::Trial(staged, _)) = &next else {
                break next;
            };
            match is_whole(&self.program(&staged.sha256), &staged.sha256) {
                Ok(true) => break next,
                Ok(false) => record.give_up(&next, "its file is no longer what it was"),
                Err(error) => record.give_up(&next, &format!("its file cannot be read: {error}")),
            }
        };
        if record != kept {
            self.keep_update_record(&record)?;
        }
        Ok(next)
    }

    /// A program could not be started: the one before it is taken from the next start on.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn not_started(&self, next: &Next, why: &str) -> io::Result<()> {
        let mut record = self.update_record();
        record.give_up(next, why);
        self.keep_update_record(&record)
    }

    /// Puts a fetched program where it can be started, and asks it for its version.
    ///
    /// # Errors
    /// Why it is none for this host, for people.
    pub(super) fn stage(&self, fetched: &Path, sha256: &ArtifactDigest, version: &str) -> Result<(), String> {
        let path = self.program(sha256);
        // One that is there already may be running, and Windows lets nobody replace it then.
        if !is_whole(&path, sha256).unwrap_or(false) {
            put(fetched, &path).map_err(|error| format!("it cannot be put at {}: {error}", path.display()))?;
        }
        if !is_whole(&path, sha256).unwrap_or(false) {
            return Err(format!("it was changed on its way to {}", path.display()));
        }
        let said = says(&path).map_err(|error| {
            format!(
                "it cannot be started here ({error}); see that {} is on a file system that lets programs run, and that \
                 the release was built for this system",
                path.display()
            )
        })?;
        let expected = format!("cutover-agent {version}");
        if said.trim() == expected {
            Ok(())
        } else {
            let said: String = said.trim().chars().take(80).collect();
            Err(format!("it says that it is `{said}` and not `{expected}`"))
        }
    }

    /// Deletes every program that is neither in force nor tried.
    pub(super) fn sweep_programs(&self, record: &UpdateRecord) {
        let keep: Vec<String> = record.programs().map(|program| program.sha256.to_string()).collect();
        // Where there is none, or it cannot be read, there is nothing to delete now.
        let Ok(entries) = fs::read_dir(self.path().join(PROGRAMS)) else {
            return;
        };
        for entry in entries.flatten() {
            let is_kept = entry
                .file_name()
                .to_str()
                .is_some_and(|name| keep.iter().any(|it| it == name));
            if !is_kept && let Err(error) = fs::remove_dir_all(entry.path()) {
                // Windows keeps a program that runs; the next sweep takes it.
                tracing::debug!(%error, path = %entry.path().display(), "a former program stays for now");
            }
        }
    }
}

impl UpdateRecord {
    fn give_up(&mut self, next: &Next, why: &str) {
        match next {
            Next::Installed => {}
            Next::Staged(_) => self.lose(why),
            Next::Trial(..) => self.roll_back(why),
        }
    }
}

fn put(fetched: &Path, path: &Path) -> io::Result<()> {
    let above = path.parent().unwrap_or(Path::new("."));
    make_private_dir(above.parent().unwrap_or(Path::new(".")))?;
    make_private_dir(above)?;
    let temporary = path.with_extension("new");
    fs::copy(fetched, &temporary)?;
    #[cfg(unix)]
    fs::set_permissions(&temporary, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    fs::OpenOptions::new().append(true).open(&temporary)?.sync_all()?;
    replace(&temporary, path)
}

fn is_whole(path: &Path, sha256: &ArtifactDigest) -> io::Result<bool> {
    Ok(hashed(path)? == *sha256.bytes())
}

/// What a program prints when it is asked for its version.
fn says(path: &Path) -> io::Result<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is the agent itself, hashed, and asked for its version"
    )]
    let mut child = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut waited = Duration::ZERO;
    // A line fits into the pipe, so the program does not wait for a reader.
    while child.try_wait()?.is_none() {
        if waited >= SAYS_WITHIN {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not say its version"));
        }
        std::thread::sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other(format!(
            "asked for its version it ended with {}",
            output.status
        )))
    }
}
