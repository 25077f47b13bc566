//! What the provider posts, and how it is applied.

use super::super::command::Tale;
use super::super::lane::*;
use super::super::provider::unknown;
use super::super::rules::*;
use super::{Mail, World, pick};
use crate::support::walks::Wrong;
use gaba::payout::resolve::{Source, decide};
use gaba::rail::{News, Outcome, Payment, RawReceipt};
use gaba::receipt::{ClaimedReceipt, JudgedReceipt, NewReceipt, Verdict};
use gaba::store::{DecideMessage, DecidePayout};
use std::sync::Arc;
use uuid::Uuid;

/// Receipts that may come again.
const POSTED_MAX: usize = 16;
const UNREADABLE: &[u8] = b"<html>";

impl World {
    pub(super) async fn receipt(&mut self, which: usize, tale: Tale) -> Result<bool, Wrong> {
        let Some(which) = pick(which, self.provider.book.len()) else { return Ok(false) };
        let truth = self.provider.tell(which);
        let entry = &self.provider.book[which];
        let (reference, row) = (entry.reference, &self.model.batches[entry.at.0].rows[entry.at.1]);
        let other_lane = LANES.iter().copied().find(|lane| *lane != row.lane).unwrap_or(row.lane);
        let lane = if matches!(tale, Tale::OtherLane) { other_lane } else { row.lane };
        let paid = |change: fn(&mut Payment)| {
            let mut payment = entry.payment();
            change(&mut payment);
            Outcome::Paid(payment)
        };
        let outcome = match tale {
            Tale::Incomplete if entry.paid() && which % 2 == 0 => paid(|p| p.amount_minor = None),
            Tale::Incomplete if entry.paid() => paid(|p| p.msisdn = None),
            Tale::OtherAmount => paid(|p| p.amount_minor = p.amount_minor.map(|minor| minor + 1)),
            Tale::OtherNumber => paid(|p| p.msisdn = Some("256772999999".into())),
            Tale::Unclear => unknown(),
            _ => truth,
        };
        self.post(lane, reference, outcome, !matches!(tale, Tale::Hint), true).await?;
        Ok(true)
    }

    /// The provider posts what it has to say of everything in its book.
    pub async fn tell_everything(&mut self) -> Result<(), Wrong> {
        for which in 0..self.provider.book.len() {
            self.receipt(which, Tale::True).await?;
        }
        Ok(())
    }

    pub(super) async fn stray(&mut self, readable: bool, which: usize) -> Result<bool, Wrong> {
        let known = pick(which, self.provider.book.len()).map(|e| self.provider.book[e].reference);
        // One that cannot be read may still seem to speak of a reference of ours.
        let reference = known.filter(|_| !readable).unwrap_or(Uuid::from_u128(u128::from(self.next())));
        self.post(LANES[0], reference, Outcome::Paid(Payment::default()), true, readable).await?;
        Ok(true)
    }

    async fn post(
        &mut self,
        lane: &'static str,
        reference: Uuid,
        outcome: Outcome,
        verified: bool,
        readable: bool,
    ) -> Result<(), Wrong> {
        let nonce = self.next();
        let news = News { reference, outcome: outcome.clone(), verified };
        let body = if readable { serde_json::to_vec(&news).unwrap() } else { UNREADABLE.to_vec() };
        let headers = vec![("nonce".to_owned(), nonce.to_string())];
        let raw = RawReceipt { token_reference: Some(reference), headers, body, received_at: self.time() };
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&nonce.to_be_bytes());
        let receipt = NewReceipt { lane: lane.into(), raw, reference: Some(reference), fingerprint, vouched: true };
        let by = if verified { By::Receipt } else { By::Hint };
        let due = Some(self.model.now);
        let letter =
            Letter { id: None, nonce: Some(nonce), lane, reference, outcome, by, readable, due, version: 0, claims: 0 };
        self.model.post(letter, format!("posted {nonce}"));
        self.posted.push(receipt.clone());
        let over = self.posted.len().saturating_sub(POSTED_MAX);
        self.posted.drain(..over);
        self.store.store_receipts(vec![receipt]).await.map_err(|e| e.to_string())
    }

    pub(super) async fn receipt_again(&mut self, which: usize) -> Result<bool, Wrong> {
        let Some(which) = pick(which, self.posted.len()) else { return Ok(false) };
        let receipt = self.posted[which].clone();
        self.store.store_receipts(vec![receipt.clone(), receipt]).await.map_err(|e| e.to_string())?;
        Ok(true)
    }

    pub(super) async fn collect(&mut self, n: u32) -> Result<bool, Wrong> {
        let claimed = self.store.claim_receipts(n, lease()).await.map_err(|e| e.to_string())?;
        let found = self.model.collect(&claimed, n as usize)?;
        for (which, receipt) in found.into_iter().zip(claimed) {
            self.mail.push(Mail { which, version: self.model.letters[which].version, receipt });
        }
        Ok(true)
    }

    /// Applies some of what was claimed. `keep`: as if the answer of the database were lost, it is applied again later.
    pub(super) async fn open(&mut self, n: usize, keep: bool) -> Result<bool, Wrong> {
        let n = n.min(self.mail.len());
        let taken: Vec<Mail> = self.mail.drain(..n).collect();
        let judged = |mail: &Mail| {
            let receipt = &mail.receipt;
            let (id, claim, lane) = (receipt.id, receipt.claim, receipt.lane.clone());
            JudgedReceipt { id, claim, lane, verdict: judge(receipt), at: self.time() }
        };
        let judged: Vec<JudgedReceipt> = taken.iter().map(judged).collect();
        let conditions = self.conditions();
        let payout: DecidePayout =
            Arc::new(move |payout, seen| (decide(payout, seen, conditions), Some(SMS_LANE.into())));
        let message: DecideMessage = Arc::new(|_, _, _, _, _| None);
        self.store.apply_receipts(judged, payout, message).await.map_err(|e| e.to_string())?;
        self.model.open(taken.iter().map(|mail| (mail.which, mail.version)).collect());
        if keep {
            self.mail.extend(taken);
        }
        Ok(n > 0)
    }
}

/// Reads a receipt as the workers do: kept answers as the engine wrote them, the rest as this provider does.
fn judge(receipt: &ClaimedReceipt) -> Verdict {
    if let Some(kept) = &receipt.kept {
        let source = if kept.source == "submit" { Source::Submit } else { Source::Query };
        let news = News { reference: kept.reference, outcome: kept.outcome.clone(), verified: true };
        return Verdict::Payout { news, source };
    }
    match serde_json::from_slice::<News<Outcome>>(&receipt.raw.body) {
        Ok(news) => {
            let source = if news.verified { Source::Receipt } else { Source::Hint };
            Verdict::Payout { news, source }
        }
        Err(e) => Verdict::Ignored(e.to_string()),
    }
}
