//! Asks the people's listener as plainly as can be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

const LIMIT: Duration = Duration::from_secs(30);

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// One request over a connection of its own, with these lines in its head.
pub(super) fn ask(port: u16, line: &str, head: &[String], body: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("an answer has a head")?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok(Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// A page as somebody sees it who signs in with this token.
pub(super) fn page(port: u16, token: &str, path: &str) -> Result<String> {
    let kind = "content-type: application/x-www-form-urlencoded".to_owned();
    let entered = ask(port, "POST /sign-in", &[kind], &format!("code={token}"))?;
    let cookie = entered
        .head
        .lines()
        .find_map(|line| {
            line.split_once(": ")
                .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        })
        .and_then(|(_, value)| value.split(';').next())
        .with_context(|| format!("no session: {}", entered.head))?;
    let answer = ask(port, &format!("GET {path}"), &[format!("cookie: {cookie}")], "")?;
    ensure!(answer.status == 200, "{path}: {}", answer.head);
    Ok(answer.body)
}
