//! A receiver of webhooks on loopback. It answers as it is told and keeps what it got.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    /// Its first line and its headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The receiver; ends with the runtime.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Sink {
    /// Answers the first requests with these statuses, and all others with 204.
    pub(crate) async fn answering(first: &[u16]) -> Self {
        Self::saying(&first.iter().map(|status| (*status, "")).collect::<Vec<_>>()).await
    }

    /// The same, with what it says.
    pub(crate) async fn saying(first: &[(u16, &'static str)]) -> Self {
        let first = first.to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                let before = kept.lock().unwrap().len();
                let (status, said) = first.get(before).copied().unwrap_or((204, ""));
                kept.lock().unwrap().push(request);
                let length = said.len();
                let answer =
                    format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{said}");
                // A client that is gone needs no answer.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, got }
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Got {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                let body = body.to_owned();
                return Got { head, body };
            }
        }
        let read = stream.read_buf(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "the request ended early: {text}");
    }
}
