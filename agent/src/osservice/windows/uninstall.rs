//! Takes the agent off its machine. Protection comes first here as on every other system.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use windows_service::service::ServiceAccess;

use super::control::{self, SERVICE};
use crate::{
    config::{self, Config},
    osservice::leaving::{Leaving, Manner, Stays, nothing_open, own_state, present, take_all_away},
};

/// How long the service may take to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// What only the package puts beside the program (`deploy/windows`).
const PACKAGED: &str = "LICENSE.txt";

/// What stays, and why.
pub const LEFT: [(&str, &str); 0] = [];

/// Takes the agent off this machine: the service ended and, unless the package does that, deleted; then what the agent
/// keeps, with its settings. The program itself is the package's. Gives what was done, or would be, line by line.
///
/// # Errors
/// When it must stay, or something could not be taken away. What went before stays done; running it again goes on.
pub async fn uninstall(config: &Config, leaving: Leaving) -> Result<Vec<String>, Stays> {
    let Leaving { force, dry, by_package } = leaving;
    let failed = |what: &str| {
        let what = format!("{what} {SERVICE}");
        move |error: windows_service::Error| {
            if let windows_service::Error::Winapi(cause) = &error
                && cause.kind() == std::io::ErrorKind::PermissionDenied
            {
                return Stays::NotRoot;
            }
            Stays::Manager(what, error.to_string())
        }
    };
    if !by_package && is_packaged() {
        return Err(Stays::Package);
    }
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::START | ServiceAccess::STOP | ServiceAccess::DELETE;
    let service = control::open(access).map_err(failed("opening"))?;
    let present = present(everything(config));
    if dry {
        let mut told = Vec::new();
        told.extend(service.map(|_| format!("would end and delete the service {SERVICE}")));
        told.extend(
            present
                .iter()
                .map(|(path, _)| format!("would remove {}", path.display())),
        );
        return Ok(told);
    }
    let mut stopped = false;
    if let Some(service) = &service {
        stopped = control::stop(service, PATIENCE).map_err(failed("ending"))?;
    }
    // No tool of an order runs on this system yet, so none is alive. The lock keeps any other agent away from here on.
    let lock = nothing_open(config, force, |_| false).inspect_err(|_| {
        if let Some(service) = service.as_ref().filter(|_| stopped)
            && let Err(error) = service.start::<&str>(&[])
        {
            tracing::error!(%error, "the service is not started again");
        }
    })?;
    let mut told = Vec::new();
    if let Some(service) = service.filter(|_| !by_package) {
        service.delete().map_err(failed("deleting"))?;
        told.push(format!("ended and deleted the service {SERVICE}"));
    }
    // Windows deletes no file that is open, and the journal's lock is one.
    drop(lock);
    take_all_away(&present, &mut told)?;
    Ok(told)
}

fn everything(config: &Config) -> Vec<(PathBuf, Manner)> {
    let mut all = own_state(config);
    let file = config::default_file();
    all.push((file.with_extension("toml.d"), Manner::Tree));
    all.push((file.clone(), Manner::File));
    // The product's own, unless somebody keeps the state elsewhere.
    all.extend(file.parent().map(|above| (above.to_owned(), Manner::WhenEmpty)));
    all
}

fn is_packaged() -> bool {
    let program = std::env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|above| above.join(PACKAGED));
    beside.is_some_and(|file| file.exists())
}

/// The program that runs; Windows does not let it delete itself.
#[must_use]
pub fn runs_from_elsewhere() -> Option<PathBuf> {
    std::env::current_exe().ok()
}
