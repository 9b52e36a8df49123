//! Who listens for nudges: the open Watch streams of this process, by host.
//!
//! A nudge says only "check in now". Several that come before a stream is read are one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use cutover_proto::ids::HostId;
use tokio::sync::Notify;

/// The open streams. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Hub(Arc<Mutex<HashMap<HostId, Vec<Weak<Notify>>>>>);

impl Hub {
    /// Registers a stream; it is forgotten when the returned handle is dropped.
    #[must_use]
    pub fn listen(&self, host: HostId) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_host = streams.entry(host).or_default();
        of_host.retain(|stream| stream.strong_count() > 0);
        of_host.push(Arc::downgrade(&notify));
        notify
    }

    /// Tells every stream of a host; says how many there were.
    pub fn nudge(&self, host: HostId) -> usize {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_host) = streams.get_mut(&host) else {
            return 0;
        };
        of_host.retain(|stream| stream.upgrade().inspect(|notify| notify.notify_one()).is_some());
        let told = of_host.len();
        if told == 0 {
            streams.remove(&host);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(n: u128) -> HostId {
        HostId::new(uuid::Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn a_nudge_reaches_the_hosts_own_streams_and_no_other() {
        let hub = Hub::default();
        let (ours, theirs) = (hub.listen(host(1)), hub.listen(host(2)));
        assert_eq!(hub.nudge(host(1)), 1);
        ours.notified().await;
        assert!(futures_util::FutureExt::now_or_never(theirs.notified()).is_none());
    }

    #[test]
    fn a_dropped_stream_is_forgotten() {
        let hub = Hub::default();
        drop(hub.listen(host(1)));
        assert_eq!(hub.nudge(host(1)), 0);
        assert!(hub.0.lock().unwrap().is_empty());
    }
}
