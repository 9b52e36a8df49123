//! `cutover init`: what a server needs before it can serve.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use anyhow::{Context, bail};
use cutover_core::catalog::Catalog;

use super::{args::Init, output};
use crate::{
    app,
    clock::Clock,
    config::Config,
    pki::Pki,
    service::{Caller, NewToken, Role},
};

/// What the first enrolment token is good for.
const FIRST_TOKEN: NewToken = NewToken {
    uses: 100,
    hours: 24 * 7,
    pool: None,
};

/// Makes the data directory, keys, store, the administrator's token and a first enrolment token.
///
/// # Errors
/// When there is a server already, or something cannot be written.
pub(crate) fn run(config_file: Option<&Path>, ask: &Init, catalog: Catalog) -> anyhow::Result<()> {
    super::serve::install_crypto();
    let mut config = Config::load(config_file, &std::env::vars().collect())?;
    if let Some(data_dir) = &ask.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    let dir = &config.data_dir;
    if dir.join("pki").exists() {
        bail!(
            "{} holds a server already; choose another --data-dir, or remove it if it is not needed",
            dir.display()
        );
    }
    // Before anything else is made: who may not write them can then ask again.
    if !ask.names.is_empty() {
        write_names(&config, config_file, &ask.names)?;
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make {}", dir.display()))?;
    let pki = Pki::create(&dir.join("pki"), Clock::system().now_ms())?;
    let fingerprint = pki.fingerprint().to_owned();
    drop(pki);
    let (service, campaign) = app::open(&config, Clock::system(), catalog)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (admin, token) = runtime.block_on(async {
        service.configure_campaign(campaign, "init".to_owned()).await?;
        let admin = service
            .create_access_token("administrator".to_owned(), Role::Administrator)
            .await?;
        let token = service.create_token(Caller::server(), FIRST_TOKEN).await?;
        anyhow::Ok((admin, token))
    })?;
    service.store().close();
    write_secret(&dir.join("admin.token"), &admin)?;
    write_secret(&dir.join("enrol.token"), &token.token)?;
    // No secret, but what agents pin must not be something that another user could have changed.
    write_secret(&dir.join("ca.fingerprint"), &fingerprint)?;
    output::text(&format!("data directory     {}", dir.display()));
    output::text(&format!(
        "administrator      {} (mode 0600)",
        dir.join("admin.token").display()
    ));
    output::text(&format!(
        "enrolment token    {} ({} hosts, 7 days)",
        dir.join("enrol.token").display(),
        token.uses
    ));
    output::text(&format!(
        "CA fingerprint     {fingerprint} (also in {})",
        dir.join("ca.fingerprint").display()
    ));
    Ok(())
}

/// Further names for the server's certificate go into a drop-in beside the configuration, where `serve` finds them.
fn write_names(config: &Config, config_file: Option<&Path>, names: &[String]) -> anyhow::Result<()> {
    let mut all = config.agents.names.clone();
    all.extend(names.iter().filter(|name| !config.agents.names.contains(name)).cloned());
    let mut dir = config_file
        .unwrap_or(Path::new(crate::config::DEFAULT_FILE))
        .as_os_str()
        .to_owned();
    dir.push(".d");
    let dir = Path::new(&dir);
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let text = toml::to_string(&toml::Table::from_iter([(
        "agents".to_owned(),
        toml::Value::Table(toml::Table::from_iter([(
            "names".to_owned(),
            toml::Value::try_from(all)?,
        )])),
    )]))?;
    let file = dir.join("10-init-names.toml");
    fs::write(&file, text).with_context(|| {
        format!(
            "cannot write {}; set agents.names there as root, or run as a user who may write it",
            file.display()
        )
    })
}

fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    writeln!(file, "{secret}")
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}
