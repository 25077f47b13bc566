//! The world of a walk: the process and its files, the provider, the gateway, the people, and the auditor who looks at it all.

mod engine;
mod outside;
mod people;

use super::auditor::Auditor;
use super::board::Asked;
use super::clock::{Micros, VirtualClock};
use super::command::{Command, Person, Step};
use super::faulty::{Faults, How};
use super::gateway::Gateway;
use super::process::{Folder, Process, Ran};
use super::provider::{Provider, Transit};
use super::refusals::Refusals;
use crate::support::walks::Tally;
use crate::support::walks::Wrong;
use gaba::clock::Clock;
use gaba::money::Currency;
use gaba::org::{Principal, Role, keys};
use gaba::payout::{Enquiry, Submission};
use gaba::receipt::NewReceipt;
use gaba::sms::Dispatch;
use gaba::store::StoreError;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

const ORGS: usize = 2;

/// A claimed row that nobody has begun with.
pub enum Hand {
    Send(usize, Submission),
    Ask(usize, Enquiry),
    Text(Dispatch),
}

/// An organisation and those who act for it.
pub struct Tenant {
    id: Uuid,
    maker: Principal,
    checker: Principal,
    finance: Principal,
    operator: Principal,
}

impl Tenant {
    fn person(&self, person: Person) -> &Principal {
        match person {
            Person::Maker => &self.maker,
            Person::Checker => &self.checker,
            Person::Finance => &self.finance,
        }
    }
}

pub struct World {
    // Before the folder that it works in.
    process: Option<Process>,
    folder: Folder,
    clock: Arc<VirtualClock>,
    pub faults: Faults,
    tenants: Vec<Tenant>,
    lists: Vec<people::List>,
    pub provider: Provider,
    pub gateway: Gateway,
    pub hands: Vec<Hand>,
    pub posted: Vec<NewReceipt>,
    pub auditor: Auditor,
    pub tally: Tally,
    /// What was told of each entry of the provider's book at the end: whether it paid.
    pub told: BTreeMap<usize, Option<bool>>,
    refusals: Refusals,
    counter: u64,
}

impl World {
    /// An empty installation. `seed` settles what kind of provider it meets.
    pub fn new(seed: u64, refusals: Refusals) -> World {
        gaba::chance::seed(Some(seed));
        let (folder, clock, faults) = (Folder::new(), Arc::new(VirtualClock::new()), Faults::begin());
        let process = Process::start(folder.path(), clock.clone(), faults.clone());
        let mut world = World {
            process,
            folder,
            clock,
            faults,
            tenants: Vec::new(),
            lists: Vec::new(),
            provider: Provider { forgets: seed.is_multiple_of(3), ..Provider::default() },
            gateway: Gateway::default(),
            hands: Vec::new(),
            posted: Vec::new(),
            auditor: Auditor::new(),
            tally: Tally::new(),
            told: BTreeMap::new(),
            refusals,
            counter: 0,
        };
        for n in 0..ORGS {
            let tenant = world.tenant(n);
            world.tenants.push(tenant);
        }
        world.auditor.open(world.folder.path());
        world
    }

    fn tenant(&self, n: usize) -> Tenant {
        let store = self.process().life().store.clone();
        let made = self.process().run(async move {
            let id = store.create_organisation(&format!("Tenant {n}"), Currency::Ugx).await.unwrap().id;
            let mut people = Vec::new();
            for role in [Role::Maker, Role::Checker, Role::Finance] {
                let email = format!("{}@example.org", role.name());
                store.add_member(id, &email, role).await.unwrap();
                let key = keys::generate();
                store.create_key(id, role, Some(&email), key.hash, &key.prefix).await.unwrap();
                people.push(store.principal(key.hash).await.unwrap().unwrap());
            }
            (id, people)
        });
        let Ran::Done((id, people)) = made else { unreachable!("nothing is armed yet") };
        let [maker, checker, finance] = people.try_into().unwrap();
        Tenant { id, maker, checker, finance, operator: Principal::operator(id) }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a process is always there between steps")
    }

    /// Calls in flight.
    pub fn calls(&self) -> usize {
        self.process().life().board.calls.lock().unwrap().len()
    }

    /// Takes one step, and has everything looked at that it may have changed.
    pub fn step(&mut self, step: &Step) -> Result<(), Wrong> {
        self.clock.pass(1_000);
        self.tell(&step.command.name());
        let people = matches!(step.command, Command::Verdict { .. } | Command::Act { .. });
        self.faults.arm(step.fault);
        let crashed = self.take(&step.command)?;
        let fault = self.faults.disarm();
        if let Some(fault) = fault {
            self.tell(&format!("fault: {:?} at {}", fault.how, fault.point.name()));
        }
        if crashed.is_crash() || fault.is_some_and(|fault| fault.how == How::Crash) {
            self.crash()?;
        }
        if self.refusals.any() {
            return Err("the database refused to record an outcome".into());
        }
        self.auditor.look(people, &self.provider, &self.gateway)
    }

    fn take(&mut self, command: &Command) -> Result<Ran<()>, Wrong> {
        match command {
            Command::Fund { org, amount, reference } => self.fund(*org, *amount, *reference),
            Command::Upload { org, rows, bad, sms, notify, later, seed } => {
                let list = people::List::new(self, *org, *rows, *bad, *sms, *notify, *later, *seed);
                self.lists.push(list);
                self.upload(self.lists.len() - 1, true)
            }
            Command::UploadAgain { batch, same } => match batch.checked_rem(self.lists.len()) {
                Some(list) => self.upload(list, *same),
                None => Ok(Ran::Done(())),
            },
            Command::Import => self.import(),
            Command::Correct { batch, row, how } => self.correct(*batch, *row, *how),
            Command::Act { batch, by, act } => self.act(*batch, *by, *act),
            Command::Verdict { case, by, verdict } => self.verdict(*case, *by, *verdict),
            Command::Drive { rows } => self.drive(*rows),
            Command::Send { lane, n, wait } => self.send(*lane, *n, *wait),
            Command::Ask { lane, n, wait } => self.ask(*lane, *n, *wait),
            Command::Text { n, wait } => self.text(*n, *wait),
            Command::Begin { n, give_back } => self.begin(*n, *give_back),
            Command::Answer { calls } => self.answer(calls),
            Command::Arrive { which, fate } => self.arrive(*which, *fate),
            Command::Settle { which } => self.settle(*which),
            Command::Contradict { which } => self.contradict(*which),
            Command::Receipt { which, tale } => self.receipt(*which, *tale),
            Command::ReceiptAgain { which } => self.receipt_again(*which),
            Command::Shown { which, delivered, forged } => self.shown(*which, *delivered, *forged),
            Command::Read { n } => self.read(*n),
            Command::Wait { span } => {
                self.clock.pass(*span);
                Ok(Ran::Done(()))
            }
            Command::SetClock { wrong } => {
                self.clock.set_wrong(*wrong);
                Ok(Ran::Done(()))
            }
            Command::Crash => Ok(Ran::Crashed),
        }
    }

    /// The process is gone as by `kill -9`: another one begins with the files as they lie there. What it had sent may be
    /// still on its way.
    fn crash(&mut self) -> Result<(), Wrong> {
        let calls = std::mem::take(&mut *self.process().life().board.calls.lock().unwrap());
        // That a clock was set back while nobody looked at it, nobody can know.
        self.clock.catch_up();
        let folder = self.folder.copy();
        self.process = None;
        self.folder = folder;
        self.hands.clear();
        for call in calls {
            match call.asked {
                Asked::Submit { reference, body } => {
                    self.provider.transit.push(Transit { lane: call.lane, reference, body, sent_at: call.at });
                }
                // Every second text is out before the process is gone.
                Asked::Send { message } if self.next().is_multiple_of(2) => self.gateway.show(message),
                Asked::Send { .. } | Asked::Query { .. } => {}
            }
        }
        self.process = Process::start(self.folder.path(), self.clock.clone(), self.faults.clone());
        self.auditor.open(self.folder.path());
        self.tell("a crash");
        Ok(())
    }

    fn now(&self) -> Micros {
        self.clock.now().micros()
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub fn tell(&mut self, what: &str) {
        *self.tally.entry(what.to_owned()).or_default() += 1;
    }

    /// Trouble is no answer, but where this step was to bring it; a database that refuses what the engine asks is wrong.
    fn trouble(&self, what: &str, e: &StoreError) -> Result<(), Wrong> {
        match e {
            StoreError::Unavailable(_) if self.faults.fired() => Ok(()),
            StoreError::Unavailable(_) | StoreError::Rejected(_) => Err(format!("{what}: {e}")),
            StoreError::NotFound | StoreError::Refused(_) | StoreError::Fenced => Ok(()),
        }
    }
}

impl<T> Ran<T> {
    pub fn is_crash(&self) -> bool {
        matches!(self, Ran::Crashed)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        gaba::faults::script(None);
        gaba::chance::seed(None);
    }
}

/// An index into what there is.
fn pick(index: usize, of: usize) -> Option<usize> {
    index.checked_rem(of)
}
