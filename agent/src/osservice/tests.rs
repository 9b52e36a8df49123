use super::{ChannelError, ask_status, channel::may_ask};

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
