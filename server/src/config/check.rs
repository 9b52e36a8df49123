//! What would be unsafe or could not work, and where things lie.

use std::path::PathBuf;

use cutover_core::campaign::span;

use super::{Config, ConfigError};

/// As many as agents take.
const ADDRESSES_MAX: usize = 16;

/// The shortest that questions are signed with.
const SECRET_MIN: usize = 16;

impl Config {
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
        self.check_addresses()?;
        self.check_forecast()?;
        let secret = &self.gates.secret;
        if !secret.is_empty() && secret.len() < SECRET_MIN {
            let why = format!(
                "is shorter than {SECRET_MIN} characters, and could be guessed; make one by `openssl rand -hex 32`"
            );
            return Err(ConfigError::Refused {
                key: "gates.secret",
                why,
            });
        }
        let intervals = [
            ("check_in.seconds", self.check_in.seconds),
            ("check_in.open_order_seconds", self.check_in.open_order_seconds),
            ("check_in.look_seconds", self.check_in.look_seconds),
        ];
        let artifacts = [
            ("artifacts.max_mib", self.artifacts.max_mib),
            (
                "artifacts.host_mib_per_second",
                self.artifacts.host_mib_per_second.into(),
            ),
            (
                "artifacts.server_mib_per_second",
                self.artifacts.server_mib_per_second.into(),
            ),
        ];
        if let Some((key, _)) = artifacts.into_iter().find(|(_, mib)| *mib == 0) {
            let why = "is zero; no artifact would ever come through".into();
            return Err(ConfigError::Refused { key, why });
        }
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

    fn check_forecast(&self) -> Result<(), ConfigError> {
        let refused = |key, why: String| Err(ConfigError::Refused { key, why });
        let forecast = &self.forecast;
        if !(10..=1000).contains(&forecast.courses) {
            let why = format!(
                "is {}; fewer than 10 courses say nothing and more than 1000 no more than these; set forecast.every_minutes \
                 = 0 to make no forecast",
                forecast.courses
            );
            return refused("forecast.courses", why);
        }
        match span::parse(&forecast.people_within) {
            Ok(_) => Ok(()),
            Err(why) => refused("forecast.people_within", why),
        }
    }

    /// An address that agents cannot use would cost each of them a wait at each new connection.
    fn check_addresses(&self) -> Result<(), ConfigError> {
        let refused = |why: String| ConfigError::Refused {
            key: "agents.addresses",
            why,
        };
        if self.agents.addresses.len() > ADDRESSES_MAX {
            return Err(refused(format!("holds more than {ADDRESSES_MAX}; agents take no more")));
        }
        for address in &self.agents.addresses {
            let split = address.rsplit_once(':');
            let Some((host, _)) = split.filter(|(_, port)| port.parse::<u16>().is_ok_and(|port| port != 0)) else {
                let why = format!("`{address}` is not HOST:PORT, for example cutover.example.org:7443");
                return Err(refused(why));
            };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            if !self.agents.names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
                let why = format!(
                    "`{host}` is not among agents.names, so the server's certificate is not for it and no agent would \
                     believe it; add it there too"
                );
                return Err(refused(why));
            }
        }
        Ok(())
    }

    /// Where the SQLite store lies, when it is one.
    #[must_use]
    pub fn sqlite_path(&self) -> PathBuf {
        self.data_dir.join("cutover.db")
    }

    /// Where artifacts lie.
    #[must_use]
    pub fn artifact_directory(&self) -> PathBuf {
        if self.artifacts.directory.as_os_str().is_empty() {
            self.data_dir.join("artifacts")
        } else {
            self.artifacts.directory.clone()
        }
    }

    /// Where the key for secrets in the store lies.
    #[must_use]
    pub fn secret_key_file(&self) -> PathBuf {
        if self.secrets.key_file.as_os_str().is_empty() {
            self.data_dir.join("pki").join("secrets.key")
        } else {
            self.secrets.key_file.clone()
        }
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
}
