//! The settlement report: what was asked for, what became of it, and totals that tie to the ledger.

pub mod csv;
pub mod json;
pub mod xlsx;

use crate::batch::{Batch, Kind};
use crate::clock::Time;
use crate::ids::{BatchId, PayoutId};
use crate::machine::State as _;
use crate::money::{Currency, Money};
use crate::sms::{self, cost};
use crate::wallet::AccountKind;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// One line. Amounts are decimal strings of the major unit; `None` where there is nothing to tell. In a batch of kind `sms` it
/// is a message: it costs `amount`, `provider_reference` is its id, and `payout_id` is null.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SettlementLine)]
pub struct Line {
    #[schema(value_type = Uuid)]
    pub batch_id: BatchId,
    pub batch_name: String,
    pub row: u32,
    pub reference: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    pub payout_id: Option<PayoutId>,
    pub provider_reference: Option<Uuid>,
    pub provider_transaction_id: Option<String>,
    pub name: Option<String>,
    pub msisdn: Option<String>,
    pub network: Option<String>,
    pub currency: String,
    pub amount: Option<String>,
    pub fee: Option<String>,
    pub tax: Option<String>,
    pub total: Option<String>,
    pub state: String,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
    pub attempts: u32,
    pub approved_at: Option<Time>,
    pub sent_at: Option<Time>,
    pub settled_at: Option<Time>,
    pub approved_by: Option<String>,
    /// What was really paid, where two people found that it is not the amount.
    pub paid_amount: Option<String>,
}

impl Line {
    /// It stays `paid`, for so it was; but whoever was paid has nothing of it.
    pub fn was_taken_back(&self) -> bool {
        self.state == "paid" && self.reason_code.as_deref() == Some("reversed")
    }

    /// A row of the upload that nobody approved: its amount is whatever was uploaded.
    fn is_left_out(&self) -> bool {
        self.state == "excluded"
    }

    /// Whether its amount is spent: somebody was paid, or a message is, or may be, out.
    fn is_paid(&self, kind: Kind) -> bool {
        match kind {
            Kind::Payout => self.state == "paid",
            Kind::Sms => sms::State::parse(&self.state).is_some_and(cost::is_charged),
        }
    }

    /// Whether its recipient will get nothing, or may have got nothing, and nothing will be done about it by itself. A payout
    /// that is `unknown` is still asked about; a message stays so.
    fn is_failure(&self, kind: Kind) -> bool {
        let over: &[&str] = match kind {
            Kind::Payout => &["failed", "cancelled", "excluded"],
            Kind::Sms => &["undelivered", "expired", "rejected", "unknown", "cancelled", "excluded"],
        };
        over.contains(&self.state.as_str()) || self.was_taken_back()
    }
}

/// The columns, in the order of the contract.
pub const COLUMNS: [&str; 24] = [
    "batch_id",
    "batch_name",
    "row",
    "reference",
    "payout_id",
    "provider_reference",
    "provider_transaction_id",
    "name",
    "msisdn",
    "network",
    "currency",
    "amount",
    "fee",
    "tax",
    "total",
    "state",
    "reason_code",
    "reason",
    "attempts",
    "approved_at",
    "sent_at",
    "settled_at",
    "approved_by",
    "paid_amount",
];

/// What a report begins with.
#[derive(Clone, Debug)]
pub struct Head {
    pub batch: Batch,
    /// The last transfer that touched the batch. While nothing moves, a report is the same bytes each time.
    pub position: i64,
    pub ledger: Vec<LedgerSum>,
}

/// What the ledger moved for a batch, by kind and by the kinds of account it went between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SettlementLedgerSum)]
pub struct LedgerSum {
    pub kind: String,
    pub from: String,
    pub to: String,
    pub transfers: i64,
    #[schema(value_type = String)]
    #[serde(serialize_with = "amount")]
    pub amount: Money,
}

fn amount<S: serde::Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&money.amount())
}

impl Head {
    /// What has gone out through lanes, or was charged for messages, by the ledger alone.
    pub fn sent_out(&self) -> Money {
        let account = match self.batch.kind {
            Kind::Payout => AccountKind::Settlement.name(),
            Kind::Sms => AccountKind::Fees.name(),
        };
        let signed = |sum: &LedgerSum| match (sum.from == account, sum.to == account) {
            (false, true) => sum.amount.minor,
            (true, false) => -sum.amount.minor,
            _ => 0,
        };
        Money::new(self.ledger.iter().map(signed).sum(), self.batch.currency)
    }
}

/// What lines add up to, by state.
#[derive(Clone, Debug)]
pub struct Summary {
    kind: Kind,
    currency: Currency,
    states: BTreeMap<String, Sum>,
    /// What the paid really got, at first; or what messages were charged.
    paid: i64,
    /// What of that providers took back.
    taken_back: i64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    pub rows: i64,
    pub amount: i64,
    pub fee: i64,
    pub tax: i64,
    pub total: i64,
}

/// A summary as JSON shows it. The amounts of `states` are those that were approved, `paid` is what really was paid, and
/// `taken_back` what of that providers took back (lines in state `paid` with the reason `reversed`). `difference` is `paid` less
/// `taken_back` and less what the ledger sent out: nothing, unless the batch ran while the report was made, or somebody was
/// paid twice. In a batch of kind `sms`, `paid` is the cost of the messages that are, or may be, out (`submitted`, `delivered`,
/// `undelivered`, `expired` and `unknown`), and `sent_out` what the ledger charged for them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SettlementSummary)]
pub struct SummaryView {
    pub states: Vec<SumView>,
    pub paid: String,
    pub taken_back: String,
    pub sent_out: String,
    pub difference: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SettlementSum)]
pub struct SumView {
    pub state: String,
    pub rows: i64,
    pub amount: String,
    pub fee: String,
    pub tax: String,
    pub total: String,
}

/// The states in the order of their telling: who was reached first.
const ORDER: [&str; 13] = [
    "paid",
    "delivered",
    "accepted",
    "submitted",
    "sending",
    "unknown",
    "queued",
    "failed",
    "undelivered",
    "expired",
    "rejected",
    "cancelled",
    "excluded",
];

impl Summary {
    pub fn of(batch: &Batch) -> Summary {
        Summary { kind: batch.kind, currency: batch.currency, states: BTreeMap::new(), paid: 0, taken_back: 0 }
    }

    pub fn add(&mut self, lines: &[Line]) {
        for line in lines {
            let minor = |text: &Option<String>| match text {
                Some(text) if !line.is_left_out() => Money::parse(text, self.currency).map_or(0, |money| money.minor),
                _ => 0,
            };
            let (amount, fee, tax, total) =
                (minor(&line.amount), minor(&line.fee), minor(&line.tax), minor(&line.total));
            if line.is_paid(self.kind) {
                let paid = if line.paid_amount.is_some() { minor(&line.paid_amount) } else { amount };
                self.paid += paid;
                self.taken_back += if line.was_taken_back() { paid } else { 0 };
            }
            let sum = match self.states.get_mut(&line.state) {
                Some(sum) => sum,
                None => self.states.entry(line.state.clone()).or_default(),
            };
            sum.rows += 1;
            sum.amount += amount;
            sum.fee += fee;
            sum.tax += tax;
            sum.total += total;
        }
    }

    /// By state, in order.
    pub fn states(&self) -> Vec<(&str, Sum)> {
        let place = |state: &str| ORDER.iter().position(|s| *s == state).unwrap_or(ORDER.len());
        let mut states: Vec<_> = self.states.iter().map(|(state, sum)| (state.as_str(), *sum)).collect();
        states.sort_by_key(|(state, _)| place(state));
        states
    }

    pub fn view(&self, head: &Head) -> SummaryView {
        let money = |minor| Money::new(minor, self.currency).amount();
        let shown = |(state, sum): (&str, Sum)| SumView {
            state: state.to_owned(),
            rows: sum.rows,
            amount: money(sum.amount),
            fee: money(sum.fee),
            tax: money(sum.tax),
            total: money(sum.total),
        };
        let sent_out = head.sent_out();
        SummaryView {
            states: self.states().into_iter().map(shown).collect(),
            paid: money(self.paid),
            taken_back: money(self.taken_back),
            sent_out: sent_out.amount(),
            difference: money(self.paid - self.taken_back - sent_out.minor),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::batch::State;

    /// A line of 50,000 shillings, in whichever state.
    pub fn line(state: &str) -> Line {
        let excluded = state == "excluded";
        let money = |text: &str| (!excluded).then(|| text.to_owned());
        Line {
            batch_id: Uuid::nil(),
            batch_name: "March".into(),
            row: 2,
            reference: Some("S-2".into()),
            payout_id: (!excluded).then(Uuid::nil),
            provider_reference: None,
            provider_transaction_id: None,
            name: Some("=Akello".into()),
            msisdn: Some("256772123456".into()),
            network: None,
            currency: "UGX".into(),
            amount: if excluded { Some("1,00".into()) } else { money("50000") },
            fee: money("20"),
            tax: money("0"),
            total: money("50020"),
            state: state.into(),
            reason_code: None,
            reason: None,
            attempts: 1,
            approved_at: None,
            sent_at: None,
            settled_at: Some(Time(1_763_715_600_123_456)),
            approved_by: None,
            paid_amount: None,
        }
    }

    /// Of a batch for which 100,000 went out.
    pub fn head() -> Head {
        let sum = |kind: &str, from: &str, to: &str, minor| LedgerSum {
            kind: kind.into(),
            from: from.into(),
            to: to.into(),
            transfers: 2,
            amount: Money::new(minor, Currency::Ugx),
        };
        Head {
            batch: Batch {
                id: Uuid::nil(),
                organisation: Uuid::nil(),
                kind: crate::batch::Kind::Payout,
                name: "March".into(),
                currency: Currency::Ugx,
                state: State::Completed,
                claim: 0,
                notify: false,
                sms_template: None,
                mapping: None,
                mapping_source: None,
                source: None,
                reading: None,
                declared: crate::batch::Declared::default(),
                scheduled_at: None,
                file_name: "march.csv".into(),
                upload: Uuid::nil(),
                file_hash: Vec::new(),
                digest: None,
                revision: 0,
                rows: 3,
                valid: 3,
                invalid: 0,
                excluded: 0,
                duplicates: 0,
                warnings: 0,
                amount: 150_000,
                fees: 60,
                tax: 0,
                reserved: 150_060,
                paid: 100_040,
                released: 50_020,
                held: 0,
                tallies: Vec::new(),
                rejection: None,
                failure: None,
                created_by: Uuid::nil(),
                created_by_label: "maker".into(),
                submitted_by: None,
                approved_by: None,
                approved_by_label: None,
                created_at: Time(1_763_715_600_000_000),
                approved_at: None,
                completed_at: None,
            },
            position: 7,
            ledger: vec![
                sum("reserve", "wallet", "hold", 150_060),
                sum("paid", "hold", "settlement", 120_000),
                sum("reversal", "settlement", "suspense", 20_000),
            ],
        }
    }

    /// A message that costs 70.
    pub fn message(state: &str) -> Line {
        let cost = (state != "excluded").then(|| "70".to_owned());
        Line { payout_id: None, amount: cost.clone(), fee: None, tax: None, total: cost, ..line(state) }
    }

    /// Of a list of SMS of whose messages `charged` was charged by the ledger.
    pub fn head_of_messages(charged: i64) -> Head {
        let sum = |kind: &str, to: &str, minor| LedgerSum {
            kind: kind.into(),
            from: "hold".into(),
            to: to.into(),
            transfers: 1,
            amount: Money::new(minor, Currency::Ugx),
        };
        let batch = Batch { kind: Kind::Sms, ..head().batch };
        Head { batch, position: 7, ledger: vec![sum("sms", "fees", charged), sum("release", "wallet", 140)] }
    }

    #[test]
    fn what_went_out_is_what_settlement_accounts_gained() {
        assert_eq!(head().sent_out().minor, 100_000);
    }

    #[test]
    fn messages_that_are_or_may_be_out_are_charged_and_the_others_are_not() {
        let states = [
            "delivered",
            "submitted",
            "sending",
            "unknown",
            "queued",
            "undelivered",
            "expired",
            "rejected",
            "cancelled",
            "excluded",
        ];
        let lines: Vec<Line> = states.iter().rev().map(|state| message(state)).collect();
        for (charged, difference) in [(350, "0"), (420, "-70"), (0, "350")] {
            let head = head_of_messages(charged);
            let mut summary = Summary::of(&head.batch);
            summary.add(&lines);
            let view = summary.view(&head);
            assert_eq!(view.states.iter().map(|sum| sum.state.as_str()).collect::<Vec<_>>(), states);
            assert!(view.states.iter().all(|sum| (sum.amount == "70") == (sum.state != "excluded")), "{view:?}");
            assert_eq!((view.paid.as_str(), view.sent_out), ("350", charged.to_string()));
            assert_eq!((view.taken_back.as_str(), view.difference.as_str()), ("0", difference));
        }
    }

    #[test]
    fn whoever_gets_nothing_by_itself_is_a_failure() {
        let failures = |kind: Kind, states: &[&str]| states.iter().filter(|s| line(s).is_failure(kind)).count();
        assert_eq!(failures(Kind::Payout, &["failed", "cancelled", "excluded"]), 3);
        assert_eq!(failures(Kind::Payout, &["paid", "accepted", "sending", "unknown", "queued"]), 0);
        let missed = ["undelivered", "expired", "rejected", "unknown", "cancelled", "excluded"];
        assert_eq!(failures(Kind::Sms, &missed), missed.len());
        assert_eq!(failures(Kind::Sms, &["delivered", "submitted", "sending", "queued"]), 0);
    }

    #[test]
    fn the_amount_of_a_row_left_out_is_never_added() {
        let mut summary = Summary::of(&head().batch);
        summary.add(&[line("excluded"), line("paid"), line("queued")]);
        let states = summary.states();
        assert_eq!(states.iter().map(|(state, _)| *state).collect::<Vec<_>>(), ["paid", "queued", "excluded"]);
        assert_eq!(states.iter().map(|(_, sum)| sum.amount).collect::<Vec<_>>(), [50_000, 50_000, 0]);
        assert_eq!((states[0].1.total, summary.paid), (50_020, 50_000));
    }

    #[test]
    fn what_was_really_paid_is_what_went_out() {
        let mut summary = Summary::of(&head().batch);
        summary.add(&[Line { paid_amount: Some("30000".into()), ..line("paid") }, line("paid")]);
        assert_eq!((summary.states()[0].1.amount, summary.paid), (100_000, 80_000));
    }

    #[test]
    fn what_was_taken_back_went_out_no_more() {
        let back = Line { reason_code: Some("reversed".into()), ..line("paid") };
        let failed = Line { reason_code: Some("reversed".into()), ..line("failed") };
        assert!(back.was_taken_back() && !failed.was_taken_back() && !line("paid").was_taken_back());
        let mut summary = Summary::of(&head().batch);
        summary.add(&[line("paid"), line("paid"), Line { paid_amount: Some("20000".into()), ..back }, failed]);
        let view = summary.view(&head());
        assert_eq!((view.paid.as_str(), view.taken_back.as_str()), ("120000", "20000"));
        assert_eq!((view.sent_out.as_str(), view.difference.as_str()), ("100000", "0"));
    }
}
