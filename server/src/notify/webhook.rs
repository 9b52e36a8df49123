//! A POST of JSON.

use std::time::Duration;

use super::DeliverError;

/// How long a receiver may take.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) async fn post(http: &reqwest::Client, target: &str, body: &str) -> Result<(), DeliverError> {
    let answer = http
        .post(target)
        .header("content-type", "application/json")
        .timeout(LIMIT)
        .body(body.to_owned())
        .send()
        .await
        // The address may hold a secret: it does not go into the stored error.
        .map_err(|error| DeliverError::NoAnswer(error.without_url().to_string()))?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(DeliverError::Answered(answer.status()))
    }
}
