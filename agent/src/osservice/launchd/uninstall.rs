//! Takes the agent off a Mac. Protection comes first here as on every other system.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{LABEL, LOG};
use crate::{
    config::{self, Config},
    osservice::{
        channel::ask_status,
        leaving::{Leaving, Manner, Stays, nothing_open, own_state, present, take_all_away},
        talk::ChannelError,
    },
};

/// How long launchd waits for the daemon at its end (`ExitTimeOut` of its property list), and a little.
const PATIENCE: Duration = Duration::from_secs(100);
const POLL: Duration = Duration::from_millis(200);

/// What stays, and why.
pub const LEFT: [(&str, &str); 0] = [];

/// Where on this machine the parts of an installation lie that are not the agent's own state.
#[derive(Debug, Clone)]
pub struct Places {
    /// The program.
    pub program: PathBuf,
    /// The daemon's property list.
    pub daemon: PathBuf,
    /// The settings.
    pub settings: PathBuf,
    /// The directory of logs.
    pub logs: PathBuf,
    /// launchd's own tool.
    pub launchctl: PathBuf,
    /// The tool that keeps receipts of packages.
    pub pkgutil: PathBuf,
}

impl Default for Places {
    /// As the package has them.
    fn default() -> Self {
        Self {
            program: "/usr/local/bin/cutover-agent".into(),
            daemon: format!("/Library/LaunchDaemons/{LABEL}.plist").into(),
            settings: config::default_file(),
            logs: Path::new(LOG).parent().unwrap_or(Path::new(LOG)).to_owned(),
            launchctl: "/bin/launchctl".into(),
            pkgutil: "/usr/sbin/pkgutil".into(),
        }
    }
}

/// Takes the agent off this machine: the daemon ended and forgotten, then everything of it, the package's files too: macOS
/// has no tool that removes a package. Gives what was done, or would be, line by line.
///
/// # Errors
/// When it must stay, or something could not be taken away. What went before stays done; running it again goes on.
#[cfg(target_os = "macos")]
pub async fn uninstall(config: &Config, leaving: Leaving) -> Result<Vec<String>, Stays> {
    if !rustix::process::geteuid().is_root() {
        return Err(Stays::NotRoot);
    }
    leave(config, leaving, &Places::default()).await
}

/// The same for an installation that lies elsewhere.
///
/// # Errors
/// As `uninstall` has them.
pub async fn leave(config: &Config, leaving: Leaving, places: &Places) -> Result<Vec<String>, Stays> {
    let Leaving { force, dry, .. } = leaving;
    let runs = match ask_status(&config.socket).await {
        Ok(status) => {
            if let Some(order) = status.order.filter(|order| order.destructive_begun && !force) {
                return Err(Stays::InTheMiddle(order.number));
            }
            true
        }
        Err(ChannelError::NobodyThere { .. }) => false,
        Err(error) if !force => return Err(Stays::CannotTell(error.to_string())),
        Err(_) => true,
    };
    let present = present(everything(config, places));
    let is_loaded = has_job(places)?;
    if dry {
        if !runs {
            drop(nothing_open(config, force, |_| false)?);
        }
        let mut told = Vec::new();
        told.extend(is_loaded.then(|| format!("would end the daemon {LABEL}")));
        told.extend(
            present
                .iter()
                .map(|(path, _)| format!("would remove {}", path.display())),
        );
        return Ok(told);
    }
    if is_loaded {
        end(places).await?;
    }
    // Between the question and the end an order may have gone on. No tool of an order runs on this system yet, so none is
    // alive. The lock keeps any other agent away from here on.
    let lock = nothing_open(config, force, |_| false).inspect_err(|_| {
        if is_loaded {
            let daemon = places.daemon.display().to_string();
            if let Err(error) = launchctl(places, &["bootstrap", "system", &daemon]) {
                tracing::error!(%error, "the daemon is not started again");
            }
        }
    })?;
    let mut told = Vec::new();
    told.extend(is_loaded.then(|| format!("ended the daemon {LABEL}")));
    let rest = take_all_away(&present, &mut told);
    drop(lock);
    rest?;
    if says_yes(&places.pkgutil, &["--pkg-info", LABEL])? {
        let forgot = run(&places.pkgutil, &["--forget", LABEL])?;
        if !forgot.is_success {
            return Err(Stays::Rest(format!("the receipt {LABEL}: {}", forgot.words)));
        }
        told.push(format!("forgot the receipt {LABEL}"));
    }
    Ok(told)
}

/// Everything that belongs to an installation, in the order in which it is taken away: the program last, so that what went
/// wrong before can be tried again.
fn everything(config: &Config, places: &Places) -> Vec<(PathBuf, Manner)> {
    let above = |path: &Path| path.parent().map(Path::to_owned);
    let mut all = vec![
        (config.socket.clone(), Manner::File),
        (config.user_socket.clone(), Manner::File),
    ];
    let users = above(&config.user_socket).filter(|it| it.ends_with("cutover-agent"));
    all.extend(users.map(|users| (users, Manner::WhenEmpty)));
    all.extend(own_state(config));
    let settings = &places.settings;
    all.push((settings.with_extension("toml.default"), Manner::File));
    all.push((settings.with_extension("toml.d"), Manner::Tree));
    all.push((settings.clone(), Manner::File));
    all.extend(above(settings).map(|above| (above, Manner::WhenEmpty)));
    all.push((places.logs.clone(), Manner::Tree));
    all.push((places.daemon.clone(), Manner::File));
    all.push((places.program.clone(), Manner::File));
    all
}

/// Whether launchd has the daemon, be it at work or not.
fn has_job(places: &Places) -> Result<bool, Stays> {
    says_yes(&places.launchctl, &["print", &format!("system/{LABEL}")])
}

/// launchd may answer before the daemon is gone.
async fn end(places: &Places) -> Result<(), Stays> {
    let job = format!("system/{LABEL}");
    let said = run(&places.launchctl, &["bootout", &job])?;
    let mut waited = Duration::ZERO;
    while has_job(places)? {
        if waited >= PATIENCE {
            return Err(Stays::Manager(format!("launchctl bootout {job}"), said.words));
        }
        tokio::time::sleep(POLL).await;
        waited += POLL;
    }
    Ok(())
}

fn launchctl(places: &Places, arguments: &[&str]) -> Result<(), Stays> {
    let said = run(&places.launchctl, arguments)?;
    if said.is_success {
        Ok(())
    } else {
        Err(Stays::Manager(format!("launchctl {}", arguments.join(" ")), said.words))
    }
}

fn says_yes(program: &Path, arguments: &[&str]) -> Result<bool, Stays> {
    Ok(run(program, arguments)?.is_success)
}

struct Said {
    is_success: bool,
    words: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the agent's own service is no change to the host that an order could ask for, so hands have no part in it"
)]
fn run(program: &Path, arguments: &[&str]) -> Result<Said, Stays> {
    let said = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let said = said.map_err(|error| {
        let what = format!("{} {}", program.display(), arguments.join(" "));
        Stays::Manager(what, error.to_string())
    })?;
    Ok(Said {
        is_success: said.status.success(),
        words: String::from_utf8_lossy(&said.stderr).trim().to_owned(),
    })
}

/// Whether the program that runs is the one that an installation puts there.
#[cfg(target_os = "macos")]
#[must_use]
pub fn runs_from_elsewhere() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    (program != Places::default().program).then_some(program)
}
