//! A sealed secret travels with its order and is plain in memory only.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use cutover_proto::{order::WorkOrder, record::RecordEvent, seal, v1};
use prost::Message;

use crate::{
    agents::{records, removal},
    hold::hands_out,
    host::Host,
    server::Server,
};

const SECRET: &str = "Kx-unins7all-Pa$$word";

/// Everything that is logged by any part of the program, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shows_it(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let listed: Vec<String> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    let forms = [SECRET.to_owned(), hex::encode(SECRET), listed.join(", ")];
    forms.iter().any(|form| text.contains(form))
}

fn files_that_show_it(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_that_show_it(&path, found);
        } else if path.is_file() && shows_it(&std::fs::read(&path).unwrap()) {
            found.push(path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_secret_is_in_no_file_no_log_no_status_and_no_check_in() {
    let log = Log::default();
    let kept = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(move || kept.clone())
        .init();
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let identity = host.state().identity().load().unwrap().unwrap();
    let sealed = seal::seal(
        identity.sealing().public(),
        identity.host_id(),
        1,
        "uninstall",
        SECRET.as_bytes(),
    );
    let order = WorkOrder {
        secrets: vec![sealed.unwrap()],
        ..removal(&identity.host_id().to_string())
    };
    hands_out(&server, vec![order]);
    let agent = host.start();
    let done = |requests: &[v1::CheckInRequest]| {
        let told = records(requests);
        told.iter().any(|record| record.event == RecordEvent::OrderCompleted)
    };
    let requests = server.check_ins(done).await;
    let status = serde_json::to_vec(&agent.status().await.unwrap()).unwrap();
    assert!(!shows_it(&status));
    assert!(requests.iter().all(|request| !shows_it(&request.encode_to_vec())));
    agent.shutdown().await;
    let mut found = Vec::new();
    files_that_show_it(host.state().path(), &mut found);
    assert_eq!(found, Vec::<String>::new());
    let logged = log.0.lock().unwrap().clone();
    assert!(!shows_it(&logged));
    // It was opened on the way, and much was said.
    assert!(String::from_utf8_lossy(&logged).contains("order-completed"));
    assert!(
        shows_it(format!("password {SECRET}").as_bytes()) && shows_it(format!("{:?}", SECRET.as_bytes()).as_bytes())
    );
}
