//! Receipts: what the networks post to the callback address of a transfer or a message.
//!
//! A receipt is a place in the book and a kind; its body is written when it is posted. It follows the answer (not before
//! [`AFTER_ANSWER_MS`]), except where `receipt_early` says otherwise. A post that finds nobody, or is answered 429 or 5xx,
//! is tried again after each of [`RETRY_AFTER_MS`] (`receipt_tries_more`: and so often more) and is then lost, as is one that was waiting when the network stopped.

use super::book::now_us;
use super::entry::{Entry, Rail, State, Told};
use super::knobs::Knobs;
use super::network::Network;
use super::timer::Event;
use super::webhook::Key;
use super::{http, mtn_momo, sms_http};
use reqwest::Method;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

pub const AFTER_ANSWER_MS: u64 = 5;
const RETRY_AFTER_MS: [u64; 3] = [200, 600, 1200];
const POSTS_AT_ONCE_MAX: usize = 128;
/// Receipts that wait to be posted; one more is lost.
const WAITING_MAX: u64 = 2_000_000;
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// Older than the tolerance of Standard Webhooks.
const STALE_S: i64 = 301;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    True,
    Mismatch,
    Forged,
}

/// A receipt to be posted.
#[derive(Clone)]
pub struct Post {
    pub position: usize,
    pub kind: Kind,
    pub callback: Arc<str>,
    /// Which copy: the second repeats the first's id, later ones have their own.
    pub nth: u32,
    tries: usize,
}

impl Post {
    pub fn new(position: usize, kind: Kind, callback: Arc<str>, nth: u32) -> Post {
        Post { position, kind, callback, nth, tries: 0 }
    }
}

/// Whose receipt, and how it ended.
pub struct Subject {
    pub position: usize,
    pub rail: Rail,
    pub reference: Uuid,
    pub state: State,
}

pub struct Receipts {
    client: reqwest::Client,
    key: Key,
    foreign_key: Key,
    out: mpsc::UnboundedSender<Post>,
    inbox: Mutex<Option<mpsc::UnboundedReceiver<Post>>>,
    pub waiting: AtomicU64,
    pub posted: AtomicU64,
    pub lost: AtomicU64,
}

/// A receipt in its envelope.
struct Letter {
    method: Method,
    url: String,
    signed: Option<[(&'static str, String); 3]>,
    body: String,
}

impl Receipts {
    pub fn new(key: Key) -> io::Result<Receipts> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(POSTS_AT_ONCE_MAX)
            .timeout(POST_TIMEOUT)
            .build()
            .map_err(io::Error::other)?;
        let (out, inbox) = mpsc::unbounded_channel();
        Ok(Receipts {
            client,
            key,
            foreign_key: Key::of(b"the secret of somebody else: 01"),
            out,
            inbox: Mutex::new(Some(inbox)),
            waiting: AtomicU64::new(0),
            posted: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        })
    }

    /// For the timer: the time of this receipt has come.
    pub fn hand_over(&self, post: Post) {
        // Fails only once the postman is gone, when the network is stopping.
        drop(self.out.send(post));
    }

    /// Posts what is handed over, so many at once, until it is aborted.
    pub async fn run(network: Arc<Network>) {
        let inbox = network.receipts.inbox.lock().expect("no panic while starting").take();
        let Some(mut inbox) = inbox else { return };
        let desks = Arc::new(Semaphore::new(POSTS_AT_ONCE_MAX));
        while let Some(post) = inbox.recv().await {
            let Ok(desk) = desks.clone().acquire_owned().await else { return };
            let network = network.clone();
            tokio::spawn(async move {
                network.post(post).await;
                drop(desk);
            });
        }
    }

    fn letter(&self, post: &Post, entry: &Entry) -> Letter {
        match entry.rail {
            Rail::MtnMomo => self.mtn_letter(post, entry),
            Rail::Http | Rail::SmsHttp => self.signed_letter(post, entry),
        }
    }

    fn mtn_letter(&self, post: &Post, entry: &Entry) -> Letter {
        let body = mtn_momo::status_body(&told(post, entry, "INTERNAL_PROCESSING_ERROR"));
        let url = match post.kind {
            Kind::Forged => wrong_address(&post.callback, entry.reference),
            Kind::True | Kind::Mismatch => post.callback.to_string(),
        };
        // Pages of MTN say both; each is met here.
        let method = if entry.reference.as_bytes()[14] & 1 == 0 { Method::PUT } else { Method::POST };
        Letter { method, url, signed: None, body }
    }

    fn signed_letter(&self, post: &Post, entry: &Entry) -> Letter {
        let write = |told: &Told| match entry.rail {
            Rail::SmsHttp => sms_http::receipt_body(post.position, told),
            _ => http::receipt_body(told),
        };
        let body = write(&told(post, entry, "PAYEE_NOT_FOUND"));
        let truth = || write(&Told::truth(post.position, entry));
        let id = match (post.kind, post.nth) {
            (Kind::True, 0 | 1) => format!("msg_{}", entry.reference.simple()),
            (Kind::True, nth) => format!("msg_{}_{nth}", entry.reference.simple()),
            (Kind::Mismatch, _) => format!("msg_{}_m", entry.reference.simple()),
            (Kind::Forged, _) => format!("msg_{}_f", entry.reference.simple()),
        };
        let now = now_us() / 1_000_000;
        let (timestamp, signature, body) = match (post.kind, entry.reference.as_bytes()[13] % 3) {
            (Kind::Forged, 0) => (now, self.foreign_key.sign(&id, now, &body), body),
            (Kind::Forged, 1) => (now, self.key.sign(&id, now, &truth()), body),
            (Kind::Forged, _) => (now - STALE_S, self.key.sign(&id, now - STALE_S, &truth()), truth()),
            (Kind::True | Kind::Mismatch, _) => (now, self.key.sign(&id, now, &body), body),
        };
        let signed =
            [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)];
        Letter { method: Method::POST, url: post.callback.to_string(), signed: Some(signed), body }
    }

    /// Whether the letter arrived, or was refused in a way that no repetition changes.
    async fn send(&self, letter: Letter) -> bool {
        let mut request =
            self.client.request(letter.method, letter.url).header("content-type", "application/json").body(letter.body);
        for (name, value) in letter.signed.into_iter().flatten() {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => !answer.status().is_server_error() && answer.status().as_u16() != 429,
            Err(e) => e.is_builder(),
        }
    }
}

impl Network {
    /// Plans every receipt of something that has ended, none of them sooner than `wait_ms` from now. With `early`, the
    /// first copy is left out, because it is posted otherwise.
    pub fn plan_receipts(&self, subject: &Subject, callback: &Arc<str>, knobs: &Knobs, wait_ms: u64, early: bool) {
        let (position, reference) = (subject.position, subject.reference);
        let copies = knobs.copies(reference);
        if copies == 0 {
            return;
        }
        let pays = subject.state == State::Paid && subject.rail != Rail::SmsHttp;
        if pays && knobs.is_mismatched(reference) {
            self.plan_post(wait_ms, Post::new(position, Kind::Mismatch, callback.clone(), 0));
        }
        for nth in u32::from(early)..copies {
            let wait_ms = wait_ms + knobs.late_ms(reference, nth);
            self.plan_post(wait_ms, Post::new(position, Kind::True, callback.clone(), nth));
        }
    }

    pub fn plan_post(&self, wait_ms: u64, post: Post) {
        if self.receipts.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.receipts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.receipts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.timer.push(now_us() + wait_ms as i64 * 1000, Event::Post(post));
    }

    /// Posts once; plans the next try when nobody took it.
    async fn post(&self, post: Post) {
        let letter = self.book.read(post.position, |entry| self.receipts.letter(&post, entry));
        let arrived = self.receipts.send(letter).await;
        self.receipts.waiting.fetch_sub(1, Ordering::Relaxed);
        if arrived {
            self.receipts.posted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let rail = self.book.read(post.position, |entry| entry.rail);
        let tries_max = RETRY_AFTER_MS.len() + self.control(rail).knobs().receipt_tries_more;
        if post.tries >= tries_max {
            self.receipts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let wait_ms = RETRY_AFTER_MS[post.tries.min(RETRY_AFTER_MS.len() - 1)];
        self.plan_post(wait_ms, Post { tries: post.tries + 1, ..post });
    }

    /// Posts now, once the book has it; the caller waits for the answer to this before it answers itself.
    pub async fn post_early(self: Arc<Self>, post: Post) {
        self.book.durable().await;
        self.receipts.waiting.fetch_add(1, Ordering::Relaxed);
        self.post(post).await;
    }
}

fn told<'a>(post: &Post, entry: &'a Entry, lie: &'a str) -> Told<'a> {
    match post.kind {
        Kind::True => Told::truth(post.position, entry),
        Kind::Mismatch => Told::mismatch(post.position, entry),
        Kind::Forged => Told::lie(entry, lie),
    }
}

/// An address that somebody would guess who was not told it: its last segment changed, or missing.
fn wrong_address(callback: &str, reference: Uuid) -> String {
    let plain = callback.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    match (reference.as_bytes()[13] & 1, plain.rsplit_once('/')) {
        (0, Some((before, _))) => before.to_owned(),
        (_, Some((before, last))) => format!("{before}/{}", last.chars().rev().collect::<String>()),
        (_, None) => plain.to_owned(),
    }
}
