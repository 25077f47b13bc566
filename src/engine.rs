//! The engine: every worker of one process over one store.
//!
//! [`Engine::start`] takes the database over (voiding the claims of the process before) and [`Engine::run`] works until it
//! is told to stop, then drains: claiming stops first, what was not begun is given back, calls in flight are waited for.

use crate::clock::SharedClock;
use crate::config::{Config, ConfigError, LaneConfig};
use crate::faults::{self, Point};
use crate::lane::gate::{LaneGate, Open, SharedBreaker};
use crate::lane::route::{self, Overlap, Router};
use crate::lane::{BreakerState, LaneView};
use crate::quarantine::{AttemptAnswer, AttemptsMax};
use crate::queue::group_commit::GroupCommit;
use crate::queue::{self, Surroundings};
use crate::rail::{self, RailContext, SmsRail, TelcoRail};
use crate::receipt::{JudgedReceipt, NewReceipt};
use crate::sheet::Program;
use crate::store::{IMPORTS_AT_ONCE, MessageRecord, PayoutRecord, Recorded, SharedStore, StoreError};
use crate::workers::{TelcoLane, batch, enquiry, import, ledger, message, query, receipt, submit};
use apalis::prelude::Monitor;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use crate::queue::Wake;

/// How long a stopping process waits for calls in flight.
pub const DRAIN: Duration = Duration::from_secs(25);
/// How long apalis gets to end its workers once nothing is in hand.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Receipts applied at once.
const RECEIPTS_AT_ONCE: usize = 256;
/// Status queries in flight per lane; the lane's query rate bounds them in time.
const QUERIES_AT_ONCE: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Overlap(#[from] Overlap),
    #[error("a worker ended unasked: {0}")]
    Ended(String),
}

/// Where hooks put what providers post.
#[derive(Clone)]
pub struct ReceiptInbox {
    commit: GroupCommit<NewReceipt, ()>,
    wake: Wake,
}

impl ReceiptInbox {
    /// An inbox over `store`. Receipts that come together are stored in one transaction.
    pub fn new(store: SharedStore, wake: Wake) -> Self {
        let commit = GroupCommit::start(move |receipts: Vec<NewReceipt>| {
            let store = store.clone();
            Box::pin(async move {
                let stored = receipts.len();
                store.store_receipts(receipts).await.map(|()| vec![(); stored])
            })
        });
        ReceiptInbox { commit, wake }
    }

    /// Stores a receipt; durable when it returns.
    pub async fn store(&self, receipt: NewReceipt) -> Result<(), StoreError> {
        faults::at(Point::BeforeReceipt).await?;
        let vouched = receipt.vouched;
        self.commit.commit(receipt).await?;
        faults::at(Point::AfterReceipt).await?;
        // A hint can wait, and anybody can post one.
        if vouched {
            self.wake.poke();
        }
        Ok(())
    }
}

/// The workers of one process, not yet running.
pub struct Engine {
    store: SharedStore,
    config: Arc<Config>,
    clock: SharedClock,
    router: Arc<Router>,
    sheets: Program,
    wake: Wake,
    lanes: receipt::Lanes,
    message_recorder: GroupCommit<MessageRecord, Recorded>,
    alive: Arc<AtomicBool>,
}

/// Where the rails of the lanes come from.
pub trait Rails: Sync {
    fn telco(&self, lane: &LaneConfig) -> Option<Arc<dyn TelcoRail>>;
    fn sms(&self, lane: &LaneConfig) -> Option<Arc<dyn SmsRail>>;
}

impl Rails for RailContext {
    fn telco(&self, lane: &LaneConfig) -> Option<Arc<dyn TelcoRail>> {
        rail::telco(lane, self)
    }

    fn sms(&self, lane: &LaneConfig) -> Option<Arc<dyn SmsRail>> {
        rail::sms(lane, self)
    }
}

/// The kinds of due row of one process, each with what its claimer must pass.
pub struct Works {
    pub submit: Vec<(Arc<submit::Submit>, Arc<LaneGate>)>,
    pub query: Vec<(Arc<query::Query>, Arc<LaneGate>)>,
    pub message: Vec<(Arc<message::Message>, Arc<LaneGate>)>,
    pub import: Arc<import::Import>,
    pub receipt: Arc<receipt::Receipt>,
}

impl Engine {
    /// `sheets` is the program that reads spreadsheets.
    pub async fn start(
        store: SharedStore,
        config: Arc<Config>,
        clock: SharedClock,
        sheets: Program,
    ) -> Result<Engine, EngineError> {
        let router = take_over(&store, &config).await?;
        let context =
            RailContext { public_url: config.public_url(), capability_key: Arc::new(store.capability_key().await?) };
        Ok(Engine::assemble(store, config, clock, sheets, router, &context))
    }

    /// The same over rails of the caller's own.
    pub async fn start_with(
        store: SharedStore,
        config: Arc<Config>,
        clock: SharedClock,
        sheets: Program,
        rails: &dyn Rails,
    ) -> Result<Engine, EngineError> {
        let router = take_over(&store, &config).await?;
        Ok(Engine::assemble(store, config, clock, sheets, router, rails))
    }

    fn assemble(
        store: SharedStore,
        config: Arc<Config>,
        clock: SharedClock,
        sheets: Program,
        router: Arc<Router>,
        rails: &dyn Rails,
    ) -> Engine {
        let lanes = lanes(&store, &config, &clock, rails);
        let recording = store.clone();
        let message_recorder = GroupCommit::start(move |records| {
            let store = recording.clone();
            Box::pin(async move { store.record_messages(records).await })
        });
        let (wake, alive) = (Wake::default(), Arc::new(AtomicBool::new(false)));
        Engine { store, config, clock, router, sheets, wake, lanes, message_recorder, alive }
    }

    /// To be poked when there is new work.
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Whether the workers run.
    pub fn alive(&self) -> Arc<AtomicBool> {
        self.alive.clone()
    }

    /// How the lanes stand, for operators: an array.
    pub fn lanes_view(&self) -> Arc<dyn Fn() -> Vec<LaneView> + Send + Sync> {
        let (config, lanes) = (self.config.clone(), self.lanes.clone());
        Arc::new(move || {
            let view = |lane: &LaneConfig| {
                let breaker = lanes.telco.get(&lane.name).map(|l| &l.breaker);
                LaneView {
                    name: lane.name.clone(),
                    rail: lane.rail.clone(),
                    currency: lane.currency,
                    breaker: breaker.map(|b| if b.is_closed() { BreakerState::Closed } else { BreakerState::Open }),
                    parked: breaker.and_then(SharedBreaker::parked),
                    rate_per_second: lane.rate_per_second,
                    concurrency: lane.concurrency,
                }
            };
            config.lanes.iter().map(view).collect()
        })
    }

    /// Works until `stop` is cancelled, then drains. An error means that a worker ended unasked.
    pub async fn run(self, stop: CancellationToken) -> Result<(), EngineError> {
        let (ended, mut unasked) = mpsc::unbounded_channel();
        let drained = TaskTracker::new();
        let around = Surroundings {
            clock: self.clock.clone(),
            wake: self.wake.clone(),
            stop: stop.clone(),
            ended,
            drained: drained.clone(),
        };
        let monitor = self.register(&around);
        drained.close();
        let workers = monitor.context();
        let driver = tokio::spawn(batch::drive(self.store.clone(), self.wake.clone(), stop.clone()));
        let attempts: AttemptsMax = self.config.lanes.iter().map(|l| (l.name.clone(), l.attempts_max)).collect();
        let lister = tokio::spawn(enquiry::drive(self.store.clone(), attempts, self.wake.clone(), stop.clone()));
        let watch = ledger::Watch::new(self.store.clone(), self.config.ledger_check_every);
        let watcher = tokio::spawn(watch.drive(stop.clone()));
        let driving = [driver.abort_handle(), lister.abort_handle(), watcher.abort_handle()];
        let driver_ended = async {
            tokio::select! {
                _ = driver => {}
                _ = lister => {}
                _ = watcher => {}
            }
            // Told to stop, it ends as it should.
            if stop.is_cancelled() {
                std::future::pending::<()>().await;
            }
        };
        self.alive.store(true, Ordering::SeqCst);
        // apalis is told to stop last: a worker that is shutting down no longer takes the rows it must give back.
        let end = async {
            stop.cancelled().await;
            if tokio::time::timeout(DRAIN, drained.wait()).await.is_err() {
                tracing::warn!("calls were still in flight after {DRAIN:?}; they are asked about at the next start");
            }
            let _ = workers.shutdown();
        };
        let run = monitor.run();
        tokio::pin!(run);
        let finished = tokio::select! {
            ran = &mut run => Err(EngineError::Ended(ran.map_or_else(|e| e.to_string(), |()| "all of them".into()))),
            Some(worker) = unasked.recv() => Err(EngineError::Ended(worker)),
            () = driver_ended => Err(EngineError::Ended("batch, enquiry or ledger".into())),
            () = end => {
                // Whatever has not drained by now is left to the next start.
                let _ = tokio::time::timeout(LAST_WORDS, &mut run).await;
                Ok(())
            }
        };
        self.alive.store(false, Ordering::SeqCst);
        stop.cancel();
        driving.iter().for_each(tokio::task::AbortHandle::abort);
        finished
    }

    /// One apalis worker per kind of due row and lane.
    fn register(&self, around: &Surroundings) -> Monitor {
        let works = self.works(&around.stop);
        let mut monitor = Monitor::new();
        for (work, gate) in works.submit {
            let concurrency = work.lane.config.concurrency;
            monitor = queue::spawn(monitor, work, concurrency, gate, around.clone());
        }
        let enquiries = self.enquiries();
        for (work, rate) in works.query {
            let enquire = Arc::new(enquiry::Enquire::new(work.lane.clone(), enquiries.clone()));
            let gate = Arc::new(enquiry::WhileInQuarantine { store: self.store.clone(), rate: rate.clone() });
            monitor = queue::spawn(monitor, work, QUERIES_AT_ONCE, rate, around.clone());
            monitor = queue::spawn(monitor, enquire, QUERIES_AT_ONCE, gate, around.clone());
        }
        for (work, gate) in works.message {
            let concurrency = work.config.concurrency;
            monitor = queue::spawn(monitor, work, concurrency, gate, around.clone());
        }
        monitor = queue::spawn(monitor, works.import, IMPORTS_AT_ONCE, Arc::new(Open), around.clone());
        queue::spawn(monitor, works.receipt, RECEIPTS_AT_ONCE, Arc::new(Open), around.clone())
    }

    /// What the workers do, for whoever drives it by other means than [`Engine::run`]. Once `stop` is cancelled, what takes long
    /// is given back.
    pub fn works(&self, stop: &CancellationToken) -> Works {
        let (mut submit, mut query, mut message) = (Vec::new(), Vec::new(), Vec::new());
        for lane in self.lanes.telco.values() {
            let config = &lane.config;
            let gate = Arc::new(LaneGate::new(config.rate_per_second, Some(lane.breaker.clone())));
            submit.push((Arc::new(submit::Submit::new(lane.clone())), gate));
            let gate = Arc::new(LaneGate::new(config.query_rate_per_second, None));
            query.push((Arc::new(query::Query::new(lane.clone())), gate));
        }
        for (config, rail) in self.lanes.sms.values() {
            let (store, clock) = (self.store.clone(), self.clock.clone());
            let gate = Arc::new(LaneGate::new(config.rate_per_second, None));
            let work = message::Message::new(config.clone(), rail.clone(), store, clock, self.message_recorder.clone());
            message.push((Arc::new(work), gate));
        }
        let import = import::Import {
            store: self.store.clone(),
            config: self.config.clone(),
            router: self.router.clone(),
            sheets: self.sheets.clone(),
            clock: self.clock.clone(),
            wake: self.wake.clone(),
            stop: stop.clone(),
        };
        Works { submit, query, message, import: Arc::new(import), receipt: Arc::new(self.receipts()) }
    }

    /// Records what providers say while a quarantine stands.
    fn enquiries(&self) -> GroupCommit<AttemptAnswer, ()> {
        let (store, decide, wake) = (self.store.clone(), self.lanes.decide_payout(), self.wake.clone());
        GroupCommit::start(move |answers: Vec<AttemptAnswer>| {
            let (store, decide, wake) = (store.clone(), decide.clone(), wake.clone());
            Box::pin(async move {
                let answered = answers.len();
                store.record_attempt_answers(answers, decide).await?;
                wake.poke();
                Ok(vec![(); answered])
            })
        })
    }

    fn receipts(&self) -> receipt::Receipt {
        let (store, lanes) = (self.store.clone(), self.lanes.clone());
        let (decide_payout, decide_message) = (lanes.decide_payout(), lanes.decide_message());
        let (applying, wake) = (store.clone(), self.wake.clone());
        let applier = GroupCommit::start(move |receipts: Vec<JudgedReceipt>| {
            let (store, payout, message) = (applying.clone(), decide_payout.clone(), decide_message.clone());
            let wake = wake.clone();
            Box::pin(async move {
                let judged = receipts.len();
                faults::at(Point::BeforeApply).await?;
                store.apply_receipts(receipts, payout, message).await?;
                wake.poke();
                Ok(vec![(); judged])
            })
        });
        receipt::Receipt { lanes, store, clock: self.clock.clone(), applier }
    }
}

/// Checks the configuration, then takes the database for the workers of this process.
async fn take_over(store: &SharedStore, config: &Config) -> Result<Arc<Router>, EngineError> {
    config.check()?;
    let router = Arc::new(Router::new(&config.lanes)?);
    store.take_over().await?;
    import::clear_spool(&config.data_dir);
    for lane in missing_lanes(store, config).await? {
        tracing::error!(lane, "the lane still has payouts or messages under way and is not configured: put it back");
    }
    Ok(router)
}

/// Lanes that still have something to do and that nobody would drive, because they are no longer configured.
pub async fn missing_lanes(store: &SharedStore, config: &Config) -> Result<Vec<String>, StoreError> {
    Ok(store.lanes_in_use().await?.into_iter().filter(|lane| config.lane(lane).is_none()).collect())
}

fn lanes(store: &SharedStore, config: &Config, clock: &SharedClock, rails: &dyn Rails) -> receipt::Lanes {
    let recording = store.clone();
    let recorder = GroupCommit::start(move |records: Vec<PayoutRecord>| {
        let store = recording.clone();
        Box::pin(async move {
            faults::at(Point::BeforeRecord).await?;
            let recorded = store.record_payouts(records).await?;
            faults::at(Point::AfterRecord).await?;
            Ok(recorded)
        })
    });
    let sms_lane = route::sms_lane(&config.lanes).map(|lane| lane.name.clone());
    let mut lanes = receipt::Lanes { telco: HashMap::new(), sms: HashMap::new() };
    for lane in &config.lanes {
        if let Some(telco) = rails.telco(lane) {
            let lane_state = TelcoLane {
                config: lane.clone(),
                rail: telco,
                breaker: SharedBreaker::new(clock.clone()),
                sms_lane: sms_lane.clone(),
                store: store.clone(),
                clock: clock.clone(),
                recorder: recorder.clone(),
            };
            lanes.telco.insert(lane.name.clone(), Arc::new(lane_state));
        } else if let Some(sms) = rails.sms(lane) {
            lanes.sms.insert(lane.name.clone(), (lane.clone(), sms));
        }
    }
    lanes
}
