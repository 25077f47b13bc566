use super::*;
use crate::rail::testing::{http_answer, lane, read_request};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// For what only a timeout ends.
const SHORT: Duration = Duration::from_millis(400);
/// For what ends by itself, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, format!("http://{address}"))
}

fn client(url: &str, timeout: Duration) -> RailClient {
    let mut lane = lane("http", url);
    lane.request_timeout = timeout;
    RailClient::new(&lane)
}

async fn post(client: &RailClient, url: &str) -> Result<Reply, Failure> {
    client.send(client.deadline(), |http| http.post(url).body("{}")).await
}

/// Posts to a server that reads one request and then does as `after` says.
async fn post_to<F>(timeout: Duration, after: impl FnOnce(TcpStream) -> F) -> Result<Reply, Failure>
where
    F: Future<Output = ()>,
{
    let (listener, url) = listen().await;
    let client = client(&url, timeout);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        after(stream).await;
    };
    let (reply, ()) = tokio::join!(post(&client, &url), server);
    reply
}

fn code(result: Result<Reply, Failure>) -> String {
    match result.expect_err("no whole answer came") {
        Failure::NotSent(reason) => format!("not_sent {}", reason.code),
        Failure::Unusable(reason) => format!("unusable {}", reason.code),
        Failure::Unknown { status: None, reason } => format!("unknown {}", reason.code),
        Failure::Unknown { status: Some(status), reason } => format!("unknown {status} {}", reason.code),
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let (listener, url) = listen().await;
    drop(listener);
    assert_eq!(code(post(&client(&url, LONG), &url).await), "not_sent connect");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_sent() {
    // A label beyond 63 characters: refused by the resolver itself, without asking the network.
    let url = format!("http://{}.invalid", "a".repeat(64));
    assert_eq!(code(post(&client(&url, LONG), &url).await), "not_sent dns");
}

#[tokio::test]
async fn a_tls_handshake_that_fails_is_not_sent() {
    let (listener, url) = listen().await;
    let url = url.replace("http:", "https:");
    let client = client(&url, LONG);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let (reply, _stream) = tokio::join!(post(&client, &url), server);
    assert_eq!(code(reply), "not_sent connect");
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends_is_not_sent() {
    let (listener, url) = listen().await;
    let url = url.replace("http:", "https:");
    let client = client(&url, SHORT);
    let (reply, _stream) = tokio::join!(post(&client, &url), listener.accept());
    assert_eq!(code(reply), "not_sent connect_timeout");
}

#[tokio::test]
async fn an_address_that_cannot_be_asked_is_unusable() {
    assert_eq!(code(post(&client("ftp://x", LONG), "ftp://x").await), "unusable request");
}

#[tokio::test]
async fn a_call_without_time_left_is_not_sent() {
    let (_listener, url) = listen().await;
    let client = client(&url, SHORT);
    let late = Deadline::after(SHORT / 4);
    assert_eq!(code(client.send(late, |http| http.get(&url)).await), "not_sent out_of_time");
}

#[tokio::test]
async fn a_connection_closed_at_once_is_unknown() {
    let (listener, url) = listen().await;
    let client = client(&url, LONG);
    let server = async { drop(listener.accept().await.unwrap()) };
    let (reply, ()) = tokio::join!(post(&client, &url), server);
    assert_eq!(code(reply), "unknown no_answer");
}

#[tokio::test]
async fn a_close_without_an_answer_is_unknown() {
    assert_eq!(code(post_to(LONG, async |stream| drop(stream)).await), "unknown no_answer");
}

#[tokio::test]
async fn half_an_answer_is_unknown() {
    let half_a_body = post_to(LONG, async |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"a\"").await.unwrap();
    });
    assert_eq!(code(half_a_body.await), "unknown 200 broken_answer");
    let half_a_head = post_to(LONG, async |mut stream| stream.write_all(b"HTTP/1.1 20").await.unwrap());
    assert_eq!(code(half_a_head.await), "unknown no_answer");
    let no_http = post_to(LONG, async |mut stream| stream.write_all(b"lorem ipsum\r\n\r\n").await.unwrap());
    assert_eq!(code(no_http.await), "unknown no_answer");
}

#[tokio::test]
async fn silence_is_unknown() {
    let (held, mut keep) = mpsc::channel(2);
    let head = held.clone();
    let reply = post_to(SHORT, async move |stream| held.send(stream).await.unwrap()).await;
    assert_eq!(code(reply), "unknown timeout");
    let reply = post_to(SHORT, async move |mut stream| {
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\n").await.unwrap();
        head.send(stream).await.unwrap();
    });
    assert_eq!(code(reply.await), "unknown 202 timeout");
    keep.close();
}

#[tokio::test]
async fn an_endless_answer_is_unknown() {
    let reply = post_to(LONG, async |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    assert_eq!(code(reply.await), "unknown 200 answer_too_long");
}

#[tokio::test]
async fn a_redirect_is_unknown_and_not_followed() {
    let (target, target_url) = listen().await;
    let reply = post_to(LONG, async |mut stream| {
        let head = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {target_url}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    });
    assert_eq!(code(reply.await), "unknown 307 redirect");
    assert!(futures::FutureExt::now_or_never(target.accept()).is_none(), "the redirect was followed");
}

#[tokio::test]
async fn a_whole_answer_is_handed_over_whatever_it_is() {
    for (status, body) in [(200, "<html>"), (502, "Bad Gateway"), (202, "")] {
        let reply = post_to(LONG, async |mut stream| {
            stream.write_all(http_answer(status, body).as_bytes()).await.unwrap();
        });
        let reply = reply.await.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (status, body.as_bytes()));
        assert!(reply.json::<serde_json::Value>().is_none());
    }
}

/// A kept-alive connection whose peer reads the next request and closes: the request may have been executed, so it is
/// unknown, and it must not be written a second time.
#[tokio::test]
async fn a_pooled_connection_closed_after_the_request_is_unknown_and_the_request_written_once() {
    let (listener, url) = listen().await;
    let client = client(&url, LONG);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(http_answer(200, "{}").as_bytes()).await.unwrap();
        read_request(&mut stream).await;
    };
    let calls = async {
        post(&client, &url).await.unwrap();
        post(&client, &url).await
    };
    let (second, ()) = tokio::join!(calls, server);
    assert_eq!(code(second), "unknown no_answer");
    assert!(futures::FutureExt::now_or_never(listener.accept()).is_none(), "the request was written again");
}

/// A kept-alive connection that the peer closed before the next request: the request goes to a fresh connection, or is
/// unknown when the close had not been noticed yet; it is never written twice.
#[tokio::test]
async fn a_pooled_connection_closed_before_the_request_never_doubles_it() {
    for _ in 0..50 {
        let (listener, url) = listen().await;
        let client = client(&url, LONG);
        let (seen, mut requests) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                read_request(&mut stream).await;
                seen.send(()).unwrap();
                stream.write_all(http_answer(200, "{}").as_bytes()).await.unwrap();
            }
        });
        post(&client, &url).await.unwrap();
        let second = post(&client, &url).await;
        assert!(!matches!(second, Err(Failure::NotSent(_) | Failure::Unusable(_))), "{second:?}");
        server.abort();
        let _ = server.await;
        let mut written = 0;
        while requests.try_recv().is_ok() {
            written += 1;
        }
        assert!(written <= 2, "{written} requests for two calls");
    }
}

#[test]
fn a_query_that_was_not_sent_says_nothing_of_the_payout() {
    let reason = Reason::new("connect", "refused");
    let answer = |failure: Failure| of_query(failure.into()).outcome;
    assert_eq!(answer(Failure::NotSent(reason.clone())), Outcome::Unknown { reason: reason.clone() });
    assert_eq!(answer(Failure::Unusable(reason.clone())), Outcome::LaneBlocked { reason, executed: Executed::Perhaps });
}

#[test]
fn the_audit_copy_has_no_secret_and_ends_on_a_character() {
    assert_eq!(audit_copy(b"token a-s3cret a-s3cret.", &["a-s3cret", "token", ""]), "token [removed] [removed].");
    let long = "é".repeat(AUDIT_BYTES_MAX);
    let copy = audit_copy(format!("x{long}").as_bytes(), &[]);
    assert_eq!(copy.len(), AUDIT_BYTES_MAX - 1);
    assert_eq!(audit_copy(b"a\0\xff", &[]), "a\u{FFFD}\u{FFFD}");
    let at_the_cut = format!("{}a-s3cret", "x".repeat(AUDIT_BYTES_MAX - 3));
    assert!(!audit_copy(at_the_cut.as_bytes(), &["a-s3cret"]).contains("a-s"));
}

#[test]
fn a_reason_in_words_that_held_a_secret_is_not_kept() {
    let reply = Reply { status: 500, body: b"bad token a-s3cret".to_vec(), retry_after: None };
    let outcome = Outcome::Unknown { reason: Reason::new("X", "bad token a-s3") };
    let answer = reply.answer(outcome.clone(), &["a-s3cret"]);
    assert!(!answer.outcome.reason().unwrap().message.contains("a-s"));
    assert_eq!(reply.answer(outcome.clone(), &["another-secret"]).outcome, outcome);
}
