//! Takes what is due from the outbox and delivers it.

use crate::{
    notify,
    service::{DETECTION_TEST, DRAIN, GATE, GateWord, RELEASE, Service, ServiceError},
    store::outbox::OutboxRow,
};

/// How many documents one pass takes.
const BATCH: i64 = 20;

/// No further letter is begun after so long: whoever leads says so again every few seconds.
const ENOUGH_MS: i64 = 3_000;

/// Delivers what is due; says how many documents were tried.
///
/// # Errors
/// When the store fails. A failed delivery is no error: it is tried again later, or given up where all can see it.
pub(super) async fn due(
    service: &Service,
    http: &reqwest::Client,
    asking: &reqwest::Client,
) -> Result<usize, ServiceError> {
    let letters = service.due_letters(BATCH).await?;
    let count = letters.len();
    let began_ms = service.real_now_ms();
    for letter in letters {
        // What else the pass has to do does not wait for others' slow answers; these are due in the next one.
        if service.real_now_ms() - began_ms > ENOUGH_MS {
            break;
        }
        if [GATE, DRAIN, RELEASE, DETECTION_TEST].contains(&letter.kind.as_str()) {
            ask(service, asking, letter).await?;
            continue;
        }
        let outcome = notify::deliver(http, &letter.kind, &letter.target, &letter.body).await;
        service
            .settle_letter(letter, outcome.map_err(|error| error.to_string()))
            .await?;
    }
    Ok(count)
}

/// Asks at a gate or about draining a host, or tells of a test, where that is still waited for.
async fn ask(service: &Service, asking: &reqwest::Client, letter: OutboxRow) -> Result<(), ServiceError> {
    if !service.still_asks(&letter).await? {
        return Ok(());
    }
    let outcome = notify::ask(asking, signed(service, &letter)).await;
    let word = |it: notify::Decision| GateWord {
        granted: it.granted,
        change: it.change,
    };
    let outcome = match outcome.map_err(|error| error.to_string()) {
        // Nobody may keep a host drained, and no test is made that was not taken: these are told until they are.
        Ok(Some(it)) if [RELEASE, DETECTION_TEST].contains(&letter.kind.as_str()) && !it.granted => {
            Err(format!("refused, in change {}", it.change))
        }
        other => other.map(|it| it.map(word)),
    };
    service.settle_question(letter, outcome).await
}

fn signed<'a>(service: &'a Service, letter: &'a OutboxRow) -> notify::Asking<'a> {
    notify::Asking {
        id: &letter.outbox_id,
        url: &letter.target,
        body: &letter.body,
        secret: service.gate_secret(),
        at_seconds: service.real_now_ms() / 1000,
    }
}
