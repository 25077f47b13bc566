//! What the workers do, by hand: claim, decide as the engine decides, record.

use super::support::{Harness, LANE, LEASE, Tenant};
use gaba::batch::Batch;
use gaba::config::LaneConfig;
use gaba::payout::resolve::{Conditions, Observation, Source, decide};
use gaba::payout::{Enquiry, Payout, PayoutView, Submission};
use gaba::rail::{Answer, News, Outcome, Payment, RawReceipt, Reason, Request, SmsOutcome, Transfer};
use gaba::receipt::{ClaimedReceipt, JudgedReceipt, NewReceipt, Verdict};
use gaba::store::{AskInstead, DecideMessage, DecidePayout, PayoutRecord, PrepareTransfer, Recorded};
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// The lane that tells the paid.
pub const SMS_LANE: &str = "blasta";

/// Two attempts, a provider that remembers references for a day.
pub static LANE_CONFIG: LazyLock<LaneConfig> = LazyLock::new(|| {
    toml::from_str(
        r#"
        name = "any"
        rail = "http"
        base_url = "http://127.0.0.1:1"
        poll_after = ["60s", "120s"]
        idempotent_for = "24h"
        resend_after = "5m"
        attempts_max = 2
        receipt_deadline = "48h"
        "#,
    )
    .unwrap()
});

pub fn confirmed(payout: &Payout) -> Outcome {
    Outcome::Paid(Payment {
        transaction_id: Some(format!("T-{}", payout.row)),
        amount_minor: Some(payout.amount.minor),
        currency: Some(payout.amount.currency),
        msisdn: Some(payout.msisdn.as_str().to_owned()),
        payout_id: Some(payout.id.to_string()),
    })
}

/// A confirmation of another amount than was asked for.
pub fn mismatched(payout: &Payout) -> Outcome {
    Outcome::Paid(Payment { amount_minor: Some(payout.amount.minor + 1), ..Payment::default() })
}

pub fn failed(retryable: bool) -> Outcome {
    Outcome::Failed { reason: Reason::new("PAYEE_NOT_FOUND", "there is no such number"), retryable }
}

pub fn accepted() -> Outcome {
    Outcome::Accepted { provider_id: None }
}

pub fn unknown() -> Outcome {
    Outcome::Unknown { reason: Reason::new("timeout", "no answer in time") }
}

pub fn not_sent() -> Outcome {
    Outcome::NotSent { reason: Reason::new("connect", "nobody listens") }
}

pub fn answer(outcome: Outcome) -> Answer {
    Answer { outcome, http_status: Some(200), response: Some("{}".into()) }
}

pub fn prepare() -> PrepareTransfer {
    Arc::new(|transfer: &Transfer| Request { body: format!("{transfer:?}"), callback_url: None })
}

/// The engine's own rule for resends that are about to be claimed.
pub fn ask_instead() -> AskInstead {
    Arc::new(|payout, now, paused| gaba::payout::resolve::ask_instead(payout, now, paused, conditions()))
}

fn conditions() -> Conditions<'static> {
    Conditions { lane: &LANE_CONFIG, breaker_closed: true, seed: 1 }
}

/// What workers would record for `outcome`, if anything.
pub fn record_of(h: &Harness, payout: &Payout, outcome: Outcome, source: Source) -> Option<PayoutRecord> {
    let at = h.now();
    let change = decide(payout, Observation { outcome: &outcome, source, attempt: payout.attempt, at }, conditions())?;
    Some(PayoutRecord {
        payout: payout.clone(),
        change,
        of_attempt: payout.attempt,
        answer: Some(answer(outcome)),
        source: if source == Source::Submit { "submit" } else { "query" },
        at,
        sms_lane: Some(SMS_LANE.into()),
    })
}

pub fn decide_payout() -> DecidePayout {
    Arc::new(|payout, seen| (decide(payout, seen, conditions()), Some(SMS_LANE.into())))
}

pub fn decide_message() -> DecideMessage {
    Arc::new(|state, step, outcome, at, _| gaba::sms::resolve::decide(state, step, outcome, at, &LANE_CONFIG, 1))
}

/// Reads a receipt as the rails of this suite write it: the news as JSON. Kept answers as the engine reads them.
pub fn judge(receipt: &ClaimedReceipt) -> Verdict {
    if let Some(kept) = &receipt.kept {
        let source = if kept.source == "submit" { Source::Submit } else { Source::Query };
        let news = News { reference: kept.reference, outcome: kept.outcome.clone(), verified: true };
        return Verdict::Payout { news, source };
    }
    if receipt.lane == SMS_LANE {
        return Verdict::Message(serde_json::from_slice(&receipt.raw.body).unwrap());
    }
    let news: News<Outcome> = serde_json::from_slice(&receipt.raw.body).unwrap();
    let source = if news.verified { Source::Receipt } else { Source::Hint };
    Verdict::Payout { news, source }
}

pub fn raw_receipt(h: &Harness, lane: &str, reference: Option<Uuid>, body: Vec<u8>) -> NewReceipt {
    let fingerprint = Sha256::digest(&body).into();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let raw = RawReceipt { token_reference: reference, headers, body, received_at: h.now() };
    NewReceipt { lane: lane.into(), raw, reference, fingerprint, vouched: true }
}

pub fn receipt(h: &Harness, lane: &str, reference: Uuid, outcome: Outcome) -> NewReceipt {
    let news = News { reference, outcome, verified: true };
    raw_receipt(h, lane, Some(reference), serde_json::to_vec(&news).unwrap())
}

pub fn sms_receipt(h: &Harness, message: Uuid, outcome: SmsOutcome, verified: bool) -> NewReceipt {
    let news = News { reference: message, outcome, verified };
    raw_receipt(h, SMS_LANE, Some(message), serde_json::to_vec(&news).unwrap())
}

impl Harness {
    pub async fn claim(&self, n: u32) -> Vec<Submission> {
        self.claim_on(LANE, n).await
    }

    pub async fn claim_on(&self, lane: &str, n: u32) -> Vec<Submission> {
        self.store.claim_submissions(lane, n, LEASE, prepare(), ask_instead()).await.unwrap()
    }

    /// Claims the one row that must be there to be sent.
    pub async fn claim_one(&self) -> Submission {
        let mut claimed = self.claim(2).await;
        assert_eq!(claimed.len(), 1, "rows to send");
        claimed.remove(0)
    }

    pub async fn ask(&self, n: u32) -> Vec<Enquiry> {
        self.store.claim_enquiries(LANE, n, LEASE).await.unwrap()
    }

    /// Claims the one row that must be there to be asked about.
    pub async fn ask_one(&self) -> Enquiry {
        let mut claimed = self.ask(2).await;
        assert_eq!(claimed.len(), 1, "rows to ask about");
        claimed.remove(0)
    }

    /// Records what an answer means, as workers do.
    pub async fn record(&self, payout: &Payout, outcome: Outcome, source: Source) -> Recorded {
        let record = record_of(self, payout, outcome, source).expect("the answer changes something");
        self.store.record_payouts(vec![record]).await.unwrap()[0]
    }

    pub async fn sent(&self, submission: &Submission, outcome: Outcome) -> Recorded {
        self.record(&submission.payout, outcome, Source::Submit).await
    }

    pub async fn asked(&self, enquiry: &Enquiry, outcome: Outcome) -> Recorded {
        self.record(&enquiry.payout, outcome, Source::Query).await
    }

    /// Claims up to `n` rows and records each as paid, in one group.
    pub async fn pay(&self, n: u32) -> usize {
        let claimed = self.claim(n).await;
        let paid = |s: &Submission| record_of(self, &s.payout, confirmed(&s.payout), Source::Submit).unwrap();
        let recorded = self.store.record_payouts(claimed.iter().map(paid).collect()).await.unwrap();
        recorded.iter().filter(|r| **r == Recorded::Applied).count()
    }

    pub async fn store_receipt(&self, receipt: NewReceipt) {
        self.store.store_receipts(vec![receipt]).await.unwrap();
    }

    /// Claims and applies every receipt that waits; how many there were.
    pub async fn apply_receipts(&self) -> usize {
        let claimed = self.store.claim_receipts(500, LEASE).await.unwrap();
        let judged = claimed.iter().map(|r| self.judged(r, judge(r))).collect();
        self.store.apply_receipts(judged, decide_payout(), decide_message()).await.unwrap();
        claimed.len()
    }

    pub fn judged(&self, receipt: &ClaimedReceipt, verdict: Verdict) -> JudgedReceipt {
        JudgedReceipt { id: receipt.id, claim: receipt.claim, lane: receipt.lane.clone(), verdict, at: self.now() }
    }

    /// Drives the batches until nothing is left to do at once.
    pub async fn drive(&self, rows_max: u32) {
        for _ in 0..10_000 {
            let started = self.store.start_scheduled().await.unwrap();
            if !self.store.sweep_cancelled(rows_max).await.unwrap() && !started {
                return;
            }
        }
        panic!("there is always more left to do");
    }

    pub async fn view(&self, tenant: &Tenant, payout: &Payout) -> PayoutView {
        self.store.payout(tenant.id, payout.id).await.unwrap().payout
    }

    pub async fn assert_payout(&self, tenant: &Tenant, payout: &Payout, state: &str) {
        assert_eq!(self.view(tenant, payout).await.state, state);
    }

    /// How many rows of a batch are in each state that has any, as `2 paid, 1 failed`.
    pub async fn counts(&self, tenant: &Tenant, batch: &Batch) -> String {
        let batch = self.batch(tenant, batch).await;
        let mut tallies: Vec<_> = batch.tallies.iter().filter(|(_, t)| t.rows > 0).collect();
        tallies.sort_by_key(|(state, _)| *state);
        tallies.iter().map(|(state, t)| format!("{} {state}", t.rows)).collect::<Vec<_>>().join(", ")
    }
}
