//! A server of its own for one run: `cutover init` and `cutover serve` in a directory that goes with this value.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::{
    clock::wait_for,
    process::{Running, tool},
};
use serde::Deserialize;

use crate::{
    program::{free_address, must_run, output_of, pid, pinned},
    setting::file_system,
};

/// How long a server may take to answer for the first time.
const SOON: Duration = Duration::from_secs(60);

/// What `cutover token create` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Token {
    /// Given by the agents at enrolment.
    pub(crate) token: String,
    /// Of the authority that agents pin.
    pub(crate) ca_fingerprint: String,
}

/// Of a row that `cutover hosts list` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct HostLine {
    /// Where its plan stands.
    pub(crate) phase: String,
    /// Why.
    pub(crate) reason: String,
    /// When the server last heard of it, in milliseconds since the epoch.
    pub(crate) last_contact_ms: i64,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Installation {
    // Before the directory: the server ends first.
    server: Running,
    program: PathBuf,
    directory: tempfile::TempDir,
    agents: SocketAddr,
    store_on: String,
}

impl Installation {
    /// Makes the data directory under `place` and starts the server, on one core where one is named.
    ///
    /// # Errors
    /// When a step fails, or when the place lies in memory: there, durable would cost nothing.
    pub(crate) fn start(program: &Path, place: &Path, check_in_seconds: u32, core: Option<usize>) -> Result<Self> {
        let store_on = file_system(place)?;
        ensure!(
            store_on != "tmpfs" && store_on != "ramfs",
            "{} lies in memory, where durable costs nothing; name a directory on a disk by --place",
            place.display()
        );
        let directory = tempfile::Builder::new().prefix("cutover-load.").tempdir_in(place)?;
        let agents = free_address()?;
        let config = directory.path().join("server.toml");
        fs::write(
            &config,
            settings(
                &directory.path().join("data"),
                agents,
                free_address()?,
                check_in_seconds,
            ),
        )?;

        let mut init = tool(program);
        init.arg("--config").arg(&config).arg("init");
        output_of(init).context("cutover init")?;
        let mut serve = match core {
            Some(core) => pinned(core, program),
            None => tool(program),
        };
        serve.arg("--config").arg(&config).arg("serve");
        let server = Running::spawn("cutover serve", serve, &directory.path().join("serve.log"))?;
        Ok(Self {
            server,
            program: program.to_owned(),
            directory,
            agents,
            store_on,
        })
    }

    /// Where agents connect.
    pub(crate) fn agents(&self) -> SocketAddr {
        self.agents
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        pid(&self.server)
    }

    /// Fails when the server has ended, with all it said.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        must_run(&mut self.server).context("cutover serve")
    }

    /// Kind of the file system below the store.
    pub(crate) fn store_on(&self) -> &str {
        &self.store_on
    }

    /// The directory of this run.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a token, as soon as the server answers.
    ///
    /// # Errors
    /// When it ends, or does not answer in time.
    pub(crate) fn token(&mut self, uses: usize) -> Result<Token> {
        let mut refused = String::new();
        let made = wait_for("the server makes a token", SOON, || {
            self.must_run()?;
            let mut create = self.cutover();
            create
                .args(["token", "create", "--hours", "1", "--uses"])
                .arg(uses.to_string());
            match output_of(create) {
                Ok(text) => Ok(Some(text)),
                Err(error) => {
                    refused = format!("{error:#}");
                    Ok(None)
                }
            }
        });
        let text = made.with_context(|| refused)?;
        serde_json::from_str(&text).context("what `cutover token create` printed is not understood")
    }

    /// What the server says of the first host; nothing while it knows none.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) fn host(&self) -> Result<Option<HostLine>> {
        let mut list = self.cutover();
        list.args(["hosts", "list"]);
        let rows: Vec<HostLine> = serde_json::from_str(&output_of(list)?)?;
        Ok(rows.into_iter().next())
    }

    /// The authority's certificate, PEM.
    ///
    /// # Errors
    /// When `init` made none.
    pub(crate) fn authority(&self) -> Result<String> {
        let directory = self.directory.path().join("data/pki");
        for entry in fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("ca-") && path.extension().is_some_and(|extension| extension == "pem") {
                let text = fs::read_to_string(&path)?;
                return certificate(&text).with_context(|| format!("{} holds no certificate", path.display()));
            }
        }
        anyhow::bail!("{} holds no authority", directory.display())
    }

    fn cutover(&self) -> Command {
        let mut cutover = tool(&self.program);
        cutover
            .arg("--config")
            .arg(self.directory.path().join("server.toml"))
            .args(["--output", "json"]);
        cutover
    }
}

/// All defaults but the addresses (the last name is the far end of a machine's cable), the interval and the log: one line a call would be measured with it.
fn settings(data: &Path, agents: SocketAddr, people: SocketAddr, check_in_seconds: u32) -> String {
    format!(
        "data_dir = {data:?}\n\n[agents]\nlisten = \"{agents}\"\nnames = [\"localhost\", \"127.0.0.1\", \
         \"192.0.2.1\"]\n\n[people]\nlisten = \"{people}\"\n\n[log]\nfilter = \
         \"warn\"\n\n[check_in]\nseconds = {check_in_seconds}\n\n[report]\nschedule = \"\"\n"
    )
}

/// The first certificate of a PEM file; the key beside it stays where it is.
fn certificate(pem: &str) -> Option<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let from = pem.find("-----BEGIN CERTIFICATE-----")?;
    let to = from + pem[from..].find(END)? + END.len();
    Some(format!("{}\n", &pem[from..to]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_what_the_server_reads() {
        let [agents, people] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let text = settings(Path::new("/a b"), agents, people, 30);
        let config: cutover_server::config::Config = toml::from_str(&text).expect("the server can read it");
        config.check().expect("the server takes it");
        assert_eq!((config.agents.listen, config.people.listen), (agents, people));
        assert_eq!(
            (config.data_dir.as_path(), config.check_in.seconds),
            (Path::new("/a b"), 30)
        );
        assert_eq!(
            (config.log.filter.as_str(), config.report.schedule.as_str()),
            ("warn", "")
        );
    }

    #[test]
    fn only_the_certificate_is_taken() {
        let pem = "-----BEGIN PRIVATE KEY-----\nk\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nc\n-----END CERTIFICATE-----\n";
        let expected = "-----BEGIN CERTIFICATE-----\nc\n-----END CERTIFICATE-----\n";
        assert_eq!(certificate(pem).as_deref(), Some(expected));
        assert_eq!(certificate("-----BEGIN CERTIFICATE-----\ncut"), None);
    }
}
