//! Whoever means only to keep others out: connections that do nothing, heads and bodies that never end. The bounds
//! themselves are tested where they are (`src/http/door.rs`); here they hold for the server as it runs.

use super::hostile::{connect, raw};
use super::*;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No connection that gets nowhere is open for longer; the server gives a request 30 s, and its body pauses of 15 s.
const OPEN_MAX: Duration = Duration::from_secs(60);

/// One request of each kind that takes a body, as far as its head goes.
fn heads(world: &World) -> Vec<(&'static str, String)> {
    let key = &world.gaba.maker.key;
    let json =
        format!("Authorization: Bearer {key}\r\nIdempotency-Key: {}\r\nContent-Type: application/json\r\n", fresh());
    let form = format!(
        "Authorization: Bearer {key}\r\nIdempotency-Key: {}\r\nContent-Type: multipart/form-data; boundary=XX\r\n",
        fresh()
    );
    [
        ("a command", format!("POST /v1/batches/{}/submit HTTP/1.1\r\n{json}", uuid::Uuid::nil())),
        ("an upload", format!("POST /v1/batches HTTP/1.1\r\n{form}")),
        ("an upload of a stranger", "POST /v1/batches HTTP/1.1\r\n".to_owned()),
        ("a hook", "POST /hooks/airtel-ug HTTP/1.1\r\n".to_owned()),
        ("a hook that is none", "POST /hooks/mtn-ug/no-token HTTP/1.1\r\n".to_owned()),
        ("an address that is none", "POST /v1/nothing HTTP/1.1\r\n".to_owned()),
        ("a page", "GET /livez HTTP/1.1\r\n".to_owned()),
    ]
    .map(|(what, head)| (what, format!("{head}Host: x\r\nTransfer-Encoding: chunked\r\n\r\n")))
    .into()
}

/// Sends `piece` again and again, with a pause, until the server hangs up; what it answered.
async fn until_hung_up(mut stream: TcpStream, piece: &[u8], pause: Duration) -> String {
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let send = async {
        while writer.write_all(piece).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        // A reset is a way to hang up as well.
        _ = reader.read_to_end(&mut answer) => {}
        () = send => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Every kind of request with a body that goes on and on; what each was answered, and that each came to an end.
async fn all_end(world: &World, but: &str, piece: &[u8], pause: Duration) -> Vec<(&'static str, String)> {
    let each = heads(world).into_iter().filter(|(what, _)| *what != but).map(async |(what, head)| {
        let mut stream = connect(world).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(OPEN_MAX, until_hung_up(stream, piece, pause)).await;
        (what, ended.unwrap_or_else(|_| panic!("{what} was still open after {OPEN_MAX:?}")))
    });
    futures::future::join_all(each).await
}

#[tokio::test]
async fn a_body_without_end_is_refused_wherever_it_is_sent() {
    let small = |toml: String| format!("upload_bytes_max = 1000000\n{toml}");
    let world = World::configured("endless", small).await;
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 65_536], b"\r\n".to_vec()].concat();
    let mut heard = 0;
    for (what, answer) in all_end(&world, "", &chunk, Duration::ZERO).await {
        let wanted: &[&str] = match what {
            "a command" | "a hook" => &["413"],
            // Nothing in it is a part of a form.
            "an upload" => &["400", "413"],
            "an upload of a stranger" => &["401"],
            "a page" => &["200", "413"],
            // Refused by whom comes first: the reader of the body, or the address.
            _ => &["404", "413"],
        };
        let status = answer.strip_prefix("HTTP/1.1 ").unwrap_or_default().get(..3).unwrap_or_default();
        // Whoever goes on sending when all is said may find the line cut before the answer is read.
        assert!(status.is_empty() || wanted.contains(&status), "{what}: {answer}");
        heard += usize::from(!status.is_empty());
    }
    assert!(heard >= 4, "{heard} were told why");
    world.is_alive().await;
}

#[tokio::test]
async fn a_body_that_stalls_or_trickles_is_given_up_and_others_are_answered_meanwhile() {
    let world = World::start("trickle").await;
    let began = Instant::now();
    // An upload may take its time: whoever uploads is known, and has only so many places.
    let trickling = all_end(&world, "an upload", b"1\r\nx\r\n", Duration::from_secs(1));
    let stalling = all_end(&world, "", b"", Duration::from_secs(1));
    let meanwhile = async {
        for _ in 0..10 {
            let asked = Instant::now();
            assert_eq!(world.gaba.maker.get("/v1/batches?limit=1").await.0, 200);
            assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let ((), stalled, trickled) = tokio::join!(meanwhile, stalling, trickling);
    for (what, answer) in stalled.into_iter().chain(trickled) {
        assert!(!answer.starts_with("HTTP/1.1 200") || what == "a page", "{what}: {answer}");
    }
    println!("all were given up after {:.1?}", began.elapsed());
    world.is_alive().await;
}

#[tokio::test]
async fn a_thousand_connections_that_do_nothing_keep_nobody_waiting() {
    let world = World::start("thousand").await;
    let files = rlimit::increase_nofile_limit(4_096).unwrap();
    assert!(files >= 2_048, "this test opens a thousand connections: ulimit -n {files}");
    let mut idle = Vec::new();
    for n in 0..1_000 {
        let mut stream = connect(&world).await;
        // Some say nothing, some begin.
        if n % 2 == 0 {
            stream.write_all(b"GET /v1/batches HTTP/1.1\r\nHost").await.unwrap();
        }
        idle.push(stream);
    }
    let asked = Instant::now();
    assert_eq!(world.gaba.maker.get("/v1/batches?limit=1").await.0, 200);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    // Beyond its share a source is hung up on, and what was idle is hung up on in time.
    for _ in 0..100 {
        idle.push(connect(&world).await);
    }
    let mut last = idle.pop().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), last.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "more connections than one source may have are open");
    for mut stream in idle {
        let ended = tokio::time::timeout(OPEN_MAX, stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "an idle connection is never hung up on");
    }
    let page = raw(&world, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    world.is_alive().await;
}

/// Any word may stand where a method should; a series of the metrics for each would fill the memory.
#[tokio::test]
async fn nobody_without_a_key_adds_to_the_metrics() {
    let world = World::start("strangers").await;
    let (client, url) = (&world.gaba.maker.client, &world.gaba.url);
    for n in 0..50 {
        let method = reqwest::Method::from_bytes(format!("BREW{n}").as_bytes()).unwrap();
        send(client.request(method, format!("{url}/v1/nothing"))).await;
    }
    let metrics = send(client.get(format!("{url}/metrics"))).await.text();
    assert!(metrics.contains("method=\"other\"") && !metrics.contains("BREW"), "{metrics}");
}
