//! The server's configuration: `server.toml`, then its drop-in directory in name order, then `CUTOVER_…` variables.
//!
//! Three stages: text becomes a TOML tree, trees are laid over one another, the result becomes [`Config`] and is
//! checked. Unknown keys are errors that name file and key.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Where the file is looked for unless told otherwise.
pub const DEFAULT_FILE: &str = "/etc/cutover/server.toml";

/// Everything that an operator may set. Every key has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// State: store, keys, reports.
    pub data_dir: PathBuf,
    /// The agents' listener.
    pub agents: Agents,
    /// The people's listener.
    pub people: People,
    /// Where the state is kept.
    pub store: StoreAt,
    /// Logs.
    pub log: Log,
    /// How often agents come.
    pub check_in: CheckIn,
    /// The campaign that `serve` runs.
    pub campaign: CampaignAt,
    /// The scheduled deadline report.
    pub report: Report,
}

/// The agents' listener: mutual TLS 1.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agents {
    /// Address and port.
    pub listen: SocketAddr,
    /// Names and addresses that the server's certificate carries: what agents connect to.
    pub names: Vec<String>,
}

/// The people's listener: dashboard, REST, events, health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Address and port.
    pub listen: SocketAddr,
    /// PEM file; empty means no TLS here.
    pub tls_certificate: PathBuf,
    /// PEM file.
    pub tls_key: PathBuf,
    /// A proxy in front has TLS. Says so on the operator's word.
    pub behind_tls_proxy: bool,
}

/// The store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct StoreAt {
    /// `postgres://…`, or empty for SQLite in the data directory.
    pub url: String,
    /// The same from a file, for a URL that holds a password.
    pub url_file: PathBuf,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// As `RUST_LOG`: `info`, `cutover_server=debug,info`.
    pub filter: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// What agents are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckIn {
    /// Seconds between check-ins at rest; the server varies each by ± 20 %.
    pub seconds: u32,
    /// The same while a work order is open.
    pub open_order_seconds: u32,
    /// Seconds between full looks.
    pub look_seconds: u32,
    /// Whether agents keep a stream open for nudges.
    pub watch: bool,
}

/// Which campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignAt {
    /// A built-in one.
    pub preset: String,
    /// A TOML file instead.
    pub file: PathBuf,
}

/// The scheduled deadline report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// Cron expression: minute, hour, day of month, month, day of week. Empty means none.
    pub schedule: String,
    /// IANA zone in which the expression counts.
    pub zone: String,
    /// HTML and CSV go here; empty means `reports` under the data directory.
    pub directory: PathBuf,
    /// JSON goes here by POST; empty means nowhere.
    pub webhook_url: String,
    /// The same from a file, for a URL that holds a secret.
    pub webhook_url_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/cutover"),
            agents: Agents::default(),
            people: People::default(),
            store: StoreAt::default(),
            log: Log::default(),
            check_in: CheckIn::default(),
            campaign: CampaignAt::default(),
            report: Report::default(),
        }
    }
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 7443)),
            names: vec!["localhost".into(), "127.0.0.1".into()],
        }
    }
}

impl Default for People {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7080)),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            behind_tls_proxy: false,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".into(),
        }
    }
}

impl Default for CheckIn {
    fn default() -> Self {
        Self {
            seconds: 300,
            open_order_seconds: 60,
            look_seconds: 4 * 3600,
            watch: true,
        }
    }
}

impl Default for CampaignAt {
    fn default() -> Self {
        Self {
            preset: "kaspersky-us-2024".into(),
            file: PathBuf::new(),
        }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            schedule: "0 7 * * MON".into(),
            zone: "America/New_York".into(),
            directory: PathBuf::new(),
            webhook_url: String::new(),
            webhook_url_file: PathBuf::new(),
        }
    }
}

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or a key or value that is not known. The text names line and key.
    #[error("{origin}: {why}")]
    Malformed {
        /// File or variable.
        origin: String,
        /// What the parser says.
        why: String,
    },
    /// Well formed, and not acceptable.
    #[error("{key}: {why}")]
    Refused {
        /// Which key.
        key: &'static str,
        /// What to change.
        why: String,
    },
}

impl Config {
    /// Reads `file`, its drop-ins (`server.toml.d/*.toml` beside it) and the environment. A missing default file is no
    /// error, a missing named one is.
    ///
    /// # Errors
    /// When something cannot be read, is not known, or is not acceptable.
    pub fn load(file: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let mut tree = match fs::read_to_string(path) {
            Ok(text) => parse(&path.display().to_string(), &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => toml::Table::new(),
            Err(source) => {
                return Err(ConfigError::Unreadable {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        for drop_in in drop_ins(path)? {
            let text = fs::read_to_string(&drop_in).map_err(|source| ConfigError::Unreadable {
                path: drop_in.clone(),
                source,
            })?;
            lay_over(&mut tree, parse(&drop_in.display().to_string(), &text)?);
        }
        lay_over(&mut tree, from_environment(env)?);
        let mut config = finish("configuration", tree)?;
        config.read_secret_files()?;
        config.check()?;
        Ok(config)
    }

    /// Refuses what would be unsafe or could not work.
    ///
    /// # Errors
    /// Names the key and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        let people = &self.people;
        let has_tls = !people.tls_certificate.as_os_str().is_empty();
        if has_tls == people.tls_key.as_os_str().is_empty() {
            let why = "certificate and key belong together; set both or neither".into();
            return Err(ConfigError::Refused {
                key: "people.tls_certificate",
                why,
            });
        }
        if !people.listen.ip().is_loopback() && !has_tls && !people.behind_tls_proxy {
            let why = format!(
                "{} is beyond this machine and has no TLS; set people.tls_certificate and people.tls_key, or \
                 people.behind_tls_proxy = true if a proxy in front has TLS, or listen on 127.0.0.1",
                people.listen
            );
            return Err(ConfigError::Refused {
                key: "people.listen",
                why,
            });
        }
        if self.agents.names.is_empty() {
            let why = "is empty; name what agents connect to, for example [\"cutover.example.org\"]".into();
            return Err(ConfigError::Refused {
                key: "agents.names",
                why,
            });
        }
        let intervals = [
            ("check_in.seconds", self.check_in.seconds),
            ("check_in.open_order_seconds", self.check_in.open_order_seconds),
            ("check_in.look_seconds", self.check_in.look_seconds),
        ];
        for (key, seconds) in intervals {
            if seconds == 0 {
                return Err(ConfigError::Refused {
                    key,
                    why: "is zero; agents would never rest".into(),
                });
            }
        }
        Ok(())
    }

    /// Where the SQLite store lies, when it is one.
    #[must_use]
    pub fn sqlite_path(&self) -> PathBuf {
        self.data_dir.join("cutover.db")
    }

    /// Where reports go.
    #[must_use]
    pub fn report_directory(&self) -> PathBuf {
        if self.report.directory.as_os_str().is_empty() {
            self.data_dir.join("reports")
        } else {
            self.report.directory.clone()
        }
    }

    fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        let pairs = [
            (&mut self.store.url, &self.store.url_file),
            (&mut self.report.webhook_url, &self.report.webhook_url_file),
        ];
        for (value, file) in pairs {
            if !file.as_os_str().is_empty() {
                let text = fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
                    path: file.clone(),
                    source,
                })?;
                *value = text.trim().to_owned();
            }
        }
        Ok(())
    }
}

fn parse(origin: &str, text: &str) -> Result<toml::Table, ConfigError> {
    let tree: toml::Table = toml::from_str(text).map_err(|error| ConfigError::Malformed {
        origin: origin.to_owned(),
        why: error.to_string(),
    })?;
    // Each file is checked alone first, so that an unknown key is reported with the file that holds it.
    toml::from_str::<Config>(text).map_err(|error| ConfigError::Malformed {
        origin: origin.to_owned(),
        why: error.to_string(),
    })?;
    Ok(tree)
}

fn finish(origin: &str, tree: toml::Table) -> Result<Config, ConfigError> {
    toml::Value::Table(tree)
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::Malformed {
            origin: origin.to_owned(),
            why: error.to_string(),
        })
}

fn drop_ins(file: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let mut dir = file.as_os_str().to_owned();
    dir.push(".d");
    let dir = PathBuf::from(dir);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ConfigError::Unreadable { path: dir, source }),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|source| ConfigError::Unreadable {
                path: dir.clone(),
                source,
            })?
            .path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn lay_over(base: &mut toml::Table, top: toml::Table) {
    for (key, value) in top {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `CUTOVER_PEOPLE_LISTEN` sets `people.listen`. Variables of the agent and of the command line are not ours.
fn from_environment(env: &BTreeMap<String, String>) -> Result<toml::Table, ConfigError> {
    let known = toml::Table::try_from(Config::default()).map_err(|error| ConfigError::Malformed {
        origin: "defaults".into(),
        why: error.to_string(),
    })?;
    let mut tree = toml::Table::new();
    for (name, default) in leaves(&known) {
        let variable = format!("CUTOVER_{}", name.join("_").to_uppercase());
        let Some(text) = env.get(&variable) else { continue };
        let value = match default {
            toml::Value::String(_) => toml::Value::String(text.clone()),
            toml::Value::Array(_) => toml::Value::Array(
                text.split(',')
                    .map(|part| toml::Value::String(part.trim().into()))
                    .collect(),
            ),
            toml::Value::Integer(_) => {
                toml::Value::Integer(text.parse().map_err(|_| not_a(&variable, text, "number"))?)
            }
            toml::Value::Boolean(_) => {
                toml::Value::Boolean(text.parse().map_err(|_| not_a(&variable, text, "true or false"))?)
            }
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => continue,
        };
        lay_over(&mut tree, nested(&name, value));
    }
    Ok(tree)
}

/// A tree with one leaf.
fn nested(path: &[String], leaf: toml::Value) -> toml::Table {
    let (last, above) = path.split_last().expect("leaves have at least one name");
    let bottom = toml::Table::from_iter([(last.clone(), leaf)]);
    above.iter().rev().fold(bottom, |below, name| {
        toml::Table::from_iter([(name.clone(), toml::Value::Table(below))])
    })
}

fn not_a(variable: &str, text: &str, what: &str) -> ConfigError {
    ConfigError::Malformed {
        origin: variable.to_owned(),
        why: format!("`{text}` is not a {what}"),
    }
}

fn leaves(tree: &toml::Table) -> Vec<(Vec<String>, &toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in tree {
        match value {
            toml::Value::Table(below) => found.extend(leaves(below).into_iter().map(|(mut path, value)| {
                path.insert(0, key.clone());
                (path, value)
            })),
            toml::Value::String(_)
            | toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => found.push((vec![key.clone()], value)),
        }
    }
    found
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
