//! Exceptions: one proposes, another confirms, and what they say is done in the transaction of the confirmation.

use super::books::Books;
use super::organisations::record_act;
use super::record;
use super::rows::{self, get, time, time_opt};
use super::{Result, SqliteStore, Tx, batches, error, sql};
use crate::clock::Time;
use crate::ids::OrganisationId;
use crate::machine::State as _;
use crate::money::Money;
use crate::org::Principal;
use crate::payout::attempt::AttemptState;
use crate::payout::exception::verdict::{self, Act, Case};
use crate::payout::exception::{Choice, ExceptionView, Kind, LaneTerms, Proposal, ProposalView, State, Verdict};
use crate::payout::resolve::Change;
use crate::payout::{self, Action, Payout};
use crate::rail::Reason;
use crate::store::{Done, Exceptions, Idempotency, Page, PageRequest, PayoutRecord, Refusal, StoreError, TermsOfLanes};
use async_trait::async_trait;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

#[async_trait]
impl Exceptions for SqliteStore {
    async fn exceptions(
        &self,
        organisation: OrganisationId,
        state: Option<State>,
        kind: Option<Kind>,
        page: PageRequest,
    ) -> Result<Page<ExceptionView>> {
        let (after, id) = rows::time_and_id(&page)?;
        let list = sql!("exception_list").bind(organisation).bind(state.map(State::name)).bind(kind.map(Kind::name));
        let list = list.bind(after).bind(id).bind(i64::from(page.limit) + 1);
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        let exceptions = found.iter().map(view).collect::<Result<Vec<_>>>()?;
        Ok(rows::page(exceptions, &page, |e| format!("{}.{}", e.opened_at.micros(), rows::hex(e.id))))
    }

    async fn exception(&self, organisation: OrganisationId, exception: Uuid) -> Result<ExceptionView> {
        let found = sql!("exception_get").bind(organisation).bind(exception).fetch_optional(&self.reader).await;
        view(&found.map_err(error)?.ok_or(StoreError::NotFound)?)
    }

    async fn resolve(
        &self,
        actor: &Principal,
        exception: Uuid,
        proposal: Proposal,
        lanes: TermsOfLanes,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(async move { resolve(tx, actor, exception, &proposal, &lanes, now).await })
        })
        .await
    }
}

fn case(row: &SqliteRow) -> Result<Case> {
    let kind = get::<&str>(row, "kind")?;
    Ok(Case {
        kind: Kind::parse(kind).ok_or_else(|| rows::damaged("kind", kind))?,
        payout: rows::state(row, "payout_state")?,
        present: get(row, "present")?,
        attempt_paid: get::<Option<bool>>(row, "attempt_paid")?.unwrap_or(false),
        reversed: get(row, "reversed")?,
        posted: get(row, "posted")?,
    })
}

fn view(row: &SqliteRow) -> Result<ExceptionView> {
    let state: State = rows::state(row, "state")?;
    let choices = if state == State::Resolved { Vec::new() } else { verdict::choices(case(row)?) };
    let choice = |(verdict, act): (Verdict, Act)| Choice { verdict: verdict.name(), effect: act.effect() };
    let currency = rows::currency(row)?;
    let proposal = match get::<Option<String>>(row, "verdict")? {
        None => None,
        Some(verdict) => Some(ProposalView::new(
            verdict,
            get(row, "note")?,
            get(row, "evidence_sha256")?,
            get(row, "transaction_id")?,
            rows::money_opt(row, "said_paid", currency)?.map(Money::amount),
            get(row, "proposed_by_label")?,
            time(row, "proposed_at")?,
        )),
    };
    Ok(ExceptionView {
        id: get(row, "id")?,
        batch_id: get(row, "batch_id")?,
        payout_id: get(row, "payout_id")?,
        row: rows::number(row, "row")?,
        kind: get(row, "kind")?,
        attempt: rows::number(row, "attempt")?,
        detail: get(row, "detail")?,
        state: state.to_string(),
        opened_at: time(row, "opened_at")?,
        amount: Money::new(get(row, "amount")?, currency).amount(),
        currency,
        payout_state: get(row, "payout_state")?,
        verdicts: choices.into_iter().map(choice).collect(),
        proposal,
        resolution: get(row, "resolution")?,
        confirmed_by: get(row, "confirmed_by_label")?,
        resolved_at: time_opt(row, "resolved_at")?,
    })
}

async fn find(tx: &mut Tx, organisation: OrganisationId, id: Uuid) -> Result<SqliteRow> {
    let found = sql!("exception_get").bind(organisation).bind(id).fetch_optional(tx).await.map_err(error)?;
    found.ok_or(StoreError::NotFound)
}

async fn resolve(
    tx: &mut Tx,
    actor: &Principal,
    id: Uuid,
    proposal: &Proposal,
    lanes: &TermsOfLanes,
    now: Time,
) -> Result<Done<ExceptionView>> {
    let row = find(tx, actor.organisation, id).await?;
    let found = view(&row)?;
    let wanted = proposal.verdict.name();
    if found.state == State::Resolved.name() {
        return match &found.proposal {
            Some(earlier) if found.resolution.as_deref() == Some(wanted) => {
                agree(&proposal.as_sent(&found.amount), earlier)?;
                Ok(Done::AlreadyApplied(found))
            }
            _ => Err(Refusal::InvalidState { state: found.state }.into()),
        };
    }
    if proposal.seen.is_some() && proposal.seen.as_ref() != found.proposal.as_ref().map(|earlier| &earlier.digest) {
        return Err(StoreError::Fenced);
    }
    let case = case(&row)?;
    if let Some(why) = proposal.wrong_amount(case.kind, found.currency) {
        return Err(Refusal::PaidAmount(why).into());
    }
    let proposal = &proposal.as_sent(&found.amount);
    let act = verdict::act(case, proposal.verdict).ok_or_else(|| {
        let possible: Vec<_> = found.verdicts.iter().map(|choice| choice.verdict).collect();
        Refusal::VerdictNotPossible { payout: case.payout.to_string(), possible: possible.join(", ") }
    })?;
    let payout = sql!("payout_for_verdict").bind(found.payout_id).fetch_one(&mut *tx).await.map_err(error)?;
    let payout = rows::payout(&payout)?;
    let terms = lanes(&payout.lane);
    if act == Act::Reissue {
        not_too_early(&payout, &terms, now)?;
    }
    let proposer: Option<Uuid> = get(&row, "proposed_by")?;
    match (&found.proposal, proposer) {
        (Some(earlier), Some(by)) if by != actor.id => {
            agree(proposal, earlier)?;
            let paid = rows::money_opt(&row, "said_paid", found.currency)?;
            let said = format!("{}, as proposed by {}: {}", worded(wanted, paid), earlier.by, proposal.note);
            confirm(tx, actor, &found, &said, now).await?;
            let transaction_id = earlier.provider_transaction_id.clone();
            let said = format!("{} confirms {said}", actor.label);
            let paid = paid.unwrap_or(payout.amount);
            let recorded = rows::money_opt(&row, "paid_amount", found.currency)?.unwrap_or(payout.amount);
            settle(tx, &Settled { found: &found, act, payout, terms, transaction_id, paid, recorded, said }, now)
                .await?;
        }
        (Some(earlier), _) if says_the_same(earlier, proposal) => return Ok(Done::AlreadyApplied(found)),
        _ => propose(tx, actor, &found, &payout, proposal, now).await?,
    }
    Ok(Done::Applied(view(&find(tx, actor.organisation, id).await?)?))
}

/// Two people agree, or nothing is done.
fn agree(proposal: &Proposal, earlier: &ProposalView) -> Result<()> {
    let Some(difference) = proposal.differs(earlier) else { return Ok(()) };
    let (proposed, by) = (earlier.verdict.clone(), earlier.by.clone());
    Err(Refusal::VerdictDiffers { proposed, by, difference }.into())
}

/// A verdict, with the amount that it names.
fn worded(verdict: &str, paid: Option<Money>) -> String {
    paid.map_or_else(|| verdict.to_owned(), |paid| format!("{verdict} {}", paid.display()))
}

/// From when on it may be made anew under another reference: its provider acts on the one before no more. `None`: it was never
/// sent.
fn retry_from(payout: &Payout, terms: &LaneTerms) -> Option<Time> {
    payout.sent_at.map(|sent| sent + terms.reissue_after)
}

fn not_too_early(payout: &Payout, terms: &LaneTerms, now: Time) -> Result<()> {
    match retry_from(payout, terms) {
        Some(at) if now < at => Err(Refusal::TooEarly { at }.into()),
        _ => Ok(()),
    }
}

fn says_the_same(earlier: &ProposalView, proposal: &Proposal) -> bool {
    earlier.verdict == proposal.verdict.name()
        && earlier.note == proposal.note
        && earlier.evidence_sha256 == proposal.evidence_sha256
        && earlier.provider_transaction_id == proposal.transaction_id
        && earlier.paid_amount == proposal.paid_amount.map(Money::amount)
}

async fn propose(
    tx: &mut Tx,
    actor: &Principal,
    found: &ExceptionView,
    payout: &Payout,
    proposal: &Proposal,
    now: Time,
) -> Result<()> {
    let propose = sql!("exception_propose")
        .bind(found.id)
        .bind(proposal.verdict.name())
        .bind(&proposal.note)
        .bind(&proposal.evidence_sha256)
        .bind(&proposal.transaction_id)
        .bind(proposal.paid_amount.map(|paid| paid.minor))
        .bind(actor.id)
        .bind(&actor.label)
        .bind(now.micros());
    batches::fenced(propose.execute(&mut *tx).await.map_err(error)?)?;
    let verdict = worded(proposal.verdict.name(), proposal.paid_amount);
    let evidence = proposal.evidence_sha256.as_ref().map(|hash| format!(", evidence {hash}")).unwrap_or_default();
    let detail = format!("{verdict}: {}{evidence}", proposal.note);
    record_act(tx, actor, "exception.proposed", Some(found.id), &detail, now).await?;
    let told = format!("{} proposes: {detail}", actor.label);
    tell(tx, payout, &format!("exception.{}.proposed", found.kind), &told, now).await
}

async fn confirm(tx: &mut Tx, actor: &Principal, found: &ExceptionView, said: &str, now: Time) -> Result<()> {
    let resolve = sql!("exception_resolve").bind(found.id).bind(actor.id).bind(&actor.label).bind(now.micros());
    batches::fenced(resolve.execute(&mut *tx).await.map_err(error)?)?;
    record_act(tx, actor, "exception.confirmed", Some(found.id), said, now).await
}

/// A confirmed verdict, to be carried out.
struct Settled<'a> {
    found: &'a ExceptionView,
    act: Act,
    payout: Payout,
    terms: LaneTerms,
    transaction_id: Option<String>,
    /// What the two say was paid, and what the books say so far.
    paid: Money,
    recorded: Money,
    /// By whom, and in which words, it was confirmed.
    said: String,
}

async fn settle(tx: &mut Tx, case: &Settled<'_>, now: Time) -> Result<()> {
    let &Settled { found, act, ref payout, paid, recorded, ref said, .. } = case;
    let unfrozen = sql!("payout_unfreeze").bind(payout.id).fetch_one(&mut *tx).await.map_err(error)?;
    let frozen: bool = get(&unfrozen, "frozen")?;
    let mut told = format!("{said}; {}", act.effect());
    let mut books = Books::default();
    match act {
        Act::Surplus => books.surplus(payout, found.attempt, paid),
        Act::Reverse => {
            books.reversed(payout, found.attempt, recorded);
            let reason = "the provider took the payment back; the money is in the wallet again";
            sql!("payout_reversed").bind(payout.id).bind(reason).execute(&mut *tx).await.map_err(error)?;
        }
        Act::Amend | Act::Stand => {}
        Act::Pay | Act::Correct | Act::Release | Act::Reissue | Act::GoOn => {
            let recorded = record::payouts(tx, vec![change(case, frozen, now)], now).await?;
            if recorded != [crate::store::Recorded::Applied] {
                return Err(StoreError::Fenced);
            }
        }
    }
    if let Some(from) = retry_from(payout, &case.terms).filter(|from| act == Act::Release && *from > now) {
        sql!("payout_retry_from").bind(payout.id).bind(from.micros()).execute(&mut *tx).await.map_err(error)?;
    }
    let corrects = matches!(act, Act::Pay | Act::Correct | Act::Amend);
    if let Some(difference) = verdict::difference(payout.amount, paid).filter(|_| corrects) {
        books.difference(payout, found.attempt, paid);
        sql!("payout_paid_amount").bind(payout.id).bind(paid.minor).execute(&mut *tx).await.map_err(error)?;
        told = format!("{told}; {difference}");
    }
    books.write(tx, now).await?;
    let row = sql!("payout_for_verdict").bind(payout.id).fetch_one(&mut *tx).await.map_err(error)?;
    tell(tx, &rows::payout(&row)?, &format!("exception.{}.resolved", found.kind), &told, now).await?;
    batches::close(tx, payout.batch, payout.organisation, now).await
}

/// The change of a payout that a verdict moves, to be recorded like any other; it may be `frozen` still, by something else.
fn change(case: &Settled<'_>, frozen: bool, now: Time) -> PayoutRecord {
    let Settled { found, act, payout, terms, transaction_id, .. } = case;
    let by_verdict = || Some(Reason::new("verdict", "two persons found that it was not paid"));
    let unchanged = Change::unchanged(payout);
    let change = match act {
        Act::Pay | Act::Correct => Change {
            to: payout::State::Paid,
            attempt: Some(AttemptState::Succeeded),
            transaction_id: transaction_id.clone(),
            ..unchanged
        },
        Act::Release => {
            Change { to: payout::State::Failed, attempt: Some(AttemptState::Failed), reason: by_verdict(), ..unchanged }
        }
        Act::Reissue => Change {
            to: payout::State::Queued,
            next: Some((Action::Submit, now)),
            attempt: Some(AttemptState::Failed),
            new_attempt: true,
            exposed: false,
            not_found: 0,
            not_found_at: None,
            reason: by_verdict(),
            step: 0,
            ..unchanged
        },
        _ => Change { next: Some((goes_on(payout.state), now)), ..unchanged },
    };
    PayoutRecord {
        payout: Payout { frozen, ..payout.clone() },
        change,
        of_attempt: found.attempt,
        answer: None,
        source: "verdict",
        at: now,
        sms_lane: terms.sms_lane.clone(),
    }
}

/// What was never sent is sent; the rest is asked about.
fn goes_on(state: payout::State) -> Action {
    if state == payout::State::Queued { Action::Submit } else { Action::Query }
}

async fn tell(tx: &mut Tx, payout: &Payout, kind: &str, detail: &str, now: Time) -> Result<()> {
    let event = sql!("event_tell").bind(payout.batch).bind(payout.row).bind(payout.claim).bind(kind);
    event.bind(now.micros()).bind(detail).execute(tx).await.map_err(error)?;
    Ok(())
}
