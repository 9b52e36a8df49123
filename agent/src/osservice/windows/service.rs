//! The service control manager of Windows: it starts the program, is told how that stands, and ends it.

use std::{
    ffi::OsString,
    io,
    process::ExitCode,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;
use windows_service::{
    service::{ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType},
    service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle},
};

use super::{control::SERVICE, other::told_by_input};
use crate::app::Pulse;

/// Before this the service has begun, or has ended; longer than either takes.
const PATIENCE: Duration = Duration::from_secs(60);

type Work = Box<dyn Fn(Manager) -> u8 + Send + Sync>;
static WORK: OnceLock<Work> = OnceLock::new();

/// What started this process and ends it.
#[derive(Debug)]
pub struct Manager(Starter);

#[derive(Debug)]
enum Starter {
    /// The service control manager.
    Windows {
        handle: ServiceStatusHandle,
        told: Mutex<watch::Receiver<&'static str>>,
    },
    /// The installed program, whose work this process does.
    Installed(Mutex<watch::Receiver<&'static str>>),
    /// A person at a console.
    Person,
}

impl Manager {
    /// Of a process that the service control manager did not start.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self(told_by_input().map_or(Starter::Person, |told| Starter::Installed(Mutex::new(told))))
    }

    /// The service does its work from here on.
    pub fn ready(&self) {
        self.report(ServiceState::Running);
    }

    /// The service is about to end.
    pub fn stopping(&self) {
        self.report(ServiceState::StopPending);
    }

    /// Windows asks a service for no signs of life.
    #[must_use]
    pub fn pulse(&self) -> Option<Box<dyn Pulse>> {
        None
    }

    /// Waits until the service is told to end, and names what told it.
    ///
    /// # Errors
    /// When the system lets no handler be set.
    pub async fn told_to_end(&self) -> io::Result<&'static str> {
        let told = match &self.0 {
            Starter::Windows { told, .. } | Starter::Installed(told) => told,
            Starter::Person => {
                tokio::signal::ctrl_c().await?;
                return Ok("Ctrl-C");
            }
        };
        let mut told = match told.lock() {
            Ok(told) => told.clone(),
            Err(broken) => broken.into_inner().clone(),
        };
        let word = told.wait_for(|word| !word.is_empty()).await.map_err(io::Error::other)?;
        Ok(*word)
    }

    fn report(&self, state: ServiceState) {
        if let Starter::Windows { handle, .. } = &self.0 {
            report(*handle, state, 0);
        }
    }
}

/// Lets the service control manager run `work`, which gives the exit code. Returns when the service has ended.
///
/// # Errors
/// When it was not the service control manager that started this process.
pub fn run_as_service(work: impl Fn(Manager) -> u8 + Send + Sync + 'static) -> io::Result<ExitCode> {
    // Once in a process.
    let _ = WORK.set(Box::new(work));
    dispatched::start().map_err(io::Error::other)?;
    Ok(ExitCode::SUCCESS)
}

mod dispatched {
    use windows_service::service_dispatcher;

    use super::{SERVICE, service_main};

    windows_service::define_windows_service!(ffi_service_main, service_main);

    /// Returns when the service has ended.
    pub(super) fn start() -> windows_service::Result<()> {
        service_dispatcher::start(SERVICE, ffi_service_main)
    }
}

fn service_main(_: Vec<OsString>) {
    let (sender, told) = watch::channel("");
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what Windows may ask is not ours, and grows"
    )]
    let handler = move |control: ServiceControl| {
        let word = match control {
            ServiceControl::Stop => "stop",
            ServiceControl::Preshutdown => "preshutdown",
            ServiceControl::Shutdown => "shutdown",
            ServiceControl::Interrogate => return ServiceControlHandlerResult::NoError,
            _ => return ServiceControlHandlerResult::NotImplemented,
        };
        sender.send_replace(word);
        ServiceControlHandlerResult::NoError
    };
    // Without a handle nobody can be told anything; the service control manager then says that it did not start.
    let Ok(handle) = service_control_handler::register(SERVICE, handler) else {
        return;
    };
    report(handle, ServiceState::StartPending, 0);
    let manager = Manager(Starter::Windows {
        handle,
        told: Mutex::new(told),
    });
    let code = WORK.get().map_or(1, |work| work(manager));
    report(handle, ServiceState::Stopped, code);
}

/// Counts up, by which the service control manager sees that the service gets on.
static CHECKPOINT: AtomicU32 = AtomicU32::new(1);

fn report(handle: ServiceStatusHandle, state: ServiceState, code: u8) {
    let pending = matches!(state, ServiceState::StartPending | ServiceState::StopPending);
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if state == ServiceState::Running {
            ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        // Anything but zero is a failure, after which it is started again.
        exit_code: match code {
            0 => ServiceExitCode::NO_ERROR,
            code => ServiceExitCode::ServiceSpecific(code.into()),
        },
        checkpoint: if pending {
            CHECKPOINT.fetch_add(1, Ordering::Relaxed)
        } else {
            0
        },
        wait_hint: if pending { PATIENCE } else { Duration::ZERO },
        process_id: None,
    };
    if let Err(error) = handle.set_service_status(status) {
        tracing::warn!(%error, ?state, "the service control manager was not told");
    }
}
