//! What went wrong between host and server, and what to do about it.

use std::time::Duration;

use tonic::{Code, Status};

use super::{
    AddressError, IdentityError, ProxyError,
    dial::{DialFailure, DialKind},
};

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The server sheds load; nothing is wrong.
    #[error("the server is busy; try again {}", later(*retry_after))]
    Overloaded {
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// No way to it.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// A connection came about and brought no answer, or none in time.
    #[error("the server was reached and no answer came through: {0}")]
    Cut(String),
    /// Somebody else showed a certificate in its place.
    #[error("the server cannot be reached: {why}")]
    Intercepted {
        /// By its issuer's name.
        by: String,
        /// In full, with the remedy.
        why: String,
    },
    /// The proxy's settings.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// It does not accept this host, token or call.
    #[error("the server refuses: {why}; {remedy}")]
    Refused {
        /// In its words.
        why: String,
        /// What a person does.
        remedy: &'static str,
    },
    /// Keys, certificate or their files.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No server, or one that cannot be.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The list of addresses is empty.
    #[error("no server is named; set `servers` in the configuration or give --server HOST:PORT")]
    NoServer,
    /// The TLS set-up itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// What stands in place of an answer that carries no status of ours: somebody on the way made it up. The first is tonic's.
const MADE_UP: [&str; 2] = ["grpc-status header missing", NOT_FROM_THE_SERVER];
/// The same for a POST.
pub(super) const NOT_FROM_THE_SERVER: &str = "something between this host and the server answered in its place";

/// When a host's key is not accepted.
const ENROL_AGAIN: &str = "if this does not pass by itself, enrol this host again with a new token: \
                           cutover-agent enroll --again --server HOST:PORT --ca-fingerprint SHA256 --token TOKEN";
/// When it stays silent.
pub(super) const NO_ANSWER: &str = "it did not answer in time";
/// When a token is not accepted.
const NEW_TOKEN: &str = "make a new token on the server with `cutover token` and enrol with it";
/// When the call itself is not known.
const UPDATE: &str = "check that this is the agents' listener of a cutover server, and update the older side";

/// What a call was for; it decides the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Enroll,
    Renew,
    Split,
    CheckIn,
    Leave,
    Watch,
}

impl LinkError {
    /// By how the newest connection did not come about; where it did, nothing came over it.
    pub(super) fn of_dial(dial: Option<DialFailure>, otherwise: String) -> Self {
        match dial {
            None => Self::Cut(otherwise),
            Some(DialFailure { why, kind }) => match kind {
                DialKind::NoWay => Self::Unreachable(why),
                DialKind::Cut => Self::Cut(why),
                DialKind::Intercepted(by) => Self::Intercepted { by, why },
            },
        }
    }

    /// From a status. `dial` tells why no connection came about, where that is known: it is more exact.
    pub(super) fn from_status(status: &Status, call: Call, dial: Option<DialFailure>) -> Self {
        let why = words(status);
        let is_transport = std::error::Error::source(status).is_some();
        let is_made_up = MADE_UP.iter().any(|sign| status.message().contains(sign));
        if is_transport || is_made_up || dial.is_some() {
            return Self::of_dial(dial, why);
        }
        match status.code() {
            Code::ResourceExhausted => Self::Overloaded {
                retry_after: retry_after(status),
            },
            Code::Unavailable if retry_after(status).is_some() => Self::Overloaded {
                retry_after: retry_after(status),
            },
            Code::Unauthenticated | Code::PermissionDenied => Self::Refused {
                why,
                remedy: if call == Call::Enroll { NEW_TOKEN } else { ENROL_AGAIN },
            },
            Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists
                if call == Call::Enroll =>
            {
                Self::Refused { why, remedy: NEW_TOKEN }
            }
            Code::Unimplemented | Code::OutOfRange => Self::Refused { why, remedy: UPDATE },
            Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists => {
                Self::Refused { why, remedy: UPDATE }
            }
            Code::DeadlineExceeded => Self::Cut(NO_ANSWER.to_owned()),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Unreachable(why),
        }
    }
}

/// What the server said, or what the transport met at the bottom of its own words.
fn words(status: &Status) -> String {
    let mut cause = std::error::Error::source(status);
    let mut deepest = None;
    while let Some(error) = cause {
        deepest = Some(error.to_string());
        cause = error.source();
    }
    match (status.message(), deepest) {
        ("", None) => status.code().description().to_owned(),
        (message, None) => message.to_owned(),
        ("", Some(deepest)) => deepest,
        (message, Some(deepest)) if message.contains(&deepest) => message.to_owned(),
        (message, Some(deepest)) => format!("{message}: {deepest}"),
    }
}

fn retry_after(status: &Status) -> Option<Duration> {
    let seconds = status
        .metadata()
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

fn later(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(|| "later".to_owned(), |wait| format!("in {} s", wait.as_secs()))
}
