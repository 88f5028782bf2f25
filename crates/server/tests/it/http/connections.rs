//! Real connections: how long a caller may take, and how the server stops.

use super::shop::{Shop, show};
use onsale_server::http::Settings;
use onsale_server::http::serve::serve;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A shop that listens.
struct Open {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Shop>,
}

impl Open {
    async fn with(settings: Settings) -> Self {
        let shop = Shop::with(settings).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, shop.edge.clone(), stopped, || shop.app.drain()).await;
            shop
        });
        Self {
            address,
            stop,
            served,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

fn quick() -> Settings {
    Settings {
        rate: None,
        header_deadline: Duration::from_millis(200),
        drain: Duration::from_secs(5),
        ..Settings::default()
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset instead of an end is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let open = Open::with(quick()).await;
    let mut slow = open.connect().await;
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: local")
        .await
        .unwrap();
    let answer = read_all(&mut slow).await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn a_declared_body_beyond_the_limit_is_refused_without_reading_it() {
    let open = Open::with(quick()).await;
    let mut stream = open.connect().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: 104857600\r\n\r\n{}",
        show("/holds"),
        " ".repeat(70_000)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
}

#[tokio::test]
async fn a_stop_ends_feeds_and_idle_connections_and_gives_the_folder_back() {
    let open = Open::with(Settings {
        header_deadline: Duration::from_secs(60),
        ..quick()
    })
    .await;
    let mut listener = open.connect().await;
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", show("/feed"));
    listener.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 15];
    listener.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let mut idle = open.connect().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");

    open.stop.send(()).unwrap();
    read_all(&mut listener).await;
    read_all(&mut idle).await;
    let shop = open.served.await.unwrap();
    assert!(
        TcpStream::connect(open.address).await.is_err(),
        "nobody listens any more"
    );
    shop.app.close().await;
}

#[tokio::test]
async fn connections_above_the_bound_wait_for_room() {
    let open = Open::with(Settings {
        max_connections: 1,
        ..quick()
    })
    .await;
    let mut first = open.connect().await;
    first
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut start = [0; 15];
    first.read_exact(&mut start).await.unwrap();
    let mut second = open.connect().await;
    second
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    drop(first);
    second.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_caller_who_never_reads_loses_the_connection() {
    let open = Open::with(Settings {
        max_connections: 1,
        write_deadline: Duration::from_millis(200),
        ..quick()
    })
    .await;
    let mut deaf = open.connect().await;
    // More than all buffers on the way hold.
    let request = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let asks = tokio::spawn(async move {
        for _ in 0..2_000 {
            if deaf.write_all(request.as_bytes()).await.is_err() {
                break;
            }
        }
        deaf
    });
    // There is room for one connection: this one is answered when the other has been cut.
    let mut next = open.connect().await;
    next.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut start = [0; 15];
    let answered = tokio::time::timeout(Duration::from_secs(20), next.read_exact(&mut start));
    answered
        .await
        .expect("the other connection is cut")
        .unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    drop(asks.await.unwrap());
}

#[tokio::test]
async fn a_quiet_feed_outlives_the_time_for_reading() {
    let open = Open::with(Settings {
        write_deadline: Duration::from_millis(20),
        ..quick()
    })
    .await;
    let mut listener = open.connect().await;
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", show("/feed"));
    listener.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 15];
    listener.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    // Several times as long without anything to write.
    let mut rest = vec![0; 4_096];
    let silence = async {
        while let Ok(read) = listener.read(&mut rest).await {
            assert_ne!(read, 0, "the feed was ended");
        }
    };
    let heard = tokio::time::timeout(Duration::from_millis(200), silence);
    assert!(heard.await.is_err(), "the feed goes on");
}

/// What comes back for `request`, and that nothing more does.
async fn answer_to(open: &Open, request: &[u8]) -> String {
    let mut stream = open.connect().await;
    // It may be refused before all of it is written.
    let _ = stream.write_all(request).await;
    read_all(&mut stream).await
}

#[tokio::test]
async fn what_is_no_http_and_a_head_too_large_are_refused_as_documented() {
    let open = Open::with(quick()).await;
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(200_000));
    let head = |headers: &str| format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    for (request, status) in [
        ("no http at all\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET /health HTTP/9.9\r\n\r\n".to_owned(), "400 Bad Request"),
        (head("bad header\r\n"), "400 Bad Request"),
        (head(&many), "431 Request Header Fields Too Large"),
        (head(&large), "431 Request Header Fields Too Large"),
    ] {
        let answer = answer_to(&open, request.as_bytes()).await;
        let shown = &request[..request.len().min(60)];
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{shown}: {answer}"
        );
        assert!(answer.contains("connection: close"), "{shown}: {answer}");
        assert!(answer.contains("content-length: 0"), "{shown}: {answer}");
    }
}
