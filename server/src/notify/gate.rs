//! A question to a system outside, signed; and what that says at once.

use std::time::Duration;

use ring::hmac;
use serde::Deserialize;

use super::DeliverError;

/// How long who is asked may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// A question on its way.
#[derive(Clone, Copy)]
pub struct Asking<'q> {
    /// Its name: the same each time that it is posted.
    pub id: &'q str,
    /// Where to.
    pub url: &'q str,
    /// What is asked: JSON.
    pub body: &'q str,
    /// What it is signed with.
    pub secret: &'q str,
    /// When this try is, in seconds since the epoch.
    pub at_seconds: i64,
}

/// A decision that came back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the next wave may open.
    pub granted: bool,
    /// The change's number over there.
    pub change: String,
}

/// What may come back.
#[derive(Deserialize)]
struct Answer {
    decision: Option<String>,
    change: Option<String>,
}

/// What is signed: the time of the try, a full stop, and the document as it is posted.
pub(super) fn signature(secret: &str, at_seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at_seconds}.{body}").as_bytes());
    format!("sha256={}", hex::encode(tag))
}

/// Asks once. `None` where the question was taken, and its answer comes later by REST.
///
/// # Errors
/// When it was not taken, as far as can be told, or what came back is no decision.
pub async fn ask(http: &reqwest::Client, it: Asking<'_>) -> Result<Option<Decision>, DeliverError> {
    let no_answer = |error: reqwest::Error| DeliverError::NoAnswer(error.without_url().to_string());
    let mut answer = http
        .post(it.url)
        .header("content-type", "application/json")
        .header("cutover-delivery", it.id)
        .header("cutover-timestamp", it.at_seconds)
        .header("cutover-signature", signature(it.secret, it.at_seconds, it.body))
        .timeout(LIMIT)
        .body(it.body.to_owned())
        .send()
        .await
        .map_err(no_answer)?;
    if !answer.status().is_success() {
        return Err(DeliverError::Answered(answer.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_MAX {
            let why = format!("what came back is longer than {ANSWER_MAX} bytes");
            return Err(DeliverError::NoDecision(why));
        }
    }
    decision(&bytes)
}

/// A document without a decision, or none, means that the question was taken.
fn decision(bytes: &[u8]) -> Result<Option<Decision>, DeliverError> {
    let refused = |why: &str| Err(DeliverError::NoDecision(why.to_owned()));
    let Ok(Answer { decision, change }) = serde_json::from_slice::<Answer>(bytes) else {
        return Ok(None);
    };
    let granted = match decision.as_deref() {
        None => return Ok(None),
        Some("approved") => true,
        Some("refused") => false,
        Some(_) => return refused("`decision` is neither `approved` nor `refused`"),
    };
    match change.filter(|change| !change.trim().is_empty() && change.len() <= 200) {
        Some(change) => Ok(Some(Decision { granted, change })),
        None => refused("a decision came without the number of its change (`change`, at most 200 bytes)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_time_and_document_by_hmac_sha256() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let signed = signature("0123456789abcdef", 1_700_000_000, r#"{"a":1}"#);
        assert_eq!(
            signed,
            "sha256=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23"
        );
    }

    #[test]
    fn only_a_decision_with_its_change_is_one() {
        let said = |text: &str| decision(text.as_bytes()).map_err(|error| error.to_string());
        for taken in ["", "ok", "{}", r#"{"id":"7"}"#, r#"{"change":"CHG-7"}"#] {
            assert_eq!(said(taken), Ok(None), "{taken}");
        }
        let approved = said(r#"{"decision":"approved","change":"CHG-7","by":"x"}"#)
            .unwrap()
            .unwrap();
        assert_eq!((approved.granted, approved.change.as_str()), (true, "CHG-7"));
        assert!(
            !said(r#"{"decision":"refused","change":"CHG-7"}"#)
                .unwrap()
                .unwrap()
                .granted
        );
        assert!(
            said(r#"{"decision":"perhaps","change":"CHG-7"}"#)
                .unwrap_err()
                .contains("neither")
        );
        assert!(
            said(r#"{"decision":"approved"}"#)
                .unwrap_err()
                .contains("without the number")
        );
    }
}
