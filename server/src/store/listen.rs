//! Nudges from other replicas: LISTEN on a session of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator;
use tokio::sync::broadcast;

use super::address::Connector;
use super::error::StoreError;
use super::nudge::{self, StoreEvent};
use super::postgres::refused;

/// How long a wait for notifications lasts before the thread looks whether it is to end.
const WAIT: Duration = Duration::from_millis(100);

/// Pause before a lost session is opened again.
const RETRY: Duration = Duration::from_secs(1);

/// Tells the listening thread to end.
#[derive(Default)]
pub(super) struct Stop {
    flag: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Stop {
    pub(super) fn now(&self) {
        self.flag.store(true, Ordering::SeqCst);
        self.wake.notify_all();
    }

    fn is_set(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    fn pause(&self, length: Duration) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _woken = self.wake.wait_timeout_while(guard, length, |()| !self.is_set());
    }
}

/// Passes on what other replicas committed until told to stop. A lost session is opened again; what was said meanwhile
/// is lost, which readers make up for by looking now and then.
pub(super) fn run_listener(
    connector: &Connector,
    channel: &str,
    own: &str,
    events: &broadcast::Sender<StoreEvent>,
    stop: &Stop,
) {
    while !stop.is_set() {
        if let Err(error) = listen(connector, channel, own, events, stop) {
            tracing::warn!(%error, "nudges from other replicas are interrupted; polling goes on");
            stop.pause(RETRY);
        }
    }
}

fn listen(
    connector: &Connector,
    channel: &str,
    own: &str,
    events: &broadcast::Sender<StoreEvent>,
    stop: &Stop,
) -> Result<(), StoreError> {
    let mut conn = connector.connect()?;
    let sql = format!("LISTEN \"{channel}\"");
    conn.client()
        .batch_execute(&sql)
        .map_err(|error| refused(&sql, &error))?;
    while !stop.is_set() {
        {
            let mut heard = conn.client().notifications();
            let mut waiting = heard.timeout_iter(WAIT);
            while let Some(one) = waiting.next().map_err(|error| refused(&sql, &error))? {
                if let Some(event) = nudge::decode(own, one.payload()) {
                    let _unheard = events.send(event);
                }
            }
        }
        if conn.is_closed() {
            return Err(StoreError::Unavailable {
                why: "the listening session has ended".to_owned(),
            });
        }
    }
    Ok(())
}
