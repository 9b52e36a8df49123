use std::{ffi::OsString, os::unix::net::UnixDatagram, time::Duration};

use super::{ChannelError, Notifier, ask_status, channel::may_ask};

#[test]
fn only_root_and_the_agents_own_user_are_answered() {
    assert!(may_ask(0, 990));
    assert!(may_ask(990, 990));
    assert!(!may_ask(1000, 990));
    assert!(!may_ask(990, 0));
}

#[tokio::test]
async fn a_channel_where_nobody_listens_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let refused = ask_status(&directory.path().join("agent.sock")).await.unwrap_err();
    assert!(matches!(refused, ChannelError::NobodyThere { .. }), "{refused}");
    assert!(refused.to_string().contains("start the service"), "{refused}");
}

/// A notifier by these variables, in a process with the id 7.
fn by(variables: &[(&str, &str)]) -> std::io::Result<Option<Notifier>> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    Notifier::from_variables(variable, 7)
}

#[test]
fn without_a_service_manager_nobody_is_told() {
    assert!(by(&[]).unwrap().is_none());
    assert!(
        by(&[("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "1000")])
            .unwrap()
            .is_none()
    );
    let refused = by(&[("NOTIFY_SOCKET", "vsock:2:1234")]).unwrap_err();
    assert!(refused.to_string().contains("vsock:2:1234"), "{refused}");
}

#[test]
fn a_watchdog_counts_only_for_the_process_that_it_is_meant_for() {
    let watchdog = |more: &[(&str, &str)]| {
        let all = [&[("NOTIFY_SOCKET", "/run/notify")], more].concat();
        by(&all).unwrap().unwrap().watchdog()
    };
    let third = Some(Duration::from_millis(1500));
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "1500000")]), third);
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "1500000"), ("WATCHDOG_PID", "7")]), third);
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "1500000"), ("WATCHDOG_PID", "8")]), None);
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "0")]), None);
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "soon")]), None);
    assert_eq!(watchdog(&[]), None);
}

#[test]
fn a_status_is_one_bounded_line_whatever_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let notifier = by(&[("NOTIFY_SOCKET", path.to_str().unwrap())]).unwrap().unwrap();
    let heard = || {
        let mut buffer = [0; 4096];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    notifier.status("the server says:\nREADY=1\tor not");
    assert_eq!(heard(), "STATUS=the server says: READY=1 or not");
    notifier.status(&"\u{e4}".repeat(400));
    assert_eq!(heard(), format!("STATUS={}", "\u{e4}".repeat(250)));
    // Nobody there any more: the service goes on.
    drop(manager);
    notifier.alive();
}
