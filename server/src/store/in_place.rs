//! A store without threads: each closure runs on the thread that asks, on the one connection there is.

use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast;

use super::conn::Conn;
use super::group;
use super::job::{ReadJob, WriteJob};
use super::nudge::StoreEvent;
use super::pool;

/// See [`super::StoreOptions::in_place`].
pub(super) struct InPlace(Mutex<Box<dyn Conn>>);

impl InPlace {
    pub(super) fn new(conn: Box<dyn Conn>) -> Self {
        Self(Mutex::new(conn))
    }

    /// A transaction of its own, as of a group of one.
    pub(super) fn write(&self, job: Box<dyn WriteJob>, events: &broadcast::Sender<StoreEvent>) {
        let mut conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        group::commit_group(conn.as_mut(), vec![job], events);
    }

    pub(super) fn read(&self, job: Box<dyn ReadJob>) {
        let mut conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool::read_and_answer(conn.as_mut(), job);
    }
}
