//! A wire that misbehaves: a TCP proxy between the server and the network, which cuts, stalls and dawdles.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What one connection suffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Sound,
    /// Cut off after so many bytes of the request.
    CutRequest(usize),
    /// Cut off after so many bytes of the answer.
    CutAnswer(usize),
    /// Accepted, and nothing ever follows.
    HalfOpen,
    /// Every piece comes that much later.
    Slow(Duration),
    /// The answer comes byte by byte.
    Trickle,
}

impl Wire {
    pub const KINDS: [&'static str; 5] = ["request cut", "answer cut", "half open", "slow", "trickle"];

    fn kind(self) -> Option<usize> {
        match self {
            Wire::Sound => None,
            Wire::CutRequest(_) => Some(0),
            Wire::CutAnswer(_) => Some(1),
            Wire::HalfOpen => Some(2),
            Wire::Slow(_) => Some(3),
            Wire::Trickle => Some(4),
        }
    }

    fn draw(chance: &mut StdRng) -> Wire {
        match chance.random_range(0..5) {
            0 => Wire::CutRequest(chance.random_range(1..900)),
            1 => Wire::CutAnswer(chance.random_range(0..200)),
            2 => Wire::HalfOpen,
            3 => Wire::Slow(Duration::from_millis(chance.random_range(20..600))),
            _ => Wire::Trickle,
        }
    }
}

pub struct Proxy {
    pub url: String,
    /// How many connections suffered each of [`Wire::KINDS`].
    counts: Arc<[AtomicU64; 5]>,
    /// The share of connections that suffer.
    share: Arc<Mutex<f64>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Before the network at `url`; this share of the connections suffers something.
    pub async fn before(url: &str, share: f64, seed: u64) -> Proxy {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (counts, share) = (Arc::<[AtomicU64; 5]>::default(), Arc::new(Mutex::new(share)));
        let (counting, sharing) = (counts.clone(), share.clone());
        let accepting = tokio::spawn(async move {
            let mut chance = StdRng::seed_from_u64(seed);
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                let suffers = chance.random_bool(*sharing.lock().unwrap());
                let wire = if suffers { Wire::draw(&mut chance) } else { Wire::Sound };
                if let Some(kind) = wire.kind() {
                    counting[kind].fetch_add(1, Ordering::Relaxed);
                }
                tokio::spawn(carry(client, target.clone(), wire));
            }
        });
        Proxy { url, counts, share, accepting }
    }

    pub fn suffer(&self, share: f64) {
        *self.share.lock().unwrap() = share;
    }

    pub fn counts(&self) -> [u64; 5] {
        std::array::from_fn(|kind| self.counts[kind].load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection. Dropping both ends cuts it.
async fn carry(client: TcpStream, target: String, wire: Wire) {
    if wire == Wire::HalfOpen {
        let _held = client;
        return tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let Ok(server) = TcpStream::connect(&target).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut left = if let Wire::CutRequest(bytes) = wire { bytes } else { usize::MAX };
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = from_client.read(&mut piece).await {
            if let Wire::Slow(wait) = wire {
                tokio::time::sleep(wait).await;
            }
            let passed = read.min(left);
            if to_server.write_all(&piece[..passed]).await.is_err() || passed < read {
                break;
            }
            left -= passed;
        }
    };
    let down = async {
        let mut left = if let Wire::CutAnswer(bytes) = wire { bytes } else { usize::MAX };
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = from_server.read(&mut piece).await {
            let passed = read.min(left);
            let step = if wire == Wire::Trickle { 1 } else { passed.max(1) };
            for part in piece[..passed].chunks(step) {
                match wire {
                    Wire::Slow(wait) => tokio::time::sleep(wait).await,
                    Wire::Trickle => tokio::time::sleep(Duration::from_millis(2)).await,
                    _ => {}
                }
                if to_client.write_all(part).await.is_err() {
                    return;
                }
            }
            if passed < read {
                return;
            }
            left -= passed;
        }
    };
    // Whichever ends first ends both.
    tokio::select! { () = up => {}, () = down => {} }
}
