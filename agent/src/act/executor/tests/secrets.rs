//! Secrets live in memory only.

use cutover_proto::seal;

use super::{super::End, world::World};
use crate::host::sandbox::Behaviour;

const SECRET: &str = "Kx-unins7all-Pa$$";

fn holds_secret(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let wide: String = SECRET.bytes().map(|byte| format!("{byte:02x}00")).collect();
    text.contains(SECRET)
        || text.contains(&hex::encode(SECRET))
        || text.contains(&hex::encode(hex::encode(SECRET)))
        || text.contains(&wide)
}

#[test]
fn a_secret_that_a_tool_prints_is_in_no_record_and_not_in_the_journal() {
    let world = World::new(Behaviour::default());
    let wide: String = SECRET.bytes().map(|byte| format!("{byte:02X}00")).collect();
    *world.says.lock().unwrap() = format!("msi KLPASSWD={SECRET} KLUNINSTPASSWD={wide}\n");
    let mut order = world.usual();
    let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
    order.secrets = vec![seal::seal(key, host, 1, "uninstall", SECRET.as_bytes()).unwrap()];
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    let mut blanked = 0;
    for record in world.records() {
        let json = serde_json::to_vec(&record).unwrap();
        assert!(!holds_secret(&json), "{record:?}");
        blanked += usize::from(record.log_tail.contains("KLPASSWD=[secret] KLUNINSTPASSWD=[secret]"));
    }
    // Fetch, three removals, installation.
    assert_eq!(blanked, 5);
    let journal = std::fs::read(world.state.path().join("journal")).unwrap();
    assert!(!holds_secret(&journal));
    let kept = world.kept.lock().unwrap().clone();
    assert!(
        kept.contains("KLPASSWD=[secret]") && !holds_secret(kept.as_bytes()),
        "{kept}"
    );
}

#[test]
fn after_a_restart_secrets_are_still_blanked() {
    let world = World::new(Behaviour::default());
    *world.says.lock().unwrap() = format!("password {SECRET}\n");
    let mut order = world.usual();
    let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
    order.secrets = vec![seal::seal(key, host, 1, "uninstall", SECRET.as_bytes()).unwrap()];
    let envelope = world.sign(&order);
    world.faults.crash_at(20);
    assert!(world.survive(|| world.executor().run(&envelope)).is_none());
    let end = world.executor().resume().unwrap();
    assert_eq!(end, Some(End::Completed { number: 1 }));
    for record in world.records() {
        assert!(!holds_secret(&serde_json::to_vec(&record).unwrap()), "{record:?}");
    }
    let kept = world.kept.lock().unwrap().clone();
    assert!(
        kept.contains("password [secret]") && !holds_secret(kept.as_bytes()),
        "{kept}"
    );
}

/// Agents that ended after their tool had printed, and before they could take anything out.
#[test]
fn what_a_tool_printed_to_an_agent_that_ended_is_taken_out_by_the_next() {
    let held = |world: &World| holds_secret(world.kept.lock().unwrap().as_bytes());
    let mut left = 0;
    for place in 0..60 {
        let world = World::new(Behaviour::default());
        *world.says.lock().unwrap() = format!("password {SECRET}\n");
        let mut order = world.usual();
        let (key, host) = (world.identity.sealing.public(), world.identity.host_id);
        order.secrets = vec![seal::seal(key, host, 1, "uninstall", SECRET.as_bytes()).unwrap()];
        let envelope = world.sign(&order);
        world.faults.crash_at(place);
        if world.survive(|| world.executor().run(&envelope)).is_some() {
            break;
        }
        left += u32::from(held(&world));
        let _ = world.executor().resume().unwrap();
        assert!(!held(&world), "place {place}: {}", world.kept.lock().unwrap());
    }
    assert!(left > 5, "the log held it at {left} places only");
}
