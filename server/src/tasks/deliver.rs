//! Takes what is due from the outbox and delivers it.

use crate::{
    notify,
    service::{Service, ServiceError},
};

/// How many documents one pass takes.
const BATCH: i64 = 20;

/// Delivers what is due; says how many documents were tried.
///
/// # Errors
/// When the store fails. A failed delivery is no error: it is tried again later, or given up where all can see it.
pub(super) async fn due(service: &Service, http: &reqwest::Client) -> Result<usize, ServiceError> {
    let letters = service.due_letters(BATCH).await?;
    let count = letters.len();
    for letter in letters {
        let outcome = notify::deliver(http, &letter.kind, &letter.target, &letter.body).await;
        service
            .settle_letter(letter, outcome.map_err(|error| error.to_string()))
            .await?;
    }
    Ok(count)
}
