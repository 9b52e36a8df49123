//! Asks a running server, with the operator's token.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, bail};
use axum::body::Bytes;
use futures_util::{Stream, stream::try_unfold};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{fs::File, io::AsyncReadExt as _};

use super::args::Connection;
use crate::config::Config;

/// A file of gigabytes over a slow line.
const SENDING: Duration = Duration::from_secs(12 * 3600);

/// An answer that the server computes over the whole fleet: what a file would do, what would become of it.
const THINKING: Duration = Duration::from_secs(2 * 3600);

/// Read from a file at once.
const CHUNK: usize = 256 * 1024;

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
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            token: token.trim().to_owned(),
            http,
        })
    }

    /// The same, for answers that take the server long.
    ///
    /// # Errors
    /// When the system gives no client.
    pub(crate) fn patient(&self) -> anyhow::Result<Self> {
        Ok(Self {
            url: self.url.clone(),
            token: self.token.clone(),
            http: reqwest::Client::builder().timeout(THINKING).build()?,
        })
    }

    /// Reads a resource under `/api/v1`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<T> {
        let address = self.address(path, query)?;
        self.answer(self.http.get(address)).await
    }

    /// Changes something.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.post_asking(path, &[], body).await
    }

    /// The same with a query.
    pub(crate) async fn post_asking<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let address = self.address(path, query)?;
        self.answer(self.http.post(address).json(body)).await
    }

    /// Sends a file, or only what is said of it.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        file: Option<File>,
    ) -> anyhow::Result<T> {
        let mut request = self.http.put(self.address(path, query)?);
        if let Some(file) = file {
            let body = reqwest::Body::wrap_stream(parts(file));
            request = request.timeout(SENDING).body(body);
        }
        self.answer(request).await
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

fn parts(file: File) -> impl Stream<Item = std::io::Result<Bytes>> {
    try_unfold(file, |mut file| async move {
        let mut part = vec![0; CHUNK];
        let read = file.read(&mut part).await?;
        part.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(part), file)))
    })
}
