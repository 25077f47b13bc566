//! The network behind the rails: takes what they understood, makes the knobs felt, and sets off what follows.

use super::Options;
use super::answers::Refusal;
use super::book::{Ask, Book, Taken};
use super::entry::{Details, Rail, State};
use super::knobs::{Control, Fault, Knobs};
use super::mtn_momo::Access;
use super::receipts::{AFTER_ANSWER_MS, Kind, Post, Receipts, Subject};
use super::server::HangUp;
use super::timer::{Event, Timer};
use super::webhook::Key;
use super::{answers, book};
use axum::response::Response;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a call that will never be answered is held.
const HANG: Duration = Duration::from_secs(60);

pub struct Network {
    pub book: Book,
    pub timer: Timer,
    pub receipts: Receipts,
    pub access: Access,
    pub stopping: CancellationToken,
    controls: [Control; Rail::ALL.len()],
}

/// Why a submit does not get the answer it asked for.
pub enum Stop {
    Limited,
    Fault(Fault),
}

impl Network {
    pub fn open(options: &Options) -> io::Result<Arc<Network>> {
        let key = Key::parse(&options.secret)?;
        let network = Network {
            book: Book::open(options.book.as_deref())?,
            timer: Timer::default(),
            receipts: Receipts::new(key)?,
            access: Access::default(),
            stopping: CancellationToken::new(),
            controls: Default::default(),
        };
        for (due_at, position) in network.book.pending() {
            network.timer.push(due_at, Event::Settle(position));
        }
        Ok(Arc::new(network))
    }

    pub fn start(self: &Arc<Self>) -> [JoinHandle<()>; 2] {
        [tokio::spawn(Timer::run(self.clone())), tokio::spawn(Receipts::run(self.clone()))]
    }

    pub fn control(&self, rail: Rail) -> &Control {
        &self.controls[rail as usize]
    }

    /// Whether our account may speak to this rail at all.
    pub fn admits(&self, rail: Rail) -> Result<(), Refusal> {
        if self.control(rail).knobs().barred {
            return Err(Refusal::new(403, "FORBIDDEN", "this account is barred"));
        }
        Ok(())
    }

    /// Notes a reference whose request was refused. Await before answering.
    pub async fn refused(&self, rail: Rail, reference: Option<Uuid>, details: Details) {
        if let Some(reference) = reference {
            self.book.see(rail, reference, details);
            self.book.durable().await;
        }
        self.dawdle(rail).await;
    }

    /// Takes a request on. What follows from it is set off before the first await: a client that goes away changes nothing.
    pub async fn submit(self: &Arc<Self>, ask: Ask) -> Result<Taken, Stop> {
        let (rail, reference) = (ask.rail, ask.reference);
        let control = self.control(rail);
        let knobs = control.knobs();
        if !control.permits(&knobs) {
            self.refused(rail, Some(reference), ask.details).await;
            return Err(Stop::Limited);
        }
        let forged_to = if knobs.is_forged(reference) { ask.callback.clone() } else { None };
        let taken = self.book.take(ask, control, &knobs);
        let early = if taken.fresh { self.follow(rail, reference, &taken, forged_to, &knobs) } else { None };
        self.book.durable().await;
        if let Some(early) = early {
            // Posted whether or not the client still waits.
            drop(early.await);
        }
        self.dawdle(rail).await;
        match taken.fault {
            None => Ok(taken),
            Some(fault) => Err(Stop::Fault(fault)),
        }
    }

    fn follow(
        self: &Arc<Self>,
        rail: Rail,
        reference: Uuid,
        taken: &Taken,
        forged_to: Option<Box<str>>,
        knobs: &Knobs,
    ) -> Option<JoinHandle<()>> {
        let (position, wait_ms) = (taken.position, knobs.slow_ms + AFTER_ANSWER_MS);
        if let Some(callback) = forged_to {
            self.plan_post(wait_ms, Post::new(position, Kind::Forged, callback.into(), 0));
        }
        if taken.state == State::Pending && taken.due_at > 0 {
            self.timer.push(taken.due_at, Event::Settle(position));
        }
        let callback = taken.callback.as_ref()?;
        let early = knobs.is_early(reference) && knobs.copies(reference) > 0;
        let subject = Subject { position, rail, reference, state: taken.state };
        self.plan_receipts(&subject, callback, knobs, wait_ms, early);
        let post = || Post::new(position, Kind::True, callback.clone(), 0);
        early.then(|| tokio::spawn(self.clone().post_early(post())))
    }

    /// For the timer: ends what is due and plans its receipts.
    pub fn settle(&self, positions: &[usize]) {
        if positions.is_empty() {
            return;
        }
        for settled in self.book.settle(positions) {
            let book::Settled { position, rail, reference, state, callback } = settled;
            if let Some(callback) = callback {
                let subject = Subject { position, rail, reference, state };
                self.plan_receipts(&subject, &callback, &self.control(rail).knobs(), 0, false);
            }
        }
    }

    /// The answer of a rail that does not answer as it should.
    pub async fn stopped(&self, rail: Rail, stop: Stop) -> Response {
        match stop {
            Stop::Limited => answers::too_many(rail),
            Stop::Fault(Fault::Error(flavour)) => answers::broken(rail, flavour),
            Stop::Fault(Fault::Hang) => {
                tokio::select! {
                    () = tokio::time::sleep(HANG) => {}
                    () = self.stopping.cancelled() => {}
                }
                HangUp::response()
            }
        }
    }

    pub async fn dawdle(&self, rail: Rail) {
        let slow_ms = self.control(rail).knobs().slow_ms;
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms)).await;
        }
    }
}
