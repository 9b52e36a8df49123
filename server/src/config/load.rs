//! Files and variables become one configuration.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Config, ConfigError};

/// Where the file is looked for unless told otherwise.
pub const DEFAULT_FILE: &str = "/etc/cutover/server.toml";

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

    fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        let pairs = [
            (&mut self.store.url, &self.store.url_file),
            (&mut self.report.webhook_url, &self.report.webhook_url_file),
            (&mut self.gates.secret, &self.gates.secret_file),
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

pub(super) fn finish(origin: &str, tree: toml::Table) -> Result<Config, ConfigError> {
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
pub(super) fn from_environment(env: &BTreeMap<String, String>) -> Result<toml::Table, ConfigError> {
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

pub(super) fn leaves(tree: &toml::Table) -> Vec<(Vec<String>, &toml::Value)> {
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
