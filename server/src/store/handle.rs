//! [`Store`]: the handle that the rest of the server holds.

use std::fmt;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use tokio::sync::{broadcast, oneshot};

use super::conn::Dialect;
use super::error::StoreError;
use super::in_place::InPlace;
use super::job::{Closure, ReadJob, WriteJob};
use super::listen::Stop;
use super::nudge::StoreEvent;
use super::tx::{ReadTx, WriteTx};

/// The store. Clones share it.
///
/// Invariant: an answer to a write is given only after its commit, which is durable.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    queues: RwLock<Option<Queues>>,
    events: broadcast::Sender<StoreEvent>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: Arc<Stop>,
    dialect: Dialect,
}

/// Where closures go to.
pub(super) enum Queues {
    /// To threads of the store.
    Threads {
        writes: Sender<Box<dyn WriteJob>>,
        reads: Sender<Box<dyn ReadJob>>,
    },
    /// Nowhere: they run on the thread that asks.
    InPlace(InPlace),
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The threads end when the queues do; only the listener has none.
        self.stop.now();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("dialect", &self.inner.dialect)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn assemble(
        queues: Queues,
        events: broadcast::Sender<StoreEvent>,
        threads: Vec<JoinHandle<()>>,
        stop: Arc<Stop>,
        dialect: Dialect,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                queues: RwLock::new(Some(queues)),
                events,
                threads: Mutex::new(threads),
                stop,
                dialect,
            }),
        }
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// Runs a closure that writes, and answers when what it wrote is durable.
    ///
    /// The closure may run several times (after a conflict on PostgreSQL), so it touches nothing but its transaction:
    /// no clock, no randomness, no network. It ends in an error to have all of it undone.
    ///
    /// # Errors
    /// What the closure returned, or a [`StoreError`] of the transaction around it.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue_write(Closure::new(closure, move |result| {
            // Whoever asked may have gone away; the commit stands.
            let _unread = reply.send(result);
        }))?;
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    /// Runs a closure that reads, on a connection that cannot write; all its queries see one state of the store.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue_read(Closure::new(closure, move |result| {
            let _unread = reply.send(result);
        }))?;
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    /// [`Store::write`] for the command line and tests: blocks the thread.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_now<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = mpsc::channel();
        self.queue_write(Closure::new(closure, move |result| {
            let _unread = reply.send(result);
        }))?;
        answer.recv().unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    /// [`Store::read`] for the command line and tests: blocks the thread.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn read_now<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = mpsc::channel();
        self.queue_read(Closure::new(closure, move |result| {
            let _unread = reply.send(result);
        }))?;
        answer.recv().unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    /// Hears what is committed from here on, by this process and by other replicas. A slow listener loses the oldest
    /// nudges, and a broken network some between replicas: look by yourself now and then.
    pub fn subscribe(&self) -> broadcast::Receiver<StoreEvent> {
        self.inner.events.subscribe()
    }

    /// Finishes what is queued, answers it and ends the threads. Whatever comes later gets [`StoreError::Closed`].
    /// Blocks; must not be called from inside a closure.
    pub fn close(&self) {
        drop(self.inner.queues.write().unwrap_or_else(PoisonError::into_inner).take());
        self.inner.stop.now();
        let threads = std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }

    fn queue_write(&self, job: impl WriteJob + 'static) -> Result<(), StoreError> {
        self.with_queues(|queues| match queues {
            Queues::Threads { writes, .. } => writes.send(Box::new(job)).is_ok(),
            Queues::InPlace(place) => {
                place.write(Box::new(job), &self.inner.events);
                true
            }
        })
    }

    fn queue_read(&self, job: impl ReadJob + 'static) -> Result<(), StoreError> {
        self.with_queues(|queues| match queues {
            Queues::Threads { reads, .. } => reads.send(Box::new(job)).is_ok(),
            Queues::InPlace(place) => {
                place.read(Box::new(job));
                true
            }
        })
    }

    fn with_queues(&self, send: impl FnOnce(&Queues) -> bool) -> Result<(), StoreError> {
        let queues = self.inner.queues.read().unwrap_or_else(PoisonError::into_inner);
        if queues.as_ref().is_some_and(send) {
            Ok(())
        } else {
            Err(StoreError::Closed)
        }
    }
}
