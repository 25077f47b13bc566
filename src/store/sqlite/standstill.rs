//! A quarantine as operators see it: begun, reported on, lifted. What is asked meanwhile: [`super::enquiries`].

use super::organisations::record_act;
use super::rows::{self, get, hex, time};
use super::{Result, SqliteStore, Tx, bulk, enquiries, error, own, sql};
use crate::clock::Time;
use crate::money::Currency;
use crate::org::Principal;
use crate::quarantine::statement::{Differences, Known, StatementLine, compare};
use crate::quarantine::{
    AttemptAnswer, AttemptEnquiry, AttemptsMax, BatchConcerned, LaneProgress, Lifting, Matched, Quarantine, Report,
};
use crate::sms::State;
use crate::store::{DecidePayout, Done, Quarantines, Refusal, StoreError};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Lines of a statement that are looked up at once.
const LINES_AT_A_TIME: usize = 1_000;

#[async_trait]
impl Quarantines for SqliteStore {
    async fn quarantine(&self) -> Result<Option<Quarantine>> {
        let found = sql!("quarantine_standing").fetch_optional(&self.reader).await.map_err(error)?;
        found.as_ref().map(standing).transpose()
    }

    async fn begin_quarantine(&self, reason: &str, gap_from: Option<Time>) -> Result<Done<Quarantine>> {
        let (now, reason) = (self.now(), reason.trim().to_owned());
        if reason.is_empty() {
            return Err(Refusal::Invalid("a quarantine needs a reason".into()).into());
        }
        let gap_from = gap_from.unwrap_or(now);
        self.write(move |tx| {
            Box::pin(async move {
                if let Some(row) = sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)? {
                    return Ok(Done::AlreadyApplied(standing(&row)?));
                }
                begin(tx, &reason, gap_from, None, now).await.map(Done::Applied)
            })
        })
        .await
    }

    async fn list_enquiries(&self, rows_max: u32, attempts: &AttemptsMax) -> Result<bool> {
        // Nearly always there is none: that shall not cost the writer anything.
        if self.quarantine().await?.is_none() {
            return Ok(false);
        }
        let (now, attempts) = (self.now(), attempts.clone());
        self.write(move |tx| Box::pin(async move { enquiries::list(tx, rows_max, &attempts, now).await })).await
    }

    async fn claim_attempt_enquiries(&self, lane: &str, n: u32, lease: Duration) -> Result<Vec<AttemptEnquiry>> {
        let (now, lane) = (self.now(), lane.to_owned());
        self.write(move |tx| Box::pin(async move { enquiries::claim(tx, &lane, n, lease, now).await })).await
    }

    async fn next_attempt_enquiry(&self, lane: &str) -> Result<Option<Time>> {
        enquiries::next(&self.reader, lane).await
    }

    async fn record_attempt_answers(&self, answers: Vec<AttemptAnswer>, decide: DecidePayout) -> Result<()> {
        let now = self.now();
        self.write(move |tx| Box::pin(async move { enquiries::record(tx, &answers, &decide, now).await })).await
    }

    async fn quarantine_report(&self, lanes: &[String]) -> Result<Option<Report>> {
        let mut tx = self.reader.begin().await.map_err(error)?;
        let report = report(&mut tx, lanes, self.now()).await?;
        tx.rollback().await.map_err(error)?;
        Ok(report)
    }

    async fn match_statement(
        &self,
        lane: &str,
        currency: Currency,
        file_hash: [u8; 32],
        lines: Vec<StatementLine>,
    ) -> Result<(Matched, Differences)> {
        let Some(quarantine) = self.quarantine().await? else { return Err(none_stands()) };
        let mut named = Vec::with_capacity(lines.len());
        for some in lines.chunks(LINES_AT_A_TIME) {
            let mut known = self.known(lane, some).await?;
            named.extend(some.iter().enumerate().map(|(n, line)| (line.clone(), known.remove(&n))));
        }
        let paid = sql!("statement_paid").bind(lane).bind(quarantine.gap_from.micros());
        let paid = paid.fetch_all(&self.reader).await.map_err(error)?;
        let paid = paid.iter().map(|row| get(row, "id")).collect::<Result<Vec<Uuid>>>()?;
        let found = compare(&named, &paid, currency);
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let matched = Matched {
            at: self.now(),
            lines: count(named.len()),
            unknown: count(found.unknown.len()),
            missing: count(found.missing.len()),
            differing: count(found.differing.len()),
        };
        let (kept, lane) = (matched.clone(), lane.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let Matched { at, lines, unknown, missing, differing } = kept;
                let insert = sql!("quarantine_match").bind(quarantine.id).bind(at.micros()).bind(lane);
                let insert = insert.bind(file_hash.to_vec()).bind(lines).bind(unknown).bind(missing).bind(differing);
                insert.execute(tx).await.map_err(error).map(drop)
            })
        })
        .await?;
        Ok((matched, found))
    }

    async fn withhold_messages(&self, rows_max: u32) -> Result<u32> {
        let now = self.now();
        self.write(move |tx| {
            Box::pin(async move {
                if sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)?.is_none() {
                    return Err(none_stands());
                }
                withhold(tx, rows_max, now).await
            })
        })
        .await
    }

    async fn lift_quarantine(&self, lifting: Lifting) -> Result<Quarantine> {
        let now = self.now();
        if lifting.note.trim().is_empty() {
            return Err(Refusal::Invalid("lifting a quarantine needs a note that says what was checked".into()).into());
        }
        let unasked = self
            .write(move |tx| {
                Box::pin(async move {
                    let Some(row) = sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)? else {
                        return Err(none_stands());
                    };
                    let quarantine = standing(&row)?;
                    let report = report(tx, &lifting.lanes, now).await?.ok_or_else(none_stands)?;
                    if let Some(obstacle) = report.obstacle(lifting.vouched) {
                        return Err(Refusal::StillInQuarantine(obstacle).into());
                    }
                    let unasked = sql!("quarantine_unasked").bind(quarantine.id);
                    let unasked = unasked.fetch_all(&mut *tx).await.map_err(error)?;
                    for row in &unasked {
                        let again = sql!("quarantine_again").bind(get::<Uuid>(row, "id")?);
                        again.execute(&mut *tx).await.map_err(error)?;
                    }
                    if unasked.is_empty() {
                        lift(tx, &quarantine, &report, &lifting, now).await?;
                    }
                    Ok((quarantine, unasked.len()))
                })
            })
            .await?;
        match unasked {
            (quarantine, 0) => Ok(quarantine),
            (_, batches) => Err(Refusal::StillInQuarantine(format!(
                "{batches} batches have rows with an attempt that nobody asked about; they are being listed now, lift again \
                 when `gaba quarantine status` shows none left"
            ))
            .into()),
        }
    }
}

impl SqliteStore {
    /// The payouts that some lines of a statement name, by the place of the line.
    async fn known(&self, lane: &str, lines: &[StatementLine]) -> Result<HashMap<usize, Known>> {
        let named = lines.iter().enumerate().map(|(n, line)| {
            json!({"n": n, "reference": line.reference.map_or_else(String::new, hex),
                   "payout": line.payout.map_or_else(String::new, hex)})
        });
        let find = own!("statement_known").bind(Value::from_iter(named).to_string()).bind(lane);
        let found = find.fetch_all(&self.reader).await.map_err(error)?;
        let known = found.iter().map(|row| {
            let n = usize::try_from(get::<i64>(row, "n")?).map_err(|e| rows::damaged("n", e))?;
            let (payout, state) = (get(row, "id")?, get(row, "state")?);
            let surplus = serde_json::from_str(get(row, "surplus")?).map_err(|e| rows::damaged("surplus", e))?;
            Ok((n, Known { payout, state, amount_minor: get(row, "amount")?, surplus }))
        });
        known.collect()
    }
}

fn none_stands() -> StoreError {
    Refusal::Invalid("no quarantine stands".into()).into()
}

fn standing(row: &SqliteRow) -> Result<Quarantine> {
    Ok(Quarantine {
        id: get(row, "id")?,
        reason: get(row, "reason")?,
        began_at: time(row, "began_at")?,
        gap_from: time(row, "gap_from")?,
        backup_position: get(row, "backup_position")?,
    })
}

/// Begins a quarantine and tells every organisation's audit trail.
pub(super) async fn begin(
    tx: &mut Tx,
    reason: &str,
    gap_from: Time,
    position: Option<i64>,
    now: Time,
) -> Result<Quarantine> {
    let insert = sql!("quarantine_begin").bind(reason).bind(gap_from.micros()).bind(position).bind(now.micros());
    insert.execute(&mut *tx).await.map_err(error)?;
    let detail = match position {
        Some(position) => format!("{reason}; the backup knows the ledger up to position {position}, of {gap_from}"),
        None => format!("{reason}; from {gap_from} on"),
    };
    tell_all(tx, "quarantine.began", &detail, now).await?;
    let row = sql!("quarantine_standing").fetch_one(tx).await.map_err(error)?;
    standing(&row)
}

/// An act of the operator that concerns everybody.
async fn tell_all(tx: &mut Tx, act: &str, detail: &str, now: Time) -> Result<()> {
    let organisations = sql!("organisation_ids").fetch_all(&mut *tx).await.map_err(error)?;
    for row in &organisations {
        record_act(tx, &Principal::operator(get(row, "id")?), act, None, detail, now).await?;
    }
    Ok(())
}

async fn report(tx: &mut Tx, paying: &[String], now: Time) -> Result<Option<Report>> {
    let Some(row) = sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)? else {
        return Ok(None);
    };
    let quarantine = standing(&row)?;
    let id = quarantine.id;
    let unlisted = sql!("quarantine_unlisted").bind(id).fetch_one(&mut *tx).await.map_err(error)?;
    let matched = sql!("quarantine_matched").bind(id).fetch_all(&mut *tx).await.map_err(error)?;
    // In the order of time: the last of each lane counts.
    let matched = matched.iter().map(|row| Ok((get(row, "lane")?, matching(row)?)));
    let mut matched = matched.collect::<Result<HashMap<String, Matched>>>()?;
    let lanes = sql!("quarantine_lanes").bind(id).fetch_all(&mut *tx).await.map_err(error)?;
    let mut lanes = lanes.iter().map(|row| progress(row, &mut matched)).collect::<Result<Vec<_>>>()?;
    for lane in paying {
        if !lanes.iter().any(|asked| asked.lane == *lane) {
            lanes.push(LaneProgress { lane: lane.clone(), matched: matched.remove(lane), ..LaneProgress::default() });
        }
    }
    let batches = sql!("quarantine_concerned").bind(id).fetch_all(&mut *tx).await.map_err(error)?;
    let batches = batches.iter().map(concerned).collect::<Result<_>>()?;
    let waiting = sql!("quarantine_messages").bind(now.micros()).fetch_one(&mut *tx).await.map_err(error)?;
    Ok(Some(Report {
        listed: get::<i64>(&unlisted, "batches")? == 0,
        messages: get(&waiting, "waiting")?,
        exceptions: get(&waiting, "exceptions")?,
        quarantine,
        lanes,
        batches,
    }))
}

fn matching(row: &SqliteRow) -> Result<Matched> {
    Ok(Matched {
        at: time(row, "at")?,
        lines: get(row, "lines")?,
        unknown: get(row, "unknown")?,
        missing: get(row, "missing")?,
        differing: get(row, "differing")?,
    })
}

fn progress(row: &SqliteRow, matched: &mut HashMap<String, Matched>) -> Result<LaneProgress> {
    let lane: String = get(row, "lane")?;
    Ok(LaneProgress {
        matched: matched.remove(&lane),
        rows: get(row, "rows")?,
        asked: get(row, "asked")?,
        left: get(row, "left_over")?,
        known_to_provider_only: get(row, "missing")?,
        not_known: get(row, "not_known")?,
        trouble: get(row, "trouble")?,
        lane,
    })
}

fn concerned(row: &SqliteRow) -> Result<BatchConcerned> {
    Ok(BatchConcerned {
        id: get(row, "id")?,
        name: get(row, "name")?,
        organisation: get(row, "organisation")?,
        state: get(row, "state")?,
        rows: get(row, "rows")?,
        left: get(row, "left_over")?,
    })
}

/// Messages that wait, and may have been sent before, become `unknown`; how many.
async fn withhold(tx: &mut Tx, rows_max: u32, now: Time) -> Result<u32> {
    let find = sql!("quarantine_withhold").bind(now.micros()).bind(i64::from(rows_max));
    let waiting = find.fetch_all(&mut *tx).await.map_err(error)?;
    let ids = waiting.iter().map(|row| get::<Uuid>(row, "id").map(|id| json!(hex(id)))).collect::<Result<Vec<_>>>()?;
    let ids = Value::Array(ids).to_string();
    own!("messages_withhold_sending").bind(&ids).execute(&mut *tx).await.map_err(error)?;
    own!("messages_withhold").bind(&ids).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
    // Of a list it is charged like any message that may be out.
    let mut moved = bulk::moved(&waiting, State::Queued, State::Sending)?;
    moved.extend(bulk::moved(&waiting, State::Sending, State::Unknown)?);
    bulk::settle(tx, &moved, now).await?;
    Ok(u32::try_from(waiting.len()).unwrap_or(u32::MAX))
}

async fn lift(tx: &mut Tx, quarantine: &Quarantine, report: &Report, lifting: &Lifting, now: Time) -> Result<()> {
    if report.messages > 0 && !lifting.send_messages {
        let why = format!(
            "{} messages wait that may have been sent before; lift it again to set them aside",
            report.messages
        );
        return Err(Refusal::StillInQuarantine(why).into());
    }
    let note = lifting.note.trim();
    sql!("quarantine_lift").bind(quarantine.id).bind(now.micros()).bind(note).execute(&mut *tx).await.map_err(error)?;
    let known: i64 = report.lanes.iter().map(|lane| lane.known_to_provider_only).sum();
    let rows: i64 = report.lanes.iter().map(|lane| lane.rows).sum();
    let how = if lifting.vouched { "the operator vouches for the statements" } else { "the statements were matched" };
    let messages = if lifting.send_messages { "; messages that waited are sent" } else { "" };
    let detail =
        format!("{note}; {rows} rows were asked about, {known} were known to the provider only; {how}{messages}");
    tell_all(tx, "quarantine.lifted", &detail, now).await
}
