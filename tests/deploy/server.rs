//! The server's program under a service manager: what that is told, and when.

use std::{
    fs,
    net::TcpStream,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use cutover_tests::harness::{
    binaries,
    process::{Running, free_port, run, tool},
};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

/// More than any test here says, signs of life included.
const MOST: usize = 500;

struct Server {
    directory: tempfile::TempDir,
    agents: u16,
    people: u16,
}

impl Server {
    fn set_up() -> Result<Self> {
        let server = Self {
            directory: tempfile::tempdir()?,
            agents: free_port()?,
            people: free_port()?,
        };
        fs::write(server.directory.path().join("server.toml"), "")?;
        let mut init = server.command()?;
        init.arg("init");
        run(init, LIMIT)?.succeeded()?;
        Ok(server)
    }

    fn command(&self) -> Result<Command> {
        let directory = self.directory.path();
        let mut command = tool(binaries::server()?);
        command
            .env_clear()
            .env("CUTOVER_CONFIG", directory.join("server.toml"))
            .env("CUTOVER_DATA_DIR", directory.join("data"))
            .env("CUTOVER_AGENTS_LISTEN", format!("127.0.0.1:{}", self.agents))
            .env("CUTOVER_PEOPLE_LISTEN", format!("127.0.0.1:{}", self.people));
        Ok(command)
    }

    fn log(&self) -> std::path::PathBuf {
        self.directory.path().join("serve.log")
    }
}

/// Everything up to the first message that is wanted, it included.
fn until(manager: &UnixDatagram, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    manager.set_read_timeout(Some(LIMIT))?;
    let mut told = Vec::new();
    while told.len() < MOST {
        let mut buffer = [0; 4096];
        let length = manager
            .recv(&mut buffer)
            .with_context(|| format!("only {told:?} was said"))?;
        told.push(String::from_utf8(buffer[..length].to_vec())?);
        if told.last().is_some_and(|last| wanted(last)) {
            return Ok(told);
        }
    }
    anyhow::bail!("not among {MOST} messages: {told:?}")
}

fn serve_and_stop(manager: &UnixDatagram, address: &str) -> Result<()> {
    let server = Server::set_up()?;
    let mut serve = server.command()?;
    serve
        .arg("serve")
        .env("NOTIFY_SOCKET", address)
        // A sign of life is due every third of it.
        .env("WATCHDOG_USEC", "300000");
    let mut running = Running::spawn("cutover serve", serve, &server.log())?;
    let told = until(manager, |message| message == "READY=1")?;
    // Ready means that both listeners take connections and the store is there, without another try.
    for port in [server.agents, server.people] {
        TcpStream::connect(("127.0.0.1", port)).context("a listener that is not there yet")?;
    }
    assert!(server.directory.path().join("data/cutover.db").exists());
    let status = told.iter().find(|message| message.starts_with("STATUS="));
    let status = status.context("no status before it was ready")?;
    for part in [
        "0 hosts".to_owned(),
        format!(":{}", server.agents),
        format!("http://127.0.0.1:{}", server.people),
    ] {
        assert!(status.contains(&part), "{status}");
    }
    for _ in 0..3 {
        until(manager, |message| message == "WATCHDOG=1")?;
    }
    running.terminate()?;
    until(manager, |message| message == "STOPPING=1")?;
    assert!(running.wait(LIMIT)?.success());
    Ok(())
}

#[test]
fn a_manager_at_a_path_hears_ready_status_signs_of_life_and_the_end() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path)?;
    serve_and_stop(&manager, path.to_str().context("a path in UTF-8")?)
}

#[test]
fn a_manager_in_the_abstract_namespace_hears_the_same() -> Result<()> {
    let name = format!("cutover-test/{}/server", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    serve_and_stop(&manager, &format!("@{name}"))
}

#[test]
fn a_server_that_cannot_listen_is_never_ready() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path: &Path = &directory.path().join("notify");
    let manager = UnixDatagram::bind(path)?;
    let server = Server::set_up()?;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", server.agents))?;
    let mut serve = server.command()?;
    serve.arg("serve").env("NOTIFY_SOCKET", path);
    let ended = run(serve, LIMIT)?;
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    manager.set_nonblocking(true)?;
    assert!(manager.recv(&mut [0; 64]).is_err());
    Ok(())
}
