//! Exceptions: what only a person can settle, and how two of them do.
//!
//! * An exception is opened by [`super::resolve::decide`] and closed by a [`Verdict`]: one principal proposes it with
//!   evidence, another confirms it by giving the same. Neither can do both.
//! * What a verdict does follows from the exception and the payout as it stands when it is confirmed ([`verdict::act`]).
//! * Money is corrected by new transfers; nothing that was posted is changed.

pub mod verdict;

use crate::clock::Time;
use crate::ids::{BatchId, PayoutId};
use crate::machine::Transition;
use crate::money::{Currency, Money};
use crate::wallet::WALLET_MINOR_MAX;
use State::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;
pub use verdict::{Act, Verdict};

/// What only a person can settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider confirmed a payment whose amount, currency or number is not what we sent.
    Mismatch,
    /// The provider confirmed a payment that we had recorded as failed or cancelled, or under an earlier reference.
    LateSuccess,
    /// Accepted or unknown for longer than the lane allows, and polling goes on hourly; or unknown to the provider too while
    /// its batch is being cancelled, so that it is not sent again.
    Overdue,
    /// The provider says that a payment it had confirmed failed or was taken back.
    Reversal,
    /// Whoever works on the row dies, again and again.
    Poison,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Mismatch, Kind::LateSuccess, Kind::Overdue, Kind::Reversal, Kind::Poison];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Mismatch => "mismatch",
            Kind::LateSuccess => "late_success",
            Kind::Overdue => "overdue",
            Kind::Reversal => "reversal",
            Kind::Poison => "poison",
        }
    }

    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.name() == name)
    }

    /// Whether the payout must not move on its own any more.
    pub fn freezes(self) -> bool {
        self != Kind::Overdue
    }
}

crate::states! {
    /// State of an exception.
    State {
        Open = "open",
        Proposed = "proposed",
        Resolved = "resolved",
    }
    &[
        Transition { from: &[Open], to: Proposed, why: "one person says what happened, with evidence" },
        Transition { from: &[Proposed], to: Resolved, why: "another person confirms it" },
        Transition { from: &[Open, Proposed], to: Resolved, why: "overdue alone: the provider answered after all" },
    ]
}

/// An exception of the same kind about the same attempt that was opened before.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub id: Uuid,
    pub detail: String,
    /// `None` while it is not settled.
    pub resolution: Option<String>,
}

/// What news come to that would open an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is open already.
    Open(Uuid),
    /// Two people have settled just this.
    Settled,
    New,
}

/// Weighs news in the words `detail` against what was told before. What was found true is not news when it is said again;
/// what was dismissed is news in other words, or from a provider that `insists` on it when asked.
pub fn standing(earlier: &[Earlier], detail: &str, insists: bool) -> Standing {
    if let Some(open) = earlier.iter().find(|e| e.resolution.is_none()) {
        return Standing::Open(open.id);
    }
    let settles = |e: &Earlier| match e.resolution.as_deref() {
        Some("dismiss") => !insists && e.detail == detail,
        resolution => resolution.is_some() && !insists,
    };
    if earlier.iter().any(settles) { Standing::Settled } else { Standing::New }
}

/// What one person says about an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub verdict: Verdict,
    /// Why: what was looked at, and what it says.
    pub note: String,
    /// SHA-256 of the file that proves it (a statement, a letter), in lower-case hexadecimal digits.
    pub evidence_sha256: Option<String>,
    /// The provider's own number of the payment, where it was found.
    pub transaction_id: Option<String>,
    /// What was really paid, where a mismatch is found paid; `None`: what we sent.
    pub paid_amount: Option<Money>,
    /// Digest of the proposal that was looked at before this was said.
    pub seen: Option<String>,
}

impl Proposal {
    /// Why the amount that it names cannot be what was paid of a payout in `currency`, and what to say instead.
    pub fn wrong_amount(&self, kind: Kind, currency: Currency) -> Option<String> {
        let paid = self.paid_amount?;
        let most = Money::new(WALLET_MINOR_MAX, currency);
        let why = match () {
            () if (kind, self.verdict) != (Kind::Mismatch, Verdict::Paid) => {
                "paid_amount goes with the verdict paid on a mismatch alone; leave it out".into()
            }
            () if paid.currency != currency => format!("the payout is in {currency}; say in {currency} what was paid"),
            () if paid.minor <= 0 => "if nothing was paid the verdict is not_paid; else say what was paid".into(),
            () if paid.minor > most.minor => format!("more than {} cannot have been paid; check it", most.display()),
            () => return None,
        };
        Some(why)
    }

    /// Without an amount that is the one we sent, `sent`: there is nothing to say about it.
    pub fn as_sent(&self, sent: &str) -> Proposal {
        let paid_amount = self.paid_amount.filter(|paid| paid.amount() != sent);
        Proposal { paid_amount, ..self.clone() }
    }

    /// What of it is not as `earlier` has it. Whoever confirms need not repeat the evidence; what they give must be the same.
    /// Another amount they say themselves: money is moved by it.
    pub fn differs(&self, earlier: &ProposalView) -> Option<Difference> {
        let other = |given: &Option<String>, theirs: &Option<String>| given.is_some() && given != theirs;
        if self.verdict.name() != earlier.verdict {
            Some(Difference::Verdict)
        } else if other(&self.evidence_sha256, &earlier.evidence_sha256) {
            Some(Difference::Evidence)
        } else if other(&self.transaction_id, &earlier.provider_transaction_id) {
            Some(Difference::TransactionId)
        } else if self.paid_amount.map(Money::amount) != earlier.paid_amount {
            Some(Difference::PaidAmount)
        } else {
            None
        }
    }
}

/// In what two people do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    Verdict,
    Evidence,
    TransactionId,
    PaidAmount,
}

impl Difference {
    /// The member of the request that says it.
    pub fn name(self) -> &'static str {
        match self {
            Difference::Verdict => "verdict",
            Difference::Evidence => "evidence_sha256",
            Difference::TransactionId => "provider_transaction_id",
            Difference::PaidAmount => "paid_amount",
        }
    }
}

/// What the lanes say about verdicts.
#[derive(Clone, Debug)]
pub struct LaneTerms {
    /// How long after the last send a payment may be made anew under another reference.
    pub reissue_after: Duration,
    /// The lane that tells the paid.
    pub sms_lane: Option<String>,
}

/// A proposal as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalView {
    pub verdict: String,
    pub note: String,
    pub evidence_sha256: Option<String>,
    pub provider_transaction_id: Option<String>,
    /// What was really paid, where that was said; else it is the payout's amount.
    pub paid_amount: Option<String>,
    pub by: String,
    pub at: Time,
    /// SHA-256 of all that is proposed: as `If-Match`, it confirms this and nothing that took its place meanwhile.
    pub digest: String,
}

impl ProposalView {
    pub fn new(
        verdict: String,
        note: String,
        evidence_sha256: Option<String>,
        provider_transaction_id: Option<String>,
        paid_amount: Option<String>,
        by: String,
        at: Time,
    ) -> ProposalView {
        let proof = (&evidence_sha256, &provider_transaction_id);
        let said = serde_json::json!([verdict, note, proof, paid_amount, by, at.micros()]);
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(said.to_string())));
        ProposalView { verdict, note, evidence_sha256, provider_transaction_id, paid_amount, by, at, digest }
    }
}

/// An exception as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Exception)]
pub struct ExceptionView {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub batch_id: BatchId,
    #[schema(value_type = Uuid)]
    pub payout_id: PayoutId,
    pub row: u32,
    pub kind: String,
    /// The attempt that it speaks of.
    pub attempt: u32,
    pub detail: String,
    pub state: String,
    pub opened_at: Time,
    /// What we sent, in decimal digits of the major unit.
    pub amount: String,
    pub currency: Currency,
    pub payout_state: String,
    /// The verdicts that can be given as things stand, and what each does; empty once it is resolved.
    pub verdicts: Vec<Choice>,
    pub proposal: Option<ProposalView>,
    /// How it ended: a verdict, or `answered` when the provider settled it.
    pub resolution: Option<String>,
    pub confirmed_by: Option<String>,
    pub resolved_at: Option<Time>,
}

/// A verdict that can be given, and what it does in words.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VerdictChoice)]
pub struct Choice {
    pub verdict: &'static str,
    pub effect: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State as _;

    #[test]
    fn what_is_resolved_stays_resolved() {
        let steps = State::ALL.iter().flat_map(|&a| State::ALL.iter().map(move |&b| (a, b)));
        assert_eq!(steps.filter(|&(a, b)| a.may_become(b)).count(), 3);
        assert!(State::ALL.iter().all(|&to| !Resolved.may_become(to)));
    }

    #[test]
    fn what_is_settled_is_settled_until_there_is_news() {
        let told = |resolution: Option<&str>| Earlier {
            id: Uuid::from_u128(1),
            detail: "T-1".into(),
            resolution: resolution.map(str::to_owned),
        };
        let weigh = |resolution, detail, insists| standing(&[told(resolution)], detail, insists);
        assert_eq!(standing(&[], "T-1", false), Standing::New);
        for insists in [false, true] {
            assert_eq!(weigh(None, "T-2", insists), Standing::Open(Uuid::from_u128(1)));
            let both = [told(Some("dismiss")), told(None)];
            assert_eq!(standing(&both, "T-1", insists), Standing::Open(Uuid::from_u128(1)), "one at a time");
        }
        assert_eq!(weigh(Some("dismiss"), "T-1", false), Standing::Settled);
        assert_eq!(weigh(Some("dismiss"), "T-2", false), Standing::New, "other words");
        assert_eq!(weigh(Some("dismiss"), "T-1", true), Standing::New, "it was asked, and says so again");
        assert_eq!(weigh(Some("paid"), "T-2", false), Standing::Settled, "found true");
    }

    fn paid(verdict: Verdict, minor: i64) -> Proposal {
        Proposal {
            verdict,
            note: "n".into(),
            evidence_sha256: None,
            transaction_id: None,
            paid_amount: Some(Money::new(minor, Currency::Ugx)),
            seen: None,
        }
    }

    #[test]
    fn another_amount_is_said_of_a_mismatch_that_is_found_paid_alone() {
        let wrong = |verdict, kind, minor| paid(verdict, minor).wrong_amount(kind, Currency::Ugx);
        for kind in Kind::ALL {
            for verdict in Verdict::ALL {
                let fits = (kind, verdict) == (Kind::Mismatch, Verdict::Paid);
                assert_eq!(wrong(verdict, kind, 700).is_none(), fits, "{kind:?} {verdict:?}");
            }
        }
        for (minor, fits) in
            [(-1, false), (0, false), (1, true), (WALLET_MINOR_MAX, true), (WALLET_MINOR_MAX + 1, false)]
        {
            assert_eq!(wrong(Verdict::Paid, Kind::Mismatch, minor).is_none(), fits, "{minor}");
        }
        let foreign = paid(Verdict::Paid, 700).wrong_amount(Kind::Mismatch, Currency::Kes);
        assert!(foreign.is_some_and(|why| why.contains("KES")));
    }

    #[test]
    fn a_proposal_of_another_amount_has_another_digest_and_is_not_confirmed_by_it() {
        let view = |amount: Option<&str>| {
            let amount = amount.map(str::to_owned);
            ProposalView::new("paid".into(), "n".into(), None, None, amount, "a".into(), Time(0))
        };
        assert_ne!(view(Some("700")).digest, view(None).digest);
        assert_eq!(paid(Verdict::Paid, 700).differs(&view(Some("700"))), None);
        for other in [Some("701"), None] {
            assert_eq!(paid(Verdict::Paid, 700).differs(&view(other)), Some(Difference::PaidAmount));
        }
        let silent = Proposal { paid_amount: None, ..paid(Verdict::Paid, 700) };
        assert_eq!(silent.differs(&view(Some("700"))), Some(Difference::PaidAmount), "nobody confirms it unseen");
        assert_eq!(paid(Verdict::Paid, 700).as_sent("700").differs(&view(None)), None, "it is what was sent");
    }

    #[test]
    fn names_are_read_back() {
        assert!(Kind::ALL.into_iter().all(|k| Kind::parse(k.name()) == Some(k)));
        assert_eq!(Kind::parse("late"), None);
    }
}
