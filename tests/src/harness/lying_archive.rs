//! An archive of the distribution's own packages over HTTP on the loopback, which lies when it is told to.
//!
//! It is apt's own reading of lists, sizes and hashes that stands against it, and the test's to see what comes of that.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::harness::archive;
use crate::harness::debian_root::DebianRoot;

/// The package about which it lies.
const PACKAGE: &str = "clamav";

/// A reader that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// The list of packages is not the one that the release states.
    List,
    /// The list has no end.
    EndlessList,
    /// The list states a smaller size of the package than it has.
    SizeTooSmall,
    /// And a larger one.
    SizeTooLarge,
    /// The list states another hash.
    Hash,
    /// The package is elsewhere, and what is there is something else of its size.
    RedirectToOther,
    /// The package is where it is asked for, and so on.
    RedirectForEver,
    /// The package is at another server, which has the true one.
    RedirectToAnotherServer,
    /// The package has no end.
    EndlessPackage,
}

/// The archive. Dropping it ends its server.
#[derive(Debug)]
pub struct LyingArchive {
    shared: Arc<Shared>,
    servers: Vec<(SocketAddr, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Shared {
    files: PathBuf,
    list: String,
    lie: Mutex<Lie>,
    sent: AtomicU64,
    ended: AtomicBool,
    /// Where the second server is.
    other: SocketAddr,
}

impl LyingArchive {
    /// Opens one, and makes it the only one that the root's apt knows.
    ///
    /// # Errors
    /// When the packages cannot be had, or there is no port.
    pub fn open(root: &DebianRoot) -> Result<Self> {
        let files = archive::fetched(root.base())?;
        let list = fs::read_to_string(files.join("Packages"))?;
        let listeners = [
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        ];
        let [first, other] = [listeners[0].local_addr()?, listeners[1].local_addr()?];
        let shared = Arc::new(Shared {
            files,
            list,
            lie: Mutex::new(Lie::None),
            sent: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            other,
        });
        let mut servers = Vec::new();
        for listener in listeners {
            let address = listener.local_addr()?;
            let shared = Arc::clone(&shared);
            servers.push((address, std::thread::spawn(move || serve(&listener, &shared))));
        }
        // No signature, and no proxy of the machine's between.
        fs::write(
            root.outside("/etc/apt/sources.list"),
            format!("deb [trusted=yes] http://{first} ./\n"),
        )?;
        fs::write(
            root.outside("/etc/apt/apt.conf.d/99loopback"),
            "Acquire::http::Proxy::127.0.0.1 \"DIRECT\";\n",
        )?;
        Ok(Self { shared, servers })
    }

    /// From here on it tells this lie, and counts anew what it sends.
    pub fn tell(&self, lie: Lie) {
        *self.shared.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie;
        self.shared.sent.store(0, Ordering::SeqCst);
    }

    /// How many bytes it has sent since.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for LyingArchive {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        for (address, server) in self.servers.drain(..) {
            // Whoever waits for a call gets one.
            let _ = TcpStream::connect(address);
            let _ = server.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for caller in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(caller) = caller else { continue };
        let shared = Arc::clone(shared);
        // It ends with its caller, or when that takes nothing more.
        std::thread::spawn(move || {
            let _ = answer(caller, &shared);
        });
    }
}

/// One request, one answer, and the connection ends.
fn answer(caller: TcpStream, shared: &Shared) -> Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    caller.set_write_timeout(Some(PATIENCE))?;
    let at_other = caller.local_addr()? == shared.other;
    let mut lines = BufReader::new(caller.try_clone()?).lines();
    let request = lines.next().context("a request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).context("a path")?;
    let path = decoded(path);
    let path = path.trim_start_matches(['.', '/']);
    let lie = *shared.lie.lock().unwrap_or_else(PoisonError::into_inner);
    let mut to = Counted { caller, shared };
    let is_the_package = path.starts_with(&format!("{PACKAGE}_"));
    match (path, lie) {
        ("Release", _) => return to.give(release(&list(shared, lie)).as_bytes()),
        ("Packages", Lie::EndlessList) => return endless(&mut to, shared),
        ("Packages", _) => return to.give(served_list(shared, lie).as_bytes()),
        _ if !is_the_package || at_other => {}
        (_, Lie::EndlessPackage) => return endless(&mut to, shared),
        (_, Lie::RedirectForEver) => return to.redirect(&format!("/{path}")),
        (_, Lie::RedirectToOther) => return to.redirect("/elsewhere"),
        (_, Lie::RedirectToAnotherServer) => return to.redirect(&format!("http://{}/{path}", shared.other)),
        (_, Lie::None | Lie::List | Lie::EndlessList | Lie::SizeTooSmall | Lie::SizeTooLarge | Lie::Hash) => {}
    }
    if path == "elsewhere" {
        let (size, _) = stated(&shared.list).context("the package is in the list")?;
        return to.give(&vec![0; usize::try_from(size)?]);
    }
    match fs::read(shared.files.join(path)) {
        Ok(bytes) if !path.contains('/') => to.give(&bytes),
        Ok(_) | Err(_) => to.head("404 Not Found", "content-length: 0"),
    }
}

/// Names of packages may hold what a path does not (`%7e` for `~`).
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => {
                text.push(char::from(code));
                text.push_str(&part[2..]);
            }
            None => text.push_str(part),
        }
    }
    text
}

/// The stanza of the package in a list.
fn stanza(list: &str) -> Option<&str> {
    let begins = format!("Package: {PACKAGE}\n");
    list.split("\n\n")
        .find(|stanza| format!("{stanza}\n").starts_with(&begins))
}

/// Size and hash that a list states for the package.
fn stated(list: &str) -> Option<(u64, &str)> {
    let field = |name: &str| stanza(list)?.lines().find_map(|line| line.strip_prefix(name));
    Some((field("Size: ")?.parse().ok()?, field("SHA256: ")?))
}

/// The list as the release describes it.
fn list(shared: &Shared, lie: Lie) -> String {
    let list = &shared.list;
    let Some(((size, hash), stanza)) = stated(list).zip(stanza(list)) else {
        return list.clone();
    };
    let size_of = |stated: u64| stanza.replace(&format!("Size: {size}\n"), &format!("Size: {stated}\n"));
    let lied = match lie {
        Lie::SizeTooSmall => size_of(size - 1000),
        Lie::SizeTooLarge => size_of(size + 1000),
        Lie::Hash => stanza.replace(hash, &"0".repeat(hash.len())),
        Lie::None
        | Lie::List
        | Lie::EndlessList
        | Lie::RedirectToOther
        | Lie::RedirectForEver
        | Lie::RedirectToAnotherServer
        | Lie::EndlessPackage => return list.clone(),
    };
    list.replace(stanza, &lied)
}

/// The list as it is given.
fn served_list(shared: &Shared, lie: Lie) -> String {
    let list = list(shared, lie);
    if lie == Lie::List {
        // Of the same size.
        list.replacen("Maintainer: ", "Maintainer= ", 1)
    } else {
        list
    }
}

/// Unsigned. Its words stay the same: apt refuses an archive that calls itself otherwise than before.
fn release(list: &str) -> String {
    let hash = hex::encode(Sha256::digest(list));
    let size = list.len();
    format!("Origin: Test\nLabel: Test\nSHA256:\n {hash} {size} Packages\n")
}

/// Zeros until the caller hangs up.
fn endless(to: &mut Counted<'_>, shared: &Shared) -> Result<()> {
    to.head("200 OK", "content-type: application/octet-stream")?;
    let zeros = vec![0; 64 << 10];
    while !shared.ended.load(Ordering::SeqCst) {
        to.write(&zeros)?;
    }
    Ok(())
}

/// A caller, and the count of what it was sent.
struct Counted<'s> {
    caller: TcpStream,
    shared: &'s Shared,
}

impl Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.caller.write_all(bytes)?;
        self.shared.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok(())
    }

    fn head(&mut self, status: &str, header: &str) -> Result<()> {
        self.write(format!("HTTP/1.1 {status}\r\n{header}\r\nconnection: close\r\n\r\n").as_bytes())
    }

    fn give(&mut self, bytes: &[u8]) -> Result<()> {
        self.head("200 OK", &format!("content-length: {}", bytes.len()))?;
        self.write(bytes)
    }

    fn redirect(&mut self, to: &str) -> Result<()> {
        self.head("302 Found", &format!("location: {to}\r\ncontent-length: 0"))
    }
}
