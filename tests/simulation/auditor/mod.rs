//! The auditor: it reads the rows as they lie in the database, and the books of provider and gateway, and reckons for
//! itself what must hold. It shares no code with the ledger, the store or the model.
//!
//! | | what |
//! |---|---|
//! | I1 | nobody is paid twice, but where the provider itself had said "failed", or two people had said so (`outside`) |
//! | I2 | at rest, who was paid is who we say was paid (`outside`) |
//! | I3 | whatever is sent was committed before, byte for byte ([`Auditor::committed`]) |
//! | I4 | every row is counted, once (`rows`) |
//! | I5 | balances are the sums of transfers and never below zero (`money`) |
//! | I6 | what was set aside was paid, released, or is still held, row by row (`money`) |
//! | I7 | nothing leaves its end, but by people (`history`) |
//! | I8 | one attempt is open at most, one succeeded at most (`rows`) |
//! | I9 | nothing unfinished is forgotten: it is due, or waits for people (`rows`); what is due is claimed (`due`) |
//! | I10 | no message is shown twice (`outside`); the chain of the audit trail holds (`chain`) |

mod chain;
mod due;
mod history;
mod money;
mod outside;
mod rows;
pub mod snapshot;

use super::gateway::Gateway;
use super::provider::Provider;
use crate::support::walks::Wrong;
use history::History;
use snapshot::Snapshot;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
use std::path::Path;
use tokio::runtime::Runtime;
use uuid::Uuid;

pub struct Auditor {
    runtime: Runtime,
    connection: Option<SqliteConnection>,
    /// Rises when anybody else has committed.
    version: i64,
    pub now: Snapshot,
    history: History,
    chain: chain::Chain,
    /// Entries of the audit trail when it was last followed.
    entries: i64,
}

impl Auditor {
    pub fn new() -> Auditor {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Auditor {
            runtime,
            connection: None,
            version: -1,
            now: Snapshot::default(),
            history: History::default(),
            chain: chain::Chain::default(),
            entries: 0,
        }
    }

    /// Looks into the files of this folder from now on.
    pub fn open(&mut self, folder: &Path) {
        let options = SqliteConnectOptions::new().filename(folder.join("gaba.db")).read_only(true);
        self.connection = Some(self.runtime.block_on(options.connect()).unwrap());
        self.version = -1;
    }

    /// After every step. `people`: they had a hand in it.
    pub fn look(&mut self, people: bool, provider: &Provider, gateway: &Gateway) -> Result<(), Wrong> {
        let connection = self.connection.as_mut().expect("the auditor has a database to look into");
        let version = self.runtime.block_on(snapshot::version(connection))?;
        if version != self.version {
            self.version = version;
            self.runtime.block_on(self.now.read(connection))?;
            rows::check(&self.now)?;
            money::check(&self.now)?;
            self.history.check(&self.now, people)?;
            if self.now.entries != self.entries {
                self.entries = self.now.entries;
                self.runtime.block_on(self.chain.check(connection))?;
            }
        }
        outside::check(&self.now, provider, gateway)
    }

    /// When nothing is on its way any more, and everything was told.
    pub fn at_rest(&mut self, provider: &Provider) -> Result<(), Wrong> {
        let connection = self.connection.as_mut().expect("the auditor has a database to look into");
        self.runtime.block_on(chain::Chain::default().check(connection))?;
        outside::at_rest(&self.now, provider)
    }

    /// I3: what is sent under this reference was committed before, as it is sent.
    pub fn committed(&mut self, reference: Uuid, body: Option<&str>) -> Result<(), Wrong> {
        let connection = self.connection.as_mut().expect("the auditor has a database to look into");
        let found = sqlx::query("SELECT request ->> 'body' FROM attempts WHERE reference = $1").bind(reference);
        let found = self.runtime.block_on(found.fetch_optional(connection)).map_err(|e| e.to_string())?;
        let found: Option<String> = found.map(|row| row.get(0));
        match found {
            None => Err(format!("I3: {reference} is sent and stands in no attempt")),
            Some(request) if body.is_some_and(|body| body != request) => {
                Err(format!("I3: {reference} is sent as {body:?} and was committed as {request}"))
            }
            Some(_) => Ok(()),
        }
    }

    /// I10: a text is sent only of a message that is claimed as being sent, or that nobody will send again.
    pub fn being_sent(&mut self, message: Uuid) -> Result<(), Wrong> {
        let connection = self.connection.as_mut().expect("the auditor has a database to look into");
        let found = sqlx::query("SELECT state FROM messages WHERE id = $1").bind(message);
        let found = self.runtime.block_on(found.fetch_optional(connection)).map_err(|e| e.to_string())?;
        match found.map(|row| row.get::<String, _>(0)).as_deref() {
            Some("sending" | "unknown") => Ok(()),
            state => Err(format!("I10: message {message} is sent while it is {state:?}")),
        }
    }

    /// I9: what may be claimed now, each with its claim; see [`due`].
    pub fn due(&mut self, what: due::What, lane: &str, now: i64) -> Result<due::Due, Wrong> {
        let connection = self.connection.as_mut().expect("the auditor has a database to look into");
        self.runtime.block_on(due::read(connection, what, lane, now))
    }

    /// I9: a claim that had room for more left none of them alone.
    pub fn claimed(&mut self, before: &due::Due) -> Result<(), Wrong> {
        let connection = self.connection.as_mut().expect("the auditor has a database to look into");
        self.runtime.block_on(due::left_alone(connection, before))
    }
}

pub use due::What;
