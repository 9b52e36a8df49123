//! A restart that is due on a host whose agent runs: told, put off over the users' channel by whoever may, kept through
//! the agent's end, and told to the server.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use cutover_agent::{
    app::{Agent, Handle},
    osservice::{UserAnswer, UserQuestion, ask_as_user, serve_users},
    words::Language,
};
use cutover_proto::{
    order::WorkOrder,
    record::{RecordEvent, StepRecord},
    step::{Action, Step},
    v1,
};
use prost::Message;

use crate::{
    host::Host,
    server::{LONG, Server, quiet},
};

/// Nobody's, on any machine that this runs on.
const STRANGER: u32 = 61_237;
const USER: u32 = 61_238;

fn records(requests: &[v1::CheckInRequest]) -> Vec<StepRecord> {
    let mut all: Vec<StepRecord> = requests
        .iter()
        .flat_map(|request| &request.step_records)
        .map(|envelope| {
            v1::StepRecord::decode(envelope.body.as_slice())
                .unwrap()
                .try_into()
                .unwrap()
        })
        .collect();
    all.sort_by_key(|record| record.sequence);
    all.dedup();
    all
}

fn has(event: RecordEvent) -> impl Fn(&[v1::CheckInRequest]) -> bool {
    move |requests| records(requests).iter().any(|record| record.event == event)
}

/// A server that gives an order of one restart, an hour's notice ahead and a day to put it off.
async fn with_a_restart(host: &Host) -> Server {
    let server = Server::start().await;
    host.enrol(&server).await;
    let order = WorkOrder {
        host_id: host.state().identity().load().unwrap().unwrap().host_id(),
        campaign_id: "kaspersky-us-2024".into(),
        campaign_epoch: 1,
        number: 1,
        attempt: 1,
        not_before_ms: 0,
        expires_ms: i64::MAX,
        offline: true,
        steps: vec![Step {
            action: Action::Restart {
                reason: "drivers of the removed product".into(),
                notice: Duration::from_secs(3600),
                defer: Duration::from_secs(86_400),
            },
            time_limit: Duration::from_secs(600),
            safe_point_after: true,
        }],
        secrets: vec![],
        catalog_revision: 1,
    };
    let envelope = order.sign(&server.shared.signing).unwrap();
    let mut given = false;
    server.answers(move |request| {
        let mut reply = quiet(request);
        if !given && !request.inventory_digest.is_empty() {
            given = true;
            reply.work_order = Some(envelope.clone());
        }
        Ok(reply)
    });
    server
}

/// The users' channel of an agent, in a directory that lets everybody pass.
pub(crate) struct Channel {
    directory: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Channel {
    pub(crate) fn open(agent: Arc<Handle>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let logins = directory.path().join("users");
        std::fs::create_dir(&logins).unwrap();
        std::fs::write(logins.join(USER.to_string()), "NAME=ann\nSTATE=active\n").unwrap();
        std::fs::write(logins.join(STRANGER.to_string()), "NAME=bob\nSTATE=lingering\n").unwrap();
        std::fs::write(
            directory.path().join("agent.toml"),
            format!("user_socket = \"{}\"\n", directory.path().join("user.sock").display()),
        )
        .unwrap();
        let (path, serving) = (directory.path().join("user.sock"), agent);
        let task = tokio::spawn(async move {
            let never = serve_users(&path, &logins, &serving).await;
            match never {}
        });
        Self { directory, task }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.directory.path().join("user.sock")
    }

    pub(crate) async fn ask(&self, question: UserQuestion) -> UserAnswer {
        self.ask_in(None, question).await
    }

    pub(crate) async fn ask_in(&self, language: Option<Language>, question: UserQuestion) -> UserAnswer {
        tokio::time::timeout(LONG, async {
            loop {
                // The socket comes a moment after the task.
                if let Ok(answer) = ask_as_user(&self.socket(), question, language).await {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap()
    }

    /// `cutover-agent defer DURATION`, run as another user in a session of this locale.
    async fn defer_as(&self, uid: u32, length: &str, locale: &str) -> (i32, String) {
        // The program lies where that user may not look.
        let program = self.directory.path().join("cutover-agent");
        std::fs::copy(env!("CARGO_BIN_EXE_cutover-agent"), &program).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "only another process can be another user")]
        let mut command = Command::new(&program);
        command.env_clear().uid(uid).gid(uid);
        command.arg("--config").arg(self.directory.path().join("agent.toml"));
        command.args(["defer", length]).env("LANG", locale);
        let run = tokio::task::spawn_blocking(move || command.output().unwrap());
        let Output { status, stdout, stderr } = tokio::time::timeout(LONG, run).await.unwrap().unwrap();
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        (status.code().unwrap(), text)
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_put_off_by_whoever_is_at_the_machine_and_by_nobody_else() {
    let host = Host::plant();
    let server = with_a_restart(&host).await;
    let agent = Arc::new(host.start());
    let channel = Channel::open(agent.clone());
    server.check_ins(has(RecordEvent::RestartNoticed)).await;

    let UserAnswer::Told { text } = channel.ask(UserQuestion::Due).await else {
        panic!("asking when it comes is everybody's");
    };
    assert!(
        text.contains("restarts at") && text.contains("drivers of the removed product"),
        "{text}"
    );
    assert!(
        text.contains("UTC") && text.contains("cutover-agent defer 2h"),
        "{text}"
    );

    let too_long = channel.ask(UserQuestion::Defer(Duration::from_secs(2 * 86_400))).await;
    let UserAnswer::Refused { text } = too_long else {
        panic!("{too_long:?}");
    };
    assert!(
        text.contains("longer than is allowed") && text.contains("at the latest"),
        "{text}"
    );

    if is_root() {
        let (code, text) = channel.defer_as(STRANGER, "2h", "de_DE.UTF-8").await;
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("Nur wer an diesem Computer"), "{text}");
        let (code, text) = channel.defer_as(STRANGER, "2h", "").await;
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("only whoever is logged in"), "{text}");
        assert!(agent.restart().await.is_some_and(|due| !due.is_deferred));
        let (code, text) = channel.defer_as(USER, "2h", "nl_NL.UTF-8").await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("put off until") && text.contains("UTC"), "{text}");
    } else {
        let put_off = channel.ask(UserQuestion::Defer(Duration::from_secs(7200))).await;
        assert!(matches!(put_off, UserAnswer::PutOff { .. }), "{put_off:?}");
    }
    let requests = server.check_ins(has(RecordEvent::RestartDeferred)).await;
    let all = records(&requests);
    let deferred: Vec<&StepRecord> = all
        .iter()
        .filter(|record| record.event == RecordEvent::RestartDeferred)
        .collect();
    assert_eq!(deferred.len(), 1, "the stranger's wish was not kept");
    let words = format!("{deferred:?}");
    assert!(
        !words.contains("ann") && !words.contains(&USER.to_string()),
        "who it was is not told: {words}"
    );
    let until_ms = deferred[0].until_ms.unwrap();
    assert!((until_ms - deferred[0].at_ms - 7_200_000).abs() < 60_000);

    let status = agent.status().await.unwrap();
    let restart = status.restart.unwrap();
    assert_eq!((restart.comes_ms, restart.is_deferred), (Some(until_ms), true));
    drop(channel);
    drop(Arc::into_inner(agent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_off_holds_when_the_agent_starts_again() {
    let host = Host::plant();
    let server = with_a_restart(&host).await;
    let agent = host.start();
    server.check_ins(has(RecordEvent::RestartNoticed)).await;
    let deferral = agent.defer(Duration::from_secs(7200)).await.unwrap().unwrap();
    // The order's thread outlives its agent in this process, so the journal is looked at as a later start would.
    agent.shutdown().await;
    let copy = tempfile::tempdir().unwrap();
    let state = host.state();
    for name in ["journal", "journal.made"] {
        std::fs::copy(state.path().join(name), copy.path().join(name)).unwrap();
    }
    let journal = cutover_agent::act::Journal::open(copy.path()).unwrap();
    let due = cutover_agent::act::restart_state(&journal).unwrap();
    assert_eq!((due.comes_ms, due.is_deferred), (Some(deferral.until_ms), true));
    assert_eq!(due.latest_ms, deferral.latest_ms);
}

#[tokio::test]
async fn without_an_agent_a_user_is_told_what_to_start() {
    let directory = tempfile::tempdir().unwrap();
    let refused = ask_as_user(&directory.path().join("user.sock"), UserQuestion::Due, None)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("start the service"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_restart_is_due_nothing_is_put_off() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = Arc::new(Agent::start(host.parts()).unwrap());
    let channel = Channel::open(agent.clone());
    for question in [UserQuestion::Due, UserQuestion::Defer(Duration::from_secs(60))] {
        let (UserAnswer::Told { text } | UserAnswer::Refused { text }) = channel.ask(question).await else {
            panic!("put off");
        };
        assert!(text.contains("no restart is due"), "{text}");
    }
    let garbage = raw(&channel.socket(), b"status\n").await;
    assert!(garbage.contains("does not understand"), "{garbage}");
    drop(server);
}

async fn raw(socket: &Path, question: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    stream.write_all(question).await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(LONG, stream.read_to_string(&mut text))
        .await
        .unwrap()
        .unwrap();
    text
}
