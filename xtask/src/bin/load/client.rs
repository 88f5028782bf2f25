//! As much HTTP/1.1 as it takes to send many small requests cheaply: keep-alive, bodies of a stated
//! length, nothing else.

use std::{
    io::Write,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The server closes a connection that is quiet for half a minute; browsers open another, and so
/// do we, before that.
const QUIET_LIMIT: Duration = Duration::from_secs(20);

/// One connection that is kept open.
pub(crate) struct Client {
    stream: TcpStream,
    at: SocketAddr,
    used: Instant,
    host: String,
    out: Vec<u8>,
    buffer: Vec<u8>,
    json: bool,
}

/// An answer, borrowed from its connection until the next request.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// All that it sets, as the next request shows them.
    pub(crate) cookie: Option<String>,
    pub(crate) body: &'a [u8],
}

impl Client {
    pub(crate) async fn connect(at: SocketAddr) -> Result<Self> {
        Ok(Self {
            stream: open(at).await?,
            at,
            used: Instant::now(),
            host: at.to_string(),
            out: Vec::new(),
            buffer: Vec::new(),
            json: false,
        })
    }

    /// Asks for JSON where there is a more compact form.
    pub(crate) fn preferring_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// Sends one request and reads its whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        cookie: Option<&str>,
        body: Option<&str>,
    ) -> Result<Answer<'_>> {
        self.out.clear();
        write!(
            self.out,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n",
            self.host
        )?;
        if let Some(cookie) = cookie {
            write!(self.out, "cookie: {cookie}\r\n")?;
        }
        if self.json {
            self.out.extend_from_slice(b"accept: application/json\r\n");
        }
        if let Some(body) = body {
            write!(
                self.out,
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            )?;
        }
        self.out.extend_from_slice(b"\r\n");
        self.out
            .extend_from_slice(body.unwrap_or_default().as_bytes());
        if self.used.elapsed() > QUIET_LIMIT {
            self.stream = open(self.at).await?;
        }
        self.used = Instant::now();
        self.stream.write_all(&self.out).await?;
        self.read_answer().await
    }

    async fn read_answer(&mut self) -> Result<Answer<'_>> {
        self.buffer.clear();
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head =
            std::str::from_utf8(&self.buffer[..head_end]).context("a head that is not text")?;
        let status = head
            .get(9..12)
            .and_then(|digits| digits.parse().ok())
            .with_context(|| format!("not an HTTP answer: {head:.60}"))?;
        let length = match header(head, "content-length") {
            Some(length) => length
                .parse()
                .context("a content-length that is no number")?,
            None if status == 204 => 0_usize,
            None => bail!("an answer without content-length: {head}"),
        };
        let cookie = cookies(head);
        while self.buffer.len() < head_end + length {
            self.read_more().await?;
        }
        let body = &self.buffer[head_end..head_end + length];
        Ok(Answer {
            status,
            cookie,
            body,
        })
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }

    /// Asks for a stream and hands over its connection with what has arrived of the body.
    pub(crate) async fn into_stream(mut self, path: &str) -> Result<(TcpStream, Vec<u8>)> {
        self.out.clear();
        write!(
            self.out,
            "GET {path} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\r\n",
            self.host
        )?;
        self.stream.write_all(&self.out).await?;
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..at]).into_owned();
                if head.get(9..12) != Some("200") {
                    bail!("the feed is refused: {head:.80}");
                }
                return Ok((self.stream, self.buffer.split_off(at + 4)));
            }
            self.read_more().await?;
        }
    }
}

async fn open(at: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(at)
        .await
        .with_context(|| format!("connecting to {at}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What the answer sets, in one line.
fn cookies(head: &str) -> Option<String> {
    let mut all = String::new();
    for line in head.lines().skip(1) {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        if key.eq_ignore_ascii_case("set-cookie") {
            if !all.is_empty() {
                all.push_str("; ");
            }
            all.push_str(value.split(';').next().unwrap_or_default().trim());
        }
    }
    (!all.is_empty()).then_some(all)
}

/// A header's value; names are compared without regard to case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Where a needle begins.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len())
        .position(|window| window == needle)
}
