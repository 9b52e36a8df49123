//! How a document leaves the server: a POST to a webhook, a question at a gate, or files in a directory.

mod directory;
mod gate;
mod webhook;

pub use gate::{Asking, Decision, ask};

/// Why a document did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// A way of delivery that this version does not know.
    #[error("delivery by `{0}` is not known to this version")]
    UnknownKind(String),
    /// No answer, or none in time.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// An answer that is no success.
    #[error("answered {0}")]
    Answered(reqwest::StatusCode),
    /// An answer that is no decision, and says that it is one.
    #[error("the answer is not understood: {0}")]
    NoDecision(String),
    /// The document cannot be made into files.
    #[error("the document cannot be written: {0}")]
    Document(String),
    /// The files cannot be written.
    #[error("{path}: {source}; see that the directory of reports can be written and has room")]
    Write {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Delivers one document.
///
/// # Errors
/// When it did not arrive, as far as can be told. A webhook's receiver may then see it twice.
pub async fn deliver(http: &reqwest::Client, kind: &str, target: &str, body: &str) -> Result<(), DeliverError> {
    match kind {
        "webhook" => webhook::post(http, target, body).await,
        "directory" => directory::write_report(target.as_ref(), body),
        other => Err(DeliverError::UnknownKind(other.to_owned())),
    }
}
