//! Lists before they are submitted: rows corrected one by one, and what is concluded from all of them.

use super::batches::{fenced, invalid_state};
use super::import::{insert_issues, insert_payouts, insert_rejected};
use super::organisations::record_act;
use super::rows::{self, get, time};
use super::{Result, SqliteStore, Tx, error, own, repeats, sql};
use crate::batch::correction::{Corrected, Correction, RowView, Standing, StoredRow};
use crate::batch::declared::{self, Declared};
use crate::batch::import::{Field, Mapping, Uploaded, is_of_the_file, shown};
use crate::batch::{Batch, Kind, State};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::money::Money;
use crate::org::Principal;
use crate::store::{
    BadRow, Batches, Compared, DigestLine, Done, Duplicate, IssueView, JudgeRow, Lists, LookedAt, NewRow, OtherList,
    ReferenceLine, Refusal, RepeatedReference, SameFile, SamePayment, StoreError,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeMap, BTreeSet};

/// Of the rows that stop an approval, how many are named.
const DUPLICATES_NAMED: usize = 100;
/// Rows compared with other lists at a time.
const COMPARED_AT_ONCE: u32 = 1_000;
/// Lists whose references are compared.
const LISTS_COMPARED_MAX: i64 = 1_000;

#[async_trait]
impl Lists for SqliteStore {
    async fn row(&self, organisation: OrganisationId, batch: BatchId, row: u32) -> Result<RowView> {
        let mut reader = self.reader.acquire().await.map_err(error)?;
        let batch = rows::batch(&mut reader, organisation, batch).await?;
        let stored = stored(&mut reader, &batch, row).await?;
        view(&mut reader, batch, stored.standing, &stored.cells, row).await
    }

    async fn correct_row(
        &self,
        actor: &Principal,
        batch: BatchId,
        row: u32,
        expected: Option<String>,
        correction: &Correction,
        judge: JudgeRow,
    ) -> Result<Done<RowView>> {
        let (now, actor, correction) = (self.now(), actor.clone(), correction.clone());
        self.write(move |tx| {
            Box::pin(async move {
                let found = rows::batch(tx, actor.organisation, batch).await?;
                if expected.is_some_and(|expected| found.digest.as_ref() != Some(&expected)) {
                    return Err(StoreError::Fenced);
                }
                correct_row(tx, &actor, found, row, &correction, &judge, now).await
            })
        })
        .await
    }

    async fn digest_rows(&self, batch: &Batch, after: u32, limit: u32) -> Result<Vec<DigestLine>> {
        let list = sql!("digest_rows").bind(batch.id).bind(i64::from(after)).bind(i64::from(limit));
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        found.iter().map(digest_line).collect()
    }

    async fn excluded_rows(&self, batch: &Batch, after: u32, limit: u32) -> Result<Vec<u32>> {
        let list = sql!("digest_excluded").bind(batch.id).bind(i64::from(after)).bind(i64::from(limit));
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        found.iter().map(|row| rows::number(row, "row")).collect()
    }

    async fn set_digest(&self, batch: &Batch, digest: &str) -> Result<()> {
        let (id, revision, digest) = (batch.id, batch.revision, digest.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let set = sql!("batch_set_digest").bind(id).bind(revision).bind(digest);
                fenced(set.execute(tx).await.map_err(error)?)
            })
        })
        .await
    }

    async fn bad_rows(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<BadRow>> {
        let batch = self.batch(organisation, batch).await?;
        let list = sql!("rejected_list").bind(batch.id).bind(i64::from(after)).bind(i64::from(limit));
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        let mut bad: Vec<BadRow> = Vec::new();
        for row in &found {
            let number = rows::number(row, "row")?;
            let reason: Option<String> = get(row, "message")?;
            match bad.last_mut().filter(|last| last.row == number) {
                Some(last) => last.reasons.extend(reason),
                None => bad.push(BadRow { row: number, cells: cells(row)?, reasons: reason.into_iter().collect() }),
            }
        }
        Ok(bad)
    }

    async fn duplicates(&self, batch: &Batch, since: Time, after: u32, rows: u32) -> Result<LookedAt> {
        let mut reader = self.reader.acquire().await.map_err(error)?;
        find_duplicates(&mut reader, batch, since, after, rows).await
    }

    async fn tell_duplicates(&self, batch: &Batch, found: Vec<Duplicate>) -> Result<()> {
        let (id, claim) = (batch.id, batch.claim);
        self.write(move |tx| Box::pin(async move { tell_duplicates(tx, id, claim, &found).await })).await
    }

    async fn lists_with_references(&self, batch: &Batch, since: Time) -> Result<Vec<OtherList>> {
        let list = sql!("references_lists").bind(batch.id).bind(since.micros()).bind(LISTS_COMPARED_MAX);
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        let other = |row| {
            let (id, name, rows) = (get(row, "id")?, get(row, "name")?, get(row, "rows")?);
            Ok(OtherList { id, name, created_at: time(row, "created_at")?, rows })
        };
        found.iter().map(other).collect()
    }

    async fn references(&self, list: BatchId, since: Time, after: u32, limit: u32) -> Result<Vec<ReferenceLine>> {
        let next = sql!("references").bind(list).bind(i64::from(after)).bind(since.micros()).bind(i64::from(limit));
        next.fetch_all(&self.reader).await.map_err(error)?.iter().map(reference_line).collect()
    }

    async fn own_references(&self, list: BatchId, after: u32, limit: u32) -> Result<Vec<ReferenceLine>> {
        let next = sql!("references_own").bind(list).bind(i64::from(after)).bind(i64::from(limit));
        next.fetch_all(&self.reader).await.map_err(error)?.iter().map(reference_line).collect()
    }

    async fn tell_references(&self, batch: &Batch, found: Vec<RepeatedReference>) -> Result<i64> {
        let (id, claim) = (batch.id, batch.claim);
        let told = found.iter().map(|r| json!({"row": r.row, "message": r.message()}));
        let told = Value::Array(told.collect()).to_string();
        self.write(move |tx| {
            Box::pin(async move {
                let tell = own!("references_tell").bind(id).bind(told).execute(&mut *tx).await.map_err(error)?;
                let told = tell.rows_affected() as i64;
                let count = sql!("references_told").bind(id).bind(claim).bind(told);
                fenced(count.execute(tx).await.map_err(error)?)?;
                Ok(told)
            })
        })
        .await
    }

    async fn same_file(&self, batch: &Batch, since: Time) -> Result<Option<SameFile>> {
        let find = sql!("batch_same_file").bind(batch.id).bind(since.micros());
        let found = find.fetch_optional(&self.reader).await.map_err(error)?;
        let same = |row| Ok(SameFile { batch_name: get(&row, "name")?, batch_created_at: time(&row, "created_at")? });
        found.map(same).transpose()
    }

    async fn lists_seen(&self, organisation: OrganisationId) -> Result<i64> {
        let row = sql!("lists_seen").bind(organisation).fetch_optional(&self.reader).await.map_err(error)?;
        get(&row.ok_or(StoreError::NotFound)?, "lists_seen")
    }
}

/// To be called by whatever changes which payments a list holds.
pub(super) async fn changed(tx: &mut Tx, organisation: OrganisationId) -> Result<()> {
    sql!("lists_changed").bind(organisation).execute(tx).await.map_err(error)?;
    Ok(())
}

/// Whether what was concluded from the lists of the organisation still holds.
pub(super) async fn still_compared(tx: &mut Tx, batch: &Batch, compared: Compared) -> Result<()> {
    let (seen, again) = match compared {
        Compared::Not => return Ok(()),
        Compared::Seen(seen) => (seen, None),
        Compared::SeenOrAgain(seen, since) => (seen, Some(since)),
    };
    let row = sql!("lists_seen").bind(batch.organisation).fetch_one(&mut *tx).await.map_err(error)?;
    if get::<i64>(&row, "lists_seen")? == seen {
        return Ok(());
    }
    let Some(since) = again else { return Err(StoreError::Fenced) };
    let (mut new, mut next) = (Vec::new(), Some(0));
    while let Some(after) = next.filter(|_| new.len() < DUPLICATES_NAMED) {
        let looked = find_duplicates(tx, batch, since, after, COMPARED_AT_ONCE).await?;
        next = looked.last;
        new.extend(looked.found.iter().map(Duplicate::said));
    }
    if new.is_empty() {
        return Ok(());
    }
    new.truncate(DUPLICATES_NAMED);
    Err(Refusal::DuplicatesChanged { rows: new }.into())
}

async fn find_duplicates(tx: &mut Tx, batch: &Batch, since: Time, after: u32, rows: u32) -> Result<LookedAt> {
    let (after, rows) = (i64::from(after), i64::from(rows));
    let list = sql!("duplicates").bind(batch.id).bind(since.micros()).bind(after).bind(rows);
    let mut found: Vec<Duplicate> = Vec::new();
    for same in list.fetch_all(&mut *tx).await.map_err(error)? {
        let row = rows::number(&same, "row")?;
        let same = same_payment(&same)?;
        match found.last_mut().filter(|last| last.row == row) {
            Some(last) => last.others.push(same),
            None => found.push(Duplicate { row, newest: same, others: Vec::new() }),
        }
    }
    let looked = sql!("duplicates_looked").bind(batch.id).bind(after).bind(rows).fetch_one(tx).await.map_err(error)?;
    Ok(LookedAt { found, last: get::<Option<i64>>(&looked, "row")?.map(|row| row as u32) })
}

fn same_payment(row: &SqliteRow) -> Result<SamePayment> {
    Ok(SamePayment {
        batch: get(row, "batch_id")?,
        batch_name: get(row, "batch_name")?,
        batch_created_at: time(row, "batch_created_at")?,
        row: rows::number(row, "other_row")?,
    })
}

/// Two who submit at once may both have found them: they are told by the first.
async fn tell_duplicates(tx: &mut Tx, batch: BatchId, claim: i64, found: &[Duplicate]) -> Result<()> {
    let others = found.iter().flat_map(|d| [&d.newest].into_iter().chain(&d.others).map(|other| (d.row, other)));
    let others = others
        .map(|(row, other)| json!({"row": row, "other_batch": rows::hex(other.batch), "other_row": other.row}))
        .collect();
    let note = own!("duplicates_note").bind(batch).bind(Value::Array(others).to_string());
    let noted = note.fetch_all(&mut *tx).await.map_err(error)?;
    let noted = noted.iter().map(|row| rows::number(row, "row")).collect::<Result<BTreeSet<u32>>>()?;
    let told = found.iter().filter(|d| noted.contains(&d.row)).map(|d| json!({"row": d.row, "message": d.said().1}));
    let tell = own!("duplicates_tell").bind(batch).bind(Value::Array(told.collect()).to_string());
    let told = tell.execute(&mut *tx).await.map_err(error)?.rows_affected() as i64;
    let count = sql!("batch_duplicates_told").bind(batch).bind(claim).bind(told);
    fenced(count.execute(tx).await.map_err(error)?)
}

fn cells(row: &SqliteRow) -> Result<Vec<Uploaded>> {
    serde_json::from_str(get(row, "cells")?).map_err(|e| rows::damaged("cells", e))
}

fn digest_line(row: &SqliteRow) -> Result<DigestLine> {
    let variables: BTreeMap<String, String> =
        serde_json::from_str(get(row, "variables")?).map_err(|e| rows::damaged("variables", e))?;
    Ok(DigestLine {
        row: rows::number(row, "row")?,
        msisdn: get(row, "msisdn")?,
        amount: get(row, "amount")?,
        fee: get(row, "fee")?,
        tax: get(row, "tax")?,
        name: get(row, "name")?,
        reference: get(row, "reference")?,
        note: get(row, "note")?,
        variables,
    })
}

/// A row that can be paid has its cells no more; they are written again in the words of its file.
pub(super) async fn stored(tx: &mut Tx, batch: &Batch, row: u32) -> Result<StoredRow> {
    let number = i64::from(row);
    let rejected = sql!("row_rejected").bind(batch.id).bind(number).fetch_optional(&mut *tx).await.map_err(error)?;
    if let Some(found) = rejected {
        let standing = if get(&found, "aside")? { Standing::Excluded } else { Standing::Invalid };
        return Ok(StoredRow { row, standing, cells: cells(&found)? });
    }
    let valid = sql!("row_valid").bind(batch.id).bind(number).fetch_optional(tx).await.map_err(error)?;
    let valid = valid.ok_or(StoreError::NotFound)?;
    let line = digest_line(&valid)?;
    if batch.kind == Kind::Sms {
        // Every column is a variable there.
        let cells = line.variables.iter().map(|(header, text)| Uploaded::new(header, text)).collect();
        return Ok(StoredRow { row, standing: Standing::Valid, cells });
    }
    let mapping = match &batch.mapping {
        Some(json) => Mapping::parse(json).map_err(|e| rows::damaged("mapping", e))?,
        None => Mapping::default(),
    };
    let header = |field: Field| mapping.0.get(&field).cloned();
    let amount = Money::new(line.amount, batch.currency).amount();
    let of_ours = [
        (header(Field::Msisdn).or(Some(Field::Msisdn.name().into())), Some(line.msisdn)),
        (header(Field::Amount).or(Some(Field::Amount.name().into())), Some(amount)),
        (header(Field::Name), Some(line.name)),
        (header(Field::Reference), line.reference),
        (header(Field::Note), line.note),
        (header(Field::Network), get(&valid, "network")?),
    ];
    let mut cells: Vec<Uploaded> = Vec::new();
    for (field, (header, value)) in Field::ALL.into_iter().zip(of_ours) {
        match (header, value) {
            (Some(header), value) => cells.push(Uploaded::new(&header, value.unwrap_or_default())),
            // Given by a correction, for a column that the file does not have; the network of a number is none of these.
            (None, Some(value)) if field != Field::Network && !value.is_empty() => {
                cells.push(Uploaded::new(field.name(), value))
            }
            (None, _) => {}
        }
    }
    cells.extend(line.variables.iter().map(|(header, text)| Uploaded::new(header, text)));
    Ok(StoredRow { row, standing: Standing::Valid, cells })
}

pub(super) async fn issues(tx: &mut Tx, batch: BatchId, row: u32) -> Result<Vec<IssueView>> {
    let found = sql!("row_issues").bind(batch).bind(i64::from(row)).fetch_all(tx).await.map_err(error)?;
    found.iter().map(rows::issue).collect()
}

async fn view(tx: &mut Tx, batch: Batch, state: Standing, cells: &[Uploaded], row: u32) -> Result<RowView> {
    let issues = issues(tx, batch.id, row).await?;
    Ok(RowView { row, state, cells: shown(cells), issues, batch })
}

async fn correct_row(
    tx: &mut Tx,
    actor: &Principal,
    batch: Batch,
    row: u32,
    correction: &Correction,
    judge: &JudgeRow,
    now: Time,
) -> Result<Done<RowView>> {
    if batch.state != State::Ready {
        return Err(invalid_state(&batch));
    }
    let before = stored(tx, &batch, row).await?;
    let mut after = judge(&before, correction, &batch)?;
    if after.standing == Standing::Valid {
        repeats::compare(tx, &batch, row, row, &mut after).await?;
    }
    if (&before.cells, before.standing) == (&after.cells, after.standing) {
        return Ok(Done::AlreadyApplied(view(tx, batch, before.standing, &before.cells, row).await?));
    }
    let mut told = told(&before, &after);
    let cells = after.cells.clone();
    let standing = after.standing;
    replace(tx, &batch, row, after, now).await?;
    for (other, standing) in repeats::judge_again(tx, &batch, row, judge, now).await? {
        told.push_str(&format!("; row {other} {}", words(standing)));
    }
    changed(tx, batch.organisation).await?;
    sql!("corrector_add").bind(batch.id).bind(actor.id).execute(&mut *tx).await.map_err(error)?;
    let act = if standing == Standing::Excluded { "row.set_aside" } else { "row.corrected" };
    record_act(tx, actor, act, Some(batch.id), &told, now).await?;
    let batch = rows::batch(tx, batch.organisation, batch.id).await?;
    tell_declared(tx, &batch).await?;
    let batch = rows::batch(tx, batch.organisation, batch.id).await?;
    Ok(Done::Applied(view(tx, batch, standing, &cells, row).await?))
}

/// Says again whether the list is what its uploader declared, now that it is another.
async fn tell_declared(tx: &mut Tx, batch: &Batch) -> Result<()> {
    let header = batch.source.as_ref().and_then(|source| source["header_row"].as_u64());
    let Some(header) = header.map(|row| row as u32).filter(|_| batch.declared != Declared::default()) else {
        return Ok(());
    };
    let before = counted(tx, batch, header).await?;
    let clear = sql!("issue_clear_code").bind(batch.id).bind(i64::from(header)).bind(declared::MISMATCH);
    clear.execute(&mut *tx).await.map_err(error)?;
    if let Some(message) = batch.declared.mismatch(batch.valid, Money::new(batch.amount, batch.currency)) {
        let add = sql!("issue_add_warning").bind(batch.id).bind(i64::from(header)).bind(declared::MISMATCH);
        add.bind(message).execute(&mut *tx).await.map_err(error)?;
    }
    settle(tx, batch, header, before).await
}

fn reference_line(row: &SqliteRow) -> Result<ReferenceLine> {
    Ok(ReferenceLine { row: rows::number(row, "row")?, reference: get(row, "reference")?, msisdn: get(row, "msisdn")? })
}

/// What changed, for the audit trail.
fn told(before: &StoredRow, after: &Corrected) -> String {
    let old: BTreeMap<String, String> = shown(&before.cells).into_iter().collect();
    let changed: Vec<String> = shown(&after.cells)
        .into_iter()
        .filter(|(header, value)| old.get(header) != Some(value))
        .map(|(header, value)| format!("{header}: {:?} became {value:?}", old.get(&header).map_or("", String::as_str)))
        .collect();
    let changed = if changed.is_empty() { String::new() } else { format!("; {}", changed.join(", ")) };
    format!("row {} {}{changed}", before.row, words(after.standing))
}

fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid => "can be paid",
        Standing::Invalid => "cannot be paid",
        Standing::Excluded => "is set aside",
    }
}

/// What a row adds to the counters of its batch.
#[derive(Default)]
pub(super) struct Counted {
    valid: i64,
    invalid: i64,
    excluded: i64,
    warnings: i64,
    duplicates: i64,
    amount: i64,
    fees: i64,
    tax: i64,
}

pub(super) async fn counted(tx: &mut Tx, batch: &Batch, row: u32) -> Result<Counted> {
    let number = i64::from(row);
    let mut counted = Counted::default();
    for issue in issues(tx, batch.id, row).await? {
        counted.warnings += i64::from(issue.severity == "warning");
        counted.duplicates += i64::from(issue.code == "duplicate_in_batch");
    }
    if let Some(valid) = sql!("row_valid").bind(batch.id).bind(number).fetch_optional(&mut *tx).await.map_err(error)? {
        counted.valid = 1;
        (counted.amount, counted.fees, counted.tax) =
            (get(&valid, "amount")?, get(&valid, "fee")?, get(&valid, "tax")?);
    } else if let Some(rejected) =
        sql!("row_rejected").bind(batch.id).bind(number).fetch_optional(tx).await.map_err(error)?
    {
        let aside: bool = get(&rejected, "aside")?;
        (counted.excluded, counted.invalid) = (i64::from(aside), i64::from(!aside));
    }
    Ok(counted)
}

/// Takes the row out and puts it in again as it now is, counters included.
pub(super) async fn replace(tx: &mut Tx, batch: &Batch, row: u32, after: Corrected, now: Time) -> Result<()> {
    let number = i64::from(row);
    let before = counted(tx, batch, row).await?;
    let of_the_file = issues(tx, batch.id, row).await?.into_iter().filter(|issue| is_of_the_file(&issue.code));
    let issues = after.issues.into_iter().chain(of_the_file).collect();
    sql!("row_clear_details").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    sql!("row_clear_payout").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    sql!("row_clear_message").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    sql!("row_clear_rejected").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    sql!("row_clear_told").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    sql!("row_clear_issues").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    let rejected = after.recipient.is_none().then_some(after.rejected);
    let new = [NewRow { row, recipient: after.recipient, rejected, issues }];
    insert_payouts(tx, batch, &new, now).await?;
    insert_rejected(tx, batch, &new).await?;
    insert_issues(tx, batch, &new).await?;
    if after.standing == Standing::Excluded {
        sql!("row_set_aside").bind(batch.id).bind(number).execute(&mut *tx).await.map_err(error)?;
    }
    settle(tx, batch, row, before).await
}

/// Counts a row again that was changed.
pub(super) async fn settle(tx: &mut Tx, batch: &Batch, row: u32, before: Counted) -> Result<()> {
    let now_counted = counted(tx, batch, row).await?;
    let (valid, amount) = (now_counted.valid - before.valid, now_counted.amount - before.amount);
    let (fees, tax) = (now_counted.fees - before.fees, now_counted.tax - before.tax);
    let corrected = sql!("batch_corrected")
        .bind(batch.id)
        .bind(valid)
        .bind(now_counted.invalid - before.invalid)
        .bind(now_counted.excluded - before.excluded)
        .bind(now_counted.warnings - before.warnings)
        .bind(now_counted.duplicates - before.duplicates)
        .bind(amount)
        .bind(fees)
        .bind(tax);
    fenced(corrected.execute(&mut *tx).await.map_err(error)?)?;
    let tally = sql!("tally_add").bind(batch.id).bind("queued").bind(valid).bind(amount).bind(amount + fees + tax);
    tally.execute(tx).await.map_err(error)?;
    Ok(())
}
