//! A PostgreSQL server for one test program: the one that `CUTOVER_TEST_POSTGRES` names, or a throw-away one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::harness::clock::wait_for;
use crate::harness::process::{Running, find, free_port, run, tool};

/// The URL of a server that runs already; its user must be allowed to create databases.
const VARIABLE: &str = "CUTOVER_TEST_POSTGRES";

const LIMIT: Duration = Duration::from_secs(60);

/// How often a server is started again on another port when somebody took the first.
const ATTEMPTS: u32 = 5;

/// A server. A throw-away one ends with this value, with all its data.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    server: Option<Running>,
    // Behind the server: its files go when it has ended.
    _directory: Option<tempfile::TempDir>,
}

/// Whether a server is named or can be started here.
///
/// # Errors
/// Says what is missing and how to get it.
pub fn readiness() -> Result<()> {
    if std::env::var_os(VARIABLE).is_none() {
        program("initdb")?;
        program("postgres")?;
    }
    program("psql")?;
    Ok(())
}

impl Postgres {
    /// Uses the named server or starts one.
    ///
    /// # Errors
    /// When it does not start; its log is in the message.
    pub fn start() -> Result<Self> {
        if let Ok(url) = std::env::var(VARIABLE) {
            return Ok(Self {
                url,
                server: None,
                _directory: None,
            });
        }
        let directory = tempfile::Builder::new().prefix("cutover-postgres.").tempdir()?;
        let user = unprivileged_user()?;
        if let Some(user) = &user {
            let mut give = tool("chown");
            give.arg(&user.uid).arg(directory.path());
            run(give, LIMIT)?.succeeded()?;
        }
        let data = directory.path().join("data");
        let mut initialise = as_user(user.as_ref(), &program("initdb")?);
        initialise
            .args(["--username=cutover", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--pgdata"])
            .arg(&data)
            .current_dir("/");
        run(initialise, LIMIT)?.succeeded().context("initdb failed")?;

        let log = directory.path().join("server.log");
        let (server, url) = start_on_some_port(user.as_ref(), &data, &log)?;
        Ok(Self {
            url,
            server: Some(server),
            _directory: Some(directory),
        })
    }

    /// The URL of the server's own database `postgres`, or what `CUTOVER_TEST_POSTGRES` says.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes an empty database and gives its URL. `name` may hold lower-case letters, digits and underscores.
    ///
    /// # Errors
    /// When the name is not such a one, or taken, or the server refuses.
    pub fn create_database(&self, name: &str) -> Result<String> {
        ensure!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
            "{name:?} is no plain name for a database"
        );
        query(&self.url, &format!("CREATE DATABASE {name}"))?;
        let (server, _) = self
            .url
            .rsplit_once('/')
            .context("the URL of the server names no database")?;
        Ok(format!("{server}/{name}"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // Immediate shutdown (postgres(1)): its child processes end with it, which SIGKILL does not promise.
            let _ = server.signal(Signal::QUIT);
            let _ = server.wait(Duration::from_secs(10));
        }
    }
}

/// Runs one statement and gives what it answers, unaligned and without headings.
///
/// # Errors
/// When the server does not answer or refuses the statement.
pub fn query(url: &str, statement: &str) -> Result<String> {
    let mut psql = tool(program("psql")?);
    psql.args(["--no-psqlrc", "--tuples-only", "--no-align"])
        .args(["--set=ON_ERROR_STOP=1", "--command", statement, url])
        .env("PGCONNECT_TIMEOUT", "10");
    Ok(run(psql, LIMIT)?.succeeded()?.stdout.trim().to_owned())
}

fn start_on_some_port(user: Option<&User>, data: &Path, log: &Path) -> Result<(Running, String)> {
    let mut attempt = 1;
    loop {
        let port = free_port()?;
        match start_on(port, user, data, log) {
            Ok(started) => return Ok(started),
            Err(error) if attempt == ATTEMPTS => return Err(error),
            Err(_) => attempt += 1,
        }
    }
}

fn start_on(port: u16, user: Option<&User>, data: &Path, log: &Path) -> Result<(Running, String)> {
    let mut command = as_user(user, &program("postgres")?);
    command
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string()])
        // Loopback only and no socket; nothing in it outlives the test, so it need not reach the disk.
        .args(["-c", "listen_addresses=127.0.0.1"])
        .args(["-c", "unix_socket_directories="])
        .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
        .current_dir("/");
    let mut server = Running::spawn("postgres", command, log)?;
    let url = format!("postgres://cutover@127.0.0.1:{port}/postgres");
    wait_for("PostgreSQL answers", LIMIT, || {
        if let Some(status) = server.ended()? {
            anyhow::bail!("PostgreSQL ended with {status}: {}", server.log()?);
        }
        Ok(query(&url, "SELECT 1").ok())
    })?;
    Ok((server, url))
}

/// Debian keeps the server's programs out of PATH, one directory for each version; the newest wins.
fn program(name: &str) -> Result<PathBuf> {
    let mut candidates: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let candidate = entry.path().join("bin").join(name);
            candidate.is_file().then_some((version, candidate))
        })
        .collect();
    candidates.sort();
    candidates
        .pop()
        .map(|(_, candidate)| candidate)
        .or_else(|| find(name))
        .with_context(|| format!("{name} is missing: apt-get install postgresql, or name a server in {VARIABLE}"))
}

/// Whom to start the server as: PostgreSQL refuses to run as root. Nothing when we are not root.
fn unprivileged_user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::named(name, &users))
        .map(Some)
        .context("there is neither a user postgres nor nobody to run PostgreSQL as")
}

/// A user of the machine, by numbers.
struct User {
    uid: String,
    gid: String,
}

impl User {
    /// Finds the line `name:password:uid:gid:...` (passwd(5)).
    fn named(name: &str, users: &str) -> Option<Self> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Self {
            uid: fields.next()?.to_owned(),
            gid: fields.next()?.to_owned(),
        })
    }
}

fn as_user(user: Option<&User>, program: &Path) -> Command {
    let Some(User { uid, gid }) = user else {
        return tool(program);
    };
    let mut command = tool("setpriv");
    command
        .arg(format!("--reuid={uid}"))
        .arg(format!("--regid={gid}"))
        .args(["--clear-groups", "--"])
        .arg(program);
    command
}
