//! Settings of the agent: `agent.toml`, drop-in files beside it, and the environment, in this order; the later wins.
//!
//! Every key of the file is also a variable: `state_dir` is `CUTOVER_AGENT_STATE_DIR`. A key that is not known is an
//! error, wherever it stands: a misspelt setting must not be silently without effect.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use cutover_proto::words;

use crate::disk;

mod error;
#[cfg(windows)]
mod known_folder;
mod places;
mod proxy;

pub use error::ConfigError;
use places::channels;
#[cfg(unix)]
pub use places::{DEFAULT_FILE, DEFAULT_STATE_DIR, DEFAULT_USER_SOCKET};
pub use places::{default_file, default_state_dir};
pub use proxy::{Proxy, ProxyUrl};

/// Several times what an agent at work uses, and less than its packaged unit allows.
pub const DEFAULT_MEMORY_LIMIT_MIB: u64 = 128;
/// An agent needs some 10 MiB; with less it would never get to work.
const LEAST_MEMORY_LIMIT_MIB: u64 = 32;
/// A look may take longer; whoever works at the machine goes first.
pub const DEFAULT_LOOK_NICE: u8 = 10;
/// The nicest there is (nice(1)).
const NICEST: u64 = 19;
/// How much of the disk fetched artifacts may take unless told otherwise, MiB: a replacement and the one before it.
pub const DEFAULT_CACHE_MIB: u64 = 2048;
/// What variables begin with.
pub const PREFIX: &str = "CUTOVER_AGENT_";
/// Variables that are no settings: they stand for arguments of single commands.
const ARGUMENTS: [&str; 3] = [
    "CUTOVER_AGENT_CONFIG",
    "CUTOVER_AGENT_TOKEN",
    "CUTOVER_AGENT_TOKEN_FILE",
];

words! {
    /// Every setting.
    pub enum Key("setting") {
        /// Servers in the order in which they are tried; those of the enrolment where none is named.
        Servers = "servers",
        /// The proxy that leads to the server and to mirrors, or `none`; that of the environment where none is named.
        Proxy = "proxy",
        /// What is reached without it.
        NoProxy = "no_proxy",
        /// Holds USER:PASSWORD for the proxy.
        ProxyCredentialsFile = "proxy_credentials_file",
        /// What the agent keeps.
        StateDir = "state_dir",
        /// While this file exists no order begins, and one at work ends at its next safe point.
        HoldFile = "hold_file",
        /// Resident memory, MiB, beyond which the agent ends itself between two orders; 0 for no limit.
        MemoryLimitMib = "memory_limit_mib",
        /// How nice the agent's own looks are, from 0 to 19.
        LookNice = "look_nice",
        /// While this file exists the link is metered, and no artifact is fetched.
        MeteredFile = "metered_file",
        /// How much of the disk fetched artifacts may take, MiB.
        CacheMib = "cache_mib",
        /// Where `status` speaks to `run`.
        Socket = "socket",
        /// Where `defer` speaks to `run`.
        UserSocket = "user_socket",
        /// `text` or `json`.
        LogFormat = "log_format",
        /// `error`, `warn`, `info`, `debug`, `trace`, or a filter by module.
        LogLevel = "log_level",
    }
}

words! {
    /// How logs are written.
    pub enum LogFormat("log format") {
        /// For people.
        Text = "text",
        /// One object a line.
        Json = "json",
    }
}

/// All settings, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `HOST:PORT`, in order; empty: those of the enrolment.
    pub servers: Vec<String>,
    /// What leads to them.
    pub proxy: Proxy,
    /// What the agent keeps.
    pub state_dir: PathBuf,
    /// The local hold.
    pub hold_file: PathBuf,
    /// Resident memory, MiB; none for no limit.
    pub memory_limit_mib: Option<u64>,
    /// Of the agent's own looks, as nice(1) counts.
    pub look_nice: u8,
    /// Says that the link is metered.
    pub metered_file: PathBuf,
    /// The cache's limit, MiB.
    pub cache_mib: u64,
    /// The local channel.
    pub socket: PathBuf,
    /// The users' channel.
    pub user_socket: PathBuf,
    /// How logs are written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
}

/// A value and where it stands.
struct Found {
    place: String,
    value: toml::Value,
}

impl Config {
    /// Reads the file, its drop-in directory (`FILE.d/*.toml`, by name) and the environment.
    ///
    /// A file that is not there is none, unless `demanded`: then somebody named it. One that nobody named has to belong to
    /// whoever rules this machine, and so do its drop-ins.
    ///
    /// # Errors
    /// When a file cannot be read, or holds an unknown key or a value that its key does not take.
    pub fn load(
        file: &Path,
        demanded: bool,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let read: fn(&Path) -> io::Result<String> = if demanded {
            |path| fs::read_to_string(path)
        } else {
            disk::read_ours
        };
        let mut found = BTreeMap::new();
        match read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !demanded => {}
            text => take(file, text, &mut found)?,
        }
        for drop_in in drop_ins(file)? {
            take(&drop_in, read(&drop_in), &mut found)?;
        }
        Self::with_environment(found, environment)
    }

    /// Reads the environment alone: for whoever may not read the files.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_environment(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        Self::with_environment(BTreeMap::new(), environment)
    }

    fn with_environment(
        mut found: BTreeMap<Key, Found>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let environment: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX) || Proxy::is_ours(name))
            .collect();
        read_environment(&environment, &mut found)?;
        Self::from_found(&found, &environment)
    }

    /// Reads one file's text alone, as [`Self::load`] would; `path` is for errors.
    ///
    /// # Errors
    /// As there.
    pub fn of_text(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut found = BTreeMap::new();
        take_text(path, text, &mut found)?;
        Self::from_found(&found, &BTreeMap::new())
    }

    fn from_found(found: &BTreeMap<Key, Found>, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let state_dir = path(found, Key::StateDir)?.unwrap_or_else(default_state_dir);
        let mut config = Self {
            servers: list(found, Key::Servers)?,
            proxy: Proxy::read(found, environment)?,
            hold_file: PathBuf::new(),
            metered_file: PathBuf::new(),
            cache_mib: cache(found)?,
            socket: PathBuf::new(),
            user_socket: PathBuf::new(),
            state_dir: PathBuf::new(),
            memory_limit_mib: memory_limit(found)?,
            look_nice: look_nice(found)?,
            log_format: match text(found, Key::LogFormat)? {
                None => LogFormat::Text,
                Some((word, found)) => {
                    LogFormat::parse(word).map_err(|error| found.refused(Key::LogFormat, format!("takes: {error}")))?
                }
            },
            log_level: text(found, Key::LogLevel)?.map_or_else(|| "info".to_owned(), |(level, _)| level.to_owned()),
        };
        config.keep_state_in(state_dir);
        if let Some(hold_file) = path(found, Key::HoldFile)? {
            config.hold_file = hold_file;
        }
        if let Some(metered_file) = path(found, Key::MeteredFile)? {
            config.metered_file = metered_file;
        }
        if let Some(socket) = path(found, Key::Socket)? {
            config.socket = socket;
        }
        if let Some(user_socket) = path(found, Key::UserSocket)? {
            config.user_socket = user_socket;
        }
        Ok(config)
    }

    /// Another state directory, and what lies in it by default.
    pub fn keep_state_in(&mut self, state_dir: PathBuf) {
        self.hold_file = state_dir.join("hold");
        self.metered_file = state_dir.join("metered");
        (self.socket, self.user_socket) = channels(&state_dir);
        self.state_dir = state_dir;
    }
}

impl Found {
    fn refused(&self, key: Key, why: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            place: self.place.clone(),
            key,
            why: why.into(),
        }
    }
}

fn drop_ins(file: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".d");
    let directory = PathBuf::from(name);
    let failed = |why| ConfigError::Read {
        path: directory.clone(),
        why,
    };
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn take(path: &Path, text: io::Result<String>, found: &mut BTreeMap<Key, Found>) -> Result<(), ConfigError> {
    let text = text.map_err(|why| ConfigError::Read {
        path: path.to_owned(),
        why,
    })?;
    take_text(path, &text, found)
}

fn take_text(path: &Path, text: &str, found: &mut BTreeMap<Key, Found>) -> Result<(), ConfigError> {
    let table: toml::Table = toml::from_str(text).map_err(|why| ConfigError::Syntax {
        path: path.to_owned(),
        why: Box::new(why),
    })?;
    let place = path.display().to_string();
    for (name, value) in table {
        let key = key(&place, &name, |key| key.as_str().to_owned())?;
        found.insert(
            key,
            Found {
                place: place.clone(),
                value,
            },
        );
    }
    Ok(())
}

fn read_environment(
    environment: &BTreeMap<String, String>,
    found: &mut BTreeMap<Key, Found>,
) -> Result<(), ConfigError> {
    let ours = environment
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !ARGUMENTS.contains(&name.as_str()));
    for (name, value) in ours {
        let key = key("environment", name, variable)?;
        let value = match key {
            Key::Servers => {
                let servers = value.split(',').map(|server| toml::Value::from(server.trim()));
                toml::Value::Array(servers.collect())
            }
            // What is no number is refused where the number is read, with the key's own words.
            Key::MemoryLimitMib | Key::LookNice | Key::CacheMib => {
                value.parse::<i64>().map_or_else(|_| value.as_str().into(), Into::into)
            }
            Key::Proxy
            | Key::NoProxy
            | Key::ProxyCredentialsFile
            | Key::StateDir
            | Key::HoldFile
            | Key::MeteredFile
            | Key::Socket
            | Key::UserSocket
            | Key::LogFormat
            | Key::LogLevel => value.as_str().into(),
        };
        let place = format!("environment variable {name}");
        found.insert(key, Found { place, value });
    }
    Ok(())
}

/// The name of a key's variable.
fn variable(key: Key) -> String {
    format!("{PREFIX}{}", key.as_str().to_uppercase())
}

fn key(place: &str, name: &str, spelling: fn(Key) -> String) -> Result<Key, ConfigError> {
    let named = Key::ALL.iter().copied().find(|key| spelling(*key) == name);
    named.ok_or_else(|| ConfigError::UnknownKey {
        place: place.to_owned(),
        key: name.to_owned(),
        known: Key::ALL.iter().map(|key| spelling(*key)).collect::<Vec<_>>().join(", "),
    })
}

fn text(found: &BTreeMap<Key, Found>, key: Key) -> Result<Option<(&str, &Found)>, ConfigError> {
    let Some(found) = found.get(&key) else {
        return Ok(None);
    };
    match found.value.as_str() {
        Some("") | None => Err(found.refused(key, "takes a text that is not empty")),
        Some(text) => Ok(Some((text, found))),
    }
}

fn path(found: &BTreeMap<Key, Found>, key: Key) -> Result<Option<PathBuf>, ConfigError> {
    match text(found, key)? {
        Some((text, _)) if Path::new(text).is_absolute() => Ok(Some(PathBuf::from(text))),
        Some((_, found)) => Err(found.refused(key, "takes an absolute path")),
        None => Ok(None),
    }
}

fn number<'a>(found: &'a BTreeMap<Key, Found>, key: Key, takes: &str) -> Result<Option<(u64, &'a Found)>, ConfigError> {
    let Some(found) = found.get(&key) else {
        return Ok(None);
    };
    let number = found.value.as_integer().and_then(|number| u64::try_from(number).ok());
    number
        .map(|number| Some((number, found)))
        .ok_or_else(|| found.refused(key, takes))
}

fn memory_limit(found: &BTreeMap<Key, Found>) -> Result<Option<u64>, ConfigError> {
    let takes = "takes a number of MiB, at least 32, or 0 for no limit";
    match number(found, Key::MemoryLimitMib, takes)? {
        None => Ok(Some(DEFAULT_MEMORY_LIMIT_MIB)),
        Some((0, _)) => Ok(None),
        Some((mib, found)) if mib < LEAST_MEMORY_LIMIT_MIB => Err(found.refused(Key::MemoryLimitMib, takes)),
        Some((mib, _)) => Ok(Some(mib)),
    }
}

fn look_nice(found: &BTreeMap<Key, Found>) -> Result<u8, ConfigError> {
    let takes = "takes a whole number from 0 to 19";
    match number(found, Key::LookNice, takes)? {
        None => Ok(DEFAULT_LOOK_NICE),
        Some((nice, found)) => u8::try_from(nice)
            .ok()
            .filter(|_| nice <= NICEST)
            .ok_or_else(|| found.refused(Key::LookNice, takes)),
    }
}

fn cache(found: &BTreeMap<Key, Found>) -> Result<u64, ConfigError> {
    let takes = "takes a whole number of MiB, from 1 on";
    match number(found, Key::CacheMib, takes)? {
        None => Ok(DEFAULT_CACHE_MIB),
        Some((0, found)) => Err(found.refused(Key::CacheMib, takes)),
        Some((mib, _)) => Ok(mib),
    }
}

fn list(found: &BTreeMap<Key, Found>, key: Key) -> Result<Vec<String>, ConfigError> {
    let Some(found) = found.get(&key) else {
        return Ok(Vec::new());
    };
    let texts = found.value.as_array().and_then(|items| {
        items
            .iter()
            .map(|item| item.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
            .collect()
    });
    texts.ok_or_else(|| found.refused(key, "takes a list of texts, for example [\"cutover.example.org:7443\"]"))
}

#[cfg(test)]
mod tests;
