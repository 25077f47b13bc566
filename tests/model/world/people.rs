//! What people do: lists, approvals, verdicts.

use super::super::acts::{Answer, ugx};
use super::super::cases::{Person, Word};
use super::super::command::{Act, Look};
use super::super::lane::*;
use super::super::list::{Cell, FEE, Line};
use super::super::rules::*;
use super::lists::MAPPING;
use super::{Upload, World, pick, same};
use crate::support::chance::Chance;
use crate::support::walks::Wrong;
use gaba::batch::{Kind, NewBatch, approval};
use gaba::clock::Time;
use gaba::ids;
use gaba::money::Currency;
use gaba::payout::exception::{LaneTerms, Proposal, Verdict};
use gaba::store::{Compared, Done, Idempotency, ImportTotals, PageRequest, Refusal, StoreError};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The first row of a list after its header.
const FIRST_ROW: u32 = 2;

impl World {
    pub(super) async fn fund(&mut self, org: usize, amount: i64, reference: Option<u32>) -> Result<bool, Wrong> {
        let org = org % self.tenants.len();
        let reference = reference.unwrap_or(self.next() as u32 + 1_000);
        let model = self.model.fund(org, amount, reference);
        let operator = &self.tenants[org].operator;
        let engine = self.store.fund(operator, ugx(amount), &format!("bank-{reference}"), None).await;
        same("a funding", answer(engine)?.0, model)?;
        Ok(true)
    }

    pub(super) async fn upload(
        &mut self,
        org: usize,
        rows: u32,
        invalid: u32,
        notify: bool,
        later: Option<u32>,
        seed: u64,
    ) -> Result<bool, Wrong> {
        if self.model.batches.iter().any(|b| b.phase == Phase::Importing) {
            return Ok(false);
        }
        let (org, now, mut chance) = (org % self.tenants.len(), self.model.now, Chance::new(seed));
        let mut amounts: Vec<i64> = (0..rows).map(|_| 100 + i64::from(chance.below(900))).collect();
        // A wallet is seldom emptied by chance alone: some lists take just what is there.
        let left = self.model.orgs[org].wallet - amounts.iter().map(|amount| amount + FEE).sum::<i64>();
        if let Some(last) = amounts.last_mut().filter(|_| (1..1_000_000).contains(&left) && chance.one_in(2)) {
            *last += left;
        }
        let amounts = amounts.into_iter().map(Cell::plain);
        let unreadable = (0..invalid).map(|_| Cell::unreadable("1,00"));
        let line = |(number, amount)| Line::new(number, Cell::plain(telephone(number, chance.any())), amount);
        let lines: Vec<Line> = (FIRST_ROW..).zip(amounts.chain(unreadable)).map(line).collect();
        let key = format!("list-{}", self.model.batches.len());
        let id = ids::batch(self.tenants[org].id, ids::MODE_LIVE, &key);
        let mut batch = Batch {
            id,
            org,
            digest: None,
            earlier: Vec::new(),
            revision: 0,
            notify,
            scheduled_at: later.map(|seconds| now + Micros::from(seconds) * SECOND),
            phase: Phase::Importing,
            due: None,
            lines,
            rows: Vec::new(),
            import: Import { due: now, ..Import::default() },
            rejection: None,
            reserved: 0,
            paid: 0,
            released: 0,
            held: 0,
            submitted_by: None,
            corrected_by: Default::default(),
            keys: Default::default(),
            retries: Default::default(),
        };
        batch.list_rows(None, now);
        let b = self.model.batches.len();
        self.model.batches.push(batch);
        self.find_rows(b);
        self.model.touched.insert(b);
        same("an upload", answer(self.store.create_batch(self.new_batch(b, true)).await)?.0, Answer::Applied)?;
        Ok(true)
    }

    pub(super) async fn upload_again(&mut self, batch: usize, same_file: bool) -> Result<bool, Wrong> {
        let Some(b) = pick(batch, self.model.batches.len()) else { return Ok(false) };
        self.model.touched.insert(b);
        let model = if same_file { Answer::Already } else { Answer::Refused(Refusal::KeyReused) };
        let engine = self.store.create_batch(self.new_batch(b, same_file)).await;
        same("a repeated upload", answer(engine)?.0, model)?;
        Ok(true)
    }

    fn new_batch(&self, b: usize, same_file: bool) -> NewBatch {
        let batch = &self.model.batches[b];
        let tenant = &self.tenants[batch.org];
        NewBatch {
            id: batch.id,
            organisation: tenant.id,
            kind: Kind::Payout,
            name: format!("List {b}"),
            currency: Currency::Ugx,
            notify: batch.notify,
            sms_template: None,
            mapping: Some(MAPPING.into()),
            scheduled_at: batch.scheduled_at.map(Time),
            declared: Default::default(),
            file_name: format!("{b}.csv"),
            fingerprint: [u8::from(same_file); 32],
            file_hash: [b as u8; 32],
            upload: Uuid::from_u128(b as u128),
            created_by: tenant.maker.id,
            created_by_label: tenant.maker.label.clone(),
        }
    }

    pub(super) async fn claim_import(&mut self) -> Result<bool, Wrong> {
        let engine = self.store.claim_import(lease()).await.map_err(|e| e.to_string())?;
        let now = self.model.now;
        let due = |b: &Batch| b.phase == Phase::Importing && b.import.due <= now;
        let found = self.model.batches.iter().position(due);
        let mut claimed = None;
        if let Some(b) = found {
            self.model.touched.insert(b);
            let batch = &mut self.model.batches[b];
            batch.import.begun += 1;
            if batch.import.begun <= IMPORTS_MAX {
                (batch.import.version, batch.import.due, batch.import.arrived) =
                    (batch.import.version + 1, now + LEASE, 0);
                claimed = Some((b, batch.id, batch.import.version));
            } else {
                // Nobody survives reading it.
                batch.give_up();
            }
        }
        same("the import to claim", engine.as_ref().map(|b| b.id), claimed.map(|(_, id, _)| id))?;
        if let (Some((batch, _, version)), Some(claimed)) = (claimed, engine) {
            self.uploads.push(Upload { batch, version, claimed });
        }
        Ok(true)
    }

    /// Whether this import is still the one that reads the list.
    fn reads(&self, upload: &Upload) -> bool {
        let batch = &self.model.batches[upload.batch];
        batch.phase == Phase::Importing && batch.import.version == upload.version
    }

    pub(super) async fn import_rows(&mut self, hand: usize, n: usize, again: bool) -> Result<bool, Wrong> {
        let Some(hand) = pick(hand, self.uploads.len()) else { return Ok(false) };
        let upload = &self.uploads[hand];
        let b = upload.batch;
        let (all, arrived) = (self.rows_as_read(b), self.model.batches[b].import.arrived);
        let from = if again { 0 } else { arrived.min(all.len()) };
        let rows = all[from..(from + n).min(all.len())].to_vec();
        let model = match self.reads(upload) {
            false => Answer::Fenced,
            true if from < arrived && !rows.is_empty() => Answer::Rejected,
            true => Answer::Applied,
        };
        let numbers: Vec<u32> = rows.iter().map(|row| row.row).collect();
        let engine = self.store.import_rows(&upload.claimed, lease(), rows).await.map(Done::Applied);
        same("rows of a list", answer(engine)?.0, model.clone())?;
        if model == Answer::Applied {
            let now = self.model.now;
            let batch = &mut self.model.batches[b];
            for row in batch.rows.iter_mut().filter(|row| numbers.contains(&row.number)) {
                row.due = Some(Due { what: What::Send, from: now, until: now });
            }
            (batch.import.arrived, batch.import.due) = (arrived + numbers.len(), now + LEASE);
        }
        self.model.touched.insert(b);
        Ok(true)
    }

    pub(super) async fn finish_import(&mut self, hand: usize, wrong: bool) -> Result<bool, Wrong> {
        let Some(hand) = pick(hand, self.uploads.len()) else { return Ok(false) };
        let upload = &self.uploads[hand];
        let (b, batch) = (upload.batch, &self.model.batches[upload.batch]);
        let whole = batch.import.arrived == batch.lines.len();
        let model = match self.reads(upload) {
            false => Answer::Fenced,
            true if !whole || wrong => Answer::Rejected,
            true => Answer::Applied,
        };
        let (rows, valid) = (batch.lines.len() as i64, batch.rows.len() as i64);
        let amount = batch.rows.iter().map(|r| r.amount).sum::<i64>();
        let digest = approval::digest(&self.store, &upload.claimed).await.map_err(|e| e.to_string())?;
        let totals = ImportTotals {
            rows,
            valid,
            invalid: rows - valid,
            warnings: 0,
            amount: amount + i64::from(wrong),
            fees: FEE * valid,
            tax: 0,
            digest: digest.clone(),
            understood: None,
        };
        let engine = self.store.finish_import(&upload.claimed, totals).await.map(Done::Applied);
        same("the end of an import", answer(engine)?.0, model.clone())?;
        self.model.touched.insert(b);
        if model == Answer::Applied {
            self.model.batches[b].phase = Phase::Ready;
            self.model.reckoned(b, Some(digest))?;
        }
        Ok(true)
    }

    pub(super) async fn fail_import(&mut self, hand: usize) -> Result<bool, Wrong> {
        let Some(hand) = pick(hand, self.uploads.len()) else { return Ok(false) };
        let upload = &self.uploads[hand];
        let (b, reads) = (upload.batch, self.reads(upload));
        let model = if reads { Answer::Applied } else { Answer::Fenced };
        let engine = self.store.fail_import(&upload.claimed, "this is no list").await.map(Done::Applied);
        same("a failed import", answer(engine)?.0, model)?;
        self.model.touched.insert(b);
        if reads {
            self.model.batches[b].give_up();
        }
        Ok(true)
    }

    pub(super) async fn give_back_import(&mut self, hand: usize, seconds: u32) -> Result<bool, Wrong> {
        let Some(hand) = pick(hand, self.uploads.len()) else { return Ok(false) };
        let upload = &self.uploads[hand];
        let (b, reads) = (upload.batch, self.reads(upload));
        let model = if reads { Answer::Applied } else { Answer::Fenced };
        let wait = Duration::from_secs(seconds.into());
        let engine = self.store.give_back_import(&upload.claimed, wait).await.map(Done::Applied);
        same("an import given back", answer(engine)?.0, model)?;
        self.model.touched.insert(b);
        if reads {
            // Whoever gives it back did not die of it.
            let (now, import) = (self.model.now, &mut self.model.batches[b].import);
            (import.version, import.begun, import.due) =
                (import.version + 1, import.begun - 1, now + Micros::from(seconds) * SECOND);
            self.model.tell("an import is given back");
        }
        Ok(true)
    }

    pub(super) async fn act(&mut self, batch: usize, by: Person, stranger: bool, act: Act) -> Result<bool, Wrong> {
        let Some(b) = pick(batch, self.model.batches.len()) else { return Ok(false) };
        self.model.touched.insert(b);
        let (id, org) = (self.model.batches[b].id, self.model.batches[b].org);
        let tenant = &self.tenants[if stranger { (org + 1) % self.tenants.len() } else { org }];
        let (actor, store) = (tenant.person(by).clone(), self.store.clone());
        match act {
            Act::Submit { exclude, hasty } => return self.submit(b, &actor, by, stranger, exclude, hasty).await,
            Act::Retry { key } => return self.retry(b, &actor, by, stranger, key).await,
            _ => {}
        }
        let reason = |n: u8| format!("reason {n}");
        let stale = matches!(act, Act::Approve { stale: true, .. });
        let shown = &self.looked_at(b, if stale { Look::Before } else { Look::Now });
        let model = match act {
            _ if stranger => Answer::NotFound,
            Act::Reject { reason: n } => self.model.reject(b, &reason(n)),
            Act::Withdraw => self.model.withdraw(b),
            Act::Approve { seen, key, .. } => self.model.approve(b, by, shown, seen, key),
            Act::Pause => self.model.pause(b),
            Act::Resume => self.model.resume(b),
            Act::Cancel => self.model.cancel(b),
            Act::Submit { .. } | Act::Retry { .. } => unreachable!("done above"),
        };
        let engine = match act {
            Act::Reject { reason: n } => answer(store.reject(&actor, id, &reason(n), None).await)?.0,
            Act::Withdraw => answer(store.withdraw(&actor, id, None).await)?.0,
            Act::Approve { seen, key, .. } => {
                let lists = store.lists_seen(actor.organisation).await.map_err(|e| e.to_string())?;
                let lists = if seen { lists } else { lists - 1 };
                answer(store.approve(&actor, id, shown, Compared::Seen(lists), idempotency(b, "approve", key)).await)?.0
            }
            Act::Pause => answer(store.pause(&actor, id, None).await)?.0,
            Act::Resume => answer(store.resume(&actor, id, None).await)?.0,
            Act::Cancel => answer(store.cancel(&actor, id, None).await)?.0,
            Act::Submit { .. } | Act::Retry { .. } => unreachable!("done above"),
        };
        same(format!("{act:?}"), engine, model)?;
        Ok(true)
    }

    async fn retry(
        &mut self,
        b: usize,
        actor: &gaba::org::Principal,
        by: Person,
        stranger: bool,
        key: Option<u8>,
    ) -> Result<bool, Wrong> {
        let id = self.model.batches[b].id;
        let (engine, told) = answer(self.store.retry_failed(actor, id, None, idempotency(b, "retry", key)).await)?;
        let replayed = key.is_some_and(|key| self.model.batches[b].retries.contains(&(by, key)));
        let model = match stranger {
            true => Answer::NotFound,
            false if replayed => Answer::Already,
            false => match self.model.retry(b, by) {
                Err(refused) => refused,
                Ok((retried, skipped)) => {
                    self.model.batches[b].retries.extend(key.map(|key| (by, key)));
                    let told = told.unwrap_or_default();
                    same("retried", told["retried"].as_u64(), Some(retried as u64))?;
                    let rows = told["skipped"].as_array().into_iter().flatten();
                    let rows = rows.filter_map(|s| Some(s["row"].as_u64()? as u32)).collect();
                    same("skipped", rows, skipped)?;
                    Answer::Applied
                }
            },
        };
        same("a retry", engine, model)?;
        Ok(true)
    }

    pub(super) async fn resolve(&mut self, case: usize, by: Person, word: Word, stranger: bool) -> Result<bool, Wrong> {
        let Some(which) = pick(case, self.model.cases.len()) else { return Ok(false) };
        let at = self.model.cases[which].at;
        let org = self.model.batches[at.0].org;
        self.model.touched.insert(at.0);
        let id = self.id_of_case(which).await?;
        let tenant = &self.tenants[if stranger { (org + 1) % self.tenants.len() } else { org }];
        let actor = tenant.person(by).clone();
        let labels = [Person::Maker, Person::Checker].map(|person| (person, tenant.person(person).label.clone()));
        let label = |person| labels.iter().find(|(named, _)| *named == person).unwrap().1.clone();
        let proposal = Proposal {
            verdict: Verdict::parse(word.say.name()).unwrap(),
            note: format!("note {}", word.note),
            evidence_sha256: word.evidence.map(|n| n.to_string().repeat(64)),
            transaction_id: word.transaction.map(|n| format!("T-{n}")),
            paid_amount: word.paid_amount.map(ugx),
            seen: None,
        };
        let terms = || LaneTerms {
            reissue_after: Duration::from_micros(REISSUE_AFTER as u64),
            sms_lane: Some(SMS_LANE.into()),
        };
        let before = self.model.cases[which].resolution;
        let engine = answer(self.store.resolve(&actor, id, proposal, Arc::new(move |_| terms()), None).await)?.0;
        let model = if stranger { Answer::NotFound } else { self.model.resolve(which, by, word, label) };
        same(format!("{word:?} by {by:?} on {:?}", self.model.cases[which]), engine, model)?;
        if before.is_none() && matches!(self.model.cases[which].resolution, Some("reissue" | "not_paid")) {
            self.provider.give_up(at);
        }
        Ok(true)
    }

    /// The store's name of a case: of several of a kind and an attempt, the one that was opened as the same of them.
    async fn id_of_case(&self, which: usize) -> Result<Uuid, Wrong> {
        let case = &self.model.cases[which];
        let like = |c: &&super::super::cases::Case| (c.at, c.kind, c.attempt) == (case.at, case.kind, case.attempt);
        let nth = self.model.cases[..which].iter().filter(like).count();
        let organisation = self.tenants[self.model.batches[case.at.0].org].id;
        let page = PageRequest { cursor: None, limit: 500 };
        let told = self.store.exceptions(organisation, None, None, page).await.map_err(|e| e.to_string())?.items;
        let mut found = told.iter().filter(|e| {
            self.rows_of.get(&e.payout_id) == Some(&case.at) && e.kind == case.kind && e.attempt == case.attempt
        });
        found.nth(nth).map(|e| e.id).ok_or_else(|| format!("the store does not know of {case:?}"))
    }

    pub(super) async fn start_scheduled(&mut self) -> Result<bool, Wrong> {
        let engine = self.store.start_scheduled().await.map_err(|e| e.to_string())?;
        same("whether a batch started", engine, self.model.start_scheduled())?;
        Ok(true)
    }

    pub(super) async fn sweep(&mut self, n: u32) -> Result<bool, Wrong> {
        let engine = self.store.sweep_cancelled(n).await.map_err(|e| e.to_string())?;
        let batch = self.model.to_sweep();
        same("whether a batch was swept", engine, batch.is_some())?;
        let Some(b) = batch else { return Ok(true) };
        // Which of its rows a sweep takes first is the engine's to choose.
        let may = self.model.sweepable(b);
        let organisation = self.tenants[self.model.batches[b].org].id;
        let page = PageRequest { cursor: None, limit: 500 };
        let rows = self.store.payouts(organisation, self.model.batches[b].id, None, page).await;
        let rows = rows.map_err(|e| e.to_string())?.items;
        let swept: Vec<usize> = may.iter().copied().filter(|&r| rows[r].state == "cancelled").collect();
        same("rows swept", swept.len(), may.len().min(n as usize))?;
        self.model.sweep(b, &swept, n as usize);
        Ok(true)
    }
}

fn idempotency(b: usize, act: &str, key: Option<u8>) -> Option<Idempotency> {
    let route = format!("POST /v1/batches/{b}/{act}");
    key.map(|key| Idempotency { key: format!("key-{key}"), route, fingerprint: [0; 32] })
}

/// What an act of the store answered, in the model's words. A database in trouble is no answer.
pub(super) fn answer<T>(result: Result<Done<T>, StoreError>) -> Result<(Answer, Option<T>), Wrong> {
    Ok(match result {
        Ok(Done::Applied(told)) => (Answer::Applied, Some(told)),
        Ok(Done::AlreadyApplied(told)) => (Answer::Already, Some(told)),
        // What such a refusal says in words is not the model's to know.
        Err(StoreError::Refused(Refusal::Invalid(_))) => (Answer::Refused(Refusal::Invalid(String::new())), None),
        Err(StoreError::Refused(Refusal::PaidAmount(_))) => (Answer::Refused(Refusal::PaidAmount(String::new())), None),
        Err(StoreError::Refused(refusal)) => (Answer::Refused(refusal), None),
        Err(StoreError::Fenced) => (Answer::Fenced, None),
        Err(StoreError::NotFound) => (Answer::NotFound, None),
        Err(StoreError::Rejected(_)) => (Answer::Rejected, None),
        Err(StoreError::Unavailable(why)) => return Err(format!("the database is not available: {why}")),
    })
}
