//! Group commit: what many concurrent calls have to record goes into one transaction.
//!
//! Items are committed together while the commit before them runs, so groups grow with the load by themselves. One bad
//! item must not lose its neighbours: a group that the database rejects is halved until the bad one stands alone, and
//! only its caller hears of it. A database that cannot be reached is tried again until it can: what was observed on the
//! wire is worth waiting for. Items must be fenced, because an attempt whose answer was lost is made again.

use crate::chance;
use crate::payout::backoff;
use crate::store::StoreError;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most items of one commit.
const GROUP_MAX: usize = 256;
/// Items that may wait; callers beyond that wait to enqueue.
const WAITING_MAX: usize = 1024;
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(2);

type Commit<T, R> = Arc<dyn Fn(Vec<T>) -> BoxFuture<'static, Result<Vec<R>, StoreError>> + Send + Sync>;
type Waiting<T, R> = (T, oneshot::Sender<Result<R, StoreError>>);

/// A handle to one committer. When the last clone is dropped, the committer finishes what waits and ends.
pub struct GroupCommit<T, R> {
    sender: mpsc::Sender<Waiting<T, R>>,
}

impl<T, R> Clone for GroupCommit<T, R> {
    fn clone(&self) -> Self {
        GroupCommit { sender: self.sender.clone() }
    }
}

impl<T: Clone + Send + 'static, R: Send + 'static> GroupCommit<T, R> {
    /// Starts a committer. `commit` takes a group in one transaction and answers in its order.
    pub fn start<F>(commit: F) -> Self
    where
        F: Fn(Vec<T>) -> BoxFuture<'static, Result<Vec<R>, StoreError>> + Send + Sync + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(receiver, Arc::new(commit)));
        GroupCommit { sender }
    }

    /// Commits `item` with whatever else waits; returns when it is durable.
    pub async fn commit(&self, item: T) -> Result<R, StoreError> {
        let (answer, result) = oneshot::channel();
        let gone = || StoreError::Unavailable("the committer has ended".into());
        self.sender.send((item, answer)).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

async fn run<T: Clone + Send + 'static, R: Send + 'static>(
    mut receiver: mpsc::Receiver<Waiting<T, R>>,
    commit: Commit<T, R>,
) {
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    while receiver.recv_many(&mut waiting, GROUP_MAX).await > 0 {
        let group = std::mem::take(&mut waiting);
        metrics::histogram!("gaba_group_commit_rows").record(group.len() as f64);
        settle(group, &commit).await;
    }
}

/// Commits a group; halves it when it is rejected.
async fn settle<T: Clone + Send + 'static, R: Send + 'static>(group: Vec<Waiting<T, R>>, commit: &Commit<T, R>) {
    let mut groups = vec![group];
    while let Some(mut group) = groups.pop() {
        let items: Vec<T> = group.iter().map(|(item, _)| item.clone()).collect();
        match persist(items, commit).await {
            Ok(results) => {
                for ((_, answer), result) in group.into_iter().zip(results) {
                    // A caller that is gone has no use for the answer.
                    let _ = answer.send(Ok(result));
                }
            }
            Err(e) if group.len() == 1 => {
                tracing::error!(error = %e, "one row cannot be recorded; its neighbours are not affected");
                metrics::counter!("gaba_rejected_records_total").increment(1);
                if let Some((_, answer)) = group.pop() {
                    let _ = answer.send(Err(e));
                }
            }
            Err(_) => {
                let second = group.split_off(group.len() / 2);
                groups.push(second);
                groups.push(group);
            }
        }
    }
}

/// Tries until the database can be reached.
async fn persist<T: Clone, R>(items: Vec<T>, commit: &Commit<T, R>) -> Result<Vec<R>, StoreError> {
    let mut failures = 0;
    loop {
        match commit(items.clone()).await {
            Err(e) if e.is_transient() => {
                tracing::error!(error = %e, rows = items.len(), "recording failed; trying again");
                tokio::time::sleep(backoff::delay(failures, RETRY_MIN, RETRY_MAX, chance::draw())).await;
                failures += 1;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn one_bad_row_does_not_lose_its_neighbours() {
        let committed: Arc<Mutex<Vec<u32>>> = Arc::default();
        let log = committed.clone();
        let group = GroupCommit::start(move |items: Vec<u32>| {
            let log = log.clone();
            Box::pin(async move {
                if items.contains(&13) {
                    return Err(StoreError::Rejected("thirteen".into()));
                }
                log.lock().unwrap().extend(&items);
                Ok(items)
            })
        });
        let calls = (0..100).map(|n| {
            let group = group.clone();
            tokio::spawn(async move { group.commit(n).await })
        });
        for (n, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
            let result = call.await.unwrap();
            assert_eq!(result.is_ok(), n != 13, "{n}");
        }
        let mut committed = committed.lock().unwrap().clone();
        committed.sort_unstable();
        let expected: Vec<u32> = (0..100).filter(|n| *n != 13).collect();
        assert_eq!(committed, expected, "every other row exactly once");
    }

    #[tokio::test]
    async fn a_database_that_comes_back_loses_nothing() {
        let failures = AtomicU32::new(3);
        let group = GroupCommit::start(move |items: Vec<u32>| {
            let down = failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            Box::pin(async move { if down { Err(StoreError::Unavailable("down".into())) } else { Ok(items) } })
        });
        assert_eq!(group.commit(7).await.unwrap(), 7);
    }
}
