//! What the workers of the process do.

use super::super::auditor::What;
use super::super::board::{Asked, Call, Reply};
use super::super::command::Way;
use super::super::process::{LANES, Ran};
use super::super::provider::{Fate, Transit, unknown};
use super::{Hand, World};
use crate::support::walks::Wrong;
use gaba::clock::Clock;
use gaba::lane::gate::{Gate, LaneGate};
use gaba::queue::{self, Work};
use gaba::rail::{Executed, Outcome, Reason, SmsOutcome};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a request may take: `request_timeout` of every lane.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Ends the step with the process, if it has crashed.
macro_rules! alive {
    ($ran:expr) => {
        match $ran {
            Ran::Done(done) => done,
            Ran::Crashed => return Ok(Ran::Crashed),
        }
    };
}
pub(super) use alive;

/// What a claimer got: how many rows it had room for, and the rows.
type Claimed<R> = Option<(u32, Vec<R>)>;

impl World {
    pub(super) fn import(&mut self) -> Result<Ran<()>, Wrong> {
        let work = self.process().life().works.import.clone();
        let rows = match alive!(self.process().run(work.claim(1))) {
            Ok(rows) => rows,
            Err(e) => return self.trouble("claiming an import", &e).map(Ran::Done),
        };
        Ok(self.process().run(async {
            for batch in rows {
                queue::act_on(&work, batch).await;
            }
        }))
    }

    pub(super) fn drive(&mut self, rows: u32) -> Result<Ran<()>, Wrong> {
        let life = self.process().life();
        Ok(match self.process().run(gaba::workers::batch::round(&life.store, &life.wake, rows)) {
            Ran::Done(_) => Ran::Done(()),
            Ran::Crashed => Ran::Crashed,
        })
    }

    /// As a claimer does: as many as the gate lets through.
    fn claim<W: Work>(&mut self, work: &Arc<W>, gate: &Arc<LaneGate>, n: u32) -> Result<Ran<Claimed<W::Row>>, Wrong> {
        let passed = alive!(self.process().run(async {
            let now = std::future::ready(None);
            tokio::select! {
                biased;
                n = gate.pass(n as usize) => Some(n),
                none = now => none,
            }
        }));
        let Some(allowed) = passed else {
            self.tell("the breaker holds");
            return Ok(Ran::Done(None));
        };
        match alive!(self.process().run(work.claim(allowed as u32))) {
            Ok(rows) => {
                gate.used(allowed, rows.len());
                Ok(Ran::Done(Some((allowed as u32, rows))))
            }
            Err(e) => {
                self.trouble(work.name(), &e)?;
                Ok(Ran::Done(None))
            }
        }
    }

    pub(super) fn send(&mut self, lane: usize, n: u32, wait: bool) -> Result<Ran<()>, Wrong> {
        let lane = lane % LANES.len();
        let (work, gate) = self.process().life().works.submit[lane].clone();
        let due = self.auditor.due(What::Send, LANES[lane], self.now())?;
        let Some((allowed, rows)) = alive!(self.claim(&work, &gate, n)?) else { return Ok(Ran::Done(())) };
        if (rows.len() as u32) < allowed && due.len() <= allowed as usize {
            self.auditor.claimed(&due)?;
        }
        let hands = rows.into_iter().map(|row| Hand::Send(lane, row)).collect();
        self.begin_unless(wait, hands)
    }

    pub(super) fn ask(&mut self, lane: usize, n: u32, wait: bool) -> Result<Ran<()>, Wrong> {
        let lane = lane % LANES.len();
        let (work, gate) = self.process().life().works.query[lane].clone();
        let due = self.auditor.due(What::Ask, LANES[lane], self.now())?;
        let Some((allowed, rows)) = alive!(self.claim(&work, &gate, n)?) else { return Ok(Ran::Done(())) };
        if (rows.len() as u32) < allowed && due.len() <= allowed as usize {
            self.auditor.claimed(&due)?;
        }
        let hands = rows.into_iter().map(|row| Hand::Ask(lane, row)).collect();
        self.begin_unless(wait, hands)
    }

    pub(super) fn text(&mut self, n: u32, wait: bool) -> Result<Ran<()>, Wrong> {
        let (work, gate) = self.process().life().works.message[0].clone();
        let Some((_, rows)) = alive!(self.claim(&work, &gate, n)?) else { return Ok(Ran::Done(())) };
        let hands = rows.into_iter().map(Hand::Text).collect();
        self.begin_unless(wait, hands)
    }

    fn begin_unless(&mut self, wait: bool, mut hands: Vec<Hand>) -> Result<Ran<()>, Wrong> {
        hands.sort_by_key(Hand::place);
        if wait {
            self.hands.extend(hands);
            return Ok(Ran::Done(()));
        }
        self.begin_with(hands)
    }

    /// Begins with rows that were claimed some time ago, or gives them back.
    pub(super) fn begin(&mut self, n: usize, give_back: bool) -> Result<Ran<()>, Wrong> {
        let n = n.min(self.hands.len());
        let hands: Vec<Hand> = self.hands.drain(..n).collect();
        if !give_back {
            return self.begin_with(hands);
        }
        let works = &self.process().life().works;
        Ok(self.process().run(async {
            for hand in &hands {
                match hand {
                    Hand::Send(lane, row) => works.submit[*lane].0.give_back(row).await,
                    Hand::Ask(lane, row) => works.query[*lane].0.give_back(row).await,
                    Hand::Text(row) => works.message[0].0.give_back(row).await,
                }
            }
        }))
    }

    fn begin_with(&mut self, hands: Vec<Hand>) -> Result<Ran<()>, Wrong> {
        let before = self.calls();
        for hand in hands {
            let (left, calls) = (hand.lease_left(self.clock.monotonic()), self.calls());
            let works = &self.process().life().works;
            let ran = match hand {
                Hand::Send(lane, row) => self.process().act_on(&works.submit[lane].0, vec![row]),
                Hand::Ask(lane, row) => self.process().act_on(&works.query[lane].0, vec![row]),
                Hand::Text(row) => self.process().act_on(&works.message[0].0, vec![row]),
            };
            alive!(ran);
            if left.is_some_and(|left| left <= REQUEST_TIMEOUT) && self.calls() > calls {
                return Err(format!("lease: a request was sent with {left:?} left of its claim"));
            }
        }
        let board = self.process().life().board.clone();
        for call in &board.calls.lock().unwrap()[before..] {
            match &call.asked {
                Asked::Submit { reference, body } => self.auditor.committed(*reference, Some(body))?,
                Asked::Query { reference } => self.auditor.committed(*reference, None)?,
                Asked::Send { message } => self.auditor.being_sent(*message)?,
            }
        }
        Ok(Ran::Done(()))
    }

    /// Answers calls, all at once: whoever hears of it records it together with the others.
    pub(super) fn answer(&mut self, calls: &[(usize, Way, Fate)]) -> Result<Ran<()>, Wrong> {
        let board = self.process().life().board.clone();
        let mut replies = Vec::new();
        for (which, way, fate) in calls {
            let call = {
                let mut calls = board.calls.lock().unwrap();
                let Some(which) = super::pick(*which, calls.len()) else { break };
                calls.remove(which)
            };
            let reply = self.reply(&call, *way, *fate)?;
            replies.push((call, reply));
        }
        let told = board.told() + replies.len();
        Ok(self.process().run(async move {
            for (call, reply) in replies {
                call.answer(reply);
            }
            board.until(told).await;
        }))
    }

    fn reply(&mut self, call: &Call, way: Way, fate: Fate) -> Result<Reply, Wrong> {
        let word = format!("{way:?}");
        self.tell(&format!("way: {}", word.split(' ').next().unwrap_or_default()));
        match &call.asked {
            Asked::Submit { reference, body } => {
                let request =
                    Transit { lane: call.lane.clone(), reference: *reference, body: body.clone(), sent_at: call.at };
                self.submitted(request, way, fate)
            }
            Asked::Query { reference } => Ok(self.queried(*reference, way)),
            Asked::Send { message } => {
                let message = *message;
                Ok(self.texted(message, way))
            }
        }
    }

    fn submitted(&mut self, request: Transit, way: Way, fate: Fate) -> Result<Reply, Wrong> {
        let now = self.clock.passed();
        let mut arrive = |request, settled| self.provider.arrive(request, fate, settled, now);
        let outcome = match way {
            Way::Refused | Way::Behind => Outcome::NotSent { reason: Reason::new("connect", "nobody listens") },
            Way::Barred { perhaps } => {
                let executed = if perhaps { Executed::Perhaps } else { Executed::No };
                if perhaps {
                    arrive(request, false)?;
                }
                Outcome::LaneBlocked { reason: Reason::new("NOT_ALLOWED", "the account is barred"), executed }
            }
            Way::Panic { after } => {
                if after {
                    arrive(request, false)?;
                }
                return Ok(Reply::Panic);
            }
            Way::TurnedDown { retryable } => {
                Outcome::Failed { reason: Reason::new("NOT_NOW", "such a payment is not taken"), retryable }
            }
            Way::Lost => unknown("http_502"),
            Way::Late => {
                self.provider.transit.push(request);
                unknown("timeout")
            }
            Way::Through { settled, heard } => match arrive(request, settled)? {
                Some(told) if heard => told,
                _ => unknown("timeout"),
            },
        };
        Ok(Reply::Telco(outcome))
    }

    fn queried(&mut self, reference: uuid::Uuid, way: Way) -> Reply {
        let now = self.clock.passed();
        Reply::Telco(match way {
            Way::Refused | Way::TurnedDown { .. } | Way::Lost | Way::Late | Way::Through { heard: false, .. } => {
                unknown("timeout")
            }
            Way::Barred { .. } => Outcome::LaneBlocked {
                reason: Reason::new("NOT_ALLOWED", "the account is barred"),
                executed: Executed::Perhaps,
            },
            Way::Panic { .. } => return Reply::Panic,
            Way::Behind => self.provider.asked(reference, true, now),
            Way::Through { .. } => self.provider.asked(reference, false, now),
        })
    }

    fn texted(&mut self, message: uuid::Uuid, way: Way) -> Reply {
        let reason = || Reason::new("gateway", "so the gateway says");
        Reply::Gateway(match way {
            Way::Refused => SmsOutcome::NotSent { reason: reason() },
            Way::Barred { perhaps: false } | Way::TurnedDown { .. } | Way::Behind => {
                SmsOutcome::Rejected { reason: reason() }
            }
            Way::Barred { perhaps: true } | Way::Lost => SmsOutcome::Unknown { reason: reason() },
            Way::Panic { after } => {
                if after {
                    self.gateway.show(message);
                }
                return Reply::Panic;
            }
            Way::Late => {
                self.gateway.show(message);
                SmsOutcome::Unknown { reason: reason() }
            }
            Way::Through { heard, .. } => {
                self.gateway.show(message);
                let submitted = SmsOutcome::Submitted { gateway_id: Some(format!("G-{}", self.gateway.order.len())) };
                if heard { submitted } else { SmsOutcome::Unknown { reason: reason() } }
            }
        })
    }

    /// Receipts are claimed and applied together.
    pub(super) fn read(&mut self, n: u32) -> Result<Ran<()>, Wrong> {
        let work = self.process().life().works.receipt.clone();
        match alive!(self.process().run(work.claim(n))) {
            Ok(rows) => Ok(self.process().act_on(&work, rows)),
            Err(e) => self.trouble("claiming receipts", &e).map(Ran::Done),
        }
    }
}

impl Hand {
    /// Of one that sends something.
    fn lease_left(&self, now: Instant) -> Option<Duration> {
        match self {
            Hand::Send(_, row) => Some(row.lease_until.saturating_duration_since(now)),
            Hand::Text(row) => Some(row.lease_until.saturating_duration_since(now)),
            Hand::Ask(..) => None,
        }
    }

    /// Its batch and row: claims come in an order that is nobody's to know.
    fn place(&self) -> (uuid::Uuid, u32) {
        match self {
            Hand::Send(_, row) => (row.payout.batch, row.payout.row),
            Hand::Ask(_, row) => (row.payout.batch, row.payout.row),
            Hand::Text(row) => (row.message.batch, row.message.row),
        }
    }
}
