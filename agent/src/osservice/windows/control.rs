//! What the installer leaves to the program: directories that only SYSTEM and administrators enter, what is to happen
//! when the service fails, and the enrolment that the service carries out at its first start.

use std::{io, path::Path, time::Duration};

use windows_service::{
    Error,
    service::{
        Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceFailureActions, ServiceFailureResetPeriod,
        ServiceState,
    },
    service_manager::{ServiceManager, ServiceManagerAccess},
};

use crate::{
    app::{PendingEnrolment, StateDir},
    config::{self, Config},
    disk::{self, LaidAside, NotPrivate},
};

/// The name of the service, and of its source in the Application log.
pub const SERVICE: &str = "cutover-agent";
/// ERROR_SERVICE_DOES_NOT_EXIST.
const NO_SUCH_SERVICE: i32 = 1060;
/// ERROR_INVALID_LEVEL: what Wine says to what it does not know.
const NOT_KNOWN_HERE: i32 = 124;

/// After a failure it is started again: soon, then later; a day without one begins anew.
const AGAIN_AFTER: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
];
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How long the system waits for the agent's end before it shuts down.
const BEFORE_SHUTDOWN: Duration = Duration::from_secs(30);

/// Why an installation is not set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUp {
    /// Somebody else's directory.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// The enrolment cannot be kept.
    #[error("{0}: the enrolment cannot be kept: {1}")]
    Enrolment(String, io::Error),
    /// The service control manager refused.
    #[error("the service {SERVICE}: {what}: {source}")]
    Service {
        /// What was tried.
        what: &'static str,
        /// What it says.
        source: Error,
    },
}

/// Before settings are read: makes the product's directory private, whatever others had put there or under its name. That is
/// laid aside unread: any user may make it, and its settings would be those of SYSTEM.
///
/// # Errors
/// When it leads elsewhere, or the system refuses.
pub fn make_room() -> Result<Vec<LaidAside>, NotPrivate> {
    let file = config::default_file();
    file.parent().map_or_else(|| Ok(Vec::new()), disk::clear_and_claim)
}

/// Refuses to work with what somebody else made.
///
/// # Errors
/// When the agent's directory, or the product's, is somebody else's or leads elsewhere.
pub fn refuse_strangers(config: &Config) -> Result<(), NotPrivate> {
    own_directories(&config.state_dir).try_for_each(disk::refuse_strangers)
}

/// Sets an installation up, as often as it is asked for. Gives what this system does not know and does without.
///
/// # Errors
/// When a directory is somebody else's, or the system refuses.
pub fn set_up(config: &Config, pending: Option<&PendingEnrolment>) -> Result<Vec<String>, SetUp> {
    own_directories(&config.state_dir).try_for_each(disk::claim)?;
    let failed = |what| move |source| SetUp::Service { what, source };
    let mut lacking = Vec::new();
    match open(ServiceAccess::CHANGE_CONFIG | ServiceAccess::START).map_err(failed("open it"))? {
        Some(service) => configure(&service, &mut lacking)?,
        None => lacking.push(format!("there is no service {SERVICE} to be configured")),
    }
    // Last, since it holds a token: whatever fails before leaves none on this disk.
    let state = StateDir::new(&config.state_dir);
    if let Some(pending) = pending
        && !state.identity().file().exists()
    {
        pending
            .keep(&state)
            .map_err(|error| SetUp::Enrolment(config.state_dir.display().to_string(), error))?;
    }
    Ok(lacking)
}

fn configure(service: &Service, lacking: &mut Vec<String>) -> Result<(), SetUp> {
    let again = |delay| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay,
    };
    tolerant(
        lacking,
        "recovery actions",
        service.update_failure_actions(ServiceFailureActions {
            reset_period: ServiceFailureResetPeriod::After(FORGOTTEN_AFTER),
            reboot_msg: None,
            command: None,
            actions: Some(AGAIN_AFTER.map(again).to_vec()),
        }),
    )?;
    tolerant(
        lacking,
        "recovery after an exit code",
        service.set_failure_actions_on_non_crash_failures(true),
    )?;
    tolerant(lacking, "delayed start", service.set_delayed_auto_start(true))?;
    tolerant(
        lacking,
        "the wait before a shutdown",
        service.set_preshutdown_timeout(BEFORE_SHUTDOWN),
    )
}

fn tolerant(lacking: &mut Vec<String>, what: &'static str, done: Result<(), Error>) -> Result<(), SetUp> {
    match done {
        Err(Error::Winapi(error)) if error.raw_os_error() == Some(NOT_KNOWN_HERE) => {
            lacking.push(format!("this system does not know {what} of a service ({error})"));
            Ok(())
        }
        done => done.map_err(|source| SetUp::Service { what, source }),
    }
}

/// The one above where that is the product's own, and the agent's.
fn own_directories(state_dir: &Path) -> impl Iterator<Item = &Path> {
    let above = state_dir.parent().filter(|above| above.ends_with("Cutover"));
    above.into_iter().chain([state_dir])
}

/// None where there is no such service.
pub(super) fn open(access: ServiceAccess) -> Result<Option<Service>, Error> {
    let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?;
    match manager.open_service(SERVICE, access) {
        Ok(service) => Ok(Some(service)),
        Err(Error::Winapi(error)) if error.raw_os_error() == Some(NO_SUCH_SERVICE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends the service and waits for it. False where none runs.
pub(super) fn stop(service: &Service, patience: Duration) -> Result<bool, Error> {
    const BETWEEN: Duration = Duration::from_millis(100);
    if service.query_status()?.current_state == ServiceState::Stopped {
        return Ok(false);
    }
    service.stop()?;
    let mut waited = Duration::ZERO;
    while service.query_status()?.current_state != ServiceState::Stopped {
        if waited >= patience {
            return Err(Error::Winapi(io::ErrorKind::TimedOut.into()));
        }
        std::thread::sleep(BETWEEN);
        waited += BETWEEN;
    }
    Ok(true)
}
