//! Repeats inside one list while its rows are corrected.
//!
//! What the import finds by its memory of earlier rows is asked of the database here. Of two rows that repeat each other one
//! is told of the other, and never both: a row is not compared with those that are told of it. Those that are told of a row
//! which is corrected are judged again: what was said of them may be true no more, and a row that was refused for that alone
//! can be paid.

use super::import::insert_issues;
use super::lists::{Counted, counted, issues, replace, settle, stored};
use super::rows::{self, get};
use super::{Result, Tx, error, sql};
use crate::batch::correction::{Corrected, Correction, Standing, StoredRow};
use crate::batch::import::Issue;
use crate::batch::{Batch, Kind};
use crate::clock::Time;
use crate::sms::template;
use crate::store::{IssueView, JudgeRow, NewRecipient, NewRow};
use std::collections::BTreeMap;

/// Rows that one correction judges again; what is told of others is judged when they are corrected themselves.
const JUDGED_AGAIN_MAX: i64 = 100;
/// Texts for one number that a text is compared with.
const TEXTS_COMPARED_MAX: i64 = 100;

/// Compares a row with the others of its list, after row `corrected` was.
pub(super) async fn compare(tx: &mut Tx, batch: &Batch, row: u32, corrected: u32, after: &mut Corrected) -> Result<()> {
    let Some(recipient) = &after.recipient else { return Ok(()) };
    let mut found = Vec::new();
    match batch.kind {
        Kind::Payout => {
            found.extend(same_reference(tx, batch, row, recipient).await?);
            found.extend(same_number(tx, batch, row, corrected, recipient).await?);
        }
        Kind::Sms => found.extend(told_again(tx, batch, row, corrected, recipient).await?),
    }
    after.issues.extend(found.into_iter().map(IssueView::from));
    if after.issues.iter().any(|issue| issue.severity == "error") {
        (after.standing, after.recipient) = (Standing::Invalid, None);
    }
    Ok(())
}

async fn same_reference(tx: &mut Tx, batch: &Batch, row: u32, recipient: &NewRecipient) -> Result<Option<Issue>> {
    let Some(reference) = &recipient.reference else { return Ok(None) };
    let same = sql!("row_same_reference").bind(batch.id).bind(reference).bind(i64::from(row));
    let same = same.fetch_one(tx).await.map_err(error)?;
    Ok(get::<Option<i64>>(&same, "row")?.map(|first| Issue::duplicate_reference(row, first as u32)))
}

async fn same_number(
    tx: &mut Tx,
    batch: &Batch,
    row: u32,
    corrected: u32,
    recipient: &NewRecipient,
) -> Result<Option<Issue>> {
    let same = sql!("row_repeats").bind(batch.organisation).bind(&recipient.msisdn).bind(recipient.amount.minor);
    let same = same.bind(batch.id).bind(i64::from(row)).bind(i64::from(corrected));
    let Some(same) = same.fetch_optional(tx).await.map_err(error)? else { return Ok(None) };
    let first = rows::number(&same, "row")?;
    Ok(Some(match get(&same, "same")? {
        true => Issue::duplicate_payment(row, first),
        false => Issue::repeated_number(row, first),
    }))
}

async fn told_again(
    tx: &mut Tx,
    batch: &Batch,
    row: u32,
    corrected: u32,
    recipient: &NewRecipient,
) -> Result<Option<Issue>> {
    let template = batch.sms_template.as_deref().unwrap_or_default();
    let merged = |variables: &str, name: &str, reference: Option<&str>| -> Result<String> {
        let variables: BTreeMap<String, String> =
            serde_json::from_str(variables).map_err(|e| rows::damaged("variables", e))?;
        Ok(template::merge(template, &variables, Some(name), reference))
    };
    let text = merged(&recipient.variables, &recipient.name, recipient.reference.as_deref())?;
    let others = sql!("row_tells_again").bind(batch.id).bind(&recipient.msisdn).bind(i64::from(row));
    let others = others.bind(i64::from(corrected)).bind(TEXTS_COMPARED_MAX).fetch_all(tx).await.map_err(error)?;
    let mut first = None;
    for other in &others {
        let number = rows::number(other, "row")?;
        let reference: Option<&str> = get(other, "reference")?;
        if merged(get(other, "variables")?, get(other, "name")?, reference)? == text {
            return Ok(Some(Issue::duplicate_message(row, number)));
        }
        first = first.or(Some(number));
    }
    Ok(first.map(|first| Issue::repeated_message(row, first)))
}

/// Judges the rows that are told of the corrected one again; those that stand otherwise now.
pub(super) async fn judge_again(
    tx: &mut Tx,
    batch: &Batch,
    corrected: u32,
    judge: &JudgeRow,
    now: Time,
) -> Result<Vec<(u32, Standing)>> {
    let told = sql!("rows_told_of").bind(batch.id).bind(i64::from(corrected)).bind(JUDGED_AGAIN_MAX);
    let told = told.fetch_all(&mut *tx).await.map_err(error)?;
    let mut changed = Vec::new();
    for row in &told {
        let before = stored(tx, batch, rows::number(row, "row")?).await?;
        let after = judged(tx, batch, corrected, &before, judge).await?;
        if after.standing != before.standing {
            changed.push((before.row, after.standing));
        }
        if (before.standing, after.standing) == (Standing::Valid, Standing::Valid) {
            say(tx, batch, before.row, after.issues).await?;
        } else {
            replace(tx, batch, before.row, after, now).await?;
        }
    }
    Ok(changed)
}

/// The row with what is true of it now; whatever else was found wrong with it stays.
async fn judged(tx: &mut Tx, batch: &Batch, corrected: u32, before: &StoredRow, judge: &JudgeRow) -> Result<Corrected> {
    let mut after = judge(before, &Correction::default(), batch)?;
    let said = issues(tx, batch.id, before.row).await?;
    let mut others: Vec<IssueView> = said.into_iter().filter(|issue| issue.other_row != Some(corrected)).collect();
    if others.iter().any(|issue| issue.severity == "error") {
        // Refused for that as well; what it repeats is found when it is corrected.
        (after.standing, after.recipient) = (Standing::Invalid, None);
    } else if after.recipient.is_none() {
        // The rules are others by now; they refuse no row that nobody corrects.
        after.standing = before.standing;
        if before.standing == Standing::Invalid {
            others.append(&mut after.issues);
        }
    } else {
        // What else it repeats is found again.
        others.retain(|issue| issue.other_row.is_none());
    }
    after.issues = others;
    compare(tx, batch, before.row, corrected, &mut after).await?;
    Ok(after)
}

/// Puts other words in the place of what was said of a row that stays as it is.
async fn say(tx: &mut Tx, batch: &Batch, row: u32, issues: Vec<IssueView>) -> Result<()> {
    let before: Counted = counted(tx, batch, row).await?;
    sql!("row_clear_issues").bind(batch.id).bind(i64::from(row)).execute(&mut *tx).await.map_err(error)?;
    insert_issues(tx, batch, &[NewRow { row, recipient: None, rejected: None, issues }]).await?;
    settle(tx, batch, row, before).await
}
