//! The queue: due rows, worked on by apalis.
//!
//! There is no job table. A [`Work`] says how its rows are claimed and what is done with one; [`spawn`] runs it as one
//! apalis worker fed by one *claimer*:
//!
//! - The claimer waits for permits first (concurrency, rate, breaker) and claims exactly as many rows as it has permits
//!   for. Each row travels with its permit, so nothing is claimed that cannot be sent at once.
//! - After an empty claim it sleeps until it is woken or the next row is due, at most [`IDLE_MAX`].
//! - A database error makes it back off; calls in flight are not touched. The backend itself never errors.
//! - On shutdown it stops claiming, rows that were not begun are given back, and calls in flight are waited for.

pub mod backend;
pub mod group_commit;

use crate::chance;
use crate::clock::{SharedClock, Time};
use crate::lane::gate::Gate;
use crate::payout::backoff;
use crate::store::StoreError;
use apalis::prelude::{Monitor, WorkerBuilder};
use async_trait::async_trait;
use backend::{DueRows, Leased};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest sleep of an idle claimer: how late work is found that nobody announced.
pub const IDLE_MAX: Duration = Duration::from_secs(1);
/// With fewer permits free than a quarter, a claimer waits this long for more, so that claims are worth their commit.
const GATHER: Duration = Duration::from_millis(1);
/// Sleep of a claimer when rows are due that may not be claimed yet.
const HELD: Duration = Duration::from_millis(50);
/// Most rows of one claim, which bounds the transaction.
const CLAIM_MAX: usize = 512;
/// Backoff of a claimer whose database fails.
const TROUBLE_MIN: Duration = Duration::from_millis(50);
const TROUBLE_MAX: Duration = Duration::from_secs(5);

/// One kind of due row.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    type Row: Send + Sync + 'static;

    /// Stable name: worker, log and metric label.
    fn name(&self) -> &str;

    /// Claims up to `n` rows that are due.
    async fn claim(&self, n: u32) -> Result<Vec<Self::Row>, StoreError>;

    /// When the next row is due, so that an idle claimer is not late.
    async fn next_due(&self) -> Result<Option<Time>, StoreError> {
        Ok(None)
    }

    /// Acts on a claimed row and records what came of it. Errors are the work's own to record.
    async fn perform(&self, row: &Self::Row);

    /// Gives back a row that was claimed and not begun.
    async fn give_back(&self, row: &Self::Row);

    /// Records that acting on the row panicked.
    async fn panicked(&self, row: &Self::Row);
}

/// Wakes every claimer of the process.
#[derive(Clone)]
pub struct Wake(watch::Sender<u64>);

impl Default for Wake {
    fn default() -> Self {
        Wake(watch::Sender::new(0))
    }
}

impl Wake {
    /// There may be new work.
    pub fn poke(&self) {
        self.0.send_modify(|n| *n = n.wrapping_add(1));
    }

    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// What a claimer needs beside its work.
#[derive(Clone)]
pub struct Surroundings {
    pub clock: SharedClock,
    pub wake: Wake,
    /// Cancelled when the process is told to stop.
    pub stop: CancellationToken,
    /// Told the name of a worker whose claimer ended unasked.
    pub ended: mpsc::UnboundedSender<String>,
    /// Has one task per worker, which ends when the worker has stopped claiming and has no row in hand any more.
    pub drained: TaskTracker,
}

/// Registers an apalis worker for `work` and starts its claimer. `concurrency` rows are worked on at once.
pub fn spawn<W: Work>(
    monitor: Monitor,
    work: Arc<W>,
    concurrency: usize,
    gate: Arc<dyn Gate>,
    around: Surroundings,
) -> Monitor {
    // The permits bound how many rows are out; the channel only has to take them without waiting.
    let (sender, receiver) = mpsc::channel(concurrency);
    let permits = Arc::new(Semaphore::new(concurrency));
    let claimer =
        Claimer { work: work.clone(), concurrency, gate, permits: permits.clone(), around: around.clone(), sender };
    let in_hand = async move { drop(permits.acquire_many(u32::try_from(concurrency).unwrap_or(u32::MAX)).await) };
    around.drained.spawn(supervise(work.name().to_owned(), tokio::spawn(claimer.run()), in_hand, around.clone()));
    let receiver = Mutex::new(Some(receiver));
    monitor.register(move |_restarts| {
        // Workers are not restarted: one that ends unasked ends the process.
        let receiver = receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let (work, stop) = (work.clone(), around.stop.clone());
        WorkerBuilder::new(work.name().to_owned())
            .backend(DueRows::new(receiver.unwrap_or_else(|| mpsc::channel(1).1)))
            .build(move |leased: Leased<W::Row>| handle(work.clone(), stop.clone(), leased))
    })
}

/// Ends when the claimer has ended and `in_hand` says that every row it claimed was dealt with. A claimer that ends
/// although nobody told it to (it panicked) must not leave its lane silently idle.
async fn supervise(
    name: String,
    claimer: tokio::task::JoinHandle<()>,
    in_hand: impl Future<Output = ()>,
    around: Surroundings,
) {
    let ended = claimer.await;
    if ended.is_err() || !around.stop.is_cancelled() {
        // Nobody listens only when the process ends anyway.
        let _ = around.ended.send(name);
    }
    in_hand.await;
}

/// Deals with one claimed row: all cores take part, and a panic ends nothing but its own task.
async fn handle<W: Work>(work: Arc<W>, stop: CancellationToken, leased: Leased<W::Row>) {
    let Leased { row, permit } = leased;
    if stop.is_cancelled() {
        work.give_back(&row).await;
    } else {
        act_on(&work, row).await;
    }
    drop(permit);
}

/// Acts on one row in a task of its own; that it panicked is recorded.
pub async fn act_on<W: Work>(work: &Arc<W>, row: W::Row) {
    let row = Arc::new(row);
    let (worker, claimed) = (work.clone(), row.clone());
    let task = tokio::spawn(async move { worker.perform(&claimed).await });
    if let Err(e) = task.await
        && e.is_panic()
    {
        tracing::error!(worker = work.name(), "acting on a row panicked; its outcome is recorded as unknown");
        metrics::counter!("gaba_panics_total", "worker" => work.name().to_owned()).increment(1);
        work.panicked(&row).await;
    }
}

struct Claimer<W: Work> {
    work: Arc<W>,
    concurrency: usize,
    gate: Arc<dyn Gate>,
    permits: Arc<Semaphore>,
    around: Surroundings,
    sender: mpsc::Sender<Leased<W::Row>>,
}

impl<W: Work> Claimer<W> {
    async fn run(self) {
        let mut wake = self.around.wake.subscribe();
        let mut failures = 0;
        while !self.around.stop.is_cancelled() {
            let Some(free) = self.free_permits().await else { break };
            wake.borrow_and_update();
            let claimed = self.work.claim(u32::try_from(free.len()).unwrap_or(u32::MAX)).await;
            match claimed {
                Ok(rows) => {
                    failures = 0;
                    let (asked, got) = (free.len(), rows.len());
                    self.gate.used(asked, got);
                    for (row, permit) in rows.into_iter().zip(free) {
                        // Cannot wait: there are no more permits than places. Fails only when the worker is gone.
                        if let Err(lost) = self.sender.try_send(Leased { row, permit }) {
                            self.work.give_back(&lost.into_inner().row).await;
                        }
                    }
                    if got == 0 {
                        self.idle(&mut wake).await;
                    }
                }
                Err(e) => {
                    tracing::error!(worker = self.work.name(), error = %e, "claiming failed; trying again");
                    metrics::counter!("gaba_claim_errors_total", "worker" => self.work.name().to_owned()).increment(1);
                    drop(free);
                    self.pause(backoff::delay(failures, TROUBLE_MIN, TROUBLE_MAX, chance::draw())).await;
                    failures += 1;
                }
            }
        }
    }

    /// Permits for the next claim: concurrency first, then what rate and breaker allow. `None` when told to stop.
    async fn free_permits(&self) -> Option<Vec<OwnedSemaphorePermit>> {
        let stopped = self.around.stop.cancelled();
        tokio::pin!(stopped);
        let first = tokio::select! {
            permit = self.permits.clone().acquire_owned() => permit.ok()?,
            () = &mut stopped => return None,
        };
        if self.permits.available_permits() < self.concurrency / 4 {
            tokio::time::sleep(GATHER).await;
        }
        let more = self.permits.available_permits().min(CLAIM_MAX - 1);
        let mut free = vec![first];
        for _ in 0..more {
            let Ok(permit) = self.permits.clone().try_acquire_owned() else { break };
            free.push(permit);
        }
        let allowed = tokio::select! {
            n = self.gate.pass(free.len()) => n,
            () = &mut stopped => return None,
        };
        free.truncate(allowed);
        Some(free)
    }

    async fn idle(&self, wake: &mut watch::Receiver<u64>) {
        let next = self.work.next_due().await.unwrap_or_default();
        let wait = match next.map(|due| due.since(self.around.clock.now())) {
            // Something is due and may not be claimed now (a resend that waits for a receipt): not to be asked in a circle.
            Some(Duration::ZERO) => HELD,
            Some(wait) => wait.clamp(GATHER, IDLE_MAX),
            None => IDLE_MAX,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = wake.changed() => {}
            () = self.around.stop.cancelled() => {}
        }
    }

    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.around.stop.cancelled() => {}
        }
    }
}
