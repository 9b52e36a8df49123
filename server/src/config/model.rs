//! What an operator may set, and what holds otherwise.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

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
    /// Files that agents fetch.
    pub artifacts: Artifacts,
    /// The campaign that `serve` runs.
    pub campaign: CampaignAt,
    /// The forecast that says who is late.
    pub forecast: Forecast,
    /// The scheduled deadline report.
    pub report: Report,
    /// Gates that other systems answer.
    pub gates: Gates,
    /// Secrets that orders need, as they lie in the store.
    pub secrets: Secrets,
}

/// The agents' listener: mutual TLS 1.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agents {
    /// Address and port.
    pub listen: SocketAddr,
    /// Names and addresses that the server's certificate carries: what agents connect to.
    pub names: Vec<String>,
    /// `HOST:PORT` in the order in which agents are told to try them; empty: they keep those of their enrolment.
    pub addresses: Vec<String>,
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

/// Files that agents fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Artifacts {
    /// Where they lie; empty means `artifacts` under the data directory. Several servers share one.
    pub directory: PathBuf,
    /// The largest that is taken, MiB.
    pub max_mib: u64,
    /// MiB a second to one host, in the long run.
    pub host_mib_per_second: u32,
    /// MiB a second to all hosts together, in the long run.
    pub server_mib_per_second: u32,
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

/// The forecast that says who is late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forecast {
    /// Minutes between two, where something changed; 0: none is made, and nobody is called late.
    pub every_minutes: u32,
    /// Of how many courses it is made, at most; of large fleets of fewer.
    pub courses: u32,
    /// A fleet of more hosts is judged by slack alone.
    pub hosts: u32,
    /// How soon people are taken to let hosts start, open waves and answer gates, such as `2d`.
    pub people_within: String,
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

/// Gates that other systems answer: `[wave.gate.external]` of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Gates {
    /// What questions to them are signed with (HMAC-SHA256); at least 16 characters. Without one no campaign may name a `url`.
    pub secret: String,
    /// The same from a file.
    pub secret_file: PathBuf,
    /// The address under which they reach this server's REST API, such as `https://cutover.example.org`; it stands in the
    /// question. Empty: only the path does.
    pub answer_at: String,
}

/// Secrets that orders need, as they lie in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// The file of the key under which they lie there; empty means `pki/secrets.key` under the data directory. It is made where
    /// there is none. Servers that share a store share it.
    pub key_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/cutover/server"),
            agents: Agents::default(),
            people: People::default(),
            store: StoreAt::default(),
            log: Log::default(),
            check_in: CheckIn::default(),
            artifacts: Artifacts::default(),
            campaign: CampaignAt::default(),
            forecast: Forecast::default(),
            report: Report::default(),
            gates: Gates::default(),
            secrets: Secrets::default(),
        }
    }
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 7443)),
            names: vec!["localhost".into(), "127.0.0.1".into()],
            addresses: Vec::new(),
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

impl Default for Artifacts {
    fn default() -> Self {
        Self {
            directory: PathBuf::new(),
            max_mib: 4096,
            host_mib_per_second: 20,
            server_mib_per_second: 100,
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

impl Default for Forecast {
    fn default() -> Self {
        Self {
            every_minutes: 60,
            courses: 40,
            hosts: 50_000,
            people_within: "2d".into(),
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
