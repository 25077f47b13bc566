//! The world of a walk: the store that is judged, the model that judges it, the provider, and what workers have in hand.

mod lanes;
mod lists;
mod people;
mod post;

use super::audit;
use super::books::{self, Books};
use super::cases::Person;
use super::command::Command;
use super::lane::*;
use super::provider::Provider;
use super::rules::*;
use crate::support::walks::Wrong;
use gaba::batch::Batch;
use gaba::clock::{Clock, SharedClock, Time};
use gaba::money::Currency;
use gaba::org::{Principal, Role, keys};
use gaba::payout::Payout;
use gaba::payout::resolve::Conditions;
use gaba::rail::Outcome;
use gaba::receipt::{ClaimedReceipt, NewReceipt};
use gaba::store::SharedStore;
use gaba::store::sqlite::SqliteStore;
use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

const BEGINNING: Micros = 1_800_000_000_000_000;
const ORGS: usize = 2;
const DATABASE: &str = "gaba.db";

/// Moves when a step does.
pub struct ManualClock {
    began: Instant,
    now: AtomicI64,
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.now.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Instant {
        self.began + Duration::from_micros((self.now.load(Ordering::Relaxed) - BEGINNING) as u64)
    }
}

/// An organisation and those who act for it.
pub struct Tenant {
    pub id: Uuid,
    maker: Principal,
    checker: Principal,
    operator: Principal,
}

impl Tenant {
    pub fn person(&self, person: Person) -> &Principal {
        match person {
            Person::Maker => &self.maker,
            Person::Checker => &self.checker,
        }
    }
}

/// Something claimed, on its way to the provider or back.
#[derive(Clone)]
pub struct Hand {
    id: u64,
    pub at: At,
    by: By,
    /// The row as it was claimed, and the payout as the store gave it.
    row: Row,
    payout: Payout,
    claimed_at: Micros,
    pub answer: Option<Outcome>,
}

/// An import that somebody works on.
pub struct Upload {
    batch: usize,
    version: u64,
    claimed: Batch,
}

/// A digest that somebody reckoned and has not written down.
pub struct Reckoned {
    batch: usize,
    revision: u64,
    shown: Batch,
    digest: String,
}

/// A claimed receipt.
pub struct Mail {
    which: usize,
    version: u64,
    receipt: ClaimedReceipt,
}

pub struct World {
    folder: Folder,
    pub store: SharedStore,
    clock: Arc<ManualClock>,
    pub tenants: Vec<Tenant>,
    pub model: Model,
    pub provider: Provider,
    pub hands: Vec<Hand>,
    pub spent: Vec<Hand>,
    pub uploads: Vec<Upload>,
    pub reckoned: Vec<Reckoned>,
    pub mail: Vec<Mail>,
    pub posted: Vec<NewReceipt>,
    pub rows_of: HashMap<Uuid, At>,
    /// Final states as they were last seen: nothing leaves one but by an act of people.
    pub finals: HashMap<At, String>,
    pub books: Books,
    counter: u64,
}

impl World {
    /// An empty installation. `seed` settles what kind of provider it meets.
    pub async fn new(seed: u64) -> World {
        let folder = Folder::new();
        let clock = Arc::new(ManualClock { began: Instant::now(), now: AtomicI64::new(BEGINNING) });
        let store = open(&folder.0, clock.clone()).await;
        let mut world = World {
            folder,
            store,
            clock,
            tenants: Vec::new(),
            model: Model { now: BEGINNING, lane_is_well: true, ..Model::default() },
            provider: Provider { forgets: seed.is_multiple_of(4), ..Provider::default() },
            hands: Vec::new(),
            spent: Vec::new(),
            uploads: Vec::new(),
            reckoned: Vec::new(),
            mail: Vec::new(),
            posted: Vec::new(),
            rows_of: HashMap::new(),
            finals: HashMap::new(),
            books: Books::default(),
            counter: 0,
        };
        world.books.open(&world.folder.0.join(DATABASE)).await;
        for n in 0..ORGS {
            let tenant = world.tenant(n).await;
            world.tenants.push(tenant);
            world.model.orgs.push(Org::default());
        }
        world
    }

    async fn tenant(&self, n: usize) -> Tenant {
        let id = self.store.create_organisation(&format!("Tenant {n}"), Currency::Ugx).await.unwrap().id;
        let (maker, checker) = (self.principal(id, Role::Maker).await, self.principal(id, Role::Checker).await);
        Tenant { id, maker, checker, operator: Principal::operator(id) }
    }

    async fn principal(&self, organisation: Uuid, role: Role) -> Principal {
        let email = format!("{}@example.org", role.name());
        self.store.add_member(organisation, &email, role).await.unwrap();
        let key = keys::generate();
        self.store.create_key(organisation, role, Some(&email), key.hash, &key.prefix).await.unwrap();
        self.store.principal(key.hash).await.unwrap().unwrap()
    }

    /// Takes one step in the store and in the model, and compares what it may have changed. Whether it found something to do.
    pub async fn step(&mut self, command: &Command) -> Result<bool, Wrong> {
        self.tick(1_000);
        self.model.touched.clear();
        let people = matches!(command, Command::Resolve { .. } | Command::Act { .. });
        let done = self.take(command).await?;
        books::follow(self).await?;
        audit::touched(self, people).await?;
        Ok(done)
    }

    async fn take(&mut self, command: &Command) -> Result<bool, Wrong> {
        use Command::*;
        match command {
            Fund { org, amount, reference } => self.fund(*org, *amount, *reference).await,
            Upload { org, rows, invalid, notify, later, seed } => {
                self.upload(*org, *rows, *invalid, *notify, *later, *seed).await
            }
            UploadAgain { batch, same } => self.upload_again(*batch, *same).await,
            ClaimImport => self.claim_import().await,
            ImportRows { hand, n, again } => self.import_rows(*hand, *n, *again).await,
            FinishImport { hand, wrong } => self.finish_import(*hand, *wrong).await,
            FailImport { hand } => self.fail_import(*hand).await,
            GiveBackImport { hand, seconds } => self.give_back_import(*hand, *seconds).await,
            Correct { batch, by, stranger, how } => self.correct(*batch, *by, *stranger, how).await,
            WriteDigest { which } => self.write_digest(*which).await,
            Act { batch, by, stranger, act } => self.act(*batch, *by, *stranger, *act).await,
            Resolve { case, by, word, stranger } => self.resolve(*case, *by, *word, *stranger).await,
            StartScheduled => self.start_scheduled().await,
            Sweep { n } => self.sweep(*n).await,
            Claim { lane, n } => self.claim(*lane, *n).await,
            Ask { lane, n } => self.ask(*lane, *n).await,
            Contact { hand, way, fate } => self.contact(*hand, *way, *fate),
            Record { hands, twice } => self.record(hands, *twice).await,
            Repeat { spent } => self.repeat(*spent).await,
            Arrive { which } => self.arrive(*which),
            Settle { which } => self.settle(*which),
            Contradict { which } => self.contradict(*which),
            Receipt { which, tale } => self.receipt(*which, *tale).await,
            ReceiptAgain { which } => self.receipt_again(*which).await,
            Stray { readable, which } => self.stray(*readable, *which).await,
            Collect { n } => self.collect(*n).await,
            Open { n, keep } => self.open(*n, *keep).await,
            Wait { seconds } => {
                self.tick(Micros::from(*seconds) * SECOND);
                Ok(true)
            }
            Breaker { closed } => {
                self.model.lane_is_well = *closed;
                Ok(true)
            }
            Crash { zombies } => self.crash(*zombies).await,
        }
    }

    fn tick(&mut self, micros: Micros) {
        self.model.now += micros;
        self.clock.now.store(self.model.now, Ordering::Relaxed);
    }

    pub fn time(&self) -> Time {
        Time(self.model.now)
    }

    fn conditions(&self) -> Conditions<'static> {
        Conditions { lane: &LANE_CONFIG, breaker_closed: self.model.lane_is_well, seed: self.model.now as u64 }
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The process dies as by `kill -9`: another one begins with the files as they lie there.
    async fn crash(&mut self, zombies: bool) -> Result<bool, Wrong> {
        let next = Folder::new();
        for file in [DATABASE, "gaba.db-wal"] {
            std::fs::copy(self.folder.0.join(file), next.0.join(file)).map_err(|e| format!("{file}: {e}"))?;
        }
        self.store = open(&next.0, self.clock.clone()).await;
        self.books.open(&next.0.join(DATABASE)).await;
        self.folder = next;
        self.store.take_over().await.map_err(|e| e.to_string())?;
        self.model.take_over();
        self.model.touched.extend(0..self.model.batches.len());
        if !zombies {
            self.hands.clear();
            self.mail.clear();
            self.uploads.clear();
            self.reckoned.clear();
        }
        Ok(true)
    }
}

async fn open(folder: &Path, clock: SharedClock) -> SharedStore {
    Arc::new(SqliteStore::open(&format!("sqlite://{}", folder.join(DATABASE).display()), clock).await.unwrap())
}

/// Where a database lives: in memory, where the machine has a file system for that.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(format!("gaba-model-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The engine's word against the model's.
pub fn same<T: PartialEq + Debug>(what: impl Display, engine: T, model: T) -> Result<(), Wrong> {
    if engine == model { Ok(()) } else { Err(format!("{what}: the engine says {engine:?}, the model {model:?}")) }
}

/// An index into what there is.
pub fn pick(index: usize, of: usize) -> Option<usize> {
    index.checked_rem(of)
}
