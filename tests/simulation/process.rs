//! One life of the process: a runtime of its own, the store on its files, and the workers that the engine puts together.
//! When it crashes, the runtime and whatever runs on it is gone, and the files are taken over as they lie.

use super::board::{Board, SimulatedRail};
use super::clock::VirtualClock;
use super::faulty::Faults;
use gaba::clock::{NeverBack, SharedClock};
use gaba::config::{Config, LaneConfig};
use gaba::engine::{Engine, Rails, ReceiptInbox, Wake, Works};
use gaba::queue::{self, Work};
use gaba::rail::{SmsRail, TelcoRail};
use gaba::sheet::Program;
use gaba::store::sqlite::SqliteStore;
use gaba::store::{SharedStore, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a step may take on a busy machine before something must be stuck.
const PATIENCE: Duration = Duration::from_secs(60);

pub const LANES: [&str; 2] = ["north", "south"];
pub const SMS_LANE: &str = "blasta";

/// The provider of `north` remembers references for a day, so that a request may be sent again; that of `south` pays
/// whatever it is asked to, and is asked once.
const CONFIG: &str = r#"
[[lanes]]
name = "north"
rail = "http"
base_url = "http://127.0.0.1:1"
currency = "UGX"
country = "UG"
prefixes = ["25677"]
query_rate_per_second = 1000000
poll_after = ["60s", "120s", "300s"]
idempotent_for = "24h"
resend_after = "300s"
unknown_after = "20h"
attempts_max = 3
backoff_min = "2s"
backoff_max = "40s"
lease = "60s"
request_timeout = "20s"
callbacks = "capability"

[[lanes]]
name = "south"
rail = "http"
base_url = "http://127.0.0.1:1"
currency = "UGX"
country = "UG"
prefixes = ["25675"]
query_rate_per_second = 1000000
poll_after = ["60s", "120s", "300s"]
unknown_after = "20h"
attempts_max = 3
backoff_min = "2s"
backoff_max = "40s"
lease = "60s"
request_timeout = "20s"
callbacks = "capability"

[[lanes]]
name = "blasta"
rail = "sms-http"
base_url = "http://127.0.0.1:1"
price_per_segment = "35"
"#;

/// The configuration that a process in this folder has.
pub fn config(folder: &Path) -> Config {
    let mut config = Config::parse(CONFIG).unwrap();
    config.data_dir = folder.to_owned();
    for lane in &mut config.lanes {
        // What waits in the clock of the machine would take its time.
        lane.query_rate_per_second = None;
        lane.rate_per_second = None;
    }
    config
}

struct Simulated(Arc<Board>);

impl Simulated {
    fn rail(&self, lane: &LaneConfig) -> Arc<SimulatedRail> {
        Arc::new(SimulatedRail { lane: lane.name.clone(), board: self.0.clone() })
    }
}

impl Rails for Simulated {
    fn telco(&self, lane: &LaneConfig) -> Option<Arc<dyn TelcoRail>> {
        (lane.name != SMS_LANE).then(|| self.rail(lane) as Arc<dyn TelcoRail>)
    }

    fn sms(&self, lane: &LaneConfig) -> Option<Arc<dyn SmsRail>> {
        (lane.name == SMS_LANE).then(|| self.rail(lane) as Arc<dyn SmsRail>)
    }
}

/// What a living process has.
pub struct Life {
    pub store: SharedStore,
    pub config: Arc<Config>,
    pub works: Works,
    pub inbox: ReceiptInbox,
    pub wake: Wake,
    pub board: Arc<Board>,
}

pub struct Process {
    life: Option<Life>,
    runtime: Option<Runtime>,
    faults: Faults,
}

/// What came of something that the process was to do.
pub enum Ran<T> {
    Done(T),
    /// The process crashed in the middle of it.
    Crashed,
}

impl Process {
    /// A process takes over what lies in the folder. A crash while it starts is told as `None`.
    pub fn start(folder: &Path, clock: Arc<VirtualClock>, faults: Faults) -> Option<Process> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut process = Process { life: None, runtime: Some(runtime), faults };
        match process.run(begin(folder, clock)) {
            Ran::Done(life) => {
                process.life = Some(life);
                Some(process)
            }
            Ran::Crashed => None,
        }
    }

    pub fn life(&self) -> &Life {
        self.life.as_ref().expect("a process lives until it is dropped")
    }

    /// Runs what the process does until it is done, or the process crashes.
    pub fn run<T>(&self, act: impl Future<Output = T>) -> Ran<T> {
        let runtime = self.runtime.as_ref().expect("a process lives until it is dropped");
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.faults.crash() => Ran::Crashed,
                done = act => Ran::Done(done),
                () = tokio::time::sleep(PATIENCE) => panic!("nothing moves for {PATIENCE:?}"),
            }
        })
    }

    /// Acts on claimed rows, each in a task of its own, until each has made its call or come to its end.
    pub fn act_on<W: Work>(&self, work: &Arc<W>, rows: Vec<W::Row>) -> Ran<()> {
        let board = self.life().board.clone();
        let told = board.told() + rows.len();
        self.run(async {
            for row in rows {
                let (work, board) = (work.clone(), board.clone());
                tokio::spawn(async move {
                    queue::act_on(&work, row).await;
                    board.ended();
                });
            }
            board.until(told).await;
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let entered = runtime.enter();
        self.life = None;
        drop(entered);
        runtime.shutdown_background();
    }
}

async fn begin(folder: &Path, clock: Arc<VirtualClock>) -> Life {
    loop {
        match life(folder, clock.clone()).await {
            Ok(life) => return life,
            // A process that cannot begin is started again.
            Err(gaba::engine::EngineError::Store(StoreError::Unavailable(_))) => {}
            Err(e) => panic!("the process does not start: {e}"),
        }
    }
}

async fn life(folder: &Path, clock: Arc<VirtualClock>) -> Result<Life, gaba::engine::EngineError> {
    let config = Arc::new(config(folder));
    let shared: SharedClock = Arc::new(NeverBack::new(clock.clone()));
    let url = format!("sqlite://{}", folder.join("gaba.db").display());
    let store: SharedStore = Arc::new(SqliteStore::open(&url, shared.clone()).await?);
    let board = Board::new(clock);
    let rails = Simulated(board.clone());
    // Lists are CSV: nobody is asked to read a spreadsheet.
    let sheets = Program::new("no-such-program");
    let engine = Engine::start_with(store.clone(), config.clone(), shared, sheets, &rails).await?;
    let mut works = engine.works(&CancellationToken::new());
    works.submit.sort_by(|a, b| a.0.name().cmp(b.0.name()));
    works.query.sort_by(|a, b| a.0.name().cmp(b.0.name()));
    let wake = engine.wake();
    let inbox = ReceiptInbox::new(store.clone(), wake.clone());
    Ok(Life { store, config, works, inbox, wake, board })
}

/// Where a database lives: in memory, where the machine has a file system for that.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(format!("gaba-simulation-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The files as they lie there at this moment.
    pub fn copy(&self) -> Folder {
        let copy = Folder::new();
        for file in ["gaba.db", "gaba.db-wal"] {
            let from = self.0.join(file);
            if from.exists() {
                std::fs::copy(from, copy.0.join(file)).unwrap();
            }
        }
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
