//! A request to the collector: one connection for each batch, in plain HTTP. The exporter's own
//! clients would bring a second HTTP stack into the program.
//!
//! It has no deadline of its own: who sends a batch sets one for all of it.

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Most bytes of an answer that are read: it says how many spans were not taken, in a few bytes.
const ANSWER_MOST_BYTES: usize = 64 * 1024;

/// Where it is, as `host:port`.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) authority: String,
}

/// A connection's own work, which ends with whoever uses it.
struct Driven(JoinHandle<Result<(), hyper::Error>>);

impl Drop for Driven {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let stream = TcpStream::connect(&self.authority).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let _driven = Driven(tokio::spawn(connection));
        let (mut parts, body) = request.into_parts();
        // A server is asked for a path, at a host.
        if let Some(path) = parts.uri.path_and_query() {
            parts.uri = path.as_str().parse()?;
        }
        let host = HeaderValue::from_str(&self.authority)?;
        parts.headers.insert(HOST, host);
        let request = Request::from_parts(parts, Full::new(body));
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_MOST_BYTES).collect().await?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}
