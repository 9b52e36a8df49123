//! The end of a trial: an answer in time, or the program before.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Opens with the first answer. It is watched by a thread of its own, so that a program whose loop hangs ends too.
#[derive(Debug, Default)]
pub struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Begins a trial of so long; `too_late` is called on another thread where the gate is not open by then.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn watched(limit: Duration, too_late: impl FnOnce() + Send + 'static) -> std::io::Result<Arc<Self>> {
        let gate = Arc::new(Self::default());
        let watched = gate.clone();
        std::thread::Builder::new().name("trial".to_owned()).spawn(move || {
            if !watched.opens_within(limit) {
                too_late();
            }
        })?;
        Ok(gate)
    }

    /// The program is answered: it stays.
    pub fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn opens_within(&self, limit: Duration) -> bool {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.opened.wait_timeout_while(is_open, limit, |is_open| !*is_open);
        let (is_open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *is_open
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_gate_that_stays_shut_calls_and_an_open_one_does_not() {
        let (late, told) = mpsc::channel();
        let _shut = Gate::watched(Duration::from_millis(1), move || late.send(()).unwrap()).unwrap();
        told.recv_timeout(Duration::from_secs(60)).unwrap();

        let (late, told) = mpsc::channel::<()>();
        let open = Gate::watched(Duration::from_secs(3600), move || late.send(()).unwrap()).unwrap();
        open.open();
        // Its thread ends, and with it the sender, without a word.
        assert_eq!(
            told.recv_timeout(Duration::from_secs(60)),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }
}
