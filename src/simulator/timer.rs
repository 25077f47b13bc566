//! What happens later: transfers that settle, receipts that are due. One heap, one task that waits for its top.

use super::book::now_us;
use super::network::Network;
use super::receipts::Post;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// What is taken from the heap at once, so that settling and posting take turns.
const TURN_MAX: usize = 4096;
const IDLE: Duration = Duration::from_secs(3600);

pub enum Event {
    Settle(usize),
    Post(Post),
}

struct Due {
    at_us: i64,
    event: Event,
}

#[derive(Default)]
pub struct Timer {
    heap: Mutex<BinaryHeap<Reverse<Due>>>,
    sooner: Notify,
}

impl Timer {
    pub fn push(&self, at_us: i64, event: Event) {
        let mut heap = self.heap();
        let sooner = heap.peek().is_none_or(|Reverse(top)| at_us < top.at_us);
        heap.push(Reverse(Due { at_us, event }));
        drop(heap);
        if sooner {
            self.sooner.notify_one();
        }
    }

    /// Runs until it is aborted.
    pub async fn run(network: Arc<Network>) {
        loop {
            let (settle, posts, idle) = network.timer.due();
            let nothing_due = settle.is_empty() && posts.is_empty();
            network.settle(&settle);
            if !posts.is_empty() {
                network.book.durable().await;
                posts.into_iter().for_each(|post| network.receipts.hand_over(post));
            }
            if nothing_due {
                tokio::select! {
                    () = network.timer.sooner.notified() => {}
                    () = tokio::time::sleep(idle) => {}
                }
            }
        }
    }

    /// What is due now, and how long until the next is.
    fn due(&self) -> (Vec<usize>, Vec<Post>, Duration) {
        let (mut settle, mut posts, now) = (Vec::new(), Vec::new(), now_us());
        let mut heap = self.heap();
        while settle.len() + posts.len() < TURN_MAX && heap.peek().is_some_and(|Reverse(top)| top.at_us <= now) {
            match heap.pop() {
                Some(Reverse(Due { event: Event::Settle(position), .. })) => settle.push(position),
                Some(Reverse(Due { event: Event::Post(post), .. })) => posts.push(post),
                None => break,
            }
        }
        let idle = heap.peek().map_or(IDLE, |Reverse(top)| Duration::from_micros(top.at_us.abs_diff(now)));
        (settle, posts, idle.min(IDLE))
    }

    fn heap(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Due>>> {
        self.heap.lock().expect("no panic while the heap is held")
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at_us.cmp(&other.at_us)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at_us == other.at_us
    }
}

impl Eq for Due {}
