//! The door: which connections are let in, and how long one that does nothing may stay.
//!
//! Everything here is for whoever is not known yet. So many connections in all, so many from one source: beyond its share
//! a source is hung up on, so that others find the door open. A head must be whole within seconds, counted from the moment
//! the connection opens or the answer before is sent, so an idle connection is one that is late with its head.

use super::patient::{Patient, READ_STALL_MAX};
use super::places::{Place, Places};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

const CONNECTIONS_MAX: usize = 4096;
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Largest head of a request, and with it what a connection holds in memory before anything is known of it.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What is let in at most, and how long it may do nothing.
pub struct Bounds {
    connections_max: usize,
    source_max: usize,
    head_time_max: Duration,
    read_stall_max: Duration,
}

impl Bounds {
    /// Connections take at most half of the files that this process may open: the database and the providers need some.
    pub fn of(source_max: usize) -> Bounds {
        let files = rlimit::increase_nofile_limit(2 * CONNECTIONS_MAX as u64).unwrap_or_else(|error| {
            tracing::warn!(%error, "how many files may be open is not known");
            2 * CONNECTIONS_MAX as u64
        });
        let connections_max = CONNECTIONS_MAX.min(usize::try_from(files / 2).unwrap_or(CONNECTIONS_MAX));
        if connections_max < CONNECTIONS_MAX {
            tracing::warn!(files, connections_max, "few files may be open: raise the limit (ulimit -n 8192)");
        }
        // One source shall not have all of them.
        let source_max = source_max.min((connections_max / 4).max(1));
        Bounds { connections_max, source_max, head_time_max: HEAD_TIME_MAX, read_stall_max: READ_STALL_MAX }
    }
}

/// Whoever is let in is served until it leaves, is sent away, or the door is dropped.
pub struct Door {
    routes: Router,
    bounds: Bounds,
    places: Arc<Semaphore>,
    sources: Places<IpAddr>,
    graceful: GracefulShutdown,
    /// Also when this is dropped: no connection outlives it.
    cut: DropGuard,
}

impl Door {
    pub fn new(routes: Router, bounds: Bounds) -> Door {
        Door {
            routes,
            places: Arc::new(Semaphore::new(bounds.connections_max)),
            sources: Places::new(bounds.connections_max, bounds.source_max),
            graceful: GracefulShutdown::new(),
            cut: CancellationToken::new().drop_guard(),
            bounds,
        }
    }

    /// Waits for the next connection and has it served.
    pub async fn let_in(&self, listener: &TcpListener) {
        // A closed semaphore: nobody closes it.
        let Ok(place) = self.places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, address)) => match self.sources.find(source(address.ip())) {
                Ok(share) => self.serve(stream, (place, share)),
                Err(_) => metrics::counter!("gaba_http_connections_refused_total").increment(1),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }

    fn serve(&self, stream: TcpStream, places: (OwnedSemaphorePermit, Place<IpAddr>)) {
        // Answers are small: never held back to be sent together.
        drop(stream.set_nodelay(true));
        let io = TokioIo::new(Patient::new(stream, self.bounds.read_stall_max));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.head_time_max)
            .max_header_size(HEAD_BYTES_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(io, TowerToHyperService::new(self.routes.clone()));
        let connection = self.graceful.watch(connection);
        let cut = self.cut.token().clone();
        tokio::spawn(async move {
            tokio::select! {
                // An error here is the client going away or taking too long: nothing that we could do better.
                ended = connection => drop(ended),
                () = cut.cancelled() => {}
            }
            drop(places);
        });
    }

    /// Waits so long for what is open to be done, then cuts it off.
    pub async fn close(self, drain: Duration) {
        if tokio::time::timeout(drain, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not end in {} s and are cut off", drain.as_secs());
        }
    }
}

/// Where a connection comes from. Whoever has an IPv6 address has all of its network.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{StatusCode, Uri};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(60);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// A door with bounds that a test can wait for, open as long as it is kept.
    async fn open(connections_max: usize, source_max: usize, patience: Duration) -> (std::net::SocketAddr, DropGuard) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounds = Bounds { connections_max, source_max, head_time_max: patience, read_stall_max: patience };
        let answer = async |uri: Uri| match uri.path() {
            "/" => Ok(b"hello".to_vec()),
            "/huge" => Ok(vec![b'x'; 64 * 1024 * 1024]),
            _ => Err(StatusCode::NOT_FOUND),
        };
        let door = Door::new(Router::new().fallback(answer), bounds);
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            tokio::pin!(stopped);
            loop {
                tokio::select! {
                    () = &mut stopped => break,
                    () = door.let_in(&listener) => {}
                }
            }
        });
        (address, stop.drop_guard())
    }

    /// What comes until the server hangs up; `None` when it does not within a while.
    async fn rest(stream: &mut TcpStream) -> Option<String> {
        let mut all = Vec::new();
        // A reset is a way to hang up as well.
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.ok()?;
        Some(String::from_utf8_lossy(&all).into_owned())
    }

    async fn is_answered(address: std::net::SocketAddr) -> bool {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let last = [&REQUEST[..REQUEST.len() - 2], b"Connection: close\r\n\r\n"].concat();
        stream.write_all(&last).await.is_ok() && rest(&mut stream).await.unwrap().starts_with("HTTP/1.1 200")
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_or_says_it_slowly_is_hung_up_on() {
        let (address, _open) = open(10, 10, SHORT).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(REQUEST).await.unwrap();
        let slow = tokio::spawn(async move {
            let mut slow = TcpStream::connect(address).await.unwrap();
            let began = tokio::time::Instant::now();
            // A header that never ends, a byte every now and then: each is progress, none is a reason to wait on.
            while slow.write_all(b"x").await.is_ok() {
                assert!(began.elapsed() < Duration::from_secs(20), "a slow head was waited for");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(!rest(&mut silent).await.expect("an end").contains("200"));
        let answer = rest(&mut idle).await.expect("an end of what was left open after its answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
        slow.await.unwrap();
    }

    #[tokio::test]
    async fn a_source_beyond_its_share_is_hung_up_on_until_it_gives_some_back() {
        let (address, _open) = open(10, 2, LONG).await;
        let mut mine = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            stream.read_exact(&mut [0; 12]).await.unwrap();
            mine.push(stream);
        }
        let mut one_more = TcpStream::connect(address).await.unwrap();
        let _ = one_more.write_all(REQUEST).await;
        assert_eq!(rest(&mut one_more).await.expect("an end"), "");
        drop(mine);
        while !is_answered(address).await {}
    }

    #[tokio::test]
    async fn whoever_finds_every_place_taken_is_served_once_the_idle_are_sent_away() {
        let (address, _open) = open(3, 3, SHORT).await;
        let mut idle = Vec::new();
        for _ in 0..3 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        assert!(is_answered(address).await);
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let (address, _open) = open(10, 10, SHORT).await;
        let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
        let long = format!("X: {}\r\n", "y".repeat(HEAD_BYTES_MAX));
        let endless = "y".repeat(10 * HEAD_BYTES_MAX);
        for head in [
            format!("GET / HTTP/1.1\r\n{many}\r\n"),
            format!("GET / HTTP/1.1\r\n{long}\r\n"),
            format!("GET /{endless} HTTP/1.1\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nX: {endless}"),
            endless,
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The server hangs up before it has everything.
            let _ = stream.write_all(head.as_bytes()).await;
            let answer = rest(&mut stream).await.expect("an end");
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{:.60}: {answer}", head);
        }
        assert!(is_answered(address).await);
    }

    #[tokio::test]
    async fn requests_sent_at_once_are_answered_in_their_order_and_half_a_connection_is_none() {
        let (address, _open) = open(10, 10, SHORT).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(&[REQUEST.repeat(50), b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()].concat())
            .await
            .unwrap();
        let answers = rest(&mut stream).await.expect("an end");
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 50, "{answers}");
        assert!(answers.rfind("HTTP/1.1 200") < answers.find("HTTP/1.1 404"), "{answers}");
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(&REQUEST[..10]).await.unwrap();
        half.shutdown().await.unwrap();
        assert!(!rest(&mut half).await.expect("an end").contains("200"));
    }

    #[tokio::test]
    async fn who_asks_for_much_and_reads_nothing_is_hung_up_on() {
        let (address, _open) = open(1, 1, SHORT).await;
        let mut greedy = TcpStream::connect(address).await.unwrap();
        greedy.write_all(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        // There is one place: it is free again only once the greedy one is sent away.
        while !is_answered(address).await {}
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let of = |text: &str| source(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::5"));
        assert_ne!(of("2001:db8:1:2::4"), of("2001:db8:1:3::4"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
