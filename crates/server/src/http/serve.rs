//! Accepting connections: how many, how long a head may take, and how they end.

use super::edge::Edge;
use super::unread::Unread;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How often quiet callers are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Most bytes of a request's head, and of what is read ahead of a body. With a larger one, or with more
/// than 100 headers (hyper's own bound; naming it would have hyper clear a list of that length for
/// each request), hyper itself answers `431` and closes; to what is no HTTP at all it answers `400`.
/// Both without a body: see docs/http.md.
const HEAD_MOST_BYTES: usize = 64 * 1024;

/// Serves until `stop` is over, then lets what is under way finish, within the drain time.
/// `stopping` is called in between: it ends what would never end by itself (feeds, lanes).
pub async fn serve<F, S>(
    listener: TcpListener,
    edge: Edge,
    stop: impl Future<Output = ()>,
    stopping: F,
) where
    F: FnOnce() -> S,
    S: Future<Output = ()>,
{
    let connections = Arc::new(Semaphore::new(edge.settings().max_connections));
    let graceful = GracefulShutdown::new();
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    tokio::pin!(stop);
    loop {
        // A permit first: connections above the bound wait in the operating system's queue.
        let permit = tokio::select! {
            permit = Arc::clone(&connections).acquire_owned() => permit,
            () = &mut stop => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = loop {
            tokio::select! {
                accepted = listener.accept() => break Some(accepted),
                _ = sweep.tick() => edge.forget_quiet_callers(),
                () = &mut stop => break None,
            }
        };
        match accepted {
            None => break,
            Some(Ok((stream, peer))) => {
                let connection = connection(stream, peer, edge.clone());
                let watched = graceful.watch(connection);
                tokio::spawn(async move {
                    // A broken connection is the caller's business.
                    if let Err(error) = watched.await {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    drop(permit);
                });
            }
            Some(Err(error)) => {
                // Out of file descriptors, mostly: those that end make room.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    edge.start_draining();
    let drain = edge.settings().drain;
    let finish = async {
        stopping().await;
        graceful.shutdown().await;
    };
    if tokio::time::timeout(drain, finish).await.is_err() {
        tracing::warn!(
            ?drain,
            "some connections did not finish in time and were cut"
        );
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    edge: Edge,
) -> http1::Connection<
    TokioIo<Unread<TcpStream>>,
    impl hyper::service::Service<
        hyper::Request<hyper::body::Incoming>,
        Response = hyper::Response<Body>,
        Error = Infallible,
        Future: Send,
    > + Send,
> {
    // Answers are written whole: waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let header_deadline = edge.settings().header_deadline;
    let stream = Unread::new(stream, edge.settings().write_deadline);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let edge = edge.clone();
        async move { Ok::<_, Infallible>(edge.answer(request.map(Body::new), peer.ip()).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        // Heads and bodies are small: copied together they are one plain write.
        .writev(false)
        .header_read_timeout(header_deadline)
        .max_buf_size(HEAD_MOST_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}
