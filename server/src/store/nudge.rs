//! What subscribers hear after a commit.

use tokio::sync::broadcast;

use super::tx::Finished;

/// Something was committed. Says where to look, never what is there; it may be lost, so whoever waits for one also
/// looks now and then by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreEvent {
    /// The highest position of the transaction's events; `None` where it appended none.
    pub pos: Option<i64>,
    /// The closure's own word, see [`super::WriteTx::after_commit`].
    pub topic: String,
}

/// How many nudges a slow subscriber may lag behind before it loses the oldest.
pub(super) const NUDGES_KEPT: usize = 4096;

/// Tells this process's subscribers. That nobody listens is no fault.
pub(super) fn publish(events: &broadcast::Sender<StoreEvent>, finished: &Finished) {
    for topic in &finished.topics {
        let _unheard = events.send(StoreEvent {
            pos: finished.pos,
            topic: topic.clone(),
        });
    }
}

/// The text of a notification between replicas: who sent it, the position or `-`, the topic.
pub(super) fn encode(sender: &str, pos: Option<i64>, topic: &str) -> String {
    let pos = pos.map_or_else(|| "-".to_owned(), |pos| pos.to_string());
    format!("{sender} {pos} {topic}")
}

/// Reads a notification of another replica; `None` for our own and for what cannot be understood.
pub(super) fn decode(own: &str, text: &str) -> Option<StoreEvent> {
    let (sender, rest) = text.split_once(' ')?;
    let (pos, topic) = rest.split_once(' ')?;
    if sender == own {
        return None;
    }
    let pos = match pos {
        "-" => None,
        number => Some(number.parse().ok()?),
    };
    Some(StoreEvent {
        pos,
        topic: topic.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_survives_the_way_and_our_own_is_dropped() {
        let text = encode("17:3", Some(42), "plan us-2024 changed");
        assert_eq!(
            decode("18:1", &text),
            Some(StoreEvent {
                pos: Some(42),
                topic: "plan us-2024 changed".to_owned()
            })
        );
        assert_eq!(decode("17:3", &text), None);
        assert_eq!(
            decode("18:1", &encode("17:3", None, "")).map(|event| event.pos),
            Some(None)
        );
        assert_eq!(decode("18:1", "17:3 x topic"), None);
        assert_eq!(decode("18:1", "nonsense"), None);
    }
}
