//! Downloads of artifacts: from the server over the host's own certificate, or from a mirror by plain HTTP or HTTPS.
//!
//! What comes is judged by whoever asked: only the hash that an order states decides. Redirects are never followed: an order
//! names each address that a host may go to.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use tokio::sync::watch;

use super::{
    client::Link,
    dial::{Dialer, SWITCHED_OFF},
};

/// For a connection, with its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// A source that says nothing for so long is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// No source may put a host off for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Where an artifact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// The server, by its hash.
    Server {
        /// Hex.
        sha256: &'a str,
    },
    /// A mirror.
    Url(&'a str),
}

/// Why a source gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// It sheds load; nothing is wrong.
    #[error("{source_name} is busy")]
    Busy {
        /// Which.
        source_name: String,
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// It does not answer, or broke off.
    #[error("{0}")]
    Unreachable(String),
    /// It sends elsewhere.
    #[error("{source_name} redirects to {to}, which is not followed; name the address itself in the recipe")]
    Redirected {
        /// Which.
        source_name: String,
        /// Where to.
        to: String,
    },
    /// It does not have it, or does not give it.
    #[error(
        "{source_name} answers {status}; see that the artifact is there (`cutover artifact list`) and open to this host"
    )]
    Refused {
        /// Which.
        source_name: String,
        /// Its answer.
        status: StatusCode,
    },
    /// What was asked for lies beyond its end.
    #[error("{source_name} has {total:?} bytes, which is less than was asked for")]
    BeyondEnd {
        /// Which.
        source_name: String,
        /// How many it has, where it says so.
        total: Option<u64>,
    },
}

/// A download under way.
#[derive(Debug)]
pub struct Download {
    response: Response,
    source_name: String,
    online: watch::Receiver<bool>,
    /// At which byte it begins: 0, or what was asked for.
    pub from: u64,
    /// How many bytes the whole has, where the source says so.
    pub total: Option<u64>,
}

impl Link {
    /// Begins a download at this byte.
    ///
    /// # Errors
    /// Why the source gives nothing.
    pub async fn download(&self, source: Source<'_>, from: u64) -> Result<Download, DownloadError> {
        let dialer = self.dialer();
        let online = dialer.online();
        if !*online.borrow() {
            return Err(DownloadError::Unreachable(SWITCHED_OFF.to_owned()));
        }
        let (client, addresses) = match source {
            Source::Server { sha256 } => {
                let alone = self.goes_by_post();
                (of_server(&dialer, alone), server_addresses(&dialer, sha256))
            }
            Source::Url(url) => (of_mirror(&dialer), vec![url.to_owned()]),
        };
        let client = client.map_err(|error| DownloadError::Unreachable(in_words(&error)))?;
        let mut failures = Vec::new();
        for address in &addresses {
            let mut request = client.get(address);
            if from > 0 {
                request = request.header(header::RANGE, format!("bytes={from}-"));
                if let Source::Server { sha256 } = source {
                    request = request.header(header::IF_RANGE, format!("\"{sha256}\""));
                }
            }
            let sent = tokio::select! {
                sent = request.send() => sent,
                () = went_offline(online.clone()) => return Err(DownloadError::Unreachable(SWITCHED_OFF.to_owned())),
            };
            match sent {
                Ok(response) => return begun(response, address, from, online),
                // Only a connection that did not come about leads to the next address of the server.
                Err(error) => {
                    let words = in_words(&error);
                    let words = dialer.proxies().explain(&words).unwrap_or(words);
                    failures.push(format!("{address}: {words}"));
                    if !error.is_connect() {
                        break;
                    }
                }
            }
        }
        Err(DownloadError::Unreachable(failures.join("; ")))
    }
}

impl Download {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When it broke off before its end.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, DownloadError> {
        let failed = |why: &str| DownloadError::Unreachable(format!("{} broke off: {why}", self.source_name));
        tokio::select! {
            part = self.response.chunk() => part.map_err(|error| failed(&in_words(&error))),
            () = went_offline(self.online.clone()) => Err(failed(SWITCHED_OFF)),
        }
    }
}

async fn went_offline(mut online: watch::Receiver<bool>) {
    // A link that is gone takes nobody off the network.
    if online.wait_for(|online| !online).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn server_addresses(dialer: &Dialer, sha256: &str) -> Vec<String> {
    let of = |address: &super::Address| format!("https://{address}/artifacts/{sha256}");
    dialer.addresses().iter().map(of).collect()
}

fn plain() -> reqwest::ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .user_agent(concat!("cutover-agent/", env!("CARGO_PKG_VERSION")))
}

/// As calls go: by the same proxy, by the host's certificate, to a server that its anchors vouch for.
fn of_server(dialer: &Dialer, alone: bool) -> reqwest::Result<Client> {
    dialer
        .proxies()
        .apply(plain().no_proxy())?
        .tls_backend_preconfigured(dialer.tls_for_downloads(alone))
        .build()
}

/// By the system's authorities, and by the proxy that is set or the environment's; the host's certificate is not shown.
fn of_mirror(dialer: &Dialer) -> reqwest::Result<Client> {
    // An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    dialer.proxies().apply(plain())?.build()
}

fn begun(
    response: Response,
    address: &str,
    from: u64,
    online: watch::Receiver<bool>,
) -> Result<Download, DownloadError> {
    let source_name = address.to_owned();
    let text = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = text(header::RETRY_AFTER).and_then(|value| value.trim().parse().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
        return Err(DownloadError::Busy {
            source_name,
            retry_after,
        });
    }
    if status.is_redirection() {
        let to = text(header::LOCATION).unwrap_or("nowhere").to_owned();
        return Err(DownloadError::Redirected { source_name, to });
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        let total = text(header::CONTENT_RANGE).and_then(total_of);
        return Err(DownloadError::BeyondEnd { source_name, total });
    }
    let (begins, total) = match status {
        StatusCode::OK => (0, response.content_length()),
        StatusCode::PARTIAL_CONTENT => {
            let range = text(header::CONTENT_RANGE);
            let first = range.and_then(first_of);
            if first != Some(from) {
                let why = format!("{source_name} gives another part than was asked for");
                return Err(DownloadError::Unreachable(why));
            }
            (from, range.and_then(total_of))
        }
        // The server's own fault passes; what it says about the request does not.
        status if status.is_server_error() => {
            return Err(DownloadError::Unreachable(format!("{source_name} answers {status}")));
        }
        status => return Err(DownloadError::Refused { source_name, status }),
    };
    Ok(Download {
        response,
        source_name,
        online,
        from: begins,
        total,
    })
}

/// `bytes 5-9/10` (RFC 9110, 14.4).
fn first_of(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn total_of(range: &str) -> Option<u64> {
    range.rsplit_once('/')?.1.parse().ok()
}

/// An error with its causes: reqwest's own words hide them.
fn in_words(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    // The last is the most exact; the first names the address.
    words.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_for_its_beginning_and_the_whole() {
        assert_eq!(
            (first_of("bytes 5-9/10"), total_of("bytes 5-9/10")),
            (Some(5), Some(10))
        );
        assert_eq!((first_of("bytes */10"), total_of("bytes */10")), (None, Some(10)));
        assert_eq!((first_of("lines 5-9/10"), total_of("bytes 5-9/*")), (None, None));
    }
}
