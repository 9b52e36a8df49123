//! Which connections are open under which key, so that a revoked key's can be closed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

use futures_util::task::AtomicWaker;

/// SHA-256 of a SubjectPublicKeyInfo, and a number that tells connections of one key apart.
type Key = ([u8; 32], u64);

/// The open connections that showed a certificate. One small entry each.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    open: BTreeMap<Key, Arc<Switch>>,
}

impl Connections {
    /// None open yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Closes every open connection of this key (lower-case hex, as in `host_key`), streams included. Returns how many.
    /// Call it after the revocation is durable: a call that was admitted before is cut off, one after is denied.
    pub fn close(&self, spki_hash: &str) -> usize {
        let Some(hash) = decode(spki_hash) else {
            return 0;
        };
        let table = self.lock();
        let switches = table.open.range((hash, 0)..=(hash, u64::MAX));
        switches.map(|(_, switch)| switch.close()).count()
    }

    /// How many connections with a certificate are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().open.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Enters a connection; it leaves when the entry is dropped.
    pub(super) fn enter(self: &Arc<Self>, hash: [u8; 32]) -> Entry {
        let switch = Arc::new(Switch::default());
        let mut table = self.lock();
        table.last += 1;
        let key = (hash, table.last);
        table.open.insert(key, switch.clone());
        drop(table);
        Entry {
            connections: self.clone(),
            key,
            switch,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode(spki_hash: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(spki_hash, &mut hash).ok()?;
    Some(hash)
}

/// A connection's place among the open ones.
#[derive(Debug)]
pub(super) struct Entry {
    connections: Arc<Connections>,
    key: Key,
    switch: Arc<Switch>,
}

impl Entry {
    /// Whether the connection was told to close; if not, its task is woken when it is.
    pub(super) fn is_closed(&self, cx: &Context<'_>) -> bool {
        self.switch.is_closed(cx.waker())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.key);
    }
}

#[derive(Debug, Default)]
struct Switch {
    closed: AtomicBool,
    task: AtomicWaker,
}

impl Switch {
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.task.wake();
    }

    fn is_closed(&self, waker: &Waker) -> bool {
        // Registered first: a close between the two is seen by one of them.
        self.task.register(waker);
        self.closed.load(Ordering::Acquire)
    }
}
