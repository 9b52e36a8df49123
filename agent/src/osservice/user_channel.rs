//! The users' channel: a Unix socket that everybody at the machine can reach, for putting a restart off and nothing else.
//!
//! It is apart from the channel of `status`, which tells more and answers fewer. The kernel says who is at the other end
//! (`SO_PEERCRED`, unix(7)); asking when a restart comes is everybody's, putting it off is for root, the agent's own user
//! and whoever has an active session. Who it was is used for this decision alone and goes nowhere.

use std::{
    convert::Infallible,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use tokio::net::{UnixListener, UnixStream};

use super::{
    logins,
    talk::{ChannelError, PATIENCE, in_time},
    user_talk::{MayNot, UserAnswer, UserQuestion, answer_user, ask_over},
};
use crate::{app::Handle, words::Language};

const ZONE: &str = "/etc/localtime";

/// Answers users for as long as it is polled. Where the channel cannot be made the agent works on without it, and says so:
/// orders do not depend on it.
pub async fn serve_users(path: &Path, logins: &Path, agent: &Handle) -> Infallible {
    let listener = match bind(path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "users cannot put restarts off: no channel for them");
            return std::future::pending().await;
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match tokio::time::timeout(PATIENCE, answer(stream, logins, agent)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "users' channel"),
                Err(_) => tracing::debug!("users' channel: the other end was too slow"),
            },
            Err(error) => {
                tracing::warn!(%error, "users' channel");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(above) = path.parent().filter(|above| !above.exists()) {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
        // What started the agent may have set another mask; users have to come through.
        fs::set_permissions(above, Permissions::from_mode(0o755))?;
    }
    // The journal's lock has shown that no other agent uses this configuration, so a socket there is a leftover.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

async fn answer(mut stream: UnixStream, logins: &Path, agent: &Handle) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let zone = fs::read(ZONE).ok();
    answer_user(
        &mut stream,
        zone.as_deref(),
        |_: &UnixStream| may_defer(peer, logins),
        agent,
    )
    .await
}

/// Root, the agent's own user, and whoever has an active session.
fn may_defer(peer: u32, logins: &Path) -> Result<(), MayNot> {
    if peer == 0 || peer == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    match logins::is_active(logins, peer) {
        Ok(true) => Ok(()),
        Ok(false) => Err(MayNot::NotHere),
        Err(error) => Err(MayNot::Untold(error.to_string())),
    }
}

/// Asks the agent behind this channel, in the language of the session where that is told.
///
/// # Errors
/// When nobody is there, or it does not answer.
pub async fn ask_as_user(
    path: &Path,
    question: UserQuestion,
    language: Option<Language>,
) -> Result<UserAnswer, ChannelError> {
    in_time(path, async {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|source| ChannelError::NobodyThere {
                path: path.to_owned(),
                source,
            })?;
        ask_over(stream, path, question, language).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_is_at_the_machine_may_put_its_restart_off() {
        let logins = tempfile::tempdir().unwrap();
        let may = |uid| may_defer(uid, logins.path());
        fs::write(logins.path().join("61001"), "NAME=ann\nSTATE=active\n").unwrap();
        fs::write(logins.path().join("61002"), "NAME=bob\nSTATE=lingering\n").unwrap();
        assert_eq!(may(0), Ok(()));
        assert_eq!(may(rustix::process::geteuid().as_raw()), Ok(()));
        assert_eq!(may(61_001), Ok(()));
        for stranger in [61_002, 61_003] {
            assert_eq!(may(stranger), Err(MayNot::NotHere), "{stranger}");
        }
        let no_directory = logins.path().join("61001");
        assert!(matches!(may_defer(61_001, &no_directory), Err(MayNot::Untold(_))));
    }
}
