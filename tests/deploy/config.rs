//! The shipped configurations against the code that reads them.

use std::{collections::BTreeSet, fs};

use cutover_agent::config as agent;
use cutover_server::config::Config;

use crate::shipped::shipped;

/// The file with every key switched on: `#key = value` is one, `# words` is a comment.
fn switched_on(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') && !key.is_empty() => key.to_owned(),
        Some(_) | None => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// Every key with its tables before it: `agents.listen`.
fn keys(tree: &toml::Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in tree {
        match value.as_table() {
            Some(below) => found.extend(keys(below).iter().map(|inner| format!("{key}.{inner}"))),
            None => drop(found.insert(key.clone())),
        }
    }
    found
}

#[test]
fn the_shipped_server_configuration_changes_nothing() {
    let config: Config = toml::from_str(&shipped("config/server.toml")).expect("the server can read it");
    assert_eq!(config, Config::default());
}

#[test]
fn the_shipped_server_configuration_names_every_key_at_its_default() {
    let text = switched_on(&shipped("config/server.toml"));
    let config: Config = toml::from_str(&text).expect("the server knows every key in it");
    assert_eq!(config, Config::default());
    let named: toml::Table = toml::from_str(&text).expect("it is TOML");
    let known = toml::Table::try_from(Config::default()).expect("the defaults can be written as TOML");
    assert_eq!(keys(&named), keys(&known));
}

/// What the agent makes of a file with this text and an empty environment.
fn agent_reads(text: &str) -> agent::Config {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let file = directory.path().join("agent.toml");
    fs::write(&file, text).expect("can be written");
    agent::Config::load(&file, true, []).expect("the agent knows every key in it")
}

#[test]
fn the_shipped_agent_configuration_changes_nothing() {
    assert_eq!(agent_reads(&shipped("config/agent.toml")), agent_reads(""));
}

#[test]
fn the_shipped_agent_configuration_names_every_key_at_its_default() {
    let text = switched_on(&shipped("config/agent.toml"));
    assert_eq!(agent_reads(&text), agent_reads(""));
    let named = keys(&toml::from_str(&text).expect("it is TOML"));
    let known = agent::Key::ALL.iter().map(|key| key.as_str().to_owned()).collect();
    assert_eq!(named, known);
}

#[test]
fn a_comment_stays_one_and_a_key_is_switched_on() {
    assert_eq!(switched_on("# words\n#\n[a]\n#b = 1\n"), "# words\n#\n[a]\nb = 1\n");
}
