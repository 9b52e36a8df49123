//! What a use case answers when it cannot do what was asked.

use crate::store::StoreError;

/// For people: pages, REST, command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// There is no such thing.
    #[error("there is no {what}")]
    NotFound {
        /// What was asked for, for example ``host `ws-1` ``.
        what: String,
    },
    /// The request makes no sense.
    #[error("{why}")]
    Invalid {
        /// What is wrong and what would be right.
        why: String,
    },
    /// Makes sense, and cannot be done in this state.
    #[error("{why}")]
    Refused {
        /// Why, and what to do first.
        why: String,
    },
    /// The caller may not.
    #[error("{why}")]
    Denied {
        /// Which role may.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored state that this version cannot read, or another fault of the program.
    #[error("{why}")]
    Broken {
        /// For the log.
        why: String,
    },
}

/// For agents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The message is not acceptable; sending it again does not help.
    #[error("{why}")]
    Invalid {
        /// What is wrong.
        why: String,
    },
    /// The enrolment token is not good.
    #[error("{why}; ask for a new one (`cutover token create`)")]
    Token {
        /// Unknown, ended, used up or revoked.
        why: String,
    },
    /// The certificate is good and the host is not in the store: a restored server.
    #[error("this server does not know the host; enrol it again with a new token")]
    UnknownHost,
    /// The key is worth nothing any more.
    #[error("this key was revoked; enrol anew")]
    Revoked,
    /// Too much at once. Delays, and changes nothing.
    #[error("the server is busy; come again later")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored state that this version cannot read, or another fault of the program.
    #[error("{why}")]
    Broken {
        /// For the log.
        why: String,
    },
}

impl From<ServiceError> for CallError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Store(error) => Self::Store(error),
            ServiceError::NotFound { .. } => Self::UnknownHost,
            ServiceError::Invalid { why } | ServiceError::Refused { why } | ServiceError::Denied { why } => {
                Self::Invalid { why }
            }
            ServiceError::Broken { why } => Self::Broken { why },
        }
    }
}
