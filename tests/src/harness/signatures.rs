//! A mirror of signatures on the loopback, as a site keeps one: it serves one file of our own over HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

use crate::harness::debian_root::DebianRoot;
use crate::harness::eicar;

/// Its one file.
const FILE: &str = "cutover-test.hdb";

/// A client that says nothing for this long is hung up on.
const PATIENCE: Duration = Duration::from_secs(10);

/// The mirror. Dropping it ends it.
#[derive(Debug)]
pub struct SignatureMirror {
    port: u16,
    served: Arc<AtomicU32>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SignatureMirror {
    /// Starts it on a port that the system gives.
    ///
    /// # Errors
    /// When the loopback cannot be listened on.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let served = Arc::new(AtomicU32::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let (counts, over) = (served.clone(), ended.clone());
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is its own affair.
                if answer(&stream).unwrap_or(false) {
                    counts.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Ok(Self {
            port,
            served,
            ended,
            thread: Some(thread),
        })
    }

    /// Its port on the loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How often the file was fetched.
    #[must_use]
    pub fn served(&self) -> u32 {
        self.served.load(Ordering::SeqCst)
    }
}

impl Drop for SignatureMirror {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // So that it looks.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a campaign says of a site whose signatures are its own alone, for machines that reach the mirror at `at`: this
/// product, which watches these directories where it watches any.
#[must_use]
pub fn replacement(product: &str, at: SocketAddr, watch: &[&str]) -> toml::Table {
    let mut settings = vec![
        ("private-mirror", vec![format!("http://{at}")]),
        ("custom-database", vec![format!("http://{at}/{FILE}")]),
        (
            "exclude-database",
            ["main", "daily", "bytecode"].map(str::to_owned).to_vec(),
        ),
    ];
    if !watch.is_empty() {
        settings.push(("watch", watch.iter().map(|&path| path.to_owned()).collect()));
    }
    let settings: toml::Table = settings
        .into_iter()
        .map(|(name, values)| (name.to_owned(), toml::Value::from(values)))
        .collect();
    toml::Table::from_iter([
        ("product".to_owned(), toml::Value::from(product)),
        ("settings".to_owned(), settings.into()),
    ])
}

/// Lets Debian's units start clamd without the official databases, which cannot be had here. Whoever has signatures of
/// their own alone writes this.
///
/// # Errors
/// When it cannot be written.
pub fn start_clamd_without_the_official(root: &DebianRoot) -> Result<()> {
    for unit in ["clamav-daemon.service", "clamav-daemon.socket"] {
        let directory = root.outside(&format!("/etc/systemd/system/{unit}.d"));
        fs::create_dir_all(&directory)?;
        fs::write(
            directory.join("own-signatures.conf"),
            "[Unit]\nConditionPathExistsGlob=\n",
        )?;
    }
    Ok(())
}

/// Answers one request; true when the file was sent.
fn answer(stream: &TcpStream) -> Result<bool> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines.by_ref() {
        if line?.is_empty() {
            break;
        }
    }
    let is_ours = request.starts_with(&format!("GET /{FILE} "));
    let (status, body) = if is_ours {
        ("200 OK", eicar::database())
    } else {
        ("404 Not Found", String::new())
    };
    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(is_ours)
}
