//! What somebody sends who means harm: none of it is an error of ours, stops the server or moves money.

use super::*;
use crate::support::list;
use std::io::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes as they are and reads what comes until the server hangs up.
pub(super) async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = connect(world).await;
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub(super) async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.gaba.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// An upload with a body written by hand.
async fn upload_raw(world: &World, body: &[u8]) -> Reply {
    let request = request(&world.gaba.maker, "POST", "/v1/batches").header("Idempotency-Key", fresh());
    reply(request.header("content-type", "multipart/form-data; boundary=XX").body(body.to_vec())).await
}

fn part(disposition: &str, value: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
}

fn terms() -> String {
    part("name=\"name\"", "A list") + &part("name=\"kind\"", "payout") + &part("name=\"currency\"", "UGX")
}

impl World {
    pub(super) async fn is_alive(&self) {
        let (status, batches) = self.gaba.maker.get("/v1/batches?limit=1").await;
        assert_eq!(status, 200, "{batches}");
        let log = std::fs::read_to_string(self.gaba.folder.file("serve.log")).unwrap();
        // Not ready yet, while it starts, is no error of ours.
        let errors = log.lines().filter(|l| !l.contains("route=\"/readyz\""));
        let errors: Vec<&str> = errors.filter(|l| l.contains("ERROR") || l.contains("panicked")).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[tokio::test]
async fn a_form_that_is_odd_is_read_as_it_stands_or_refused() {
    let world = World::start("multipart").await;
    let file = part("name=\"file\"; filename=\"a.csv\"", &list(1, 1_000));
    let end = "--XX--\r\n";
    let many: String = (0..2_000).map(|n| part(&format!("name=\"f{n}\""), "x")).collect();
    let repeated = part("name=\"name\"", "Twice");
    for (what, body) in [
        ("nothing", String::new()),
        ("only an end", end.to_owned()),
        ("no end", format!("{}{file}", terms())),
        ("cut off in a value", format!("{}--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nna", terms())),
        ("cut off in a head", format!("{}--XX\r\nContent-Dispo", terms())),
        ("no file", format!("{}{end}", terms())),
        ("two files", format!("{}{file}{file}{end}", terms())),
        ("a field twice", format!("{}{repeated}{file}{end}", terms())),
        ("many fields", format!("{}{many}{file}{end}", terms())),
        ("a field without a name", format!("{}{}{file}{end}", terms(), part("filename=\"x\"", "x"))),
        ("a head without end", format!("--XX\r\nX: {}", "x".repeat(1_000_000))),
        ("another boundary", format!("{}{file}{end}", terms()).replace("--XX", "--YY")),
        ("no multipart at all", "name=x".to_owned()),
    ] {
        let refused = upload_raw(&world, body.as_bytes()).await;
        refused.is_problem(400, "invalid_request");
        assert!(world.gaba.maker.all("/v1/batches").await.is_empty(), "{what}");
    }
    let mut bytes = part("name=\"notify\"", "?").replace("?\r\n", "").into_bytes();
    bytes.extend_from_slice(b"\xff\xfe\r\n--XX--\r\n");
    upload_raw(&world, &bytes).await.is_problem(400, "invalid_request");
    let untyped = request(&world.gaba.maker, "POST", "/v1/batches").header("Idempotency-Key", fresh());
    let untyped = untyped.header("content-type", "multipart/form-data").body("x");
    reply(untyped).await.is_problem(400, "invalid_request");
    world.is_alive().await;
}

#[tokio::test]
async fn a_file_name_is_never_a_path_a_header_or_a_control_character() {
    let world = World::start("file-names").await;
    for (given, kept) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\pay\\\\march.csv", "march.csv"),
        ("/", "upload"),
        ("..", "upload"),
        ("a%0d%0aSet-Cookie: x=1.csv", "a%0d%0aSet-Cookie: x=1.csv"),
        ("\u{202e}vsc.exe", "\u{202e}vsc.exe"),
        ("льготы 💸.csv", "льготы 💸.csv"),
    ] {
        let body = terms() + &part(&format!("name=\"file\"; filename=\"{given}\""), &list(1, 1_000)) + "--XX--\r\n";
        let uploaded = upload_raw(&world, body.as_bytes()).await;
        assert_eq!(uploaded.status, 202, "{given:?}: {}", uploaded.body);
        assert_eq!(uploaded.body["file_name"], kept, "{given:?}");
    }
    let names: Vec<_> = std::fs::read_dir(world.gaba.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|n| !n.to_string_lossy().contains("passwd")), "{names:?}");
    // The name of a batch becomes part of a header of its report.
    let batch =
        upload(&world.gaba.maker, &fresh(), form(list(1, 1_000), "a.csv", &[("name", "x\"; y=\u{2028}é%0d")])).await;
    let path = format!("/v1/batches/{}/report", id(&batch.body));
    world.gaba.maker.batch_in(id(&batch.body), &["ready"]).await;
    let report = send(request(&world.gaba.maker, "GET", &path)).await;
    let disposition = report.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"settlement-x-y-0d-"), "{disposition}");
    world.is_alive().await;
}

#[tokio::test]
async fn requests_that_would_be_read_in_two_ways_are_refused() {
    let world = World::start("smuggling").await;
    let key = &world.gaba.maker.key;
    let head = format!("Host: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n");
    let smuggled = "GET /v1/wallets HTTP/1.1\r\nHost: x\r\n\r\n";
    for (what, bytes) in [
        (
            "two lengths",
            format!("POST /v1/batches HTTP/1.1\r\n{head}Content-Length: 0\r\nContent-Length: 40\r\n\r\n{smuggled}"),
        ),
        ("a negative length", format!("POST /v1/batches HTTP/1.1\r\n{head}Content-Length: -1\r\n\r\n")),
        ("a folded header", format!("GET /v1/wallets HTTP/1.1\r\n{head}X: a\r\n b\r\n\r\n")),
        ("a space before the colon", format!("GET /v1/wallets HTTP/1.1\r\n{head}Content-Length : 5\r\n\r\nhello")),
        ("a bare line feed in a target", format!("GET /v1/wallets\n HTTP/1.1\r\n{head}\r\n")),
        ("another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03".to_owned() + "\r\n\r\n"),
    ] {
        let answer = raw(&world, bytes.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{what}: {answer}");
    }
    // A chunked body beside a length is read as chunks, once.
    let chunked = format!(
        "POST /v1/batches HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}"
    );
    let answer = raw(&world, chunked.as_bytes()).await;
    assert!(answer.matches("HTTP/1.1 ").count() <= 1 && !answer.contains("available"), "{answer}");
    for path in ["/v1/batches/..%2f..%2fwallets", "/v1//wallets", "/v1/../v1/wallets", "//v1/wallets", "/V1/wallets"] {
        let answer = raw(&world, format!("GET {path} HTTP/1.1\r\n{head}\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let huge = raw(&world, format!("GET /{} HTTP/1.1\r\n{head}\r\n", "x".repeat(100_000)).as_bytes()).await;
    assert!(huge.starts_with("HTTP/1.1 4"), "{huge:.200}");
    let echoed =
        raw(&world, format!("GET /v1/x HTTP/1.1\r\n{head}X-Request-Id: a\tb<script>\r\n\r\n").as_bytes()).await;
    assert!(echoed.starts_with("HTTP/1.1 404") && !echoed.contains("<script>"), "{echoed}");
    world.is_alive().await;
}

#[tokio::test]
async fn a_body_that_comes_in_single_bytes_is_read_like_any_other() {
    let world = World::start("dribble").await;
    let body = terms() + &part("name=\"file\"; filename=\"a.csv\"", &list(1, 1_000)) + "--XX--\r\n";
    let mut stream = connect(&world).await;
    stream.set_nodelay(true).unwrap();
    let key = &world.gaba.maker.key;
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: drip\r\n\
         Content-Type: multipart/form-data; boundary=XX\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for byte in body.bytes() {
        stream.write_all(&[b'1', b'\r', b'\n', byte, b'\r', b'\n']).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    // A client that goes away in the middle leaves nothing that is shown.
    let mut gone = connect(&world).await;
    gone.write_all(head.replace("drip", "gone").as_bytes()).await.unwrap();
    gone.write_all(b"5\r\n--XX\r\n").await.unwrap();
    drop(gone);
    assert_eq!(world.gaba.maker.all("/v1/batches").await.len(), 1);
    world.is_alive().await;
}

#[tokio::test]
async fn a_refusal_reaches_whoever_listens_only_after_sending_everything() {
    let world = World::start("late-listener").await;
    let key = &world.gaba.maker.key;
    let forms = "Content-Type: multipart/form-data; boundary=XX\r\n";
    for (what, path, headers, status) in [
        ("no key", "/v1/batches", forms.to_owned(), "401"),
        ("no Idempotency-Key", "/v1/batches", format!("Authorization: Bearer {key}\r\n{forms}"), "400"),
        ("no form", "/v1/batches", format!("Authorization: Bearer {key}\r\nIdempotency-Key: x\r\n"), "415"),
        ("an address that is none", "/v1/nothing", String::new(), "404"),
        ("too large for a hook", "/hooks/mtn-ug", String::new(), "413"),
    ] {
        let mut stream = connect(&world).await;
        let length = 8_000_000;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..80 {
            stream.write_all(&vec![b'x'; length / 80]).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
    }
    // Who asks before sending is refused without being told to go on.
    let asking = "POST /v1/batches HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 8000000\r\n\r\n";
    let answer = raw(&world, asking.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

/// A workbook whose one sheet is `cells` bytes of nothing much, deflated a thousandfold.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    for (name, content) in [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".to_owned(),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    write!(zip, "<worksheet xmlns=\"{main}\"><sheetData>").unwrap();
    let blank = vec![b' '; 1_000_000];
    for _ in 0..bytes / blank.len() {
        zip.write_all(&blank).unwrap();
    }
    zip.write_all(b"</sheetData></worksheet>").unwrap();
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_workbook_that_blows_up_is_refused_while_others_are_served() {
    let world = World::start("bomb").await;
    let maker = &world.gaba.maker;
    let bomb = bomb(1_200_000_000);
    assert!(bomb.len() < 2_000_000, "{} bytes", bomb.len());
    let uploaded = upload(maker, &fresh(), form(bomb, "bomb.xlsx", &[])).await;
    assert_eq!(uploaded.status, 202, "{}", uploaded.body);
    let failed = maker.batch_in(id(&uploaded.body), &["import_failed", "ready"]).await;
    assert_eq!(failed["state"], "import_failed", "{failed}");
    let done = world.settle("innocent", list(2, 50_000), &[]).await;
    assert_eq!(done["counts"]["paid"], 2);
    world.is_alive().await;
}

#[tokio::test]
async fn names_that_mean_something_elsewhere_are_only_names_here() {
    let world = World::start("names").await;
    let csv = "name,phone,amount,reference,note\n\
               Robert'); DROP TABLE payouts;--,256772345678,50000,'; --,\"{\"\"a\"\":1}\"\n\
               ((amount)) ((organisation)),256752345678,60000,%s%n,</narration>\n\
               \u{202e}Akello\u{200b},256772345679,70000,../../x,\u{feff}note\n\
               <script>alert(1)</script>,256752345679,80000,${jndi:ldap://x},`id`\n";
    let fields = [("notify", "true"), ("sms_template", "Hi ((name)) (( amount )) ((reference))")];
    let batch = world.settle("names", csv.to_owned(), &fields).await;
    assert_eq!(batch["counts"]["paid"], 4, "{batch}");
    let maker = &world.gaba.maker;
    let path = format!("/v1/batches/{}/messages?state=delivered", id(&batch));
    let messages =
        crate::support::until("all to be told", || async { Some(maker.all(&path).await).filter(|m| m.len() == 4) })
            .await;
    let text = messages[1]["text"].as_str().unwrap();
    assert_eq!(text, "Hi ((amount)) ((organisation)) UGX 60,000 %s%n", "a name is no template");
    crate::support::judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
    world.is_alive().await;
}

/// The slow senders of one organisation never take the place of another's uploads.
#[tokio::test]
async fn uploads_that_stall_cost_only_their_own_organisation_its_places() {
    let world = World::start("stalled").await;
    let maker = &world.gaba.maker;
    let (_, neighbour, _) = world.other_organisation();
    let mut stalled = Vec::new();
    let key = fresh();
    let again = || upload(maker, &key, form(list(1, 1_000), "a.csv", &[]));
    // More than there are places, and more again: the server gives up on some before the slow machine has sent them all.
    let mut refused = None;
    for _ in 0..50 {
        for _ in 0..16 {
            let mut stream = connect(&world).await;
            let head = format!(
                "POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {}\r\n\
                 Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 100000\r\n\r\n{}",
                maker.key,
                fresh(),
                terms()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stalled.push(stream);
        }
        let answer = again().await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("all places to be taken");
    refused.is_problem(429, "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    let theirs = upload(&neighbour, &fresh(), form(list(1, 1_000), "a.csv", &[])).await;
    assert_eq!(theirs.status, 202, "{}", theirs.body);
    drop(stalled);
    crate::support::until("a place to be free", || async { (again().await.status == 202).then_some(()) }).await;
    world.is_alive().await;
}
