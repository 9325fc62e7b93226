//! A mail server for tests: takes what it is given, over plain SMTP, and keeps it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::eventually;

/// A mail that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Whom the server was told to give it to.
    pub(crate) to: Vec<String>,
    /// All of it, lines ended by `\n`, folded headers unfolded.
    pub(crate) text: String,
}

impl Mail {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.text.split("\n\n").next().unwrap();
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// The server.
pub(crate) struct SmtpServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// Listens where nobody did.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::<Mutex<Vec<Mail>>>::default();
        let kept = Arc::clone(&mails);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&kept)));
            }
        });
        Self { address, mails, task }
    }

    /// An address that nobody listens on.
    pub(crate) async fn nowhere() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until so many have arrived.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Mail> {
        let what = format!("{count} mail(s) arrive");
        eventually(&what, || async { Some(self.mails()).filter(|mails| mails.len() >= count) }).await
    }
}

/// One connection. Only what a sender needs is understood.
async fn talk(stream: TcpStream, kept: Arc<Mutex<Vec<Mail>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test ESMTP\r\n").await.ok()?;
    let mut to = Vec::new();
    loop {
        let line = line_of(&mut stream).await?;
        let word = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME",
            "MAIL" => {
                to.clear();
                "250 ok"
            }
            "RCPT" => {
                to.push(line.split(['<', '>']).nth(1).unwrap().to_owned());
                if line.contains("nobody@") { "550 no such user" } else { "250 ok" }
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let text = text_of(&mut stream).await?;
                kept.lock().unwrap().push(Mail { to: to.clone(), text });
                "250 taken"
            }
            "RSET" | "NOOP" => "250 ok",
            "QUIT" => "221 bye",
            _ => "502 what?",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}

async fn line_of(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn text_of(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut text, mut in_head) = (String::new(), true);
    loop {
        let line = line_of(stream).await?;
        if line == "." {
            return Some(text);
        }
        in_head &= !line.is_empty();
        if in_head && line.starts_with(' ') {
            text.pop();
        }
        text.push_str(&line);
        text.push('\n');
    }
}
