//! Answers of a server, one after another, and what the session makes of them: a byte for the time until each, two for
//! its length.

#![no_main]

use std::time::Duration;

use cutover_agent::session::{Failure, JournalSays, Place, Session, Start, Ticks, Validity};
use cutover_proto::v1::CheckInReply;
use prost::Message;

/// Whatever a server says, the agent is heard of again.
const LONGEST_SILENCE: Duration = Duration::from_secs(48 * 3600);

fn start() -> Start {
    Start {
        can_leave: false,
        agent_version: "0.1.0".to_owned(),
        boot_id: "b".to_owned(),
        known_steps: vec![1],
        rules_revision: 1,
        refused_rules: Vec::new(),
        server_keys: Vec::new(),
        store_epoch: String::new(),
        inventory: None,
        order: None,
        validity: Validity {
            from_ms: 1_763_000_000_000,
            to_ms: 1_771_000_000_000,
        },
        host_ms: 1_764_000_000_000,
        places: vec![Place {
            address: "cutover.example.org:7443".to_owned(),
            proxy: None,
        }],
        seed: 1,
    }
}

bounded::fuzz_target!(|data: &[u8]| {
    let mut now = Ticks(0);
    let mut session = Session::new(start(), now);
    let mut rest = data;
    while let Some(([wait, low, high], more)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(more.len());
        let (answer, more) = more.split_at(length);
        rest = more;
        now = now.after(Duration::from_secs(u64::from(*wait) * 1000));
        let _ = session.begin_look(now);
        let _ = session.begin_renewal(now);
        session.handle_nudge(now);
        let _ = session.next_request(now, String::new(), JournalSays::default());
        match CheckInReply::decode(answer) {
            Ok(reply) => drop(session.handle_reply(reply, now)),
            Err(_) => session.handle_failure(&Failure::Cut(String::new()), now),
        }
        let again = session.poll_timeout(now).map(|(at, _)| at);
        assert!(
            again.is_some_and(|at| at <= now.after(LONGEST_SILENCE)),
            "silent until {again:?}, and it is {now:?}"
        );
    }
});
