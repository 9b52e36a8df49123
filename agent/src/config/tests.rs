use std::{fs, path::Path};

use tempfile::TempDir;

use super::{Config, Key, LogFormat, Proxy, ProxyUrl, variable};

/// An absolute path, as this system spells one.
#[cfg(unix)]
macro_rules! at {
    ($path:literal) => {
        $path
    };
}

/// An absolute path, as this system spells one.
#[cfg(windows)]
macro_rules! at {
    ($path:literal) => {
        concat!("C:", $path)
    };
}

fn load(directory: &TempDir, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(&directory.path().join("agent.toml"), false, environment).map_err(|error| error.to_string())
}

fn with(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("agent.toml"), text).unwrap();
    directory
}

#[test]
fn without_a_file_there_are_defaults_unless_somebody_named_it() {
    let directory = tempfile::tempdir().unwrap();
    let config = load(&directory, &[]).unwrap();
    let state_dir = if cfg!(windows) {
        r"C:\ProgramData\Cutover\agent"
    } else {
        "/var/lib/cutover/agent"
    };
    assert_eq!(config.state_dir, Path::new(state_dir));
    #[cfg(unix)]
    assert_eq!(config.socket, Path::new(state_dir).join("agent.sock"));
    #[cfg(windows)]
    assert_eq!(config.socket, Path::new(r"\\.\pipe\cutover-agent"));
    assert_ne!(config.socket, config.user_socket);
    assert_eq!(
        (config.log_format, config.log_level.as_str()),
        (LogFormat::Text, "info")
    );
    let named = Config::load(&directory.path().join("other.toml"), true, []);
    assert!(named.unwrap_err().to_string().contains("other.toml"));
}

#[test]
fn a_drop_in_wins_over_the_file_and_the_environment_over_both() {
    let directory = with(concat!(
        "log_level = \"warn\"\nstate_dir = \"",
        at!("/srv/a"),
        "\"\nlog_format = \"json\"\n"
    ));
    let drop_ins = directory.path().join("agent.toml.d");
    fs::create_dir(&drop_ins).unwrap();
    fs::write(drop_ins.join("20.toml"), concat!("state_dir = \"", at!("/srv/c"), "\"")).unwrap();
    fs::write(
        drop_ins.join("10.toml"),
        concat!("state_dir = \"", at!("/srv/b"), "\"\nservers = [\"a:1\"]"),
    )
    .unwrap();
    fs::write(drop_ins.join("README"), "not read").unwrap();
    let config = load(&directory, &[("CUTOVER_AGENT_LOG_LEVEL", "debug"), ("HOME", "/x")]).unwrap();
    assert_eq!(config.state_dir, Path::new(at!("/srv/c")));
    assert_eq!(config.hold_file, Path::new(at!("/srv/c/hold")));
    assert_eq!(config.servers, ["a:1"]);
    assert_eq!(
        (config.log_format, config.log_level.as_str()),
        (LogFormat::Json, "debug")
    );
}

#[test]
fn every_key_is_also_a_variable() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [
        ("CUTOVER_AGENT_SERVERS", "a:1, b:2"),
        ("CUTOVER_AGENT_PROXY", "http://p:3128"),
        ("CUTOVER_AGENT_NO_PROXY", "example.org"),
        ("CUTOVER_AGENT_PROXY_CREDENTIALS_FILE", at!("/c")),
        ("CUTOVER_AGENT_STATE_DIR", at!("/s")),
        ("CUTOVER_AGENT_HOLD_FILE", at!("/h")),
        ("CUTOVER_AGENT_MEMORY_LIMIT_MIB", "64"),
        ("CUTOVER_AGENT_LOOK_NICE", "0"),
        ("CUTOVER_AGENT_METERED_FILE", at!("/m")),
        ("CUTOVER_AGENT_CACHE_MIB", "512"),
        ("CUTOVER_AGENT_SOCKET", at!("/k")),
        ("CUTOVER_AGENT_USER_SOCKET", at!("/u")),
        ("CUTOVER_AGENT_LOG_FORMAT", "json"),
        ("CUTOVER_AGENT_LOG_LEVEL", "trace"),
    ];
    let names: Vec<String> = Key::ALL.iter().map(|key| variable(*key)).collect();
    assert_eq!(names, environment.map(|(name, _)| name));
    let config = load(&directory, &environment).unwrap();
    assert_eq!(config.servers, ["a:1", "b:2"]);
    assert_eq!(config.proxy.url, Some(ProxyUrl("http://p:3128".to_owned())));
    assert_eq!(config.proxy.no_proxy, "example.org");
    assert_eq!(config.proxy.credentials_file.as_deref(), Some(Path::new(at!("/c"))));
    assert_eq!(config.state_dir, Path::new(at!("/s")));
    assert_eq!(
        (
            config.hold_file.as_path(),
            config.socket.as_path(),
            config.user_socket.as_path()
        ),
        (Path::new(at!("/h")), Path::new(at!("/k")), Path::new(at!("/u")))
    );
    assert_eq!((config.memory_limit_mib, config.look_nice), (Some(64), 0));
    assert_eq!(
        (config.metered_file.as_path(), config.cache_mib),
        (Path::new(at!("/m")), 512)
    );
    assert_eq!(
        (config.log_format, config.log_level.as_str()),
        (LogFormat::Json, "trace")
    );
}

#[test]
fn no_memory_limit_is_said_by_zero() {
    assert_eq!(load(&with("memory_limit_mib = 0"), &[]).unwrap().memory_limit_mib, None);
    assert_eq!(load(&with(""), &[]).unwrap().memory_limit_mib, Some(128));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_known_keys() {
    let refused = load(&with("sever = [\"a:1\"]"), &[]).unwrap_err();
    for part in ["agent.toml", "`sever`", "servers, proxy"] {
        assert!(refused.contains(part), "{refused}");
    }
    let refused = load(&with(""), &[("CUTOVER_AGENT_SEVERS", "a:1")]).unwrap_err();
    for part in ["environment", "`CUTOVER_AGENT_SEVERS`", "CUTOVER_AGENT_SERVERS"] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn what_stands_for_an_argument_is_no_unknown_key() {
    let environment = [("CUTOVER_AGENT_TOKEN", "x"), ("CUTOVER_AGENT_CONFIG", "/x")];
    assert!(load(&with(""), &environment).is_ok());
}

#[test]
fn a_value_that_its_key_does_not_take_is_refused_with_what_it_takes() {
    for (text, part) in [
        ("state_dir = 5", "takes a text"),
        ("state_dir = \"here\"", "takes an absolute path"),
        ("servers = \"a:1\"", "takes a list of texts"),
        ("servers = [1]", "takes a list of texts"),
        ("log_format = \"xml\"", "expected one of: text, json"),
        ("log_level = \"\"", "not empty"),
        ("memory_limit_mib = 31", "at least 32"),
        ("memory_limit_mib = -1", "at least 32"),
        ("memory_limit_mib = \"64M\"", "a number of MiB"),
        ("look_nice = 20", "from 0 to 19"),
        ("look_nice = \"low\"", "from 0 to 19"),
    ] {
        let refused = load(&with(text), &[]).unwrap_err();
        assert!(
            refused.contains("agent.toml") && refused.contains(part),
            "{text}: {refused}"
        );
    }
}

#[test]
fn what_is_not_toml_is_refused_with_its_line() {
    let refused = load(&with("servers = [\n"), &[]).unwrap_err();
    assert!(refused.contains("agent.toml") && refused.contains("line"), "{refused}");
}

#[test]
fn the_proxy_is_the_agents_own_or_the_environments_or_none() {
    let proxy = |text: &str, environment: &[(&str, &str)]| load(&with(text), environment).unwrap().proxy;
    let url = |proxy: &Proxy| proxy.url.clone().map(|url| url.0);
    let environment = [("https_proxy", "http://theirs:1"), ("NO_PROXY", "a,b")];
    assert_eq!(proxy("", &[]), Proxy::default());
    let theirs = proxy("", &environment);
    assert_eq!(
        (url(&theirs).as_deref(), theirs.no_proxy.as_str()),
        (Some("http://theirs:1"), "a,b")
    );
    assert!(theirs.place.contains("https_proxy"), "{}", theirs.place);
    let ours = proxy("proxy = \"http://ours:1\"\n", &environment);
    assert_eq!(url(&ours).as_deref(), Some("http://ours:1"));
    let off = proxy("proxy = \"none\"\n", &environment);
    assert!(off.url.is_none() && off.is_off);
    assert!(
        !format!("{ours:?}").contains("//ours"),
        "an address may hold a password"
    );
    let refused = load(&with("proxy_credentials_file = \"here\"\n"), &[]).unwrap_err();
    assert!(refused.contains("absolute path"), "{refused}");
}
