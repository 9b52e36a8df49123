//! Proxies: which one leads to an address, and the tunnel through it (HTTP CONNECT).
//!
//! What `NO_PROXY` means and how credentials become a header is hyper-util's `Matcher`, the one that reqwest uses too, so
//! calls and downloads go by the same rules. No text here ever holds credentials.

use std::{fmt, sync::Arc};

use http_body_util::Empty;
use hyper::{
    Request, StatusCode, Uri,
    body::Bytes,
    client::conn::http1,
    header::{HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
};
use hyper_util::{client::proxy::matcher::Matcher, rt::TokioIo};
use reqwest::{NoProxy, Url};
use tokio::net::TcpStream;

use super::{Address, dial::Io};

/// What an operator says about proxies.
#[derive(Clone, Default)]
pub struct ProxySettings<'a> {
    /// `http://[USER[:PASSWORD]@]HOST[:PORT]`, with or without the scheme; none: no proxy.
    pub url: Option<&'a str>,
    /// Where that stands, for errors: a key or a variable.
    pub place: &'a str,
    /// `USER:PASSWORD`, in place of what the URL holds.
    pub credentials: Option<&'a str>,
    /// Names, addresses and networks that are reached without it, by commas, as curl takes them.
    pub no_proxy: &'a str,
    /// Mirrors are reached without the environment's proxies too.
    pub is_off: bool,
}

/// Which proxy leads where. Cheap to clone.
#[derive(Clone, Default)]
pub struct Proxies {
    one: Option<Arc<One>>,
    is_off: bool,
}

struct One {
    matcher: Matcher,
    url: Url,
    no_proxy: String,
    host: String,
    port: u16,
    place: String,
    has_credentials: bool,
}

/// Why a proxy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} {why}; write http://HOST:PORT, and put credentials into a file that `proxy_credentials_file` names")]
pub struct ProxyError {
    place: String,
    why: &'static str,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxies")
            .field(&self.one.as_ref().map(|one| one.name()))
            .finish()
    }
}

impl Proxies {
    /// None: calls go straight, and mirrors by the environment's proxies.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// By what is set.
    ///
    /// # Errors
    /// When the proxy's address is none, or a kind that is not spoken.
    pub fn new(settings: &ProxySettings<'_>) -> Result<Self, ProxyError> {
        let Some(text) = settings.url else {
            return Ok(Self {
                one: None,
                is_off: settings.is_off,
            });
        };
        let refused = |why| ProxyError {
            place: settings.place.to_owned(),
            why,
        };
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let mut url = Url::parse(&with_scheme).map_err(|_| refused("is no address of a proxy"))?;
        match url.scheme() {
            "http" => {}
            "https" => {
                return Err(refused(
                    "names a proxy that is spoken to by TLS, which this agent does not do",
                ));
            }
            _ => {
                return Err(refused(
                    "names a kind of proxy that this agent does not speak; it speaks HTTP CONNECT",
                ));
            }
        }
        if let Some(credentials) = settings.credentials {
            let credentials = credentials.trim();
            let (user, password) = credentials
                .split_once(':')
                .ok_or(refused("has credentials that are not USER:PASSWORD"))?;
            let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
            set.map_err(|()| refused("is no address of a proxy"))?;
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(refused("is no address of a proxy"))?.to_owned();
        let port = url.port_or_known_default().ok_or(refused("has no port"))?;
        let matcher = Matcher::builder().https(url.as_str()).no(settings.no_proxy).build();
        Ok(Self {
            one: Some(Arc::new(One {
                matcher,
                no_proxy: settings.no_proxy.to_owned(),
                host,
                port,
                place: settings.place.to_owned(),
                has_credentials: !url.username().is_empty() || url.password().is_some(),
                url,
            })),
            is_off: settings.is_off,
        })
    }

    /// `HOST:PORT` of the proxy that leads to this address; none where it is reached straight.
    #[must_use]
    pub fn before(&self, address: &Address) -> Option<String> {
        self.leading_to(address).map(One::name)
    }

    fn leading_to(&self, address: &Address) -> Option<&One> {
        let target: Uri = format!("https://{address}/").parse().ok()?;
        self.one
            .as_deref()
            .filter(|one| one.matcher.intercept(&target).is_some())
    }

    /// For reqwest, to a server or a mirror alike.
    pub(super) fn apply(&self, client: reqwest::ClientBuilder) -> reqwest::Result<reqwest::ClientBuilder> {
        match &self.one {
            None if self.is_off => Ok(client.no_proxy()),
            None => Ok(client),
            Some(one) => {
                let proxy = reqwest::Proxy::all(one.url.clone())?;
                Ok(client.proxy(proxy.no_proxy(NoProxy::from_string(&one.no_proxy))))
            }
        }
    }

    /// What a download's failure means, where the proxy said no to the tunnel: reqwest only tells which kind.
    pub(super) fn explain(&self, words: &str) -> Option<String> {
        let one = self.one.as_deref()?;
        if words.contains("proxy authorization required") {
            return Some(one.wants_credentials(""));
        }
        words.contains("tunnel error").then(|| {
            format!(
                "the proxy {} does not let this through ({words}); {}",
                one.name(),
                one.remedy()
            )
        })
    }

    /// Straight, or by the proxy. In an error: why, and what to do.
    pub(super) async fn connect(&self, address: &Address) -> Result<Box<dyn Io>, String> {
        let Some(one) = self.leading_to(address) else {
            let tcp = TcpStream::connect((address.host(), address.port())).await;
            let tcp = tcp.map_err(|error| format!("{error}; check the address, the name service and firewalls"))?;
            // Small messages should not wait for more.
            tcp.set_nodelay(true).map_err(|error| error.to_string())?;
            return Ok(Box::new(tcp));
        };
        let tcp = TcpStream::connect((one.host.as_str(), one.port))
            .await
            .map_err(|error| {
                format!(
                    "the proxy {} cannot be reached: {error}; check {}",
                    one.name(),
                    one.place
                )
            })?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        one.tunnel(tcp, address).await
    }
}

impl One {
    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn remedy(&self) -> String {
        format!("check {}, and the rules of the proxy", self.place)
    }

    async fn tunnel(&self, tcp: TcpStream, address: &Address) -> Result<Box<dyn Io>, String> {
        let broken = |error: hyper::Error| {
            format!(
                "the proxy {} does not answer as one ({error}); {}",
                self.name(),
                self.remedy()
            )
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await.map_err(broken)?;
        // It ends with the tunnel, or with the refusal.
        tokio::spawn(connection.with_upgrades());
        let target: Uri = format!("https://{address}/")
            .parse()
            .map_err(|_| format!("{address} makes no URI"))?;
        let mut request = Request::connect(address.to_string()).header(HOST, address.to_string());
        let basic = self
            .matcher
            .intercept(&target)
            .and_then(|found| found.basic_auth().cloned());
        if let Some(mut basic) = basic {
            basic.set_sensitive(true);
            request = request.header(PROXY_AUTHORIZATION, basic);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        if !status.is_success() {
            let offered = response.headers().get_all(PROXY_AUTHENTICATE);
            let offered: Vec<&str> = offered.iter().filter_map(|value| value.to_str().ok()).collect();
            return Err(self.refusal(status, address, &offered.join(", ")));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(broken)?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    fn refusal(&self, status: StatusCode, address: &Address, offered: &str) -> String {
        let name = self.name();
        match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => self.wants_credentials(offered),
            StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNAUTHORIZED => format!(
                "the proxy {name} forbids a connection to {address} ({status}); let its rules allow CONNECT to this host \
                 and port (many allow port 443 alone), or put the host into `no_proxy`"
            ),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                format!(
                    "the proxy {name} cannot reach {address} ({status}); check the address, and the proxy's own network"
                )
            }
            _ => format!(
                "the proxy {name} refuses a connection to {address} ({status}); {}",
                self.remedy()
            ),
        }
    }

    fn wants_credentials(&self, offered: &str) -> String {
        let name = self.name();
        let offers = if offered.is_empty() {
            String::new()
        } else {
            format!(", it offers {offered}")
        };
        let remedy = if self.has_credentials {
            "it does not take the ones that are set; correct them, and see that it offers Basic, which is all that this \
             agent speaks"
        } else {
            "put USER:PASSWORD into a file for the agent alone and name it by `proxy_credentials_file`"
        };
        format!("the proxy {name} wants credentials (407{offers}): {remedy}")
    }
}
