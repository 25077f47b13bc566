//! Applying receipts.

use super::TelcoLane;
use crate::chance;
use crate::clock::SharedClock;
use crate::config::{Callbacks, LaneConfig};
use crate::payout::resolve::{Source, decide};
use crate::queue::Work;
use crate::queue::group_commit::GroupCommit;
use crate::rail::{News, SmsRail};
use crate::receipt::{ClaimedReceipt, JudgedReceipt, Verdict};
use crate::sms;
use crate::store::{DecideMessage, DecidePayout, SharedStore, StoreError};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long one claimer may take to apply what it claimed.
const LEASE: Duration = Duration::from_secs(30);

/// The lanes that receipts come for.
#[derive(Clone)]
pub struct Lanes {
    pub telco: HashMap<String, Arc<TelcoLane>>,
    pub sms: HashMap<String, (LaneConfig, Arc<dyn SmsRail>)>,
}

impl Lanes {
    /// What a receipt says, read without the database.
    fn judge(&self, receipt: &ClaimedReceipt) -> Verdict {
        if let Some(kept) = &receipt.kept {
            let source = if kept.source == "submit" { Source::Submit } else { Source::Query };
            let news = News { reference: kept.reference, outcome: kept.outcome.clone(), verified: true };
            return Verdict::Payout { news, source };
        }
        if let Some(lane) = self.telco.get(&receipt.lane) {
            return match lane.rail.parse_receipt(&receipt.raw) {
                Ok(news) => {
                    let believed = news.verified && lane.config.callbacks != Some(Callbacks::Hint);
                    Verdict::Payout { news, source: if believed { Source::Receipt } else { Source::Hint } }
                }
                Err(e) => Verdict::Ignored(e.to_string()),
            };
        }
        match self.sms.get(&receipt.lane).map(|(_, rail)| rail.parse_receipt(&receipt.raw)) {
            Some(Ok(news)) => Verdict::Message(news),
            Some(Err(e)) => Verdict::Ignored(e.to_string()),
            None => Verdict::Ignored(format!("there is no lane {:?} any more", receipt.lane)),
        }
    }

    /// The engine's decision on payouts, for the store to ask inside its transaction.
    pub fn decide_payout(&self) -> DecidePayout {
        let lanes = self.telco.clone();
        Arc::new(move |payout, seen| {
            let Some(lane) = lanes.get(&payout.lane) else { return (None, None) };
            (decide(payout, seen, lane.conditions()), lane.sms_lane.clone())
        })
    }

    /// The engine's decision on messages.
    pub fn decide_message(&self) -> DecideMessage {
        let lanes = self.sms.clone();
        Arc::new(move |state, step, outcome, at, lane| {
            let (config, _) = lanes.get(lane)?;
            sms::resolve::decide(state, step, outcome, at, config, chance::draw())
        })
    }
}

pub struct Receipt {
    pub lanes: Lanes,
    pub store: SharedStore,
    pub clock: SharedClock,
    pub applier: GroupCommit<JudgedReceipt, ()>,
}

#[async_trait]
impl Work for Receipt {
    type Row = ClaimedReceipt;

    fn name(&self) -> &str {
        "receipt"
    }

    async fn claim(&self, n: u32) -> Result<Vec<ClaimedReceipt>, StoreError> {
        self.store.claim_receipts(n, LEASE).await
    }

    async fn perform(&self, row: &ClaimedReceipt) {
        let verdict = self.lanes.judge(row);
        let judged =
            JudgedReceipt { id: row.id, claim: row.claim, lane: row.lane.clone(), verdict, at: self.clock.now() };
        if let Err(e) = self.applier.commit(judged).await {
            tracing::error!(receipt = %row.id, error = %e, "a receipt could not be applied; it is tried again");
        }
    }

    /// Nothing to do: it is due again when the claim lapses, and a restart voids the claim.
    async fn give_back(&self, _: &ClaimedReceipt) {}

    async fn panicked(&self, row: &ClaimedReceipt) {
        let verdict = Verdict::Ignored("reading it failed; see the log".into());
        let judged =
            JudgedReceipt { id: row.id, claim: row.claim, lane: row.lane.clone(), verdict, at: self.clock.now() };
        if let Err(e) = self.applier.commit(judged).await {
            tracing::error!(receipt = %row.id, error = %e, "a receipt that cannot be read could not be set aside");
        }
    }
}
