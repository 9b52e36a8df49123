use std::{collections::BTreeMap, fs, path::Path};

use super::{
    load::{finish, from_environment, leaves},
    *,
};

fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.toml");
    fs::write(&file, text).unwrap();
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::load(Some(&file), &env)
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(load("", &[]).unwrap(), Config::default());
}

#[test]
fn an_unknown_key_is_refused_with_file_and_key() {
    let error = load("[people]\nlisten_on = \"127.0.0.1:1\"\n", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("server.toml") && error.contains("listen_on"), "{error}");
}

#[test]
fn a_listener_beyond_loopback_without_tls_is_refused_with_the_remedy() {
    let error = load("[people]\nlisten = \"0.0.0.0:7080\"\n", &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("people.listen") && error.contains("behind_tls_proxy"),
        "{error}"
    );
}

#[test]
fn a_declared_proxy_or_a_certificate_allows_it() {
    assert!(load("[people]\nlisten = \"0.0.0.0:7080\"\nbehind_tls_proxy = true\n", &[]).is_ok());
    let with_tls = "[people]\nlisten = \"0.0.0.0:7080\"\ntls_certificate = \"/c\"\ntls_key = \"/k\"\n";
    assert!(load(with_tls, &[]).is_ok());
    assert!(load("[people]\ntls_certificate = \"/c\"\n", &[]).is_err());
}

#[test]
fn a_variable_wins_over_a_drop_in_and_a_drop_in_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.toml");
    fs::create_dir(dir.path().join("server.toml.d")).unwrap();
    fs::write(
        &file,
        "[check_in]\nseconds = 1\nlook_seconds = 10\nopen_order_seconds = 5\n",
    )
    .unwrap();
    fs::write(
        dir.path().join("server.toml.d/10-a.toml"),
        "[check_in]\nseconds = 2\nlook_seconds = 20\n",
    )
    .unwrap();
    let env = BTreeMap::from([("CUTOVER_CHECK_IN_SECONDS".to_owned(), "3".to_owned())]);
    let config = Config::load(Some(&file), &env).unwrap();
    assert_eq!(
        (
            config.check_in.seconds,
            config.check_in.look_seconds,
            config.check_in.open_order_seconds
        ),
        (3, 20, 5)
    );
}

#[test]
fn every_key_can_be_set_by_a_variable() {
    let known = toml::Table::try_from(Config::default()).unwrap();
    for (name, default) in leaves(&known) {
        let variable = format!("CUTOVER_{}", name.join("_").to_uppercase());
        let last = name.last().map(String::as_str);
        let value = match (default.type_str(), last) {
            ("integer", _) => "77",
            ("boolean", _) if default.as_bool() == Some(true) => "false",
            ("boolean", _) => "true",
            (_, Some("listen")) => "127.0.0.1:77",
            (_, Some("format")) => "json",
            _ => "seventy-seven",
        };
        let tree = from_environment(&BTreeMap::from([(variable.clone(), value.to_owned())])).unwrap();
        let config = finish("test", tree).unwrap();
        assert_ne!(config, Config::default(), "{variable} changes nothing");
    }
}

#[test]
fn a_variable_that_is_no_number_is_refused_by_name() {
    let error = load("", &[("CUTOVER_CHECK_IN_SECONDS", "often")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("CUTOVER_CHECK_IN_SECONDS") && error.contains("often"),
        "{error}"
    );
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let error = Config::load(Some(Path::new("/nowhere/server.toml")), &BTreeMap::new())
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nowhere/server.toml"), "{error}");
}

#[test]
fn addresses_that_no_agent_could_use_are_refused_with_the_reason() {
    let names = "[agents]\nnames = [\"cutover.example.org\", \"::1\"]\n";
    let with = |addresses: &str| load(&format!("{names}addresses = {addresses}\n"), &[]);
    assert!(with(r#"["cutover.example.org:7443", "[::1]:443"]"#).is_ok());
    for (addresses, says) in [
        (r#"["cutover.example.org"]"#, "HOST:PORT"),
        (r#"["cutover.example.org:0"]"#, "HOST:PORT"),
        (r#"["elsewhere.example.org:7443"]"#, "agents.names"),
    ] {
        let error = with(addresses).unwrap_err().to_string();
        assert!(error.contains("agents.addresses") && error.contains(says), "{error}");
    }
    let many = vec!["\"cutover.example.org:7443\""; 17].join(", ");
    let error = with(&format!("[{many}]")).unwrap_err().to_string();
    assert!(error.contains("more than 16"), "{error}");
}
