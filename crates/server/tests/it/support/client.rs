//! One connection of one fan, HTTP/1.1 by hand: what matters here is when it breaks.

use serde_json::Value;
use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    /// A fan is a cookie.
    cookie: String,
    /// Shown with every request, where there is one.
    pub(crate) admission: Option<String>,
    /// The trace that its requests are part of, where there is one.
    pub(crate) traceparent: Option<String>,
    /// The id of the last request, as the server gave it.
    pub(crate) request_id: String,
}

impl Client {
    pub(crate) async fn connect(address: &str, fan: u64) -> io::Result<Self> {
        let stream = BufReader::new(TcpStream::connect(address).await?);
        Ok(Self {
            stream,
            cookie: format!("onsale={fan:064x}"),
            admission: None,
            traceparent: None,
            request_id: String::new(),
        })
    }

    /// Status and body. An error is a broken connection: nobody knows what became of the request.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<(u16, Value)> {
        let (code, body) = self.exchange(method, path, body).await?;
        if body.is_empty() {
            return Ok((code, Value::Null));
        }
        let body = serde_json::from_slice(&body).map_err(io::Error::other)?;
        Ok((code, body))
    }

    /// A page that is not JSON.
    #[cfg(any(feature = "kafka", feature = "traces"))]
    pub(crate) async fn text(&mut self, path: &str) -> io::Result<String> {
        let (_, body) = self.exchange("GET", path, None).await?;
        String::from_utf8(body).map_err(io::Error::other)
    }

    async fn exchange(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<(u16, Vec<u8>)> {
        let body = body.map_or(String::new(), Value::to_string);
        let admission = self.admission.as_ref().map_or(String::new(), |admission| {
            format!("onsale-admission: {admission}\r\n")
        });
        let traceparent = self
            .traceparent
            .as_ref()
            .map_or(String::new(), |parent| format!("traceparent: {parent}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {}\r\n{admission}{traceparent}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.cookie,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let status = self.line().await?;
        let code = status
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| io::Error::other(status.clone()))?;
        let mut length = 0;
        loop {
            let header = self.line().await?;
            if header.is_empty() {
                break;
            }
            let header = header.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if let Some(value) = header.strip_prefix("x-request-id:") {
                value.trim().clone_into(&mut self.request_id);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((code, body))
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(crate) fn status(answer: io::Result<(u16, Value)>) -> Option<u16> {
    answer.ok().map(|(code, _)| code)
}
