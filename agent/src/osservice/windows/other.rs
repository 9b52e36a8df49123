//! Another program that does the service's work: Windows lets no process become another one, so the one that its service
//! control manager started stays, ends it when it is told to, and ends with it.

use std::{
    io::{self, Read as _},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::sync::watch;

use super::Manager;

/// Set for a program that ends with its standard input.
const ENDS_WITH_INPUT: &str = "CUTOVER_ENDS_WITH_INPUT";
/// How long it may take to its end, less than the service control manager gives.
const ENDS_WITHIN: Duration = Duration::from_secs(25);

/// Starts it and waits for its end; ends it where this service is told to end. `None`: it did not end in time.
///
/// # Errors
/// When it cannot be started.
pub async fn work_as(command: &mut Command, manager: &Manager) -> io::Result<Option<ExitStatus>> {
    let mut child = command
        .env(ENDS_WITH_INPUT, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let input = child.stdin.take();
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    manager.ready();
    tokio::select! {
        ended = &mut ended => return ended.map_err(io::Error::other)?.map(Some),
        told = manager.told_to_end() => {
            // Where that cannot be waited for, its end is the only thing to do as well.
            let _ = told;
        }
    }
    manager.stopping();
    drop(input);
    match tokio::time::timeout(ENDS_WITHIN, ended).await {
        Ok(ended) => ended.map_err(io::Error::other)?.map(Some),
        Err(_) => Ok(None),
    }
}

/// What tells this process to end, where another one does that by closing its standard input.
pub(super) fn told_by_input() -> Option<watch::Receiver<&'static str>> {
    std::env::var_os(ENDS_WITH_INPUT)?;
    let (sender, told) = watch::channel("");
    let wait = move || {
        // Nothing is ever written there: whatever ends the reading is the end.
        let _ = io::stdin().lock().read(&mut [0]);
        sender.send_replace("the service");
    };
    // Without the thread it is never told, and ends with the machine.
    std::thread::Builder::new().name("told".to_owned()).spawn(wait).ok()?;
    Some(told)
}
