//! What workers do: claim, reach the provider or not, record.

use super::super::command::Way;
use super::super::lane::*;
use super::super::news::{Heard, Words, listen};
use super::super::provider::{Fate, not_sent, unknown};
use super::super::rules::*;
use super::{Hand, World, pick, same};
use crate::support::walks::Wrong;
use gaba::payout::Payout;
use gaba::payout::resolve::{Observation, Source, ask_instead, decide};
use gaba::rail::{Answer, Executed, Outcome, Reason, Request, Transfer};
use gaba::store::{AskInstead, PayoutRecord, PrepareTransfer, Recorded};
use std::sync::Arc;

/// After so long nobody waits for an answer any more.
const FORGOTTEN_AFTER: Micros = 12 * 3600 * SECOND;
/// Answers that are kept to be repeated.
const SPENT_MAX: usize = 8;
/// Claims of so many rows leave none.
const ALL: u32 = 500;

impl World {
    fn at(&self, payout: &Payout) -> Result<At, Wrong> {
        self.rows_of.get(&payout.id).copied().ok_or_else(|| format!("payout {} is nobody's", payout.id))
    }

    fn take_in_hand(&mut self, at: At, by: By, payout: Payout) {
        let (id, row) = (self.next(), self.model.batches[at.0].rows[at.1].clone());
        self.hands.push(Hand { id, at, by, row, payout, claimed_at: self.model.now, answer: None });
    }

    pub(super) async fn claim(&mut self, lane: usize, n: u32) -> Result<bool, Wrong> {
        let lane = LANES[lane % LANES.len()];
        let offers = self.model.offers(lane);
        // Which resends a claim came across and gave back is not told: so it is given room for all of them.
        let n = if offers.asks.is_empty() { n } else { ALL };
        let prepare: PrepareTransfer = Arc::new(|t: &Transfer| Request { body: format!("{t:?}"), callback_url: None });
        let rule = self.conditions();
        let rule: AskInstead = Arc::new(move |payout, now, paused| ask_instead(payout, now, paused, rule));
        let claimed = self.store.claim_submissions(lane, n, lease(), prepare, rule).await.map_err(|e| e.to_string())?;
        let ats = claimed.iter().map(|s| self.at(&s.payout)).collect::<Result<Vec<_>, _>>()?;
        self.model.claimed(&offers, &ats, n as usize)?;
        for at in offers.asks {
            self.model.ask_instead(at);
        }
        for (at, submission) in ats.into_iter().zip(claimed) {
            self.model.send(at, &submission)?;
            same("its state", submission.payout.state.to_string(), "sending".to_owned())?;
            self.take_in_hand(at, By::Answer, submission.payout);
        }
        Ok(true)
    }

    pub(super) async fn ask(&mut self, lane: usize, n: u32) -> Result<bool, Wrong> {
        let lane = LANES[lane % LANES.len()];
        let (suspects, questions) = (self.model.suspects(lane), self.model.questions(lane));
        let claimed = self.store.claim_enquiries(lane, n, lease()).await.map_err(|e| e.to_string())?;
        let ats = claimed.iter().map(|e| self.at(&e.payout)).collect::<Result<Vec<_>, _>>()?;
        self.model.asked(&questions, &suspects, &ats, n as usize)?;
        for (at, enquiry) in ats.into_iter().zip(claimed) {
            self.model.ask(at, &enquiry)?;
            self.take_in_hand(at, By::Query, enquiry.payout);
        }
        Ok(true)
    }

    pub(super) fn contact(&mut self, hand: usize, way: Way, fate: Fate) -> Result<bool, Wrong> {
        let waiting: Vec<usize> = (0..self.hands.len()).filter(|&h| self.hands[h].answer.is_none()).collect();
        let Some(which) = pick(hand, waiting.len()) else { return Ok(false) };
        self.reach(waiting[which], way, fate)?;
        Ok(true)
    }

    /// What is in hand goes to the provider, or does not; what we learn of that is its answer.
    pub fn reach(&mut self, hand: usize, way: Way, fate: Fate) -> Result<(), Wrong> {
        let now = self.model.now;
        let Hand { at, by, payout, claimed_at, .. } = self.hands[hand].clone();
        let reason = || Reason::new("NOT_ALLOWED", "our account is barred");
        let answer = match way {
            // No send starts with less lease left than its own timeout.
            _ if by == By::Answer && now + TIMEOUT >= claimed_at + LEASE => not_sent(),
            Way::Refused if by == By::Answer => not_sent(),
            Way::Barred { perhaps: false } if by == By::Answer => {
                Outcome::LaneBlocked { reason: reason(), executed: Executed::No }
            }
            Way::Barred { .. } => Outcome::LaneBlocked { reason: reason(), executed: Executed::Perhaps },
            Way::Refused | Way::Lost => unknown(),
            Way::Panic { after } => {
                if after && by == By::Answer {
                    self.provider.arrive(at, &payout, fate, true, now)?;
                }
                Outcome::Unknown { reason: Reason::new("panic", "the worker failed") }
            }
            Way::Late if by == By::Answer => {
                self.provider.transit.push((at, payout, fate));
                unknown()
            }
            Way::Through { settled, heard } => {
                let told = match by {
                    By::Answer => self.provider.arrive(at, &payout, fate, settled, now)?,
                    _ => self.provider.asked(payout.reference(), now),
                };
                if heard { told } else { unknown() }
            }
            Way::Late => self.provider.asked(payout.reference(), now),
        };
        self.hands[hand].answer = Some(answer);
        Ok(())
    }

    pub(super) async fn record(&mut self, which: &[usize], twice: bool) -> Result<bool, Wrong> {
        let now = self.model.now;
        self.hands.retain(|h| now - h.claimed_at < FORGOTTEN_AFTER);
        let mut group: Vec<Hand> = Vec::new();
        for &index in which {
            let Some(hand) = pick(index, self.hands.len()) else { break };
            if self.hands[hand].answer.is_none() {
                let truth = Way::Through { settled: index % 3 > 0, heard: true };
                self.reach(hand, truth, Fate::Pays)?;
            }
            group.push(self.hands.swap_remove(hand));
        }
        if twice && let Some(first) = group.first().cloned() {
            group.push(first);
        }
        let done = !group.is_empty();
        self.record_group(&group).await?;
        self.spent.extend(group);
        let over = self.spent.len().saturating_sub(SPENT_MAX);
        self.spent.drain(..over);
        Ok(done)
    }

    pub(super) async fn repeat(&mut self, spent: usize) -> Result<bool, Wrong> {
        let now = self.model.now;
        self.spent.retain(|h| now - h.claimed_at < FORGOTTEN_AFTER);
        let Some(which) = pick(spent, self.spent.len()) else { return Ok(false) };
        let hand = self.spent[which].clone();
        self.record_group(&[hand]).await?;
        Ok(true)
    }

    async fn record_group(&mut self, group: &[Hand]) -> Result<(), Wrong> {
        let records: Vec<PayoutRecord> = group.iter().filter_map(|hand| self.record_of(hand)).collect();
        same("records", records.len(), group.len())?;
        let engine = self.store.record_payouts(records).await.map_err(|e| e.to_string())?;
        let mut model = Vec::with_capacity(group.len());
        for hand in group {
            model.push(self.recorded(hand));
        }
        self.model.end_act();
        same(format!("records of {:?}", group.iter().map(|h| h.at).collect::<Vec<_>>()), engine, model)
    }

    /// What workers would record, by the engine's own decision.
    fn record_of(&self, hand: &Hand) -> Option<PayoutRecord> {
        let (outcome, at) = (hand.answer.as_ref()?, self.time());
        let source = if hand.by == By::Answer { Source::Submit } else { Source::Query };
        let seen = Observation { outcome, source, attempt: hand.payout.attempt, at };
        Some(PayoutRecord {
            payout: hand.payout.clone(),
            change: decide(&hand.payout, seen, self.conditions())?,
            of_attempt: hand.payout.attempt,
            answer: Some(Answer { outcome: outcome.clone(), http_status: Some(200), response: None }),
            source: if hand.by == By::Answer { "submit" } else { "query" },
            at,
            sms_lane: Some(SMS_LANE.into()),
        })
    }

    /// The same by the model: under a claim that is not the present one nothing is changed, and what is definitive is kept.
    fn recorded(&mut self, hand: &Hand) -> Recorded {
        let (at, attempt) = (hand.at, hand.row.attempt);
        self.model.touched.insert(at.0);
        let Some(outcome) = &hand.answer else { return Recorded::Fenced };
        let words = Words { outcome, by: hand.by, attempt, asked: true };
        if self.model.batches[at.0].rows[at.1].version == hand.row.version {
            return match self.model.hear(at, words) {
                Heard::Changed => Recorded::Applied,
                Heard::Nothing | Heard::Settled => Recorded::Fenced,
            };
        }
        let (now, well) = (self.model.now, self.model.lane_is_well);
        let doubt = listen(&hand.row, words, now, well, false).and_then(|(_, doubt)| doubt);
        if !doubt.is_some_and(|doubt| self.model.is_settled(at, &doubt)) {
            self.model.keep(at, attempt, hand.id, outcome, hand.by);
        }
        Recorded::Fenced
    }

    pub(super) fn arrive(&mut self, which: usize) -> Result<bool, Wrong> {
        let Some(which) = pick(which, self.provider.transit.len()) else { return Ok(false) };
        let (at, payout, fate) = self.provider.transit.swap_remove(which);
        // A request does not wander about for longer than the provider remembers what it was.
        let sent = payout.sent_at.map_or(0, |sent| sent.micros());
        if self.model.now - sent < REMEMBERED / 2 {
            self.provider.arrive(at, &payout, fate, true, self.model.now)?;
        }
        Ok(true)
    }

    pub(super) fn settle(&mut self, which: usize) -> Result<bool, Wrong> {
        let pending: Vec<usize> = (0..self.provider.book.len()).filter(|&e| !self.provider.book[e].settled).collect();
        let Some(which) = pick(which, pending.len()) else { return Ok(false) };
        self.provider.settle(pending[which])?;
        Ok(true)
    }

    pub(super) fn contradict(&mut self, which: usize) -> Result<bool, Wrong> {
        let Some(which) = pick(which, self.provider.book.len()) else { return Ok(false) };
        self.provider.contradict(which);
        Ok(true)
    }
}
