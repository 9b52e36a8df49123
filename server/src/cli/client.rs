//! Asks a running server, with the operator's token.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use serde::{Serialize, de::DeserializeOwned};

use super::args::Connection;
use crate::config::Config;

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Client {
    url: String,
    token: String,
    http: reqwest::Client,
}

/// What the server says when it refuses (RFC 9457).
#[derive(Debug, serde::Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
}

impl Client {
    /// Finds address and token.
    ///
    /// # Errors
    /// When no token can be read; the text says where it was looked for.
    pub(crate) fn new(connection: &Connection, config: Option<&Path>) -> anyhow::Result<Self> {
        let config = Config::load(config, &std::env::vars().collect())?;
        let url = connection.url.clone().unwrap_or_else(|| {
            let scheme = if config.people.tls_certificate.as_os_str().is_empty() {
                "http"
            } else {
                "https"
            };
            format!("{scheme}://{}", config.people.listen)
        });
        let file = connection
            .token_file
            .clone()
            .unwrap_or_else(|| config.data_dir.join("admin.token"));
        let token = fs::read_to_string(&file).with_context(|| {
            format!(
                "cannot read the access token {}; name it by --token-file or CUTOVER_TOKEN_FILE",
                file.display()
            )
        })?;
        let http = reqwest::Client::builder()
            .timeout(std::time::Duration::from_secs(30))
            .build()?;
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            token: token.trim().to_owned(),
            http,
        })
    }

    /// Reads a resource under `/api/v1`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<T> {
        let address = self.address(path, query)?;
        self.answer(self.http.get(address)).await
    }

    /// Changes something.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let address = self.address(path, &[])?;
        self.answer(self.http.post(address).json(body)).await
    }

    fn address(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<reqwest::Url> {
        let mut address = reqwest::Url::parse(&format!("{}/api/v1/{path}", self.url))
            .with_context(|| format!("`{}` is not an address such as http://127.0.0.1:7080", self.url))?;
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        Ok(address)
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .with_context(|| format!("no answer from {}; is `cutover serve` running there?", self.url))?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .with_context(|| format!("{} answered what this version does not understand", self.url));
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) if problem.detail.is_empty() => bail!("{}", problem.title),
            Ok(problem) => bail!("{}: {}", problem.title, problem.detail),
            Err(_) => bail!("{} answered {status}", self.url),
        }
    }
}
