//! Which proxy is to be used: the agent's own keys, else the variables that other programs go by too.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{ConfigError, Found, Key};

/// The word that switches proxies off, also those of the environment.
const OFF: &str = "none";
/// Variables that name a proxy for HTTPS, the first that is set counts.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Variables that name what is reached without it.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy's address, which may hold a password: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(pub String);

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyUrl(...)")
    }
}

/// What is set about proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// None: no proxy.
    pub url: Option<ProxyUrl>,
    /// Where that stands.
    pub place: String,
    /// Holds `USER:PASSWORD`.
    pub credentials_file: Option<PathBuf>,
    /// Names, addresses and networks, by commas.
    pub no_proxy: String,
    /// Switched off by a word.
    pub is_off: bool,
}

impl Proxy {
    /// Mirrors by HTTP go by the environment's own variables where nothing is set here.
    pub(super) fn read(
        found: &BTreeMap<Key, Found>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let first = |names: &[&'static str]| {
            let set = |name: &&'static str| environment.get(*name).filter(|value| !value.trim().is_empty());
            names
                .iter()
                .find_map(|name| set(name).map(|value| (*name, value.trim().to_owned())))
        };
        let own = optional(found, Key::Proxy)?;
        let is_off = own.is_some_and(|(word, _)| word == OFF);
        let (url, place) = match own {
            Some(_) if is_off => (None, String::new()),
            Some((url, found)) => (Some(url.to_owned()), format!("`proxy` of {}", found.place)),
            None => match first(&PROXY) {
                Some((name, url)) => (Some(url), format!("the variable {name}")),
                None => (None, String::new()),
            },
        };
        let no_proxy = match optional(found, Key::NoProxy)? {
            Some((list, _)) => list.to_owned(),
            None => first(&NO_PROXY).map(|(_, list)| list).unwrap_or_default(),
        };
        let credentials_file = match optional(found, Key::ProxyCredentialsFile)? {
            Some((file, _)) if Path::new(file).is_absolute() => Some(PathBuf::from(file)),
            Some((_, found)) => return Err(found.refused(Key::ProxyCredentialsFile, "takes an absolute path")),
            None => None,
        };
        Ok(Self {
            url: url.map(ProxyUrl),
            place,
            credentials_file,
            no_proxy,
            is_off,
        })
    }

    /// Of all variables those that are read here.
    pub(super) fn is_ours(name: &str) -> bool {
        PROXY.contains(&name) || NO_PROXY.contains(&name)
    }
}

/// A text; an empty one is as none.
fn optional(found: &BTreeMap<Key, Found>, key: Key) -> Result<Option<(&str, &Found)>, ConfigError> {
    let Some(found) = found.get(&key) else {
        return Ok(None);
    };
    let text = found.value.as_str();
    let text = text.ok_or_else(|| found.refused(key, "takes a text"))?.trim();
    Ok(Some((text, found)).filter(|(text, _)| !text.is_empty()))
}
