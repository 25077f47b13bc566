//! Batches: from upload to the decision to pay, and the ways to stop.

use super::rows::{self, get};
use super::{Result, SqliteStore, Tx, but, decisions, error, organisations, own, sql, wallets};
use crate::batch::import::{Remembered, Severity};
use crate::batch::{Batch, Kind, NewBatch, State};
use crate::clock::Time;
use crate::faults::Guard;
use crate::ids::{BatchId, OrganisationId};
use crate::machine::State as _;
use crate::money::Money;
use crate::org::Principal;
use crate::store::{
    Batches, Compared, Done, Idempotency, ImportTotals, IssueView, NewRow, Page, PageRequest, Refusal, StoreError,
};
use async_trait::async_trait;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// Uploads that no batch names are removed after so long.
const ORPHANED_UPLOAD: Duration = Duration::from_secs(24 * 3600);

#[async_trait]
impl Batches for SqliteStore {
    async fn store_upload_part(
        &self,
        organisation: OrganisationId,
        upload: Uuid,
        part: u32,
        data: Vec<u8>,
    ) -> Result<()> {
        let now = self.now();
        self.write(move |tx| {
            Box::pin(async move {
                if part == 0 {
                    let before = (now - ORPHANED_UPLOAD).micros();
                    sql!("upload_prune").bind(before).execute(&mut *tx).await.map_err(error)?;
                }
                let insert = sql!("upload_part_insert").bind(upload).bind(i64::from(part)).bind(organisation);
                insert.bind(data).bind(now.micros()).execute(tx).await.map_err(error)?;
                Ok(())
            })
        })
        .await
    }

    async fn upload_part(&self, upload: Uuid, part: u32) -> Result<Option<Vec<u8>>> {
        let found = sql!("upload_part_get").bind(upload).bind(i64::from(part)).fetch_optional(&self.reader).await;
        found.map_err(error)?.map(|row| get(&row, "data")).transpose()
    }

    async fn create_batch(&self, new: NewBatch) -> Result<Done<Batch>> {
        let now = self.now();
        self.write(move |tx| Box::pin(create(tx, new, now))).await
    }

    async fn batch(&self, organisation: OrganisationId, batch: BatchId) -> Result<Batch> {
        let mut connection = self.reader.acquire().await.map_err(error)?;
        rows::batch(&mut connection, organisation, batch).await
    }

    async fn batches(&self, organisation: OrganisationId, page: PageRequest) -> Result<Page<Batch>> {
        let (before, id) = rows::time_and_id(&page)?;
        let mut connection = self.reader.acquire().await.map_err(error)?;
        let list = sql!("batch_list").bind(organisation).bind(before).bind(id).bind(i64::from(page.limit) + 1);
        let found = list.fetch_all(&mut *connection).await.map_err(error)?;
        let batches = rows::batches(&mut connection, &found).await?;
        Ok(rows::page(batches, &page, |b| format!("{}.{}", b.created_at.micros(), rows::hex(b.id))))
    }

    async fn find_batch(&self, batch: BatchId) -> Result<Batch> {
        let found = sql!("batch_organisation").bind(batch).fetch_optional(&self.reader).await.map_err(error)?;
        let row = found.ok_or(StoreError::NotFound)?;
        self.batch(get(&row, "organisation_id")?, batch).await
    }

    async fn issues(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        severity: Option<Severity>,
        page: PageRequest,
    ) -> Result<Page<IssueView>> {
        self.batch(organisation, batch).await?;
        let [row, ordinal] = rows::cursor(&page)?;
        let list = sql!("issue_list").bind(batch).bind(row).bind(ordinal).bind(i64::from(page.limit) + 1);
        let list = list.bind(severity.map(Severity::name));
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        let issue = |row| Ok((get::<i64>(row, "ordinal")?, rows::issue(row)?));
        let issues = found.iter().map(issue).collect::<Result<Vec<_>>>()?;
        let page = rows::page(issues, &page, |(ordinal, i)| format!("{}.{ordinal}", i.row));
        Ok(Page { items: page.items.into_iter().map(|(_, i)| i).collect(), next_cursor: page.next_cursor })
    }

    async fn claim_import(&self, lease: Duration) -> Result<Option<Batch>> {
        loop {
            let now = self.now();
            let claim = self.write(move |tx| Box::pin(super::import::claim(tx, now, lease))).await?;
            match claim {
                super::import::Claim::Cleared => {}
                super::import::Claim::Nothing => return Ok(None),
                super::import::Claim::Deadly(batch) => {
                    tracing::error!(batch = %batch.id, "whoever reads this list dies of it; it is given up");
                    self.fail_import(&batch, super::import::DEADLY).await?;
                }
                super::import::Claim::Batch(batch) => return Ok(Some(*batch)),
            }
        }
    }

    async fn remembered_mappings(&self, organisation: OrganisationId, kind: Kind) -> Result<Remembered> {
        super::mappings::of_organisation(&self.reader, organisation, kind).await
    }

    async fn import_rows(&self, batch: &Batch, lease: Duration, rows: Vec<NewRow>) -> Result<()> {
        let (now, batch) = (self.now(), batch.clone());
        self.write(move |tx| Box::pin(async move { super::import::add_rows(tx, &batch, now, lease, &rows).await }))
            .await
    }

    async fn finish_import(&self, batch: &Batch, totals: ImportTotals) -> Result<()> {
        let batch = batch.clone();
        self.write(move |tx| Box::pin(async move { super::import::finish(tx, &batch, &totals).await })).await
    }

    async fn give_back_import(&self, batch: &Batch, wait: Duration) -> Result<()> {
        let (again, batch) = (self.now() + wait, batch.clone());
        self.write(move |tx| Box::pin(async move { super::import::give_back(tx, &batch, again).await })).await
    }

    async fn fail_import(&self, batch: &Batch, reason: &str) -> Result<()> {
        loop {
            let (now, batch, reason) = (self.now(), batch.clone(), reason.to_owned());
            let fail =
                self.write(move |tx| Box::pin(async move { super::import::fail(tx, &batch, &reason, now).await }));
            if fail.await? {
                return Ok(());
            }
        }
    }

    async fn submit(
        &self,
        actor: &Principal,
        batch: BatchId,
        exclude_invalid: bool,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(decisions::submit(tx, actor, batch, exclude_invalid, now))
        })
        .await
    }

    async fn approve(
        &self,
        actor: &Principal,
        batch: BatchId,
        digest: &str,
        compared: Compared,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        let digest = digest.to_owned();
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(async move { approve(tx, actor, batch, &digest, compared, now).await.map(Done::Applied) })
        })
        .await
    }

    async fn reject(
        &self,
        actor: &Principal,
        batch: BatchId,
        reason: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        let reason = reason.to_owned();
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(async move { decisions::reject(tx, actor, batch, &reason, now).await })
        })
        .await
    }

    async fn withdraw(
        &self,
        actor: &Principal,
        batch: BatchId,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| Box::pin(decisions::withdraw(tx, actor, batch, now))).await
    }

    async fn pause(&self, actor: &Principal, batch: BatchId, idempotency: Option<Idempotency>) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| Box::pin(decisions::pause(tx, actor, batch, now))).await
    }

    async fn resume(&self, actor: &Principal, batch: BatchId, idempotency: Option<Idempotency>) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| Box::pin(decisions::resume(tx, actor, batch, now))).await
    }

    async fn cancel(&self, actor: &Principal, batch: BatchId, idempotency: Option<Idempotency>) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| Box::pin(decisions::cancel(tx, actor, batch, now))).await
    }

    async fn retry_failed(
        &self,
        actor: &Principal,
        batch: BatchId,
        since: Option<Time>,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(async move { super::retries::retry(tx, actor, batch, since, now).await.map(Done::Applied) })
        })
        .await
    }

    async fn start_scheduled(&self) -> Result<bool> {
        let now = self.now();
        self.write(move |tx| {
            Box::pin(async move {
                let starting = sql!("batch_due_start").bind(now.micros()).fetch_all(&mut *tx).await.map_err(error)?;
                for row in &starting {
                    let (batch, organisation) = (get(row, "id")?, get(row, "organisation_id")?);
                    set_state(tx, batch, State::Running, None).await?;
                    // All of it may have been done before a restored backup was put in place.
                    close(tx, batch, organisation, now).await?;
                }
                Ok(!starting.is_empty())
            })
        })
        .await
    }

    async fn sweep_cancelled(&self, rows_max: u32) -> Result<bool> {
        let now = self.now();
        self.write(move |tx| Box::pin(sweep(tx, rows_max, now))).await
    }
}

pub(super) fn fenced(result: sqlx::sqlite::SqliteQueryResult) -> Result<()> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

pub(super) fn invalid_state(batch: &Batch) -> StoreError {
    Refusal::InvalidState { state: batch.state.to_string() }.into()
}

pub(super) async fn set_state(tx: &mut Tx, batch: BatchId, to: State, due_at: Option<Time>) -> Result<()> {
    let set = sql!("batch_set_state").bind(batch).bind(to.name()).bind(due_at.map(Time::micros));
    set.execute(tx).await.map_err(error)?;
    Ok(())
}

/// Closes the batch if its last row is final; otherwise does nothing.
pub(super) async fn close(tx: &mut Tx, batch: BatchId, organisation: OrganisationId, now: Time) -> Result<()> {
    let hold = crate::wallet::hold_account(organisation, batch);
    let close = but(Guard::ClosedWhenOver, sql!("batch_close"), "AND t.rows > 0", "AND t.rows < 0");
    let close = but(Guard::ClosedWhenOver, close, "a.id = $3) = 0", "a.id = $3) >= 0");
    close.bind(batch).bind(now.micros()).bind(hold).execute(tx).await.map_err(error)?;
    Ok(())
}

async fn create(tx: &mut Tx, new: NewBatch, now: Time) -> Result<Done<Batch>> {
    let fingerprint = sql!("batch_fingerprint").bind(new.organisation).bind(new.id);
    if let Some(row) = fingerprint.fetch_optional(&mut *tx).await.map_err(error)? {
        if get::<Vec<u8>>(&row, "fingerprint")? != new.fingerprint {
            return Err(Refusal::KeyReused.into());
        }
        return Ok(Done::AlreadyApplied(rows::batch(tx, new.organisation, new.id).await?));
    }
    crate::batch::refuse_past(new.scheduled_at, now)?;
    let insert = sql!("batch_insert")
        .bind(new.id)
        .bind(new.organisation)
        .bind(&new.name)
        .bind(new.currency.code())
        .bind(now.micros())
        .bind(new.notify)
        .bind(&new.sms_template)
        .bind(&new.mapping)
        .bind(new.scheduled_at.map(Time::micros))
        .bind(new.declared.total.map(|total| total.minor))
        .bind(new.declared.count)
        .bind(&new.file_name)
        .bind(new.upload)
        .bind(new.fingerprint.as_slice())
        .bind(new.file_hash.as_slice())
        .bind(new.created_by)
        .bind(&new.created_by_label)
        .bind(new.kind.name());
    insert.execute(&mut *tx).await.map_err(error)?;
    let states = Value::from_iter(new.kind.row_states().into_iter().map(|state| state.name()));
    own!("batch_tallies_insert").bind(new.id).bind(states.to_string()).execute(&mut *tx).await.map_err(error)?;
    let actor = Principal {
        id: new.created_by,
        organisation: new.organisation,
        role: crate::org::Role::Maker,
        label: new.created_by_label.clone(),
    };
    organisations::record_act(tx, &actor, "batch.uploaded", Some(new.id), &new.file_name, now).await?;
    Ok(Done::Applied(rows::batch(tx, new.organisation, new.id).await?))
}

/// Whoever uploaded, corrected or submitted a list does not decide about its money.
pub(super) async fn not_ones_own(tx: &mut Tx, batch: &Batch, actor: &Principal) -> Result<()> {
    let corrected = sql!("corrector_find").bind(batch.id).bind(actor.id).fetch_optional(tx).await.map_err(error)?;
    if batch.submitted_by == Some(actor.id) || batch.created_by == actor.id || corrected.is_some() {
        return Err(Refusal::SelfApproval.into());
    }
    Ok(())
}

/// Wallet → hold and the batch starts: O(1) rows, however long the list is.
async fn approve(
    tx: &mut Tx,
    actor: &Principal,
    id: BatchId,
    digest: &str,
    compared: Compared,
    now: Time,
) -> Result<Batch> {
    let batch = rows::batch(tx, actor.organisation, id).await?;
    if batch.state != State::AwaitingApproval {
        return Err(invalid_state(&batch));
    }
    not_ones_own(tx, &batch, actor).await?;
    let current = batch.digest.clone().unwrap_or_default();
    if current != digest {
        return Err(Refusal::DigestMismatch { current }.into());
    }
    super::lists::still_compared(tx, &batch, compared).await?;
    let needed = Money::new(batch.amount + batch.fees + batch.tax, batch.currency);
    wallets::reserve(tx, &batch, needed, now).await?;
    let later = batch.scheduled_at.filter(|t| *t > now);
    let to = if later.is_some() { State::Scheduled } else { State::Running };
    let approve = sql!("batch_approve").bind(id).bind(to.name()).bind(later.map(Time::micros)).bind(needed.minor);
    let approve = approve.bind(actor.id).bind(&actor.label).bind(now.micros());
    approve.execute(&mut *tx).await.map_err(error)?;
    super::mappings::remember(tx, id, now).await?;
    let detail = format!("{digest}, {} for {} rows", needed.display(), batch.valid);
    organisations::record_act(tx, actor, "batch.approved", Some(id), &detail, now).await?;
    rows::batch(tx, actor.organisation, id).await
}

/// Cancels some queued rows of one batch. In a batch that is `cancelling` each gives its part of the hold back; the hold of
/// one that never ran went back as a whole.
async fn sweep(tx: &mut Tx, rows_max: u32, now: Time) -> Result<bool> {
    let due = sql!("batch_due_cancel").bind(now.micros()).fetch_optional(&mut *tx).await.map_err(error)?;
    let Some(row) = due else { return Ok(false) };
    let (batch, organisation): (Uuid, Uuid) = (get(&row, "id")?, get(&row, "organisation_id")?);
    let currency = rows::currency(&row)?;
    let releases = rows::state::<State>(&row, "state")? == State::Cancelling;
    let of = super::record::Swept { batch, organisation, currency, releases };
    if rows::kind(&row)? == Kind::Sms {
        if super::bulk::cancel_some(tx, &of, rows_max, now).await? < rows_max as usize {
            sql!("batch_clear_due").bind(batch).execute(&mut *tx).await.map_err(error)?;
        }
        close(tx, batch, organisation, now).await?;
        return Ok(true);
    }
    let swept = own!("payouts_cancel_some").bind(batch).bind(i64::from(rows_max)).bind(now.micros());
    let swept = swept.fetch_all(&mut *tx).await.map_err(error)?;
    if swept.len() < rows_max as usize {
        // What is still out converges through its own records; the batch itself has nothing left to do.
        sql!("batch_clear_due").bind(batch).execute(&mut *tx).await.map_err(error)?;
    }
    super::record::cancelled(tx, &of, &swept, now).await?;
    close(tx, batch, organisation, now).await?;
    // Other batches may be due as well: only a round that finds nothing ends it.
    Ok(true)
}
